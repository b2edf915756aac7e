//! The whole journal, checked: every byte of the log, the mark, the checkpoints, and signed statements about it.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::{Directory, Source};
use super::finding::{Finding, Problem};
use super::pace::Pace;
use super::walk::{Place, Visit, Walked, walk};
use crate::checkpoint::{Checkpoint, checkpoint_sequence};
use crate::error::Fault;
use crate::format::{Hash, Id, JournalId, SegmentHeader, Stored};
use crate::statement::{Lines, Signed, Verifier};
use crate::view::ReadAt as _;

/// So many findings are kept; a file overwritten with rubbish need not fill the memory.
const FINDINGS_MAX: usize = 10_000;

/// What was checked, and what was found.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Which journal; none if not even that can be read.
    pub journal: Option<JournalId>,
    /// Its oldest segment that is kept.
    pub first_segment: u64,
    /// Segments in use.
    pub segments: u64,
    /// The segment in use.
    pub last_segment: u64,
    /// Whole records.
    pub records: u64,
    /// The first one's number; 0 if there is none.
    pub first_sequence: u64,
    /// The last one's number; 0 if there is none.
    pub last_sequence: u64,
    /// The last one's hash, which stands for all before it; zeros if there is none.
    pub hash: Hash,
    /// Everything up to this record was durable, as the high-water mark said when the reading began.
    pub mark_sequence: u64,
    /// The checkpoints that are whole.
    pub checkpoints: Vec<CheckpointSeen>,
    /// What became of the statements, if there were any to check.
    pub statements: Option<StatementsSeen>,
    /// Everything that is not as it should be, in the order of reading.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub findings_more: u64,
}

impl Verified {
    /// Whether nothing was found that only damage or falsification explains.
    pub fn is_whole(&self) -> bool {
        self.findings_more == 0 && !self.findings.iter().any(Finding::is_damage)
    }
}

/// A checkpoint that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointSeen {
    /// The record that it stands for.
    pub sequence: u64,
    /// The segment of that record.
    pub segment: u64,
    /// Its file's length.
    pub bytes: u64,
}

/// Statements, counted by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatementsSeen {
    /// Well signed, and the log agrees.
    pub confirmed: u64,
    /// Well signed, about records that are no longer kept.
    pub before_beginning: u64,
    /// Contradicted, forged, or not to be checked: each is a finding.
    pub failed: u64,
    /// The newest record that a confirmed statement covers; 0 if there is none.
    pub covered_through: u64,
    /// When the newest confirmed statement was signed: microseconds since 1970-01-01 00:00 UTC; 0 if there is none.
    pub newest_at_us: i64,
}

/// Statements to hold a journal against.
#[derive(Debug, Clone)]
pub struct Against {
    /// The file's name, for findings.
    pub file: String,
    /// What is in it.
    pub lines: Lines,
    /// Who signs.
    pub verifier: Verifier,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Neither a mark nor a segment.
    #[error("there is no journal in {directory}")]
    NoJournal {
        /// The directory.
        directory: String,
    },
    /// The disk refused an operation.
    #[error(transparent)]
    Disk(#[from] Fault),
}

/// Reads the whole journal in `directory` and checks it, and the statements if there are any.
///
/// It only reads, and takes no lock: a switch may have the journal open. The reading goes as far as the log was whole when
/// it got there; a segment that retention removes meanwhile is not missed.
///
/// # Errors
/// [`VerifyError`]: nothing could be checked. Damage is no error but a [`Finding`].
pub fn verify(directory: &Path, against: Option<&Against>, pace: &Pace<'_>) -> Result<Verified, VerifyError> {
    let verified = check(&Directory(directory.to_owned()), against, pace)?;
    verified.ok_or_else(|| VerifyError::NoJournal { directory: directory.display().to_string() })
}

/// The same for any source; none if there is no journal.
pub(crate) fn check<S: Source>(
    source: &S,
    against: Option<&Against>,
    pace: &Pace<'_>,
) -> Result<Option<Verified>, Fault> {
    let mut checker = Checker::new(against);
    let walked = walk(source, pace, &mut checker)?;
    if walked.id.is_none() && checker.findings.is_empty() {
        return Ok(None);
    }
    let checkpoints = match &walked.id {
        Some(id) => check_checkpoints(source, id, &mut checker)?,
        None => Vec::new(),
    };
    let statements = against.map(|against| checker.judge(against, &walked));
    Ok(Some(checker.into_verified(&walked, checkpoints, statements)))
}

/// What a pass over the log collects.
struct Checker {
    records: u64,
    first_sequence: u64,
    last_sequence: u64,
    hash: Hash,
    /// Where the log begins, if its first header can be read.
    begins: Option<u64>,
    /// The hash of each record that a statement is about; none until it was met.
    wanted: BTreeMap<u64, Option<Hash>>,
    findings: Vec<Finding>,
    findings_more: u64,
}

impl Checker {
    fn new(against: Option<&Against>) -> Self {
        let statements = against.iter().flat_map(|against| &against.lines.statements);
        Self {
            records: 0,
            first_sequence: 0,
            last_sequence: 0,
            hash: [0; 32],
            begins: None,
            wanted: statements.map(|(_, signed)| (signed.statement.sequence, None)).collect(),
            findings: Vec::new(),
            findings_more: 0,
        }
    }

    /// Holds the statements against what the pass has met.
    fn judge(&mut self, against: &Against, walked: &Walked) -> StatementsSeen {
        let mut seen = StatementsSeen::default();
        let mut problems: Vec<(usize, Problem)> = Vec::new();
        problems.extend(against.lines.cut_short.iter().map(|line| (*line, Problem::LineCutShort)));
        problems.extend(against.lines.unreadable.iter().map(|line| (*line, Problem::NoStatement)));
        for (line, signed) in &against.lines.statements {
            match self.judge_one(signed, against, walked) {
                Ok(true) => {
                    seen.confirmed += 1;
                    if signed.statement.sequence >= seen.covered_through {
                        seen.covered_through = signed.statement.sequence;
                        seen.newest_at_us = seen.newest_at_us.max(signed.statement.at_us);
                    }
                }
                Ok(false) => seen.before_beginning += 1,
                Err(problem) => problems.push((*line, problem)),
            }
        }
        problems.sort_by_key(|(line, _)| *line);
        for (line, problem) in problems {
            seen.failed += u64::from(problem.is_damage());
            self.finding(Finding::new(&against.file, line as u64, problem));
        }
        seen
    }

    /// Whether the log confirms it, or is no longer kept so far back.
    fn judge_one(&self, signed: &Signed, against: &Against, walked: &Walked) -> Result<bool, Problem> {
        if !against.verifier.accepts(signed) {
            return Err(Problem::Forged);
        }
        let statement = &signed.statement;
        if walked.id.is_some_and(|id| id != statement.journal.0) {
            return Err(Problem::OtherJournal(statement.journal.to_string()));
        }
        let sequence = statement.sequence;
        match self.wanted.get(&sequence).copied().flatten() {
            // A log that was just made.
            _ if sequence == 0 => Ok(true),
            Some(hash) if hash == statement.hash => Ok(true),
            Some(_) => Err(Problem::NotTheStatements { sequence }),
            None if self.begins.is_some_and(|first| sequence < first) => Ok(false),
            None if sequence > self.last_sequence => Err(Problem::CutShort { sequence }),
            None => Err(Problem::Uncheckable { sequence }),
        }
    }

    fn into_verified(
        self,
        walked: &Walked,
        checkpoints: Vec<CheckpointSeen>,
        statements: Option<StatementsSeen>,
    ) -> Verified {
        Verified {
            journal: walked.id.map(JournalId),
            first_segment: walked.first_segment,
            segments: walked.segments,
            last_segment: walked.last_segment,
            records: self.records,
            first_sequence: self.first_sequence,
            last_sequence: self.last_sequence,
            hash: self.hash,
            mark_sequence: walked.marks.iter().map(|mark| mark.sequence).max().unwrap_or_default(),
            checkpoints,
            statements,
            findings: self.findings,
            findings_more: self.findings_more,
        }
    }
}

impl Visit for Checker {
    fn restart(&mut self) -> Result<(), Fault> {
        (self.records, self.first_sequence, self.last_sequence, self.hash) = (0, 0, 0, [0; 32]);
        self.begins = None;
        // What was met was there; only what is below the new beginning must not be missed.
        self.findings.retain(|finding| finding.problem == Problem::MarkSlot);
        Ok(())
    }

    fn segment(&mut self, header: &SegmentHeader) -> Result<(), Fault> {
        self.begins.get_or_insert(header.first_sequence);
        Ok(())
    }

    fn record(&mut self, _: Place, record: &Stored<'_>, hash: &Hash) -> Result<(), Fault> {
        self.records += 1;
        if self.first_sequence == 0 {
            self.first_sequence = record.sequence;
        }
        self.last_sequence = record.sequence;
        self.hash = *hash;
        if !self.wanted.is_empty()
            && let Some(wanted) = self.wanted.get_mut(&record.sequence)
        {
            *wanted = Some(*hash);
        }
        Ok(())
    }

    fn finding(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_more += u64::from(finding.is_damage());
        }
    }
}

/// Reads every checkpoint whole.
fn check_checkpoints<S: Source>(source: &S, id: &Id, checker: &mut Checker) -> Result<Vec<CheckpointSeen>, Fault> {
    let mut names = source.names().map_err(|error| Fault::new("list", "directory", error))?;
    names.sort_unstable();
    let mut seen = Vec::new();
    for name in names {
        let Some(sequence) = checkpoint_sequence(&name) else { continue };
        match read_checkpoint(source, &name, sequence, id) {
            Ok(Some(checkpoint)) => seen.push(checkpoint),
            // Replaced by a newer one since.
            Ok(None) => {}
            Err(why) => checker.finding(Finding::new(&name, 0, Problem::Checkpoint(why))),
        }
    }
    Ok(seen)
}

/// A checkpoint that is whole, none if it is gone, or what is wrong with it.
pub(crate) fn read_checkpoint<S: Source>(
    source: &S,
    name: &str,
    sequence: u64,
    id: &Id,
) -> Result<Option<CheckpointSeen>, String> {
    let unread = |error| format!("it cannot be read: {error}");
    let file = match source.open(name) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unread(error)),
    };
    let length = file.length().map_err(unread)?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    let count = file.read_full(&mut bytes, 0).map_err(unread)?;
    bytes.truncate(count);
    let segment = Checkpoint::parse(bytes, sequence, id)?.header.segment;
    Ok(Some(CheckpointSeen { sequence, segment, bytes: length }))
}
