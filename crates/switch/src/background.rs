//! Threads behind the hot path: how they are started, how they wait, how they end.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::warn;

/// How much these threads give way to the one that moves messages.
const NICE: i32 = 10;

/// Whether the process goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It does.
    Working,
    /// It ended well: what still has to be done is done now.
    Finishing,
    /// It failed: nothing more is written.
    Abandoned,
}

/// Tells threads when to end.
#[derive(Debug)]
pub(crate) struct Bell {
    phase: Mutex<Phase>,
    changed: Condvar,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { phase: Mutex::new(Phase::Working), changed: Condvar::new() }
    }

    /// Waits for the end of the work, at most so long.
    pub(crate) fn wait(&self, most: Duration) -> Phase {
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let working = |phase: &mut Phase| *phase == Phase::Working;
        *self.changed.wait_timeout_while(phase, most, working).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        self.changed.notify_all();
    }
}

/// The threads of a switch. Dropped, it tells them that the process failed.
#[derive(Debug)]
pub(crate) struct Background {
    bell: Arc<Bell>,
    threads: Vec<JoinHandle<()>>,
}

impl Background {
    pub(crate) fn new() -> Self {
        Self { bell: Arc::new(Bell::new()), threads: Vec::new() }
    }

    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// Starts a thread that gives way to others.
    pub(crate) fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            // On Linux each thread has its own.
            if let Err(error) = rustix::process::nice(NICE) {
                warn!(%error, "a thread in the background cannot give way");
            }
            work();
        })?;
        self.threads.push(thread);
        Ok(())
    }

    /// Lets the threads finish, and waits for them.
    pub(crate) fn finish(mut self) {
        self.bell.ring(Phase::Finishing);
        for thread in std::mem::take(&mut self.threads) {
            if thread.join().is_err() {
                warn!("a thread in the background panicked");
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.bell.phase() == Phase::Working {
            self.bell.ring(Phase::Abandoned);
        }
    }
}
