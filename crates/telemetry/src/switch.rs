//! What the switch says, as metrics and log lines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use codec::name::{MessageKey, StationName};
use link::listener::{ListenerEvent, UntilThen};
use prometheus::{IntCounter, IntGauge};
use switch_core::{Observation, Refusal};
use tracing::{debug, error, info, warn};

use crate::metrics::Metrics;

/// Turns what the switch and its listener say into metrics and log lines. The children of labeled metrics are looked up
/// once and kept.
#[derive(Debug)]
pub struct SwitchTelemetry {
    metrics: Arc<Metrics>,
    stations: Mutex<HashMap<StationName, Arc<Station>>>,
    accepted: Mutex<HashMap<MessageKey, IntCounter>>,
}

/// The metrics of one station.
#[derive(Debug)]
struct Station {
    queued: IntCounter,
    unqueued: IntCounter,
    sent: IntCounter,
    sent_again: IntCounter,
    delivered: IntCounter,
    links: IntGauge,
}

/// The label of what holds for all stations together; no station's name has such letters.
const ALL_STATIONS: &str = "all";

impl SwitchTelemetry {
    /// Feeds those metrics.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, stations: Mutex::default(), accepted: Mutex::default() }
    }

    /// The core observed something.
    pub fn observe(&self, observation: &Observation) {
        let metrics = &self.metrics;
        match observation {
            Observation::LinkUp { link, station } => {
                self.station(*station).links.inc();
                info!(link = link.0, %station, "a link is up");
            }
            Observation::LinkDown { link, station, unacknowledged } => {
                self.station(*station).links.dec();
                info!(link = link.0, %station, unacknowledged, "a link is gone");
            }
            Observation::Stranger { link, station } => {
                warn!(link = link.0, %station, "a station that the network does not have is turned away");
            }
            Observation::Accepted { station, key, msn, copies, bytes } => {
                self.accepted(*key).inc();
                metrics.received_bytes.inc_by(*bytes as u64);
                debug!(%station, %key, msn = msn.0, copies, bytes, "a message was accepted");
            }
            Observation::Refused { station, key, number, bytes } => {
                let number = format!("{:02}", number.number());
                metrics.refused.with_label_values(&[number.as_str()]).inc();
                metrics.received_bytes.inc_by(*bytes as u64);
                debug!(%station, key = key.as_ref().map_or("", MessageKey::as_str), number, "a message was refused");
            }
            Observation::Repeated { station } => {
                metrics.repeated.inc();
                debug!(%station, "a message came again");
            }
            Observation::TurnedAway { station, why } => {
                let reason = match why {
                    Refusal::Temporary => "not_durable",
                    Refusal::TooManyUnacknowledged => "too_many_unacknowledged",
                };
                metrics.turned_away.with_label_values(&[reason]).inc();
                debug!(%station, reason, "a message got a negative ack");
            }
            Observation::LogQueried { station } => {
                metrics.log_queries.inc();
                debug!(%station, "a station searches the log");
            }
            Observation::LogAnswered { station, bytes, after } => {
                metrics.log_answers.inc();
                debug!(%station, bytes, ?after, "a log query was answered");
            }
            Observation::Noticed { station, number } => {
                let number = format!("{:02}", number.number());
                metrics.notices.with_label_values(&[number.as_str()]).inc();
                debug!(%station, number, "a sender is told about its destination");
            }
            Observation::Queued { station, class: _ } => self.station(*station).queued.inc(),
            Observation::Unqueued { station, class: _ } => self.station(*station).unqueued.inc(),
            Observation::Sent { station, key, bytes, again } => {
                let of = self.station(*station);
                if *again { &of.sent_again } else { &of.sent }.inc();
                metrics.sent_bytes.inc_by(*bytes as u64);
                debug!(%station, %key, bytes, again, "a copy was sent");
            }
            Observation::Delivered { station, after } => {
                self.station(*station).delivered.inc();
                metrics.delivery_seconds.observe(after.as_secs_f64());
            }
            Observation::Returned { station, why } => {
                metrics.returned.with_label_values(&[why.as_str()]).inc();
                warn!(%station, reason = %why, "a copy went to the dead letters");
            }
            Observation::HoldAlarm { station, raised } => {
                let name = station.as_ref().map_or(ALL_STATIONS, StationName::as_str);
                metrics.hold_alarm.with_label_values(&[name]).set(i64::from(*raised));
                if *raised {
                    error!(station = name, "more than 80 % of what may wait waits: see which station is away");
                } else {
                    info!(station = name, "what waits is back below 80 % of its bound");
                }
            }
            Observation::Commanded { .. }
            | Observation::Held { .. }
            | Observation::Diverted { .. }
            | Observation::Drains { .. } => metrics.operators.observe(observation),
            Observation::Restated { station } => info!(%station, "what happens to messages for a station was changed"),
            Observation::Overdue { station, urgent } => {
                metrics.overdue.with_label_values(&[if *urgent { "urgent" } else { "routine" }]).inc();
                warn!(%station, urgent, "a hit confirmation was not answered in time");
            }
            Observation::Reloaded => info!("the configuration was read again and holds"),
            Observation::StoreFull => {
                metrics.store_full.set(1);
                error!("nothing can be made durable: senders are told to come again; make room on the disk");
            }
            Observation::StoreOpen => {
                metrics.store_full.set(0);
                info!("messages are durable again");
            }
            Observation::RecordUnreadable { sequence } => {
                error!(record = sequence.0, "the journal holds a record that is not the switch's");
            }
        }
    }

    /// The listener observed something.
    pub fn listen(&self, event: &ListenerEvent) {
        let metrics = &self.metrics;
        match event {
            ListenerEvent::HandshakeFailed { address, why } => {
                metrics.handshake_failures.with_label_values(&[why.label()]).inc();
                debug!(%address, reason = why.label(), "a connection did not become a link");
            }
            ListenerEvent::Accepted { peer } => {
                debug!(station = %peer.station, serial = %peer.serial, address = %peer.address, "a station has proven itself");
            }
            ListenerEvent::Closed { peer, why } => {
                metrics.links_closed.with_label_values(&[why.label()]).inc();
                info!(station = %peer.station, address = %peer.address, reason = %why, "a link was closed");
            }
            ListenerEvent::AcceptFailed { error, pause } => {
                error!(%error, ?pause, "no connection can be taken: see the limit of open files");
            }
            ListenerEvent::Reloaded { crl_until, revoked } => {
                self.revocations_until(crl_until.as_millisecond());
                info!(%crl_until, revoked, "certificates and revocations were read");
            }
            ListenerEvent::ReloadFailed { error, until_then } => {
                if *until_then == UntilThen::Refuses {
                    metrics.revocations_until.set(0.0);
                }
                error!(
                    error = error as &dyn std::error::Error,
                    ?until_then,
                    "certificates or revocations cannot be used"
                );
            }
        }
    }

    /// So many dead letters are at hand.
    pub fn dead_letters(&self, count: usize) {
        self.metrics.operators.dead_letters(count);
    }

    /// When the revocation list in use runs out, in milliseconds since 1970.
    pub fn revocations_until(&self, milliseconds: i64) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; years from now it is still exact")]
        self.metrics.revocations_until.set(milliseconds as f64 / 1000.0);
    }

    fn station(&self, name: StationName) -> Arc<Station> {
        let mut stations = self.stations.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = &self.metrics;
        let station = stations.entry(name).or_insert_with(|| {
            let label = [name.as_str()];
            Arc::new(Station {
                queued: metrics.queued.with_label_values(&label),
                unqueued: metrics.unqueued.with_label_values(&label),
                sent: metrics.sent.with_label_values(&label),
                sent_again: metrics.sent_again.with_label_values(&label),
                delivered: metrics.delivered.with_label_values(&label),
                links: metrics.links.with_label_values(&label),
            })
        });
        Arc::clone(station)
    }

    fn accepted(&self, key: MessageKey) -> IntCounter {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.entry(key).or_insert_with(|| self.metrics.accepted.with_label_values(&[key.as_str()])).clone()
    }
}
