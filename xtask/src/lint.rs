//! The lint step: rules of the project that compiler and clippy do not know.
//!
//! Each rule works on a [`Tree`] or a graph that a test can make up; here the real ones are read.

mod architecture;
mod references;
mod source;
mod tidy;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;
use crate::{output, pictures, process, reliability};

/// Folders that hold no source, for a tree that is not under git.
const NOT_SOURCE: [&str; 6] = [".git", "target", "fuzz/target", "fuzz/artifacts", "demo", "__pycache__"];

/// Something that has to change.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// The files of the project, by their paths from the root with `/` between the parts.
#[derive(Debug, Default)]
struct Tree {
    /// Every file.
    names: BTreeSet<String>,
    /// Those that are text.
    texts: BTreeMap<String, String>,
}

impl Tree {
    /// What git tracks or would track; without git, all but what builds leave behind.
    fn read(root: &Path) -> Result<Self> {
        let names = if root.join(".git").exists() { tracked(root)? } else { walked(root)? };
        let mut tree = Self::default();
        for name in names {
            let path = root.join(&name);
            // A file that was deleted is tracked until the next commit.
            if !path.is_file() {
                continue;
            }
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if let Ok(text) = String::from_utf8(bytes) {
                tree.texts.insert(name.clone(), text);
            }
            tree.names.insert(name);
        }
        Ok(tree)
    }

    /// The text files with one ending.
    fn with_extension(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        let all = self.texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        all.filter(move |(name, _)| Path::new(name).extension().is_some_and(|found| found == extension))
    }

    /// Whether there is such a file or folder.
    fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        self.names.contains(path) || self.names.iter().any(|name| name.starts_with(&folder))
    }

    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        Self {
            names: files.iter().map(|(name, _)| (*name).to_owned()).collect(),
            texts: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        }
    }
}

/// Prints every finding; an error if there is one.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let findings = findings(workspace)?;
    for finding in &findings {
        output::line(&finding.to_string());
    }
    ensure!(findings.is_empty(), "{} to mend", findings.len());
    Ok(())
}

/// The same as a task of its own.
pub(crate) fn report(workspace: &Workspace) -> Result<ExitCode> {
    let findings = findings(workspace)?;
    for finding in &findings {
        output::line(&finding.to_string());
    }
    output::line(&format!("{} to mend", findings.len()));
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn findings(workspace: &Workspace) -> Result<Vec<Finding>> {
    let tree = Tree::read(&workspace.root)?;
    let mut findings = architecture::check(workspace, &tree)?;
    findings.extend(tidy::check(&tree));
    findings.extend(references::check(&tree));
    let promises = reliability::findings(
        |name| tree.texts.get(name).map(String::as_str),
        tree.with_extension("rs").collect::<Vec<_>>().into_iter(),
    );
    findings.extend(promises.into_iter().map(|(path, what)| Finding { path: path.to_owned(), line: 1, what }));
    let pictures = pictures::findings(&tree.names, |name| tree.texts.get(name).map(String::as_str));
    findings.extend(pictures.into_iter().map(|(path, what)| Finding { path, line: 1, what }));
    findings.sort();
    findings.dedup();
    Ok(findings)
}

fn tracked(root: &Path) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let listed = process::capture(&mut git).context("cannot list the files of the checkout")?;
    Ok(listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn walked(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        let path = root.join(&folder);
        let entries = std::fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", path.display()))?;
            let own = entry.file_name().to_string_lossy().into_owned();
            let name = if folder.is_empty() { own.clone() } else { format!("{folder}/{own}") };
            if NOT_SOURCE.contains(&name.as_str()) || NOT_SOURCE.contains(&own.as_str()) {
                continue;
            }
            let kind = entry.file_type().with_context(|| format!("cannot look at {name}"))?;
            if kind.is_dir() {
                open.push(name);
            } else if kind.is_file() {
                found.push(name);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_without_git_is_walked_past_what_builds_leave() {
        let root = tempfile::tempdir().unwrap();
        for name in ["Cargo.toml", "crates/codec/src/lib.rs", "target/x", "fuzz/Cargo.toml", "fuzz/target/y"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "text").unwrap();
        }
        std::fs::write(root.path().join("fuzz/seed"), [0xff]).unwrap();
        let tree = Tree::read(root.path()).unwrap();
        let expect = ["Cargo.toml", "crates/codec/src/lib.rs", "fuzz/Cargo.toml", "fuzz/seed"];
        assert!(tree.names.iter().eq(expect.iter()), "{:?}", tree.names);
        assert!(!tree.texts.contains_key("fuzz/seed"));
        assert!(tree.has("crates/codec") && tree.has("fuzz/seed") && !tree.has("crates/cod"));
    }

    #[test]
    fn a_finding_can_be_jumped_to() {
        let finding = Finding { path: "crates/a/src/lib.rs".into(), line: 7, what: "mend it".into() };
        assert_eq!(finding.to_string(), "crates/a/src/lib.rs:7: mend it");
    }
}
