//! The file's parts as they lie in it. The crate's documentation draws the file; [`crate::pages`] checks it.

use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// First bytes of every index. The CR LF, the control-Z and the high bit show a file that was sent as text.
pub(crate) const MAGIC: [u8; 8] = *b"\x89ORI\r\n\x1a\n";

/// Raised with every change of the layout.
pub(crate) const VERSION: u32 = 3;

/// Bytes that one checksum covers.
pub(crate) const PAGE: usize = 4096;

/// What the sections hold, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    NameText,
    Names,
    Letters,
    NeighborStarts,
    Neighbors,
    NearStarts,
    Near,
    Masses,
    Blocks,
    BlockEnds,
    Keys,
    FurtherStarts,
    Further,
    Days,
    ByNameStarts,
    ByName,
    Numbers,
    NumberStarts,
    Dictionary,
    PageSums,
}

impl Section {
    /// How many sections a file of this version has.
    pub(crate) const COUNT: usize = 20;

    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::NameText,
        Self::Names,
        Self::Letters,
        Self::NeighborStarts,
        Self::Neighbors,
        Self::NearStarts,
        Self::Near,
        Self::Masses,
        Self::Blocks,
        Self::BlockEnds,
        Self::Keys,
        Self::FurtherStarts,
        Self::Further,
        Self::Days,
        Self::ByNameStarts,
        Self::ByName,
        Self::Numbers,
        Self::NumberStarts,
        Self::Dictionary,
        Self::PageSums,
    ];

    /// Bytes of one entry.
    pub(crate) const fn entry_bytes(self) -> usize {
        match self {
            Self::NameText | Self::Blocks | Self::Dictionary => 1,
            Self::Names => size_of::<NameEntry>(),
            Self::Letters => size_of::<LetterEntry>(),
            Self::NeighborStarts
            | Self::Neighbors
            | Self::NearStarts
            | Self::Near
            | Self::FurtherStarts
            | Self::Days
            | Self::ByNameStarts
            | Self::NumberStarts
            | Self::PageSums => size_of::<U32>(),
            Self::BlockEnds | Self::ByName => size_of::<U64>(),
            Self::Masses => size_of::<MassEntry>(),
            Self::Keys => size_of::<Key>(),
            Self::Further => size_of::<NameId>(),
            Self::Numbers => size_of::<NumberEntry>(),
        }
    }

    /// As error texts and statistics call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NameText => "name text",
            Self::Names => "names",
            Self::Letters => "letters",
            Self::NeighborStarts => "neighbor starts",
            Self::Neighbors => "neighbors",
            Self::NearStarts => "near name starts",
            Self::Near => "near names",
            Self::Masses => "near name counts",
            Self::Blocks => "full records",
            Self::BlockEnds => "full record blocks",
            Self::Keys => "keys",
            Self::FurtherStarts => "further name starts",
            Self::Further => "further names",
            Self::Days => "days",
            Self::ByNameStarts => "name starts",
            Self::ByName => "name entries",
            Self::NumberStarts => "number starts",
            Self::Numbers => "numbers",
            Self::Dictionary => "compression dictionary",
            Self::PageSums => "page checksums",
        }
    }

    /// Whether it belongs to the full records, beside the index.
    pub(crate) const fn is_of_full_records(self) -> bool {
        matches!(self, Self::Blocks | Self::BlockEnds | Self::Dictionary)
    }
}

/// The first 64 bytes.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) magic: [u8; 8],
    pub(crate) version: U32,
    pub(crate) phonetic_version: U32,
    pub(crate) phonetic_fingerprint: U32,
    pub(crate) sections: U32,
    pub(crate) records: U64,
    /// Records, and one more for each further name of a record.
    pub(crate) rows: U64,
    pub(crate) file_bytes: U64,
    /// Rows without a date of birth: they lie first.
    pub(crate) undated: U32,
    /// The day that the first entry of the days section stands for.
    pub(crate) first_day: U16,
    /// A bit for each source of which it holds records.
    pub(crate) sources_held: u8,
    /// Zero; for what comes.
    pub(crate) reserved: [u8; 5],
    /// Of the header up to here, of the section table and of the page checksums.
    pub(crate) crc: U32,
}

#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct TableEntry {
    pub(crate) kind: U32,
    /// Zero; for what comes.
    pub(crate) reserved: U32,
    /// From the first byte of the file; a multiple of [`PAGE`].
    pub(crate) offset: U64,
    pub(crate) bytes: U64,
}

/// A name of the dictionary. Its place is its id; the first name is the empty one.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct NameEntry {
    /// Where it ends in the name text.
    pub(crate) end: U32,
    /// How many rows have it as a part of the surname.
    pub(crate) surnames: U32,
    /// How many rows have it as given name.
    pub(crate) givens: U32,
    /// Which letters are in it: bit 0 is A. The upper six bits are its length, 63 for more.
    pub(crate) letters: U32,
}

/// How many rows have names near a name, by nearness: as surname, and as given name. Eighths of a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct MassEntry {
    pub(crate) surnames: [u8; 8],
    pub(crate) givens: [u8; 8],
}

/// The names that begin with a letter of the alphabet.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct LetterEntry {
    /// The first of them; the end of the last letter's is the number of names.
    pub(crate) first: U32,
    /// Rows whose given name is among them.
    pub(crate) givens: U32,
}

/// What a search looks at for every row that it passes: its [`Key`], and its further names where the key says that it has
/// some. Rows of a day are in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) surname: u32,
    pub(crate) second: u32,
    pub(crate) place: u16,
    pub(crate) given: u32,
    pub(crate) middle: u32,
    /// As [`crate::Sex`] orders them.
    pub(crate) sex: u8,
    pub(crate) is_alias: bool,
}

/// What every [`Row`] has, from the high bits down: surname 24, given name 24, country of birth 11, sex 2, alias 1, whether
/// there is a second surname 1, and a middle name 1. Both stand among the further names, in the order of rows.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Key(U64);

/// The id of a further name.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct NameId([u8; 3]);

impl NameId {
    pub(crate) const fn new(id: u32) -> Self {
        let [a, b, c, _] = id.to_le_bytes();
        Self([a, b, c])
    }

    #[inline]
    pub(crate) const fn get(self) -> u32 {
        let [a, b, c] = self.0;
        u32::from_le_bytes([a, b, c, 0])
    }
}

/// Ids of names are below this.
pub(crate) const NAMES_MAX: u32 = 1 << 24;

/// Rows for which it is written where their further names begin.
pub(crate) const KEY_GROUP: usize = 16;

const ID: u64 = NAMES_MAX as u64 - 1;

impl Row {
    pub(crate) const fn pack(self) -> Key {
        Key(U64::new(
            (self.surname as u64 & ID) << 40
                | (self.given as u64 & ID) << 16
                | (self.place as u64 & 0x7FF) << 5
                | (self.sex as u64 & 3) << 3
                | (self.is_alias as u64) << 2
                | ((self.second != 0) as u64) << 1
                | (self.middle != 0) as u64,
        ))
    }

    /// The names that are not in its key.
    pub(crate) fn further(&self) -> impl Iterator<Item = NameId> {
        [self.second, self.middle].into_iter().filter(|id| *id != 0).map(NameId::new)
    }
}

impl Key {
    /// The row, whose further names are the next ones. None if these end too early.
    #[inline]
    pub(crate) fn row(self, further: &mut std::slice::Iter<'_, NameId>) -> Option<Row> {
        let bits = self.0.get();
        let mut next = |is: bool| if is { further.next().map(|id| id.get()) } else { Some(0) };
        Some(Row {
            surname: (bits >> 40) as u32,
            second: next(bits >> 1 & 1 == 1)?,
            place: (bits >> 5 & 0x7FF) as u16,
            given: (bits >> 16 & ID) as u32,
            middle: next(bits & 1 == 1)?,
            sex: (bits >> 3 & 3) as u8,
            is_alias: bits >> 2 & 1 == 1,
        })
    }

    /// The id of the first surname alone.
    #[inline]
    pub(crate) const fn surname(self) -> u32 {
        (self.0.get() >> 40) as u32
    }

    /// How many further names its row has.
    #[inline]
    pub(crate) const fn further(self) -> usize {
        (self.0.get() & 3).count_ones() as usize
    }
}

/// An entry of the order by name: given name 24 bits, day 16, place within the day 24. Entries of one surname lie
/// together and are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NameRow(pub(crate) u64);

/// Rows of one day are fewer than this.
pub(crate) const DAY_ROWS_MAX: u32 = 1 << 24;

#[expect(clippy::cast_possible_truncation, reason = "the bits that are left are those of the field")]
impl NameRow {
    /// `rank` counts from the first row of the day. Rows without a day may be more than a day's: the days from
    /// [`crate::day::CODE_END`] on continue their count.
    pub(crate) const fn new(given: u32, day: u16, rank: u32) -> Self {
        let (day, rank) = if day == 0 && rank >= DAY_ROWS_MAX {
            (crate::day::CODE_END as u32 + (rank >> 24) - 1, rank & (DAY_ROWS_MAX - 1))
        } else {
            (day as u32, rank)
        };
        Self((given as u64) << 40 | (day as u64) << 24 | rank as u64)
    }

    #[inline]
    pub(crate) const fn given(self) -> u32 {
        (self.0 >> 40) as u32
    }

    #[inline]
    pub(crate) const fn day(self) -> u16 {
        let day = (self.0 >> 24) as u16;
        if day >= crate::day::CODE_END { 0 } else { day }
    }

    #[inline]
    pub(crate) const fn rank(self) -> u32 {
        let (day, rank) = ((self.0 >> 24) as u16, self.0 as u32 & (DAY_ROWS_MAX - 1));
        if day >= crate::day::CODE_END { ((day - crate::day::CODE_END + 1) as u32) << 24 | rank } else { rank }
    }
}

/// A number by which a record can be asked for. The first bits of its hash say the bucket; these are the next.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct NumberEntry {
    pub(crate) hash: U16,
    pub(crate) row: U32,
}

const _: () = assert!(
    size_of::<Header>() == 64
        && size_of::<TableEntry>() == 24
        && size_of::<NameEntry>() == 16
        && size_of::<MassEntry>() == 16
        && size_of::<LetterEntry>() == 8
        && size_of::<Key>() == 8
        && size_of::<NameId>() == 3
        && size_of::<NumberEntry>() == 6
);

/// The bytes before the first section: header and section table, filled up to a page.
pub(crate) const BODY_START: usize = PAGE;

const _: () = assert!(size_of::<Header>() + Section::COUNT * size_of::<TableEntry>() <= BODY_START);

/// Full records of one compressed block.
pub(crate) const BLOCK_RECORDS: usize = 8;

/// The checksum that the header bears.
pub(crate) fn head_crc(header: &Header, table: &[u8], sums: &[u8]) -> u32 {
    let bytes = header.as_bytes();
    let front = bytes.split_last_chunk::<4>().map_or(bytes, |(front, _)| front);
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(front), table), sums)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_and_entries_come_back_from_their_bits(
            ids in prop::array::uniform4(prop_oneof![Just(0), 0..NAMES_MAX]), place: u16, sex in 0_u8..3, is_alias: bool,
            day in 1..crate::day::CODE_END, rank in 0..DAY_ROWS_MAX, undated: u32,
        ) {
            let [surname, second, given, middle] = ids;
            let place = place % 1_296;
            let row = Row { surname, second, place, given, middle, sex, is_alias };
            let further: Vec<_> = row.further().collect();
            prop_assert_eq!(row.pack().further(), further.len());
            prop_assert_eq!(row.pack().row(&mut further.iter()), Some(row));
            prop_assert_eq!(row.pack().surname(), surname);
            if let Some((_, fewer)) = further.split_last() {
                prop_assert_eq!(row.pack().row(&mut fewer.iter()), None);
            }
            let entry = NameRow::new(given, day, rank);
            prop_assert_eq!((entry.given(), entry.day(), entry.rank()), (given, day, rank));
            let entry = NameRow::new(given, 0, undated);
            prop_assert_eq!((entry.given(), entry.day(), entry.rank()), (given, 0, undated));
        }
    }
}
