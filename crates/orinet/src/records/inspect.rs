//! `orinet records verify` and `orinet records stats`.

use std::process::ExitCode;

use clap::Args;

use super::indexes::Indexes;
use crate::cli::{USAGE, failed};

/// Which indexes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    indexes: Indexes,
}

/// Checks every byte.
pub(super) fn verify(arguments: &Arguments) -> ExitCode {
    let holdings = match arguments.indexes.open() {
        Ok(holdings) => holdings,
        Err(error) => return failed(USAGE, &error),
    };
    for (name, index) in holdings.indexes() {
        if let Err(error) = index.verify() {
            return failed(1, anyhow::Error::new(error).context(format!("index {name}")).as_ref());
        }
        say!("{name}: {} records, {} bytes, whole", index.len(), index.size_bytes());
    }
    ExitCode::SUCCESS
}

/// Says what the indexes hold.
pub(super) fn stats(arguments: &Arguments) -> ExitCode {
    let holdings = match arguments.indexes.open() {
        Ok(holdings) => holdings,
        Err(error) => return failed(USAGE, &error),
    };
    let per = |bytes: usize, records: usize| bytes as f64 / records.max(1) as f64;
    let (mut index_bytes, mut full_bytes) = (0, 0);
    for (name, index) in holdings.indexes() {
        let stats = index.stats();
        say!(
            "{name}: {} records in {} rows, {} names, {} numbers; {:.1} bytes of index and {:.1} of full record each",
            stats.records,
            stats.rows,
            stats.names,
            stats.numbers,
            per(stats.index_bytes, stats.records),
            per(stats.full_bytes, stats.records)
        );
        for (part, bytes) in &stats.parts {
            say!("  {part:24} {bytes:>14} {:8.2} a record", per(*bytes, stats.records));
        }
        index_bytes += stats.index_bytes;
        full_bytes += stats.full_bytes;
    }
    let records = holdings.len();
    say!(
        "all: {records} records, {:.1} bytes of index and {:.1} of full record each",
        per(index_bytes, records),
        per(full_bytes, records)
    );
    ExitCode::SUCCESS
}
