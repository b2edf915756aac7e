//! The way in: from a message on a link to a record in the journal.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use codec::dictionary::Dictionary;
use codec::name::{Control, MessageKey, Ori, StationName};
use codec::notice::{SmNumber, er_body, sm_body};
use codec::number::Number;
use codec::time::{Stamp, Timestamp};

use super::{Store, Switch};
use crate::admission::{Court, Fault, Passed, Reply, Route};
use crate::directory::Directory;
use crate::effect::{Effect, Marked};
use crate::event::{Action, Delivery, LinkId, Msn, Observation, Refusal, Sequence, Token};
use crate::folds::COPY_BYTES;
use crate::network::{DestinationState, Network, StationIndex};
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
        if self.store == Store::Full || self.draining || self.closed {
            return self.turn_away(link, token, Refusal::Temporary);
        }
        // A refused message costs an ER that waits for this very station: one that never takes them is stopped here.
        if self.folds.notices_for(station) > self.network.at(station).map_or(0, |station| station.hold_bytes) {
            return self.turn_away(link, token, Refusal::TooManyUnacknowledged);
        }
        self.store_lazy();
        let dictionary = Arc::clone(&self.dictionary);
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
            translated: None,
            body_offset: 0,
        };
        match self.court(&self.network, &dictionary).judge(station, message, &reception) {
            Ok(passed) if passed.queued.is_some() && self.asks_too_much(station) => {
                self.turn_away(link, token, Refusal::TooManyUnacknowledged);
            }
            Ok(passed) if self.asks_for_too_many(&passed) => {
                self.turn_away(link, token, Refusal::TooManyUnacknowledged);
            }
            Ok(passed) => {
                self.accept(station, reception, passed, Vec::new(), Some((link, token)));
            }
            Err(fault) => self.refuse(link, token, station, reception, &fault),
        }
    }

    /// What a message is judged by now.
    pub(super) fn court<'a, 'b>(&'b self, network: &'b Network, dictionary: &'a Dictionary) -> Court<'a, 'b> {
        Court {
            network,
            directory: Directory { network, overlay: &self.folds.overlay },
            folds: &self.folds,
            dictionary,
            today: Stamp::at(self.now.wall, network.limits().stamp_utc_offset).date(),
            row: Cell::new(0),
        }
    }

    /// The directory as it is now.
    pub(super) fn directory(&self) -> Directory<'_> {
        Directory { network: &self.network, overlay: &self.folds.overlay }
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

    fn refuse(&mut self, link: LinkId, token: Token, station: StationIndex, reception: Received, fault: &Fault) {
        let reception = Received { key: fault.key, sender: fault.sender, control: fault.control, ..reception };
        let echo_bytes = self.network.limits().echo_bytes;
        let body = er_body(fault.number, fault.key, &fault.detail, &fault.options, &reception.message, echo_bytes);
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

    /// Numbers a message that passed and writes it, with what it does besides; `accept` is acknowledged then.
    pub(super) fn accept(
        &mut self,
        station: StationIndex,
        reception: Received,
        passed: Passed<'_>,
        mut effects: Vec<Effect>,
        accept: Option<(LinkId, Token)>,
    ) -> Msn {
        let link = reception.link;
        let spec = passed.spec;
        let mut reception = reception;
        reception.key = Some(spec.key);
        reception.sender = Some(passed.sender);
        reception.control = passed.control;
        reception.translated = passed.translated.or(reception.translated);
        reception.body_offset = u32::try_from(passed.body_offset).unwrap_or(u32::MAX);
        effects.extend(Marked::of(&reception).map(Effect::Marked));
        let outcomes: Vec<_> = passed
            .routes
            .iter()
            .map(|route| {
                let target = Route { station: self.target(route.station), ..*route };
                (target, self.outcome(target, spec.key, reception.message.len()), route.station)
            })
            .collect();
        let mut draft = Draft::new(self);
        let copies: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome, _)| matches!(outcome, None | Some(SmNumber::WillForward)))
            .filter_map(|(route, _, home)| {
                let expires = draft.switch.expires(route.station, spec.hold);
                let copy = draft.copy(route.station, route.destination, passed.class, expires)?;
                effects.extend(draft.switch.diverted(&copy, *home));
                Some(copy)
            })
            .collect();
        // The switch's own SM never causes one, and neither does a station's.
        let told = outcomes.iter().any(|(_, outcome, _)| outcome.is_some());
        let numbers = if !told || Some(spec.key.as_str()) == Say::Status.key() { &[][..] } else { &TOLD };
        let mut notices = Vec::new();
        for number in numbers {
            let mut to: Vec<_> =
                outcomes.iter().filter(|(_, o, _)| *o == Some(*number)).map(|(r, ..)| r.destination).collect();
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
        let answers: Vec<_> =
            passed.answers.iter().filter_map(|answer| draft.answer(station, &reception, answer)).collect();
        for notice in &answers {
            self.replies.insert(notice.copy.delivery, link);
        }
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
        effects.extend(passed.effects);
        effects.extend(self.confirmed(msn, &reception, &copies, &passed.routes));
        let notices = notices.into_iter().map(|(notice, _)| notice).chain(queued).chain(answers).collect();
        let record = Record::Accepted(Accepted { reception, msn, copies, notices, effects });
        self.store(record, accept);
        msn
    }

    /// Whether a station has asked for as many parts of the log as it may at a time.
    fn asks_too_much(&self, station: StationIndex) -> bool {
        self.folds.queries_of(station) >= self.network.limits().log_queries
    }

    /// Row 11 of admission: nothing where the copy simply goes on, else what the sender is told.
    pub(super) fn outcome(&self, route: Route, key: MessageKey, bytes: usize) -> Option<SmNumber> {
        let away = self.is_away(route.station);
        match self.folds.state(&self.network, route.station, key) {
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
    pub(super) fn hold_is_full(&self, station: StationIndex, bytes: usize) -> bool {
        let all = self.folds.held().saturating_add(one_more(bytes));
        self.station_is_full(station, bytes) || all > self.network.limits().hold_bytes
    }

    fn station_is_full(&self, station: StationIndex, bytes: usize) -> bool {
        let own = self.folds.held_for(station).saturating_add(one_more(bytes));
        own > self.network.at(station).map_or(0, |station| station.hold_bytes)
    }

    pub(super) fn expires(&self, station: StationIndex, key_hold: Option<Duration>) -> Timestamp {
        let own = self.network.at(station).and_then(|station| station.hold);
        self.now.wall.after(own.or(key_hold).unwrap_or_else(|| self.network.limits().hold))
    }
}

/// A copy of so many bytes, as the bounds of what waits count it.
fn one_more(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(COPY_BYTES)
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
    pub(super) fn copy(
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
        self.say(station, address_of(answered)?, Ori::of_switch(), spec.key, answered.control, body)
    }

    /// An answer of one of the switch's own addresses.
    fn answer(&mut self, station: StationIndex, answered: &Received, answer: &Reply) -> Option<NoticeTo> {
        let body = Bytes::copy_from_slice(&answer.body);
        self.say(station, address_of(answered)?, answer.from, answer.key, answered.control, body)
    }

    /// What the switch says to an address of a station.
    pub(super) fn say(
        &mut self,
        station: StationIndex,
        to: StationName,
        from: Ori,
        key: MessageKey,
        control: Option<Control>,
        body: impl Into<Bytes>,
    ) -> Option<NoticeTo> {
        let spec = self.switch.dictionary.spec(key)?;
        let expires = self.switch.expires(station, spec.hold);
        let copy = self.copy(station, to, spec.priority.class(), expires)?;
        Some(NoticeTo { copy, from, key, control, at: self.switch.now.wall, body: body.into() })
    }
}

/// Whom an answer is for: the sender's ORI, or the station itself where the message names none that is the station's.
fn address_of(answered: &Received) -> Option<StationName> {
    StationName::parse(answered.sender.as_ref().map_or(answered.station.as_str(), Ori::as_str)).ok()
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
