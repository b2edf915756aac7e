//! `orinet records evaluate`: how well and how fast questions with known answers are answered.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use records::evaluate::{Evaluation, RANKS, Tally, goal, page};
use records::queries::{self, Question};
use records::{Holdings, Settings};
use serde_json::{Value, json};

use super::indexes::Indexes;
use super::progress::Progress;
use super::search::ThresholdArguments;
use crate::cli::failed;

/// Asks questions with known answers (`orinet records synth` writes them) and says by class how many persons were found,
/// at which rank, how they were classed, and how long it took.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    indexes: Indexes,
    /// A file of questions, or a directory of such; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    queries: Vec<PathBuf>,
    /// How many questions of each file are asked at most
    #[arg(long, value_name = "COUNT", default_value_t = u32::MAX, hide_default_value = true)]
    each: u32,
    /// How often each question is asked; the fastest counts
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    #[command(flatten)]
    thresholds: ThresholdArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Fail if a class stays below its goal
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match evaluate(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(1, error.as_ref()),
    }
}

fn evaluate(arguments: &Arguments) -> anyhow::Result<()> {
    let holdings = arguments.indexes.open()?;
    let mut questions = Vec::new();
    for path in &arguments.queries {
        for file in files(path)? {
            questions.extend(queries::read(&file)?.into_iter().take(arguments.each as usize));
        }
    }
    // An index that is not given cannot find anybody.
    let sources = holdings.sources();
    let is_elsewhere = |question: &Question| question.about.is_some_and(|about| !sources.has(about.source));
    let elsewhere = questions.iter().filter(|question| is_elsewhere(question)).count();
    let settings = Settings { thresholds: arguments.thresholds.thresholds(), ..Settings::best(RANKS) };
    let mut evaluation = Evaluation::default();
    let progress = Progress::new(questions.len() as u64, "questions");
    for (place, question) in questions.iter().enumerate() {
        ask(&mut evaluation, &holdings, question, &settings, arguments.repeat)?;
        if place % 64 == 0 {
            progress.at(place as u64);
        }
    }
    drop(progress);
    let about = format!(
        "{} records in {} indexes, {} questions, each asked {} times, the fastest counted, one thread, warm",
        holdings.len(),
        holdings.indexes().len(),
        questions.len(),
        arguments.repeat
    );
    let about = match elsewhere {
        0 => about,
        _ => format!(
            "{about}; {elsewhere} of the questions are about records of sources that are not searched ({}): whom no other \
             source knows is not found",
            sources.others()
        ),
    };
    if arguments.json {
        say!("{:#}", json_of(&evaluation, &holdings, elsewhere));
    } else {
        say!("{about}\n\n{}", evaluation.text());
    }
    if let Some(file) = &arguments.html {
        fs::write(file, page(&evaluation, &about)).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    let short: Vec<_> =
        evaluation.classes().filter(|(class, tally)| is_short(*class, tally)).map(|(c, _)| c.name()).collect();
    if arguments.strict && !short.is_empty() {
        bail!("below the goal: {}", short.join(", "));
    }
    Ok(())
}

fn is_short(class: queries::Class, tally: &Tally) -> bool {
    goal(class.kind()).is_some_and(|goal| 100.0 * tally.recall(RANKS) < goal)
}

fn ask(
    evaluation: &mut Evaluation,
    holdings: &Holdings,
    question: &Question,
    settings: &Settings,
    repeat: u32,
) -> Result<(), records::IndexError> {
    evaluation.ask(holdings, question, settings, |search| {
        let (mut fastest, mut found) = (u64::MAX, None);
        for _ in 0..repeat.max(1) {
            let began = Instant::now();
            found = Some(search()?);
            fastest = fastest.min(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        match found {
            Some(found) => Ok((found, fastest)),
            None => Ok((search()?, fastest)),
        }
    })
}

/// The files of a path: itself, or those of a directory that end in `.csv`.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("the directory {} cannot be read", path.display()))? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "csv") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn json_of(evaluation: &Evaluation, holdings: &Holdings, elsewhere: usize) -> Value {
    let of = |tally: &Tally| {
        json!({
            "asked": tally.asked,
            "recall_ten": tally.recall(RANKS),
            "recall_first": tally.recall(1),
            "tied": tally.tied,
            "ranks": tally.ranks,
            "mean_reciprocal_rank": tally.mean_reciprocal_rank(),
            "matches": tally.matches,
            "possible": tally.possible,
            "wrong_matches": tally.wrong_matches,
            "wrong_possible": tally.wrong_possible,
            "precision": tally.precision(),
            "cut_short": tally.cut_short,
            "nanoseconds": { "p50": tally.nanoseconds_at(500), "p99": tally.nanoseconds_at(990), "p999": tally.nanoseconds_at(999) },
            "compared": { "p50": tally.compared_at(500), "p99": tally.compared_at(990), "max": tally.compared_at(1000) },
        })
    };
    let classes: serde_json::Map<String, Value> = evaluation
        .classes()
        .map(|(class, tally)| {
            let mut value = of(tally);
            value["goal"] = json!(goal(class.kind()).map(|goal| goal / 100.0));
            (class.name().to_owned(), value)
        })
        .collect();
    json!({
        "records": holdings.len(),
        "added": holdings.added(),
        "sources": holdings.sources().iter().map(records::Source::name).collect::<Vec<_>>(),
        "questions_about_other_sources": elsewhere,
        "classes": classes,
        "by_name": of(&evaluation.together(false)),
        "by_number": of(&evaluation.together(true)),
        "calibration": evaluation.calibration(),
        "by_half_bits": evaluation.by_odds(),
    })
}
