//! Which parts of a person were compared, and how they agreed: the words of an explanation.

use crate::neighbor::Nearness;

/// A part of a person that a query can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Alien number.
    AlienNumber,
    /// Another number.
    Number,
    /// Surname.
    Surname,
    /// First given name.
    Given,
    /// Middle name.
    Middle,
    /// Date of birth.
    Born,
    /// Sex.
    Sex,
    /// Country of birth.
    BirthPlace,
}

impl Part {
    /// As explanations call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AlienNumber => "alien number",
            Self::Number => "number",
            Self::Surname => "surname",
            Self::Given => "given name",
            Self::Middle => "middle name",
            Self::Born => "date of birth",
            Self::Sex => "sex",
            Self::BirthPlace => "country of birth",
        }
    }
}

/// How a part of a record agrees with the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Agreement {
    /// The same, whatever the case, marks, hyphens and spaces.
    Same,
    /// The same but for a prefix, or for how it is joined.
    Form,
    /// Another spelling of the same name.
    Spelling,
    /// One letter wrong, missing or too many, or two swapped.
    OneLetter,
    /// A short form of the name, or the name of a short form.
    ShortForm,
    /// Sounds alike.
    Sound,
    /// Spelled nearly alike.
    Near,
    /// An initial that fits.
    Initial,
    /// One of several names is the same, or they are in another order.
    Partly,
    /// Surname and given name in each other's place.
    Exchanged,
    /// Day and month in each other's place.
    DayAndMonth,
    /// One digit wrong, or two swapped.
    Digit,
    /// A day before or after.
    DayNear,
    /// A year before or after.
    YearNear,
    /// Ten or a hundred years before or after.
    Decade,
    /// The year alone: one of the two days is January 1.
    YearOnly,
    /// The record does not say.
    Unknown,
    /// Something else.
    Different,
}

impl Agreement {
    /// As explanations call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Form => "same but for prefix or joining",
            Self::Spelling => "another spelling",
            Self::OneLetter => "one letter off",
            Self::ShortForm => "short form",
            Self::Sound => "sounds alike",
            Self::Near => "spelled nearly alike",
            Self::Initial => "initial fits",
            Self::Partly => "one of several, or other order",
            Self::Exchanged => "surname and given name exchanged",
            Self::DayAndMonth => "day and month exchanged",
            Self::Digit => "one digit off",
            Self::DayNear => "one day off",
            Self::YearNear => "one year off",
            Self::Decade => "decade or century off",
            Self::YearOnly => "year alone",
            Self::Unknown => "not on record",
            Self::Different => "different",
        }
    }

    pub(super) const fn of(nearness: Nearness) -> Self {
        match nearness {
            Nearness::Same => Self::Same,
            Nearness::Form => Self::Form,
            Nearness::Spelling => Self::Spelling,
            Nearness::Edit => Self::OneLetter,
            Nearness::ShortForm => Self::ShortForm,
            Nearness::Sound => Self::Sound,
            Nearness::Near => Self::Near,
            Nearness::Initial => Self::Initial,
        }
    }
}

/// One part of an explained weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason {
    /// What was compared.
    pub part: Part,
    /// How it agreed.
    pub agreement: Agreement,
    /// What it counted, in bits: below zero if it speaks against the person.
    pub bits: f32,
}
