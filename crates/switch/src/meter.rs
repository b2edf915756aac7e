//! What the driver times: how long messages wait for the disk, and when what waits for stations is looked up again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often queues are looked up.
const EVERY: Duration = Duration::from_secs(1);

/// Times what the driver does.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Since the events of this turn were taken from the links.
    begun: Option<Instant>,
    /// Messages of this turn that wait for the disk.
    messages: usize,
    /// Batches with messages on their way to the disk.
    waiting: VecDeque<Waiting>,
    looked: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    through: u64,
    messages: usize,
    begun: Instant,
}

impl Meter {
    /// Events are taken from the links.
    pub(crate) fn begin(&mut self) {
        self.begun = Some(Instant::now());
    }

    /// One of them is a message that is acknowledged once it is stored.
    pub(crate) fn message(&mut self) {
        self.messages += 1;
    }

    /// What came of the turn is handed to the journal, up to that record.
    pub(crate) fn submit(&mut self, through: u64) {
        let messages = std::mem::take(&mut self.messages);
        if let (Some(begun), true) = (self.begun, messages > 0) {
            self.waiting.push_back(Waiting { through, messages, begun });
        }
    }

    /// Everything up to that record is durable: how many messages could be acknowledged, and how long after they were taken.
    pub(crate) fn stored(&mut self, through: u64) -> impl Iterator<Item = (usize, Duration)> + '_ {
        std::iter::from_fn(move || {
            let batch = self.waiting.pop_front_if(|batch| batch.through <= through)?;
            Some((batch.messages, batch.begun.elapsed()))
        })
    }

    /// Whether it is time to look up what waits.
    pub(crate) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.looked.is_none_or(|looked| now.duration_since(looked) >= EVERY);
        if due {
            self.looked = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_timed_once_the_record_is_durable_that_holds_them() {
        let mut meter = Meter::default();
        meter.begin();
        meter.message();
        meter.message();
        meter.submit(7);
        meter.begin();
        meter.submit(8);
        meter.begin();
        meter.message();
        meter.submit(9);
        assert_eq!(meter.stored(6).count(), 0);
        assert_eq!(meter.stored(8).map(|(messages, _)| messages).collect::<Vec<_>>(), [2]);
        assert_eq!(meter.stored(20).map(|(messages, _)| messages).collect::<Vec<_>>(), [1]);
        assert!(meter.is_due() && !meter.is_due());
    }
}
