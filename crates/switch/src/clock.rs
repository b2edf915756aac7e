//! The one place where the switch reads clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use codec::time::{Tick, Timestamp};
use switch_core::Now;

/// Ticks since its making, and the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        Now { tick: Tick::default().after(self.start.elapsed()), wall: wall() }
    }

    /// When a tick comes.
    pub(crate) fn instant(&self, tick: Tick) -> Instant {
        self.start + tick.since(Tick::default())
    }
}

fn wall() -> Timestamp {
    // A clock before 1970 is a machine that was never set: time then stands still at 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().after(since)
}
