//! Detainers: proposed on a wanted subject in custody, lodged by a named technician and by nothing else, and lifted for a reason of
//! the public list (`protocol-specs/formats.md` 6.2).
//!
//! ```text
//! proposed ──► lodged ──► lifted
//!     └──────► declined
//! ```
//!
//! A program may propose. There is no way to lodge without a [`Technician`]: the function takes one, and a record that lodges without one
//! is refused. The layout of the teletype is inferred; its items are those of the public form I-247A.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::duty::{Denial, Duty, Entry, Notice, Technician, check_text, day};
use crate::event::Moment;

/// How a detainer ends: NIEM's public list, `code,text` a line (`protocol-specs/codes/`).
const LIFTS: &str = include_str!("../../../protocol-specs/codes/detainer_lift.csv");

/// What the public list says for a reason of lifting.
#[must_use]
pub fn lift_reason(code: char) -> Option<&'static str> {
    let lines = LIFTS.lines().skip(1).filter_map(|line| line.split_once(','));
    lines.filter(|(key, _)| key.chars().eq([code])).map(|(_, text)| text).next()
}

/// What a detainer rests on: the boxes of the public form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// A final order of removal.
    FinalOrder,
    /// Proceedings that are not over.
    Proceedings,
    /// Biometric identification and records.
    Biometric,
    /// Statements to an officer, or reliable evidence.
    Statements,
}

impl Basis {
    const fn text(self) -> &'static str {
        match self {
            Self::FinalOrder => "A FINAL ORDER OF REMOVAL",
            Self::Proceedings => "PENDING REMOVAL PROCEEDINGS",
            Self::Biometric => "BIOMETRIC CONFIRMATION OF IDENTITY AND RECORDS",
            Self::Statements => "STATEMENTS BY THE SUBJECT OR OTHER RELIABLE EVIDENCE",
        }
    }
}

/// What is known when a detainer is proposed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The center's number of the inquiry.
    pub query: String,
    /// Who asked, and holds the subject: an ORI.
    pub requester: String,
    /// The field office of that area: an ORI.
    pub office: String,
    /// The inquiry says that the subject is in custody.
    pub custody: bool,
    /// The inquiry is for a firearm.
    pub firearms: bool,
    /// The number of the record that says that the subject is wanted.
    pub wanted: Option<String>,
    /// The subject's name.
    pub name: String,
    /// The date of birth, ccyymmdd.
    pub born: String,
    /// The letter of the sex.
    pub sex: String,
    /// The code of the citizenship.
    pub citizenship: String,
    /// The alien number, nine digits.
    pub alien_number: String,
}

/// It is about a person.
impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proposal")
            .field("query", &self.query)
            .field("requester", &self.requester)
            .finish_non_exhaustive()
    }
}

/// What happens to a detainer. Its number is that of the entry that proposed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is proposed.
    Proposed(Box<Proposal>),
    /// It is not to be.
    Declined {
        /// Which.
        detainer: u64,
    },
    /// It is lodged.
    Lodged {
        /// Which.
        detainer: u64,
        /// On what it rests.
        basis: Basis,
    },
    /// It is over.
    Lifted {
        /// Which.
        detainer: u64,
        /// A code of the public list.
        reason: char,
    },
}

/// Where a detainer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Waits for a technician.
    Proposed,
    /// A technician did not want it.
    Declined,
    /// It holds.
    Lodged {
        /// Since when.
        at: Moment,
        /// By whom.
        who: Technician,
    },
    /// It held.
    Lifted {
        /// Until when.
        at: Moment,
        /// Why: a code of the public list.
        reason: char,
    },
}

/// One detainer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detainer {
    /// What was known.
    pub proposal: Proposal,
    /// Where it stands.
    pub step: Step,
}

/// All of them, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detainers(BTreeMap<u64, Detainer>);

impl Detainers {
    /// All, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Detainer)> {
        self.0.iter().map(|(number, detainer)| (*number, detainer))
    }

    /// One.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Detainer> {
        self.0.get(&number)
    }

    /// Proposes one. Whoever does: it changes nothing for anybody until a technician lodges it.
    ///
    /// # Errors
    /// The subject is not in custody or not wanted, the inquiry is for a firearm, or there is one for this inquiry.
    pub fn propose(&self, at: Moment, who: Option<Technician>, proposal: Proposal) -> Result<Entry, Denial> {
        if proposal.firearms {
            return Err(Denial::Firearms);
        }
        if !proposal.custody {
            return Err(Denial::NotInCustody);
        }
        if proposal.wanted.is_none() {
            return Err(Denial::NotWanted);
        }
        if self.0.values().any(|other| other.proposal.query == proposal.query) {
            return Err(Denial::Twice);
        }
        let Proposal { query, name, born, sex, citizenship, alien_number, .. } = &proposal;
        [query, name, born, sex, citizenship, alien_number].into_iter().try_for_each(|text| check_text(text))?;
        Ok(entry(at, who, Change::Proposed(Box::new(proposal)), Vec::new()))
    }

    /// Declines one that is proposed.
    ///
    /// # Errors
    /// There is none, or it is at another step.
    pub fn decline(&self, at: Moment, who: Technician, detainer: u64) -> Result<Entry, Denial> {
        self.proposed(detainer)?;
        Ok(entry(at, Some(who), Change::Declined { detainer }, Vec::new()))
    }

    /// Lodges one that is proposed: with the agency that holds the subject, and with notice to the field office.
    ///
    /// # Errors
    /// There is none, or it is at another step.
    pub fn lodge(&self, at: Moment, who: Technician, detainer: u64, basis: Basis) -> Result<Entry, Denial> {
        let proposal = self.proposed(detainer)?;
        let notices =
            vec![form(at, detainer, proposal, basis, &who), told(at, detainer, proposal, "LODGED", basis.text())];
        Ok(entry(at, Some(who), Change::Lodged { detainer, basis }, notices))
    }

    /// Lifts one that is lodged, for a reason of the public list, and tells both.
    ///
    /// # Errors
    /// There is none, it is at another step, or the list has no such reason.
    pub fn lift(&self, at: Moment, who: Technician, detainer: u64, reason: char) -> Result<Entry, Denial> {
        let text = lift_reason(reason).ok_or(Denial::Reason)?.to_ascii_uppercase();
        let found = self.0.get(&detainer).ok_or(Denial::Unknown)?;
        if !matches!(found.step, Step::Lodged { .. }) {
            return Err(Denial::Step(found.step.name()));
        }
        let lifted = |to: &str| Notice { to: to.to_owned(), ..told(at, detainer, &found.proposal, "LIFTED", &text) };
        let notices = vec![lifted(&found.proposal.requester), lifted(&found.proposal.office)];
        Ok(entry(at, Some(who), Change::Lifted { detainer, reason }, notices))
    }

    fn proposed(&self, detainer: u64) -> Result<&Proposal, Denial> {
        let found = self.0.get(&detainer).ok_or(Denial::Unknown)?;
        if found.step == Step::Proposed { Ok(&found.proposal) } else { Err(Denial::Step(found.step.name())) }
    }

    /// Takes in a change; nothing if it does not fit.
    pub(crate) fn apply(&mut self, sequence: u64, at: Moment, who: Option<&Technician>, change: &Change) -> Option<()> {
        let at_step = |detainers: &Self, number: u64, wanted: &str| {
            detainers.0.get(&number).is_some_and(|detainer| detainer.step.name() == wanted)
        };
        let (number, from, step) = match change {
            Change::Proposed(proposal) => {
                self.0.insert(sequence, Detainer { proposal: (**proposal).clone(), step: Step::Proposed });
                return Some(());
            }
            Change::Declined { detainer } => (*detainer, "proposed", Step::Declined),
            Change::Lodged { detainer, .. } => (*detainer, "proposed", Step::Lodged { at, who: who?.clone() }),
            Change::Lifted { detainer, reason } => (*detainer, "lodged", Step::Lifted { at, reason: *reason }),
        };
        // Each of them is a person's act.
        who?;
        let fits = at_step(self, number, from);
        fits.then(|| self.0.get_mut(&number)).flatten().map(|detainer| detainer.step = step)
    }
}

impl Step {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Declined => "declined",
            Self::Lodged { .. } => "lodged",
            Self::Lifted { .. } => "lifted",
        }
    }
}

const fn entry(at: Moment, who: Option<Technician>, change: Change, notices: Vec<Notice>) -> Entry {
    Entry { at, who, duty: Duty::Detainer(change), notices }
}

/// What the agency that holds the subject is sent.
fn form(at: Moment, detainer: u64, proposal: &Proposal, basis: Basis, who: &Technician) -> Notice {
    let Proposal { query, requester, office, name, born, sex, citizenship, alien_number, .. } = proposal;
    let lines = [
        "SYNTHETIC DETAINER NOTICE - EMULATOR".to_owned(),
        format!("DETAINER D{detainer:09} DATE {}", day(at)),
        format!("SUBJECT ID/{query} EVENT NO/{query} FILE NO/A{alien_number}"),
        format!("TO/{requester}"),
        format!("FROM/{office}"),
        format!("NAM/{name}"),
        format!("DOB/{born} CTZ/{citizenship} SEX/{sex}"),
        format!("PROBABLE CAUSE: {}", basis.text()),
        "PLEASE TELL THE FIELD OFFICE AT LEAST 48 HOURS BEFORE THE SUBJECT IS RELEASED.".to_owned(),
        "PLEASE HOLD THE SUBJECT FOR NOT MORE THAN 48 HOURS BEYOND THAT TIME.".to_owned(),
        "IF THE FIELD OFFICE CANNOT BE REACHED: EMULATED SUPPORT CENTER, TELEPHONE 5555550199.".to_owned(),
        format!("LODGED BY {}", who.name().to_ascii_uppercase()),
        "THIS IS NO REAL DETAINER AND OBLIGES NOBODY.".to_owned(),
    ];
    Notice::new(requester, &lines)
}

/// What the field office is told.
fn told(at: Moment, detainer: u64, proposal: &Proposal, what: &str, why: &str) -> Notice {
    let Proposal { query, requester, office, name, born, alien_number, .. } = proposal;
    let lines = [
        format!("DETAINER D{detainer:09} {what} {}", day(at)),
        format!("SUBJECT ID/{query} FILE NO/A{alien_number}"),
        format!("NAM/{name}"),
        format!("DOB/{born}"),
        format!("HELD BY/{requester} FIELD OFFICE/{office}"),
        why.to_owned(),
    ];
    Notice::new(office, &lines)
}
