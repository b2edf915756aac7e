//! The steps that look at the running program from outside, with the programs in `conformance/`.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use super::{Effort, Run};
use crate::process::{self, Heard, Running};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{install, output};

/// How long the demo may take to be up, with its certificates and its index made.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long a graceful stop may take.
const STOPPED_WITHIN: Duration = Duration::from_secs(15);
/// How long one exchange of the demo may take, with all that it makes before.
const EXCHANGED_WITHIN: Duration = Duration::from_mins(5);
/// How long one program of `conformance/` may take; twenty crashes need about a minute.
const CHECKED_WITHIN: Duration = Duration::from_mins(15);
const CHECKED_WITHIN_LONG: Duration = Duration::from_mins(120);
/// Lines of each log that are shown after a failure.
const TAIL: usize = 40;

/// The demo's network against `check.py` and `fox.py`, and its stop when asked. With `--long` ten times in a row, each from nothing.
pub(super) fn conformance(run: &Run<'_>, program: &Path) -> Result<Tally> {
    run.installer.need(install::PYTHON)?;
    run.installer.need(install::OPENSSL)?;
    let rounds = match run.effort {
        Effort::Usual => 1,
        Effort::Long => 10,
    };
    let mut tally = Tally::default();
    for round in 1..=rounds {
        if rounds > 1 {
            output::line(&format!("round {round} of {rounds}"));
        }
        tally += Place::with(run.workspace, "conformance", |place| check_demo(run, program, place))?;
    }
    Ok(tally)
}

/// Prometheus's own checks of the rules, of their tests and of the metrics.
pub(super) fn alerts(run: &Run<'_>, program: &Path) -> Result<()> {
    run.installer.need(install::PROMETHEUS)?;
    run.installer.need(install::ALERTMANAGER)?;
    let folder = run.workspace.root.join("dashboards");
    for (tool, arguments) in [
        ("promtool", &["check", "config", "prometheus.yml"][..]),
        ("promtool", &["test", "rules", "rules.test.yml"]),
        ("amtool", &["check-config", "alertmanager.yml"]),
    ] {
        process::passes(Command::new(tool).args(arguments).current_dir(&folder))?;
    }
    let page = run.workspace.scratch()?.join("metrics.txt");
    std::fs::write(&page, process::capture(Command::new(program).arg("metrics"))?)
        .with_context(|| format!("cannot write {}", page.display()))?;
    let file = File::open(&page).with_context(|| format!("cannot read {}", page.display()))?;
    process::passes(Command::new("promtool").args(["check", "metrics"]).stdin(file))
}

/// The switch alone, killed again and again.
pub(super) fn crash(run: &Run<'_>, program: &Path) -> Result<Tally> {
    run.installer.need(install::PYTHON)?;
    let rounds = match run.effort {
        Effort::Usual => "20",
        Effort::Long => "200",
    };
    Place::with(run.workspace, "crash", |place| {
        place.prepare(program)?;
        place.script(run, "crash.py", &["--rounds", rounds], &place.switch(program))
    })
}

/// The switch alone, with its syncs held back.
pub(super) fn synced(run: &Run<'_>, program: &Path) -> Result<Tally> {
    run.installer.need(install::PYTHON)?;
    run.installer.need(install::STRACE)?;
    let traced = process::capture(Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]));
    traced.context("strace cannot trace here: the system forbids ptrace, without which this step cannot see a sync")?;
    Place::with(run.workspace, "synced", |place| {
        place.prepare(program)?;
        place.script(run, "synced.py", &[], &place.switch(program))
    })
}

/// One demo, one whole check of it, one stop.
fn check_demo(run: &Run<'_>, program: &Path, place: &Place) -> Result<Tally> {
    let mut demo = Running::start(&mut place.demo(program), Some(&place.log("demo")?))?;
    wait_for_ready(&mut demo)?;
    let mut tally = place.script(run, "check.py", &["--slow"], &[])?;
    place.make_terminal_speak_ofml(program)?;
    tally += place.script(run, "fox.py", &["--slow", "--fox", &place.fox.to_string()], &[])?;
    if let Err(error) = stop(&mut demo) {
        output::line(&format!("error: {error:#}"));
        tally += Tally::FAILED;
    }
    Ok(tally)
}

fn wait_for_ready(demo: &mut Running) -> Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        match demo.next(deadline)? {
            Heard::Line(line) if line.starts_with("READY") => return Ok(()),
            Heard::Line(_) => {}
            Heard::Ended(status) => bail!("the demo ended with {status} before it said READY"),
            Heard::Nothing => bail!("the demo did not say READY within {} s", READY_WITHIN.as_secs()),
        }
    }
}

fn stop(demo: &mut Running) -> Result<()> {
    demo.interrupt().context("the demo has ended by itself")?;
    let deadline = Instant::now() + STOPPED_WITHIN;
    loop {
        match demo.next(deadline)? {
            Heard::Line(_) => {}
            Heard::Ended(status) => {
                ensure!(status.success(), "the demo ended with {status} after SIGINT, not with 0");
                return Ok(());
            }
            Heard::Nothing => bail!("the demo was still there {} s after SIGINT", STOPPED_WITHIN.as_secs()),
        }
    }
}

/// A folder for one check: the demo's directory, logs, and the addresses that everything uses.
struct Place {
    folder: TempDir,
    link: SocketAddr,
    fox: SocketAddr,
    admin: SocketAddr,
}

impl Place {
    /// Does something in a fresh folder, which stays there for a look if that fails.
    fn with(workspace: &Workspace, name: &str, work: impl FnOnce(&Self) -> Result<Tally>) -> Result<Tally> {
        let folder = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(workspace.scratch()?);
        let [link, fox, admin] = free_addresses()?;
        let mut place = Self { folder: folder.context("cannot make a folder for the check")?, link, fox, admin };
        let result = work(&place);
        if !matches!(&result, Ok(tally) if tally.failed == 0) {
            place.folder.disable_cleanup(true);
            place.show_logs();
        }
        result
    }

    /// The demo's directory.
    fn network(&self) -> PathBuf {
        self.folder.path().join("network")
    }

    /// The command of a demo here.
    fn demo(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["demo", "--dir"]).arg(self.network());
        command.args(["--link", &self.link.to_string(), "--fox", &self.fox.to_string()]);
        command.args(["--admin", &self.admin.to_string()]);
        command
    }

    /// Has the terminal of a demo that runs get OFML from now on: changes its entry, and has the switch read it.
    fn make_terminal_speak_ofml(&self, program: &Path) -> Result<()> {
        let file = self.network().join("network.toml");
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let entry = "name = \"ZA0010000\"\n";
        ensure!(text.contains(entry), "{} has no station ZA0010000", file.display());
        let text = text.replacen(entry, &format!("{entry}format = \"ofml\"\n"), 1);
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        let mut reload = Command::new(program);
        reload.args(["ctl", "--admin", &self.admin.to_string(), "--token-file"]);
        process::passes(reload.arg(self.network().join("operator.token")).arg("reload"))
    }

    /// Lets the demo make its directory: authority, certificates, configuration.
    fn prepare(&self, program: &Path) -> Result<()> {
        let log = self.log("demo")?;
        let status = process::stream(self.demo(program).arg("--once"), Some(&log), EXCHANGED_WITHIN, |_| {})?;
        ensure!(status.success(), "`orinet demo --once` ended with {status}");
        Ok(())
    }

    /// The words that start a switch alone on the demo's directory.
    fn switch(&self, program: &Path) -> [PathBuf; 4] {
        [program.to_owned(), "switch".into(), "--config".into(), self.network().join("network.toml")]
    }

    /// Runs a program of `conformance/` on `command`, if it is one that starts a switch; shows what it prints and counts
    /// by its closing line. What it complains is in a log.
    fn script(&self, run: &Run<'_>, script: &str, options: &[&str], command: &[PathBuf]) -> Result<Tally> {
        let mut python = Command::new("python3");
        python.current_dir(&run.workspace.root).env("PYTHONDONTWRITEBYTECODE", "1");
        python.arg(Path::new("conformance").join(script)).args(["--link", &self.link.to_string(), "--pki"]);
        python.arg(self.network().join("pki")).args(options);
        if !command.is_empty() {
            python.arg("--").args(command);
        }
        let limit = match run.effort {
            Effort::Usual => CHECKED_WITHIN,
            Effort::Long => CHECKED_WITHIN_LONG,
        };
        let mut tally = None;
        python.stderr(self.log(script)?);
        let status = process::stream(&mut python, None, limit, |line| {
            output::line(line);
            tally = Tally::of_program(line).or(tally);
        })?;
        let tally = tally.with_context(|| format!("{script} ended with {status} before it counted"))?;
        Ok(if status.success() { tally } else { tally.at_least_one_failed() })
    }

    fn log(&self, name: &str) -> Result<File> {
        let path = self.folder.path().join(name).with_extension("log");
        File::options().create(true).append(true).open(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    fn show_logs(&self) {
        let files = std::fs::read_dir(self.folder.path()).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut logs: Vec<_> = files.filter(|path| path.extension() == Some(OsStr::new("log"))).collect();
        logs.sort();
        for log in logs {
            let text = std::fs::read(&log).unwrap_or_default();
            output::line(&format!("the end of {}:", log.display()));
            output::line(&process::tail(&String::from_utf8_lossy(&text), TAIL));
        }
        output::line(&format!("kept for a look: {}", self.folder.path().display()));
    }
}

/// Three addresses that were free a moment ago.
fn free_addresses() -> Result<[SocketAddr; 3]> {
    // All are held before one is given back, so that they differ.
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port of loopback is free");
    let all = [bind()?, bind()?, bind()?];
    let [one, two, three] = &all;
    Ok([one.local_addr()?, two.local_addr()?, three.local_addr()?])
}
