//! Several indexes searched as one: a file of each source.

use std::path::Path;
use std::sync::Arc;

use crate::search::{Asked, Effort, Finder, Found, Query, Settings, rank};
use crate::{Delta, Index, IndexError, Person};

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

    /// Opens the files of some paths; each goes by its file name without the end.
    ///
    /// # Errors
    /// The first file that cannot be used, by its place, and why.
    pub fn open(paths: &[impl AsRef<Path>]) -> Result<Self, (usize, IndexError)> {
        let mut indexes = Vec::with_capacity(paths.len());
        for (place, path) in paths.iter().enumerate() {
            let path = path.as_ref();
            let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            indexes.push((name, Index::open(path).map_err(|error| (place, error))?));
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
        let (mut tiers, mut finders) = (Vec::new(), Vec::new());
        for (tier, index) in indexes.map(|index| (None, index)).chain(added) {
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
        rank(finders, settings, &is_current)
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
