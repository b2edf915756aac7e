//! The file as it is written: sections one after the other, a checksum for each page, the head at last.

use std::io::{Seek, SeekFrom, Write};

use zerocopy::IntoBytes as _;
use zerocopy::byteorder::little_endian::U32;

use super::BuildError;
use crate::format::{self, BODY_START, Header, MAGIC, PAGE, Section, TableEntry, VERSION};
use crate::{Sources, phonetic};

/// A file that is being written, section by section in their order.
pub(super) struct Output<W> {
    out: W,
    offset: u64,
    section_start: u64,
    table: Vec<TableEntry>,
    sums: Vec<U32>,
    page_crc: u32,
}

/// What the head says beside what the output knows itself.
pub(super) struct Head {
    pub(super) records: u64,
    pub(super) rows: u64,
    pub(super) undated: u32,
    pub(super) first_day: u16,
    pub(super) sources: Sources,
}

impl<W: Write + Seek> Output<W> {
    pub(super) fn new(mut out: W) -> Result<Self, BuildError> {
        out.write_all(&[0; BODY_START])?;
        let offset = BODY_START as u64;
        Ok(Self { out, offset, section_start: offset, table: Vec::new(), sums: Vec::new(), page_crc: 0 })
    }

    /// Adds to the section that is being written.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), BuildError> {
        self.out.write_all(bytes)?;
        while !bytes.is_empty() {
            let in_page = usize::try_from(self.offset % PAGE as u64).unwrap_or(0);
            let (now, rest) = bytes.split_at(bytes.len().min(PAGE - in_page));
            self.page_crc = crc32c::crc32c_append(self.page_crc, now);
            self.offset += now.len() as u64;
            if self.offset.is_multiple_of(PAGE as u64) {
                self.sums.push(self.page_crc.into());
                self.page_crc = 0;
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Ends a section; the next begins with a page.
    pub(super) fn end(&mut self, section: Section) -> Result<(), BuildError> {
        self.table.push(TableEntry {
            kind: (section as u32 + 1).into(),
            reserved: 0.into(),
            offset: self.section_start.into(),
            bytes: (self.offset - self.section_start).into(),
        });
        if section != Section::PageSums {
            let in_page = usize::try_from(self.offset % PAGE as u64).unwrap_or(0);
            if in_page > 0 {
                self.write([0; PAGE].split_at(PAGE - in_page).0)?;
            }
        }
        self.section_start = self.offset;
        Ok(())
    }

    /// A whole section at once.
    pub(super) fn section(&mut self, section: Section, bytes: &[u8]) -> Result<(), BuildError> {
        self.write(bytes)?;
        self.end(section)
    }

    /// Writes page checksums and head, and gives back what was written to and the size of the file.
    pub(super) fn finish(mut self, head: &Head) -> Result<(W, u64), BuildError> {
        let sums = std::mem::take(&mut self.sums);
        self.section(Section::PageSums, sums.as_bytes())?;
        let mut header = Header {
            magic: MAGIC,
            version: VERSION.into(),
            phonetic_version: phonetic::VERSION.into(),
            phonetic_fingerprint: phonetic::fingerprint().into(),
            sections: u32::try_from(self.table.len()).unwrap_or(u32::MAX).into(),
            records: head.records.into(),
            rows: head.rows.into(),
            file_bytes: self.offset.into(),
            undated: head.undated.into(),
            first_day: head.first_day.into(),
            sources_held: head.sources.bits(),
            reserved: [0; 5],
            crc: 0.into(),
        };
        header.crc = format::head_crc(&header, self.table.as_bytes(), sums.as_bytes()).into();
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(self.table.as_bytes())?;
        self.out.flush()?;
        Ok((self.out, self.offset))
    }
}
