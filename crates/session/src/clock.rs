//! A clock that stands still while nothing can be held against the peer.

use codec::time::Tick;

/// A clock that can stand still, and deadlines read on it with it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    stopped_at: Option<Tick>,
    /// Microseconds that it stood still before, in all.
    lost: u64,
}

impl Clock {
    pub(crate) const fn is_stopped(&self) -> bool {
        self.stopped_at.is_some()
    }

    /// What it shows at a time.
    pub(crate) const fn read(&self, now: Tick) -> Tick {
        let Tick(running_until) = match self.stopped_at {
            Some(stopped) => stopped,
            None => now,
        };
        Tick(running_until.saturating_sub(self.lost))
    }

    /// When it will show this; never, as far as is known, while it stands still.
    pub(crate) const fn reads(&self, shown: Tick) -> Option<Tick> {
        if self.is_stopped() { None } else { Some(Tick(shown.0.saturating_add(self.lost))) }
    }

    pub(crate) const fn stop(&mut self, now: Tick) {
        if self.stopped_at.is_none() {
            self.stopped_at = Some(now);
        }
    }

    pub(crate) const fn start(&mut self, now: Tick) {
        if let Some(Tick(stopped)) = self.stopped_at.take() {
            self.lost = self.lost.saturating_add(now.0.saturating_sub(stopped));
        }
    }
}
