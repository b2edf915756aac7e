//! A program to cut the power of: it keeps a journal of numbered records, makes checkpoints of what they add up to, lets old
//! segments go, and says what is acknowledged; afterwards it checks that all of that is there. `cargo xtask power-cuts` runs
//! both halves, on a disk that it records block by block.
//!
//! ```text
//! power-cut write DIR --seed N --records N --log FILE [--lie-every N]
//! power-cut check DIR --seed N --acknowledged N
//! ```
//!
//! `write` prints a line `THROUGH ENTRIES` for each `Stored`: the last durable record, and how many entries the disk's log of
//! writes had by then. With `--lie-every N` one sync in N says that it succeeded and does nothing: a disk under which
//! acknowledged records must be seen to go missing.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

mod liar;
mod state;

use std::error::Error;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use journal::{Batch, Config, Disk, Journal, Notice, Reader, RealDisk, Scan, Writer, start};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::liar::Liar;
use crate::state::{State, record};

/// Small, so that a short run seals some dozens of segments.
const SEGMENT_BYTES: u64 = 64 << 10;
/// Short, so that the mark is written among the commits.
const MARK_INTERVAL: Duration = Duration::from_millis(20);
/// Records of one batch, and records under way.
const BATCH_MAX: u64 = 6;
const UNDER_WAY_MAX: u64 = 24;
/// Records from one checkpoint to the next: some eight segments.
const CHECKPOINT_EVERY: u64 = 700;
/// Where the log of writes says how many entries it has: the third field of its first sector.
const ENTRIES_AT: u64 = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (task, directory) = (words.next().unwrap_or_default(), PathBuf::from(words.next().unwrap_or_default()));
    let mut options = Options::default();
    while let Some(option) = words.next() {
        let value = words.next().ok_or_else(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--seed" => options.seed = value.parse()?,
            "--records" => options.records = value.parse()?,
            "--acknowledged" => options.acknowledged = value.parse()?,
            "--lie-every" => options.lie_every = value.parse()?,
            "--log" => options.log = value.into(),
            _ => return Err(format!("`{option}` means nothing here").into()),
        }
    }
    match task.as_str() {
        "write" => write(&directory, &options),
        "check" => check(&directory, &options),
        _ => Err("usage: power-cut write|check DIR …: see the head of its source".into()),
    }
}

#[derive(Debug, Default)]
struct Options {
    seed: u64,
    records: u64,
    acknowledged: u64,
    lie_every: u64,
    log: PathBuf,
}

fn config() -> Config {
    Config { segment_bytes: SEGMENT_BYTES, mark_interval: MARK_INTERVAL, ..Config::default() }
}

fn write(directory: &Path, options: &Options) -> Result<(), Box<dyn Error>> {
    let log = File::open(&options.log)?;
    let disk = Liar::new(RealDisk::open(directory)?, options.lie_every);
    let (journal, _) = Journal::open(disk, config(), &mut State::new(options.seed))?;
    let (told, notices) = mpsc::channel();
    let (writer, reader) = start(journal, move |notice| {
        let entries = entries(&log);
        // The other end goes first only when something has failed.
        drop(told.send((notice, entries)));
    })?;
    let mut rng = Pcg64Mcg::seed_from_u64(options.seed);
    let mut follower = Follower::new(reader, options.seed);
    let (mut submitted, mut stored) = (0, 0);
    let mut output = io::stdout().lock();
    while stored < options.records {
        while submitted < options.records && submitted - stored < rng.random_range(1..=UNDER_WAY_MAX) {
            let last = options.records.min(submitted + rng.random_range(1..=BATCH_MAX));
            let records = (submitted + 1..=last).map(|sequence| {
                let (kind, payload) = record(options.seed, sequence);
                (sequence, kind, Bytes::from(payload))
            });
            writer.submit(Batch { records: records.collect() })?;
            submitted = last;
        }
        match notices.recv()? {
            (Notice::Stored { through }, entries) => {
                writeln!(output, "{through} {}", entries?)?;
                stored = through;
                follower.follow(&writer, stored)?;
            }
            (Notice::Pruned { .. }, _) => {}
            (other, _) => return Err(format!("the writer says {other:?}").into()),
        }
    }
    writer.shutdown()?;
    Ok(())
}

/// How many entries the log of writes has.
fn entries(log: &File) -> io::Result<u64> {
    let mut bytes = [0; 8];
    log.read_exact_at(&mut bytes, ENTRIES_AT)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Makes checkpoints behind the writer and lets go of what lies before the older one.
struct Follower<D: Disk> {
    reader: Reader<D>,
    scan: Scan<D>,
    state: State,
    due: u64,
}

impl<D: Disk> Follower<D> {
    fn new(reader: Reader<D>, seed: u64) -> Self {
        Self { scan: reader.scan(1), reader, state: State::new(seed), due: CHECKPOINT_EVERY }
    }

    fn follow(&mut self, writer: &Writer, stored: u64) -> Result<(), Box<dyn Error>> {
        if stored < self.due {
            return Ok(());
        }
        self.due = stored + CHECKPOINT_EVERY;
        let state = &mut self.state;
        while state.sequence < stored {
            self.scan.next_records(1 << 20, &mut |entry| journal::Replay::record(state, entry))?;
        }
        self.reader.checkpoint(state.sequence, self.scan.hash(), |writer| state.store(writer))?;
        // Nothing is wanted any more but what a start may need.
        writer.retain(state.sequence);
        Ok(())
    }
}

/// Opens what the cut left, twice: what a start has found and what it then stores must be there at the next.
fn check(directory: &Path, options: &Options) -> Result<(), Box<dyn Error>> {
    let recovered = recover(directory, options.seed, 3)?;
    if recovered < options.acknowledged {
        println!("LOST {} of {}", options.acknowledged - recovered, options.acknowledged);
        return Ok(());
    }
    let again = recover(directory, options.seed, 0)?;
    if again != recovered + 3 {
        println!("FORGOT {recovered} and 3 more became {again}");
        return Ok(());
    }
    println!("HELD {recovered}");
    Ok(())
}

/// Opens the journal, compares every record and what the checkpoint says of those before, appends `more` and says how many
/// there were.
fn recover(directory: &Path, seed: u64, more: u64) -> Result<u64, Box<dyn Error>> {
    let mut state = State::new(seed);
    let (mut journal, report) = Journal::open(RealDisk::open(directory)?, config(), &mut state)?;
    if let Some(sequence) = state.wrong {
        return Err(format!("record {sequence} or a sum up to it is not what was written").into());
    }
    if state.sequence != report.last_sequence {
        return Err(format!("{} records were handed over of {}", state.sequence, report.last_sequence).into());
    }
    // What the start had no need to read must be good too.
    let mut scan = journal.reader().scan(report.first_sequence);
    let mut wrong = None;
    let mut compare = |entry: journal::Entry<'_>| {
        let (kind, payload) = record(seed, entry.sequence);
        if (entry.kind, entry.payload) != (kind, &payload[..]) {
            wrong.get_or_insert(entry.sequence);
        }
    };
    while scan.next_records(1 << 20, &mut compare)? > 0 {}
    if wrong.is_some() || scan.next_sequence() != report.last_sequence + 1 {
        return Err(format!("record {wrong:?} is not what was written, or the log ends early").into());
    }
    for sequence in report.last_sequence + 1..=report.last_sequence + more {
        let (kind, payload) = record(seed, sequence);
        journal.append(kind, &payload)?;
    }
    journal.commit()?;
    journal.close()?;
    Ok(report.last_sequence)
}
