//! What metrics and log lines cost for one message, for `cargo xtask count`: all that the switch says of a message that is
//! accepted, stored in a commit of its own, sent, and delivered. In a switch under load many messages share a commit.

use std::sync::Arc;
use std::time::Duration;

use codec::name::{MessageKey, StationName};
use switch_core::{Msn, Observation};
use telemetry::{Metrics, SwitchTelemetry};

/// The only operation.
const MESSAGE: &str = "telemetry of a message";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [operation, times] = &words[..] else {
        print();
        return;
    };
    assert_eq!(operation, MESSAGE, "no such operation");
    let times: u32 = times.parse().expect("a count");
    let telemetry = SwitchTelemetry::new(Arc::new(Metrics::new("0")));
    let station = StationName::parse("ZA").expect("a name");
    let key = MessageKey::parse("AM").expect("a key");
    let after = Duration::from_micros(900);
    for _ in 0..times {
        telemetry.observe(&Observation::Accepted { station, key, msn: Msn(1), copies: 1, bytes: 300 });
        telemetry.observe(&Observation::Queued { station, class: 4 });
        telemetry.commit(1, 512, after, after);
        telemetry.acknowledged(1, after);
        telemetry.observe(&Observation::Sent { station, key, bytes: 350, again: false, after });
        telemetry.observe(&Observation::Delivered { station, after });
        telemetry.observe(&Observation::Unqueued { station, class: 4 });
    }
}

#[expect(clippy::print_stdout, reason = "its only output")]
fn print() {
    println!("{MESSAGE}");
}
