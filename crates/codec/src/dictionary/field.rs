//! The rules of one key's fields, as the dictionary states them. [`FieldRules::check`](FieldRules) applies them.

use std::fmt;
use std::ops::RangeInclusive;

use super::Mark;
use super::sets::{FieldSet, FieldSets};
use crate::codes::Table;
use crate::name::Prefix;
use crate::notice::ErNumber;

/// All fields of a key, in the order in which a form shows them and an option list names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRules {
    pub(super) fields: Vec<FieldSpec>,
    /// The prefixes of `fields`, packed, at the same places: what a look-up walks.
    pub(super) packed: Vec<u32>,
    /// A bit for each of `fields` that is required.
    pub(super) required: u64,
    pub(super) sets: FieldSets,
    /// What tells the sender that required fields are missing: [`ErNumber::FieldsMissing`] or [`ErNumber::Options`].
    pub(super) missing: ErNumber,
    pub(super) unknown: Unknown,
    /// How a field begins in whose value there is a letter to drop: `ARN/A`.
    pub(super) courtesies: Vec<Vec<u8>>,
    pub(super) options: Vec<String>,
}

impl FieldRules {
    /// How many fields a key can have: one for each bit of a set.
    pub const FIELDS_MAX: usize = 64;

    /// Every field, in order.
    #[must_use]
    pub fn fields(&self) -> &[FieldSpec] {
        &self.fields
    }

    /// The field of a prefix, in either case of its letters.
    #[must_use]
    pub fn field(&self, prefix: &str) -> Option<&FieldSpec> {
        self.fields.get(self.position(prefix)?)
    }

    /// What happens to prefixes that are not listed.
    #[must_use]
    pub const fn unknown(&self) -> Unknown {
        self.unknown
    }

    /// The combinations of which a body has exactly one; none where the fields stand each for itself.
    #[must_use]
    pub fn sets(&self) -> &[FieldSet] {
        &self.sets.sets
    }

    /// The field whose value says which of the sets it can be.
    #[must_use]
    pub fn chosen_by(&self) -> Option<&FieldSpec> {
        self.fields.get(self.sets.chosen_by?)
    }

    /// What tells the sender that required fields are missing.
    #[must_use]
    pub const fn missing(&self) -> ErNumber {
        self.missing
    }

    /// The combinations of required fields, one to a line of ER 22.
    #[must_use]
    pub fn options(&self) -> &[String] {
        &self.options
    }

    pub(super) fn position(&self, prefix: &str) -> Option<usize> {
        let packed = packed(prefix);
        self.packed.iter().position(|known| *known == packed)
    }

    /// The prefixes that a set of bits stands for, as an option list writes them.
    pub(super) fn names(fields: &[FieldSpec], bits: u64) -> String {
        named(fields, bits).map(|field| field.prefix.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The fields that a set of bits stands for.
pub(super) fn named(fields: &[FieldSpec], bits: u64) -> impl Iterator<Item = &FieldSpec> {
    fields.iter().enumerate().filter(move |(at, _)| bits & bit(*at) != 0).map(|(_, field)| field)
}

/// The bit of the field at a place; none beyond the last.
pub(super) fn bit(at: usize) -> u64 {
    u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or(0)
}

/// A prefix of at most three letters as a number, so that finding one compares numbers, and upper with lower case.
pub(super) fn packed(prefix: &str) -> u32 {
    prefix.bytes().fold(0, |sum: u32, byte| sum << 8 | u32::from(byte.to_ascii_uppercase()))
}

/// One field of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// The letters before its `/`.
    pub prefix: Prefix,
    /// Its name for a person, as a form shows it.
    pub label: String,
    /// What belongs into it, in a sentence or two.
    pub help: String,
    /// Whether the key requires it.
    pub required: bool,
    /// How many bytes its value can have; from 0 on, if an empty value is one, which takes away what stood there.
    pub length: RangeInclusive<usize>,
    /// Which bytes its value can have.
    pub characters: Characters,
    /// Which bytes it can be written with: those, and the small letters that are folded into them.
    pub(super) written: Characters,
    /// The only values it can have, where they are few.
    pub values: Vec<Value>,
    /// The table that its values come from, where they are many.
    pub table: Option<Table>,
    /// Codes of the table that it cannot have.
    pub except: Vec<String>,
    /// A form beyond length and characters.
    pub form: Option<Form>,
    /// A letter before the value that is accepted and dropped.
    pub courtesy: Option<char>,
    /// Whether it is coded, and travels in upper case, or free text, and travels as it came.
    pub text: Text,
    /// The number of the ER that tells a bad value.
    pub refusal: ErNumber,
    /// Where in `protocol-specs` it is described.
    pub source: String,
    /// How sure that is.
    pub mark: Mark,
}

/// One of the few values of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The value.
    pub code: String,
    /// What it means.
    pub text: String,
}

/// A form that a value has to have beyond its length and its characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A line or group of 2 characters, or an ORI of 9.
    Address,
    /// `ccyymmdd` or `mmddyy`, of a person who can be alive: see [`super::birth_date`].
    BirthDate,
    /// A day or a minute: see [`super::Moment`].
    Moment,
    /// The kind of a number, as the FBI's table of them has it, a hyphen, the number.
    MiscellaneousNumber,
    /// Surname, comma, given names.
    Name,
    /// The letter of an NCIC file and nine letters or digits; or `NONE`.
    NcicNumber,
    /// How long: minutes or hours, see [`super::span`].
    Span,
    /// A number that begins with the two letters of the state that gave it.
    StateNumber,
    /// Four digits, 1900 to 2099.
    Year,
    /// Four digits, 1900 to 2099, or the last two of them.
    YearOrShort,
}

/// Whether a field's value is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Text {
    /// Read in either case of its letters, travels in upper case.
    Coded,
    /// Travels as it came.
    Free,
}

/// What happens to a field with a prefix that the key does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// It travels as it came, for the key's public field list is incomplete.
    Carried,
    /// ER 22.
    Refused,
}

/// A set of printable ASCII characters: for each byte, whether it is in the set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Characters([bool; 256]);

impl Characters {
    /// Reads a set as a regular expression would write it between brackets: `A-Z0-9 '-`. A hyphen that does not stand
    /// between two characters is itself. Nothing if a character is not printable ASCII, a range runs backward, or the
    /// set is empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut set = [false; 256];
        let mut rest = text.as_bytes();
        loop {
            let (first, last, after) = match rest {
                [] => return (!text.is_empty()).then_some(Self(set)),
                [first, b'-', last, after @ ..] => (*first, *last, after),
                [one, after @ ..] => (*one, *one, after),
            };
            if first > last || first < b' ' || last > b'~' {
                return None;
            }
            set.get_mut(usize::from(first)..=usize::from(last))?.fill(true);
            rest = after;
        }
    }

    /// Whether a byte is in the set.
    #[must_use]
    pub fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)) == Some(&true)
    }

    /// Whether all bytes of a text are in the set; without a branch for each.
    pub(super) fn contain(&self, text: &str) -> bool {
        text.bytes().fold(true, |all, byte| all & self.contains(byte))
    }

    /// The set with the small letters of its capitals.
    pub(super) fn folded(&self) -> Self {
        let mut folded = *self;
        for (byte, is) in (0..=u8::MAX).zip(&mut folded.0) {
            *is |= byte.is_ascii_lowercase() && self.contains(byte.to_ascii_uppercase());
        }
        folded
    }
}

impl fmt::Debug for Characters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: String = (0x20..0x7f).filter(|byte| self.contains(*byte)).map(char::from).collect();
        write!(f, "Characters({all:?})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_characters_is_written_as_between_brackets() {
        let count = |text: &str| (0..=u8::MAX).filter(|byte| Characters::parse(text).unwrap().contains(*byte)).count();
        assert_eq!([count("A-Z"), count("A-Z0-9 ,'-"), count("-A"), count("A-"), count(" -~")], [26, 40, 2, 2, 95]);
        for bad in ["", "Z-A", "\n", "A-\x7f", "ä"] {
            assert_eq!(Characters::parse(bad), None, "{bad:?}");
        }
    }
}
