//! The way back: a copy that cannot be delivered goes to the dead letters, and its sender is told
//! (`protocol-specs/wire.md` 2.7).

use codec::notice::{SmNumber, sm_body};

use super::intake::{Draft, Say};
use super::{Store, Switch};
use crate::event::{Delivery, Observation, ReturnReason};
use crate::folds::{Stage, is_notice};
use crate::record::{NoticeTo, Record, Returned};

/// Expired copies that one call returns at the most, so that a long outage does not hold up everything else.
const EXPIRED_AT_ONCE: usize = 256;

impl Switch {
    /// Returns what has waited long enough. Nothing is returned while that could not be made durable.
    pub(super) fn expire(&mut self) {
        if self.store == Store::Full || self.draining || self.paused {
            return;
        }
        for _ in 0..EXPIRED_AT_ONCE {
            let Some((expires, delivery)) = self.expiries.first().copied() else { return };
            if expires > self.now.wall || self.loads_enough() {
                return;
            }
            self.expiries.remove(&(expires, delivery));
            let gone = self.folds.copies.get(&delivery).is_none_or(|copy| self.network.at(copy.station).is_none());
            self.return_copy(delivery, if gone { ReturnReason::StationGone } else { ReturnReason::Expired });
        }
    }

    /// Whether so many records are being loaded that nothing more is returned before one of them is here: until then there is
    /// nothing to do when time passes.
    pub(super) fn loads_enough(&self) -> bool {
        self.loading.len() >= EXPIRED_AT_ONCE
    }

    /// Moves a copy that is not in flight to the dead letters and tells its sender, in one record. The switch's own
    /// messages and a station's SM go to the dead letters without a word.
    pub(super) fn return_copy(&mut self, delivery: Delivery, why: ReturnReason) {
        let Some(copy) = self.folds.copies.get_mut(&delivery) else { return };
        let (index, class, sequence, key) = (copy.station, copy.class, copy.sequence, copy.key);
        let own = is_notice(copy.flow);
        copy.stage = Stage::Returning;
        if let Some(station) = self.station_mut(index) {
            station.outbox.remove(class, delivery);
            station.stored.remove(&delivery);
        }
        let silent = own || Some(key.as_str()) == Say::Status.key();
        let notice = if silent {
            None
        } else {
            let Some(record) = self.bodies.find(sequence) else {
                self.returning.entry(sequence).or_default().push((delivery, why));
                return self.load(sequence, None);
            };
            self.notice_of_return(&record, delivery)
        };
        self.store_lazy();
        if let Some(notice) = &notice {
            self.observe(Observation::Noticed { station: notice.copy.station, number: SmNumber::WillNotForward });
        }
        let Some(station) = self.folds.name(index) else { return };
        self.observe(Observation::Returned { station, why });
        self.settle(delivery);
        let returned = Returned { delivery, station, original: sequence, at: self.now.wall, why, notice };
        self.store(Record::Returned(returned), None);
    }

    /// SM 04 to the sender of a message; nothing where the sender's station is no longer part of the network.
    fn notice_of_return(&self, record: &Record, delivery: Delivery) -> Option<NoticeTo> {
        let (reception, copy) = record.message_of(delivery)?;
        let destination = copy.destination;
        let echo_bytes = self.network.limits().echo_bytes;
        let original = Some(&reception.message[..]);
        let body = sm_body(SmNumber::WillNotForward, &[destination.as_str()], original, echo_bytes);
        Draft::new(self).notice(self.network.index(reception.station)?, reception, Say::Status, body)
    }
}
