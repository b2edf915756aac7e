//! The way in: from a message on a link to a record in the journal.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use codec::name::{MessageKey, Ori, StationName};
use codec::notice::{SmNumber, er_body, sm_body};
use codec::number::Number;
use codec::time::{Stamp, Timestamp};

use super::{Store, Switch};
use crate::admission::{Court, Fault, Passed, Route};
use crate::event::{Action, Delivery, LinkId, Msn, Observation, Refusal, Sequence, Token};
use crate::network::{DestinationState, StationIndex};
use crate::record::{Accepted, CopyTo, NoticeTo, Received, Record, Refused, Repeated};
use crate::repeats::Fingerprint;

/// What a sender can be told about its destinations, in this order.
const TOLD: [SmNumber; 3] = [SmNumber::NotSupported, SmNumber::WillForward, SmNumber::WillNotForward];

impl Switch {
    /// A message is judged, numbered and written, or turned away.
    pub(super) fn received(&mut self, link: LinkId, token: Token, validation: u32, message: &Bytes) {
        let Some(station) = self.links.get(&link).map(|link| link.station) else { return };
        let Some(name) = self.folds.name(station) else { return };
        let fingerprint = Fingerprint::of(name, validation, message);
        if let Some(fingerprint) = fingerprint
            && let Some(sequence) = self.folds.repeats.find(self.now.wall, &fingerprint)
        {
            return self.repeated(link, token, name, validation, sequence);
        }
        if self.store == Store::Full || self.draining {
            return self.turn_away(link, token, Refusal::Temporary);
        }
        // A refused message costs an ER that waits for this very station: one that never takes them is stopped here.
        if self.folds.notices_for(station) > self.network.at(station).map_or(0, |station| station.hold_bytes) {
            return self.turn_away(link, token, Refusal::TooManyUnacknowledged);
        }
        self.store_lazy();
        let (network, dictionary) = (Arc::clone(&self.network), Arc::clone(&self.dictionary));
        let court = Court {
            network: &network,
            dictionary: &dictionary,
            today: Stamp::at(self.now.wall, self.network.limits().stamp_utc_offset).date(),
        };
        let reception = Received {
            station: name,
            link,
            validation,
            fingerprint,
            isn: self.folds.next_isn(station),
            at: self.now.wall,
            key: None,
            sender: None,
            control: None,
            message: message.clone(),
            body_offset: 0,
        };
        match court.judge(station, message, &reception) {
            Ok(passed) if passed.queued.is_some() && self.asks_too_much(station) => {
                self.turn_away(link, token, Refusal::TooManyUnacknowledged);
            }
            Ok(passed) => self.accept(link, token, station, reception, &passed),
            Err(fault) => self.refuse(link, token, station, reception, &fault),
        }
    }

    pub(super) fn turn_away(&mut self, link: LinkId, token: Token, why: Refusal) {
        let Some(station) = self.links.get(&link).and_then(|link| self.folds.name(link.station)) else { return };
        self.actions.push_back(Action::Refuse { link, token, why });
        self.observe(Observation::TurnedAway { station, why });
    }

    /// A message that was received before: acknowledged again as soon as the first is on disk, and nothing else.
    fn repeated(&mut self, link: LinkId, token: Token, station: StationName, validation: u32, original: Sequence) {
        let first = self.unstored.front().map_or(Sequence(u64::MAX), |record| record.sequence);
        if original < first {
            self.actions.push_back(Action::Accept { link, token });
        } else if self.store == Store::Full {
            return self.turn_away(link, token, Refusal::Temporary);
        } else {
            let place = usize::try_from(original.0.saturating_sub(first.0)).unwrap_or(usize::MAX);
            let Some(record) = self.unstored.get_mut(place) else { return };
            debug_assert!(record.sequence == original, "what is not durable is consecutive");
            record.accepts.push((link, token));
        }
        self.observe(Observation::Repeated { station });
        self.store_lazily(Record::Repeated(Repeated { station, link, validation, original, at: self.now.wall }));
    }

    fn refuse(&mut self, link: LinkId, token: Token, station: StationIndex, reception: Received, fault: &Fault<'_>) {
        let reception = Received { key: fault.key, sender: fault.sender, control: fault.control, ..reception };
        let echo_bytes = self.network.limits().echo_bytes;
        let body = er_body(fault.number, fault.key, &fault.detail, fault.options, &reception.message, echo_bytes);
        // The dictionary has ER and SM, and the station is the network's: a notice can always be made.
        let Some(notice) = Draft::new(self).notice(station, &reception, Say::Error, body) else { return };
        self.observe(Observation::Refused {
            station: reception.station,
            key: fault.key,
            number: fault.number,
            bytes: reception.message.len(),
        });
        self.replies.insert(notice.copy.delivery, link);
        let record = Record::Refused(Refused { reception, number: fault.number.number(), notice });
        self.store(record, Some((link, token)));
    }

    fn accept(&mut self, link: LinkId, token: Token, station: StationIndex, reception: Received, passed: &Passed<'_>) {
        let spec = passed.spec;
        let reception = Received {
            key: Some(spec.key),
            sender: Some(passed.sender),
            control: passed.control,
            body_offset: u32::try_from(passed.body_offset).unwrap_or(u32::MAX),
            ..reception
        };
        let outcomes: Vec<_> = passed
            .routes
            .iter()
            .map(|route| (*route, self.outcome(*route, spec.key, reception.message.len())))
            .collect();
        let mut draft = Draft::new(self);
        let copies: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, None | Some(SmNumber::WillForward)))
            .filter_map(|(route, _)| {
                let expires = draft.switch.expires(route.station, spec.hold);
                draft.copy(route.station, route.destination, passed.class, expires)
            })
            .collect();
        // The switch's own SM never causes one, and neither does a station's.
        let numbers = if Some(spec.key.as_str()) == Say::Status.key() { &[][..] } else { &TOLD };
        let mut notices = Vec::new();
        for number in numbers {
            let mut to: Vec<_> =
                outcomes.iter().filter(|(_, o)| *o == Some(*number)).map(|(r, _)| r.destination).collect();
            to.dedup();
            if !to.is_empty() {
                let to: Vec<_> = to.iter().map(StationName::as_str).collect();
                let original = (*number == SmNumber::WillNotForward).then_some(&reception.message[..]);
                let body = sm_body(*number, &to, original, draft.switch.network.limits().echo_bytes);
                notices.extend(draft.notice(station, &reception, Say::Status, body).map(|notice| (notice, *number)));
            }
        }
        let queued = passed
            .queued
            .as_ref()
            .and_then(|body| draft.notice(station, &reception, Say::Answer, Bytes::copy_from_slice(body)));
        for (notice, number) in &notices {
            self.replies.insert(notice.copy.delivery, link);
            self.observe(Observation::Noticed { station: reception.station, number: *number });
        }
        if let Some(notice) = &queued {
            self.replies.insert(notice.copy.delivery, link);
            self.observe(Observation::LogQueried { station: reception.station });
        }
        let msn = Msn(self.folds.last_msn.0.saturating_add(1));
        self.observe(Observation::Accepted {
            station: reception.station,
            key: spec.key,
            msn,
            copies: copies.len(),
            bytes: reception.message.len(),
        });
        let notices = notices.into_iter().map(|(notice, _)| notice).chain(queued).collect();
        let record = Record::Accepted(Accepted { reception, msn, copies, notices });
        self.store(record, Some((link, token)));
    }

    /// Whether a station has asked for as many parts of the log as it may at a time.
    fn asks_too_much(&self, station: StationIndex) -> bool {
        self.folds.queries_of(station) >= self.network.limits().log_queries
    }

    /// Row 11 of admission: nothing where the copy simply goes on, else what the sender is told.
    fn outcome(&self, route: Route, key: MessageKey, bytes: usize) -> Option<SmNumber> {
        let away = self.stations.get(usize::from(route.station.0)).is_none_or(|station| station.links.is_empty());
        match self.network.state(route.station, key) {
            DestinationState::Unsupported => Some(SmNumber::NotSupported),
            DestinationState::Remove => Some(SmNumber::WillNotForward),
            // What goes on at once is bounded by its own station; only what will wait counts against the bound of all.
            DestinationState::InService if !away && !self.station_is_full(route.station, bytes) => None,
            DestinationState::InService | DestinationState::Store if self.hold_is_full(route.station, bytes) => {
                Some(SmNumber::WillNotForward)
            }
            DestinationState::InService | DestinationState::Store => Some(SmNumber::WillForward),
        }
    }

    /// Whether so many bytes more would pass the bound of a station, or of all together.
    fn hold_is_full(&self, station: StationIndex, bytes: usize) -> bool {
        let all = self.folds.waiting_bytes().saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.station_is_full(station, bytes) || all > self.network.limits().hold_bytes
    }

    fn station_is_full(&self, station: StationIndex, bytes: usize) -> bool {
        let own = self.folds.waiting_for(station).1.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        own > self.network.at(station).map_or(0, |station| station.hold_bytes)
    }

    pub(super) fn expires(&self, station: StationIndex, key_hold: Option<Duration>) -> Timestamp {
        let own = self.network.at(station).and_then(|station| station.hold);
        self.now.wall.after(own.or(key_hold).unwrap_or_else(|| self.network.limits().hold))
    }
}

/// Numbers for the copies of a record that is being made. They become the folds' when the record is stored.
pub(super) struct Draft<'a> {
    pub(super) switch: &'a Switch,
    delivery: Delivery,
    osns: Vec<(StationIndex, Number)>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(switch: &'a Switch) -> Self {
        Self { switch, delivery: switch.folds.last_delivery, osns: Vec::new() }
    }

    /// A copy for a station: the next delivery number, the station's next OSN.
    fn copy(
        &mut self,
        station: StationIndex,
        destination: StationName,
        class: u8,
        expires: Timestamp,
    ) -> Option<CopyTo> {
        let name = self.switch.folds.name(station)?;
        self.delivery = self.delivery.next();
        let drafted = self.osns.iter_mut().find(|(index, _)| *index == station);
        let osn = if let Some((_, osn)) = drafted {
            *osn = osn.next();
            *osn
        } else {
            let osn = self.switch.folds.last_osn(station).next();
            self.osns.push((station, osn));
            osn
        };
        Some(CopyTo { delivery: self.delivery, osn, station: name, destination, class, expires })
    }

    /// An answer of the switch to a message that it received: to the sender's ORI, or to the station itself where the
    /// message names none that is the station's. It goes out ahead of everything but its like.
    pub(super) fn notice(
        &mut self,
        station: StationIndex,
        answered: &Received,
        say: Say,
        body: impl Into<Bytes>,
    ) -> Option<NoticeTo> {
        let dictionary = &self.switch.dictionary;
        let key = match say.key() {
            Some(key) => MessageKey::parse(key).ok()?,
            None => dictionary.spec(answered.key?)?.answer?.key,
        };
        let spec = dictionary.spec(key)?;
        let to = answered.sender.as_ref().map_or(answered.station.as_str(), Ori::as_str);
        let expires = self.switch.expires(station, spec.hold);
        let copy = self.copy(station, StationName::parse(to).ok()?, spec.priority.class(), expires)?;
        let at = self.switch.now.wall;
        Some(NoticeTo { copy, key: spec.key, control: answered.control, at, body: body.into() })
    }
}

/// What the switch says on its own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Say {
    /// An ER.
    Error,
    /// An SM.
    Status,
    /// What the dictionary says that answers the message.
    Answer,
}

impl Say {
    /// Its key, where that is always the same.
    pub(super) const fn key(self) -> Option<&'static str> {
        match self {
            Self::Error => Some("ER"),
            Self::Status => Some("SM"),
            Self::Answer => None,
        }
    }
}
