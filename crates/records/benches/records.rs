//! The record index measured in one run: synthesis, build from CSV, size, memory, start, recall and time by class of
//! question, first answers from a cold disk, live additions, growth. 1,000,000 records;
//! `RECORDS_BENCH=5000000,20000000` for others, `--long` for 1, 5, 20 and 93 million.
//!
//! Run by `cargo xtask bench records [--long]`, which keeps `benches/records/results.md`. Times are of one thread, each
//! question asked three times and the fastest counted; `compared` counts records looked at and does not depend on the
//! machine.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement: it prints, and it has a clock")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use records::evaluate::{Evaluation, goal, page, query_of};
use records::queries::{Absent, Class, Kind, Maker, Question};
use records::source::{Options, ReadError, read};
use records::synth::{Export, Population};
use records::{BuildError, BuildOptions, Builder, Delta, Holdings, Settings, Source};

const SEED: u64 = 20_050_201;

/// Questions of each class; ten times as many are about persons in no source.
const QUESTIONS: u32 = 300;

/// First answers from a cold disk.
const COLD: usize = 100;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    // What `cargo test` runs of a bench only proves that it runs.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let is_long = std::env::args().any(|argument| argument == "--long");
    let counts = std::env::var("RECORDS_BENCH").unwrap_or_else(|_| {
        let counts = if is_test {
            "20000"
        } else if is_long {
            "1000000,5000000,20000000,93000000"
        } else {
            "1000000"
        };
        counts.to_owned()
    });
    let mut table = Table::default();
    for count in counts.split(',') {
        measure(count.trim().parse()?, if is_test { 5 } else { QUESTIONS }, &mut table)?;
    }
    let text = table.text();
    println!("\n{text}");
    if let Some(file) = std::env::var_os("RECORDS_BENCH_RESULTS") {
        fs::write(file, text)?;
    }
    Ok(())
}

/// What was measured: a column for each count.
#[derive(Default)]
struct Table {
    counts: Vec<u32>,
    /// What, the goal at 93 million, and a value for each count.
    rows: Vec<(String, String, Vec<String>)>,
}

impl Table {
    fn begin(&mut self, count: u32) {
        self.counts.push(count);
    }

    fn add(&mut self, what: &str, goal: &str, value: String) {
        println!("{what}: {value} ({goal})");
        let place = self.counts.len() - 1;
        let row = match self.rows.iter_mut().position(|(known, _, _)| known == what) {
            Some(row) => row,
            None => {
                self.rows.push((what.to_owned(), goal.to_owned(), Vec::new()));
                self.rows.len() - 1
            }
        };
        let values = &mut self.rows[row].2;
        values.resize(place, String::new());
        values.push(value);
    }

    fn text(&self) -> String {
        let mut text = String::from(
            "# The record index: the last recorded run\n\nWritten by `cargo xtask bench records`. Absolute times are this \
             machine's. Goals are those at 93 million records.\n\n",
        );
        let counts = self.counts.iter().map(|count| format!(" {} million |", f64::from(*count) / 1e6));
        text += &format!("| | goal |{}\n", counts.collect::<String>());
        text += &format!("|---|---|{}\n", "---:|".repeat(self.counts.len()));
        for (what, goal, values) in &self.rows {
            let values = values.iter().map(|value| format!(" {value} |")).collect::<String>();
            text += &format!("| {what} | {goal} |{values}\n");
        }
        text
    }
}

fn measure(count: u32, each: u32, table: &mut Table) -> Outcome<()> {
    let population = Population::new(SEED, count);
    let directory = tempfile::Builder::new().prefix("records-bench-").tempdir_in(temporary())?;
    println!("\n== {count} records, {} threads", rayon::current_num_threads());
    table.begin(count);
    let absent = Absent::new(population, SEED, each * 10);
    let (files, seconds) = synth(population, &absent, directory.path())?;
    table.add("synthetic exports, s", "600", format!("{seconds:.1}"));
    let (paths, seconds, memory) = build(&files, directory.path())?;
    files.iter().try_for_each(fs::remove_file)?;
    table.add("build from CSV, s", "480", format!("{seconds:.1}"));
    table.add("memory of the build, MiB", "8192", memory);
    let began = Instant::now();
    let holdings = Holdings::open(&paths)?;
    table.add("start, ms", "1000", format!("{:.1}", began.elapsed().as_secs_f64() * 1e3));
    let stats: Vec<_> = holdings.indexes().map(|(_, index)| index.stats()).collect();
    let per_record = |bytes: usize| format!("{:.1}", bytes as f64 / holdings.len() as f64);
    let (index, full) = (stats.iter().map(|s| s.index_bytes).sum(), stats.iter().map(|s| s.full_bytes).sum());
    table.add("index, bytes a record", "48", per_record(index));
    table.add("full record, bytes", "60", per_record(full));
    let maker = Maker::new(population, SEED);
    let asked = Class::ALL.iter().flat_map(|class| (0..each).filter_map(|number| maker.question(*class, number)));
    let questions: Vec<Question> = asked.chain(absent.questions()).collect();
    forget_peak();
    let evaluation = evaluate(&holdings, &questions)?;
    table.add("memory warm, mapped files and all, MiB", "6144", peak());
    println!("{}", evaluation.text());
    tell(&evaluation, table);
    if let Some(directory) = std::env::var_os("RECORDS_BENCH_PAGE") {
        let about = format!("{count} synthetic records, {} questions", questions.len());
        fs::write(PathBuf::from(directory).join(format!("records-{count}.html")), page(&evaluation, &about))?;
    }
    drop(holdings);
    table.add("first answer from a cold disk, p99, ms", "20", cold(&paths, &questions)?);
    additions(Holdings::open(&paths)?, &questions, count.min(1_000_000), directory.path(), table)
}

/// What the questions amount to.
fn tell(evaluation: &Evaluation, table: &mut Table) {
    let (by_name, by_number) = (evaluation.together(false), evaluation.together(true));
    let micros = |nanoseconds: u64| format!("{:.0}", nanoseconds as f64 / 1e3);
    for (what, per_mille, most) in [("median", 500, "150"), ("p99", 990, "1000"), ("p99.9", 999, "3000")] {
        table.add(&format!("name and date of birth, {what}, µs"), most, micros(by_name.nanoseconds_at(per_mille)));
    }
    table.add("records compared, median", "", by_name.compared_at(500).to_string());
    table.add("identifier, p99, µs", "10", format!("{:.1}", by_number.nanoseconds_at(990) as f64 / 1e3));
    for (kind, what) in [
        (Kind::Exact, "exact"),
        (Kind::Single, "one error"),
        (Kind::Spelling, "spelling and nickname"),
        (Kind::Double, "two errors"),
        (Kind::Vague, "initial, or year alone"),
        (Kind::Number, "number"),
    ] {
        let classes = evaluation.classes().filter(|(class, _)| class.kind() == kind);
        let worst = classes.min_by(|(_, a), (_, b)| a.recall(10).total_cmp(&b.recall(10)));
        if let Some((class, tally)) = worst {
            let goal = goal(kind).map_or_else(String::new, |goal| goal.to_string());
            let recall = format!("{:.2} ({})", 100.0 * tally.recall(10), class.name());
            table.add(&format!("recall in ten, {what}: the worst class, %"), &goal, recall);
        }
    }
    for (class, tally) in evaluation.classes().filter(|(class, _)| class.kind() == Kind::Absent) {
        let percent =
            |count: u64| format!("{:.3} of {}", 100.0 * count as f64 / tally.asked.max(1) as f64, tally.asked);
        table.add(&format!("{} called match, %", class.name()), "0.01", percent(tally.wrong_matches));
        table.add(&format!("{} called possible, %", class.name()), "2", percent(tally.wrong_possible));
    }
    let worst = evaluation.calibration().iter().zip(0_u32..).filter(|((all, _), _)| *all >= 200).map(|(bin, place)| {
        let said = (f64::from(place) + 0.5) / records::evaluate::BINS as f64;
        (bin.1 as f64 / bin.0 as f64 - said).abs()
    });
    table.add("largest error of a probability", "0.1", format!("{:.3}", worst.fold(0.0, f64::max)));
    let bins: Vec<_> =
        evaluation.by_odds().iter().map(|(half, (all, right))| format!("{half}:{all}/{right}")).collect();
    println!("by half bits of the odds that weights give, candidates and persons: {}", bins.join(" "));
}

/// Where indexes go: they are large, and memory is no place for them.
fn temporary() -> PathBuf {
    std::env::var_os("RECORDS_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

fn synth(population: Population, absent: &Absent, directory: &Path) -> Outcome<(Vec<PathBuf>, f64)> {
    let (began, sources) = (Instant::now(), Source::ALL.to_vec());
    let export = Export { population, directory: directory.to_owned(), sources, part: (1, 1), level: 1 };
    let exported = export.write(|record| absent.see(record), |_| {})?;
    Ok((exported.files, began.elapsed().as_secs_f64()))
}

/// What ends a build.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Builds the index of each export, one after the other; also says the most memory that was used.
fn build(exports: &[PathBuf], directory: &Path) -> Outcome<(Vec<PathBuf>, f64, String)> {
    let began = Instant::now();
    let mut paths = Vec::new();
    forget_peak();
    for (source, export) in Source::ALL.into_iter().zip(exports) {
        let path = directory.join(format!("{}.idx", source.name()));
        let builder = Builder::new(&path, &BuildOptions::default());
        let options = Options { source: Some(source), ..Options::default() };
        read(export, &options, |chunk| Ok::<(), Failed>(builder.add(&chunk.persons)?))?;
        builder.finish(&path, &mut |_, _, _| {})?;
        paths.push(path);
    }
    Ok((paths, began.elapsed().as_secs_f64(), peak()))
}

/// Forgets the most memory that this process has used so far.
fn forget_peak() {
    // What the system does not let us forget makes the figure too large, not too small.
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// The most memory that this process has used since, in MiB.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map_or_else(|| "not known".to_owned(), |kib| (kib / 1024).to_string())
}

/// First answers of indexes of which nothing is in memory.
fn cold(paths: &[PathBuf], questions: &[Question]) -> Outcome<String> {
    let (mut times, mut faults) = (Vec::new(), Vec::new());
    let named = questions.iter().filter(|question| question.class.kind() != Kind::Number);
    for question in named.step_by((questions.len() / COLD).max(1)).take(COLD) {
        for path in paths {
            let mut drop = Command::new("dd");
            drop.arg(format!("if={}", path.display())).args(["iflag=nocache", "count=0", "status=none"]);
            if !drop.status().is_ok_and(|status| status.success()) {
                return Ok("not measured: dd cannot empty the cache".to_owned());
            }
        }
        let (began, before) = (Instant::now(), reads());
        let holdings = Holdings::open(paths)?;
        holdings.search(&query_of(question), &Settings::best(10))?;
        times.push(began.elapsed());
        faults.push(reads().saturating_sub(before));
    }
    times.sort_unstable();
    faults.sort_unstable();
    let at = |per_cent: usize| times.get((times.len() * per_cent).div_ceil(100).saturating_sub(1)).copied();
    let [median, high] = [50, 99].map(|per_cent| at(per_cent).unwrap_or(Duration::ZERO).as_secs_f64() * 1e3);
    let reads = faults.get(faults.len() / 2).copied().unwrap_or(0);
    Ok(format!("{high:.1} (median {median:.1}, {reads} reads)"))
}

/// How often this process waited for the disk to give it a page.
fn reads() -> u64 {
    let status = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = status.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_ascii_whitespace().nth(9).and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn evaluate(holdings: &Holdings, questions: &[Question]) -> Result<Evaluation, records::IndexError> {
    let mut evaluation = Evaluation::default();
    for question in questions {
        evaluation.ask(holdings, question, &Settings::best(10), |search| {
            let mut fastest = u64::MAX;
            let mut found = search()?;
            for _ in 0..3 {
                let began = Instant::now();
                found = search()?;
                fastest = fastest.min(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
            }
            Ok((found, fastest))
        })?;
    }
    Ok(evaluation)
}

/// The same questions without and with additions, in turns.
fn additions(
    holdings: Holdings,
    questions: &[Question],
    count: u32,
    directory: &Path,
    table: &mut Table,
) -> Outcome<()> {
    let delta = Arc::new(Delta::open(&directory.join("added.log"))?);
    let others = Population::new(SEED + 1, count);
    let persons: Vec<_> = (0..count).into_par_iter().map(|number| others.record(number).person).collect();
    let began = Instant::now();
    delta.add(&persons)?;
    println!("{count} additions at once in {:.1} s", began.elapsed().as_secs_f64());
    let first = &persons[..persons.len().min(100)];
    let began = Instant::now();
    for person in first {
        delta.add(std::slice::from_ref(person))?;
    }
    let micros = began.elapsed().as_secs_f64() * 1e6 / first.len() as f64;
    table.add("one addition, durable and found, µs", "", format!("{micros:.0}"));
    let mut without = Vec::new();
    let mut with = Vec::new();
    let added = Holdings::open(&holdings_paths(directory))?.with_delta(Arc::clone(&delta));
    for question in questions.iter().filter(|question| question.class.kind() != Kind::Number) {
        let query = query_of(question);
        for (holdings, times) in [(&holdings, &mut without), (&added, &mut with)] {
            let mut fastest = Duration::MAX;
            for _ in 0..4 {
                let began = Instant::now();
                holdings.search(&query, &Settings::best(10))?;
                fastest = fastest.min(began.elapsed());
            }
            times.push(fastest);
        }
    }
    without.sort_unstable();
    with.sort_unstable();
    for (what, per_mille) in [("median", 500), ("p99", 990)] {
        let at = |times: &[Duration]| times[times.len() * per_mille / 1000].as_secs_f64();
        let value = format!("{:.3}", at(&with) / at(&without));
        table.add(&format!("{count} additions: {what}, times that without"), "1.1", value);
    }
    Ok(())
}

fn holdings_paths(directory: &Path) -> Vec<PathBuf> {
    Source::ALL.into_iter().map(|source| directory.join(format!("{}.idx", source.name()))).collect()
}
