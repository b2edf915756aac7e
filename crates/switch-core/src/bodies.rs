//! Records that are kept in memory because a copy of them still waits, within a budget of bytes.
//!
//! What does not fit is fetched from the journal when its turn comes. The oldest go first: what is being sent right
//! now was stored right now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::Sequence;
use crate::record::Record;

#[derive(Debug)]
pub(crate) struct Bodies {
    kept: BTreeMap<Sequence, Kept>,
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

impl Bodies {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { kept: BTreeMap::new(), bytes: 0, bytes_max }
    }

    /// Keeps a record that so many copies need; the oldest ones make room for it.
    pub(crate) fn keep(&mut self, sequence: Sequence, record: Arc<Record>, bytes: usize, users: usize) {
        self.drop(sequence);
        self.bytes = self.bytes.saturating_add(bytes);
        self.kept.insert(sequence, Kept { record, bytes, users });
        while self.bytes > self.bytes_max && self.kept.len() > 1 {
            let Some((oldest, _)) = self.kept.first_key_value() else { break };
            // The one just kept is needed now, whatever its age.
            let victim = if *oldest == sequence { self.kept.keys().nth(1).copied() } else { Some(*oldest) };
            let Some(victim) = victim else { break };
            self.drop(victim);
        }
    }

    pub(crate) fn find(&self, sequence: Sequence) -> Option<Arc<Record>> {
        self.kept.get(&sequence).map(|kept| Arc::clone(&kept.record))
    }

    /// One copy no longer needs it.
    pub(crate) fn release(&mut self, sequence: Sequence) {
        if let Some(kept) = self.kept.get_mut(&sequence) {
            kept.users = kept.users.saturating_sub(1);
            if kept.users == 0 {
                self.drop(sequence);
            }
        }
    }

    fn drop(&mut self, sequence: Sequence) {
        if let Some(kept) = self.kept.remove(&sequence) {
            self.bytes = self.bytes.saturating_sub(kept.bytes);
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
}
