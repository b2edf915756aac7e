//! Reads one segment from its header to its end and says how it ends: sealed, clean, torn, or damaged.

use std::io;

use crate::disk::{DiskFile, read_full_at};
use crate::error::{Damage, Fault, OpenError};
use crate::format::{
    Hash, KIND_OWN, KIND_SEAL, Prefix, RECORD_HEADER_BYTES, SEAL_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, Stored,
    check_record, is_zero, read_seal,
};

/// Read at once while scanning; a longer record makes the window as long as itself.
const WINDOW_BYTES: usize = 256 << 10;

/// The last link that was read: what the next record must follow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain {
    /// The last record's number; 0 before the first.
    pub(crate) sequence: u64,
    /// Its hash; zeros before the first.
    pub(crate) record_hash: Hash,
    /// What the next record must name: the last record's hash, or the last seal's.
    pub(crate) hash: Hash,
}

/// How a segment ends, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// In a seal that agrees with it.
    Sealed,
    /// In zeros (`torn` 0), or in `torn` bytes of an unfinished commit and zeros.
    Open { torn: u64 },
}

/// What a segment was found to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Where the last commit in it begins. Everything before had been synced when that was written; it may not have been.
    pub(crate) last_commit: u64,
    /// Where the log ends in it, its seal included.
    pub(crate) offset: u64,
    pub(crate) end: End,
}

/// Reads every record of a segment, moving `chain` on, and hands those of the caller's kinds to `visit` with their offsets.
pub(crate) fn scan_segment<F: DiskFile>(
    file: &F,
    name: &str,
    header: &SegmentHeader,
    chain: &mut Chain,
    mut visit: impl FnMut(&Stored<'_>, u64, &Hash) -> Result<(), Damage>,
) -> Result<Extent, OpenError> {
    let damaged = |offset, reason| OpenError::damaged(name, offset, reason);
    let mut window = Window::new(file, name, header.capacity);
    let seed = header.seed();
    let mut offset = SEGMENT_HEADER_BYTES as u64;
    let mut last_commit = offset;
    let mut position = 0;
    loop {
        let next = chain.sequence + 1;
        let Some(record) = window.record(offset, seed)? else {
            let torn = look_ahead(&mut window, offset, seed, chain.sequence)?;
            return Ok(Extent { last_commit, offset, end: End::Open { torn } });
        };
        // A checksum that is right shows that the record was written so. No crash moves it or changes the one before it:
        // from here on whatever is wrong is damage, even in the last commit.
        if record.sequence != next {
            return Err(damaged(offset, Damage::Sequence { expected: next, found: record.sequence }));
        }
        if record.previous != chain.hash {
            return Err(damaged(offset, Damage::Chain { sequence: next }));
        }
        match record.position {
            0 => last_commit = offset,
            found if found == position => {}
            _ => return Err(damaged(offset, Damage::Commit { sequence: next })),
        }
        position = record.position.saturating_add(1);
        let end = offset + record.bytes.len() as u64;
        match record.kind {
            KIND_SEAL => {
                if read_seal(record.payload) != Some((next - header.first_sequence, header.first_sequence)) {
                    return Err(damaged(offset, Damage::Seal));
                }
                chain.hash = record.hash();
                if let Some(behind) = window.first_data(end)? {
                    return Err(damaged(behind, Damage::BehindSeal));
                }
                return Ok(Extent { last_commit, offset: end, end: End::Sealed });
            }
            // A kind of ours that this version does not write, or a record where the seal's place is kept.
            KIND_OWN.. => return Err(damaged(offset, Damage::Seal)),
            _ if end + SEAL_BYTES as u64 > header.capacity => return Err(damaged(offset, Damage::Seal)),
            _ => {
                let hash = record.hash();
                visit(&record, offset, &hash).map_err(|reason| damaged(offset, reason))?;
                *chain = Chain { sequence: next, record_hash: hash, hash };
                offset = end;
            }
        }
    }
}

/// Whether the file is zero from `offset` on.
pub(crate) fn is_zero_from<F: DiskFile>(file: &F, name: &str, offset: u64, capacity: u64) -> Result<bool, Fault> {
    Ok(Window::new(file, name, capacity).first_data(offset)?.is_none())
}

/// The log stops at `offset`, after record `last`. Says how many bytes of an unfinished commit follow, which may be cut; or
/// that what follows shows that the log went on.
///
/// A commit is written only after the one before it was synced, and each record says where its commit began. So a whole
/// record of a commit that began behind `last + 1` shows that the record missing here had been stored. A whole record of
/// the very next commit shows nothing: a crash keeps any part of an unsynced write.
fn look_ahead<F: DiskFile>(window: &mut Window<'_, F>, offset: u64, seed: u32, last: u64) -> Result<u64, OpenError> {
    let capacity = window.capacity;
    let mut data_end = offset;
    let mut at = offset;
    while at < capacity {
        let here = window.some(at)?;
        let length = here.len() as u64;
        if is_zero(here) {
            at += length;
            continue;
        }
        if let Some(last_byte) = here.iter().rposition(|byte| *byte != 0) {
            data_end = at + last_byte as u64 + 1;
        }
        // The block may end in the middle of a header: `record_if` reads on as it must.
        for candidate in (at..at + length).step_by(8) {
            let later = |prefix: &Prefix| {
                prefix.commit_start().is_some_and(|start| start > last + 1) && prefix.sequence - last <= capacity
            };
            if window.record_if(candidate, seed, later)?.is_some() {
                let reason = Damage::BeforeGood { sequence: last + 1, later: candidate };
                return Err(OpenError::damaged(window.name, offset, reason));
            }
        }
        at += length;
    }
    Ok(data_end - offset)
}

/// A bounded view of a file that moves forward.
struct Window<'a, F> {
    file: &'a F,
    name: &'a str,
    capacity: u64,
    bytes: Vec<u8>,
    start: u64,
}

impl<'a, F: DiskFile> Window<'a, F> {
    fn new(file: &'a F, name: &'a str, capacity: u64) -> Self {
        Self { file, name, capacity, bytes: Vec::new(), start: 0 }
    }

    /// The whole record at `offset`, if there is one.
    fn record(&mut self, offset: u64, seed: u32) -> Result<Option<Stored<'_>>, Fault> {
        self.record_if(offset, seed, |_| true)
    }

    /// The whole record at `offset`, if there is one and the beginning of its header is wanted.
    fn record_if(
        &mut self,
        offset: u64,
        seed: u32,
        wanted: impl Fn(&Prefix) -> bool,
    ) -> Result<Option<Stored<'_>>, Fault> {
        let room = usize::try_from(self.capacity.saturating_sub(offset)).unwrap_or(usize::MAX);
        if room < RECORD_HEADER_BYTES {
            return Ok(None);
        }
        let prefix = Prefix::decode(self.get(offset, RECORD_HEADER_BYTES)?);
        match prefix.stored_bytes() {
            Some(stored) if prefix.sequence != 0 && stored <= room && wanted(&prefix) => {
                Ok(check_record(self.get(offset, stored)?, seed))
            }
            _ => Ok(None),
        }
    }

    /// The offset of the first byte from `offset` on that is not zero.
    fn first_data(&mut self, mut offset: u64) -> Result<Option<u64>, Fault> {
        while offset < self.capacity {
            let here = self.some(offset)?;
            if !is_zero(here) {
                let at = here.iter().position(|byte| *byte != 0).unwrap_or_default();
                return Ok(Some(offset + at as u64));
            }
            offset += here.len() as u64;
        }
        Ok(None)
    }

    /// A block of at least one byte from `offset`, which is below the capacity, ending on a multiple of 8.
    fn some(&mut self, offset: u64) -> Result<&[u8], Fault> {
        let left = usize::try_from(self.capacity - offset).unwrap_or(usize::MAX);
        self.get(offset, left.min(WINDOW_BYTES / 4))
    }

    /// Exactly `length` bytes from `offset`, inside the capacity.
    fn get(&mut self, offset: u64, length: usize) -> Result<&[u8], Fault> {
        let fault = |error| Fault::new("read", self.name, error);
        let held = self.start..self.start + self.bytes.len() as u64;
        if !held.contains(&offset) || offset + length as u64 > held.end {
            let left = usize::try_from(self.capacity.saturating_sub(offset)).unwrap_or(usize::MAX);
            let wanted = length.max(WINDOW_BYTES).min(left);
            // What is held is read again when a record lies across its end: simpler, and at most a record in a window.
            self.bytes.resize(wanted, 0);
            self.start = offset;
            let count = read_full_at(self.file, &mut self.bytes, offset).map_err(fault)?;
            self.bytes.truncate(count);
            if count < length {
                self.bytes.clear();
                return Err(fault(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        let from = usize::try_from(offset - self.start).unwrap_or_default();
        Ok(&self.bytes[from..from + length])
    }
}
