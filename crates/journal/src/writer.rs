//! Group commit on one thread: whatever queued while the last commit ran becomes the next.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use crate::chores::Pruned;
use crate::disk::Disk;
use crate::error::{AppendError, CommitError, Fault, ShutdownError};
use crate::journal::{COMMITTED_MAX, Committed, Journal, check_record};
use crate::reader::Reader;
use crate::sync::{Builder, Condvar, Instant, JoinHandle, Mutex, MutexGuard};

/// At most about this much is written by one commit: what comes later in the queue does not hold up the first.
const COMMIT_BYTES: usize = 4 << 20;

/// Records to be stored together, with consecutive numbers.
#[derive(Default)]
pub struct Batch {
    /// Number, kind and payload.
    pub records: Vec<(u64, u8, Bytes)>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.records.first().map(|(sequence, ..)| sequence);
        f.debug_struct("Batch").field("first", &first).field("records", &self.records.len()).finish()
    }
}

/// What the writer's thread says.
#[derive(Debug)]
pub enum Notice {
    /// Every record up to this one is durable.
    Stored {
        /// The last durable record.
        through: u64,
    },
    /// No room; said once. Nothing after the last `Stored` is in the log. The writer keeps what it has, takes more, and tries
    /// again by itself.
    Full {
        /// What was refused.
        why: Fault,
    },
    /// Old segments were removed, as [`Writer::retain`] allowed.
    Pruned {
        /// The first record that is kept now.
        first_sequence: u64,
        /// How many segments went.
        segments: u64,
        /// Bytes that came free.
        bytes: u64,
    },
    /// There is room again; said after the `Stored` that shows it.
    Open,
    /// A write or a sync failed. The thread has ended and nothing more is stored: the process must end, and recovers.
    Failed {
        /// What failed.
        error: Fault,
    },
}

/// The handle of the writer's thread. Dropped without [`Writer::shutdown`], the thread still stores what is queued and ends.
pub struct Writer {
    desk: Arc<Desk>,
    bytes_max: usize,
    thread: Option<JoinHandle<Ended>>,
}

/// Starts the writer's thread, and beside it one that prepares segments and persists the high-water mark.
///
/// `notify` is called on the writer's thread: what it does delays the next commit, so it should only pass the notice on.
///
/// # Errors
/// If the system has no thread to give.
pub fn start<D: Disk>(
    mut journal: Journal<D>,
    notify: impl FnMut(Notice) + Send + 'static,
) -> io::Result<(Writer, Reader<D>)> {
    let next = journal.next_sequence();
    let queue = Queue { records: Vec::new(), next, retain: None, closing: false, stopped: false };
    let desk = Arc::new(Desk { queue: Mutex::new(queue), committed: Mutex::default(), changed: Condvar::new() });
    let keepers = Arc::clone(&desk);
    journal.start_keeper(move || {
        #[cfg(test)]
        if crate::weaken::is_out(crate::weaken::Protection::WakeUnderLock) {
            return keepers.changed.notify_all();
        }
        // Under the lock, so that the writer is either before its look at the keeper or already waiting.
        let queue = keepers.queue();
        keepers.changed.notify_all();
        drop(queue);
    })?;
    let (reader, bytes_max) = (journal.reader(), journal.payload_bytes_max());
    let theirs = Arc::clone(&desk);
    let thread = Builder::new().name("journal-writer".to_owned()).spawn(move || {
        let stop = StopOnDrop(&theirs);
        let work = Work { desk: &theirs, journal, notify, announced: 0, mark_due: None };
        let ended = work.run();
        drop(stop);
        ended
    })?;
    Ok((Writer { desk, bytes_max, thread: Some(thread) }, reader))
}

impl Writer {
    /// Queues records for the next commit; never waits. How much may be queued is for the caller to bound.
    ///
    /// # Errors
    /// [`AppendError`]: nothing of the batch was taken.
    pub fn submit(&self, batch: Batch) -> Result<(), AppendError> {
        let mut queue = self.desk.queue();
        if queue.stopped || queue.closing {
            return Err(AppendError::Stopped);
        }
        let mut expected = queue.next;
        for (found, kind, payload) in &batch.records {
            check_record(*kind, payload.len(), self.bytes_max)?;
            if *found != expected {
                return Err(AppendError::Sequence { expected, found: *found });
            }
            expected += 1;
        }
        queue.next = expected;
        if queue.records.is_empty() {
            queue.records = batch.records;
        } else {
            queue.records.extend(batch.records);
        }
        drop(queue);
        self.desk.changed.notify_all();
        Ok(())
    }

    /// Lets go of the segments that hold nothing from record `from_sequence` on, except those that a start may need: everything
    /// from the record of the older of two checkpoints on, and everything while there are not two. Never waits; commits go
    /// on meanwhile, and [`Notice::Pruned`] says what went, if anything did. A later call takes the place of one that waits.
    pub fn retain(&self, from_sequence: u64) {
        self.desk.queue().retain = Some(from_sequence);
        self.desk.changed.notify_all();
    }

    /// What the commits took that were made since it was last asked; the latest thousand, if those are more.
    #[must_use]
    pub fn take_committed(&self) -> VecDeque<Committed> {
        std::mem::take(&mut *self.desk.committed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stores what is queued, persists the high-water mark, ends the threads. Returns the last durable record's number.
    ///
    /// # Errors
    /// [`ShutdownError`] if not all of it could be stored; a full disk is tried once more, not waited for.
    pub fn shutdown(mut self) -> Result<u64, ShutdownError> {
        self.desk.close();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Ended { stored_through, why: Why::Closed })) => Ok(stored_through),
            Some(Ok(Ended { stored_through, why: Why::Full })) => Err(ShutdownError::Full { stored_through }),
            Some(Ok(Ended { stored_through, why: Why::Failed })) => Err(ShutdownError::Failed { stored_through }),
            // The thread panicked, which only `notify` can make it do.
            Some(Err(_)) | None => Err(ShutdownError::Failed { stored_through: 0 }),
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("payload_bytes_max", &self.bytes_max).finish_non_exhaustive()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.desk.close();
    }
}

struct Desk {
    queue: Mutex<Queue>,
    /// What commits took, until somebody asks.
    committed: Mutex<VecDeque<Committed>>,
    changed: Condvar,
}

struct Queue {
    records: Vec<(u64, u8, Bytes)>,
    next: u64,
    /// The first record that must stay, if that was said since it was last heard.
    retain: Option<u64>,
    closing: bool,
    stopped: bool,
}

impl Desk {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing inside can panic half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, committed: impl Iterator<Item = Committed>) {
        let mut all = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(committed);
        let beyond = all.len().saturating_sub(COMMITTED_MAX);
        all.drain(..beyond);
    }

    fn close(&self) {
        self.queue().closing = true;
        self.changed.notify_all();
    }
}

/// Makes `submit` say that the thread is gone, also when a panic ended it.
struct StopOnDrop<'a>(&'a Desk);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.queue().stopped = true;
    }
}

#[derive(Debug)]
struct Ended {
    stored_through: u64,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Closed,
    Full,
    Failed,
}

/// What the thread takes from its desk.
enum Task {
    Store(Vec<(u64, u8, Bytes)>),
    Retain(u64),
    Tell(Pruned),
    Mark,
    Fail(Fault),
    Close,
}

struct Work<'a, D: Disk, N> {
    desk: &'a Desk,
    journal: Journal<D>,
    notify: N,
    /// The last record that a `Stored` covered.
    announced: u64,
    /// When the high-water mark is to be persisted, if it is behind.
    mark_due: Option<Instant>,
}

impl<D: Disk, N: FnMut(Notice)> Work<'_, D, N> {
    fn run(mut self) -> Ended {
        self.announced = self.journal.stored_through();
        let mut why = match self.journal.prepare() {
            Ok(()) => self.work(),
            Err(CommitError::Full(fault) | CommitError::Failed(fault)) => self.fail(fault),
        };
        let stored_through = self.journal.stored_through();
        if why == Why::Failed {
            self.journal.stop_keeper();
        } else if let Err(CommitError::Full(error) | CommitError::Failed(error)) = self.journal.close() {
            // Everything is stored, but the disk is not to be trusted with more.
            (self.notify)(Notice::Failed { error });
            why = Why::Failed;
        }
        Ended { stored_through, why }
    }

    fn work(&mut self) -> Why {
        loop {
            let result = match self.next_task() {
                Task::Store(records) => self.store(records),
                Task::Retain(from) => self.retain(from),
                Task::Tell(Pruned { first_sequence, segments, bytes }) => {
                    (self.notify)(Notice::Pruned { first_sequence, segments, bytes });
                    Ok(())
                }
                Task::Mark => Ok(()),
                Task::Fail(fault) => return self.fail(fault),
                Task::Close => return Why::Closed,
            };
            if let Err(why) = result.and_then(|()| self.mark_if_due()) {
                return why;
            }
        }
    }

    /// Waits for something to do. What is queued goes before the end, and the mark waits for neither.
    fn next_task(&mut self) -> Task {
        let mut queue = self.desk.queue();
        loop {
            if let Some(fault) = self.journal.keeper_failure() {
                return Task::Fail(fault);
            }
            if let Some(pruned) = self.journal.keeper_pruned() {
                return Task::Tell(pruned);
            }
            if let Some(from) = queue.retain.take() {
                return Task::Retain(from);
            }
            if !queue.records.is_empty() {
                return Task::Store(std::mem::take(&mut queue.records));
            }
            if queue.closing {
                return Task::Close;
            }
            queue = match self.mark_due {
                None => self.desk.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let left = due.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Task::Mark;
                    }
                    self.desk.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn store(&mut self, records: Vec<(u64, u8, Bytes)>) -> Result<(), Why> {
        for (_, kind, payload) in records {
            // Checked when it was submitted.
            if let Err(error) = self.journal.append(kind, &payload) {
                return Err(self.fail(Fault::new("append to", "log", io::Error::other(error))));
            }
            if self.journal.staged_bytes() >= COMMIT_BYTES {
                self.commit()?;
            }
        }
        self.commit()
    }

    /// Commits, over a full disk if need be.
    fn commit(&mut self) -> Result<(), Why> {
        let mut full = false;
        loop {
            let result = self.journal.commit();
            self.desk.note(self.journal.take_committed());
            // A commit that meets the full disk at a segment's end has stored what lay before it.
            let through = self.journal.stored_through();
            if through > self.announced {
                self.announced = through;
                (self.notify)(Notice::Stored { through });
                self.mark_due.get_or_insert_with(|| Instant::now() + self.journal.config().mark_interval);
            }
            match result {
                Ok(()) => {
                    if full {
                        (self.notify)(Notice::Open);
                    }
                    return Ok(());
                }
                Err(CommitError::Full(why)) => {
                    if !full {
                        full = true;
                        (self.notify)(Notice::Full { why });
                    } else if self.desk.queue().closing {
                        return Err(Why::Full);
                    }
                    self.wait_for_room();
                }
                Err(CommitError::Failed(fault)) => return Err(self.fail(fault)),
            }
            if let Some(fault) = self.journal.keeper_failure() {
                return Err(self.fail(fault));
            }
        }
    }

    /// Waits before the next attempt on a full disk, not so long when more comes or the end is asked for.
    fn wait_for_room(&self) {
        let queue = self.desk.queue();
        let queued = queue.records.len();
        let retry = self.journal.config().full_retry;
        let nothing_new = |queue: &mut Queue| !queue.closing && queue.records.len() == queued;
        drop(self.desk.changed.wait_timeout_while(queue, retry, nothing_new));
    }

    fn retain(&mut self, from: u64) -> Result<(), Why> {
        match self.journal.retain(from) {
            Ok(_) => Ok(()),
            Err(CommitError::Full(fault) | CommitError::Failed(fault)) => Err(self.fail(fault)),
        }
    }

    fn mark_if_due(&mut self) -> Result<(), Why> {
        if self.mark_due.take_if(|due| *due <= Instant::now()).is_none() {
            return Ok(());
        }
        match self.journal.persist_mark() {
            Ok(()) => Ok(()),
            Err(CommitError::Full(fault) | CommitError::Failed(fault)) => Err(self.fail(fault)),
        }
    }

    fn fail(&mut self, error: Fault) -> Why {
        // Before the notice: whoever hears of it finds the door shut.
        self.desk.queue().stopped = true;
        (self.notify)(Notice::Failed { error });
        Why::Failed
    }
}
