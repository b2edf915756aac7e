//! Carries a plan out: a copy, then the records that leave, then the files, and the mark last.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::super::files::Directory;
use super::super::finding::{Finding, Mend};
use super::super::pace::Pace;
use super::super::restore::copy_file;
use super::super::salvage::{Salvage, Salvaged};
use super::super::sink::{make_empty, sync_directory, write_mark};
use super::super::verify::check;
use super::super::walk::{Place, segment_numbers, walk};
use super::survey::Stretch;
use super::{Plan, RepairError, Repaired};
use crate::chores::{MARK, segment_name};
use crate::error::Fault;

/// The file of salvaged records, in the copy's directory.
const SALVAGED: &str = "salvaged.jsonl";
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

pub(super) fn execute(plan: Plan, copy: &Path, pace: &Pace<'_>) -> Result<Repaired, RepairError> {
    let shown = copy.display().to_string();
    if copy.exists() || !make_empty(copy).map_err(|error| Fault::new("create", &shown, error))? {
        return Err(RepairError::Exists(shown));
    }
    copy_all(&plan.directory, copy)?;
    let (salvaged_in, salvaged) = salvage(&plan, copy, pace)?;

    let files = Files(&plan.directory);
    for name in &plan.checkpoints_gone {
        files.remove(name)?;
    }
    match &plan.kept {
        Some(stretch) => keep(&files, &plan, stretch)?,
        None => {
            for number in segment_numbers(&Directory(plan.directory.clone()))?.into_iter().rev() {
                files.remove(&segment_name(number))?;
            }
            files.remove(MARK)?;
        }
    }
    files.sync()?;

    let verified = check(&Directory(plan.directory.clone()), None, pace)?;
    if let Some(finding) = verified.iter().flat_map(|verified| &verified.findings).find(|it| it.is_damage()) {
        return Err(RepairError::Failed(finding.to_string()));
    }
    let (kept, gone) = (plan.kept(), plan.gone());
    let findings: Vec<Finding> = plan.findings.clone();
    Ok(Repaired { copy: copy.to_owned(), salvaged_in, salvaged, kept, gone, findings, verified })
}

/// Copies every file of the directory, whatever it is.
fn copy_all(from: &Path, to: &Path) -> Result<(), Fault> {
    let fault = |name: &Path| {
        let name = name.display().to_string();
        move |error| Fault::new("copy", &name, error)
    };
    for entry in fs::read_dir(from).map_err(fault(from))? {
        let entry = entry.map_err(fault(from))?;
        let path = entry.path();
        if path.is_file() {
            copy_file(&path, &to.join(entry.file_name())).map_err(fault(&path))?;
        }
    }
    sync_directory(to).map_err(fault(to))
}

/// Writes the whole records that leave the log.
fn salvage(plan: &Plan, copy: &Path, pace: &Pace<'_>) -> Result<(PathBuf, Salvaged), Fault> {
    let path = copy.join(SALVAGED);
    let kept = |place: Place| plan.kept.as_ref().is_some_and(|stretch| stretch.has(place));
    let mut salvage = Salvage::create(&path, &kept)?;
    walk(&Directory(plan.directory.clone()), pace, &mut salvage)?;
    let salvaged = salvage.finish()?;
    sync_directory(copy).map_err(|error| Fault::new("sync", "directory", error))?;
    Ok((path, salvaged))
}

/// Makes the log that stretch.
fn keep(files: &Files<'_>, plan: &Plan, stretch: &Stretch) -> Result<(), Fault> {
    for mend in &plan.mends {
        match mend {
            // Written last, from the stretch itself.
            Mend::Mark => {}
            Mend::Length { segment, bytes } => files.change(*segment, |file| set_length(file, *bytes))?,
            Mend::Header { segment, bytes } => files.change(*segment, |file| file.write_all_at(&bytes[..], 0))?,
            Mend::Seal { segment, offset, bytes } => files.change(*segment, |file| {
                file.write_all_at(bytes, *offset)?;
                zero_from(file, *offset + bytes.len() as u64)
            })?,
            Mend::Behind { segment, offset } => files.change(*segment, |file| zero_from(file, *offset))?,
        }
    }
    let numbers = segment_numbers(&Directory(plan.directory.clone()))?;
    // The last of what follows goes first, so that what is left never has a hole.
    for number in numbers.iter().rev().filter(|number| **number > stretch.segment) {
        files.remove(&segment_name(*number))?;
    }
    for number in numbers.iter().filter(|number| **number < stretch.first_segment) {
        files.remove(&segment_name(*number))?;
    }
    files.change(stretch.segment, |file| zero_from(file, stretch.offset))?;
    if stretch.sealed {
        // A seal promises that the next segment is there.
        let file = super::super::sink::create_new(&files.0.join(segment_name(stretch.segment + 1)));
        let made = file.and_then(|file| {
            zero_range(&file, 0, stretch.capacity)?;
            file.sync_all()
        });
        made.map_err(|error| Fault::new("create", &segment_name(stretch.segment + 1), error))?;
    }
    files.sync()?;
    write_mark(files.0, &stretch.end())
}

/// The journal's directory.
struct Files<'a>(&'a Path);

impl Files<'_> {
    fn remove(&self, name: &str) -> Result<(), Fault> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Fault::new("remove", name, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Changes a segment and syncs it.
    fn change(&self, segment: u64, change: impl FnOnce(&File) -> io::Result<()>) -> Result<(), Fault> {
        let name = segment_name(segment);
        let file = OpenOptions::new().read(true).write(true).open(self.0.join(&name));
        let changed = file.and_then(|file| {
            change(&file)?;
            file.sync_all()
        });
        changed.map_err(|error| Fault::new("change", &name, error))
    }

    fn sync(&self) -> Result<(), Fault> {
        sync_directory(self.0).map_err(|error| Fault::new("sync", "directory", error))
    }
}

/// Makes the file so long; what is added is written, as a commit must not find that there is no room for it.
fn set_length(file: &File, bytes: u64) -> io::Result<()> {
    let length = file.metadata()?.len();
    if length > bytes {
        return file.set_len(bytes);
    }
    zero_range(file, length, bytes)
}

fn zero_from(file: &File, offset: u64) -> io::Result<()> {
    let length = file.metadata()?.len();
    zero_range(file, offset, length)
}

fn zero_range(file: &File, mut from: u64, to: u64) -> io::Result<()> {
    while from < to {
        let piece = (to - from).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..usize::try_from(piece).unwrap_or(ZEROS.len())], from)?;
        from += piece;
    }
    Ok(())
}
