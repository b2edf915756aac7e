//! Finding messages: by a station in band, by an operator beside the switch and without it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;

use crate::PATIENCE;
use crate::binary::orinet;
use crate::net::{Net, Node, PEER, STATE, TERMINAL, note};
use crate::process::{Finished, run};
use crate::station::Station;

/// `orinet journal COMMAND` on the data of a network.
fn journal(net: &Net, command: &str, options: &[&str]) -> Finished {
    run(orinet().args(["journal", command, "--data"]).arg(net.path("data")).args(options))
}

/// The hits of a search, and what it says of itself.
fn search(net: &Net, options: &[&str]) -> (Vec<Value>, Value) {
    found(&journal(net, "search", &[options, &["--json"]].concat()))
}

fn found(finished: &Finished) -> (Vec<Value>, Value) {
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    let mut lines: Vec<Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let state = lines.pop().expect("the last line");
    (lines, state)
}

/// Searches until as many are found: the switch fills the file a moment after it acknowledges.
pub(crate) fn await_hits(net: &Net, options: &[&str], count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Before the first fill there is no file, and for a moment while another is begun.
        let finished = journal(net, "search", &[options, &["--json"]].concat());
        if finished.code == Some(0) {
            let (hits, _) = found(&finished);
            if hits.len() == count {
                return hits;
            }
        }
        assert!(Instant::now() < deadline, "{count} hits are not found: {finished:#?}");
    }
}

/// A switch with a terminal that has sent a note, which its peer has.
pub(crate) fn noted(net: &Net, text: &str) -> (Node, Station, Station) {
    let node = net.switch();
    let mut state = node.station(STATE);
    let mut terminal = node.station(TERMINAL);
    terminal.send(&note(text));
    state.take(text);
    (node, terminal, state)
}

/// A day in the time of the switch, so many days from now, as NLQ has it.
fn day(days: i64) -> String {
    let time = Timestamp::now().as_second() - 7 * 3600 + days * 86_400;
    Timestamp::from_second(time).expect("a time").strftime("%Y%m%d").to_string()
}

fn log_query(rest: &str) -> String {
    format!("NLQ.{TERMINAL}.NL.*Q1.TXT\r\nTYP/ALL.BEG/{}.END/{}.{rest}", day(-1), day(1))
}

#[test]
fn a_station_lists_its_messages_and_gets_one_in_full() {
    let net = Net::new();
    let (node, mut terminal, _state) = noted(&net, "BLUE WAGON NEAR O'HARE");
    terminal.send(&log_query("FND/wagon ohare"));
    terminal.take("QUEUED - THE ANSWER FOLLOWS");
    let list = terminal.take("1 MESSAGE LISTED");
    let output = list.output();
    assert_eq!((output.key.as_str(), output.control.map(|control| control.to_string())), ("NLR", Some("Q1".into())));
    let line = list.text.lines().find(|line| line.contains(" AM ")).expect("a line for the hit");
    assert!(line.contains(TERMINAL) && line.trim_end_matches(['\r', '\u{7f}']).ends_with(PEER), "{line}");
    let msn = line.trim_start_matches('\u{7f}').split(' ').next().expect("a number").to_owned();

    terminal.send(&format!("NFQ.{TERMINAL}.NL.*Q2.TXT\r\nMSN/{msn}"));
    let full = terminal.take("AS IT LEFT");
    assert_eq!(full.output().key.as_str(), "NFR");
    assert!(full.text.contains("BLUE WAGON NEAR O'HARE") && full.text.contains("DELIVERED"), "{}", full.text);

    terminal.send(&log_query("FND/ZEPPELIN"));
    terminal.take("NOT ON FILE");
    drop(terminal);
    node.stop();
}

#[test]
fn a_station_does_not_see_the_messages_of_others() {
    let net = Net::new();
    let (node, _terminal, _state) = noted(&net, "FOR ZC ALONE");
    let mut other = node.station("ZB");
    let query = |control: &str, rest: &str| {
        format!("NLQ.ZB0010000.NL.*{control}.TXT\r\nTYP/ALL.BEG/{}.END/{}.{rest}", day(-1), day(1))
    };
    other.send(&query("Q1", "FND/ALONE"));
    let answer = other.take("EMULATOR - SYNTHETIC DATA");
    assert!(answer.text.contains("NOT ON FILE"), "{}", answer.text);
    other.send("NFQ.ZB0010000.NL.*Q2.TXT\r\nMSN/1");
    let answer = other.take("EMULATOR - SYNTHETIC DATA");
    assert!(answer.text.contains("NOT ON FILE"), "{}", answer.text);
}

#[test]
fn an_operator_searches_beside_the_switch_and_without_it() {
    let net = Net::new();
    let (node, terminal, _state) = noted(&net, "GREEN VAN");
    let hits = await_hits(&net, &["--words", "green van", "--from", TERMINAL, "--to", "ZC", "--key", "AM"], 1);
    assert_eq!((&hits[0]["standing"], &hits[0]["sender"]), (&Value::from("accepted"), &Value::from(TERMINAL)));
    assert!(hits[0].get("body").is_none(), "a text was not asked for");
    let full = await_hits(&net, &["--words", "green", "--full"], 1);
    assert_eq!(full[0]["body"], "GREEN VAN");
    // Beside the switch the file is only read.
    assert_eq!(journal(&net, "reindex", &[]).code, Some(1));
    drop(terminal);
    node.stop();

    let (hits, state) = search(&net, &["--words", "van"]);
    assert_eq!((hits.len(), &state["behind"]), (1, &Value::from(0)));
    assert_eq!(hits[0]["copies"][0]["fate"], "delivered");
    // The file is nothing but a copy: without it, or with another in its place, the same is found.
    fs::remove_file(net.path("data/search.sqlite3")).expect("the file goes");
    assert_eq!(search(&net, &["--words", "van"]).0, hits);
    fs::write(net.path("data/search.sqlite3"), "not a database, but long enough to be taken for one").expect("written");
    assert_eq!(search(&net, &["--words", "van"]).0, hits);
    let reindexed = journal(&net, "reindex", &[]);
    assert_eq!(reindexed.code, Some(0), "{reindexed:#?}");
    assert_eq!(search(&net, &["--words", "van"]).0, hits);
}

#[test]
fn a_damaged_file_is_made_anew_by_the_switch() {
    let net = Net::new();
    let (node, terminal, _state) = noted(&net, "RED TRUCK");
    await_hits(&net, &["--words", "truck"], 1);
    drop(terminal);
    node.stop();
    fs::write(net.path("data/search.sqlite3"), vec![0xa5; 100_000]).expect("written");
    let node = net.switch();
    await_hits(&net, &["--words", "truck"], 1);
    node.stop();
}

#[test]
fn an_export_says_who_when_and_from_where_and_no_text_unless_asked() {
    let net = Net::new();
    let (node, mut terminal, _state) = noted(&net, "YELLOW BOAT");
    terminal.send(&format!("AM.{TERMINAL}.QQ0010000.TXT\r\nYELLOW BOAT AGAIN"));
    terminal.take(".19. ");
    // It also works beside the switch.
    assert_eq!(journal(&net, "export", &[]).code, Some(0));
    drop(terminal);
    node.stop();
    let events = |options: &[&str]| {
        let finished = journal(&net, "export", options);
        assert_eq!(finished.code, Some(0), "{finished:#?}");
        let events: Vec<Value> =
            finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
        (finished.stdout, events)
    };
    let (text, all) = events(&[]);
    assert!(!text.contains("YELLOW") && !text.contains("BOAT"), "a text is in an export without texts");
    let of = |what: &str| all.iter().filter(|event| event["event"] == what).collect::<Vec<_>>();
    assert_eq!((of("accepted").len(), of("refused").len(), of("end").len()), (1, 1, 1));
    assert_eq!(of("refused")[0]["result"], "ER 19");
    for event in [of("accepted"), of("refused"), of("delivered")].concat() {
        assert!(event["from"].as_str().is_some_and(|from| from.starts_with("127.0.0.1:")), "{event}");
        assert!(event["certificate"].as_str().is_some_and(|serial| !serial.is_empty()), "{event}");
        assert!(event["at"].as_str().is_some_and(|at| at.len() == 27 && at.ends_with('Z')), "{event}");
    }
    assert_eq!(all.last().map(|end| &end["events"]), Some(&Value::from(all.len() - 1)));

    let (text, _) = events(&["--bodies"]);
    assert!(text.contains("YELLOW BOAT AGAIN"));
    let (_, none) = events(&["--end", "2020-01-01"]);
    assert_eq!(none.len(), 1);

    assert_eq!(journal(&net, "export", &["--as", "messages"]).code, Some(64));
    let out = net.path("went");
    let written = journal(&net, "export", &["--as", "messages", "--bodies", "--out", path(&out)]);
    assert_eq!(written.code, Some(0), "{written:#?}");
    let went = fs::read_to_string(&out).expect("the file");
    assert!(went.contains("YELLOW BOAT\n"), "{went}");
    // What was refused went nowhere; its ER went to the sender.
    assert_eq!((went.matches(&format!("\nAM.{TERMINAL}\r\n")).count(), went.matches("\nER.NL0000000").count()), (1, 1));
    // A file that is there is not written over.
    assert_eq!(journal(&net, "export", &["--out", path(&out)]).code, Some(1));
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in text")
}
