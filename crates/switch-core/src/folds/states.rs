//! The states of destinations that stations and operators set: they go before the configuration's
//! (`protocol-specs/wire.md` 2.11).

use std::collections::BTreeMap;

use codec::name::MessageKey;
use rustc_hash::FxHashMap;

use super::checkpoint::{In, Out, Sections};
use crate::network::{DestinationState, StationIndex};

/// States by key; without a key: of all that have none of their own.
pub(crate) type OfStation = BTreeMap<Option<MessageKey>, DestinationState>;

/// States by station, of those that have any.
#[derive(Debug, Default)]
pub(crate) struct States {
    stations: FxHashMap<StationIndex, OfStation>,
}

impl States {
    pub(super) fn set(&mut self, station: StationIndex, key: Option<MessageKey>, state: Option<DestinationState>) {
        let states = self.stations.entry(station).or_default();
        match state {
            Some(state) => drop(states.insert(key, state)),
            None => drop(states.remove(&key)),
        }
        if states.is_empty() {
            self.stations.remove(&station);
        }
    }

    /// All that was set for a station; nothing where the configuration holds for every key.
    pub(crate) fn of_station(&self, station: StationIndex) -> Option<&OfStation> {
        self.stations.get(&station)
    }

    /// What was set for a station and key, or for a station and all keys; nothing where the configuration holds.
    pub(crate) fn find(&self, station: StationIndex, key: Option<MessageKey>) -> Option<DestinationState> {
        self.of_station(station)?.get(&key).copied()
    }

    /// All that was set for a station, what holds for all keys first.
    pub(crate) fn of(
        &self,
        station: StationIndex,
    ) -> impl Iterator<Item = (Option<MessageKey>, DestinationState)> + '_ {
        self.of_station(station).into_iter().flatten().map(|(key, state)| (*key, *state))
    }

    pub(super) fn put<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        let by_station: BTreeMap<_, _> = self.stations.iter().collect();
        let mut all = Vec::new();
        for (station, states) in by_station {
            all.extend(states.iter().map(|(key, state)| (station, key, state)));
        }
        out.count(all.len());
        for (station, key, state) in all {
            out.number(station.0.into());
            out.text(key.as_ref().map_or("", MessageKey::as_str));
            out.bytes(&[state.number()]);
            out.end_entry()?;
        }
        Ok(())
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<Self> {
        let mut states = Self::default();
        for _ in 0..input.count(3)? {
            let station = input.station()?;
            let key = match input.text()? {
                "" => None,
                text => Some(MessageKey::parse(text).ok()?),
            };
            let [state] = input.array()?;
            states.set(station, key, Some(DestinationState::from_number(state)?));
        }
        input.end()?;
        Some(states)
    }
}
