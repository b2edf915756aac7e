//! How soon a switch that was killed takes messages again, with many waiting.
//!
//! `cargo xtask bench restart` runs this with more and prints the times.

use std::thread;
use std::time::{Duration, Instant};

use codec::block::Function;

use crate::net::{Net, Node, PEER, TERMINAL};

/// From the start of the process to the ack, so many waiting: at most so long.
const LIMITS: [(usize, Duration); 2] = [(100_000, Duration::from_secs(2)), (1_000_000, Duration::from_secs(5))];
/// Links that fill the journal, and messages under way on each.
const LINKS: usize = 4;
const WINDOW: usize = 256;

#[test]
#[expect(clippy::print_stdout, reason = "figures for `cargo xtask bench restart`")]
fn a_killed_switch_with_many_waiting_soon_takes_messages_again() {
    let asked = std::env::var("RESTART_WAITING").unwrap_or_else(|_| "100000".to_owned());
    for waiting in asked.split(',').map(|count| count.parse::<usize>().expect("RESTART_WAITING lists numbers")) {
        let limit = LIMITS.iter().find(|(most, _)| waiting <= *most).expect("a limit for so many").1;
        let net = network();
        let switch = net.switch();
        let began = Instant::now();
        fill(&switch, waiting);
        println!("{waiting} waiting: filled in {:.1} s", began.elapsed().as_secs_f64());
        switch.kill();

        let mut times = Vec::new();
        for start in 0..3 {
            let began = Instant::now();
            let switch = net.switch();
            let up = began.elapsed();
            switch.station(TERMINAL).send(&message(9_000_000 + start));
            let took = began.elapsed();
            println!(
                "{waiting} waiting: up after {:.3} s, first ack after {:.3} s",
                up.as_secs_f64(),
                took.as_secs_f64()
            );
            assert_eq!(switch.waiting(), waiting + start);
            times.push(took);
            switch.kill();
        }
        times.sort_unstable();
        assert!(
            times[1] <= limit,
            "with {waiting} waiting the middle of three starts took {:?}, limit {limit:?}",
            times[1]
        );
    }
}

/// As large as real ones, and room for a million.
fn network() -> Net {
    let net = Net::new();
    net.change("segment_bytes = 1048576", "segment_bytes = 67108864\nhold_bytes = 4294967296");
    net.change("name = \"ZC\"\n", "name = \"ZC\"\nhold_bytes = 4294967296\n");
    net
}

fn message(number: usize) -> String {
    format!("SM.{TERMINAL}.{PEER}.TXT\r\nNUMBER {number:07} {}", "OF MANY ".repeat(45))
}

/// Sends so many messages to a station that is away.
fn fill(switch: &Node, messages: usize) {
    thread::scope(|scope| {
        for link in 0..LINKS {
            scope.spawn(move || {
                let mut station = switch.station(TERMINAL);
                let own: Vec<usize> = (1..=messages).filter(|number| number % LINKS == link).collect();
                for numbers in own.chunks(WINDOW) {
                    let validation = |number: &usize| u32::try_from(*number).expect("it fits");
                    for number in numbers {
                        station.post_as(validation(number), &message(*number)).expect("the link takes it");
                    }
                    for number in numbers {
                        let reply = station.reply(validation(number)).expect("a reply");
                        assert_eq!(reply.function(), Function::Ack, "{:?}", reply.status());
                    }
                }
            });
        }
    });
}
