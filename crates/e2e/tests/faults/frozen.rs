//! A receiver that is frozen, a real process under SIGSTOP, beside stations that are not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::PATIENCE;
use crate::binary::orinet;
use crate::effort::{Raised, alone, effort, figures, ms, percentile};
use crate::net::{Net, Node, PEER, STATE, TERMINAL};
use crate::process::Process;
use crate::seen::resident_kib;
use crate::station::Station;

/// How long others may take beside a frozen one, against the same without: the goal and what this machine may add.
const TIMES: u32 = 3;
const SLACK: Duration = Duration::from_millis(30);
/// Messages that come while it is frozen.
const KEPT: usize = 200;

/// `orinet send --listen` as the state's line, on its link.
fn receiver(net: &Net, switch: &Node) -> Process {
    let mut command = orinet();
    command
        .args(["send", "--listen", "--expect", "AM:NOTHING LIKE IT", "--within", "10m", "--station", STATE, "--pki"])
        .arg(net.pki());
    let process = Process::start(command.arg("--link").arg(switch.links.to_string()));
    switch.await_metric(&format!("orinet_links{{station=\"{STATE}\"}}"), 1.0);
    process
}

/// Round trips of a pair while another sender has messages for the state's line.
fn round_trips(from: &mut Station, to: &mut Station, switch: &Node, tag: &str, count: usize) -> Vec<Duration> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut link, mut number) = (switch.station(TERMINAL), 0);
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                link.send(&format!("AM.{TERMINAL}.{PEER}.TXT\r\n{tag} {number:06} {}", "X".repeat(2_000)));
            }
        });
        let _end = Raised(&stop);
        let times = (0..count).map(|number| {
            let text = format!("BESIDE {tag} {number:06}");
            let began = Instant::now();
            from.send(&format!("AM.ZB0010000.ZZICE0100.TXT\r\n{text}"));
            to.take(&text);
            began.elapsed()
        });
        times.collect()
    })
}

/// Waits until what the switch holds for the state's line is as it should be.
fn await_held(switch: &Node, is: impl Fn(usize) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = switch.metrics();
        let count =
            |name: &str| metrics.value(&format!("orinet_copies_{name}_total{{station=\"{STATE}\"}}")).unwrap_or(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
        let held = (count("queued") - count("unqueued")) as usize;
        if is(held) {
            return;
        }
        assert!(Instant::now() < deadline, "{held} are held");
        switch.process.listen(Duration::from_millis(20));
    }
}

/// R15. Rounds with and without take turns, so that what else the machine does meets both alike.
#[test]
fn a_frozen_receiver_slows_no_other_and_gets_everything_when_it_wakes() {
    let _machine = alone();
    let (rounds, count): (u32, usize) = (effort(3, 10), effort(400, 2_000));
    let net = Net::new();
    let switch = net.switch();
    let frozen = receiver(&net, &switch);
    let (mut from, mut to) = (switch.station("ZB"), switch.station("IC"));
    let (mut awake, mut beside) = (Vec::new(), Vec::new());
    drop(round_trips(&mut from, &mut to, &switch, "FIRST", 50));
    let before = resident_kib(&switch.process);
    for round in 0..rounds {
        awake.extend(round_trips(&mut from, &mut to, &switch, &format!("AWAKE {round}"), count));
        frozen.signal(Signal::STOP);
        beside.extend(round_trips(&mut from, &mut to, &switch, &format!("FROZEN {round}"), count));
        frozen.signal(Signal::CONT);
    }
    let more = resident_kib(&switch.process).saturating_sub(before);
    // The control: frozen it was, for the switch keeps for it what it does not take.
    frozen.signal(Signal::STOP);
    let mut terminal = switch.station(TERMINAL);
    (0..KEPT).for_each(|number| terminal.send(&format!("AM.{TERMINAL}.{PEER}.TXT\r\nKEPT {number:06}")));
    await_held(&switch, |held| held >= KEPT);
    frozen.signal(Signal::CONT);
    await_held(&switch, |held| held == 0);
    let (awake, beside) = (percentile(&mut awake, 99), percentile(&mut beside, 99));
    assert!(beside < awake * TIMES + SLACK, "p99 {awake:?} without, {beside:?} beside a frozen one");
    assert!(more < 128 << 10, "{more} KiB more");
    figures(&format!(
        "p99 of a round trip of others {} beside a frozen receiver with messages for it, {} while it is awake; {KEPT} more kept while it was frozen, and taken when it woke",
        ms(beside),
        ms(awake)
    ));
}
