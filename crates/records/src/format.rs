//! The file's parts as they lie in it, and the checks of a file that is opened. The crate's documentation draws the
//! file.

use std::ops::Range;

use zerocopy::byteorder::little_endian::{I32, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::index::IndexError;
use crate::phonetic;

/// First bytes of every index. The CR LF, the control-Z and the high bit show a file that was sent as text.
pub(crate) const MAGIC: [u8; 8] = *b"\x89ORI\r\n\x1a\n";

/// Raised with every change of the layout.
pub(crate) const VERSION: u32 = 1;

/// What the sections hold, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    NameText,
    NameEnds,
    Codes,
    BlockEnds,
    Keys,
    Details,
    Numbers,
}

impl Section {
    pub(crate) const ALL: [Self; 7] =
        [Self::NameText, Self::NameEnds, Self::Codes, Self::BlockEnds, Self::Keys, Self::Details, Self::Numbers];

    /// Bytes of one entry.
    const fn entry_bytes(self) -> usize {
        match self {
            Self::NameText => 1,
            Self::NameEnds => size_of::<U32>(),
            Self::Codes => size_of::<CodeEntry>(),
            Self::BlockEnds => size_of::<U32>(),
            Self::Keys => size_of::<Key>(),
            Self::Details => size_of::<Details>(),
            Self::Numbers => size_of::<NumberEntry>(),
        }
    }

    /// Sections with an entry for each record.
    const fn is_by_record(self) -> bool {
        matches!(self, Self::Keys | Self::Details | Self::Numbers)
    }

    /// As error texts call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NameText => "name text",
            Self::NameEnds => "name ends",
            Self::Codes => "codes",
            Self::BlockEnds => "block ends",
            Self::Keys => "keys",
            Self::Details => "details",
            Self::Numbers => "numbers",
        }
    }
}

/// The first 64 bytes.
#[derive(Debug, Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    magic: [u8; 8],
    version: U32,
    phonetic_version: U32,
    phonetic_fingerprint: U32,
    sections: U32,
    records: U64,
    file_bytes: U64,
    /// Zero; for what comes.
    reserved: [u8; 20],
    /// Of the header up to here and of the section table.
    crc: U32,
}

#[derive(Debug, Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct TableEntry {
    kind: U32,
    crc: U32,
    offset: U64,
    bytes: U64,
}

/// A phonetic code, and a block in which some surname has it.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct CodeEntry {
    pub(crate) code: U64,
    pub(crate) block: U32,
}

/// What a search looks at for every record it passes.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Key {
    /// Day number, or [`NO_DAY`].
    pub(crate) born: I32,
    pub(crate) surname: U32,
    pub(crate) given: U32,
    pub(crate) middle: U32,
}

/// Stands for a date that is not known. The earliest number, so that such records lie first in their block.
pub(crate) const NO_DAY: i32 = i32::MIN;

/// What is read of a record once it is a candidate.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Details {
    pub(crate) alien_number: U32,
    /// Day numbers, or [`NO_DAY`].
    pub(crate) admitted: I32,
    pub(crate) admitted_until: I32,
    pub(crate) status_since: I32,
    /// Zero for none.
    pub(crate) reference: U64,
    pub(crate) birth_place: [u8; 2],
    pub(crate) citizenship: [u8; 2],
    /// Zero bytes if there was no admission.
    pub(crate) admission_class: [u8; 3],
    /// Letter.
    pub(crate) sex: u8,
    pub(crate) source: u8,
    pub(crate) status: u8,
    /// Zero; for what comes.
    pub(crate) reserved: [u8; 6],
}

/// An alien number and the record that bears it.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct NumberEntry {
    pub(crate) alien_number: U32,
    pub(crate) record: U32,
}

const _: () = assert!(
    size_of::<Header>() == 64
        && size_of::<TableEntry>() == 24
        && size_of::<CodeEntry>() == 12
        && size_of::<Key>() == 16
        && size_of::<Details>() == 40
        && size_of::<NumberEntry>() == 8
);

const TABLE_BYTES: usize = Section::ALL.len() * size_of::<TableEntry>();
const BODY_START: usize = size_of::<Header>() + TABLE_BYTES;

/// Puts sections together to a file: its parts in order, to be written one after the other.
pub(crate) fn head(sections: &[&[u8]; Section::ALL.len()], records: usize) -> Vec<u8> {
    let mut table = Vec::with_capacity(TABLE_BYTES);
    let mut offset = BODY_START;
    for (kind, bytes) in (1_u32..).zip(sections) {
        let entry = TableEntry {
            kind: kind.into(),
            crc: crc32c::crc32c(bytes).into(),
            offset: (offset as u64).into(),
            bytes: (bytes.len() as u64).into(),
        };
        table.extend_from_slice(entry.as_bytes());
        offset += bytes.len();
    }
    let mut header = Header {
        magic: MAGIC,
        version: VERSION.into(),
        phonetic_version: phonetic::VERSION.into(),
        phonetic_fingerprint: phonetic::fingerprint().into(),
        sections: (SECTIONS).into(),
        records: (records as u64).into(),
        file_bytes: (offset as u64).into(),
        reserved: [0; 20],
        crc: 0.into(),
    };
    header.crc = head_crc(&header, &table).into();
    let mut head = header.as_bytes().to_vec();
    head.extend_from_slice(&table);
    head
}

/// How many sections a file of this version has.
const SECTIONS: u32 = 7;

fn head_crc(header: &Header, table: &[u8]) -> u32 {
    let bytes = header.as_bytes();
    crc32c::crc32c_append(crc32c::crc32c(bytes.split_last_chunk::<4>().map_or(bytes, |(front, _)| front)), table)
}

/// Where the sections of a checked file lie.
#[derive(Debug)]
pub(crate) struct Layout {
    ranges: [Range<usize>; Section::ALL.len()],
    pub(crate) records: usize,
}

impl Layout {
    /// Checks a file from its first to its last byte: mark, versions, lengths, every checksum.
    pub(crate) fn check(file: &[u8]) -> Result<Self, IndexError> {
        if !file.starts_with(&MAGIC) {
            return Err(if file.len() < MAGIC.len() && MAGIC.starts_with(file) {
                IndexError::Truncated
            } else {
                IndexError::Foreign
            });
        }
        let (header, rest) = Header::ref_from_prefix(file).map_err(|_| IndexError::Truncated)?;
        if header.version != VERSION {
            return Err(IndexError::Version { found: header.version.get() });
        }
        let table = rest.get(..TABLE_BYTES).ok_or(IndexError::Truncated)?;
        if header.crc != head_crc(header, table) {
            return Err(IndexError::Damaged { part: "header" });
        }
        if header.phonetic_version != phonetic::VERSION || header.phonetic_fingerprint != phonetic::fingerprint() {
            return Err(IndexError::PhoneticVersion { found: header.phonetic_version.get() });
        }
        let file_bytes = usize::try_from(header.file_bytes.get()).map_err(|_| IndexError::Truncated)?;
        if file.len() < file_bytes {
            return Err(IndexError::Truncated);
        }
        if file.len() > file_bytes || header.sections != SECTIONS {
            return Err(IndexError::Damaged { part: "length" });
        }
        let records = u32::try_from(header.records.get()).map_err(|_| IndexError::Damaged { part: "header" })? as usize;
        let table = <[TableEntry]>::ref_from_bytes(table).map_err(|_| IndexError::Damaged { part: "section table" })?;
        let mut ranges = [const { 0..0 }; Section::ALL.len()];
        let mut offset = BODY_START;
        for (((section, entry), range), kind) in Section::ALL.iter().zip(table).zip(&mut ranges).zip(1_u32..) {
            let damaged = IndexError::Damaged { part: section.name() };
            let bytes = usize::try_from(entry.bytes.get()).unwrap_or(usize::MAX);
            let end = offset.checked_add(bytes).filter(|&end| end <= file.len()).ok_or(IndexError::Truncated)?;
            let entries = bytes / section.entry_bytes();
            if entry.kind != kind
                || entry.offset != offset as u64
                || bytes % section.entry_bytes() != 0
                || section.is_by_record() && entries != records
                || file.get(offset..end).map(crc32c::crc32c) != Some(entry.crc.get())
            {
                return Err(damaged);
            }
            *range = offset..end;
            offset = end;
        }
        if offset != file.len() {
            return Err(IndexError::Damaged { part: "length" });
        }
        Ok(Self { ranges, records })
    }

    /// A section's entries; none if the section does not hold that kind.
    pub(crate) fn entries<'a, T: FromBytes + Immutable + KnownLayout + Unaligned>(
        &self,
        file: &'a [u8],
        section: Section,
    ) -> &'a [T] {
        let range = self.ranges.get(section as usize).cloned().unwrap_or(0..0);
        file.get(range).and_then(|bytes| <[T]>::ref_from_bytes(bytes).ok()).unwrap_or(&[])
    }
}
