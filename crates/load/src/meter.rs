//! What a run counts and how long things took: counters out of a closed set and HDR histograms, mergeable over threads.
//!
//! Latencies are kept in microseconds with three digits. Two views of them exist: those of a run, by kind of message,
//! for messages that were due in the measured time; and those of an interval, over all kinds, for whatever came in it.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// A step in the life of a message that is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The switch's acknowledgement: the message is on disk.
    Ack,
    /// The first of its answers.
    First,
    /// The last of its answers.
    Final,
    /// Its arrival at the last receiver of this run.
    Delivery,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ack, Self::First, Self::Final, Self::Delivery];

    /// As thresholds name it; the two of answers have a second name after what mostly answers.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Ack => &["ack"],
            Self::First => &["first", "iar1"],
            Self::Final => &["final", "iar"],
            Self::Delivery => &["delivery"],
        }
    }

    /// What a person reads.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ack => "acknowledgement",
            Self::First => "first answer",
            Self::Final => "final answer",
            Self::Delivery => "delivery",
        }
    }
}

macro_rules! counts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $label:literal;)*) => {
        /// Something that is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Count { $($(#[$doc])* $variant),* }

        impl Count {
            /// All of them, in the order of reports.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As reports and thresholds name it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What a person reads.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
        }
    };
}

counts! {
    /// Messages handed to a link, without repeats and without answers that this run gives itself.
    Sent = "sent", "messages sent";
    /// Of those, acknowledged.
    Acked = "acked", "acknowledged";
    /// Messages of which all answers came.
    Answered = "answered", "answered in full";
    /// Answers that came and were due.
    Answers = "answers", "answers received";
    /// Copies that came to receivers of this run and were due.
    Delivered = "delivered", "delivered to our receivers";
    /// Answers that receivers of this run sent.
    Replies = "replies", "answers sent by our receivers";
    /// Of those, acknowledged.
    RepliesAcked = "replies_acked", "of those acknowledged";
    /// Messages with a fault.
    Malformed = "malformed", "messages with a fault";
    /// Refused with the number that was due.
    RefusedRightly = "refused_rightly", "refused as they must be";
    /// Refused with another number.
    RefusedOtherwise = "refused_otherwise", "refused with another number";
    /// Messages without a fault that were refused or given back.
    Refused = "refused", "refused without a fault";
    /// Messages sent a second time on purpose.
    Repeats = "repeats", "repeats sent";
    /// Of those, acknowledged.
    RepeatsAcked = "repeats_acked", "repeats acknowledged";
    /// Copies that came a second time under the same validation, as they may after a lost link.
    Redelivered = "redelivered", "copies that came again";
    /// Answers or copies beyond those due, as when a repeat was not known for one.
    Extra = "extra", "answers or copies too many";
    /// Answers or copies for messages that had been given up.
    Late = "late", "answers or copies too late";
    /// Messages of others.
    Foreign = "foreign", "messages of others";
    /// Negative acknowledgements that are final.
    Nacked = "nacked", "negative acknowledgements";
    /// Messages that were never acknowledged.
    LostAcks = "lost_acks", "never acknowledged";
    /// Answers that never came.
    LostAnswers = "lost_answers", "answers that never came";
    /// Copies that never came.
    LostDeliveries = "lost_deliveries", "copies that never came";
    /// Refusals that never came.
    LostRefusals = "lost_refusals", "refusals that never came";
    /// Due, and not sent because the table of what is waited for was full.
    Overflowed = "overflowed", "not sent: too many waited for";
    /// Due, and not sent because no link of the sender was up.
    Linkless = "linkless", "not sent: no link";
    /// Messages sent again over another link.
    Resent = "resent", "sent again after a lost link";
    /// Links that came up: TLS agreed on, certificate accepted, first status answered.
    LinksUp = "links_up", "links that came up";
    /// Calls that came to nothing.
    LinksFailed = "links_failed", "calls that came to nothing";
    /// Links that were up and were lost.
    LinksLost = "links_lost", "links lost";
    /// Bytes of messages handed to links.
    BytesSent = "bytes_sent", "bytes of messages sent";
    /// Bytes of messages received.
    BytesReceived = "bytes_received", "bytes of messages received";
}

/// Counters, and ER and SM by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    values: Vec<u64>,
    /// ER of the switch, by number.
    pub er: BTreeMap<u8, u64>,
    /// SM of the switch, by number.
    pub sm: BTreeMap<u8, u64>,
}

impl Default for Counts {
    fn default() -> Self {
        Self { values: vec![0; Count::ALL.len()], er: BTreeMap::new(), sm: BTreeMap::new() }
    }
}

impl Counts {
    /// One more.
    pub fn add(&mut self, count: Count) {
        self.add_many(count, 1);
    }

    /// So many more.
    pub fn add_many(&mut self, count: Count, more: u64) {
        if let Some(value) = self.values.get_mut(count as usize) {
            *value += more;
        }
    }

    /// How many.
    #[must_use]
    pub fn get(&self, count: Count) -> u64 {
        self.values.get(count as usize).copied().unwrap_or(0)
    }

    /// Adds another's to these.
    pub fn merge(&mut self, other: &Self) {
        for count in Count::ALL {
            self.add_many(*count, other.get(*count));
        }
        for (mine, theirs) in [(&mut self.er, &other.er), (&mut self.sm, &other.sm)] {
            for (number, more) in theirs {
                *mine.entry(*number).or_default() += more;
            }
        }
    }

    /// What was sent and came to nothing, of whatever kind.
    #[must_use]
    pub fn lost(&self) -> u64 {
        [
            Count::LostAcks,
            Count::LostAnswers,
            Count::LostDeliveries,
            Count::LostRefusals,
            Count::Overflowed,
            Count::Linkless,
        ]
        .iter()
        .map(|count| self.get(*count))
        .sum()
    }
}

/// Durations, from a microsecond up, with three digits.
#[derive(Debug, Clone, PartialEq)]
pub struct Durations(Histogram<u64>);

impl Default for Durations {
    fn default() -> Self {
        // Three digits are within what the library takes; without a bound it grows with what is recorded.
        Self(Histogram::new(DIGITS).unwrap_or_else(|_| unreachable!("three digits are allowed")))
    }
}

const DIGITS: u8 = 3;

/// A duration that is longer is recorded as this long, a day.
const MICROS_MAX: u64 = 86_400_000_000;

impl Durations {
    /// Records one.
    pub fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(MICROS_MAX).min(MICROS_MAX);
        // It grows as needed; a value of up to a day always fits.
        let recorded = self.0.record(micros);
        debug_assert!(recorded.is_ok());
    }

    /// Adds another's to these.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same number of digits and grow.
        let added = self.0.add(&other.0);
        debug_assert!(added.is_ok());
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The duration that a share of them, 0 to 1, does not exceed; zero if there is none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(if self.0.is_empty() { 0 } else { self.0.value_at_quantile(share) })
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::try_from_secs_f64(self.0.mean() / 1e6).unwrap_or_default()
    }

    /// Every value with how often it was recorded, in microseconds: enough to make the same again.
    #[must_use]
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        self.0.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value())).collect()
    }

    /// The same durations from what [`Durations::buckets`] gave.
    #[must_use]
    pub fn from_buckets(buckets: &[(u64, u64)]) -> Self {
        let mut all = Self::default();
        for (micros, count) in buckets {
            let recorded = all.0.record_n((*micros).min(MICROS_MAX), *count);
            debug_assert!(recorded.is_ok());
        }
        all
    }
}

/// Latencies by kind and stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Latencies {
    kinds: Vec<[Durations; Stage::ALL.len()]>,
}

impl Latencies {
    /// None yet, of so many kinds.
    #[must_use]
    pub fn new(kinds: usize) -> Self {
        Self { kinds: (0..kinds).map(|_| Default::default()).collect() }
    }

    /// Records one.
    pub fn record(&mut self, kind: usize, stage: Stage, latency: Duration) {
        if let Some(kind) = self.kinds.get_mut(kind) {
            kind[stage as usize].record(latency);
        }
    }

    /// Those of one kind and stage.
    #[must_use]
    pub fn of(&self, kind: usize, stage: Stage) -> Option<&Durations> {
        self.kinds.get(kind).map(|kind| &kind[stage as usize])
    }

    /// Those of a stage, over all kinds.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Durations {
        let mut all = Durations::default();
        self.kinds.iter().for_each(|kind| all.merge(&kind[stage as usize]));
        all
    }

    /// Adds another's to these.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.kinds.iter_mut().zip(&other.kinds) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.merge(theirs));
        }
    }
}

/// What happened in one interval, on one thread or on all.
#[derive(Debug, Clone, Default)]
pub struct Interval {
    /// Counters of the interval.
    pub counts: Counts,
    /// Latencies of what came in it, by [`Stage`].
    pub stages: [Durations; Stage::ALL.len()],
    /// How late messages were handed to their links: this harness's own delay.
    pub lag: Durations,
    /// From the call to the first status answer, of links that came up in it.
    pub handshakes: Durations,
    /// Messages waited for at its end.
    pub waiting: usize,
    /// Links up at its end.
    pub links: usize,
    /// Time that threads of this run spent working, and time that they were ready to and had no processor.
    pub scheduling: Scheduling,
}

/// What the system's scheduler says of a thread, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scheduling {
    /// Time on a processor.
    pub ran: Duration,
    /// Time ready to run and without a processor.
    pub waited: Duration,
    /// The largest share of an interval, in thousandths, that one thread ran.
    pub busiest_permille: u32,
}

impl Interval {
    /// Adds another thread's to this.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.stages.iter_mut().zip(&other.stages).for_each(|(mine, theirs)| mine.merge(theirs));
        self.lag.merge(&other.lag);
        self.handshakes.merge(&other.handshakes);
        self.waiting += other.waiting;
        self.links += other.links;
        self.scheduling.ran += other.scheduling.ran;
        self.scheduling.waited += other.scheduling.waited;
        self.scheduling.busiest_permille = self.scheduling.busiest_permille.max(other.scheduling.busiest_permille);
    }

    /// Records a latency of a stage.
    pub fn record(&mut self, stage: Stage, latency: Duration) {
        self.stages[stage as usize].record(latency);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn durations_keep_three_digits_and_come_back_from_their_buckets() {
        let mut all = Durations::default();
        (1..=10_000).for_each(|micros| all.record(Duration::from_micros(micros)));
        assert!(all.quantile(0.5).abs_diff(Duration::from_micros(5000)) <= Duration::from_micros(5));
        assert!(all.quantile(0.99).abs_diff(Duration::from_micros(9900)) <= Duration::from_micros(10));
        assert!(all.max().abs_diff(Duration::from_micros(10_000)) <= Duration::from_micros(8));
        let again = Durations::from_buckets(&all.buckets());
        assert_eq!((again.len(), again.quantile(0.999)), (10_000, all.quantile(0.999)));
        let mut long = Durations::default();
        long.record(Duration::from_secs(3600));
        long.record(Duration::MAX);
        assert!(long.quantile(0.5).as_secs().abs_diff(3600) <= 4 && long.len() == 2);
        assert_eq!(Durations::default().quantile(0.99), Duration::ZERO);
    }

    #[test]
    fn threads_add_up() {
        let mut one = Interval::default();
        one.counts.add(Count::Sent);
        *one.counts.er.entry(14).or_default() += 2;
        one.record(Stage::Ack, Duration::from_millis(1));
        let mut other = one.clone();
        other.record(Stage::Ack, Duration::from_millis(9));
        one.merge(&other);
        assert_eq!((one.counts.get(Count::Sent), one.counts.er[&14]), (2, 4));
        assert_eq!(one.stages[Stage::Ack as usize].len(), 3);
        let mut latencies = Latencies::new(2);
        latencies.record(1, Stage::Final, Duration::from_millis(5));
        latencies.record(0, Stage::Final, Duration::from_millis(7));
        let all = latencies.stage(Stage::Final);
        assert_eq!((all.len(), latencies.of(1, Stage::Final).unwrap().len()), (2, 1));
    }

    #[test]
    fn names_are_names_of_one_thing_only() {
        let stages = Stage::ALL.iter().flat_map(|stage| stage.names());
        let counts = Count::ALL.iter().map(|count| count.name());
        let all: Vec<&str> = stages.copied().chain(counts).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
