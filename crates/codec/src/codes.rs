//! Code tables: which codes a coded field can hold, and what they mean (`protocol-specs/codes/`).
//!
//! The tables are extracts of the National Information Exchange Model and are compiled in. A code of one table means
//! something else in another, and all of them something else than a routing code: `AX` is a line of the network and,
//! in the place table, a tribe (`protocol-specs/formats.md` 2.2).

use std::sync::OnceLock;

/// A table that a field of the dictionary can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Colors of eyes.
    Eye,
    /// Colors of hair.
    Hair,
    /// Letters of the NCIC files.
    NcicFile,
    /// Kinds of miscellaneous numbers: alien registration, passport and so on.
    NumberKind,
    /// NCIC offense codes.
    Offense,
    /// Where a person can be born: countries, states, territories, provinces, in NCIC's codes, which are not ISO's.
    Place,
    /// Races.
    Race,
    /// Sexes.
    Sex,
    /// Tones of skin.
    Skin,
    /// States, territories and provinces that issue licenses and state numbers.
    State,
}

impl Table {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 10] = [
        Self::Eye,
        Self::Hair,
        Self::NcicFile,
        Self::NumberKind,
        Self::Offense,
        Self::Place,
        Self::Race,
        Self::Sex,
        Self::Skin,
        Self::State,
    ];

    /// What the dictionary's files call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eye => "eye",
            Self::Hair => "hair",
            Self::NcicFile => "ncic-file",
            Self::NumberKind => "number-kind",
            Self::Offense => "offense",
            Self::Place => "place",
            Self::Race => "race",
            Self::Sex => "sex",
            Self::Skin => "skin",
            Self::State => "state",
        }
    }

    /// The table that the dictionary's files call so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The files of `protocol-specs/codes/` that it is made of.
    #[must_use]
    pub const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Eye => &["eye.csv"],
            Self::Hair => &["hair.csv"],
            Self::NcicFile => &["ncic_file.csv"],
            Self::NumberKind => &["mnu.csv"],
            Self::Offense => &["off.csv"],
            Self::Place => &[
                "countries.csv",
                "us_states.csv",
                "us_territories.csv",
                "canadian_provinces.csv",
                "mexican_states.csv",
                "pob_niem20.csv",
            ],
            Self::Race => &["race.csv"],
            Self::Sex => &["sex.csv"],
            Self::Skin => &["skin.csv"],
            Self::State => &[
                "us_states.csv",
                "us_territories.csv",
                "canadian_provinces.csv",
                "mexican_states.csv",
                "state_province_lsta.csv",
            ],
        }
    }

    /// What a code means, in either case of its letters; nothing where the table does not have it.
    #[must_use]
    pub fn text(self, code: &str) -> Option<&'static str> {
        let rows = self.rows();
        let at = rows.binary_search_by_key(&packed(code)?, |row| row.packed).ok()?;
        rows.get(at).map(|row| row.text.as_str())
    }

    /// Whether the table has a code, in either case of its letters.
    #[must_use]
    pub fn contains(self, code: &str) -> bool {
        self.text(code).is_some()
    }

    /// Its codes and what they mean, in order of the codes.
    pub fn entries(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.rows().iter().map(|row| (row.code.as_str(), row.text.as_str()))
    }

    fn rows(self) -> &'static [Row] {
        static ROWS: [OnceLock<Vec<Row>>; Table::ALL.len()] = [const { OnceLock::new() }; Table::ALL.len()];
        ROWS.get(self as usize).map_or(&[], |rows| rows.get_or_init(|| read(self.files())))
    }
}

/// The files of `protocol-specs/codes/` that are compiled in, by their names. In the place table the older list stands
/// last, for what the newer ones no longer have: records keep the code they were made with.
const FILES: &[(&str, &str)] = &[
    ("canadian_provinces.csv", include_str!("../../../protocol-specs/codes/canadian_provinces.csv")),
    ("countries.csv", include_str!("../../../protocol-specs/codes/countries.csv")),
    ("eye.csv", include_str!("../../../protocol-specs/codes/eye.csv")),
    ("hair.csv", include_str!("../../../protocol-specs/codes/hair.csv")),
    ("mexican_states.csv", include_str!("../../../protocol-specs/codes/mexican_states.csv")),
    ("mnu.csv", include_str!("../../../protocol-specs/codes/mnu.csv")),
    ("ncic_file.csv", include_str!("../../../protocol-specs/codes/ncic_file.csv")),
    ("off.csv", include_str!("../../../protocol-specs/codes/off.csv")),
    ("pob_niem20.csv", include_str!("../../../protocol-specs/codes/pob_niem20.csv")),
    ("race.csv", include_str!("../../../protocol-specs/codes/race.csv")),
    ("sex.csv", include_str!("../../../protocol-specs/codes/sex.csv")),
    ("skin.csv", include_str!("../../../protocol-specs/codes/skin.csv")),
    ("state_province_lsta.csv", include_str!("../../../protocol-specs/codes/state_province_lsta.csv")),
    ("us_states.csv", include_str!("../../../protocol-specs/codes/us_states.csv")),
    ("us_territories.csv", include_str!("../../../protocol-specs/codes/us_territories.csv")),
];

fn text_of(file: &str) -> &'static str {
    FILES.iter().find(|(name, _)| *name == file).map_or("", |(_, text)| text)
}

#[derive(Debug)]
struct Row {
    packed: u64,
    code: String,
    text: String,
}

/// Reads tables of two columns, code and text, under a heading; where two have a code, the first one's text holds.
/// What is not such a row is left out: the test that counts rows would see it.
fn read(files: &[&str]) -> Vec<Row> {
    let records =
        files.iter().flat_map(|file| csv::Reader::from_reader(text_of(file).as_bytes()).into_records().flatten());
    let mut rows: Vec<Row> = records
        .filter_map(|record| {
            let (code, text) = (record.get(0)?.to_owned(), record.get(1)?.to_owned());
            Some(Row { packed: packed(&code)?, code, text })
        })
        .collect();
    rows.sort_by_key(|row| row.packed);
    rows.dedup_by_key(|row| row.packed);
    rows
}

/// A code of up to 8 bytes as a number: a look-up compares numbers, and upper with lower case. Shorter codes come first.
fn packed(code: &str) -> Option<u64> {
    let fits = (1..=8).contains(&code.len());
    fits.then(|| code.bytes().fold(0, |sum: u64, byte| sum << 8 | u64::from(byte.to_ascii_uppercase())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_of_every_file_is_in_its_table() {
        for table in Table::ALL {
            // The first column of every line after the heading; no code is quoted.
            let first = |line: &'static str| line.split(',').next().unwrap();
            let lines = |file: &&str| text_of(file).lines().skip(1);
            let codes: BTreeSet<&str> = table.files().iter().flat_map(lines).map(first).collect();
            assert!(!codes.is_empty() && Table::named(table.name()) == Some(table), "{table:?}");
            let read: BTreeSet<&str> = table.entries().map(|(code, _)| code).collect();
            assert_eq!(read, codes, "{table:?}");
            assert!(
                table.entries().all(|(code, text)| !text.is_empty() && table.text(code) == Some(text)),
                "{table:?}"
            );
        }
        assert_eq!((Table::Offense.entries().count(), Table::Sex.entries().count()), (464, 3));
    }

    #[test]
    fn codes_are_found_in_either_case_and_only_whole() {
        assert_eq!(Table::Offense.text("0399"), Some("IMMIGRATION"));
        assert_eq!(Table::Sex.text("m"), Some("MALE"));
        for place in ["MM", "mm", "YY", "XX", "RC", "XN", "NB", "ZF", "AG"] {
            assert!(Table::Place.contains(place), "{place}");
        }
        for other in ["", "M", "MMM", "ZZ", "A ", "123456789"] {
            assert!(!Table::Place.contains(other), "{other}");
        }
        assert!(Table::State.contains("NB") && !Table::State.contains("NE") && Table::State.contains("PQ"));
    }
}
