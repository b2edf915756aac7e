//! The names of a build: given numbers as they first appear, by several threads at once; sorted at the end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rayon::slice::ParallelSliceMut as _;
use rustc_hash::FxHashMap;

use super::BuildError;
use crate::format::NAMES_MAX;
use crate::hash::hash;

/// All names so far, by their number of first appearance. The empty name is number 0.
pub(super) struct Names {
    shards: Vec<Mutex<FxHashMap<Box<str>, u32>>>,
    next: AtomicU32,
}

/// Locks that names are spread over, so that threads seldom wait for each other.
const SHARDS: usize = 64;

impl Names {
    pub(super) fn new() -> Self {
        let names =
            Self { shards: std::iter::repeat_with(Mutex::default).take(SHARDS).collect(), next: AtomicU32::new(0) };
        // The first of an empty set: it cannot fail.
        drop(names.number(""));
        names
    }

    /// The number of a name.
    pub(super) fn number(&self, name: &str) -> Result<u32, BuildError> {
        let shard = usize::try_from(hash(0, name.as_bytes()) >> 58).unwrap_or(0);
        let shard = self.shards.get(shard % SHARDS).ok_or(BuildError::TooManyNames)?;
        let mut shard = shard.lock().map_err(|_| BuildError::Stopped)?;
        if let Some(number) = shard.get(name) {
            return Ok(*number);
        }
        let number = self.next.fetch_add(1, Relaxed);
        if number >= NAMES_MAX {
            return Err(BuildError::TooManyNames);
        }
        shard.insert(name.into(), number);
        Ok(number)
    }

    /// All names in order, and for each number its place in that order.
    pub(super) fn sorted(self) -> Result<(Vec<Box<str>>, Vec<u32>), BuildError> {
        let mut all = Vec::new();
        for shard in self.shards {
            all.extend(shard.into_inner().map_err(|_| BuildError::Stopped)?);
        }
        all.par_sort_unstable();
        let mut places = vec![0; all.len()];
        let mut names = Vec::with_capacity(all.len());
        for (place, (name, number)) in (0_u32..).zip(all) {
            if let Some(slot) = places.get_mut(number as usize) {
                *slot = place;
            }
            names.push(name);
        }
        Ok((names, places))
    }
}
