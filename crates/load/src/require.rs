//! Thresholds, `iar_p99<25ms`: what must hold for a run to have succeeded.
//!
//! ```text
//! requirement = [KEY "."] metric ("<" | "<=" | ">" | ">=" | "==") value
//! metric      = stage "_" ("p" 0..100 | "mean" | "max")    a latency: 25ms, 1.5s, 900us
//!             | count                                      a number, or with % a share of the messages sent
//!             | count "_rate"                              a number a second of the measured time
//!             | "lost" | "er_" NN | "sm_" NN
//! ```
//!
//! Stages are `ack`, `first` (`iar1`), `final` (`iar`) and `delivery`, counts those of [`Count`]. A latency of which there
//! is none meets nothing.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use codec::name::MessageKey;

use crate::meter::{Count, Counts, Durations, Stage};

/// One threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    text: String,
    kind: Option<MessageKey>,
    metric: Metric,
    relation: Relation,
    bound: Bound,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Metric {
    Latency(Stage, Statistic),
    Count(Count),
    Rate(Count),
    Lost,
    Er(u8),
    Sm(u8),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Statistic {
    Quantile(f64),
    Mean,
    Max,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    Duration(Duration),
    Number(f64),
    /// Of the messages sent, 0 to 1.
    Share(f64),
}

/// Why a text is no threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no requirement: {problem}")]
pub struct RequirementError {
    text: String,
    problem: String,
}

/// What a run, or a step of one, gave.
pub trait Results {
    /// Latencies of a stage, of one key or of all.
    fn latencies(&self, kind: Option<MessageKey>, stage: Stage) -> Durations;
    /// The counters.
    fn counts(&self) -> &Counts;
    /// So many a second of the measured time.
    fn rate(&self, count: Count) -> f64;
}

/// How a threshold was met or missed.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The threshold as it was written.
    pub text: String,
    /// What was found, for a person.
    pub found: String,
    /// Whether it holds.
    pub met: bool,
}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        let fail = |problem: String| RequirementError { text: text.to_owned(), problem };
        let at = text.find(['<', '>', '=']).ok_or_else(|| fail("it has no <, <=, >, >= or ==".to_owned()))?;
        let (name, rest) = text.split_at(at);
        let relations = [
            ("<=", Relation::LessOrEqual),
            (">=", Relation::GreaterOrEqual),
            ("==", Relation::Equal),
            ("<", Relation::Less),
            (">", Relation::Greater),
        ];
        let (relation, value) = relations
            .iter()
            .find_map(|(sign, relation)| Some((*relation, rest.strip_prefix(sign)?)))
            .ok_or_else(|| fail("a single = is no comparison: write ==".to_owned()))?;
        let (kind, name) = match name.trim().split_once('.') {
            Some((key, rest))
                if MessageKey::parse(key).is_ok() && key.bytes().all(|byte| byte.is_ascii_uppercase()) =>
            {
                (MessageKey::parse(key).ok(), rest)
            }
            _ => (None, name.trim()),
        };
        let metric = metric(name).ok_or_else(|| fail(format!("there is no {name}; known are {}", known())))?;
        if kind.is_some() && !matches!(metric, Metric::Latency(..)) {
            return Err(fail("only latencies are known by key".to_owned()));
        }
        let bound = bound(value.trim()).ok_or_else(|| fail(format!("{value} is no value: 25ms, 10, 0.5%")))?;
        let fits = match metric {
            Metric::Latency(..) => matches!(bound, Bound::Duration(_)),
            Metric::Rate(_) => matches!(bound, Bound::Number(_)),
            Metric::Count(_) | Metric::Lost | Metric::Er(_) | Metric::Sm(_) => !matches!(bound, Bound::Duration(_)),
        };
        if !fits {
            return Err(fail("the value has another unit than what it is compared with".to_owned()));
        }
        Ok(Self { text: text.to_owned(), kind, metric, relation, bound })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Requirement {
    /// Whether it holds.
    #[must_use]
    pub fn check(&self, results: &dyn Results) -> Outcome {
        let (found, met) = match (self.metric, self.bound) {
            (Metric::Latency(stage, statistic), Bound::Duration(bound)) => {
                let all = results.latencies(self.kind, stage);
                let value = match statistic {
                    Statistic::Quantile(share) => all.quantile(share),
                    Statistic::Mean => all.mean(),
                    Statistic::Max => all.max(),
                };
                let met = !all.is_empty() && self.relation.holds(value.as_secs_f64(), bound.as_secs_f64());
                (if all.is_empty() { "none was measured".to_owned() } else { format!("{value:.1?}") }, met)
            }
            (Metric::Rate(count), Bound::Number(bound)) => {
                let value = results.rate(count);
                (format!("{value:.1}/s"), self.relation.holds(value, bound))
            }
            (metric, bound) => {
                let value = count(metric, results.counts());
                match bound {
                    Bound::Share(share) => {
                        let of = results.counts().get(Count::Sent).max(1) as f64;
                        let found = value as f64 / of;
                        (format!("{:.3}% ({value})", found * 100.0), self.relation.holds(found, share))
                    }
                    Bound::Number(bound) => (value.to_string(), self.relation.holds(value as f64, bound)),
                    // Parsing has refused it.
                    Bound::Duration(_) => (value.to_string(), false),
                }
            }
        };
        Outcome { text: self.text.clone(), found, met }
    }
}

impl Relation {
    #[expect(clippy::float_cmp, reason = "counts are whole numbers, and equal means equal")]
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
            Self::Equal => value == bound,
        }
    }
}

fn count(metric: Metric, counts: &Counts) -> u64 {
    match metric {
        Metric::Count(count) | Metric::Rate(count) => counts.get(count),
        Metric::Lost => counts.lost(),
        Metric::Er(number) => counts.er.get(&number).copied().unwrap_or(0),
        Metric::Sm(number) => counts.sm.get(&number).copied().unwrap_or(0),
        Metric::Latency(..) => 0,
    }
}

fn metric(name: &str) -> Option<Metric> {
    let of_count = |name: &str| Count::ALL.iter().copied().find(|count| count.name() == name);
    if name == "lost" {
        return Some(Metric::Lost);
    }
    if let Some(count) = of_count(name) {
        return Some(Metric::Count(count));
    }
    let (first, last) = name.rsplit_once('_')?;
    match (first, last) {
        ("er", number) => return number.parse().ok().map(Metric::Er),
        ("sm", number) => return number.parse().ok().map(Metric::Sm),
        (count, "rate") => return of_count(count).map(Metric::Rate),
        _ => {}
    }
    let stage = Stage::ALL.into_iter().find(|stage| stage.names().contains(&first))?;
    let statistic = match last {
        "mean" => Statistic::Mean,
        "max" => Statistic::Max,
        _ => {
            let percent: f64 = last.strip_prefix('p')?.parse().ok()?;
            (0.0..=100.0).contains(&percent).then_some(Statistic::Quantile(percent / 100.0))?
        }
    };
    Some(Metric::Latency(stage, statistic))
}

fn bound(text: &str) -> Option<Bound> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    if let Some(percent) = text.strip_suffix('%') {
        return number(percent).map(|percent| Bound::Share(percent / 100.0));
    }
    for (unit, seconds) in [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)] {
        if let Some(value) = text.strip_suffix(unit).and_then(number) {
            return Duration::try_from_secs_f64(value * seconds).ok().map(Bound::Duration);
        }
    }
    number(text.strip_suffix("/s").unwrap_or(text)).map(Bound::Number)
}

fn known() -> String {
    let stages = Stage::ALL.iter().map(|stage| format!("{}_p99", stage.names().join("_p99, ")));
    let counts = Count::ALL.iter().map(|count| count.name().to_owned());
    let all: Vec<String> = stages.chain(["lost", "er_NN", "sm_NN"].map(str::to_owned)).chain(counts).collect();
    format!("{}, and each count with _rate", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Made {
        latencies: Durations,
        counts: Counts,
    }

    impl Results for Made {
        fn latencies(&self, kind: Option<MessageKey>, stage: Stage) -> Durations {
            let none = stage == Stage::Delivery || kind.is_some_and(|kind| kind.as_str() == "AM");
            if none { Durations::default() } else { self.latencies.clone() }
        }
        fn counts(&self) -> &Counts {
            &self.counts
        }
        fn rate(&self, count: Count) -> f64 {
            self.counts.get(count) as f64 / 10.0
        }
    }

    fn check(text: &str) -> bool {
        let mut made = Made { latencies: Durations::default(), counts: Counts::default() };
        (1..=100).for_each(|ms| made.latencies.record(Duration::from_millis(ms)));
        made.counts.add_many(Count::Sent, 1000);
        made.counts.add_many(Count::LostAnswers, 5);
        made.counts.er.insert(14, 3);
        text.parse::<Requirement>().unwrap_or_else(|error| panic!("{error}")).check(&made).met
    }

    #[test]
    fn latencies_counts_rates_and_shares_are_compared() {
        for holds in [
            "iar_p99<99.5ms",
            "final_p50 <= 51 ms",
            "ack_max>=99ms",
            "ack_mean<0.051s",
            "ack_p99.9>99000us",
            "lost==5",
            "lost<=0.5%",
            "lost_answers<1%",
            "er_14==3",
            "er_1==0",
            "sm_02==0",
            "sent_rate>=100/s",
            "sent_rate>99",
            "IAQ.ack_p99<100ms",
        ] {
            assert!(check(holds), "{holds}");
        }
        for fails in ["iar_p99<98ms", "lost==0", "lost<0.5%", "sent_rate>100", "er_14<3"] {
            assert!(!check(fails), "{fails}");
        }
    }

    #[test]
    fn what_was_not_measured_meets_nothing() {
        for none in ["delivery_p99<1s", "delivery_p99>0s", "AM.ack_p50<1s"] {
            assert!(!check(none), "{none}");
        }
    }

    #[test]
    fn what_is_no_requirement_is_refused_with_its_reason() {
        for (text, reason) in [
            ("iar_p99", "it has no <"),
            ("iar_p99=25ms", "write =="),
            ("iar_p101<25ms", "there is no iar_p101"),
            ("nothing<1", "known are"),
            ("iar_p99<25", "another unit"),
            ("lost<25ms", "another unit"),
            ("sent_rate<5%", "another unit"),
            ("lost<many", "no value"),
            ("AM.lost<1", "only latencies"),
        ] {
            let error = text.parse::<Requirement>().unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains(text), "{text}: {error}");
        }
    }
}
