//! Whether the switch lives and is ready, as the admin page says it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A driver that was not heard of for so long does not live: its longest step is a fraction of a second.
const SILENT_MAX: Duration = Duration::from_secs(10);

/// Shared by the driver, which says, and the admin page, which is asked.
#[derive(Debug)]
pub(crate) struct Health {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Nothing while it still reads its journal, however long that takes.
    heard: Option<Instant>,
    not_ready: Option<String>,
}

impl Health {
    pub(crate) fn new() -> Self {
        let not_ready = Some("it is starting".to_owned());
        Self { state: Mutex::new(State { heard: None, not_ready }) }
    }

    /// The driver is at work.
    pub(crate) fn beat(&self) {
        self.with(|state| state.heard = Some(Instant::now()));
    }

    pub(crate) fn ready(&self) {
        self.with(|state| state.not_ready = None);
    }

    /// Messages are not taken, and why.
    pub(crate) fn not_ready(&self, why: impl Into<String>) {
        self.with(|state| state.not_ready = Some(why.into()));
    }

    /// Why messages are not taken, if they are not.
    pub(crate) fn why_not_ready(&self) -> Option<String> {
        self.with(|state| state.not_ready.clone())
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.with(|state| state.heard.is_none_or(|heard| heard.elapsed() < SILENT_MAX))
    }

    fn with<T>(&self, then: impl FnOnce(&mut State) -> T) -> T {
        then(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
