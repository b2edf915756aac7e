//! The networks of the transcripts, and how these are read, from the files that the transcripts' own tests have them from, and as a switch's
//! configuration.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use switch_core::{Format, NetworkConfig};

#[expect(dead_code, reason = "some of it is for the tests of the core alone")]
#[path = "../../../../switch-core/tests/it/families.rs"]
mod families;
#[expect(dead_code, reason = "some of it is for the tests of the core alone")]
#[path = "../../../../switch-core/tests/it/network.rs"]
mod network;
#[expect(dead_code, reason = "some of it is for the tests of the core alone")]
#[path = "../../../../switch-core/tests/it/ofml.rs"]
mod ofml;

#[path = "../../../../switch-core/tests/it/sentences.rs"]
pub(crate) mod sentences;
#[path = "../../../../switch-core/tests/it/written.rs"]
pub(super) mod written;

/// The network that a transcript of that name is played on.
pub(super) fn of(transcript: &str) -> NetworkConfig {
    match transcript.split_once('-') {
        Some(("family", _)) => families::config(),
        Some(("niem", _)) => families::niem_config(),
        Some(("ofml", _)) => ofml::config(),
        Some(("short", _)) => network::short_config(),
        _ => network::config(),
    }
}

/// What a transcript reloads, by its words.
pub(super) fn reloaded(words: &[&str]) -> NetworkConfig {
    network::other_config(words)
}

/// What a switch has to be told besides.
pub(super) struct Around<'a> {
    /// The directory of its journal.
    pub(super) data: &'a str,
    /// Messages that may be on their way to a station, where that is not the usual number.
    pub(super) windows: &'a BTreeMap<String, u16>,
    /// Tables of operators.
    pub(super) operators: &'a str,
}

/// How long the switch waits for an acknowledgement here.
const ACK_WAIT_MS: u64 = 60_000;

/// The network file that says the same.
pub(super) fn file(config: &NetworkConfig, around: &Around<'_>) -> String {
    let mut text = format!(
        "[switch]\nlinks = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\ndata = \"{}\"\nsegment_bytes = 1048576\n\
         carried = [\"KQ\"]\n\n[pki]\nca = \"pki/ca.pem\"\ncrl = \"pki/crl.pem\"\ncertificate = \"pki/switch.pem\"\n\
         key = \"pki/switch.key\"\n{}",
        around.data, around.operators
    );
    put(&mut text, format_args!("\n[limits]\n"));
    for row in switch::LIMIT_ROWS {
        // A message of a mute station is not sent again while a busy machine plays on.
        let value = if row.key == "ack_wait_ms" { ACK_WAIT_MS } else { row.value(&config.limits) };
        put(&mut text, format_args!("{} = {value}\n", row.key));
    }
    for station in &config.stations {
        let name = station.name.as_str();
        put(&mut text, format_args!("\n[[station]]\nname = \"{name}\"\n"));
        put(&mut text, format_args!("lines = {}\noris = {}\n", list(&station.lines), list(&station.oris)));
        put(&mut text, format_args!("accepts = {}\nsends = {}\n", list(&station.accepts), list(&station.sends)));
        let window = around.windows.get(name).copied().unwrap_or(station.window);
        put(&mut text, format_args!("window = {window}\n"));
        if let Some(hold) = station.hold {
            put(&mut text, format_args!("hold_seconds = {}\n", hold.as_secs()));
        }
        let format = match station.format {
            Format::Legacy => "legacy",
            Format::Niem => "niem",
            Format::Ofml => "ofml",
        };
        put(&mut text, format_args!("format = \"{format}\"\n"));
        if let Some(destination) = &station.destination {
            put(&mut text, format_args!("destination = \"{destination}\"\n"));
        }
    }
    for agency in &config.oris {
        let (letters, details) = (agency.authorization.iter().map(|one| one.letter()), &agency.details);
        put(&mut text, format_args!("\n[[ori]]\nori = \"{}\"\nline = \"{}\"\n", agency.ori, agency.line));
        put(&mut text, format_args!("name = \"{}\"\ntype = \"{}\"\n", details.name, details.kind));
        put(&mut text, format_args!("authorization = \"{}\"\n", letters.collect::<String>()));
        put(&mut text, format_args!("active = {}\neditor = {}\n", agency.active, agency.editor));
    }
    for group in &config.groups {
        let members = list(&group.members);
        put(&mut text, format_args!("\n[[group]]\ncode = \"{}\"\nmembers = {members}\n", group.code));
    }
    for state in &config.states {
        let word = state.state.as_str();
        put(&mut text, format_args!("\n[[state]]\nstation = \"{}\"\nkey = \"{}\"\n", state.station, state.key));
        put(&mut text, format_args!("state = \"{word}\"\n"));
    }
    text
}

fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a string takes text");
}

fn list<T: Display>(all: impl IntoIterator<Item = T>) -> String {
    let all: Vec<_> = all.into_iter().map(|one| format!("\"{one}\"")).collect();
    format!("[{}]", all.join(", "))
}
