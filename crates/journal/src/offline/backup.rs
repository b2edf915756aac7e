//! Copies a journal, also one that is being written, into a directory that is itself a whole journal.
//!
//! The copy has the log up to the last whole record at the time, the newest checkpoint, a mark that says exactly that, and
//! a manifest. Only bytes that were checked get into it, and it is read back and checked before the manifest is written:
//! a directory without one is a backup that was not finished.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::files::{Directory, Source as _};
use super::finding::Finding;
use super::pace::Pace;
use super::sink::{LogEnd, Sink, create_new, make_empty, sync_directory, write_mark, write_whole};
use super::verify::check;
use super::walk::{newest_mark, walk};
use crate::checkpoint::{Checkpoint, checkpoint_name, checkpoint_sequence};
use crate::error::Fault;
use crate::format::{CheckpointHeader, Id, JournalId};
use crate::hex;
use crate::view::ReadAt as _;

/// The file that says what a backup holds. Written last.
pub const MANIFEST: &str = "backup.json";
/// The file that a backup has until it is finished.
pub const UNFINISHED_BACKUP: &str = "backup.unfinished";

/// So often a backup begins anew because retention overtook it.
const ATTEMPTS: u32 = 5;
/// The mark of a journal that runs covers its last record after a quarter of a second.
const MARK_PATIENCE: Duration = Duration::from_secs(2);
const MARK_INTERVAL: Duration = Duration::from_millis(20);

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Of this file: 1.
    pub format: u32,
    /// Which journal: 32 hexadecimal digits.
    pub journal: String,
    /// The first record.
    pub first_sequence: u64,
    /// The last record.
    pub sequence: u64,
    /// The last record's hash, which stands for all before it: 64 hexadecimal digits.
    pub hash: String,
    /// The oldest segment.
    pub first_segment: u64,
    /// The newest segment.
    pub segment: u64,
    /// The record that the checkpoint in it stands for.
    pub checkpoint: Option<u64>,
    /// Bytes of all files.
    pub bytes: u64,
    /// When it was made: microseconds since 1970-01-01 00:00 UTC.
    pub at_us: i64,
}

impl Manifest {
    /// Reads a backup's manifest.
    ///
    /// # Errors
    /// Says what is wrong: no backup, one that was not finished, a file that cannot be read.
    pub fn read(directory: &Path) -> Result<Self, String> {
        let text = match std::fs::read_to_string(directory.join(MANIFEST)) {
            Ok(text) => text,
            Err(_) if directory.join(UNFINISHED_BACKUP).exists() => {
                return Err("the backup was not finished: make another one".to_owned());
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(format!("there is no backup: {MANIFEST} is missing"));
            }
            Err(error) => return Err(format!("{MANIFEST} cannot be read: {error}")),
        };
        match serde_json::from_str(&text) {
            Ok(Self { format, .. }) if format != 1 => Err(format!("{MANIFEST}: format {format} is not known")),
            Ok(manifest) => Ok(manifest),
            Err(error) => Err(format!("{MANIFEST} is damaged: {error}")),
        }
    }
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// What it holds.
    pub manifest: Manifest,
    /// The source's mark covered everything in it: no power cut takes from the source what the backup has. Not so for a
    /// journal whose process was killed and not started again.
    pub covered: bool,
}

/// Why there is no backup. What was written so far is left, without a manifest.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// No journal to copy.
    #[error("there is no journal in {0}")]
    NoJournal(String),
    /// The target has files.
    #[error("{0} is not empty")]
    NotEmpty(String),
    /// The source is damaged; a backup would hide it.
    #[error("the journal is damaged ({} findings), beginning with: {}", .0.len(), .0.first().map_or_else(String::new, Finding::to_string))]
    Damaged(Vec<Finding>),
    /// The log's beginning was pruned and no checkpoint can be used.
    #[error("the log does not begin with record 1 and no checkpoint can be used: {0}")]
    NoCheckpoint(String),
    /// Retention removed segments faster than they could be copied.
    #[error("retention removes segments faster than they can be copied")]
    Overtaken,
    /// The copy is not what was copied.
    #[error("the copy is not what was copied, beginning with: {0}")]
    Copy(String),
    /// The disk refused an operation.
    #[error(transparent)]
    Disk(#[from] Fault),
}

/// Copies the journal in `directory` to `out`, which must be new or empty. `at_us` is the time for the manifest.
///
/// # Errors
/// [`BackupError`].
pub fn backup(directory: &Path, out: &Path, at_us: i64, pace: &Pace<'_>) -> Result<BackedUp, BackupError> {
    let source = Directory(directory.to_owned());
    let no_journal = || BackupError::NoJournal(directory.display().to_string());
    let mark = newest_mark(&source)?.ok_or_else(no_journal)?;
    let shown = out.display().to_string();
    if !make_empty(out).map_err(|error| Fault::new("create", &shown, error))? {
        return Err(BackupError::NotEmpty(shown));
    }
    let begun = create_new(&out.join(UNFINISHED_BACKUP)).and_then(|file| file.sync_all());
    begun.map_err(|error| Fault::new("create", UNFINISHED_BACKUP, error))?;

    let (end, checkpoint) = copy(&source, out, &mark.id, pace)?.ok_or_else(no_journal)?;
    let covered = wait_for_mark(&source, end.sequence)?;
    write_mark(out, &end)?;

    // Read back from the copy's own files.
    let copied = check(&Directory(out.to_owned()), None, pace)?;
    let copied = copied.ok_or_else(|| BackupError::Copy("it is empty".to_owned()))?;
    if let Some(finding) = copied.findings.first() {
        return Err(BackupError::Copy(finding.to_string()));
    }
    if (copied.last_sequence, copied.hash) != (end.sequence, end.hash) && copied.records > 0 {
        return Err(BackupError::Copy(format!("it ends with record {}, not {}", copied.last_sequence, end.sequence)));
    }

    let manifest = Manifest {
        format: 1,
        journal: JournalId(end.id).to_string(),
        first_sequence: end.first_sequence,
        sequence: end.sequence,
        hash: hex::encode(&end.hash),
        first_segment: end.first_segment,
        segment: end.segment,
        checkpoint: checkpoint.map(|header| header.sequence),
        bytes: bytes_in(out).map_err(|error| Fault::new("list", &shown, error))?,
        at_us,
    };
    // Texts and numbers are always JSON.
    let text = serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n";
    write_whole(out, MANIFEST, text.as_bytes()).map_err(|error| Fault::new("write", MANIFEST, error))?;
    let finished = std::fs::remove_file(out.join(UNFINISHED_BACKUP)).and_then(|()| sync_directory(out));
    finished.map_err(|error| Fault::new("remove", UNFINISHED_BACKUP, error))?;
    Ok(BackedUp { manifest, covered })
}

/// Copies the newest checkpoint and then the log, so that the log reaches at least as far as the checkpoint.
fn copy(
    source: &Directory,
    out: &Path,
    id: &Id,
    pace: &Pace<'_>,
) -> Result<Option<(LogEnd, Option<CheckpointHeader>)>, BackupError> {
    for _ in 0..ATTEMPTS {
        let (checkpoint, why) = copy_checkpoint(source, out, id)?;
        let mut sink = Sink::new(out, checkpoint.map_or(0, |header| header.sequence));
        walk(source, pace, &mut sink)?;
        let end = sink.finish()?;
        if sink.restarted {
            remove_all(out)?;
            continue;
        }
        if !sink.damage.is_empty() {
            return Err(BackupError::Damaged(std::mem::take(&mut sink.damage)));
        }
        let Some(end) = end else { return Ok(None) };
        let usable = |header: &CheckpointHeader| sink.watched_hash() == Some(header.hash);
        if let Some(unusable) = checkpoint.filter(|header| !usable(header)) {
            let name = checkpoint_name(unusable.sequence);
            std::fs::remove_file(out.join(&name)).map_err(|error| Fault::new("remove", &name, error))?;
        }
        let checkpoint = checkpoint.filter(usable);
        if checkpoint.is_none() && end.first_segment > 1 {
            return Err(BackupError::NoCheckpoint(why));
        }
        return Ok(Some((end, checkpoint)));
    }
    Err(BackupError::Overtaken)
}

/// Copies the newest checkpoint that is whole; says what is wrong with the others.
fn copy_checkpoint(source: &Directory, out: &Path, id: &Id) -> Result<(Option<CheckpointHeader>, String), Fault> {
    let names = source.names().map_err(|error| Fault::new("list", "directory", error))?;
    let mut sequences: Vec<u64> = names.iter().filter_map(|name| checkpoint_sequence(name)).collect();
    sequences.sort_unstable_by(|a, b| b.cmp(a));
    let mut why = Vec::new();
    for sequence in sequences {
        let name = checkpoint_name(sequence);
        // One that is gone was replaced by a newer one.
        let Ok(file) = source.open(&name) else { continue };
        let length = file.length().map_err(|error| Fault::new("read", &name, error))?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let count = file.read_full(&mut bytes, 0).map_err(|error| Fault::new("read", &name, error))?;
        bytes.truncate(count);
        let copy = bytes.clone();
        match Checkpoint::parse(bytes, sequence, id) {
            Ok(checkpoint) => {
                write_whole(out, &name, &copy).map_err(|error| Fault::new("write", &name, error))?;
                return Ok((Some(checkpoint.header), String::new()));
            }
            Err(problem) => why.push(format!("{name}: {problem}")),
        }
    }
    let why = if why.is_empty() { "there is none".to_owned() } else { why.join("; ") };
    Ok((None, why))
}

/// Waits until the source's mark covers what was copied, as it soon does if a process has the journal open.
fn wait_for_mark(source: &Directory, sequence: u64) -> Result<bool, Fault> {
    let begun = Instant::now();
    loop {
        if newest_mark(source)?.is_some_and(|mark| mark.sequence >= sequence) {
            return Ok(true);
        }
        if begun.elapsed() >= MARK_PATIENCE {
            return Ok(false);
        }
        thread::park_timeout(MARK_INTERVAL);
    }
}

/// Takes away what an attempt has written.
fn remove_all(out: &Path) -> Result<(), Fault> {
    let fault = |error| Fault::new("remove from", &out.display().to_string(), error);
    for entry in std::fs::read_dir(out).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        if entry.file_name() != UNFINISHED_BACKUP {
            std::fs::remove_file(entry.path()).map_err(fault)?;
        }
    }
    Ok(())
}

fn bytes_in(directory: &Path) -> std::io::Result<u64> {
    std::fs::read_dir(directory)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}
