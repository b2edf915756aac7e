//! More than the switch can bear, and more than may wait.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::effort::{Raised, alone, effort, efforts, figures, shared};
use crate::judge::{Got, judge};
use crate::kills::Sender;
use crate::net::{Net, Node, PEER, STATE, TERMINAL, note};
use crate::seen::resident_kib;
use crate::station::Station;

/// What the process may hold in all (`docs/reliability.md`, R14).
const MEMORY_KIB: u64 = 512 << 10;
/// Messages of one sender at most: what is remembered of each, for as long as its station may send it again, is no part of
/// what an overload costs.
const MESSAGES_EACH: usize = 10_000;
/// A validation is used once by a station: each sender has this many for itself.
const NUMBERS: u32 = 10_000_000;

/// Acknowledgements a second, with so many links that each have so many messages without one.
fn goodput(switch: &Node, senders: &mut [Sender], time: Duration) -> f64 {
    let (acks, began) = (AtomicU64::new(0), Instant::now());
    let ended = Mutex::new(began);
    thread::scope(|scope| {
        for sender in senders {
            let (acks, ended) = (&acks, &ended);
            scope.spawn(move || {
                let mut link = switch.station(sender.station);
                let before = sender.acked.len();
                sender.pour_until(&mut link, |sender| {
                    began.elapsed() >= time || sender.acked.len() - before >= MESSAGES_EACH
                });
                *ended.lock().expect("no sender panics with it") = Instant::now();
                acks.fetch_add((sender.acked.len() - before) as u64, Ordering::Relaxed);
                // What is on its way is taken as well, and is in no rate.
                sender.await_acks(&mut link);
            });
        }
    });
    let took = ended.into_inner().expect("no sender panicked") - began;
    acks.into_inner() as f64 / took.as_secs_f64()
}

/// R14, first part: three times the links, each with thirty times as much on its way.
#[test]
fn three_times_what_it_can_bear_is_borne() {
    const LINKS: u32 = 4;
    let _machine = alone();
    let time = effort(Duration::from_secs(3), Duration::from_secs(30));
    let net = Net::new();
    let switch = net.switch();
    let sender = |place: u32, window: usize| {
        let mut sender = Sender::of_notes(TERMINAL, TERMINAL, PEER);
        sender.begin_at(place * NUMBERS + 1, window);
        sender
    };
    let mut usual: Vec<_> = (0..LINKS).map(|place| sender(place, 64)).collect();
    let mut heavy: Vec<_> = (LINKS..LINKS * 4).map(|place| sender(place, 2_000)).collect();
    let stop = AtomicBool::new(false);
    let (got, peak, borne, most, after) = thread::scope(|scope| {
        let mut link = switch.station(STATE);
        let stop = &stop;
        let receiver = scope.spawn(move || {
            let mut got = Got::default();
            while !stop.load(Ordering::Relaxed) {
                link.pump(Instant::now() + Duration::from_millis(50)).expect("the receiver keeps its link");
                got.take(link.arrived());
            }
            got
        });
        let _end = Raised(stop);
        let peak = goodput(&switch, &mut usual, time);
        let borne = goodput(&switch, &mut heavy, time);
        let most = resident_kib(&switch.process);
        // Back to normal: one message, there and acknowledged.
        let ended = Instant::now();
        switch.station(TERMINAL).send(&note("AFTER"));
        let after = ended.elapsed();
        let held = format!("orinet_held_bytes{{station=\"{STATE}\"}}");
        let deadline = Instant::now() + PATIENCE * 4;
        while switch.metrics().value(&held) != Some(0.0) {
            assert!(Instant::now() < deadline, "still {:?} held", switch.metrics().value(&held));
            switch.process.listen(Duration::from_millis(50));
        }
        stop.store(true, Ordering::Relaxed);
        (receiver.join().expect("the receiver got on"), peak, borne, most, after)
    });
    switch.stop();
    let acked: BTreeSet<_> = usual.iter().chain(&heavy).flat_map(|sender| sender.acked.iter().cloned()).collect();
    let verdict = judge(&acked, &got);
    // Links of one station have no order among themselves.
    assert_eq!((verdict.lost, verdict.twice), (0, 0), "{verdict:?} of {}", acked.len());
    assert!(most < MEMORY_KIB, "{most} KiB");
    assert!(after < Duration::from_secs(5), "back to normal after {after:?}");
    // The goal is nine tenths. Senders and receiver are on the same two cores, with whatever else runs there.
    assert!(borne > peak * efforts(0.25, 0.5, 0.5), "{borne:.0}/s of {peak:.0}/s");
    figures(&format!(
        "{borne:.0} acknowledged/s with three times the links and thirty times on their way, {peak:.0}/s without; {} acknowledged \
         in all, 0 lost; {} MiB; a message {:.0} ms later took its usual way",
        acked.len(),
        most >> 10,
        after.as_secs_f64() * 1e3
    ));
}

/// R14, second part: what may wait for a station has a bound, and who comes beyond it is told so at once.
#[test]
fn beyond_what_may_wait_a_sender_is_told_and_what_was_not_given_back_arrives() {
    /// Nearly three times what fits: a copy counts its message and 256 bytes.
    const MESSAGES: usize = 600;
    let _machine = shared();
    let net = Net::new();
    net.change("name = \"ZC\"\n", "name = \"ZC\"\nhold_bytes = 72000\n");
    let switch = net.switch();
    let (mut link, mut sender) = (switch.station(TERMINAL), Sender::of_notes(TERMINAL, TERMINAL, PEER));
    // The control: what fits is kept, and nothing of it is given back.
    sender.pour(&mut link, 100);
    sender.await_acks(&mut link);
    settle(&mut sender, &mut link);
    assert!(sender.returned.is_empty(), "given back although there was room: {:?}", sender.returned);
    sender.pour(&mut link, MESSAGES - sender.acked.len());
    sender.await_acks(&mut link);
    settle(&mut sender, &mut link);
    let alarm = switch.metrics().value(&format!("orinet_hold_alarm{{station=\"{STATE}\"}}"));
    assert_eq!(alarm, Some(1.0), "the operator is told");
    let mut state = switch.station(STATE);
    let mut got = Got::default();
    while !sender.is_accounted(&got) {
        let came = state.pump(Instant::now() + PATIENCE).expect("the link stays up");
        assert_eq!(came, crate::station::Pumped::Block, "{} of {} came", got.distinct(), sender.acked.len());
        got.take(state.arrived());
    }
    let both = got.copies.iter().filter(|(_, stamp)| sender.returned.contains(stamp)).count();
    assert_eq!(both, 0, "given back and delivered");
    assert!(sender.returned.len() > MESSAGES / 3, "{} given back", sender.returned.len());
    switch.stop();
    figures(&format!(
        "{} messages for a station with room for {}: these arrive, {} are given back with SM 04, each one or the other",
        sender.acked.len(),
        got.distinct(),
        sender.returned.len()
    ));
}

/// Of each message for a station that is away its sender is told what becomes of it: SM 02 or SM 04.
fn settle(sender: &mut Sender, link: &mut Station) {
    sender.hear(link);
    while sender.told < sender.acked.len() {
        let came = link.pump(Instant::now() + PATIENCE).expect("the link stays up");
        assert_eq!(came, crate::station::Pumped::Block, "told of {} of {}", sender.told, sender.acked.len());
        sender.hear(link);
    }
}
