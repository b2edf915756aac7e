//! What the switch says, as metrics and log lines.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codec::name::{MessageKey, StationName};
use codec::time::Timestamp;
use link::listener::{ListenerEvent, UntilThen};
use prometheus::{Gauge, IntCounter, IntGauge};
use rustc_hash::FxHashMap;
use switch_core::{Observation, Refusal, StationView};
use tracing::{debug, error, info, warn};

use crate::journal::signed;
use crate::metrics::{ALL_STATIONS, Metrics, NO_KEY};

/// Turns what the switch and its listener say into metrics and log lines. The children of labeled metrics are looked up
/// once and kept; both sets are closed, so that nobody can choose keys that meet in the table.
#[derive(Debug)]
pub struct SwitchTelemetry {
    metrics: Arc<Metrics>,
    stations: Mutex<FxHashMap<StationName, Arc<Station>>>,
    keys: Mutex<FxHashMap<MessageKey, Arc<Key>>>,
}

/// The metrics of one key.
#[derive(Debug)]
struct Key {
    accepted: IntCounter,
    sent: IntCounter,
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
    waiting: [IntGauge; 6],
    in_flight: IntGauge,
    bytes: IntGauge,
    age_seconds: Gauge,
}

impl SwitchTelemetry {
    /// Feeds those metrics.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, stations: Mutex::default(), keys: Mutex::default() }
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
                self.key(*key).accepted.inc();
                metrics.received_bytes.inc_by(*bytes as u64);
                debug!(%station, %key, msn = msn.0, copies, bytes, "a message was accepted");
            }
            Observation::Refused { station, key, number, bytes } => {
                let number = format!("{:02}", number.number());
                let named = key.as_ref().map_or(NO_KEY, MessageKey::as_str);
                metrics.refused.with_label_values(&[named, number.as_str()]).inc();
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
            Observation::Sent { station, key, bytes, again, after } => {
                let of = self.station(*station);
                if *again {
                    of.sent_again.inc();
                } else {
                    of.sent.inc();
                    self.key(*key).sent.inc();
                    metrics.switching_seconds.observe(after.as_secs_f64());
                }
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
                metrics.queues.hold_alarm.with_label_values(&[name]).set(i64::from(*raised));
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
            // Who read it knows what is different, and says so.
            Observation::Reloaded => {}
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
            ListenerEvent::Accepted { peer, until } => {
                metrics.handshakes.inc();
                let label = [peer.station.as_str()];
                metrics.station_certificate_until.with_label_values(&label).set(seconds(until.as_millisecond()));
                debug!(station = %peer.station, serial = %peer.serial, address = %peer.address, "a station has proven itself");
            }
            ListenerEvent::Closed { peer, why } => {
                metrics.links_closed.with_label_values(&[why.label()]).inc();
                info!(station = %peer.station, address = %peer.address, reason = %why, "a link was closed");
            }
            ListenerEvent::AcceptFailed { error, pause } => {
                error!(%error, ?pause, "no connection can be taken: see the limit of open files");
            }
            ListenerEvent::Reloaded { crl_until, certificate_until, revoked } => {
                self.valid_until(crl_until.as_millisecond(), certificate_until.as_millisecond());
                info!(%crl_until, revoked, "certificates and revocations were read");
            }
            ListenerEvent::ReloadFailed { error, until_then } => {
                if *until_then == UntilThen::Refuses {
                    metrics.revocations_until.set(0.0);
                    metrics.switch_certificate_until.set(0.0);
                }
                error!(
                    error = error as &dyn std::error::Error,
                    ?until_then,
                    "certificates or revocations cannot be used"
                );
            }
        }
    }

    /// When the revocation list and the certificate in use run out, in milliseconds since 1970.
    pub fn valid_until(&self, revocations: i64, certificate: i64) {
        self.metrics.revocations_until.set(seconds(revocations));
        self.metrics.switch_certificate_until.set(seconds(certificate));
    }

    /// What waits, as it is now. A station of which nothing was ever heard, and for which nothing waits, has no series.
    pub fn measure(&self, now: Timestamp, stations: impl Iterator<Item = StationView>, dead_letters: usize) {
        self.metrics.dead_letters.set(signed(dead_letters as u64));
        for view in stations {
            let nothing = view.links == 0 && view.bytes == 0;
            let known = self.stations.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&view.station);
            if nothing && !known {
                continue;
            }
            let of = self.station(view.station);
            for (gauge, depth) in of.waiting.iter().zip(view.queued) {
                gauge.set(signed(depth as u64));
            }
            of.in_flight.set(signed(view.in_flight as u64));
            of.bytes.set(signed(view.bytes));
            of.age_seconds.set(view.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64()));
        }
    }

    /// Hit confirmations that are open, as they are now: those that are not due yet, those that are overdue.
    pub fn confirmations(&self, (due, overdue): (usize, usize)) {
        for (state, count) in [("due", due), ("overdue", overdue)] {
            self.metrics.confirmations.with_label_values(&[state]).set(signed(count as u64));
        }
    }

    /// A commit is done.
    pub fn commit(&self, records: u64, bytes: u64, took: Duration, sync: Duration) {
        let commits = &self.metrics.commits;
        #[expect(clippy::cast_precision_loss, reason = "a commit holds fewer records than a float counts")]
        commits.records.observe(records as f64);
        commits.bytes.inc_by(bytes);
        commits.seconds.observe(took.as_secs_f64());
        commits.sync_seconds.observe(sync.as_secs_f64());
    }

    /// So many messages are durable and may be acknowledged, that long after they were taken from their links.
    pub fn acknowledged(&self, messages: usize, after: Duration) {
        for _ in 0..messages {
            self.metrics.acknowledgement_seconds.observe(after.as_secs_f64());
        }
    }

    fn station(&self, name: StationName) -> Arc<Station> {
        let mut stations = self.stations.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = &self.metrics;
        let station = stations.entry(name).or_insert_with(|| {
            let label = [name.as_str()];
            Arc::new(Station {
                queued: metrics.queues.queued.with_label_values(&label),
                unqueued: metrics.queues.unqueued.with_label_values(&label),
                sent: metrics.sent.with_label_values(&label),
                sent_again: metrics.sent_again.with_label_values(&label),
                delivered: metrics.delivered.with_label_values(&label),
                links: metrics.links.with_label_values(&label),
                waiting: CLASSES.map(|class| metrics.queues.waiting.with_label_values(&[name.as_str(), class])),
                in_flight: metrics.queues.in_flight.with_label_values(&label),
                bytes: metrics.queues.bytes.with_label_values(&label),
                age_seconds: metrics.queues.age_seconds.with_label_values(&label),
            })
        });
        Arc::clone(station)
    }

    fn key(&self, key: MessageKey) -> Arc<Key> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            let label = [key.as_str()];
            Arc::new(Key {
                accepted: self.metrics.accepted.with_label_values(&label),
                sent: self.metrics.sent_by_key.with_label_values(&label),
            })
        };
        Arc::clone(keys.entry(key).or_insert_with(made))
    }
}

/// Classes of priority, the highest first.
const CLASSES: [&str; 6] = ["1", "2", "3", "4", "5", "6"];

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; years from now it is still exact")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
