//! Reads one segment from its header to its end and says how it ends: sealed, clean, torn, or damaged.

use std::io;

use crate::disk::{DiskFile, read_full_at};
use crate::error::{Damage, Fault, OpenError};
use crate::format::{
    Hash, KIND_OWN, KIND_SEAL, Prefix, SEAL_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, Stored, read_seal,
};
use crate::view::View;

/// Read at once while scanning.
const WINDOW_BYTES: usize = 256 << 10;
/// Read at once while a seal is looked for from the end: most lie less than a message away from it.
const SEAL_SEARCH_BYTES: usize = 4096;

/// The last link that was read: what the next record must follow.
#[derive(Debug, Clone, Copy, Default)]
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

/// Where the reading of a segment begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// A place at or behind which the last commit before `offset` begins that may not have been synced.
    pub(crate) last_commit: u64,
    pub(crate) offset: u64,
    /// What the next record's position is if it belongs to the same commit as the record before.
    pub(crate) position: u32,
}

impl Start {
    /// A segment's first record.
    pub(crate) fn of_segment() -> Self {
        Self { last_commit: SEGMENT_HEADER_BYTES as u64, offset: SEGMENT_HEADER_BYTES as u64, position: 0 }
    }
}

/// Reads every record of a segment from `start` on, moving `chain` on, and hands those of the caller's kinds to `visit` with
/// their offsets and hashes.
pub(crate) fn scan_segment<F: DiskFile>(
    file: &F,
    name: &str,
    header: &SegmentHeader,
    Start { mut last_commit, mut offset, mut position }: Start,
    chain: &mut Chain,
    mut visit: impl FnMut(&Stored<'_>, u64, &Hash) -> Result<(), Damage>,
) -> Result<Extent, OpenError> {
    let damaged = |offset, reason| OpenError::damaged(name, offset, reason);
    let mut window = Window::new(file, name, header.capacity);
    let seed = header.seed();
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
                chain.hash = record.hash;
                if let Some(behind) = window.first_data(end)? {
                    return Err(damaged(behind, Damage::BehindSeal));
                }
                return Ok(Extent { last_commit, offset: end, end: End::Sealed });
            }
            // A kind of ours that this version does not write, or a record where the seal's place is kept.
            KIND_OWN.. => return Err(damaged(offset, Damage::Seal)),
            _ if end + SEAL_BYTES as u64 > header.capacity => return Err(damaged(offset, Damage::Seal)),
            _ => {
                let hash = record.hash;
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

/// A segment's seal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal {
    pub(crate) offset: u64,
    /// The first record of the next segment.
    pub(crate) next_sequence: u64,
    pub(crate) hash: Hash,
}

/// The seal of a segment that another one follows, found from the end of the file. The records before it are not read.
pub(crate) fn find_seal<F: DiskFile>(file: &F, name: &str, header: &SegmentHeader) -> Result<Option<Seal>, Fault> {
    let mut bytes = vec![0; SEAL_SEARCH_BYTES];
    let mut end = header.capacity;
    // Behind the seal there are only zeros, and its last eight bytes are the number of a record, which is not 0.
    let last = loop {
        let start = end.saturating_sub(SEAL_SEARCH_BYTES as u64).max(SEGMENT_HEADER_BYTES as u64);
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or_default();
        if length == 0 {
            return Ok(None);
        }
        let here = &mut bytes[..length];
        let count = read_full_at(file, here, start).map_err(|error| Fault::new("read", name, error))?;
        if count < length {
            return Err(Fault::new("read", name, io::ErrorKind::UnexpectedEof.into()));
        }
        if let Some(last) = here.iter().rposition(|byte| *byte != 0) {
            break start + last as u64;
        }
        end = start;
    };
    let seal_end = (last + 1).next_multiple_of(8);
    let Some(offset) = seal_end.checked_sub(SEAL_BYTES as u64).filter(|offset| *offset >= SEGMENT_HEADER_BYTES as u64)
    else {
        return Ok(None);
    };
    let mut window = Window::new(file, name, header.capacity);
    let seal = window.record(offset, header.seed())?.filter(|seal| {
        let says = (seal.sequence.saturating_sub(header.first_sequence), header.first_sequence);
        seal.kind == KIND_SEAL && read_seal(seal.payload) == Some(says)
    });
    Ok(seal.map(|seal| Seal { offset, next_sequence: seal.sequence, hash: seal.hash }))
}

/// The log stops at `offset`, after record `last`. Says how many bytes of an unfinished commit follow, which may be cut; or
/// that what follows shows that the log went on.
///
/// A commit is written only after the one before it was synced, and each record says where its commit began. So a whole
/// record of a commit that began behind `last + 1` shows that the record missing here had been stored. A whole record of
/// the very next commit shows nothing: a crash keeps any part of an unsynced write.
fn look_ahead<F: DiskFile>(window: &mut Window<'_, F>, offset: u64, seed: u32, last: u64) -> Result<u64, OpenError> {
    let capacity = window.view.limit();
    let later = |prefix: &Prefix| {
        prefix.commit_start().is_some_and(|start| start > last + 1) && prefix.sequence - last <= capacity
    };
    match window.view.find(offset, seed, later).map_err(|error| window.fault(error))? {
        (Some(later), _) => {
            let reason = Damage::BeforeGood { sequence: last + 1, later };
            Err(OpenError::damaged(window.name, offset, reason))
        }
        (None, data_end) => Ok(data_end - offset),
    }
}

/// A [`View`] of a file that has a name.
pub(crate) struct Window<'a, F> {
    name: &'a str,
    view: View<'a, F>,
}

impl<'a, F: DiskFile> Window<'a, F> {
    /// A view of the file's first `limit` bytes.
    pub(crate) fn new(file: &'a F, name: &'a str, limit: u64) -> Self {
        Self { name, view: View::new(file, limit, WINDOW_BYTES) }
    }

    /// The same with what [`Self::into_held`] gave.
    pub(crate) fn resume(file: &'a F, name: &'a str, limit: u64, held: (Vec<u8>, u64)) -> Self {
        Self { name, view: View::new(file, limit, WINDOW_BYTES).holding(held) }
    }

    /// What it holds of the file, and where that begins.
    pub(crate) fn into_held(self) -> (Vec<u8>, u64) {
        self.view.into_held()
    }

    /// The whole record at `offset`, if there is one.
    pub(crate) fn record(&mut self, offset: u64, seed: u32) -> Result<Option<Stored<'_>>, Fault> {
        self.view.record(offset, seed).map_err(|error| Fault::new("read", self.name, error))
    }

    /// The offset of the first byte from `offset` on that is not zero.
    fn first_data(&mut self, offset: u64) -> Result<Option<u64>, Fault> {
        self.view.first_data(offset).map_err(|error| Fault::new("read", self.name, error))
    }

    fn fault(&self, error: io::Error) -> Fault {
        Fault::new("read", self.name, error)
    }
}
