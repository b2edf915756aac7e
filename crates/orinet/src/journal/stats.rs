//! `orinet journal stats`: what a journal holds and how fast it grows.

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use ::journal::offline::{self, Stats, VerifyError};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::meter::Size;
use crate::cli::{USAGE, failed};

/// Shows what the journal holds, from its headers: quick, and checks nothing.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// As one JSON object
    #[arg(long)]
    json: bool,
    /// Also each segment
    #[arg(long)]
    segments: bool,
}

const ABOUT: &str = "\
Can be used while a switch has the journal open. Growth is from the end of the oldest segment to now, by the times of
the files; after a restore they say nothing.

Exit codes: 0 done; 1 it could not be read; 64 wrong usage, such as a directory without a journal.";

pub(crate) fn run(directory: &Path, arguments: &Arguments) -> ExitCode {
    match offline::stats(directory) {
        Ok(stats) if arguments.json => {
            say!("{}", object(&stats, arguments.segments));
            ExitCode::SUCCESS
        }
        Ok(stats) => {
            say!("{}", text(&stats, arguments.segments));
            ExitCode::SUCCESS
        }
        Err(error @ VerifyError::NoJournal { .. }) => failed(USAGE, &error),
        Err(error @ VerifyError::Disk(_)) => failed(1, &error),
    }
}

fn text(stats: &Stats, each: bool) -> String {
    let mut lines = vec![format!("journal     {}", stats.journal)];
    let numbers = match (stats.segments.first(), stats.segments.last()) {
        (Some(first), Some(last)) => format!(", {} to {}", first.number, last.number),
        _ => String::new(),
    };
    lines.push(format!("segments    {}{numbers}; {} prepared", stats.segments.len(), Size(stats.prepared_bytes)));
    lines.push(match stats.records() {
        0 => "records     none".to_owned(),
        records => format!("records     {records}, {} to {}", stats.first_sequence(), stats.last_sequence()),
    });
    lines.push(format!("size        {}", Size(stats.bytes())));
    lines.push(format!("mark        record {}", stats.mark_sequence));
    for checkpoint in &stats.checkpoints {
        let (sequence, segment) = (checkpoint.sequence, checkpoint.segment);
        lines.push(format!("checkpoint  record {sequence}, in segment {segment}, {}", Size(checkpoint.bytes)));
    }
    lines.push(match stats.growth_a_day() {
        Some((bytes, records)) => format!("growth      {} and {records:.0} records a day", Size(whole(bytes))),
        None => "growth      not known yet".to_owned(),
    });
    if each {
        lines.push("SEGMENT     RECORDS                    SIZE        WRITTEN".to_owned());
        for segment in &stats.segments {
            let records = format!("{} to {}", segment.first_sequence, segment.last_sequence);
            let written = written(segment.written).unwrap_or_default();
            lines.push(format!(
                "{:<10}  {records:<25}  {:<10}  {written}",
                segment.number,
                Size(segment.bytes).to_string()
            ));
        }
    }
    lines.join("\n")
}

fn object(stats: &Stats, each: bool) -> serde_json::Value {
    let growth = stats.growth_a_day();
    let mut object = json!({
        "journal": stats.journal.to_string(),
        "segments_in_use": stats.segments.len(),
        "first_segment": stats.segments.first().map(|segment| segment.number),
        "last_segment": stats.segments.last().map(|segment| segment.number),
        "records": stats.records(),
        "first_sequence": stats.first_sequence(),
        "last_sequence": stats.last_sequence(),
        "bytes": stats.bytes(),
        "prepared_bytes": stats.prepared_bytes,
        "mark_sequence": stats.mark_sequence,
        "checkpoints": stats.checkpoints.iter().map(|checkpoint| json!({
            "sequence": checkpoint.sequence, "segment": checkpoint.segment, "bytes": checkpoint.bytes,
        })).collect::<Vec<_>>(),
        "bytes_a_day": growth.map(|(bytes, _)| whole(bytes)),
        "records_a_day": growth.map(|(_, records)| whole(records)),
    });
    if each && let Some(object) = object.as_object_mut() {
        let segments = stats.segments.iter().map(|segment| {
            json!({
                "number": segment.number,
                "first_sequence": segment.first_sequence,
                "last_sequence": segment.last_sequence,
                "bytes": segment.bytes,
                "written": written(segment.written),
            })
        });
        object.insert("segments".to_owned(), segments.collect());
    }
    object
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float is made as near as it can be")]
fn whole(number: f64) -> u64 {
    number as u64
}

fn written(time: Option<SystemTime>) -> Option<String> {
    Timestamp::try_from(time?).ok().map(|time| format!("{time:.0}"))
}
