//! The few file operations that the journal needs, as a trait, and the real disk behind it.
//!
//! Everything is a plain system call, so that tracing tools see and can fail each one, and so that a simulated disk
//! can stand in. A disk is one flat directory.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Fault, OpenError};

/// A directory that holds one journal.
///
/// What the journal relies on: a write is durable once [`DiskFile::sync_data`] returned `Ok` on that file; a name made by
/// `create` or `rename`, or taken away by `remove`, once [`Disk::sync_directory`] did. Before that either state may be found
/// after a crash, and of an unsynced write any part, in units of 512 bytes that are as before or as written.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// The names of all files.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a new, empty file and opens it for reading and writing.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::AlreadyExists`] if there is one of that name.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// As the system says.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Gives a file another name, replacing a file that has it.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file away.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all that was created, renamed and removed durable.
    ///
    /// # Errors
    /// As the system says. The journal treats every failed sync as final.
    fn sync_directory(&self) -> io::Result<()>;

    /// Bytes that nobody can guess, for a new journal's identity.
    ///
    /// # Errors
    /// As the system says.
    fn random(&self) -> io::Result<[u8; 16]>;
}

/// An open file of a [`Disk`]; any thread may use it.
pub trait DiskFile: fmt::Debug + Send + Sync + 'static {
    /// Its length in bytes.
    ///
    /// # Errors
    /// As the system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// As the system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads at an offset; fewer bytes than asked for only at the end or by the system's whim.
    ///
    /// # Errors
    /// As the system says.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at an offset, perhaps only a part, and says how much.
    ///
    /// # Errors
    /// As the system says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes all that was written, and the length, durable.
    ///
    /// # Errors
    /// As the system says. The journal never tries a failed sync again.
    fn sync_data(&self) -> io::Result<()>;
}

/// Fills `bytes` from `offset`; says how many there were before the file's end.
pub(crate) fn read_full_at(file: &(impl DiskFile + ?Sized), bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes all of `bytes`; a short write is gone on with, not tried again from the start.
pub(crate) fn write_all_at(file: &(impl DiskFile + ?Sized), bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.write_at(rest, offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The file that keeps a second process out; it stays empty.
const LOCK: &str = "lock";
/// What is in the journal is for its process alone.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// A directory of the real file system, locked for this process as long as the value lives.
#[derive(Debug)]
pub struct RealDisk {
    directory: PathBuf,
    /// Held for its lock (`flock`), which the system gives back when the process ends, however it ends.
    _lock: File,
}

impl RealDisk {
    /// Takes `directory` for one journal; makes it if it is not there.
    ///
    /// # Errors
    /// [`OpenError::Locked`] if another process has it, [`OpenError::Disk`] if the system refuses.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let name = directory.display().to_string();
        make_directory(directory).map_err(|error| Fault::new("create", &name, error))?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(directory.join(LOCK))
            .map_err(|error| Fault::new("open", LOCK, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { directory: directory.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { directory: name }),
            Err(TryLockError::Error(error)) => Err(Fault::new("lock", LOCK, error).into()),
        }
    }
}

impl Disk for RealDisk {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        // A name that is not text is none of ours.
        fs::read_dir(&self.directory)?
            .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
            .collect()
    }

    fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(self.directory.join(name))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.directory.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.directory.join(from), self.directory.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.directory.join(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        let mut bytes = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }
}

/// Makes the directory and each missing parent, and makes their names durable: a synced log in a directory whose own
/// entry was lost is a lost log.
fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_directory(parent)?;
    match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}
