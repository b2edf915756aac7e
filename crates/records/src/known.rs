//! Persons to ask for: questions about an index whose answers are proven by searching it.

use crate::name::letters;
use crate::neighbor::{self, similarity};
use crate::phonetic::Sound;
use crate::{AlienNumber, Candidate, Class, Holdings, IndexError, Person, Query, Settings};

/// Three questions about indexes. Each was asked of it: the first two find exactly one record, the last finds none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// A person as recorded.
    pub exact: Query,
    /// The same person, the surname replaced by another one of the index that sounds alike.
    pub variant: Query,
    /// Whom both find.
    pub finds: AlienNumber,
    /// A person who is in no source.
    pub absent: Query,
}

/// Picks persons to ask for from indexes; the same for the same ones. None if they hold no fitting ones, as a very
/// small one may. Names are capitals A–Z alone and fit a name field of 30 characters.
///
/// They are picked from the records of the highest alien numbers on, so that their numbers are not found by chance
/// among the small numbers (of queries, of messages) that an answer also shows.
///
/// # Errors
/// A part of the file is damaged.
pub fn known(holdings: &Holdings) -> Result<Option<Known>, IndexError> {
    let mut persons: Vec<Person> = Vec::new();
    for (_, index) in holdings.indexes() {
        for person in index.persons() {
            persons.extend(Some(person?).filter(is_plain));
        }
    }
    persons.sort_by_key(|person| std::cmp::Reverse((person.alien_number, person.source)));
    for person in &persons {
        let exact = query_of(person);
        let Some(surname) = sounding_like(holdings, &person.surname)? else { continue };
        let variant = Query { surname, ..exact.clone() };
        if finds_only(holdings, &exact, person)? && finds_only(holdings, &variant, person)? {
            let absent = absent(holdings, &persons)?;
            return Ok(absent.map(|absent| Known { exact, variant, finds: person.alien_number, absent }));
        }
    }
    Ok(None)
}

/// Two parts of plain letters, a date of birth and a sex: what an inquiry can ask for without further care.
fn is_plain(person: &Person) -> bool {
    let plain = |name: &str| name.len() > 2 && name.bytes().all(|b| b.is_ascii_uppercase());
    letters(&person.surname) == person.surname
        && plain(&person.surname)
        && plain(&person.given)
        && person.born.is_some()
        && person.sex != crate::Sex::Unknown
}

fn query_of(person: &Person) -> Query {
    Query {
        surname: person.surname.clone(),
        given: person.given.clone(),
        middle: person.middle.clone(),
        born: person.born,
        sex: person.sex,
        birth_place: Some(person.birth_place),
        ..Query::default()
    }
}

/// Whether the names of a query fit the name field of an inquiry, `LAST, FIRST MIDDLE` in 30 characters.
fn fits(query: &Query) -> bool {
    query.surname.len() + ", ".len() + query.given.len() + " ".len() + query.middle.len() <= 30
}

/// Whether a query finds one record, this person's, as a match.
fn finds_only(holdings: &Holdings, query: &Query, person: &Person) -> Result<bool, IndexError> {
    let found = holdings.search(query, &Settings::best(2))?;
    let is_person = |only: &Candidate| only.person == *person && only.class == Class::Match;
    Ok(fits(query) && found.complete && matches!(&found.candidates[..], [only] if is_person(only)))
}

/// The surname that is spelled most like this one among those of the same phonetic code.
fn sounding_like(holdings: &Holdings, surname: &str) -> Result<Option<String>, IndexError> {
    let code = Sound::of(surname).primary;
    if code.len() < 3 {
        return Ok(None);
    }
    let mut keys = Vec::new();
    neighbor::keys(surname, |_, key| keys.push(key));
    let mut best: Option<(f64, String)> = None;
    for (_, index) in holdings.indexes() {
        for key in &keys {
            for id in index.near(*key)? {
                let (other, entry) = index.name_and_entry(id)?;
                let near = similarity(surname, other);
                let is_surname = entry.surnames.get() > 0 && other != surname && Sound::of(other).primary == code;
                let is_better = best.as_ref().is_none_or(|(most, name)| (near, name.as_str()) > (*most, other));
                if is_surname && near >= SPELLING_NEAR && is_better {
                    best = Some((near, other.to_owned()));
                }
            }
        }
    }
    Ok(best.map(|(_, name)| name))
}

/// So near (Jaro-Winkler) that a reader sees one name in the two spellings.
const SPELLING_NEAR: f64 = 0.85;

/// The names of two persons put together to one whom nobody bears, born on the day of a third: found neither by name
/// and date of birth nor by name alone.
fn absent(holdings: &Holdings, persons: &[Person]) -> Result<Option<Query>, IndexError> {
    let persons = persons.get(..ABSENT_FROM.min(persons.len())).unwrap_or(persons);
    let (ones, others) = (persons.iter(), persons.iter().rev());
    for ((one, other), third) in ones.zip(others).zip(persons.iter().cycle().skip(ABSENT_FROM / 3)) {
        let query = Query { surname: one.surname.clone(), middle: String::new(), born: third.born, ..query_of(other) };
        let unborn = Query { born: None, ..query.clone() };
        let is_empty = |query| {
            let found = holdings.search(query, &Settings::best(1))?;
            Ok::<_, IndexError>(found.candidates.is_empty() && found.complete)
        };
        if fits(&query) && is_empty(&query)? && is_empty(&unborn)? {
            return Ok(Some(query));
        }
    }
    Ok(None)
}

/// Persons whose names are tried for the absent one.
const ABSENT_FROM: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Index, build_bytes, synth};

    fn holdings(persons: impl IntoIterator<Item = Person>) -> Holdings {
        let index = Index::from_bytes(build_bytes(persons).unwrap()).unwrap();
        Holdings::new(vec![("one".to_owned(), index)])
    }

    #[test]
    fn an_index_of_persons_has_three_questions_with_proven_answers() {
        for (seed, count) in [(1, 2_000), (2, 10_000), (3, 50_000)] {
            let holdings = holdings(synth::persons(seed, count));
            let known = known(&holdings).unwrap().unwrap_or_else(|| panic!("seed {seed}"));
            let numbers = |query: &Query| -> Vec<_> {
                holdings
                    .search(query, &Settings::best(10))
                    .unwrap()
                    .candidates
                    .iter()
                    .map(|candidate| candidate.person.alien_number)
                    .collect()
            };
            assert_eq!(numbers(&known.exact), [known.finds], "seed {seed}");
            assert_eq!(numbers(&known.variant), [known.finds], "seed {seed}");
            assert_eq!(numbers(&known.absent), [], "seed {seed}");
            let by_number = Query { alien_number: Some(known.finds), ..Query::default() };
            let recorded = holdings.search(&by_number, &Settings::best(1)).unwrap().candidates.remove(0).person;
            let asked = &known.variant.surname;
            assert_ne!(recorded.surname, *asked);
            assert_eq!(Sound::of(&recorded.surname).primary, Sound::of(asked).primary);
        }
    }

    #[test]
    fn an_index_without_persons_has_none() {
        assert_eq!(known(&holdings([])).unwrap(), None);
    }
}
