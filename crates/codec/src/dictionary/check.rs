//! Row 10 of admission: a body against the rules of its key (`protocol-specs/wire.md` 2.4), and the body in the form in
//! which it travels.

use std::borrow::Cow;

use arrayvec::ArrayVec;
use jiff::civil::Date;

use super::Moment;
use super::date::birth_date;
use super::field::{FieldRules, FieldSpec, Form, Text, Unknown, bit, packed};
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
    /// Whether the key's option list belongs into the ER.
    pub options: bool,
}

impl BodyError {
    fn new(number: ErNumber, detail: String, offset: usize) -> Self {
        Self { number, detail, offset, options: matches!(number, ErNumber::Options) }
    }
}

/// What of a body was met so far.
struct Seen {
    /// A bit for each field of the key.
    known: u64,
    unknown: ArrayVec<u32, FIELDS_MAX>,
    /// Where the first unknown prefix stands, if the key refuses those.
    refused: Option<BodyError>,
}

impl FieldRules {
    /// One walk over the body: it has to be walked to its end to know what is missing, and what is missing is said
    /// before what is wrong.
    pub(super) fn check(&self, body: &[u8], today: Date) -> Result<(), BodyError> {
        let mut seen = Seen { known: 0, unknown: ArrayVec::new(), refused: None };
        let mut wrong = None;
        for (place, field) in fields(body).enumerate() {
            let position = field.as_ref().ok().and_then(|field| self.position(field.prefix));
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
        let missing = self.required & !seen.known;
        if missing != 0 {
            return Err(BodyError::new(self.missing, Self::names(&self.fields, missing), body.len()));
        }
        let first = wrong.or_else(|| self.check_sets(seen.known, body.len())).or(seen.refused);
        first.map_or(Ok(()), Err)
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
    fn check_sets(&self, known: u64, end: usize) -> Option<BodyError> {
        let given = known & self.sets.iter().fold(0, |all, set| all | set);
        let one = self.sets.is_empty() || self.sets.contains(&given);
        (!one).then(|| options("ONE SET OF FIELDS".to_owned(), end))
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
    fn check(&self, value: &str, today: Date) -> Result<(), &'static str> {
        let value = self.without_courtesy(value);
        if !self.length.contains(&value.len()) {
            return Err("LENGTH");
        }
        let fold = matches!(self.text, Text::Coded);
        let allowed = |byte: u8| self.characters.contains(if fold { byte.to_ascii_uppercase() } else { byte });
        if !value.bytes().all(allowed) {
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
            Self::StateNumber => {
                let state = value.get(..2).is_some_and(|state| crate::codes::Table::State.contains(state));
                state.then_some(()).ok_or("VALUE")
            }
            Self::Year => {
                let digits = value.len() == 4 && value.bytes().all(|byte| byte.is_ascii_digit());
                (digits && ("1900"..="2099").contains(&value)).then_some(()).ok_or("YEAR")
            }
        }
    }
}

fn options(detail: String, offset: usize) -> BodyError {
    BodyError::new(ErNumber::Options, detail, offset)
}
