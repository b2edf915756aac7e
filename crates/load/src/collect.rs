//! Puts the threads' intervals together: the series of a report, and sums over stretches of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use crate::io::proc::{ProcessUse, process_use};
use crate::meter::{Count, Counts, Interval, Stage};
use crate::rate::RateCurve;
use crate::report::{Percentiles, Point, micros};

/// A sum over a stretch of intervals, as it comes in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stretch {
    range: Range<u64>,
    pub(crate) sum: Interval,
    /// Shares of its intervals that its busiest threads ran, added up, in thousandths.
    pub(crate) busiest_permille: u64,
    pub(crate) intervals: u64,
}

/// All that came in.
#[derive(Debug)]
pub(crate) struct Collector {
    threads: usize,
    length: Duration,
    pending: BTreeMap<u64, (usize, Interval)>,
    /// Everything, from the beginning.
    pub(crate) all: Counts,
    pub(crate) handshakes: crate::meter::Durations,
    pub(crate) series: Vec<Point>,
    pub(crate) stretches: Vec<Stretch>,
    /// When the last link came up, by interval.
    pub(crate) last_link_up: Option<u64>,
    curve: Option<(Duration, RateCurve)>,
    own: Option<ProcessUse>,
    watched: Vec<(u32, Option<ProcessUse>)>,
}

impl Collector {
    pub(crate) fn new(threads: usize, length: Duration, watched: &[u32]) -> Self {
        Self {
            threads,
            length,
            pending: BTreeMap::new(),
            all: Counts::default(),
            handshakes: crate::meter::Durations::default(),
            series: Vec::new(),
            stretches: Vec::new(),
            last_link_up: None,
            curve: None,
            own: process_use(None),
            watched: watched.iter().map(|pid| (*pid, process_use(Some(*pid)))).collect(),
        }
    }

    /// Sums up what comes in intervals of that range, given as times on their borders.
    pub(crate) fn follow(&mut self, from: Duration, until: Duration) -> usize {
        let range = self.index(from)..self.index(until);
        self.stretches.push(Stretch { range, ..Stretch::default() });
        self.stretches.len() - 1
    }

    /// Ends a stretch earlier than was thought.
    pub(crate) fn cut(&mut self, stretch: usize, until: Duration) {
        let index = self.index(until);
        if let Some(stretch) = self.stretches.get_mut(stretch) {
            stretch.range.end = stretch.range.end.min(index);
        }
    }

    /// What is due from now on.
    pub(crate) fn set_curve(&mut self, curve: Option<(Duration, RateCurve)>) {
        self.curve = curve;
    }

    /// The next border of an interval that is at least that far away.
    pub(crate) fn border_after(&self, time: Duration) -> Duration {
        let nanos = self.length.as_nanos().max(1);
        let count = time.as_nanos().div_ceil(nanos);
        self.length * u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn index(&self, border: Duration) -> u64 {
        let count = (border.as_nanos() + self.length.as_nanos() / 2) / self.length.as_nanos().max(1);
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// A thread's interval came in. Says whether one was completed: then the last point is new.
    pub(crate) fn take(&mut self, index: u64, interval: &Interval) -> bool {
        let (count, sum) = self.pending.entry(index).or_default();
        *count += 1;
        sum.merge(interval);
        if *count < self.threads {
            return false;
        }
        // Earlier ones in which a thread could not run will not be complete any more.
        let mut rest = self.pending.split_off(&(index + 1));
        std::mem::swap(&mut self.pending, &mut rest);
        for (index, (_, interval)) in rest {
            self.settle(index, &interval);
        }
        true
    }

    /// At the end: what is not complete counts all the same.
    pub(crate) fn take_rest(&mut self) {
        for (index, (_, interval)) in std::mem::take(&mut self.pending) {
            self.settle(index, &interval);
        }
    }

    fn settle(&mut self, index: u64, interval: &Interval) {
        self.all.merge(&interval.counts);
        self.handshakes.merge(&interval.handshakes);
        if interval.counts.get(Count::LinksUp) > 0 {
            self.last_link_up = Some(index);
        }
        for stretch in self.stretches.iter_mut().filter(|stretch| stretch.range.contains(&index)) {
            stretch.sum.merge(interval);
            stretch.busiest_permille += u64::from(interval.scheduling.busiest_permille);
            stretch.intervals += 1;
        }
        let point = self.point(index, interval);
        self.series.push(point);
    }

    fn point(&mut self, index: u64, interval: &Interval) -> Point {
        let seconds = self.length.as_secs_f64();
        let at = self.length * u32::try_from(index + 1).unwrap_or(u32::MAX);
        let rate = |count| interval.counts.get(count) as f64 / seconds;
        let stage = |stage: Stage| Percentiles::of(&interval.stages[stage as usize]);
        let offered = match &self.curve {
            Some((from, curve)) => at.checked_sub(*from + self.length / 2).map_or(0.0, |time| curve.rate_at(time)),
            None => rate(Count::Sent),
        };
        let used = |before: &mut Option<ProcessUse>, now: Option<ProcessUse>| {
            let last = std::mem::replace(before, now);
            let cpu = now.zip(last).map_or(Duration::ZERO, |(now, last)| now.cpu.saturating_sub(last.cpu));
            cpu.as_secs_f64() / seconds
        };
        Point {
            at: at.as_secs_f64(),
            offered,
            sent: rate(Count::Sent),
            acked: rate(Count::Acked),
            answers: rate(Count::Answers),
            delivered: rate(Count::Delivered),
            errors: errors(&interval.counts) as f64 / seconds,
            waiting: interval.waiting,
            links: interval.links,
            ack_us: stage(Stage::Ack),
            final_us: stage(Stage::Final),
            delivery_us: stage(Stage::Delivery),
            lag_p99_us: micros(interval.lag.quantile(0.99)),
            cpu: used(&mut self.own, process_use(None)),
            watched_cpu: self.watched.iter_mut().map(|(pid, last)| used(last, process_use(Some(*pid)))).collect(),
        }
    }
}

/// Everything that should not have been.
fn errors(counts: &Counts) -> u64 {
    let wrong = [Count::Refused, Count::RefusedOtherwise, Count::Nacked, Count::Extra, Count::LinksLost];
    counts.lost() + wrong.iter().map(|count| counts.get(*count)).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(sent: u64, waiting: usize) -> Interval {
        let mut interval = Interval { waiting, ..Interval::default() };
        interval.counts.add_many(Count::Sent, sent);
        interval.record(Stage::Ack, Duration::from_millis(sent));
        interval
    }

    #[test]
    fn an_interval_is_complete_when_every_thread_has_told() {
        let mut collector = Collector::new(2, Duration::from_secs(1), &[]);
        let stretch = collector.follow(Duration::from_secs(1), Duration::from_secs(2));
        assert!(!collector.take(0, &second(5, 1)));
        assert!(!collector.take(1, &second(7, 2)));
        assert!(collector.take(0, &second(6, 1)));
        assert_eq!((collector.series.len(), collector.series[0].sent, collector.series[0].waiting), (1, 11.0, 2));
        assert!(collector.take(1, &second(8, 2)));
        assert_eq!(collector.series[1].ack_us.max / 1000, 8);
        let sum = &collector.stretches[stretch].sum;
        assert_eq!((sum.counts.get(Count::Sent), collector.all.get(Count::Sent)), (15, 26));
    }

    #[test]
    fn a_thread_that_could_not_run_holds_nothing_up() {
        let mut collector = Collector::new(2, Duration::from_secs(1), &[]);
        collector.take(0, &second(5, 1));
        collector.take(1, &second(5, 1));
        collector.take(1, &second(5, 1));
        assert_eq!(collector.series.len(), 2);
        collector.take(2, &second(1, 1));
        collector.take_rest();
        assert_eq!((collector.series.len(), collector.all.get(Count::Sent)), (3, 16));
    }

    #[test]
    fn borders_are_multiples_of_an_interval() {
        let collector = Collector::new(1, Duration::from_millis(200), &[]);
        for (time, border) in [(0, 0), (1, 200), (200, 200), (1001, 1200)] {
            assert_eq!(collector.border_after(Duration::from_millis(time)), Duration::from_millis(border));
        }
    }
}
