//! A disk that may lie about its syncs: one in so many does nothing and says that it succeeded.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use journal::{Disk, DiskFile, RealDisk};

/// The real disk but for that.
#[derive(Debug)]
pub(crate) struct Liar {
    disk: RealDisk,
    /// 0: never.
    lie_every: u64,
    syncs: Arc<AtomicU64>,
}

/// A file of it.
#[derive(Debug)]
pub(crate) struct LiarFile {
    file: File,
    lie_every: u64,
    syncs: Arc<AtomicU64>,
}

impl Liar {
    /// `lie_every` 0 makes it an honest disk.
    pub(crate) fn new(disk: RealDisk, lie_every: u64) -> Self {
        Self { disk, lie_every, syncs: Arc::default() }
    }

    fn file(&self, file: File) -> LiarFile {
        LiarFile { file, lie_every: self.lie_every, syncs: Arc::clone(&self.syncs) }
    }
}

impl Disk for Liar {
    type File = LiarFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str) -> io::Result<LiarFile> {
        self.disk.create(name).map(|file| self.file(file))
    }

    fn open(&self, name: &str) -> io::Result<LiarFile> {
        self.disk.open(name).map(|file| self.file(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.disk.sync_directory()
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        self.disk.random()
    }
}

impl DiskFile for LiarFile {
    fn len(&self) -> io::Result<u64> {
        DiskFile::len(&self.file)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        DiskFile::read_at(&self.file, bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        DiskFile::write_at(&self.file, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.lie_every > 0 && self.syncs.fetch_add(1, Ordering::Relaxed) % self.lie_every == self.lie_every - 1 {
            return Ok(());
        }
        DiskFile::sync_data(&self.file)
    }
}
