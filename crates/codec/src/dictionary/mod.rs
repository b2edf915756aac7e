//! The message dictionary: what each key is, who may send it where, and what its body holds.
//!
//! `protocol-specs/messages/*.toml`, one file for each key, is the single source. It is compiled in and feeds admission
//! (`protocol-specs/wire.md` 2.4), the option lists of ER 22, forms and reference pages: a field has its label and help
//! text beside its rule, and says where the rule comes from and how sure that is.

mod check;
mod date;
mod field;
mod file;
mod moment;

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

pub use check::{BodyError, FIELDS_MAX};
pub use date::birth_date;
pub use field::{Characters, FieldRules, FieldSpec, Form, Text, Unknown, Value};
pub use file::DictionaryError;
pub use moment::Moment;

use crate::legacy::DestinationKind;
use crate::name::MessageKey;

/// Every key that the network knows.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    /// In order of their keys.
    specs: Vec<MessageSpec>,
}

impl Dictionary {
    /// The dictionary of `protocol-specs/messages/`.
    #[must_use]
    pub fn builtin() -> &'static Self {
        // It cannot be wrong at run time what the test `the_built_in_dictionary_is_whole` has read before.
        static BUILTIN: LazyLock<Dictionary> = LazyLock::new(|| Dictionary::parse(BUILTIN_FILES).unwrap_or_default());
        &BUILTIN
    }

    /// Reads a dictionary from files, each given as its name, for errors, and its text.
    ///
    /// # Errors
    /// The first fault found, with file and line.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, DictionaryError> {
        file::parse(files).map(|specs| Self { specs })
    }

    /// What the dictionary says of a key; nothing if it does not know it.
    #[must_use]
    pub fn spec(&self, key: MessageKey) -> Option<&MessageSpec> {
        let at = self.specs.binary_search_by_key(&key, |spec| spec.key).ok()?;
        self.specs.get(at)
    }

    /// All keys, in alphabetical order.
    pub fn specs(&self) -> impl ExactSizeIterator<Item = &MessageSpec> {
        self.specs.iter()
    }
}

/// The files of `protocol-specs/messages/`.
const BUILTIN_FILES: &[(&str, &str)] = &[
    ("am.toml", include_str!("../../../../protocol-specs/messages/am.toml")),
    ("aml.toml", include_str!("../../../../protocol-specs/messages/aml.toml")),
    ("er.toml", include_str!("../../../../protocol-specs/messages/er.toml")),
    ("iaq.toml", include_str!("../../../../protocol-specs/messages/iaq.toml")),
    ("iar.toml", include_str!("../../../../protocol-specs/messages/iar.toml")),
    ("nfq.toml", include_str!("../../../../protocol-specs/messages/nfq.toml")),
    ("nfr.toml", include_str!("../../../../protocol-specs/messages/nfr.toml")),
    ("nlq.toml", include_str!("../../../../protocol-specs/messages/nlq.toml")),
    ("nlr.toml", include_str!("../../../../protocol-specs/messages/nlr.toml")),
    ("sm.toml", include_str!("../../../../protocol-specs/messages/sm.toml")),
];

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
    /// Its place in the queues; [`Priority::of`] makes it that of one message.
    pub priority: Priority,
    /// How long it waits for an absent station where the network's own time is not right for it.
    pub hold: Option<Duration>,
    /// What answers it.
    pub answer: Option<Answer>,
    /// The line that the switch puts first into the body.
    pub first_line: Option<String>,
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
    /// Whether lines, regions and groups are allowed.
    pub line: bool,
    /// Whether single ORIs are allowed.
    pub ori: bool,
    /// How many in all, at least 1.
    pub max: usize,
    /// How many of them may have two characters.
    pub max_lines: usize,
}

impl DestinationRule {
    /// Whether the key can go to a destination of that kind.
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

    /// The class of a message of that key to that many lines, and that many regions or groups.
    #[must_use]
    pub const fn of(spec: &MessageSpec, lines: usize, groups: usize) -> Self {
        let several = groups > 0 || lines > 1;
        if several && matches!(spec.priority, Self::Administrative) { Self::Broadcast } else { spec.priority }
    }

    /// Its number, 1 to 6.
    #[must_use]
    pub const fn class(self) -> u8 {
        self as u8
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(key: &str) -> &'static MessageSpec {
        Dictionary::builtin().spec(MessageKey::parse(key).unwrap()).unwrap()
    }

    #[test]
    fn the_built_in_dictionary_is_whole() {
        let read = Dictionary::parse(BUILTIN_FILES).unwrap_or_else(|error| panic!("{error}"));
        let keys: Vec<_> = read.specs().map(|spec| spec.key.to_string()).collect();
        assert_eq!(keys, ["AM", "AML", "ER", "IAQ", "IAR", "NFQ", "NFR", "NLQ", "NLR", "SM"]);
        assert!(read.specs().all(|spec| Dictionary::builtin().spec(spec.key) == Some(spec)));
        assert_eq!(Dictionary::builtin().spec(MessageKey::parse("QQQ").unwrap()), None);
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol-specs/messages");
        let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<_> = files.filter(|name| name.ends_with(".toml")).collect();
        files.sort();
        assert_eq!(files, BUILTIN_FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn who_may_send_what_where_is_as_the_network_has_it() {
        let rows: Vec<_> = Dictionary::builtin()
            .specs()
            .map(|spec| {
                let letter = spec.authorization.map_or('-', Authorization::letter);
                let DestinationRule { line, ori, max, max_lines } = spec.destinations;
                format!("{} {:?} {letter} line {line} ori {ori} {max} {max_lines}", spec.key, spec.sender)
            })
            .collect();
        assert_eq!(
            rows,
            [
                "AM Any A line true ori true 10 5",
                "AML Any A line true ori true 10 5",
                "ER Switch - line true ori true 1 1",
                "IAQ Any C line true ori false 1 1",
                "IAR Granted - line false ori true 5 0",
                "NFQ Any - line true ori false 1 1",
                "NFR Switch - line true ori true 1 1",
                "NLQ Any - line true ori false 1 1",
                "NLR Switch - line true ori true 1 1",
                "SM Any A line true ori true 10 10",
            ]
        );
        let answer = spec("IAQ").answer.unwrap();
        assert_eq!((answer.key, answer.count), (spec("IAR").key, 2));
        assert_eq!(spec("AML").first_line.as_deref(), Some("FOR LAW ENFORCEMENT DISSEMINATION ONLY"));
    }

    #[test]
    fn an_administrative_message_to_several_states_or_a_group_goes_last() {
        let class = |key, lines, groups| Priority::of(spec(key), lines, groups).class();
        assert_eq!([class("SM", 9, 9), class("ER", 1, 0), class("IAQ", 1, 0), class("IAR", 0, 0)], [1, 2, 4, 4]);
        assert_eq!([class("AM", 0, 0), class("AML", 1, 0), class("AM", 2, 0), class("AML", 0, 1)], [5, 5, 6, 6]);
        assert!(Priority::ALL.is_sorted() && Priority::ALL.iter().map(|one| one.class()).eq(1..=6));
    }

    #[test]
    fn only_coded_fields_are_folded() {
        let check = |key, body: &[u8], expected: &[u8]| assert_eq!(*spec(key).fold_body(body), *expected);
        check("AM", b"Any text/as it came", b"Any text/as it came");
        check(
            "IAQ",
            b"nam/sample, p.atn/Sgt One.zzq/Kept.ARN/a00000001.",
            b"NAM/SAMPLE, P.ATN/Sgt One.zzq/Kept.ARN/00000001.",
        );
        assert!(matches!(spec("IAQ").fold_body(b"NAM/SAMPLE, P.ATN/Sgt One"), Cow::Borrowed(_)));
    }
}
