//! A disk that is full or fails, by strace between the switch and the kernel.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use codec::block::{Function, Status};

use crate::net::{Net, PEER, STATE, TERMINAL};
use crate::process::Stream;
use crate::station::Message;
use crate::trace::traced;

/// A message that causes none but itself: nobody is told that its receiver is away. One message is one commit.
fn message(number: usize) -> String {
    format!("SM.{TERMINAL}.{PEER}.TXT\r\nNUMBER {number:03} OF THE TEST")
}

/// The numbers of all that waits, in the order in which it comes.
fn waiting(net: &Net) -> Vec<usize> {
    let switch = net.switch();
    let mut state = switch.station(STATE);
    let messages: Vec<Message> = (0..switch.waiting()).map(|_| state.take("NUMBER ")).collect();
    let validations: HashSet<u32> = messages.iter().map(|message| message.validation).collect();
    assert_eq!(validations.len(), messages.len(), "one copy came twice");
    let number = |message: &Message| message.text.split("NUMBER ").nth(1)?.get(..3)?.parse().ok();
    messages.iter().map(|message| number(message).expect("a message of this test")).collect()
}

#[test]
fn a_full_disk_turns_senders_away_and_is_recovered_from() {
    let net = Net::new();
    net.switch().stop();
    // The writer's third to sixty-fourth writes find no room: two attempts every 200 ms, for some six seconds.
    let faults = ["pwrite64:error=ENOSPC:when=3..64"];
    let log = net.path("trace");
    let switch = net.switch_by(&mut traced(&net.command(), "pwrite64", &faults, &log));
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&message(1));
    terminal.send(&message(2));
    assert_eq!(switch.get("/readyz").status, 200);

    // The one that finds the disk full, and one that comes while it is.
    for number in [3, 4] {
        terminal.post_as(number, &message(number as usize)).unwrap();
        let reply = terminal.reply(number).unwrap();
        assert_eq!((reply.function(), reply.status()), (Function::Nack, Status::TEMPORARY), "message {number}");
    }
    let ready = switch.get("/readyz");
    assert_eq!(ready.status, 503, "{}", ready.body);
    assert!(ready.body.contains("nothing can be made durable") && ready.body.contains("space"), "{}", ready.body);
    assert_eq!(terminal.status(), Ok(Status::NOT_READY));
    // A link that comes only now is told too, if not with its first breath.
    let mut late = switch.station("ZB");
    assert!((0..100).any(|_| late.status() == Ok(Status::NOT_READY)), "a new link is told that the switch is ready");
    assert_eq!(switch.get("/livez").status, 200);
    assert_eq!(switch.metrics().value("orinet_store_full"), Some(1.0));
    assert_eq!(switch.metrics().value("orinet_messages_turned_away_total{reason=\"not_durable\"}"), Some(2.0));
    let line = switch.process.line(Stream::Err, "nothing can be made durable");
    assert!(line.contains("ERROR"), "a person must act: {line}");

    switch.await_metric("orinet_store_full", 0.0);
    assert_eq!(switch.get("/readyz").status, 200);
    assert_eq!(terminal.status(), Ok(Status::READY));
    for number in [3, 4] {
        terminal.post_as(number, &message(number as usize)).unwrap();
        assert_eq!(terminal.reply(number).unwrap().function(), Function::Ack, "message {number}");
    }
    terminal.send(&message(5));
    drop(terminal);
    switch.stop();
    assert!(fs::read_to_string(&log).unwrap().contains("ENOSPC"), "no write was refused");
    let mut arrived = waiting(&net);
    // The third may have become durable by itself before it came again, also after the fourth's first refusal.
    arrived.sort_unstable();
    assert_eq!(arrived, [1, 2, 3, 4, 5], "nothing lost, nothing twice");
}

#[test]
fn a_failed_sync_is_the_end_and_nothing_that_was_acknowledged_is_lost() {
    // strace counts for each thread: opening the journal, on the main one, takes a few syncs that must not fail here.
    for first_failure in [8, 15] {
        let net = Net::new();
        net.switch().stop();
        // This one alone: a sync that is tried again would succeed, and be seen.
        let faults = [format!("fdatasync:error=EIO:when={first_failure}")];
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let log = net.path("trace");
        let switch = net.switch_by(&mut traced(&net.command(), "fdatasync", &faults, &log));
        let mut terminal = switch.station(TERMINAL);
        let mut acknowledged = Vec::new();
        for number in 1..=20 {
            if terminal.post_as(number, &message(number as usize)).is_err() {
                break;
            }
            match terminal.reply(number) {
                Ok(reply) => assert_eq!(reply.function(), Function::Ack),
                Err(_) => break,
            }
            acknowledged.push(number as usize);
        }
        let finished = switch.process.end(Duration::from_secs(5));
        assert_eq!(finished.code, Some(1), "{finished:#?}");
        assert!(finished.stderr.contains("start again to recover"), "{}", finished.stderr);

        // Each message is a commit, each commit a sync of one thread: as many acks as it had syncs that succeeded. And it
        // tries no other after the one that failed, as the system may have dropped what it could not write.
        let trace = fs::read_to_string(&log).unwrap();
        let failed = trace.lines().find(|line| line.contains("EIO")).expect("a sync failed");
        let thread = failed.split(' ').next().expect("a thread's number");
        let ends = trace.lines().filter(|line| line.starts_with(thread) && line.contains(" = "));
        let ends: Vec<bool> = ends.map(|line| line.ends_with(" = 0") || line.contains(" = 0 ")).collect();
        let (last, before) = ends.split_last().expect("the one that failed");
        assert!(!last && before.iter().all(|success| *success), "a sync after a failed one:\n{trace}");
        assert!(!acknowledged.is_empty());
        assert_eq!(acknowledged.len(), before.len(), "an ack without a sync, or a sync without one:\n{trace}");

        // The one that was not acknowledged may be there or not.
        let mut arrived = waiting(&net);
        assert!(arrived.len() <= acknowledged.len() + 1, "{arrived:?} of {acknowledged:?}");
        arrived.truncate(acknowledged.len());
        assert_eq!(arrived, acknowledged, "acknowledged and lost, or out of order");
    }
}
