//! Diversions: copies of one station that another gets, what waits and what comes, and back.
//!
//! A copy that was diverted remembers whose it is, its *home*. It is misplaced where its home's messages go elsewhere than it
//! waits; misplaced copies are moved, in the order in which they were admitted and so many in one record. A moved copy keeps its
//! delivery number, so that whoever had it already knows it again, and gets an OSN of its new station. Until all that came before
//! it has arrived, a copy of the same home is not sent: neither diverting nor going back changes the order.
//!
//! What the switch itself says answers a station, not an address: it stays.

use std::collections::BTreeSet;

use codec::number::Number;

use super::{Store, Switch};
use crate::effect::Effect;
use crate::event::{Delivery, Observation};
use crate::folds::{Copy, Stage, is_notice};
use crate::network::StationIndex;
use crate::record::{Act, CopyTo, Record};

/// Copies that are moved in one record.
const MOVED_AT_ONCE: usize = 512;
/// Who does it: an operator said what, the switch does when.
const ITSELF: &str = "switch";

/// Copies of one home that are not yet where they belong.
#[derive(Debug, Default)]
pub(super) struct Moving {
    /// To be moved.
    waiting: BTreeSet<Delivery>,
    /// Moved by a record that is not durable yet.
    coming: BTreeSet<Delivery>,
}

impl Moving {
    fn first(&self) -> Option<Delivery> {
        [self.waiting.first(), self.coming.first()].into_iter().flatten().min().copied()
    }
}

impl Switch {
    /// Who gets what is new for a station.
    pub(super) fn target(&self, home: StationIndex) -> StationIndex {
        let to = self.folds.controls.diverted(home);
        to.filter(|to| self.network.at(*to).is_some()).unwrap_or(home)
    }

    /// What has to stand beside a new copy that does not go to its own station.
    pub(super) fn diverted(&self, copy: &CopyTo, home: StationIndex) -> Option<Effect> {
        let home = self.folds.name(home).filter(|home| *home != copy.station)?;
        Some(Effect::Diverted { delivery: copy.delivery, home })
    }

    /// Whether nothing goes to a station now: no link of it is up, or it is held.
    pub(super) fn is_away(&self, station: StationIndex) -> bool {
        let linked = self.stations.get(usize::from(station.0)).is_some_and(|station| !station.links.is_empty());
        !linked || self.folds.controls.is_held(station)
    }

    fn home(&self, delivery: Delivery, copy: &Copy) -> StationIndex {
        self.folds.controls.home(delivery).unwrap_or(copy.station)
    }

    /// Where a copy belongs, if not where it is.
    pub(super) fn misplaced(&self, delivery: Delivery, copy: &Copy) -> Option<StationIndex> {
        if self.folds.controls.is_plain() || is_notice(copy.flow) {
            return None;
        }
        let target = self.target(self.home(delivery, copy));
        // A home that is no longer part of the network takes nothing back.
        (target != copy.station && self.network.at(target).is_some()).then_some(target)
    }

    /// A copy waits now, or waits again: it is where it belongs, or has to move.
    pub(super) fn place(&mut self, delivery: Delivery) {
        if self.moving.is_empty() && self.folds.controls.is_plain() {
            return;
        }
        let Some(copy) = self.folds.copies.get(&delivery) else { return };
        let home = self.home(delivery, copy);
        if self.misplaced(delivery, copy).is_some() {
            let moving = self.moving.entry(home).or_default();
            moving.coming.remove(&delivery);
            moving.waiting.insert(delivery);
        } else {
            self.arrived(home, delivery);
        }
    }

    /// A copy that is settled moves no more.
    pub(super) fn forget_move(&mut self, delivery: Delivery) {
        if !self.moving.is_empty()
            && let Some(copy) = self.folds.copies.get(&delivery)
        {
            self.arrived(self.home(delivery, copy), delivery);
        }
    }

    fn arrived(&mut self, home: StationIndex, delivery: Delivery) {
        let Some(moving) = self.moving.get_mut(&home) else { return };
        if moving.waiting.remove(&delivery) | moving.coming.remove(&delivery) {
            if moving.first().is_none() {
                self.moving.remove(&home);
            }
            // Others may have waited for it.
            self.pump_due.insert(self.target(home));
        }
    }

    /// Whether a copy waits for others of its home that have not arrived.
    pub(super) fn is_gated(&self, delivery: Delivery, copy: &Copy) -> bool {
        if self.moving.is_empty() || is_notice(copy.flow) {
            return false;
        }
        let moving = self.moving.get(&self.home(delivery, copy));
        moving.and_then(Moving::first).is_some_and(|first| first <= delivery)
    }

    /// Finds what has to move because a diversion began or ended. Returns how much.
    pub(super) fn find_misplaced(&mut self, home: StationIndex) -> usize {
        self.take_back_unsent(home);
        let misplaced = |(delivery, copy): (&Delivery, &Copy)| {
            let moves = matches!(copy.stage, Stage::Unstored | Stage::Waiting | Stage::Stored)
                && self.home(*delivery, copy) == home
                && self.misplaced(*delivery, copy).is_some();
            moves.then_some(*delivery)
        };
        let waiting: BTreeSet<_> = self.folds.copies.iter().filter_map(misplaced).collect();
        let count = waiting.len();
        // What was on its way there, and belongs there no more, has to arrive before it can go on.
        let coming = self.moving.remove(&home).map(|moving| moving.coming).unwrap_or_default();
        let waiting = waiting.difference(&coming).copied().collect();
        let moving = Moving { waiting, coming };
        if moving.first().is_some() {
            self.moving.insert(home, moving);
        }
        self.pump_due.insert(home);
        self.pump_due.insert(self.target(home));
        count
    }

    /// Takes off its link what was given to one and not sent yet, because its body is still being read, and belongs elsewhere
    /// now: sent there after all, or after its link was lost, it would come after copies that follow it.
    fn take_back_unsent(&mut self, home: StationIndex) {
        let turned = |delivery: &Delivery| {
            let copy = self.folds.copies.get(delivery);
            copy.is_some_and(|copy| self.home(*delivery, copy) == home && self.misplaced(*delivery, copy).is_some())
        };
        let unsent = self.links.iter().flat_map(|(id, link)| link.unsent.iter().map(|delivery| (*id, *delivery)));
        let unsent: Vec<_> = unsent.filter(|(_, delivery)| turned(delivery)).collect();
        let mut links = BTreeSet::new();
        for (id, delivery) in unsent {
            if self.take_in_flight(id, delivery) {
                if let Some(link) = self.links.get_mut(&id) {
                    link.room = link.room.saturating_add(1);
                }
                self.requeue(delivery);
                self.index_expiries(&[delivery]);
                links.insert(id);
            }
        }
        // What followed them on their link may be here. Not before all are off it: one would go that has to turn.
        links.into_iter().for_each(|id| self.send_loaded(id));
    }

    /// Every station of which a copy is, or may be, at another.
    pub(super) fn homes(&self) -> BTreeSet<StationIndex> {
        let controls = &self.folds.controls;
        let diverted = controls.diversions().map(|(from, _)| from);
        controls.homes().chain(diverted).chain(self.moving.keys().copied()).collect()
    }

    /// Whether there is something to move that can be moved now.
    pub(super) fn has_to_move(&self) -> bool {
        self.may_move()
            && self.moving.values().any(|moving| moving.waiting.first().is_some_and(|d| self.is_movable(*d)))
    }

    fn may_move(&self) -> bool {
        !self.moving.is_empty() && self.store == Store::Open && !self.draining && !self.paused
    }

    /// Durable, and on no link.
    fn is_movable(&self, delivery: Delivery) -> bool {
        let stage = self.folds.copies.get(&delivery).map(|copy| copy.stage);
        stage.is_none_or(|stage| stage != Stage::Unstored)
    }

    /// Moves some of what has to move.
    pub(super) fn move_copies(&mut self) {
        if !self.may_move() {
            return;
        }
        for home in self.moving.keys().copied().collect::<Vec<_>>() {
            self.move_some(home);
        }
    }

    fn move_some(&mut self, home: StationIndex) {
        let target = self.target(home);
        let (Some(name), Some(to)) = (self.folds.name(home), self.folds.name(target)) else { return };
        let mut osn: Number = self.folds.last_osn(target);
        let mut effects = Vec::new();
        while effects.len() < MOVED_AT_ONCE {
            let Some(delivery) = self.moving.get(&home).and_then(|moving| moving.waiting.first().copied()) else {
                break;
            };
            if !self.is_movable(delivery) {
                break;
            }
            let moves = self.take_out(delivery);
            let Some(moving) = self.moving.get_mut(&home) else { break };
            moving.waiting.remove(&delivery);
            if moves {
                moving.coming.insert(delivery);
                osn = osn.next();
                effects.push(Effect::Moved { delivery, station: to, osn });
            }
        }
        if self.moving.get(&home).is_some_and(|moving| moving.first().is_none()) {
            self.moving.remove(&home);
            self.pump_due.insert(target);
        }
        if effects.is_empty() {
            return;
        }
        self.store_lazy();
        let act = Act {
            at: self.now.wall,
            who: ITSELF.to_owned(),
            from: String::new(),
            what: format!("move copies for {name} to {to}"),
            result: format!("{} copies", effects.len()),
            effects,
            again: Vec::new(),
            notices: Vec::new(),
        };
        self.store(Record::Act(act), None);
        self.watch_hold(home);
    }

    /// Takes a copy that waits out of the queue of the station that it waits for; false if it does not wait.
    fn take_out(&mut self, delivery: Delivery) -> bool {
        let Some(copy) = self.folds.copies.get(&delivery) else { return false };
        if !matches!(copy.stage, Stage::Waiting | Stage::Stored) || self.misplaced(delivery, copy).is_none() {
            return false;
        }
        let (index, class, expires) = (copy.station, copy.class, copy.expires);
        self.expiries.remove(&(expires, delivery));
        if let Some(station) = self.station_mut(index) {
            station.outbox.remove(class, delivery);
            station.stored.remove(&delivery);
        }
        if let Some(copy) = self.folds.copies.get_mut(&delivery) {
            copy.stage = Stage::Unstored;
        }
        if let Some(station) = self.folds.name(index) {
            self.observe(Observation::Unqueued { station, class });
        }
        true
    }

    /// What must hold of copies that move.
    #[expect(clippy::panic, reason = "it stops a test, never a switch")]
    pub(super) fn check_moving(&self) {
        for (delivery, copy) in &self.folds.copies {
            let moving = self.moving.get(&self.home(*delivery, copy));
            let waits = moving.is_some_and(|moving| moving.waiting.contains(delivery));
            let comes = moving.is_some_and(|moving| moving.coming.contains(delivery));
            let misplaced = self.misplaced(*delivery, copy).is_some();
            let queued = matches!(copy.stage, Stage::Waiting | Stage::Stored);
            assert!(
                !queued || waits == misplaced,
                "{delivery:?} is {:?}, misplaced: {misplaced}, moves: {waits}",
                copy.stage
            );
            assert!(!comes || copy.stage == Stage::Unstored, "{delivery:?} comes and is {:?}", copy.stage);
        }
        for (home, moving) in &self.moving {
            let gone = moving.waiting.iter().chain(&moving.coming).find(|d| !self.folds.copies.contains_key(d));
            if let Some(gone) = gone {
                panic!("{gone:?} of {home:?} moves and is settled");
            }
        }
    }
}
