//! What the coordinator and the threads say to one another.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use mio::Waker;
use rustls_pki_types::ServerName;

use crate::control::{Mark, RunTag};
use crate::matcher::Matcher;
use crate::meter::{Interval, Latencies};
use crate::rate::{RateCurve, Spacing};

/// What a thread is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Bring up the links of that kind, and keep them up.
    Attach(Group),
    /// Send like this from now on.
    Work(Work),
    /// Count the latencies of messages due from one time until another, under a number that is not 0.
    Window { number: u32, from: Duration, until: Duration },
    /// Say what came of the window, and begin anew.
    TakeWindow,
    /// Give up what has been waited for so long.
    Timeout(Duration),
    /// Another thread has seen the last of a message that went down one of this thread's links.
    Done { link: usize },
    /// Give up everything, close the links and end.
    Finish,
}

/// Links that come up together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Those that send, and those that do nothing.
    Senders,
    /// Those of this run's receivers.
    Receivers,
}

/// How a thread sends.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// Nothing.
    Nothing,
    /// Along a curve that begins at a time, whatever comes back.
    Open { curve: RateCurve, spacing: Spacing, seed: u64, from: Duration },
    /// So many at a time on each link, at most `limit` in all.
    Closed { per_link: usize, limit: Option<u64>, follow: Follow },
}

/// When the next message of a closed loop follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// When one is done: all that was due of it has come.
    Done,
    /// When one is acknowledged.
    Acknowledged,
}

/// What a thread tells.
#[derive(Debug)]
pub(crate) enum Report {
    /// An interval is over, counted from the start of the run.
    Interval { index: u64, interval: Box<Interval> },
    /// What came of a window.
    Window(Box<Latencies>),
    /// A link did not come up, or was lost.
    Link { station: String, why: String },
    /// The thread has ended; this is what came of the last window.
    Finished(Box<Latencies>),
    /// The thread cannot go on.
    Failed(io::Error),
}

/// What all threads see.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Time is counted from here.
    pub(crate) start: Instant,
    /// One table for each thread. An answer can come over another thread's link, which then looks here.
    pub(crate) tables: Vec<Mutex<Matcher>>,
    pub(crate) run: RunTag,
    pub(crate) server_name: ServerName<'static>,
    pub(crate) session: session::Config,
    pub(crate) interval: Duration,
}

impl Shared {
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn table(&self, mark: Mark) -> Option<MutexGuard<'_, Matcher>> {
        // A thread that panicked has left its table as it was: entries are whole at any time.
        self.tables.get(mark.shard).map(|table| table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The way to a thread.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) waker: Arc<Waker>,
}

impl Door {
    /// Tells it. One that has ended needs no order.
    pub(crate) fn tell(&self, order: Order) {
        drop(self.orders.send(order));
        drop(self.waker.wake());
    }
}
