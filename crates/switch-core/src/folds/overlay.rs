//! What TA, TU and TD changed of the directory: it wins over the configuration (`protocol-specs/wire.md` 2.9).

use std::collections::BTreeMap;

use codec::name::Ori;
use rustc_hash::FxHashMap;

use super::checkpoint::{In, Out, Sections};
use crate::directory::Index;
use crate::effect::AgencyChange;
use crate::network::{Network, OriConfig};
use crate::record::{agency, put_agency};

/// The overlay.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    /// None: there is no such entry, whatever the configuration says.
    entries: FxHashMap<Ori, Option<OriConfig>>,
    index: Index,
}

impl Overlay {
    pub(super) fn apply(&mut self, change: &AgencyChange) {
        let ori = change.ori();
        if let Some(Some(before)) = self.entries.remove(&ori) {
            self.index.remove(&before);
        }
        match change {
            AgencyChange::Put(entry) => {
                self.index.insert(entry);
                self.entries.insert(ori, Some(entry.clone()));
            }
            AgencyChange::Deleted(_) => drop(self.entries.insert(ori, None)),
            AgencyChange::Forgotten(_) => {}
        }
    }

    /// What it says of an ORI: nothing at all; that there is none; or its entry.
    pub(crate) fn find(&self, ori: Ori) -> Option<Option<&OriConfig>> {
        if self.entries.is_empty() { None } else { self.entries.get(&ori).map(Option::as_ref) }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// All entries, by ORI.
    pub(crate) fn sorted(&self) -> BTreeMap<Ori, Option<&OriConfig>> {
        self.entries.iter().map(|(ori, entry)| (*ori, entry.as_ref())).collect()
    }

    /// The entries that a network in the place of another contradicts: their line is gone, or the configuration of the
    /// same ORI is another one than that which they changed.
    pub(crate) fn contradicted(&self, old: &Network, new: &Network) -> Vec<Ori> {
        let contradicts = |(ori, entry): (Ori, Option<&OriConfig>)| {
            let unserved = entry.is_some_and(|entry| new.serving(entry.ori, entry.line).is_none());
            (unserved || old.ori(ori) != new.ori(ori)).then_some(ori)
        };
        self.sorted().into_iter().filter_map(contradicts).collect()
    }

    pub(super) fn put<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.count(self.entries.len());
        for (ori, entry) in self.sorted() {
            out.text(ori.as_str());
            out.record(|out| entry.into_iter().for_each(|entry| put_agency(out, entry)));
            out.end_entry()?;
        }
        Ok(())
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<Self> {
        let mut overlay = Self::default();
        for _ in 0..input.count(2)? {
            let ori = input.name(Ori::parse)?;
            let entry = input.record(|input| if input.0.is_empty() { Ok(None) } else { agency(input).map(Some) })?;
            if entry.as_ref().is_some_and(|entry| entry.ori != ori) {
                return None;
            }
            overlay.apply(&entry.map_or(AgencyChange::Deleted(ori), AgencyChange::Put));
        }
        input.end()?;
        Some(overlay)
    }
}
