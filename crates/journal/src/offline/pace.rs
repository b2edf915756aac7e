//! How fast a journal is read, and how far the reading is.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use crate::view::{ReadAt, Took, View};

/// Read at once: large enough for a disk's full speed.
const WINDOW_BYTES: usize = 1 << 20;

/// How far a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far.
    pub bytes: u64,
    /// Bytes to read, as it was known at the beginning: a journal that runs grows meanwhile.
    pub bytes_total: u64,
}

/// Keeps a reading to a rate and tells how far it is.
pub struct Pace<'a> {
    /// Bytes a second; none for as fast as it goes.
    rate: Option<u64>,
    tell: RefCell<&'a mut dyn FnMut(Progress)>,
    started: Instant,
    progress: Cell<Progress>,
}

impl fmt::Debug for Pace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("rate", &self.rate).field("progress", &self.progress).finish_non_exhaustive()
    }
}

impl<'a> Pace<'a> {
    /// Reads at most so many bytes a second, so that a busy machine is left in peace; `tell` is called about once a mebibyte.
    pub fn new(rate: Option<u64>, tell: &'a mut dyn FnMut(Progress)) -> Self {
        let progress = Cell::new(Progress { bytes: 0, bytes_total: 0 });
        Self { rate, tell: RefCell::new(tell), started: Instant::now(), progress }
    }

    /// A view of the file's first `limit` bytes, read at this pace.
    pub(crate) fn view<'v, F: ReadAt>(&'v self, file: &'v F, limit: u64) -> View<'v, F> {
        View::new(file, limit, WINDOW_BYTES).telling(self)
    }

    pub(crate) fn expect(&self, bytes: u64) {
        let Progress { bytes_total, .. } = self.progress.get();
        self.progress.set(Progress { bytes_total: bytes_total.saturating_add(bytes), ..self.progress.get() });
    }
}

impl Took for Pace<'_> {
    /// Waits if that was too fast.
    fn took(&self, bytes: u64) {
        let Progress { bytes: before, bytes_total } = self.progress.get();
        let progress = Progress { bytes: before.saturating_add(bytes), bytes_total };
        self.progress.set(progress);
        // Nothing that is told reads on.
        if let Ok(mut tell) = self.tell.try_borrow_mut() {
            tell(progress);
        }
        let Some(rate) = self.rate.filter(|rate| *rate > 0) else { return };
        let micros = u128::from(progress.bytes) * 1_000_000 / u128::from(rate);
        let due = self.started + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            // It may return early.
            thread::park_timeout(left);
        }
    }
}
