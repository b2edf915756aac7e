//! What comes over a thread's links, and what it means.

use std::time::Duration;

use bytes::Bytes;
use codec::legacy::{Output, parse_output};
use codec::name::Ori;
use codec::notice::SmNumber;
use session::{Event, Failure, Outgoing};

use super::super::order::{Follow, Order};
use super::super::wire::End;
use super::{Pending, REPEAT, REPLY, Role, Worker};
use crate::control::Mark;
use crate::matcher::{Arrival, Loss, Moment, Refusal};
use crate::meter::{Count, Stage};

impl Worker {
    /// Handles all that a link's session has to tell.
    pub(super) fn drain(&mut self, at: usize, now: Duration) {
        let mut events = std::mem::take(&mut self.events);
        while let Some(wire) = self.links.get_mut(at).and_then(|link| link.wire.as_mut()) {
            while let Some(event) = wire.poll_event() {
                if let Event::Received { token, .. } = &event {
                    wire.accept(*token);
                }
                events.push(event);
            }
            if events.is_empty() {
                break;
            }
            for event in events.drain(..) {
                self.handle(at, event, now);
            }
        }
        self.events = events;
    }

    pub(super) fn handle(&mut self, at: usize, event: Event, now: Duration) {
        match event {
            Event::Received { validation, bytes, .. } => self.received(at, validation, &bytes, now),
            Event::Delivered { id } => self.acked(at, id, now),
            Event::Failed { id, why: Failure::Permanent(_) } => {
                if let Some(link) = self.links.get_mut(at) {
                    link.unacked.remove(&id);
                }
                self.interval.counts.add(Count::Nacked);
                if id & (REPLY | REPEAT) == 0 {
                    let mark = Mark { shard: self.plan.shard, number: id };
                    let moment = self.shared.table(mark).and_then(|mut table| table.nacked(id, now));
                    if let Some(moment) = moment {
                        self.finished(mark.shard, &moment);
                    }
                }
            }
            Event::Closed { why } => self.down(at, &End::Session(why), now),
            Event::Room { .. } | Event::Ready | Event::NotReady => {}
        }
    }

    pub(super) fn acked(&mut self, at: usize, id: u64, now: Duration) {
        let Some(link) = self.links.get_mut(at) else { return };
        let Some(Pending { message, repeat }) = link.unacked.remove(&id) else { return };
        if id & REPEAT != 0 {
            self.interval.counts.add(Count::RepeatsAcked);
        } else if id & REPLY != 0 {
            self.interval.counts.add(Count::RepliesAcked);
        } else {
            self.interval.counts.add(Count::Acked);
            if repeat {
                let again = Outgoing { id: id | REPEAT, ..message };
                self.interval.counts.add(Count::Repeats);
                link.unacked.insert(again.id, Pending { message: again.clone(), repeat: false });
                if let Some(wire) = &mut link.wire {
                    wire.send(again);
                }
            }
            let mark = Mark { shard: self.plan.shard, number: id };
            let moment = self.shared.table(mark).and_then(|mut table| table.acked(id, now));
            if let Some(moment) = moment {
                self.record(Stage::Ack, &moment);
                if self.closed.is_some_and(|closed| closed.follow == Follow::Acknowledged) {
                    self.refill.push(moment.link);
                }
                self.finished(mark.shard, &moment);
            }
        }
    }

    pub(super) fn received(&mut self, at: usize, validation: u32, bytes: &Bytes, now: Duration) {
        self.interval.counts.add_many(Count::BytesReceived, bytes.len() as u64);
        let station = self.links.get(at).map_or(0, |link| link.plan.station);
        if self.seen.get_mut(station).is_some_and(|seen| seen.saw(validation)) {
            self.interval.counts.add(Count::Redelivered);
            return;
        }
        let Ok(output) = parse_output(bytes) else {
            self.interval.counts.add(Count::Foreign);
            return;
        };
        let mark = output.control.as_ref().and_then(|control| self.shared.run.read(control));
        if output.sender.as_str() == Ori::SWITCH && self.notice(&output, mark, now) {
            return;
        }
        match mark {
            Some(mark) if self.plan.our_oris.contains(&output.sender) => self.delivered(at, mark, &output, now),
            Some(mark) => self.answered(mark, now),
            None => self.interval.counts.add(Count::Foreign),
        }
    }

    /// Handles what the switch itself says; false if that is no ER and no SM.
    pub(super) fn notice(&mut self, output: &Output<'_>, mark: Option<Mark>, now: Duration) -> bool {
        let Some(number) = notice_number(output.body) else { return false };
        let er = match output.key.as_str() {
            "ER" => {
                *self.interval.counts.er.entry(number).or_default() += 1;
                Some(number)
            }
            "SM" => {
                *self.interval.counts.sm.entry(number).or_default() += 1;
                if number == SmNumber::WillForward.number() {
                    return true;
                }
                None
            }
            _ => return false,
        };
        let refusal = mark.and_then(|mark| Some((mark, self.shared.table(mark)?.refused(mark.number, er, now))));
        let (count, moment) = match refusal {
            Some((mark, Refusal::Expected(moment))) => (Count::RefusedRightly, Some((mark, moment))),
            Some((mark, Refusal::OtherNumber(moment))) => (Count::RefusedOtherwise, Some((mark, moment))),
            Some((mark, Refusal::Unexpected(moment))) => (Count::Refused, Some((mark, moment))),
            Some((_, Refusal::Gone)) | None => (Count::Refused, None),
        };
        self.interval.counts.add(count);
        if let Some((mark, moment)) = moment {
            self.finished(mark.shard, &moment);
        }
        true
    }

    pub(super) fn answered(&mut self, mark: Mark, now: Duration) {
        let Some(arrival) = self.shared.table(mark).map(|mut table| table.answered(mark.number, now)) else { return };
        match arrival {
            Arrival::Due { nth, of, moment } => {
                self.interval.counts.add(Count::Answers);
                if nth == 1 {
                    self.record(Stage::First, &moment);
                }
                if nth == of {
                    self.interval.counts.add(Count::Answered);
                    self.record(Stage::Final, &moment);
                }
                self.finished(mark.shard, &moment);
            }
            Arrival::Extra => self.interval.counts.add(Count::Extra),
            Arrival::Late => self.interval.counts.add(Count::Late),
        }
    }

    pub(super) fn delivered(&mut self, at: usize, mark: Mark, output: &Output<'_>, now: Duration) {
        let Some(arrival) = self.shared.table(mark).map(|mut table| table.delivered(mark.number, now)) else { return };
        match arrival {
            Arrival::Due { nth, of, moment } => {
                self.interval.counts.add(Count::Delivered);
                if nth == of {
                    self.record(Stage::Delivery, &moment);
                }
                self.reply(at, output);
                self.finished(mark.shard, &moment);
            }
            Arrival::Extra => self.interval.counts.add(Count::Extra),
            Arrival::Late => self.interval.counts.add(Count::Late),
        }
    }

    pub(super) fn reply(&mut self, at: usize, output: &Output<'_>) {
        let Some(Role::Receiver(receiver)) = self.links.get(at).map(|link| link.plan.role) else { return };
        let Some(replies) = self.plan.replies.get(receiver) else { return };
        let replies: Vec<Bytes> = replies.to(output.key, output.sender.as_str(), output.control).collect();
        for bytes in replies {
            self.interval.counts.add(Count::Replies);
            self.next_reply += 1;
            self.hand_over(at, self.next_reply | REPLY, bytes, false);
        }
    }

    pub(super) fn record(&mut self, stage: Stage, moment: &Moment) {
        self.interval.record(stage, moment.latency);
        if moment.window != 0 && moment.window == self.window.number {
            self.latencies.record(moment.kind, stage, moment.latency);
        }
    }

    /// In a closed loop the next message follows one that is done.
    pub(super) fn finished(&mut self, shard: usize, moment: &Moment) {
        if !moment.done || self.closed.is_none_or(|closed| closed.follow != Follow::Done) {
            return;
        }
        if shard == self.plan.shard {
            self.refill.push(moment.link);
        } else if let Some(door) = self.doors.get(shard) {
            door.tell(Order::Done { link: moment.link });
        }
    }

    /// A message was given up. What did not come of it took at least as long as it was waited for, and is recorded so:
    /// left out, a switch that loses the slow ones would look fast.
    pub(super) fn lost(&mut self, loss: &Loss) {
        let counts = &mut self.interval.counts;
        counts.add_many(Count::LostAcks, loss.ack.into());
        counts.add_many(Count::LostAnswers, loss.answers.into());
        counts.add_many(Count::LostDeliveries, loss.deliveries.into());
        counts.add_many(Count::LostRefusals, loss.refusal.into());
        for (stage, missing) in
            [(Stage::Ack, loss.ack), (Stage::Final, loss.answers > 0), (Stage::Delivery, loss.deliveries > 0)]
        {
            if missing && loss.moment.window != 0 && loss.moment.window == self.window.number {
                self.latencies.record(loss.moment.kind, stage, loss.moment.latency);
            }
        }
        self.finished(self.plan.shard, &loss.moment);
    }
}

/// The number at the beginning of an ER's or SM's body: `.02. USER OUT OF SERVICE …`.
fn notice_number(body: &[u8]) -> Option<u8> {
    match body {
        [b'.', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b'.', ..] => Some((tens - b'0') * 10 + (ones - b'0')),
        _ => None,
    }
}
