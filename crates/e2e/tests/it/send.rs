//! `orinet send`: a station at the command line.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::PATIENCE;
use crate::binary::orinet;
use crate::net::{Demo, Net, Node, STATE, TERMINAL, inquiry, known, note};
use crate::process::{Finished, Process, Stream, run};

#[test]
fn an_inquiry_is_sent_and_both_answers_are_printed() {
    let demo = Demo::start();
    let finished = run(send(&demo, &demo.path("pki"), TERMINAL).arg(demo.path("inquiry.txt")));
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{}", finished.stdout);
    assert_eq!(finished.stdout.matches("EMULATOR - SYNTHETIC DATA").count(), 2, "{}", finished.stdout);
    let finds = known(&demo.path(""))["exact"]["finds"].as_str().unwrap().to_owned();
    assert!(finished.stdout.contains(&finds), "{finds} is not in {}", finished.stdout);
    assert!(!finished.stdout.contains("raw "), "blocks are shown only when asked for");
}

#[test]
fn raw_shows_the_blocks_too() {
    let demo = Demo::start();
    let finished = run(send(&demo, &demo.path("pki"), TERMINAL).arg("--raw").arg(demo.path("inquiry.txt")));
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    let blocks = |mark: &str| finished.stdout.lines().filter(|line| line.contains(mark)).count();
    // The inquiry out and its ack in; the two answers in and their acks out.
    for (mark, count) in [("0002 data, final", 3), ("0011 positive ack", 3)] {
        assert_eq!(blocks(mark), count, "{mark}:\n{}", finished.stdout);
    }
    assert!(blocks("raw >> ") >= 3 && blocks("raw << ") >= 3, "{}", finished.stdout);
    assert!(finished.stdout.contains("EMULATOR - SYNTHETIC DATA"), "the answers are printed as ever");
}

#[test]
fn several_files_are_answered_each() {
    let demo = Demo::start();
    let controls = ["SEVERAL1", "SEVERAL2", "SEVERAL3"];
    let mut command = send(&demo, &demo.path("pki"), TERMINAL);
    for control in controls {
        fs::write(demo.path(control), inquiry(control, &[])).unwrap();
        command.arg(demo.path(control));
    }
    let finished = run(&mut command);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    for control in controls {
        assert_eq!(finished.stdout.matches(&format!("*{control}\n")).count(), 2, "{control}:\n{}", finished.stdout);
    }
    assert!(finished.stdout.ends_with("3 messages: 3 answered\n"), "{}", finished.stdout);
}

#[test]
fn standard_input_holds_messages_with_a_line_between_them() {
    let net = Net::new();
    let switch = net.switch();
    let mut state = switch.station(STATE);
    let text = format!("{}\n---\n{}\n", note("OVER STANDARD INPUT"), note("AND ANOTHER"));
    let finished = fed(&mut send(&switch, &net.pki(), TERMINAL), &text);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{}", finished.stdout);
    assert!(finished.stdout.contains("2 messages: 2 acknowledged"), "{}", finished.stdout);
    for mark in ["OVER STANDARD INPUT", "AND ANOTHER"] {
        assert_eq!(state.take(mark).output().body, mark.as_bytes(), "sent as it was written");
    }
}

#[test]
fn a_refusal_is_printed_and_is_a_failure() {
    let net = Net::new();
    let switch = net.switch();
    let mut state = switch.station(STATE);
    let text = format!("{}\n---\nQQQ.{TERMINAL}.{STATE}.*REFUSED.TXT\nNO SUCH KEY\n", note("GOOD"));
    let finished = fed(&mut send(&switch, &net.pki(), TERMINAL), &text);
    assert_eq!(finished.code, Some(2), "{finished:#?}");
    assert!(finished.stdout.contains("ER.NL0000000\n") && finished.stdout.contains(".01. "), "{}", finished.stdout);
    assert!(finished.stdout.ends_with("2 messages: 1 acknowledged, 1 refused\n"), "{}", finished.stdout);
    state.take("GOOD");
}

#[test]
fn an_inquiry_without_an_answer_is_a_failure_once_the_time_is_over() {
    let net = Net::new();
    // Nobody is the center here: the inquiry waits for it.
    let switch = net.switch();
    let finished = fed(send(&switch, &net.pki(), TERMINAL).args(["--timeout", "1"]), &inquiry("NOANSWER", &[]));
    assert_eq!(finished.code, Some(3), "{finished:#?}");
    assert!(finished.stdout.contains("SM.NL0000000\n") && finished.stdout.contains(".02. "), "{}", finished.stdout);
    assert!(finished.stdout.contains("0 of 2 answers came"), "{}", finished.stdout);
}

#[test]
fn a_message_for_a_station_that_is_away_is_acknowledged_and_the_notice_printed() {
    let net = Net::new();
    let switch = net.switch();
    let finished = fed(&mut send(&switch, &net.pki(), TERMINAL), &note("FOR LATER"));
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert!(finished.stdout.contains(".02. ") && finished.stdout.contains("forwarded later"), "{}", finished.stdout);
    assert_eq!(switch.station(STATE).take("FOR LATER").output().body, b"FOR LATER");
}

#[test]
fn a_restart_of_the_switch_meanwhile_loses_and_doubles_nothing() {
    let net = Net::new();
    let switch = net.switch();
    // The same port twice: whoever calls again must find the switch there.
    net.change("links = \"127.0.0.1:0\"", &format!("links = \"{}\"", switch.links));
    let mut command = send(&switch, &net.pki(), TERMINAL);
    let mut process = Process::start(command.arg("--timeout").arg("20").stdin(Stdio::piped()));
    process.feed(inquiry("RESTART1", &[]).as_bytes());
    process.line(Stream::Out, "acknowledged");
    switch.kill();
    let switch = net.switch();
    let mut center = switch.station("AX");
    center.take("IAQ.");
    for answer in ["ONE", "TWO"] {
        center.send(&format!("IAR.ZZLESC000.{TERMINAL}.*RESTART1.TXT\r\nANSWER {answer}"));
    }
    let finished = process.end(PATIENCE);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    for answer in ["ANSWER ONE", "ANSWER TWO"] {
        assert_eq!(finished.stdout.matches(answer).count(), 1, "{}", finished.stdout);
    }
    let again = center.take_all().into_iter().filter(|message| message.text.starts_with("IAQ."));
    assert_eq!(again.count(), 0, "the inquiry came twice");
}

#[test]
fn a_switch_that_is_not_there_or_refuses_is_said_soon() {
    let net = Net::new();
    // A port that no system hands out, and none that is in use.
    let mut nobody = orinet();
    nobody.args(["send", "--station", TERMINAL, "--link", "127.0.0.1:1", "--pki"]).arg(net.pki());
    assert_failed(&fed(&mut nobody, "X"), "cannot be reached");

    let switch = net.switch();
    assert_eq!(run(orinet().args(["certs", "revoke", STATE, "--pki"]).arg(net.pki())).code, Some(0));
    switch.process.line(Stream::Err, "certificates and revocations were read");
    assert_failed(&fed(&mut send(&switch, &net.pki(), STATE), "X"), "refuses the certificate of ZC");
    // A foreign network's switch is not sent anything.
    assert_failed(&fed(&mut send(&switch, &Net::new().pki(), TERMINAL), "X"), "handshake");
}

#[test]
fn wrong_usage_is_found_before_a_call() {
    let net = Net::new();
    let switch = net.switch();
    let missing = net.path("missing.txt");
    let empty = net.path("empty.txt");
    fs::write(&empty, "\n").unwrap();
    let usage = |finished: &Finished, names: &str| {
        assert_eq!((finished.code, finished.stderr.lines().count()), (Some(64), 1), "{finished:#?}");
        assert!(finished.stderr.contains(names), "{names}: {}", finished.stderr);
    };
    usage(&run(send(&switch, &net.pki(), TERMINAL).arg(&missing)), "missing.txt");
    usage(&run(send(&switch, &net.pki(), TERMINAL).arg(&empty)), "empty.txt");
    usage(&fed(&mut send(&switch, &net.pki(), TERMINAL), "\n"), "standard input");
    usage(&fed(&mut send(&switch, &net.pki(), "QQ"), "X"), "QQ.pem");
    assert_eq!(run(send(&switch, &net.pki(), "no/name").arg(&missing)).code, Some(64));
    let metrics = switch.metrics();
    assert_eq!((metrics.sum("orinet_links_closed_total"), metrics.sum("orinet_handshake_failures_total")), (0.0, 0.0));
}

pub(crate) fn send(node: &Node, pki: &Path, station: &str) -> Command {
    let mut command = orinet();
    command.args(["send", "--station", station, "--link", &node.links.to_string(), "--pki"]).arg(pki);
    command
}

/// Runs a command with that standard input.
pub(crate) fn fed(command: &mut Command, text: &str) -> Finished {
    let mut process = Process::start(command.stdin(Stdio::piped()));
    process.feed(text.as_bytes());
    process.end(PATIENCE)
}

fn assert_failed(finished: &Finished, says: &str) {
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.stderr.contains(says), "{says}: {}", finished.stderr);
}
