//! `cargo xtask test`: the steps one after the other, what came of each, and the sum.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::output;
use crate::steps::{Effort, Run, Step, Stop};
use crate::tally::Tally;
use crate::workspace::Workspace;

/// What came of one step.
struct Outcome {
    step: Step,
    tally: Tally,
    result: String,
    time: Duration,
}

/// Prints what the steps are.
pub(crate) fn list() {
    for step in Step::ALL {
        output::line(&format!("{:12}{}", step.name(), step.about()));
    }
}

/// Runs steps; one that fails does not keep the next from running. The last line is the sum.
pub(crate) fn run(workspace: &Workspace, steps: &[Step], effort: Effort) -> Result<ExitCode> {
    let mut run = Run::new(workspace, effort);
    let outcomes: Vec<_> = steps.iter().map(|step| one(&mut run, *step)).collect();
    output::heading("all steps");
    output::line(&table(&outcomes));
    let mut sum = Tally::default();
    for outcome in &outcomes {
        sum += outcome.tally;
    }
    output::line(&last_line(sum, Step::ALL.len() - steps.len()));
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one(run: &mut Run<'_>, step: Step) -> Outcome {
    output::heading(&format!("{}: {}", step.name(), step.about()));
    let began = Instant::now();
    let (tally, result) = describe(run.step(step));
    let time = began.elapsed();
    output::line(&format!("{}: {result}, {}", step.name(), output::time(time)));
    Outcome { step, tally, result, time }
}

/// The count and the words for what a step returned. What was not run has not passed.
fn describe(result: Result<Tally, Stop>) -> (Tally, String) {
    match result {
        Ok(Tally::PASSED) => (Tally::PASSED, "passed".to_owned()),
        Ok(tally) if tally == Tally::default() => (Tally::FAILED, "FAILED, nothing was counted".to_owned()),
        Ok(tally) if tally.failed == 0 => (tally, tally.to_string()),
        Ok(tally) => (tally, format!("FAILED, {tally}")),
        Err(Stop::Failed(error)) => {
            output::line(&format!("error: {error:#}"));
            (Tally::FAILED, "FAILED".to_owned())
        }
        Err(Stop::NotRun(why)) => (Tally::FAILED, format!("NOT RUN, {why}")),
    }
}

fn table(outcomes: &[Outcome]) -> String {
    let mut rows: Vec<_> = outcomes
        .iter()
        .map(|outcome| [outcome.step.name().to_owned(), outcome.result.clone(), output::time(outcome.time)])
        .collect();
    let total = outcomes.iter().map(|outcome| outcome.time).sum();
    rows.push(["total".to_owned(), String::new(), output::time(total)]);
    output::table(&rows)
}

/// The line that programs read.
fn last_line(sum: Tally, skipped: usize) -> String {
    match skipped {
        0 => sum.to_string(),
        skipped => format!("{sum}, {skipped} skipped"),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn the_last_line_has_its_form() {
        let sum = Tally { passed: 452, failed: 1 };
        assert_eq!(last_line(sum, 0), "452 passed, 1 failed");
        assert_eq!(last_line(sum, 9), "452 passed, 1 failed, 9 skipped");
    }

    #[test]
    fn only_what_ran_and_passed_counts_as_passed() {
        let check = |result, tally, words: &str| assert_eq!(describe(result), (tally, words.to_owned()));
        check(Ok(Tally::PASSED), Tally::PASSED, "passed");
        let (good, bad) = (Tally { passed: 27, failed: 0 }, Tally { passed: 26, failed: 1 });
        check(Ok(good), good, "27 passed, 0 failed");
        check(Ok(bad), bad, "FAILED, 26 passed, 1 failed");
        check(Ok(Tally::default()), Tally::FAILED, "FAILED, nothing was counted");
        check(Err(Stop::Failed(anyhow!("broken"))), Tally::FAILED, "FAILED");
        check(Err(Stop::NotRun("no program")), Tally::FAILED, "NOT RUN, no program");
    }

    #[test]
    fn the_table_has_a_row_for_each_step_and_one_for_the_sum() {
        let outcome = |step, result: &str, seconds| Outcome {
            step,
            tally: Tally::PASSED,
            result: result.to_owned(),
            time: Duration::from_secs(seconds),
        };
        let text = table(&[outcome(Step::Fmt, "passed", 1), outcome(Step::Test, "412 passed, 0 failed", 130)]);
        let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines, ["fmt passed 1.0 s", "test 412 passed, 0 failed 2 min 10 s", "total 2 min 11 s"]);
    }
}
