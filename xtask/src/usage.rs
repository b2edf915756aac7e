//! What was typed, and what it means.

use std::fmt;

use crate::power;
use crate::simulate::{self, Play};
use crate::steps::{Effort, Step};

/// The help text.
pub(crate) const TEXT: &str = "\
usage: cargo xtask TASK

  test [--only STEP,…] [--long]   run all steps, or only those; the last line is `N passed, N failed`
                                  --long: conformance ten times, 200 crashes, 1,000 power cuts, 50,000
                                  seeds of the simulation, ten minutes of fuzzing per target
  test --list                     what the steps are
  lint                            the lint step alone: architecture, tidiness, references
  bench [-- ARGUMENTS]            run the benches; arguments go to criterion (a filter, --save-baseline NAME, …)
  bench stores [--rounds N]       the journal beside raw appends, SQLite, fjall and redb; keeps benches/stores/results.md
  bench peers [-- ARGUMENTS]      the switch beside a bare relay, proxies and brokers; keeps benches/peers/results.md
  bench restart [--waiting N,…]   from a start after a kill to the first new ack, with so many copies waiting
                                  (default 100000,1000000)
  bench records [--long]          the record index: build, size, memory, latency, recall, additions; keeps
                                  benches/records/results.md; 1 million records, --long: 1, 5, 20 and 93 million
  dashboards                      write dashboards/*.json anew
  pictures [demo]                 draw docs/screens/*.svg anew from the terminal's snapshots; demo: run `cargo demo` for docs/demo.svg too
  power-cuts [--cuts N] [--seed N]
                                  cut the power of a journal N times (default 200), at block level; the last line as above
  simulate [--long | --seeds N | --seed N]
                                  the whole switch on a simulated network, disk and clock: 2,000 seeds (--long: 50,000),
                                  then fresh ones for a minute; --seed plays one, twice; the last line as above
  faults [--long] [ROW…]          run every test that docs/reliability.md names, or those of some rows, and write the page anew with
                                  what they said; --long: in their long form (kills, links, power cuts, fuzzing)
  reliability                     write docs/reliability.md anew without running anything
  count [--times N] [OPERATION…]  instructions per operation, counted by valgrind; N runs against 2 N (default 1000)
  pages                           write the pages of protocol-specs that are made from the message dictionary
  help                            this text

exit status: 0 all passed, 1 something failed, 64 bad usage
";

/// Calls of an operation that are counted, unless the command line says otherwise.
const TIMES: u32 = 1000;

/// Copies that wait when a start is timed, unless the command line says otherwise.
const WAITING: [u32; 2] = [100_000, 1_000_000];

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    /// Run steps, in their order.
    Test { steps: Vec<Step>, effort: Effort },
    /// Say what the steps are.
    List,
    /// The lint step alone.
    Lint,
    /// Write Grafana's dashboards.
    Dashboards,
    /// Draw the pictures of the documents, that of the demo too.
    Pictures { demo: bool },
    /// Run the benches in earnest.
    Bench { arguments: Vec<String> },
    /// Compare the journal with other stores.
    BenchStores { rounds: Option<u32> },
    /// Compare the switch with relays and proxies.
    BenchPeers { arguments: Vec<String> },
    /// Time a start with so many copies waiting, each for itself.
    BenchRestart { waiting: Vec<u32> },
    /// Measure the record index, also with 93 million records.
    BenchRecords { long: bool },
    /// Run what the page on reliability names, or these rows of it, and write it.
    Faults { effort: Effort, rows: Vec<String> },
    /// Write the page on reliability.
    Reliability,
    /// Cut the power of a journal so many times, from that seed or a new one.
    PowerCuts { cuts: u32, seed: Option<u64> },
    /// Play seeds of the simulation.
    Simulate { play: Play },
    /// Count instructions of these operations, or of all.
    Count { operations: Vec<String>, times: u32 },
    /// Write the pages that are made from the dictionary.
    Pages,
    /// Print the help text.
    Help,
}

/// Why a command line means nothing.
#[derive(Debug, PartialEq)]
pub(crate) enum UsageError {
    NoTask,
    UnknownTask(String),
    UnknownStep(String),
    Unexpected(String),
    Missing(&'static str),
    NotACount(String),
}

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTask => write!(formatter, "error: no task is given"),
            Self::UnknownTask(word) => write!(formatter, "error: there is no task `{word}`"),
            Self::UnknownStep(word) => {
                let names: Vec<_> = Step::ALL.iter().map(|step| step.name()).collect();
                write!(formatter, "error: there is no step `{word}`; there are {}", names.join(", "))
            }
            Self::Unexpected(word) => write!(formatter, "error: `{word}` means nothing here"),
            Self::Missing(option) => write!(formatter, "error: {option} needs a value"),
            Self::NotACount(word) => write!(formatter, "error: `{word}` is no number from 1 on"),
        }
    }
}

/// Reads a command line without the program's name.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Task, UsageError> {
    let mut words = words.into_iter();
    match words.next().ok_or(UsageError::NoTask)?.as_str() {
        "test" => test(words),
        "lint" => end(words, Task::Lint),
        "pages" => end(words, Task::Pages),
        "dashboards" => end(words, Task::Dashboards),
        "pictures" => match words.next().as_deref() {
            None => Ok(Task::Pictures { demo: false }),
            Some("demo") => end(words, Task::Pictures { demo: true }),
            Some("--help" | "-h") => Ok(Task::Help),
            Some(other) => Err(UsageError::Unexpected(other.to_owned())),
        },
        "bench" => bench(words),
        "faults" => faults(words),
        "reliability" => end(words, Task::Reliability),
        "power-cuts" => power_cuts(words),
        "simulate" => simulate(words),
        "count" => count(words),
        "help" | "--help" | "-h" => end(words, Task::Help),
        other => Err(UsageError::UnknownTask(other.to_owned())),
    }
}

fn test(mut words: impl Iterator<Item = String>) -> Result<Task, UsageError> {
    let (mut only, mut effort, mut list) = (Vec::new(), Effort::Usual, false);
    while let Some(word) = words.next() {
        match word.split_once('=').map_or((word.as_str(), None), |(option, value)| (option, Some(value))) {
            ("--long", None) => effort = Effort::Long,
            ("--list", None) => list = true,
            ("--help" | "-h", None) => return Ok(Task::Help),
            ("--only", Some(value)) => steps(value, &mut only)?,
            ("--only", None) => steps(&words.next().ok_or(UsageError::Missing("--only"))?, &mut only)?,
            _ => return Err(UsageError::Unexpected(word)),
        }
    }
    if list {
        return Ok(Task::List);
    }
    let steps = Step::ALL.into_iter().filter(|step| only.is_empty() || only.contains(step)).collect();
    Ok(Task::Test { steps, effort })
}

fn steps(value: &str, only: &mut Vec<Step>) -> Result<(), UsageError> {
    for name in value.split(',').map(str::trim) {
        only.push(Step::named(name).ok_or_else(|| UsageError::UnknownStep(name.to_owned()))?);
    }
    Ok(())
}

fn bench(mut words: impl Iterator<Item = String>) -> Result<Task, UsageError> {
    match words.next() {
        None => Ok(Task::Bench { arguments: Vec::new() }),
        Some(word) if word == "--" => Ok(Task::Bench { arguments: words.collect() }),
        Some(word) if word == "stores" => bench_stores(words),
        Some(word) if word == "peers" => {
            Ok(Task::BenchPeers { arguments: words.skip_while(|word| word == "--").collect() })
        }
        Some(word) if word == "restart" => bench_restart(words),
        Some(word) if word == "records" => match words.next().as_deref() {
            None => Ok(Task::BenchRecords { long: false }),
            Some("--long") => end(words, Task::BenchRecords { long: true }),
            Some("--help" | "-h") => Ok(Task::Help),
            Some(other) => Err(UsageError::Unexpected(other.to_owned())),
        },
        Some(word) if word == "--help" || word == "-h" => Ok(Task::Help),
        Some(word) => Err(UsageError::Unexpected(word)),
    }
}

fn bench_stores(mut words: impl Iterator<Item = String>) -> Result<Task, UsageError> {
    let mut rounds = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--rounds" => rounds = Some(number(words.next(), "--rounds")?),
            _ => return Err(UsageError::Unexpected(word)),
        }
    }
    Ok(Task::BenchStores { rounds })
}

fn bench_restart(mut words: impl Iterator<Item = String>) -> Result<Task, UsageError> {
    let mut waiting = WAITING.to_vec();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--waiting" => {
                let list = words.next().ok_or(UsageError::Missing("--waiting"))?;
                waiting = list
                    .split(',')
                    .map(|count| number(Some(count.to_owned()), "--waiting"))
                    .collect::<Result<_, _>>()?;
            }
            _ => return Err(UsageError::Unexpected(word)),
        }
    }
    Ok(Task::BenchRestart { waiting })
}

fn faults(words: impl Iterator<Item = String>) -> Result<Task, UsageError> {
    let (mut effort, mut rows) = (Effort::Usual, Vec::new());
    for word in words {
        match word.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--long" => effort = Effort::Long,
            option if option.starts_with('-') => return Err(UsageError::Unexpected(word)),
            _ => rows.push(word),
        }
    }
    Ok(Task::Faults { effort, rows })
}

fn power_cuts(mut words: impl Iterator<Item = String>) -> Result<Task, UsageError> {
    let (mut cuts, mut seed) = (power::CUTS, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--cuts" => cuts = number(words.next(), "--cuts")?,
            "--seed" => seed = Some(u64::from(number(words.next(), "--seed")?)),
            _ => return Err(UsageError::Unexpected(word)),
        }
    }
    Ok(Task::PowerCuts { cuts, seed })
}

fn simulate(mut words: impl Iterator<Item = String>) -> Result<Task, UsageError> {
    let mut play = Play::Seeds(simulate::SEEDS);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--long" => play = Play::Seeds(simulate::SEEDS_LONG),
            "--seeds" => play = Play::Seeds(number(words.next(), "--seeds")?),
            "--seed" => play = Play::Seed(seed(words.next())?),
            _ => return Err(UsageError::Unexpected(word)),
        }
    }
    Ok(Task::Simulate { play })
}

/// A seed: any number, 0 too.
fn seed(value: Option<String>) -> Result<u64, UsageError> {
    let value = value.ok_or(UsageError::Missing("--seed"))?;
    value.parse().map_err(|_| UsageError::NotACount(value))
}

/// The value of an option that counts something.
fn number(value: Option<String>, option: &'static str) -> Result<u32, UsageError> {
    let value = value.ok_or(UsageError::Missing(option))?;
    value.parse().ok().filter(|number| *number > 0).ok_or(UsageError::NotACount(value))
}

fn count(mut words: impl Iterator<Item = String>) -> Result<Task, UsageError> {
    let (mut operations, mut times) = (Vec::new(), TIMES);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--times" => times = number(words.next(), "--times")?,
            option if option.starts_with('-') => return Err(UsageError::Unexpected(word)),
            _ => operations.push(word),
        }
    }
    Ok(Task::Count { operations, times })
}

fn end(mut words: impl Iterator<Item = String>, task: Task) -> Result<Task, UsageError> {
    match words.next() {
        None => Ok(task),
        Some(word) if word == "--help" || word == "-h" => Ok(Task::Help),
        Some(word) => Err(UsageError::Unexpected(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: Result<Task, UsageError>) {
        assert_eq!(parse(line.split_whitespace().map(str::to_owned)), expect, "{line}");
    }

    #[test]
    fn a_command_line_means_one_task() {
        check("test", Ok(Task::Test { steps: Step::ALL.to_vec(), effort: Effort::Usual }));
        check("test --long", Ok(Task::Test { steps: Step::ALL.to_vec(), effort: Effort::Long }));
        check("test --list", Ok(Task::List));
        check("lint", Ok(Task::Lint));
        check("pages", Ok(Task::Pages));
        check("pictures", Ok(Task::Pictures { demo: false }));
        check("pictures demo", Ok(Task::Pictures { demo: true }));
        check("bench", Ok(Task::Bench { arguments: vec![] }));
        check("bench -- iaq --quick", Ok(Task::Bench { arguments: vec!["iaq".into(), "--quick".into()] }));
        check("bench stores", Ok(Task::BenchStores { rounds: None }));
        check("bench stores --rounds 7", Ok(Task::BenchStores { rounds: Some(7) }));
        check("bench restart", Ok(Task::BenchRestart { waiting: vec![100_000, 1_000_000] }));
        check("bench restart --waiting 10,20", Ok(Task::BenchRestart { waiting: vec![10, 20] }));
        check("bench records", Ok(Task::BenchRecords { long: false }));
        check("bench records --long", Ok(Task::BenchRecords { long: true }));
        check("count", Ok(Task::Count { operations: vec![], times: 1000 }));
        check("count --times 20 encode", Ok(Task::Count { operations: vec!["encode".into()], times: 20 }));
        check("faults", Ok(Task::Faults { effort: Effort::Usual, rows: vec![] }));
        check("faults --long R1 S8", Ok(Task::Faults { effort: Effort::Long, rows: vec!["R1".into(), "S8".into()] }));
        check("reliability", Ok(Task::Reliability));
        check("power-cuts", Ok(Task::PowerCuts { cuts: 200, seed: None }));
        check("power-cuts --cuts 5 --seed 7", Ok(Task::PowerCuts { cuts: 5, seed: Some(7) }));
        check("simulate", Ok(Task::Simulate { play: Play::Seeds(2000) }));
        check("simulate --long", Ok(Task::Simulate { play: Play::Seeds(50_000) }));
        check("simulate --seeds 7", Ok(Task::Simulate { play: Play::Seeds(7) }));
        check("simulate --seed 0", Ok(Task::Simulate { play: Play::Seed(0) }));
        check("--help", Ok(Task::Help));
        check("test -h", Ok(Task::Help));
    }

    #[test]
    fn chosen_steps_keep_their_order() {
        let steps = vec![Step::Fmt, Step::Lint, Step::Fuzz];
        check("test --only fuzz,fmt --only=lint", Ok(Task::Test { steps, effort: Effort::Usual }));
    }

    #[test]
    fn nonsense_is_refused() {
        check("", Err(UsageError::NoTask));
        check("tset", Err(UsageError::UnknownTask("tset".into())));
        check("test --only", Err(UsageError::Missing("--only")));
        check("test --only fmt,", Err(UsageError::UnknownStep(String::new())));
        check("test fmt", Err(UsageError::Unexpected("fmt".into())));
        check("faults --short", Err(UsageError::Unexpected("--short".into())));
        check("lint --long", Err(UsageError::Unexpected("--long".into())));
        check("pictures all", Err(UsageError::Unexpected("all".into())));
        check("bench iaq", Err(UsageError::Unexpected("iaq".into())));
        check("count --times 0", Err(UsageError::NotACount("0".into())));
        check("simulate --seed", Err(UsageError::Missing("--seed")));
        check("power-cuts --cuts", Err(UsageError::Missing("--cuts")));
        check("power-cuts --cuts none", Err(UsageError::NotACount("none".into())));
        check("bench restart --waiting 10,", Err(UsageError::NotACount(String::new())));
        check("bench records --short", Err(UsageError::Unexpected("--short".into())));
        check("count --fast", Err(UsageError::Unexpected("--fast".into())));
    }
}
