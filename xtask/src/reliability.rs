//! `docs/reliability.md`: which promise is held by which tests, and what these last said. The rows are written by hand, the
//! results by a run, the table by this module from both.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::install::{self, Installer};
use crate::steps::{Effort, Run, Step};
use crate::workspace::Workspace;
use crate::{output, process};

/// Where the rows are.
const ROWS: &str = "xtask/src/reliability/rows.toml";
/// Where a run leaves what it saw.
const RESULTS: &str = "xtask/src/reliability/results.toml";
/// The page, and what stands around the part of it that is made here.
const PAGE: &str = "docs/reliability.md";
const BEGIN: &str = "<!-- made by `cargo xtask faults` and `cargo xtask reliability` from here -->\n";
const END: &str = "<!-- to here -->\n";
/// What all tests of one package may take.
const WITHIN: Duration = Duration::from_hours(2);
/// The beginning of a line in which a test says what it measured.
const FIGURES: &str = "figures: ";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    row: Vec<Row>,
}

/// A promise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    promise: String,
    /// `package::path::of::test`, or `step:NAME` of `cargo xtask test`.
    #[serde(default)]
    tests: Vec<String>,
    /// Tests that show that the others can fail. Where one test brings its own control along, it is among `tests` and `note` says so.
    #[serde(default)]
    controls: Vec<String>,
    /// What is weaker than the promise, or not there.
    #[serde(default)]
    note: String,
}

/// What a test last said, by its name.
type Results = BTreeMap<String, Outcome>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Outcome {
    passed: bool,
    /// The day, UTC.
    date: String,
    /// The long form.
    #[serde(default)]
    long: bool,
    #[serde(default)]
    figures: String,
}

/// Runs every test that these rows name, or all rows, keeps what they said, and writes the page anew.
pub(crate) fn faults(workspace: &Workspace, effort: Effort, ids: &[String]) -> Result<ExitCode> {
    let mut rows = rows(&workspace.root)?;
    if let Some(id) = ids.iter().find(|id| !rows.row.iter().any(|row| row.id == **id)) {
        bail!("there is no row {id} in {ROWS}");
    }
    rows.row.retain(|row| ids.is_empty() || ids.contains(&row.id));
    let mut results = results(&workspace.root)?;
    let (date, long) = (today()?, effort == Effort::Long);
    let (mut held, mut failed) = (0, Vec::new());
    let mut keep = |name: &str, passed: bool, figures: String| {
        output::line(&format!("{} {name}", if passed { "held  " } else { "FAILED" }));
        held += usize::from(passed);
        if !passed {
            failed.push(name.to_owned());
        }
        results.insert(name.to_owned(), Outcome { passed, date: date.clone(), long, figures });
    };
    let mut packages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut run = Run::new(workspace, effort);
    for name in named(&rows) {
        match name.strip_prefix("step:").map(|step| (step, Step::named(step))) {
            Some((step, None)) => output::line(&format!("no step {step}")),
            Some((_, Some(step))) => match run.step(step) {
                Ok(tally) => keep(name, tally.failed == 0 && tally.passed > 0, tally.to_string()),
                Err(_) => keep(name, false, String::new()),
            },
            None => {
                let (package, path) = name.split_once("::").context("a test is package::path")?;
                packages.entry(package).or_default().push(path);
            }
        }
    }
    let sslyze = if packages.contains_key("e2e") { scanners(workspace)? } else { PathBuf::new() };
    for (package, paths) in packages {
        let said = tests(workspace, package, &paths, long, &sslyze)?;
        for path in paths {
            let (passed, figures) = said.get(path).cloned().unwrap_or_default();
            keep(&format!("{package}::{path}"), passed, figures);
        }
    }
    let text = toml::to_string(&results).context("results cannot be written")?;
    write(&workspace.root.join(RESULTS), &text)?;
    page(workspace)?;
    output::line(&format!("{held} passed, {} failed", failed.len()));
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sees to the programs that the faults need beyond those of the tests; returns sslyze.
fn scanners(workspace: &Workspace) -> Result<PathBuf> {
    let installer = Installer::default();
    for program in [install::FAKETIME, install::SSLSCAN, install::TESTSSL] {
        installer.need(program)?;
    }
    installer.need_sslyze(&workspace.scratch()?)
}

/// Runs these tests of a package. One that is not there has said nothing.
fn tests(
    workspace: &Workspace,
    package: &str,
    paths: &[&str],
    long: bool,
    sslyze: &Path,
) -> Result<BTreeMap<String, (bool, String)>> {
    output::heading(package);
    let mut command = workspace.cargo(["test", "--package", package, "--release", "--locked", "--no-fail-fast", "--"]);
    command.args(["--show-output", "--exact"]).args(paths);
    command.env("FAULTS", if long { "long" } else { "usual" }).env("SSLYZE", sslyze);
    let mut heard = Heard::default();
    process::stream(&mut command, None, WITHIN, |line| heard.line(line))?;
    Ok(heard.said)
}

/// What libtest prints, line by line.
#[derive(Debug, Default)]
struct Heard {
    said: BTreeMap<String, (bool, String)>,
    /// Whose output is being shown.
    current: String,
}

impl Heard {
    fn line(&mut self, line: &str) {
        if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            self.said.entry(name.to_owned()).or_default().0 = outcome == "ok";
        } else if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            name.clone_into(&mut self.current);
        } else if let (Some(figures), Some(said)) = (line.strip_prefix(FIGURES), self.said.get_mut(&self.current)) {
            figures.clone_into(&mut said.1);
        }
    }
}

/// Writes the made part of the page anew.
pub(crate) fn page(workspace: &Workspace) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let made = table(&rows(&workspace.root)?, &results(&workspace.root)?);
    write(&path, &with(&text, &made)?)
}

/// The page with that between its marks.
fn with(page: &str, made: &str) -> Result<String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| format!("{PAGE} has not the lines {BEGIN:?} and {END:?}"))?;
    Ok(format!("{before}{BEGIN}{made}{END}{after}"))
}

fn table(rows: &Rows, results: &Results) -> String {
    let mut text = String::from(
        "\n| # | Promise | Tests and what they last said | Controls | Weaker than promised, or missing |\n|---|---|---|---|---|\n",
    );
    for row in &rows.row {
        let list = |names: &[String]| names.iter().map(|name| told(name, results)).collect::<Vec<_>>().join("<br>");
        let tests = if row.tests.is_empty() { "none".to_owned() } else { list(&row.tests) };
        let (promise, note) = (row.promise.trim(), row.note.trim());
        _ = writeln!(text, "| {} | {promise} | {tests} | {} | {note} |", row.id, list(&row.controls));
    }
    text.push('\n');
    text
}

/// A test and its last result.
fn told(name: &str, results: &Results) -> String {
    let Some(outcome) = results.get(name) else { return format!("`{name}`: part of `cargo xtask test`") };
    let result = if outcome.passed { "held" } else { "**FAILED**" };
    let form = if outcome.long { ", long form" } else { "" };
    let figures = if outcome.figures.is_empty() { String::new() } else { format!(": {}", outcome.figures) };
    format!("`{name}`: {result} {}{form}{figures}", outcome.date)
}

/// What is wrong with the rows and the page, each with the file that it is in. `text_of` gives a file of the tree, `sources` are all of
/// its Rust files.
pub(crate) fn findings<'a>(
    text_of: impl Fn(&str) -> Option<&'a str>,
    sources: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Vec<(&'static str, String)> {
    let Some(text) = text_of(ROWS) else { return Vec::new() };
    let rows: Rows = match toml::from_str(text) {
        Ok(rows) => rows,
        Err(error) => return vec![(ROWS, error.to_string())],
    };
    let mut findings = Vec::new();
    for name in named(&rows) {
        let there = match name.strip_prefix("step:") {
            Some(step) => Step::named(step).is_some(),
            None => is_test(name, sources.clone()),
        };
        if !there {
            findings.push((ROWS, format!("there is no test {name}")));
        }
    }
    for row in rows.row.iter().filter(|row| row.tests.is_empty() && row.note.trim().is_empty()) {
        findings.push((ROWS, format!("{} has neither a test nor a word on why", row.id)));
    }
    let results: Results = match text_of(RESULTS).map(toml::from_str).transpose() {
        Ok(results) => results.unwrap_or_default(),
        Err(error) => return vec![(RESULTS, error.to_string())],
    };
    let page = text_of(PAGE).unwrap_or_default();
    if with(page, &table(&rows, &results)).ok().as_deref() != Some(page) {
        findings.push((PAGE, "is not what rows and results say: cargo xtask reliability".to_owned()));
    }
    findings
}

/// Whether a source has a function of that name in a module of that name, or among a package's tests that are in no module.
fn is_test<'a>(name: &str, mut sources: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
    let own = format!("crates/{}/tests/", name.split("::").next().unwrap_or_default());
    let is_in_no_module = name.matches("::").count() == 1;
    let mut parts = name.rsplit("::");
    let (function, module) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (function, file) = (format!("fn {function}("), format!("/{module}.rs"));
    sources.any(|(path, text)| {
        let place = path.ends_with(&file)
            || path.ends_with(&format!("/{module}/mod.rs"))
            || text.contains(&format!("mod {module} {{"));
        (place || is_in_no_module && path.starts_with(&own) || path.ends_with("/main.rs") || path.ends_with("/lib.rs"))
            && text.contains(&function)
    })
}

fn named(rows: &Rows) -> impl Iterator<Item = &str> {
    let all = rows.row.iter().flat_map(|row| row.tests.iter().chain(&row.controls));
    let names: std::collections::BTreeSet<_> = all.map(String::as_str).collect();
    names.into_iter()
}

fn rows(root: &Path) -> Result<Rows> {
    read(root, ROWS)
}

fn results(root: &Path) -> Result<Results> {
    read(root, RESULTS)
}

fn read<T: for<'de> Deserialize<'de>>(root: &Path, name: &str) -> Result<T> {
    let text = std::fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"))?;
    toml::from_str(&text).with_context(|| format!("{name} cannot be understood"))
}

fn write(path: &PathBuf, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// As `date` says: the day of a run is not worth a library.
fn today() -> Result<String> {
    let said = process::capture(std::process::Command::new("date").args(["-u", "+%F"]))?;
    let day = said.trim().to_owned();
    ensure!(day.len() == 10, "date says {day:?}");
    Ok(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libtest_prints_is_read() {
        let mut heard = Heard::default();
        let text = "running 2 tests\ntest a::one ... ok\ntest a::two ... FAILED\n\nsuccesses:\n\n---- a::one stdout ----\nfigures: 3 kills, 0 lost\n";
        text.lines().for_each(|line| heard.line(line));
        assert_eq!(heard.said["a::one"], (true, "3 kills, 0 lost".to_owned()));
        assert_eq!(heard.said["a::two"], (false, String::new()));
    }

    #[test]
    fn a_row_that_names_no_test_and_a_page_that_is_behind_are_found() {
        let rows = "[[row]]\nid = \"R1\"\npromise = \"P\"\ntests = [\"e2e::kills::one\"]\n";
        let made = table(&toml::from_str(rows).unwrap(), &Results::new());
        let page = format!("# Page\n{BEGIN}{made}{END}");
        let check = |source: (&'static str, &'static str), page: &str| {
            let text_of = |name: &str| match name {
                ROWS => Some(rows),
                PAGE => Some(page),
                _ => None,
            };
            findings(text_of, [source].into_iter()).into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        let good = ("crates/e2e/tests/faults/kills.rs", "#[test]\nfn one() {}\n");
        assert_eq!(check(good, &page), [""; 0]);
        assert_eq!(check(("crates/e2e/tests/faults/kills.rs", "fn other() {}"), &page), [ROWS]);
        assert_eq!(check(("crates/e2e/tests/faults/other.rs", "fn one() {}"), &page), [ROWS]);
        assert_eq!(check(good, "# Page\n"), [PAGE]);
        assert_eq!(check(good, &page.replace("| P |", "| Q |")), [PAGE]);
    }
}
