//! What is done beside the commits: the high-water mark is persisted, the next segment is prepared.
//!
//! [`Chores`] does it at once, for whoever calls. [`Keeper`] does it on a thread of its own, so that a commit waits for neither;
//! only a roll that comes before its segment is ready waits.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::disk::{Disk, DiskFile, read_full_at, write_all_at};
use crate::error::{CommitError, Damage, Fault, OpenError};
use crate::format::{HeaderError, Id, MARK_FILE_BYTES, MARK_SLOT_BYTES, MARK_SLOT_OFFSETS, Mark};

/// The high-water mark's file.
pub(crate) const MARK: &str = "mark";
/// What a file is called while it is made; without its directory entry under the final name it does not exist for recovery.
pub(crate) const UNFINISHED: &str = ".unfinished";

/// Zeros are written in pieces of this size.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
/// A segment in the making is synced this often, so that the device never has much of it queued in front of a commit.
const SYNC_EVERY_BYTES: u64 = 4 << 20;

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
        let mut best: Option<Mark> = None;
        let mut bad = 0;
        for (slot, offset) in MARK_SLOT_OFFSETS.iter().enumerate() {
            let mut bytes = [0; MARK_SLOT_BYTES];
            read_full_at(&file, &mut bytes, *offset).map_err(|error| Fault::new("read", MARK, error))?;
            match Mark::decode(&bytes) {
                Ok(mark) if mark.generation % 2 == slot as u64 => {
                    best = best.filter(|best| best.generation > mark.generation).or(Some(mark));
                }
                Err(HeaderError::Version(version)) => {
                    return Err(OpenError::damaged(MARK, *offset, Damage::Version(version)));
                }
                Ok(_) | Err(_) => bad += 1,
            }
        }
        let last = best.ok_or_else(|| OpenError::damaged(MARK, 0, Damage::Mark))?;
        Ok((Self { file, last }, bad))
    }

    pub(crate) fn last(&self) -> &Mark {
        &self.last
    }

    /// Persists a mark; its identity and generation are filled in. What cannot be written for lack of room (a file system
    /// that copies on write) is left for the next time: an older mark is still true.
    fn persist(&mut self, mark: Mark) -> Result<(), CommitError> {
        let generation = self.last.generation + 1;
        let mark = Mark { id: self.last.id, generation, first_segment: self.last.first_segment, ..mark };
        let offset = MARK_SLOT_OFFSETS[usize::from(generation % 2 == 1)];
        match write_all_at(&self.file, &mark.encode(), offset).map_err(|error| write_failed("write", MARK, error)) {
            Err(CommitError::Full(_)) => return Ok(()),
            other => other?,
        }
        self.file.sync_data().map_err(|error| sync_failed(MARK, error))?;
        self.last = mark;
        Ok(())
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

/// The chores, done on the caller's thread.
#[derive(Debug)]
pub(crate) struct Chores<D: Disk> {
    disk: Arc<D>,
    marks: MarkFile<D::File>,
    segment_bytes: u64,
    building: Option<Building<D::File>>,
}

impl<D: Disk> Chores<D> {
    pub(crate) fn new(disk: Arc<D>, marks: MarkFile<D::File>, segment_bytes: u64) -> Self {
        Self { disk, marks, segment_bytes, building: None }
    }

    pub(crate) fn persist_mark(&mut self, mark: Mark) -> Result<(), CommitError> {
        self.marks.persist(mark)
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
                let file = self.disk.create(&name).map_err(|error| write_failed("create", &name, error))?;
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
        self.disk.rename(name, &segment_name(*number)).map_err(|error| write_failed("rename", name, error))?;
        self.disk.sync_directory().map_err(|error| sync_failed("directory", error))?;
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
    /// Starts the thread. `failed` is called on it when a chore has failed for good; [`Keeper::failure`] then has the reason.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn start(chores: Chores<D>, failed: impl Fn() + Send + 'static) -> io::Result<Self> {
        let jobs = Jobs { mark: None, wanted: None, prepared: None, failed: None, stop: false };
        let desk = Arc::new(Desk { jobs: Mutex::new(jobs), changed: Condvar::new() });
        let theirs = Arc::clone(&desk);
        let thread = thread::Builder::new().name("journal-keeper".to_owned()).spawn(move || {
            let (chores, ended) = keep(chores, &theirs);
            if let Err(fault) = ended {
                theirs.jobs().failed = Some(fault);
                theirs.changed.notify_all();
                failed();
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

/// The thread: marks first, then a piece of the segment, so that a mark never waits for a whole segment.
fn keep<D: Disk>(mut chores: Chores<D>, desk: &Desk<D>) -> (Chores<D>, Result<(), Fault>) {
    loop {
        let (mark, wanted) = {
            let mut jobs = desk.jobs();
            loop {
                if jobs.stop {
                    return (chores, Ok(()));
                }
                if jobs.mark.is_some() || jobs.wanted.is_some() {
                    break (jobs.mark.take(), jobs.wanted);
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
