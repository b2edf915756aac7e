//! What is done behind the journal: starts from checkpoints, old segments that go, signed statements, search in band.

use std::fs;
use std::process::Command;

use crate::net::{Net, Node, PEER, STATE, TERMINAL, note};
use crate::process::{Stream, must, run};
use crate::station::Station;

/// Much of a segment of these tests, which is a mebibyte long.
const LONG_BYTES: usize = 200_000;

/// A long message to a line. Three and a half fill a segment.
pub(crate) fn long(line: &str, number: usize) -> String {
    format!("AM.{TERMINAL}.{line}.TXT\r\nNUMBER {number:03} {}", "LONG ".repeat(LONG_BYTES / 5))
}

/// The number behind `name=` in the line in which the switch says how it read its journal.
pub(crate) fn read(switch: &Node, name: &str) -> u64 {
    let line = switch.process.line(Stream::Err, "the journal was read");
    let number = line.split_once(&format!("{name}=")).and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no {name} in {line:?}"))
}

#[test]
fn a_start_reads_from_the_checkpoint_on_and_nothing_is_lost() {
    let net = Net::new();
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    (0..8).for_each(|number| terminal.send(&long(STATE, number)));
    switch.process.line(Stream::Err, "a checkpoint was made");
    terminal.send(&note("BEHIND THE CHECKPOINT"));
    switch.kill();

    let switch = net.switch();
    let (records, replayed) = (read(&switch, "records"), read(&switch, "replayed"));
    assert!(read(&switch, "checkpoint") > 0 && replayed < records, "{replayed} of {records} replayed");
    let mut state = switch.station(STATE);
    (0..8).for_each(|number| drop(state.take(&format!("NUMBER {number:03}"))));
    let last = state.take("BEHIND THE CHECKPOINT");
    assert_eq!(last.osn(), 9, "numbers go on where they were");
    switch.await_metric(&format!("orinet_copies_delivered_total{{station=\"{STATE}\"}}"), 9.0);
    drop(state);
    switch.stop();
    // An orderly end leaves a checkpoint where that costs little.
    let switch = net.switch();
    assert_eq!(read(&switch, "replayed"), 0);
}

/// The control to the test above: without checkpoints everything is read.
#[test]
fn without_its_checkpoints_a_start_reads_everything() {
    let net = Net::new();
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    (0..8).for_each(|number| terminal.send(&long(STATE, number)));
    switch.process.line(Stream::Err, "a checkpoint was made");
    switch.kill();
    let files = fs::read_dir(net.path("data/journal")).unwrap().map(|entry| entry.unwrap().path());
    let checkpoints: Vec<_> = files.filter(|path| path.display().to_string().contains("checkpoint-")).collect();
    assert!(!checkpoints.is_empty());
    checkpoints.iter().for_each(|path| fs::remove_file(path).unwrap());
    let switch = net.switch();
    assert_eq!((read(&switch, "checkpoint"), read(&switch, "replayed")), (0, read(&switch, "records")));
    let mut state = switch.station(STATE);
    (0..8).for_each(|number| drop(state.take(&format!("NUMBER {number:03}"))));
}

#[test]
fn old_segments_go_when_nothing_in_them_waits() {
    let net = Net::new();
    net.change("[pki]", "[journal]\nkeep_bytes = 1\nshorter_than_a_year = true\n\n[pki]");
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&note("IT WAITS IN THE FIRST SEGMENT"));
    let mut other = switch.station("ZB");
    let mut fill = |from: usize| {
        for number in from..from + 8 {
            terminal.send(&long("ZB", number));
            other.take(&format!("NUMBER {number:03}"));
        }
        switch.process.line(Stream::Err, "a checkpoint was made");
    };
    (0..3).for_each(|round| fill(round * 8));
    assert_eq!(switch.metrics().value("orinet_journal_pruned_segments_total"), Some(0.0), "something waits there");
    let first = net.path("data/journal/segment-0000000001");
    assert!(first.exists());

    switch.station(STATE).take("IT WAITS IN THE FIRST SEGMENT");
    // Two checkpoints have to know it: a start may need the older one.
    (3..6).for_each(|round| fill(round * 8));
    switch.process.line(Stream::Err, "old segments of the journal were removed");
    assert!(!first.exists());
    assert!(switch.metrics().value("orinet_journal_pruned_segments_total") > Some(0.0));
    switch.kill();
    let switch = net.switch();
    assert!(read(&switch, "checkpoint") > 0);
    switch.station("ZB").send(&format!("AM.ZB0010000.{STATE}.TXT\r\nIT GOES ON"));
    switch.station(STATE).take("IT GOES ON");
}

#[test]
fn a_journal_shorter_than_a_year_and_a_key_beside_the_data_are_refused() {
    for (table, says) in [
        ("[journal]\nkeep_days = 30", "audit logs are kept for at least a year"),
        ("[audit]\nkey = \"data/audit.key\"\nstatements = \"statements\"", "lies in the data directory"),
        ("[audit]\nkey = \"no.key\"\nstatements = \"statements\"", "no.key"),
    ] {
        let net = Net::new();
        net.change("[pki]", &format!("{table}\n\n[pki]"));
        let finished = run(&mut net.command());
        assert_eq!((finished.code, finished.stderr.lines().count()), (Some(64), 1), "{finished:#?}");
        assert!(finished.stderr.contains(says), "{}", finished.stderr);
    }
}

#[test]
fn the_journals_end_is_signed_while_it_grows_and_at_an_orderly_end() {
    let net = Net::new();
    net.change("[pki]", "[audit]\nkey = \"audit.key\"\nstatements = \"statements\"\nevery_seconds = 1\n\n[pki]");
    must(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(net.path("audit.key")));
    let switch = net.switch();
    switch.await_metric("orinet_journal_statements_total", 1.0);
    switch.station(TERMINAL).send(&note("SOMETHING NEW"));
    let finished = switch.stop();
    let text = fs::read_to_string(net.path("statements")).unwrap();
    let sequences: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["sequence"].as_u64().unwrap())
        .collect();
    assert!(sequences.len() >= 2 && sequences.is_sorted(), "{sequences:?}");
    let down = finished.stderr.lines().find(|line| line.contains("the switch is down")).unwrap();
    assert!(down.contains(&format!("record={}", sequences.last().unwrap())), "{down} {sequences:?}");
}

/// Asks for a list of messages with a word, and returns it.
fn list(station: &mut Station, ori: &str, word: &str) -> String {
    station.send(&format!("NLQ.{ori}.NL.*LIST.TXT\r\nTYP/ALL.BEG/20000101.END/20991231.FND/{word}"));
    let queued = station.take("QUEUED");
    assert_eq!((queued.output().key.as_str(), queued.isn()), ("NLR", 0));
    let answer = station.take("NLR.NL0000000");
    assert_eq!(answer.output().control.map(|control| control.as_str().to_owned()).as_deref(), Some("LIST"));
    answer.text
}

/// Asks for a message in full.
fn full(station: &mut Station, ori: &str, msn: &str) -> String {
    station.send(&format!("NFQ.{ori}.NL.TXT\r\nMSN/{msn}"));
    station.take("QUEUED");
    station.take("NFR.NL0000000").text
}

#[test]
fn a_station_finds_what_it_sent_or_was_sent_and_nothing_else() {
    let net = Net::new();
    let switch = net.switch();
    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.station(STATE));
    terminal.send(&note("A MAROON SEDAN WAS SEEN"));
    state.take("MAROON SEDAN");
    for (station, ori) in [(&mut state, PEER), (&mut terminal, TERMINAL)] {
        let found = list(station, ori, "maroon sedan");
        let line = found.lines().find(|line| line.contains(" AM ")).unwrap_or_else(|| panic!("{found}"));
        let msn = line.split(' ').next().unwrap();
        let text = full(station, ori, msn);
        assert!(text.contains("A MAROON SEDAN WAS SEEN") && text.contains(&format!("AM.{TERMINAL}")), "{text}");
    }
    let mut stranger = switch.station("ZB");
    assert!(list(&mut stranger, "ZB0010000", "maroon sedan").contains("NOT ON FILE"));
    assert!(full(&mut stranger, "ZB0010000", "1").contains("NOT ON FILE"));
    let metrics = switch.metrics();
    assert_eq!(metrics.value("orinet_log_queries_total"), metrics.value("orinet_log_answers_total"));
    assert!(metrics.value("orinet_search_lag_records").is_some());
    switch.stop();
}

#[test]
fn a_search_that_is_switched_off_is_refused() {
    let net = Net::new();
    net.change("[pki]", "[search]\nenabled = false\n\n[pki]");
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&format!("NFQ.{TERMINAL}.NL.TXT\r\nMSN/1"));
    terminal.take(".02. MESSAGE TYPE NOT ALLOWED TO DESTINATION - NL");
    assert!(!net.path("data/search.sqlite3").exists());
}
