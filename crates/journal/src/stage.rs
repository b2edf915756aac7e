//! The commit in the making: records are numbered, linked, checksummed and hashed as they are appended, while they are still in
//! the processor's cache.

use std::collections::VecDeque;
use std::mem;

use crate::format::{SEAL_BYTES, SegmentHeader, finish_record, seal_record, stage_record, stored_bytes};
use crate::scan::Chain;

/// The records that follow the last commit that was [taken](Self::take).
#[derive(Debug)]
pub(crate) struct Stage {
    header: SegmentHeader,
    seed: u32,
    /// Bytes that the segment has left for records; its seal's place is not among them.
    room: usize,
    /// Behind the last record of `open`.
    chain: Chain,
    open: Commit,
    /// Records that the segment has no room for: they wait for the next one.
    later: VecDeque<(u8, Vec<u8>)>,
    later_bytes: usize,
}

/// Records that are stored together, finished to the byte.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    pub(crate) bytes: Vec<u8>,
    /// Where each record ends in `bytes`; a seal is not counted.
    pub(crate) ends: Vec<usize>,
    /// The segment's seal is its last record.
    pub(crate) seals: bool,
    /// The log's chain once it is stored.
    pub(crate) chain: Chain,
}

impl Stage {
    /// Begins behind the last stored record: at `offset` in the segment in use.
    pub(crate) fn new(header: &SegmentHeader, offset: u64, chain: Chain) -> Self {
        let room = room(header, offset);
        let (header, seed) = (*header, header.seed());
        Self { header, seed, room, chain, open: Commit::default(), later: VecDeque::new(), later_bytes: 0 }
    }

    /// Adds a record, which must have been checked.
    pub(crate) fn append(&mut self, kind: u8, payload: &[u8]) {
        if self.fits(payload) {
            self.finish(kind, payload);
        } else {
            self.later_bytes += stored_bytes(payload.len());
            self.later.push_back((kind, payload.to_vec()));
        }
    }

    /// The number of the last record that was appended.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.chain.sequence + self.later.len() as u64
    }

    /// Bytes that are to be stored.
    pub(crate) fn bytes(&self) -> usize {
        self.open.bytes.len() + self.later_bytes
    }

    /// The commit as it stands, with the segment's seal if records wait for the next segment; none if there is nothing to
    /// store. `recycled` gives its memory to the next one.
    pub(crate) fn take(&mut self, recycled: &mut Commit) -> Option<Commit> {
        let seals = !self.later.is_empty();
        if self.open.ends.is_empty() && !seals {
            return None;
        }
        let mut commit = mem::replace(&mut self.open, mem::take(recycled));
        if seals {
            let Chain { sequence, hash, .. } = self.chain;
            let position = u32::try_from(commit.ends.len()).unwrap_or(u32::MAX);
            let (seal, hash) = seal_record(self.seed, sequence + 1, self.header.first_sequence, position, &hash);
            commit.bytes.extend_from_slice(&seal);
            self.chain.hash = hash;
        }
        commit.seals = seals;
        commit.chain = self.chain;
        Some(commit)
    }

    /// Goes on in the next segment, which is in use now, with what waited for it.
    pub(crate) fn begin_segment(&mut self, header: &SegmentHeader, offset: u64) {
        (self.header, self.seed, self.room) = (*header, header.seed(), room(header, offset));
        while self.later.front().is_some_and(|(_, payload)| stored_bytes(payload.len()) <= self.room) {
            if let Some((kind, payload)) = self.later.pop_front() {
                self.later_bytes -= stored_bytes(payload.len());
                self.finish(kind, &payload);
            }
        }
    }

    fn fits(&self, payload: &[u8]) -> bool {
        self.later.is_empty() && stored_bytes(payload.len()) <= self.room
    }

    fn finish(&mut self, kind: u8, payload: &[u8]) {
        let Commit { bytes, ends, .. } = &mut self.open;
        let start = bytes.len();
        let sequence = self.chain.sequence + 1;
        // A commit of 2³² records would not fit into memory.
        let position = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        stage_record(bytes, sequence, kind, payload);
        let hash = finish_record(&mut bytes[start..], self.seed, position, &self.chain.hash);
        self.chain = Chain { sequence, record_hash: hash, hash };
        self.room -= bytes.len() - start;
        ends.push(bytes.len());
    }
}

fn room(header: &SegmentHeader, offset: u64) -> usize {
    usize::try_from((header.capacity - SEAL_BYTES as u64).saturating_sub(offset)).unwrap_or(usize::MAX)
}
