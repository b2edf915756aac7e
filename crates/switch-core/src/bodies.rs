//! Records that are kept in memory because a copy of them still waits, within a budget of bytes.
//!
//! What does not fit is fetched from the journal when its turn comes. The oldest go first: what is being sent right
//! now was stored right now.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::event::Sequence;
use crate::record::Record;

#[derive(Debug)]
pub(crate) struct Bodies {
    /// Those that were kept as they were written: in the order of their numbers, with gaps where one was dropped.
    written: VecDeque<(Sequence, Option<Kept>)>,
    /// How many of those are gaps.
    gaps: usize,
    /// Those that were loaded.
    loaded: BTreeMap<Sequence, Kept>,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Kept {
    record: Arc<Record>,
    bytes: usize,
    /// Copies that still need it.
    users: usize,
}

/// Gaps that are left as they are, however few records there are between them.
const GAPS_MAX: usize = 64;

impl Bodies {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { written: VecDeque::new(), gaps: 0, loaded: BTreeMap::new(), bytes: 0, bytes_max }
    }

    /// Keeps a record that so many copies need; the oldest ones make room for it.
    pub(crate) fn keep(&mut self, sequence: Sequence, record: Arc<Record>, bytes: usize, users: usize) {
        let kept = Kept { record, bytes, users };
        if self.written.back().is_none_or(|(last, _)| *last < sequence) && !self.loaded.contains_key(&sequence) {
            self.written.push_back((sequence, Some(kept)));
        } else {
            self.drop(sequence);
            self.loaded.insert(sequence, kept);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        while self.bytes > self.bytes_max {
            // The one just kept is needed now, whatever its age.
            let Some(victim) = self.oldest_but(sequence) else { break };
            self.drop(victim);
        }
    }

    pub(crate) fn find(&self, sequence: Sequence) -> Option<Arc<Record>> {
        let kept = match self.place(sequence) {
            Some(place) => self.written.get(place).and_then(|(_, kept)| kept.as_ref()),
            None => None,
        };
        kept.or_else(|| self.loaded.get(&sequence)).map(|kept| Arc::clone(&kept.record))
    }

    /// One copy no longer needs it.
    pub(crate) fn release(&mut self, sequence: Sequence) {
        let place = self.place(sequence);
        let written = place.and_then(|place| self.written.get_mut(place)).and_then(|(_, kept)| kept.as_mut());
        if let Some(kept) = written.or_else(|| self.loaded.get_mut(&sequence)) {
            kept.users = kept.users.saturating_sub(1);
            if kept.users == 0 {
                self.drop(sequence);
            }
        }
    }

    fn place(&self, sequence: Sequence) -> Option<usize> {
        self.written.binary_search_by_key(&sequence, |(sequence, _)| *sequence).ok()
    }

    /// The oldest record of all but one.
    fn oldest_but(&self, sequence: Sequence) -> Option<Sequence> {
        // The first that was written is no gap; one that was just written is the last.
        let written = self.written.front().map(|(first, _)| *first).filter(|first| *first != sequence);
        let loaded = self.loaded.keys().find(|first| **first != sequence).copied();
        [written, loaded].into_iter().flatten().min()
    }

    fn drop(&mut self, sequence: Sequence) {
        let place = self.place(sequence);
        let written = place.and_then(|place| self.written.get_mut(place)).and_then(|(_, kept)| kept.take());
        self.gaps = self.gaps.saturating_add(usize::from(written.is_some()));
        if let Some(kept) = written.or_else(|| self.loaded.remove(&sequence)) {
            self.bytes = self.bytes.saturating_sub(kept.bytes);
        }
        while self.written.front().is_some_and(|(_, kept)| kept.is_none()) {
            self.written.pop_front();
            self.gaps = self.gaps.saturating_sub(1);
        }
        // One that waits long leaves gaps behind it.
        if self.gaps > GAPS_MAX && self.gaps > self.written.len() / 2 {
            self.written.retain(|(_, kept)| kept.is_some());
            self.gaps = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_the_released_are_dropped() {
        let (mut bodies, record) = (Bodies::new(10), Arc::new(Record::Delivered(Vec::new())));
        for n in 1..=3 {
            bodies.keep(Sequence(n), Arc::clone(&record), 5, 2);
        }
        assert_eq!(bodies.find(Sequence(1)), None);
        assert!(bodies.find(Sequence(2)).is_some());
        bodies.release(Sequence(2));
        assert!(bodies.find(Sequence(2)).is_some());
        bodies.release(Sequence(2));
        assert_eq!((bodies.find(Sequence(2)), bodies.bytes), (None, 5));
        bodies.keep(Sequence(1), record, 9, 1);
        assert!(bodies.find(Sequence(1)).is_some(), "what was just loaded stays until it is used");
    }

    #[test]
    fn one_that_waits_long_costs_no_memory_for_those_that_come_and_go_behind_it() {
        let (mut bodies, record) = (Bodies::new(100), Arc::new(Record::Delivered(Vec::new())));
        bodies.keep(Sequence(1), Arc::clone(&record), 1, 1);
        for n in 2..=10_000 {
            bodies.keep(Sequence(n), Arc::clone(&record), 1, 1);
            bodies.release(Sequence(n));
        }
        assert!(bodies.find(Sequence(1)).is_some());
        assert!(bodies.written.len() <= 2 * GAPS_MAX, "{} places", bodies.written.len());
        assert_eq!(bodies.bytes, 1);
        bodies.release(Sequence(1));
        assert_eq!((bodies.written.len(), bodies.gaps, bodies.bytes), (0, 0, 0));
    }

    /// The same as a map, whatever comes in whatever order.
    #[test]
    fn it_holds_what_a_plain_map_would_hold() {
        use rand::{RngExt as _, SeedableRng as _};
        for seed in 0..200 {
            let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(seed);
            let (mut bodies, mut model) = (Bodies::new(40), BTreeMap::<u64, (usize, usize)>::new());
            let mut last = 0;
            for step in 0..300 {
                let new = random.random_bool(0.5);
                let sequence = if new { last + 1 } else { random.random_range(1..=last.max(1)) };
                if random.random_bool(0.6) {
                    last = last.max(sequence);
                    let (bytes, users) = (random.random_range(1..15), random.random_range(1..3));
                    bodies.keep(Sequence(sequence), Arc::new(Record::Delivered(Vec::new())), bytes, users);
                    model.insert(sequence, (bytes, users));
                    while model.values().map(|(bytes, _)| bytes).sum::<usize>() > 40 {
                        let Some(victim) = model.keys().find(|one| **one != sequence).copied() else { break };
                        model.remove(&victim);
                    }
                } else {
                    bodies.release(Sequence(sequence));
                    if let Some((_, users)) = model.get_mut(&sequence) {
                        *users -= 1;
                        if *users == 0 {
                            model.remove(&sequence);
                        }
                    }
                }
                let held: Vec<_> = (1..=last).filter(|one| bodies.find(Sequence(*one)).is_some()).collect();
                assert_eq!(held, model.keys().copied().collect::<Vec<_>>(), "seed {seed} step {step}");
                assert_eq!(
                    bodies.bytes,
                    model.values().map(|(bytes, _)| bytes).sum::<usize>(),
                    "seed {seed} step {step}"
                );
            }
        }
    }
}
