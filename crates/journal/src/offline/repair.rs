//! Makes a damaged journal usable again, and says what that costs.
//!
//! What stays in the log is one unbroken stretch of it: the one that the newest usable checkpoint lies in, for it holds the
//! state of the switch; without one, the stretch from record 1. Headers, seals, lengths and the mark are put right where what
//! belongs there is known to the byte. Whole records outside go into a file of [salvaged](super::read_salvaged) records. A copy of
//! everything as it was is made first, beside the journal.
//!
//! A repair that is interrupted leaves a journal that a start refuses, as the mark is written last; it can be begun anew.

mod act;
mod survey;

use std::path::{Path, PathBuf};

use self::survey::Stretch;
use super::finding::{Finding, Mend, Problem};
use super::pace::Pace;
use super::salvage::Salvaged;
use super::verify::{Verified, VerifyError};
use crate::disk::RealDisk;
use crate::error::{Fault, OpenError};

/// Why nothing was repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// A switch has it, or it cannot be opened.
    #[error("the journal is in use: stop the switch first")]
    InUse,
    /// Nothing there, or nothing that can be read.
    #[error(transparent)]
    Journal(#[from] VerifyError),
    /// The disk refused an operation. What was changed so far can be seen from the copy.
    #[error(transparent)]
    Disk(#[from] Fault),
    /// The copy's directory is there.
    #[error("{0} is there already")]
    Exists(String),
    /// The journal is not as it should be after all.
    #[error("the journal is still damaged after the repair: {0}")]
    Failed(String),
}

/// What would be done to a damaged journal. It keeps others out as long as it lives.
#[derive(Debug)]
pub struct Plan {
    directory: PathBuf,
    /// Held for its lock.
    _disk: RealDisk,
    findings: Vec<Finding>,
    kept: Option<Stretch>,
    /// What belongs elsewhere than in the stretch: the records of each.
    outside: u64,
    /// The first and the last number that anything speaks of.
    known: (u64, u64),
    checkpoint: Option<u64>,
    checkpoints_gone: Vec<String>,
    mends: Vec<Mend>,
    needed: bool,
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Repaired {
    /// The directory with everything as it was before.
    pub copy: PathBuf,
    /// The file with the records that are no longer in the log.
    pub salvaged_in: PathBuf,
    /// What is in it.
    pub salvaged: Salvaged,
    /// The records that are in the log: first and last; none if a start makes a new log.
    pub kept: Option<(u64, u64)>,
    /// Records that are no longer in the log, by number; some of them are in the file.
    pub gone: Vec<(u64, u64)>,
    /// What was wrong.
    pub findings: Vec<Finding>,
    /// The journal as it is now; none if a start makes a new one.
    pub verified: Option<Verified>,
}

/// Looks a journal over and says what a repair would do. Nothing is changed.
///
/// # Errors
/// [`RepairError::InUse`] if a process has the journal open, and whatever else keeps it from being read.
pub fn plan(directory: &Path, pace: &Pace<'_>) -> Result<Plan, RepairError> {
    let no_journal = || VerifyError::NoJournal { directory: directory.display().to_string() };
    if !directory.is_dir() {
        return Err(no_journal().into());
    }
    let disk = RealDisk::open(directory).map_err(|error| match error {
        OpenError::Disk(fault) => RepairError::Disk(fault),
        OpenError::Locked { .. }
        | OpenError::SegmentBytes(_)
        | OpenError::NoCheckpoint { .. }
        | OpenError::Damaged { .. } => RepairError::InUse,
    })?;
    let surveyed = survey::survey(directory, pace)?;
    let Some(surveyed) = surveyed else { return Err(no_journal().into()) };
    Ok(surveyed.into_plan(directory.to_owned(), disk))
}

impl Plan {
    /// Everything that was found.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether there is anything to do.
    pub fn is_needed(&self) -> bool {
        self.needed
    }

    /// The records that stay in the log: the first and the last one's number. None if none can.
    pub fn kept(&self) -> Option<(u64, u64)> {
        self.kept.as_ref().map(Stretch::records)
    }

    /// Records that would no longer be in the log, by number.
    pub fn gone(&self) -> Vec<(u64, u64)> {
        let (first, last) = self.known;
        let ranges = match self.kept() {
            Some((kept_first, kept_last)) => {
                vec![(first, kept_first.saturating_sub(1)), (kept_last.saturating_add(1), last)]
            }
            None => vec![(first, last)],
        };
        ranges.into_iter().filter(|(first, last)| *first > 0 && first <= last).collect()
    }

    /// What is wrong, what stays and what is lost, in plain words, a paragraph each.
    pub fn explain(&self) -> Vec<String> {
        let mut text = Vec::new();
        if !self.needed {
            text.push("Nothing needs repair.".to_owned());
            return text;
        }
        for finding in self.findings.iter().filter(|finding| finding.is_damage()) {
            let what = if finding.mend.is_some() {
                "this is put right; nothing is lost by it"
            } else {
                advice(&finding.problem)
            };
            text.push(format!("{finding}: {what}."));
        }
        text.push(match self.kept() {
            Some((first, last)) if last < first => "The log stays, and has no record.".to_owned(),
            Some((first, last)) => format!("Records {first} to {last} stay in the log, in {}.", self.stretch_files()),
            None => {
                "Nothing can stay in the log: a start will make a new, empty one, with another identity.".to_owned()
            }
        });
        if let Some(sequence) = self.checkpoint {
            text.push(format!(
                "The switch's state is read from the checkpoint for record {sequence}, and goes on from there."
            ));
        }
        for (first, last) in self.gone() {
            let older = self.kept().is_some_and(|(kept_first, _)| last < kept_first);
            let meaning = if older {
                "they are history: what waited for stations is not affected, but they can no longer be searched or read from the log"
            } else {
                "what they said is undone: messages in them that were acknowledged are not delivered, and deliveries in them may be repeated"
            };
            text.push(format!("Records {first} to {last} leave the log: {meaning}."));
        }
        if self.outside > 0 {
            text.push(format!(
                "{} of them are whole and are written to a file, from which they can be exported.",
                self.outside
            ));
        }
        for name in &self.checkpoints_gone {
            text.push(format!("{name} does not belong to what stays, and is removed."));
        }
        text.push("Signed statements about records that leave the log will say so from now on: keep the copy for the auditor.".to_owned());
        text
    }

    fn stretch_files(&self) -> String {
        match &self.kept {
            Some(stretch) if stretch.first_segment == stretch.segment => format!("segment {}", stretch.segment),
            Some(stretch) => format!("segments {} to {}", stretch.first_segment, stretch.segment),
            None => String::new(),
        }
    }

    /// Does it. `copy` is the directory, not there yet, that takes everything as it was; best beside the journal.
    ///
    /// # Errors
    /// [`RepairError`]. If the copy was made, everything is in it.
    pub fn execute(self, copy: &Path, pace: &Pace<'_>) -> Result<Repaired, RepairError> {
        act::execute(self, copy, pace)
    }
}

/// What somebody should know about a kind of damage.
fn advice(problem: &Problem) -> &'static str {
    match problem {
        Problem::Unreadable(_) => "the disk is failing: copy everything from it before anything else",
        Problem::Checkpoint(_) => "it is removed; an older one or the log itself has the same",
        Problem::Log(_) => "it cannot be put right, as nothing else holds what belongs there",
        Problem::MarkSlot
        | Problem::Torn { .. }
        | Problem::Unused
        | Problem::Leftover
        | Problem::Forged
        | Problem::NoStatement
        | Problem::LineCutShort
        | Problem::OtherJournal(_)
        | Problem::NotTheStatements { .. }
        | Problem::CutShort { .. }
        | Problem::Uncheckable { .. } => "nothing is done about it",
    }
}
