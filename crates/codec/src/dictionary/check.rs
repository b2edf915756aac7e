//! Row 10 of admission: a body against the rules of its key (`protocol-specs/wire.md` 2.4), and the body in the form in
//! which it travels.

use std::borrow::Cow;

use arrayvec::ArrayVec;
use jiff::civil::Date;

use super::date::birth_date;
use super::field::{FieldRules, FieldSpec, Form, Text, Unknown, bit, packed};
use super::{Moment, span};
use crate::codes::Table;
use crate::legacy::{Field, fields};
use crate::name::{Line, Ori};
use crate::notice::ErNumber;

/// How many fields a body can have; the next one is refused. No key lists more, and what is carried along must end
/// somewhere.
pub const FIELDS_MAX: usize = FieldRules::FIELDS_MAX;

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("body at byte {offset}: ER {:02} {detail}", number.number())]
pub struct BodyError {
    /// The number of the ER that says so.
    pub number: ErNumber,
    /// What is wrong: prefixes and words, never a value.
    pub detail: String,
    /// Where in the body the fault is, in bytes; its length where something is missing.
    pub offset: usize,
    /// Whether the key's option list belongs into the ER: [`super::MessageSpec::offered`] has its lines.
    pub options: bool,
    /// The lines of the option list that fit what was sent: a bit for each.
    pub(super) lines: u64,
}

impl BodyError {
    fn new(number: ErNumber, detail: String, offset: usize) -> Self {
        Self { number, detail, offset, options: matches!(number, ErNumber::Options), lines: u64::MAX }
    }
}

/// What of a body was met so far.
struct Seen {
    /// A bit for each field of the key.
    known: u64,
    /// The sets that are left to choose from: a bit for each.
    sets: u64,
    unknown: ArrayVec<u32, FIELDS_MAX>,
    /// Where the first unknown prefix stands, if the key refuses those.
    refused: Option<BodyError>,
}

impl FieldRules {
    /// One walk over the body: it has to be walked to its end to know what is missing, and what is missing is said
    /// before what is wrong.
    pub(super) fn check(&self, body: &[u8], today: Date) -> Result<(), BodyError> {
        let mut seen = Seen { known: 0, sets: self.sets.all(), unknown: ArrayVec::new(), refused: None };
        let mut wrong = None;
        for (place, field) in fields(body).enumerate() {
            let position = field.as_ref().ok().and_then(|field| self.position(field.prefix));
            if let (Some(_), Ok(field)) = (position.filter(|_| position == self.sets.chosen_by), &field) {
                seen.sets = self.sets.chosen(field.value);
            }
            if wrong.is_none() {
                wrong = match field {
                    _ if place >= FIELDS_MAX => Some(options(format!("MORE THAN {FIELDS_MAX} FIELDS"), body.len())),
                    Ok(field) => self.check_field(field, position, &mut seen, today).err(),
                    Err(error) => {
                        Some(options(format!("FIELD {} IS NOT PREFIX/VALUE", place.saturating_add(1)), error.offset))
                    }
                };
            }
            seen.known |= position.map_or(0, bit);
        }
        let fitting = self.sets.fitting(seen.sets, seen.known);
        let missing = (self.required | self.sets.needed(fitting)) & !seen.known;
        let first = if missing == 0 {
            wrong.or_else(|| self.check_sets(&seen, body.len())).or(seen.refused)
        } else {
            Some(BodyError::new(self.missing, Self::names(&self.fields, missing), body.len()))
        };
        first.map_or(Ok(()), |error| Err(BodyError { lines: fitting, ..error }))
    }

    fn check_field(
        &self,
        field: Field<'_>,
        position: Option<usize>,
        seen: &mut Seen,
        today: Date,
    ) -> Result<(), BodyError> {
        let Some((at, spec)) = position.and_then(|at| Some((at, self.fields.get(at)?))) else {
            return self.check_unknown(field, seen);
        };
        if seen.known & bit(at) != 0 {
            return Err(options(format!("{} REPEATED", spec.prefix), field.offset));
        }
        spec.check(field.value, today)
            .map_err(|fault| BodyError::new(spec.refusal, format!("{} {fault}", spec.prefix), field.value_offset()))
    }

    fn check_unknown(&self, field: Field<'_>, seen: &mut Seen) -> Result<(), BodyError> {
        let prefix = packed(field.prefix);
        let fault = match self.unknown {
            Unknown::Refused => {
                let unknown = || options(format!("{} UNKNOWN", field.prefix.to_ascii_uppercase()), field.offset);
                seen.refused.get_or_insert_with(unknown);
                return Ok(());
            }
            Unknown::Carried if seen.unknown.contains(&prefix) => "REPEATED",
            Unknown::Carried if field.value.is_empty() => "EMPTY",
            // There is room for as many as a body can have.
            Unknown::Carried => return seen.unknown.try_push(prefix).or(Ok(())),
        };
        Err(options(format!("{} {fault}", field.prefix.to_ascii_uppercase()), field.offset))
    }

    /// A key with sets takes exactly one of them, whole, and nothing of another.
    fn check_sets(&self, seen: &Seen, end: usize) -> Option<BodyError> {
        if self.sets.one_of(seen.sets, seen.known) {
            return None;
        }
        let strange = seen.known & self.sets.members(self.sets.all()) & !self.sets.members(seen.sets);
        let detail = match self.chosen_by() {
            Some(field) if strange != 0 => {
                format!("{} NOT FOR THIS {}", Self::names(&self.fields, strange), field.prefix)
            }
            _ => "ONE SET OF FIELDS".to_owned(),
        };
        Some(options(detail, end))
    }

    /// See [`super::MessageSpec::fold_body`].
    pub(super) fn fold<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        // Nearly every body is in upper case throughout: one look at its bytes tells, and no field is read again.
        let may_change = body.iter().fold(false, |lower, byte| lower | byte.is_ascii_lowercase())
            || self.courtesies.iter().any(|needle| memchr::memmem::find(body, needle).is_some());
        if !may_change {
            return Cow::Borrowed(body);
        }
        let known = || fields(body).flatten().filter_map(|field| Some((field, self.field(field.prefix)?)));
        if !known().any(|(field, spec)| spec.changes(field)) {
            return Cow::Borrowed(body);
        }
        let mut folded = Vec::with_capacity(body.len());
        let mut copied = 0;
        for (field, spec) in known() {
            folded.extend_from_slice(body.get(copied..field.offset).unwrap_or_default());
            folded.extend_from_slice(spec.prefix.as_str().as_bytes());
            folded.push(b'/');
            match spec.text {
                Text::Coded => {
                    folded.extend(spec.without_courtesy(field.value).bytes().map(|byte| byte.to_ascii_uppercase()))
                }
                Text::Free => folded.extend_from_slice(field.value.as_bytes()),
            }
            copied = field.end();
        }
        folded.extend_from_slice(body.get(copied..).unwrap_or_default());
        Cow::Owned(folded)
    }
}

impl FieldSpec {
    /// Checks a value: length, characters, values, form.
    ///
    /// # Errors
    /// What is wrong with it, in a word.
    pub fn check(&self, value: &str, today: Date) -> Result<(), &'static str> {
        let value = self.without_courtesy(value);
        if !self.length.contains(&value.len()) {
            return Err("LENGTH");
        }
        if value.is_empty() {
            return Ok(());
        }
        if !self.written.contain(value) {
            return Err("CHARACTER");
        }
        let listed = |codes: &[String]| codes.iter().any(|code| code.eq_ignore_ascii_case(value));
        if !self.values.is_empty() && !self.values.iter().any(|known| known.code.eq_ignore_ascii_case(value)) {
            return Err("VALUE");
        }
        if self.table.is_some_and(|table| !table.contains(value)) || listed(&self.except) {
            return Err("VALUE");
        }
        self.form.map_or(Ok(()), |form| form.check(value, today))
    }

    fn without_courtesy<'a>(&self, value: &'a str) -> &'a str {
        let Some(courtesy) = self.courtesy else { return value };
        value.strip_prefix(|first: char| first.eq_ignore_ascii_case(&courtesy)).unwrap_or(value)
    }

    fn changes(&self, field: Field<'_>) -> bool {
        let lower = |text: &str| text.bytes().any(|byte| byte.is_ascii_lowercase());
        lower(field.prefix)
            || matches!(self.text, Text::Coded)
                && (lower(field.value) || self.without_courtesy(field.value).len() < field.value.len())
    }
}

impl Form {
    fn check(self, value: &str, today: Date) -> Result<(), &'static str> {
        let begins_with_letter = |name: &str| name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        match self {
            Self::Address => {
                let address = Line::parse(value).is_ok() || Ori::parse(value).is_ok();
                address.then_some(()).ok_or("NOT A LINE OR AN ORI")
            }
            Self::BirthDate => birth_date(value, today).map(drop).ok_or("DATE"),
            Self::Moment => Moment::parse(value).map(drop).ok_or("DATE"),
            Self::Name => {
                let parts =
                    value.split_once(',').map(|(surname, given)| (surname, given.strip_prefix(' ').unwrap_or(given)));
                let name = |(surname, given): (&str, &str)| {
                    begins_with_letter(surname) && begins_with_letter(given) && !given.contains(',')
                };
                parts.is_some_and(name).then_some(()).ok_or("NOT SURNAME, GIVEN NAMES")
            }
            Self::MiscellaneousNumber => {
                let parts = value.split_once('-');
                let number = |(kind, number): (&str, &str)| Table::NumberKind.contains(kind) && !number.is_empty();
                parts.is_some_and(number).then_some(()).ok_or("VALUE")
            }
            Self::NcicNumber => {
                let file = value.len() == 10 && value.get(..1).is_some_and(|file| Table::NcicFile.contains(file));
                (file || value.eq_ignore_ascii_case("NONE")).then_some(()).ok_or("VALUE")
            }
            Self::Span => span(value).map(drop).ok_or("NOT MINUTES OR HOURS"),
            Self::StateNumber => {
                // No real state's code begins with Z: those of synthetic states do.
                let state = |state: &str| Table::State.contains(state) || state.starts_with(['Z', 'z']);
                let state = value.get(..2).is_some_and(state);
                state.then_some(()).ok_or("VALUE")
            }
            Self::Year => year(value).then_some(()).ok_or("YEAR"),
            Self::YearOrShort => (value.len() == 2 && digits(value) || year(value)).then_some(()).ok_or("YEAR"),
        }
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn year(text: &str) -> bool {
    text.len() == 4 && digits(text) && ("1900"..="2099").contains(&text)
}

fn options(detail: String, offset: usize) -> BodyError {
    BodyError::new(ErNumber::Options, detail, offset)
}
