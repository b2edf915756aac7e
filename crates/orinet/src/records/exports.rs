//! How exports are read: the arguments of every command that reads one, and `orinet records check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use records::source::{Column, DateOrder, Options, ReadError, read};
use records::{Source, Status};

use super::progress::Progress;
use crate::cli::{USAGE, failed};

/// Reads an export as a build does, and says how many records it holds and how many rows are none.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The export: CSV, as it is or compressed by zstd
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

/// How the columns and rows of an export are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading an export")]
pub(crate) struct Reading {
    /// The source of all records, for an export without a column `source`
    #[arg(long, value_parser = source)]
    source: Option<Source>,
    /// The status of all records, for an export without a column `status`
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    /// 01/02/1980 is the first of February, not the second of January
    #[arg(long)]
    day_first: bool,
    /// A column that the export calls otherwise; `orinet records columns` lists ours
    #[arg(long = "column", value_name = "THEIRS=OURS", value_parser = renamed)]
    rename: Vec<(String, String)>,
    /// A column that is not to be read
    #[arg(long, value_name = "THEIRS")]
    leave_out: Vec<String>,
    /// Where rows go that are no records, with line and reason; the file holds persons' data and is its owner's alone
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Fail if more rows than this are no records
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    rejects_max: u64,
}

impl Reading {
    /// As the library takes it.
    pub(super) fn options(&self) -> Options {
        Options {
            source: self.source,
            status: self.status,
            order: if self.day_first { DateOrder::DayFirst } else { DateOrder::MonthFirst },
            rename: self.rename.clone(),
            leave_out: self.leave_out.clone(),
            rejects: self.rejects.clone(),
            rejects_max: self.rejects_max,
            threads: 0,
        }
    }
}

/// A source by its name in any case.
pub(super) fn source(text: &str) -> Result<Source, String> {
    let named = Source::ALL.into_iter().find(|source| source.name().eq_ignore_ascii_case(text));
    named.ok_or_else(|| format!("no such source; there are {}", Source::ALL.map(Source::name).join(", ")))
}

fn status(text: &str) -> Result<Status, String> {
    Status::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Status::ALL.iter().map(|status| status.name()).collect();
        format!("no such status; there are {}", names.join(", "))
    })
}

fn renamed(text: &str) -> Result<(String, String), String> {
    let (theirs, ours) = text.split_once('=').ok_or("write the export's name, an equals sign, and ours")?;
    Column::of_header(ours).ok_or("there is no such column of ours; `orinet records columns` lists them")?;
    Ok((theirs.to_owned(), ours.to_owned()))
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match check(&arguments.file, &arguments.reading) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let is_usage = matches!(error.downcast_ref(), Some(ReadError::Header { .. }));
            failed(if is_usage { USAGE } else { 1 }, error.as_ref())
        }
    }
}

fn check(file: &Path, reading: &Reading) -> anyhow::Result<()> {
    let bytes = file.metadata().with_context(|| format!("the export {} cannot be read", file.display()))?.len();
    let progress = Progress::new(bytes, "bytes");
    let read = read(file, &reading.options(), |chunk| {
        progress.at(chunk.read_bytes);
        Ok::<(), ReadError>(())
    })?;
    drop(progress);
    say!("{} records, {} rows that are none", read.records, read.rejected);
    Ok(())
}
