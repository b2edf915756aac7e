//! Whether the harness itself was the bottleneck. Then its figures say nothing about the switch, and it says so.

use std::time::Duration;

use crate::report::readable_us;

/// What is known of the harness over some time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Observed {
    /// Messages due in it.
    pub due: f64,
    /// Messages sent in it.
    pub sent: u64,
    /// Messages that were due and not sent because too many were waited for.
    pub overflowed: u64,
    /// How late messages were handed over, the 99th percentile.
    pub lag_p99: Duration,
    /// The 99th percentile of acknowledgement times, of which the lag is a part.
    pub ack_p99: Duration,
    /// The largest share of the time that one thread ran.
    pub busiest: f64,
    /// Share of the time that threads were ready to run and had no processor.
    pub starved: f64,
    /// Whether messages come at their own times, not each after another's end.
    pub open: bool,
}

/// A lag below this troubles nobody.
const LAG_MIN: Duration = Duration::from_millis(1);

/// The part of an acknowledgement time that may be the harness's own lag.
const LAG_SHARE: f64 = 0.25;

/// Beyond this a thread has no room for a burst.
const BUSY: f64 = 0.9;

/// More waiting than this for a processor is somebody else's load.
const STARVED: f64 = 0.15;

/// Less than this part of what was due cannot be chance at any length worth measuring.
const SENT: f64 = 0.97;

/// Why the harness was the bottleneck, each reason a sentence; none if it kept up.
#[must_use]
pub fn bottleneck(observed: &Observed) -> Vec<String> {
    let Observed { due, sent, overflowed, lag_p99, ack_p99, busiest, starved, open } = *observed;
    let mut reasons = Vec::new();
    if open && lag_p99 > LAG_MIN && lag_p99.as_secs_f64() > LAG_SHARE * ack_p99.as_secs_f64() {
        let (lag, ack) = (lag_p99.as_micros(), ack_p99.as_micros());
        let [lag, ack] = [lag, ack].map(|micros| readable_us(u64::try_from(micros).unwrap_or(u64::MAX)));
        reasons
            .push(format!("messages were handed to their links {lag} late (p99), of {ack} to their acknowledgement"));
    }
    if busiest > BUSY {
        reasons.push(format!("a thread of the harness was busy {:.0} % of the time", busiest * 100.0));
    }
    if starved > STARVED {
        reasons.push(format!("its threads waited for a processor {:.0} % of the time", starved * 100.0));
    }
    // The deviation of a Poisson process is the root of what is due.
    if open && (sent as f64) < SENT * due - 4.0 * due.sqrt() {
        reasons.push(format!("only {sent} of {due:.0} messages that were due were sent"));
    }
    if overflowed > 0 {
        reasons.push(format!("{overflowed} messages were not sent because too many were waited for (--in-flight-max)"));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Observed = Observed {
        due: 10_000.0,
        sent: 9_950,
        overflowed: 0,
        lag_p99: Duration::from_micros(150),
        ack_p99: Duration::from_millis(2),
        busiest: 0.4,
        starved: 0.03,
        open: true,
    };

    #[test]
    fn a_harness_that_keeps_up_is_no_bottleneck() {
        assert_eq!(bottleneck(&FINE), [""; 0]);
        // Late, but by little beside what a slow switch takes.
        let slow = Observed { lag_p99: Duration::from_millis(3), ack_p99: Duration::from_secs(1), ..FINE };
        assert_eq!(bottleneck(&slow), [""; 0]);
        // Few messages: chance.
        assert_eq!(bottleneck(&Observed { due: 30.0, sent: 20, ..FINE }), [""; 0]);
        assert_eq!(bottleneck(&Observed { due: 0.0, sent: 100, open: false, ..FINE }), [""; 0]);
    }

    #[test]
    fn each_way_of_falling_behind_is_named() {
        let check = |observed: Observed, word: &str| {
            let reasons = bottleneck(&observed);
            assert!(reasons.len() == 1 && reasons[0].contains(word), "{reasons:?}");
        };
        check(Observed { lag_p99: Duration::from_millis(5), ..FINE }, "5.00 ms late");
        check(Observed { busiest: 0.97, ..FINE }, "busy 97 %");
        check(Observed { starved: 0.3, ..FINE }, "30 %");
        check(Observed { sent: 5_000, ..FINE }, "only 5000 of 10000");
        check(Observed { overflowed: 12, ..FINE }, "12 messages were not sent");
    }
}
