//! Everything the project does to itself: test, lint, bench.

mod count;
mod dashboards;
mod install;
mod lint;
mod measure;
mod output;
mod pictures;
mod power;
mod process;
mod reliability;
mod simulate;
mod steps;
mod suite;
mod tally;
mod usage;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

use crate::usage::Task;
use crate::workspace::Workspace;

/// Bad usage, as everywhere in the project.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let task = match usage::parse(std::env::args().skip(1)) {
        Ok(task) => task,
        Err(error) => {
            output::error(&format!("{error}\n\n{}", usage::TEXT.trim_end()));
            return ExitCode::from(USAGE);
        }
    };
    match run(task) {
        Ok(code) => code,
        Err(error) => {
            output::error(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Help => output::line(usage::TEXT.trim_end()),
        Task::List => suite::list(),
        Task::Test { steps, effort } => return suite::run(&Workspace::find()?, &steps, effort),
        Task::Lint => return lint::report(&Workspace::find()?),
        Task::Pages => steps::cargo::pages(&Workspace::find()?)?,
        Task::Dashboards => dashboards::write(&Workspace::find()?.root)?,
        Task::Pictures { demo } => pictures::write(&Workspace::find()?, demo)?,
        Task::Bench { arguments } => steps::cargo::bench(&Workspace::find()?, &arguments)?,
        Task::BenchStores { rounds } => measure::stores(&Workspace::find()?, rounds)?,
        Task::BenchPeers { arguments } => measure::peers(&Workspace::find()?, &arguments)?,
        Task::BenchRestart { waiting } => measure::restart(&Workspace::find()?, &waiting)?,
        Task::BenchRecords { long } => measure::records(&Workspace::find()?, long)?,
        Task::Faults { effort, rows } => return reliability::faults(&Workspace::find()?, effort, &rows),
        Task::Reliability => reliability::page(&Workspace::find()?)?,
        Task::PowerCuts { cuts, seed } => return power::report(&Workspace::find()?, cuts, seed),
        Task::Simulate { play } => return simulate::report(&Workspace::find()?, play),
        Task::Count { operations, times } => count::run(&Workspace::find()?, &operations, times)?,
    }
    Ok(ExitCode::SUCCESS)
}
