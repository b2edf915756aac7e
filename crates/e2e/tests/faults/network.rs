//! A bad network between real processes: senders and a receiver call through it, an honest pair does not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt as _;

use crate::PATIENCE;
use crate::chaos::Chaos;
use crate::effort::{Raised, chance, efforts, figures, ms, percentile, shared};
use crate::judge::{Got, Verdict, judge};
use crate::kills::Sender;
use crate::net::{Net, Node, PEER, STATE, TERMINAL};
use crate::seen::resident_kib;
use crate::station::{Acknowledges, Pumped, Station};

/// How much more memory the switch may have: the messages that it keeps to send them without reading them again, and as much as half of
/// that for all that the network does to its links.
const MEMORY_KIB: u64 = 96 << 10;

/// Calls until it gets through. On this network a handshake may fail as well.
fn connect(chaos: &Chaos, net: &Net, name: &str) -> Station {
    loop {
        if let Ok(link) = Station::connect(chaos.address, &net.pki(), name, Acknowledges::Everything) {
            return link;
        }
    }
}

/// Takes what comes, over link after link, until told to stop.
fn receive(chaos: &Chaos, net: &Net, stop: &AtomicBool) -> Got {
    let mut got = Got::default();
    while !stop.load(Ordering::Relaxed) {
        let mut link = connect(chaos, net, STATE);
        while !stop.load(Ordering::Relaxed) && link.pump(Instant::now() + Duration::from_millis(100)).is_ok() {}
        got.take(link.arrived());
    }
    got
}

/// Round trips of a pair whose network is good, and the most memory that the switch had meanwhile.
fn serve_meanwhile(switch: &Node, stop: &AtomicBool) -> (Vec<Duration>, u64) {
    let (mut from, mut to) = (switch.station("ZB"), switch.station("IC"));
    let (mut times, mut most) = (Vec::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        let text = format!("HONEST {:06}", times.len());
        let began = Instant::now();
        from.send(&format!("AM.ZB0010000.ZZICE0100.TXT\r\n{text}"));
        to.take(&text);
        times.push(began.elapsed());
        if times.len() % 50 == 1 {
            most = most.max(resident_kib(&switch.process));
        }
    }
    (times, most)
}

/// What a run over the bad network came to.
struct Ran {
    verdict: Verdict,
    acked: usize,
    returned: usize,
    /// Connections that met with something.
    met: String,
    /// From when the network was good again to the first new acknowledgement.
    resumed: Duration,
    honest: Vec<Duration>,
    more_kib: u64,
}

/// Sends until each sender has so many acknowledgements, then lets the network be good and everything arrive. A sender that
/// believes takes what it has sent for acknowledged whenever its link breaks.
fn run(acks: usize, outage: Duration, believes: bool) -> Ran {
    let mut random = chance("network");
    let net = Net::new();
    let switch = net.switch();
    // The first messages and links cost memory once.
    switch.station(TERMINAL).send(&format!("AM.{TERMINAL}.ZB0010000.TXT\r\nFIRST"));
    let before = resident_kib(&switch.process);
    let (up, down) = ([0; 2].map(|_: u8| Chaos::new(switch.links, random.random(), outage)), {
        Chaos::new(switch.links, random.random(), outage)
    });
    let mut senders = [Sender::of_notes(TERMINAL, TERMINAL, PEER), Sender::of_notes("ZA", "ZA0020000", PEER)];
    let (stop, stop_honest) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut resumed = Duration::ZERO;
    let (got, (mut honest, most)) = thread::scope(|scope| {
        let receiver = scope.spawn(|| receive(&down, &net, &stop));
        let honest = scope.spawn(|| serve_meanwhile(&switch, &stop_honest));
        let (_end, _end_honest) = (Raised(&stop), Raised(&stop_honest));
        thread::scope(|scope| {
            for (sender, chaos) in senders.iter_mut().zip(&up) {
                let net = &net;
                scope.spawn(move || {
                    while sender.acked.len() < acks {
                        let mut link = connect(chaos, net, sender.station);
                        sender.pour(&mut link, acks - sender.acked.len());
                        // What it was told before the link broke it has acknowledged.
                        sender.hear(&mut link);
                        if believes {
                            sender.believe();
                        }
                    }
                });
            }
        });
        [&up[0], &up[1], &down].into_iter().for_each(Chaos::heal);
        let healed = Instant::now();
        for (sender, chaos) in senders.iter_mut().zip(&up) {
            let mut link = connect(chaos, &net, sender.station);
            sender.pour(&mut link, 1);
            resumed = resumed.max(healed.elapsed());
            if believes {
                sender.believe();
            } else {
                sender.await_acks(&mut link);
            }
        }
        stop_honest.store(true, Ordering::Relaxed);
        stop.store(true, Ordering::Relaxed);
        (receiver.join().expect("the receiver got on"), honest.join().expect("the honest pair was served"))
    });
    let mut got = got;
    // A link that is half open is found out by its silence. Who believes has lost something for ever.
    let patience = if believes { Duration::from_secs(3) } else { PATIENCE * 3 };
    settle(&switch, &mut senders, &mut got, patience);
    let acked = senders.iter().flat_map(|sender| sender.acked.iter().cloned());
    let wanted = acked.filter(|stamp| !senders.iter().any(|sender| sender.returned.contains(stamp))).collect();
    let met = [&up[0], &up[1], &down].map(Chaos::met);
    let met = (0..met[0].len()).map(|fate| (met[0][fate].0, met.iter().map(|met| met[fate].1).sum::<usize>()));
    let met = met.map(|(fate, count)| format!("{count} {}", format!("{fate:?}").to_lowercase())).collect::<Vec<_>>();
    switch.kill();
    honest.sort_unstable();
    Ran {
        verdict: judge(&wanted, &got),
        acked: senders.iter().map(|sender| sender.acked.len()).sum(),
        returned: senders.iter().map(|sender| sender.returned.len()).sum(),
        met: met.join(", "),
        resumed,
        honest,
        more_kib: most.saturating_sub(before),
    }
}

/// All that is still on its way, over links that are good, until everything is accounted for or the time is over.
fn settle(switch: &Node, senders: &mut [Sender], got: &mut Got, patience: Duration) {
    let mut state = switch.station(STATE);
    let mut links: Vec<_> = senders.iter().map(|sender| switch.station(sender.station)).collect();
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        let came = state.pump(Instant::now() + Duration::from_millis(100)).expect("the link stays up");
        got.take(state.arrived());
        for (sender, link) in senders.iter_mut().zip(&mut links) {
            link.pump(Instant::now() + Duration::from_millis(1)).expect("the link stays up");
            sender.hear(link);
        }
        if came == Pumped::Nothing && senders.iter().all(|sender| sender.is_accounted(got)) {
            return;
        }
    }
}

/// R16.
#[test]
fn a_bad_network_loses_nothing_holds_nobody_else_up_and_is_recovered_from() {
    let _machine = shared();
    let acks = efforts(250, 1_500, 2_000);
    // The long one is longer than the switch waits for a sign of life.
    let outage = efforts(Duration::from_millis(500), Duration::from_millis(1_500), Duration::from_secs(65));
    let mut ran = run(acks, outage, false);
    assert!(ran.verdict.is_good(), "{:?} over {}", ran.verdict, ran.met);
    assert!(ran.more_kib < MEMORY_KIB, "{} KiB more", ran.more_kib);
    assert!(ran.resumed < Duration::from_secs(5), "resumed after {:?}", ran.resumed);
    let p99 = percentile(&mut ran.honest, 99);
    figures(&format!(
        "{} messages acknowledged over a network with {}: 0 lost ({} of them given back with SM 04), 0 admitted twice, 0 out of \
         order, {} sent again under their number; new acks {} after it was good again; {} round trips of others meanwhile, p99 {}; \
         {} KiB more memory",
        ran.acked,
        ran.met,
        ran.returned,
        ran.verdict.repeated,
        ms(ran.resumed),
        ran.honest.len(),
        ms(p99),
        ran.more_kib
    ));
}

/// The control: on the same network, what was sent and not acknowledged is missed by the same judgement.
#[test]
fn whoever_takes_sent_for_acknowledged_on_a_bad_network_is_found_to_lose() {
    let _machine = shared();
    let ran = run(250, Duration::from_millis(200), true);
    assert!(ran.verdict.lost > 0, "nothing was lost on its way: {:?} over {}", ran.verdict, ran.met);
    figures(&format!("{} messages sent, {} never arrived", ran.acked, ran.verdict.lost));
}
