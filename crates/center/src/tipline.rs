//! The tipline: calls are taken, analysed and graded; the viable ones become leads, are referred to a field office and followed to
//! their end. The steps are public; grades and ends are inferred.
//!
//! ```text
//! taken ──► graded ──► referred ──► ended
//!              └─ not viable: over
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::duty::{Denial, Duty, Entry, Notice, Technician, check_text, day};
use crate::event::Moment;

/// What an analyst makes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// To be followed at once.
    High,
    /// To be followed.
    Medium,
    /// To be followed when there is time.
    Low,
    /// Tells of what is known.
    Known,
    /// Nothing can be done with it.
    NotViable,
}

impl Grade {
    /// Whether a lead comes of it.
    #[must_use]
    pub const fn is_viable(self) -> bool {
        matches!(self, Self::High | Self::Medium | Self::Low)
    }

    const fn text(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
            Self::Known => "KNOWN",
            Self::NotViable => "NOT VIABLE",
        }
    }
}

/// What came of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The field office opened a case.
    Case,
    /// Another agency has it.
    Passed,
    /// It led nowhere.
    Nothing,
}

/// What happens to a call. Its number is that of the entry that took it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is taken.
    Taken {
        /// What was said.
        text: String,
    },
    /// It is analysed.
    Graded {
        /// Which.
        call: u64,
        /// With what result.
        grade: Grade,
    },
    /// It is a lead of a field office.
    Referred {
        /// Which.
        call: u64,
        /// Whose: an ORI.
        office: String,
    },
    /// The field office has said what came of it.
    Ended {
        /// Which.
        call: u64,
        /// What.
        end: End,
    },
}

/// A call is about persons.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { text } => write!(f, "Taken({} bytes)", text.len()),
            Self::Graded { call, grade } => write!(f, "Graded({call}, {grade:?})"),
            Self::Referred { call, office } => write!(f, "Referred({call}, {office})"),
            Self::Ended { call, end } => write!(f, "Ended({call}, {end:?})"),
        }
    }
}

/// A call.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// When it was taken.
    pub at: Moment,
    /// What was said.
    pub text: String,
    /// What the analyst made of it.
    pub grade: Option<Grade>,
    /// Whose lead it is: an ORI.
    pub office: Option<String>,
    /// What came of it.
    pub end: Option<End>,
}

/// It is about persons.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("step", &self.step()).finish_non_exhaustive()
    }
}

impl Call {
    /// Where it stands.
    #[must_use]
    pub const fn step(&self) -> &'static str {
        match (self.grade, &self.office, self.end) {
            (None, ..) => "taken",
            (Some(grade), None, _) if grade.is_viable() => "graded, not referred",
            (Some(_), None, _) => "not viable",
            (Some(_), Some(_), None) => "referred",
            (Some(_), Some(_), Some(_)) => "ended",
        }
    }
}

/// All of them, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tipline(BTreeMap<u64, Call>);

impl Tipline {
    /// All, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Call)> {
        self.0.iter().map(|(number, call)| (*number, call))
    }

    /// Takes a call.
    ///
    /// # Errors
    /// The text is too long or not printable.
    pub fn take(&self, at: Moment, who: Technician, text: &str) -> Result<Entry, Denial> {
        check_text(text)?;
        Ok(entry(at, who, Change::Taken { text: text.to_owned() }, Vec::new()))
    }

    /// Grades a call, once.
    ///
    /// # Errors
    /// There is none, or it is graded.
    pub fn grade(&self, at: Moment, who: Technician, call: u64, grade: Grade) -> Result<Entry, Denial> {
        self.at_step(call, "taken")?;
        Ok(entry(at, who, Change::Graded { call, grade }, Vec::new()))
    }

    /// Refers a viable call to a field office, as a lead.
    ///
    /// # Errors
    /// There is none, it is not viable or not graded, or it is referred.
    pub fn refer(&self, at: Moment, who: Technician, call: u64, office: &str) -> Result<Entry, Denial> {
        let found = self.at_step(call, "graded, not referred")?;
        let lines = [
            format!("LEAD L{call:09} {}", day(at)),
            format!("CALL TAKEN {} GRADE {}", day(found.at), found.grade.map_or("", Grade::text)),
            found.text.to_ascii_uppercase(),
            format!("PLEASE TELL THE EMULATED SUPPORT CENTER WHAT CAME OF LEAD L{call:09}."),
        ];
        let notices = vec![Notice::new(office, &lines)];
        Ok(entry(at, who, Change::Referred { call, office: office.to_owned() }, notices))
    }

    /// Writes down what came of a lead.
    ///
    /// # Errors
    /// There is none, or it is not at a field office.
    pub fn end(&self, at: Moment, who: Technician, call: u64, end: End) -> Result<Entry, Denial> {
        self.at_step(call, "referred")?;
        Ok(entry(at, who, Change::Ended { call, end }, Vec::new()))
    }

    fn at_step(&self, call: u64, step: &str) -> Result<&Call, Denial> {
        let found = self.0.get(&call).ok_or(Denial::Unknown)?;
        if found.step() == step { Ok(found) } else { Err(Denial::Step(found.step())) }
    }

    fn mut_at(&mut self, call: u64, step: &str) -> Option<&mut Call> {
        self.0.get_mut(&call).filter(|call| call.step() == step)
    }

    /// Takes in a change; nothing if it does not fit.
    pub(crate) fn apply(&mut self, sequence: u64, at: Moment, who: Option<&Technician>, change: &Change) -> Option<()> {
        who?;
        match change {
            Change::Taken { text } => {
                let call = Call { at, text: text.clone(), grade: None, office: None, end: None };
                self.0.insert(sequence, call);
            }
            Change::Graded { call, grade } => self.mut_at(*call, "taken")?.grade = Some(*grade),
            Change::Referred { call, office } => {
                self.mut_at(*call, "graded, not referred")?.office = Some(office.clone());
            }
            Change::Ended { call, end } => self.mut_at(*call, "referred")?.end = Some(*end),
        }
        Some(())
    }
}

const fn entry(at: Moment, who: Technician, change: Change, notices: Vec<Notice>) -> Entry {
    Entry { at, who: Some(who), duty: Duty::Tip(change), notices }
}
