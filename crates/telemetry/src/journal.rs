//! What is done behind the journal, as metrics and log lines: checkpoints, pruning, statements, search.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::metrics::Metrics;

/// Something that happened behind the journal. No variant holds text of a message.
#[derive(Debug)]
pub enum JournalEvent<'a> {
    /// How much there is, and how much of it a start would have to read.
    Measured {
        /// Segments that are kept.
        segments: u64,
        /// Their length in bytes.
        bytes: u64,
        /// Records behind the newest checkpoint.
        behind: u64,
    },
    /// A checkpoint was made.
    Checkpointed {
        /// The last record that it stands for.
        through: u64,
        /// Its length.
        bytes: u64,
        /// How long it took.
        took: Duration,
        /// When it was made, in seconds since 1970.
        at: f64,
    },
    /// A checkpoint was not made; it is tried again.
    CheckpointFailed {
        /// Why.
        error: &'a (dyn std::error::Error + 'static),
    },
    /// Old segments were removed.
    Pruned {
        /// The first record that is left.
        first: u64,
        /// How many segments went.
        segments: u64,
        /// Bytes that came free.
        bytes: u64,
    },
    /// A signed statement was written.
    Stated {
        /// The last record that it speaks about.
        through: u64,
    },
    /// A signed statement could not be written; it is tried again.
    StatementFailed {
        /// Where.
        file: &'a Path,
        /// Why.
        error: &'a std::io::Error,
    },
    /// Records were taken into the search file.
    Filled {
        /// Records that it still lacks.
        lag: u64,
    },
    /// The search file is begun anew.
    SearchRebuilt {
        /// Why.
        why: String,
    },
    /// The search file cannot be filled or asked; it is tried again.
    SearchFailed {
        /// Why.
        error: &'a (dyn std::error::Error + 'static),
    },
}

/// Turns what happens behind the journal into metrics and log lines.
#[derive(Debug, Clone)]
pub struct JournalTelemetry {
    metrics: Arc<Metrics>,
}

impl JournalTelemetry {
    /// Feeds those metrics.
    #[must_use]
    pub const fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics }
    }

    /// The configuration was read again. It holds, and this is different; or it does not hold.
    pub fn reloaded(&self, holds: Option<&str>) {
        self.metrics.operators.reloaded(holds.is_some());
        if let Some(changes) = holds {
            info!(changes, "the configuration was read again and holds");
        }
    }

    /// Something happened.
    pub fn observe(&self, event: &JournalEvent<'_>) {
        let metrics = &self.metrics.journal;
        match event {
            JournalEvent::Measured { segments, bytes, behind } => {
                metrics.segments.set(signed(*segments));
                metrics.bytes.set(signed(*bytes));
                metrics.checkpoint_behind.set(signed(*behind));
            }
            JournalEvent::Checkpointed { through, bytes, took, at } => {
                metrics.checkpoint_at.set(*at);
                metrics.checkpoint_bytes.set(signed(*bytes));
                metrics.checkpoint_seconds.set(took.as_secs_f64());
                info!(record = through, bytes, ?took, "a checkpoint was made");
            }
            JournalEvent::CheckpointFailed { error } => {
                metrics.checkpoint_failures.inc();
                error!(error, "no checkpoint could be made; a start will take longer, and nothing can be pruned");
            }
            JournalEvent::Pruned { first, segments, bytes } => {
                metrics.pruned.inc_by(*segments);
                info!(first, segments, bytes, "old segments of the journal were removed");
            }
            JournalEvent::Stated { through } => {
                metrics.statements.inc();
                debug!(record = through, "the journal's end was signed");
            }
            JournalEvent::StatementFailed { file, error } => {
                metrics.statement_failures.inc();
                error!(file = %file.display(), %error, "a statement could not be written");
            }
            JournalEvent::Filled { lag } => metrics.search_lag.set(signed(*lag)),
            JournalEvent::SearchRebuilt { why } => info!(why, "the search file is filled from the journal's beginning"),
            JournalEvent::SearchFailed { error } => {
                warn!(error, "the journal cannot be searched; messages are not concerned");
            }
        }
    }
}

pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
