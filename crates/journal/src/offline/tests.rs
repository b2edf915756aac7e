//! The tools on journals that were damaged, falsified, killed, or are being written meanwhile.

mod backup;
mod damage;
mod forge;
mod forgery;
mod live;
mod repair;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::files::Memory;
use super::pace::Pace;
use super::verify::{Against, Verified, check};
use crate::{Config, Entry, Journal, OpenError, RealDisk, Replay, Report, Section, each};

/// Small, so that every journal has several.
const SEGMENT_BYTES: u64 = 4096;

fn config() -> Config {
    Config { segment_bytes: SEGMENT_BYTES, mark_interval: Duration::from_secs(3600), ..Config::default() }
}

fn open(directory: &Path) -> Journal<RealDisk> {
    let disk = RealDisk::open(directory).expect("opens");
    Journal::open(disk, config(), &mut each(|_| {})).expect("opens").0
}

/// Makes a checkpoint for everything that is durable.
fn checkpoint(journal: &Journal<RealDisk>) {
    let reader = journal.reader();
    let head = reader.head();
    let made = reader.checkpoint(head.sequence, head.hash, |writer| {
        writer.section("count", 1)?;
        writer.write_all(&head.sequence.to_le_bytes())
    });
    made.expect("is made");
}

/// Collects what a start is given: a checkpoint's count, and the records behind it.
#[derive(Debug, Default)]
struct Model {
    count: u64,
    records: Vec<(u64, Vec<u8>)>,
}

impl Replay for Model {
    fn restore(&mut self, sections: &[Section<'_>]) -> Result<(), String> {
        let bytes = sections.first().map(|section| section.bytes).ok_or("no section")?;
        self.count = u64::from_le_bytes(bytes.try_into().map_err(|_| "no count")?);
        Ok(())
    }

    fn record(&mut self, entry: Entry<'_>) {
        self.count = entry.sequence;
        self.records.push((entry.sequence, entry.payload.to_vec()));
    }
}

/// Opens as a switch would, with whatever checkpoint there is.
fn start(directory: &Path) -> Result<(Journal<RealDisk>, Report, Model), OpenError> {
    let mut model = Model::default();
    let (journal, report) = Journal::open(RealDisk::open(directory)?, config(), &mut model)?;
    Ok((journal, report, model))
}

fn payload(rng: &mut Pcg64Mcg, bytes_max: usize) -> Vec<u8> {
    let mut payload = vec![0; rng.random_range(0..bytes_max)];
    rng.fill(payload.as_mut_slice());
    payload
}

/// What is in a directory.
fn files(directory: &Path) -> Memory {
    let mut files = Memory::new();
    for entry in fs::read_dir(directory).expect("reads") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_file() {
            let name = entry.file_name().into_string().expect("text");
            files.insert(name, fs::read(entry.path()).expect("reads"));
        }
    }
    files.remove("lock");
    files
}

fn write_files(directory: &Path, files: &Memory) {
    fs::create_dir_all(directory).expect("makes");
    for (name, bytes) in files {
        fs::write(directory.join(name), bytes).expect("writes");
    }
}

/// Checks files in memory, without a limit to its speed.
fn verified(files: &Memory, against: Option<&Against>) -> Verified {
    check(&files, against, &Pace::new(None, &mut |_| {})).expect("reads").expect("a journal")
}

/// A test's seed: its own, or that of `SIM_SEED=n cargo test`.
fn seed(own: u64) -> u64 {
    std::env::var("SIM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(own)
}
