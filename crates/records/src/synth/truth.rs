//! One person as the person is, before any source writes anything down.

use jiff::civil::Date;

use super::draw::Draw;
use super::lists::{Custom, Group, Mix, lists};
use crate::{Place, Sex, Source, day};

/// Letters of a `LAST, FIRST MIDDLE` name at most, as the name field of an inquiry holds them.
const NAME_MAX: usize = 30;

/// Years of birth by decade, and how many of a hundred.
const DECADES: [(i16, u32); 9] =
    [(1920, 2), (1930, 4), (1940, 8), (1950, 13), (1960, 18), (1970, 20), (1980, 18), (1990, 11), (2000, 6)];

/// The same for students.
const STUDENT_DECADES: [(i16, u32); 4] = [(1970, 8), (1980, 27), (1990, 42), (2000, 23)];

/// Nobody is born later: a person of whom one asks is grown.
const LAST_BIRTH_YEAR: i16 = 2007;

/// A person.
#[derive(Clone)]
pub(crate) struct Truth {
    pub(crate) surname: String,
    pub(crate) given: String,
    pub(crate) middle: String,
    /// The surname before marriage, of a person who has taken another.
    pub(crate) maiden: Option<String>,
    /// Day number of the birth.
    pub(crate) born: i32,
    pub(crate) sex: Sex,
    pub(crate) birth_place: Place,
    /// The list that names the person.
    pub(crate) language: &'static str,
}

impl Truth {
    /// The person of a number, who is in these sources.
    pub(super) fn of(seed: u64, number: u32, sources: &[Source]) -> Self {
        let mut draw = Draw::new(seed, number, 0);
        let draw = &mut draw;
        let has = |source| sources.contains(&source);
        let mix = if has(Source::Sevis) {
            Mix::Students
        } else if has(Source::Raps) {
            Mix::Asylum
        } else if has(Source::Enforce) || has(Source::Dacs) {
            Mix::Encounters
        } else if has(Source::Cis) || has(Source::Claims) {
            Mix::Settled
        } else {
            Mix::Visitors
        };
        let men = match mix {
            Mix::Encounters => 83,
            Mix::Students => 53,
            Mix::Asylum => 54,
            Mix::Settled | Mix::Visitors => 50,
        };
        let (country, group) = lists().country(draw, mix);
        let sex = if draw.percent(men) { Sex::Male } else { Sex::Female };
        let (surname, given, middle) = names(draw, group, sex);
        let maiden = (sex == Sex::Female && group.custom.takes_husbands_name() && draw.percent(22))
            .then(|| dressed(draw, group, sex))
            .filter(|maiden| *maiden != surname);
        let decades: &[_] = if mix == Mix::Students { &STUDENT_DECADES } else { &DECADES };
        let born = born(draw, decades);
        Self { surname, given, middle, maiden, born, sex, birth_place: country.place, language: group.language }
    }

    /// Whether a surname is a single one, with particles or not.
    pub(super) fn is_one_surname(&self, surname: &str) -> bool {
        super::blunder::two_surnames(surname).is_none()
    }

    /// Surname and given name of somebody else of the same people.
    pub(super) fn another_name(&self, draw: &mut Draw) -> (String, String) {
        let Some(group) = lists().group(self.language) else { return (self.surname.clone(), self.given.clone()) };
        (group.surname(draw, self.sex).into_owned(), group.given(draw, self.sex).into_owned())
    }

    /// The date of birth.
    pub(crate) fn born(&self) -> Option<Date> {
        day::date(self.born)
    }
}

/// Surname, given name and middle name, all within a name field.
fn names(draw: &mut Draw, group: &Group, sex: Sex) -> (String, String, String) {
    let mut surname = dressed(draw, group, sex);
    let given = group.given(draw, sex);
    let room = |surname: &str| NAME_MAX.saturating_sub(surname.len() + ", ".len() + given.len() + " ".len());
    if group.custom == Custom::TwoSurnames && draw.percent(45) {
        let second = dressed(draw, group, sex);
        if room(&surname) > second.len() {
            surname = format!("{surname} {second}");
        }
    }
    let middle = match group.custom {
        Custom::SecondGiven if draw.percent(60) => group.given(draw, sex),
        Custom::TwoSurnames if draw.percent(35) => group.given(draw, sex),
        Custom::MothersSurname if draw.percent(75) => group.surname(draw, sex),
        Custom::FathersName if draw.percent(45) => group.given(draw, Sex::Male),
        Custom::OwnMiddle if draw.percent(80) => group.own_middle(draw, sex).into(),
        Custom::SecondGiven | Custom::TwoSurnames | Custom::MothersSurname | Custom::FathersName => "".into(),
        Custom::OwnMiddle | Custom::Plain => "".into(),
    };
    let middle = if middle == given { "".into() } else { middle };
    // What does not fit is written as its initial, as on a form.
    let middle = match room(&surname) {
        room if middle.len() <= room && !draw.percent(12) => middle.into_owned(),
        0 => String::new(),
        _ => middle.chars().take(1).collect(),
    };
    (surname, given.into_owned(), middle)
}

/// A surname of the lists, which hold most without spaces and marks, with those that its bearer writes.
fn dressed(draw: &mut Draw, group: &Group, sex: Sex) -> String {
    let surname = &*group.surname(draw, sex);
    let apart = |particles: &[(&str, &str)]| {
        let (joined, apart) = particles.iter().find(|(joined, _)| surname.starts_with(joined))?;
        Some(format!("{apart}{}", surname.strip_prefix(joined)?))
    };
    let dressed = match group.language {
        "hispanic" | "filipino" if PARTICLED.contains(&surname) && draw.percent(65) => apart(&PARTICLES),
        "anglo" if IRISH.contains(&surname) && draw.percent(60) => apart(&[("O", "O'")]),
        "arabic" if surname.len() <= 11 && !surname.contains(['-', ' ']) && draw.percent(22) => {
            let article = draw.of(&[("AL-", 45), ("AL ", 20), ("EL-", 10), ("EL ", 10), ("AL", 15)]);
            Some(format!("{article}{surname}"))
        }
        _ => None,
    };
    dressed.unwrap_or_else(|| surname.to_owned())
}

/// Particles, the longer ones first.
const PARTICLES: [(&str, &str); 5] =
    [("DELOS", "DE LOS "), ("DELAS", "DE LAS "), ("DELA", "DE LA "), ("DEL", "DEL "), ("DE", "DE ")];

/// Surnames of the lists that begin with a particle.
const PARTICLED: [&str; 24] = [
    "DEALBA",
    "DEANDA",
    "DEGUZMAN",
    "DEHOYOS",
    "DEJESUS",
    "DELACERDA",
    "DELACRUZ",
    "DELAFUENTE",
    "DELAGARZA",
    "DELAPAZ",
    "DELAPENA",
    "DELAROSA",
    "DELATORRE",
    "DELAVEGA",
    "DELCASTILLO",
    "DELEON",
    "DELOSREYES",
    "DELOSSANTOS",
    "DELRIO",
    "DELROSARIO",
    "DELTORO",
    "DELVALLE",
    "DESANTIAGO",
    "DELBOSQUE",
];

/// Surnames of the lists that an apostrophe belongs in.
const IRISH: [&str; 16] = [
    "OBRIEN",
    "OCONNELL",
    "OCONNOR",
    "ODONNELL",
    "OHARA",
    "OKEEFE",
    "OLEARY",
    "OMALLEY",
    "ONEAL",
    "ONEIL",
    "ONEILL",
    "OREILLY",
    "OROURKE",
    "OSHEA",
    "OSULLIVAN",
    "OTOOLE",
];

/// A day of birth. One in a hundred is the January 1 of a person of whom only the year is known.
fn born(draw: &mut Draw, decades: &[(i16, u32)]) -> i32 {
    let decade = draw.of(decades);
    let last = (decade + 9).min(LAST_BIRTH_YEAR);
    if draw.percent(1) {
        return first_of(i16::try_from(draw.within(decade.into(), last.into())).unwrap_or(decade));
    }
    draw.within(first_of(decade), first_of(last + 1) - 1)
}

/// The day number of a year's first day.
fn first_of(year: i16) -> i32 {
    Date::new(year, 1, 1).map_or(0, day::of)
}
