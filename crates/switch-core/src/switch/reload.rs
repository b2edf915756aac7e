//! Going on with another configuration: links stay up, unless their station went.

use std::collections::BTreeSet;
use std::sync::Arc;

use codec::name::{Ori, StationName};

use super::operator::Plan;
use super::{Stage, Switch};
use crate::command::{Denial, Reload};
use crate::effect::{AgencyChange, Effect, StateChange};
use crate::event::{Action, CloseReason, Delivery, Observation};
use crate::network::{DestinationState, Network, StationIndex};
use crate::outbox::Outbox;

/// Why a link ends.
const GONE: &str = "its station is no longer part of the network";
/// How many contradictions a sentence names.
const NAMED_MAX: usize = 20;

/// What was done and does not fit a new configuration.
#[derive(Debug, Default)]
struct Contradictions {
    names: Vec<String>,
    /// What drops them.
    effects: Vec<Effect>,
}

impl Contradictions {
    fn add(&mut self, name: String, effect: Effect) {
        self.names.push(name);
        self.effects.push(effect);
    }
}

impl Switch {
    pub(super) fn plan_reload(&self, reload: &Reload) -> Result<Plan, Denial> {
        if !self.folds.fits(&reload.network) {
            return Err(Denial::Conflict("the network changed while its configuration was read; try again".to_owned()));
        }
        let copies = self.folds.copies.values().map(|copy| copy.key);
        let unknown: BTreeSet<_> = copies.filter(|key| reload.dictionary.spec(*key).is_none()).collect();
        if !unknown.is_empty() {
            let keys = unknown.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let conflict = format!("messages of {keys} wait, which the new configuration does not know; carry them on");
            return Err(Denial::Conflict(conflict));
        }
        let Contradictions { names, effects } = self.contradictions(&reload.network);
        let count = names.len();
        if count > 0 && !reload.drop_contradicted {
            return Err(Denial::Conflict(format!(
                "the new configuration contradicts {}; undo these, or drop them with --drop-contradicted",
                listed(&names)
            )));
        }
        let dropped = if count > 0 { format!("; dropped: {}", listed(&names)) } else { String::new() };
        let what = format!("the configuration was read again: {}{dropped}", reload.changes);
        Ok(Plan { what, effects, ..Plan::default() })
    }

    /// What operators and messages did that does not fit a new network: it names stations that went, or changes entries of the
    /// directory that the new configuration changes too.
    fn contradictions(&self, new: &Network) -> Contradictions {
        let mut found = Contradictions::default();
        let gone = |index: StationIndex| new.at(index).is_none();
        let name = |index: StationIndex| self.folds.name(index);
        for station in self.folds.controls.held().filter(|index| gone(*index)).filter_map(name) {
            found.add(format!("the hold of {station}"), Effect::Release { station });
        }
        for (from, to) in self.folds.controls.diversions().filter(|(from, to)| gone(*from) || gone(*to)) {
            if let (Some(from), Some(to)) = (name(from), name(to)) {
                found.add(format!("the diversion of {from} to {to}"), Effect::Undivert { from });
            }
        }
        let states: Vec<(StationName, _, DestinationState)> = self.states().collect();
        for (station, key, state) in states.into_iter().filter(|(station, ..)| new.index(*station).is_none()) {
            let keys = key.map_or_else(|| "all keys".to_owned(), |key| key.to_string());
            let what = format!("the state {} of {station} for {keys}", state.as_str());
            found.add(what, Effect::State(StateChange { station, key, state: None }));
        }
        let oris: Vec<Ori> = self.folds.overlay.contradicted(&self.network, new);
        for ori in oris {
            found.add(format!("what was changed of {ori}"), Effect::Agency(AgencyChange::Forgotten(ori)));
        }
        found
    }

    /// Goes on with the new configuration. Nothing here can fail: all was checked.
    pub(super) fn rearrange(&mut self, reload: &Reload) {
        let old = std::mem::replace(&mut self.network, Arc::clone(&reload.network));
        self.dictionary = Arc::clone(&reload.dictionary);
        let fits = self.folds.adopt(&self.network);
        debug_assert!(fits, "the plan has seen to it");
        self.stations.resize_with(self.network.places().max(self.stations.len()), super::Station::default);
        let places = (0u16..).map(StationIndex).take(self.stations.len());
        for index in places {
            match (old.at(index).is_some(), self.network.at(index).is_some()) {
                (true, false) => self.depart(index),
                (false, true) => self.come_back(index),
                (true, true) => {
                    self.restate(index);
                    self.watch_hold(index);
                    self.pump_due.insert(index);
                }
                (false, false) => {}
            }
        }
        for home in self.homes() {
            self.find_misplaced(home);
        }
        self.observe(Observation::Reloaded);
    }

    /// A station went: its links end, and what waits for it returns as soon as time is looked at.
    fn depart(&mut self, index: StationIndex) {
        let links = self.stations.get(usize::from(index.0)).map(|station| station.links.clone()).unwrap_or_default();
        for link in links {
            self.actions.push_back(Action::Close { link, why: CloseReason::StationGone });
            self.detached(link, None, GONE.to_owned());
        }
        if let Some(station) = self.station_mut(index) {
            station.outbox = Outbox::default();
            station.stored.clear();
        }
        let waiting = self.waiting_at(index);
        let now = self.now.wall;
        for delivery in waiting {
            // What only waited here for another station goes home.
            let returns = self.folds.copies.get(&delivery).is_some_and(|copy| self.misplaced(delivery, copy).is_none());
            if let Some(copy) = self.folds.copies.get_mut(&delivery) {
                copy.stage = Stage::Waiting;
                if returns {
                    self.expiries.remove(&(copy.expires, delivery));
                    copy.expires = now;
                    self.expiries.insert((now, delivery));
                }
            }
        }
    }

    /// A station that had gone is there again before all that waited for it had returned.
    fn come_back(&mut self, index: StationIndex) {
        for delivery in self.waiting_at(index) {
            if let Some((class, station)) =
                self.folds.copies.get(&delivery).map(|copy| copy.class).zip(self.stations.get_mut(usize::from(index.0)))
            {
                station.outbox.insert(class, delivery);
            }
        }
        self.restate(index);
    }

    fn waiting_at(&self, index: StationIndex) -> Vec<Delivery> {
        let here = self.folds.copies.iter().filter(|(_, copy)| copy.station == index);
        let mut waiting: Vec<_> =
            here.filter(|(_, copy)| matches!(copy.stage, Stage::Waiting | Stage::Stored)).map(|(d, _)| *d).collect();
        waiting.sort_unstable();
        waiting
    }

    /// Looks again at what waits for a station: what its state keeps back, and what no more.
    pub(super) fn restate(&mut self, index: StationIndex) {
        let Some(station) = self.stations.get(usize::from(index.0)) else { return };
        let waiting: Vec<_> = station.outbox.iter().chain(station.stored.iter().copied()).collect();
        for delivery in waiting {
            let Some(copy) = self.folds.copies.get(&delivery) else { continue };
            let (class, stored) = (copy.class, self.is_to_store(copy));
            let Some(station) = self.stations.get_mut(usize::from(index.0)) else { continue };
            if stored {
                station.outbox.remove(class, delivery);
                station.stored.insert(delivery);
            } else {
                station.stored.remove(&delivery);
                station.outbox.insert(class, delivery);
            }
            if let Some(copy) = self.folds.copies.get_mut(&delivery) {
                copy.stage = if stored { Stage::Stored } else { Stage::Waiting };
            }
        }
        self.pump_due.insert(index);
    }
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
