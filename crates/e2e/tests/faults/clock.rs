//! The clock of a running switch is put forward and back: libfaketime stands between it and the system's clock.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::PATIENCE;
use crate::effort::{figures, shared};
use crate::net::{Net, Node, STATE, TERMINAL, note};
use crate::station::Station;

/// Messages of each kind.
const MESSAGES: usize = 20;

/// Where Debian and its like put it.
fn library() -> String {
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let file =
        places.iter().map(|place| format!("{place}/faketime/libfaketime.so.1")).find(|file| Path::new(file).exists());
    file.expect("libfaketime is there: install the package faketime")
}

/// The switch with a wall clock that is off by what a file says, now and whenever that changes. What measures time goes on as it
/// does.
fn command(net: &Net) -> Command {
    let plain = net.command();
    let mut command = Command::new(plain.get_program());
    command.args(plain.get_args()).env_remove("ORINET_LOG");
    command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", net.path("clock"));
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    command
}

/// Minutes that the clock is ahead.
fn set(net: &Net, minutes: u32) {
    let fresh = net.path("clock.new");
    fs::write(&fresh, format!("+{minutes}m\n")).expect("a file is written");
    fs::rename(fresh, net.path("clock")).expect("a file takes another's place");
}

/// Sends so many messages for the state's line, and takes what the switch says of each.
fn send(link: &mut Station, tag: &str) {
    for number in 0..MESSAGES {
        link.send(&note(&format!("{tag} {number:03}")));
    }
}

/// How many are returned by now, once the switch has had more than one of its beats to do so.
fn returned(switch: &Node, link: &mut Station) -> usize {
    for _ in 0..12 {
        link.status().expect("the link stays up");
        switch.process.listen(std::time::Duration::from_millis(250));
    }
    link.arrived().iter().filter(|told| told.text.contains(".04. ")).count()
}

/// R9 end to end, and the clock set back by two hours.
#[test]
fn what_waited_too_long_is_returned_once_and_a_clock_that_is_set_back_changes_nothing() {
    let _machine = shared();
    let net = Net::new();
    net.change("[switch]\n", "[switch]\nhold_hours = 1\n");
    set(&net, 0);
    let switch = net.switch_by(&mut command(&net));
    let mut link = switch.station(TERMINAL);
    send(&mut link, "EARLY");
    // The control: half an hour is not too long.
    set(&net, 30);
    assert_eq!(returned(&switch, &mut link), 0, "returned too early");
    set(&net, 61);
    let mut given_back = 0;
    while given_back < MESSAGES {
        link.take(".04. ");
        given_back += 1;
    }
    switch.await_metric("orinet_dead_letters", MESSAGES as f64);
    set(&net, 120);
    send(&mut link, "MIDDLE");
    // Two hours back: what the switch does next is stamped earlier than what it has done.
    set(&net, 0);
    send(&mut link, "LATE");
    assert_eq!(returned(&switch, &mut link), 0, "returned again, or too early");
    // A start with a journal whose last records are of a time that has not come.
    switch.kill();
    let switch = net.switch_by(&mut command(&net));
    assert_eq!(switch.waiting(), MESSAGES * 2);
    let mut link = switch.station(TERMINAL);
    let mut state = switch.station(STATE);
    let mut came = Vec::new();
    while came.len() < MESSAGES * 2 {
        let next = state.next_within(PATIENCE).expect("the link stays up");
        came.push(next.unwrap_or_else(|| panic!("{} came", came.len())).text);
    }
    let expected =
        ["MIDDLE", "LATE"].into_iter().flat_map(|tag| (0..MESSAGES).map(move |number| format!("{tag} {number:03}")));
    for (text, expected) in came.iter().zip(expected) {
        assert!(text.ends_with(&expected), "{expected} is due: {text:?}");
    }
    // It goes on in both directions, and nothing was returned twice or delivered after it was returned.
    link.send(&note("AT LAST"));
    state.take("AT LAST");
    assert!(state.arrived().is_empty(), "more came");
    switch.await_metric("orinet_dead_letters", MESSAGES as f64);
    switch.stop();
    figures(&format!(
        "{given_back} messages returned once, an hour after they came, none of them delivered; the clock set back by two hours: {} \
         messages kept, delivered in order, none returned",
        MESSAGES * 2
    ));
}
