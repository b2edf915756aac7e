//! The fuzz step: every target of `fuzz/` for its share of the time, from its tracked corpus, which it leaves alone.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};

use super::{Effort, Run};
use crate::workspace::Workspace;
use crate::{install, output, process};

/// Time for all targets together.
const TOTAL: Duration = Duration::from_mins(1);
/// Time for each target with `--long`.
const EACH_LONG: Duration = Duration::from_mins(10);
/// How much longer a target may take to start and to end.
const GRACE: Duration = Duration::from_mins(2);
/// How long one input may take; a microsecond is usual.
const INPUT_WITHIN_SECONDS: u64 = 10;
/// Lines of the log that are shown after a failure.
const TAIL: usize = 150;

/// Builds all targets and runs one after the other.
pub(super) fn all(run: &Run<'_>) -> Result<()> {
    let workspace = run.workspace;
    run.installer.need(install::COMPILER)?;
    run.installer.need_cargo_fuzz()?;
    let fuzz = Workspace::at(&workspace.root.join("fuzz/Cargo.toml"))?;
    let targets: Vec<_> = fuzz.packages.iter().flat_map(|package| package.targets("bin")).collect();
    ensure!(!targets.is_empty(), "fuzz/Cargo.toml has no targets");
    let count = u32::try_from(targets.len()).context("too many targets")?;
    let each = match run.effort {
        Effort::Usual => TOTAL / count,
        Effort::Long => EACH_LONG,
    };
    process::passes(&mut cargo_fuzz(workspace, "build"))?;
    let seed = seed()?;
    output::line(&format!("seed {seed} (FUZZ_SEED={seed} gives it again), {} for each target", output::time(each)));
    let mut failed = Vec::new();
    for target in targets {
        if let Err(error) = one(workspace, target, each, seed) {
            output::line(&format!("{target}: {error:#}"));
            failed.push(target);
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// Runs one target. What it finds that is new to the corpus goes to a folder that is thrown away: a corpus grows by hand.
fn one(workspace: &Workspace, target: &str, time: Duration, seed: u32) -> Result<()> {
    let corpus = Path::new("fuzz/corpus").join(target);
    let seeds = std::fs::read_dir(workspace.root.join(&corpus)).map_or(0, Iterator::count);
    ensure!(seeds > 0, "{} has no inputs to start from: add some", corpus.display());
    let scratch = tempfile::Builder::new().prefix("fuzz-").tempdir_in(workspace.scratch()?);
    let scratch = scratch.context("cannot make a folder for a corpus")?;
    let found = scratch.path().join("corpus");
    std::fs::create_dir(&found).context("cannot make a folder for a corpus")?;
    let log_path = scratch.path().join("log");
    let log = File::create(&log_path).context("cannot make a log")?;

    let mut command = cargo_fuzz(workspace, "run");
    command.arg(target).arg(&found).arg(&corpus).arg("--");
    command.args(["-verbosity=0", "-print_final_stats=1"]);
    command.arg(format!("-max_total_time={}", time.as_secs().max(1)));
    command.args([format!("-seed={seed}"), format!("-timeout={INPUT_WITHIN_SECONDS}")]);
    let result = process::stream(&mut command, Some(&log), time + GRACE, |_| {});

    let log = std::fs::read(&log_path).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    match result {
        Ok(status) if status.success() => {
            let inputs = inputs(&log).context("libFuzzer does not say how many inputs it tried")?;
            output::line(&format!("{target}: {inputs} inputs from {seeds} seeds, all held"));
            return Ok(());
        }
        Ok(status) => output::line(&format!("{}\n{target} ended with {status}", process::tail(&log, TAIL))),
        Err(error) => output::line(&format!("{}\n{error:#}", process::tail(&log, TAIL))),
    }
    match artifact(&log) {
        Some(artifact) => bail!("found an input for which something does not hold; it lies in {artifact}"),
        None => bail!("ended badly without leaving an input"),
    }
}

/// How many inputs libFuzzer has tried.
fn inputs(log: &str) -> Option<u64> {
    log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok())
}

/// The file in which libFuzzer left the input that broke something.
fn artifact(log: &str) -> Option<&str> {
    log.lines().find_map(|line| Some(line.split_once("Test unit written to ")?.1.trim()))
}

/// A command of cargo-fuzz. It asks rustc for coverage flags that stable hides. No sanitizer of memory: what is fuzzed
/// is safe code, which tries several times as many inputs without one.
fn cargo_fuzz(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = workspace.cargo(["fuzz", subcommand, "--fuzz-dir", "fuzz", "--sanitizer", "none"]);
    command.env("RUSTC_BOOTSTRAP", "1");
    command
}

/// From `FUZZ_SEED`, or a new one. libFuzzer takes 0 for a wish to choose itself.
fn seed() -> Result<u32> {
    if let Ok(text) = std::env::var("FUZZ_SEED") {
        return text.parse().with_context(|| format!("FUZZ_SEED={text} is no number of 32 bits"));
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(now.subsec_nanos().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let good = "Done 1234567 runs in 12 second(s)\nstat::number_of_executed_units: 1234567\nstat::average_exec_per_sec: 1\n";
        assert_eq!((inputs(good), artifact(good)), (Some(1_234_567), None));
        let bad = "==1== ERROR: libFuzzer: deadly signal\nartifact_prefix='fuzz/artifacts/input/'; Test unit written to fuzz/artifacts/input/crash-adc8\nBase64: eA==\n";
        assert_eq!((inputs(bad), artifact(bad)), (None, Some("fuzz/artifacts/input/crash-adc8")));
    }
}
