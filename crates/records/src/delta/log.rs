//! The log of additions: batches behind each other, each durable before the next is written.
//!
//! The file begins with [`MAGIC`]. A batch is a head of 16 bytes (length of the body 4, CRC32C of the body 4, records 4,
//! CRC32C of the twelve bytes before 4) and the body: for each record its length (4), sex (1), country of birth (2), day
//! of birth (4) and the record as full records are kept. A batch that a crash cut short is the last one, and was not
//! acknowledged: whoever writes next takes it away. Damage before the last batch is an error.
//!
//! Several processes may use one log: who writes holds the file's lock, who reads takes whole batches only.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::DeltaError;
use crate::encode::{self, Parts};
use crate::format::Row;
use crate::{Person, day};

/// First bytes of every log of additions.
const MAGIC: [u8; 8] = *b"\x89ORA\r\n\x1a\n";

/// Records of one batch.
const BATCH: usize = 1_024;

/// Bytes of the body of one batch: what is more is no batch of ours.
const BODY_MAX: usize = BATCH * (u16::MAX as usize + 64);

/// A log that is open, read up to some batch.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// Batches that were read, and written, end here.
    end: u64,
    /// A failed write or sync leaves nobody knowing what is on the disk: nothing more is taken.
    is_broken: bool,
}

impl Log {
    /// Opens the log at a path, or begins one. Nothing is read yet.
    pub(super) fn open(path: &Path) -> Result<Self, DeltaError> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut begin = Vec::new();
        (&mut file).take(MAGIC.len() as u64).read_to_end(&mut begin)?;
        if !MAGIC.starts_with(&begin) {
            return Err(DeltaError::Foreign);
        }
        if begin.len() < MAGIC.len() {
            file.lock()?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&MAGIC)?;
            file.sync_all()?;
            file.unlock()?;
            File::open(beside(path))?.sync_all()?;
        }
        Ok(Self { path: path.to_owned(), file, end: MAGIC.len() as u64, is_broken: false })
    }

    /// Whether there are bytes that were not read.
    pub(super) fn has_more(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() > self.end)
    }

    /// Whether another file has its name by now.
    pub(super) fn is_replaced(&self) -> io::Result<bool> {
        match self.path.metadata() {
            Ok(metadata) => Ok(identity(&metadata) != identity(&self.file.metadata()?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The records of whole batches that were not read yet, in order.
    pub(super) fn read(&mut self) -> Result<Vec<Person>, DeltaError> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.read_to_end(&mut bytes)?;
        let (mut persons, mut rest) = (Vec::new(), &bytes[..]);
        while let Some((body, behind)) = batch(rest) {
            // Whole by its checksum, so that only another program could have written what cannot be read.
            records(body, &mut persons).ok_or(DeltaError::Damaged { at: self.end })?;
            self.end += (rest.len() - behind.len()) as u64;
            rest = behind;
        }
        if is_followed(rest) { Err(DeltaError::Damaged { at: self.end }) } else { Ok(persons) }
    }

    /// Adds records behind those of other writers, which are given back. When it returns they are on disk.
    pub(super) fn append(&mut self, persons: &[Person]) -> Result<Vec<Person>, DeltaError> {
        if self.is_broken {
            return Err(DeltaError::Broken);
        }
        self.locked(|log| {
            let others = log.read()?;
            let written = persons.chunks(BATCH).try_for_each(|persons| log.write(persons));
            log.is_broken = written.is_err();
            written?;
            Ok(others)
        })
    }

    fn write(&mut self, persons: &[Person]) -> io::Result<()> {
        let mut bytes = Vec::new();
        write_batch(persons, &mut bytes);
        // Also away with a batch that a crash cut short: nobody else writes now.
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Puts a log of other records in the place of this one: those that `kept` makes of the records that were read so
    /// far, then those that other writers added since.
    pub(super) fn replace(mut self, kept: impl FnOnce(Vec<Person>) -> Vec<Person>) -> Result<(), DeltaError> {
        self.locked(|log| {
            let since = log.read()?;
            let end = std::mem::replace(&mut log.end, MAGIC.len() as u64);
            let mut persons = log.read()?;
            debug_assert_eq!(log.end, end, "nobody writes while this holds the lock");
            persons.truncate(persons.len().saturating_sub(since.len()));
            let mut persons = kept(persons);
            persons.extend(since);
            let beside = beside(&log.path);
            let mut file = tempfile::Builder::new().prefix(".added-").suffix(".tmp").tempfile_in(beside)?;
            let mut bytes = MAGIC.to_vec();
            persons.chunks(BATCH).for_each(|persons| write_batch(persons, &mut bytes));
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(&log.path).map_err(|failed| failed.error)?;
            // The rename is durable once the directory is.
            File::open(beside)?.sync_all()?;
            Ok(())
        })
    }

    /// Does something while no other process writes.
    fn locked<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, DeltaError>) -> Result<T, DeltaError> {
        self.file.lock()?;
        let done = if self.is_replaced()? { Err(DeltaError::Replaced) } else { act(self) };
        let unlocked = self.file.unlock();
        let done = done?;
        unlocked?;
        Ok(done)
    }
}

/// The directory of a file.
fn beside(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// What tells a file from others of the machine.
#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

const HEAD: usize = 16;

/// The length of the body of a batch that begins with these bytes, and its checksum.
fn head(bytes: &[u8]) -> Option<(usize, u32)> {
    let words: &[[u8; 4]; 4] = bytes.first_chunk::<HEAD>()?.as_chunks().0.try_into().ok()?;
    let [length, sum, _, own] = words.map(u32::from_le_bytes);
    let is_whole = crc32c::crc32c(bytes.get(..HEAD - 4)?) == own;
    let length = usize::try_from(length).ok().filter(|&length| is_whole && length <= BODY_MAX)?;
    Some((length, sum))
}

/// The body of the batch that begins with these bytes, and what is behind it.
fn batch(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, sum) = head(bytes)?;
    let (body, behind) = bytes.get(HEAD..)?.split_at_checked(length)?;
    (crc32c::crc32c(body) == sum).then_some((body, behind))
}

/// Whether a batch that is not whole has another behind it: then no crash cut it short.
fn is_followed(bytes: &[u8]) -> bool {
    let behind = head(bytes).and_then(|(length, _)| bytes.get(HEAD + length..));
    behind.is_some_and(|behind| batch(behind).is_some())
}

/// No day of birth.
const NO_DAY: i32 = i32::MIN;

fn write_batch(persons: &[Person], bytes: &mut Vec<u8>) {
    let (mut body, mut one) = (Vec::with_capacity(persons.len() * 160), Vec::new());
    for person in persons {
        one.clear();
        one.push(person.sex as u8);
        one.extend_from_slice(&encode::place_number(person.birth_place).to_le_bytes());
        one.extend_from_slice(&person.born.map_or(NO_DAY, day::of).to_le_bytes());
        encode::encode(person, &Parts::default(), &mut one);
        body.extend_from_slice(&u32::try_from(one.len()).unwrap_or(u32::MAX).to_le_bytes());
        body.extend_from_slice(&one);
    }
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut head = Vec::with_capacity(HEAD);
    head.extend_from_slice(&number(body.len()));
    head.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    head.extend_from_slice(&number(persons.len()));
    head.extend_from_slice(&crc32c::crc32c(&head).to_le_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(&body);
}

/// Reads every record of a body; none if one cannot be read.
fn records(mut body: &[u8], persons: &mut Vec<Person>) -> Option<()> {
    while !body.is_empty() {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let (one, behind) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        persons.push(record(one)?);
        body = behind;
    }
    Some(())
}

fn record(bytes: &[u8]) -> Option<Person> {
    let (sex, record) = bytes.split_first()?;
    let (place, record) = record.split_first_chunk::<2>()?;
    let (born, record) = record.split_first_chunk::<4>()?;
    let row = Row {
        surname: 0,
        second: 0,
        place: u16::from_le_bytes(*place),
        given: 0,
        middle: 0,
        sex: *sex,
        is_alias: false,
    };
    let born = Some(i32::from_le_bytes(*born)).filter(|born| *born != NO_DAY).and_then(day::date);
    encode::decode(record, row, born, &Parts::default())
}
