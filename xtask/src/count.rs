//! `cargo xtask count`: instructions for one operation, which do not depend on how busy the machine is.
//!
//! A package takes part with an example `count` or `count-…` that lists its operations, one on a line, when it has no
//! arguments, and does OPERATION N times when it has two. Counted twice, with N and 2 N, all that a program does besides
//! cancels out. (Cargo puts the examples of all packages in one folder, and warns where two have one name.)

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::install::{self, Installer};
use crate::workspace::Workspace;
use crate::{output, process};

/// How long one counted run may take; valgrind slows a program about fifty times.
const COUNTED_WITHIN: Duration = Duration::from_mins(10);

/// Counts these operations, or all; prints a table.
pub(crate) fn run(workspace: &Workspace, wanted: &[String], times: u32) -> Result<()> {
    Installer::default().need(install::VALGRIND)?;
    let mut rows = vec![["package".to_owned(), "operation".to_owned(), "instructions".to_owned()]];
    let examples =
        workspace.packages.iter().flat_map(|package| package.targets("example").map(move |name| (package, name)));
    for (package, example) in examples.filter(|(_, name)| takes_part(name)) {
        let program = build(workspace, &package.name, example)?;
        for operation in operations(&program)? {
            if wanted.is_empty() || wanted.contains(&operation) {
                let each = per_operation(&program, &operation, times)?;
                rows.push([package.name.clone(), operation, each.to_string()]);
            }
        }
    }
    ensure!(rows.len() > 1, "no example `count` has such an operation");
    output::line(&output::table(&rows));
    Ok(())
}

fn takes_part(example: &str) -> bool {
    example == "count" || example.starts_with("count-")
}

/// Builds a package's example and keeps a copy, in case the next package's has the same name.
fn build(workspace: &Workspace, package: &str, example: &str) -> Result<PathBuf> {
    let arguments = ["build", "--release", "--locked", "--package", package, "--example", example];
    process::passes(&mut workspace.cargo(arguments))?;
    let copy = workspace.scratch()?.join(format!("{package}-{example}"));
    let built = workspace.target.join("release/examples").join(example);
    std::fs::copy(&built, &copy).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(copy)
}

fn operations(program: &Path) -> Result<Vec<String>> {
    let listed = process::capture(&mut Command::new(program))?;
    Ok(listed.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn per_operation(program: &Path, operation: &str, times: u32) -> Result<u64> {
    let once = instructions(program, operation, times.into())?;
    let twice = instructions(program, operation, 2 * u64::from(times))?;
    let more = twice.checked_sub(once).context("twice the work took fewer instructions: count more calls")?;
    Ok((more + u64::from(times / 2)) / u64::from(times))
}

fn instructions(program: &Path, operation: &str, times: u64) -> Result<u64> {
    let log = tempfile::NamedTempFile::new().context("cannot make a log")?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(program).arg(operation).arg(times.to_string());
    let status = process::stream(&mut command, Some(log.as_file()), COUNTED_WITHIN, |_| {})?;
    let text = std::fs::read_to_string(log.path()).context("cannot read a log")?;
    match collected(&text) {
        Some(count) if status.success() => Ok(count),
        _ => bail!("valgrind on {operation} ended with {status}:\n{}", text.trim_end()),
    }
}

/// What callgrind counted: `==123== Collected : 3043246`.
fn collected(log: &str) -> Option<u64> {
    log.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_callgrind_is_read() {
        let log = "==42== Events    : Ir\n==42== Collected : 3043246\n==42== \n==42== I   refs:      3,043,246\n";
        assert_eq!(collected(log), Some(3_043_246));
        assert_eq!(collected("==42== Command: count"), None);
    }
}
