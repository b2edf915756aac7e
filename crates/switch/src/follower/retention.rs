//! What of the journal may go: whole segments from its beginning, by age or by size, and never what something waits for.

use std::time::Duration;

use journal::{Reader, SegmentInfo};
use switch_core::reading::{self, Reading};

use crate::config::Retention;

#[derive(Debug)]
pub(crate) struct Pruner {
    retention: Retention,
    /// The oldest record that something waited for when that was known last. What came later is younger.
    needed: u64,
    /// Asked for last.
    asked: u64,
    /// When the segment that begins with this record began, in microseconds since 1970.
    began: Option<(u64, i64)>,
}

impl Pruner {
    pub(crate) fn new(retention: Retention, needed: u64) -> Self {
        Self { retention, needed, asked: 0, began: None }
    }

    /// There is a new checkpoint: more may be able to go than before.
    pub(crate) fn know(&mut self, needed: u64) {
        self.needed = needed;
        self.asked = 0;
    }

    /// The first record to keep, if that is news.
    pub(crate) fn look(&mut self, reader: &Reader, segments: &[SegmentInfo], now: Duration) -> Option<u64> {
        let oldest = now.saturating_sub(self.retention.keep).as_micros();
        let mut bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
        let mut from = 0;
        for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
            let too_much = self.retention.keep_bytes.is_some_and(|most| bytes > most);
            if !too_much && !self.ended_before(reader, next.first_sequence, oldest) {
                break;
            }
            bytes = bytes.saturating_sub(segment.bytes);
            from = next.first_sequence;
        }
        let from = from.min(self.needed);
        let first = segments.first().map_or(0, |segment| segment.first_sequence);
        if from <= first || from == self.asked {
            return None;
        }
        self.asked = from;
        Some(from)
    }

    /// Whether the segment before the one that begins with that record ended before a time, in microseconds since 1970.
    fn ended_before(&mut self, reader: &Reader, first_sequence: u64, time: u128) -> bool {
        self.began(reader, first_sequence).is_some_and(|began| u128::try_from(began).is_ok_and(|began| began < time))
    }

    /// When the segment that begins with that record began; nothing while it is empty or cannot be read.
    fn began(&mut self, reader: &Reader, first_sequence: u64) -> Option<i64> {
        if let Some((known, at)) = self.began
            && known == first_sequence
        {
            return Some(at);
        }
        let mut at = None;
        // The first record that can be read has a time.
        let mut look = |entry: journal::Entry<'_>| {
            let payload = bytes::Bytes::copy_from_slice(entry.payload);
            if let (None, Ok(read)) = (at, reading::read(entry.sequence, entry.kind, payload)) {
                at = time_of(&read);
            }
        };
        reader.scan(first_sequence).next_records(1, &mut look).ok()?;
        self.began = at.map(|at| (first_sequence, at));
        at
    }
}

fn time_of(reading: &Reading) -> Option<i64> {
    let at = match reading {
        Reading::Accepted { reception, .. } | Reading::Refused { reception, .. } => reception.at,
        Reading::Delivered { marks } => marks.first()?.at,
        Reading::Repeated { at, .. }
        | Reading::Returned { at, .. }
        | Reading::Link { at, .. }
        | Reading::Answered { at, .. }
        | Reading::Overdue { at, .. } => *at,
        Reading::Act(act) => act.at,
    };
    Some(at.0)
}

#[cfg(test)]
mod tests {
    use codec::dictionary::Dictionary;
    use codec::name::{Line, StationName};
    use codec::time::{Tick, Timestamp};
    use journal::{Journal, RealDisk};
    use switch_core::{Action, Event, Folds, Network, NetworkConfig, Now, StationConfig, Switch};

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    /// A journal with an act a day, ten to a segment or fewer.
    fn journal(days: u64) -> (tempfile::TempDir, Reader) {
        let directory = tempfile::tempdir().unwrap();
        let config = journal::Config { segment_bytes: 4096, ..journal::Config::default() };
        let disk = RealDisk::open(directory.path()).unwrap();
        let (mut journal, _) = Journal::open(disk, config, &mut journal::each(|_| ())).unwrap();
        let za = StationConfig {
            lines: vec![Line::parse("ZA").unwrap()],
            ..StationConfig::new(StationName::parse("ZA").unwrap())
        };
        let network = NetworkConfig { stations: vec![za], ..NetworkConfig::default() };
        let network = std::sync::Arc::new(Network::new(network, Dictionary::builtin()).unwrap());
        let dictionary = std::sync::Arc::new(Dictionary::builtin().clone());
        let at = |day: u64| Now { tick: Tick(0), wall: Timestamp(0).after(DAY * u32::try_from(day).unwrap()) };
        let mut switch = Switch::new(std::sync::Arc::clone(&network), dictionary, Folds::new(&network), at(0));
        for day in 0..days {
            let (who, from) = ("operator".to_owned(), String::new());
            switch.handle(at(day), Event::Act { who, from, what: "x".repeat(300), result: "done".to_owned() });
            while let Some(action) = switch.poll_action() {
                if let Action::Store { kind, record, .. } = action {
                    journal.append(kind, &record).unwrap();
                    journal.commit().unwrap();
                }
            }
        }
        let reader = journal.reader();
        (directory, reader)
    }

    fn kept(days: u32, keep_bytes: Option<u64>) -> Retention {
        Retention { keep: DAY * days, keep_bytes }
    }

    #[test]
    fn segments_go_when_their_last_record_is_too_old() {
        let (_directory, reader) = journal(100);
        let segments = reader.segments();
        assert!(segments.len() > 8);
        let mut pruner = Pruner::new(kept(30, None), u64::MAX);
        assert_eq!(pruner.look(&reader, &segments, DAY * 30), None, "nothing is older than 30 days");
        // Record n is of day n - 1. On day 60 what is of days before 30 may go, in whole segments.
        let from = pruner.look(&reader, &segments, DAY * 60).unwrap();
        let first_of = segments.iter().map(|segment| segment.first_sequence).rfind(|first| *first <= 30);
        assert_eq!(Some(from), first_of);
        assert_eq!(pruner.look(&reader, &segments, DAY * 60), None, "it is asked for once");
        pruner.know(u64::MAX);
        assert_eq!(pruner.look(&reader, &segments, DAY * 60), Some(from), "and again with the next checkpoint");
        let all = pruner.look(&reader, &segments, DAY * 1000).unwrap();
        assert_eq!(all, segments.last().unwrap().first_sequence, "the segment in use stays");
    }

    #[test]
    fn segments_go_when_there_are_too_many_bytes() {
        let (_directory, reader) = journal(100);
        let segments = reader.segments();
        let most = 4096 * (segments.len() as u64 - 2);
        let from = Pruner::new(kept(366, Some(most)), u64::MAX).look(&reader, &segments, DAY * 100);
        assert_eq!(from, Some(segments[2].first_sequence));
        assert_eq!(Pruner::new(kept(366, None), u64::MAX).look(&reader, &segments, DAY * 100), None);
    }

    #[test]
    fn what_is_needed_stays_however_old() {
        let (_directory, reader) = journal(100);
        let segments = reader.segments();
        assert_eq!(Pruner::new(kept(1, Some(0)), 1).look(&reader, &segments, DAY * 1000), None);
        let needed = segments[3].first_sequence + 1;
        assert_eq!(Pruner::new(kept(1, Some(0)), needed).look(&reader, &segments, DAY * 1000), Some(needed));
    }
}
