//! Protections that a test takes out, on its own thread, to show that the other tests would notice. Only in tests.

use std::cell::Cell;

use crate::format::Mark;

/// What can be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    /// A record whose checksum is wrong is taken for whole.
    Checksum,
    /// A start does not hold the log's end against the mark.
    Mark,
    /// The keeper wakes the writer without holding its lock.
    WakeUnderLock,
}

thread_local! {
    static OUT: Cell<Option<Protection>> = const { Cell::new(None) };
}

/// Takes a protection out until the value is dropped.
pub(crate) struct Without;

impl Without {
    pub(crate) fn new(protection: Option<Protection>) -> Self {
        OUT.set(protection);
        Self
    }
}

impl Drop for Without {
    fn drop(&mut self) {
        OUT.set(None);
    }
}

pub(crate) fn is_out(protection: Protection) -> bool {
    OUT.get() == Some(protection)
}

/// The mark as a start judges by it: one that has seen nothing, if it is taken out.
pub(crate) fn mark(mark: Mark) -> Mark {
    if is_out(Protection::Mark) { Mark { sequence: 0, segment: 0, offset: 0, hash: [0; 32], ..mark } } else { mark }
}
