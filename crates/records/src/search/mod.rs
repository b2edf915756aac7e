//! Search: which records may be the person asked for, how likely, and why.
//!
//! One file is searched in two ways that find different errors:
//!
//! - *by day*: every record of the day of birth that was asked for is compared with names near the asked ones
//!   ([`lens`]). This finds whatever is wrong with the names.
//! - *by name*: records with names near the asked ones, born on a day that the asked day may be an error for
//!   ([`dates`]). This finds what is wrong with the date.
//!
//! What is found is weighed ([`weigh`]): how much likelier each agreement is if the record is the person's than if it is
//! anybody's. The sum, with how many persons there are, gives the probability.

mod agreement;
mod asked;
mod calibration;
mod dates;
mod find;
mod lens;
mod marks;
#[cfg(test)]
mod naive;
mod rank;
mod weigh;

use std::fmt;

use jiff::civil::Date;

use crate::{AlienNumber, Identifier, Index, IndexError, Person, Place, Sex, Sources};

pub use agreement::{Agreement, Part, Reason};
pub(crate) use asked::Asked;
pub(crate) use find::{Effort, Finder};
pub(crate) use rank::rank;

/// What is known of the person asked for. Names may be in any case and with marks; an empty name or a none was not
/// asked.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Family name or names.
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
    /// Further numbers: any of them may find the person.
    pub numbers: Vec<Identifier>,
}

/// Says what was asked for, never with what: queries do not belong in logs.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("by_name", &!self.surname.is_empty())
            .field("by_born", &self.born.is_some())
            .field("by_number", &(self.alien_number.is_some() || !self.numbers.is_empty()))
            .finish_non_exhaustive()
    }
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How many candidates are given back at most.
    pub limit: usize,
    /// The least class that is given back.
    pub least: Class,
    /// From which probability on a candidate is a match or possible.
    pub thresholds: Thresholds,
    /// Records among which the person is looked for, in all sources together: how likely a chance agreement is depends
    /// on it. What is searched is taken for all there is if it is more.
    pub population: u64,
}

impl Settings {
    /// The best so many candidates that are possible or better, by the usual thresholds.
    #[must_use]
    pub const fn best(limit: usize) -> Self {
        Self { limit, least: Class::Possible, thresholds: Thresholds::USUAL, population: 0 }
    }
}

/// From which probability on a candidate belongs to a class; from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// A match: very likely the person.
    pub matches: f32,
    /// Possible: somebody has to look.
    pub possible: f32,
}

impl Thresholds {
    /// From the measured curves (`orinet records evaluate`).
    pub const USUAL: Self = Self { matches: 0.995, possible: 0.8 };
}

/// The answer of one search.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The best, best first. Of equal ones the lower alien number is first, then the earlier source.
    pub candidates: Vec<Candidate>,
    /// How many there were before the limit; of those that were not read, the ones that weigh enough.
    pub total: usize,
    /// False if the search stopped at its bound of work, so that there may be more than it found. This takes a query
    /// without a date of birth for a common name, or thousands of records that share name and day.
    pub complete: bool,
    /// Records that were compared: what the search cost, whatever the machine.
    pub compared: usize,
    /// Whose records were searched.
    pub searched: Sources,
}

/// A record that may be the person asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The record.
    pub person: Person,
    /// How likely it is the person's who was asked for, 0 to 1, as measured on generated questions of whom most are on
    /// record (`protocol-specs/records.md` 5).
    pub probability: f32,
    /// What ranks candidates: the logarithm to base 2 of the odds, before what else was found is weighed against it.
    pub bits: f32,
    /// The same, weighed against it: what the probability is made of, by a table that was measured.
    pub odds_bits: f32,
    /// What the probability and its reasons amount to.
    pub class: Class,
    /// Each part that was asked, and what it counted.
    pub reasons: Vec<Reason>,
}

/// What a candidate amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Very likely the person: names near, date of birth or a number the same, nothing against it.
    Match,
    /// May be the person: somebody has to look.
    Possible,
    /// Unlikely to be the person.
    Unlikely,
}

impl Index {
    /// Finds the records that may be the person asked for, the best `limit` of them.
    ///
    /// A query without a number, and without surname or without both given name and date of birth, finds nothing.
    ///
    /// # Errors
    /// A part of the file that was needed is damaged.
    pub fn search(&self, query: &Query, limit: usize) -> Result<Found, IndexError> {
        self.search_with(query, &Settings::best(limit))
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// A part of the file that was needed is damaged.
    pub fn search_with(&self, query: &Query, settings: &Settings) -> Result<Found, IndexError> {
        let asked = Asked::new(query);
        let population = settings.population.max(self.len() as u64);
        let mut finder = Finder::new(self, &asked, population)?;
        finder.search(Effort::Narrow)?;
        for effort in [Effort::Wide, Effort::Widest] {
            if !finder.is_confident(settings.thresholds) {
                finder.search(effort)?;
            }
        }
        let found = rank(vec![finder], settings, &|_, _| true)?;
        Ok(Found { searched: self.sources(), ..found })
    }
}
