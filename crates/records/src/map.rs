//! The bytes of an index: a mapped file, or memory. The only unsafe code of the workspace is here.

use std::fs::File;
use std::io;
use std::ops::Deref;

/// Immutable bytes, wherever they are.
pub(crate) enum Bytes {
    Mapped(memmap2::Mmap),
    Owned(Vec<u8>),
}

impl Bytes {
    /// Maps a whole file for reading.
    #[expect(
        unsafe_code,
        reason = "a mapping is only as immutable as its file: index files are written once and replaced by rename"
    )]
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        // SAFETY: The mapping is read-only, and nothing writes to or truncates an index file in place: `build` writes
        // another file and renames it over the name, which leaves a mapped one as it was. Every number that is read
        // from the bytes is checked where it is used, so that even a file that somebody changed under us gives wrong
        // answers at worst; one that is cut short under us ends the process with SIGBUS, as with every mapping.
        unsafe { memmap2::Mmap::map(file) }.map(Self::Mapped)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}
