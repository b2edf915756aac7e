//! Makes questions about persons of a population.

use super::{About, Asked, Class, Question};
use crate::mistakes::{self, Letter};
use crate::synth::{Blunder, Draw, Population, Record, two_surnames};
use crate::{IdentifierKind, Person, Sex};

/// Makes the questions of a population, any one alone.
#[derive(Debug, Clone, Copy)]
pub struct Maker {
    population: Population,
    seed: u64,
}

/// Records that are tried until one is found in which a class of error can be made.
const TRIES: u32 = 20_000;

impl Maker {
    /// Makes questions about a population. Another seed asks about others.
    #[must_use]
    pub const fn new(population: Population, seed: u64) -> Self {
        Self { population, seed }
    }

    /// A question of a class; another one for another number. None if the population has nobody of whom to ask so, and
    /// for the classes of persons who are in no source, whom [`Absent`](super::Absent) has.
    #[must_use]
    pub fn question(&self, class: Class, number: u32) -> Option<Question> {
        if matches!(class, Class::Absent | Class::Namesake) || self.population.is_empty() {
            return None;
        }
        let mut draw = Draw::new(self.seed ^ QUESTIONS, number, 1_000 + class as u32);
        for _ in 0..TRIES {
            let record = self.population.record(draw.below(self.population.len()));
            if record.blunders.has(Blunder::AlienNumberDigit) {
                continue;
            }
            if let Some(asked) = self.asked(&mut draw, class, &record) {
                let Person { alien_number, source, .. } = record.person;
                let about = Some(About { alien_number, source, row: record.row });
                return Some(Question { class, asked, about });
            }
        }
        None
    }

    /// The record asked for with the error of a class, if it can be made in it.
    fn asked(&self, draw: &mut Draw, class: Class, record: &Record) -> Option<Asked> {
        let person = &record.person;
        if let Some(kind) = number_asked(class) {
            return Some(Asked { identifier: Some(person.number(kind)?), ..Asked::default() });
        }
        if class == Class::AlienNumber {
            return Some(Asked { alien_number: Some(person.alien_number), ..Asked::default() });
        }
        let mut asked = as_recorded(draw, person);
        let language = self.population.truth(record.number).language;
        match class {
            Class::Exact => {}
            Class::SurnameWrong => asked.surname = mistakes::letter(draw, &person.surname, Letter::Wrong)?,
            Class::SurnameMissing => asked.surname = mistakes::letter(draw, &person.surname, Letter::Missing)?,
            Class::SurnameDoubled => asked.surname = mistakes::letter(draw, &person.surname, Letter::Doubled)?,
            Class::SurnameSwapped => asked.surname = mistakes::letter(draw, &person.surname, Letter::Swapped)?,
            Class::GivenWrong => asked.given = mistakes::letter(draw, &person.given, Letter::Wrong)?,
            Class::GivenMissing => asked.given = mistakes::letter(draw, &person.given, Letter::Missing)?,
            Class::GivenDoubled => asked.given = mistakes::letter(draw, &person.given, Letter::Doubled)?,
            Class::GivenSwapped => asked.given = mistakes::letter(draw, &person.given, Letter::Swapped)?,
            Class::BothWrong => both(draw, &mut asked, Letter::Wrong)?,
            Class::BothMissing => both(draw, &mut asked, Letter::Missing)?,
            Class::BothDoubled => both(draw, &mut asked, Letter::Doubled)?,
            Class::BothSwapped => both(draw, &mut asked, Letter::Swapped)?,
            Class::SurnameByEar => asked.surname = mistakes::by_ear(draw, &person.surname)?,
            Class::GivenByEar => asked.given = mistakes::by_ear(draw, &person.given)?,
            Class::NamesExchanged => std::mem::swap(&mut asked.surname, &mut asked.given),
            Class::FirstSurnameMissing => asked.surname = two_surnames(&person.surname)?.1.to_owned(),
            Class::SecondSurnameMissing => asked.surname = two_surnames(&person.surname)?.0.to_owned(),
            Class::SurnamesExchanged => {
                let (first, second) = two_surnames(&person.surname)?;
                asked.surname = format!("{second} {first}");
                if first == second {
                    return None;
                }
            }
            Class::MiddleAsGiven => {
                asked.given = (person.middle.len() > 2).then(|| person.middle.clone())?;
                asked.middle.clear();
            }
            Class::Initial => {
                asked.given = person.given.get(..1)?.to_owned();
                asked.middle.clear();
            }
            Class::Nickname => asked.given = mistakes::nickname(draw, &person.given)?,
            Class::SurnameRespelled => asked.surname = mistakes::respelled(draw, &person.surname, language)?,
            Class::GivenRespelled => asked.given = mistakes::respelled(draw, &person.given, language)?,
            Class::Spacing => asked.surname = mistakes::spaced_otherwise(draw, single_surname(&person.surname)?)?,
            Class::Alias => {
                let alias = draw.one(&person.aliases)?;
                (asked.surname, asked.given) = (alias.surname.clone(), alias.given.clone());
                asked.middle.clone_from(&alias.middle);
            }
            Class::DayForMonth => asked.born = Some(mistakes::day_for_month(person.born?)?),
            Class::DateDigit => asked.born = Some(mistakes::date_digit(draw, person.born?)?),
            Class::YearOff => asked.born = Some(mistakes::years_off(person.born?, sign(draw))?),
            Class::DecadeOff => asked.born = Some(mistakes::years_off(person.born?, 10 * sign(draw))?),
            Class::CenturyOff => asked.born = Some(mistakes::years_off(person.born?, -100)?),
            Class::YearOnly => asked.born = Some(mistakes::year_only(person.born?)?),
            Class::SexWrong => {
                asked.sex = match person.sex {
                    Sex::Female => Sex::Male,
                    Sex::Male => Sex::Female,
                    Sex::Unknown => return None,
                }
            }
            Class::NameAndDate => {
                one_letter(draw, &mut asked)?;
                asked.born = Some(wrong_date(draw, person.born?)?);
            }
            Class::OrderAndLetter => {
                match two_surnames(&person.surname) {
                    Some((first, _)) if draw.percent(50) => asked.surname = first.to_owned(),
                    Some((first, second)) if draw.percent(50) && first != second => {
                        asked.surname = format!("{second} {first}");
                    }
                    _ => std::mem::swap(&mut asked.surname, &mut asked.given),
                }
                one_letter(draw, &mut asked)?;
            }
            Class::SpellingAndDate => {
                if draw.percent(50) {
                    asked.surname = mistakes::respelled(draw, &person.surname, language)?;
                } else {
                    let given = mistakes::nickname(draw, &person.given);
                    asked.given = given.or_else(|| mistakes::respelled(draw, &person.given, language))?;
                }
                asked.born = Some(wrong_date(draw, person.born?)?);
            }
            Class::AlienNumberDigit => {
                asked.alien_number = Some(mistakes::number_digit(draw, person.alien_number)?);
            }
            Class::AlienNumber | Class::Fbi | Class::Ssn | Class::Passport | Class::I94 | Class::Licence => {
                return None;
            }
            Class::Fin | Class::Sevis | Class::Receipt | Class::Absent | Class::Namesake => return None,
        }
        Some(asked)
    }
}

/// So that questions and persons of one seed have no draws in common.
const QUESTIONS: u64 = 0x5155_4553_5449_4F4E;

/// The kind of number that a class asks by.
const fn number_asked(class: Class) -> Option<IdentifierKind> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other classes ask by name or by alien number")]
    match class {
        Class::Fbi => Some(IdentifierKind::Fbi),
        Class::Ssn => Some(IdentifierKind::Ssn),
        Class::Passport => Some(IdentifierKind::Passport),
        Class::I94 => Some(IdentifierKind::I94),
        Class::Licence => Some(IdentifierKind::Licence),
        Class::Fin => Some(IdentifierKind::Fin),
        Class::Sevis => Some(IdentifierKind::Sevis),
        Class::Receipt => Some(IdentifierKind::Receipt),
        _ => None,
    }
}

/// Name and birth as recorded; middle name, sex and country of birth are not always asked.
pub(super) fn as_recorded(draw: &mut Draw, person: &Person) -> Asked {
    Asked {
        surname: person.surname.clone(),
        given: person.given.clone(),
        middle: if draw.percent(60) { person.middle.clone() } else { String::new() },
        born: person.born,
        sex: if draw.percent(90) { person.sex } else { Sex::Unknown },
        birth_place: draw.percent(60).then_some(person.birth_place),
        alien_number: None,
        identifier: None,
    }
}

/// A surname that is not two.
fn single_surname(surname: &str) -> Option<&str> {
    two_surnames(surname).is_none().then_some(surname)
}

fn both(draw: &mut Draw, asked: &mut Asked, what: Letter) -> Option<()> {
    asked.surname = mistakes::letter(draw, &asked.surname, what)?;
    asked.given = mistakes::letter(draw, &asked.given, what)?;
    Some(())
}

/// One letter wrong in one of the two names.
fn one_letter(draw: &mut Draw, asked: &mut Asked) -> Option<()> {
    let what = *draw.one(&Letter::ALL)?;
    let name = if draw.percent(50) { &mut asked.surname } else { &mut asked.given };
    *name = mistakes::letter(draw, name, what)?;
    Some(())
}

/// A date wrong in one of the ways in which a date alone is.
fn wrong_date(draw: &mut Draw, born: jiff::civil::Date) -> Option<jiff::civil::Date> {
    match draw.below(4) {
        0 => mistakes::day_for_month(born),
        1 => mistakes::years_off(born, sign(draw)),
        2 => mistakes::days_off(born, i32::from(sign(draw))),
        _ => mistakes::date_digit(draw, born),
    }
}

fn sign(draw: &mut Draw) -> i16 {
    if draw.percent(50) { 1 } else { -1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u64 = 11;

    fn population() -> Population {
        Population::new(SEED, 93_000)
    }

    fn record(about: &About) -> Person {
        population().record_of(about.source, about.row).person
    }

    #[test]
    fn every_class_has_questions_and_the_record_that_they_are_about() {
        let maker = Maker::new(population(), SEED);
        for class in Class::ALL {
            let questions: Vec<_> = (0..20).map_while(|number| maker.question(*class, number)).collect();
            if matches!(class, Class::Absent | Class::Namesake) {
                assert!(questions.is_empty());
                continue;
            }
            assert_eq!(questions.len(), 20, "{}", class.name());
            for question in &questions {
                let about = question.about.unwrap();
                assert_eq!(record(&about).alien_number, about.alien_number, "{}", class.name());
                assert_eq!(question.class, *class);
            }
            let again: Vec<_> = (0..20).map_while(|number| maker.question(*class, number)).collect();
            assert!(again == questions, "{}", class.name());
        }
    }

    #[test]
    fn a_class_has_its_own_error_and_no_other() {
        let maker = Maker::new(population(), SEED);
        for class in Class::ALL {
            for number in 0..200 {
                let Some(Question { asked, about, .. }) = maker.question(*class, number) else { break };
                if matches!(class.kind(), super::super::Kind::Number) {
                    assert!(asked.surname.is_empty() && asked.born.is_none());
                    continue;
                }
                let person = record(&about.unwrap());
                let wrong = [
                    asked.surname != person.surname,
                    asked.given != person.given,
                    asked.born != person.born,
                    asked.sex != person.sex && asked.sex != Sex::Unknown,
                    asked.alien_number.is_some_and(|number| number != person.alien_number),
                ];
                let expect: &[[bool; 5]] = match class.name() {
                    "exact" => &[[false; 5]],
                    name if name.starts_with("surname") || name.ends_with("surname-missing") || name == "spacing" => {
                        &[[true, false, false, false, false]]
                    }
                    name if name.starts_with("given") => &[[false, true, false, false, false]],
                    "middle-as-given" | "nickname" => &[[false, true, false, false, false]],
                    "day-for-month" | "date-digit" | "year-off" | "decade-off" | "century-off" | "year-only" => {
                        &[[false, false, true, false, false]]
                    }
                    "sex-wrong" => &[[false, false, false, true, false]],
                    "alien-number-digit" => &[[false, false, false, false, true]],
                    "name-and-date" | "spelling-and-date" => {
                        &[[true, false, true, false, false], [false, true, true, false, false]]
                    }
                    name if name.starts_with("both") || name == "names-exchanged" => {
                        &[[true, true, false, false, false]]
                    }
                    _ => continue,
                };
                assert!(expect.contains(&wrong), "{} {number}: {wrong:?}", class.name());
            }
        }
    }
}
