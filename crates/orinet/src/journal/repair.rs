//! `orinet journal repair`: makes a damaged journal usable again, after it has said what that costs.

use std::ffi::OsString;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::journal::offline::{self, Pace, Plan, RepairError, Repaired};
use clap::Args;
use jiff::Timestamp;

use super::DAMAGED;
use super::meter::Meter;
use crate::cli::{USAGE, failed};

/// Explains each damage, asks, keeps a copy, and makes the journal one that a switch can open.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only explain
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

const ABOUT: &str = "\
The switch must be stopped. Headers, seals and the high-water mark are put right where what belongs there is known to
the byte: that costs nothing. Otherwise one unbroken stretch of the log stays: the one with the newest checkpoint that
can be used, as it holds the switch's state, or else the one from record 1. Damage in old history costs history;
damage at the end costs what was acknowledged last.

Everything as it was goes to JOURNAL.damaged-TIME beside the journal first. Whole records that leave the log are in
salvaged.jsonl there, from which they can be exported. An interrupted repair can be begun anew: move what it left of
the copy away, not the oldest copy.

Exit codes: 0 repaired, or nothing needed repair; 1 not done, as the answer was no, the journal is in use or the disk
refused; 2 with --dry-run: repair is needed; 64 wrong usage, such as a directory without a journal.";

pub(crate) fn run(directory: &Path, arguments: &Arguments) -> ExitCode {
    let mut meter = Meter::new("reading");
    let mut tell = |progress| meter.show(progress);
    let pace = Pace::new(None, &mut tell);
    let plan = match offline::plan(directory, &pace) {
        Ok(plan) => plan,
        Err(error) => return failed(exit_code(&error), &error),
    };
    for paragraph in plan.explain() {
        say!("{paragraph}");
    }
    if !plan.is_needed() {
        return ExitCode::SUCCESS;
    }
    if arguments.dry_run {
        return ExitCode::from(DAMAGED);
    }
    let copy = copy_of(directory, Timestamp::now());
    if !arguments.yes && !agreed(&copy) {
        say!("Nothing was changed.");
        return ExitCode::from(1);
    }
    match execute(plan, &copy, &pace) {
        Ok(repaired) => {
            say!("{}", report(directory, &repaired));
            ExitCode::SUCCESS
        }
        Err(error) => failed(exit_code(&error), &error),
    }
}

fn execute(plan: Plan, copy: &Path, pace: &Pace<'_>) -> Result<Repaired, RepairError> {
    say!("Everything as it is goes to {} first.", copy.display());
    plan.execute(copy, pace)
}

/// Where everything goes as it was.
fn copy_of(directory: &Path, now: Timestamp) -> PathBuf {
    let mut name = directory.file_name().map_or_else(|| OsString::from("journal"), OsString::from);
    name.push(format!(".damaged-{}", now.strftime("%Y%m%dT%H%M%SZ")));
    directory.with_file_name(name)
}

/// Asks on the terminal; anything but yes is no.
fn agreed(copy: &Path) -> bool {
    let mut out = io::stdout().lock();
    drop(write!(out, "A copy goes to {}. Repair now? Type yes: ", copy.display()).and_then(|()| out.flush()));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).is_ok() && line.trim().eq_ignore_ascii_case("yes")
}

fn report(directory: &Path, repaired: &Repaired) -> String {
    let mut lines = vec![match repaired.kept {
        Some((first, last)) if first <= last => {
            format!(
                "{}: repaired; records {first} to {last} are in the log, and all of it was checked",
                directory.display()
            )
        }
        Some(_) => format!("{}: repaired; the log has no record", directory.display()),
        None => format!("{}: empty; a start makes a new journal", directory.display()),
    }];
    for (first, last) in &repaired.gone {
        lines.push(format!("records {first} to {last} are no longer in the log"));
    }
    if repaired.salvaged.records > 0 {
        let (records, path) = (repaired.salvaged.records, repaired.salvaged_in.display());
        lines.push(format!("{records} of them are in {path}"));
    }
    lines.push(format!("everything as it was is in {}", repaired.copy.display()));
    lines.join("\n")
}

/// Whether the user asked for what cannot be, or it failed.
const fn exit_code(error: &RepairError) -> u8 {
    match error {
        RepairError::Journal(offline::VerifyError::NoJournal { .. }) => USAGE,
        RepairError::InUse
        | RepairError::Journal(offline::VerifyError::Disk(_))
        | RepairError::Disk(_)
        | RepairError::Exists(_)
        | RepairError::Failed(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_lies_beside_with_its_time() {
        let now = "2030-01-31T08:09:10.5Z".parse().unwrap();
        assert_eq!(copy_of(Path::new("data/journal"), now), Path::new("data/journal.damaged-20300131T080910Z"));
    }
}
