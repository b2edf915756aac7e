//! A journal's directory as those see it who only read: the real one, or files in memory for tests.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use crate::view::ReadAt;

/// A directory that is only read.
pub(crate) trait Source {
    type File: ReadAt;

    /// The names of all files.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Opens a file for reading.
    fn open(&self, name: &str) -> io::Result<Self::File>;
}

/// A real directory.
#[derive(Debug)]
pub(crate) struct Directory(pub(crate) PathBuf);

impl Source for Directory {
    type File = File;

    fn names(&self) -> io::Result<Vec<String>> {
        // A directory that is not there has no journal either.
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        // A name that is not text is none of a journal's.
        entries.filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose()).collect()
    }

    fn open(&self, name: &str) -> io::Result<File> {
        File::open(self.0.join(name))
    }
}

/// Files in memory.
#[cfg(test)]
pub(crate) type Memory = std::collections::BTreeMap<String, Vec<u8>>;

#[cfg(test)]
impl<'a> Source for &'a Memory {
    type File = &'a [u8];

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<&'a [u8]> {
        self.get(name).map(Vec::as_slice).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
impl ReadAt for &[u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_full(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let here = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = here.len().min(bytes.len());
        bytes[..count].copy_from_slice(&here[..count]);
        Ok(count)
    }
}
