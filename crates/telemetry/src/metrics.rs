//! Every metric of the project: name, unit, help, labels.
//!
//! Names follow Prometheus: one prefix, base units, `_total` on counters. A queue has two counters, in and out, so that a
//! burst between two scrapes is not lost; its depth is their difference.

use prometheus::{
    Encoder as _, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::operators::OperatorMetrics;

/// The metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub(crate) accepted: IntCounterVec,
    pub(crate) refused: IntCounterVec,
    pub(crate) repeated: IntCounter,
    pub(crate) turned_away: IntCounterVec,
    pub(crate) received_bytes: IntCounter,
    pub(crate) sent_bytes: IntCounter,
    pub(crate) queued: IntCounterVec,
    pub(crate) unqueued: IntCounterVec,
    pub(crate) sent: IntCounterVec,
    pub(crate) sent_again: IntCounterVec,
    pub(crate) delivered: IntCounterVec,
    pub(crate) delivery_seconds: Histogram,
    pub(crate) returned: IntCounterVec,
    pub(crate) notices: IntCounterVec,
    pub(crate) overdue: IntCounterVec,
    pub(crate) links: IntGaugeVec,
    pub(crate) links_closed: IntCounterVec,
    pub(crate) handshake_failures: IntCounterVec,
    pub(crate) store_full: IntGauge,
    pub(crate) hold_alarm: IntGaugeVec,
    pub(crate) revocations_until: Gauge,
    pub(crate) log_queries: IntCounter,
    pub(crate) log_answers: IntCounter,
    pub(crate) operators: OperatorMetrics,
    pub(crate) journal: JournalMetrics,
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
    fn new(r: &Registry) -> Self {
        Self {
            segments: gauge(r, "orinet_journal_segments", "Segments of the journal that are kept."),
            bytes: gauge(r, "orinet_journal_bytes", "Length of these segments, the room prepared in them included."),
            pruned: counter(
                r,
                "orinet_journal_pruned_segments_total",
                "Segments removed because they were older or more than the journal keeps.",
            ),
            checkpoint_at: float_gauge(
                r,
                "orinet_checkpoint_timestamp_seconds",
                "When the last checkpoint was made; 0 if none was made since the start.",
            ),
            checkpoint_bytes: gauge(r, "orinet_checkpoint_bytes", "Length of the last checkpoint."),
            checkpoint_seconds: float_gauge(
                r,
                "orinet_checkpoint_seconds",
                "How long the last checkpoint took, beside everything else.",
            ),
            checkpoint_behind: gauge(
                r,
                "orinet_checkpoint_behind_records",
                "Records behind the newest checkpoint: what a start would have to read.",
            ),
            checkpoint_failures: counter(r, "orinet_checkpoint_failures_total", "Checkpoints that were not made."),
            statements: counter(r, "orinet_journal_statements_total", "Signed statements about the journal."),
            statement_failures: counter(
                r,
                "orinet_journal_statement_failures_total",
                "Signed statements that could not be written.",
            ),
            search_lag: gauge(
                r,
                "orinet_search_lag_records",
                "Records of the journal that a search does not know yet.",
            ),
        }
    }
}

impl Metrics {
    /// Fresh metrics in a registry of their own, and those of the process and the build.
    ///
    /// # Panics
    /// If two metrics here share a name: a defect that the test of this module finds.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let registry = Registry::new();
        let build = gauges(&registry, "orinet_build_info", "1, with the version that runs.", &["version"]);
        build.with_label_values(&[version]).set(1);
        #[cfg(target_os = "linux")]
        register(&registry, prometheus::process_collector::ProcessCollector::for_self());
        let r = &registry;
        Self {
            accepted: counters(r, "orinet_messages_accepted_total", "Messages accepted, by key.", &["key"]),
            refused: counters(
                r,
                "orinet_messages_refused_total",
                "Messages refused, by number of their ER.",
                &["number"],
            ),
            repeated: counter(r, "orinet_messages_repeated_total", "Messages received again and acknowledged again."),
            turned_away: counters(r, "orinet_messages_turned_away_total", "Negative acks, by reason.", &["reason"]),
            received_bytes: counter(
                r,
                "orinet_messages_received_bytes_total",
                "Bytes of messages accepted or refused.",
            ),
            sent_bytes: counter(
                r,
                "orinet_copies_sent_bytes_total",
                "Bytes of copies handed to links, repeats included.",
            ),
            queued: counters(r, "orinet_copies_queued_total", "Copies that came into a station's queue.", &["station"]),
            unqueued: counters(
                r,
                "orinet_copies_unqueued_total",
                "Copies that left it, delivered or returned.",
                &["station"],
            ),
            sent: counters(r, "orinet_copies_sent_total", "Copies first handed to a link, by station.", &["station"]),
            sent_again: counters(
                r,
                "orinet_copies_sent_again_total",
                "Copies handed to a link once more.",
                &["station"],
            ),
            delivered: counters(r, "orinet_copies_delivered_total", "Copies acknowledged, by station.", &["station"]),
            delivery_seconds: histogram(
                r,
                "orinet_delivery_seconds",
                "From the reception of a message to the acknowledgement of a copy.",
                &[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0, 3600.0],
            ),
            returned: counters(r, "orinet_copies_returned_total", "Copies that went to the dead letters.", &["reason"]),
            notices: counters(r, "orinet_notices_total", "SM of the switch itself, by number.", &["number"]),
            overdue: counters(
                r,
                "orinet_confirmations_overdue_total",
                "Hit confirmations that were not answered in time, by priority.",
                &["priority"],
            ),
            links: gauges(r, "orinet_links", "Links that are up, by station.", &["station"]),
            links_closed: counters(r, "orinet_links_closed_total", "Links that ended, by reason.", &["reason"]),
            handshake_failures: counters(
                r,
                "orinet_handshake_failures_total",
                "Connections that did not become a link, by reason.",
                &["reason"],
            ),
            store_full: gauge(r, "orinet_store_full", "1 while nothing can be made durable."),
            hold_alarm: gauges(
                r,
                "orinet_hold_alarm",
                "1 while more than 80 % of what may wait for a station, or for all together, waits.",
                &["station"],
            ),
            revocations_until: float_gauge(
                r,
                "orinet_revocations_until_timestamp_seconds",
                "When the revocation list in use runs out; 0 while none can be used.",
            ),
            log_queries: counter(r, "orinet_log_queries_total", "Log queries accepted."),
            log_answers: counter(
                r,
                "orinet_log_answers_total",
                "Log queries answered; those between the two wait for a search.",
            ),
            operators: OperatorMetrics::new(r),
            journal: JournalMetrics::new(r),
            registry,
        }
    }

    /// All metrics in the text form that Prometheus scrapes.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        // Writing into memory fails only for a family that has no metrics, and none is gathered.
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        String::from_utf8(text).unwrap_or_default()
    }
}

fn register<C: prometheus::core::Collector + 'static>(registry: &Registry, collector: C) {
    #[expect(clippy::expect_used, reason = "names here are constants, and a test registers them all")]
    registry.register(Box::new(collector)).expect("metric names are valid and used once");
}

fn made<C: prometheus::core::Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    #[expect(clippy::expect_used, reason = "names here are constants, and a test makes them all")]
    let made = made.expect("metric names are valid");
    register(registry, made.clone());
    made
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    made(registry, IntCounter::new(name, help))
}

pub(crate) fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    made(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

pub(crate) fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    made(registry, IntGauge::new(name, help))
}

fn float_gauge(registry: &Registry, name: &str, help: &str) -> Gauge {
    made(registry, Gauge::new(name, help))
}

pub(crate) fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    made(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    made(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
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
