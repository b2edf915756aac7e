//! What an answer says of the sources that were asked over the network: a function of what each came to.
//!
//! | A source | is named under | and its part says |
//! |---|---|---|
//! | said what it has | searched | that |
//! | said that it has nothing | searched | no record |
//! | failed, was late, or sent what means nothing | did not answer | no answer |
//! | is not configured, or was not asked | not searched | not searched |
//!
//! One source changes nothing about what is said of another.

use std::collections::BTreeMap;

use center::{Outcome, Source};

use super::{Kind, NetworkSource};

/// What a source said.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// These lines; without any it has nothing on record.
    Lines(String),
    /// Nothing, or nothing in time.
    Nothing,
}

/// What a source says is about a person.
impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lines(text) => write!(f, "Lines({} bytes)", text.len()),
            Self::Nothing => f.write_str("Nothing"),
        }
    }
}

/// What all that were asked came to, in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard(pub Vec<(Kind, String, Said)>);

impl Heard {
    /// Of outcomes, by the sources' places in the configuration. A place that the configuration does not have any more is
    /// passed over.
    #[must_use]
    pub fn of(sources: &[NetworkSource], outcomes: &BTreeMap<Source, Outcome>) -> Self {
        let said = |(Source(place), outcome): (&Source, &Outcome)| {
            let source = sources.get(usize::from(*place))?;
            let said = match outcome {
                Outcome::Gave(text) => Said::Lines(String::from_utf8_lossy(text).into_owned()),
                Outcome::Failed | Outcome::Late => Said::Nothing,
            };
            Some((source.kind, source.name.clone(), said))
        };
        Self(outcomes.iter().filter_map(said).collect())
    }

    /// Those that answered, by name.
    pub fn searched(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, _, said)| *said != Said::Nothing).map(|(_, name, _)| name.as_str())
    }

    /// Those that did not, by name.
    pub fn silent(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, _, said)| *said == Said::Nothing).map(|(_, name, _)| name.as_str())
    }

    /// Kinds of which nobody was asked.
    pub fn not_asked(&self) -> impl Iterator<Item = &'static str> {
        let asked = |kind| self.0.iter().any(|(of, ..)| *of == kind);
        Kind::ALL.into_iter().filter(move |kind| !asked(*kind)).map(Kind::title)
    }

    /// What is known of warrants and of the violator file.
    #[must_use]
    pub fn wanted(&self) -> String {
        self.part(&[Kind::Ncic], "NO RECORD")
    }

    /// What is known of criminal histories.
    #[must_use]
    pub fn history(&self) -> String {
        self.part(&[Kind::Iii, Kind::State], "NONE FOUND")
    }

    fn part(&self, kinds: &[Kind], none: &str) -> String {
        let asked: Vec<_> = self.0.iter().filter(|(kind, ..)| kinds.contains(kind)).collect();
        if asked.is_empty() {
            return "NOT SEARCHED".to_owned();
        }
        let one = |(_, name, said): &&(Kind, String, Said)| match said {
            Said::Nothing => format!("{name}: NO ANSWER"),
            Said::Lines(text) if text.is_empty() => format!("{name}: {none}"),
            Said::Lines(text) => {
                let lines = text.lines().map(|line| format!("\r\n  {line}"));
                format!("{name}:{}", lines.collect::<String>())
            }
        };
        asked.iter().map(one).collect::<Vec<_>>().join("\r\n")
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn source(name: &str, kind: Kind) -> NetworkSource {
        NetworkSource {
            name: name.to_owned(),
            kind,
            line: "FB".to_owned(),
            from: "ZZ".to_owned(),
            deadline: Default::default(),
        }
    }

    #[test]
    fn what_is_said_of_a_source_is_what_it_came_to() {
        let sources = [source("NCIC", Kind::Ncic), source("III", Kind::Iii), source("ZA", Kind::State)];
        let gave = |text: &'static str| Some(Outcome::Gave(Bytes::from_static(text.as_bytes())));
        let (failed, late) = (Some(Outcome::Failed), Some(Outcome::Late));
        // What each came to; searched, did not answer, not searched; wanted, history.
        let cases = [
            ([None, None, None], "||NCIC III STATE CRIMINAL HISTORY|NOT SEARCHED|NOT SEARCHED"),
            ([gave(""), gave(""), gave("")], "NCIC III ZA|||NCIC: NO RECORD|III: NONE FOUND/ZA: NONE FOUND"),
            ([gave("HIT\nNIC/N1"), None, None], "NCIC||III STATE CRIMINAL HISTORY|NCIC:/  HIT/  NIC/N1|NOT SEARCHED"),
            ([late.clone(), gave(""), None], "III|NCIC|STATE CRIMINAL HISTORY|NCIC: NO ANSWER|III: NONE FOUND"),
            ([failed.clone(), gave("A"), late.clone()], "III|NCIC ZA||NCIC: NO ANSWER|III:/  A/ZA: NO ANSWER"),
            ([failed, late.clone(), late], "|NCIC III ZA||NCIC: NO ANSWER|III: NO ANSWER/ZA: NO ANSWER"),
        ];
        for (outcomes, expected) in cases {
            let outcomes = (0..).map(Source).zip(outcomes).filter_map(|(source, outcome)| Some((source, outcome?)));
            let heard = Heard::of(&sources, &outcomes.collect());
            let join = |names: Vec<&str>| names.join(" ");
            let told = [
                join(heard.searched().collect()),
                join(heard.silent().collect()),
                join(heard.not_asked().collect()),
                heard.wanted().replace("\r\n", "/"),
                heard.history().replace("\r\n", "/"),
            ];
            assert_eq!(told.join("|"), expected);
        }
    }
}
