//! What was sent and what is still waited for: a bounded table, from which latencies and losses come. No clock.
//!
//! A message is done when the switch has acknowledged it and everything that was due has come: its answers, its arrival
//! at receivers of this run, the ER if it had a fault. All latencies run from the *intended* time, so that a message
//! which could not be sent when it was due has waited all the same.
//!
//! Invariant: `order` holds the number of every entry, oldest first, and numbers of entries that are gone.

use std::collections::VecDeque;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

/// A message about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The place of its kind in the mix.
    pub kind: usize,
    /// Which of the thread's links it goes down, or who wants to know when it is done.
    pub link: usize,
    /// When it was due, since the start of the run.
    pub intended: Duration,
    /// Answers due.
    pub answers: u8,
    /// Arrivals due at receivers of this run.
    pub deliveries: u8,
    /// The number of the ER due.
    pub refusal: Option<u8>,
    /// The measured time that it was due in; 0 outside of any, as while the load warms up.
    pub window: u32,
}

/// Something that was waited for has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// As in [`Expected::kind`].
    pub kind: usize,
    /// As in [`Expected::link`].
    pub link: usize,
    /// Since the message was due.
    pub latency: Duration,
    /// As in [`Expected::window`].
    pub window: u32,
    /// Nothing more is waited for.
    pub done: bool,
}

/// What an answer or an arrival means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was waited for.
    Due {
        /// Which of those due, from 1.
        nth: u8,
        /// How many are due in all.
        of: u8,
        /// Its message.
        moment: Moment,
    },
    /// All that were due had come before, or none was due.
    Extra,
    /// The message had been given up.
    Late,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The message had a fault, and this is its number.
    Expected(Moment),
    /// The message had another fault.
    OtherNumber(Moment),
    /// The message had no fault: nothing more is waited for but its acknowledgement.
    Unexpected(Moment),
    /// The message is done or given up.
    Gone,
}

/// What had not come of a message that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// How long it was waited for; its `done` is always true.
    pub moment: Moment,
    /// It was never acknowledged.
    pub ack: bool,
    /// Answers that did not come.
    pub answers: u8,
    /// Arrivals that did not come.
    pub deliveries: u8,
    /// The refusal that did not come.
    pub refusal: bool,
}

/// There is no room for another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("as many messages are waited for as the table holds")]
pub struct Full;

/// The messages of one thread that are not done.
#[derive(Debug)]
pub struct Matcher {
    entries: FxHashMap<u64, Entry>,
    order: VecDeque<u64>,
    capacity: usize,
    next: u64,
    /// Numbers that were given up, the latest last: what comes for them is late and not wrong.
    given_up: FxHashSet<u64>,
    given_up_order: VecDeque<u64>,
}

/// Numbers given up that are remembered.
const GIVEN_UP_MAX: usize = 65_536;

#[derive(Debug, Clone, Copy)]
struct Entry {
    expected: Expected,
    acked: bool,
    answers: u8,
    deliveries: u8,
    refused: bool,
}

impl Entry {
    fn is_done(&self) -> bool {
        let Self { expected, acked, answers, deliveries, refused } = self;
        *acked
            && (*refused && expected.refusal.is_none()
                || *answers >= expected.answers
                    && *deliveries >= expected.deliveries
                    && (expected.refusal.is_none() || *refused))
    }

    fn moment(&self, now: Duration) -> Moment {
        let Expected { kind, link, intended, window, .. } = self.expected;
        Moment { kind, link, latency: now.saturating_sub(intended), window, done: self.is_done() }
    }
}

impl Matcher {
    /// A table with room for so many messages.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: FxHashMap::default(),
            order: VecDeque::new(),
            capacity: capacity.max(1),
            next: 0,
            given_up: FxHashSet::default(),
            given_up_order: VecDeque::new(),
        }
    }

    /// Waits for a message, and gives its number.
    ///
    /// # Errors
    /// If the table is full: the message must not be sent.
    pub fn insert(&mut self, expected: Expected) -> Result<u64, Full> {
        if self.entries.len() >= self.capacity {
            return Err(Full);
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.entries.insert(number, Entry { expected, acked: false, answers: 0, deliveries: 0, refused: false });
        self.order.push_back(number);
        // Those that are done leave their numbers behind: at least half of the queue is alive.
        if self.order.len() > 64 && self.order.len() > 2 * self.entries.len() {
            self.order.retain(|number| self.entries.contains_key(number));
        }
        Ok(number)
    }

    /// How many are waited for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is waited for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What a message is waited for, unless it is done.
    #[must_use]
    pub fn expected(&self, number: u64) -> Option<&Expected> {
        self.entries.get(&number).map(|entry| &entry.expected)
    }

    /// The switch has acknowledged a message. Nothing, if it had before or the message is not waited for.
    pub fn acked(&mut self, number: u64, now: Duration) -> Option<Moment> {
        let entry = self.entries.get_mut(&number).filter(|entry| !entry.acked)?;
        entry.acked = true;
        Some(self.settle(number, now))
    }

    /// The switch will not take a message: it is not waited for any more.
    pub fn nacked(&mut self, number: u64, now: Duration) -> Option<Moment> {
        let entry = self.entries.remove(&number)?;
        Some(Moment { done: true, ..entry.moment(now) })
    }

    /// An answer came.
    pub fn answered(&mut self, number: u64, now: Duration) -> Arrival {
        self.arrived(number, now, |entry| (&mut entry.answers, entry.expected.answers))
    }

    /// A message arrived at a receiver of this run.
    pub fn delivered(&mut self, number: u64, now: Duration) -> Arrival {
        self.arrived(number, now, |entry| (&mut entry.deliveries, entry.expected.deliveries))
    }

    fn arrived(&mut self, number: u64, now: Duration, which: impl FnOnce(&mut Entry) -> (&mut u8, u8)) -> Arrival {
        let Some(entry) = self.entries.get_mut(&number) else {
            return if self.given_up.contains(&number) { Arrival::Late } else { Arrival::Extra };
        };
        let (came, of) = which(entry);
        if *came >= of {
            return Arrival::Extra;
        }
        *came += 1;
        let nth = *came;
        Arrival::Due { nth, of, moment: self.settle(number, now) }
    }

    /// An ER of that number, or an SM that ends the wait, came.
    pub fn refused(&mut self, number: u64, er: Option<u8>, now: Duration) -> Refusal {
        let Some(entry) = self.entries.get_mut(&number) else { return Refusal::Gone };
        entry.refused = true;
        let expected = entry.expected.refusal;
        let moment = self.settle(number, now);
        match expected {
            None => Refusal::Unexpected(moment),
            Some(due) if Some(due) == er => Refusal::Expected(moment),
            Some(_) => Refusal::OtherNumber(moment),
        }
    }

    /// Gives up what has been waited for longer than `timeout`.
    pub fn expire(&mut self, now: Duration, timeout: Duration, mut lost: impl FnMut(Loss)) {
        while let Some(number) = self.order.front().copied() {
            match self.entries.get(&number) {
                Some(entry) if now.saturating_sub(entry.expected.intended) <= timeout => return,
                Some(_) => {
                    if let Some(loss) = self.give_up(number, now) {
                        lost(loss);
                    }
                }
                None => {}
            }
            self.order.pop_front();
        }
    }

    /// Gives up everything, at the end of a run.
    pub fn give_up_all(&mut self, now: Duration, mut lost: impl FnMut(Loss)) {
        while let Some(number) = self.order.pop_front() {
            if let Some(loss) = self.give_up(number, now) {
                lost(loss);
            }
        }
    }

    fn give_up(&mut self, number: u64, now: Duration) -> Option<Loss> {
        let entry = self.entries.remove(&number)?;
        if self.given_up_order.len() >= GIVEN_UP_MAX
            && let Some(oldest) = self.given_up_order.pop_front()
        {
            self.given_up.remove(&oldest);
        }
        self.given_up.insert(number);
        self.given_up_order.push_back(number);
        let Expected { answers, deliveries, refusal, .. } = entry.expected;
        Some(Loss {
            moment: Moment { done: true, ..entry.moment(now) },
            ack: !entry.acked,
            answers: answers.saturating_sub(entry.answers),
            deliveries: deliveries.saturating_sub(entry.deliveries),
            refusal: refusal.is_some() && !entry.refused,
        })
    }

    /// Forgets a message that is done.
    fn settle(&mut self, number: u64, now: Duration) -> Moment {
        // Its callers have just found it.
        let Some(entry) = self.entries.get(&number) else { unreachable!("an entry that was there") };
        let moment = entry.moment(now);
        if moment.done {
            self.entries.remove(&number);
        }
        moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const INQUIRY: Expected = Expected {
        kind: 1,
        link: 7,
        intended: Duration::from_millis(100),
        answers: 2,
        deliveries: 0,
        refusal: None,
        window: 1,
    };

    fn due(arrival: Arrival) -> (u8, u8, Duration, bool) {
        match arrival {
            Arrival::Due { nth, of, moment } => (nth, of, moment.latency, moment.done),
            other @ (Arrival::Extra | Arrival::Late) => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_inquiry_is_done_with_its_acknowledgement_and_both_answers_in_any_order() {
        let mut matcher = Matcher::new(10);
        let number = matcher.insert(INQUIRY).unwrap();
        assert_eq!(due(matcher.answered(number, ms(130))), (1, 2, ms(30), false));
        let acked = matcher.acked(number, ms(140)).unwrap();
        assert_eq!((acked.latency, acked.done, acked.link, acked.kind), (ms(40), false, 7, 1));
        assert_eq!(matcher.acked(number, ms(150)), None, "acknowledged once");
        assert_eq!(due(matcher.answered(number, ms(160))), (2, 2, ms(60), true));
        assert_eq!(matcher.answered(number, ms(170)), Arrival::Extra);
        assert!(matcher.is_empty());
    }

    #[test]
    fn a_message_without_answers_is_done_when_it_is_acknowledged_or_has_arrived() {
        let mut matcher = Matcher::new(10);
        let plain = matcher.insert(Expected { answers: 0, ..INQUIRY }).unwrap();
        assert!(matcher.acked(plain, ms(101)).unwrap().done);
        let delivered = matcher.insert(Expected { answers: 0, deliveries: 2, ..INQUIRY }).unwrap();
        assert!(!matcher.acked(delivered, ms(101)).unwrap().done);
        assert_eq!(due(matcher.delivered(delivered, ms(102))), (1, 2, ms(2), false));
        assert_eq!(due(matcher.delivered(delivered, ms(103))), (2, 2, ms(3), true));
    }

    #[test]
    fn a_fault_waits_for_its_refusal() {
        let mut matcher = Matcher::new(10);
        let faulty = Expected { answers: 0, refusal: Some(14), ..INQUIRY };
        let number = matcher.insert(faulty).unwrap();
        assert!(!matcher.acked(number, ms(101)).unwrap().done);
        assert!(matches!(matcher.refused(number, Some(14), ms(102)), Refusal::Expected(moment) if moment.done));
        let number = matcher.insert(faulty).unwrap();
        assert!(matches!(matcher.refused(number, Some(1), ms(102)), Refusal::OtherNumber(moment) if !moment.done));
        assert!(matcher.acked(number, ms(103)).unwrap().done);
        let number = matcher.insert(INQUIRY).unwrap();
        matcher.acked(number, ms(101));
        assert!(matches!(matcher.refused(number, Some(2), ms(102)), Refusal::Unexpected(moment) if moment.done));
        assert_eq!(matcher.refused(number, Some(2), ms(102)), Refusal::Gone);
    }

    #[test]
    fn what_does_not_come_is_given_up_and_late_after_that() {
        let mut matcher = Matcher::new(10);
        let early = matcher.insert(INQUIRY).unwrap();
        let later = matcher.insert(Expected { intended: ms(900), ..INQUIRY }).unwrap();
        matcher.acked(early, ms(110));
        let _ = due(matcher.answered(early, ms(120)));
        let mut losses = Vec::new();
        matcher.expire(ms(1100), ms(1000), |loss| losses.push(loss));
        assert!(losses.is_empty(), "not longer than the timeout");
        matcher.expire(ms(1101), ms(1000), |loss| losses.push(loss));
        assert_eq!(losses.len(), 1);
        assert_eq!((losses[0].ack, losses[0].answers, losses[0].moment.latency), (false, 1, ms(1001)));
        assert_eq!(matcher.answered(early, ms(1200)), Arrival::Late);
        matcher.give_up_all(ms(2000), |loss| losses.push(loss));
        assert_eq!((losses.len(), losses[1].ack, losses[1].answers), (2, true, 2));
        assert_eq!(matcher.delivered(later, ms(2001)), Arrival::Late);
    }

    #[test]
    fn the_table_is_bounded_and_so_is_what_it_remembers() {
        let mut matcher = Matcher::new(3);
        let numbers: Vec<u64> = (0..3).map(|_| matcher.insert(INQUIRY).unwrap()).collect();
        assert_eq!(matcher.insert(INQUIRY), Err(Full));
        matcher.nacked(numbers[0], ms(110)).unwrap();
        assert!(matcher.insert(INQUIRY).is_ok());
        let mut matcher = Matcher::new(10);
        for _ in 0..200_000 {
            let number = matcher.insert(Expected { answers: 0, ..INQUIRY }).unwrap();
            matcher.acked(number, ms(101));
        }
        assert!(matcher.order.len() <= 128, "{}", matcher.order.len());
        for _ in 0..200_000 {
            matcher.insert(INQUIRY).unwrap();
            matcher.give_up_all(ms(200), drop);
        }
        assert_eq!((matcher.given_up.len(), matcher.given_up_order.len()), (GIVEN_UP_MAX, GIVEN_UP_MAX));
    }
}
