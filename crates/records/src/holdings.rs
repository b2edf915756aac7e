//! Several indexes searched as one: a file of each source.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::search::{Asked, Effort, Finder, Found, Query, Settings, rank};
use crate::{Delta, DeltaError, Index, IndexError, Person, Sources};

/// Why indexes cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An index cannot be used.
    #[error("the record index {} cannot be used", .path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// Why.
        source: IndexError,
    },
    /// A directory cannot be read.
    #[error("the directory {} cannot be read", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory without an index.
    #[error("the directory {} holds no index: none of its files ends in .idx", .path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// The log of added records cannot be used.
    #[error("the added records in {} cannot be used", .path.display())]
    Added {
        /// The log.
        path: PathBuf,
        /// Why.
        source: DeltaError,
    },
}

/// The index files of some paths: of a directory, those that end in `.idx`, by name.
///
/// # Errors
/// A directory cannot be read, or holds none.
pub fn files(paths: &[impl AsRef<Path>]) -> Result<Vec<PathBuf>, OpenError> {
    let mut files = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        if path.is_dir() {
            let failed = |source| OpenError::Directory { path: path.to_owned(), source };
            let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
            let mut found: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
            found.retain(|file| file.extension().is_some_and(|extension| extension == "idx"));
            if found.is_empty() {
                return Err(OpenError::Empty { path: path.to_owned() });
            }
            found.sort();
            files.extend(found);
        } else {
            files.push(path.to_owned());
        }
    }
    Ok(files)
}

/// Indexes that are searched together. A person who is in several is found in each.
#[derive(Debug, Default)]
pub struct Holdings {
    indexes: Vec<(String, Index)>,
    delta: Option<Arc<Delta>>,
}

impl Holdings {
    /// Of indexes that are open, each with a name for it.
    #[must_use]
    pub const fn new(indexes: Vec<(String, Index)>) -> Self {
        Self { indexes, delta: None }
    }

    /// With records that were added since the indexes were built, and are: each search sees those of its time.
    #[must_use]
    pub fn with_delta(mut self, delta: Arc<Delta>) -> Self {
        self.delta = Some(delta);
        self
    }

    /// Opens the files of some paths, of a directory those that end in `.idx`, in the order given and by name; each goes
    /// by its file name without the end.
    ///
    /// # Errors
    /// The first file that cannot be used, and why.
    pub fn open(paths: &[impl AsRef<Path>]) -> Result<Self, OpenError> {
        let mut indexes = Vec::with_capacity(paths.len());
        for path in files(paths)? {
            let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            indexes.push((name, Index::open(&path).map_err(|source| OpenError::Index { path, source })?));
        }
        Ok(Self::new(indexes))
    }

    /// The indexes with their names, in the order in which they were given.
    pub fn indexes(&self) -> impl ExactSizeIterator<Item = (&str, &Index)> {
        self.indexes.iter().map(|(name, index)| (name.as_str(), index))
    }

    /// Records in all of them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indexes.iter().map(|(_, index)| index.len()).sum()
    }

    /// Records that were added since the indexes were built, changed ones counted once a tier.
    #[must_use]
    pub fn added(&self) -> usize {
        self.delta.as_ref().map_or(0, |delta| delta.len())
    }

    /// Whose records are searched.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let of_added = self.delta.as_ref().and_then(|delta| delta.view());
        let added = of_added.iter().flat_map(|view| view.indexes()).map(|(_, index)| index);
        self.indexes.iter().map(|(_, index)| index).chain(added).fold(Sources::NONE, |all, one| all.and(one.sources()))
    }

    /// Whether there is no record at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Searches all of them. See [`Index::search`].
    ///
    /// # Errors
    /// A part of a file that was needed is damaged.
    pub fn search(&self, query: &Query, settings: &Settings) -> Result<Found, IndexError> {
        self.search_indexes(self.indexes.iter().map(|(_, index)| index), query, settings)
    }

    fn search_indexes<'a>(
        &'a self,
        indexes: impl Iterator<Item = &'a Index>,
        query: &Query,
        settings: &Settings,
    ) -> Result<Found, IndexError> {
        let asked = Asked::new(query);
        let population = settings.population.max(self.len() as u64);
        let view = self.delta.as_ref().and_then(|delta| delta.view());
        let added = view.iter().flat_map(|view| view.indexes()).map(|(tier, index)| (Some(tier), index));
        let (mut tiers, mut finders, mut sources) = (Vec::new(), Vec::new(), Sources::NONE);
        for (tier, index) in indexes.map(|index| (None, index)).chain(added) {
            sources = sources.and(index.sources());
            let mut finder = Finder::new(index, &asked, population)?;
            finder.search(Effort::Narrow)?;
            finders.push(finder);
            tiers.push(tier);
        }
        for effort in [Effort::Wide, Effort::Widest] {
            if !finders.iter().any(|finder| finder.is_confident(settings.thresholds)) {
                finders.iter_mut().try_for_each(|finder| finder.search(effort))?;
            }
        }
        let is_current = |file: usize, person: &Person| {
            let tier = tiers.get(file).copied().flatten();
            view.as_ref().is_none_or(|view| !view.is_replaced(person, tier))
        };
        let mut found = rank(finders, settings, &is_current)?;
        found.searched = sources;
        Ok(found)
    }

    /// Searches one of them, by its place, as a part of all, with what was added since: what is likely depends on how many
    /// there are in all. None if there is no such place.
    ///
    /// # Errors
    /// A part of the file that was needed is damaged.
    pub fn search_one(&self, place: usize, query: &Query, settings: &Settings) -> Result<Option<Found>, IndexError> {
        let Some((_, index)) = self.indexes.get(place) else { return Ok(None) };
        self.search_indexes(std::iter::once(index), query, settings).map(Some)
    }
}
