//! The center's duties beside inquiries, as one log: detainers, calls and leads, lists of persons, and what is only counted.
//!
//! Each [`Entry`] is a record of a journal of its own. [`Duties::apply`] says what it means, at start and while working. A command is a
//! function from what is known to the entry that is to be stored, or to a [`Denial`]; what it has sent stands in the entry, so that
//! it is sent the same until the switch has taken it, whatever crashes.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::detainer::{self, Detainers};
use crate::event::Moment;
use crate::list::{self, Lists};
use crate::tipline::{self, Tipline};

/// How every text of the center begins (`protocol-specs/wire.md` 3).
pub(crate) const FIRST_LINE: &str = "EMULATOR - SYNTHETIC DATA";

/// The longest name of a technician, and the longest remark, in bytes.
const NAME_MAX: usize = 40;
pub(crate) const REMARK_MAX: usize = 1_000;

/// A named person at the center. Nothing that a program does alone has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Technician(String);

impl Technician {
    /// The person of that name: 1 to 40 letters, digits, spaces, hyphens and points.
    ///
    /// # Errors
    /// [`Denial::Nobody`].
    pub fn new(name: &str) -> Result<Self, Denial> {
        let name = name.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '.' | '_');
        let is_name = !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(fits);
        if is_name { Ok(Self(name.to_owned())) } else { Err(Denial::Nobody) }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Technician {
    type Error = Denial;

    fn try_from(name: String) -> Result<Self, Denial> {
        Self::new(&name)
    }
}

impl From<Technician> for String {
    fn from(technician: Technician) -> Self {
        technician.0
    }
}

/// Why a command changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// A person has to do it, by name.
    #[error("name the technician: 1 to 40 letters, digits, spaces, hyphens, points")]
    Nobody,
    /// There is none of this number.
    #[error("there is none of this number")]
    Unknown,
    /// The subject is not in custody.
    #[error("the subject is not in custody")]
    NotInCustody,
    /// The inquiry is for a firearm.
    #[error("a firearms inquiry is answered with the status alone and never leads to a detainer")]
    Firearms,
    /// Nothing says that the subject is wanted.
    #[error("no record says that the subject is wanted")]
    NotWanted,
    /// There is one for this inquiry.
    #[error("there is one for this inquiry already")]
    Twice,
    /// It is not where this can be done.
    #[error("it is at another step: {0}")]
    Step(&'static str),
    /// The public list has no such reason.
    #[error("no such reason; the codes are B, C, D, F, L, N, S, T and U")]
    Reason,
    /// What is written is too long or is no text for a message.
    #[error("the text must be printable and at most 1000 bytes")]
    Text,
}

/// A message of the center: an AM, without its header.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// To which ORI.
    pub to: String,
    /// What it says, lines parted by CR LF.
    pub text: String,
}

/// It is about a person.
impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notice {{ to: {}, {} bytes }}", self.to, self.text.len())
    }
}

impl Notice {
    pub(crate) fn new(to: &str, lines: &[String]) -> Self {
        let lines = std::iter::once(FIRST_LINE).chain(lines.iter().map(String::as_str));
        Self { to: to.to_owned(), text: lines.collect::<Vec<_>>().join("\r\n") }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duty {
    /// To a detainer.
    Detainer(detainer::Change),
    /// To a call or a lead.
    Tip(tipline::Change),
    /// To a list of persons.
    List(list::Change),
    /// The switch took a notice of an earlier entry, or refused it for good.
    Settled {
        /// The entry.
        entry: u64,
        /// Which of its notices.
        place: u8,
    },
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// By whom; a program, if by nobody.
    pub who: Option<Technician>,
    /// What.
    pub duty: Duty,
    /// What is to be sent for it.
    pub notices: Vec<Notice>,
}

/// The kind under which a journal keeps entries.
pub const ENTRY_KIND: u8 = 64;

/// A record that does not fit what came before, or is none: the log is not this program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence} is no entry of the center's duties, or does not fit those before it")]
pub struct DutyError {
    /// The record's number.
    pub sequence: u64,
}

impl Entry {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Nothing in it can fail to be written as JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The entry of those bytes.
    ///
    /// # Errors
    /// They are none that [`Self::encode`] gives.
    pub fn decode(sequence: u64, bytes: &[u8]) -> Result<Self, DutyError> {
        serde_json::from_slice(bytes).map_err(|_| DutyError { sequence })
    }
}

/// What the entries add up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Duties {
    /// The detainers.
    pub detainers: Detainers,
    /// The calls and leads.
    pub tips: Tipline,
    /// The lists of persons.
    pub lists: Lists,
    unsent: BTreeMap<(u64, u8), Notice>,
}

impl Duties {
    /// Takes in an entry.
    ///
    /// # Errors
    /// [`DutyError`]: nothing was changed.
    pub fn apply(&mut self, sequence: u64, entry: &Entry) -> Result<(), DutyError> {
        let fits = match &entry.duty {
            Duty::Detainer(change) => self.detainers.apply(sequence, entry.at, entry.who.as_ref(), change),
            Duty::Tip(change) => self.tips.apply(sequence, entry.at, entry.who.as_ref(), change),
            Duty::List(change) => self.lists.apply(sequence, entry.at, change),
            Duty::Settled { entry, place } => self.unsent.remove(&(*entry, *place)).map(drop),
        };
        fits.ok_or(DutyError { sequence })?;
        self.unsent.extend(entry.notices.iter().zip(0_u8..).map(|(notice, place)| ((sequence, place), notice.clone())));
        Ok(())
    }

    /// Notices that the switch has not taken yet, oldest first: the entry, the place in it, what.
    pub fn unsent(&self) -> impl Iterator<Item = (u64, u8, &Notice)> {
        self.unsent.iter().map(|((entry, place), notice)| (*entry, *place, notice))
    }
}

/// Whether a message may say it.
pub(crate) fn check_text(text: &str) -> Result<(), Denial> {
    let is_text = text.len() <= REMARK_MAX && text.bytes().all(|b| matches!(b, b' '..=b'~'));
    if is_text { Ok(()) } else { Err(Denial::Text) }
}

/// A moment's day, as ccyymmdd, in UTC.
pub(crate) fn day(at: Moment) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    moment.map_or_else(String::new, |moment| moment.strftime("%Y%m%d").to_string())
}
