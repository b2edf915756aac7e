//! The links of a thread: called, up, lost, called again.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use mio::{Interest, Token};

use super::super::order::Report;
use super::super::wire::{End, Wire};
use super::{Pending, RETRY_MAX, RETRY_MIN, Role, TROUBLES_MAX, Worker};
use crate::meter::Count;

impl Worker {
    /// Calls the next links whose time has come.
    pub(super) fn call(&mut self, now: Duration) {
        while self.connecting < self.plan.connecting_max && now >= self.next_call {
            let Some(Reverse((at, link))) = self.calls.peek().copied() else { return };
            if at > now {
                return;
            }
            self.calls.pop();
            if self.links.get(link).is_none_or(|link| link.wire.is_some()) {
                continue;
            }
            self.next_call = now + self.plan.call_spacing;
            match self.call_one(link, now) {
                Ok(wire) => {
                    self.connecting += 1;
                    if let Some(link) = self.links.get_mut(link) {
                        link.wire = Some(Box::new(wire));
                    }
                }
                Err(end) => {
                    self.interval.counts.add(Count::LinksFailed);
                    self.call_again(link, &end, now);
                }
            }
        }
    }

    pub(super) fn call_one(&self, at: usize, now: Duration) -> Result<Wire, End> {
        let station = self.links.get(at).and_then(|link| self.plan.stations.get(link.plan.station));
        let Some(station) = station else { return Err(End::Peer) };
        let (name, session) = (self.shared.server_name.clone(), self.shared.session.clone());
        let mut wire = Wire::call(station.address, name, Arc::clone(&station.tls), session, now)?;
        let both = Interest::READABLE.add(Interest::WRITABLE);
        self.poll.registry().register(&mut wire.stream, Token(at), both)?;
        Ok(wire)
    }

    pub(super) fn ready(&mut self, at: usize, writable: bool, now: Duration) {
        let Some(wire) = self.links.get_mut(at).and_then(|link| link.wire.as_mut()) else { return };
        let before = wire.is_proven();
        let done = if writable { wire.set_writable() } else { Ok(()) };
        let done = done.and_then(|()| wire.read(now, &mut self.buffers));
        if !before && wire.is_proven() {
            self.up(at, now);
        }
        self.drain(at, now);
        match done {
            Ok(()) => self.mark_dirty(at),
            Err(end) => self.down(at, &end, now),
        }
    }

    /// The switch has taken a link.
    pub(super) fn up(&mut self, at: usize, now: Duration) {
        let Some(link) = self.links.get_mut(at) else { return };
        let Some(wire) = &mut link.wire else { return };
        self.connecting = self.connecting.saturating_sub(1);
        self.links_up += 1;
        link.failures = 0;
        self.interval.counts.add(Count::LinksUp);
        self.interval.handshakes.record(now.saturating_sub(wire.since));
        let mut again: Vec<&Pending> = link.unacked.values().collect();
        again.sort_by_key(|pending| pending.message.id);
        self.interval.counts.add_many(Count::Resent, again.len() as u64);
        again.into_iter().for_each(|pending| wire.send(pending.message.clone()));
        if let Role::Sender(sender) = link.plan.role {
            if let Some((links, _)) = self.up.get_mut(sender) {
                links.push(at);
            }
            self.start_closed(at);
        }
    }

    /// A link is gone, or did not come up. One that is known to be gone is not gone twice.
    pub(super) fn down(&mut self, at: usize, end: &End, now: Duration) {
        let Some(link) = self.links.get_mut(at) else { return };
        let Some(mut wire) = link.wire.take() else { return };
        // It is closed next, which ends its registration in any case.
        drop(self.poll.registry().deregister(&mut wire.stream));
        if wire.is_proven() {
            self.links_up = self.links_up.saturating_sub(1);
            self.interval.counts.add(Count::LinksLost);
            if let Role::Sender(sender) = link.plan.role
                && let Some((links, _)) = self.up.get_mut(sender)
            {
                links.retain(|one| *one != at);
            }
        } else {
            self.connecting = self.connecting.saturating_sub(1);
            self.interval.counts.add(Count::LinksFailed);
        }
        self.call_again(at, end, now);
    }

    /// Tells why there is no link, and calls again after a while.
    fn call_again(&mut self, at: usize, end: &End, now: Duration) {
        let Some(link) = self.links.get_mut(at) else { return };
        let wait = (RETRY_MIN * 2_u32.saturating_pow(link.failures.min(8))).min(RETRY_MAX);
        link.failures = link.failures.saturating_add(1);
        self.troubles += 1;
        if self.troubles <= TROUBLES_MAX
            && let Some(station) = self.plan.stations.get(link.plan.station)
        {
            drop(self.reports.send(Report::Link { station: station.name.clone(), why: end.to_string() }));
        }
        self.calls.push(Reverse((now + wait, at)));
    }

    pub(super) fn mark_dirty(&mut self, at: usize) {
        if let Some(link) = self.links.get_mut(at)
            && !link.dirty
        {
            link.dirty = true;
            self.dirty.push(at);
        }
    }

    pub(super) fn write_dirty(&mut self, now: Duration) {
        while let Some(at) = self.dirty.pop() {
            let Some(link) = self.links.get_mut(at) else { continue };
            link.dirty = false;
            let Some(wire) = &mut link.wire else { continue };
            if let Err(end) = wire.write(now, &mut self.buffers) {
                self.down(at, &end, now);
            }
        }
    }
}
