//! Where records come from: an open journal's reader, a journal that is only looked at, a list in a test.

use std::path::PathBuf;

use journal::offline::Look;
use journal::{Disk, Entry, JournalId, ReadError, Reader, Record};

/// A journal as the archive sees it.
pub trait Source {
    /// Whose records these are.
    fn journal(&self) -> JournalId;

    /// The first record that is kept, or that will be.
    fn first_sequence(&self) -> u64;

    /// The last durable record; 0 before the first.
    fn stored_through(&self) -> u64;

    /// One record.
    ///
    /// # Errors
    /// As [`Reader::read`].
    fn read(&self, sequence: u64) -> Result<Record, ReadError>;

    /// Hands the records from `from` on to `visit`, in order, until there are no more or `more`, asked every few dozen
    /// records, says that it is enough.
    ///
    /// # Errors
    /// As [`journal::Scan::next_records`].
    fn scan(
        &self,
        from: u64,
        more: &mut dyn FnMut() -> bool,
        visit: &mut dyn FnMut(Entry<'_>),
    ) -> Result<(), ReadError>;
}

/// What is read before somebody asks whether to go on: some dozens of messages.
const CHUNK_BYTES: usize = 32 << 10;

impl<D: Disk> Source for Reader<D> {
    fn journal(&self) -> JournalId {
        self.head().journal
    }

    fn first_sequence(&self) -> u64 {
        Self::first_sequence(self)
    }

    fn stored_through(&self) -> u64 {
        Self::stored_through(self)
    }

    fn read(&self, sequence: u64) -> Result<Record, ReadError> {
        Self::read(self, sequence)
    }

    fn scan(
        &self,
        from: u64,
        more: &mut dyn FnMut() -> bool,
        visit: &mut dyn FnMut(Entry<'_>),
    ) -> Result<(), ReadError> {
        let mut scan = Self::scan(self, from);
        while more() && scan.next_records(CHUNK_BYTES, visit)? > 0 {}
        Ok(())
    }
}

impl Source for Look {
    fn journal(&self) -> JournalId {
        Self::journal(self)
    }

    fn first_sequence(&self) -> u64 {
        Self::first_sequence(self)
    }

    fn stored_through(&self) -> u64 {
        Self::stored_through(self)
    }

    fn read(&self, sequence: u64) -> Result<Record, ReadError> {
        Self::read(self, sequence)
    }

    fn scan(
        &self,
        from: u64,
        more: &mut dyn FnMut() -> bool,
        visit: &mut dyn FnMut(Entry<'_>),
    ) -> Result<(), ReadError> {
        Self::scan(self, from, more, visit)
    }
}

/// The search file's name, beside the journal's directory.
pub const FILE: &str = "search.sqlite3";

/// The search file of a data directory.
#[must_use]
pub fn file_in(data: &std::path::Path) -> PathBuf {
    data.join(FILE)
}
