//! `orinet records synth`: a population of synthetic persons, written as the exports of the eight sources.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use records::Source;
use records::queries::{self, Absent, Class, Maker};
use records::synth::{COUNT_MAX, Export, ExportError, Population};

use super::exports::source;
use super::progress::Progress;
use crate::cli::{USAGE, failed};

/// Writes synthetic persons: DIR/cis.csv.zst and so on for the eight sources, DIR/truth.csv.zst, which says whose record
/// is in which row and what is wrong with it, and DIR/queries/CLASS.csv: questions of whom the answer is known, with one
/// class of error each. The same seed gives the same bytes; a larger count begins with the records of a smaller one.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many records, of all sources together
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(COUNT_MAX)))]
    count: u32,
    /// From which persons are made
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The directory for the files; files of the same names are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write these sources alone; may be given several times, or with commas between. No questions are written then
    #[arg(long, value_delimiter = ',', value_parser = source)]
    source: Vec<Source>,
    /// Write this part of so many alone, such as 3/10. No questions are written then
    #[arg(long, value_name = "I/N", value_parser = part)]
    part: Option<(u32, u32)>,
    /// How many questions of each class are written; ten times as many are about persons in no source
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    questions: u32,
    /// How hard the files are compressed, from fast to small
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=19))]
    level: i32,
}

/// Persons in no source for each question of another class: errors of one in ten thousand are to be seen.
const ABSENT: u32 = 10;

fn part(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
    match parts {
        Some((part, parts)) if part >= 1 && part <= parts => Ok((part, parts)),
        _ => Err("write which part, counted from 1, a slash, and of how many".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match synth(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let is_usage = matches!(error.downcast_ref(), Some(ExportError::NoPart(..)));
            failed(if is_usage { USAGE } else { 1 }, error.as_ref())
        }
    }
}

fn synth(arguments: &Arguments) -> anyhow::Result<()> {
    let began = Instant::now();
    let population = Population::new(arguments.seed, arguments.count);
    let sources = if arguments.source.is_empty() { Source::ALL.to_vec() } else { arguments.source.clone() };
    let export = Export {
        population,
        directory: arguments.out.clone(),
        part: arguments.part.unwrap_or((1, 1)),
        level: arguments.level,
        sources,
    };
    // Who is in no source is known when all records of all sources were seen.
    let is_whole = export.sources.len() == Source::ALL.len() && export.part == (1, 1);
    let asked = if is_whole { arguments.questions } else { 0 };
    let absent = Absent::new(population, arguments.seed, asked.saturating_mul(ABSENT));
    let progress = Progress::new(u64::from(arguments.count), "records");
    let exported = export.write(|record| absent.see(record), |records| progress.at(records))?;
    drop(progress);
    let seconds = began.elapsed().as_secs_f64();
    let (records, megabytes) = (exported.records, exported.bytes as f64 / 1e6);
    say!("{records} records of {} persons in {seconds:.1} s, {megabytes:.1} MB", population.persons());
    for file in &exported.files {
        say!("{}", file.display());
    }
    if asked > 0 {
        write_questions(arguments, Maker::new(population, arguments.seed), &absent)?;
    }
    Ok(())
}

fn write_questions(arguments: &Arguments, maker: Maker, absent: &Absent) -> anyhow::Result<()> {
    let directory = arguments.out.join("queries");
    let of_class = |class: &Class| {
        let class = *class;
        (0..arguments.questions).map_while(move |number| maker.question(class, number))
    };
    let questions = Class::ALL.iter().flat_map(of_class).chain(absent.questions());
    let written = queries::write(&directory, questions)?;
    let count: u32 = written.iter().map(|(_, count)| count).sum();
    say!("{count} questions of {} classes in {}", written.len(), directory.display());
    for class in Class::ALL.iter().filter(|class| !written.iter().any(|(written, _)| written == *class)) {
        say!("none of the class {}: there is nobody of whom to ask so", class.name());
    }
    Ok(())
}
