//! One record: what a source has on record of a person, with its errors.

use jiff::civil::Date;

use super::blunder::{Blunders, two_surnames, write_down};
use super::draw::Draw;
use super::numbers;
use super::truth::Truth;
use crate::Status::{self, *};
use crate::{
    Admission, AdmissionClass, Alias, AlienNumber, Detail, Field, IdentifierKind, Person, Place, ShortText, Source,
    day, mistakes,
};

/// The record of a person in a source; `occurrence` counts those of one person and source.
pub(super) fn record(seed: u64, number: u32, truth: &Truth, source: Source, occurrence: u8) -> (Person, Blunders) {
    let mut draw = Draw::new(seed, number, 1 + (source as u32) * 4 + u32::from(occurrence));
    let draw = &mut draw;
    let profile = Profile::of(source);
    let status = draw.of(profile.statuses);
    let (admission, since) = history(draw, profile, truth.birth_place, truth.born, status);
    let number_of_file = AlienNumber::new(number.wrapping_add(1)).unwrap_or(FIRST);
    let mut person = Person {
        reference: numbers::reference(seed, number, source, occurrence),
        birth_place: truth.birth_place,
        citizenship: truth.birth_place,
        admission,
        status_since: day::date(since),
        ..Person::new(number_of_file, source, status)
    };
    let blunders = write_down(draw, truth, &mut person);
    add_numbers(draw, seed, number, &mut person);
    add_aliases(draw, truth, &mut person);
    add_details(draw, &mut person, since);
    (person, blunders)
}

/// The number that every nonzero number falls back to; the caller never gives zero.
const FIRST: AlienNumber = AlienNumber::new(1).unwrap();

/// Numbers of the person that a source records, and in how many of a hundred records.
const fn recorded_numbers(source: Source) -> &'static [(IdentifierKind, u32)] {
    use IdentifierKind::{Fbi, Fin, I94, Licence, Passport, Ssn};
    match source {
        Source::Cis => &[(Ssn, 50), (Passport, 12), (Licence, 8)],
        Source::Niis => &[(Passport, 70)],
        Source::Claims => &[(Ssn, 60), (I94, 50)],
        Source::Adis => &[(Passport, 95)],
        Source::Enforce => &[(Fbi, 45)],
        Source::Sevis => &[(Passport, 90)],
        Source::Dacs => &[(Fbi, 55), (Fin, 70)],
        Source::Raps => &[(Passport, 40), (I94, 45)],
    }
}

fn add_numbers(draw: &mut Draw, seed: u64, number: u32, person: &mut Person) {
    for (kind, percent) in recorded_numbers(person.source) {
        let issuer = match kind {
            IdentifierKind::Passport => Some(person.birth_place),
            // States of the sample network.
            IdentifierKind::Licence => Place::new(["ZA", "ZB", "ZC", "ZD"][number as usize % 4]),
            IdentifierKind::Fbi | IdentifierKind::Ssn | IdentifierKind::I94 => None,
            IdentifierKind::Fin | IdentifierKind::Sevis | IdentifierKind::Receipt => None,
        };
        if draw.percent(*percent) {
            person.identifiers.extend(numbers::identifier(seed, number, *kind, issuer));
        }
    }
}

/// Of a thousand records, so many have another name of the person that is none of the usual ones.
const fn aliases_permille(source: Source) -> u32 {
    match source {
        Source::Enforce => 220,
        Source::Dacs => 150,
        Source::Cis => 25,
        Source::Claims | Source::Raps => 40,
        Source::Niis | Source::Adis | Source::Sevis => 0,
    }
}

fn add_aliases(draw: &mut Draw, truth: &Truth, person: &mut Person) {
    let permille = aliases_permille(person.source);
    if permille == 0 {
        return;
    }
    // As a whole name is read: the first word behind the comma is the given name.
    let alias = |surname: &str, given: &str| {
        let (given, middle) = given.split_once(' ').unwrap_or((given, ""));
        Alias { surname: surname.to_owned(), given: given.to_owned(), middle: middle.to_owned() }
    };
    if let Some(maiden) = truth.maiden.as_ref().filter(|maiden| **maiden != person.surname && draw.percent(60)) {
        person.aliases.push(alias(maiden, &truth.given));
    }
    if !draw.permille(permille) {
        return;
    }
    let other = match draw.below(3) {
        0 => mistakes::nickname(draw, &truth.given).map(|given| alias(&truth.surname, &given)),
        1 => two_surnames(&truth.surname).map(|(_, second)| alias(second, &truth.given)),
        _ => mistakes::respelled(draw, &truth.given, truth.language)
            .filter(|given| given.is_ascii())
            .map(|given| alias(&truth.surname, &given)),
    };
    // A name that has nothing to do with the person's.
    let other = other.unwrap_or_else(|| {
        let (surname, given) = truth.another_name(draw);
        alias(&surname, &given)
    });
    person.aliases.push(other);
}

fn add_details(draw: &mut Draw, person: &mut Person, since: i32) {
    let one = |draw: &mut Draw, codes: &[&str]| draw.one(codes).copied().unwrap_or("").to_owned();
    let mut add = |field, text: &str| {
        if let Ok(text) = ShortText::from(text) {
            person.details.push(Detail { field, text });
        }
    };
    let status = person.status;
    let on = |day: i32| day::date(day).map_or_else(String::new, |date| date.to_string());
    match person.source {
        Source::Cis => {
            add(Field::FileOffice, &one(draw, &OFFICES));
            if person.admission.is_some() {
                add(Field::Port, &one(draw, &PORTS));
            }
            if matches!(status, Naturalized | DerivedCitizen) {
                add(Field::CertificateOn, &on(since));
            }
        }
        Source::Niis => {
            add(Field::Port, &one(draw, &PORTS));
            add(Field::Carrier, &format!("{}{:03}", one(draw, &CARRIERS), draw.below(400)));
            if status == Departed {
                add(Field::DepartedOn, &on(since));
            }
            add(Field::VisaPost, &one(draw, &POSTS));
        }
        Source::Claims => {
            let form = if status == WorkAuthorized {
                "I-765"
            } else if status == ProtectedStatus {
                "I-821"
            } else {
                draw.of(&[("I-485", 60), ("I-130", 12), ("I-129", 8), ("I-751", 5), ("I-539", 5), ("N-400", 10)])
            };
            add(Field::Form, form);
            add(Field::ReceivedOn, &on(since - draw.within(20, 700)));
        }
        Source::Adis => {
            add(Field::Port, &one(draw, &PORTS));
            if matches!(status, EntryMatchedExit | Overstayed) {
                add(Field::DepartedOn, &on(since));
            }
        }
        Source::Enforce => {
            add(Field::EncounteredOn, &on(since));
            add(Field::EncounteredAt, &one(draw, &SECTORS));
        }
        Source::Sevis => {
            let school = draw.below(4_000);
            let letter = |place: u32| char::from(b'A' + u8::try_from(place % 26).unwrap_or(0));
            let code = [letter(school / 676), letter(school / 26), letter(school)];
            add(Field::School, &format!("{}214F{school:05}", code.iter().collect::<String>()));
            let began = person.admission.map_or(since, |admission| day::of(admission.on));
            add(Field::ProgramEnd, &on(began + draw.of(&[(365, 30), (730, 25), (1_461, 35), (2_192, 10)])));
        }
        Source::Dacs => {
            add(Field::FileOffice, &one(draw, &OFFICES));
            add(Field::Charge, &one(draw, &CHARGES));
            if matches!(status, OrderedRemoved | Removed | Supervised) {
                add(Field::OrderedOn, &on(since - draw.within(0, 120)));
            }
        }
        Source::Raps => {
            add(Field::FileOffice, &one(draw, &ASYLUM_OFFICES));
            add(Field::ReceivedOn, &on(since - draw.within(20, 900)));
        }
    }
}

const OFFICES: [&str; 20] = [
    "NYC", "LOS", "MIA", "SFR", "CHI", "HOU", "DAL", "NEW", "BOS", "PHI", "ATL", "WAS", "DEN", "SEA", "SNA", "SND",
    "PHO", "DET", "NBC", "ELP",
];

const ASYLUM_OFFICES: [&str; 8] = ["ZNY", "ZNK", "ZMI", "ZLA", "ZSF", "ZHN", "ZCH", "ZAR"];

const PORTS: [&str; 24] = [
    "NYC", "LOS", "MIA", "SFR", "CHI", "HOU", "DAL", "NEW", "BOS", "ATL", "WAS", "SEA", "HHW", "AGA", "ELP", "LAR",
    "SYS", "OTM", "NOG", "BRO", "HID", "DET", "BUF", "TOR",
];

const CARRIERS: [&str; 16] =
    ["AA", "UA", "DL", "AM", "LA", "AV", "CM", "KE", "JL", "NH", "CA", "AI", "EK", "LH", "BA", "AF"];

const POSTS: [&str; 16] =
    ["MEX", "CDJ", "GDL", "MTR", "GTM", "SNS", "BGT", "LMA", "MNL", "GUZ", "SHG", "HCM", "SEO", "TKY", "NWD", "BMB"];

const SECTORS: [&str; 16] =
    ["SDC", "ELC", "YUM", "TCA", "EPT", "BBT", "DRT", "LRT", "RGV", "MIP", "NLL", "BLW", "SPW", "HVM", "GFN", "DTM"];

const CHARGES: [&str; 8] = ["212A6AI", "212A7AI", "212A2AI", "212A9BI", "237A1B", "237A1A", "237A2AIII", "237A2BI"];

/// What the persons of a source have in common.
struct Profile {
    statuses: &'static [(Status, u32)],
    classes: &'static [(&'static str, u32)],
    /// Days of the authorized stay, where there is one.
    stay_days: Option<(i32, i32)>,
}

impl Profile {
    const fn of(source: Source) -> &'static Self {
        match source {
            Source::Cis => &Self {
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
                statuses: &[(InAuthorizedStay, 12), (Departed, 70), (NoDeparture, 14), (StayExtended, 4)],
                classes: &[("B1", 18), ("B2", 52), ("WT", 14), ("WB", 4), ("H1B", 5), ("H2A", 3), ("L1", 2), ("K1", 2)],
                stay_days: Some((30, 180)),
            },
            Source::Claims => &Self {
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
                statuses: &[(EntryMatchedExit, 85), (EntryWithoutExit, 11), (Overstayed, 4)],
                classes: &[("B1", 18), ("B2", 50), ("WT", 22), ("WB", 6), ("H1B", 4)],
                stay_days: Some((30, 180)),
            },
            Source::Enforce => &Self {
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
                statuses: &[(StudentActive, 45), (StudentCompleted, 42), (StudentTerminated, 10), (StudentNoShow, 3)],
                classes: &[("F1", 72), ("J1", 25), ("M1", 3)],
                stay_days: None,
            },
            Source::Dacs => &Self {
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
                statuses: &[(AsylumPending, 45), (AsylumGranted, 22), (AsylumReferred, 28), (AsylumWithdrawn, 5)],
                classes: &[("EWI", 50), ("B2", 42), ("PAR", 8)],
                stay_days: None,
            },
        }
    }
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
