//! An open file: its sections, and a checksum for every page, checked when the page is first read.
//!
//! At start only header, section table and the list of page checksums are read. A damaged page is an error where it is
//! needed, never an answer.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::format::{self, BODY_START, Header, MAGIC, PAGE, Section, TableEntry, VERSION};
use crate::index::IndexError;
use crate::map::Bytes;
use crate::phonetic;

/// A checked head, and the bytes behind it.
pub(crate) struct Pages {
    bytes: Bytes,
    header: Header,
    /// Where each section lies, in the order of [`Section::ALL`].
    ranges: [Range<usize>; Section::COUNT],
    /// A bit for each page that was found whole.
    whole: Box<[AtomicU64]>,
}

impl Pages {
    /// Checks the head of a file: mark, versions, lengths, and that every section lies in it.
    pub(crate) fn open(bytes: Bytes) -> Result<Self, IndexError> {
        let file: &[u8] = &bytes;
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
        let file_bytes = usize::try_from(header.file_bytes.get()).map_err(|_| IndexError::Truncated)?;
        if file.len() < file_bytes || file.len() < BODY_START {
            return Err(IndexError::Truncated);
        }
        let head = IndexError::Damaged { part: "header" };
        let table = rest.get(..Section::COUNT * size_of::<TableEntry>()).ok_or(IndexError::Truncated)?;
        let entries = <[TableEntry]>::ref_from_bytes(table).map_err(|_| IndexError::Truncated)?;
        let ranges = ranges(file.len(), entries);
        let place = ranges.as_ref().ok().and_then(|ranges| ranges.last()).cloned();
        let sums = place.and_then(|place| file.get(place));
        let Some(sums) = sums.filter(|sums| header.crc == format::head_crc(header, table, sums)) else {
            return Err(head);
        };
        if header.phonetic_version != phonetic::VERSION || header.phonetic_fingerprint != phonetic::fingerprint() {
            return Err(IndexError::PhoneticVersion { found: header.phonetic_version.get() });
        }
        if file.len() > file_bytes {
            return Err(IndexError::Damaged { part: "length" });
        }
        let ranges = ranges?;
        let body = ranges.last().map_or(0, |sums| sums.start) - BODY_START;
        if header.sections.get() as usize != Section::COUNT
            || header.records > header.rows
            || u32::try_from(header.rows.get()).is_err()
            || sums.len() != body / PAGE * size_of::<U32>()
            || file.get(size_of::<Header>() + table.len()..BODY_START).is_none_or(|fill| fill.iter().any(|b| *b != 0))
        {
            return Err(head);
        }
        let header = *header;
        let whole = std::iter::repeat_with(AtomicU64::default).take(body.div_ceil(PAGE).div_ceil(64)).collect();
        Ok(Self { bytes, header, ranges, whole })
    }

    pub(crate) const fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of the whole file.
    pub(crate) fn file_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of a section.
    pub(crate) fn section_bytes(&self, section: Section) -> usize {
        self.range(section).len()
    }

    /// Entries of a section.
    pub(crate) fn count(&self, section: Section) -> usize {
        self.range(section).len() / section.entry_bytes()
    }

    /// Some entries of a section.
    ///
    /// # Errors
    /// They are not in the file, or their page is damaged.
    #[inline]
    pub(crate) fn entries<T>(&self, section: Section, range: Range<usize>) -> Result<&[T], IndexError>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        let damaged = || IndexError::Damaged { part: section.name() };
        let place = self.range(section);
        let (Some(start), Some(end)) = (range.start.checked_mul(size_of::<T>()), range.end.checked_mul(size_of::<T>()))
        else {
            return Err(damaged());
        };
        if start > end || end > place.len() {
            return Err(damaged());
        }
        let bytes = place.start + start..place.start + end;
        self.check(&bytes, section)?;
        let bytes = self.bytes.get(bytes).ok_or_else(damaged)?;
        <[T]>::ref_from_bytes(bytes).map_err(|_| damaged())
    }

    /// One entry of a section.
    ///
    /// # Errors
    /// It is not in the file, or its page is damaged.
    #[inline]
    pub(crate) fn entry<T>(&self, section: Section, place: usize) -> Result<T, IndexError>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned + Copy,
    {
        let entries = self.entries::<T>(section, place..place.saturating_add(1))?;
        entries.first().copied().ok_or_else(|| IndexError::Damaged { part: section.name() })
    }

    /// Checks every page of the file.
    ///
    /// # Errors
    /// The first damaged page's section.
    pub(crate) fn verify(&self) -> Result<(), IndexError> {
        let sections = Section::ALL.iter().zip(&self.ranges).take(Section::COUNT - 1);
        for (section, range) in sections {
            // With what fills the last page.
            self.check(&(range.start..range.end.next_multiple_of(PAGE)), *section)?;
        }
        Ok(())
    }

    fn range(&self, section: Section) -> Range<usize> {
        self.ranges.get(section as usize).cloned().unwrap_or(0..0)
    }

    #[inline]
    fn check(&self, bytes: &Range<usize>, section: Section) -> Result<(), IndexError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let pages = (bytes.start - BODY_START) / PAGE..(bytes.end - BODY_START).div_ceil(PAGE);
        for page in pages {
            let is_whole = self.whole.get(page / 64).is_some_and(|bits| bits.load(Relaxed) >> (page % 64) & 1 == 1);
            if !is_whole {
                self.check_page(page, section)?;
            }
        }
        Ok(())
    }

    #[cold]
    fn check_page(&self, page: usize, section: Section) -> Result<(), IndexError> {
        let damaged = IndexError::Damaged { part: section.name() };
        let start = BODY_START + page * PAGE;
        let sums = self.range(Section::PageSums);
        let sum = self.bytes.get(sums).and_then(|sums| <[U32]>::ref_from_bytes(sums).ok()).and_then(|s| s.get(page));
        if self.bytes.get(start..start + PAGE).map(crc32c::crc32c) != sum.map(|sum| sum.get()) {
            return Err(damaged);
        }
        if let Some(bits) = self.whole.get(page / 64) {
            bits.fetch_or(1 << (page % 64), Relaxed);
        }
        Ok(())
    }
}

/// Where the sections lie: one behind the other, each from a page on, the checksums last.
fn ranges(file_bytes: usize, table: &[TableEntry]) -> Result<[Range<usize>; Section::COUNT], IndexError> {
    let mut ranges = [const { 0..0 }; Section::COUNT];
    let mut offset = BODY_START;
    for (((section, entry), range), kind) in Section::ALL.iter().zip(table).zip(&mut ranges).zip(1_u32..) {
        let damaged = || IndexError::Damaged { part: "section table" };
        let bytes = usize::try_from(entry.bytes.get()).map_err(|_| damaged())?;
        let end = offset.checked_add(bytes).filter(|&end| end <= file_bytes).ok_or_else(damaged)?;
        if entry.kind != kind || entry.offset != offset as u64 || bytes % section.entry_bytes() != 0 {
            return Err(damaged());
        }
        *range = offset..end;
        offset = if *section == Section::PageSums { end } else { end.next_multiple_of(PAGE) };
    }
    if offset == file_bytes { Ok(ranges) } else { Err(IndexError::Damaged { part: "length" }) }
}
