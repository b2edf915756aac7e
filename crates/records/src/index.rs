//! An index that is open: its head checked, mapped, read without copying.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use zerocopy::byteorder::little_endian::{U32, U64};

use crate::encode::{self, Parts};
use crate::format::{
    BLOCK_RECORDS, KEY_GROUP, Key, LetterEntry, MassEntry, NameEntry, NameId, NumberEntry, Row, Section,
};
use crate::map::Bytes;
use crate::pages::Pages;
use crate::store::Store;
use crate::{Person, Sources, day};

/// One immutable file of persons, mapped. Cheap to share between threads behind an `Arc`; a search takes `&self`.
pub struct Index {
    pages: Pages,
    store: Store,
    /// Bits of the number of a bucket of near names, and of one of numbers.
    neighbor_bits: u32,
    number_bits: u32,
}

impl Index {
    /// Maps the file of a path. Its head is checked now, every other page when it is first read: this takes
    /// milliseconds, whatever the size.
    ///
    /// # Errors
    /// The file cannot be read, or is no whole index of this version: it is not answered from.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(IndexError::Foreign);
        }
        Self::check(Bytes::map(&file)?)
    }

    /// The index of the bytes of a file, kept in memory.
    ///
    /// # Errors
    /// The bytes are no whole index of this version.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, IndexError> {
        Self::check(Bytes::Owned(bytes))
    }

    fn check(bytes: Bytes) -> Result<Self, IndexError> {
        let pages = Pages::open(bytes)?;
        let damaged = |section: Section| IndexError::Damaged { part: section.name() };
        let rows = usize::try_from(pages.header().rows.get()).map_err(|_| damaged(Section::Keys))?;
        let names = pages.count(Section::Names);
        let bits = |section: Section| {
            let starts = pages.count(section).checked_sub(1).filter(|starts| starts.is_power_of_two());
            starts.map(usize::trailing_zeros).ok_or_else(|| damaged(section))
        };
        for (section, is_right) in [
            (Section::Keys, pages.count(Section::Keys) == rows),
            (Section::FurtherStarts, pages.count(Section::FurtherStarts) == rows.div_ceil(KEY_GROUP)),
            (Section::Names, names > 0),
            (Section::Letters, pages.count(Section::Letters) == 27),
            (Section::NearStarts, pages.count(Section::NearStarts) == names + 1),
            (Section::Masses, pages.count(Section::Masses) == names),
            (Section::ByNameStarts, pages.count(Section::ByNameStarts) == names + 1),
            (Section::BlockEnds, pages.count(Section::BlockEnds) == rows.div_ceil(BLOCK_RECORDS)),
            (Section::Days, pages.count(Section::Days) > 0),
        ] {
            if !is_right {
                return Err(damaged(section));
            }
        }
        let (neighbor_bits, number_bits) = (bits(Section::NeighborStarts)?, bits(Section::NumberStarts)?);
        let dictionary = pages.entries::<u8>(Section::Dictionary, 0..pages.count(Section::Dictionary))?;
        let store = Store::new(dictionary);
        Ok(Self { pages, store, neighbor_bits, number_bits })
    }

    /// Records in it.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.pages.header().records.get()).unwrap_or(usize::MAX)
    }

    /// Whether it holds no record at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whose records it holds.
    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources::from_bits(self.pages.header().sources_held)
    }

    /// The size of the file, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.pages.file_bytes()
    }

    /// Checks every byte of the file.
    ///
    /// # Errors
    /// The first part that is damaged.
    pub fn verify(&self) -> Result<(), IndexError> {
        self.pages.verify()?;
        // What checksums cannot say: whether rows and records are each other's.
        (0..self.rows()).try_for_each(|row| self.person(row).map(drop))
    }

    /// What it holds, and how many bytes each part takes.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let parts = Section::ALL.iter().map(|section| (section.name(), self.pages.section_bytes(*section)));
        let is_full = |section: &&Section| section.is_of_full_records();
        let full_bytes = Section::ALL.iter().filter(is_full).map(|section| self.pages.section_bytes(*section)).sum();
        Stats {
            records: self.len(),
            rows: self.rows(),
            names: self.names(),
            numbers: self.pages.count(Section::Numbers),
            index_bytes: self.size_bytes() - full_bytes,
            full_bytes,
            parts: parts.collect(),
        }
    }

    /// Every record, in the order of the file; one at a time is read.
    pub fn persons(&self) -> impl Iterator<Item = Result<Person, IndexError>> + '_ {
        (0..self.rows()).filter_map(|row| match self.key(row) {
            Ok(key) if key.is_alias => None,
            Ok(_) => Some(self.person(row)),
            Err(error) => Some(Err(error)),
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.pages.count(Section::Keys)
    }

    /// The full record of a row.
    pub(crate) fn person(&self, row: usize) -> Result<Person, IndexError> {
        let key = self.key(row)?;
        let born = day::of_code(self.day_of(row)?);
        let part = |id: u32| self.name(id).map(str::to_owned);
        let parts = Parts {
            surname: part(key.surname)?,
            second: part(key.second)?,
            given: part(key.given)?,
            middle: part(key.middle)?,
        };
        let block = row / BLOCK_RECORDS;
        let end = |block: usize| self.pages.entry::<U64>(Section::BlockEnds, block).map(|end| end.get());
        let (start, end) = (block.checked_sub(1).map_or(Ok(0), end)?, end(block)?);
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self.pages.entries::<u8>(Section::Blocks, place(start)..place(end))?;
        let in_block = (self.rows() - block * BLOCK_RECORDS).min(BLOCK_RECORDS);
        let person =
            self.store.read(bytes, in_block, row % BLOCK_RECORDS, |record| encode::decode(record, key, born, &parts));
        let damaged = IndexError::Damaged { part: Section::Blocks.name() };
        // A row and a record that are not each other's would be an answer about somebody else.
        let own = |person: &Person| parts == Parts::of(&person.surname, &person.given, &person.middle);
        person.filter(|person| key.is_alias || own(person)).ok_or(damaged)
    }

    /// The dictionary has that many names.
    pub(crate) fn names(&self) -> usize {
        self.pages.count(Section::Names)
    }

    /// A name of the dictionary.
    pub(crate) fn name(&self, id: u32) -> Result<&str, IndexError> {
        let end = self.name_entry(id)?.end.get();
        let before = |id: u32| self.name_entry(id).map(|entry| entry.end.get());
        let start = id.checked_sub(1).map_or(Ok(0), before)?;
        self.name_text(start, end)
    }

    /// The name of an id and what is known of it.
    #[inline]
    pub(crate) fn name_and_entry(&self, id: u32) -> Result<(&str, NameEntry), IndexError> {
        let place = id as usize;
        let (start, entry) = if place == 0 {
            (0, self.name_entry(0)?)
        } else {
            match self.pages.entries::<NameEntry>(Section::Names, place - 1..place + 1)? {
                [before, entry] => (before.end.get(), *entry),
                _ => return Err(IndexError::Damaged { part: Section::Names.name() }),
            }
        };
        Ok((self.name_text(start, entry.end.get())?, entry))
    }

    fn name_text(&self, start: u32, end: u32) -> Result<&str, IndexError> {
        let bytes = self.pages.entries::<u8>(Section::NameText, start as usize..end as usize)?;
        std::str::from_utf8(bytes).map_err(|_| IndexError::Damaged { part: Section::NameText.name() })
    }

    #[inline]
    pub(crate) fn name_entry(&self, id: u32) -> Result<NameEntry, IndexError> {
        self.pages.entry(Section::Names, id as usize)
    }

    /// The names that begin with a letter (0 is A), and how many rows have such a given name.
    pub(crate) fn letter(&self, letter: u8) -> Result<(Range<u32>, u32), IndexError> {
        let place = usize::from(letter.min(25));
        match self.pages.entries::<LetterEntry>(Section::Letters, place..place + 2)? {
            [one, next] => Ok((one.first.get()..next.first.get(), one.givens.get())),
            _ => Err(IndexError::Damaged { part: Section::Letters.name() }),
        }
    }

    /// The names under a key of [`crate::neighbor`], most frequent first. A few others may be among them.
    pub(crate) fn near(&self, key: u64) -> Result<impl Iterator<Item = u32> + '_, IndexError> {
        let (bucket, check) = crate::build::split(key, self.neighbor_bits);
        let entries: &[U32] = self.bucket(Section::NeighborStarts, Section::Neighbors, bucket as usize)?;
        Ok(entries.iter().map(|entry| entry.get()).filter(move |entry| entry & 0xFF == check).map(|entry| entry >> 8))
    }

    /// The id of a name, if the dictionary has it.
    pub(crate) fn id(&self, name: &str) -> Result<Option<u32>, IndexError> {
        for id in self.near(crate::neighbor::itself(name))? {
            if self.name(id)? == name {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The names near a name, nearest and most frequent first: id in the upper 24 bits, nearness in the lower eight.
    /// None are listed for a rare name.
    pub(crate) fn listed(&self, id: u32) -> Result<(&[U32], MassEntry), IndexError> {
        let list = self.bucket(Section::NearStarts, Section::Near, id as usize)?;
        Ok((list, self.pages.entry(Section::Masses, id as usize)?))
    }

    /// Rows that bear a number of that hash, and a few others: one in thousands of searches finds one.
    pub(crate) fn numbered(&self, hash: u64) -> Result<impl Iterator<Item = u32> + '_, IndexError> {
        let (bucket, check) = number_place(hash, self.number_bits);
        let entries: &[NumberEntry] = self.bucket(Section::NumberStarts, Section::Numbers, bucket)?;
        Ok(entries.iter().filter(move |entry| entry.hash == check).map(|entry| entry.row.get()))
    }

    fn bucket<T>(&self, starts: Section, entries: Section, bucket: usize) -> Result<&[T], IndexError>
    where
        T: zerocopy::FromBytes + zerocopy::Immutable + zerocopy::KnownLayout + zerocopy::Unaligned,
    {
        match self.pages.entries::<U32>(starts, bucket..bucket + 2)? {
            [start, end] => self.pages.entries(entries, start.get() as usize..end.get() as usize),
            _ => Err(IndexError::Damaged { part: starts.name() }),
        }
    }

    /// The row of a place.
    pub(crate) fn key(&self, row: usize) -> Result<Row, IndexError> {
        let rows = self.keys(row..row.saturating_add(1))?.rows().next();
        rows.flatten().ok_or(IndexError::Damaged { part: Section::Further.name() })
    }

    /// The rows of some places, which are read one after the other.
    pub(crate) fn keys(&self, rows: Range<usize>) -> Result<Keys<'_>, IndexError> {
        let keys: &[Key] = self.pages.entries(Section::Keys, rows.clone())?;
        if keys.is_empty() {
            return Ok(Keys { keys, further: &[] });
        }
        let group = rows.start / KEY_GROUP;
        let before: &[Key] = self.pages.entries(Section::Keys, group * KEY_GROUP..rows.start)?;
        let count = |keys: &[Key]| keys.iter().map(|key| key.further()).sum::<usize>();
        let start = self.pages.entry::<U32>(Section::FurtherStarts, group)?.get() as usize + count(before);
        // Where those of many rows end is known from the next group on; a few more do no harm.
        let end = match keys.len() {
            ..KEY_GROUP => start + count(keys),
            _ => match rows.end.div_ceil(KEY_GROUP) {
                next if next < self.groups() => self.pages.entry::<U32>(Section::FurtherStarts, next)?.get() as usize,
                _ => self.pages.count(Section::Further),
            },
        };
        Ok(Keys { keys, further: self.pages.entries(Section::Further, start..end)? })
    }

    fn groups(&self) -> usize {
        self.pages.count(Section::FurtherStarts)
    }

    /// The rows of a day; those without a day for 0.
    #[inline]
    pub(crate) fn day(&self, day: u16) -> Result<Range<usize>, IndexError> {
        let undated = self.pages.header().undated.get() as usize;
        if day == 0 {
            return Ok(0..undated.min(self.rows()));
        }
        let Some(place) = day.checked_sub(self.pages.header().first_day.get()).map(usize::from) else {
            return Ok(0..0);
        };
        if place + 1 >= self.pages.count(Section::Days) {
            return Ok(0..0);
        }
        match self.pages.entries::<U32>(Section::Days, place..place + 2)? {
            [start, end] if start <= end && end.get() as usize <= self.rows() => {
                Ok(start.get() as usize..end.get() as usize)
            }
            _ => Err(IndexError::Damaged { part: Section::Days.name() }),
        }
    }

    /// The day of a row; 0 if it has none.
    pub(crate) fn day_of(&self, row: usize) -> Result<u16, IndexError> {
        if row < self.pages.header().undated.get() as usize {
            return Ok(0);
        }
        let days: &[U32] = self.pages.entries(Section::Days, 0..self.pages.count(Section::Days))?;
        let place = days.partition_point(|start| start.get() as usize <= row).saturating_sub(1);
        Ok(u16::try_from(place).unwrap_or(0).saturating_add(self.pages.header().first_day.get()))
    }

    /// The entries of a surname in the order by name: words that [`crate::format::NameRow`] reads.
    #[inline]
    pub(crate) fn by_name(&self, surname: u32) -> Result<&[U64], IndexError> {
        self.bucket(Section::ByNameStarts, Section::ByName, surname as usize)
    }
}

/// The keys of some rows, with their further names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'a> {
    keys: &'a [Key],
    /// From those of the first row on.
    further: &'a [NameId],
}

impl<'a> Keys<'a> {
    pub(crate) const fn keys(&self) -> &'a [Key] {
        self.keys
    }

    /// The rows; none for one whose further names are not there.
    #[inline]
    pub(crate) fn rows(&self) -> impl Iterator<Item = Option<Row>> + use<'a> {
        let mut further = self.further.iter();
        self.keys.iter().map(move |key| key.row(&mut further))
    }
}

/// Bucket of a number's hash, and the bits that its entry keeps.
#[expect(clippy::cast_possible_truncation, reason = "the bits that are left are those meant")]
pub(crate) const fn number_place(hash: u64, bits: u32) -> (usize, u16) {
    if bits == 0 { (0, (hash >> 48) as u16) } else { ((hash >> (64 - bits)) as usize, (hash << bits >> 48) as u16) }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("records", &self.len()).field("bytes", &self.size_bytes()).finish_non_exhaustive()
    }
}

/// What an index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Records.
    pub records: usize,
    /// Rows: records, and one for each further name of a record.
    pub rows: usize,
    /// Distinct names.
    pub names: usize,
    /// Numbers by which records can be asked for.
    pub numbers: usize,
    /// Bytes of all but the full records.
    pub index_bytes: usize,
    /// Bytes of the full records.
    pub full_bytes: usize,
    /// Each part and its bytes.
    pub parts: Vec<(&'static str, usize)>,
}

/// Why a file is not answered from. None of them says anything of its content.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file cannot be read.
    #[error("the record index cannot be read")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("not a record index")]
    Foreign,
    /// Another version of the format.
    #[error("a record index of format {found}, this program reads format {}: build it again", crate::format::VERSION)]
    Version {
        /// The version that the file states.
        found: u32,
    },
    /// Built with other phonetic codes: what sounds alike would not be found.
    #[error("a record index with other phonetic codes (version {found}) than this program's: build it again")]
    PhoneticVersion {
        /// The version that the file states; it may be this program's, if the codes changed without it.
        found: u32,
    },
    /// The file ends too early.
    #[error("the record index is cut short")]
    Truncated,
    /// A checksum or a length is wrong.
    #[error("the record index is damaged ({part})")]
    Damaged {
        /// The part of the file that is wrong.
        part: &'static str,
    },
}
