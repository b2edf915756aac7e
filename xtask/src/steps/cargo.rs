//! The steps that are commands of cargo, all in the one optimized profile and against the committed lock file.

use std::time::Duration;

use anyhow::Result;

use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{output, process};

/// What all tests may take together, compiling included. A test that hangs is a failure, not a run without an end.
const TESTS_WITHIN: Duration = Duration::from_mins(40);

pub(super) fn fmt(workspace: &Workspace) -> Result<()> {
    process::passes(&mut workspace.cargo(["fmt", "--all", "--check"]))?;
    for manifest in ["fuzz/Cargo.toml", "benches/stores/Cargo.toml"] {
        process::passes(&mut workspace.cargo(["fmt", "--manifest-path", manifest, "--check"]))?;
    }
    Ok(())
}

pub(super) fn clippy(workspace: &Workspace) -> Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--release", "--locked", "--", "-D", "warnings"];
    process::passes(&mut workspace.cargo(arguments))
}

/// The program alone, with the features that it has for users: this is what `cargo demo` builds.
pub(super) fn build(workspace: &Workspace) -> Result<()> {
    process::passes(&mut workspace.cargo(["build", "--package", "orinet", "--bin", "orinet", "--release", "--locked"]))
}

pub(super) fn test(workspace: &Workspace) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut command = workspace.cargo(["test", "--workspace", "--release", "--locked", "--no-fail-fast"]);
    let status = process::stream(&mut command, None, TESTS_WITHIN, |line| {
        output::line(line);
        if let Some(binary) = Tally::of_libtest(line) {
            tally += binary;
        }
    })?;
    if !status.success() && tally.failed == 0 {
        output::line(&format!("cargo test ended with {status}, though no test is reported as failed"));
        return Ok(tally.at_least_one_failed());
    }
    Ok(tally)
}

/// With private items, so that links between them are checked as well. In the release profile, because what clippy
/// has checked of other crates then serves again.
pub(super) fn doc(workspace: &Workspace) -> Result<()> {
    let arguments = ["doc", "--workspace", "--no-deps", "--document-private-items", "--release", "--locked"];
    process::passes(workspace.cargo(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Has the test that compares the pages made from the dictionary with the tree write them instead.
pub(crate) fn pages(workspace: &Workspace) -> Result<()> {
    let arguments =
        ["test", "--package", "codec", "--test", "it", "--release", "--locked", "--", "pages::", "niem::the_page"];
    process::passes(workspace.cargo(arguments).env("UPDATE_EXPECT", "1"))
}

/// Shows that the benches run; they measure nothing.
pub(super) fn bench_smoke(workspace: &Workspace) -> Result<()> {
    bench(workspace, &["--test".to_owned()])
}

/// Runs the benches, and only them: `--bench '*'` leaves out the unit tests that plain `cargo bench` goes through.
pub(crate) fn bench(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut command = workspace.cargo(["bench", "--workspace", "--locked", "--bench", "*", "--"]);
    process::passes(command.args(arguments))
}
