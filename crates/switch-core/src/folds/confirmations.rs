//! Hit confirmations that were asked for and not answered (`protocol-specs/wire.md` 2.12).

use std::collections::{BTreeMap, BTreeSet};

use codec::name::Ori;
use codec::time::Timestamp;

use super::checkpoint::{In, Out, Sections};
use crate::effect::{Confirmation, ConfirmationId};
use crate::event::Msn;
use crate::limits::Confirming;
use crate::record::{confirmation, put_confirmation};

/// What is due, and what is overdue.
#[derive(Debug, Default)]
pub(crate) struct Confirmations {
    limits: Confirming,
    all: BTreeMap<ConfirmationId, Held>,
    /// Those that are not overdue, by when they are due.
    due: BTreeSet<(Timestamp, ConfirmationId)>,
    /// Those that are, by when they were due.
    overdue: BTreeSet<(Timestamp, ConfirmationId)>,
}

#[derive(Debug)]
struct Held {
    confirmation: Confirmation,
    overdue: bool,
}

impl Confirmations {
    pub(super) fn new(limits: Confirming) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Keeps to other bounds from now on.
    pub(super) fn bound(&mut self, limits: Confirming) {
        self.limits = limits;
        self.forget_oldest();
    }

    /// A request takes the place of an earlier one of the same pair for the same record and case.
    pub(super) fn asked(&mut self, confirmation: &Confirmation) {
        let Confirmation { id, record, case, .. } = confirmation;
        let same = |held: &&Confirmation| held.record == *record && held.case == *case;
        let before: Vec<_> = self.of_pair(id.asked, id.asker).filter(same).map(|held| held.id).collect();
        before.iter().for_each(|id| self.remove(id));
        let held: Vec<_> =
            self.held_of_pair(id.asked, id.asker).map(|held| (held.confirmation.id, held.overdue)).collect();
        let surplus = held.len().saturating_add(1).saturating_sub(self.limits.of_pair);
        let overdue = held.into_iter().filter(|(_, overdue)| *overdue).take(surplus);
        overdue.for_each(|(id, _)| self.remove(&id));
        self.insert(confirmation.clone(), false);
    }

    pub(super) fn answered(&mut self, id: &ConfirmationId) {
        self.remove(id);
    }

    pub(super) fn extended(&mut self, id: &ConfirmationId, due: Timestamp) {
        if let Some(held) = self.all.get(id) {
            let confirmation = Confirmation { due, ..held.confirmation.clone() };
            self.remove(id);
            self.insert(confirmation, false);
        }
    }

    pub(super) fn overdue(&mut self, id: &ConfirmationId) {
        if let Some(held) = self.all.get(id) {
            let confirmation = held.confirmation.clone();
            self.remove(id);
            self.insert(confirmation, true);
        }
        self.forget_oldest();
    }

    /// Of the overdue ones, those that are too many.
    fn forget_oldest(&mut self) {
        while self.overdue.len() > self.limits.overdue {
            let Some((_, oldest)) = self.overdue.first().copied() else { break };
            self.remove(&oldest);
        }
    }

    fn insert(&mut self, confirmation: Confirmation, overdue: bool) {
        let (id, due) = (confirmation.id, confirmation.due);
        if overdue {
            self.overdue.insert((due, id))
        } else {
            self.due.insert((due, id))
        };
        self.all.insert(id, Held { confirmation, overdue });
    }

    fn remove(&mut self, id: &ConfirmationId) {
        if let Some(held) = self.all.remove(id) {
            let place = (held.confirmation.due, *id);
            if held.overdue {
                self.overdue.remove(&place)
            } else {
                self.due.remove(&place)
            };
        }
    }

    /// What one asker has open with one asked, overdue or not, in the order of the requests.
    pub(crate) fn of_pair(&self, asked: Ori, asker: Ori) -> impl Iterator<Item = &Confirmation> {
        self.held_of_pair(asked, asker).map(|held| &held.confirmation)
    }

    /// How many of those are not overdue.
    pub(crate) fn due_of_pair(&self, asked: Ori, asker: Ori) -> usize {
        self.held_of_pair(asked, asker).filter(|held| !held.overdue).count()
    }

    fn held_of_pair(&self, asked: Ori, asker: Ori) -> impl Iterator<Item = &Held> {
        let bound = |msn| ConfirmationId { asked, asker, msn };
        self.all.range(bound(Msn(0))..=bound(Msn(u64::MAX))).map(|(_, held)| held)
    }

    pub(crate) fn find(&self, id: &ConfirmationId) -> Option<&Confirmation> {
        self.all.get(id).map(|held| &held.confirmation)
    }

    /// The one that is due first.
    pub(crate) fn next_due(&self) -> Option<(Timestamp, ConfirmationId)> {
        self.due.first().copied()
    }

    /// Those that are not overdue.
    pub(crate) fn open(&self) -> usize {
        self.due.len()
    }

    /// Those that are.
    pub(crate) fn overdue_count(&self) -> usize {
        self.overdue.len()
    }

    /// All of them, those that are or were due first before the others; and whether they are overdue.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Confirmation, bool)> {
        let ids = self.overdue.iter().chain(&self.due);
        ids.filter_map(|(_, id)| self.all.get(id)).map(|held| (&held.confirmation, held.overdue))
    }

    /// Whether the indices say what is there.
    pub(crate) fn adds_up(&self) -> bool {
        self.all.len() == self.due.len().saturating_add(self.overdue.len())
            && self.all.iter().all(|(id, held)| {
                let index = if held.overdue { &self.overdue } else { &self.due };
                held.confirmation.id == *id && index.contains(&(held.confirmation.due, *id))
            })
            && self.overdue.len() <= self.limits.overdue
    }

    pub(super) fn put<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.count(self.all.len());
        for held in self.all.values() {
            out.bytes(&[u8::from(held.overdue)]);
            out.record(|out| put_confirmation(out, &held.confirmation));
            out.end_entry()?;
        }
        Ok(())
    }

    pub(super) fn read(input: &mut In<'_>, limits: Confirming) -> Option<Self> {
        let mut confirmations = Self::new(limits);
        for _ in 0..input.count(2)? {
            let overdue = match input.array()? {
                [0] => false,
                [1] => true,
                _ => return None,
            };
            confirmations.insert(input.record(confirmation)?, overdue);
        }
        input.end()?;
        confirmations.forget_oldest();
        Some(confirmations)
    }
}

#[cfg(test)]
mod tests {
    use codec::name::StationName;

    use super::*;

    fn request(msn: u64, case: &str) -> Confirmation {
        let (asked, asker) = (Ori::parse("ZB0010000").unwrap(), Ori::parse("ZA0010000").unwrap());
        let station = StationName::parse("ZA").unwrap();
        Confirmation {
            id: ConfirmationId { asked, asker, msn: Msn(msn) },
            asker_station: station,
            asked_station: station,
            record: "NONE".to_owned(),
            case: case.to_owned(),
            control: None,
            request: 1,
            urgent: false,
            at: Timestamp(0),
            due: Timestamp(i64::try_from(msn).unwrap()),
        }
    }

    #[test]
    fn a_request_takes_the_place_of_the_same_and_overdue_ones_make_room() {
        let mut open = Confirmations::default();
        open.asked(&request(1, "A"));
        open.asked(&request(2, "A"));
        assert_eq!((open.open(), open.next_due().unwrap().1.msn), (1, Msn(2)));
        let most = u64::try_from(Confirming::default().of_pair).unwrap();
        (3..most + 2).for_each(|msn| open.asked(&request(msn, &msn.to_string())));
        assert_eq!(open.open(), open.limits.of_pair);
        open.overdue(&request(2, "A").id);
        open.asked(&request(9_999, "B"));
        assert!(open.find(&request(2, "A").id).is_none(), "the overdue one made room");
        assert_eq!((open.open(), open.iter().count()), (open.limits.of_pair, open.limits.of_pair));
        assert!(open.adds_up());
    }

    #[test]
    fn what_is_put_off_is_due_again() {
        let mut open = Confirmations::default();
        let id = request(7, "A").id;
        open.asked(&request(7, "A"));
        open.overdue(&id);
        assert_eq!((open.next_due(), open.iter().next().unwrap().1), (None, true));
        open.extended(&id, Timestamp(99));
        assert_eq!((open.next_due(), open.iter().next().unwrap().1), (Some((Timestamp(99), id)), false));
        open.answered(&id);
        assert!(open.adds_up() && open.iter().next().is_none());
    }
}
