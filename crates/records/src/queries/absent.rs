//! Persons who are in no source, and the proof that they are not.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::Date;

use super::make::as_recorded;
use super::{Asked, Class, Question};
use crate::synth::{ABSENT_FROM, Draw, Population, Record, Truth, two_surnames};
use crate::{Person, Source, Status};

/// Persons beyond a population, drawn like those in it.
///
/// That their numbers are nobody's is certain from the start. Whether a source knows somebody of the same name who was
/// born on the same day is certain only when [`see`](Self::see) has seen every record.
#[derive(Debug)]
pub struct Absent {
    asked: Vec<Asked>,
    /// For each name and birth, who has it.
    by_name: HashMap<u64, Vec<usize>>,
    has_namesake: Vec<AtomicBool>,
}

impl Absent {
    /// So many persons who are in no source of a population.
    #[must_use]
    pub fn new(population: Population, seed: u64, count: u32) -> Self {
        let mut absent = Self { asked: Vec::new(), by_name: HashMap::new(), has_namesake: Vec::new() };
        for (place, number) in (0..count).enumerate() {
            // Persons of any kind, in the proportions of those in the sources.
            let truth = population.truth(ABSENT_FROM + number);
            let mut draw = Draw::new(seed ^ ABSENT, number, 2_000);
            if let Some(born) = truth.born() {
                for key in keys(&truth.surname, &truth.given, born) {
                    absent.by_name.entry(key).or_default().push(place);
                }
            }
            absent.asked.push(as_recorded(&mut draw, &person(truth)));
            absent.has_namesake.push(AtomicBool::new(false));
        }
        absent
    }

    /// Sees a record: whoever has its name and birth has a namesake. Any of the surnames of either will do.
    pub fn see(&self, record: &Record) {
        let Person { surname, given, born: Some(born), .. } = &record.person else { return };
        for place in keys(surname, given, *born).filter_map(|key| self.by_name.get(&key)).flatten() {
            if let Some(has_namesake) = self.has_namesake.get(*place) {
                has_namesake.store(true, Ordering::Relaxed);
            }
        }
    }

    /// The questions, after every record was seen.
    pub fn questions(&self) -> impl Iterator<Item = Question> + '_ {
        self.asked.iter().zip(&self.has_namesake).map(|(asked, has_namesake)| {
            let class = if has_namesake.load(Ordering::Relaxed) { Class::Namesake } else { Class::Absent };
            Question { class, asked: asked.clone(), about: None }
        })
    }
}

/// So that persons in no source have no draws in common with questions about others.
const ABSENT: u64 = 0x4142_5345_4E54;

fn person(truth: Truth) -> Person {
    Person {
        born: truth.born(),
        surname: truth.surname,
        given: truth.given,
        middle: truth.middle,
        sex: truth.sex,
        birth_place: truth.birth_place,
        ..Person::new(NOBODY, Source::Cis, Status::FileOpened)
    }
}

const NOBODY: crate::AlienNumber = crate::AlienNumber::new(crate::AlienNumber::MAX).unwrap();

/// What namesakes have in common: one of the surnames, the given name and the date of birth.
fn keys(surname: &str, given: &str, born: Date) -> impl Iterator<Item = u64> {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let key = |surname: &str| hasher.hash_one((surname, given, born));
    let (first, second) = two_surnames(surname).map_or((surname, None), |(first, second)| (first, Some(second)));
    [Some(key(first)), second.map(key)].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_in_no_source_are_told_from_those_with_a_namesake() {
        let population = Population::new(3, 50_000);
        let mut absent = Absent::new(population, 3, 3_000);
        // One of them is given the name and birth of a record.
        let Person { surname, given, born, .. } = population.record(5).person;
        for key in keys(&surname, &given, born.unwrap()) {
            absent.by_name.entry(key).or_default().push(7);
        }
        for number in 0..population.len() {
            absent.see(&population.record(number));
        }
        let questions: Vec<_> = absent.questions().collect();
        assert_eq!(questions.len(), 3_000);
        assert_eq!(questions[7].class, Class::Namesake);
        let namesakes = questions.iter().filter(|question| question.class == Class::Namesake).count();
        assert!(namesakes < 60, "{namesakes}");
        assert!(questions.iter().all(|question| question.about.is_none() && question.asked.born.is_some()));
    }

    #[test]
    fn a_namesake_has_one_of_the_surnames() {
        let born = jiff::civil::date(1980, 1, 2);
        let has_common = |one: &str, other: &str| {
            let other: Vec<_> = keys(other, "ANA", born).collect();
            keys(one, "ANA", born).any(|key| other.contains(&key))
        };
        assert!(has_common("GARCIA", "GARCIA LOPEZ") && has_common("LOPEZ", "GARCIA LOPEZ"));
        assert!(!has_common("GARCIA", "LOPEZ"));
    }
}
