//! Live additions: new and changed records, durable when [`Delta::add`] returns, found by the next search, folded in by
//! the next build.
//!
//! ```text
//! add ─► log: append, sync ─► newest (1,024) ─► newer (32,768) ─► older
//! ```
//!
//! The log is the truth ([`log`]): it is read at start, and again where another process added to it ([`Delta::follow`]).
//! What is searched are small indexes in memory, at most three however many additions there are, made anew as they fill.
//! A record of the same source, alien number and reference as an earlier one takes its place.

mod log;

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use crate::{BuildError, Index, IndexError, Person, Reference, Source, build_bytes};
use log::Log;

/// Records added since the indexes were built.
pub struct Delta {
    log: Mutex<Log>,
    view: RwLock<Arc<View>>,
}

/// What a search sees: tiers by age, newest first.
#[derive(Clone, Default)]
pub(crate) struct View {
    tiers: [Option<Arc<Tier>>; TIERS],
}

/// Additions of one age, each only in its newest form.
struct Tier {
    index: Index,
    which: HashSet<Which>,
}

/// What tells a record from others.
type Which = (Source, u32, Option<Reference>);

fn which(person: &Person) -> Which {
    (person.source, person.alien_number.value(), person.reference)
}

const TIERS: usize = 3;

/// Additions that each tier holds, but for the last.
const FULL: [usize; TIERS - 1] = [1_024, 32_768];

/// Why additions are not taken.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// The log cannot be read or written.
    #[error("the log of added records cannot be used")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("not a log of added records")]
    Foreign,
    /// A batch is damaged though others follow it.
    #[error("the log of added records is damaged at byte {at}: restore it, or build the indexes anew without it")]
    Damaged {
        /// Where the batch begins.
        at: u64,
    },
    /// A build folded additions in, and another log has taken its place.
    #[error("another log of added records has taken the place of this one: open it again")]
    Replaced,
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
    /// Opens the log at a path, or begins one, and reads it.
    ///
    /// # Errors
    /// The file cannot be read or written, is something else, or is damaged.
    pub fn open(path: &Path) -> Result<Self, DeltaError> {
        let mut log = Log::open(path)?;
        let mut view = View::default();
        view.take(log.read()?)?;
        Ok(Self { log: Mutex::new(log), view: RwLock::new(Arc::new(view)) })
    }

    /// Adds new or changed records. When it returns they are on disk, and the next search finds them.
    ///
    /// # Errors
    /// They could not be made durable: nothing more is taken until the log is opened anew.
    pub fn add(&self, persons: &[Person]) -> Result<(), DeltaError> {
        let mut log = self.log.lock().map_err(|_| DeltaError::Broken)?;
        let mut added = log.append(persons)?;
        added.extend_from_slice(persons);
        self.show(added)
    }

    /// Takes what other processes added since. It asks the system for the length of the log, and reads only what is new.
    ///
    /// # Errors
    /// The log cannot be read, or is damaged.
    pub fn follow(&self) -> Result<(), DeltaError> {
        let mut log = self.log.lock().map_err(|_| DeltaError::Broken)?;
        if !log.has_more()? {
            return Ok(());
        }
        let added = log.read()?;
        self.show(added)
    }

    /// Whether another file has the log's name by now: a build folded additions in ([`Additions::forget`]), and the indexes
    /// are to be opened anew.
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn is_replaced(&self) -> Result<bool, DeltaError> {
        Ok(self.log.lock().map_err(|_| DeltaError::Broken)?.is_replaced()?)
    }

    /// Whether other processes added something that was not taken yet, or another log has taken the place of this one.
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn has_more(&self) -> Result<bool, DeltaError> {
        let log = self.log.lock().map_err(|_| DeltaError::Broken)?;
        Ok(log.has_more()? || log.is_replaced()?)
    }

    fn show(&self, added: Vec<Person>) -> Result<(), DeltaError> {
        if added.is_empty() {
            return Ok(());
        }
        let mut view = self.view.read().map_err(|_| DeltaError::Broken)?.as_ref().clone();
        view.take(added)?;
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

    /// Whether a record of an index has been replaced.
    #[must_use]
    pub fn replaces(&self, person: &Person) -> bool {
        self.view().is_some_and(|view| view.is_replaced(person, None))
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
        self.tiers.iter().enumerate().filter_map(|(tier, one)| Some((tier, &one.as_ref()?.index)))
    }

    /// Whether a record of a tier, or of an index, is not the newest.
    pub(crate) fn is_replaced(&self, person: &Person, tier: Option<usize>) -> bool {
        let mut newer = self.tiers.iter().take(tier.unwrap_or(TIERS)).flatten();
        newer.any(|newer| newer.which.contains(&which(person)))
    }

    /// Takes additions into the first tier that holds them and all newer ones.
    fn take(&mut self, added: Vec<Person>) -> Result<(), DeltaError> {
        if added.is_empty() {
            return Ok(());
        }
        let len = |tier: &Option<Arc<Tier>>| tier.as_ref().map_or(0, |tier| tier.index.len());
        let (mut place, mut count) = (0, added.len() + self.tiers.first().map_or(0, len));
        while FULL.get(place).is_some_and(|full| count > *full) {
            place += 1;
            count += self.tiers.get(place).map_or(0, len);
        }
        let mut persons = Vec::with_capacity(count);
        for older in self.tiers.iter_mut().take(place + 1).rev() {
            let Some(tier) = older.take() else { continue };
            for person in tier.index.persons() {
                persons.push(person?);
            }
        }
        persons.extend(added);
        let persons = newest_of(persons);
        let which = persons.iter().map(which).collect();
        let index = Index::from_bytes(build_bytes(persons)?)?;
        if let Some(slot) = self.tiers.get_mut(place) {
            *slot = Some(Arc::new(Tier { index, which }));
        }
        Ok(())
    }
}

/// Adds records to a log without searching it: what a command does that only adds.
#[derive(Debug)]
pub struct Additions {
    log: Log,
}

impl Additions {
    /// Opens the log at a path, or begins one.
    ///
    /// # Errors
    /// The file cannot be read or written, or is something else.
    pub fn open(path: &Path) -> Result<Self, DeltaError> {
        Ok(Self { log: Log::open(path)? })
    }

    /// Adds new or changed records. When it returns they are on disk; whoever follows the log finds them.
    ///
    /// # Errors
    /// They could not be made durable.
    pub fn add(&mut self, persons: &[Person]) -> Result<(), DeltaError> {
        self.log.append(persons).map(drop)
    }

    /// What a build takes up: every record added since this was last asked, each in its newest form, in the order of
    /// their last change.
    ///
    /// # Errors
    /// The log cannot be read, or is damaged.
    pub fn persons(&mut self) -> Result<Vec<Person>, DeltaError> {
        Ok(newest_of(self.log.read()?))
    }

    /// Puts another log in the place of this one, without the records that [`Additions::persons`] gave and `is_folded`
    /// says were built into an index, which must be durable by now. What was added since stays.
    ///
    /// # Errors
    /// The log cannot be read, or the other one not be written; then this one stays.
    pub fn forget(self, is_folded: impl Fn(&Person) -> bool) -> Result<(), DeltaError> {
        self.log.replace(|persons| newest_of(persons.into_iter().filter(|person| !is_folded(person)).collect()))
    }
}

/// Records in the order in which they came, each only in its newest form.
fn newest_of(persons: Vec<Person>) -> Vec<Person> {
    let mut seen = HashSet::with_capacity(persons.len());
    let mut kept: Vec<Person> = persons.into_iter().rev().filter(|person| seen.insert(which(person))).collect();
    kept.reverse();
    kept
}

/// Which records additions replace: a build leaves them out of what it reads.
#[derive(Debug, Default)]
pub struct Replaced(HashSet<Which>);

impl Replaced {
    /// Those that some records take the place of.
    #[must_use]
    pub fn by(persons: &[Person]) -> Self {
        Self(persons.iter().map(which).collect())
    }

    /// Whether a record is replaced.
    #[must_use]
    pub fn has(&self, person: &Person) -> bool {
        self.0.contains(&which(person))
    }
}
