//! The thread that follows the journal: checkpoints, pruning, signed statements.
//!
//! It reads what is durable and never holds up a commit. Once in a while it looks whether a segment was sealed since the
//! newest checkpoint. If so it makes the next one: it restores the last, folds the records behind it, writes, and drops
//! the folds again, so that no second copy of them stays in memory. A checkpoint is at most half as long as the log
//! since the last, so that the effort stays in proportion however much waits.
//!
//! A full disk, or a record that cannot be read, is said and tried again later: messages are not concerned. A checkpoint
//! that the disk refuses otherwise ends the process, as it does in the journal: nobody knows what such a disk still holds.

mod retention;
mod statements;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use journal::{CheckpointError, ReadError, Reader, SegmentInfo};
use switch_core::{FoldError, Network, Sequence};
use telemetry::{JournalEvent, JournalTelemetry};
use tokio::sync::mpsc;

use self::retention::Pruner;
pub use self::statements::AuditError;
pub(crate) use self::statements::Auditor;
use crate::background::{Bell, Phase};
use crate::config::Retention;
use crate::driver::{ITSELF, Inbound};
use crate::replay::{self, Recovery};

/// How often it looks.
const TURN: Duration = Duration::from_secs(1);
/// How long it waits after a checkpoint that could not be made: an attempt reads the log since the last one.
const RETRY: Duration = Duration::from_secs(10);
/// Read at once: little enough that the end of the process is noticed in time.
const SCAN_BYTES: usize = 1 << 20;
/// So many times its own length the log grows before the next checkpoint.
const LOG_PER_CHECKPOINT: u64 = 2;
/// At an orderly end a checkpoint is made even if no segment was sealed, if neither the last one nor the log behind it is
/// longer than this: it takes a fraction of a second, and the next start none.
const CHEAP_BYTES: u64 = 16 << 20;

/// Why there is no checkpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    #[error("a stored record cannot be read")]
    Read(#[from] ReadError),
    #[error("the journal does not add up")]
    Fold(#[from] FoldError),
    #[error("the checkpoint cannot be stored")]
    Checkpoint(#[from] CheckpointError),
}

impl FollowError {
    fn is_fatal(&self) -> bool {
        matches!(self, Self::Checkpoint(CheckpointError::Disk(_)))
    }
}

/// What was known when the process started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// The record that the checkpoint of the start stands for; 0 for none.
    pub(crate) checkpoint: u64,
    /// The oldest record that something waits for, or the one after the last.
    pub(crate) needed: u64,
}

/// What it follows, and whom it tells.
#[derive(Debug)]
pub(crate) struct Follows {
    pub(crate) reader: Reader,
    pub(crate) network: Arc<Network>,
    pub(crate) telemetry: JournalTelemetry,
    pub(crate) driver: mpsc::Sender<Inbound>,
    pub(crate) bell: Arc<Bell>,
}

#[derive(Debug)]
pub(crate) struct Follower {
    follows: Follows,
    pruner: Pruner,
    auditor: Option<Auditor>,
    /// The record that the newest checkpoint stands for; 0 for none.
    checkpoint: u64,
    /// Its length, where this run made it.
    checkpoint_bytes: u64,
    /// When one failed last: not before a while later the next is tried.
    failed: Option<Instant>,
}

impl Follower {
    pub(crate) fn new(follows: Follows, retention: Retention, auditor: Option<Auditor>, known: Known) -> Self {
        let pruner = Pruner::new(retention, known.needed);
        Self { follows, pruner, auditor, checkpoint: known.checkpoint, checkpoint_bytes: 0, failed: None }
    }

    /// Works until the bell rings.
    pub(crate) fn run(mut self) {
        loop {
            let phase = self.follows.bell.wait(TURN);
            if phase == Phase::Abandoned {
                return;
            }
            if let Err(error) = self.turn(phase) {
                // The driver is gone only when the process ends.
                return drop(self.follows.driver.blocking_send(Inbound::FollowerFailed { error }));
            }
            if phase == Phase::Finishing {
                return;
            }
        }
    }

    fn turn(&mut self, phase: Phase) -> Result<(), FollowError> {
        let segments = self.follows.reader.segments();
        if let Some(auditor) = &mut self.auditor {
            auditor.look(&self.follows.reader.head(), phase, &self.follows.telemetry);
        }
        if self.is_due(&segments, phase) {
            match self.make_checkpoint() {
                Ok(()) => self.failed = None,
                Err(error) => self.say_failed(error)?,
            }
        }
        if phase == Phase::Working
            && let Some(from) = self.pruner.look(&self.follows.reader, &segments, now())
        {
            drop(self.follows.driver.blocking_send(Inbound::Retain { from }));
        }
        let behind = self.follows.reader.stored_through().saturating_sub(self.checkpoint);
        let bytes = segments.iter().map(|segment| segment.bytes).sum();
        self.follows.telemetry.observe(&JournalEvent::Measured { segments: segments.len() as u64, bytes, behind });
        Ok(())
    }

    fn is_due(&self, segments: &[SegmentInfo], phase: Phase) -> bool {
        if self.failed.is_some_and(|failed| failed.elapsed() < RETRY)
            || self.follows.reader.stored_through() <= self.checkpoint
        {
            return false;
        }
        let behind = |segment: &&SegmentInfo| segment.last_sequence.is_none_or(|last| last > self.checkpoint);
        let (sealed, open): (Vec<&SegmentInfo>, Vec<&SegmentInfo>) =
            segments.iter().filter(behind).partition(|segment| segment.last_sequence.is_some());
        let sealed_bytes: u64 = sealed.iter().map(|segment| segment.bytes).sum();
        let cheap = |open_bytes: u64| sealed_bytes + open_bytes <= CHEAP_BYTES && self.checkpoint_bytes <= CHEAP_BYTES;
        match phase {
            Phase::Finishing if cheap(open.iter().map(|segment| segment.bytes).sum()) => true,
            Phase::Working | Phase::Finishing => {
                !sealed.is_empty() && sealed_bytes >= self.checkpoint_bytes.saturating_mul(LOG_PER_CHECKPOINT)
            }
            Phase::Abandoned => false,
        }
    }

    fn make_checkpoint(&mut self) -> Result<(), FollowError> {
        let begun = Instant::now();
        let end = self.follows.reader.stored_through();
        let mut recovery = Recovery::new(&self.follows.network);
        let restored = self.follows.reader.restore(&mut recovery).unwrap_or(0);
        let mut scan = self.follows.reader.scan(restored + 1);
        while scan.next_sequence() <= end {
            scan.next_records(SCAN_BYTES, &mut |entry| journal::Replay::record(&mut recovery, entry))?;
            if self.follows.bell.phase() == Phase::Abandoned {
                return Ok(());
            }
        }
        let through = scan.next_sequence() - 1;
        let mut folds = recovery.folds()?;
        folds.pruned(Sequence(self.follows.reader.first_sequence()));
        let bytes = self.follows.reader.checkpoint(through, scan.hash(), |to| replay::write(&folds, to))?;
        self.checkpoint = through;
        self.checkpoint_bytes = bytes;
        self.pruner.know(folds.oldest_needed().map_or(through + 1, |needed| needed.0));
        let (took, at) = (begun.elapsed(), now().as_secs_f64());
        self.follows.telemetry.observe(&JournalEvent::Checkpointed { through, bytes, took, at });
        Ok(())
    }

    /// Says what went wrong, the first time in a row also to the journal.
    fn say_failed(&mut self, error: FollowError) -> Result<(), FollowError> {
        self.follows.telemetry.observe(&JournalEvent::CheckpointFailed { error: &error });
        if error.is_fatal() {
            return Err(error);
        }
        if self.failed.is_none() {
            let result = format!("failed: {error}");
            drop(self.follows.driver.blocking_send(Inbound::Act {
                who: ITSELF.to_owned(),
                from: String::new(),
                what: "checkpoint".to_owned(),
                result,
            }));
        }
        self.failed = Some(Instant::now());
        Ok(())
    }
}

/// Time since 1970; a clock before that is a machine that was never set.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
