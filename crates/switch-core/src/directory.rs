//! The directory of agencies: what the configuration says, and what messages changed of it
//! (`protocol-specs/wire.md` 2.9).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use codec::name::{Line, Ori};

use crate::folds::Overlay;
use crate::network::{Network, OriConfig, StationIndex};

/// Entries of one answer.
const FOUND_MAX: usize = 25;
/// Entries that one query looks at, of the configuration and of the overlay each: it takes some 100 µs at the most.
const EXAMINED_MAX: usize = 500;

/// The configuration's entries under the overlay's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Directory<'a> {
    pub(crate) network: &'a Network,
    pub(crate) overlay: &'a Overlay,
}

/// What a query names; a text that is empty is not named.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) ori: Option<Ori>,
    pub(crate) line: Option<Line>,
    /// The beginning of the name, in upper case.
    pub(crate) name: String,
    pub(crate) kind: String,
}

impl Wanted {
    fn is(&self, entry: &OriConfig) -> bool {
        self.ori.is_none_or(|ori| ori == entry.ori)
            && self.line.is_none_or(|line| line == entry.line)
            && entry.details.name.to_ascii_uppercase().starts_with(&self.name)
            && (self.kind.is_empty() || entry.details.kind == self.kind)
    }
}

impl<'a> Directory<'a> {
    /// The entry of an agency, active or not.
    pub(crate) fn ori(&self, ori: Ori) -> Option<&'a OriConfig> {
        match self.overlay.find(ori) {
            Some(changed) => changed,
            None => self.network.ori(ori),
        }
    }

    /// The station that serves an agency of the directory: its own, else the one of its line.
    pub(crate) fn serving(&self, ori: Ori) -> Option<StationIndex> {
        let entry = self.ori(ori)?;
        self.network.serving(ori, entry.line)
    }

    /// The first entries that a query names, by ORI, and whether there may be more.
    pub(crate) fn search(&self, wanted: &Wanted) -> (Vec<&'a OriConfig>, bool) {
        if let Some(ori) = wanted.ori {
            return (self.ori(ori).filter(|entry| wanted.is(entry)).into_iter().collect(), false);
        }
        let changed = self.overlay.index().find(wanted);
        let configured = self.network.ori_index().find(wanted);
        let more = changed.len() > EXAMINED_MAX || configured.len() > EXAMINED_MAX;
        let configured = configured.into_iter().filter(|ori| self.overlay.find(*ori).is_none());
        let entries = changed.into_iter().chain(configured).filter_map(|ori| Some((ori, self.ori(ori)?)));
        let found: BTreeMap<Ori, &OriConfig> = entries.filter(|(_, entry)| wanted.is(entry)).collect();
        let more = more || found.len() > FOUND_MAX;
        (found.into_values().take(FOUND_MAX).collect(), more)
    }
}

/// Entries by what a query names besides the ORI. Names are in upper case.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_line: BTreeSet<(Line, Ori)>,
    by_kind: BTreeSet<(String, Ori)>,
    by_name: BTreeSet<(String, Ori)>,
}

impl Index {
    pub(crate) fn insert(&mut self, entry: &OriConfig) {
        self.by_line.insert((entry.line, entry.ori));
        self.by_kind.insert((entry.details.kind.to_ascii_uppercase(), entry.ori));
        self.by_name.insert((entry.details.name.to_ascii_uppercase(), entry.ori));
    }

    pub(crate) fn remove(&mut self, entry: &OriConfig) {
        self.by_line.remove(&(entry.line, entry.ori));
        self.by_kind.remove(&(entry.details.kind.to_ascii_uppercase(), entry.ori));
        self.by_name.remove(&(entry.details.name.to_ascii_uppercase(), entry.ori));
    }

    /// ORIs that may be wanted, by what narrows most: one more than are looked at, where there are so many.
    fn find(&self, wanted: &Wanted) -> Vec<Ori> {
        let Some(first) = Ori::parse("AA0000000").ok() else { return Vec::new() };
        let of_text = |set: &BTreeSet<(String, Ori)>, text: &String| {
            let from = (Bound::Included((text.clone(), first)), Bound::Unbounded);
            let begins = |(found, _): &&(String, Ori)| found.starts_with(text);
            set.range(from).take_while(begins).map(|(_, ori)| *ori).take(EXAMINED_MAX.saturating_add(1)).collect()
        };
        if !wanted.name.is_empty() {
            return of_text(&self.by_name, &wanted.name);
        }
        let Some(line) = wanted.line else { return of_text(&self.by_kind, &wanted.kind) };
        let of_line = self.by_line.range((line, first)..).take_while(|(of, _)| *of == line);
        of_line.map(|(_, ori)| *ori).take(EXAMINED_MAX.saturating_add(1)).collect()
    }
}
