//! Opening a journal: everything is read and judged first; only then is anything on disk changed.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::checkpoint::{self, Checkpoint, KEPT_MAX, Kept, Unusable, checkpoint_name, checkpoint_sequence};
use crate::chores::{Chores, MARK, MarkFile, UNFINISHED, segment_name, write_zeros};
use crate::disk::{Disk, DiskFile, read_full_at, write_all_at};
use crate::error::{CommitError, Damage, Fault, OpenError};
use crate::format::{CheckpointHeader, HeaderError, Mark, SEAL_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::index::{self, Index};
use crate::journal::{Config, Cut, Report, Tail, is_segment_length, write_header};
use crate::reader::Shelf;
use crate::replay::{Entry, Replay};
use crate::scan::{Chain, End, Extent, Start, Window, find_seal, is_zero_from, scan_segment};
use crate::view::read_header;

/// Read and written at once while the last commit is written again.
const REWRITE_BYTES: usize = 256 << 10;

/// A recovered log, ready to be appended to.
pub(crate) struct Recovered<D: Disk> {
    pub(crate) shelf: Arc<Shelf<D>>,
    pub(crate) chores: Chores<D>,
    pub(crate) tail: Tail<D::File>,
    /// The next segment, if it was prepared.
    pub(crate) spare: Option<D::File>,
    pub(crate) chain: Chain,
    pub(crate) report: Report,
}

/// Recovers a journal, or makes a new one in a directory that has none.
pub(crate) fn recover<D: Disk>(disk: D, config: &Config, replay: &mut dyn Replay) -> Result<Recovered<D>, OpenError> {
    let mut names = disk.list().map_err(|error| Fault::new("list", "directory", error))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();

    // The mark is made before the first segment, so that segments without one are a journal that lost it.
    let (marks, mark_slots_bad) = if names.iter().any(|name| name == MARK) {
        MarkFile::open(&disk)?
    } else if numbers.is_empty() {
        remove_unfinished(&disk, &mut names)?;
        let id = disk.random().map_err(|error| Fault::new("draw an identity for", MARK, error))?;
        (MarkFile::create(&disk, id)?, 0)
    } else {
        return Err(OpenError::damaged(MARK, 0, Damage::Mark));
    };
    let mark = *marks.last();
    // What lies below was about to be removed: the mark was told so first.
    let leftovers: Vec<u64> = numbers.extract_if(.., |number| *number < mark.first_segment).collect();

    let choice = choose(&disk, &names, &mark, replay)?;
    let mut survey = Survey::new(&disk, mark, choice.used, config.segment_bytes);
    survey.read(&numbers, replay)?;
    survey.check_mark()?;
    let Survey { chain, mut index, mut report, last, unused, .. } = survey;
    report.mark_slots_bad = mark_slots_bad;
    report.checkpoint = choice.used.map(|header| header.sequence);
    report.leftovers = leftovers.len() as u64;

    // From here on the log is known to be good, and the disk may be changed.
    remove_unfinished(&disk, &mut names)?;
    let remove = |name: &str| disk.remove(name).map_err(|error| Fault::new("remove", name, error));
    for name in choice.surplus.iter().chain(&report.discarded) {
        remove(name)?;
    }
    for number in leftovers {
        remove(&segment_name(number))?;
    }
    report.checkpoints_unusable = choice.unusable;
    let last_number = last.as_ref().map_or(0, |last| last.header.number);
    if let Some(last) = &last {
        make_good(last)?;
    }
    // A name that was seen may not be durable yet: the process, not the machine, may have died.
    disk.sync_directory().map_err(|error| Fault::new("sync", "directory", error))?;
    if let Some(Last { extent: Extent { offset, .. }, .. }) = &last {
        index.set_end(index::End { sequence: chain.sequence, offset: *offset, hash: chain.record_hash });
    }
    report.first_sequence = index.first_sequence();
    report.records = (report.last_sequence + 1).saturating_sub(report.first_sequence);
    let shelf = Arc::new(Shelf::new(Arc::new(disk), mark.id, index, choice.kept));
    let mut chores = Chores::new(Arc::clone(&shelf), marks, config.segment_bytes);
    let (tail, spare) = match last {
        Some(Last { file, header, extent: Extent { offset, end: End::Open { .. }, .. } }) => {
            (Tail::new(file, header, offset), unused)
        }
        // Sealed and not gone on, or a journal in the making.
        Some(Last { extent: Extent { end: End::Sealed, .. }, .. }) | None => {
            let number = last_number + 1;
            let file = match unused {
                Some(file) => file,
                None => chores.prepare(number).map_err(into_fault)?,
            };
            let header = write_header(&file, number, mark.id, &chain).map_err(into_fault)?;
            let tail = Tail::new(file, header, SEGMENT_HEADER_BYTES as u64);
            shelf.update(|index| index.begin_segment(&tail.header));
            (tail, None)
        }
    };
    // Both slots, so that one bad slot at the next start costs nothing.
    for _ in 0..2 {
        chores.persist_mark(tail.mark(&chain)).map_err(into_fault)?;
    }
    Ok(Recovered { shelf, chores, tail, spare, chain, report })
}

/// Which checkpoint was restored, and what becomes of the others.
struct Choice {
    used: Option<CheckpointHeader>,
    /// The newest that were not found bad, oldest first.
    kept: Vec<Kept>,
    /// Files that are to be removed: damaged, or older than is needed.
    surplus: Vec<String>,
    /// Files that could not be used, and why.
    unusable: Vec<(String, String)>,
}

/// Restores the newest checkpoint that can be used. Without one the whole log is wanted.
fn choose<D: Disk>(disk: &D, names: &[String], mark: &Mark, replay: &mut dyn Replay) -> Result<Choice, OpenError> {
    let mut sequences: Vec<u64> = names.iter().filter_map(|name| checkpoint_sequence(name)).collect();
    sequences.sort_unstable_by(|a, b| b.cmp(a));
    let mut choice = Choice { used: None, kept: Vec::new(), surplus: Vec::new(), unusable: Vec::new() };
    let mut unread = None;
    for sequence in sequences {
        let name = checkpoint_name(sequence);
        if choice.kept.len() >= KEPT_MAX && choice.used.is_some() {
            choice.surplus.push(name);
            continue;
        }
        // The one to fall back on is only looked at: whether it is whole shows when it is needed.
        let header = if choice.used.is_some() {
            checkpoint::read_header(disk, sequence, &mark.id)
        } else {
            Checkpoint::read(disk, sequence, &mark.id).map(|checkpoint| {
                if checkpoint.header.segment >= mark.first_segment {
                    match replay.restore(&checkpoint.sections()) {
                        Ok(()) => choice.used = Some(checkpoint.header),
                        Err(why) => choice.unusable.push((name.clone(), why)),
                    }
                }
                checkpoint.header
            })
        };
        match header {
            Ok(header) if header.segment >= mark.first_segment => {
                choice.kept.push(Kept { sequence, segment: header.segment });
            }
            // The log no longer reaches back so far: it was about to be removed.
            Ok(_) => choice.surplus.push(name),
            Err(Unusable::Damaged(why)) => {
                choice.unusable.push((name.clone(), why));
                choice.surplus.push(name);
            }
            Err(Unusable::Unread(fault)) => {
                choice.unusable.push((name, format!("it cannot be read: {}", fault.error)));
                unread = Some(fault);
            }
        }
    }
    choice.kept.reverse();
    if choice.used.is_none() && mark.first_segment > 1 {
        if let Some(fault) = unread {
            return Err(fault.into());
        }
        let texts: Vec<String> = choice.unusable.iter().map(|(name, why)| format!("{name}: {why}")).collect();
        let why = if texts.is_empty() { "there is none".to_owned() } else { texts.join("; ") };
        return Err(OpenError::NoCheckpoint { first_segment: segment_name(mark.first_segment), why });
    }
    Ok(choice)
}

/// The last segment in use.
struct Last<F> {
    file: F,
    header: SegmentHeader,
    extent: Extent,
}

/// What reading has found so far.
struct Survey<'a, D: Disk> {
    disk: &'a D,
    mark: Mark,
    /// What was restored: records up to its own are not read again.
    checkpoint: Option<CheckpointHeader>,
    chain: Chain,
    index: Index,
    report: Report,
    last: Option<Last<D::File>>,
    /// The segment behind it, prepared and not in use.
    unused: Option<D::File>,
    /// Length of a new segment.
    segment_bytes: u64,
}

impl<'a, D: Disk> Survey<'a, D> {
    fn new(disk: &'a D, mark: Mark, checkpoint: Option<CheckpointHeader>, segment_bytes: u64) -> Self {
        let report = Report { mark_sequence: mark.sequence, ..Report::default() };
        #[cfg(test)]
        let mark = crate::weaken::mark(mark);
        Self {
            disk,
            mark,
            checkpoint,
            chain: Chain::default(),
            index: Index::default(),
            report,
            last: None,
            unused: None,
            segment_bytes,
        }
    }

    /// Reads the segments in order.
    fn read(&mut self, numbers: &[u64], replay: &mut dyn Replay) -> Result<(), OpenError> {
        let mut numbers: VecDeque<u64> = numbers.iter().copied().collect();
        let mut expected = self.mark.first_segment;
        while let Some(number) = numbers.pop_front() {
            let name = segment_name(number);
            if number > expected {
                return Err(OpenError::damaged(&segment_name(expected), 0, Damage::Missing));
            }
            let file = self.disk.open(&name).map_err(|error| Fault::new("open", &name, error))?;
            let length = file.len().map_err(|error| Fault::new("read", &name, error))?;
            match read_header(&file).map_err(|error| Fault::new("read", &name, error))? {
                Ok(header) => self.read_used(file, &name, number, length, &header, replay)?,
                Err(HeaderError::Version(version)) => {
                    return Err(OpenError::damaged(&name, 0, Damage::Version(version)));
                }
                Err(HeaderError::Key(key)) => return Err(OpenError::damaged(&name, 0, Damage::Key(key))),
                Err(reason @ (HeaderError::Zero | HeaderError::Damaged)) => {
                    if !numbers.is_empty() || self.used_through() >= number {
                        return Err(OpenError::damaged(&name, 0, Damage::Header));
                    }
                    self.take_unused(file, name, length, reason)?;
                }
            }
            expected += 1;
        }
        self.check_next(expected)
    }

    /// The last segment that is known to have been in use.
    fn used_through(&self) -> u64 {
        self.mark.segment.max(self.checkpoint.map_or(0, |checkpoint| checkpoint.segment))
    }

    /// A segment with a whole header: it must follow from the one before.
    fn read_used(
        &mut self,
        file: D::File,
        name: &str,
        number: u64,
        length: u64,
        header: &SegmentHeader,
        replay: &mut dyn Replay,
    ) -> Result<(), OpenError> {
        if header.id != self.mark.id {
            return Err(OpenError::damaged(name, 0, Damage::Foreign));
        }
        if let Some(Last { header: before, extent: Extent { offset, end: End::Open { .. }, .. }, .. }) = &self.last {
            let reason = Damage::Unsealed { sequence: self.chain.sequence + 1 };
            return Err(OpenError::damaged(&segment_name(before.number), *offset, reason));
        }
        // The oldest segment that is kept need not be the first that there was: the log begins where its header says.
        if self.last.is_none() && self.mark.first_segment > 1 {
            let sequence = header.first_sequence.saturating_sub(1);
            self.chain = Chain { sequence, record_hash: [0; 32], hash: header.before };
        }
        if header.number != number
            || header.first_sequence != self.chain.sequence + 1
            || header.before != self.chain.hash
        {
            return Err(OpenError::damaged(name, 0, Damage::NotNext));
        }
        if header.capacity != length {
            return Err(OpenError::damaged(name, 0, Damage::Length { expected: header.capacity, found: length }));
        }
        let extent = match self.checkpoint {
            Some(checkpoint) if number < checkpoint.segment => self.skip(&file, name, header)?,
            Some(checkpoint) if number == checkpoint.segment => {
                let start = self.begin_at(&file, name, header, &checkpoint)?;
                self.scan(&file, name, header, start, replay)?
            }
            _ => {
                self.index.begin_segment(header);
                self.scan(&file, name, header, Start::of_segment(), replay)?
            }
        };
        let seal_bytes = if extent.end == End::Sealed { SEAL_BYTES as u64 } else { 0 };
        self.report.bytes += extent.offset - SEGMENT_HEADER_BYTES as u64 - seal_bytes;
        self.report.segments += 1;
        self.report.last_sequence = self.chain.sequence;
        self.last = Some(Last { file, header: *header, extent });
        Ok(())
    }

    /// A segment that the checkpoint covers wholly: of its contents only the seal is read, which the next header must name.
    fn skip(&mut self, file: &D::File, name: &str, header: &SegmentHeader) -> Result<Extent, OpenError> {
        let Some(seal) = find_seal(file, name, header)? else {
            let reason = Damage::Unsealed { sequence: header.first_sequence };
            return Err(OpenError::damaged(name, 0, reason));
        };
        self.index.begin_unread(header, seal.next_sequence, seal.hash);
        self.chain = Chain { sequence: seal.next_sequence - 1, record_hash: [0; 32], hash: seal.hash };
        let offset = seal.offset + SEAL_BYTES as u64;
        Ok(Extent { last_commit: seal.offset, offset, end: End::Sealed })
    }

    /// The segment of the checkpoint's own record, which must be there, to the byte.
    fn begin_at(
        &mut self,
        file: &D::File,
        name: &str,
        header: &SegmentHeader,
        checkpoint: &CheckpointHeader,
    ) -> Result<Start, OpenError> {
        let CheckpointHeader { sequence, offset, hash, .. } = *checkpoint;
        let damaged = |reason| OpenError::damaged(name, offset, reason);
        let mut window = Window::new(file, name, header.capacity);
        let record = window.record(offset, header.seed())?;
        let record = record.filter(|record| record.sequence == sequence && record.hash == hash);
        let record = record.ok_or_else(|| damaged(Damage::NotTheCheckpoints { sequence }))?;
        if sequence == self.mark.sequence && hash != self.mark.hash {
            return Err(damaged(Damage::NotTheMarks { sequence }));
        }
        self.index.begin_unread(header, sequence, hash);
        self.index.push(sequence, offset);
        self.chain = Chain { sequence, record_hash: hash, hash };
        Ok(Start {
            last_commit: offset,
            offset: offset + record.bytes.len() as u64,
            position: record.position.saturating_add(1),
        })
    }

    fn scan(
        &mut self,
        file: &D::File,
        name: &str,
        header: &SegmentHeader,
        start: Start,
        replay: &mut dyn Replay,
    ) -> Result<Extent, OpenError> {
        let Self { chain, index, report, mark, .. } = self;
        scan_segment(file, name, header, start, chain, |record, offset, hash| {
            if record.sequence == mark.sequence && *hash != mark.hash {
                return Err(Damage::NotTheMarks { sequence: record.sequence });
            }
            index.push(record.sequence, offset);
            report.replayed += 1;
            replay.record(Entry { sequence: record.sequence, kind: record.kind, payload: record.payload });
            Ok(())
        })
    }

    /// The last file has no header: prepared, and perhaps about to be taken into use when the crash came.
    fn take_unused(&mut self, file: D::File, name: String, length: u64, reason: HeaderError) -> Result<(), OpenError> {
        let empty = is_zero_from(&file, &name, SEGMENT_HEADER_BYTES as u64, length)?;
        match &self.last {
            // The one before goes on, so nothing can be in this one. It is used if it is what a new one would be.
            Some(Last { extent: Extent { end: End::Open { .. }, .. }, .. }) if reason == HeaderError::Zero => {
                if empty && length == self.segment_bytes {
                    self.unused = Some(file);
                } else {
                    self.report.discarded = Some(name);
                }
            }
            // The header is synced before any record is written: with nothing behind it, at most a header was torn.
            Some(Last { extent: Extent { end: End::Sealed, .. }, .. }) | None if empty => {
                if !is_segment_length(length) {
                    let expected = self.segment_bytes;
                    return Err(OpenError::damaged(&name, 0, Damage::Length { expected, found: length }));
                }
                self.unused = Some(file);
            }
            _ => return Err(OpenError::damaged(&name, 0, Damage::Header)),
        }
        Ok(())
    }

    /// A segment is sealed only when the next one is there, so a seal at the end shows that a file is missing; and what the
    /// mark and the checkpoint have seen must be there.
    fn check_next(&self, expected: u64) -> Result<(), OpenError> {
        let sealed = matches!(&self.last, Some(Last { extent: Extent { end: End::Sealed, .. }, .. }));
        if (sealed && self.unused.is_none()) || self.used_through() >= expected {
            return Err(OpenError::damaged(&segment_name(expected), 0, Damage::Missing));
        }
        Ok(())
    }

    /// Holds the log's end against the mark and settles what is cut.
    fn check_mark(&mut self) -> Result<(), OpenError> {
        let Some(Last { header, extent: Extent { offset, end, .. }, .. }) = self.last else { return Ok(()) };
        let name = segment_name(header.number);
        if self.chain.sequence < self.mark.sequence {
            let reason = Damage::BelowMark { sequence: self.chain.sequence + 1, mark: self.mark.sequence };
            return Err(OpenError::damaged(&name, offset, reason));
        }
        if let End::Open { torn: bytes @ 1.. } = end {
            self.report.cut = Some(Cut { file: name, offset, bytes });
        }
        Ok(())
    }
}

/// Zeroes a torn tail, so that nothing of it is left when new records are written over it, and makes the last commit durable.
///
/// What was read of that commit may be in memory only. A sync alone might not change that: after one that failed the system
/// may hold as clean what it never wrote. So its bytes are written again, and the header too if nothing before the commit
/// shows that it had been synced.
fn make_good<F: DiskFile>(last: &Last<F>) -> Result<(), Fault> {
    let name = segment_name(last.header.number);
    let Extent { last_commit, offset, end } = last.extent;
    if let End::Open { torn } = end {
        write_zeros(&last.file, offset, torn).map_err(|error| Fault::new("write", &name, error))?;
    }
    let mut at = if last_commit == SEGMENT_HEADER_BYTES as u64 { 0 } else { last_commit };
    let mut buffer = vec![0; REWRITE_BYTES];
    while at < offset {
        let wanted = usize::try_from(offset - at).unwrap_or(usize::MAX).min(REWRITE_BYTES);
        let count =
            read_full_at(&last.file, &mut buffer[..wanted], at).map_err(|error| Fault::new("read", &name, error))?;
        if count < wanted {
            return Err(Fault::new("read", &name, io::ErrorKind::UnexpectedEof.into()));
        }
        write_all_at(&last.file, &buffer[..count], at).map_err(|error| Fault::new("write", &name, error))?;
        at += count as u64;
    }
    last.file.sync_data().map_err(|error| Fault::new("sync", &name, error))
}

/// Takes away what was in the making when the last process ended.
fn remove_unfinished<D: Disk>(disk: &D, names: &mut Vec<String>) -> Result<(), Fault> {
    for name in names.extract_if(.., |name| name.ends_with(UNFINISHED)) {
        disk.remove(&name).map_err(|error| Fault::new("remove", &name, error))?;
    }
    Ok(())
}

pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let number: u64 = name.strip_prefix("segment-")?.parse().ok()?;
    (segment_name(number) == name).then_some(number)
}

fn into_fault(error: CommitError) -> OpenError {
    let (CommitError::Full(fault) | CommitError::Failed(fault)) = error;
    OpenError::Disk(fault)
}
