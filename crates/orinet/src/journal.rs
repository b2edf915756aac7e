//! `orinet journal`: looks after the journal of a switch: checks it, mends it, backs it up, reads from it.

mod audit_key;
mod backup;
mod export;
mod meter;
mod moment;
mod reindex;
mod repair;
mod restore;
mod search;
mod shown;
mod stats;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Which journal, and what to do with it.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// The switch's data directory, or a journal's own directory, such as a backup
    #[arg(long, global = true, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    #[command(subcommand)]
    act: Act,
}

const ABOUT: &str = "\
The journal lies in DIR/journal. A directory that holds a file named mark is taken for a journal itself.

Only repair and restore change anything, and neither touches a journal that a switch has open. All the others can
be used while the switch runs.";

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "made once a run")]
enum Act {
    /// Check every byte of the journal, and signed statements about it
    Verify(verify::Arguments),
    /// Make a damaged journal usable again, with a copy of it as it was
    Repair(repair::Arguments),
    /// Show what the journal holds and how fast it grows
    Stats(stats::Arguments),
    /// Copy the journal, also of a running switch, and verify the copy
    Backup(backup::Arguments),
    /// Put a backup in the place of a journal that is gone
    Restore(restore::Arguments),
    /// Write what happened, or the messages as they went, for a range of time
    Export(export::Arguments),
    /// Find messages by who, when, what and which words
    Search(search::Arguments),
    /// Make the search file anew
    Reindex(reindex::Arguments),
    /// Make the pair of keys that statements about the journal are signed and checked with
    AuditKey(audit_key::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let data = arguments.data.as_path();
    match &arguments.act {
        Act::Verify(arguments) => verify::run(&directory(data), arguments),
        Act::Repair(arguments) => repair::run(&directory(data), arguments),
        Act::Stats(arguments) => stats::run(&directory(data), arguments),
        Act::Backup(arguments) => backup::run(&directory(data), arguments),
        Act::Restore(arguments) => restore::run(data, arguments),
        Act::Export(arguments) => export::run(data, arguments),
        Act::Search(arguments) => search::run(data, arguments),
        Act::Reindex(arguments) => reindex::run(data, arguments),
        Act::AuditKey(arguments) => audit_key::run(arguments),
    }
}

/// Damage was found.
pub(crate) const DAMAGED: u8 = 2;

/// The journal's own directory, from what `--data` names.
pub(crate) fn directory(data: &Path) -> PathBuf {
    if data.join("mark").exists() { data.to_owned() } else { data.join("journal") }
}
