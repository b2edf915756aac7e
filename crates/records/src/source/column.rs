//! The columns of an export: their names, the other names they go by, what they hold.

use crate::{Field, IdentifierKind};

/// A column, whatever its place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// `source`: the name of the source, if the file holds several.
    Source,
    /// `alien_number`
    AlienNumber,
    /// `surname`: family name or names.
    Surname,
    /// `second_surname`: the second family name, where it has a column of its own; only read.
    SecondSurname,
    /// `given`: first given name.
    Given,
    /// `middle`: further given names.
    Middle,
    /// `name`: a whole name, `SURNAME, GIVEN MIDDLE`; only read.
    Name,
    /// `born`: date of birth.
    Born,
    /// `sex`
    Sex,
    /// `birth_place`
    BirthPlace,
    /// `citizenship`
    Citizenship,
    /// `admission_class`
    AdmissionClass,
    /// `admitted_on`
    AdmittedOn,
    /// `admitted_until`
    AdmittedUntil,
    /// `status`
    Status,
    /// `status_since`
    StatusSince,
    /// A number of a kind, or several with semicolons between.
    Number(IdentifierKind),
    /// `passport_country`: as many as passports.
    PassportCountry,
    /// `licence_state`: as many as licences.
    LicenceState,
    /// `aliases`: whole names with semicolons between.
    Aliases,
    /// What one kind of source records of its own.
    Detail(Field),
}

/// The columns that are not of a kind of number and not a source's own field: name, other names, meaning.
static PLAIN: [(Column, &str, &[&str], &str); 19] = [
    (
        Column::Source,
        "source",
        &["database", "system"],
        "Name of the source (`CIS`, `NIIS`, …), if the file holds several.",
    ),
    (
        Column::AlienNumber,
        "alien_number",
        &[
            "a_number",
            "anumber",
            "a_no",
            "alien_no",
            "alien_registration_number",
            "arn",
            "a_file",
            "a_file_number",
            "uscis_number",
        ],
        "Alien number: up to nine digits, with or without `A`, hyphens and leading zeros.",
    ),
    (
        Column::Surname,
        "surname",
        &[
            "last_name",
            "lastname",
            "last",
            "lname",
            "family_name",
            "familyname",
            "family",
            "first_surname",
            "paternal_surname",
        ],
        "Family name or names.",
    ),
    (
        Column::SecondSurname,
        "second_surname",
        &["surname2", "surname_2", "last_name_2", "lastname2", "maternal_surname", "mothers_surname"],
        "Second family name, where it has a column of its own; read only, added to `surname`.",
    ),
    (
        Column::Given,
        "given",
        &["given_name", "givenname", "first_name", "firstname", "first", "fname", "forename"],
        "First given name. Further ones may follow it if there is no `middle`.",
    ),
    (
        Column::Middle,
        "middle",
        &["middle_name", "middlename", "middle_names", "mname", "middle_initial", "mi", "patronymic"],
        "Further given names, a patronymic or an initial.",
    ),
    (
        Column::Name,
        "name",
        &["full_name", "fullname", "person_name", "whole_name", "nam"],
        "Whole name, `SURNAME, GIVEN MIDDLE`, instead of `surname` and `given`; read only.",
    ),
    (
        Column::Born,
        "born",
        &["dob", "date_of_birth", "birth_date", "birthdate", "birth_dt", "birth", "d_o_b"],
        "Date of birth. A year alone is kept as its January 1.",
    ),
    (Column::Sex, "sex", &["gender", "sex_code"], "`F`, `M`, `U`; also the words; empty is `U`."),
    (
        Column::BirthPlace,
        "birth_place",
        &["pob", "cob", "place_of_birth", "country_of_birth", "birth_country", "birthplace"],
        "Country of birth: two letters of the NCIC place table; empty is `YY`.",
    ),
    (
        Column::Citizenship,
        "citizenship",
        &["cit", "ctz", "coc", "nationality", "country_of_citizenship", "citizenship_country"],
        "Country of citizenship, as `birth_place`; if there is no such column, the country of birth.",
    ),
    (
        Column::AdmissionClass,
        "admission_class",
        &["class_of_admission", "coa", "class", "admit_class"],
        "Class of the last admission, such as `B2`.",
    ),
    (
        Column::AdmittedOn,
        "admitted_on",
        &["admission_date", "date_of_admission", "arrival_date", "entry_date", "date_of_entry", "doe", "admitted"],
        "Day of the last admission; an admission has both day and class.",
    ),
    (
        Column::AdmittedUntil,
        "admitted_until",
        &["admit_until", "admitted_to", "authorized_until", "until", "expires_on"],
        "Last day of the authorized stay; `D/S` (duration of status) and empty are no end.",
    ),
    (
        Column::Status,
        "status",
        &["status_code", "immigration_status", "current_status"],
        "Last known status, by its name or by the sentence of the answer.",
    ),
    (
        Column::StatusSince,
        "status_since",
        &["status_date", "status_on", "date_of_status"],
        "Day since when the status holds.",
    ),
    (
        Column::PassportCountry,
        "passport_country",
        &["passport_issuer", "passport_coi"],
        "Country that issued the passport, two letters.",
    ),
    (
        Column::LicenceState,
        "licence_state",
        &["license_state", "ols", "dl_state", "licence_issuer"],
        "State that issued the licence, two letters.",
    ),
    (
        Column::Aliases,
        "aliases",
        &["alias", "aka", "also_known_as", "other_names"],
        "Other names: whole names with semicolons between.",
    ),
];

/// Other names of the columns of numbers.
static NUMBERS: [(IdentifierKind, &[&str]); 8] = [
    (IdentifierKind::Fbi, &["fbi_number", "fbi_no", "ucn"]),
    (IdentifierKind::Ssn, &["soc", "ssn_number", "social_security_number", "social_security"]),
    (IdentifierKind::Passport, &["passport_number", "passport_no", "ppn"]),
    (IdentifierKind::I94, &["i_94", "i94_number", "i_94_number", "admission_number"]),
    (
        IdentifierKind::Licence,
        &["license", "oln", "dln", "license_number", "licence_number", "drivers_license", "driver_license"],
    ),
    (IdentifierKind::Fin, &["fin_number", "fingerprint_id", "fins"]),
    (IdentifierKind::Sevis, &["sevis_id", "sevis_number", "sevis_no"]),
    (IdentifierKind::Receipt, &["receipt_number", "receipt_no"]),
];

impl Column {
    /// Every column there is, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = PLAIN.iter().map(|(column, ..)| *column);
        let numbers = IdentifierKind::ALL.iter().map(|kind| Self::Number(*kind));
        plain.chain(numbers).chain(Field::ALL.iter().map(|field| Self::Detail(*field)))
    }

    /// The name by which it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        if let Self::Number(kind) = self {
            kind.column()
        } else if let Self::Detail(field) = self {
            field.column()
        } else {
            self.plain().map_or("", |(_, name, ..)| name)
        }
    }

    /// The other names by which it is read.
    #[must_use]
    pub fn synonyms(self) -> &'static [&'static str] {
        if let Self::Number(kind) = self {
            NUMBERS.iter().find(|(of, _)| *of == kind).map_or(&[], |(_, synonyms)| synonyms)
        } else {
            self.plain().map_or(&[], |(_, _, synonyms, _)| synonyms)
        }
    }

    /// What it holds, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        if let Self::Number(kind) = self {
            kind.meaning()
        } else if let Self::Detail(field) = self {
            field.meaning()
        } else {
            self.plain().map_or("", |(.., meaning)| meaning)
        }
    }

    fn plain(self) -> Option<&'static (Self, &'static str, &'static [&'static str], &'static str)> {
        PLAIN.iter().find(|(column, ..)| *column == self)
    }

    /// The column of a name in the header of a file. Case does not count, and neither does what separates words.
    #[must_use]
    pub fn of_header(header: &str) -> Option<Self> {
        let asked = plain_name(header);
        Self::all().find(|column| {
            let is_asked = |name: &str| without_separators(name).eq(without_separators(&asked));
            is_asked(column.name()) || column.synonyms().iter().any(|name| is_asked(name))
        })
    }
}

/// A header in small letters, whatever separated its words an underscore: `Date of Birth ` is `date_of_birth`.
pub(super) fn plain_name(header: &str) -> String {
    let mut plain = String::with_capacity(header.len());
    for c in header.trim().trim_start_matches('\u{FEFF}').chars() {
        if c.is_alphanumeric() {
            plain.extend(c.to_lowercase());
        } else if !plain.is_empty() && !plain.ends_with('_') {
            plain.push('_');
        }
    }
    plain.truncate(plain.trim_end_matches('_').len());
    plain
}

fn without_separators(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|c| *c != '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_of_one_column_only() {
        for column in Column::all() {
            assert!(!column.name().is_empty() && !column.meaning().is_empty(), "{column:?}");
            for name in column.synonyms().iter().copied().chain([column.name()]) {
                assert_eq!(Column::of_header(name), Some(column), "{name}");
            }
        }
    }

    #[test]
    fn headers_are_read_in_any_case_and_spacing() {
        for (header, column) in [
            ("Date of Birth", Some(Column::Born)),
            ("\u{FEFF}A-Number", Some(Column::AlienNumber)),
            ("LastName", Some(Column::Surname)),
            (" FAMILY NAME ", Some(Column::Surname)),
            ("I-94", Some(Column::Number(IdentifierKind::I94))),
            ("shoe size", None),
            ("", None),
        ] {
            assert_eq!(Column::of_header(header), column, "{header}");
        }
    }

    #[test]
    fn every_column_is_documented() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocol-specs/records.md");
        let text = std::fs::read_to_string(path).unwrap();
        for column in Column::all() {
            let row = format!("| `{}` |", column.name());
            let line = text.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("{row}"));
            assert!(line.contains(column.meaning()), "{row} {}", column.meaning());
            for synonym in column.synonyms() {
                assert!(line.contains(&format!("`{synonym}`")), "{row} {synonym}");
            }
        }
    }
}
