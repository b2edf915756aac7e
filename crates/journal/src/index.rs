//! Where records lie: a sparse index of each segment, complete or still to be read, and the durable end.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use crate::chores::segment_name;
use crate::disk::DiskFile;
use crate::error::ReadError;
use crate::format::{Hash, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::scan::Window;
use crate::sync::Mutex;

/// Every so many records of a segment one offset is kept: 1/16 byte a record, and a read walks over 63 headers at most.
const STRIDE: u64 = 64;

/// The segments that are kept, and the end of what is durable.
#[derive(Debug, Default)]
pub(crate) struct Index {
    segments: VecDeque<SegmentIndex>,
    end: End,
}

/// The end of what is durable.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct End {
    /// The last durable record; 0 before the first.
    pub(crate) sequence: u64,
    /// Where the log ends in the last segment.
    pub(crate) offset: u64,
    /// The last durable record's hash; zeros before the first.
    pub(crate) hash: Hash,
}

/// A segment's header and what is known of its records.
#[derive(Debug)]
struct SegmentIndex {
    header: SegmentHeader,
    seed: u32,
    /// Its first records, if a start did not read them.
    unread: Option<Arc<Unread>>,
    /// The record that `offsets` begin with; every [`STRIDE`]th follows.
    base: u64,
    /// A segment is at most 1 GiB long.
    offsets: Vec<u32>,
}

/// A segment as its readers need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentView {
    pub(crate) header: SegmentHeader,
    pub(crate) seed: u32,
    /// The last record in it; none in the segment in use.
    pub(crate) last_sequence: Option<u64>,
    /// As far as it may be read.
    pub(crate) limit: u64,
}

/// Where to begin the walk to a record.
#[derive(Debug)]
pub(crate) enum Place {
    /// The record `sequence`, at or before the one sought, lies at `offset`.
    Known { segment: SegmentView, sequence: u64, offset: u64 },
    /// In a part that is still to be read.
    Unread { segment: SegmentView, part: Arc<Unread> },
}

impl Index {
    /// Begins a segment behind the last one, of which every record will be [pushed](Self::push).
    pub(crate) fn begin_segment(&mut self, header: &SegmentHeader) {
        self.begin(header, header.first_sequence, None);
    }

    /// Begins a segment whose records below `base` were not read. `link` is the hash of what follows them: record `base`, or
    /// the segment's seal.
    pub(crate) fn begin_unread(&mut self, header: &SegmentHeader, base: u64, link: Hash) {
        let part = Unread { header: *header, end: base, link, offsets: Mutex::new(None) };
        self.begin(header, base, Some(Arc::new(part)));
    }

    fn begin(&mut self, header: &SegmentHeader, base: u64, unread: Option<Arc<Unread>>) {
        let seed = header.seed();
        self.segments.push_back(SegmentIndex { header: *header, seed, unread, base, offsets: Vec::new() });
        self.end.offset = SEGMENT_HEADER_BYTES as u64;
    }

    /// Adds the record after the last one, which lies in the segment begun last.
    pub(crate) fn push(&mut self, sequence: u64, offset: u64) {
        if let Some(segment) = self.segments.back_mut()
            && sequence.saturating_sub(segment.base).is_multiple_of(STRIDE)
        {
            segment.offsets.push(u32::try_from(offset).unwrap_or(u32::MAX));
        }
    }

    /// Makes everything up to `end` readable.
    pub(crate) fn set_end(&mut self, end: End) {
        self.end = end;
    }

    pub(crate) fn end(&self) -> End {
        self.end
    }

    /// The first record that is kept, stored or to come.
    pub(crate) fn first_sequence(&self) -> u64 {
        self.segments.front().map_or(1, |segment| segment.header.first_sequence)
    }

    /// The segment in use.
    pub(crate) fn last_segment(&self) -> u64 {
        self.segments.back().map_or(0, |segment| segment.header.number)
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = SegmentView> {
        (0..self.segments.len()).filter_map(|at| self.view(at))
    }

    /// The segment that a stored record is in.
    pub(crate) fn segment_of(&self, sequence: u64) -> Option<SegmentView> {
        if sequence > self.end.sequence {
            return None;
        }
        let after = self.segments.partition_point(|segment| segment.header.first_sequence <= sequence);
        self.view(after.checked_sub(1)?)
    }

    pub(crate) fn place(&self, sequence: u64) -> Option<Place> {
        let segment = self.segment_of(sequence)?;
        let at = segment.header.number.checked_sub(self.segments.front()?.header.number)?;
        let known = self.segments.get(usize::try_from(at).ok()?)?;
        match &known.unread {
            Some(part) if sequence < known.base => Some(Place::Unread { segment, part: Arc::clone(part) }),
            _ => {
                let (sequence, offset) = nearest(&known.offsets, known.base, sequence)?;
                Some(Place::Known { segment, sequence, offset })
            }
        }
    }

    /// Forgets the segments below `number`; the last one stays.
    pub(crate) fn forget_below(&mut self, number: u64) {
        while self.segments.len() > 1 && self.segments.front().is_some_and(|first| first.header.number < number) {
            self.segments.pop_front();
        }
    }

    fn view(&self, at: usize) -> Option<SegmentView> {
        let segment = self.segments.get(at)?;
        let next = self.segments.get(at + 1);
        Some(SegmentView {
            header: segment.header,
            seed: segment.seed,
            last_sequence: next.map(|next| next.header.first_sequence.saturating_sub(1)),
            limit: if next.is_some() { segment.header.capacity } else { self.end.offset },
        })
    }
}

/// The indexed record at or before `sequence`, and its offset.
fn nearest(offsets: &[u32], base: u64, sequence: u64) -> Option<(u64, u64)> {
    let step = sequence.checked_sub(base)? / STRIDE;
    let offset = *offsets.get(usize::try_from(step).ok()?)?;
    Some((base + step * STRIDE, u64::from(offset)))
}

/// Records that a start did not read, because a checkpoint lies behind them. Whoever wants the first of them reads and checks
/// all of them once.
#[derive(Debug)]
pub(crate) struct Unread {
    header: SegmentHeader,
    /// The first record behind them.
    end: u64,
    /// The hash of what follows them, which is known to be right: the record a start began with, or the segment's seal.
    link: Hash,
    offsets: Mutex<Option<Vec<u32>>>,
}

impl Unread {
    /// The indexed record at or before `sequence`, and its offset.
    pub(crate) fn nearest<F: DiskFile>(&self, file: &F, sequence: u64) -> Result<(u64, u64), ReadError> {
        let mut offsets = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match &mut *offsets {
            Some(known) => known,
            none => none.insert(self.read(file)?),
        };
        nearest(known, self.header.first_sequence, sequence).ok_or(ReadError::Absent(sequence))
    }

    /// Reads all of them, checksums and chain checked: a wrong one must not hide behind an index.
    fn read<F: DiskFile>(&self, file: &F) -> Result<Vec<u32>, ReadError> {
        let name = segment_name(self.header.number);
        let seed = self.header.seed();
        let mut window = Window::new(file, &name, self.header.capacity);
        let mut offset = SEGMENT_HEADER_BYTES as u64;
        let mut hash = self.header.before;
        let mut offsets = Vec::new();
        let damaged = |sequence, offset| ReadError::Damaged { sequence, file: name.clone(), offset };
        for sequence in self.header.first_sequence..self.end {
            let record = window.record(offset, seed)?;
            let record = record.filter(|record| record.sequence == sequence && record.previous == hash);
            let record = record.ok_or_else(|| damaged(sequence, offset))?;
            if (sequence - self.header.first_sequence).is_multiple_of(STRIDE) {
                offsets.push(u32::try_from(offset).unwrap_or(u32::MAX));
            }
            hash = record.hash;
            offset += record.bytes.len() as u64;
        }
        // What follows is the seal, or the record that a start began with.
        let follows = window.record(offset, seed)?;
        if follows.is_none_or(|next| next.previous != hash || next.hash != self.link) {
            return Err(damaged(self.end, offset));
        }
        Ok(offsets)
    }
}
