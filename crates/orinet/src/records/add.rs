//! `orinet records add`: new and changed records, found by the next search of whoever has their log open.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use records::source::{ReadError, read};
use records::{Additions, DeltaError};

use super::exports::Reading;
use super::progress::Progress;
use crate::cli::{USAGE, failed};

/// Adds new and changed records to the indexes without building them anew: to a log, which `records search` and
/// `responder lesc` read beside the indexes (`--added`), and which the next `records build --added` folds in. A record of
/// the same source, alien number and number of the source takes the place of the earlier one. What is printed as added is
/// on disk. A search that runs sees it; nothing has to be started anew.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The log; it is begun if it is not there
    #[arg(long, value_name = "FILE")]
    added: PathBuf,
    /// The records, as an export: CSV, as it is or compressed by zstd; may be given several times
    #[arg(long = "in", value_name = "FILE", required = true)]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// What ends an addition.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Added(#[from] DeltaError),
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match add(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let is_usage = matches!(error, Failed::Read(ReadError::Header { .. }) | Failed::Added(DeltaError::Foreign));
            failed(if is_usage { USAGE } else { 1 }, &error)
        }
    }
}

fn add(arguments: &Arguments) -> Result<(), Failed> {
    let mut additions = Additions::open(&arguments.added)?;
    for input in &arguments.inputs {
        let bytes = input.metadata().map_or(0, |metadata| metadata.len());
        let progress = Progress::new(bytes, "bytes read");
        let mut added = 0;
        let read = read(input, &arguments.reading.options(), |chunk| {
            additions.add(&chunk.persons)?;
            added += chunk.persons.len();
            progress.at(chunk.read_bytes);
            Ok::<(), Failed>(())
        })?;
        drop(progress);
        say!("{}: {added} records added, {} rows that are none", input.display(), read.rejected);
    }
    Ok(())
}
