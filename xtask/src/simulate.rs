//! `cargo xtask simulate`: the whole switch under one seed, thousands of times.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{output, process};

/// Seeds of the step of `cargo xtask test`, and with `--long`. They are always the same.
pub(crate) const SEEDS: u32 = 2000;
pub(crate) const SEEDS_LONG: u32 = 50_000;
/// After them, seeds that nobody has seen.
const FRESH: Duration = Duration::from_mins(1);
const WITHIN: Duration = Duration::from_hours(4);

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Play {
    /// So many seeds from 0 on, then fresh ones.
    Seeds(u32),
    /// One seed, twice.
    Seed(u64),
}

/// Plays, and says how it went.
pub(crate) fn report(workspace: &Workspace, play: Play) -> Result<ExitCode> {
    let tally = run(workspace, play)?;
    output::line(&tally.to_string());
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays; each seed is a check.
pub(crate) fn run(workspace: &Workspace, play: Play) -> Result<Tally> {
    process::passes(&mut workspace.cargo(["build", "--release", "--locked", "--package", "sim", "--bin", "simulate"]))?;
    let mut command = std::process::Command::new(workspace.target.join("release/simulate"));
    match play {
        Play::Seeds(seeds) => {
            command.args(["--seeds", &seeds.to_string(), "--fresh", &FRESH.as_secs().to_string()]);
        }
        Play::Seed(seed) => {
            command.args(["--seed", &seed.to_string()]);
        }
    }
    let mut tally = Tally::default();
    let status = process::stream(&mut command, None, WITHIN, |line| match Tally::of_program(line) {
        Some(last) => tally = last,
        None => output::line(line),
    })?;
    Ok(if status.success() { tally } else { tally.at_least_one_failed() })
}
