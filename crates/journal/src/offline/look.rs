//! A journal that is only looked at: record by record, beside the switch that writes it or while none does.
//!
//! It takes no lock and changes nothing. What it sees of a live journal is what was written, which may be a moment ahead of what
//! is durable: good for a reader, not for one who promises something.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::files::{Directory, Source};
use super::pace::{Pace, Progress};
use super::walk::{read_marks, segment_numbers};
use crate::chores::segment_name;
use crate::error::{Fault, ReadError};
use crate::format::{
    HeaderError, JournalId, KIND_OWN, KIND_SEAL, Prefix, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader,
    Stored,
};
use crate::reader::Record;
use crate::replay::Entry;
use crate::view::read_header;

/// Every so many records of a segment one offset is kept, once somebody reads in it.
const STRIDE: u64 = 64;
/// Segments whose offsets are kept.
const INDEXED_MAX: usize = 64;

/// A journal as it was when it was looked at.
#[derive(Debug)]
pub struct Look {
    directory: Directory,
    journal: JournalId,
    segments: Vec<SegmentHeader>,
    end: u64,
    indexed: Mutex<BTreeMap<u64, Arc<Vec<u64>>>>,
}

impl Look {
    /// Looks at the journal in a directory.
    ///
    /// # Errors
    /// [`ReadError::Disk`] if there is none or it cannot be read, [`ReadError::Damaged`] if a header is not what it should be.
    pub fn open(directory: &Path) -> Result<Self, ReadError> {
        let name = directory.display().to_string();
        let directory = Directory(directory.to_owned());
        let marks = read_marks(&directory, &mut Ignore)?;
        let newest = marks.iter().max_by_key(|mark| mark.generation);
        let none = || Fault::new("find a journal in", &name, std::io::ErrorKind::NotFound.into());
        let newest = newest.ok_or_else(none)?;
        let mut segments: Vec<SegmentHeader> = Vec::new();
        for number in segment_numbers(&directory)? {
            if number < newest.first_segment {
                continue;
            }
            let file_name = segment_name(number);
            let fault = |error| Fault::new("read", &file_name, error);
            let header = directory.open(&file_name).and_then(|file| read_header(&file)).map_err(fault)?;
            let follows = segments.last().is_none_or(|last| last.number + 1 == number);
            match header {
                Ok(header) if header.id == newest.id && header.number == number && follows => segments.push(header),
                // Prepared, not in use.
                Err(HeaderError::Zero) => break,
                _ => {
                    let sequence = segments.last().map_or(1, |last| last.first_sequence);
                    return Err(ReadError::Damaged { sequence, file: file_name, offset: 0 });
                }
            }
        }
        let mut look = Self { directory, journal: JournalId(newest.id), segments, end: 0, indexed: Mutex::default() };
        look.end = look.find_end()?;
        Ok(look)
    }

    /// Whose records these are.
    pub fn journal(&self) -> JournalId {
        self.journal
    }

    /// The first record that is kept, or that will be.
    pub fn first_sequence(&self) -> u64 {
        self.segments.first().map_or(1, |first| first.first_sequence)
    }

    /// The last whole record when it was looked; 0 before the first.
    pub fn stored_through(&self) -> u64 {
        self.end
    }

    /// One record.
    ///
    /// # Errors
    /// As [`Reader::read`](crate::Reader::read).
    pub fn read(&self, sequence: u64) -> Result<Record, ReadError> {
        let mut found = None;
        let mut visit = |entry: Entry<'_>| {
            found = Some(Record { kind: entry.kind, payload: Bytes::copy_from_slice(entry.payload) });
        };
        self.walk(sequence, sequence, &mut || true, &mut visit)?;
        found.ok_or(ReadError::Absent(sequence))
    }

    /// Hands the records from `from` on to `visit`, in order, until there are no more or `more`, asked before each one, says that
    /// it is enough. Every checksum is verified, and every link of the chain but the first.
    ///
    /// # Errors
    /// As [`Scan::next_records`](crate::Scan::next_records).
    pub fn scan(
        &self,
        from: u64,
        more: &mut dyn FnMut() -> bool,
        visit: &mut dyn FnMut(Entry<'_>),
    ) -> Result<(), ReadError> {
        if from > self.end { Ok(()) } else { self.walk(from, self.end, more, visit) }
    }

    fn walk(
        &self,
        from: u64,
        through: u64,
        more: &mut dyn FnMut() -> bool,
        visit: &mut dyn FnMut(Entry<'_>),
    ) -> Result<(), ReadError> {
        let at = self.segments.partition_point(|segment| segment.first_sequence <= from).checked_sub(1);
        let at = at.filter(|_| from > 0 && from <= self.end).ok_or(ReadError::Absent(from))?;
        let (mut sequence, mut link) = (from, None);
        for segment in self.segments.get(at..).unwrap_or_default() {
            let (name, seed) = (segment_name(segment.number), segment.seed());
            let fault = |error| Fault::new("read", &name, error);
            let file = self.directory.open(&name).map_err(fault)?;
            let mut quiet = quiet;
            let pace = Pace::new(None, &mut quiet);
            let mut view = pace.view(&file, segment.capacity);
            let mut offset = SEGMENT_HEADER_BYTES as u64;
            if segment.first_sequence == sequence {
                link = Some(segment.before);
            } else {
                let offsets = self.offsets(segment)?;
                let stride = usize::try_from((sequence - segment.first_sequence) / STRIDE).unwrap_or(usize::MAX);
                offset = offsets.get(stride).copied().unwrap_or(offset);
                for _ in 0..(sequence - segment.first_sequence) % STRIDE {
                    let stored = Prefix::decode(view.get(offset, RECORD_HEADER_BYTES).map_err(fault)?).stored_bytes();
                    offset += stored.unwrap_or(RECORD_HEADER_BYTES) as u64;
                }
            }
            loop {
                if sequence > through || !more() {
                    return Ok(());
                }
                let damaged = || ReadError::Damaged { sequence, file: name.clone(), offset };
                let record = view.record(offset, seed).map_err(fault)?.ok_or_else(damaged)?;
                if record.sequence != sequence || link.is_some_and(|link| link != record.previous) {
                    return Err(damaged());
                }
                link = Some(record.hash);
                match record.kind {
                    KIND_SEAL => break,
                    KIND_OWN.. => return Err(damaged()),
                    kind => visit(Entry { sequence, kind, payload: record.payload }),
                }
                offset += record.bytes.len() as u64;
                sequence += 1;
            }
        }
        Ok(())
    }

    /// Where every 64th record of a segment lies. Lengths are trusted here: a wrong one is found out by whoever reads there.
    fn offsets(&self, segment: &SegmentHeader) -> Result<Arc<Vec<u64>>, ReadError> {
        let mut indexed = self.indexed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(offsets) = indexed.get(&segment.number) {
            return Ok(Arc::clone(offsets));
        }
        let name = segment_name(segment.number);
        let fault = |error| Fault::new("read", &name, error);
        let file = self.directory.open(&name).map_err(fault)?;
        let mut quiet = quiet;
        let pace = Pace::new(None, &mut quiet);
        let mut view = pace.view(&file, segment.capacity);
        let (mut offset, mut sequence, mut offsets) = (SEGMENT_HEADER_BYTES as u64, segment.first_sequence, Vec::new());
        while offset + RECORD_HEADER_BYTES as u64 <= segment.capacity && sequence <= self.end {
            let prefix = Prefix::decode(view.get(offset, RECORD_HEADER_BYTES).map_err(fault)?);
            let Some(stored) = prefix.stored_bytes().filter(|_| prefix.sequence == sequence) else { break };
            if (sequence - segment.first_sequence).is_multiple_of(STRIDE) {
                offsets.push(offset);
            }
            offset += stored as u64;
            sequence += 1;
        }
        let offsets = Arc::new(offsets);
        while indexed.len() >= INDEXED_MAX {
            indexed.pop_first();
        }
        indexed.insert(segment.number, Arc::clone(&offsets));
        Ok(offsets)
    }

    /// The last whole record of the last segment.
    fn find_end(&self) -> Result<u64, ReadError> {
        let Some(segment) = self.segments.last() else { return Ok(0) };
        let (name, seed) = (segment_name(segment.number), segment.seed());
        let fault = |error| Fault::new("read", &name, error);
        let file = self.directory.open(&name).map_err(fault)?;
        let mut quiet = quiet;
        let pace = Pace::new(None, &mut quiet);
        let mut view = pace.view(&file, segment.capacity);
        let (mut offset, mut next) = (SEGMENT_HEADER_BYTES as u64, segment.first_sequence);
        let whole = |record: &Stored<'_>, next| record.sequence == next && record.kind < KIND_OWN;
        while let Some(record) = view.record(offset, seed).map_err(fault)?.filter(|record| whole(record, next)) {
            offset += record.bytes.len() as u64;
            next += 1;
        }
        Ok(next - 1)
    }
}

/// Nobody is told how far it is.
fn quiet(_: Progress) {}

/// What is odd about a mark is for those who verify.
struct Ignore;

impl super::walk::Visit for Ignore {
    fn finding(&mut self, _finding: super::finding::Finding) {}
}

#[cfg(all(test, not(feature = "schedules")))]
mod tests {
    use super::*;
    use crate::disk::RealDisk;
    use crate::journal::{Config, Journal};
    use crate::replay::each;

    fn payload(sequence: u64) -> Vec<u8> {
        vec![u8::try_from(sequence % 251).unwrap(); usize::try_from(sequence * 7 % 300).unwrap()]
    }

    #[test]
    fn a_journal_in_use_reads_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config { segment_bytes: 16 << 10, ..Config::default() };
        let (mut journal, _) =
            Journal::open(RealDisk::open(directory.path()).unwrap(), config, &mut each(|_| {})).unwrap();
        let look = Look::open(directory.path()).unwrap();
        assert_eq!((look.first_sequence(), look.stored_through()), (1, 0));
        for sequence in 1..=700 {
            assert_eq!(journal.append(3, &payload(sequence)).unwrap(), sequence);
            if sequence.is_multiple_of(7) {
                journal.commit().unwrap();
            }
        }
        assert!(journal.reader().segments().len() > 5);
        let look = Look::open(directory.path()).unwrap();
        assert_eq!(look.journal(), journal.reader().head().journal);
        assert_eq!((look.first_sequence(), look.stored_through()), (1, 700));
        for from in [1, 2, 63, 64, 65, 129, 400, 700] {
            let mut next = from;
            look.scan(from, &mut || true, &mut |entry| {
                assert_eq!((entry.sequence, entry.kind, entry.payload), (next, 3, &payload(next)[..]));
                next += 1;
            })
            .unwrap();
            assert_eq!(next, 701);
            assert_eq!(look.read(from).unwrap().payload, payload(from));
        }
        assert!(matches!(look.read(0), Err(ReadError::Absent(0))));
        assert!(matches!(look.read(701), Err(ReadError::Absent(701))));
        let mut count = 0;
        look.scan(701, &mut || true, &mut |_| count += 1).unwrap();
        assert_eq!(count, 0);
    }

    #[test]
    fn a_torn_end_is_not_read_and_damage_before_it_is_named() {
        use std::os::unix::fs::FileExt as _;
        let directory = tempfile::tempdir().unwrap();
        let config = Config { segment_bytes: 16 << 10, ..Config::default() };
        let (mut journal, _) =
            Journal::open(RealDisk::open(directory.path()).unwrap(), config, &mut each(|_| {})).unwrap();
        for sequence in 1..=300 {
            journal.append(3, &payload(sequence)).unwrap();
            journal.commit().unwrap();
        }
        let last = journal.reader().segments().last().copied().unwrap();
        let open =
            |number| std::fs::OpenOptions::new().write(true).open(directory.path().join(segment_name(number))).unwrap();
        // The first payload byte of the first record of the last segment.
        let place = (SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES) as u64;
        open(last.number).write_all_at(&[0xff], place).unwrap();
        let look = Look::open(directory.path()).unwrap();
        assert_eq!(look.stored_through(), last.first_sequence - 1);
        open(1).write_all_at(&[0xff], place).unwrap();
        let error = look.scan(1, &mut || true, &mut |_| {}).unwrap_err();
        assert!(matches!(error, ReadError::Damaged { .. }), "{error:?}");
    }

    #[test]
    fn a_directory_without_a_journal_is_said() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(Look::open(directory.path()), Err(ReadError::Disk(_))));
        assert!(matches!(Look::open(&directory.path().join("none")), Err(ReadError::Disk(_))));
    }
}
