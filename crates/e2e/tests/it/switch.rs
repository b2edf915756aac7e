//! `orinet switch`: its configuration, how it starts, stops and starts again.

use std::fs;
use std::net::{TcpListener, TcpStream};

use codec::block::{Function, Status};
use rustix::process::Signal;

use crate::PATIENCE;
use crate::net::{Net, PEER, STATE, TERMINAL, note};
use crate::process::{Stream, run};
use crate::station::Closed;
use crate::trace::traced;

#[test]
fn check_prints_what_holds_and_touches_nothing() {
    let net = Net::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    net.change("links = \"127.0.0.1:0\"", &format!("links = \"{address}\""));
    net.change("[pki]", "stamp_utc_offset = -5\nhold_hours = 24\n\n[pki]");
    let finished = run(net.command().arg("--check"));
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    let says = |mark: &str| finished.stdout.lines().any(|line| line.contains(mark));
    for mark in [&address, "UTC-5", "24 h", "network.toml", "pki/switch.pem", "station  ZC", "station  ZA0010000"] {
        // The file itself need not be named: who asked knows it.
        assert!(says(mark) || mark == "network.toml", "{mark} is not in\n{}", finished.stdout);
    }
    assert!(!net.path("data").exists(), "--check made the data directory");
}

#[test]
fn configuration_errors_name_file_line_and_key_before_a_port_is_bound() {
    // A port in use would be said, were it tried.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let cases = [
        ("stamp_utc_offset = 99", "stamp_utc_offset"),
        ("unknown_key = 1", "unknown_key"),
        ("hold_hours = \"long\"", "hold_hours"),
        ("segment_bytes = 5", "segment_bytes"),
        ("segment_bytes = 524288", "segment_bytes"),
    ];
    for (wrong, key) in cases {
        let net = Net::new();
        net.change("links = \"127.0.0.1:0\"", &format!("links = \"{address}\""));
        net.change("segment_bytes = 1048576", wrong);
        let file = net.path("network.toml");
        let line = fs::read_to_string(&file).unwrap().lines().position(|line| line == wrong).unwrap() + 1;
        for check in [false, true] {
            let mut command = net.command();
            if check {
                command.arg("--check");
            }
            let finished = run(&mut command);
            assert_eq!(finished.code, Some(64), "{wrong}: {finished:#?}");
            let place = format!("{}:{line}: ", file.display());
            assert!(finished.stderr.contains(&place) && finished.stderr.contains(key), "{wrong}: {}", finished.stderr);
            assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
        }
        assert!(!net.path("data").exists());
    }
}

#[test]
fn every_error_in_the_network_is_told_at_once() {
    let net = Net::new();
    net.change("lines = [\"ZB\"]", "lines = [\"Z-B\"]");
    net.change("type = \"PD\"", "type = \"XX\"");
    let finished = run(&mut net.command());
    assert_eq!(finished.code, Some(64));
    assert_eq!(finished.stderr.lines().count(), 2, "{}", finished.stderr);
    assert!(finished.stderr.contains("[[station]] lines") && finished.stderr.contains("[[ori]] type"));
}

#[test]
fn what_is_missing_is_named() {
    let net = Net::new();
    fs::remove_file(net.path("pki/crl.pem")).unwrap();
    let finished = run(&mut net.command());
    assert_eq!(finished.code, Some(64), "{finished:#?}");
    assert!(finished.stderr.contains("crl.pem"), "{}", finished.stderr);
    fs::remove_file(net.path("network.toml")).unwrap();
    let finished = run(&mut net.command());
    assert_eq!((finished.code, finished.stderr.lines().count()), (Some(64), 1), "{finished:#?}");
    assert!(finished.stderr.contains("network.toml"), "{}", finished.stderr);
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for key in ["links", "admin"] {
        let net = Net::new();
        net.change(&format!("{key} = \"127.0.0.1:0\""), &format!("{key} = \"{address}\""));
        let finished = run(&mut net.command());
        assert_eq!((finished.code, finished.stderr.lines().count()), (Some(64), 1), "{finished:#?}");
        assert!(finished.stderr.contains(&address), "{}", finished.stderr);
    }
}

#[test]
fn a_second_switch_does_not_take_the_data_of_the_first() {
    let net = Net::new();
    let first = net.switch();
    let second = run(net.command().args(["--log", "error"]));
    assert_eq!((second.code, second.stderr.lines().count()), (Some(1), 1), "{second:#?}");
    assert!(second.stderr.contains("in use by another process"), "{}", second.stderr);
    assert!(second.stderr.contains(&net.path("data").display().to_string()), "{}", second.stderr);
    // The first did not notice.
    let mut terminal = first.station(TERMINAL);
    terminal.send(&note("STILL HERE"));
    // With the notice that the peer is away, so that nothing is on its way at the end.
    terminal.take(".02. ");
    first.stop();
}

#[test]
fn what_waits_survives_a_stop_and_a_kill_with_its_number() {
    let net = Net::new();
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&note("FIRST OF TWO"));
    terminal.send(&note("SECOND OF TWO"));
    // The notices that the peer is away, or they would wait at the end.
    terminal.take(".02. ");
    terminal.take(".02. ");
    let seen = {
        let mut state = switch.mute_station(STATE);
        [state.take("FIRST OF TWO"), state.take("SECOND OF TWO")]
    };
    assert!(seen[0].osn() < seen[1].osn() && seen[0].isn() < seen[1].isn());
    drop(terminal);
    // The end of that link, after which nothing is on its way.
    switch.await_metric(&format!("orinet_links{{station=\"{STATE}\"}}"), 0.0);
    switch.stop();

    let switch = net.switch();
    let again = {
        let mut state = switch.mute_station(STATE);
        [state.take("FIRST OF TWO"), state.take("SECOND OF TWO")]
    };
    switch.kill();

    let switch = net.switch();
    let mut state = switch.station(STATE);
    let last = [state.take("FIRST OF TWO"), state.take("SECOND OF TWO")];
    for later in [again, last] {
        for (one, other) in seen.iter().zip(&later) {
            assert_eq!((one.validation, one.osn(), one.isn()), (other.validation, other.osn(), other.isn()));
            assert_eq!(one.output().body, other.output().body);
            assert_ne!(one.validation, 0);
        }
    }
    // Numbers go on where they were.
    switch.station(TERMINAL).send(&note("THIRD"));
    let third = state.take("THIRD");
    assert!(third.osn() > last_osn(&seen) && third.isn() > seen[1].isn());
    assert!(seen.iter().all(|before| before.validation != third.validation));
    assert_eq!(third.output().destination, PEER);
    switch.await_metric(&format!("orinet_copies_delivered_total{{station=\"{STATE}\"}}"), 3.0);
    switch.stop();

    // Acknowledged is acknowledged.
    assert_eq!(net.switch().waiting(), 0);
}

fn last_osn(messages: &[crate::station::Message]) -> u32 {
    messages.last().map_or(0, crate::station::Message::osn)
}

#[test]
fn a_stop_takes_nobody_new_and_acknowledges_what_it_had_received() {
    let net = Net::new();
    net.switch().stop();
    // Every sync of the running switch takes a second: what is received waits that long for its ack.
    let log = net.path("trace");
    let mut command = traced(&net.command(), "fdatasync", &["fdatasync:delay_enter=1000000"], &log);
    let switch = net.switch_by(&mut command);
    let mut terminal = switch.station(TERMINAL);
    let posted = terminal.post(&format!("SM.{TERMINAL}.{PEER}.TXT\r\nIN FLIGHT"));
    switch.await_metric("orinet_messages_accepted_total{key=\"SM\"}", 1.0);
    assert_eq!(terminal.take_replies(), []);
    switch.process.signal(Signal::TERM);
    switch.process.line(Stream::Err, "going down");

    assert_eq!(terminal.status(), Ok(Status::GOING_DOWN));
    assert_eq!(terminal.take_replies(), [], "acknowledged before it was on disk");
    let reply = terminal.reply(posted).expect("an ack before the link is closed");
    assert_eq!(reply.function(), Function::Ack);
    assert!(terminal.is_closed_within(PATIENCE));
    assert!(TcpStream::connect(switch.links).is_err(), "it still takes connections");
    let finished = switch.process.end(PATIENCE);
    assert_eq!(finished.code, Some(0), "{finished:#?}");

    let switch = net.switch();
    assert_eq!(switch.station(STATE).take("IN FLIGHT").output().destination, PEER);
}

#[test]
fn an_interrupt_stops_it_as_a_termination_does() {
    let net = Net::new();
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&note("BEFORE"));
    switch.process.signal(Signal::INT);
    assert!(terminal.is_closed_within(PATIENCE));
    assert_eq!(terminal.status(), Err(Closed));
    assert_eq!(switch.process.end(PATIENCE).code, Some(0));
}

#[test]
fn logs_can_be_json_lines() {
    let net = Net::new();
    let switch = net.switch_by(net.command().args(["--log-format", "json", "--log", "debug"]));
    switch.station(TERMINAL).send(&note("LOGGED"));
    let finished = switch.stop();
    for line in finished.stderr.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(value["timestamp"].is_string() && value["level"].is_string(), "{line}");
    }
    let refused = run(net.command().args(["--log", "no=such=filter"]));
    assert_eq!((refused.code, refused.stderr.lines().count()), (Some(64), 1), "{refused:#?}");
}
