//! Checkpoints: what the log adds up to at one record, in a file beside it, so that a start need not read what lies before.
//!
//! The crate's documentation draws the file.

use std::fmt;
use std::io::{self, Write};
use std::mem;

use sha2::{Digest, Sha256};

use crate::chores::{SYNC_EVERY_BYTES, UNFINISHED};
use crate::disk::{Disk, DiskFile, read_full_at, write_all_at};
use crate::error::{Fault, ReadError};
use crate::format::{
    CHECKPOINT_ENTRY_BYTES, CHECKPOINT_FOOTER_BYTES, CHECKPOINT_HEADER_BYTES, CheckpointEntry, CheckpointFooter,
    CheckpointHeader, Hash, HeaderError, Id, NAME_BYTES_MAX, check_record,
};
use crate::reader::{Located, Shelf};
use crate::replay::Section;

/// Written at once.
const PIECE_BYTES: usize = 256 << 10;
/// The newest one may turn out to be damaged.
pub(crate) const KEPT_MAX: usize = 2;

/// Why no checkpoint was made. What was begun is removed; older checkpoints are as they were.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The record is not in the log, cannot be read or is damaged.
    #[error(transparent)]
    Record(#[from] ReadError),
    /// Another record has this number: what was folded is not this log.
    #[error("record {0} of the journal is not the one that the checkpoint stands for")]
    NotTheRecord(u64),
    /// There is one for this record or a later one.
    #[error("there is a checkpoint for record {0} already")]
    NotNewer(u64),
    /// A section's name is empty, too long, or given twice.
    #[error("checkpoint section {0:?} has no name of 1 to {max} bytes of its own", max = NAME_BYTES_MAX)]
    Name(String),
    /// The closure that writes it failed by itself.
    #[error("the checkpoint's contents cannot be written")]
    Contents(#[source] io::Error),
    /// No room.
    #[error("the disk is full")]
    Full(#[source] Fault),
    /// A write or a sync failed. If it was the sync of the directory, the journal takes no new segment into use any more.
    #[error("the checkpoint cannot be stored")]
    Disk(#[from] Fault),
}

/// A checkpoint that is on disk and was not found damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The record that it stands for.
    pub(crate) sequence: u64,
    /// The segment of that record, which replay needs, as all behind it.
    pub(crate) segment: u64,
}

/// Takes a checkpoint's sections: [`Self::section`] begins one, what is written then is its contents.
pub struct CheckpointWriter<'a> {
    file: &'a dyn DiskFile,
    hasher: Sha256,
    /// What is not written yet, and where it goes.
    piece: Vec<u8>,
    offset: u64,
    synced: u64,
    entries: Vec<CheckpointEntry>,
    /// The first operation that failed: the journal's own report of it, whatever the closure makes of the error.
    failed: Option<Failed>,
}

#[derive(Debug)]
enum Failed {
    Disk(&'static str, io::Error),
    Name(String),
}

impl fmt::Debug for CheckpointWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.offset + self.piece.len() as u64;
        f.debug_struct("CheckpointWriter").field("sections", &self.entries.len()).field("bytes", &bytes).finish()
    }
}

impl<'a> CheckpointWriter<'a> {
    fn new(file: &'a dyn DiskFile, header: &CheckpointHeader) -> Self {
        let piece = header.encode().to_vec();
        Self { file, hasher: Sha256::new(), piece, offset: 0, synced: 0, entries: Vec::new(), failed: None }
    }

    /// Begins a section: a name of 1 to 32 bytes that no other section of this checkpoint has, and the version of what follows.
    ///
    /// # Errors
    /// If the name will not do, or something failed before.
    pub fn section(&mut self, name: &str, version: u32) -> io::Result<()> {
        self.end_section();
        if name.is_empty() || name.len() > NAME_BYTES_MAX || self.entries.iter().any(|entry| entry.name == name) {
            self.failed = Some(Failed::Name(name.to_owned()));
        }
        self.check()?;
        let offset = self.offset + self.piece.len() as u64;
        self.entries.push(CheckpointEntry { name: name.to_owned(), version, offset, length: 0 });
        Ok(())
    }

    fn end_section(&mut self) {
        let end = self.offset + self.piece.len() as u64;
        if let Some(last) = self.entries.last_mut() {
            last.length = end - last.offset;
        }
    }

    fn check(&self) -> io::Result<()> {
        match &self.failed {
            None => Ok(()),
            Some(_) => Err(io::Error::other("the checkpoint has failed")),
        }
    }

    fn write_piece(&mut self) -> io::Result<()> {
        self.check()?;
        self.hasher.update(&self.piece);
        let written = write_all_at(self.file, &self.piece, self.offset).map_err(|error| Failed::Disk("write", error));
        self.offset += self.piece.len() as u64;
        self.piece.clear();
        // So that the device never has much of it queued in front of a commit.
        let synced = written.and_then(|()| {
            if self.offset - self.synced < SYNC_EVERY_BYTES {
                return Ok(());
            }
            self.synced = self.offset;
            self.file.sync_data().map_err(|error| Failed::Disk("sync", error))
        });
        self.failed = synced.err();
        self.check()
    }

    /// Writes the directory of sections and the hash over everything, and syncs. Returns the file's length.
    fn finish(mut self) -> (u64, Option<Failed>) {
        self.end_section();
        let length = match self.write_end() {
            Ok(length) => length,
            Err(_) => self.offset,
        };
        (length, self.failed)
    }

    fn write_end(&mut self) -> io::Result<u64> {
        self.check()?;
        let entries = mem::take(&mut self.entries);
        let directory = self.offset + self.piece.len() as u64;
        for entry in &entries {
            self.piece.extend_from_slice(&entry.encode());
        }
        let behind = entries.len() * CHECKPOINT_ENTRY_BYTES + CHECKPOINT_FOOTER_BYTES + size_of::<Hash>();
        let length = directory + behind as u64;
        let footer = CheckpointFooter { directory, sections: entries.len() as u64, length };
        self.piece.extend_from_slice(&footer.encode());
        self.hasher.update(&self.piece);
        self.piece.extend_from_slice(&mem::take(&mut self.hasher).finalize());
        let result = write_all_at(self.file, &self.piece, self.offset).map_err(|error| Failed::Disk("write", error));
        let result = result.and_then(|()| self.file.sync_data().map_err(|error| Failed::Disk("sync", error)));
        self.failed = result.err();
        self.check()?;
        Ok(length)
    }
}

impl Write for CheckpointWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        if self.entries.is_empty() {
            return Err(io::Error::other("a checkpoint's bytes belong to a section"));
        }
        if self.piece.len() >= PIECE_BYTES {
            self.write_piece()?;
        }
        let count = bytes.len().min(PIECE_BYTES);
        self.piece.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name of a checkpoint's file.
pub(crate) fn checkpoint_name(sequence: u64) -> String {
    format!("checkpoint-{sequence:020}")
}

/// The record that a checkpoint stands for, by its file's name.
pub(crate) fn checkpoint_sequence(name: &str) -> Option<u64> {
    let sequence = name.strip_prefix("checkpoint-")?.parse().ok()?;
    (checkpoint_name(sequence) == name).then_some(sequence)
}

/// Makes a checkpoint, synced in content and name, before an older one goes.
pub(crate) fn make<D: Disk>(
    shelf: &Shelf<D>,
    through: u64,
    hash: Hash,
    write: impl FnOnce(&mut CheckpointWriter<'_>) -> io::Result<()>,
) -> Result<u64, CheckpointError> {
    let _one = shelf.making.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(newest) = shelf.checkpoints().last().filter(|newest| newest.sequence >= through) {
        return Err(CheckpointError::NotNewer(newest.sequence));
    }
    // It begins with its record, so that a start sees for itself that the two belong together.
    let Located { segment, offset, bytes } = shelf.locate(through)?;
    let number = segment.header.number;
    let record = check_record(&bytes, segment.seed).filter(|record| record.sequence == through);
    let damaged = || ReadError::Damaged { sequence: through, file: crate::chores::segment_name(number), offset };
    if record.ok_or_else(damaged)?.hash != hash {
        return Err(CheckpointError::NotTheRecord(through));
    }
    let header = CheckpointHeader { id: shelf.id, sequence: through, segment: number, offset, hash };
    let name = checkpoint_name(through);
    let unfinished = format!("{name}{UNFINISHED}");
    let length = match write_file(shelf, &unfinished, &header, write) {
        Ok(length) => length,
        Err(error) => {
            // The reason why it failed says more than why its rest cannot be removed, which the next start does.
            drop(shelf.disk.remove(&unfinished));
            return Err(error);
        }
    };
    shelf.disk.rename(&unfinished, &name).map_err(|error| fault("rename", &name, error))?;
    shelf.sync_directory().map_err(|error| Fault::new("sync the directory of", &name, error))?;
    let mut checkpoints = shelf.checkpoints();
    checkpoints.push(Kept { sequence: through, segment: number });
    // Only now does anybody rely on the new one.
    let surplus = checkpoints.len().saturating_sub(KEPT_MAX);
    let old: Vec<Kept> = checkpoints.drain(..surplus).collect();
    drop(checkpoints);
    for Kept { sequence, .. } in old {
        let name = checkpoint_name(sequence);
        shelf.disk.remove(&name).map_err(|error| fault("remove", &name, error))?;
    }
    Ok(length)
}

fn write_file<D: Disk>(
    shelf: &Shelf<D>,
    name: &str,
    header: &CheckpointHeader,
    write: impl FnOnce(&mut CheckpointWriter<'_>) -> io::Result<()>,
) -> Result<u64, CheckpointError> {
    let file = match shelf.disk.create(name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // An attempt before failed, and its rest could not be removed.
            shelf.disk.remove(name).map_err(|error| fault("remove", name, error))?;
            shelf.disk.create(name)
        }
        other => other,
    };
    let file = file.map_err(|error| fault("create", name, error))?;
    let mut writer = CheckpointWriter::new(&file, header);
    let contents = write(&mut writer);
    if let (Err(error), None) = (contents, &writer.failed) {
        return Err(CheckpointError::Contents(error));
    }
    match writer.finish() {
        (length, None) => Ok(length),
        (_, Some(Failed::Disk(operation, error))) => Err(fault(operation, name, error)),
        (_, Some(Failed::Name(section))) => Err(CheckpointError::Name(section)),
    }
}

fn fault(operation: &'static str, file: &str, error: io::Error) -> CheckpointError {
    let fault = Fault::new(operation, file, error);
    if fault.is_full() { CheckpointError::Full(fault) } else { CheckpointError::Disk(fault) }
}

/// A checkpoint's whole file, checked.
pub(crate) struct Checkpoint {
    pub(crate) header: CheckpointHeader,
    bytes: Vec<u8>,
    entries: Vec<CheckpointEntry>,
}

/// Why a checkpoint's file is of no use.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// It is not what was written.
    Damaged(String),
    /// The disk refused to read it: another time it may not.
    Unread(Fault),
}

/// Reads no more of a checkpoint than what it stands for.
pub(crate) fn read_header<D: Disk>(disk: &D, sequence: u64, id: &Id) -> Result<CheckpointHeader, Unusable> {
    let name = checkpoint_name(sequence);
    let mut bytes = [0; CHECKPOINT_HEADER_BYTES];
    let read = disk.open(&name).and_then(|file| read_full_at(&file, &mut bytes, 0));
    read.map_err(|error| Unusable::Unread(Fault::new("read", &name, error)))?;
    check_header(&bytes, sequence, id).map_err(Unusable::Damaged)
}

fn check_header(bytes: &[u8; CHECKPOINT_HEADER_BYTES], sequence: u64, id: &Id) -> Result<CheckpointHeader, String> {
    match CheckpointHeader::decode(bytes) {
        Ok(header) if header.id == *id && header.sequence == sequence => Ok(header),
        Ok(_) => Err("it belongs to another journal or another record".to_owned()),
        Err(HeaderError::Version(version)) => Err(format!("format version {version} is not known")),
        Err(HeaderError::Zero | HeaderError::Damaged | HeaderError::Key(_)) => Err(DAMAGED.to_owned()),
    }
}

const DAMAGED: &str = "it is damaged";

impl Checkpoint {
    /// Reads a file and checks every byte of it. Says why it is of no use.
    pub(crate) fn read<D: Disk>(disk: &D, sequence: u64, id: &Id) -> Result<Self, Unusable> {
        let name = checkpoint_name(sequence);
        let unread = |error| Unusable::Unread(Fault::new("read", &name, error));
        let file = disk.open(&name).map_err(unread)?;
        let length = file.len().map_err(unread)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let count = read_full_at(&file, &mut bytes, 0).map_err(unread)?;
        bytes.truncate(count);
        Self::parse(bytes, sequence, id).map_err(Unusable::Damaged)
    }

    /// Checks a file's bytes.
    pub(crate) fn parse(bytes: Vec<u8>, sequence: u64, id: &Id) -> Result<Self, String> {
        let damaged = || DAMAGED.to_owned();
        let (header, rest) = bytes.split_first_chunk::<CHECKPOINT_HEADER_BYTES>().ok_or_else(damaged)?;
        let header = check_header(header, sequence, id)?;
        let (_, hash) = rest.split_last_chunk::<32>().ok_or_else(damaged)?;
        let hashed = &bytes[..bytes.len() - hash.len()];
        if Sha256::digest(hashed)[..] != hash[..] {
            return Err(damaged());
        }
        // From here on everything is as it was written; what still contradicts itself is a mistake of the program that did.
        let footer = hashed.last_chunk().map(CheckpointFooter::decode).ok_or_else(damaged)?;
        let within = |from: u64, length: u64| {
            let from = usize::try_from(from).ok()?;
            hashed.get(from..from.checked_add(usize::try_from(length).ok()?)?)
        };
        let directory_bytes = footer.sections.checked_mul(CHECKPOINT_ENTRY_BYTES as u64).ok_or_else(damaged)?;
        let directory = within(footer.directory, directory_bytes).ok_or_else(damaged)?;
        if footer.length != bytes.len() as u64 {
            return Err(damaged());
        }
        let mut entries = Vec::new();
        for entry in directory.chunks_exact(CHECKPOINT_ENTRY_BYTES) {
            let entry = CheckpointEntry::decode(entry).ok_or_else(damaged)?;
            within(entry.offset, entry.length).ok_or_else(damaged)?;
            entries.push(entry);
        }
        Ok(Self { header, bytes, entries })
    }

    pub(crate) fn sections(&self) -> Vec<Section<'_>> {
        let mut sections = Vec::new();
        for CheckpointEntry { name, version, offset, length } in &self.entries {
            let from = usize::try_from(*offset).unwrap_or_default();
            let length = usize::try_from(*length).unwrap_or_default();
            let bytes = self.bytes.get(from..from + length).unwrap_or_default();
            sections.push(Section { name, version: *version, bytes });
        }
        sections
    }
}
