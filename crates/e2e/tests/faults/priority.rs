//! Urgent messages behind very many that wait, from end to end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::effort::{alone, efforts, figures, ms, percentile};
use crate::kills::Sender;
use crate::net::{Net, PEER, STATE, TERMINAL};
use crate::station::Pumped;

/// Urgent messages of a run.
const URGENT: usize = 20;
/// Copies that a link may have and has not acknowledged.
const WINDOW: usize = 32;

/// R10.
#[test]
fn urgent_messages_pass_all_that_wait() {
    let _machine = alone();
    let waiting: usize = efforts(6_000, 100_000, 100_000);
    let net = Net::new();
    let switch = net.switch();
    let mut sender = Sender::of_notes(TERMINAL, TERMINAL, PEER);
    let mut link = switch.station(TERMINAL);
    sender.begin_at(1, 500);
    sender.pour(&mut link, waiting);
    sender.await_acks(&mut link);
    let all = sender.acked.len();
    let (mut state, mut urgent) = (switch.station(STATE), switch.station("ZB"));
    let (arrived, urgent_sent) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // Urgent ones come all the way through what waits: the receiver reads on when the next one is sent.
    let step = all / URGENT / 2;
    // When an urgent one was acknowledged and how many had come by then; when it came, and after how many.
    let (sent, came, control) = thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let (mut came, mut control) = (Vec::new(), 0);
            while arrived.load(Ordering::Relaxed) < all || came.len() < URGENT || control == 0 {
                while urgent_sent.load(Ordering::Relaxed) < URGENT
                    && arrived.load(Ordering::Relaxed) > urgent_sent.load(Ordering::Relaxed) * step
                {
                    thread::yield_now();
                }
                let got = state.pump(Instant::now() + PATIENCE).expect("the link stays up");
                assert_eq!(
                    got,
                    Pumped::Block,
                    "{} of {all} came, {} urgent",
                    arrived.load(Ordering::Relaxed),
                    came.len()
                );
                for message in state.arrived() {
                    if message.text.contains("URGENT") {
                        came.push((Instant::now(), arrived.load(Ordering::Relaxed)));
                    } else if message.text.contains("ROUTINE") {
                        control = arrived.load(Ordering::Relaxed);
                    } else {
                        arrived.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            (came, control)
        });
        let mut sent = Vec::new();
        // The control: a routine message that comes with the first urgent one comes last.
        urgent.send(&format!("AM.ZB0010000.{PEER}.TXT\r\nROUTINE"));
        for number in 0..URGENT {
            while arrived.load(Ordering::Relaxed) < number * step && !receiver.is_finished() {
                thread::yield_now();
            }
            urgent.send(&format!("SM.ZB0010000.{PEER}.TXT\r\nURGENT {number}"));
            sent.push((Instant::now(), arrived.load(Ordering::Relaxed)));
            urgent_sent.store(number + 1, Ordering::Relaxed);
        }
        let (came, control) = receiver.join().expect("the receiver got on");
        (sent, came, control)
    });
    switch.kill();
    let behind: Vec<_> = sent.iter().zip(&came).map(|((_, then), (_, now))| now.saturating_sub(*then)).collect();
    let mut times: Vec<Duration> =
        sent.iter().zip(&came).map(|((then, _), (now, _))| now.saturating_duration_since(*then)).collect();
    let most = behind.iter().copied().max().unwrap_or_default();
    assert!(sent[0].1 < all / 2, "{} of {all} had come before the first urgent one", sent[0].1);
    assert!(control > all - WINDOW, "the routine one came after {control} of {all}");
    // What the link had already, and as much again for what the receiver had acknowledged and not yet counted, and the reverse.
    assert!(most <= WINDOW * 4, "an urgent one came after {most} that waited: {behind:?}");
    let last = percentile(&mut times, 100);
    figures(&format!(
        "{URGENT} urgent messages behind {all} that wait: each after at most {most} of them, the slowest {} after its ack; a routine \
         one after {control}",
        ms(last)
    ));
}
