//! Exports of our own: the columns of a source, and rows of them.

use std::io::{self, Write};

use super::column::Column;
use crate::{Alias, Field, Identifier, IdentifierKind, Person, Source};

/// Which columns an export has, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<Column>,
}

impl Layout {
    /// The columns of a source: what every record has, then the numbers and fields that the source records.
    #[must_use]
    pub fn of(source: Source) -> Self {
        use Field::*;
        use IdentifierKind::*;
        let (numbers, fields): (&[IdentifierKind], &[Field]) = match source {
            Source::Cis => (&[Ssn, Passport, Licence], &[FileOffice, Port, CertificateOn]),
            Source::Niis => (&[Passport, I94], &[Port, Carrier, DepartedOn, VisaPost]),
            Source::Claims => (&[Ssn, I94, Receipt], &[Form, ReceivedOn]),
            Source::Adis => (&[Passport, I94], &[Port, DepartedOn]),
            Source::Enforce => (&[Fbi, Fin], &[EncounteredOn, EncounteredAt]),
            Source::Sevis => (&[Passport, Sevis], &[School, ProgramEnd]),
            Source::Dacs => (&[Fbi, Fin], &[FileOffice, Charge, OrderedOn]),
            Source::Raps => (&[Passport, I94], &[FileOffice, ReceivedOn]),
        };
        Self::with(false, numbers, fields)
    }

    /// Every column that is written, the source among them: any record is written without loss.
    #[must_use]
    pub fn whole() -> Self {
        Self::with(true, IdentifierKind::ALL, Field::ALL)
    }

    fn with(has_source: bool, numbers: &[IdentifierKind], fields: &[Field]) -> Self {
        use Column::*;
        let mut columns = if has_source { vec![Source] } else { Vec::new() };
        columns.extend([AlienNumber, Surname, Given, Middle, Born, Sex, BirthPlace, Citizenship]);
        columns.extend([AdmissionClass, AdmittedOn, AdmittedUntil, Status, StatusSince]);
        for kind in numbers {
            columns.push(Number(*kind));
            match kind {
                IdentifierKind::Passport => columns.push(PassportCountry),
                IdentifierKind::Licence => columns.push(LicenceState),
                IdentifierKind::Fbi | IdentifierKind::Ssn | IdentifierKind::I94 => {}
                IdentifierKind::Fin | IdentifierKind::Sevis | IdentifierKind::Receipt => {}
            }
        }
        columns.push(Aliases);
        columns.extend(fields.iter().map(|field| Detail(*field)));
        Self { columns }
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Adds the line of names.
    pub fn push_header(&self, out: &mut Vec<u8>) {
        for (place, column) in self.columns.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(column.name().as_bytes());
        }
        out.push(b'\n');
    }

    /// Adds the row of a record. What the layout has no column for is left out.
    pub fn push(&self, person: &Person, out: &mut Vec<u8>) {
        for (place, column) in self.columns.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            push_cell(person, *column, out);
        }
        out.push(b'\n');
    }
}

fn push_cell(person: &Person, column: Column, out: &mut Vec<u8>) {
    match column {
        Column::Source => push_text(person.source.name(), out),
        Column::AlienNumber => push_digits(person.alien_number.value(), 9, out),
        Column::Surname => push_text(&person.surname, out),
        Column::Given => push_text(&person.given, out),
        Column::Middle => push_text(&person.middle, out),
        // These two are only read.
        Column::SecondSurname | Column::Name => {}
        Column::Born => push_day(person.born, out),
        Column::Sex => push_text(person.sex.letter().encode_utf8(&mut [0; 4]), out),
        Column::BirthPlace => push_text(person.birth_place.as_str(), out),
        Column::Citizenship => push_text(person.citizenship.as_str(), out),
        Column::AdmissionClass => push_text(person.admission.as_ref().map_or("", |one| one.class.as_str()), out),
        Column::AdmittedOn => push_day(person.admission.map(|one| one.on), out),
        Column::AdmittedUntil => push_day(person.admission.and_then(|one| one.until), out),
        Column::Status => push_text(person.status.name(), out),
        Column::StatusSince => push_day(person.status_since, out),
        Column::Number(kind) => push_numbers(person, kind, out),
        Column::PassportCountry => push_issuers(person, IdentifierKind::Passport, out),
        Column::LicenceState => push_issuers(person, IdentifierKind::Licence, out),
        Column::Aliases => push_aliases(&person.aliases, out),
        Column::Detail(field) => push_text(person.detail(field).unwrap_or(""), out),
    }
}

fn push_numbers(person: &Person, kind: IdentifierKind, out: &mut Vec<u8>) {
    let own = person.reference.and_then(Identifier::from_reference);
    let numbers = own.iter().chain(&person.identifiers).filter(|number| number.kind == kind);
    for (place, number) in numbers.enumerate() {
        if place > 0 {
            out.push(b';');
        }
        push_text(number.text(), out);
    }
}

fn push_issuers(person: &Person, kind: IdentifierKind, out: &mut Vec<u8>) {
    for (place, number) in person.identifiers.iter().filter(|number| number.kind == kind).enumerate() {
        if place > 0 {
            out.push(b';');
        }
        push_text(number.issuer.as_ref().map_or("", |issuer| issuer.as_str()), out);
    }
}

fn push_aliases(aliases: &[Alias], out: &mut Vec<u8>) {
    if aliases.is_empty() {
        return;
    }
    let mut text = String::new();
    for alias in aliases {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&whole_name(&alias.surname, &alias.given, &alias.middle));
    }
    push_text(&text, out);
}

/// `SURNAME, GIVEN MIDDLE`.
pub(crate) fn whole_name(surname: &str, given: &str, middle: &str) -> String {
    let space = if middle.is_empty() { "" } else { " " };
    format!("{surname}, {given}{space}{middle}")
}

/// A cell, in quotation marks if it needs them.
pub(crate) fn push_text(text: &str, out: &mut Vec<u8>) {
    if !text.bytes().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r' | b';')) {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    for b in text.bytes() {
        out.push(b);
        if b == b'"' {
            out.push(b);
        }
    }
    out.push(b'"');
}

/// `YYYY-MM-DD`, or nothing.
pub(crate) fn push_day(day: Option<jiff::civil::Date>, out: &mut Vec<u8>) {
    let Some(day) = day else { return };
    push_digits(u32::from(day.year().unsigned_abs()), 4, out);
    out.push(b'-');
    push_digits(u32::from(day.month().unsigned_abs()), 2, out);
    out.push(b'-');
    push_digits(u32::from(day.day().unsigned_abs()), 2, out);
}

fn push_digits(mut number: u32, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    for place in out.iter_mut().skip(start).rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Writes an export, compressed or not.
pub struct Writer<W: Write> {
    layout: Layout,
    row: Vec<u8>,
    out: W,
}

/// Says nothing of the records.
impl<W: Write> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl<W: Write> Writer<W> {
    /// Begins an export by the line of names.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(layout: Layout, mut out: W) -> io::Result<Self> {
        let mut row = Vec::with_capacity(512);
        layout.push_header(&mut row);
        out.write_all(&row)?;
        Ok(Self { layout, row, out })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, person: &Person) -> io::Result<()> {
        self.row.clear();
        self.layout.push(person, &mut self.row);
        self.out.write_all(&self.row)
    }

    /// What was written to, with everything in it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}
