//! The way out: from the queue of a station to its acknowledgement.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::num::NonZeroI64;
use std::sync::Arc;

use bytes::Bytes;
use codec::dictionary::{Body, MessageSpec};
use codec::legacy::OutputHeader;
use codec::niem;
use codec::number::Number;
use codec::ofml::{self, Marks};
use codec::time::{Stamp, Timestamp};

use super::{Link, Switch};
use crate::event::{Action, Delivery, LinkId, Observation, ReturnReason, Sequence};
use crate::folds::{Copy, Stage};
use crate::network::{Format, StationIndex};
use crate::record::{LinkChange, NoticeTo, Record};

impl Switch {
    /// Sends what waits for a station, as far as its links have room.
    pub(super) fn pump(&mut self, index: StationIndex) {
        if self.draining || self.folds.controls.is_held(index) {
            return;
        }
        if !self.has_room(index) {
            return;
        }
        let Some(station) = self.station_mut(index) else { return };
        let mut outbox = std::mem::take(&mut station.outbox);
        // Without room nothing is looked for: a long queue would be gone over for nothing.
        while self.has_room(index)
            && let Some((delivery, link)) = outbox.take_next(|delivery| self.link_for(index, delivery))
        {
            self.dispatch(delivery, link);
        }
        if let Some(station) = self.station_mut(index) {
            station.outbox = outbox;
        }
    }

    fn has_room(&self, index: StationIndex) -> bool {
        let has_room = |id: &LinkId| self.links.get(id).is_some_and(|link| link.room > 0);
        self.stations.get(usize::from(index.0)).is_some_and(|station| station.links.iter().any(has_room))
    }

    /// The link with room on which a copy may go.
    ///
    /// An answer of the switch belongs to the link that it answers; a flow stays on the link that has copies of it in
    /// flight, so that they arrive in order; everything else goes where there is the most room.
    fn link_for(&self, index: StationIndex, delivery: Delivery) -> Option<LinkId> {
        let station = self.stations.get(usize::from(index.0))?;
        let with_room = |id: &LinkId| self.links.get(id).filter(|link| link.room > 0).map(|link| (link.room, *id));
        let copy = self.folds.copies.get(&delivery)?;
        if self.is_gated(delivery, copy) {
            return None;
        }
        let reply_to = self.replies.get(&delivery).filter(|id| self.links.contains_key(id));
        if let Some(bound) = reply_to.or_else(|| self.pins.get(&(index, copy.flow)).map(|(link, _)| link)) {
            return with_room(bound).map(|(_, id)| id);
        }
        // Of links with as much room, the one that came up first.
        station.links.iter().rev().filter_map(with_room).max_by_key(|(room, _)| *room).map(|(_, id)| id)
    }

    fn dispatch(&mut self, delivery: Delivery, id: LinkId) {
        let (Some(copy), Some(link)) = (self.folds.copies.get_mut(&delivery), self.links.get_mut(&id)) else { return };
        self.expiries.remove(&(copy.expires, delivery));
        copy.stage = Stage::InFlight(id);
        let (_, pinned) = self.pins.entry((copy.station, copy.flow)).or_insert((id, 0));
        *pinned = pinned.saturating_add(1);
        link.room = link.room.saturating_sub(1);
        link.in_flight.push_back(delivery);
        link.unsent.push_back(delivery);
        let sequence = copy.sequence;
        if self.bodies.find(sequence).is_none() {
            self.load(sequence, None);
        }
        self.send_loaded(id);
    }

    /// Hands the copies of a link to it, in order, as far as their bodies are here.
    pub(super) fn send_loaded(&mut self, id: LinkId) {
        loop {
            let Some(delivery) = self.links.get(&id).and_then(|link| link.unsent.front().copied()) else { return };
            let Some(sequence) = self.folds.copies.get(&delivery).map(|copy| copy.sequence) else { return };
            let Some(record) = self.bodies.find(sequence) else { return self.load(sequence, Some(id)) };
            if let Some(link) = self.links.get_mut(&id) {
                link.unsent.pop_front();
            }
            self.send(delivery, id, &record);
        }
    }

    fn send(&mut self, delivery: Delivery, link: LinkId, record: &Record) {
        let Some(copy) = self.folds.copies.get_mut(&delivery) else { return };
        let again = copy.first_sent.is_some();
        let now = NonZeroI64::new(self.now.wall.0).unwrap_or(NonZeroI64::MIN);
        let sent = *copy.first_sent.get_or_insert(now);
        let (index, key, sequence) = (copy.station, copy.key, copy.sequence);
        let after = self.now.wall.since(copy.admitted);
        let Some(bytes) = self.encode(delivery, record, Timestamp(sent.get())) else {
            return self.observe(Observation::RecordUnreadable { sequence });
        };
        if let Some(station) = self.folds.name(index) {
            self.observe(Observation::Sent { station, key, bytes: bytes.len(), again, after });
        }
        self.actions.push_back(Action::Deliver { link, delivery, bytes });
    }

    /// A copy as its receiver gets it (`protocol-specs/wire.md` 2.3): the same bytes for the same copy and send time.
    fn encode(&self, delivery: Delivery, record: &Record, sent: Timestamp) -> Option<Bytes> {
        let stamp = |time| Stamp::at(time, self.network.limits().stamp_utc_offset);
        if let Some(notice) = record.notices().iter().find(|one| one.copy.delivery == delivery) {
            return self.encode_notice(notice, record, sent);
        }
        let (reception, copy) = record.message_of(delivery)?;
        let spec = self.dictionary.spec(reception.key?)?;
        let station = self.folds.copies.get(&delivery)?.station;
        let header = OutputHeader {
            key: spec.key,
            sender: reception.sender?,
            received: stamp(reception.at),
            isn: reception.isn,
            sent: stamp(sent),
            osn: self.folds.controls.moved(delivery).unwrap_or(copy.osn),
            destination: copy.destination.as_str(),
            control: reception.control,
        };
        self.outgoing(station, &header, spec, &spec.fold_body(reception.body()), None)
    }

    /// The one place where an output message is encoded: in the form that its receiver wants. The key's own first line
    /// comes before `body`, which is as the dictionary folds it. In OFML it has `marks`, or those of the message that the
    /// control field points to.
    fn outgoing(
        &self,
        station: StationIndex,
        header: &OutputHeader<'_>,
        spec: &MessageSpec,
        body: &[u8],
        marks: Option<&Marks>,
    ) -> Option<Bytes> {
        let index = station;
        let station = self.network.at(station)?;
        let line_end = station.line_end;
        match station.format {
            Format::Ofml => {
                let none = Marks::default();
                let marks = marks.or_else(|| self.folds.marked.find(index, header.control)).unwrap_or(&none);
                let in_fields = matches!(spec.body, Body::Fields(_));
                Some(ofml::encode(header, marks, in_fields, spec.first_line.as_deref(), body))
            }
            Format::Legacy | Format::Niem => {
                let body = match &spec.first_line {
                    Some(line) => Cow::Owned([line.as_bytes(), line_end.bytes(), body].concat()),
                    None => Cow::Borrowed(body),
                };
                Some(if station.format == Format::Niem {
                    niem::encode(header, spec, &body)
                } else {
                    header.encode(line_end, &body)
                })
            }
        }
    }

    fn encode_notice(&self, notice: &NoticeTo, record: &Record, sent: Timestamp) -> Option<Bytes> {
        let stamp = |time| Stamp::at(time, self.network.limits().stamp_utc_offset);
        let NoticeTo { copy, from, key, control, at, body } = notice;
        let delivery = copy.delivery;
        let header = OutputHeader {
            key: *key,
            sender: *from,
            received: stamp(*at),
            isn: Number::SWITCH,
            sent: stamp(sent),
            osn: self.folds.controls.moved(delivery).unwrap_or(copy.osn),
            destination: copy.destination.as_str(),
            control: *control,
        };
        // A message that was refused left no marks behind: they are in it.
        let marks =
            if let Record::Refused(refused) = record { ofml::marks_of(&refused.reception.message) } else { None };
        let station = self.folds.copies.get(&delivery)?.station;
        self.outgoing(station, &header, self.dictionary.spec(*key)?, body, marks.as_ref())
    }

    pub(super) fn room(&mut self, id: LinkId, messages: usize) {
        let Some(link) = self.links.get_mut(&id) else { return };
        // The session has not seen what still waits for its body, and perhaps not yet what was given to it last.
        let window = link.window;
        let room = messages.saturating_sub(link.unsent.len());
        let station = link.station;
        let probing = self.stations.get(usize::from(station.0)).is_some_and(|station| station.probing);
        let window = if probing { 1 } else { window };
        link.room = room.min(window.saturating_sub(link.in_flight.len()));
        self.pump(station);
    }

    pub(super) fn delivered(&mut self, id: LinkId, delivery: Delivery) {
        if !self.take_in_flight(id, delivery) {
            return;
        }
        let Some(copy) = self.settle(delivery) else { return };
        self.mark_delivered(id, delivery);
        if let Some(station) = self.station_mut(copy.station) {
            station.probing = false;
        }
        if let Some(station) = self.folds.name(copy.station) {
            let after = self.now.wall.since(copy.admitted);
            self.observe(Observation::Delivered { station, after });
        }
        self.pump(copy.station);
    }

    pub(super) fn failed(&mut self, id: LinkId, delivery: Delivery) {
        if self.take_in_flight(id, delivery) {
            self.return_copy(delivery, ReturnReason::RefusedByReceiver);
        }
    }

    pub(super) fn detached(&mut self, id: LinkId, named: Option<Delivery>, why: String) {
        let Some(link) = self.links.remove(&id) else { return };
        let Link { station: index, in_flight, unsent, from, certificate, .. } = link;
        let draining = self.draining;
        if let Some(station) = self.station_mut(index) {
            station.links.retain(|other| *other != id);
            station.probing |= !in_flight.is_empty() && !draining;
        }
        if let Some(station) = self.folds.name(index) {
            self.observe(Observation::LinkDown { link: id, station, unacknowledged: in_flight.len() });
            let at = self.now.wall;
            if self.untold.remove(&id).is_none() {
                self.store_lazily(Record::Link(LinkChange {
                    link: id,
                    station,
                    from,
                    certificate,
                    at,
                    up: false,
                    why,
                }));
            }
        }
        let in_flight = Vec::from(in_flight);
        let oldest = in_flight.first().filter(|first| !unsent.contains(first)).copied();
        let suspect = named.filter(|named| in_flight.contains(named)).or(oldest);
        let most = self.network.limits().links_lost;
        for delivery in &in_flight {
            self.unpin(*delivery);
            let lost = self.charge(*delivery, suspect == Some(*delivery));
            if lost >= most {
                self.return_copy(*delivery, ReturnReason::LinksLost);
            } else {
                self.requeue(*delivery);
            }
        }
        self.index_expiries(&in_flight);
        // Not before time was looked at: what has expired meanwhile is returned, and not sent again on another link.
        self.pump_due.insert(index);
    }

    /// Charges a lost link to the copy that it was lost on, and ends the run of the others. A link that ends
    /// because the switch ends is charged to nobody.
    fn charge(&mut self, delivery: Delivery, suspect: bool) -> u8 {
        let draining = self.draining;
        let Some(copy) = self.folds.copies.get_mut(&delivery) else { return 0 };
        if !draining {
            copy.lost = if suspect { copy.lost.saturating_add(1) } else { 0 };
        }
        copy.lost
    }

    /// A copy that was in flight waits again, at its place in the queue.
    pub(super) fn requeue(&mut self, delivery: Delivery) {
        self.place(delivery);
        let Some(copy) = self.folds.copies.get(&delivery) else { return };
        let stored = self.is_to_store(copy);
        let Some(copy) = self.folds.copies.get_mut(&delivery) else { return };
        copy.stage = if stored { Stage::Stored } else { Stage::Waiting };
        let (index, class) = (copy.station, copy.class);
        if self.network.at(index).is_none() {
            self.give_up_unless_moved(delivery);
        } else if let Some(station) = self.station_mut(index) {
            if stored {
                station.stored.insert(delivery);
            } else {
                station.outbox.insert(class, delivery);
            }
        }
    }

    pub(super) fn loaded(&mut self, sequence: Sequence, kind: u8, record: Bytes) {
        let Some(links) = self.loading.remove(&sequence) else { return };
        let bytes = record.len();
        let Ok(record) = Record::decode(kind, record) else {
            return self.observe(Observation::RecordUnreadable { sequence });
        };
        let record = Arc::new(record);
        if self.folds.queries.contains_key(&sequence) && !self.asked.contains_key(&sequence) {
            self.ask_as_recorded(sequence, Arc::clone(&record));
        }
        self.bodies.keep(sequence, record, bytes, 1);
        for (delivery, why) in self.returning.remove(&sequence).unwrap_or_default() {
            self.return_copy(delivery, why);
        }
        for link in links {
            self.send_loaded(link);
        }
    }

    /// Has a record loaded, on behalf of a link that can go on once it is here.
    pub(super) fn load(&mut self, sequence: Sequence, link: Option<LinkId>) {
        let actions = &mut self.actions;
        let links = self.loading.entry(sequence).or_insert_with(|| {
            actions.push_back(Action::Load { sequence });
            BTreeSet::new()
        });
        links.extend(link);
    }

    /// Takes a copy off the link it is in flight on; false if it is not.
    pub(super) fn take_in_flight(&mut self, id: LinkId, delivery: Delivery) -> bool {
        let Some(link) = self.links.get_mut(&id) else { return false };
        let Some(place) = link.in_flight.iter().position(|other| *other == delivery) else { return false };
        link.in_flight.remove(place);
        link.unsent.retain(|other| *other != delivery);
        self.unpin(delivery);
        true
    }

    fn unpin(&mut self, delivery: Delivery) {
        let Some(copy) = self.folds.copies.get(&delivery) else { return };
        let flow = (copy.station, copy.flow);
        if let Some((_, count)) = self.pins.get_mut(&flow) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.pins.remove(&flow);
            }
        }
    }

    /// A copy is delivered or returned: nothing waits for it any more.
    pub(super) fn settle(&mut self, delivery: Delivery) -> Option<Copy> {
        self.forget_move(delivery);
        let copy = self.folds.settle(delivery)?;
        self.bodies.release(copy.sequence);
        self.replies.remove(&delivery);
        self.expiries.remove(&(copy.expires, delivery));
        if let Some(station) = self.folds.name(copy.station) {
            self.observe(Observation::Unqueued { station, class: copy.class });
        }
        self.watch_hold(copy.station);
        Some(copy)
    }
}
