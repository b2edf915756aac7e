//! Appends to the real disk beside the least that any log could do: the same payload bytes written over a zero-filled file and
//! synced. Both are measured in turns in one run; the ratio is what counts. The next segment is made before the clock runs,
//! as the baseline's file is; through the writer's threads it is made meanwhile, and counts.

#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use journal::{Batch, Config, Journal, Notice, RealDisk, Writer, each, start};

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
    let (mut journal, _) = Journal::open(disk, config, &mut each(|_| {})).expect("opens");
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

/// The log behind its writer's thread, as a switch drives it: while one commit of so many records runs, the next is queued.
struct Behind {
    writer: Option<Writer>,
    notices: mpsc::Receiver<Notice>,
    submitted: u64,
    stored: u64,
}

impl Behind {
    fn new(directory: &Path) -> Self {
        let (sender, notices) = mpsc::channel();
        let (writer, _) = start(open(directory), move |notice| drop(sender.send(notice))).expect("starts");
        Self { writer: Some(writer), notices, submitted: 0, stored: 0 }
    }

    fn submit(&mut self, records: u64) {
        let payload = Bytes::from_static(&PAYLOAD);
        let next = self.submitted + 1;
        let records = (next..next + records).map(|sequence| (sequence, 1, payload.clone())).collect::<Vec<_>>();
        self.submitted += records.len() as u64;
        self.writer.as_ref().expect("runs").submit(Batch { records }).expect("takes it");
    }

    fn wait(&mut self) {
        match self.notices.recv().expect("a notice") {
            Notice::Stored { through } => self.stored = through,
            other @ (Notice::Full { .. } | Notice::Open | Notice::Pruned { .. } | Notice::Failed { .. }) => {
                panic!("{other:?}")
            }
        }
    }

    /// Goes on until one more commit is stored.
    fn commit(&mut self, records: u64, under_way: u64) {
        while self.submitted < self.stored + under_way * records {
            self.submit(records);
        }
        self.wait();
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.writer.take().map(Writer::shutdown).expect("runs").expect("stops");
    }
}

/// Through the writer beside raw appends of as many records as its commits turned out to have. Eight batches are under way: what
/// is not in the commit that runs queues behind it. Marks are persisted and segments made meanwhile.
fn compare_writer(directory: &Path) {
    for records in [1_u64, 4, 16, 64] {
        let mut raw = Raw::new(directory);
        let mut behind = Behind::new(directory);
        let (mut ratios, mut rates, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        let mut cpu = Duration::ZERO;
        for _ in 0..ROUNDS {
            let (began, stored, cpu_began) = (Instant::now(), behind.stored, process_cpu_time());
            let mut commits = 0_u32;
            while began.elapsed() < ROUND {
                behind.commit(records, 8);
                commits += 1;
            }
            let count = (behind.stored - stored) as f64;
            let rate = count / began.elapsed().as_secs_f64();
            cpu += process_cpu_time() - cpu_began;
            let size = (count / f64::from(commits)).round();
            #[expect(clippy::cast_possible_truncation, reason = "a count of records")]
            let whole = size as usize;
            while behind.stored < behind.submitted {
                behind.wait();
            }
            let raw_rate = Round::run(&mut raw, |raw| raw.commit(whole), |_| {}).rate(whole);
            rates.push(rate);
            sizes.push(size);
            ratios.push(rate / raw_rate);
        }
        let per_record = cpu.as_secs_f64() * 1e6 / behind.stored as f64;
        println!(
            "writer, 8 batches of {records:>2} under way: {:>3.0} records a commit, {:>9.0}/s, {per_record:>5.2} µs CPU in all threads, ratio to raw of that size {:.2}",
            median(sizes.into_iter()),
            median(rates.into_iter()),
            median(ratios.into_iter())
        );
        drop(behind);
        std::fs::remove_dir_all(directory.join("journal")).expect("removes");
    }
    let mut behind = Behind::new(directory);
    let mut times = Vec::new();
    for _ in 0..5000 {
        let began = Instant::now();
        behind.commit(1, 1);
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    println!("one record at a time through the writer: median {:.0} µs", median(times.into_iter()));
    drop(behind);
    std::fs::remove_dir_all(directory.join("journal")).expect("removes");
}

/// The time that all threads of the process have been on a CPU.
fn process_cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let of = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    tasks.filter_map(|task| of(task.ok()?)).sum()
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
        compare_writer(directory.path());
    }
}
