//! A center's configuration: a TOML file, checked before the center calls. An error names the file, the line and the key.
//!
//! `docs/center.md` describes it.

mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codec::name::{Line, Ori};
use toml::Spanned;

use self::file::{File, OfficeFile, SourceFile};
use crate::decision::FindingKind;
use crate::policy::{DEADLINE, LATE, Policy, WITHOUT_AUTHORITY};
use crate::sources::{Kind, NetworkSource, SOURCES_MAX};

/// What is wrong with a configuration, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: PathBuf,
    /// Line and what is wrong there; line 0 where there is none.
    problems: Vec<(usize, String)>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        for (place, (line, problem)) in self.problems.iter().enumerate() {
            let separator = if place == 0 { "" } else { "\n" };
            match line {
                0 => write!(f, "{separator}{file}: {problem}")?,
                line => write!(f, "{separator}{file}:{line}: {problem}")?,
            }
        }
        Ok(())
    }
}

/// Reads and checks a configuration file.
///
/// # Errors
/// Everything that is wrong with it, each with its line.
pub fn load(path: &Path) -> Result<Policy, ConfigError> {
    let failed = |problems| ConfigError { file: path.to_owned(), problems };
    let text = std::fs::read_to_string(path).map_err(|error| failed(vec![(0, format!("cannot be read: {error}"))]))?;
    parse(&text).map_err(failed)
}

/// The configuration that a text says.
///
/// # Errors
/// Everything that is wrong with it: the line, and what.
pub fn parse(text: &str) -> Result<Policy, Vec<(usize, String)>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| line_of(text, span.start));
        vec![(line, error.message().to_owned())]
    })?;
    let mut reader = Reader { text, problems: Vec::new() };
    let policy = reader.policy(file);
    if reader.problems.is_empty() { Ok(policy) } else { Err(reader.problems) }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The longest deadline of a source, and the longest time for a late one.
const MS_MAX: u64 = 3_600_000;
const LATE_SECONDS_MAX: u64 = 86_400;
/// What a source's name is made of, so that it reads well in an answer.
const NAME_MAX: usize = 20;

struct Reader<'a> {
    text: &'a str,
    problems: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn problem<T>(&mut self, at: &Spanned<T>, key: &str, what: &str) {
        self.problems.push((line_of(self.text, at.span().start), format!("{key}: {what}")));
    }

    fn policy(&mut self, file: File) -> Policy {
        let File { answers, sources, source, office, requesters } = file;
        let late = self.bounded(sources.late_seconds, "late_seconds", LATE.as_secs(), LATE_SECONDS_MAX);
        let mut policy = Policy {
            automatic: self.automatic(&answers.automatic),
            late: Duration::from_secs(late),
            ..Policy::default()
        };
        for entry in &source {
            self.source(entry.get_ref(), &mut policy.sources);
        }
        if let Some(first) = source.get(SOURCES_MAX) {
            self.problem(first, "source", &format!("there are more than {SOURCES_MAX}"));
        }
        for entry in office {
            self.office(entry.into_inner(), &mut policy.offices);
        }
        policy.refused = self.begins(&requesters.refused, "refused");
        policy.refused_endings = match requesters.refused_endings {
            None => WITHOUT_AUTHORITY.to_owned(),
            Some(endings) => {
                if !endings.get_ref().bytes().all(|byte| byte.is_ascii_uppercase()) {
                    self.problem(&endings, "refused_endings", "must be capital letters, each the last of an ORI");
                }
                endings.into_inner()
            }
        };
        policy
    }

    fn automatic(&mut self, kinds: &[Spanned<String>]) -> BTreeSet<FindingKind> {
        let mut automatic = BTreeSet::new();
        for kind in kinds {
            let found = FindingKind::ALL.into_iter().find(|one| one.label() == kind.get_ref());
            match (found, kind.get_ref().as_str()) {
                (Some(found), _) => _ = automatic.insert(found),
                (None, "all") => automatic.extend(FindingKind::ALL),
                (None, other) => {
                    let all: Vec<_> = FindingKind::ALL.iter().map(|one| one.label()).collect();
                    self.problem(kind, "automatic", &format!("{other:?} is none of all, {}", all.join(", ")));
                }
            }
        }
        automatic
    }

    fn source(&mut self, entry: &SourceFile, sources: &mut Vec<NetworkSource>) {
        let SourceFile { name, kind, line, from, deadline_ms } = entry;
        let letters = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" -".contains(&byte);
        if !(1..=NAME_MAX).contains(&name.get_ref().len()) || !name.get_ref().bytes().all(letters) {
            self.problem(name, "name", &format!("must be 1 to {NAME_MAX} capitals, digits, spaces or hyphens"));
        }
        if sources.iter().any(|other| other.name == *name.get_ref()) {
            self.problem(name, "name", &format!("source {} is there twice", name.get_ref()));
        }
        if Line::parse(line.get_ref()).is_err() {
            self.problem(line, "line", "must be a line: two capitals or digits");
        }
        let found = Kind::parse(kind.get_ref());
        if found.is_none() {
            let all: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            self.problem(kind, "kind", &format!("{:?} is none of {}", kind.get_ref(), all.join(", ")));
        }
        let begins = from.as_ref().unwrap_or(line);
        if !is_beginning(begins.get_ref()) {
            self.problem(begins, "from", "must be an ORI or how ORIs begin: 2 to 9 capitals or digits");
        }
        let usual = u64::try_from(DEADLINE.as_millis()).unwrap_or(MS_MAX);
        let deadline = self.bounded(deadline_ms.clone(), "deadline_ms", usual, MS_MAX);
        sources.extend(found.map(|kind| NetworkSource {
            name: name.get_ref().clone(),
            kind,
            line: line.get_ref().clone(),
            from: begins.get_ref().clone(),
            deadline: Duration::from_millis(deadline),
        }));
    }

    fn office(&mut self, entry: OfficeFile, offices: &mut BTreeMap<String, Ori>) {
        let OfficeFile { ori, areas } = entry;
        let Ok(office) = Ori::parse(ori.get_ref()) else {
            return self.problem(&ori, "ori", "must be an ORI: nine capitals or digits");
        };
        if areas.get_ref().is_empty() {
            self.problem(&areas, "areas", "an office without an area gets nothing");
        }
        for area in areas.into_inner() {
            if !is_beginning(area.get_ref()) {
                self.problem(&area, "areas", "must be how ORIs begin: 2 to 9 capitals or digits");
            }
            if let Some(other) = offices.insert(area.get_ref().clone(), office) {
                self.problem(&area, "areas", &format!("{} is the area of {other} already", area.get_ref()));
            }
        }
    }

    fn begins(&mut self, all: &[Spanned<String>], key: &str) -> BTreeSet<String> {
        for one in all {
            if !is_beginning(one.get_ref()) {
                self.problem(one, key, "must be an ORI or how ORIs begin: 2 to 9 capitals or digits");
            }
        }
        all.iter().map(|one| one.get_ref().clone()).collect()
    }

    fn bounded(&mut self, given: Option<Spanned<u64>>, key: &str, usual: u64, max: u64) -> u64 {
        let Some(given) = given else { return usual };
        if !(1..=max).contains(given.get_ref()) {
            self.problem(&given, key, &format!("must be 1 to {max}"));
        }
        given.into_inner()
    }
}

fn is_beginning(text: &str) -> bool {
    (2..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
