//! Every sync in turn fails, or the process dies at it; writes come short; the disk is slow.
//!
//! What a run did is judged by one function, which is shown to find fault where a sync or a write is a lie.

use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use codec::block::{Function, Status};

use crate::PATIENCE;
use crate::net::{Net, Node, PEER, STATE, TERMINAL};
use crate::process::{Finished, Stream};
use crate::station::Station;
use crate::trace::{Call, Trace, traced, wall, with_short_writes};

/// Each of the first so many syncs of a thread is hit in a run of its own.
const SYNCS: u32 = 50;
/// Messages of a run: each is a commit, and so a sync, as the next is sent when this one is acknowledged.
const MESSAGES: usize = 60;
/// How long the process may live on after a sync that failed.
const EXIT_WITHIN: Duration = Duration::from_secs(1);

/// A message that causes none but itself.
fn message(number: usize) -> String {
    format!("SM.{TERMINAL}.{PEER}.TXT\r\nNUMBER {number:03} OF THE TEST")
}

/// A message that was acknowledged: its number, when it was sent and when the ack came, by the clock of the trace.
#[derive(Debug)]
struct Acked {
    number: usize,
    sent: u64,
    acked: u64,
}

/// What a run with a fault did.
#[derive(Debug)]
struct Ran {
    acked: Vec<Acked>,
    /// None where it had to be killed.
    finished: Option<Finished>,
    trace: Trace,
    /// What a start without the fault finds waiting, or why there is none.
    found: Result<Vec<usize>, String>,
}

/// Runs the switch on a data directory of its own with these faults, sends messages one by one until it dies, and looks what
/// a start finds then.
fn run(net: &Net, calls: &str, faults: &[&str]) -> Ran {
    if net.path("data").exists() {
        fs::remove_dir_all(net.path("data")).expect("the data of the run before goes");
    }
    let log = net.path("trace");
    let mut acked = Vec::new();
    let finished = match net.try_switch_by(&mut traced(&net.command(), calls, faults, &log)) {
        Err(ended) => Some(ended.end(PATIENCE)),
        Ok(switch) => {
            if send_until_closed(&switch, &mut acked) {
                switch.kill();
                None
            } else {
                Some(switch.process.end(PATIENCE))
            }
        }
    };
    Ran { acked, finished, trace: Trace::read(&log), found: waiting(net) }
}

/// True if all were sent and the switch still lives.
fn send_until_closed(switch: &Node, acked: &mut Vec<Acked>) -> bool {
    let Ok(mut terminal) = switch.try_station(TERMINAL) else { return false };
    for number in 1..=MESSAGES {
        let sent = wall();
        let validation = u32::try_from(number).expect("it is small");
        if terminal.post_as(validation, &message(number)).is_err() {
            return false;
        }
        match terminal.reply(validation) {
            Ok(reply) if reply.function() == Function::Ack => acked.push(Acked { number, sent, acked: wall() }),
            // The process is about to end.
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    true
}

/// The numbers of all that waits, in the order in which it comes.
fn waiting(net: &Net) -> Result<Vec<usize>, String> {
    let switch = match net.try_switch_by(&mut net.command()) {
        Ok(switch) => switch,
        Err(ended) => return Err(ended.end(PATIENCE).stderr),
    };
    let mut state = switch.station(STATE);
    let number = |text: &str| text.split("NUMBER ").nth(1)?.get(..3)?.parse().ok();
    let found = (0..switch.waiting()).map(|_| number(&state.take("NUMBER ").text).expect("a message of this test"));
    let found = found.collect();
    switch.kill();
    Ok(found)
}

impl Ran {
    /// The first call of the journal that was made to fail.
    fn failed(&self) -> Option<&Call> {
        let journal = |call: &&Call| ["segment-", "mark", "journal"].iter().any(|name| call.file.starts_with(name));
        self.trace.calls.iter().filter(|call| call.result == "-1").find(journal)
    }

    /// What is wrong, in words; nothing if every promise held.
    fn faults(&self) -> String {
        let mut wrong = String::new();
        // An ack needs a sync of the log that really took place between the message and it.
        let syncs: Vec<_> = self.trace.calls.iter().filter(|call| call.file.starts_with("segment-")).collect();
        for Acked { number, sent, acked } in &self.acked {
            let covers = |sync: &&&Call| sync.is_true_sync() && sync.began >= *sent && sync.ended <= *acked;
            if !syncs.iter().any(|sync| covers(&sync)) {
                _ = writeln!(wrong, "message {number} was acknowledged without a sync");
            }
        }
        if let Some(failed) = self.failed() {
            let again =
                |call: &&Call| call.thread == failed.thread && call.file == failed.file && call.began > failed.ended;
            if let Some(again) = self.trace.calls.iter().find(again) {
                _ = writeln!(wrong, "after a sync that failed, the thread went on: {again:?}");
            }
            let lived = Duration::from_micros(self.trace.ended.saturating_sub(failed.ended));
            if lived > EXIT_WITHIN {
                _ = writeln!(wrong, "it lived on for {lived:?}");
            }
            match self.finished.as_ref().map(|finished| finished.code) {
                Some(Some(code)) if code != 0 => {}
                other => _ = writeln!(wrong, "after a failed sync it ended with {other:?}"),
            }
        }
        match &self.found {
            Err(why) => _ = writeln!(wrong, "the next start fails: {why}"),
            Ok(found) => {
                let acked: Vec<_> = self.acked.iter().map(|acked| acked.number).collect();
                // The one that was not acknowledged may be there or not.
                if !found.starts_with(&acked) || found.len() > acked.len() + 1 {
                    _ = writeln!(wrong, "{acked:?} were acknowledged, {found:?} are there");
                }
            }
        }
        wrong
    }
}

/// Does `check` for every sync of the first [`SYNCS`], on both cores.
fn for_every_sync(check: impl Fn(&Net, u32) + Sync) {
    let next = AtomicU32::new(1);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let net = Net::new();
                loop {
                    let sync = next.fetch_add(1, Ordering::Relaxed);
                    if sync > SYNCS {
                        return;
                    }
                    check(&net, sync);
                }
            });
        }
    });
}

#[test]
fn a_failed_sync_is_the_end_and_nothing_that_was_acknowledged_is_lost() {
    let acked = AtomicU32::new(0);
    for_every_sync(|net, sync| {
        // This one alone: a sync that is tried again would succeed, and be seen.
        let ran = run(net, "fdatasync,fsync", &[&format!("fdatasync:error=EIO:when={sync}")]);
        assert!(ran.failed().is_some(), "sync {sync}: none failed: {ran:#?}");
        assert_eq!(ran.faults(), "", "sync {sync}: {ran:#?}");
        acked.fetch_add(u32::try_from(ran.acked.len()).unwrap(), Ordering::Relaxed);
    });
    assert!(acked.into_inner() > SYNCS * 10, "the runs got nowhere");
}

#[test]
fn whichever_sync_it_dies_at_what_was_acknowledged_is_there() {
    let acked = AtomicU32::new(0);
    for_every_sync(|net, sync| {
        let ran = run(net, "fdatasync,fsync", &[&format!("fdatasync:signal=SIGKILL:when={sync}")]);
        assert_eq!(ran.finished.as_ref().map(|finished| finished.code), Some(None), "sync {sync}: {ran:#?}");
        assert_eq!(ran.faults(), "", "sync {sync}: {ran:#?}");
        acked.fetch_add(u32::try_from(ran.acked.len()).unwrap(), Ordering::Relaxed);
    });
    assert!(acked.into_inner() > SYNCS * 10, "the runs got nowhere");
}

#[test]
fn a_sync_or_a_write_that_is_a_lie_is_found_by_the_same_judgement() {
    let net = Net::new();
    // From its twentieth on, a thread's syncs do nothing and say that they succeeded: as if the error were passed over.
    let ran = run(&net, "fdatasync,fsync", &["fdatasync:retval=0:when=20+"]);
    assert!(ran.faults().contains("was acknowledged without a sync"), "{ran:#?}");
    // One write that is not done, and then a death: as if a short write were taken for a whole one.
    let faults = ["pwrite64:retval=1048576:when=20", "fdatasync:signal=SIGKILL:when=30"];
    let ran = run(&net, "pwrite64,fdatasync,fsync", &faults);
    let wrong = ran.faults();
    assert!(wrong.contains("the next start fails") || wrong.contains("were acknowledged"), "{ran:#?}");
}

#[test]
fn short_writes_are_completed() {
    let net = Net::new();
    let switch = net.switch_by(&mut with_short_writes(&net.command()));
    let mut acked = Vec::new();
    assert!(send_until_closed(&switch, &mut acked), "{:?}", switch.process);
    // The end as well, with the mark written in both places.
    switch.stop();
    assert_eq!(waiting(&net).unwrap(), (1..=MESSAGES).collect::<Vec<_>>());
    // That there were any: each write of the log in its full length would be one call a commit.
    fs::remove_dir_all(net.path("data")).unwrap();
    let log = net.path("trace");
    let switch = net.switch_by(&mut traced(&with_short_writes(&net.command()), "pwrite64,fdatasync", &[], &log));
    assert!(send_until_closed(&switch, &mut Vec::new()));
    switch.kill();
    let trace = Trace::read(&log);
    let count = |name: &str| {
        let of_log = trace.calls.iter().filter(|call| call.name == name && call.file.starts_with("segment-"));
        of_log.count()
    };
    assert!(count("pwrite64") > count("fdatasync") + MESSAGES / 4, "no write came short: {}", count("pwrite64"));
}

#[test]
fn a_slow_disk_loses_nothing_drops_no_link_and_is_shared_by_all_that_wait() {
    const LINKS: usize = 16;
    const WINDOW: u32 = 16;
    const ROUNDS: u32 = 5;
    let net = Net::new();
    net.switch().stop();
    let log = net.path("trace");
    let held_back = ["fdatasync:delay_exit=200000"];
    let switch = net.switch_by(&mut traced(&net.command(), "fdatasync", &held_back, &log));
    // Alone, a message waits for a sync of its own: the disk is slow.
    let began = Instant::now();
    let mut alone = switch.station(TERMINAL);
    (0..3).for_each(|number| alone.send(&message(number)));
    assert!(began.elapsed() >= Duration::from_millis(600), "the disk is not slow: {:?}", began.elapsed());

    let mut links: Vec<Station> = (0..LINKS).map(|_| switch.station(TERMINAL)).collect();
    let began = Instant::now();
    thread::scope(|scope| {
        for (place, link) in (1..).zip(&mut links) {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    // The station's own numbers, over all its links.
                    let validations = || (1..=WINDOW).map(|number| place * 1000 + round * WINDOW + number);
                    validations().for_each(|number| link.post_as(number, &message(4)).unwrap());
                    for number in validations() {
                        let reply = link.reply(number).expect("the link stays up");
                        assert_eq!((reply.function(), reply.status()), (Function::Ack, Status::OK));
                    }
                }
            });
        }
    });
    let messages = LINKS * (ROUNDS * WINDOW) as usize;
    let rate = messages as f64 / began.elapsed().as_secs_f64();
    assert!(rate >= 300.0, "{messages} messages took {:?}, {rate:.0}/s", began.elapsed());
    // No link was dropped, and the switch says that it is well.
    for link in &mut links {
        assert_eq!(link.status(), Ok(Status::READY));
    }
    assert_eq!(switch.get("/readyz").status, 200);
    switch.kill();
    let line = net.switch().process.line(Stream::Err, "the journal was read");
    assert!(line.contains(&format!("waiting={}", messages + 3)), "{line}");
}
