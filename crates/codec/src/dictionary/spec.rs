//! What the dictionary says of one key.

use std::borrow::Cow;
use std::time::Duration;

use super::check::BodyError;
use super::field::{FieldRules, bit};
use crate::legacy::{DestinationKind, fields};
use crate::name::{MessageKey, Prefix};

/// What the dictionary says of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSpec {
    /// The key.
    pub key: MessageKey,
    /// What it is called.
    pub title: String,
    /// Where in `protocol-specs` it is described.
    pub source: String,
    /// How sure that is.
    pub mark: Mark,
    /// Who may send it: row 3 of admission.
    pub sender: Sender,
    /// What the sender's ORI has to be authorized for: row 5.
    pub authorization: Option<Authorization>,
    /// How many destinations it can have, and of which kind: row 7.
    pub destinations: DestinationRule,
    /// Its place in the queues; [`MessageSpec::class`] makes it that of one message.
    pub priority: Priority,
    /// How long it waits for an absent station where the network's own time is not right for it.
    pub hold: Option<Duration>,
    /// What answers it.
    pub answer: Option<Answer>,
    /// The line that the switch puts first into the body.
    pub first_line: Option<String>,
    /// Which value of which field makes it [`Priority::Urgent`].
    pub urgent: Option<Urgent>,
    /// What a reader has to know beside the fields.
    pub notes: Vec<String>,
    /// A message as somebody sends it, with line feeds for line ends.
    pub example: Option<String>,
    /// What its body holds: row 10.
    pub body: Body,
}

impl MessageSpec {
    /// Checks a body in the order of row 10 of admission (`protocol-specs/wire.md` 2.4): what is missing; then field by
    /// field in the order of the message length, characters, values and dates; then the sets that the key offers; then
    /// prefixes that it does not know.
    ///
    /// `today` is the day in the zone of the switch, which a date of birth cannot be after.
    ///
    /// # Errors
    /// The first fault in that order, with the number of the ER that tells it.
    pub fn check_body(&self, body: &[u8], today: jiff::civil::Date) -> Result<(), BodyError> {
        match &self.body {
            Body::Text => Ok(()),
            Body::Fields(rules) => rules.check(body, today),
        }
    }

    /// A body that passed [`MessageSpec::check_body`] in the form in which it travels: prefixes and coded fields in upper
    /// case, free text, unknown fields and text bodies as they came.
    #[must_use]
    pub fn fold_body<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.body {
            Body::Text => Cow::Borrowed(body),
            Body::Fields(rules) => rules.fold(body),
        }
    }

    /// The lines of the option list that belong into the ER about a body that [`MessageSpec::check_body`] refused: those
    /// that fit what was sent, and none where the number of the ER does not call for them.
    #[must_use]
    pub fn offered(&self, error: &BodyError) -> Vec<String> {
        let all = if error.options { self.options() } else { &[] };
        let fits = |(at, _): &(usize, &String)| error.lines & bit(*at) != 0;
        all.iter().enumerate().filter(fits).map(|(_, line)| line.clone()).collect()
    }

    /// The class of a message with that body to that many lines, and that many regions or groups.
    #[must_use]
    pub fn class(&self, body: &[u8], lines: usize, groups: usize) -> Priority {
        let is = |urgent: &Urgent| {
            let field = fields(body).flatten().find(|field| field.prefix.eq_ignore_ascii_case(urgent.prefix.as_str()));
            field.is_some_and(|field| field.value.eq_ignore_ascii_case(&urgent.value))
        };
        let several = groups > 0 || lines > 1;
        if self.urgent.as_ref().is_some_and(is) {
            Priority::Urgent
        } else if several && matches!(self.priority, Priority::Administrative) {
            Priority::Broadcast
        } else {
            self.priority
        }
    }

    /// The combinations of required fields that the key takes, one to a line of ER 22; none where the body is text.
    #[must_use]
    pub fn options(&self) -> &[String] {
        match &self.body {
            Body::Text => &[],
            Body::Fields(rules) => rules.options(),
        }
    }
}

/// How sure a statement of the dictionary is (`protocol-specs/formats.md` 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Stated in a public source.
    Certain,
    /// From one secondary source, program code or one sample.
    Probable,
    /// Decided here.
    Inferred,
}

/// Who may send a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Every station.
    Any,
    /// Stations to which the network's configuration grants it: the support center for IAR.
    Granted,
    /// The switch alone.
    Switch,
}

/// What an agency is authorized for (`protocol-specs/formats.md` 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authorization {
    /// A: administrative messages.
    Administrative,
    /// C: criminal history.
    CriminalHistory,
    /// D: driver and vehicle records.
    Driver,
    /// Z: other types.
    Other,
}

impl Authorization {
    /// Its letter in the directory.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Administrative => 'A',
            Self::CriminalHistory => 'C',
            Self::Driver => 'D',
            Self::Other => 'Z',
        }
    }

    /// The one with that letter.
    #[must_use]
    pub const fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'A' => Some(Self::Administrative),
            'C' => Some(Self::CriminalHistory),
            'D' => Some(Self::Driver),
            'Z' => Some(Self::Other),
            _ => None,
        }
    }
}

/// How many destinations a key can have, and of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DestinationRule {
    /// Whether lines are allowed.
    pub line: bool,
    /// Whether codes that stand for several lines, regions and groups, are allowed beside lines: the key can be broadcast.
    pub group: bool,
    /// Whether single ORIs are allowed.
    pub ori: bool,
    /// How many in all, at least 1.
    pub max: usize,
    /// How many of them may have two characters.
    pub max_lines: usize,
}

impl DestinationRule {
    /// Whether the key can go to a destination of that kind; of two characters, whether it stands for one line or, with
    /// [`DestinationRule::group`], for several, the network knows.
    #[must_use]
    pub const fn allows(&self, kind: DestinationKind) -> bool {
        match kind {
            DestinationKind::Line => self.line,
            DestinationKind::Ori => self.ori,
        }
    }
}

/// The class of a message in the queues, the highest first (`protocol-specs/wire.md` 2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Priority {
    /// SM.
    Status = 1,
    /// ER.
    Error = 2,
    /// A hit confirmation that a person in detention waits for.
    Urgent = 3,
    /// All other queries and answers.
    Query = 4,
    /// AM, AML to single addresses.
    Administrative = 5,
    /// AM, AML to regions, groups or several states.
    Broadcast = 6,
}

impl Priority {
    /// All of them, the highest first.
    pub const ALL: [Self; 6] =
        [Self::Status, Self::Error, Self::Urgent, Self::Query, Self::Administrative, Self::Broadcast];

    /// Its number, 1 to 6.
    #[must_use]
    pub const fn class(self) -> u8 {
        self as u8
    }
}

/// What makes a message urgent: a value of one of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urgent {
    /// The field.
    pub prefix: Prefix,
    /// The value, in upper case.
    pub value: String,
}

/// What answers a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The key of the answer.
    pub key: MessageKey,
    /// How many come: an IAQ is acknowledged and answered, both by IAR.
    pub count: usize,
}

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Text, to which there is nothing to check.
    Text,
    /// Fields.
    Fields(FieldRules),
}
