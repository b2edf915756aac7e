//! Periods and bounds as the network file sets them: what becomes of a message when one is over or reached, seen by stations, operators
//! and the journal.

use std::fs;

use bytes::{Bytes, BytesMut};
use codec::block::{Blocks, Function, Status};
use rustix::process::Signal;
use serde_json::Value;

use crate::ctl::{acts, assert_told, staffed};
use crate::net::{Net, PEER, STATE, TERMINAL, note};
use crate::process::Stream;

/// The sample network with a table of limits.
fn limited(limits: &str) -> Net {
    let net = Net::new();
    net.change("[pki]", &format!("[limits]\n{limits}\n\n[pki]"));
    net
}

/// A request to confirm a hit, from the terminal to the peer's agency.
fn request(case: &str, priority: char) -> String {
    format!(
        "YQ.{TERMINAL}.{PEER}.*{case}.TXT\r\nRTY/WP.RNO/1.PRI/{priority}.OCA/{case}.NIC/N000000001.NAM/SAMPLE, PERSON A.\
         DOB/19800102.RNA/SGT TEST ONE.RAG/TEST PD"
    )
}

fn listed(answer: &Value) -> Vec<(bool, bool)> {
    let all = answer["confirmations"].as_array().expect("a list");
    all.iter().map(|one| (one["urgent"] == true, one["overdue"] == true)).collect()
}

#[test]
fn an_overdue_confirmation_is_told_to_both_listed_and_counted() {
    const TOLD: &str = "HIT CONFIRMATION NOT ANSWERED IN TIME";
    let net = limited("confirm_urgent_seconds = 600");
    let (switch, chief, desk) = staffed(&net);
    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.station(STATE));
    terminal.send(&request("CASE1", 'R'));
    assert_eq!(listed(&desk.json(&["confirmations"])), [(false, false)]);
    // For a class that cannot wait for ten minutes; what holds, holds for what comes.
    net.change("confirm_urgent_seconds = 600", "confirm_urgent_seconds = 1");
    let reloaded = chief.does(&["reload"]);
    assert!(reloaded.contains("limits changed"), "{reloaded}");
    terminal.send(&request("CASE2", 'U'));
    for station in [&mut terminal, &mut state] {
        let told = station.take(TOLD);
        assert!(told.text.contains("PRI U") && told.text.contains("OCA CASE2"), "{}", told.text);
        assert_eq!(told.output().sender.as_str(), "NL0000000");
    }
    switch.await_metric("orinet_confirmations_overdue_total{priority=\"urgent\"}", 1.0);
    assert_eq!(listed(&desk.json(&["confirmations"])), [(true, true), (false, false)], "the overdue one first");
    let shown = desk.does(&["confirmations"]);
    assert!(shown.contains("OVERDUE") && !shown.contains("no hit confirmation"), "{shown}");
    // It can still be answered.
    state.send(&format!(
        "YR.{PEER}.{TERMINAL}.*CASE2.TXT\r\nRTY/WP.RNO/1.PRI/U.OCA/CASE2.NIC/N000000001.RES/Y.RNA/CPL TEST TWO.RAG/TEST SO"
    ));
    terminal.take("RES/Y");
    assert_eq!(listed(&desk.json(&["confirmations"])), [(false, false)]);
    switch.stop();
}

#[test]
fn what_expires_comes_back_and_is_sent_again_as_it_was() {
    let net = Net::new();
    net.change("name = \"ZC\"\n", "name = \"ZC\"\nhold_seconds = 1\n");
    let (switch, chief, _) = staffed(&net);
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&note("TOO LATE"));
    terminal.take(".02. USER OUT OF SERVICE");
    let back = terminal.take(".04. USER OUT OF SERVICE");
    assert!(back.text.contains("ORIGINAL MESSAGE") && back.text.contains("TOO LATE"), "{}", back.text);
    switch.await_metric("orinet_copies_returned_total{reason=\"expired\"}", 1.0);
    let letters = chief.json(&["letters", "list"]);
    assert_eq!(letters["letters"][0]["why"], "expired", "{letters}");
    let mut state = switch.station(STATE);
    assert_eq!(state.take_all(), [], "what came back is not sent");
    let letter = letters["letters"][0]["letter"].as_u64().expect("a number").to_string();
    chief.does(&["letters", "resend", &letter]);
    assert_eq!(state.take("TOO LATE").output().destination, PEER);
    switch.await_metric("orinet_dead_letters", 0.0);
    switch.stop();
    assert_told(&acts(&net), "chief", &format!("send letter {letter} again, as it was"), "message 1 goes again to ZC");
}

#[test]
fn a_copy_on_whose_account_links_are_lost_is_a_dead_letter() {
    // One send and one link in place of three of each; who refuses for now is asked again after the link is gone.
    let net = limited("links_lost_max = 1\nsends_max = 1\ntemporary_wait_ms = 600000");
    let switch = net.switch();
    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.mute_station(STATE));
    terminal.send(&note("REFUSED FOR NOW"));
    let first = state.take("REFUSED FOR NOW");
    state.refuse_for_now(first.validation).expect("the link is up");
    terminal.send(&note("NEVER ACKNOWLEDGED"));
    state.take("NEVER ACKNOWLEDGED");
    assert!(state.is_closed_within(crate::PATIENCE), "the switch gives the link up");
    let back = terminal.take(".04. ");
    assert!(back.text.contains("NEVER ACKNOWLEDGED"), "the one that was never answered pays: {}", back.text);
    switch.await_metric("orinet_copies_returned_total{reason=\"links_lost\"}", 1.0);
    let mut state = switch.station(STATE);
    let again = state.take("REFUSED FOR NOW");
    assert_eq!(again.validation, first.validation, "the older one is the same copy still");
    assert_eq!(state.take_all(), []);
    switch.stop();
}

#[test]
fn a_log_query_too_many_is_turned_away_and_the_others_are_answered() {
    const ASKED: u32 = 32;
    let net = limited("log_queries_max = 1");
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    let mut bytes = BytesMut::new();
    for validation in 1..=ASKED {
        let query = format!("NFQ.{TERMINAL}.NL.TXT\r\nMSN/1");
        Blocks::new(validation, Bytes::from(query)).for_each(|block| block.encode(&mut bytes));
    }
    // All in one write: the second is there before the first is on disk, let alone answered.
    terminal.write(&bytes).expect("the link is up");
    let mut taken = 0;
    for validation in 1..=ASKED {
        let reply = terminal.reply(validation).expect("the link is up");
        match (reply.function(), reply.status()) {
            (Function::Ack, Status::OK) => taken += 1,
            (Function::Nack, Status::TOO_MANY) => {}
            other => panic!("query {validation} got {other:?}"),
        }
    }
    assert!((1..ASKED).contains(&taken), "{taken} of {ASKED} were taken");
    for _ in 0..taken {
        terminal.take("QUEUED");
        terminal.take("NFR.NL0000000");
    }
    switch.stop();
}

#[test]
fn a_bad_file_by_a_signal_changes_nothing_and_is_told_with_file_line_and_key() {
    let net = limited("help_bytes_max = 40");
    let (switch, ..) = staffed(&net);
    let mut state = switch.station(STATE);
    let file = net.path("network.toml");
    let good = fs::read_to_string(&file).expect("the network file");
    let line = 1 + good.lines().position(|line| line.starts_with("help_bytes_max")).expect("its line");
    fs::write(
        &file,
        good.replace("help_bytes_max = 40", "help_bytes_max = 40000").replace("line = \"ZC\"", "line = \"ZQ\""),
    )
    .expect("the network file is written");
    switch.process.signal(Signal::HUP);
    let told = switch.process.line(Stream::Err, "the configuration was not taken; the one before holds");
    let place = format!("network.toml:{line}: [limits] help_bytes_max: must be 1 to 32768");
    assert!(told.contains(&place), "{place:?} is not in {told:?}");
    switch.await_metric("orinet_reloads_total{result=\"denied\"}", 1.0);
    assert_eq!(switch.metrics().value("orinet_reloads_total{result=\"done\"}"), Some(0.0));
    state.send(&format!("AM.ZC0000050.ZCORIUPDT.TXT\r\n{}", "X".repeat(41)));
    state.take("HELP FILE LONGER THAN 40 BYTES");
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&note("AS BEFORE"));
    state.take("AS BEFORE");
    switch.stop();
    assert_told(&acts(&net), "SIGHUP", "reload", &place);
}
