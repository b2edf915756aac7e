//! The states of destinations that stations and operators set: they go before the configuration's
//! (`protocol-specs/wire.md` 2.11).

use std::collections::BTreeMap;

use codec::name::MessageKey;

use super::checkpoint::{In, Out, Sections};
use crate::network::{DestinationState, StationIndex};

/// States by station and key; without a key: of all that have none of their own.
#[derive(Debug, Default)]
pub(crate) struct States {
    states: BTreeMap<(StationIndex, Option<MessageKey>), DestinationState>,
}

impl States {
    pub(super) fn set(&mut self, station: StationIndex, key: Option<MessageKey>, state: Option<DestinationState>) {
        match state {
            Some(state) => drop(self.states.insert((station, key), state)),
            None => drop(self.states.remove(&(station, key))),
        }
    }

    /// What was set for a station and key, or for a station and all keys; nothing where the configuration holds.
    pub(crate) fn find(&self, station: StationIndex, key: Option<MessageKey>) -> Option<DestinationState> {
        if self.states.is_empty() { None } else { self.states.get(&(station, key)).copied() }
    }

    /// All that was set for a station, what holds for all keys first.
    pub(crate) fn of(
        &self,
        station: StationIndex,
    ) -> impl Iterator<Item = (Option<MessageKey>, DestinationState)> + '_ {
        let of_station = self.states.range((station, None)..).take_while(move |((index, _), _)| *index == station);
        of_station.map(|((_, key), state)| (*key, *state))
    }

    pub(super) fn put<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.count(self.states.len());
        for ((station, key), state) in &self.states {
            out.number(station.0.into());
            out.text(key.as_ref().map_or("", MessageKey::as_str));
            out.bytes(&[state.number()]);
            out.end_entry()?;
        }
        Ok(())
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<Self> {
        let mut states = BTreeMap::new();
        for _ in 0..input.count(3)? {
            let station = input.station()?;
            let key = match input.text()? {
                "" => None,
                text => Some(MessageKey::parse(text).ok()?),
            };
            let [state] = input.array()?;
            states.insert((station, key), DestinationState::from_number(state)?);
        }
        input.end()?;
        Some(Self { states })
    }
}
