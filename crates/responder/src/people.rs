//! The persons of III and of the states: where they are found, and how an answer describes them.

use std::path::PathBuf;

use records::synth::Population;
use records::{Holdings, Index, IndexError, OpenError, Person, Query, Settings, Source, fold};

use crate::history;
use crate::template::{Slot, Values};

/// Records of the population that the persons are of where there is no index.
const SOME: u32 = 100_000;

/// Why there are no persons.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The indexes cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Those of this program cannot be built.
    #[error("the persons with criminal histories cannot be made: {0}")]
    Make(String),
}

/// Finds persons.
pub(crate) trait People {
    /// Those who may be meant, the likeliest first.
    ///
    /// # Errors
    /// A part of an index is damaged.
    fn find(&self, query: &Query, limit: usize) -> Result<Vec<Person>, IndexError>;
}

/// The persons of indexes.
#[derive(Debug)]
pub(crate) struct Indexed(Holdings);

impl Indexed {
    /// Those of the indexes; without any, those of the enforcement and removal cases of the first records of a population.
    pub(crate) fn open(indexes: &[PathBuf], seed: u64, persons: u32) -> Result<Self, PeopleError> {
        Ok(Self(if indexes.is_empty() { some(seed, persons)? } else { Holdings::open(indexes)? }))
    }
}

impl People for Indexed {
    fn find(&self, query: &Query, limit: usize) -> Result<Vec<Person>, IndexError> {
        let found = self.0.search(query, &Settings::best(limit))?;
        Ok(found.candidates.into_iter().map(|candidate| candidate.person).collect())
    }
}

fn some(seed: u64, persons: u32) -> Result<Holdings, PeopleError> {
    let population = Population::new(seed, persons.min(SOME));
    let cases = [Source::Enforce, Source::Dacs].into_iter();
    let cases = cases.flat_map(|source| (0..population.len_of(source)).map(move |row| (source, row)));
    let persons = cases.map(|(source, row)| population.record_of(source, row).person);
    let bytes = records::build_bytes(persons).map_err(|error| PeopleError::Make(error.to_string()))?;
    let index = Index::from_bytes(bytes).map_err(|error| PeopleError::Make(error.to_string()))?;
    Ok(Holdings::new(vec![("iii".to_owned(), index)]))
}

/// Those whose number by `number` is of a criminal history, with it, each once.
pub(crate) fn with_history(persons: Vec<Person>, number: impl Fn(&Person) -> Option<String>) -> Vec<(String, Person)> {
    let mut found: Vec<(String, Person)> = Vec::new();
    for person in persons {
        let Some(number) = number(&person) else { continue };
        if found.iter().all(|(known, _)| *known != number) {
            found.push((number, person));
        }
    }
    found
}

/// Name, sex, place and date of birth, each behind its prefix.
pub(crate) fn identity(person: &Person) -> String {
    let name = format!("{}, {} {}", fold(&person.surname), fold(&person.given), fold(&person.middle));
    let born = person.born.map_or_else(String::new, |born| format!(" DOB/{}", born.strftime("%Y%m%d")));
    format!("NAM/{} SEX/{} POB/{}{born}", name.trim(), person.sex.letter(), person.birth_place)
}

/// A person with the number of a criminal history, and the numbers that states give it.
pub(crate) fn of_person(number: &str, person: &Person) -> Values {
    let mut states: Vec<_> = history::arrests(number, person.born).iter().map(|arrest| arrest.state).collect();
    states.sort_unstable();
    states.dedup();
    let states: Vec<_> = states.into_iter().map(|state| history::state_number(state, number)).collect();
    Values::default()
        .with(Slot::Identity, identity(person))
        .with(Slot::FbiNumber, number)
        .with(Slot::StateNumbers, states.join(" "))
}
