//! Every metric of the switch: name, unit, help, labels.
//!
//! Names follow Prometheus: one prefix, base units, `_total` on counters. A queue has two counters, in and out, so that a
//! burst between two scrapes is not lost, and beside them its depth as it is looked up once a second.

use std::sync::Arc;

use codec::notice::ErNumber;
use prometheus::{Gauge, GaugeVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::operators::OperatorMetrics;
use crate::page::{Label, Page, Unit, Values};

pub(crate) const STATION: &[Label] = &[Label { name: "station", values: Values::Stations }];
const KEY: &[Label] = &[Label { name: "key", values: Values::Keys }];
const CLASSES: Values = Values::Of(&["1", "2", "3", "4", "5", "6"]);

/// The label of what holds for all stations together; no station's name has such letters.
pub(crate) const ALL_STATIONS: &str = "all";
/// The label of a message whose key cannot be read or is none of the dictionary; no key has such letters.
pub(crate) const NO_KEY: &str = "none";

/// Why a session did not go on (`link::connection::CloseReason`).
const CLOSED: Values = Values::Of(&[
    "frame",
    "interleaved",
    "unacknowledged",
    "unanswered",
    "silent",
    "unfinished",
    "peer",
    "alert",
    "tls",
    "io",
    "stalled",
    "owner",
    "abandoned",
    "refused",
    "revoked",
    "expired",
    "untrusted",
]);
/// Why a connection did not become a link (`link::listener::HandshakeFailure`).
const NOT_SHAKEN: Values = Values::Of(&[
    "deadline",
    "lost",
    "protocol",
    "alert",
    "no_certificate",
    "unknown_authority",
    "not_valid_now",
    "revoked",
    "revocation_unknown",
    "purpose",
    "certificate",
    "unnamed",
    "refusing",
    "half_open",
    "half_open_of_address",
    "links",
    "links_of_station",
]);

/// Seconds, from what one sync on a fast disk takes to an hour.
const LATENCIES: &[f64] = &[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0, 3600.0];
/// Seconds that one commit or sync may take.
const COMMITS: &[f64] = &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Records in one commit.
const BATCHES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];

/// The metrics of a switch, on a page.
#[derive(Debug)]
pub struct Metrics {
    page: Arc<Page>,
    pub(crate) accepted: IntCounterVec,
    pub(crate) refused: IntCounterVec,
    pub(crate) repeated: IntCounter,
    pub(crate) turned_away: IntCounterVec,
    pub(crate) received_bytes: IntCounter,
    pub(crate) acknowledgement_seconds: Histogram,
    pub(crate) sent_by_key: IntCounterVec,
    pub(crate) sent_bytes: IntCounter,
    pub(crate) sent: IntCounterVec,
    pub(crate) sent_again: IntCounterVec,
    pub(crate) switching_seconds: Histogram,
    pub(crate) delivered: IntCounterVec,
    pub(crate) delivery_seconds: Histogram,
    pub(crate) returned: IntCounterVec,
    pub(crate) dead_letters: IntGauge,
    pub(crate) notices: IntCounterVec,
    pub(crate) overdue: IntCounterVec,
    pub(crate) confirmations: IntGaugeVec,
    pub(crate) queues: QueueMetrics,
    pub(crate) links: IntGaugeVec,
    pub(crate) links_closed: IntCounterVec,
    pub(crate) handshakes: IntCounter,
    pub(crate) handshake_failures: IntCounterVec,
    pub(crate) station_certificate_until: GaugeVec,
    pub(crate) switch_certificate_until: Gauge,
    pub(crate) revocations_until: Gauge,
    pub(crate) store_full: IntGauge,
    pub(crate) log_queries: IntCounter,
    pub(crate) log_answers: IntCounter,
    pub(crate) operators: OperatorMetrics,
    pub(crate) commits: CommitMetrics,
    pub(crate) journal: JournalMetrics,
}

impl Metrics {
    /// Fresh metrics on a page of their own, beside those of the process and the build.
    ///
    /// # Panics
    /// If two metrics here share a name: a defect that the tests of this crate find.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self::on(Arc::new(Page::new(version)))
    }

    /// The same on a page that others use too.
    ///
    /// # Panics
    /// If the page has a switch's metrics already.
    #[must_use]
    pub fn on(page: Arc<Page>) -> Self {
        let shared = Arc::clone(&page);
        let p = shared.as_ref();
        let metrics = Self {
            accepted: p.counters("orinet_messages_accepted_total", Unit::Count, "Messages accepted, by key.", KEY),
            refused: p.counters(
                "orinet_messages_refused_total",
                Unit::Count,
                "Messages refused, by key and by the number of their ER.",
                &[Label { name: "key", values: Values::Keys }, Label { name: "number", values: Values::ErNumbers }],
            ),
            repeated: p.counter(
                "orinet_messages_repeated_total",
                Unit::Count,
                "Messages received again: acknowledged again, and dropped.",
            ),
            turned_away: p.counters(
                "orinet_messages_turned_away_total",
                Unit::Count,
                "Negative acks, by reason.",
                &[Label { name: "reason", values: Values::Of(&["not_durable", "too_many_unacknowledged"]) }],
            ),
            received_bytes: p.counter(
                "orinet_messages_received_bytes_total",
                Unit::Bytes,
                "Bytes of messages accepted or refused.",
            ),
            acknowledgement_seconds: p.histogram(
                "orinet_acknowledgement_seconds",
                Unit::Seconds,
                "From the moment at which the switch takes a message from its link until it is on disk and may be acknowledged.",
                LATENCIES,
            ),
            sent_by_key: p.counters(
                "orinet_messages_sent_total",
                Unit::Count,
                "Copies first handed to a link, by key of the message.",
                KEY,
            ),
            sent_bytes: p.counter(
                "orinet_copies_sent_bytes_total",
                Unit::Bytes,
                "Bytes of copies handed to links, repeats included.",
            ),
            sent: p.counters(
                "orinet_copies_sent_total",
                Unit::Count,
                "Copies first handed to a link, by station.",
                STATION,
            ),
            sent_again: p.counters(
                "orinet_copies_sent_again_total",
                Unit::Count,
                "Copies handed to a link once more, by station.",
                STATION,
            ),
            switching_seconds: p.histogram(
                "orinet_switching_seconds",
                Unit::Seconds,
                "From the reception of a message until a copy is first handed to a link; waiting for a station that is away counts.",
                LATENCIES,
            ),
            delivered: p.counters(
                "orinet_copies_delivered_total",
                Unit::Count,
                "Copies acknowledged, by station.",
                STATION,
            ),
            delivery_seconds: p.histogram(
                "orinet_delivery_seconds",
                Unit::Seconds,
                "From the reception of a message to the acknowledgement of a copy.",
                LATENCIES,
            ),
            returned: p.counters(
                "orinet_copies_returned_total",
                Unit::Count,
                "Copies that went to the dead letters, by reason.",
                &[Label {
                    name: "reason",
                    values: Values::Of(&["expired", "refused", "links_lost", "station_gone"]),
                }],
            ),
            dead_letters: p.gauge(
                "orinet_dead_letters",
                Unit::Count,
                "Dead letters that the switch has at hand; it keeps the last 100,000.",
            ),
            notices: p.counters(
                "orinet_notices_total",
                Unit::Count,
                "SM of the switch itself, by number.",
                &[Label { name: "number", values: Values::SmNumbers }],
            ),
            overdue: p.counters(
                "orinet_confirmations_overdue_total",
                Unit::Count,
                "Hit confirmations that were not answered in time, by priority.",
                &[Label { name: "priority", values: Values::Of(&["urgent", "routine"]) }],
            ),
            confirmations: p.gauges(
                "orinet_confirmations_open",
                Unit::Count,
                "Hit confirmations that are not answered: those that are not due yet, and those that are overdue.",
                &[Label { name: "state", values: Values::Of(&["due", "overdue"]) }],
            ),
            queues: QueueMetrics::on(p),
            links: p.gauges("orinet_links", Unit::Count, "Links that are up, by station.", STATION),
            links_closed: p.counters(
                "orinet_links_closed_total",
                Unit::Count,
                "Links that ended, by reason.",
                &[Label { name: "reason", values: CLOSED }],
            ),
            handshakes: p.counter("orinet_handshakes_total", Unit::Count, "Connections that became a link."),
            handshake_failures: p.counters(
                "orinet_handshake_failures_total",
                Unit::Count,
                "Connections that did not become a link, by reason.",
                &[Label { name: "reason", values: NOT_SHAKEN }],
            ),
            station_certificate_until: p.float_gauges(
                "orinet_station_certificate_until_timestamp_seconds",
                Unit::Timestamp,
                "When the certificate runs out that the station's last new link showed.",
                STATION,
            ),
            switch_certificate_until: p.float_gauge(
                "orinet_switch_certificate_until_timestamp_seconds",
                Unit::Timestamp,
                "When the certificate runs out that the switch shows; 0 while it has none that can be used.",
            ),
            revocations_until: p.float_gauge(
                "orinet_revocations_until_timestamp_seconds",
                Unit::Timestamp,
                "When the revocation list in use runs out; 0 while none can be used.",
            ),
            store_full: p.gauge("orinet_store_full", Unit::Flag, "1 while nothing can be made durable."),
            log_queries: p.counter("orinet_log_queries_total", Unit::Count, "Log queries accepted."),
            log_answers: p.counter(
                "orinet_log_answers_total",
                Unit::Count,
                "Log queries answered; those between the two wait for a search.",
            ),
            operators: OperatorMetrics::on(p),
            commits: CommitMetrics::on(p),
            journal: JournalMetrics::on(p),
            page,
        };
        for number in ErNumber::ALL {
            metrics.refused.with_label_values(&[NO_KEY, &format!("{:02}", number.number())]).reset();
        }
        metrics.queues.hold_alarm.with_label_values(&[ALL_STATIONS]).set(0);
        metrics
    }

    /// The page that they are on.
    #[must_use]
    pub fn page(&self) -> &Arc<Page> {
        &self.page
    }

    /// All metrics of the page in the text form that Prometheus scrapes.
    #[must_use]
    pub fn text(&self) -> String {
        self.page.text()
    }
}

/// What waits for the stations.
#[derive(Debug)]
pub(crate) struct QueueMetrics {
    pub(crate) queued: IntCounterVec,
    pub(crate) unqueued: IntCounterVec,
    pub(crate) waiting: IntGaugeVec,
    pub(crate) in_flight: IntGaugeVec,
    pub(crate) bytes: IntGaugeVec,
    pub(crate) age_seconds: GaugeVec,
    pub(crate) hold_alarm: IntGaugeVec,
}

impl QueueMetrics {
    fn on(p: &Page) -> Self {
        Self {
            queued: p.counters(
                "orinet_copies_queued_total",
                Unit::Count,
                "Copies that came into a station's queue.",
                STATION,
            ),
            unqueued: p.counters(
                "orinet_copies_unqueued_total",
                Unit::Count,
                "Copies that left it, delivered or returned.",
                STATION,
            ),
            waiting: p.gauges(
                "orinet_queue_copies",
                Unit::Count,
                "Copies that wait for a link of the station, by class of priority, 1 the highest.",
                &[Label { name: "station", values: Values::Stations }, Label { name: "class", values: CLASSES }],
            ),
            in_flight: p.gauges(
                "orinet_in_flight_copies",
                Unit::Count,
                "Copies that a link of the station has and has not acknowledged.",
                STATION,
            ),
            bytes: p.gauges(
                "orinet_held_bytes",
                Unit::Bytes,
                "Bytes of all that is held for the station: waiting, stored and in flight.",
                STATION,
            ),
            age_seconds: p.float_gauges(
                "orinet_queue_age_seconds",
                Unit::Seconds,
                "How long the oldest copy has been held for the station; 0 if none is.",
                STATION,
            ),
            hold_alarm: p.gauges(
                "orinet_hold_alarm",
                Unit::Flag,
                "1 while more than 80 % of what may wait for a station, or for all together, waits.",
                &[Label { name: "station", values: Values::StationsOrAll }],
            ),
        }
    }
}

/// What commits take.
#[derive(Debug)]
pub(crate) struct CommitMetrics {
    pub(crate) records: Histogram,
    pub(crate) bytes: IntCounter,
    pub(crate) seconds: Histogram,
    pub(crate) sync_seconds: Histogram,
}

impl CommitMetrics {
    fn on(p: &Page) -> Self {
        Self {
            records: p.histogram(
                "orinet_commit_records",
                Unit::Count,
                "Records that one commit made durable.",
                BATCHES,
            ),
            bytes: p.counter("orinet_commit_bytes_total", Unit::Bytes, "Bytes written by commits."),
            seconds: p.histogram(
                "orinet_commit_seconds",
                Unit::Seconds,
                "How long a commit took, write and sync, attempts on a full disk not counted.",
                COMMITS,
            ),
            sync_seconds: p.histogram(
                "orinet_sync_seconds",
                Unit::Seconds,
                "How long the system took to make it durable (fdatasync).",
                COMMITS,
            ),
        }
    }
}

/// What is done behind the journal: checkpoints, pruning, statements, search.
#[derive(Debug)]
pub(crate) struct JournalMetrics {
    pub(crate) segments: IntGauge,
    pub(crate) bytes: IntGauge,
    pub(crate) pruned: IntCounter,
    pub(crate) checkpoint_at: Gauge,
    pub(crate) checkpoint_bytes: IntGauge,
    pub(crate) checkpoint_seconds: Gauge,
    pub(crate) checkpoint_behind: IntGauge,
    pub(crate) checkpoint_failures: IntCounter,
    pub(crate) statements: IntCounter,
    pub(crate) statement_failures: IntCounter,
    pub(crate) search_lag: IntGauge,
}

impl JournalMetrics {
    fn on(p: &Page) -> Self {
        Self {
            segments: p.gauge("orinet_journal_segments", Unit::Count, "Segments of the journal that are kept."),
            bytes: p.gauge(
                "orinet_journal_bytes",
                Unit::Bytes,
                "Length of these segments, the room prepared in them included.",
            ),
            pruned: p.counter(
                "orinet_journal_pruned_segments_total",
                Unit::Count,
                "Segments removed because they were older or more than the journal keeps.",
            ),
            checkpoint_at: p.float_gauge(
                "orinet_checkpoint_timestamp_seconds",
                Unit::Timestamp,
                "When the last checkpoint was made; 0 if none was made since the start.",
            ),
            checkpoint_bytes: p.gauge("orinet_checkpoint_bytes", Unit::Bytes, "Length of the last checkpoint."),
            checkpoint_seconds: p.float_gauge(
                "orinet_checkpoint_seconds",
                Unit::Seconds,
                "How long the last checkpoint took, beside everything else.",
            ),
            checkpoint_behind: p.gauge(
                "orinet_checkpoint_behind_records",
                Unit::Count,
                "Records behind the newest checkpoint: what a start would have to read.",
            ),
            checkpoint_failures: p.counter(
                "orinet_checkpoint_failures_total",
                Unit::Count,
                "Checkpoints that were not made.",
            ),
            statements: p.counter(
                "orinet_journal_statements_total",
                Unit::Count,
                "Signed statements about the journal.",
            ),
            statement_failures: p.counter(
                "orinet_journal_statement_failures_total",
                Unit::Count,
                "Signed statements that could not be written.",
            ),
            search_lag: p.gauge(
                "orinet_search_lag_records",
                Unit::Count,
                "Records of the journal that a search does not know yet.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_registers_and_is_written() {
        let metrics = Metrics::new("1.2.3");
        metrics.repeated.inc();
        metrics.accepted.with_label_values(&["IAQ"]).inc();
        let text = metrics.text();
        for line in [
            "orinet_build_info{version=\"1.2.3\"} 1",
            "orinet_messages_repeated_total 1",
            "orinet_messages_accepted_total{key=\"IAQ\"} 1",
            "orinet_store_full 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}
