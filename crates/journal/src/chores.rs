//! What is done beside the commits: the high-water mark is persisted, the next segment prepared, old segments removed.
//!
//! [`Chores`] does it at once, for whoever calls. [`Keeper`] does it on a thread of its own, so that a commit waits for neither;
//! only a roll that comes before its segment is ready waits.

use std::io;
use std::sync::{Arc, PoisonError};

use crate::checkpoint::KEPT_MAX;
use crate::disk::{Disk, DiskFile, read_full_at, write_all_at};
use crate::error::{CommitError, Damage, Fault, OpenError};
use crate::format::{HeaderError, Id, MARK_FILE_BYTES, MARK_SLOT_BYTES, MARK_SLOT_OFFSETS, Mark, read_mark_slots};
use crate::index::SegmentView;
use crate::reader::Shelf;
use crate::sync::{Builder, Condvar, JoinHandle, Mutex, MutexGuard};

/// The high-water mark's file.
pub(crate) const MARK: &str = "mark";
/// What a file is called while it is made; without its directory entry under the final name it does not exist for recovery.
pub(crate) const UNFINISHED: &str = ".unfinished";

/// Zeros are written in pieces of this size.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
/// A segment in the making is synced this often, so that the device never has much of it queued in front of a commit.
pub(crate) const SYNC_EVERY_BYTES: u64 = 4 << 20;

/// The name of a segment's file.
pub(crate) fn segment_name(number: u64) -> String {
    format!("segment-{number:010}")
}

/// A failed write as a commit sees it: a full disk can be waited for, anything else cannot.
pub(crate) fn write_failed(operation: &'static str, file: &str, error: io::Error) -> CommitError {
    let fault = Fault::new(operation, file, error);
    if fault.is_full() { CommitError::Full(fault) } else { CommitError::Failed(fault) }
}

/// A failed sync is final, whatever the error: the system may have dropped what it could not write, and a second sync would
/// then succeed without it.
pub(crate) fn sync_failed(file: &str, error: io::Error) -> CommitError {
    CommitError::Failed(Fault::new("sync", file, error))
}

/// Writes zeros over a range.
pub(crate) fn write_zeros(file: &impl DiskFile, mut offset: u64, mut bytes: u64) -> io::Result<()> {
    while bytes > 0 {
        let piece = bytes.min(ZEROS.len() as u64);
        write_all_at(file, &ZEROS[..usize::try_from(piece).unwrap_or(ZEROS.len())], offset)?;
        offset += piece;
        bytes -= piece;
    }
    Ok(())
}

/// The open mark file. Its two slots are written in turn, so that a crash in the middle of one leaves the other.
#[derive(Debug)]
pub(crate) struct MarkFile<F> {
    file: F,
    last: Mark,
}

impl<F: DiskFile> MarkFile<F> {
    /// Makes the file of a new journal.
    pub(crate) fn create<D: Disk<File = F>>(disk: &D, id: Id) -> Result<Self, Fault> {
        let unfinished = format!("{MARK}{UNFINISHED}");
        let fault = |operation| move |error| Fault::new(operation, MARK, error);
        let file = disk.create(&unfinished).map_err(fault("create"))?;
        let last = Mark { id, generation: 1, sequence: 0, segment: 0, offset: 0, first_segment: 1, hash: [0; 32] };
        let mut bytes = [0; MARK_FILE_BYTES];
        for (generation, offset) in MARK_SLOT_OFFSETS.iter().enumerate() {
            let at = usize::try_from(*offset).unwrap_or_default();
            let slot = Mark { generation: generation as u64, ..last };
            bytes[at..at + MARK_SLOT_BYTES].copy_from_slice(&slot.encode());
        }
        write_all_at(&file, &bytes, 0).map_err(fault("write"))?;
        file.sync_data().map_err(fault("sync"))?;
        disk.rename(&unfinished, MARK).map_err(fault("rename"))?;
        disk.sync_directory().map_err(fault("sync the directory of"))?;
        Ok(Self { file, last })
    }

    /// Opens the file and reads the newer slot; says how many slots were bad, at most one.
    pub(crate) fn open<D: Disk<File = F>>(disk: &D) -> Result<(Self, u8), OpenError> {
        let file = disk.open(MARK).map_err(|error| Fault::new("open", MARK, error))?;
        let slots = read_mark_slots(|bytes, offset| read_full_at(&file, bytes, offset).map(drop));
        let slots = slots.map_err(|error| Fault::new("read", MARK, error))?;
        for (slot, offset) in slots.iter().zip(MARK_SLOT_OFFSETS) {
            if let Err(HeaderError::Version(version)) = slot {
                return Err(OpenError::damaged(MARK, offset, Damage::Version(*version)));
            }
        }
        let whole = slots.iter().filter_map(|slot| slot.ok());
        let bad = slots.iter().map(|slot| u8::from(slot.is_err())).sum();
        let last = whole.max_by_key(|mark| mark.generation);
        let last = last.ok_or_else(|| OpenError::damaged(MARK, 0, Damage::Mark))?;
        Ok((Self { file, last }, bad))
    }

    pub(crate) fn last(&self) -> &Mark {
        &self.last
    }

    /// Persists a mark that keeps the segments from `first_segment` on; identity and generation are filled in, and it never
    /// goes back. Returns whether it was written: for lack of room (a file system that copies on write) it is left for the
    /// next time, as an older mark is still true.
    fn persist(&mut self, mark: Mark, first_segment: u64) -> Result<bool, CommitError> {
        let generation = self.last.generation + 1;
        let mark = if mark.sequence < self.last.sequence { self.last } else { mark };
        let mark = Mark { id: self.last.id, generation, first_segment, ..mark };
        let offset = MARK_SLOT_OFFSETS[usize::from(generation % 2 == 1)];
        match write_all_at(&self.file, &mark.encode(), offset).map_err(|error| write_failed("write", MARK, error)) {
            Err(CommitError::Full(_)) => return Ok(false),
            other => other?,
        }
        self.file.sync_data().map_err(|error| sync_failed(MARK, error))?;
        self.last = mark;
        Ok(true)
    }
}

/// A segment file in the making. It keeps its progress, and the room that it has, over a full disk.
#[derive(Debug)]
struct Building<F> {
    number: u64,
    name: String,
    file: F,
    done: u64,
    synced: u64,
}

/// Old segments that were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// The first record that is kept now.
    pub first_sequence: u64,
    /// How many segments went.
    pub segments: u64,
    /// Bytes that came free.
    pub bytes: u64,
}

/// The chores, done on the caller's thread.
#[derive(Debug)]
pub(crate) struct Chores<D: Disk> {
    shelf: Arc<Shelf<D>>,
    marks: MarkFile<D::File>,
    segment_bytes: u64,
    building: Option<Building<D::File>>,
}

impl<D: Disk> Chores<D> {
    pub(crate) fn new(shelf: Arc<Shelf<D>>, marks: MarkFile<D::File>, segment_bytes: u64) -> Self {
        Self { shelf, marks, segment_bytes, building: None }
    }

    pub(crate) fn persist_mark(&mut self, mark: Mark) -> Result<(), CommitError> {
        self.marks.persist(mark, self.marks.last.first_segment).map(drop)
    }

    /// Removes the segments that hold nothing from record `from` on, except those that a start may need: with both of the
    /// checkpoints that are kept, everything from the older one's record on.
    ///
    /// The mark says first, in both slots, that they are not needed; so a crash leaves files that the next start removes,
    /// never a gap that it has to refuse.
    pub(crate) fn prune(&mut self, from: u64, mark: Mark) -> Result<Option<Pruned>, CommitError> {
        let needed = {
            let checkpoints = self.shelf.checkpoints();
            let needed = checkpoints.iter().map(|kept| kept.segment).min();
            needed.filter(|_| checkpoints.len() >= KEPT_MAX).unwrap_or_default()
        };
        let goes = |segment: &SegmentView| {
            segment.header.number < needed && segment.last_sequence.is_some_and(|last| last < from)
        };
        let old: Vec<SegmentView> = self.shelf.with_index(|index| index.segments().take_while(goes).collect());
        let Some(last) = old.last() else { return Ok(None) };
        let first_segment = last.header.number + 1;
        for _ in MARK_SLOT_OFFSETS {
            if !self.marks.persist(mark, first_segment)? {
                return Ok(None);
            }
        }
        self.shelf.update(|index| index.forget_below(first_segment));
        self.shelf.close_below(first_segment);
        for segment in &old {
            let name = segment_name(segment.header.number);
            self.shelf.disk.remove(&name).map_err(|error| write_failed("remove", &name, error))?;
        }
        self.shelf.sync_directory().map_err(|error| sync_failed("directory", error))?;
        Ok(Some(Pruned {
            first_sequence: self.shelf.with_index(crate::index::Index::first_sequence),
            segments: old.len() as u64,
            bytes: old.iter().map(|segment| segment.header.capacity).sum(),
        }))
    }

    /// Makes a zero-filled segment file, durable in content and name.
    pub(crate) fn prepare(&mut self, number: u64) -> Result<D::File, CommitError> {
        loop {
            if let Some(file) = self.prepare_some(number)? {
                return Ok(file);
            }
        }
    }

    /// Goes on with the making of a segment file by [`SYNC_EVERY_BYTES`]; returns it when it is ready.
    fn prepare_some(&mut self, number: u64) -> Result<Option<D::File>, CommitError> {
        let mut building = match self.building.take() {
            Some(building) if building.number == number => building,
            _ => {
                let name = format!("{}{UNFINISHED}", segment_name(number));
                let file = self.shelf.disk.create(&name).map_err(|error| write_failed("create", &name, error))?;
                Building { number, name, file, done: 0, synced: 0 }
            }
        };
        let result = self.build_some(&mut building);
        match result {
            Ok(true) => Ok(Some(building.file)),
            Ok(false) => {
                self.building = Some(building);
                Ok(None)
            }
            Err(error) => {
                self.building = Some(building);
                Err(error)
            }
        }
    }

    fn build_some(&self, building: &mut Building<D::File>) -> Result<bool, CommitError> {
        let Building { number, name, file, done, synced } = building;
        while *done < self.segment_bytes && *done - *synced < SYNC_EVERY_BYTES {
            let piece = (self.segment_bytes - *done).min(ZEROS.len() as u64);
            write_zeros(file, *done, piece).map_err(|error| write_failed("write", name, error))?;
            *done += piece;
        }
        if synced < done {
            file.sync_data().map_err(|error| sync_failed(name, error))?;
            *synced = *done;
        }
        if *done < self.segment_bytes {
            return Ok(false);
        }
        self.shelf.disk.rename(name, &segment_name(*number)).map_err(|error| write_failed("rename", name, error))?;
        self.shelf.sync_directory().map_err(|error| sync_failed("directory", error))?;
        Ok(true)
    }
}

/// The chores' own thread.
#[derive(Debug)]
pub(crate) struct Keeper<D: Disk> {
    desk: Arc<Desk<D>>,
    thread: JoinHandle<Chores<D>>,
}

#[derive(Debug)]
struct Desk<D: Disk> {
    jobs: Mutex<Jobs<D>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Jobs<D: Disk> {
    mark: Option<Mark>,
    /// The first record that must stay, and the mark then.
    retain: Option<(u64, Mark)>,
    pruned: Option<Pruned>,
    /// The segment that is to be prepared.
    wanted: Option<u64>,
    /// How preparing went; `wanted` is none then.
    prepared: Option<Result<D::File, CommitError>>,
    /// A mark or a preparation failed for good. The thread has ended or is about to.
    failed: Option<Fault>,
    stop: bool,
}

impl<D: Disk> Desk<D> {
    fn jobs(&self) -> MutexGuard<'_, Jobs<D>> {
        // Nothing inside can panic half-way.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Disk> Keeper<D> {
    /// Starts the thread. `wake` is called on it when there is something to hear: [`Keeper::failure`], [`Keeper::pruned`].
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn start(chores: Chores<D>, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let jobs =
            Jobs { mark: None, retain: None, pruned: None, wanted: None, prepared: None, failed: None, stop: false };
        let desk = Arc::new(Desk { jobs: Mutex::new(jobs), changed: Condvar::new() });
        let theirs = Arc::clone(&desk);
        let thread = Builder::new().name("journal-keeper".to_owned()).spawn(move || {
            let (chores, ended) = keep(chores, &theirs, &wake);
            if let Err(fault) = ended {
                theirs.jobs().failed = Some(fault);
                theirs.changed.notify_all();
                wake();
            }
            chores
        })?;
        Ok(Self { desk, thread })
    }

    /// Asks for a mark to be persisted; a newer one replaces one that waits.
    pub(crate) fn persist_mark(&self, mark: Mark) {
        self.desk.jobs().mark = Some(mark);
        self.desk.changed.notify_all();
    }

    /// Asks for old segments to be removed; a later call replaces one that waits.
    pub(crate) fn retain(&self, from: u64, mark: Mark) {
        self.desk.jobs().retain = Some((from, mark));
        self.desk.changed.notify_all();
    }

    /// What was removed since the last call.
    pub(crate) fn pruned(&self) -> Option<Pruned> {
        self.desk.jobs().pruned.take()
    }

    /// Asks for a segment to be prepared, without waiting.
    pub(crate) fn want(&self, number: u64) {
        let mut jobs = self.desk.jobs();
        if jobs.prepared.is_none() {
            jobs.wanted = Some(number);
            self.desk.changed.notify_all();
        }
    }

    /// A prepared segment; waits for it if it is in the making.
    pub(crate) fn take(&self, number: u64) -> Result<D::File, CommitError> {
        let mut jobs = self.desk.jobs();
        // An earlier attempt that met a full disk says nothing about now.
        jobs.prepared.take_if(|prepared| prepared.is_err());
        if jobs.prepared.is_none() {
            jobs.wanted = Some(number);
            self.desk.changed.notify_all();
        }
        loop {
            if let Some(fault) = jobs.failed.take() {
                return Err(CommitError::Failed(fault));
            }
            if let Some(prepared) = jobs.prepared.take() {
                return prepared;
            }
            jobs = self.desk.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Why the thread ended by itself, said once.
    pub(crate) fn failure(&self) -> Option<Fault> {
        self.desk.jobs().failed.take()
    }

    /// Ends the thread and takes the chores back; none if one of them failed for good, or it panicked.
    pub(crate) fn stop(self) -> Option<Chores<D>> {
        self.desk.jobs().stop = true;
        self.desk.changed.notify_all();
        // Only after the thread has ended is it certain that nothing failed: a sync that did must not be tried again.
        let Self { desk, thread } = self;
        let chores = thread.join().ok();
        chores.filter(|_| desk.jobs().failed.is_none())
    }
}

/// The thread: marks first, then what is to go, then a piece of the segment, so that neither waits for a whole segment.
fn keep<D: Disk>(mut chores: Chores<D>, desk: &Desk<D>, wake: &dyn Fn()) -> (Chores<D>, Result<(), Fault>) {
    loop {
        let (mark, retain, wanted) = {
            let mut jobs = desk.jobs();
            loop {
                if jobs.stop {
                    return (chores, Ok(()));
                }
                if jobs.mark.is_some() || jobs.retain.is_some() || jobs.wanted.is_some() {
                    break (jobs.mark.take(), jobs.retain.take(), jobs.wanted);
                }
                jobs = desk.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            }
        };
        if let Some(mark) = mark {
            match chores.persist_mark(mark) {
                Ok(()) | Err(CommitError::Full(_)) => {}
                Err(CommitError::Failed(fault)) => return (chores, Err(fault)),
            }
        }
        if let Some((from, mark)) = retain {
            match chores.prune(from, mark) {
                Ok(None) | Err(CommitError::Full(_)) => {}
                Ok(Some(now)) => {
                    let mut jobs = desk.jobs();
                    let before = jobs.pruned.take();
                    let (segments, bytes) = before.map_or((0, 0), |before| (before.segments, before.bytes));
                    jobs.pruned = Some(Pruned { segments: now.segments + segments, bytes: now.bytes + bytes, ..now });
                    drop(jobs);
                    wake();
                }
                Err(CommitError::Failed(fault)) => return (chores, Err(fault)),
            }
        }
        let Some(number) = wanted else { continue };
        let prepared = match chores.prepare_some(number) {
            Ok(None) => continue,
            Ok(Some(file)) => Ok(file),
            Err(CommitError::Failed(fault)) => return (chores, Err(fault)),
            Err(full) => Err(full),
        };
        let mut jobs = desk.jobs();
        jobs.wanted = None;
        jobs.prepared = Some(prepared);
        drop(jobs);
        desk.changed.notify_all();
    }
}
