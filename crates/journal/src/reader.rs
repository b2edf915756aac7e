//! Random access to stored records from any thread, by a sparse index.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;

use crate::chores::segment_name;
use crate::disk::{Disk, RealDisk, read_full_at};
use crate::error::{Fault, ReadError};
use crate::format::{Prefix, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, check_record};

/// Every so many records of a segment one offset is kept: 1/16 byte a record, and a read walks over 63 headers at most.
const STRIDE: u64 = 64;
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

/// Reads stored records by number. Cheap to clone; any thread may use it, beside the writer and beside other readers.
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

    /// Reads one durable record and checks it; a few reads of the disk at most, of the page cache as a rule.
    ///
    /// # Errors
    /// [`ReadError::Absent`] if the record is not durable yet, [`ReadError::Damaged`] if what is at its place is not it,
    /// [`ReadError::Disk`] as the system says.
    pub fn read(&self, sequence: u64) -> Result<Record, ReadError> {
        let place = self.shelf.place(sequence).ok_or(ReadError::Absent(sequence))?;
        let name = segment_name(place.segment);
        let file = self.shelf.file(place.segment, &name)?;
        let fault = |error| Fault::new("read", &name, error);
        let mut offset = place.offset;
        let damaged = |offset| ReadError::Damaged { sequence, file: name.clone(), offset };

        let mut block = vec![0; BLOCK_BYTES];
        let mut block_start = offset;
        let mut held = read_full_at(&*file, &mut block, offset).map_err(fault)?;
        for expected in place.sequence..=sequence {
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
            let mut whole = vec![0; stored];
            match block[..held].get(from..from + stored) {
                Some(bytes) => whole.copy_from_slice(bytes),
                None => {
                    let count = read_full_at(&*file, &mut whole, offset).map_err(fault)?;
                    whole.truncate(count);
                }
            }
            let record = check_record(&whole, place.seed).ok_or_else(|| damaged(offset))?;
            let (kind, length) = (record.kind, record.payload.len());
            let payload = Bytes::from(whole).slice(RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + length);
            return Ok(Record { kind, payload });
        }
        Err(ReadError::Absent(sequence))
    }

    /// The last record that can be read.
    pub fn stored_through(&self) -> u64 {
        self.shelf.index.read().unwrap_or_else(PoisonError::into_inner).stored_through
    }
}

/// What the journal and its readers share.
#[derive(Debug)]
pub(crate) struct Shelf<D: Disk> {
    disk: Arc<D>,
    index: RwLock<Index>,
    files: Mutex<VecDeque<(u64, Arc<D::File>)>>,
}

/// Where to begin the walk to a record.
struct Place {
    segment: u64,
    seed: u32,
    /// The record at `offset`, at or before the one sought.
    sequence: u64,
    offset: u64,
}

impl<D: Disk> Shelf<D> {
    pub(crate) fn new(disk: Arc<D>, index: Index) -> Self {
        Self { disk, index: RwLock::new(index), files: Mutex::new(VecDeque::new()) }
    }

    /// Changes the index; readers wait meanwhile, so it is done once a commit.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Index)) {
        change(&mut self.index.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn place(&self, sequence: u64) -> Option<Place> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).place(sequence)
    }

    /// The open file of a segment; the ones used last are kept.
    fn file(&self, number: u64, name: &str) -> Result<Arc<D::File>, Fault> {
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
}

/// The sparse index: of each segment, where every 64th record lies.
#[derive(Debug, Default)]
pub(crate) struct Index {
    segments: Vec<SegmentIndex>,
    stored_through: u64,
}

#[derive(Debug)]
struct SegmentIndex {
    number: u64,
    seed: u32,
    first_sequence: u64,
    /// A segment is at most 1 GiB long.
    offsets: Vec<u32>,
}

impl Index {
    pub(crate) fn begin_segment(&mut self, header: &SegmentHeader) {
        self.segments.push(SegmentIndex {
            number: header.number,
            seed: header.seed(),
            first_sequence: header.first_sequence,
            offsets: Vec::new(),
        });
    }

    /// Adds the record after the last one, which lies in the segment begun last.
    pub(crate) fn push(&mut self, sequence: u64, offset: u64) {
        if let Some(segment) = self.segments.last_mut()
            && (sequence - segment.first_sequence).is_multiple_of(STRIDE)
        {
            segment.offsets.push(u32::try_from(offset).unwrap_or(u32::MAX));
        }
        self.stored_through = sequence;
    }

    fn place(&self, sequence: u64) -> Option<Place> {
        if sequence > self.stored_through {
            return None;
        }
        let after = self.segments.partition_point(|segment| segment.first_sequence <= sequence);
        let segment = self.segments.get(after.checked_sub(1)?)?;
        let step = (sequence - segment.first_sequence) / STRIDE;
        let offset = *segment.offsets.get(usize::try_from(step).ok()?)?;
        debug_assert!(offset as usize >= SEGMENT_HEADER_BYTES);
        Some(Place {
            segment: segment.number,
            seed: segment.seed,
            sequence: segment.first_sequence + step * STRIDE,
            offset: u64::from(offset),
        })
    }
}
