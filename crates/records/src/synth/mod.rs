//! Synthetic persons: any one alone from a seed and its number, none of them real.
//!
//! Names have the frequencies of public lists (`data/README.md` says which and how true they are), by the language of
//! the country of birth. Each person is on record in one source, with what that source records. Nothing depends on
//! the day it runs.

mod draw;
mod lists;
mod record;

use std::iter::FusedIterator;

use crate::{AlienNumber, Person};
use draw::Draw;

/// Persons there can be: one for each alien number.
pub const COUNT_MAX: u32 = AlienNumber::MAX;

/// The person of a number, 0 to [`COUNT_MAX`] − 1, of the run of a seed. The alien number is the number plus one:
/// low, with leading zeros, where no real file lies, and nobody else's in the run. Past the last number it begins
/// again with the first.
#[must_use]
pub fn person(seed: u64, number: u32) -> Person {
    let number = number % COUNT_MAX;
    record::person(&mut Draw::new(seed, number), number + 1)
}

/// The persons 0 to `count` − 1 of the run of a seed.
pub fn persons(
    seed: u64,
    count: u32,
) -> impl ExactSizeIterator<Item = Person> + DoubleEndedIterator + FusedIterator + Clone {
    (0..count.min(COUNT_MAX)).map(move |number| person(seed, number))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{Reference, Sex, Source, Status, fold};

    const SEED: u64 = 20_050_201;
    const COUNT: u32 = 50_000;

    /// The share of a run that has something, in percent.
    fn percent(has: impl Fn(&Person) -> bool) -> f64 {
        f64::from(u32::try_from(persons(SEED, COUNT).filter(|person| has(person)).count()).unwrap()) * 100.0
            / f64::from(COUNT)
    }

    fn check(what: &str, percent: f64, low: f64, high: f64) {
        assert!((low..=high).contains(&percent), "{what}: {percent} % is not within {low} to {high} %");
    }

    #[test]
    fn the_same_seed_and_number_are_the_same_person_alone_or_in_a_run() {
        let run: Vec<_> = persons(SEED, 2_000).collect();
        assert!(persons(SEED, 2_000).eq(run.iter().cloned()));
        for number in [1_999_u32, 0, 7, 1_000] {
            assert_eq!(person(SEED, number), run[number as usize], "number {number}");
        }
        let others = persons(SEED + 1, 2_000)
            .zip(&run)
            .filter(|(other, one)| other.surname == one.surname && other.born == one.born);
        assert_eq!(others.count(), 0);
    }

    #[test]
    fn the_first_persons_are_those_of_this_version() {
        // Generated data is reproducible across releases: if this fails, every seed means other persons now.
        let shown: Vec<_> = persons(1, 3)
            .map(|p| format!("{}, {} {} {} {}", p.surname, p.given, p.middle, p.birth_place, p.alien_number))
            .collect();
        assert_eq!(
            shown,
            ["MOORE, KIMBERLY  JM 000000001", "POZZECCO, IRMA  IT 000000002", "PARK, SUGJA  KO 000000003"]
        );
    }

    #[test]
    fn numbers_are_unique_and_begin_with_zeros() {
        for (number, person) in (1..).zip(persons(SEED, 5_000)) {
            assert_eq!(person.alien_number.value(), number);
            assert!(person.alien_number.to_string().starts_with("00000"));
            assert_eq!(person.reference, Reference::new(person.source, u64::from(number)));
        }
        assert_eq!(person(SEED, COUNT_MAX - 1).alien_number.to_string(), "999999999");
        assert_eq!(person(SEED, COUNT_MAX), person(SEED, 0));
    }

    #[test]
    fn names_fit_a_name_field_and_are_folded() {
        for (number, person) in persons(SEED, COUNT).enumerate() {
            let middle = if person.middle.is_empty() { String::new() } else { format!(" {}", person.middle) };
            let field = format!("{}, {}{middle}", person.surname, person.given);
            assert!(field.len() <= 30, "number {number}: {} characters", field.len());
            assert!(field.bytes().all(|b| matches!(b, b'A'..=b'Z' | b' ' | b'\'' | b'-' | b',')), "number {number}");
            for name in [&person.surname, &person.given, &person.middle] {
                assert_eq!(fold(name), *name, "number {number}");
            }
            assert!(person.surname.len() >= 2 && person.given.len() >= 2, "number {number}");
        }
    }

    #[test]
    fn records_make_sense() {
        let end = jiff::civil::date(2025, 12, 31);
        for (number, person) in persons(SEED, COUNT).enumerate() {
            let born = person.born.unwrap();
            assert!((1920..=2007).contains(&born.year()), "number {number}");
            assert_eq!(person.status.source(), person.source, "number {number}");
            if let Some(admission) = person.admission {
                assert!(born < admission.on && admission.on <= end, "number {number}");
                assert!(admission.until.is_none_or(|until| until >= admission.on), "number {number}");
                assert!(person.status_since.is_some_and(|since| since >= admission.on), "number {number}");
            }
            assert!(person.status_since.is_some_and(|since| born < since && since <= end), "number {number}");
        }
    }

    #[test]
    fn frequencies_are_sane() {
        for (source, low, high) in [
            (Source::Cis, 46.0, 51.0),
            (Source::Niis, 25.0, 29.0),
            (Source::Claims, 9.5, 12.0),
            (Source::Adis, 5.5, 7.5),
            (Source::Enforce, 2.7, 3.8),
            (Source::Sevis, 1.7, 2.7),
            (Source::Dacs, 1.0, 1.7),
            (Source::Raps, 0.6, 1.2),
        ] {
            check(source.name(), percent(|person| person.source == source), low, high);
        }
        check("Mexico", percent(|p| p.birth_place.as_str() == "MM"), 20.0, 30.0);
        check("India", percent(|p| p.birth_place.as_str() == "II"), 3.0, 8.0);
        check("women", percent(|p| p.sex == Sex::Female), 44.0, 52.0);
        check("sex unknown", percent(|p| p.sex == Sex::Unknown), 0.2, 1.0);
        check("born in the seventies", percent(|p| (1970..1980).contains(&p.born.unwrap().year())), 15.0, 25.0);
        check("born on January 1", percent(|p| p.born.unwrap().month() == 1 && p.born.unwrap().day() == 1), 0.7, 2.0);
        check("Garcia", percent(|p| p.surname.split(' ').any(|name| name == "GARCIA")), 0.8, 2.5);
        check(
            "Nguyen among Vietnamese",
            percent(|p| p.surname == "NGUYEN") * 100.0 / percent(|p| p.birth_place.as_str() == "RV"),
            14.0,
            26.0,
        );
        check("two surnames", percent(|p| p.surname.contains(' ')), 12.0, 30.0);
        check("middle names", percent(|p| !p.middle.is_empty()), 20.0, 60.0);
    }

    #[test]
    fn every_status_and_every_country_occurs() {
        let mut seen = (HashMap::new(), HashMap::new());
        for person in persons(SEED, COUNT) {
            *seen.0.entry(person.status).or_insert(0) += 1;
            *seen.1.entry(person.birth_place).or_insert(0) += 1;
        }
        let missing: Vec<_> = Status::ALL.iter().filter(|status| !seen.0.contains_key(status)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(seen.1.len(), lists::lists().countries.len());
    }
}
