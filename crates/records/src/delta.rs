//! Live additions: new and changed records, durable when [`Delta::add`] returns, found by the next search, folded in by
//! the next build.
//!
//! ```text
//! add ─► log: append, sync ─► newest (1,024) ─► newer (32,768) ─► older
//! ```
//!
//! The log is the truth: it is replayed at start. What is searched are small indexes in memory, at most three however
//! many additions there are, made anew as they fill. A record of the same source, alien number and reference as an
//! earlier one takes its place.
//!
//! A frame of the log is its length (4 bytes), the CRC32C of the rest (4), sex (1), country of birth (2), day of birth
//! (4) and the record as full records are kept. A frame that was cut short by a crash was not acknowledged: it is
//! dropped at start, with all behind it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use crate::encode::{self, Parts};
use crate::format::Row;
use crate::{BuildError, Index, IndexError, Person, Reference, Source, build_bytes, day};

/// Records added since the indexes were built.
pub struct Delta {
    log: Mutex<Log>,
    view: RwLock<Arc<View>>,
}

struct Log {
    file: File,
    /// Whole frames end here.
    end: u64,
    /// By age, newest first.
    tiers: [Vec<Person>; 3],
    /// A failed write or sync leaves nobody knowing what is on the disk: nothing more is taken.
    is_broken: bool,
}

/// What a search sees.
#[derive(Default)]
pub(crate) struct View {
    by_tier: [Option<Arc<Index>>; 3],
    /// Which records there are, and in which tier in their newest form.
    newest: Arc<HashMap<Which, usize>>,
}

/// What tells a record from others.
type Which = (Source, u32, Option<Reference>);

fn which(person: &Person) -> Which {
    (person.source, person.alien_number.value(), person.reference)
}

/// Additions that each tier holds, but for the last.
const TIERS: [usize; 2] = [1_024, 32_768];

/// Why additions are not taken.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// The log cannot be read or written.
    #[error("the log of added records cannot be used")]
    Io(#[from] io::Error),
    /// A write failed before: what is on the disk is not known until the log is opened anew.
    #[error("the log of added records takes no more after a failed write: open it again")]
    Broken,
    /// An index of the additions cannot be made.
    #[error("the added records cannot be indexed")]
    Build(#[from] BuildError),
    /// An index of the additions cannot be used.
    #[error("the added records cannot be searched")]
    Index(#[from] IndexError),
}

impl Delta {
    /// Opens the log at a path, or begins one, and replays it.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, DeltaError> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (persons, end) = replay(&bytes);
        if end < bytes.len() {
            file.set_len(end as u64)?;
        }
        file.sync_all()?;
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(directory)?.sync_all()?;
        }
        let log = Log { file, end: end as u64, tiers: [Vec::new(), Vec::new(), newest_of(persons)], is_broken: false };
        let mut view = View::default();
        log.index(&mut view, 2)?;
        Ok(Self { log: Mutex::new(log), view: RwLock::new(Arc::new(view)) })
    }

    /// Adds new or changed records. When it returns they are on disk, and the next search finds them.
    ///
    /// # Errors
    /// They could not be made durable: none of them is taken, and nothing more until the log is opened anew.
    pub fn add(&self, persons: &[Person]) -> Result<(), DeltaError> {
        let mut log = self.log.lock().map_err(|_| DeltaError::Broken)?;
        if log.is_broken {
            return Err(DeltaError::Broken);
        }
        let mut frames = Vec::new();
        persons.iter().for_each(|person| frame(person, &mut frames));
        let end = log.end;
        let written = log.file.seek(SeekFrom::Start(end)).and_then(|_| log.file.write_all(&frames));
        if let Err(error) = written.and_then(|()| log.file.sync_data()) {
            log.is_broken = true;
            return Err(error.into());
        }
        log.end += frames.len() as u64;
        log.tiers[0].extend_from_slice(persons);
        // A tier that is full goes over into the next.
        let mut changed = 0;
        for (tier, max) in TIERS.into_iter().enumerate() {
            if log.tiers[tier].len() > max {
                let full = std::mem::take(&mut log.tiers[tier]);
                let older = std::mem::take(&mut log.tiers[tier + 1]);
                log.tiers[tier + 1] = newest_of(older.into_iter().chain(full).collect());
                changed = tier + 1;
            }
        }
        let mut view = {
            let before = self.view.read().map_err(|_| DeltaError::Broken)?;
            View { by_tier: before.by_tier.clone(), newest: Arc::clone(&before.newest) }
        };
        for tier in (0..=changed).rev() {
            log.index(&mut view, tier)?;
        }
        *self.view.write().map_err(|_| DeltaError::Broken)? = Arc::new(view);
        Ok(())
    }

    /// How many records there are, changed ones counted once a tier.
    #[must_use]
    pub fn len(&self) -> usize {
        self.view().map_or(0, |view| view.indexes().map(|(_, index)| index.len()).sum())
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every added record in its newest form: what the next build takes up.
    ///
    /// # Errors
    /// Another thread failed while it added.
    pub fn persons(&self) -> Result<Vec<Person>, DeltaError> {
        let log = self.log.lock().map_err(|_| DeltaError::Broken)?;
        Ok(newest_of(log.tiers.iter().rev().flatten().cloned().collect()))
    }

    /// Whether a record of an index has been replaced.
    #[must_use]
    pub fn replaces(&self, person: &Person) -> bool {
        self.view().is_some_and(|view| view.newest.contains_key(&which(person)))
    }

    pub(crate) fn view(&self) -> Option<Arc<View>> {
        self.view.read().ok().map(|view| Arc::clone(&view))
    }
}

impl std::fmt::Debug for Delta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delta").field("records", &self.len()).finish_non_exhaustive()
    }
}

impl View {
    /// The indexes of the additions, each with its tier.
    pub(crate) fn indexes(&self) -> impl Iterator<Item = (usize, &Index)> {
        self.by_tier.iter().enumerate().filter_map(|(tier, index)| Some((tier, &**index.as_ref()?)))
    }

    /// Whether a record of a tier, or of none, is not the newest.
    pub(crate) fn is_replaced(&self, person: &Person, tier: Option<usize>) -> bool {
        self.newest.get(&which(person)).is_some_and(|newest| Some(*newest) != tier)
    }
}

impl Log {
    /// Makes the index of a tier anew.
    fn index(&self, view: &mut View, tier: usize) -> Result<(), DeltaError> {
        let persons = newest_of(self.tiers[tier].clone());
        // The view that searches see is left as it is.
        let newest = Arc::make_mut(&mut view.newest);
        for person in &persons {
            newest.insert(which(person), tier);
        }
        view.by_tier[tier] =
            if persons.is_empty() { None } else { Some(Arc::new(Index::from_bytes(build_bytes(persons)?)?)) };
        Ok(())
    }
}

/// Records in the order in which they came, each only in its newest form.
fn newest_of(persons: Vec<Person>) -> Vec<Person> {
    let mut last = HashMap::with_capacity(persons.len());
    for (place, person) in persons.iter().enumerate() {
        last.insert(which(person), place);
    }
    let mut place = 0;
    let mut kept = persons;
    kept.retain(|person| {
        place += 1;
        last.get(&which(person)) == Some(&(place - 1))
    });
    kept
}

/// No day of birth.
const NO_DAY: i32 = i32::MIN;

fn frame(person: &Person, out: &mut Vec<u8>) {
    let mut body = vec![person.sex as u8];
    body.extend_from_slice(&encode::place_number(person.birth_place).to_le_bytes());
    body.extend_from_slice(&person.born.map_or(NO_DAY, day::of).to_le_bytes());
    encode::encode(person, &Parts::default(), &mut body);
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    out.extend_from_slice(&body);
}

/// The records of whole frames, and where these end.
fn replay(bytes: &[u8]) -> (Vec<Person>, usize) {
    let (mut persons, mut rest) = (Vec::new(), bytes);
    while let Some((person, behind)) = read_frame(rest) {
        persons.push(person);
        rest = behind;
    }
    (persons, bytes.len() - rest.len())
}

fn read_frame(bytes: &[u8]) -> Option<(Person, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (sex, record) = body.split_first()?;
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
    Some((encode::decode(record, row, born, &Parts::default())?, rest))
}
