//! Many seeds, on as many threads as there are processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::{Broken, Counts, Failure, run};

/// What came of many seeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Seeds in which everything held.
    pub passed: u64,
    /// The others, the lowest seeds first.
    pub failures: Vec<Failure>,
    /// All runs that passed, together.
    pub counts: Counts,
}

/// Failures after which a sweep goes no further.
const FAILURES_MAX: usize = 10;

/// Plays `count` seeds from `first` on, or fewer once `enough` says so or many have failed.
pub fn sweep(first: u64, count: u64, broken: Option<Broken>, enough: impl Fn() -> bool + Sync) -> Sweep {
    let (next, result, stop) = (AtomicU64::new(0), Mutex::new(Sweep::default()), AtomicBool::new(false));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count || stop.load(Ordering::Relaxed) || enough() {
                return;
            }
            let outcome = run(first.wrapping_add(number), broken);
            let mut result = result.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match outcome {
                Ok(summary) => {
                    result.passed += 1;
                    result.counts += summary.counts;
                }
                Err(failure) => result.failures.push(failure),
            }
            if result.failures.len() >= FAILURES_MAX {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get) {
            scope.spawn(work);
        }
    });
    let mut result = result.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    result.failures.sort_unstable_by_key(|failure| failure.seed);
    result
}

/// The first seed from 0 on that shows what is broken, if one of `count` does.
#[must_use]
pub fn first_that_shows(broken: Broken, count: u64) -> Option<Failure> {
    (0..count).find_map(|seed| run(seed, Some(broken)).err())
}
