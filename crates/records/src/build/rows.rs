//! Drafts become rows in the order of the file: by day, within a day by names.

use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::BuildError;
use super::lane::Draft;
use crate::format::{BLOCK_RECORDS, DAY_ROWS_MAX, Key, NameId, NameRow, Row};

/// A draft whose names have the ids of the file, in the order of rows.
pub(super) struct Sorted<'a> {
    pub(super) day: u16,
    pub(super) row: Row,
    pub(super) draft: Draft<'a>,
}

impl<'a> Sorted<'a> {
    /// Reads every draft of a buffer, and sorts them; `places` gives the ids of names.
    pub(super) fn all(buffer: &'a [u8], places: &[u32]) -> Result<Vec<Self>, BuildError> {
        let id = |number: u32| places.get(number as usize).copied().unwrap_or(0);
        let mut rows = Self::read(buffer, id)?;
        rows.sort_unstable_by(Self::order);
        Ok(rows)
    }

    /// Reads every draft of a buffer, whose names have the ids that `id` gives their numbers.
    pub(super) fn read(buffer: &'a [u8], id: impl Fn(u32) -> u32) -> Result<Vec<Self>, BuildError> {
        let (mut rows, mut rest) = (Vec::new(), buffer);
        while !rest.is_empty() {
            let (mut draft, behind) = Draft::read(rest).ok_or(BuildError::Stopped)?;
            rest = behind;
            draft.names = draft.names.map(&id);
            let [surname, second, given, middle] = draft.names;
            let Draft { place, sex, is_alias, day, .. } = draft;
            rows.push(Self { day, row: Row { surname, second, place, given, middle, sex, is_alias }, draft });
        }
        Ok(rows)
    }

    /// The order of the file: by the fields in the order in which they are declared; the record makes the order of
    /// equals certain.
    fn order(a: &Self, b: &Self) -> std::cmp::Ordering {
        (a.day, a.row).cmp(&(b.day, b.row)).then_with(|| a.draft.record.cmp(b.draft.record))
    }
}

/// What some rows of the file add to its sections.
#[derive(Default)]
pub(super) struct Emitted {
    pub(super) keys: Vec<Key>,
    /// The further names of all rows.
    pub(super) further: Vec<NameId>,
    /// Full records up to the first beginning of a block, each behind its length.
    pub(super) head: Vec<Vec<u8>>,
    /// Whole blocks.
    pub(super) blocks: Vec<Vec<u8>>,
    /// Full records behind the last whole block.
    pub(super) tail: Vec<Vec<u8>>,
    /// Surname id, then [`NameRow`].
    pub(super) by_name: Vec<u128>,
    /// Hash, then row.
    pub(super) numbers: Vec<u128>,
    /// Rows of each day, in order of days.
    pub(super) days: Vec<(u16, u32)>,
}

/// Makes rows of one or several whole days. `first` is the row of the first.
pub(super) fn emit(
    rows: &[Sorted<'_>],
    first: u64,
    rank_before: u32,
    packer: &mut Packer,
) -> Result<Emitted, BuildError> {
    let mut out = Emitted::default();
    let in_block = usize::try_from(first % BLOCK_RECORDS as u64).unwrap_or(0);
    let head = if in_block == 0 { 0 } else { (BLOCK_RECORDS - in_block).min(rows.len()) };
    let (mut day, mut rank) = (None, 0);
    for (row, number) in rows.iter().zip(first..) {
        if day != Some(row.day) {
            rank = if day.is_none() { rank_before } else { 0 };
            day = Some(row.day);
            out.days.push((row.day, 0));
        }
        if let Some((_, count)) = out.days.last_mut() {
            *count += 1;
        }
        if rank >= DAY_ROWS_MAX && row.day != 0 {
            return Err(BuildError::TooManyOfADay);
        }
        out.keys.push(row.row.pack());
        out.further.extend(row.row.further());
        let number = u32::try_from(number).map_err(|_| BuildError::TooMany)?;
        let entry = NameRow::new(row.row.given, row.day, rank);
        for surname in [row.row.surname, row.row.second] {
            if surname != 0 {
                out.by_name.push(u128::from(surname) << 64 | u128::from(entry.0));
            }
        }
        let (hashes, _) = row.draft.numbers.as_chunks::<8>();
        out.numbers.extend(hashes.iter().map(|hash| u128::from(u64::from_le_bytes(*hash)) << 64 | u128::from(number)));
        rank += 1;
    }
    let mut records = rows.iter().map(|row| row.draft.record);
    out.head = records.by_ref().take(head).map(<[u8]>::to_vec).collect();
    let records: Vec<&[u8]> = records.collect();
    let (blocks, tail) = records.as_chunks::<BLOCK_RECORDS>();
    for block in blocks {
        out.blocks.push(packer.pack(block)?);
    }
    out.tail = tail.iter().map(|record| record.to_vec()).collect();
    Ok(out)
}

/// Compresses blocks.
pub(super) struct Packer {
    compressor: Compressor<'static>,
    plain: Vec<u8>,
}

/// How hard to compress: more gains little and takes long.
const LEVEL: i32 = 6;

impl Packer {
    pub(super) fn new(dictionary: &[u8]) -> Result<Self, BuildError> {
        let mut compressor = Compressor::with_dictionary(LEVEL, dictionary)?;
        compressor.set_parameter(CParameter::ChecksumFlag(false))?;
        compressor.set_parameter(CParameter::DictIdFlag(false))?;
        Ok(Self { compressor, plain: Vec::new() })
    }

    /// One block: the lengths of its records, two bytes each, then the records.
    pub(super) fn pack(&mut self, records: &[impl AsRef<[u8]>]) -> Result<Vec<u8>, BuildError> {
        self.plain.clear();
        for record in records {
            let length = u16::try_from(record.as_ref().len()).map_err(|_| BuildError::TooLong)?;
            self.plain.extend_from_slice(&length.to_le_bytes());
        }
        records.iter().for_each(|record| self.plain.extend_from_slice(record.as_ref()));
        Ok(self.compressor.compress(&self.plain)?)
    }
}

/// A dictionary for compression, learned from samples; empty if there are too few.
pub(super) fn learn(mut samples: Vec<Vec<u8>>) -> Vec<u8> {
    samples.sort_unstable();
    if samples.len() < SAMPLES_MIN {
        return Vec::new();
    }
    zstd::dict::from_samples(&samples, DICTIONARY_BYTES).unwrap_or_default()
}

const SAMPLES_MIN: usize = 500;
const DICTIONARY_BYTES: usize = 16 * 1024;
