//! What goes on behind the traffic: checkpoints, pruning, and a look at all that is kept.

use journal::{CheckpointError, CommitError, ReadError};
use switch_core::{Event, Network, Now, Sequence};

use super::{Process, Step, Stop};
use crate::broken::Broken;
use crate::ledger::{Check, Violation};
use crate::model::Model;
use crate::replay::{self, Recovery};
use crate::trace::Trace;

/// Read at once.
const SCAN_BYTES: usize = 1 << 20;

impl Process {
    /// What the follower does: a checkpoint, and what lies before it may go.
    pub(crate) fn follow(&mut self, now: Now, model: &mut Model, trace: &mut Trace, network: &Network) -> Step {
        let end = self.reader.stored_through();
        let mut recovery = Recovery::new(network, None);
        let restored = self.reader.restore(&mut recovery).unwrap_or(0);
        // Without a checkpoint that can be read just now nothing is known of what was pruned: it is tried again later.
        if end <= restored || restored + 1 < self.reader.first_sequence() {
            return Ok(());
        }
        let mut scan = self.reader.scan(restored + 1);
        while scan.next_sequence() <= end {
            let read = scan.next_records(SCAN_BYTES, &mut |entry| journal::Replay::record(&mut recovery, entry));
            match read {
                Ok(_) => {}
                Err(ReadError::Disk(_)) => return Err(Stop::Disk),
                Err(error) => return Err(Violation(format!("the journal cannot be scanned: {error}")).into()),
            }
        }
        let through = scan.next_sequence() - 1;
        let mut folds = recovery.folds()?;
        folds.pruned(Sequence(self.reader.first_sequence()));
        match self.reader.checkpoint(through, scan.hash(), |to| replay::write(&folds, to)) {
            Ok(_) => model.counts.checkpoints += 1,
            Err(CheckpointError::Disk(_)) => return Err(Stop::Disk),
            Err(_) => return Ok(()),
        }
        let needed = folds.oldest_needed().map_or(through + 1, |needed| needed.0);
        let from = if self.broken == Some(Broken::PrunesTooMuch) {
            through + 1
        } else {
            needed.min(through.saturating_sub(50))
        };
        match self.journal.retain(from) {
            Ok(Some(pruned)) => {
                model.pruned(pruned.first_sequence);
                self.handle(now, Event::Pruned { first: Sequence(pruned.first_sequence) }, model, trace)
            }
            Ok(None) => Ok(()),
            Err(CommitError::Full(_)) => Ok(()),
            Err(CommitError::Failed(_)) => Err(Stop::Disk),
        }
    }

    /// Every record that is kept, read once more: checksums, and each link of the chain.
    pub(crate) fn verify(&self, model: &Model) -> Check {
        let mut wrong = Ok(());
        let mut scan = self.reader.scan(self.reader.first_sequence());
        while scan.next_sequence() <= self.reader.stored_through() {
            let read = scan.next_records(SCAN_BYTES, &mut |entry| {
                if wrong.is_ok() {
                    wrong = model.replayed(entry.sequence, entry.kind, entry.payload);
                }
            });
            read.map_err(|error| Violation(format!("the journal cannot be read to its end: {error}")))?;
        }
        wrong
    }

    /// Writes what it can before the power goes in the middle of it.
    pub(crate) fn torn(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.iter().all(|(kind, record)| self.journal.append(*kind, record).is_ok()) {
            // Nobody hears what came of it.
            drop(self.journal.commit());
        }
    }
}
