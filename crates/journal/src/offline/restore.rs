//! Puts a backup in the place of a journal that is gone.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::backup::Manifest;
use super::files::Directory;
use super::pace::Pace;
use super::sink::{make_empty, sync_directory};
use super::verify::{Verified, check};
use crate::checkpoint::checkpoint_sequence;
use crate::chores::MARK;
use crate::error::Fault;
use crate::hex;
use crate::recover::segment_number;

/// What was restored.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// What was found in the journal that is now there.
    pub verified: Verified,
}

/// Why nothing was restored. There is no journal at the target then.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// No backup, or one that was not finished.
    #[error("{directory}: {why}")]
    NoBackup {
        /// The directory.
        directory: String,
        /// What is wrong.
        why: String,
    },
    /// The backup is not what it was.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// The target has files.
    #[error("{0} is there and not empty: a journal is never overwritten; move it away first")]
    NotEmpty(String),
    /// The copy is not what was copied.
    #[error("the copy is not what was copied: {0}")]
    Copy(String),
    /// The disk refused an operation.
    #[error(transparent)]
    Disk(#[from] Fault),
}

/// Copies the backup in `from` to `journal`, a journal's own directory, which must be empty or not there. It is checked
/// before, copied beside, synced, checked again, and only then given its name.
///
/// # Errors
/// [`RestoreError`].
pub fn restore(from: &Path, journal: &Path, pace: &Pace<'_>) -> Result<Restored, RestoreError> {
    let no_backup = |why| RestoreError::NoBackup { directory: from.display().to_string(), why };
    let manifest = Manifest::read(from).map_err(no_backup)?;
    let shown = journal.display().to_string();
    if !is_free(journal).map_err(|error| Fault::new("look into", &shown, error))? {
        return Err(RestoreError::NotEmpty(shown));
    }
    let source = check(&Directory(from.to_owned()), None, pace)?;
    agree(source.as_ref(), &manifest).map_err(RestoreError::Damaged)?;

    let beside = beside(journal);
    let beside_shown = beside.display().to_string();
    if !make_empty(&beside).map_err(|error| Fault::new("create", &beside_shown, error))? {
        // An earlier attempt was interrupted. A finished one is no longer there.
        return Err(RestoreError::NotEmpty(beside_shown));
    }
    copy_all(from, &beside)?;
    let copied = check(&Directory(beside.clone()), None, pace)?;
    agree(copied.as_ref(), &manifest).map_err(RestoreError::Copy)?;
    let verified = copied.ok_or_else(|| RestoreError::Copy("it is empty".to_owned()))?;

    let parent = parent(journal);
    let named = fs::rename(&beside, journal).and_then(|()| sync_directory(&parent));
    named.map_err(|error| Fault::new("rename", &beside_shown, error))?;
    Ok(Restored { manifest, verified })
}

/// Whether a directory may be put there: a rename replaces an empty one.
fn is_free(journal: &Path) -> io::Result<bool> {
    match fs::read_dir(journal) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| ".".into(), Path::to_owned)
}

/// Where the copy is made: on the same file system, under a name that no switch opens.
fn beside(journal: &Path) -> PathBuf {
    let mut name = journal.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    journal.with_file_name(name)
}

/// Holds what was read against the manifest.
fn agree(verified: Option<&Verified>, manifest: &Manifest) -> Result<(), String> {
    let verified = verified.ok_or("there is no journal in it")?;
    if let Some(finding) = verified.findings.first() {
        return Err(finding.to_string());
    }
    let journal = verified.journal.map(|id| id.to_string()).unwrap_or_default();
    let empty = manifest.sequence < manifest.first_sequence;
    let found = (journal, verified.last_sequence, hex::encode(&verified.hash));
    let expected = (manifest.journal.clone(), manifest.sequence, manifest.hash.clone());
    if found != expected && !(empty && verified.records == 0) {
        return Err(format!("it ends with record {}, and not as its manifest says, with {}", found.1, expected.1));
    }
    let checkpoint = verified.checkpoints.iter().map(|checkpoint| checkpoint.sequence).max();
    if checkpoint != manifest.checkpoint {
        return Err("the checkpoint that its manifest names is not there".to_owned());
    }
    Ok(())
}

/// Copies and syncs the files that are a journal's.
fn copy_all(from: &Path, to: &Path) -> Result<(), Fault> {
    let fault = |name: &str| {
        let name = name.to_owned();
        move |error| Fault::new("copy", &name, error)
    };
    for entry in fs::read_dir(from).map_err(fault("directory"))? {
        let entry = entry.map_err(fault("directory"))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name != MARK && segment_number(&name).is_none() && checkpoint_sequence(&name).is_none() {
            continue;
        }
        copy_file(&entry.path(), &to.join(&name)).map_err(fault(&name))?;
    }
    sync_directory(to).map_err(fault("directory"))
}

/// Copies a file and makes it durable; the copy is for its owner alone.
pub(crate) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut copy = super::sink::create_new(to)?;
    io::copy(&mut source, &mut copy)?;
    copy.sync_all()
}
