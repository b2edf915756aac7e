//! The journal beside the least that any log could do and beside embedded stores, in one run.
//!
//! `cargo xtask bench stores` runs it. Each subject lives in a process of its own, so that its background threads count as its
//! CPU and its memory is not another's. The parent lets one after the other work for a short round, again and again, in another
//! order each time, so that what else runs on the machine meets all alike. What counts are the ratios inside one run.
//!
//! ```text
//! stores [--dir DIR] [--rounds N] [--json FILE] [--markdown FILE]
//! ```

mod report;
mod subject;
mod worker;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64Mcg;

use crate::report::Row;
use crate::subject::Subject;
use crate::worker::{Round, Worker};

/// Records of one commit, each size for itself.
const RECORDS: [usize; 4] = [1, 16, 64, 256];
/// Short rounds and many: a minute and a half for all.
const ROUNDS: u32 = 40;

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let (mut directory, mut rounds, mut json, mut markdown) = (std::env::temp_dir(), ROUNDS, None, None);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "worker" => {
                let subject = Subject::named(&value()?).context("there is no such subject")?;
                return worker::serve(subject, value()?.parse()?, &PathBuf::from(value()?));
            }
            "--dir" => directory = value()?.into(),
            "--rounds" => rounds = value()?.parse()?,
            "--json" => json = Some(PathBuf::from(value()?)),
            "--markdown" => markdown = Some(PathBuf::from(value()?)),
            _ => bail!("`{word}` means nothing here"),
        }
    }
    let mut rows = Vec::new();
    for records in RECORDS {
        rows.extend(compare(&directory, records, rounds)?);
    }
    let marks = marks(&directory, rounds)?;
    report::print(&rows, &marks);
    if let Some(file) = json {
        std::fs::write(&file, report::json(&rows, &marks))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = markdown {
        std::fs::write(&file, report::markdown(&rows, &marks, rounds))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// All subjects in turns, with so many records a commit.
fn compare(directory: &std::path::Path, records: usize, rounds: u32) -> Result<Vec<Row>> {
    in_turns(directory, &Subject::COMPARED, records, rounds)
}

/// What a switch adds when it marks each message as delivered with a later commit: journal with marks beside journal without.
fn marks(directory: &std::path::Path, rounds: u32) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for records in [16, 64, 256] {
        rows.extend(in_turns(directory, &[Subject::Journal, Subject::JournalWithMarks], records, rounds)?);
    }
    Ok(rows)
}

fn in_turns(directory: &std::path::Path, subjects: &[Subject], records: usize, rounds: u32) -> Result<Vec<Row>> {
    let place = tempfile::Builder::new().prefix("stores-").tempdir_in(directory).context("cannot make a folder")?;
    let mut workers = Vec::new();
    for subject in subjects {
        workers.push((Worker::start(*subject, records, place.path())?, Vec::<Round>::new()));
    }
    let mut order: Vec<usize> = (0..workers.len()).collect();
    let mut rng = Pcg64Mcg::seed_from_u64(records as u64);
    for _ in 0..rounds {
        // In another order each time: what one leaves for the disk to do is not always the same other's burden.
        order.shuffle(&mut rng);
        for place in &order {
            rustix::fs::sync();
            let (worker, rounds) = &mut workers[*place];
            rounds.push(worker.round()?);
        }
    }
    let mut all = Vec::new();
    for (subject, (worker, rounds)) in subjects.iter().zip(workers) {
        worker.end()?;
        all.push((*subject, rounds));
    }
    Ok(Row::of(records, &all))
}
