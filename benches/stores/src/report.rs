//! Medians, spread and ratios, as text, JSON and Markdown.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::subject::Subject;
use crate::worker::Round;

/// One subject at one size of commit.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    subject: Subject,
    records: usize,
    /// Records a second: the middle of all rounds, and the middle of the lower and of the upper half.
    rate: f64,
    low: f64,
    high: f64,
    /// Its rate over the first subject's: the middle of what each pair of neighboring rounds gives.
    ratio: f64,
    /// Of user and system, all threads, per record: microseconds.
    cpu: f64,
    /// The middle of the rounds' middle commits: microseconds.
    p50: f64,
}

impl Row {
    /// The rows of subjects that worked in turns.
    pub(crate) fn of(records: usize, all: &[(Subject, Vec<Round>)]) -> Vec<Self> {
        let rate = |round: &Round| round.commits as f64 * records as f64 / round.time.as_secs_f64();
        let first = all.first().map_or(&[][..], |(_, rounds)| rounds);
        let row = |(subject, rounds): &(Subject, Vec<Round>)| {
            let rates = sorted(rounds.iter().map(rate));
            let ratios = sorted(rounds.iter().zip(first).map(|(round, first)| rate(round) / rate(first)));
            let cpu: f64 = rounds.iter().map(|round| round.cpu.as_secs_f64()).sum();
            let p50 = sorted(rounds.iter().map(|round| round.p50.as_secs_f64() * 1e6));
            let commits: f64 = rounds.iter().map(|round| round.commits as f64).sum();
            Self {
                subject: *subject,
                records,
                rate: at(&rates, 0.5),
                low: at(&rates, 0.25),
                high: at(&rates, 0.75),
                ratio: at(&ratios, 0.5),
                cpu: cpu * 1e6 / (commits * records as f64),
                p50: at(&p50, 0.5),
            }
        };
        all.iter().map(row).collect()
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which that part of all lies.
fn at(sorted: &[f64], part: f64) -> f64 {
    let place = (part * sorted.len().saturating_sub(1) as f64).round();
    sorted.get(place as usize).copied().unwrap_or(f64::NAN)
}

/// The best store at a size, as a part of raw.
fn best_peer(rows: &[Row], records: usize) -> f64 {
    let peers = rows.iter().filter(|row| row.records == records && row.subject.is_peer());
    peers.map(|row| row.ratio).fold(0.0, f64::max)
}

const HEAD: [&str; 7] =
    ["records a commit", "store", "records/s", "middle half", "of raw", "p50 µs a commit", "CPU µs a record"];

fn lines(rows: &[Row]) -> Vec<[String; 7]> {
    let line = |row: &Row| {
        [
            row.records.to_string(),
            row.subject.about().to_owned(),
            format!("{:.0}", row.rate),
            format!("{:.0} to {:.0}", row.low, row.high),
            format!("{:.2}", row.ratio),
            format!("{:.0}", row.p50),
            format!("{:.2}", row.cpu),
        ]
    };
    rows.iter().map(line).collect()
}

/// What the issue asks of the journal, in sentences.
fn verdicts(rows: &[Row], marks: &[Row]) -> Vec<String> {
    let mut said = Vec::new();
    for row in rows.iter().filter(|row| row.subject == Subject::Journal) {
        let best = row.ratio / best_peer(rows, row.records);
        said.push(format!(
            "{} records a commit: journal {:.2} of raw, {best:.2} of the best store",
            row.records, row.ratio
        ));
    }
    for row in marks.iter().filter(|row| row.subject == Subject::JournalWithMarks) {
        let share = 1.0 - row.ratio;
        said.push(format!(
            "{} records a commit, each also marked as delivered: {:.1} % of the throughput",
            row.records,
            share * 100.0
        ));
    }
    said
}

pub(crate) fn print(rows: &[Row], marks: &[Row]) {
    let head = HEAD.map(str::to_owned);
    let lines: Vec<_> = std::iter::once(head).chain(lines(rows)).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    for line in &lines {
        let cells: Vec<_> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
        println!("{}", cells.join("  "));
    }
    println!();
    for verdict in verdicts(rows, marks) {
        println!("{verdict}");
    }
}

pub(crate) fn json(rows: &[Row], marks: &[Row]) -> String {
    let value = |row: &Row| -> Value {
        json!({
            "store": row.subject.name(), "records_per_commit": row.records, "records_per_second": row.rate.round(),
            "p50_us_per_commit": row.p50,
            "lower_quartile": row.low.round(), "upper_quartile": row.high.round(), "cpu_us_per_record": row.cpu,
        })
    };
    let all = |rows: &[Row]| rows.iter().map(value).collect::<Vec<_>>();
    format!("{:#}\n", json!({ "stores": all(rows), "marks": all(marks) }))
}

pub(crate) fn markdown(rows: &[Row], marks: &[Row], rounds: u32) -> String {
    let mut text = String::from(
        "# The journal beside raw appends and embedded stores: the last recorded run\n\n\
         Written by `cargo xtask bench stores`. Absolute figures are this machine's; what counts are the ratios in one run.\n",
    );
    let day = std::process::Command::new("date").args(["-u", "+%F"]).output().map(|output| output.stdout);
    let day = String::from_utf8_lossy(&day.unwrap_or_default()).trim().to_owned();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    _ = writeln!(
        text,
        "{day}, {cores} cores, records of {} bytes, medians of {rounds} rounds of 60 ms, in turns, a process for each store.\n",
        crate::subject::RECORD_BYTES
    );
    _ = writeln!(text, "| {} |\n|{}", HEAD.join(" | "), "---:|".repeat(HEAD.len()));
    for line in lines(rows) {
        _ = writeln!(text, "| {} |", line.join(" | "));
    }
    text.push('\n');
    for verdict in verdicts(rows, marks) {
        _ = writeln!(text, "- {verdict}");
    }
    text
}
