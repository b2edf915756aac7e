//! The golden transcripts of `switch-core` once more, each against a real switch over real TLS: what its stations send goes
//! over links, what its operators do over the admin address, restarts are restarts. What comes back must be what the
//! transcript has, to the byte but for times.

mod networks;
mod player;
mod script;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

pub(crate) use self::networks::sentences;
use self::player::{Operators, Player};
use crate::binary::{checkout, orinet};
use crate::net::Net;
use crate::process::run;

/// What of a transcript is not replayed: its name, from which event on (from the first, where none is given), what happens
/// then that cannot be made to happen in a replay, and the tests of this crate or the other transcripts, replayed to their ends, that
/// show it instead; nothing, where it says why nothing can.
type Left = (&'static str, Option<&'static str>, &'static str, &'static [&'static str]);

const LEFT: &[Left] = &[
    ("absent", Some("65.0 attach 6"), "a minute passes, and a link gives room late", &[AFTER_A_STOP]),
    ("acts", None, "acts of the process itself", &["a_damaged_journal_is_explained_repaired_and_gone_on_with"]),
    ("confirmations", Some("700 timeout"), "minutes pass", &["short-overdue", PUT_OFF]),
    ("expiry", Some("3600.9 timeout"), "hours pass", &["short-expiry"]),
    ("expiry-lost-link", Some("3700.0 detach 2"), "an hour passes", &["short-expiry-lost-link"]),
    ("full", Some("1.1 full"), "the disk is full", &["a_full_disk_turns_senders_away_and_is_recovered_from"]),
    ("log-query", Some("1.0 receive"), "a search answers", &[SEARCH]),
    (
        "log-query-refused",
        Some("3.1 receive"),
        "searches do not answer",
        &["a_log_query_too_many_is_turned_away_and_the_others_are_answered"],
    ),
    ("niem-in", Some("5.0 receive 3 4 NLQ"), "a search answers", &[SEARCH_OF_XML]),
    ("ofml-marks", Some("3.5 attach 3"), "the mark of a delivery is lost", &["what_was_acknowledged_survives_a_kill"]),
    ("operator-again", Some("3700.0 timeout"), "an hour passes", &["short-expiry"]),
    ("operator-divert-restart", Some("2.0 restart 4"), LOST_END, &[]),
    (
        "operator-drain",
        Some("2.0 full"),
        "the disk is full",
        &["a_full_file_system_turns_senders_away_and_room_brings_them_back"],
    ),
    ("operator-hold", Some("3700.0 timeout"), "an hour passes", &["short-hold"]),
    ("resent", Some("2.0 receive 1 7"), "a link gives no room", &[AFTER_A_STOP]),
    ("states", Some("5 restart"), "a link gives room late", &[OUT_OF_SERVICE]),
    ("suspect", Some("16.0 detach 2 2"), "minutes pass", &["a_copy_on_whose_account_links_are_lost_is_a_dead_letter"]),
];
/// The records after the fourth were on their way to the disk. A process that is killed leaves what it has written to the system, which
/// keeps it, and one whose machine stops cannot be played here; `sim` and `conformance/synced.py` stop machines.
const LOST_END: &str = "the end of the journal is lost";
const PUT_OFF: &str = "a_hit_confirmation_is_in_the_journal_until_it_is_answered";
const AFTER_A_STOP: &str = "what_waits_survives_a_stop_and_a_kill_with_its_number";
const OUT_OF_SERVICE: &str = "a_station_that_is_out_of_service_gets_its_messages_when_it_is_back";
const SEARCH: &str = "a_station_lists_its_messages_and_gets_one_in_full";
const SEARCH_OF_XML: &str = "the_log_finds_a_message_in_xml_by_its_words_and_shows_it_as_it_left";

/// Every transcript: its name and text.
fn transcripts() -> BTreeMap<String, String> {
    let folder: PathBuf = checkout("crates/switch-core/tests/it/transcripts");
    let files = fs::read_dir(folder).expect("the transcripts").map(|entry| entry.expect("an entry").path());
    let all = files.map(|file| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&file).expect("a transcript"))
    });
    all.collect()
}

/// The part of a transcript that is replayed, and whether that is all of it; nothing, where none of it is.
fn replayed<'a>(name: &str, text: &'a str) -> Option<(&'a str, bool)> {
    match LEFT.iter().find(|(other, ..)| *other == name) {
        None => Some((text, true)),
        Some((_, None, ..)) => None,
        Some((_, from, ..)) => Some((script::before(text, *from), false)),
    }
}

#[test]
fn transcripts_hold_over_tls() {
    let net = Net::new();
    let operators = operators(&net, &["chief", "desk"]);
    let mut failed = Vec::new();
    for (name, text) in transcripts() {
        let Some((part, whole)) = replayed(&name, &text) else { continue };
        failed.extend(Player::new(&net, &name, &operators, &text).play(part, whole).err());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn what_is_left_out_is_there_and_shown_by_tests_that_are_there() {
    let all = transcripts();
    let files =
        fs::read_dir(checkout("crates/e2e/tests/it")).expect("the tests").map(|entry| entry.expect("an entry").path());
    let sources = files.filter(|file| file.is_file()).map(|file| fs::read_to_string(file).expect("a source"));
    let sources: String = sources.collect();
    for (name, from, _, tests) in LEFT {
        let text = all.get(*name).unwrap_or_else(|| panic!("there is no transcript {name}"));
        assert!(script::before(text, *from).len() <= text.len());
        for test in *tests {
            if all.get(*test).and_then(|text| replayed(test, text)).is_some_and(|(_, whole)| whole) {
                continue;
            }
            assert!(sources.contains(&format!("fn {test}()")), "{name}: there is no test {test}");
        }
    }
}

/// A real switch reads what it asks for; a transcript that leaves that open tells only half of what comes.
#[test]
fn what_is_replayed_to_its_end_reads_all_that_it_asks_for() {
    for (name, text) in transcripts() {
        let Some((part, true)) = replayed(&name, &text) else { continue };
        assert_eq!(script::unread(part), 0, "{name}");
    }
}

#[test]
fn every_sentence_of_a_refusal_is_said_over_tls() {
    let texts = transcripts();
    let said: Vec<&str> = texts
        .iter()
        .filter_map(|(name, text)| replayed(name, text))
        .flat_map(|(part, _)| sentences::said(part))
        .collect();
    let missing: Vec<_> = sentences::all(&checkout("crates"))
        .into_iter()
        .filter(|one| !said.iter().any(|line| one.is_in(line)))
        .map(|one| format!("{}: {:?}", one.source, one.text))
        .collect();
    assert!(missing.is_empty(), "no transcript that is replayed says\n{}", missing.join("\n"));
}

/// Operators who may do everything.
fn operators(net: &Net, names: &[&str]) -> Operators {
    let mut operators = Operators { tables: String::new(), tokens: BTreeMap::new() };
    for name in names {
        let token = net.path(&format!("{name}.token"));
        let rights = "look,route,letters,directory,control";
        let made = run(orinet().args(["ctl", "token", "--name", name, "--rights", rights, "--out"]).arg(&token));
        assert_eq!(made.code, Some(0), "{made:#?}");
        operators.tables.push_str(&made.stdout);
        let token = fs::read_to_string(token).expect("a token");
        operators.tokens.insert((*name).to_owned(), token.trim().to_owned());
    }
    operators
}
