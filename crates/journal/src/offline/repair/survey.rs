//! Reads a damaged journal and finds the unbroken stretches of its log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::files::{Directory, Source};
use super::super::finding::{Finding, Mend, Problem};
use super::super::pace::Pace;
use super::super::sink::LogEnd;
use super::super::walk::{Place, Visit, walk};
use super::Plan;
use crate::checkpoint::{Checkpoint, checkpoint_name, checkpoint_sequence};
use crate::chores::segment_name;
use crate::disk::RealDisk;
use crate::error::Fault;
use crate::format::{CheckpointHeader, Hash, Id, SEGMENT_HEADER_BYTES, SegmentHeader, Stored};
use crate::view::ReadAt as _;

/// A part of the log without damage, from the beginning of a segment.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    pub(crate) first_segment: u64,
    first_sequence: u64,
    /// Where it ends.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) sealed: bool,
    sequence: u64,
    hash: Hash,
    pub(crate) capacity: u64,
    id: Id,
}

impl Stretch {
    fn begin(header: &SegmentHeader) -> Self {
        Self {
            first_segment: header.number,
            first_sequence: header.first_sequence,
            segment: header.number,
            offset: SEGMENT_HEADER_BYTES as u64,
            sealed: false,
            sequence: header.first_sequence.saturating_sub(1),
            hash: [0; 32],
            capacity: header.capacity,
            id: header.id,
        }
    }

    /// Its first record and its last, which is the one before if it has none.
    pub(crate) fn records(&self) -> (u64, u64) {
        (self.first_sequence, self.sequence)
    }

    /// Whether a record is in it.
    pub(crate) fn has(&self, place: Place) -> bool {
        let before_end = place.segment < self.segment || (place.segment == self.segment && place.offset < self.offset);
        place.segment >= self.first_segment && before_end
    }

    /// What the mark of a log that is this stretch says.
    pub(crate) fn end(&self) -> LogEnd {
        LogEnd {
            first_segment: self.first_segment,
            first_sequence: self.first_sequence,
            segment: self.segment,
            offset: self.offset,
            sealed: self.sealed,
            sequence: self.sequence,
            hash: self.hash,
            capacity: self.capacity,
            id: self.id,
        }
    }
}

/// What the reading has found.
pub(crate) struct Surveyed {
    findings: Vec<Finding>,
    stretches: Vec<Stretch>,
    records: u64,
    /// Records in each stretch.
    counts: Vec<u64>,
    known: (u64, u64),
    /// The checkpoints that are whole, oldest first, and those that are not.
    checkpoints: Vec<CheckpointHeader>,
    bad_checkpoints: Vec<String>,
    /// Of each checkpoint's record its hash, if it is in a stretch, and its segment.
    hashes: BTreeMap<u64, (Option<Hash>, u64)>,
}

/// Reads all of it; none if there is no journal.
pub(crate) fn survey(directory: &Path, pace: &Pace<'_>) -> Result<Option<Surveyed>, Fault> {
    let source = Directory(directory.to_owned());
    let mut names = source.names().map_err(|error| Fault::new("list", "directory", error))?;
    names.sort_unstable();
    let sequences: Vec<u64> = names.iter().filter_map(|name| checkpoint_sequence(name)).collect();
    let mut surveyor = Surveyor {
        findings: Vec::new(),
        stretches: Vec::new(),
        counts: Vec::new(),
        records: 0,
        known: (0, 0),
        broken: true,
        headerless: String::new(),
        hashes: sequences.iter().map(|sequence| (*sequence, (None, 0))).collect(),
    };
    let walked = walk(&source, pace, &mut surveyor)?;
    let Some(id) = walked.id.or_else(|| (!surveyor.findings.is_empty()).then_some([0; 16])) else { return Ok(None) };
    let Surveyor { mut findings, stretches, counts, records, mut known, hashes, .. } = surveyor;
    let (mut checkpoints, mut bad_checkpoints) = (Vec::new(), Vec::new());
    for sequence in sequences {
        let name = checkpoint_name(sequence);
        match read_checkpoint(&source, &name, sequence, &id) {
            Ok(header) => checkpoints.push(header),
            Err(why) => {
                findings.push(Finding::new(&name, 0, Problem::Checkpoint(why)));
                bad_checkpoints.push(name);
            }
        }
    }
    let marked = walked.marks.iter().map(|mark| mark.sequence);
    let highest = marked.chain(checkpoints.iter().map(|header| header.sequence)).max().unwrap_or_default();
    known.1 = known.1.max(highest);
    Ok(Some(Surveyed { findings, stretches, records, counts, known, checkpoints, bad_checkpoints, hashes }))
}

fn read_checkpoint<S: Source>(source: &S, name: &str, sequence: u64, id: &Id) -> Result<CheckpointHeader, String> {
    let unread = |error| format!("it cannot be read: {error}");
    let file = source.open(name).map_err(unread)?;
    let mut bytes = vec![0; usize::try_from(file.length().map_err(unread)?).unwrap_or_default()];
    let count = file.read_full(&mut bytes, 0).map_err(unread)?;
    bytes.truncate(count);
    Ok(Checkpoint::parse(bytes, sequence, id)?.header)
}

impl Surveyed {
    /// Chooses what stays: where the newest usable checkpoint lies, or what begins with record 1.
    pub(crate) fn into_plan(self, directory: PathBuf, disk: RealDisk) -> Plan {
        let holds = |stretch: &Stretch, header: &CheckpointHeader| {
            stretch.has(Place { segment: header.segment, offset: header.offset })
                && self.hashes.get(&header.sequence) == Some(&(Some(header.hash), header.segment))
        };
        let by_checkpoint = self.checkpoints.iter().rev().find_map(|header| {
            let at = self.stretches.iter().position(|stretch| holds(stretch, header))?;
            Some((at, Some(header.sequence)))
        });
        let from_the_first = || {
            let at =
                self.stretches.iter().position(|stretch| stretch.first_segment == 1 && stretch.first_sequence == 1);
            at.map(|at| (at, None))
        };
        let (at, checkpoint) = by_checkpoint.or_else(from_the_first).map_or((None, None), |(at, of)| (Some(at), of));
        let kept = at.and_then(|at| self.stretches.get(at)).cloned();
        let inside = at.and_then(|at| self.counts.get(at)).copied().unwrap_or_default();
        let usable = |header: &&CheckpointHeader| kept.as_ref().is_some_and(|stretch| holds(stretch, header));
        let mut checkpoints_gone = self.bad_checkpoints.clone();
        let unusable = self.checkpoints.iter().filter(|header| !usable(header));
        checkpoints_gone.extend(unusable.map(|header| checkpoint_name(header.sequence)));
        let of_kept = |mend: &Mend| match mend {
            Mend::Mark => true,
            Mend::Header { segment, .. }
            | Mend::Seal { segment, .. }
            | Mend::Behind { segment, .. }
            | Mend::Length { segment, .. } => {
                kept.as_ref().is_some_and(|stretch| (stretch.first_segment..=stretch.segment).contains(segment))
            }
        };
        let mends: Vec<Mend> =
            self.findings.iter().filter_map(|finding| finding.mend.clone()).filter(of_kept).collect();
        let needed = self.findings.iter().any(Finding::is_damage) || kept.is_none();
        Plan {
            directory,
            _disk: disk,
            findings: self.findings,
            kept,
            outside: self.records.saturating_sub(inside),
            known: self.known,
            checkpoint,
            checkpoints_gone,
            mends,
            needed,
        }
    }
}

struct Surveyor {
    findings: Vec<Finding>,
    stretches: Vec<Stretch>,
    counts: Vec<u64>,
    records: u64,
    known: (u64, u64),
    /// Nothing more belongs to the last stretch.
    broken: bool,
    /// The last file that no stretch begins with, as its header is not whole.
    headerless: String,
    hashes: BTreeMap<u64, (Option<Hash>, u64)>,
}

impl Visit for Surveyor {
    fn segment(&mut self, header: &SegmentHeader) -> Result<(), Fault> {
        match self.stretches.last_mut() {
            Some(stretch) if !self.broken => {
                (stretch.segment, stretch.capacity) = (header.number, header.capacity);
                (stretch.offset, stretch.sealed) = (SEGMENT_HEADER_BYTES as u64, false);
            }
            _ if self.headerless == segment_name(header.number) => {}
            _ => {
                self.stretches.push(Stretch::begin(header));
                self.counts.push(0);
                self.broken = false;
            }
        }
        if self.known.0 == 0 {
            self.known = (header.first_sequence, header.first_sequence.saturating_sub(1));
        }
        Ok(())
    }

    fn record(&mut self, place: Place, record: &Stored<'_>, hash: &Hash) -> Result<(), Fault> {
        self.records += 1;
        self.known.1 = self.known.1.max(record.sequence);
        if let (Some(stretch), Some(count), false) = (self.stretches.last_mut(), self.counts.last_mut(), self.broken) {
            (stretch.sequence, stretch.hash) = (record.sequence, *hash);
            stretch.offset = place.offset + record.bytes.len() as u64;
            *count += 1;
            if let Some(wanted) = self.hashes.get_mut(&record.sequence) {
                *wanted = (Some(*hash), place.segment);
            }
        }
        Ok(())
    }

    fn seal(&mut self, place: Place, bytes: &[u8], _: &Hash) -> Result<(), Fault> {
        if let (Some(stretch), false) = (self.stretches.last_mut(), self.broken) {
            stretch.offset = place.offset + bytes.len() as u64;
            stretch.sealed = true;
        }
        Ok(())
    }

    fn finding(&mut self, finding: Finding) {
        if finding.is_damage() && finding.mend.is_none() {
            self.broken = true;
            if finding.offset == 0 {
                self.headerless.clone_from(&finding.file);
            }
        }
        if let Some((first, last)) = finding.lost {
            self.known.0 = if self.known.0 == 0 { first } else { self.known.0.min(first) };
            self.known.1 = self.known.1.max(last);
        }
        self.findings.push(finding);
    }
}
