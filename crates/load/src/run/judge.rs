//! What was found, held against the thresholds; and what processes used, read at a moment.

use std::time::Duration;

use codec::name::MessageKey;

use crate::collect::Stretch;
use crate::io::proc::{ProcessUse, machine_cpu, process_use};
use crate::meter::{Count, Counts, Durations, Latencies, Stage};
use crate::report;
use crate::require::{Requirement, Results};

/// What a measured time gave.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) keys: Vec<MessageKey>,
    pub(super) latencies: Latencies,
    /// Counters of the whole run, or of a step and what came of it later.
    pub(super) counts: Counts,
    /// What came in the measured time.
    pub(super) stretch: Stretch,
    pub(super) seconds: f64,
}

impl Found {
    pub(super) fn rate_of(&self, count: Count) -> f64 {
        self.stretch.sum.counts.get(count) as f64 / self.seconds.max(1e-9)
    }
}

impl Results for Found {
    fn latencies(&self, kind: Option<MessageKey>, stage: Stage) -> Durations {
        let Some(key) = kind else { return self.latencies.stage(stage) };
        let mut all = Durations::default();
        for (at, _) in self.keys.iter().enumerate().filter(|(_, one)| **one == key) {
            if let Some(one) = self.latencies.of(at, stage) {
                all.merge(one);
            }
        }
        all
    }

    fn counts(&self) -> &Counts {
        &self.counts
    }

    fn rate(&self, count: Count) -> f64 {
        self.rate_of(count)
    }
}

/// Every threshold with what was found.
pub(super) fn evaluate(requirements: &[Requirement], found: &Found) -> Vec<report::Requirement> {
    let check = |requirement: &Requirement| {
        let outcome = requirement.check(found);
        report::Requirement { text: outcome.text, found: outcome.found, met: outcome.met }
    };
    requirements.iter().map(check).collect()
}

/// What has been used so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Usage {
    pub(super) own: ProcessUse,
    pub(super) watched: Vec<ProcessUse>,
    /// By everything on the machine.
    pub(super) machine: Duration,
}

impl Usage {
    pub(super) fn read(watch: &[u32]) -> Self {
        Self {
            own: process_use(None).unwrap_or_default(),
            watched: watch.iter().map(|pid| process_use(Some(*pid)).unwrap_or_default()).collect(),
            machine: machine_cpu().map_or(Duration::ZERO, |(busy, _)| busy),
        }
    }
}
