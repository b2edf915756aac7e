//! `orinet journal restore`: puts a backup in the place of a journal that is gone.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::journal::offline::{self, Pace, RestoreError};
use clap::Args;

use super::DAMAGED;
use super::meter::{Meter, time};
use crate::cli::{USAGE, failed};

/// Checks a backup, copies it to the data directory, and checks the copy.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// The backup's directory
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
}

const ABOUT: &str = "\
The journal is put into the directory journal of --data. One that is there is never overwritten: move it away first,
and keep it. Nothing is there under that name before all of it was copied, synced and checked.

A switch that starts on it knows nothing of what came after the backup: messages acknowledged since are lost, and
copies delivered since are sent again. Remove a search index that lies beside, or make it anew.

Exit codes: 0 done; 1 it could not be done; 2 the backup is damaged; 64 wrong usage, such as a directory without a
finished backup, or a journal in the way.";

pub(crate) fn run(data: &Path, arguments: &Arguments) -> ExitCode {
    let journal = data.join("journal");
    let result = {
        let mut meter = Meter::new("checking and copying");
        let mut tell = |progress| meter.show(progress);
        offline::restore(&arguments.from, &journal, &Pace::new(None, &mut tell))
    };
    match result {
        Ok(restored) => {
            let (first, last) = (restored.manifest.first_sequence, restored.manifest.sequence);
            let made = time(restored.manifest.at_us);
            say!("{}: records {first} to {last}, from a backup of {made}, checked", journal.display());
            ExitCode::SUCCESS
        }
        Err(error) => failed(exit_code(&error), &error),
    }
}

/// Whether the user asked for what cannot be, the backup is damaged, or the machine failed.
const fn exit_code(error: &RestoreError) -> u8 {
    match error {
        RestoreError::NoBackup { .. } | RestoreError::NotEmpty(_) => USAGE,
        RestoreError::Damaged(_) => DAMAGED,
        RestoreError::Copy(_) | RestoreError::Disk(_) => 1,
    }
}
