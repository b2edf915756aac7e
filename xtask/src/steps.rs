//! The steps of `cargo xtask test`: what they are and how one is run.

pub(crate) mod cargo;
mod fuzz;
mod outside;

use std::path::{Path, PathBuf};

use anyhow::{Error, Result};

use crate::install::Installer;
use crate::simulate::Play;
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{install, lint, output, power, simulate};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Fmt,
    Clippy,
    Build,
    Test,
    Doc,
    Lint,
    Alerts,
    Conformance,
    Crash,
    Synced,
    PowerCuts,
    Simulation,
    Fuzz,
    Bench,
}

impl Step {
    /// All steps, in the order in which they run: what fails fast comes first.
    pub(crate) const ALL: [Self; 14] = [
        Self::Fmt,
        Self::Clippy,
        Self::Build,
        Self::Test,
        Self::Doc,
        Self::Lint,
        Self::Alerts,
        Self::Conformance,
        Self::Crash,
        Self::Synced,
        Self::PowerCuts,
        Self::Simulation,
        Self::Fuzz,
        Self::Bench,
    ];

    /// The step of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Build => "build",
            Self::Test => "test",
            Self::Doc => "doc",
            Self::Lint => "lint",
            Self::Alerts => "alerts",
            Self::Conformance => "conformance",
            Self::Crash => "crash",
            Self::Synced => "synced",
            Self::PowerCuts => "power-cuts",
            Self::Simulation => "simulation",
            Self::Fuzz => "fuzz",
            Self::Bench => "bench",
        }
    }

    /// What it shows.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Fmt => "the code is formatted",
            Self::Clippy => "clippy has nothing to say",
            Self::Build => "the program builds, as `cargo demo` builds it",
            Self::Test => "the tests of all crates pass",
            Self::Doc => "the docs build without a warning",
            Self::Lint => "architecture, tidiness, references",
            Self::Alerts => {
                "Prometheus takes the rules, each alert is raised by what it is for, and the metrics are in order"
            }
            Self::Conformance => "the demo's network passes conformance/check.py and fox.py and stops when asked",
            Self::Crash => "a switch that is killed loses nothing: conformance/crash.py",
            Self::Synced => "an acknowledgement waits for the disk: conformance/synced.py, under strace",
            Self::PowerCuts => {
                "power cuts lose nothing that was acknowledged: the journal on a disk recorded block by block"
            }
            Self::Simulation => "the whole switch holds under 2,000 seeds, and under fresh ones for a minute",
            Self::Fuzz => "what must hold of any bytes holds: a minute for all targets together",
            Self::Bench => "the benches run",
        }
    }
}

/// How much of a step that could go on for ever is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    Usual,
    Long,
}

/// Why a step has no tally.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It failed as a whole.
    Failed(Error),
    /// It could not be tried.
    NotRun(&'static str),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What steps share during one run.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    workspace: &'a Workspace,
    effort: Effort,
    installer: Installer,
    program: Option<Built>,
}

/// What came of building the program.
#[derive(Clone, Debug)]
enum Built {
    At(PathBuf),
    Not,
}

impl<'a> Run<'a> {
    pub(crate) fn new(workspace: &'a Workspace, effort: Effort) -> Self {
        Self { workspace, effort, installer: Installer::default(), program: None }
    }

    /// Runs one step.
    pub(crate) fn step(&mut self, step: Step) -> Result<Tally, Stop> {
        match step {
            Step::Fmt => cargo::fmt(self.workspace)?,
            Step::Clippy => cargo::clippy(self.workspace)?,
            Step::Build => self.build()?,
            Step::Test => {
                self.installer.need(install::OPENSSL)?;
                self.installer.need(install::STRACE)?;
                self.installer.need(install::FIU)?;
                self.installer.need(install::XMLLINT)?;
                self.installer.need(install::MOUNT)?;
                self.installer.need(install::PROMETHEUS)?;
                self.installer.need(install::FAKETIME)?;
                self.installer.need(install::SSLSCAN)?;
                return Ok(cargo::test(self.workspace)?);
            }
            Step::Doc => cargo::doc(self.workspace)?,
            Step::Lint => lint::check(self.workspace)?,
            Step::Alerts => {
                let program = self.program()?;
                outside::alerts(self, &program)?;
            }
            Step::Conformance => {
                let program = self.program()?;
                return Ok(outside::conformance(self, &program)?);
            }
            Step::Crash => {
                let program = self.program()?;
                return Ok(outside::crash(self, &program)?);
            }
            Step::Synced => {
                let program = self.program()?;
                return Ok(outside::synced(self, &program)?);
            }
            Step::PowerCuts => {
                let cuts = match self.effort {
                    Effort::Usual => power::CUTS,
                    Effort::Long => power::CUTS_LONG,
                };
                return Ok(power::run(self.workspace, &self.installer, cuts, None)?);
            }
            Step::Simulation => {
                let seeds = match self.effort {
                    Effort::Usual => simulate::SEEDS,
                    Effort::Long => simulate::SEEDS_LONG,
                };
                return Ok(simulate::run(self.workspace, Play::Seeds(seeds))?);
            }
            Step::Fuzz => fuzz::all(self)?,
            Step::Bench => cargo::bench_smoke(self.workspace)?,
        }
        Ok(Tally::PASSED)
    }

    /// Builds the program and keeps a copy of it for the steps that run it: `cargo test` may put another build of it,
    /// with the features that tests ask for, in the same place.
    fn build(&mut self) -> Result<()> {
        self.program = Some(Built::Not);
        cargo::build(self.workspace)?;
        let copy = self.workspace.scratch()?.join("orinet");
        replace(&self.workspace.target.join("release/orinet"), &copy)?;
        self.program = Some(Built::At(copy));
        Ok(())
    }

    /// The program, built before or now.
    fn program(&mut self) -> Result<PathBuf, Stop> {
        if self.program.is_none()
            && let Err(error) = self.build()
        {
            output::line(&format!("error: {error:#}"));
        }
        match &self.program {
            Some(Built::At(program)) => Ok(program.clone()),
            Some(Built::Not) | None => Err(Stop::NotRun("the program was not built")),
        }
    }
}

/// Copies a file, with its permissions, to where another may be running.
fn replace(from: &Path, to: &Path) -> Result<()> {
    use anyhow::Context as _;
    let fresh = to.with_extension("new");
    std::fs::copy(from, &fresh)
        .and_then(|_bytes| std::fs::rename(&fresh, to))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_found_by_its_name() {
        for step in Step::ALL {
            assert_eq!(Step::named(step.name()), Some(step));
        }
        assert_eq!(Step::named("everything"), None);
    }
}
