//! What a journal holds, from its headers, its mark and its last segment; the rest is not read.

use std::path::Path;
use std::time::SystemTime;

use super::files::{Directory, Source as _};
use super::pace::Pace;
use super::verify::{CheckpointSeen, VerifyError};
use super::walk::{newest_mark, segment_numbers};
use crate::checkpoint::checkpoint_sequence;
use crate::chores::segment_name;
use crate::error::Fault;
use crate::format::{CHECKPOINT_HEADER_BYTES, CheckpointHeader, JournalId, KIND_SEAL, SEGMENT_HEADER_BYTES};
use crate::view::{ReadAt as _, read_header};

/// A segment in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentStats {
    /// Its number.
    pub number: u64,
    /// Its first record.
    pub first_sequence: u64,
    /// Its last record, the one before the first if it has none.
    pub last_sequence: u64,
    /// The length of its file.
    pub bytes: u64,
    /// When it was last written, as the file system says; of a segment that is full, when that was.
    pub written: Option<SystemTime>,
}

/// What a journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Which journal.
    pub journal: JournalId,
    /// Segments in use, in order.
    pub segments: Vec<SegmentStats>,
    /// The length of segments that are prepared and not in use.
    pub prepared_bytes: u64,
    /// Everything up to this record was durable, as the high-water mark says.
    pub mark_sequence: u64,
    /// Where the log ends in its last segment.
    pub end_offset: u64,
    /// Checkpoints by their headers; whether they are whole was not looked at.
    pub checkpoints: Vec<CheckpointSeen>,
}

impl Stats {
    /// The first record; 1 if nothing is in use.
    pub fn first_sequence(&self) -> u64 {
        self.segments.first().map_or(1, |segment| segment.first_sequence)
    }

    /// The last record; 0 if there is none.
    pub fn last_sequence(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.last_sequence)
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        (self.last_sequence() + 1).saturating_sub(self.first_sequence())
    }

    /// Bytes of the segments in use, of prepared ones and of checkpoints.
    pub fn bytes(&self) -> u64 {
        let segments: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        let checkpoints: u64 = self.checkpoints.iter().map(|checkpoint| checkpoint.bytes).sum();
        segments + self.prepared_bytes + checkpoints
    }

    /// How fast the log grew from its oldest segment's end to now: bytes and records a day. None before there are two
    /// segments, or with file times that say nothing, as after a restore.
    pub fn growth_a_day(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.segments.first()?, self.segments.last()?);
        let seconds = last.written?.duration_since(first.written?).ok()?.as_secs_f64();
        let full: u64 = self.segments.iter().skip(1).map(|segment| segment.bytes).sum();
        // Of the last one only what is in use.
        let bytes = full.saturating_sub(last.bytes).saturating_add(self.end_offset);
        let records = last.last_sequence.saturating_sub(first.last_sequence);
        let days = seconds / 86_400.0;
        (self.segments.len() > 1 && seconds >= 1.0).then_some((bytes as f64 / days, records as f64 / days))
    }
}

/// Reads what the journal in `directory` holds. Takes no lock and checks no record but those of the last segment.
///
/// # Errors
/// [`VerifyError`]; headers that cannot be read are left out, and [`verify`](super::verify()) says what is wrong with them.
pub fn stats(directory: &Path) -> Result<Stats, VerifyError> {
    let source = Directory(directory.to_owned());
    let no_journal = || VerifyError::NoJournal { directory: directory.display().to_string() };
    let mark = newest_mark(&source)?;
    let mut segments: Vec<SegmentStats> = Vec::new();
    let (mut id, mut prepared_bytes, mut seed) = (mark.map(|mark| mark.id), 0, 0);
    for number in segment_numbers(&source)? {
        let name = segment_name(number);
        // One that retention has just removed is not missed.
        let Ok(file) = source.open(&name) else { continue };
        let fault = |error| Fault::new("read", &name, error);
        let bytes = file.length().map_err(fault)?;
        let Ok(header) = read_header(&file).map_err(fault)? else {
            prepared_bytes += bytes;
            continue;
        };
        if let Some(last) = segments.last_mut() {
            last.last_sequence = header.first_sequence.saturating_sub(1);
        }
        id = id.or(Some(header.id));
        seed = header.seed();
        let written = file.metadata().ok().and_then(|metadata| metadata.modified().ok());
        let first_sequence = header.first_sequence;
        let last_sequence = first_sequence.saturating_sub(1);
        segments.push(SegmentStats { number, first_sequence, last_sequence, bytes, written });
    }
    let journal = JournalId(id.ok_or_else(no_journal)?);
    let mut end_offset = 0;
    if let Some(last) = segments.last_mut() {
        let name = segment_name(last.number);
        let fault = |error| Fault::new("read", &name, error);
        let file = source.open(&name).map_err(fault)?;
        let mut tell = |_| {};
        let pace = Pace::new(None, &mut tell);
        let mut view = pace.view(&file, last.bytes);
        end_offset = SEGMENT_HEADER_BYTES as u64;
        while let Some(record) = view.record(end_offset, seed).map_err(fault)? {
            end_offset += record.bytes.len() as u64;
            if record.kind == KIND_SEAL {
                break;
            }
            last.last_sequence = record.sequence;
        }
    }
    let mark_sequence = mark.map_or(0, |mark| mark.sequence);
    let checkpoints = checkpoints(&source)?;
    Ok(Stats { journal, segments, prepared_bytes, mark_sequence, end_offset, checkpoints })
}

/// The checkpoints, by their headers, oldest first.
fn checkpoints(source: &Directory) -> Result<Vec<CheckpointSeen>, Fault> {
    let mut names = source.names().map_err(|error| Fault::new("list", "directory", error))?;
    names.sort_unstable();
    let mut seen = Vec::new();
    for name in names {
        let (Some(sequence), Ok(file)) = (checkpoint_sequence(&name), source.open(&name)) else { continue };
        let mut bytes = [0; CHECKPOINT_HEADER_BYTES];
        let fault = |error| Fault::new("read", &name, error);
        file.read_full(&mut bytes, 0).map_err(fault)?;
        let segment = CheckpointHeader::decode(&bytes).map_or(0, |header| header.segment);
        seen.push(CheckpointSeen { sequence, segment, bytes: file.length().map_err(fault)? });
    }
    Ok(seen)
}
