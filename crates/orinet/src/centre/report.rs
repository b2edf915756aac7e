//! `orinet centre report`: a month in figures. Reads the journals beside the processes that write them.

use std::fs;
use std::path::{Path, PathBuf};

use ::journal::offline::Look;
use anyhow::{Context as _, bail};
use center::report::{Collector, Month};
use center::{Entry, Record};
use clap::Args;
use responder::decision::FindingKind;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Which month, as 2026-01, in UTC
    #[arg(long, value_name = "MONTH")]
    month: Month,
    /// The journal of inquiries: the directory that `orinet responder lesc --data` has; without it no inquiries are counted
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// As one JSON object
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Write a page that stands alone, with plots, into this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(super) fn run(duties: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let mut collector = Collector::new(arguments.month);
    if let Some(data) = &arguments.data {
        read(data, |sequence, kind, payload| {
            let record = Record::decode(kind, payload).ok();
            record.inspect(|record| collector.inquiry(sequence, record)).is_some()
        })?;
    }
    if duties.exists() {
        read(duties, |sequence, _, payload| {
            let entry = Entry::decode(sequence, payload).ok();
            entry.inspect(|entry| collector.duty(sequence, entry)).is_some()
        })?;
    } else if arguments.data.is_none() {
        bail!("{} is not there, and no --data: there is nothing to count", duties.display());
    }
    let name = |number| FindingKind::from_number(number).map_or("another kind", FindingKind::label).replace('_', " ");
    let report = collector.finish(name);
    if let Some(file) = &arguments.html {
        fs::write(file, report.to_html()).with_context(|| format!("{} cannot be written", file.display()))?;
        say!("{} written", file.display());
    } else if arguments.json {
        say!("{}", report.to_json());
    } else {
        crate::cli::print_text(&report.to_string());
    }
    Ok(())
}

/// Hands every record of a journal to `take_in`; one that it cannot read is the end.
fn read(directory: &Path, mut take_in: impl FnMut(u64, u8, &[u8]) -> bool) -> anyhow::Result<()> {
    let look = Look::open(directory).with_context(|| format!("{} cannot be read", directory.display()))?;
    let mut strange = None;
    look.scan(look.first_sequence(), &mut || true, &mut |entry| {
        if !take_in(entry.sequence, entry.kind, entry.payload) {
            strange.get_or_insert(entry.sequence);
        }
    })?;
    match strange {
        Some(sequence) => bail!("{}: record {sequence} is none of the center's", directory.display()),
        None => Ok(()),
    }
}
