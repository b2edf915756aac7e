//! `orinet records`: synthetic persons, exports of sources, and the index built from them.

mod add;
mod build;
mod columns;
mod evaluate;
mod exports;
mod indexes;
mod inspect;
mod progress;
mod search;
mod synth;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// What to do with records.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Add new and changed records beside indexes, without building them anew
    Add(add::Arguments),
    /// Build the index of a source from its export
    Build(build::Arguments),
    /// Read an export without building anything, and say what of it is no record
    Check(exports::Arguments),
    /// Print the columns of exports: their names, the other names by which they are read, what they hold
    Columns,
    /// Ask questions with known answers, and say how many are answered rightly, and how fast
    Evaluate(evaluate::Arguments),
    /// Look for a person
    Search(search::Arguments),
    /// Say what indexes hold, and how many bytes each part takes
    Stats(inspect::Arguments),
    /// Write synthetic persons as exports of the eight sources, with the truth and questions with known answers
    Synth(synth::Arguments),
    /// Check every byte of indexes
    Verify(inspect::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.act {
        Act::Add(arguments) => add::run(arguments),
        Act::Build(arguments) => build::run(arguments),
        Act::Evaluate(arguments) => evaluate::run(arguments),
        Act::Search(arguments) => search::run(arguments),
        Act::Stats(arguments) => inspect::stats(arguments),
        Act::Verify(arguments) => inspect::verify(arguments),
        Act::Check(arguments) => exports::run(arguments),
        Act::Columns => columns::run(),
        Act::Synth(arguments) => synth::run(arguments),
    }
}
