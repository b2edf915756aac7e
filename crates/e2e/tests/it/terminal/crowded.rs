//! A terminal with 100,000 messages in its inbox: how soon it opens and finds, and what it takes.

use std::fs;
use std::time::{Duration, Instant};

use ::terminal::Store;

use super::{F6, leave, terminal, ticks};
use crate::net::{Net, PEER, TERMINAL};
use crate::pty::Pty;

const MESSAGES: u32 = 100_000;
/// The promise is 100 ms on a machine that does nothing else; here others test at the same time.
const GENEROUS: Duration = Duration::from_secs(3);
const MEMORY_MAX_KIB: u64 = 200 * 1024;

#[test]
#[expect(clippy::print_stderr, reason = "the figures of a run")]
fn a_hundred_thousand_messages_are_opened_and_searched_at_once() {
    let net = Net::new();
    let switch = net.switch();
    let data = tempfile::tempdir().unwrap();
    fill(&data.path().join("terminal"));
    let mut screen = Pty::start(&terminal(switch.links, &net.pki(), data.path()), 80, 24);
    screen.shows(&format!("NEW {MESSAGES}"));
    screen.shows("LINK up");
    let opening = timed(&mut screen, F6, &format!("1 of {MESSAGES}"));
    // Many: all of one sender's town; one: a name; the keys are pressed one after the other, and each narrows the list.
    let many = timed(&mut screen, "FIND town7\r", "INBOX  all with `town7`");
    screen.shows("1 of 10000");
    let one = timed(&mut screen, "FIND person99999\r", "1 of 1 ");
    screen.shows("PERSON99999");
    let reading = timed(&mut screen, "\r", &format!("AM from {PEER}"));
    let memory = resident_kib(screen.pid());
    eprintln!(
        "{MESSAGES} messages: opening {opening:?}, 10,000 found {many:?}, one found {one:?}, read {reading:?}, {memory} KiB"
    );
    for (what, took) in [("opening", opening), ("many", many), ("one", one), ("reading", reading)] {
        assert!(took < GENEROUS, "{what} took {took:?}");
    }
    assert!(memory < MEMORY_MAX_KIB, "{memory} KiB");

    let _settled = screen.written_within(Duration::from_millis(500));
    let before = ticks(screen.pid());
    let written = screen.written_within(Duration::from_secs(2));
    let used = ticks(screen.pid()) - before;
    assert!(written == 0 && used <= 1, "{written} bytes and {used} ticks in 2 s");
    leave(&mut screen);
}

/// The messages, as a terminal has kept them.
fn fill(directory: &std::path::Path) {
    let store = Store::open(directory).expect("a store");
    let text = |number: u32| {
        let (town, sentence) =
            (number % 10, "A SAMPLE MESSAGE OF SOME WORDS, AS MANY ARE, WITH NOTHING IN IT. ".repeat(4));
        format!(
            "AM.{PEER}\r\n\x7f08:00 01/31/2030 00011\r\n\x7f08:00 01/31/2030 00027 {TERMINAL}\r\n\x7f*C{number:07}\r\n\x7fTXT\r\n\x7f\
             PERSON{number:05} OF TOWN{town}\r\n{sentence}"
        )
    };
    let now = jiff::Timestamp::now().as_microsecond();
    for first in (0..MESSAGES).step_by(10_000) {
        let texts: Vec<String> = (first..first + 10_000).map(text).collect();
        let parts: Vec<(u32, &[u8])> = (first + 1..).zip(texts.iter().map(String::as_bytes)).collect();
        store.keep_incoming(now, &parts).expect("they are kept");
    }
}

/// From the keys to the screen that shows what they ask for.
#[track_caller]
fn timed(screen: &mut Pty, keys: &str, shows: &str) -> Duration {
    let begun = Instant::now();
    screen.press(keys);
    screen.until(shows, |text| text.lines().any(|line| format!("{line} ").contains(shows)));
    begun.elapsed()
}

fn resident_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
