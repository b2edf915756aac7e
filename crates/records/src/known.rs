//! Persons to ask for: questions about an index whose answers are proven by searching it.

use std::collections::{HashMap, HashSet};

use crate::agreement::jaro_winkler;
use crate::format::Key;
use crate::name::units;
use crate::phonetic::{Code, Sound};
use crate::{AlienNumber, Candidate, Class, Index, Person, Query};

/// Three questions about an index. Each was asked of it: the first two find exactly one record, the last finds none.
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

/// Picks persons to ask for from an index; the same for the same index. None if it holds no fitting ones, as a very
/// small one may. Names are capitals A–Z alone and fit a name field of 30 characters.
///
/// They are picked from the records of the highest alien numbers on, so that their numbers are not found by chance
/// among the small numbers (of queries, of messages) that an answer also shows.
#[must_use]
pub fn known(index: &Index) -> Option<Known> {
    let mut persons: Vec<(AlienNumber, usize)> = (0..index.len())
        .filter_map(|record| Some((AlienNumber::new(index.details(record)?.alien_number.get())?, record)))
        .collect();
    persons.sort_unstable_by(|a, b| b.cmp(a));
    let persons = || persons.iter().filter_map(|(_, record)| index.person(*record)).filter(is_plain);
    let spellings = Spellings::new(index);
    let (exact, variant, finds) = persons().find_map(|person| {
        let exact = query_of(&person);
        let variant = Query { surname: spellings.sounding_like(&person.surname)?.to_owned(), ..exact.clone() };
        let found = finds_only(index, &exact, &person, 100) && finds_only(index, &variant, &person, 0);
        found.then_some((exact, variant, person.alien_number))
    })?;
    Some(Known { absent: absent(index, persons())?, exact, variant, finds })
}

/// Two parts of plain letters, a date of birth and a sex: what an inquiry can ask for without further care.
fn is_plain(person: &Person) -> bool {
    let plain = |name: &str| name.len() > 2 && name.bytes().all(|b| b.is_ascii_uppercase());
    plain(&person.surname) && plain(&person.given) && person.born.is_some() && person.sex != crate::Sex::Unknown
}

fn query_of(person: &Person) -> Query {
    Query {
        surname: person.surname.clone(),
        given: person.given.clone(),
        middle: person.middle.clone(),
        born: person.born,
        sex: person.sex,
        birth_place: Some(person.birth_place),
        alien_number: None,
    }
}

/// Whether the names of a query fit the name field of an inquiry, `LAST, FIRST MIDDLE` in 30 characters.
fn fits(query: &Query) -> bool {
    query.surname.len() + ", ".len() + query.given.len() + " ".len() + query.middle.len() <= 30
}

/// Whether a query finds one record, this person's, as a match of at least a score.
fn finds_only(index: &Index, query: &Query, person: &Person, score: u8) -> bool {
    let found = index.search(query, 2);
    let is_person = |only: &Candidate| only.person == *person && only.score >= score && only.class == Class::Match;
    fits(query) && found.complete && matches!(&found.candidates[..], [only] if is_person(only))
}

/// The surnames of an index by their sound.
struct Spellings<'a> {
    by_code: HashMap<Code, Vec<&'a str>>,
}

impl<'a> Spellings<'a> {
    fn new(index: &'a Index) -> Self {
        let ids: HashSet<u32> = index.keys().iter().map(|key: &Key| key.surname.get()).collect();
        let mut names: Vec<&str> =
            ids.into_iter().map(|id| index.name(id)).filter(|name| units(name).len() == 1).collect();
        names.sort_unstable();
        let mut by_code = HashMap::<_, Vec<_>>::new();
        for name in names {
            by_code.entry(Sound::of(name).primary).or_default().push(name);
        }
        Self { by_code }
    }

    /// The surname that is spelled most like this one among those of the same primary code.
    fn sounding_like(&self, surname: &str) -> Option<&'a str> {
        let code = Sound::of(surname).primary;
        if code.len() < 3 {
            return None;
        }
        let others = self.by_code.get(&code)?.iter().copied().filter(|other| *other != surname && is_letters(other));
        others
            .map(|other| (jaro_winkler(surname, other), other))
            .filter(|(near, _)| *near >= SPELLING_NEAR)
            .max_by(|(near_a, a), (near_b, b)| near_a.total_cmp(near_b).then_with(|| b.cmp(a)))
            .map(|(_, other)| other)
    }
}

/// So near (Jaro-Winkler) that a reader sees one name in the two spellings.
const SPELLING_NEAR: f64 = 0.85;

fn is_letters(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_uppercase())
}

/// The names of two persons put together to one whom nobody bears, born on the day of a third: found neither by name
/// and date of birth nor by name alone.
fn absent(index: &Index, persons: impl Iterator<Item = Person>) -> Option<Query> {
    let persons: Vec<Person> = persons.take(ABSENT_FROM).collect();
    let (ones, others) = (persons.iter(), persons.iter().rev());
    ones.zip(others).zip(persons.iter().cycle().skip(ABSENT_FROM / 3)).find_map(|((one, other), third)| {
        let query = Query { surname: one.surname.clone(), middle: String::new(), born: third.born, ..query_of(other) };
        let unborn = Query { born: None, ..query.clone() };
        let is_empty = |query| {
            let found = index.search(query, 1);
            found.candidates.is_empty() && found.complete
        };
        (fits(&query) && is_empty(&query) && is_empty(&unborn)).then_some(query)
    })
}

/// Persons whose names are tried for the absent one.
const ABSENT_FROM: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{build_bytes, synth};

    #[test]
    fn an_index_of_persons_has_three_questions_with_proven_answers() {
        for (seed, count) in [(1, 2_000), (2, 10_000), (3, 50_000)] {
            let index = Index::from_bytes(build_bytes(synth::persons(seed, count)).unwrap()).unwrap();
            let known = known(&index).unwrap_or_else(|| panic!("seed {seed}"));
            let numbers = |query: &Query| -> Vec<_> {
                index.search(query, 10).candidates.iter().map(|candidate| candidate.person.alien_number).collect()
            };
            assert_eq!(numbers(&known.exact), [known.finds], "seed {seed}");
            assert_eq!(numbers(&known.variant), [known.finds], "seed {seed}");
            assert_eq!(numbers(&known.absent), [], "seed {seed}");
            let recorded = synth::person(seed, known.finds.value() - 1);
            let asked = &known.variant.surname;
            assert_ne!(recorded.surname, *asked);
            assert_eq!(Sound::of(&recorded.surname).primary, Sound::of(asked).primary);
        }
    }

    #[test]
    fn an_index_without_persons_has_none() {
        let index = Index::from_bytes(build_bytes([]).unwrap()).unwrap();
        assert_eq!(known(&index), None);
    }
}
