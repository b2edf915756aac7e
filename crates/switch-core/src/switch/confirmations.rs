//! The clock of hit confirmations (`protocol-specs/wire.md` 2.12): a YQ asks, a YR answers or asks for more time, and what is
//! not answered in time is told to both parties, once.

use std::time::Duration;

use codec::dictionary::{confirmation as prefix, span};
use codec::legacy::fields;
use codec::name::{Control, MessageKey, Ori, StationName};
use codec::time::{Stamp, Timestamp};

use super::intake::Draft;
use super::{Store, Switch};
use crate::admission::{Passed, Route};
use crate::effect::{Confirmation, ConfirmationId, Effect};
use crate::event::{Msn, Observation};
use crate::record::{CopyTo, NoticeTo, Overdue, Received, Record};

/// Overdue ones that one call tells of, so that a long outage does not hold up everything else.
const OVERDUE_AT_ONCE: usize = 64;

const ASK: &str = "YQ";
const ANSWER: &str = "YR";

/// What a body says of a confirmation.
#[derive(Debug, Default)]
struct Told {
    record: String,
    case: String,
    request: u8,
    urgent: bool,
    /// How much more time is needed; none where the answer is one.
    more: Option<Duration>,
}

impl Told {
    fn of(body: &[u8]) -> Self {
        let (mut told, mut waits, mut more) = (Self::default(), false, None);
        for field in fields(body).flatten() {
            let value = field.value.to_ascii_uppercase();
            match field.prefix.to_ascii_uppercase().as_str() {
                prefix::RECORD => told.record = value,
                prefix::CASE => told.case = value,
                prefix::REQUEST => told.request = value.parse().unwrap_or(1),
                prefix::PRIORITY => told.urgent = value == prefix::URGENT,
                prefix::RESULT => waits = value == prefix::MORE_TIME,
                prefix::TIME => more = span(&value),
                _ => {}
            }
        }
        told.more = more.filter(|_| waits);
        told
    }
}

impl Switch {
    /// Whether so many confirmations are open that no more can be asked for.
    pub(super) fn asks_for_too_many(&self, passed: &Passed<'_>) -> bool {
        let (open, limits) = (&self.folds.confirmations, &self.network.limits().confirmations);
        passed.spec.key.as_str() == ASK
            && (open.open() >= limits.open
                || addresses(passed.routes.iter().map(|route| route.destination))
                    .any(|asked| open.due_of_pair(asked, passed.sender) >= limits.of_pair))
    }

    /// What a message means for the confirmations that are open. Of a YQ, those count that are asked of who gets a copy.
    pub(super) fn confirmed(&self, msn: Msn, reception: &Received, copies: &[CopyTo], routes: &[Route]) -> Vec<Effect> {
        let (Some(key), Some(sender)) = (reception.key, reception.sender) else { return Vec::new() };
        match key.as_str() {
            ASK => self.asked(msn, sender, reception, copies),
            ANSWER => {
                let told = Told::of(reception.body());
                let askers = addresses(routes.iter().map(|route| route.destination));
                askers.filter_map(|asker| self.answered(sender, asker, reception.control, &told)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn asked(&self, msn: Msn, asker: Ori, reception: &Received, copies: &[CopyTo]) -> Vec<Effect> {
        let Told { record, case, request, urgent, .. } = Told::of(reception.body());
        let limits = &self.network.limits().confirmations;
        let due = reception.at.after(if urgent { limits.urgent } else { limits.routine });
        let of_copy = |copy: &CopyTo| {
            let asked = Ori::parse(copy.destination.as_str()).ok()?;
            Some(Effect::Asked(Confirmation {
                id: ConfirmationId { asked, asker, msn },
                asker_station: reception.station,
                asked_station: copy.station,
                record: record.clone(),
                case: case.clone(),
                control: reception.control,
                request,
                urgent,
                at: reception.at,
                due,
            }))
        };
        copies.iter().filter_map(of_copy).collect()
    }

    /// The answer to a request of the same record and case, else to one with the same control field.
    fn answered(&self, asked: Ori, asker: Ori, control: Option<Control>, told: &Told) -> Option<Effect> {
        let open = || self.folds.confirmations.of_pair(asked, asker);
        let same = |one: &&Confirmation| one.record == told.record && one.case == told.case;
        let found = open().find(same);
        let found = found.or_else(|| open().find(|one| control.is_some() && one.control == control))?;
        Some(match told.more {
            None => Effect::Answered(found.id),
            Some(more) => Effect::Extended { id: found.id, due: self.now.wall.after(more) },
        })
    }

    /// Tells of what was not answered in time. Nothing is told while that could not be made durable.
    pub(super) fn tell_overdue(&mut self) {
        if self.store == Store::Full || self.draining || self.paused {
            return;
        }
        for _ in 0..OVERDUE_AT_ONCE {
            let Some((due, id)) = self.folds.confirmations.next_due() else { return };
            if due > self.now.wall {
                return;
            }
            let Some(confirmation) = self.folds.confirmations.find(&id).cloned() else { return };
            let notices = self.notices_of_overdue(&confirmation);
            let Confirmation { asked_station: station, urgent, .. } = confirmation;
            self.observe(Observation::Overdue { station, urgent });
            self.store_lazy();
            self.store(Record::Overdue(Overdue { id, at: self.now.wall, notices }), None);
        }
    }

    /// SM to who asked and to who was asked, wherever they are served now.
    fn notices_of_overdue(&self, confirmation: &Confirmation) -> Vec<NoticeTo> {
        let Confirmation { id, record, case, request, urgent, at, .. } = confirmation;
        let asked_at = Stamp::at(*at, self.network.limits().stamp_utc_offset);
        let body = format!(
            "HIT CONFIRMATION NOT ANSWERED IN TIME\r\n\
             REQUEST {request} PRI {} OF {asked_at} BY {} TO {}\r\n\
             NIC {record} OCA {case}\r\n",
            if *urgent { "U" } else { "R" },
            id.asker,
            id.asked,
        );
        let Ok(key) = MessageKey::parse("SM") else { return Vec::new() };
        let mut draft = Draft::new(self);
        let parties = [(id.asker, confirmation.asker_station), (id.asked, confirmation.asked_station)];
        let to = |(ori, station): (Ori, StationName)| {
            let index = self.directory().serving(ori).or_else(|| self.network.index(station))?;
            let address = StationName::parse(ori.as_str()).ok()?;
            draft.say(index, address, Ori::of_switch(), key, confirmation.control, body.clone())
        };
        parties.into_iter().filter_map(to).collect()
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.folds.confirmations.next_due().map(|(due, _)| due)
    }
}

fn addresses(names: impl Iterator<Item = StationName>) -> impl Iterator<Item = Ori> {
    names.filter_map(|name| Ori::parse(name.as_str()).ok())
}
