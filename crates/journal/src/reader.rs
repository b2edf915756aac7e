//! Stored records from any thread: by number, in order, and how far they go.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::checkpoint::{self, Checkpoint, CheckpointError, CheckpointWriter, Kept};
use crate::chores::segment_name;
use crate::disk::{Disk, RealDisk, read_full_at};
use crate::error::{Fault, ReadError};
use crate::format::{Hash, Id, JournalId, Prefix, RECORD_HEADER_BYTES, check_record};
use crate::index::{Index, Place, SegmentView};
use crate::replay::Replay;
use crate::sync::{Condvar, Mutex, MutexGuard, RwLock};
use crate::walk::Scan;

/// Read at once while walking: some twenty messages of usual size.
const BLOCK_BYTES: usize = 16 << 10;
/// Open files that are kept.
const FILES_MAX: usize = 16;

/// A stored record.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The caller's kind.
    pub kind: u8,
    /// Its bytes.
    pub payload: Bytes,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("kind", &self.kind).field("payload_bytes", &self.payload.len()).finish()
    }
}

/// The durable end of a journal: what an outside witness may hold it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Whose.
    pub journal: JournalId,
    /// The last durable record; 0 before the first.
    pub sequence: u64,
    /// The segment in use.
    pub segment: u64,
    /// The last durable record's hash, which stands for all before it; zeros before the first.
    pub hash: Hash,
}

/// A segment that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number; there are no gaps.
    pub number: u64,
    /// Its first record.
    pub first_sequence: u64,
    /// Its last record; none in the segment in use.
    pub last_sequence: Option<u64>,
    /// The length of its file.
    pub bytes: u64,
}

/// Reads stored records. Cheap to clone; any thread may use it, beside the writer and beside other readers.
#[derive(Debug)]
pub struct Reader<D: Disk = RealDisk> {
    shelf: Arc<Shelf<D>>,
}

impl<D: Disk> Clone for Reader<D> {
    fn clone(&self) -> Self {
        Self { shelf: Arc::clone(&self.shelf) }
    }
}

impl<D: Disk> Reader<D> {
    pub(crate) fn new(shelf: Arc<Shelf<D>>) -> Self {
        Self { shelf }
    }

    /// Reads one durable record and checks it; a few reads of the disk at most, of the page cache as a rule. The first one that
    /// is wanted of a segment which the start did not read costs reading that segment.
    ///
    /// # Errors
    /// [`ReadError::Absent`] if the record is not durable yet or no longer kept, [`ReadError::Damaged`] if what is at its place
    /// is not it, [`ReadError::Disk`] as the system says.
    pub fn read(&self, sequence: u64) -> Result<Record, ReadError> {
        let Located { segment, bytes, offset, .. } = self.shelf.locate(sequence)?;
        let damaged = || ReadError::Damaged { sequence, file: segment_name(segment.header.number), offset };
        let record = check_record(&bytes, segment.seed).ok_or_else(damaged)?;
        let (kind, length) = (record.kind, record.payload.len());
        let payload = Bytes::from(bytes).slice(RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + length);
        Ok(Record { kind, payload })
    }

    /// Reads on from record `from`, in order, every checksum and every link of the chain checked.
    pub fn scan(&self, from: u64) -> Scan<D> {
        Scan::new(Arc::clone(&self.shelf), from)
    }

    /// The last record that can be read; 0 before the first.
    pub fn stored_through(&self) -> u64 {
        self.shelf.with_index(|index| index.end().sequence)
    }

    /// The first record that can be read, or that will be.
    pub fn first_sequence(&self) -> u64 {
        self.shelf.with_index(Index::first_sequence)
    }

    /// The durable end.
    pub fn head(&self) -> Head {
        self.shelf.with_index(|index| {
            let end = index.end();
            let (journal, segment) = (JournalId(self.shelf.id), index.last_segment());
            Head { journal, sequence: end.sequence, segment, hash: end.hash }
        })
    }

    /// The segments that are kept, in order; the last one is in use.
    pub fn segments(&self) -> Vec<SegmentInfo> {
        let info = |SegmentView { header, last_sequence, .. }: SegmentView| SegmentInfo {
            number: header.number,
            first_sequence: header.first_sequence,
            last_sequence,
            bytes: header.capacity,
        };
        self.shelf.with_index(|index| index.segments().map(info).collect())
    }

    /// Waits until a record behind `after` is durable, at most so long; returns what [`Self::stored_through`] would.
    pub fn wait_stored(&self, after: u64, timeout: Duration) -> u64 {
        let stored = self.shelf.stored.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = |stored: &mut u64| *stored <= after;
        let waited = self.shelf.grown.wait_timeout_while(stored, timeout, behind);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Makes a checkpoint: what a later start [restores](crate::Replay::restore) instead of reading the records up to
    /// `through`. `hash` is that record's, as [`Scan::hash`] gives it. The two newest checkpoints are kept. Runs on the calling
    /// thread beside the writer; returns the file's length.
    ///
    /// # Errors
    /// [`CheckpointError`]; the checkpoints that there were are still there.
    pub fn checkpoint(
        &self,
        through: u64,
        hash: Hash,
        write: impl FnOnce(&mut CheckpointWriter<'_>) -> io::Result<()>,
    ) -> Result<u64, CheckpointError> {
        checkpoint::make(&self.shelf, through, hash, write)
    }

    /// Hands the newest checkpoint that is of use to `replay`, as a start would, and returns the record that it stands for. The
    /// records behind it are there for [`Self::scan`].
    pub fn restore(&self, replay: &mut impl Replay) -> Option<u64> {
        let newest_first = self.checkpoints().into_iter().rev();
        let usable = |sequence: &u64| {
            let checkpoint = Checkpoint::read(&*self.shelf.disk, *sequence, &self.shelf.id);
            checkpoint.is_ok_and(|checkpoint| replay.restore(&checkpoint.sections()).is_ok())
        };
        newest_first.into_iter().find(usable)
    }

    /// The records that the checkpoints which are kept stand for, oldest first; at most two.
    pub fn checkpoints(&self) -> Vec<u64> {
        self.shelf.checkpoints().iter().map(|kept| kept.sequence).collect()
    }
}

/// What the journal, its chores and its readers share.
#[derive(Debug)]
pub(crate) struct Shelf<D: Disk> {
    pub(crate) disk: Arc<D>,
    pub(crate) id: Id,
    index: RwLock<Index>,
    files: Mutex<VecDeque<(u64, Arc<D::File>)>>,
    /// The last durable record again, for those who wait for the next.
    stored: Mutex<u64>,
    grown: Condvar,
    checkpoints: Mutex<Vec<Kept>>,
    /// Held while a checkpoint is made: one at a time.
    pub(crate) making: Mutex<()>,
    /// A sync of the directory has failed.
    directory_failed: Mutex<bool>,
}

/// A record's bytes as they are stored, not checked.
pub(crate) struct Located {
    pub(crate) segment: SegmentView,
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

impl<D: Disk> Shelf<D> {
    pub(crate) fn new(disk: Arc<D>, id: Id, index: Index, checkpoints: Vec<Kept>) -> Self {
        let stored = Mutex::new(index.end().sequence);
        Self {
            disk,
            id,
            index: RwLock::new(index),
            files: Mutex::default(),
            stored,
            grown: Condvar::new(),
            checkpoints: Mutex::new(checkpoints),
            making: Mutex::default(),
            directory_failed: Mutex::default(),
        }
    }

    /// Changes the index; readers wait meanwhile, so it is done once a commit.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Index)) {
        let end = {
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            change(&mut index);
            index.end().sequence
        };
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        if *stored < end {
            *stored = end;
            drop(stored);
            self.grown.notify_all();
        }
    }

    pub(crate) fn with_index<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The checkpoints that are kept, oldest first.
    pub(crate) fn checkpoints(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes names durable. Once that has failed it fails for ever: the system reports a failure once, and to whoever asks
    /// next it may say that all is well.
    pub(crate) fn sync_directory(&self) -> io::Result<()> {
        let mut failed = self.directory_failed.lock().unwrap_or_else(PoisonError::into_inner);
        if *failed {
            return Err(io::Error::other("a sync of it failed before"));
        }
        let result = self.disk.sync_directory();
        *failed = result.is_err();
        result
    }

    /// The open file of a segment; the ones used last are kept.
    pub(crate) fn file(&self, number: u64, name: &str) -> Result<Arc<D::File>, Fault> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = files.iter().position(|(held, _)| *held == number)
            && let Some(entry) = files.remove(at)
        {
            let file = Arc::clone(&entry.1);
            files.push_front(entry);
            return Ok(file);
        }
        let file = Arc::new(self.disk.open(name).map_err(|error| Fault::new("open", name, error))?);
        files.push_front((number, Arc::clone(&file)));
        files.truncate(FILES_MAX);
        Ok(file)
    }

    /// Forgets the files of segments below `number`, so that their room on the disk comes free.
    pub(crate) fn close_below(&self, number: u64) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).retain(|(held, _)| *held >= number);
    }

    /// Finds a stored record.
    pub(crate) fn locate(&self, sequence: u64) -> Result<Located, ReadError> {
        self.locate_kept(sequence).map_err(|error| match error {
            // Pruned while it was sought.
            ReadError::Disk(_) if sequence < self.with_index(Index::first_sequence) => ReadError::Absent(sequence),
            other @ (ReadError::Absent(_) | ReadError::Disk(_) | ReadError::Damaged { .. }) => other,
        })
    }

    fn locate_kept(&self, sequence: u64) -> Result<Located, ReadError> {
        let place = self.with_index(|index| index.place(sequence)).ok_or(ReadError::Absent(sequence))?;
        let (Place::Known { segment, .. } | Place::Unread { segment, .. }) = place;
        let name = segment_name(segment.header.number);
        let file = self.file(segment.header.number, &name)?;
        let (first, mut offset) = match place {
            Place::Known { sequence, offset, .. } => (sequence, offset),
            Place::Unread { part, .. } => part.nearest(&*file, sequence)?,
        };
        let fault = |error| Fault::new("read", &name, error);
        let damaged = |offset| ReadError::Damaged { sequence, file: name.clone(), offset };

        let mut block = vec![0; BLOCK_BYTES];
        let mut block_start = offset;
        let mut held = read_full_at(&*file, &mut block, offset).map_err(fault)?;
        for expected in first..=sequence {
            let mut from = usize::try_from(offset - block_start).unwrap_or(usize::MAX);
            if from.saturating_add(RECORD_HEADER_BYTES) > held {
                block_start = offset;
                held = read_full_at(&*file, &mut block, offset).map_err(fault)?;
                from = 0;
            }
            let Some(header) = block[..held].get(from..from + RECORD_HEADER_BYTES) else { return Err(damaged(offset)) };
            let prefix = Prefix::decode(header);
            // The walk trusts lengths; a wrong one leads to bytes that are not the record, which is found out there.
            let stored = match prefix.stored_bytes() {
                Some(stored) if prefix.sequence == expected => stored,
                _ => return Err(damaged(offset)),
            };
            if expected < sequence {
                offset += stored as u64;
                continue;
            }
            let mut bytes = vec![0; stored];
            match block[..held].get(from..from + stored) {
                Some(here) => bytes.copy_from_slice(here),
                None => {
                    let count = read_full_at(&*file, &mut bytes, offset).map_err(fault)?;
                    bytes.truncate(count);
                }
            }
            return Ok(Located { segment, offset, bytes });
        }
        Err(ReadError::Absent(sequence))
    }
}
