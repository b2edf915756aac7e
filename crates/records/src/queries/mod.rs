//! Questions with known answers: persons of a population asked for with one class of error each, and persons whom no
//! source knows.
//!
//! The questions are made by code that shares nothing with the search but the record type: the errors come from
//! the module `mistakes`, whose rules and tables were written for them. What is shared, and cannot but be, is
//! that names of both come from languages that people speak: a table of nicknames of the one holds names that are in
//! the other's too.
//!
//! A question is made from one record *as recorded*: what a source has wrong is not asked against, so that a class has
//! its own error and no other. Records with a wrong alien number are not asked for.

mod absent;
mod class;
mod file;
mod make;

use jiff::civil::Date;

use crate::{AlienNumber, Identifier, Place, Sex, Source};

pub use absent::Absent;
pub use class::{Class, Kind};
pub use file::{QuestionsError, read, write};
pub use make::Maker;

/// A question and whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is wrong with it.
    pub class: Class,
    /// What is asked.
    pub asked: Asked,
    /// Whom it is about; none if no source knows the person.
    pub about: Option<About>,
}

/// Whom a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The person's alien number, which all records that are asked for have right.
    pub alien_number: AlienNumber,
    /// The source whose record the question was made from.
    pub source: Source,
    /// The row of that record in its source, from 0.
    pub row: u32,
}

/// What is asked. Empty and none are not asked.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Family name or names, as somebody types it: marks and spaces are not folded.
    pub surname: String,
    /// First given name, or an initial.
    pub given: String,
    /// Further given names.
    pub middle: String,
    /// Date of birth.
    pub born: Option<Date>,
    /// Sex; unknown is not asked.
    pub sex: Sex,
    /// Country of birth.
    pub birth_place: Option<Place>,
    /// Alien number.
    pub alien_number: Option<AlienNumber>,
    /// Any other number.
    pub identifier: Option<Identifier>,
}

/// Says what was asked for, never with what: queries do not belong in logs, whoever they are about.
impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("by_name", &!self.surname.is_empty())
            .field("by_born", &self.born.is_some())
            .field("by_number", &(self.alien_number.is_some() || self.identifier.is_some()))
            .finish_non_exhaustive()
    }
}
