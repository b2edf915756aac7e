//! What was typed, and what it means.

use std::fmt;

use crate::steps::{Effort, Step};

/// The help text.
pub(crate) const TEXT: &str = "\
usage: cargo xtask TASK

  test [--only STEP,…] [--long]   run all steps, or only those; the last line is `N passed, N failed`
                                  --long: conformance ten times, 200 crashes, ten minutes of fuzzing per target
  test --list                     what the steps are
  lint                            the lint step alone: architecture, tidiness, references
  bench [-- ARGUMENTS]            run the benches; arguments go to criterion (a filter, --save-baseline NAME, …)
  count [--times N] [OPERATION…]  instructions per operation, counted by valgrind; N runs against 2 N (default 1000)
  help                            this text

exit status: 0 all passed, 1 something failed, 64 bad usage
";

/// Calls of an operation that are counted, unless the command line says otherwise.
const TIMES: u32 = 1000;

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    /// Run steps, in their order.
    Test { steps: Vec<Step>, effort: Effort },
    /// Say what the steps are.
    List,
    /// The lint step alone.
    Lint,
    /// Run the benches in earnest.
    Bench { arguments: Vec<String> },
    /// Count instructions of these operations, or of all.
    Count { operations: Vec<String>, times: u32 },
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
        "bench" => bench(words),
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
        Some(word) if word == "--help" || word == "-h" => Ok(Task::Help),
        Some(word) => Err(UsageError::Unexpected(word)),
    }
}

fn count(mut words: impl Iterator<Item = String>) -> Result<Task, UsageError> {
    let (mut operations, mut times) = (Vec::new(), TIMES);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--times" => {
                let value = words.next().ok_or(UsageError::Missing("--times"))?;
                times = value.parse().ok().filter(|times| *times > 0).ok_or(UsageError::NotACount(value))?;
            }
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
        check("bench", Ok(Task::Bench { arguments: vec![] }));
        check("bench -- iaq --quick", Ok(Task::Bench { arguments: vec!["iaq".into(), "--quick".into()] }));
        check("count", Ok(Task::Count { operations: vec![], times: 1000 }));
        check("count --times 20 encode", Ok(Task::Count { operations: vec!["encode".into()], times: 20 }));
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
        check("lint --long", Err(UsageError::Unexpected("--long".into())));
        check("bench iaq", Err(UsageError::Unexpected("iaq".into())));
        check("count --times 0", Err(UsageError::NotACount("0".into())));
        check("count --fast", Err(UsageError::Unexpected("--fast".into())));
    }
}
