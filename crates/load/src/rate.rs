//! When messages are to be sent: rates over time, and the arrivals they make.
//!
//! A [`RateCurve`] is piecewise linear. Its integral says how many messages are due by a time; an arrival is the time at
//! which that count passes the next step. Steps of one give fixed spacing, steps drawn from the exponential distribution a
//! Poisson process, also while the rate climbs. Nothing here knows when, or whether, an answer came: that is what makes a
//! load open.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

/// A stretch of time over which the rate changes evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Messages a second at its beginning.
    pub from: f64,
    /// Messages a second at its end.
    pub to: f64,
    /// How long it takes.
    pub duration: Duration,
}

impl Segment {
    fn messages(&self) -> f64 {
        (self.from + self.to) / 2.0 * self.duration.as_secs_f64()
    }

    /// How far into it so many messages are due; the rate is not zero throughout.
    fn seconds_for(&self, messages: f64) -> f64 {
        let slope = (self.to - self.from) / self.duration.as_secs_f64();
        if slope.abs() < f64::EPSILON {
            return messages / self.from;
        }
        // from·t + slope/2·t² = messages, solved in the form that does not cancel.
        let root = (self.from * self.from + 2.0 * slope * messages).max(0.0).sqrt();
        2.0 * messages / (self.from + root)
    }
}

/// Messages a second over the time of a run, from its beginning.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RateCurve {
    segments: Vec<Segment>,
}

impl RateCurve {
    /// The rate is what the segments say, one after the other, and nothing after the last.
    #[must_use]
    pub fn new(segments: Vec<Segment>) -> Self {
        Self { segments: segments.into_iter().filter(|segment| !segment.duration.is_zero()).collect() }
    }

    /// A climb from nothing over `ramp`, then a steady rate for as long as `steady`.
    #[must_use]
    pub fn ramped(rate: f64, ramp: Duration, steady: Duration) -> Self {
        Self::new(vec![
            Segment { from: 0.0, to: rate, duration: ramp },
            Segment { from: rate, to: rate, duration: steady },
        ])
    }

    /// The same shape with every rate multiplied.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let scaled = |segment: &Segment| Segment { from: segment.from * factor, to: segment.to * factor, ..*segment };
        Self { segments: self.segments.iter().map(scaled).collect() }
    }

    /// When the last segment ends.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.segments.iter().map(|segment| segment.duration).sum()
    }

    /// The rate at a time, in messages a second.
    #[must_use]
    pub fn rate_at(&self, time: Duration) -> f64 {
        let mut begin = Duration::ZERO;
        for segment in &self.segments {
            if time < begin + segment.duration {
                let share = (time - begin).as_secs_f64() / segment.duration.as_secs_f64();
                return segment.from + (segment.to - segment.from) * share;
            }
            begin += segment.duration;
        }
        0.0
    }

    /// How many messages are due by the end.
    #[must_use]
    pub fn messages(&self) -> f64 {
        self.segments.iter().map(Segment::messages).sum()
    }

    /// When so many messages are due; never, if the curve ends before.
    fn time_of(&self, messages: f64) -> Option<Duration> {
        let (mut begin, mut left) = (Duration::ZERO, messages);
        for segment in &self.segments {
            let here = segment.messages();
            if left < here {
                return Some(begin + Duration::try_from_secs_f64(segment.seconds_for(left)).ok()?);
            }
            left -= here;
            begin += segment.duration;
        }
        None
    }
}

/// How arrivals lie between one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// At random, independent of one another, as the messages of many people come.
    #[default]
    Poisson,
    /// Evenly.
    Fixed,
}

/// The times at which messages are to be sent, in order. The same seed gives the same times.
#[derive(Debug, Clone)]
pub struct Arrivals {
    curve: RateCurve,
    spacing: Spacing,
    random: Pcg64,
    due: f64,
}

impl Arrivals {
    /// Arrivals along a curve.
    #[must_use]
    pub fn new(curve: RateCurve, spacing: Spacing, seed: u64) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        // Threads that share a rate evenly must not send in step.
        let due = if spacing == Spacing::Fixed { -random.random::<f64>() } else { 0.0 };
        Self { curve, spacing, random, due }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.due += match self.spacing {
            Spacing::Fixed => 1.0,
            // 1 − u is never 0.
            Spacing::Poisson => -(1.0 - self.random.random::<f64>()).ln(),
        };
        self.curve.time_of(self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn fixed_arrivals_are_even_and_as_many_as_the_rate_says() {
        let times: Vec<_> =
            Arrivals::new(RateCurve::ramped(100.0, Duration::ZERO, seconds(3)), Spacing::Fixed, 7).collect();
        assert_eq!(times.len(), 300);
        for pair in times.windows(2) {
            assert!((pair[1] - pair[0]).abs_diff(Duration::from_millis(10)) < Duration::from_micros(1));
        }
    }

    #[test]
    fn poisson_arrivals_have_the_mean_and_the_spread_of_their_process() {
        const SEED: u64 = 11;
        let curve = RateCurve::ramped(1000.0, Duration::ZERO, seconds(100));
        let times: Vec<_> = Arrivals::new(curve, Spacing::Poisson, SEED).collect();
        let count = times.len() as f64;
        assert!((count - 100_000.0).abs() < 4.0 * 100_000_f64.sqrt(), "seed {SEED}: {count}");
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // Of an exponential distribution the deviation equals the mean.
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "seed {SEED}: {} {mean}", variance.sqrt());
        assert!(times.is_sorted());
    }

    #[test]
    fn a_ramp_climbs_evenly() {
        let curve = RateCurve::ramped(200.0, seconds(10), seconds(5));
        assert_eq!(curve.messages().round(), 2000.0);
        let times: Vec<_> = Arrivals::new(curve.clone(), Spacing::Fixed, 1).collect();
        let before = |second| times.iter().filter(|time| **time < seconds(second)).count().abs_diff(0);
        // A quarter of the ramp's messages come in its first half.
        assert!(before(5).abs_diff(250) <= 1, "{}", before(5));
        assert!(before(10).abs_diff(1000) <= 1, "{}", before(10));
        assert_eq!(curve.rate_at(seconds(5)), 100.0);
        assert_eq!(curve.rate_at(seconds(12)), 200.0);
        assert_eq!((curve.rate_at(seconds(15)), curve.end()), (0.0, seconds(15)));
    }

    #[test]
    fn the_same_seed_gives_the_same_times() {
        let times = |seed| {
            let curve = RateCurve::ramped(500.0, seconds(1), seconds(1));
            Arrivals::new(curve, Spacing::Poisson, seed).collect::<Vec<_>>()
        };
        assert_eq!(times(3), times(3));
        assert_ne!(times(3), times(4));
    }

    #[test]
    fn no_rate_and_no_time_have_no_arrivals() {
        for (rate, length) in [(0.0, 10), (10.0, 0)] {
            let curve = RateCurve::ramped(rate, Duration::ZERO, seconds(length));
            assert_eq!(Arrivals::new(curve, Spacing::Poisson, 1).next(), None);
        }
        assert_eq!(Arrivals::new(RateCurve::default(), Spacing::Fixed, 1).next(), None);
    }

    #[test]
    fn a_falling_rate_is_followed_to_its_end() {
        let curve = RateCurve::new(vec![Segment { from: 100.0, to: 0.0, duration: seconds(10) }]).scaled(2.0);
        let times: Vec<_> = Arrivals::new(curve, Spacing::Fixed, 1).collect();
        assert!(times.len().abs_diff(1000) <= 1 && times.is_sorted());
        assert!(times.iter().filter(|time| **time < seconds(5)).count().abs_diff(750) <= 1);
    }
}
