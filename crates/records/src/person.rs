//! A person as one source has it on record, and the identifiers in it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::columned::columned;
use crate::{Identifier, IdentifierKind, ShortText, Status};

/// One record of one source. A person who is known to several sources has several records with one alien number,
/// unless one of them has it wrong.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The number of the person's file.
    pub alien_number: AlienNumber,
    /// Who holds the record.
    pub source: Source,
    /// The source's own number for the record, where it does not go by the alien number.
    pub reference: Option<Reference>,
    /// Family name or names, upper-case A–Z, space, hyphen, apostrophe in what [`synth`](crate::synth) makes.
    pub surname: String,
    /// First given name.
    pub given: String,
    /// Further given names, a patronymic or an initial; empty if there is none.
    pub middle: String,
    /// Date of birth, if known. January 1 may stand for a year alone.
    pub born: Option<Date>,
    /// Sex as recorded.
    pub sex: Sex,
    /// Country of birth.
    pub birth_place: Place,
    /// Country of citizenship.
    pub citizenship: Place,
    /// The last admission, if there was one.
    pub admission: Option<Admission>,
    /// Last known status.
    pub status: Status,
    /// Since when the status holds, if known.
    pub status_since: Option<Date>,
    /// Further numbers of the person, beside the alien number and the reference.
    pub identifiers: Vec<Identifier>,
    /// Other names that the source has for the person.
    pub aliases: Vec<Alias>,
    /// What only this kind of source records, each field once, in the order of [`Field::ALL`].
    pub details: Vec<Detail>,
}

impl Person {
    /// A record with nothing in it but what every record has; the rest is for the caller to fill in.
    #[must_use]
    pub const fn new(alien_number: AlienNumber, source: Source, status: Status) -> Self {
        Self {
            alien_number,
            source,
            reference: None,
            surname: String::new(),
            given: String::new(),
            middle: String::new(),
            born: None,
            sex: Sex::Unknown,
            birth_place: Place::OTHER,
            citizenship: Place::OTHER,
            admission: None,
            status,
            status_since: None,
            identifiers: Vec::new(),
            aliases: Vec::new(),
            details: Vec::new(),
        }
    }

    /// Every number by which the record can be asked for, the reference among them; the alien number is apart.
    pub fn numbers(&self) -> impl Iterator<Item = Identifier> + '_ {
        self.reference.and_then(Identifier::from_reference).into_iter().chain(self.identifiers.iter().copied())
    }

    /// The first further number of a kind.
    #[must_use]
    pub fn number(&self, kind: IdentifierKind) -> Option<Identifier> {
        self.numbers().find(|number| number.kind == kind)
    }

    /// What the source records in a field of its own.
    #[must_use]
    pub fn detail(&self, field: Field) -> Option<&str> {
        self.details.iter().find(|detail| detail.field == field).map(|detail| detail.text.as_str())
    }
}

/// Another name of a person.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Alias {
    /// Family name or names.
    pub surname: String,
    /// First given name.
    pub given: String,
    /// Further given names; empty if there is none.
    pub middle: String,
}

/// Does not show the name: names do not belong in logs.
impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alias").finish_non_exhaustive()
    }
}

/// What one kind of source records of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// What it is.
    pub field: Field,
    /// As recorded: dates as `YYYY-MM-DD`, codes in capitals.
    pub text: ShortText,
}

/// Says which field, not what it holds.
impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detail").field("field", &self.field).finish_non_exhaustive()
    }
}

columned! {
    /// A field that one kind of source records of its own. Which sources: `protocol-specs/records.md`.
    Field {
        1 FileOffice "file_office" "Office that holds the file, or the docket of the case: three letters.";
        2 Port "port" "Port of entry: three letters.";
        3 Carrier "carrier" "Carrier and flight of the arrival.";
        4 DepartedOn "departed_on" "Day of the departure.";
        5 VisaPost "visa_post" "Post that issued the visa: three letters.";
        6 Form "form" "Form of the application, such as `I-485`.";
        7 ReceivedOn "received_on" "Day on which the application was received or filed.";
        8 EncounteredOn "encountered_on" "Day of the encounter.";
        9 EncounteredAt "encountered_at" "Border patrol sector or office of the encounter: three letters.";
        10 School "school" "School or program sponsor, by its code.";
        11 ProgramEnd "program_end" "Day on which the program of study ends.";
        12 Charge "charge" "Section of the act that the removal is charged under.";
        13 OrderedOn "ordered_on" "Day of the judge's order.";
        14 CertificateOn "certificate_on" "Day of the certificate of naturalization or citizenship.";
    }
}

/// Says which source holds the record and nothing about the person: records do not belong in logs.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("source", &self.source).finish_non_exhaustive()
    }
}

/// How and when a person was last admitted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Class of admission, as `protocol-specs/codes/class_of_admission.csv` lists them.
    pub class: AdmissionClass,
    /// Day of the admission.
    pub on: Date,
    /// Last day of the authorized stay; none for a stay without end or for the duration of status.
    pub until: Option<Date>,
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

/// Alien registration number, 1 to 999,999,999; written as nine digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlienNumber(u32);

impl AlienNumber {
    /// The largest number that nine digits hold.
    pub const MAX: u32 = 999_999_999;

    /// The number, if nine digits hold it and it is not zero.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number >= 1 && number <= Self::MAX { Some(Self(number)) } else { None }
    }

    /// The bare number.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }
}

/// Nine digits, as answers show it.
impl fmt::Display for AlienNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:09}", self.0)
    }
}

/// Does not show the number: identifiers of persons do not belong in logs.
impl fmt::Debug for AlienNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlienNumber(…)")
    }
}

/// Eight or nine digits, with or without a leading `A`.
impl FromStr for AlienNumber {
    type Err = NotAnAlienNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(['A', 'a']).unwrap_or(text);
        if !matches!(digits.len(), 8 | 9) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAnAlienNumber);
        }
        digits.parse().ok().and_then(Self::new).ok_or(NotAnAlienNumber)
    }
}

/// A text is no alien number: not eight or nine digits, or all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an alien number: eight or nine digits, not all zero")]
pub struct NotAnAlienNumber;

/// Two characters of the NCIC place table (not ISO): `MM` is Mexico, `ES` Estonia, `YY` any other country.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place([u8; 2]);

impl Place {
    /// Any foreign place without a code of its own.
    pub const OTHER: Self = Self(*b"YY");

    /// The code, if it is two letters; lower case is raised. Whether the table lists it is for the caller to know.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let bytes: [u8; 2] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphabetic).then(|| Self(bytes.map(|b| b.to_ascii_uppercase())))
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("YY")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

/// Class of admission: one to three letters and digits, such as `B2`, `F1`, `IR6`, `EWI`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AdmissionClass([u8; 3]);

impl AdmissionClass {
    /// The class, if it is one to three letters and digits; lower case is raised.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let mut bytes = *b"   ";
        let code = code.as_bytes();
        if code.is_empty() || code.len() > bytes.len() || !code.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        for (slot, byte) in bytes.iter_mut().zip(code) {
            *slot = byte.to_ascii_uppercase();
        }
        Some(Self(bytes))
    }

    /// The code without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("").trim_end()
    }
}

impl fmt::Display for AdmissionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AdmissionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdmissionClass({self})")
    }
}

/// A source's own number for a record, in the form that the source gives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    source: Source,
    number: u64,
}

impl Reference {
    /// The number of a source, if the source has numbers of its own and its form holds this one (1 and up).
    #[must_use]
    pub fn new(source: Source, number: u64) -> Option<Self> {
        let digits = match source {
            Source::Niis | Source::Adis => 11,
            Source::Claims | Source::Enforce | Source::Sevis => 10,
            Source::Cis | Source::Dacs | Source::Raps => return None,
        };
        (number >= 1 && number < 10_u64.pow(digits)).then_some(Self { source, number })
    }

    /// The digits as a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    /// The source whose number it is.
    #[must_use]
    pub const fn source(self) -> Source {
        self.source
    }

    /// The number in a text of the form that [`Display`](fmt::Display) gives, if it is one of the source.
    #[must_use]
    pub fn parse(source: Source, text: &str) -> Option<Self> {
        let digits = match source {
            Source::Claims => text.strip_prefix("ZZZ").unwrap_or(text),
            Source::Sevis => text.strip_prefix('N').unwrap_or(text),
            Source::Cis | Source::Niis | Source::Adis | Source::Enforce | Source::Dacs | Source::Raps => text,
        };
        let is_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let reference =
            is_digits.then(|| digits.parse().ok()).flatten().and_then(|number| Self::new(source, number))?;
        // The leading zeros are part of the form.
        (reference.to_string() == text).then_some(reference)
    }
}

/// An I-94 number (11 digits), a receipt number (`ZZZ` and 10 digits: a service center that does not exist), a
/// fingerprint identification number (10 digits), a SEVIS number (`N` and 10 digits).
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        match self.source {
            Source::Niis | Source::Adis => write!(f, "{number:011}"),
            Source::Claims => write!(f, "ZZZ{number:010}"),
            Source::Sevis => write!(f, "N{number:010}"),
            Source::Enforce | Source::Cis | Source::Dacs | Source::Raps => write!(f, "{number:010}"),
        }
    }
}

/// Does not show the number: identifiers of persons do not belong in logs.
impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({:?}, …)", self.source)
    }
}

/// Sex as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Sex {
    /// `F`
    Female,
    /// `M`
    Male,
    /// `U`: not recorded.
    #[default]
    Unknown,
}

impl Sex {
    /// The one letter that records and messages use.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Female => 'F',
            Self::Male => 'M',
            Self::Unknown => 'U',
        }
    }

    /// The sex of a letter, either case; none for any letter but F, M and U.
    #[must_use]
    pub const fn from_letter(letter: char) -> Option<Self> {
        match letter.to_ascii_uppercase() {
            'F' => Some(Self::Female),
            'M' => Some(Self::Male),
            'U' => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// The eight databases that an inquiry asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Central index: every alien file, where it is, immigrants and naturalized persons.
    Cis,
    /// Nonimmigrants' arrivals and departures.
    Niis,
    /// Applications for benefits, with their receipt numbers.
    Claims,
    /// Entries and exits matched, and who stayed too long.
    Adis,
    /// Enforcement encounters, with their fingerprint identification numbers.
    Enforce,
    /// Students and exchange visitors.
    Sevis,
    /// Removal cases.
    Dacs,
    /// Asylum applications.
    Raps,
}

impl Source {
    /// All eight, in the order of their size.
    pub const ALL: [Self; 8] =
        [Self::Cis, Self::Niis, Self::Claims, Self::Adis, Self::Enforce, Self::Sevis, Self::Dacs, Self::Raps];

    /// The name by which an answer calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cis => "CIS",
            Self::Niis => "NIIS",
            Self::Claims => "CLAIMS",
            Self::Adis => "ADIS",
            Self::Enforce => "ENFORCE",
            Self::Sevis => "SEVIS",
            Self::Dacs => "DACS",
            Self::Raps => "RAPS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alien_numbers_are_nine_digits() {
        assert_eq!(AlienNumber::new(1).map(|n| n.to_string()).as_deref(), Some("000000001"));
        for (text, number) in
            [("000000001", Some(1)), ("A12345678", Some(12_345_678)), ("a999999999", Some(999_999_999))]
        {
            assert_eq!(text.parse().ok().map(AlienNumber::value), number);
        }
        for text in ["", "A", "000000000", "1234567", "1234567890", "AA12345678", "12345678 ", "١٢٣٤٥٦٧٨"] {
            assert_eq!(text.parse::<AlienNumber>(), Err(NotAnAlienNumber), "{text}");
        }
    }

    #[test]
    fn codes_are_checked_and_raised() {
        assert_eq!(Place::new("mm").map(|p| p.to_string()).as_deref(), Some("MM"));
        assert_eq!([Place::new("M"), Place::new("MMM"), Place::new("M1"), Place::new("é")], [None; 4]);
        assert_eq!(AdmissionClass::new("f1").map(|c| c.to_string()).as_deref(), Some("F1"));
        assert_eq!([AdmissionClass::new(""), AdmissionClass::new("ABCD"), AdmissionClass::new("A 1")], [None; 3]);
    }

    #[test]
    fn references_have_the_form_of_their_source() {
        let shown = |source| Reference::new(source, 42).map(|r| r.to_string());
        assert_eq!(shown(Source::Sevis).as_deref(), Some("N0000000042"));
        assert_eq!(shown(Source::Claims).as_deref(), Some("ZZZ0000000042"));
        assert_eq!(shown(Source::Niis).as_deref(), Some("00000000042"));
        assert_eq!(shown(Source::Cis), None);
        assert_eq!(Reference::new(Source::Enforce, 10_000_000_000), None);
    }

    #[test]
    fn debug_shows_no_person() {
        let person = crate::synth::person(1, 77);
        let shown = format!("{person:?} {:?} {:?} {:?}", person.alien_number, person.reference, person.admission);
        let shown = format!("{shown} {:?} {:?} {:?}", person.identifiers, person.aliases, person.details);
        for secret in [person.surname, person.given, person.alien_number.to_string()] {
            assert!(!shown.contains(&secret));
        }
    }
}
