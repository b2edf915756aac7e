//! The open log: records are appended to a commit, a commit is one write and one sync, full segments are sealed.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::chores::{Chores, Keeper, segment_name, sync_failed, write_failed, write_zeros};
use crate::disk::{Disk, DiskFile, RealDisk, write_all_at};
use crate::error::{AppendError, CommitError, Fault, OpenError};
use crate::format::{
    Id, KIND_OWN, Mark, PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, SEAL_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader,
    finish_record, seal_record, stage_record,
};
use crate::reader::{Reader, Shelf};
use crate::recover::{Recovered, recover};
use crate::scan::Chain;

/// Segments are made of whole file-system blocks, and small ones are for tests.
const SEGMENT_BYTES_MIN: u64 = 4096;
/// Offsets in a segment fit into 32 bits with room to spare.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// A larger staging buffer is given back after its commit.
const STAGED_BYTES_KEPT: usize = 8 << 20;

/// How a journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Length of a new segment file: a multiple of 4096, from 4096 to 1 GiB.
    pub segment_bytes: u64,
    /// How long a stored record may be ahead of the persisted high-water mark; see *Blind spot* in the crate's documentation.
    pub mark_interval: Duration,
    /// How long the writer waits before it tries a full disk again.
    pub full_retry: Duration,
}

impl Config {
    /// Two segments are on disk from the start; a roll costs three syncs more than a commit, once in 100,000 messages.
    pub const SEGMENT_BYTES: u64 = 64 << 20;
    /// Four syncs a second that no commit waits for.
    pub const MARK_INTERVAL: Duration = Duration::from_millis(250);
    /// Soon enough for a sender's repeat, seldom enough to leave a full disk in peace.
    pub const FULL_RETRY: Duration = Duration::from_millis(200);
}

impl Default for Config {
    fn default() -> Self {
        Self { segment_bytes: Self::SEGMENT_BYTES, mark_interval: Self::MARK_INTERVAL, full_retry: Self::FULL_RETRY }
    }
}

/// A record as recovery reads it.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// Its number; the first is 1 and there are no gaps.
    pub sequence: u64,
    /// The caller's kind, below 0xF0.
    pub kind: u8,
    /// Its bytes.
    pub payload: &'a [u8],
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("sequence", &self.sequence)
            .field("kind", &self.kind)
            .field("payload_bytes", &self.payload.len())
            .finish()
    }
}

/// What recovery found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Segments in use.
    pub segments: u64,
    /// Records in the log.
    pub records: u64,
    /// Bytes that they take up, headers included.
    pub bytes: u64,
    /// The last record's number; 0 if there is none.
    pub last_sequence: u64,
    /// What the high-water mark said was stored.
    pub mark_sequence: u64,
    /// Slots of the mark that could not be read: 0, or 1 as a crash in the middle of writing it leaves. With neither the
    /// journal is not opened.
    pub mark_slots_bad: u8,
    /// The torn tail that was cut, if there was one.
    pub cut: Option<Cut>,
    /// A prepared segment, not in use yet, that was not all zeros or of another length, and was removed.
    pub discarded: Option<String>,
}

/// A torn tail: what an unfinished commit left behind the last whole record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment's file.
    pub file: String,
    /// Where the log ends in it.
    pub offset: u64,
    /// Bytes from there through the last that was not zero. All were zeroed.
    pub bytes: u64,
}

/// An open journal, with one owner who appends and commits. [`start`](crate::start) gives it a thread of its own.
pub struct Journal<D: Disk = RealDisk> {
    config: Config,
    tail: Tail<D::File>,
    /// The next segment, when it is at hand.
    spare: Option<D::File>,
    helper: Helper<D>,
    /// As far as the log is durable.
    chain: Chain,
    /// Records of the next commit as they will be stored, and where each ends.
    staged: Vec<u8>,
    ends: Vec<usize>,
    shelf: Arc<Shelf<D>>,
    /// A write or sync has failed; what is on disk is unknown.
    failed: bool,
}

impl<D: Disk> fmt::Debug for Journal<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("config", &self.config)
            .field("stored_through", &self.stored_through())
            .field("staged_bytes", &self.staged.len())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Who does the chores.
#[derive(Debug)]
enum Helper<D: Disk> {
    Inline(Chores<D>),
    Thread(Keeper<D>),
    /// A chore failed for good, or the keeper's thread panicked.
    Gone,
}

/// The segment in use.
#[derive(Debug)]
pub(crate) struct Tail<F> {
    file: F,
    pub(crate) header: SegmentHeader,
    seed: u32,
    /// Where the next record goes.
    offset: u64,
    /// Its seal is durable, and the next segment is not in use yet.
    sealed: bool,
}

impl<F: DiskFile> Tail<F> {
    pub(crate) fn new(file: F, header: SegmentHeader, offset: u64) -> Self {
        Self { file, header, seed: header.seed(), offset, sealed: false }
    }

    pub(crate) fn mark(&self, chain: &Chain) -> Mark {
        Mark {
            id: self.header.id,
            generation: 0,
            sequence: chain.sequence,
            segment: self.header.number,
            offset: self.offset,
            first_segment: 1,
            hash: chain.record_hash,
        }
    }

    /// Bytes for records, with the seal's place left free.
    fn room(&self) -> usize {
        usize::try_from((self.header.capacity - SEAL_BYTES as u64).saturating_sub(self.offset)).unwrap_or(usize::MAX)
    }
}

impl<D: Disk> Journal<D> {
    /// Recovers the log and hands every record to `replay`, in order, while it reads. A directory without a journal gets a
    /// new one.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] if the log is not what was written: nothing on disk is changed then, and what `replay` was
    /// given must not be used. [`OpenError::Disk`] if the system refuses something; the same attempt may succeed later.
    pub fn open(disk: D, config: Config, mut replay: impl FnMut(Entry<'_>)) -> Result<(Self, Report), OpenError> {
        if !is_segment_length(config.segment_bytes) {
            return Err(OpenError::SegmentBytes(config.segment_bytes));
        }
        let Recovered { disk, chores, tail, spare, chain, index, report } = recover(disk, &config, &mut replay)?;
        let journal = Self {
            config,
            tail,
            spare,
            helper: Helper::Inline(chores),
            chain,
            staged: Vec::new(),
            ends: Vec::new(),
            shelf: Arc::new(Shelf::new(disk, index)),
            failed: false,
        };
        Ok((journal, report))
    }

    /// The configuration it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The number that the next record appended gets; numbers begin at 1.
    pub fn next_sequence(&self) -> u64 {
        self.chain.sequence + self.ends.len() as u64 + 1
    }

    /// The last durable record's number; 0 before the first.
    pub fn stored_through(&self) -> u64 {
        self.chain.sequence
    }

    /// The longest payload that a record may have: [`PAYLOAD_BYTES_MAX`], less in small segments.
    pub fn payload_bytes_max(&self) -> usize {
        let around = SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + SEAL_BYTES;
        usize::try_from(self.config.segment_bytes).unwrap_or(usize::MAX).saturating_sub(around).min(PAYLOAD_BYTES_MAX)
    }

    /// A reader of what is durable.
    pub fn reader(&self) -> Reader<D> {
        Reader::new(Arc::clone(&self.shelf))
    }

    /// Adds a record to the next commit and returns its number. Nothing is written yet.
    ///
    /// # Errors
    /// [`AppendError::TooLong`] and [`AppendError::Kind`]; the record is not added then.
    pub fn append(&mut self, kind: u8, payload: &[u8]) -> Result<u64, AppendError> {
        check_record(kind, payload.len(), self.payload_bytes_max())?;
        let sequence = self.next_sequence();
        stage_record(&mut self.staged, sequence, kind, payload);
        self.ends.push(self.staged.len());
        Ok(sequence)
    }

    /// Bytes that wait for the next commit.
    pub fn staged_bytes(&self) -> usize {
        self.staged.len()
    }

    /// Makes every appended record durable: one write and one sync, more only where a segment ends.
    ///
    /// # Errors
    /// [`CommitError::Full`]: records after [`Self::stored_through`] are not in the log; they stay appended, and another
    /// call tries them again. [`CommitError::Failed`]: the journal must be opened again; every later call fails too.
    pub fn commit(&mut self) -> Result<(), CommitError> {
        self.check_usable()?;
        let result = self.commit_all();
        self.failed = matches!(result, Err(CommitError::Failed(_)));
        result
    }

    /// Persists the high-water mark, at once or, with a keeper, soon.
    ///
    /// # Errors
    /// [`CommitError::Failed`], as a commit would.
    pub fn persist_mark(&mut self) -> Result<(), CommitError> {
        self.check_usable()?;
        let mark = self.tail.mark(&self.chain);
        let result = match &mut self.helper {
            Helper::Inline(chores) => chores.persist_mark(mark),
            Helper::Thread(keeper) => {
                keeper.persist_mark(mark);
                Ok(())
            }
            Helper::Gone => Err(keeper_gone()),
        };
        self.failed = matches!(result, Err(CommitError::Failed(_)));
        result
    }

    /// Prepares the next segment ahead of need, at once or, with a keeper, soon.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn prepare(&mut self) -> Result<(), CommitError> {
        self.check_usable()?;
        let next = self.tail.header.number + 1;
        if let (None, Helper::Thread(keeper)) = (&self.spare, &self.helper) {
            keeper.want(next);
            return Ok(());
        }
        let result = self.obtain_spare();
        self.failed = matches!(result, Err(CommitError::Failed(_)));
        result
    }

    /// Closes the journal: persists the mark at the very end, in both slots. What was appended and not committed is dropped.
    ///
    /// # Errors
    /// [`CommitError::Failed`] if that failed, or something before.
    pub fn close(mut self) -> Result<(), CommitError> {
        self.stop_keeper();
        self.persist_mark()?;
        self.persist_mark()
    }

    /// Lets a thread of its own do the chores from here on. `failed` is called on that thread when one has failed for good.
    pub(crate) fn start_keeper(&mut self, failed: impl Fn() + Send + 'static) -> io::Result<()> {
        self.helper = match std::mem::replace(&mut self.helper, Helper::Gone) {
            Helper::Inline(chores) => Helper::Thread(Keeper::start(chores, failed)?),
            other @ (Helper::Thread(_) | Helper::Gone) => other,
        };
        Ok(())
    }

    /// Takes the chores back.
    pub(crate) fn stop_keeper(&mut self) {
        self.helper = match std::mem::replace(&mut self.helper, Helper::Gone) {
            Helper::Thread(keeper) => keeper.stop().map_or(Helper::Gone, Helper::Inline),
            other @ (Helper::Inline(_) | Helper::Gone) => other,
        };
    }

    /// Why the keeper ended by itself, said once; nothing is written after it.
    pub(crate) fn keeper_failure(&mut self) -> Option<Fault> {
        let failure = match &self.helper {
            Helper::Thread(keeper) => keeper.failure(),
            Helper::Inline(_) | Helper::Gone => None,
        };
        self.failed |= failure.is_some();
        failure
    }

    fn check_usable(&self) -> Result<(), CommitError> {
        if self.failed {
            let error = io::Error::other("a write or sync failed before");
            return Err(CommitError::Failed(Fault::new("write", &segment_name(self.tail.header.number), error)));
        }
        Ok(())
    }

    fn commit_all(&mut self) -> Result<(), CommitError> {
        while !self.ends.is_empty() {
            if self.tail.sealed {
                self.begin_next()?;
            }
            let room = self.tail.room();
            let count = self.ends.partition_point(|end| *end <= room);
            if count == self.ends.len() {
                self.store(count, Then::GoOn)?;
            } else {
                // A seal promises that the next segment is there.
                self.obtain_spare()?;
                self.store(count, Then::Seal)?;
            }
        }
        Ok(())
    }

    /// Writes and syncs the first `count` staged records, with the segment's seal if it ends here.
    fn store(&mut self, count: usize, then: Then) -> Result<(), CommitError> {
        let bytes = count.checked_sub(1).map_or(0, |last| self.ends[last]);
        let name = segment_name(self.tail.header.number);
        let Tail { file, header, seed, offset, .. } = &mut self.tail;

        // Finished only now: where a record's commit begins, and with a segment's end even its checksum, was not known before.
        let mut chain = self.chain;
        let mut start = 0;
        for (position, end) in self.ends[..count].iter().enumerate() {
            // A commit of 2³² records would not fit into memory.
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            let hash = finish_record(&mut self.staged[start..*end], *seed, position, &chain.hash);
            chain = Chain { sequence: chain.sequence + 1, record_hash: hash, hash };
            start = *end;
        }
        let mut written = write_all_at(file, &self.staged[..bytes], *offset);
        let mut end = *offset + bytes as u64;
        if let (Then::Seal, Ok(())) = (then, &written) {
            let position = u32::try_from(count).unwrap_or(u32::MAX);
            let (seal, hash) = seal_record(*seed, chain.sequence + 1, header.first_sequence, position, &chain.hash);
            written = write_all_at(file, &seal, end);
            chain.hash = hash;
            end += SEAL_BYTES as u64;
        }
        if let Err(error) = written {
            // What got through is of no commit that anybody was told of. It would do no harm: the next attempt begins with
            // the same records, and a start would take them for an unfinished commit. Zeros leave the log as it was.
            let error = write_failed("write", &name, error);
            if let CommitError::Full(_) = error {
                drop(write_zeros(file, *offset, end + SEAL_BYTES as u64 - *offset));
            }
            return Err(error);
        }
        file.sync_data().map_err(|error| sync_failed(&name, error))?;

        self.shelf.update(|index| {
            let mut at = *offset;
            let mut start = 0;
            for (sequence, end) in (self.chain.sequence + 1..).zip(&self.ends[..count]) {
                index.push(sequence, at);
                at += (*end - start) as u64;
                start = *end;
            }
        });
        self.chain = chain;
        self.tail.offset = end;
        self.tail.sealed = matches!(then, Then::Seal);
        self.drop_staged(count, bytes);
        Ok(())
    }

    /// Takes the first `count` records, which are stored, out of the staging buffer.
    fn drop_staged(&mut self, count: usize, bytes: usize) {
        if count == self.ends.len() {
            self.staged.clear();
            self.staged.shrink_to(STAGED_BYTES_KEPT);
            self.ends.clear();
        } else {
            self.staged.drain(..bytes);
            self.ends.drain(..count);
            self.ends.iter_mut().for_each(|end| *end -= bytes);
        }
    }

    fn obtain_spare(&mut self) -> Result<(), CommitError> {
        if self.spare.is_none() {
            let number = self.tail.header.number + 1;
            let file = match &mut self.helper {
                Helper::Inline(chores) => chores.prepare(number)?,
                Helper::Thread(keeper) => keeper.take(number)?,
                Helper::Gone => return Err(keeper_gone()),
            };
            self.spare = Some(file);
        }
        Ok(())
    }

    /// Takes the next segment into use, after the one before was sealed and synced.
    fn begin_next(&mut self) -> Result<(), CommitError> {
        self.obtain_spare()?;
        let Some(file) = self.spare.take() else { return Ok(()) };
        let number = self.tail.header.number + 1;
        match write_header(&file, number, self.tail.header.id, &self.chain) {
            Ok(header) => self.tail = Tail::new(file, header, SEGMENT_HEADER_BYTES as u64),
            Err(error) => {
                self.spare = Some(file);
                return Err(error);
            }
        }
        self.shelf.update(|index| index.begin_segment(&self.tail.header));
        if let Helper::Thread(keeper) = &self.helper {
            keeper.want(number + 1);
        }
        Ok(())
    }
}

/// Takes a prepared file into use. Its header is synced before any record follows, so that no crash leaves records behind a
/// torn header.
pub(crate) fn write_header<F: DiskFile>(
    file: &F,
    number: u64,
    id: Id,
    chain: &Chain,
) -> Result<SegmentHeader, CommitError> {
    let name = segment_name(number);
    let capacity = file.len().map_err(|error| write_failed("read", &name, error))?;
    let header = SegmentHeader { id, number, first_sequence: chain.sequence + 1, capacity, before: chain.hash };
    write_all_at(file, &header.encode(), 0).map_err(|error| write_failed("write", &name, error))?;
    file.sync_data().map_err(|error| sync_failed(&name, error))?;
    Ok(header)
}

/// What follows the records of a commit.
#[derive(Debug, Clone, Copy)]
enum Then {
    GoOn,
    Seal,
}

/// Whether a segment may be so long.
pub(crate) fn is_segment_length(bytes: u64) -> bool {
    (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&bytes) && bytes.is_multiple_of(4096)
}

/// What a record must be before it is taken.
pub(crate) fn check_record(kind: u8, bytes: usize, bytes_max: usize) -> Result<(), AppendError> {
    if kind >= KIND_OWN {
        return Err(AppendError::Kind(kind));
    }
    if bytes > bytes_max {
        return Err(AppendError::TooLong { bytes, bytes_max });
    }
    Ok(())
}

fn keeper_gone() -> CommitError {
    CommitError::Failed(Fault::new("prepare", "segment", io::Error::other("it failed before")))
}
