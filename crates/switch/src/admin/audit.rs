//! Which requests are told to the journal, where telling all of them would fill it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A list that one operator asks for again and again is told once in so long.
const LISTED: Duration = Duration::from_secs(60);
/// Requests of nobody are told once in so long, with how many there were.
const STRANGER: Duration = Duration::from_secs(1);
/// More than operators times lists; beyond it, what was told is forgotten and told again.
const LISTS_MAX: usize = 10_000;

/// What was told when.
#[derive(Debug, Default)]
pub(crate) struct Audited(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    lists: HashMap<(String, String), Instant>,
    stranger: Option<Instant>,
    untold: u64,
}

impl Audited {
    /// Whether a list is to be told.
    pub(crate) fn is_due(&self, who: &str, list: &str, now: Instant) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (who.to_owned(), list.to_owned());
        if told.lists.get(&key).is_some_and(|last| now.duration_since(*last) < LISTED) {
            return false;
        }
        if told.lists.len() >= LISTS_MAX {
            told.lists.clear();
        }
        told.lists.insert(key, now);
        true
    }

    /// Whether a request of nobody is to be told, and how many before it were not.
    pub(crate) fn stranger(&self, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.stranger.is_some_and(|last| now.duration_since(last) < STRANGER) {
            told.untold = told.untold.saturating_add(1);
            return None;
        }
        told.stranger = Some(now);
        Some(std::mem::take(&mut told.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_told_once_a_minute_for_each_operator() {
        let (audited, begin) = (Audited::default(), Instant::now());
        assert!(audited.is_due("desk", "list links", begin));
        assert!(!audited.is_due("desk", "list links", begin + Duration::from_secs(59)));
        assert!(audited.is_due("desk", "list stations", begin));
        assert!(audited.is_due("chief", "list links", begin));
        assert!(audited.is_due("desk", "list links", begin + LISTED));
    }

    #[test]
    fn a_flood_of_strangers_leaves_a_line_a_second_with_their_number() {
        let (audited, begin) = (Audited::default(), Instant::now());
        assert_eq!(audited.stranger(begin), Some(0));
        for _ in 0..1000 {
            assert_eq!(audited.stranger(begin + Duration::from_millis(500)), None);
        }
        assert_eq!(audited.stranger(begin + STRANGER), Some(1000));
    }
}
