//! A bounded view of a file that moves forward, as fast as the disk gives it.

use std::io;

use crate::disk::{DiskFile, read_full_at};
use crate::format::{
    HeaderError, Prefix, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, Stored, check_record, is_zero,
};

/// Looked at at once while zeros are skipped.
const PIECE_BYTES: usize = 64 << 10;

/// A file that is only read.
pub(crate) trait ReadAt {
    fn length(&self) -> io::Result<u64>;

    /// Fills `bytes` from `offset`; says how many there were before the file's end.
    fn read_full(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl<F: DiskFile> ReadAt for F {
    fn length(&self) -> io::Result<u64> {
        self.len()
    }

    fn read_full(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        read_full_at(self, bytes, offset)
    }
}

/// The header of a segment's file, as far as it can be read.
pub(crate) fn read_header<F: ReadAt>(file: &F) -> io::Result<Result<SegmentHeader, HeaderError>> {
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    let count = file.read_full(&mut bytes, 0)?;
    Ok(if count < bytes.len() { Err(HeaderError::Damaged) } else { SegmentHeader::decode(&bytes) })
}

/// Is told how much was read, each byte once.
pub(crate) trait Took {
    fn took(&self, bytes: u64);
}

/// The first `limit` bytes of a file.
pub(crate) struct View<'a, F> {
    file: &'a F,
    limit: u64,
    /// Read at once; a longer record makes what is held as long as itself.
    window_bytes: usize,
    bytes: Vec<u8>,
    start: u64,
    tells: Option<&'a (dyn Took + 'a)>,
    /// As far as somebody has been told.
    told: u64,
}

impl<'a, F: ReadAt> View<'a, F> {
    pub(crate) fn new(file: &'a F, limit: u64, window_bytes: usize) -> Self {
        Self { file, limit, window_bytes, bytes: Vec::new(), start: 0, tells: None, told: 0 }
    }

    /// How much of the file it is a view of.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Tells somebody how much was read.
    pub(crate) fn telling(self, tells: &'a (dyn Took + 'a)) -> Self {
        Self { tells: Some(tells), ..self }
    }

    /// Goes on with what [`Self::into_held`] gave.
    pub(crate) fn holding(self, (bytes, start): (Vec<u8>, u64)) -> Self {
        Self { bytes, start, ..self }
    }

    /// What it holds of the file, and where that begins.
    pub(crate) fn into_held(self) -> (Vec<u8>, u64) {
        (self.bytes, self.start)
    }

    /// Reads anew from here on: what is held may be older than what another process has written since.
    pub(crate) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// The whole record at `offset`, if there is one.
    pub(crate) fn record(&mut self, offset: u64, seed: u32) -> io::Result<Option<Stored<'_>>> {
        self.record_if(offset, seed, |_| true)
    }

    /// The whole record at `offset`, if there is one and the beginning of its header is wanted.
    fn record_if(
        &mut self,
        offset: u64,
        seed: u32,
        wanted: impl Fn(&Prefix) -> bool,
    ) -> io::Result<Option<Stored<'_>>> {
        let room = usize::try_from(self.limit.saturating_sub(offset)).unwrap_or(usize::MAX);
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
    pub(crate) fn first_data(&mut self, mut offset: u64) -> io::Result<Option<u64>> {
        while offset < self.limit {
            let here = self.some(offset)?;
            if !is_zero(here) {
                let at = here.iter().position(|byte| *byte != 0).unwrap_or_default();
                return Ok(Some(offset + at as u64));
            }
            offset += here.len() as u64;
        }
        Ok(None)
    }

    /// The first whole record from `offset` on whose header begins as it is wanted, and where what is not zero ends before
    /// it, or in all if there is none.
    pub(crate) fn find(
        &mut self,
        offset: u64,
        seed: u32,
        wanted: impl Fn(&Prefix) -> bool,
    ) -> io::Result<(Option<u64>, u64)> {
        let mut data_end = offset;
        let mut at = offset;
        while at < self.limit {
            let here = self.some(at)?;
            let length = here.len() as u64;
            if is_zero(here) {
                at += length;
                continue;
            }
            let last = here.iter().rposition(|byte| *byte != 0).unwrap_or_default();
            let block_end = at + last as u64 + 1;
            for candidate in (at..at + length).step_by(8) {
                if self.record_if(candidate, seed, &wanted)?.is_some() {
                    return Ok((Some(candidate), data_end.max(candidate)));
                }
            }
            data_end = block_end;
            at += length;
        }
        Ok((None, data_end))
    }

    /// At least one byte from `offset`, which is below the limit; ends on a multiple of 8.
    fn some(&mut self, offset: u64) -> io::Result<&[u8]> {
        let left = usize::try_from(self.limit - offset).unwrap_or(usize::MAX);
        self.get(offset, left.min(PIECE_BYTES))
    }

    /// Exactly `length` bytes from `offset`, inside the limit.
    pub(crate) fn get(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let held = self.start..self.start + self.bytes.len() as u64;
        if !held.contains(&offset) || offset + length as u64 > held.end {
            let left = usize::try_from(self.limit.saturating_sub(offset)).unwrap_or(usize::MAX);
            let wanted = length.max(self.window_bytes).min(left);
            // A record across the window's end is read again: simpler, and at most one in a window.
            self.bytes.resize(wanted, 0);
            self.start = offset;
            let count = self.file.read_full(&mut self.bytes, offset)?;
            self.bytes.truncate(count);
            if count < length {
                self.bytes.clear();
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let end = offset + count as u64;
            if let Some(tells) = self.tells.filter(|_| end > self.told) {
                tells.took(end - self.told.max(offset));
                self.told = end;
            }
        }
        let from = usize::try_from(offset - self.start).unwrap_or_default();
        Ok(&self.bytes[from..from + length])
    }
}
