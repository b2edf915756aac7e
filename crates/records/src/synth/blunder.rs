//! What a source has wrong of a person, how often, and how it is done.

use super::draw::Draw;
use super::truth::Truth;
use crate::mistakes::{self, Letter};
use crate::{Person, Sex, Source};

/// Declares the blunders once: bit, name, meaning.
macro_rules! blunders {
    ($($bit:literal $name:ident $text:literal;)+) => {
        /// One thing that a record has otherwise than the person is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Blunder {
            $(#[doc = $text] $name = $bit,)+
        }

        impl Blunder {
            /// Every blunder there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name in a truth file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

blunders! {
    0 SurnameLetter "surname-letter";
    1 GivenLetter "given-letter";
    2 NamesExchanged "names-exchanged";
    3 SecondSurnameMissing "second-surname-missing";
    4 SurnamesExchanged "surnames-exchanged";
    5 MiddleMissing "middle-missing";
    6 MiddleInitial "middle-initial";
    7 MiddleInGiven "middle-in-given";
    8 SurnameCut "surname-cut";
    9 GivenCut "given-cut";
    10 Spacing "spacing";
    11 Respelled "respelled";
    12 Nickname "nickname";
    13 FormerSurname "former-surname";
    14 DayForMonth "day-for-month";
    15 DateDigit "date-digit";
    16 YearOff "year-off";
    17 YearOnly "year-only";
    18 SexWrong "sex-wrong";
    19 SexUnknown "sex-unknown";
    20 AlienNumberDigit "alien-number-digit";
}

/// The blunders of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Blunders(u32);

impl Blunders {
    /// Whether it is one of them.
    #[must_use]
    pub const fn has(self, blunder: Blunder) -> bool {
        self.0 >> blunder as u8 & 1 == 1
    }

    /// Whether the record has the person as the person is.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = Blunder> {
        Blunder::ALL.iter().copied().filter(move |blunder| self.has(*blunder))
    }

    const fn add(&mut self, blunder: Blunder) {
        self.0 |= 1 << blunder as u8;
    }
}

/// How often a source has something wrong, of a thousand records in which it can be.
struct Rates {
    letter: u32,
    exchanged: u32,
    second_surname_missing: u32,
    surnames_exchanged: u32,
    middle_missing: u32,
    middle_initial: u32,
    middle_in_given: u32,
    spacing: u32,
    respelled: u32,
    nickname: u32,
    former_surname: u32,
    day_for_month: u32,
    date_digit: u32,
    year_off: u32,
    year_only: u32,
    sex: u32,
    alien_number: u32,
}

impl Rates {
    /// The rates are ours: forms filled in by hand (arrivals, encounters) have more errors than files of an office.
    #[rustfmt::skip]
    const fn of(source: Source) -> Self {
        let [
            letter, exchanged, second_surname_missing, surnames_exchanged, middle_missing, middle_initial, middle_in_given, spacing,
            respelled, nickname, former_surname, day_for_month, date_digit, year_off, year_only, sex, alien_number,
        ] = match source {
            Source::Cis =>     [6, 1, 40, 3, 60, 100, 10, 80, 25, 2, 20, 3, 3, 2, 8, 2, 1],
            Source::Niis =>    [15, 4, 150, 5, 500, 150, 40, 250, 50, 4, 600, 8, 8, 4, 6, 5, 2],
            Source::Claims =>  [5, 2, 30, 3, 80, 100, 10, 80, 30, 3, 30, 4, 3, 2, 4, 2, 1],
            Source::Adis =>    [4, 2, 60, 3, 600, 50, 60, 100, 20, 0, 300, 2, 2, 1, 2, 2, 1],
            Source::Enforce => [12, 4, 150, 10, 300, 150, 30, 200, 80, 25, 100, 10, 8, 8, 25, 2, 3],
            Source::Sevis =>   [3, 6, 20, 4, 150, 30, 400, 60, 20, 2, 500, 5, 2, 1, 1, 2, 1],
            Source::Dacs =>    [8, 3, 100, 6, 200, 100, 20, 150, 60, 10, 80, 8, 6, 5, 20, 2, 2],
            Source::Raps =>    [10, 4, 60, 5, 150, 60, 60, 100, 80, 3, 60, 8, 6, 8, 12, 2, 1],
        };
        Self {
            letter, exchanged, second_surname_missing, surnames_exchanged, middle_missing, middle_initial, middle_in_given, spacing,
            respelled, nickname, former_surname, day_for_month, date_digit, year_off, year_only, sex, alien_number,
        }
    }
}

/// Letters that a source has room for in surname and given name.
const fn room(source: Source) -> (usize, usize) {
    match source {
        // The boxes of a form that was filled in by hand.
        Source::Niis => (18, 13),
        Source::Enforce => (24, 16),
        Source::Cis | Source::Claims | Source::Adis | Source::Sevis | Source::Dacs | Source::Raps => (40, 40),
    }
}

/// Writes a person's name, birth and sex into a record, with the source's errors.
pub(super) fn write_down(draw: &mut Draw, truth: &Truth, person: &mut Person) -> Blunders {
    let mut blunders = Blunders::default();
    let rates = Rates::of(person.source);
    person.surname.clone_from(&truth.surname);
    person.given.clone_from(&truth.given);
    person.middle.clone_from(&truth.middle);
    person.born = truth.born();
    person.sex = truth.sex;
    spell(draw, truth, &rates, person, &mut blunders);
    order(draw, &rates, person, &mut blunders);
    cut(person, &mut blunders);
    date(draw, &rates, person, &mut blunders);
    if draw.permille(rates.sex) {
        let (sex, blunder) = match (draw.percent(30), person.sex) {
            (true, Sex::Male) => (Sex::Female, Blunder::SexWrong),
            (true, Sex::Female | Sex::Unknown) => (Sex::Male, Blunder::SexWrong),
            (false, _) => (Sex::Unknown, Blunder::SexUnknown),
        };
        person.sex = sex;
        blunders.add(blunder);
    }
    if draw.permille(rates.alien_number)
        && let Some(number) = mistakes::number_digit(draw, person.alien_number)
    {
        person.alien_number = number;
        blunders.add(Blunder::AlienNumberDigit);
    }
    blunders
}

/// Which names, and how they are spelled.
fn spell(draw: &mut Draw, truth: &Truth, rates: &Rates, person: &mut Person, blunders: &mut Blunders) {
    let mut change = |name: &mut String, changed: Option<String>, blunder| {
        if let Some(changed) = changed.filter(|changed| changed.is_ascii()) {
            *name = changed;
            blunders.add(blunder);
        }
    };
    if let Some(maiden) = truth.maiden.as_ref().filter(|_| draw.permille(rates.former_surname)) {
        change(&mut person.surname, Some(maiden.clone()), Blunder::FormerSurname);
    }
    if draw.permille(rates.respelled) {
        let name = if draw.percent(50) { &mut person.surname } else { &mut person.given };
        let respelled = mistakes::respelled(draw, name, truth.language);
        change(name, respelled, Blunder::Respelled);
    }
    if draw.permille(rates.nickname) {
        let nickname = mistakes::nickname(draw, &person.given);
        change(&mut person.given, nickname, Blunder::Nickname);
    }
    if person.surname.contains([' ', '-', '\''])
        && truth.is_one_surname(&person.surname)
        && draw.permille(rates.spacing)
    {
        let spaced = mistakes::spaced_otherwise(draw, &person.surname);
        change(&mut person.surname, spaced, Blunder::Spacing);
    }
    for (name, blunder) in [(&mut person.surname, Blunder::SurnameLetter), (&mut person.given, Blunder::GivenLetter)] {
        if draw.permille(rates.letter) {
            let what =
                draw.of(&[(Letter::Wrong, 45), (Letter::Missing, 25), (Letter::Doubled, 15), (Letter::Swapped, 15)]);
            let wrong = mistakes::letter(draw, name, what);
            change(name, wrong, blunder);
        }
    }
}

/// Which names stand where.
fn order(draw: &mut Draw, rates: &Rates, person: &mut Person, blunders: &mut Blunders) {
    if let Some((first, second)) = two_surnames(&person.surname) {
        if draw.permille(rates.second_surname_missing) {
            person.surname = first.to_owned();
            blunders.add(Blunder::SecondSurnameMissing);
        } else if first != second && draw.permille(rates.surnames_exchanged) {
            person.surname = format!("{second} {first}");
            blunders.add(Blunder::SurnamesExchanged);
        }
    }
    if person.middle.len() > 1 {
        if draw.permille(rates.middle_missing) {
            person.middle.clear();
            blunders.add(Blunder::MiddleMissing);
        } else if draw.permille(rates.middle_in_given) {
            person.given = format!("{} {}", person.given, person.middle);
            person.middle.clear();
            blunders.add(Blunder::MiddleInGiven);
        } else if draw.permille(rates.middle_initial) {
            person.middle.truncate(1);
            blunders.add(Blunder::MiddleInitial);
        }
    }
    if draw.permille(rates.exchanged) {
        std::mem::swap(&mut person.surname, &mut person.given);
        blunders.add(Blunder::NamesExchanged);
    }
}

/// Cuts names that are longer than the source has room for.
fn cut(person: &mut Person, blunders: &mut Blunders) {
    let (surname, given) = room(person.source);
    for (name, room, blunder) in
        [(&mut person.surname, surname, Blunder::SurnameCut), (&mut person.given, given, Blunder::GivenCut)]
    {
        if name.len() > room {
            name.truncate(room);
            name.truncate(name.trim_end_matches([' ', '-', '\'']).len());
            blunders.add(blunder);
        }
    }
}

fn date(draw: &mut Draw, rates: &Rates, person: &mut Person, blunders: &mut Blunders) {
    let Some(born) = person.born else { return };
    let (wrong, blunder) = if draw.permille(rates.year_only) {
        (mistakes::year_only(born), Blunder::YearOnly)
    } else if draw.permille(rates.day_for_month) {
        (mistakes::day_for_month(born), Blunder::DayForMonth)
    } else if draw.permille(rates.year_off) {
        (mistakes::years_off(born, if draw.percent(50) { 1 } else { -1 }), Blunder::YearOff)
    } else if draw.permille(rates.date_digit) {
        (mistakes::date_digit(draw, born), Blunder::DateDigit)
    } else {
        return;
    };
    if let Some(wrong) = wrong {
        person.born = Some(wrong);
        blunders.add(blunder);
    }
}

/// The two of a double surname, each with its particles: `DE LA CRUZ GARCIA` is `DE LA CRUZ` and `GARCIA`.
pub(crate) fn two_surnames(surname: &str) -> Option<(&str, &str)> {
    let is_particle =
        |word: &str| matches!(word, "DE" | "LA" | "LOS" | "LAS" | "DEL" | "AL" | "EL" | "MC" | "VAN" | "ST");
    let mut end = 0;
    for word in surname.split(' ') {
        end += word.len();
        if !is_particle(word) {
            let second = surname.get(end + 1..)?;
            let ends_in_name = second.rsplit(' ').next().is_some_and(|word| !is_particle(word));
            return ends_in_name.then_some((surname.get(..end)?, second));
        }
        end += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_surnames_are_told_from_particles() {
        assert_eq!(two_surnames("DE LA CRUZ GARCIA"), Some(("DE LA CRUZ", "GARCIA")));
        assert_eq!(two_surnames("GARCIA DE LA CRUZ"), Some(("GARCIA", "DE LA CRUZ")));
        assert_eq!(two_surnames("GARCIA LOPEZ"), Some(("GARCIA", "LOPEZ")));
        for one in ["DE LA CRUZ", "GARCIA", "AL HASSAN", "JEAN-LOUIS", ""] {
            assert_eq!(two_surnames(one), None, "{one}");
        }
    }

    #[test]
    fn every_blunder_has_a_name_and_a_bit_of_its_own() {
        let mut all = Blunders::default();
        for (place, blunder) in Blunder::ALL.iter().enumerate() {
            assert_eq!(*blunder as usize, place);
            assert!(!all.has(*blunder));
            all.add(*blunder);
        }
        assert_eq!(all.iter().count(), Blunder::ALL.len());
    }
}
