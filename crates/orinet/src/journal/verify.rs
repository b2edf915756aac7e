//! `orinet journal verify`: checks every byte of a journal, and signed statements about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::journal::offline::{self, Against, Pace, StatementsSeen, Verified, VerifyError};
use ::journal::statement::{self, Verifier};
use anyhow::Context as _;
use clap::Args;

use super::DAMAGED;
use super::meter::{Meter, time};
use crate::cli::{USAGE, failed};

/// Bytes a second that leave a busy machine in peace: a gibibyte in twenty seconds, with a few hundredths of a core.
const GENTLE_RATE: u64 = 50_000_000;

/// Reads the whole journal: every record's checksum, its place in the chain of hashes, headers, seals, the high-water
/// mark, and every checkpoint.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// Signed statements to hold the journal against
    #[arg(long, value_name = "FILE", requires = "key")]
    statements: Option<PathBuf>,
    /// The public key of whoever signed them, in PEM; several, one after another, if it was replaced
    #[arg(long, value_name = "FILE", requires = "statements")]
    key: Option<PathBuf>,
    /// Read at most so many megabytes a second
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    rate: Option<u64>,
    /// Read no faster than 50 megabytes a second, for a machine that has other things to do
    #[arg(long, conflicts_with = "rate")]
    gently: bool,
}

const ABOUT: &str = "\
Only reads, and can be used while a switch has the journal open: what is being written is read as far as it is
whole, and what retention removes meanwhile is not missed.

Without statements this finds damage. It does not find falsification by somebody who may write the files and knows
the format, for that person can make every checksum anew. Statements do: they are signed while the switch runs, and
kept where that person cannot write. A record that was changed, deleted, moved or inserted before the newest
statement is found, and so is a log that was cut before it. What came after it is not covered.

Each finding is a line: file, place, what is wrong, what is lost. Lines that begin with \"note:\" are what a crash
may leave, and no damage.

Exit codes: 0 whole; 1 it could not be checked; 2 damaged, or the statements do not agree; 64 wrong usage, such as a
directory without a journal.";

pub(crate) fn run(directory: &Path, arguments: &Arguments) -> ExitCode {
    let against = match against(arguments) {
        Ok(against) => against,
        Err(error) => return failed(USAGE, error.as_ref()),
    };
    let rate = arguments.rate.map(|rate| rate * 1_000_000).or_else(|| arguments.gently.then_some(GENTLE_RATE));
    let result = {
        let mut meter = Meter::new("verifying");
        let mut tell = |progress| meter.show(progress);
        offline::verify(directory, against.as_ref(), &Pace::new(rate, &mut tell))
    };
    match result {
        Ok(verified) => {
            say!("{}", report(&verified));
            if verified.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) }
        }
        Err(error @ VerifyError::NoJournal { .. }) => failed(USAGE, &error),
        Err(error @ VerifyError::Disk(_)) => failed(1, &error),
    }
}

fn against(arguments: &Arguments) -> anyhow::Result<Option<Against>> {
    let (Some(file), Some(key)) = (&arguments.statements, &arguments.key) else { return Ok(None) };
    let shown = file.display().to_string();
    let lines = statement::read(file).with_context(|| format!("{shown} cannot be read"))?;
    let text = fs::read_to_string(key).with_context(|| format!("{} cannot be read", key.display()))?;
    let verifier = Verifier::from_pem(&text).with_context(|| format!("{} is of no use", key.display()))?;
    Ok(Some(Against { file: shown, lines, verifier }))
}

/// What was read and what was found, a line each.
pub(super) fn report(verified: &Verified) -> String {
    let mut lines = Vec::new();
    let journal = verified.journal.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
    lines.push(format!("journal     {journal}"));
    let Verified { segments, first_segment, last_segment, records, first_sequence, last_sequence, .. } = verified;
    lines.push(format!("segments    {segments}, {first_segment} to {last_segment}"));
    lines.push(match records {
        0 => "records     none".to_owned(),
        _ => format!("records     {records}, {first_sequence} to {last_sequence}"),
    });
    lines.push(format!("mark        record {}", verified.mark_sequence));
    for checkpoint in &verified.checkpoints {
        lines.push(format!("checkpoint  record {}, in segment {}", checkpoint.sequence, checkpoint.segment));
    }
    if let Some(seen) = &verified.statements {
        lines.push(format!("statements  {}", statements(seen, *last_sequence)));
    }
    for finding in &verified.findings {
        let note = if finding.is_damage() { "" } else { "note: " };
        lines.push(format!("{note}{finding}"));
    }
    if verified.findings_more > 0 {
        lines.push(format!("and {} more", verified.findings_more));
    }
    let damages =
        verified.findings.iter().filter(|finding| finding.is_damage()).count() as u64 + verified.findings_more;
    lines.push(match damages {
        0 => "whole".to_owned(),
        1 => "NOT WHOLE: 1 finding".to_owned(),
        _ => format!("NOT WHOLE: {damages} findings"),
    });
    lines.join("\n")
}

fn statements(seen: &StatementsSeen, last_sequence: u64) -> String {
    let StatementsSeen { confirmed, before_beginning, failed, covered_through, newest_at_us } = seen;
    let mut text = format!("{confirmed} confirmed, {failed} not");
    if *before_beginning > 0 {
        text += &format!(", {before_beginning} before the log's beginning");
    }
    if *confirmed > 0 {
        text += &format!("; records to {covered_through} are covered, as signed at {}", time(*newest_at_us));
        let after = last_sequence.saturating_sub(*covered_through);
        if after > 0 {
            text += &format!("; {after} later records are not");
        }
    }
    text
}
