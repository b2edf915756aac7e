//! Writes a journal's log into another directory while it is read: whole records only, and nothing else.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::walk::{Place, Visit};
use crate::chores::{MARK, UNFINISHED, segment_name};
use crate::error::Fault;
use crate::format::{Hash, MARK_FILE_BYTES, MARK_SLOT_BYTES, MARK_SLOT_OFFSETS, Mark, SegmentHeader, Stored};

/// What is in a journal is for its owner alone.
pub(crate) const FILE_MODE: u32 = 0o600;
pub(crate) const DIRECTORY_MODE: u32 = 0o700;
const WRITE_BYTES: usize = 1 << 20;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Where the copied log ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogEnd {
    pub(crate) first_segment: u64,
    pub(crate) first_sequence: u64,
    /// The segment in use, and where its log ends.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) sealed: bool,
    /// The last record and its hash; the one before the first if there is none.
    pub(crate) sequence: u64,
    pub(crate) hash: Hash,
    pub(crate) capacity: u64,
    pub(crate) id: [u8; 16],
}

/// A directory that takes the log.
pub(crate) struct Sink<'a> {
    directory: &'a Path,
    current: Option<(SegmentHeader, BufWriter<File>)>,
    end: Option<LogEnd>,
    written: Vec<PathBuf>,
    /// The record whose hash is wanted, and the hash.
    watched: (u64, Option<Hash>),
    /// The log was pruned while it was copied: what is here begins anew.
    pub(crate) restarted: bool,
    /// What is wrong with the source: nothing more is written then.
    pub(crate) damage: Vec<Finding>,
}

impl<'a> Sink<'a> {
    /// Writes into `directory`; notes the hash of record `watched`.
    pub(crate) fn new(directory: &'a Path, watched: u64) -> Self {
        Self {
            directory,
            current: None,
            end: None,
            written: Vec::new(),
            watched: (watched, None),
            restarted: false,
            damage: Vec::new(),
        }
    }

    /// Ends the last segment and syncs it; where a sealed one comes last, makes the empty one that must follow. None if there
    /// was no log.
    pub(crate) fn finish(&mut self) -> Result<Option<LogEnd>, Fault> {
        self.finish_segment()?;
        let Some(end) = self.end else { return Ok(None) };
        if end.sealed {
            let name = segment_name(end.segment + 1);
            let mut file = self.create(&name)?;
            let written = write_zeros(&mut file, end.capacity).and_then(|()| file.into_inner()?.sync_all());
            written.map_err(|error| Fault::new("write", &name, error))?;
        }
        Ok(self.end)
    }

    pub(crate) fn watched_hash(&self) -> Option<Hash> {
        self.watched.1
    }

    fn create(&mut self, name: &str) -> Result<BufWriter<File>, Fault> {
        let path = self.directory.join(name);
        let file = create_new(&path).map_err(|error| Fault::new("create", name, error))?;
        self.written.push(path);
        Ok(BufWriter::with_capacity(WRITE_BYTES, file))
    }

    fn write(&mut self, place: Place, bytes: &[u8]) -> Result<(), Fault> {
        let (Some((_, file)), Some(end)) = (&mut self.current, &mut self.end) else { return Ok(()) };
        let name = segment_name(place.segment);
        if end.offset != place.offset || end.segment != place.segment {
            // Behind damage, which was told.
            return Ok(());
        }
        file.write_all(bytes).map_err(|error| Fault::new("write", &name, error))?;
        end.offset += bytes.len() as u64;
        Ok(())
    }

    /// Fills it with zeros to its length and syncs it.
    fn finish_segment(&mut self) -> Result<(), Fault> {
        let (Some((header, mut file)), Some(end)) = (self.current.take(), self.end) else { return Ok(()) };
        let left = header.capacity.saturating_sub(end.offset);
        let written = write_zeros(&mut file, left).and_then(|()| file.into_inner()?.sync_all());
        written.map_err(|error| Fault::new("write", &segment_name(header.number), error))
    }
}

impl Visit for Sink<'_> {
    fn restart(&mut self) -> Result<(), Fault> {
        self.restarted = true;
        Ok(())
    }

    fn segment(&mut self, header: &SegmentHeader) -> Result<(), Fault> {
        if self.restarted || !self.damage.is_empty() {
            return Ok(());
        }
        self.finish_segment()?;
        let name = segment_name(header.number);
        let mut file = self.create(&name)?;
        file.write_all(&header.encode()).map_err(|error| Fault::new("write", &name, error))?;
        self.current = Some((*header, file));
        let offset = header.encode().len() as u64;
        let next = LogEnd {
            first_segment: header.number,
            first_sequence: header.first_sequence,
            segment: header.number,
            offset,
            sealed: false,
            sequence: header.first_sequence.saturating_sub(1),
            hash: [0; 32],
            capacity: header.capacity,
            id: header.id,
        };
        self.end = Some(match self.end {
            None => next,
            Some(end) => LogEnd { segment: header.number, offset, sealed: false, capacity: header.capacity, ..end },
        });
        Ok(())
    }

    fn record(&mut self, place: Place, record: &Stored<'_>, hash: &Hash) -> Result<(), Fault> {
        if self.restarted || !self.damage.is_empty() {
            return Ok(());
        }
        self.write(place, record.bytes)?;
        if record.sequence == self.watched.0 {
            self.watched.1 = Some(*hash);
        }
        if let Some(end) = &mut self.end {
            (end.sequence, end.hash) = (record.sequence, *hash);
        }
        Ok(())
    }

    fn seal(&mut self, place: Place, bytes: &[u8], _: &Hash) -> Result<(), Fault> {
        if self.restarted || !self.damage.is_empty() {
            return Ok(());
        }
        self.write(place, bytes)?;
        if let Some(end) = &mut self.end {
            end.sealed = true;
        }
        Ok(())
    }

    fn finding(&mut self, finding: Finding) {
        if finding.is_damage() {
            self.damage.push(finding);
        }
    }
}

/// Writes a mark that says no more and no less than that the log ends there, under its name once it is whole.
pub(crate) fn write_mark(directory: &Path, end: &LogEnd) -> Result<(), Fault> {
    let fault = |operation| move |error| Fault::new(operation, MARK, error);
    let mark = Mark {
        id: end.id,
        generation: 0,
        sequence: end.sequence,
        segment: end.segment,
        offset: end.offset,
        first_segment: end.first_segment,
        hash: end.hash,
    };
    let mut bytes = vec![0; MARK_FILE_BYTES];
    for (generation, at) in (2..).zip(MARK_SLOT_OFFSETS) {
        let at = usize::try_from(at).unwrap_or_default();
        bytes[at..at + MARK_SLOT_BYTES].copy_from_slice(&Mark { generation, ..mark }.encode());
    }
    write_whole(directory, MARK, &bytes).map_err(fault("write"))
}

/// Writes a file that is either not there or whole, and makes it durable.
pub(crate) fn write_whole(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = directory.join(format!("{name}{UNFINISHED}"));
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = create_new(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, directory.join(name))?;
    sync_directory(directory)
}

pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)
}

pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes a directory for a journal's files, with its parents, or takes one that is empty. Says whether it could.
pub(crate) fn make_empty(directory: &Path) -> io::Result<bool> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_directory(parent.unwrap_or_else(|| Path::new(".")))?;
    Ok(std::fs::read_dir(directory)?.next().is_none())
}

fn write_zeros(file: &mut BufWriter<File>, mut bytes: u64) -> io::Result<()> {
    while bytes > 0 {
        let piece = bytes.min(ZEROS.len() as u64);
        file.write_all(&ZEROS[..usize::try_from(piece).unwrap_or(ZEROS.len())])?;
        bytes -= piece;
    }
    Ok(())
}
