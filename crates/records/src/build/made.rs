//! What the rows leave, gathered while full records are written, and written behind them.

use std::io::{Seek, Write};
use std::path::Path;

use zerocopy::IntoBytes as _;
use zerocopy::byteorder::little_endian::{U32, U64};

use super::output::Output;
use super::rows::{Emitted, Packer};
use super::sorter::Sorter;
use super::spool::Spool;
use super::{BuildError, Stage};
use crate::format::{BLOCK_RECORDS, KEY_GROUP, NumberEntry, Section};

/// What rows leave to be written behind the full records.
pub(super) struct Made {
    ends: Vec<U64>,
    keys: Spool,
    further: Spool,
    /// Where the further names of each group of rows begin.
    further_starts: Vec<U32>,
    further_count: usize,
    pub(super) rows: u64,
    days: Vec<(u16, u32)>,
    by_name: Sorter,
    numbers: Sorter,
    /// Full records of the block that is not full yet.
    open: Vec<Vec<u8>>,
    /// Bytes of all blocks so far.
    end: u64,
    pub(super) packer: Packer,
}

impl Made {
    /// Nothing yet. Temporary files go to `directory`, where memory does not hold what is made.
    pub(super) fn new(directory: &Path, memory_max: usize, dictionary: &[u8]) -> Result<Self, BuildError> {
        Ok(Self {
            ends: Vec::new(),
            keys: Spool::new(directory, memory_max / 3),
            further: Spool::new(directory, memory_max / 6),
            further_starts: Vec::new(),
            further_count: 0,
            rows: 0,
            days: Vec::new(),
            by_name: Sorter::new(directory, memory_max),
            numbers: Sorter::new(directory, memory_max),
            open: Vec::new(),
            end: 0,
            packer: Packer::new(dictionary)?,
        })
    }

    /// Ends the full records.
    pub(super) fn end_blocks<W: Write + Seek>(&mut self, out: &mut Output<W>) -> Result<(), BuildError> {
        if !self.open.is_empty() {
            self.close_block(out)?;
        }
        out.end(Section::Blocks)
    }

    /// Takes what some rows add.
    pub(super) fn take<W: Write + Seek>(&mut self, part: Emitted, out: &mut Output<W>) -> Result<(), BuildError> {
        self.open.extend(part.head);
        if self.open.len() == BLOCK_RECORDS {
            self.close_block(out)?;
        }
        for bytes in part.blocks {
            self.block(out, &bytes)?;
        }
        self.open.extend(part.tail);
        for (key, row) in part.keys.iter().zip(self.rows..) {
            if row.is_multiple_of(KEY_GROUP as u64) {
                self.further_starts.push(u32::try_from(self.further_count).map_err(|_| BuildError::TooMany)?.into());
            }
            self.further_count += key.further();
        }
        self.rows += part.keys.len() as u64;
        self.further.write(part.further.as_bytes())?;
        self.keys.write(part.keys.as_bytes())?;
        self.days.extend(part.days);
        self.by_name.extend(&part.by_name)?;
        self.numbers.extend(&part.numbers)
    }

    fn close_block<W: Write + Seek>(&mut self, out: &mut Output<W>) -> Result<(), BuildError> {
        let records = std::mem::take(&mut self.open);
        let bytes = self.packer.pack(&records)?;
        self.block(out, &bytes)
    }

    fn block<W: Write + Seek>(&mut self, out: &mut Output<W>, bytes: &[u8]) -> Result<(), BuildError> {
        self.end += bytes.len() as u64;
        self.ends.push(self.end.into());
        out.write(bytes)
    }

    /// Writes the rest, and gives back how many rows have no day, and the first day.
    pub(super) fn write<W: Write + Seek>(
        self,
        out: &mut Output<W>,
        names: usize,
        counts: &[[u32; 2]],
        dictionary: &[u8],
        progress: &mut dyn FnMut(Stage, u64, u64),
    ) -> Result<(u32, u16), BuildError> {
        out.section(Section::BlockEnds, self.ends.as_bytes())?;
        let rows = self.rows;
        self.keys.read(|bytes| out.write(bytes))?;
        out.end(Section::Keys)?;
        out.section(Section::FurtherStarts, self.further_starts.as_bytes())?;
        self.further.read(|bytes| out.write(bytes))?;
        out.end(Section::Further)?;
        drop(self.ends);
        let undated = self.days.iter().filter(|(day, _)| *day == 0).map(|(_, rows)| rows).sum::<u32>();
        let dated: Vec<_> = self.days.iter().filter(|(day, _)| *day != 0).collect();
        let first_day = dated.first().map_or(0, |(day, _)| *day);
        out.section(Section::Days, days(&dated, undated).as_bytes())?;
        // Where the entries of each name begin is known from the counts.
        let mut starts = Vec::with_capacity(names + 1);
        let mut start = 0_u32;
        starts.push(U32::new(0));
        for (place, [surnames, _]) in counts.iter().enumerate() {
            // The empty name has no entries.
            start = start.checked_add(if place == 0 { 0 } else { *surnames }).ok_or(BuildError::TooMany)?;
            starts.push(start.into());
        }
        out.section(Section::ByNameStarts, starts.as_bytes())?;
        let mut done = 0;
        self.by_name.for_each(|entry| {
            done += 1;
            if done % 1_000_000 == 0 {
                progress(Stage::Names, done, rows);
            }
            #[expect(clippy::cast_possible_truncation, reason = "the low half is the entry")]
            out.write(&(entry as u64).to_le_bytes())
        })?;
        out.end(Section::ByName)?;
        let starts = write_numbers(self.numbers, out, progress)?;
        out.section(Section::NumberStarts, starts.as_bytes())?;
        out.section(Section::Dictionary, dictionary)?;
        Ok((undated, first_day))
    }
}

/// The row at which each day begins, from the first day on, and the end of the last.
fn days(dated: &[&(u16, u32)], undated: u32) -> Vec<U32> {
    let mut starts = Vec::new();
    let mut row = undated;
    let Some((first, _)) = dated.first() else { return vec![row.into()] };
    for (day, rows) in dated {
        starts.resize(usize::from(day - first) + 1, U32::new(row));
        row += rows;
    }
    starts.push(row.into());
    starts
}

/// Writes numbers in the order of their hashes, and gives back where each bucket, of the first bits of a hash, begins.
#[expect(clippy::cast_possible_truncation, reason = "the bits that are left are those meant")]
fn write_numbers<W: Write + Seek>(
    numbers: Sorter,
    out: &mut Output<W>,
    progress: &mut dyn FnMut(Stage, u64, u64),
) -> Result<Vec<U32>, BuildError> {
    let total = numbers.len();
    u32::try_from(total).map_err(|_| BuildError::TooMany)?;
    // Eight to sixteen numbers a bucket.
    let bits = (total / 8).max(1).ilog2();
    let mut starts: Vec<U32> = Vec::with_capacity((1 << bits) + 1);
    let mut done = 0_u32;
    numbers.for_each(|entry| {
        let (bucket, check) = crate::index::number_place((entry >> 64) as u64, bits);
        while starts.len() <= bucket {
            starts.push(done.into());
        }
        done += 1;
        if done.is_multiple_of(1_000_000) {
            progress(Stage::Numbers, done.into(), total);
        }
        out.write(NumberEntry { hash: check.into(), row: (entry as u32).into() }.as_bytes())
    })?;
    out.end(Section::Numbers)?;
    starts.resize((1 << bits) + 1, done.into());
    Ok(starts)
}
