//! One person drawn: where from, how named, when born, and what the source has on record.

use jiff::civil::Date;

use super::draw::Draw;
use super::lists::{Custom, Group, Mix, lists};
use crate::Status::{self, *};
use crate::{Admission, AdmissionClass, AlienNumber, Person, Place, Reference, Sex, Source, day};

/// Letters of a `LAST, FIRST MIDDLE` name at most, as the name field of an inquiry holds them.
const NAME_MAX: usize = 30;

/// Records of each source, in units of 100,000 of the 93 million that there were.
const SOURCES: [(Source, u32); 8] = [
    (Source::Cis, 450),
    (Source::Niis, 250),
    (Source::Claims, 100),
    (Source::Adis, 60),
    (Source::Enforce, 30),
    (Source::Sevis, 20),
    (Source::Dacs, 12),
    (Source::Raps, 8),
];

/// Years of birth by decade, and how many of a hundred.
const DECADES: [(i16, u32); 9] =
    [(1920, 2), (1930, 4), (1940, 8), (1950, 13), (1960, 18), (1970, 20), (1980, 18), (1990, 11), (2000, 6)];

/// The same for students.
const STUDENT_DECADES: [(i16, u32); 4] = [(1970, 8), (1980, 27), (1990, 42), (2000, 23)];

/// Nobody is born later: a person of whom one asks is grown.
const LAST_BIRTH_YEAR: i16 = 2007;

/// The person of an alien number.
pub(super) fn person(draw: &mut Draw, number: u32) -> Person {
    let source = draw.of(&SOURCES);
    let profile = Profile::of(source);
    let (country, group) = lists().country(draw, profile.mix);
    let sex = draw.of(&[(Sex::Male, 995 * profile.men), (Sex::Female, 995 * (100 - profile.men)), (Sex::Unknown, 500)]);
    let (surname, given, middle) = names(draw, group, sex);
    let born = born(draw, profile.decades);
    let status = draw.of(profile.statuses);
    let (admission, status_since) = history(draw, profile, country.place, born, status);
    Person {
        alien_number: AlienNumber::new(number).unwrap_or(FIRST),
        source,
        reference: Reference::new(source, u64::from(number)),
        surname,
        given,
        middle,
        born: day::date(born),
        sex,
        birth_place: country.place,
        citizenship: country.place,
        admission,
        status,
        status_since: day::date(status_since),
    }
}

/// The number that every nonzero number falls back to; the caller never gives zero.
const FIRST: AlienNumber = AlienNumber::new(1).unwrap();

/// What the persons of a source have in common.
struct Profile {
    mix: Mix,
    decades: &'static [(i16, u32)],
    /// Of a hundred.
    men: u32,
    statuses: &'static [(Status, u32)],
    classes: &'static [(&'static str, u32)],
    /// Days of the authorized stay, where there is one.
    stay_days: Option<(i32, i32)>,
}

impl Profile {
    const fn of(source: Source) -> &'static Self {
        match source {
            Source::Cis => &Self {
                mix: Mix::Settled,
                decades: &DECADES,
                men: 50,
                statuses: &[
                    (PermanentResident, 45),
                    (ConditionalResident, 3),
                    (Naturalized, 30),
                    (DerivedCitizen, 4),
                    (Refugee, 6),
                    (FileOpened, 9),
                    (ResidenceAbandoned, 3),
                ],
                classes: &[
                    ("IR1", 20),
                    ("IR6", 22),
                    ("IR7", 12),
                    ("F11", 5),
                    ("F41", 11),
                    ("E26", 8),
                    ("DV1", 7),
                    ("RE6", 7),
                    ("W16", 8),
                ],
                stay_days: None,
            },
            Source::Niis => &Self {
                mix: Mix::Visitors,
                decades: &DECADES,
                men: 51,
                statuses: &[(InAuthorizedStay, 12), (Departed, 70), (NoDeparture, 14), (StayExtended, 4)],
                classes: &[("B1", 18), ("B2", 52), ("WT", 14), ("WB", 4), ("H1B", 5), ("H2A", 3), ("L1", 2), ("K1", 2)],
                stay_days: Some((30, 180)),
            },
            Source::Claims => &Self {
                mix: Mix::Settled,
                decades: &DECADES,
                men: 49,
                statuses: &[
                    (BenefitPending, 30),
                    (BenefitApproved, 40),
                    (BenefitDenied, 12),
                    (WorkAuthorized, 12),
                    (ProtectedStatus, 6),
                ],
                classes: &[("B2", 40), ("F1", 12), ("H1B", 14), ("K1", 6), ("EWI", 22), ("PAR", 6)],
                stay_days: None,
            },
            Source::Adis => &Self {
                mix: Mix::Visitors,
                decades: &DECADES,
                men: 51,
                statuses: &[(EntryMatchedExit, 85), (EntryWithoutExit, 11), (Overstayed, 4)],
                classes: &[("B1", 18), ("B2", 50), ("WT", 22), ("WB", 6), ("H1B", 4)],
                stay_days: Some((30, 180)),
            },
            Source::Enforce => &Self {
                mix: Mix::Encounters,
                decades: &DECADES,
                men: 84,
                statuses: &[
                    (NoticeToAppear, 22),
                    (VoluntaryReturn, 45),
                    (ExpeditedRemoval, 18),
                    (Reinstated, 8),
                    (ReleasedOnRecognizance, 7),
                ],
                classes: &[("EWI", 88), ("B2", 12)],
                stay_days: None,
            },
            Source::Sevis => &Self {
                mix: Mix::Students,
                decades: &STUDENT_DECADES,
                men: 53,
                statuses: &[(StudentActive, 45), (StudentCompleted, 42), (StudentTerminated, 10), (StudentNoShow, 3)],
                classes: &[("F1", 72), ("J1", 25), ("M1", 3)],
                stay_days: None,
            },
            Source::Dacs => &Self {
                mix: Mix::Encounters,
                decades: &DECADES,
                men: 82,
                statuses: &[
                    (InProceedings, 32),
                    (OrderedRemoved, 24),
                    (Removed, 26),
                    (VoluntaryDeparture, 7),
                    (ReliefGranted, 5),
                    (Supervised, 6),
                ],
                classes: &[("EWI", 75), ("B2", 20), ("F1", 5)],
                stay_days: None,
            },
            Source::Raps => &Self {
                mix: Mix::Asylum,
                decades: &DECADES,
                men: 54,
                statuses: &[(AsylumPending, 45), (AsylumGranted, 22), (AsylumReferred, 28), (AsylumWithdrawn, 5)],
                classes: &[("EWI", 50), ("B2", 42), ("PAR", 8)],
                stay_days: None,
            },
        }
    }
}

/// Surname, given name and middle name, all within a name field.
fn names(draw: &mut Draw, group: &Group, sex: Sex) -> (String, String, String) {
    let mut surname = group.surname(draw, sex).to_owned();
    let given = group.given(draw, sex);
    let room = |surname: &str| NAME_MAX.saturating_sub(surname.len() + ", ".len() + given.len() + " ".len());
    if group.custom == Custom::TwoSurnames && draw.percent(45) {
        let second = group.surname(draw, sex);
        if room(&surname) > second.len() {
            surname = format!("{surname} {second}");
        }
    }
    let middle = match group.custom {
        Custom::SecondGiven if draw.percent(60) => group.given(draw, sex),
        Custom::TwoSurnames if draw.percent(35) => group.given(draw, sex),
        Custom::MothersSurname if draw.percent(75) => group.surname(draw, sex),
        Custom::FathersName if draw.percent(45) => group.given(draw, Sex::Male),
        Custom::OwnMiddle if draw.percent(80) => group.own_middle(draw, sex),
        Custom::SecondGiven | Custom::TwoSurnames | Custom::MothersSurname | Custom::FathersName => "",
        Custom::OwnMiddle | Custom::Plain => "",
    };
    let middle = if middle == given { "" } else { middle };
    // What does not fit is written as its initial, as on a form.
    let middle = match room(&surname) {
        room if middle.len() <= room && !draw.percent(15) => middle.to_owned(),
        0 => String::new(),
        _ => middle.chars().take(1).collect(),
    };
    (surname, given.to_owned(), middle)
}

/// A day of birth. One in a hundred is the January 1 of a person of whom only the year is known.
fn born(draw: &mut Draw, decades: &[(i16, u32)]) -> i32 {
    let decade = draw.of(decades);
    let last = (decade + 9).min(LAST_BIRTH_YEAR);
    let (first_day, last_day) = (day_of(decade, 1, 1), day_of(last, 12, 31));
    if draw.percent(1) {
        return day_of(i16::try_from(draw.within(decade.into(), last.into())).unwrap_or(decade), 1, 1);
    }
    draw.within(first_day, last_day)
}

/// The admission and the day since when the status holds.
fn history(draw: &mut Draw, profile: &Profile, from: Place, born: i32, status: Status) -> (Option<Admission>, i32) {
    let classes: &[(&str, u32)] = if status == ConditionalResident {
        &[("CR1", 60), ("CR6", 40)]
    } else if status == Refugee {
        &[("RE1", 70), ("RE8", 30)]
    } else {
        profile.classes
    };
    let class = draw.of(classes);
    let class = match class {
        "WT" if !VISA_WAIVER.contains(&from.as_str()) => "B2",
        "WB" if !VISA_WAIVER.contains(&from.as_str()) => "B1",
        class => class,
    };
    let last = day_of(2025, 12, 31);
    let youngest = if GROWN_CLASSES.contains(&class) { 18 * 366 } else { 30 };
    // Records on machines begin about 1975.
    let begin = CLASS_YEARS.iter().find(|(dated, _)| *dated == class).map_or(1975, |(_, year)| *year);
    let on = draw.within((born + youngest).max(day_of(begin, 1, 1)).min(last - 400), last - 366);
    let since = draw.within(on, last);
    let class = AdmissionClass::new(class);
    let until = profile.stay_days.map(|(shortest, longest)| on + draw.within(shortest, longest));
    // A stay that ended is known to have ended after it began, one that goes on is recorded while it does.
    let since = match (status, until) {
        (InAuthorizedStay | Departed | EntryMatchedExit, Some(until)) => draw.within(on, until),
        (Overstayed, Some(until)) => draw.within(until + 1, until + 365).min(last),
        (_, Some(until)) => since.max(until.min(last)),
        (_, None) => since,
    };
    // Whoever only has a file was perhaps never admitted.
    let is_admitted = !(status == FileOpened && draw.percent(40));
    let admission = class.zip(day::date(on)).filter(|_| is_admitted);
    (admission.map(|(class, on)| Admission { class, on, until: until.and_then(day::date) }), since)
}

/// Countries whose visitors need no visa (a selection of those in `countries.txt`).
const VISA_WAIVER: [&str; 10] = ["AS", "EN", "FN", "IE", "IT", "JA", "KO", "PT", "SP", "TW"];

/// Classes that nobody is admitted in as a child: workers, business, students, spouses.
const GROWN_CLASSES: [&str; 14] =
    ["B1", "CR1", "CR6", "DV1", "E26", "F1", "H1B", "H2A", "IR1", "IR6", "J1", "K1", "L1", "M1"];

/// Classes that began later than the records, and when. Students' are dated by the system of 2003.
const CLASS_YEARS: [(&str, i16); 15] = [
    ("CR1", 1987),
    ("CR6", 1987),
    ("DV1", 1995),
    ("E26", 1991),
    ("F1", 2003),
    ("H1B", 1991),
    ("H2A", 1987),
    ("J1", 2003),
    ("M1", 2003),
    ("RE1", 1980),
    ("RE6", 1980),
    ("RE8", 1980),
    ("W16", 1987),
    ("WB", 1989),
    ("WT", 1989),
];

/// The day number of a date; the first of 1970 for one that is none.
fn day_of(year: i16, month: i8, of_month: i8) -> i32 {
    Date::new(year, month, of_month).map_or(0, day::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_use_statuses_of_their_source_and_classes_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocol-specs/codes/class_of_admission.csv");
        let table = std::fs::read_to_string(path).unwrap();
        let is_listed = |class: &str| table.lines().any(|line| line.split(',').next() == Some(class));
        for source in Source::ALL {
            let profile = Profile::of(source);
            assert!(profile.statuses.iter().all(|(status, _)| status.source() == source), "{source:?}");
            for (class, _) in profile.classes {
                assert!(is_listed(class), "{class}");
            }
        }
        let dated = CLASS_YEARS.iter().map(|(class, _)| class);
        assert!(dated.chain(&GROWN_CLASSES).all(|class| is_listed(class)));
    }
}
