//! One row of an export made a record, or the reason why it is none.

use std::fmt;

use memchr::{memchr, memchr_iter};

use super::column::Column;
use super::date;
use super::header::Header;
use crate::{
    Admission, AdmissionClass, Alias, AlienNumber, Detail, Field, Identifier, IdentifierKind, Person, Place, Reference,
    Sex, ShortText, Source, Status,
};

/// Why a row is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject {
    /// The column that is at fault; none for the whole row.
    pub column: Option<Column>,
    /// What is wrong with it.
    pub reason: RejectReason,
}

/// What is wrong with a row. The text of the row is not repeated: the reject file holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RejectReason {
    /// More or fewer fields than the first line names.
    #[error("the row has not as many fields as the first line names")]
    Fields,
    /// A quotation mark is opened and not closed.
    #[error("a quotation mark is not closed")]
    Quote,
    /// The row is longer than any record is.
    #[error("the row is longer than {LINE_MAX} bytes")]
    Long,
    /// Nothing where something has to be.
    #[error("it is empty")]
    Empty,
    /// A name longer than a record holds.
    #[error("it is longer than {NAME_MAX} bytes")]
    LongName,
    /// No alien number.
    #[error("not a number of one to nine digits, or all zero")]
    AlienNumber,
    /// No date.
    #[error("not a date in a form that is read, or not of the years 1850 to 2199")]
    Date,
    /// No sex.
    #[error("not F, M or U")]
    Sex,
    /// No place.
    #[error("not a code of two letters")]
    Place,
    /// No class of admission.
    #[error("not one to three letters and digits")]
    Class,
    /// No status.
    #[error("not the name of a status")]
    Status,
    /// No source.
    #[error("not the name of a source")]
    Source,
    /// No number of its kind.
    #[error("not a number of its kind, or more than {LIST_MAX}")]
    Number,
    /// A text longer than 20 bytes.
    #[error("it is longer than 20 bytes")]
    LongText,
    /// More names than a record holds.
    #[error("more than {LIST_MAX} names")]
    Aliases,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "{}: {}", column.name(), self.reason),
            None => self.reason.fmt(f),
        }
    }
}

/// Bytes of a row at most: a record takes some hundred.
pub(super) const LINE_MAX: usize = 65_536;

/// Bytes of a name at most: twice what the index keeps, for letters that take two bytes.
const NAME_MAX: usize = 128;

/// Aliases, and numbers of a kind, at most.
const LIST_MAX: usize = 8;

/// The fields of a row: where each lies, in the row itself or, if it had doubled quotation marks, in a copy.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    fields: Vec<std::borrow::Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    /// Splits a row without its line end.
    pub(super) fn split(&mut self, row: &'a str, separator: u8) -> Result<(), RejectReason> {
        self.fields.clear();
        if memchr(b'"', row.as_bytes()).is_none() {
            let mut start = 0;
            for end in memchr_iter(separator, row.as_bytes()) {
                self.fields.push(row.get(start..end).unwrap_or("").into());
                start = end + 1;
            }
            self.fields.push(row.get(start..).unwrap_or("").into());
            return Ok(());
        }
        let mut rest = row;
        loop {
            let Some(quoted) = rest.strip_prefix('"') else {
                // A quotation mark inside a field that does not begin with one is a character like any other.
                match rest.split_once(char::from(separator)) {
                    Some((field, behind)) => (self.fields.push(field.into()), rest = behind).1,
                    None => break self.fields.push(rest.into()),
                }
                continue;
            };
            let mut field = std::borrow::Cow::Borrowed("");
            let mut behind = quoted;
            loop {
                let (part, after) = behind.split_once('"').ok_or(RejectReason::Quote)?;
                if field.is_empty() {
                    field = part.into()
                } else {
                    field.to_mut().push_str(part)
                }
                match after.strip_prefix('"') {
                    Some(after) => (field.to_mut().push('"'), behind = after).1,
                    None => break behind = after,
                }
            }
            // What stands between a closing mark and the separator is kept.
            let (tail, more) = match behind.split_once(char::from(separator)) {
                Some((tail, more)) => (tail, Some(more)),
                None => (behind, None),
            };
            if !tail.trim().is_empty() {
                field.to_mut().push_str(tail);
            }
            self.fields.push(field);
            match more {
                Some(more) => rest = more,
                None => break,
            }
        }
        Ok(())
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.fields.iter().map(AsRef::as_ref)
    }
}

/// The fields of a row of our own, with commas between; none if a quotation mark is not closed.
pub(crate) fn split_row(row: &str) -> Option<Vec<String>> {
    let mut fields = Fields::default();
    fields.split(row, b',').ok()?;
    Some(fields.iter().map(ToOwned::to_owned).collect())
}

/// What a row has that is put together only when all of it is known.
#[derive(Default)]
struct Parts {
    second_surname: String,
    class: Option<AdmissionClass>,
    admitted_on: Option<jiff::civil::Date>,
    admitted_until: Option<jiff::civil::Date>,
    passport_country: Vec<Option<Place>>,
    licence_state: Vec<Option<Place>>,
    has_sorted: bool,
}

/// The record of a row whose fields are split.
pub(super) fn person(fields: &Fields<'_>, header: &Header) -> Result<Person, Reject> {
    if fields.iter().len() != header.columns.len() {
        return Err(Reject { column: None, reason: RejectReason::Fields });
    }
    let mut person =
        Person::new(NO_NUMBER, header.source.unwrap_or(Source::Cis), header.status.unwrap_or(Status::FileOpened));
    let mut parts = Parts { has_sorted: true, ..Parts::default() };
    for (column, text) in header.columns.iter().zip(fields.iter()) {
        let Some(column) = *column else { continue };
        let at = |reason| Reject { column: Some(column), reason };
        let text = text.trim();
        match (text.is_empty(), column) {
            (false, _) => set(&mut person, &mut parts, column, text, header).map_err(at)?,
            (true, Column::AlienNumber | Column::Status | Column::Source) => return Err(at(RejectReason::Empty)),
            (true, _) => {}
        }
    }
    finish(person, parts, header)
}

/// Stands until the number of the row is read, which has one or is rejected.
const NO_NUMBER: AlienNumber = AlienNumber::new(AlienNumber::MAX).unwrap();

fn set(
    person: &mut Person,
    parts: &mut Parts,
    column: Column,
    text: &str,
    header: &Header,
) -> Result<(), RejectReason> {
    let day = || date::parse(text, header.order).ok_or(RejectReason::Date);
    let place = || Place::new(text).ok_or(RejectReason::Place);
    match column {
        Column::Source => {
            let named = Source::ALL.into_iter().find(|source| source.name().eq_ignore_ascii_case(text));
            person.source = named.ok_or(RejectReason::Source)?;
        }
        Column::AlienNumber => person.alien_number = alien_number(text).ok_or(RejectReason::AlienNumber)?,
        Column::Surname => person.surname = name(text)?,
        Column::SecondSurname => parts.second_surname = name(text)?,
        Column::Given => person.given = name(text)?,
        Column::Middle => person.middle = name(text)?,
        Column::Name => {
            let Alias { surname, given, middle } = whole_name(text)?;
            (person.surname, person.given, person.middle) = (surname, given, middle);
        }
        Column::Born => person.born = Some(day()?),
        Column::Sex => person.sex = sex(text).ok_or(RejectReason::Sex)?,
        Column::BirthPlace => person.birth_place = place()?,
        Column::Citizenship => person.citizenship = place()?,
        Column::AdmissionClass => parts.class = Some(AdmissionClass::new(text).ok_or(RejectReason::Class)?),
        Column::AdmittedOn => parts.admitted_on = Some(day()?),
        Column::AdmittedUntil if text.eq_ignore_ascii_case("D/S") => {}
        Column::AdmittedUntil => parts.admitted_until = Some(day()?),
        Column::Status => person.status = Status::from_name(text).ok_or(RejectReason::Status)?,
        Column::StatusSince => person.status_since = Some(day()?),
        Column::PassportCountry => parts.passport_country = issuers(text)?,
        Column::LicenceState => parts.licence_state = issuers(text)?,
        Column::Number(kind) => {
            parts.has_sorted &= person.identifiers.last().is_none_or(|last| last.kind < kind);
            numbers(&mut person.identifiers, kind, text)?;
        }
        Column::Aliases => {
            for alias in text.split(';').map(str::trim).filter(|alias| !alias.is_empty()) {
                if person.aliases.len() == LIST_MAX {
                    return Err(RejectReason::Aliases);
                }
                person.aliases.push(whole_name(alias)?);
            }
        }
        Column::Detail(field) => {
            parts.has_sorted &= person.details.last().is_none_or(|last| last.field < field);
            let text = if is_date(field) { &day()?.to_string() } else { text };
            let text = ShortText::from(text).map_err(|_| RejectReason::LongText)?;
            person.details.push(Detail { field, text });
        }
    }
    Ok(())
}

/// Fields whose text is a date.
pub(super) const fn is_date(field: Field) -> bool {
    match field {
        Field::DepartedOn | Field::ReceivedOn | Field::EncounteredOn => true,
        Field::ProgramEnd | Field::OrderedOn | Field::CertificateOn => true,
        Field::FileOffice | Field::Port | Field::Carrier | Field::VisaPost | Field::Form => false,
        Field::EncounteredAt | Field::School | Field::Charge => false,
    }
}

/// Puts together what more than one column says.
fn finish(mut person: Person, parts: Parts, header: &Header) -> Result<Person, Reject> {
    if !parts.second_surname.is_empty() {
        if !person.surname.is_empty() {
            person.surname.push(' ');
        }
        person.surname.push_str(&parts.second_surname);
    }
    if person.surname.is_empty() && person.given.is_empty() {
        return Err(Reject { column: Some(Column::Surname), reason: RejectReason::Empty });
    }
    if person.middle.is_empty() && !header.columns.contains(&Some(Column::Middle)) {
        split_given(&mut person);
    }
    if !header.has_citizenship {
        person.citizenship = person.birth_place;
    }
    person.admission =
        parts.class.zip(parts.admitted_on).map(|(class, on)| Admission { class, on, until: parts.admitted_until });
    for (kind, issuers) in
        [(IdentifierKind::Passport, &parts.passport_country), (IdentifierKind::Licence, &parts.licence_state)]
    {
        let of_kind = person.identifiers.iter_mut().filter(|number| number.kind == kind);
        // One issuer for several numbers is the issuer of all.
        let issuer_of = |place: usize| if issuers.len() == 1 { issuers.first() } else { issuers.get(place) };
        for (place, number) in of_kind.enumerate() {
            number.issuer = issuer_of(place).copied().flatten();
        }
    }
    if !parts.has_sorted {
        person.identifiers.sort_by_key(|number| number.kind);
        person.details.sort_by_key(|detail| detail.field);
    }
    take_reference(&mut person);
    Ok(person)
}

/// The source's own number becomes the record's reference, if it has the form of one.
fn take_reference(person: &mut Person) {
    let kind = match person.source {
        Source::Niis | Source::Adis => IdentifierKind::I94,
        Source::Claims => IdentifierKind::Receipt,
        Source::Enforce => IdentifierKind::Fin,
        Source::Sevis => IdentifierKind::Sevis,
        Source::Cis | Source::Dacs | Source::Raps => return,
    };
    let Some(place) = person.identifiers.iter().position(|number| number.kind == kind) else { return };
    let text = person.identifiers.get(place).map(Identifier::text);
    person.reference = text.and_then(|text| Reference::parse(person.source, text));
    if person.reference.is_some() {
        person.identifiers.remove(place);
    }
}

/// Where an export has no column for further given names, they stand behind the first.
fn split_given(person: &mut Person) {
    if let Some((first, further)) = person.given.split_once(' ') {
        (person.middle, person.given) = (further.to_owned(), first.to_owned());
    }
}

/// One to nine digits, as an export has them: with `A`, hyphens and spaces, or with leading zeros lost.
fn alien_number(text: &str) -> Option<AlienNumber> {
    let digits = text.strip_prefix(['A', 'a']).unwrap_or(text).bytes().filter(|b| !matches!(b, b'-' | b' ' | b'#'));
    let (mut number, mut count) = (0_u32, 0);
    for digit in digits {
        count += 1;
        if !digit.is_ascii_digit() || count > 9 {
            return None;
        }
        number = number * 10 + u32::from(digit - b'0');
    }
    AlienNumber::new(number)
}

fn sex(text: &str) -> Option<Sex> {
    match text {
        "M" | "m" => Some(Sex::Male),
        "F" | "f" => Some(Sex::Female),
        _ => [
            ("MALE", Sex::Male),
            ("FEMALE", Sex::Female),
            ("UNKNOWN", Sex::Unknown),
            ("U", Sex::Unknown),
            ("X", Sex::Unknown),
        ]
        .into_iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text))
        .map(|(_, sex)| sex),
    }
}

/// A name with single spaces.
fn name(text: &str) -> Result<String, RejectReason> {
    if text.len() > NAME_MAX {
        return Err(RejectReason::LongName);
    }
    if !text.contains("  ") && !text.contains(['\t', '\n', '\r']) {
        return Ok(text.to_owned());
    }
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `SURNAME, GIVEN MIDDLE`; without a comma, the last word is the surname.
pub(super) fn whole_name(text: &str) -> Result<Alias, RejectReason> {
    let text = name(text)?;
    let (surname, given) = match text.split_once(',') {
        Some((surname, given)) => (surname.trim(), given.trim()),
        None => text.rsplit_once(' ').map_or((text.as_str(), ""), |(given, surname)| (surname, given)),
    };
    let (given, middle) = given.split_once(' ').unwrap_or((given, ""));
    Ok(Alias { surname: surname.to_owned(), given: given.to_owned(), middle: middle.trim().to_owned() })
}

fn numbers(numbers: &mut Vec<Identifier>, kind: IdentifierKind, text: &str) -> Result<(), RejectReason> {
    if memchr(b';', text.as_bytes()).is_none() {
        numbers.push(Identifier::new(kind, text, None).ok_or(RejectReason::Number)?);
        return Ok(());
    }
    for (place, text) in text.split(';').map(str::trim).filter(|text| !text.is_empty()).enumerate() {
        let number = Identifier::new(kind, text, None).filter(|_| place < LIST_MAX);
        numbers.push(number.ok_or(RejectReason::Number)?);
    }
    Ok(())
}

fn issuers(text: &str) -> Result<Vec<Option<Place>>, RejectReason> {
    let issuer = |text: &str| match text.trim() {
        "" => Ok(None),
        text => Place::new(text).map(Some).ok_or(RejectReason::Place),
    };
    text.split(';').take(LIST_MAX).map(issuer).collect()
}
