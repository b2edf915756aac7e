//! `orinet journal backup`: copies a journal while the switch runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::journal::offline::{self, BackedUp, BackupError, Pace};
use clap::Args;

use super::DAMAGED;
use super::meter::{Meter, Size, now_us};
use crate::cli::{USAGE, failed};

/// Copies the journal up to its last whole record, with the newest checkpoint, into a directory that is itself a whole
/// journal.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// The backup's directory, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Read at most so many megabytes a second
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    rate: Option<u64>,
}

const ABOUT: &str = "\
Can be used while a switch has the journal open, and does not stop it. Each record is checked before it is copied; the
copy is synced, read back and checked before backup.json is written, which says what it holds. A directory without
backup.json is a backup that was not finished: remove it.

The backup holds messages and is as secret as the journal. It does not hold the search index, which is made anew from
the journal. Put the directory on another machine: what lies beside the journal is lost with it.

Exit codes: 0 done; 1 it could not be made; 2 the journal is damaged (see verify); 64 wrong usage, such as a directory
that is not empty.";

pub(crate) fn run(directory: &Path, arguments: &Arguments) -> ExitCode {
    let result = {
        let mut meter = Meter::new("copying and checking");
        let mut tell = |progress| meter.show(progress);
        let rate = arguments.rate.map(|rate| rate * 1_000_000);
        offline::backup(directory, &arguments.out, now_us(), &Pace::new(rate, &mut tell))
    };
    match result {
        Ok(backed_up) => {
            say!("{}", report(&arguments.out, &backed_up));
            ExitCode::SUCCESS
        }
        Err(error) => failed(exit_code(&error), &error),
    }
}

fn report(out: &Path, BackedUp { manifest, covered }: &BackedUp) -> String {
    let out = out.display();
    let mut text = match manifest.sequence < manifest.first_sequence {
        true => format!("{out}: no records, {}, checked", Size(manifest.bytes)),
        false => {
            let (first, last) = (manifest.first_sequence, manifest.sequence);
            format!("{out}: records {first} to {last}, {}, checked", Size(manifest.bytes))
        }
    };
    if !covered {
        text +=
            "\nnote: the journal's mark is older than its last record. If no switch runs, that is as a kill leaves it.";
    }
    text
}

/// Whether the user asked for what cannot be, the journal is damaged, or the machine failed.
const fn exit_code(error: &BackupError) -> u8 {
    match error {
        BackupError::NoJournal(_) | BackupError::NotEmpty(_) => USAGE,
        BackupError::Damaged(_) | BackupError::NoCheckpoint(_) => DAMAGED,
        BackupError::Overtaken | BackupError::Copy(_) | BackupError::Disk(_) => 1,
    }
}
