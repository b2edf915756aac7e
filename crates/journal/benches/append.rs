//! Appends to the real disk beside the least that any log could do: the same payload bytes written over a zero-filled file and
//! synced. Both are measured in turns in one run; the ratio is what counts. The next segment is made before the clock runs,
//! as the baseline's file is; the last figure, through the writer's threads, pays for that too.

#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use journal::{Batch, Config, Journal, Notice, RealDisk, start};

const PAYLOAD: [u8; 512] = [0x41; 512];
const SEGMENT_BYTES: u64 = 64 << 20;
/// Short and many, so that what else runs on the machine meets both alike.
const ROUND: Duration = Duration::from_millis(250);
const ROUNDS: usize = 15;

/// A zero-filled file that is overwritten from its start again and again.
struct Raw {
    file: File,
    buffer: Vec<u8>,
    offset: u64,
}

impl Raw {
    fn new(directory: &Path) -> Self {
        let file = File::create(directory.join("raw")).expect("creates");
        let zeros = vec![0; 1 << 20];
        for at in 0..SEGMENT_BYTES >> 20 {
            file.write_all_at(&zeros, at << 20).expect("writes");
        }
        file.sync_all().expect("syncs");
        Self { file, buffer: Vec::new(), offset: 0 }
    }

    fn commit(&mut self, records: usize) {
        self.buffer.clear();
        for _ in 0..records {
            self.buffer.extend_from_slice(black_box(&PAYLOAD));
        }
        if self.offset + self.buffer.len() as u64 > SEGMENT_BYTES {
            self.offset = 0;
        }
        self.file.write_all_at(&self.buffer, self.offset).expect("writes");
        self.offset += self.buffer.len() as u64;
        self.file.sync_data().expect("syncs");
    }
}

fn commit(journal: &mut Journal, records: usize) {
    for _ in 0..records {
        journal.append(1, black_box(&PAYLOAD)).expect("fits");
    }
    journal.commit().expect("commits");
}

fn open(directory: &Path) -> Journal {
    let disk = RealDisk::open(&directory.join("journal")).expect("opens");
    let config = Config { segment_bytes: SEGMENT_BYTES, ..Config::default() };
    let (mut journal, _) = Journal::open(disk, config, |_| {}).expect("opens");
    journal.prepare().expect("prepares");
    journal
}

/// What a round of commits took.
#[derive(Default)]
struct Round {
    commits: u32,
    time: Duration,
    cpu: Duration,
}

impl Round {
    /// Runs `step` for a round; `between` is not measured.
    fn run<T>(subject: &mut T, step: impl Fn(&mut T), between: impl Fn(&mut T)) -> Self {
        let mut round = Self::default();
        while round.time < ROUND {
            let (began, cpu) = (Instant::now(), cpu_time());
            step(subject);
            round.time += began.elapsed();
            round.cpu += cpu_time() - cpu;
            round.commits += 1;
            between(subject);
        }
        round
    }

    fn rate(&self, records: usize) -> f64 {
        f64::from(self.commits) * records as f64 / self.time.as_secs_f64()
    }

    fn cpu_us(&self, records: usize) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / (f64::from(self.commits) * records as f64)
    }
}

/// The time that this thread has been on a CPU.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    Duration::from_nanos(text.split(' ').next().and_then(|field| field.parse().ok()).expect("a number"))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The comparison: rounds in turns, medians, and the ratio.
fn compare(directory: &Path) {
    for records in [1, 16, 64, 256] {
        let mut raw = Raw::new(directory);
        let mut journal = open(directory);
        let (mut raws, mut journals) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            raws.push(Round::run(&mut raw, |raw| raw.commit(records), |_| {}));
            journals.push(Round::run(
                &mut journal,
                |journal| commit(journal, records),
                |journal| journal.prepare().expect("prepares"),
            ));
        }
        let rates = |rounds: &[Round]| median(rounds.iter().map(|round| round.rate(records)));
        let cpu = |rounds: &[Round]| median(rounds.iter().map(|round| round.cpu_us(records)));
        println!(
            "{records:>4} records a commit: journal {:>9.0}/s {:>5.2} µs CPU, raw pre-zeroed {:>9.0}/s {:>5.2} µs CPU, ratio {:.2}",
            rates(&journals),
            cpu(&journals),
            rates(&raws),
            cpu(&raws),
            rates(&journals) / rates(&raws)
        );
        drop(journal);
        std::fs::remove_dir_all(directory.join("journal")).expect("removes");
    }
}

/// Group commit through the writer's thread, segments and marks made beside it: four batches of 64 records under way.
fn through_the_writer(directory: &Path) {
    const RECORDS: u64 = 64;
    let journal = open(directory);
    let (sender, notices) = mpsc::channel();
    let (writer, _reader) = start(journal, move |notice| drop(sender.send(notice))).expect("starts");
    let payload = Bytes::from_static(&PAYLOAD);
    let began = Instant::now();
    let (mut submitted, mut stored) = (0, 0);
    while began.elapsed() < Duration::from_secs(4) {
        while submitted - stored < 4 * RECORDS {
            let records =
                (submitted + 1..=submitted + RECORDS).map(|sequence| (sequence, 1, payload.clone())).collect();
            writer.submit(Batch { records }).expect("takes it");
            submitted += RECORDS;
        }
        match notices.recv().expect("a notice") {
            Notice::Stored { through } => stored = through,
            other @ (Notice::Full { .. } | Notice::Open | Notice::Failed { .. }) => panic!("{other:?}"),
        }
    }
    let rate = stored as f64 / began.elapsed().as_secs_f64();
    writer.shutdown().expect("stops");
    println!("through the writer, 256 records under way, segments made beside it: {rate:.0}/s");
}

fn main() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    for records in [1, 64] {
        let mut group = criterion.benchmark_group("append");
        group.throughput(Throughput::Elements(records as u64));
        let mut journal = open(directory.path());
        group.bench_function(format!("{records} records of 512 bytes a commit"), |bencher| {
            bencher.iter(|| commit(&mut journal, records));
        });
        group.finish();
    }
    criterion.final_summary();
    std::fs::remove_dir_all(directory.path().join("journal")).expect("removes");
    // `cargo test` and a smoke run only want to know that it runs.
    if std::env::args().any(|argument| argument == "--bench") {
        compare(directory.path());
        through_the_writer(directory.path());
    }
}
