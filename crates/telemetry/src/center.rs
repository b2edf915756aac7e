//! What the support center does, as metrics. Its log lines are its own.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Gauge, Histogram, IntCounter, IntCounterVec, IntGauge};

use crate::page::{Label, Page, Unit, Values};

/// Kinds of answers (`responder::decision::Finding`).
const KINDS: Values = Values::Of(&[
    "more_information",
    "no_record",
    "record",
    "possible_records",
    "status",
    "status_unclear",
    "refused",
    "supplement",
]);

/// Something that the center did. No variant holds anything of an inquiry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CenterEvent {
    /// The index was opened.
    Opened {
        /// Records in it.
        records: u64,
        /// Its size.
        bytes: u64,
        /// When its file was written, in seconds since 1970; 0 where the system does not say.
        written: f64,
    },
    /// An inquiry came.
    Asked,
    /// A question was looked up in the index.
    Searched {
        /// How long it took.
        took: Duration,
        /// How many candidates came out.
        candidates: usize,
    },
    /// The index could not be read where it was needed.
    SearchFailed,
    /// The switch has taken acknowledgement and answer.
    Answered {
        /// The kind of the answer.
        kind: &'static str,
        /// From the inquiry's arrival.
        took: Duration,
    },
    /// The inquiry was given back to the switch and comes again.
    Postponed,
    /// The switch refused an answer for good.
    Refused,
    /// A message came that is no inquiry, or cannot be read.
    Other,
}

/// The metrics of a support center, on a page.
#[derive(Debug)]
pub struct CenterMetrics {
    asked: IntCounter,
    in_hand: IntGauge,
    answers: IntCounterVec,
    answer_seconds: Histogram,
    postponed: IntCounter,
    refused: IntCounter,
    others: IntCounter,
    search_seconds: Histogram,
    candidates: Histogram,
    search_failures: IntCounter,
    index_records: IntGauge,
    index_bytes: IntGauge,
    index_written: Gauge,
}

impl CenterMetrics {
    /// Fresh metrics on that page.
    ///
    /// # Panics
    /// If the page has a center's metrics already.
    #[must_use]
    pub fn on(p: &Page) -> Arc<Self> {
        Arc::new(Self {
            asked: p.counter(
                "orinet_center_inquiries_total",
                Unit::Count,
                "Inquiries taken, those that came again included.",
            ),
            in_hand: p.gauge("orinet_center_inquiries_in_hand", Unit::Count, "Inquiries that are being answered now."),
            answers: p.counters(
                "orinet_center_answers_total",
                Unit::Count,
                "Inquiries whose acknowledgement and answer the switch has taken, by kind of the answer.",
                &[Label { name: "kind", values: KINDS }],
            ),
            answer_seconds: p.histogram(
                "orinet_center_answer_seconds",
                Unit::Seconds,
                "From the arrival of an inquiry until the switch has taken its answer.",
                &[0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0],
            ),
            postponed: p.counter(
                "orinet_center_postponed_total",
                Unit::Count,
                "Inquiries given back to the switch because they could not be answered in time; they come again.",
            ),
            refused: p.counter(
                "orinet_center_refused_answers_total",
                Unit::Count,
                "Inquiries of which the switch refused an answer for good.",
            ),
            others: p.counter(
                "orinet_center_other_messages_total",
                Unit::Count,
                "Messages that came and are no inquiries.",
            ),
            search_seconds: p.histogram(
                "orinet_center_search_seconds",
                Unit::Seconds,
                "How long a search in the record index took.",
                &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0],
            ),
            candidates: p.histogram(
                "orinet_center_search_candidates",
                Unit::Count,
                "Candidates that a search found.",
                &[0.0, 1.0, 2.0, 5.0, 10.0, 25.0, 100.0],
            ),
            search_failures: p.counter(
                "orinet_center_search_failures_total",
                Unit::Count,
                "Searches that failed because the index could not be read.",
            ),
            index_records: p.gauge("orinet_index_records", Unit::Count, "Records in the record index."),
            index_bytes: p.gauge("orinet_index_bytes", Unit::Bytes, "Size of the record index."),
            index_written: p.float_gauge(
                "orinet_index_written_timestamp_seconds",
                Unit::Timestamp,
                "When the file of the record index was written.",
            ),
        })
    }

    /// Something happened.
    pub fn observe(&self, event: CenterEvent) {
        match event {
            CenterEvent::Opened { records, bytes, written } => {
                self.index_records.set(records.try_into().unwrap_or(i64::MAX));
                self.index_bytes.set(bytes.try_into().unwrap_or(i64::MAX));
                self.index_written.set(written);
            }
            CenterEvent::Asked => {
                self.asked.inc();
                self.in_hand.inc();
            }
            CenterEvent::Searched { took, candidates } => {
                self.search_seconds.observe(took.as_secs_f64());
                #[expect(clippy::cast_precision_loss, reason = "candidates are few")]
                self.candidates.observe(candidates as f64);
            }
            CenterEvent::SearchFailed => self.search_failures.inc(),
            CenterEvent::Answered { kind, took } => {
                self.answers.with_label_values(&[kind]).inc();
                self.answer_seconds.observe(took.as_secs_f64());
                self.in_hand.dec();
            }
            CenterEvent::Postponed => {
                self.postponed.inc();
                self.in_hand.dec();
            }
            CenterEvent::Refused => {
                self.refused.inc();
                self.in_hand.dec();
            }
            CenterEvent::Other => self.others.inc(),
        }
    }
}
