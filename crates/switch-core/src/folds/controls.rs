//! What operators do to the ways out: stations held, diverted, copies moved to other stations.

use std::collections::{BTreeMap, BTreeSet};

use codec::number::Number;

use super::checkpoint::{In, Out, Sections};
use crate::event::Delivery;
use crate::network::StationIndex;

/// Holds, diversions, copies with another receiver than their record says.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    pub(super) held: BTreeSet<StationIndex>,
    pub(super) diverted: BTreeMap<StationIndex, StationIndex>,
    /// What each copy that was moved counts as among what its new station was sent.
    pub(super) moved: BTreeMap<Delivery, Number>,
    /// Whose the copies are that wait for another station, or came back from there.
    pub(super) homes: BTreeMap<Delivery, StationIndex>,
}

impl Controls {
    /// Whether nothing is sent to a station.
    pub(crate) fn is_held(&self, station: StationIndex) -> bool {
        self.held.contains(&station)
    }

    /// Who gets what is new for a station, if not itself.
    pub(crate) fn diverted(&self, station: StationIndex) -> Option<StationIndex> {
        if self.diverted.is_empty() { None } else { self.diverted.get(&station).copied() }
    }

    /// The OSN of a copy that was moved.
    pub(crate) fn moved(&self, delivery: Delivery) -> Option<Number> {
        if self.moved.is_empty() { None } else { self.moved.get(&delivery).copied() }
    }

    /// Whose a copy is, if it was ever another station's.
    pub(crate) fn home(&self, delivery: Delivery) -> Option<StationIndex> {
        if self.homes.is_empty() { None } else { self.homes.get(&delivery).copied() }
    }

    /// The homes of copies that are, or were, at another station.
    pub(crate) fn homes(&self) -> impl Iterator<Item = StationIndex> + '_ {
        self.homes.values().copied()
    }

    /// Whether no copy can be anywhere but where it belongs.
    pub(crate) fn is_plain(&self) -> bool {
        self.diverted.is_empty() && self.homes.is_empty()
    }

    /// Stations that nothing is sent to.
    pub(crate) fn held(&self) -> impl Iterator<Item = StationIndex> + '_ {
        self.held.iter().copied()
    }

    /// Whose messages go to whom.
    pub(crate) fn diversions(&self) -> impl Iterator<Item = (StationIndex, StationIndex)> + '_ {
        self.diverted.iter().map(|(from, to)| (*from, *to))
    }

    /// A copy is delivered or returned.
    pub(super) fn settle(&mut self, delivery: Delivery) {
        if !self.moved.is_empty() {
            self.moved.remove(&delivery);
        }
        if !self.homes.is_empty() {
            self.homes.remove(&delivery);
        }
    }

    pub(super) fn put<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.count(self.held.len());
        self.held.iter().for_each(|station| out.number(station.0.into()));
        out.count(self.diverted.len());
        for (from, to) in &self.diverted {
            out.number(from.0.into());
            out.number(to.0.into());
        }
        out.count(self.moved.len());
        let mut last = 0;
        for (delivery, osn) in &self.moved {
            out.rise(delivery.number(), &mut last);
            out.number(osn.value().into());
            out.end_entry()?;
        }
        out.count(self.homes.len());
        let mut last = 0;
        for (delivery, home) in &self.homes {
            out.rise(delivery.number(), &mut last);
            out.number(home.0.into());
            out.end_entry()?;
        }
        Ok(())
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<Self> {
        let mut controls = Self::default();
        for _ in 0..input.count(1)? {
            controls.held.insert(input.station()?);
        }
        for _ in 0..input.count(2)? {
            let from = input.station()?;
            controls.diverted.insert(from, input.station()?);
        }
        let mut last = 0;
        for _ in 0..input.count(2)? {
            let delivery = Delivery::from_number(input.rise(&mut last)?);
            controls.moved.insert(delivery, input.five_digits()?);
        }
        let mut last = 0;
        for _ in 0..input.count(2)? {
            let delivery = Delivery::from_number(input.rise(&mut last)?);
            controls.homes.insert(delivery, input.station()?);
        }
        input.end()?;
        Some(controls)
    }
}
