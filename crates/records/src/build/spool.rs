//! Bytes that are written later than they are made: in memory while they are few, then in a temporary file.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::BuildError;

/// Bytes in their order.
pub(super) struct Spool {
    directory: PathBuf,
    memory_max: usize,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
}

impl Spool {
    pub(super) fn new(directory: &Path, memory_max: usize) -> Self {
        Self { directory: directory.to_owned(), memory_max, memory: Vec::new(), file: None }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        if let Some(file) = &mut self.file {
            return Ok(file.write_all(bytes)?);
        }
        self.memory.extend_from_slice(bytes);
        if self.memory.len() > self.memory_max {
            let mut file = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(&self.directory)?);
            file.write_all(&std::mem::take(&mut self.memory))?;
            self.file = Some(file);
        }
        Ok(())
    }

    /// Calls `each` with all of them, piece by piece.
    pub(super) fn read(self, mut each: impl FnMut(&[u8]) -> Result<(), BuildError>) -> Result<(), BuildError> {
        let Some(file) = self.file else { return each(&self.memory) };
        let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                count => each(buffer.get(..count).unwrap_or_default())?,
            }
        }
    }
}
