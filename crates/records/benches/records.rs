//! The record index measured in one run: build, size, opening, recall and time by class of question, growth, and live
//! additions. 1,000,000 records; `RECORDS_BENCH=5000000,20000000,93000000` or `--long` for others.
//!
//! Run by `cargo bench -p records`, or `cargo xtask bench records`. Times are of one thread, each question asked three
//! times and the fastest counted; `compared` counts records looked at and does not depend on the machine.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement: it prints, and it has a clock")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use records::evaluate::{Evaluation, page};
use records::queries::{Absent, Class, Maker, Question};
use records::synth::Population;
use records::{BuildError, BuildOptions, Builder, Delta, Holdings, Settings, Source};

const SEED: u64 = 20_050_201;

/// Questions of each class; ten times as many are about persons in no source.
const QUESTIONS: u32 = 300;

/// Records made at once.
const CHUNK: u32 = 8_192;

fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    for count in counts.split(',') {
        measure(count.trim().parse()?, if is_test { 5 } else { QUESTIONS })?;
    }
    Ok(())
}

fn measure(count: u32, each: u32) -> Result<(), Box<dyn std::error::Error>> {
    let population = Population::new(SEED, count);
    let directory = tempfile::Builder::new().prefix("records-bench-").tempdir_in(temporary())?;
    println!("\n== {count} records");
    let absent = Absent::new(population, SEED, each * 10);
    let (paths, seconds) = build(population, &absent, directory.path())?;
    println!("made and built in {seconds:.1} s on {} threads", rayon::current_num_threads());
    let began = Instant::now();
    let holdings = Holdings::open(&paths).map_err(|(_, error)| error)?;
    println!("opened in {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    let stats: Vec<_> = holdings.indexes().map(|(_, index)| index.stats()).collect();
    let per_record = |bytes: usize| bytes as f64 / holdings.len() as f64;
    let (index, full) = (stats.iter().map(|s| s.index_bytes).sum(), stats.iter().map(|s| s.full_bytes).sum());
    println!("{:.1} bytes of index and {:.1} of full record each", per_record(index), per_record(full));
    let maker = Maker::new(population, SEED);
    let asked = Class::ALL.iter().flat_map(|class| (0..each).filter_map(|number| maker.question(*class, number)));
    let questions: Vec<Question> = asked.chain(absent.questions()).collect();
    let evaluation = evaluate(&holdings, &questions)?;
    println!("{}", evaluation.text());
    if let Some(directory) = std::env::var_os("RECORDS_BENCH_PAGE") {
        let about = format!("{count} synthetic records, {} questions", questions.len());
        std::fs::write(PathBuf::from(directory).join(format!("records-{count}.html")), page(&evaluation, &about))?;
    }
    additions(holdings, &questions, count.min(1_000_000), directory.path())
}

/// Where indexes go: they are large, and memory is no place for them.
fn temporary() -> PathBuf {
    std::env::var_os("RECORDS_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

fn build(population: Population, absent: &Absent, directory: &Path) -> Result<(Vec<PathBuf>, f64), BuildError> {
    let began = Instant::now();
    let mut paths = Vec::new();
    for source in Source::ALL {
        let path = directory.join(format!("{}.idx", source.name()));
        let builder = Builder::new(&path, &BuildOptions::default());
        let rows = population.len_of(source);
        (0..rows.div_ceil(CHUNK)).into_par_iter().try_for_each(|chunk| {
            let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(rows);
            let records: Vec<_> = rows.map(|row| population.record_of(source, row)).collect();
            records.iter().for_each(|record| absent.see(record));
            builder.add(records.iter().map(|record| &record.person))
        })?;
        builder.finish(&path, &mut |_, _, _| {})?;
        paths.push(path);
    }
    Ok((paths, began.elapsed().as_secs_f64()))
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

/// The same questions without and with additions.
fn additions(
    holdings: Holdings,
    questions: &[Question],
    count: u32,
    directory: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let delta = Arc::new(Delta::open(&directory.join("delta.log"))?);
    let before = evaluate(&holdings, questions)?.together(false);
    let holdings = holdings.with_delta(Arc::clone(&delta));
    let others = Population::new(SEED + 1, count);
    let began = Instant::now();
    let persons: Vec<_> = (0..count).into_par_iter().map(|number| others.record(number).person).collect();
    for chunk in persons.chunks(100_000) {
        delta.add(chunk)?;
    }
    println!("{count} additions in {:.1} s", began.elapsed().as_secs_f64());
    let after = evaluate(&holdings, questions)?.together(false);
    for (what, per_mille) in [("p50", 500), ("p99", 990)] {
        let (before, after) = (before.nanoseconds_at(per_mille) as f64, after.nanoseconds_at(per_mille) as f64);
        println!(
            "{what} with additions: {:.1} us, without: {:.1} us, ratio {:.3}",
            after / 1e3,
            before / 1e3,
            after / before
        );
    }
    Ok(())
}
