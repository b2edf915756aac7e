//! The open log: records are appended to a commit, a commit is one write and one sync, full segments are sealed.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::chores::{Chores, Keeper, Pruned, segment_name, sync_failed, write_failed, write_zeros};
use crate::disk::{Disk, DiskFile, RealDisk, write_all_at};
use crate::error::{AppendError, CommitError, Fault, OpenError};
use crate::format::{
    Id, KIND_OWN, Mark, PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, SEAL_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader,
};
use crate::index::End;
use crate::reader::{Reader, Shelf};
use crate::recover::{Recovered, recover};
use crate::replay::Replay;
use crate::scan::Chain;
use crate::stage::{Commit, Stage};

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

/// What recovery found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Segments in use.
    pub segments: u64,
    /// Records in the log.
    pub records: u64,
    /// How many of them were read and replayed: all, or those behind the checkpoint.
    pub replayed: u64,
    /// Bytes that the records take up, headers included.
    pub bytes: u64,
    /// The first record that is kept, or the first to come.
    pub first_sequence: u64,
    /// The last record's number; 0 if there never was one.
    pub last_sequence: u64,
    /// The last record that the restored checkpoint covers; none if the whole log was replayed.
    pub checkpoint: Option<u64>,
    /// Checkpoints that could not be used: the file's name and why. Damaged ones were removed.
    pub checkpoints_unusable: Vec<(String, String)>,
    /// Files of segments that an interrupted removal of old segments had left, and that were removed now.
    pub leftovers: u64,
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
    /// The next commit.
    stage: Stage,
    /// A commit that was taken from the stage and is not stored yet: the disk was full.
    pending: Option<Commit>,
    /// Memory for the next commit.
    recycled: Commit,
    shelf: Arc<Shelf<D>>,
    /// A write or sync has failed; what is on disk is unknown.
    failed: bool,
    /// Commits since somebody asked, the latest of them if those are many.
    done: VecDeque<Committed>,
}

/// What one commit took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Records that it made durable.
    pub records: u64,
    /// Bytes that it wrote.
    pub bytes: u64,
    /// Write and sync together.
    pub took: Duration,
    /// The sync alone.
    pub sync: Duration,
}

/// How many commits are remembered for whoever asks what they took.
pub(crate) const COMMITTED_MAX: usize = 1024;

impl<D: Disk> fmt::Debug for Journal<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("config", &self.config)
            .field("stored_through", &self.stored_through())
            .field("staged_bytes", &self.staged_bytes())
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
    /// Where the next record goes.
    offset: u64,
    /// Its seal is durable, and the next segment is not in use yet.
    sealed: bool,
}

impl<F: DiskFile> Tail<F> {
    pub(crate) fn new(file: F, header: SegmentHeader, offset: u64) -> Self {
        Self { file, header, offset, sealed: false }
    }

    pub(crate) fn mark(&self, chain: &Chain) -> Mark {
        Mark {
            id: self.header.id,
            generation: 0,
            sequence: chain.sequence,
            segment: self.header.number,
            offset: self.offset,
            // Filled in where it is persisted.
            first_segment: 1,
            hash: chain.record_hash,
        }
    }
}

impl<D: Disk> Journal<D> {
    /// Recovers the log: hands the newest checkpoint to `replay`, then every record behind it, in order, while it reads. A
    /// directory without a journal gets a new one.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] if the log is not what was written, [`OpenError::NoCheckpoint`] if its first records are gone and
    /// nothing stands for them: nothing on disk is changed then, and what `replay` was given must not be used.
    /// [`OpenError::Disk`] if the system refuses something; the same attempt may succeed later.
    pub fn open(disk: D, config: Config, replay: &mut impl Replay) -> Result<(Self, Report), OpenError> {
        if !is_segment_length(config.segment_bytes) {
            return Err(OpenError::SegmentBytes(config.segment_bytes));
        }
        let Recovered { shelf, chores, tail, spare, chain, report } = recover(disk, &config, replay)?;
        let stage = Stage::new(&tail.header, tail.offset, chain);
        let journal = Self {
            config,
            tail,
            spare,
            helper: Helper::Inline(chores),
            chain,
            stage,
            pending: None,
            recycled: Commit::default(),
            shelf,
            failed: false,
            done: VecDeque::new(),
        };
        Ok((journal, report))
    }

    /// The configuration it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The number that the next record appended gets; numbers begin at 1.
    pub fn next_sequence(&self) -> u64 {
        self.stage.last_sequence() + 1
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
        self.stage.append(kind, payload);
        Ok(self.stage.last_sequence())
    }

    /// Bytes that wait for the next commit.
    pub fn staged_bytes(&self) -> usize {
        self.stage.bytes() + self.pending.as_ref().map_or(0, |pending| pending.bytes.len())
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

    /// Removes the segments that hold nothing from record `from` on, except those that a start may need: everything from the
    /// record of the older of two checkpoints on, and everything while there are not two. At once or, with a keeper, soon;
    /// what was removed is returned, or said later.
    ///
    /// # Errors
    /// [`CommitError::Failed`], as a commit would.
    pub fn retain(&mut self, from: u64) -> Result<Option<Pruned>, CommitError> {
        self.check_usable()?;
        let mark = self.tail.mark(&self.chain);
        let result = match &mut self.helper {
            Helper::Inline(chores) => match chores.prune(from, mark) {
                Err(CommitError::Full(_)) => Ok(None),
                other => other,
            },
            Helper::Thread(keeper) => {
                keeper.retain(from, mark);
                Ok(None)
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

    /// Lets a thread of its own do the chores from here on. `wake` is called on that thread when there is something to hear.
    pub(crate) fn start_keeper(&mut self, wake: impl Fn() + Send + 'static) -> io::Result<()> {
        self.helper = match std::mem::replace(&mut self.helper, Helper::Gone) {
            Helper::Inline(chores) => Helper::Thread(Keeper::start(chores, wake)?),
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

    /// What the keeper has removed, said once.
    pub(crate) fn keeper_pruned(&self) -> Option<Pruned> {
        match &self.helper {
            Helper::Thread(keeper) => keeper.pruned(),
            Helper::Inline(_) | Helper::Gone => None,
        }
    }

    fn check_usable(&self) -> Result<(), CommitError> {
        if self.failed {
            let error = io::Error::other("a write or sync failed before");
            return Err(CommitError::Failed(Fault::new("write", &segment_name(self.tail.header.number), error)));
        }
        Ok(())
    }

    fn commit_all(&mut self) -> Result<(), CommitError> {
        while self.chain.sequence < self.stage.last_sequence() {
            if self.tail.sealed {
                self.begin_next()?;
            }
            let commit = self.pending.take().or_else(|| self.stage.take(&mut self.recycled));
            let Some(commit) = commit else { break };
            if let Err(error) = self.store(&commit) {
                self.pending = Some(commit);
                return Err(error);
            }
            self.recycle(commit);
        }
        Ok(())
    }

    /// Writes and syncs a commit.
    fn store(&mut self, commit: &Commit) -> Result<(), CommitError> {
        if commit.seals {
            // A seal promises that the next segment is there.
            self.obtain_spare()?;
        }
        let name = segment_name(self.tail.header.number);
        let Tail { file, offset, .. } = &mut self.tail;
        let end = *offset + commit.bytes.len() as u64;
        let begun = Instant::now();
        if let Err(error) = write_all_at(file, &commit.bytes, *offset) {
            // What got through is of no commit that anybody was told of. It would do no harm: the next attempt writes the
            // same bytes, and a start would take them for an unfinished commit. Zeros leave the log as it was.
            let error = write_failed("write", &name, error);
            if let CommitError::Full(_) = error {
                drop(write_zeros(file, *offset, commit.bytes.len() as u64));
            }
            return Err(error);
        }
        let written = begun.elapsed();
        file.sync_data().map_err(|error| sync_failed(&name, error))?;
        let took = begun.elapsed();

        self.shelf.update(|index| {
            let mut at = *offset;
            for (sequence, record_end) in (self.chain.sequence + 1..).zip(&commit.ends) {
                index.push(sequence, at);
                at = *offset + *record_end as u64;
            }
            index.set_end(End { sequence: commit.chain.sequence, offset: end, hash: commit.chain.record_hash });
        });
        self.chain = commit.chain;
        self.tail.offset = end;
        self.tail.sealed = commit.seals;
        self.note(Committed {
            records: commit.ends.len() as u64,
            bytes: commit.bytes.len() as u64,
            took,
            sync: took.saturating_sub(written),
        });
        Ok(())
    }

    fn note(&mut self, committed: Committed) {
        if self.done.len() >= COMMITTED_MAX {
            self.done.pop_front();
        }
        self.done.push_back(committed);
    }

    /// What the commits took that were made since it was last asked; the latest thousand, if those are more.
    pub fn take_committed(&mut self) -> impl Iterator<Item = Committed> + '_ {
        self.done.drain(..)
    }

    /// Keeps the memory of a commit that is stored.
    fn recycle(&mut self, mut commit: Commit) {
        commit.bytes.clear();
        commit.bytes.shrink_to(STAGED_BYTES_KEPT);
        commit.ends.clear();
        self.recycled = commit;
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
        self.stage.begin_segment(&self.tail.header, self.tail.offset);
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
