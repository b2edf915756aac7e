//! Stored records in order, as fast as the disk gives them.

use std::fmt;
use std::sync::Arc;

use crate::chores::segment_name;
use crate::disk::{Disk, RealDisk};
use crate::error::ReadError;
use crate::format::{Hash, KIND_OWN, KIND_SEAL, SEGMENT_HEADER_BYTES};
use crate::index::SegmentView;
use crate::reader::{Located, Shelf};
use crate::replay::Entry;
use crate::scan::Window;

/// Reads on from one record: from [`Reader::scan`](crate::Reader::scan). It follows the log while that grows.
pub struct Scan<D: Disk = RealDisk> {
    shelf: Arc<Shelf<D>>,
    next: u64,
    /// What the next record must name as the hash before it; none before the first one that is read.
    link: Option<Hash>,
    /// The last record's hash.
    hash: Hash,
    place: Option<Place<D>>,
    /// What is kept of the file's bytes, and where it begins.
    held: (Vec<u8>, u64),
}

/// Where it stands.
struct Place<D: Disk> {
    segment: SegmentView,
    file: Arc<D::File>,
    name: String,
    offset: u64,
}

impl<D: Disk> fmt::Debug for Scan<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").field("next", &self.next).finish_non_exhaustive()
    }
}

impl<D: Disk> Scan<D> {
    pub(crate) fn new(shelf: Arc<Shelf<D>>, from: u64) -> Self {
        Self { shelf, next: from, link: None, hash: [0; 32], place: None, held: (Vec::new(), 0) }
    }

    /// The number of the record that comes next.
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// The hash of the record that came last; zeros before any.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Hands the next records to `visit`, until they take up `bytes_max` bytes of the log or no more are durable; at least one if there
    /// is one. Returns how many there were. After an error it stands where it stood, behind the last record that was
    /// handed over.
    ///
    /// # Errors
    /// [`ReadError::Absent`] if the next record is no longer kept, [`ReadError::Damaged`] if a record does not match its
    /// checksum or does not follow from the one before, [`ReadError::Disk`] as the system says.
    pub fn next_records(&mut self, bytes_max: usize, visit: &mut dyn FnMut(Entry<'_>)) -> Result<u64, ReadError> {
        let (mut count, mut bytes) = (0, 0);
        while bytes < bytes_max || count == 0 {
            let end = self.shelf.with_index(|index| index.end().sequence);
            if self.next > end || self.next == 0 {
                break;
            }
            let segment = self.shelf.with_index(|index| index.segment_of(self.next));
            let segment = segment.ok_or(ReadError::Absent(self.next))?;
            self.enter(segment)?;
            let last = segment.last_sequence.unwrap_or(end).min(end);
            while self.next <= last && (bytes < bytes_max || count == 0) {
                bytes += self.visit_next(segment.limit, visit)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Reads the next record, which is in the segment entered.
    fn visit_next(&mut self, limit: u64, visit: &mut dyn FnMut(Entry<'_>)) -> Result<usize, ReadError> {
        let Some(place) = &mut self.place else { return Err(ReadError::Absent(self.next)) };
        let sequence = self.next;
        let mut window = Window::resume(&*place.file, &place.name, limit, std::mem::take(&mut self.held));
        let result = match window.record(place.offset, place.segment.seed) {
            Ok(Some(record))
                if record.sequence == sequence
                    && record.kind < KIND_OWN
                    && self.link.is_none_or(|link| link == record.previous) =>
            {
                visit(Entry { sequence, kind: record.kind, payload: record.payload });
                self.hash = record.hash;
                Ok(record.bytes.len())
            }
            Ok(_) => Err(ReadError::Damaged { sequence, file: place.name.clone(), offset: place.offset }),
            Err(fault) => Err(fault.into()),
        };
        self.held = window.into_held();
        let bytes = result?;
        place.offset += bytes as u64;
        self.link = Some(self.hash);
        self.next += 1;
        Ok(bytes)
    }

    /// Goes to the segment that has the next record.
    fn enter(&mut self, segment: SegmentView) -> Result<(), ReadError> {
        if self.place.as_ref().is_some_and(|place| place.segment.header.number == segment.header.number) {
            return Ok(());
        }
        let begins = segment.header.first_sequence == self.next;
        if let (Some(place), true) = (&self.place, begins) {
            self.check_seal(place, segment.header.before)?;
        }
        let name = segment_name(segment.header.number);
        let file = self.shelf.file(segment.header.number, &name).map_err(|fault| {
            let pruned = self.next < self.shelf.with_index(|index| index.first_sequence());
            if pruned { ReadError::Absent(self.next) } else { fault.into() }
        })?;
        let offset = if begins {
            self.link = Some(segment.header.before);
            SEGMENT_HEADER_BYTES as u64
        } else {
            let Located { offset, .. } = self.shelf.locate(self.next)?;
            offset
        };
        self.held = (Vec::new(), 0);
        self.place = Some(Place { segment, file, name, offset });
        Ok(())
    }

    /// The segment before must end, right where its last record does, in the seal that the next header names.
    fn check_seal(&self, place: &Place<D>, before: Hash) -> Result<(), ReadError> {
        let mut window = Window::new(&*place.file, &place.name, place.segment.header.capacity);
        let seal = window.record(place.offset, place.segment.seed)?;
        let right = seal.is_some_and(|seal| {
            seal.kind == KIND_SEAL && self.link.is_none_or(|link| link == seal.previous) && seal.hash == before
        });
        let damaged = || ReadError::Damaged { sequence: self.next, file: place.name.clone(), offset: place.offset };
        right.then_some(()).ok_or_else(damaged)
    }
}
