//! What a run found, as it is written to JSON: the whole of it, so that text, pages and comparisons are made from the file
//! alone.
//!
//! Durations are microseconds or, where the name says so, seconds; rates are a second; shares are 0 to 1. Histograms are
//! there with every bucket: percentiles that nobody thought of can be had later.

pub mod compare;
pub mod html;
pub mod svg;
pub mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::meter::{Counts, Durations, Stage};

/// The version of this shape.
pub const FORMAT: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`FORMAT`].
    pub format: u32,
    /// What made it, with its version.
    pub tool: String,
    /// When it began, UTC.
    pub began: String,
    /// Where it ran.
    pub machine: Machine,
    /// What was asked for.
    pub setup: Setup,
    /// How it ended.
    pub verdict: Verdict,
    /// Each threshold and what was found.
    pub requirements: Vec<Requirement>,
    /// Counters over the whole run, warm-up and end included, so that they add up.
    pub counts: BTreeMap<String, u64>,
    /// ER of the switch by number.
    pub er: BTreeMap<u8, u64>,
    /// SM of the switch by number.
    pub sm: BTreeMap<u8, u64>,
    /// What was done a second in the measured time.
    pub rates: Rates,
    /// By kind and stage, for messages due in the measured time; `kind` is `all` for their sum.
    pub latencies: Vec<Latency>,
    /// From the call to the first status answer.
    pub handshakes: Handshakes,
    /// This harness, and whether it was the bottleneck.
    pub harness: Harness,
    /// Processes that were watched.
    pub watched: Vec<Watched>,
    /// Processor time of everything else on the machine, in processors.
    pub others_cpu: f64,
    /// Interval by interval.
    pub series: Vec<Point>,
    /// The search for the knee, if there was one.
    pub knee: Option<KneeFound>,
    /// The backlog and how it went away, if there was one.
    pub recovery: Option<Recovery>,
    /// What went wrong with links, the first few times.
    pub troubles: Vec<String>,
}

/// Where a run ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many of them.
    pub processors: usize,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The switch.
    pub address: String,
    /// In a few words: the profile, the rate, the loop.
    pub load: String,
    /// Messages a second in the measured time; 0 in a closed loop.
    pub rate: f64,
    /// How arrivals lie.
    pub spacing: String,
    /// In a closed loop, messages at a time on each link; 0 in an open one.
    pub per_link: usize,
    /// Climb, in seconds.
    pub ramp_seconds: f64,
    /// After it and before the measured time, in seconds.
    pub warmup_seconds: f64,
    /// The measured time, in seconds, as it came out.
    pub measured_seconds: f64,
    /// When the measured time began, in seconds of the run.
    pub measured_from_seconds: f64,
    /// Links that send.
    pub links: usize,
    /// Links that say nothing.
    pub idle: usize,
    /// Links of this run's receivers.
    pub receiver_links: usize,
    /// Threads.
    pub threads: usize,
    /// The seed of arrivals and messages.
    pub seed: u64,
    /// What the control fields of this run have in common.
    pub tag: String,
    /// Share of messages with a fault.
    pub malformed: f64,
    /// Share of messages that are sent twice.
    pub repeated: f64,
    /// The kinds of messages.
    pub kinds: Vec<KindSetup>,
}

/// A kind of message in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindSetup {
    /// Its key.
    pub key: String,
    /// Its share of all.
    pub share: f64,
    /// Shortest and longest message in bytes.
    pub bytes: [usize; 2],
    /// Where it goes.
    pub to: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every threshold was met.
    Met,
    /// A threshold was missed, and this harness kept up.
    Missed,
    /// A threshold was missed while this harness did not keep up: that says nothing about the switch.
    HarnessBound,
    /// There was no threshold.
    Unjudged,
}

/// A threshold and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// As it was written.
    pub text: String,
    /// What was found.
    pub found: String,
    /// Whether it holds.
    pub met: bool,
}

/// What was done a second in the measured time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Rates {
    /// Messages due.
    pub offered: f64,
    /// Messages sent.
    pub sent: f64,
    /// Messages acknowledged.
    pub acked: f64,
    /// Messages acknowledged, with those that this run's receivers answered: what the switch made durable for this run.
    pub durable: f64,
    /// Messages answered in full.
    pub answered: f64,
    /// Copies delivered to this run's receivers.
    pub delivered: f64,
}

/// Latencies of one kind and stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// A key, or `all`.
    pub kind: String,
    /// The stage.
    pub stage: Stage,
    /// How many.
    pub count: u64,
    /// The mean, in microseconds.
    pub mean_us: u64,
    /// Percentiles in microseconds.
    pub percentiles_us: Percentiles,
    /// Every value in microseconds with its count.
    pub buckets: Vec<(u64, u64)>,
}

/// The percentiles that every report shows, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are called what they are")]
pub struct Percentiles {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p99_9: u64,
    pub max: u64,
}

impl Percentiles {
    /// Those of some durations.
    #[must_use]
    pub fn of(all: &Durations) -> Self {
        let at = |share: f64| micros(all.quantile(share));
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p99_9: at(0.999), max: micros(all.max()) }
    }
}

impl Latency {
    /// The entry of some durations.
    #[must_use]
    pub fn of(kind: &str, stage: Stage, all: &Durations) -> Self {
        Self {
            kind: kind.to_owned(),
            stage,
            count: all.len(),
            mean_us: micros(all.mean()),
            percentiles_us: Percentiles::of(all),
            buckets: all.buckets(),
        }
    }

    /// The durations of an entry.
    #[must_use]
    pub fn durations(&self) -> Durations {
        Durations::from_buckets(&self.buckets)
    }
}

/// How links came up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Handshakes {
    /// How many links came up.
    pub count: u64,
    /// From the first call to the last link, in seconds.
    pub seconds: f64,
    /// From a call to the switch's first word, in microseconds.
    pub percentiles_us: Percentiles,
}

/// This harness.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Harness {
    /// How late messages were handed to their links, in microseconds.
    pub lag_us: Percentiles,
    /// Processors used in the measured time.
    pub cpu: f64,
    /// The largest share of the measured time that one of its threads ran.
    pub busiest: f64,
    /// Share of the measured time that its threads were ready and had no processor.
    pub starved: f64,
    /// Memory at the end, in bytes.
    pub resident_bytes: u64,
    /// The same before the first link, in bytes.
    pub resident_bytes_before: u64,
    /// Why it was the bottleneck; empty if it was not.
    pub bottleneck: Vec<String>,
}

/// A process that was watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub command: String,
    /// Processors used in the measured time.
    pub cpu: f64,
    /// Processor time for each durable message of this run, in microseconds.
    pub cpu_us_per_message: f64,
    /// Memory before the first link, in bytes.
    pub resident_bytes_before: u64,
    /// Memory once all links were up, in bytes.
    pub resident_bytes_linked: u64,
    /// Memory at the end, in bytes.
    pub resident_bytes: u64,
}

/// One interval. Rates are a second, times of what came in it are in microseconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Point {
    /// When it ended, in seconds of the run.
    pub at: f64,
    /// Messages due.
    pub offered: f64,
    /// Messages sent.
    pub sent: f64,
    /// Messages acknowledged.
    pub acked: f64,
    /// Answers received.
    pub answers: f64,
    /// Copies delivered to this run's receivers.
    pub delivered: f64,
    /// ER, SM that give back, negative acknowledgements, losses, copies too many.
    pub errors: f64,
    /// Messages waited for at its end.
    pub waiting: usize,
    /// Links up at its end.
    pub links: usize,
    /// Acknowledgement times.
    pub ack_us: Percentiles,
    /// Times of the final answer.
    pub final_us: Percentiles,
    /// Times of delivery.
    pub delivery_us: Percentiles,
    /// How late messages were handed to their links, the 99th percentile.
    pub lag_p99_us: u64,
    /// Processors that this harness used.
    pub cpu: f64,
    /// Processors that each watched process used.
    pub watched_cpu: Vec<f64>,
}

/// A search for the knee.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KneeFound {
    /// The highest rate at which every threshold held, in messages a second.
    pub rate: Option<f64>,
    /// Every rate that was tried, in order.
    pub steps: Vec<KneeStep>,
    /// Why the search ended, where the bounds did not end it.
    pub ended: Option<String>,
}

/// A rate that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KneeStep {
    /// Messages a second.
    pub rate: f64,
    /// What was acknowledged a second.
    pub acked: f64,
    /// Acknowledgement times in microseconds.
    pub ack_us: Percentiles,
    /// Times of the final answer in microseconds.
    pub final_us: Percentiles,
    /// The thresholds.
    pub requirements: Vec<Requirement>,
    /// Why this harness was the bottleneck; empty if it was not.
    pub bottleneck: Vec<String>,
}

/// A backlog and how it went away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Messages that waited when the receivers came back.
    pub backlog: u64,
    /// How long it took to send them, in seconds.
    pub filled_seconds: f64,
    /// How long it took until all had been delivered, in seconds; none if they were not.
    pub drained_seconds: Option<f64>,
    /// Messages a second that were delivered meanwhile.
    pub drain_rate: f64,
}

impl Run {
    /// The latencies of a stage over all kinds.
    #[must_use]
    pub fn latency(&self, kind: &str, stage: Stage) -> Option<&Latency> {
        self.latencies.iter().find(|latency| latency.kind == kind && latency.stage == stage)
    }

    /// A counter by its name.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// What was sent and came to nothing.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.count("lost")
    }
}

/// Counters by name, with their sum of losses.
#[must_use]
pub(crate) fn named(counts: &Counts) -> BTreeMap<String, u64> {
    let all = crate::meter::Count::ALL.iter().map(|count| (count.name().to_owned(), counts.get(*count)));
    all.chain([("lost".to_owned(), counts.lost())]).collect()
}

/// A duration in whole microseconds.
#[must_use]
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A time as people read it: three digits, the unit that fits.
#[must_use]
pub fn readable_us(micros: u64) -> String {
    let value = micros as f64;
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.2} ms", value / 1e3),
        10_000..100_000 => format!("{:.1} ms", value / 1e3),
        100_000..1_000_000 => format!("{:.0} ms", value / 1e3),
        1_000_000..100_000_000 => format!("{:.2} s", value / 1e6),
        _ => format!("{:.0} s", value / 1e6),
    }
}

/// A rate or another number as people read it.
#[must_use]
pub fn readable(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        small if small < 1.0 => format!("{value:.3}"),
        small if small < 100.0 => format!("{value:.1}"),
        small if small < 10_000.0 => format!("{value:.0}"),
        small if small < 1_000_000.0 => format!("{:.1}k", value / 1e3),
        _ => format!("{:.2}M", value / 1e6),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::meter::{Count, Latencies};

    /// A run that somebody could have made.
    pub(crate) fn made(factor: u64) -> Run {
        let mut latencies = Latencies::new(1);
        for ms in 1..=100 {
            latencies.record(0, Stage::Ack, Duration::from_millis(ms * factor));
            latencies.record(0, Stage::Final, Duration::from_millis(3 * ms * factor));
        }
        let mut counts = Counts::default();
        for (count, many) in [(Count::Sent, 1000), (Count::Acked, 999), (Count::LostAcks, 1), (Count::Answers, 1998)] {
            counts.add_many(count, many);
        }
        counts.er.insert(14, 3);
        let point = |at: u32| Point {
            at: f64::from(at),
            offered: 100.0,
            sent: 100.0,
            acked: 99.0 + f64::from(at % 3),
            answers: 198.0,
            errors: f64::from(at % 2),
            waiting: 12,
            links: 8,
            ack_us: Percentiles { p50: 400 * factor, p90: 700 * factor, p99: 1500 * factor, p99_9: 2000, max: 2500 },
            final_us: Percentiles { p50: 4000, p90: 7000, p99: 15_000, p99_9: 20_000, max: 25_000 },
            cpu: 0.25,
            watched_cpu: vec![0.5],
            ..Point::default()
        };
        let latencies = [("all", Stage::Ack), ("IAQ", Stage::Ack), ("all", Stage::Final), ("IAQ", Stage::Final)]
            .map(|(kind, stage)| Latency::of(kind, stage, latencies.of(0, stage).unwrap()));
        Run {
            format: FORMAT,
            tool: "orinet load 0.0.0".to_owned(),
            began: "2030-01-31T15:00:00Z".to_owned(),
            machine: Machine { processor: "A processor".to_owned(), processors: 2 },
            setup: Setup {
                address: "127.0.0.1:7020".to_owned(),
                load: "P1 busy hour, open loop".to_owned(),
                rate: 100.0,
                spacing: "poisson".to_owned(),
                per_link: 0,
                ramp_seconds: 2.0,
                warmup_seconds: 1.0,
                measured_seconds: 10.0,
                measured_from_seconds: 4.0,
                links: 8,
                idle: 0,
                receiver_links: 1,
                threads: 1,
                seed: 1,
                tag: "00001".to_owned(),
                malformed: 0.02,
                repeated: 0.01,
                kinds: vec![KindSetup {
                    key: "IAQ".to_owned(),
                    share: 1.0,
                    bytes: [200, 300],
                    to: vec!["AX".to_owned()],
                }],
            },
            verdict: Verdict::Missed,
            requirements: vec![Requirement {
                text: "iar_p99<25ms".to_owned(),
                found: "297.0ms".to_owned(),
                met: false,
            }],
            counts: named(&counts),
            er: counts.er.clone(),
            sm: counts.sm.clone(),
            rates: Rates { offered: 100.0, sent: 100.0, acked: 99.9, durable: 99.9, answered: 99.9, delivered: 0.0 },
            latencies: latencies.to_vec(),
            handshakes: Handshakes { count: 9, seconds: 0.5, percentiles_us: Percentiles::default() },
            harness: Harness { cpu: 0.25, busiest: 0.25, ..Harness::default() },
            watched: vec![Watched {
                pid: 7,
                command: "orinet".to_owned(),
                cpu: 0.5,
                cpu_us_per_message: 50.0,
                resident_bytes_before: 10_000_000,
                resident_bytes_linked: 11_000_000,
                resident_bytes: 12_000_000,
            }],
            others_cpu: 0.1,
            series: (1..=14).map(point).collect(),
            knee: None,
            recovery: None,
            troubles: Vec::new(),
        }
    }

    #[test]
    fn a_run_comes_back_from_its_json_whole() {
        let run = made(1);
        let text = serde_json::to_string(&run).unwrap();
        let again: Run = serde_json::from_str(&text).unwrap();
        assert_eq!(again, run);
        let latency = again.latency("all", Stage::Final).unwrap();
        assert_eq!(Percentiles::of(&latency.durations()), latency.percentiles_us);
    }

    #[test]
    fn times_and_numbers_are_short() {
        let times = [7, 1234, 12_345, 123_456, 1_234_567, 123_456_789].map(readable_us);
        assert_eq!(times, ["7 µs", "1.23 ms", "12.3 ms", "123 ms", "1.23 s", "123 s"]);
        let numbers = [0.0, 0.044, 32.044, 1005.0, 51_000.0, 1_369_872.0].map(readable);
        assert_eq!(numbers, ["0", "0.044", "32.0", "1005", "51.0k", "1.37M"]);
    }
}
