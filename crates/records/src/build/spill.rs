//! Drafts by partition, on their way from reading to sorting: in memory while they are few, then in a temporary file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::{BuildError, PARTITIONS};

/// Pieces of partitions in the order in which they came.
pub(super) struct Spill {
    inner: Mutex<Inner>,
}

struct Inner {
    directory: PathBuf,
    memory_max: usize,
    memory: Vec<u8>,
    file: Option<File>,
    end: u64,
    /// By partition, where its pieces lie.
    pieces: Vec<Vec<(u64, usize)>>,
}

impl Spill {
    /// Keeps up to `memory_max` bytes in memory, and puts them into a file of that directory when they are more.
    pub(super) fn new(directory: &Path, memory_max: usize) -> Self {
        let inner = Inner {
            directory: directory.to_owned(),
            memory_max,
            memory: Vec::new(),
            file: None,
            end: 0,
            pieces: vec![Vec::new(); PARTITIONS],
        };
        Self { inner: Mutex::new(inner) }
    }

    /// Adds a piece to a partition.
    pub(super) fn add(&self, partition: usize, bytes: &[u8]) -> Result<(), BuildError> {
        let mut inner = self.inner.lock().map_err(|_| BuildError::Stopped)?;
        let inner = &mut *inner;
        if inner.file.is_none() {
            if inner.memory.len() + bytes.len() <= inner.memory_max {
                inner.memory.extend_from_slice(bytes);
            } else {
                let file = tempfile::tempfile_in(&inner.directory)?;
                file.write_all_at(&std::mem::take(&mut inner.memory), 0)?;
                inner.file = Some(file);
            }
        }
        if let Some(file) = &inner.file {
            file.write_all_at(bytes, inner.end)?;
        }
        if let Some(pieces) = inner.pieces.get_mut(partition) {
            pieces.push((inner.end, bytes.len()));
        }
        inner.end += bytes.len() as u64;
        Ok(())
    }

    /// Bytes of a partition.
    pub(super) fn bytes(&self, partition: usize) -> Result<usize, BuildError> {
        let inner = self.inner.lock().map_err(|_| BuildError::Stopped)?;
        Ok(inner.pieces.get(partition).map_or(0, |pieces| pieces.iter().map(|(_, bytes)| bytes).sum()))
    }

    /// How many pieces a partition has.
    pub(super) fn pieces(&self, partition: usize) -> Result<usize, BuildError> {
        let inner = self.inner.lock().map_err(|_| BuildError::Stopped)?;
        Ok(inner.pieces.get(partition).map_or(0, Vec::len))
    }

    /// Appends some pieces of a partition to `out`. A piece holds whole drafts.
    pub(super) fn read(
        &self,
        partition: usize,
        pieces: std::ops::Range<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        let inner = self.inner.lock().map_err(|_| BuildError::Stopped)?;
        let lost = || io::Error::from(io::ErrorKind::UnexpectedEof);
        for (offset, bytes) in inner.pieces.get(partition).and_then(|all| all.get(pieces)).into_iter().flatten() {
            let start = out.len();
            match &inner.file {
                Some(file) => {
                    out.resize(start + bytes, 0);
                    file.read_exact_at(out.get_mut(start..).unwrap_or_default(), *offset)?;
                }
                None => {
                    let offset = usize::try_from(*offset).map_err(|_| lost())?;
                    out.extend_from_slice(inner.memory.get(offset..offset + bytes).ok_or_else(lost)?);
                }
            }
        }
        Ok(())
    }
}
