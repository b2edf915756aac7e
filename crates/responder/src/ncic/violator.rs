//! A record of the immigration violator file, and the file that a seed gives (`protocol-specs/formats.md` 5.4).
//!
//! The file is made of the removal cases of the population that the record indexes are made of, so that a person whom
//! the center finds may have a record here. Only what a search compares is kept; the rest of a record is made again
//! when it is wanted.

use std::collections::BTreeMap;
use std::fmt;
use std::thread;

use jiff::civil::{Date, date};
use records::synth::Population;
use records::{IdentifierKind, Person, Source, Status};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Records of the file at the end of the fiscal year 2004.
pub const COUNT: u32 = 155_645;

/// Those of them that were entered in that year, as a share of a million.
const NEW_PER_MILLION: u64 = 51_700 * 1_000_000 / COUNT as u64;

/// Who entered what the seed gives: the center of the sample network.
pub const CENTER: &str = "ZZLESC000";

/// Since when there is such a file.
const BEGIN: Date = date(2003, 8, 25);
/// When the newest year of the synthetic file begins, and its last day: that of the synthetic population.
const NEW_YEAR: Date = date(2025, 1, 1);
const LAST: Date = date(2025, 12, 31);

/// The prefixes of a record, in the order in which it prints.
pub const PREFIXES: [&str; 22] = [
    "NAM", "SEX", "RAC", "POB", "DOB", "HGT", "WGT", "EYE", "HAI", "CTZ", "SKN", "SMT", "FPC", "MNU", "FBI", "SOC",
    "OLN", "OLS", "OLY", "OFF", "OCA", "MIS",
];

/// One record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violator {
    /// The digits of its NCIC number.
    pub nic: u32,
    /// Who entered it.
    pub ori: String,
    /// The day on which it was entered, as ccyymmdd.
    pub entered: String,
    /// What it says, by prefix ([`PREFIXES`]); what it does not say is not there.
    pub fields: BTreeMap<String, String>,
}

impl Violator {
    /// What it says under a prefix; empty if nothing.
    #[must_use]
    pub fn get(&self, prefix: &str) -> &str {
        self.fields.get(prefix).map_or("", String::as_str)
    }

    /// Its number as messages have it.
    #[must_use]
    pub fn number(&self) -> String {
        nic(self.nic)
    }

    /// The numbers by which it is found, behind their prefixes.
    pub(super) fn numbers(&self) -> impl Iterator<Item = String> + '_ {
        let of = |prefix| (prefix, self.get(prefix));
        let all = [of("MNU"), of("FBI"), of("SOC"), of("OLN"), of("OCA")];
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(prefix, value)| format!("{prefix}/{value}"))
    }

    /// Surnames by their sound, and the date of birth as a number, by which it is found.
    pub(super) fn keys(&self) -> (Vec<Sound>, u32) {
        let surname = self.get("NAM").split(',').next().unwrap_or("");
        (sounds(surname), self.get("DOB").parse().unwrap_or(0))
    }
}

/// Records are about persons.
impl fmt::Debug for Violator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Violator").field("prefixes", &self.fields.len()).finish_non_exhaustive()
    }
}

/// An NCIC number of the file: its letter and nine digits.
#[must_use]
pub fn nic(number: u32) -> String {
    format!("N{number:09}")
}

/// The digits of an NCIC number of the file.
#[must_use]
pub fn nic_number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix(['N', 'n']).filter(|digits| digits.len() == 9)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Whether a record still stands: what its owner finds in its case file when a hit is to be confirmed. NCIC does not
/// know it, and a hit does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It does.
    Stands,
    /// The person was removed after it was entered.
    RemovedSince,
    /// The person was given a status since.
    StatusGranted,
    /// The order was taken back.
    OrderVacated,
    /// There is no case file under its number.
    FileNotFound,
}

/// The standing of the record of a case. Of 100, 42 cannot be confirmed, as of the hits of 2002 to 2004; which of the
/// reasons it is, is inferred.
#[must_use]
pub fn standing(seed: u64, case: &str) -> Standing {
    match draw(seed, "standing", case, 100) {
        0..58 => Standing::Stands,
        58..74 => Standing::RemovedSince,
        74..86 => Standing::StatusGranted,
        86..93 => Standing::OrderVacated,
        _ => Standing::FileNotFound,
    }
}

/// A number below `end` that depends on nothing else than these.
fn draw(seed: u64, what: &str, of: &str, end: u32) -> u32 {
    let hash = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(what).chain_update(of).finalize();
    let (words, _) = hash.as_chunks();
    words.first().map_or(0, |word| u32::from_be_bytes(*word)) % end.max(1)
}

/// One of some choices.
fn one<'a>(seed: u64, what: &str, of: &str, choices: &[&'a str]) -> &'a str {
    let place = draw(seed, what, of, u32::try_from(choices.len()).unwrap_or(1)) as usize;
    choices.get(place).copied().unwrap_or("")
}

/// The public countries of the registration program of 2002 in the place table, those whose code is theirs alone.
const REGISTERED: [&str; 10] = ["PK", "IR", "IQ", "SY", "EG", "BG", "YE", "SU", "LY", "SM"];

/// The category of a removal case: its offense code.
fn offense(person: &Person) -> Option<&'static str> {
    let (status, is_numbered) = (person.status, person.number(IdentifierKind::Fbi).is_some());
    let is_registered = REGISTERED.contains(&person.birth_place.as_str());
    let categories = [
        (status == Status::Removed && is_numbered, "8003"),
        (status == Status::OrderedRemoved, "8004"),
        (status == Status::InProceedings && is_registered, "8005"),
    ];
    categories.into_iter().find_map(|(is_of_it, code)| is_of_it.then_some(code))
}

/// The file of a seed.
#[derive(Debug)]
pub struct Base {
    population: Population,
    seed: u64,
    rows: Vec<Row>,
    by_sound: Vec<(Sound, u32, u32)>,
    by_number: Vec<(u32, u32)>,
}

/// The row of a removal case, and the day on which the record was entered.
#[derive(Debug, Clone, Copy)]
struct Row {
    row: u32,
    entered: Date,
}

struct Made {
    row: u32,
    since: Date,
    sounds: Vec<Sound>,
    born: u32,
    numbers: Vec<u32>,
}

impl Base {
    /// The file of at most `count` records about persons of the first so many records of a seed.
    #[must_use]
    pub fn new(seed: u64, persons: u32, count: u32) -> Self {
        let population = Population::new(seed, persons);
        let made = |row| {
            let person = population.record_of(Source::Dacs, row).person;
            offense(&person).map(|offense| {
                let violator = write(seed, &person, offense);
                let ((sounds, born), since) = (violator.keys(), person.status_since.unwrap_or(BEGIN));
                Made { row, since, sounds, born, numbers: violator.numbers().map(|number| hashed(&number)).collect() }
            })
        };
        let (mut all, mut next, end) = (Vec::new(), 0, population.len_of(Source::Dacs));
        let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
        while next < end && all.len() < count as usize {
            let starts: Vec<u32> = (next..).step_by(CHUNK as usize).take(threads).collect();
            next = starts.last().map_or(end, |last| last.saturating_add(CHUNK));
            let chunks = thread::scope(|scope| {
                let chunk =
                    |start: u32| (start..start.saturating_add(CHUNK).min(end)).filter_map(made).collect::<Vec<_>>();
                let running: Vec<_> = starts.into_iter().map(|start| scope.spawn(move || chunk(start))).collect();
                // A panic of a thread is passed on by the scope.
                running.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
            });
            all.extend(chunks.into_iter().flatten());
        }
        all.truncate(count as usize);
        all.sort_by_key(|made| (made.since, made.row));
        Self::of(population, seed, &all)
    }

    fn of(population: Population, seed: u64, all: &[Made]) -> Self {
        let total = all.len() as u64;
        let old = total - total * NEW_PER_MILLION / 1_000_000;
        let spread = |first: Date, last: Date, place: u64, of: u64| {
            let days = u64::try_from((last - first).get_days()).unwrap_or(0);
            let days = i64::try_from(place * days / of.max(1)).unwrap_or(0);
            first.saturating_add(jiff::Span::new().days(days))
        };
        let (mut rows, mut by_sound, mut by_number) = (Vec::with_capacity(all.len()), Vec::new(), Vec::new());
        for (made, place) in all.iter().zip(0_u64..) {
            let entered = match place.checked_sub(old) {
                None => spread(BEGIN, NEW_YEAR, place, old),
                Some(place) => spread(NEW_YEAR, LAST, place, total - old),
            };
            rows.push(Row { row: made.row, entered: entered.max(made.since) });
            let index = u32::try_from(place).unwrap_or(u32::MAX);
            by_sound.extend(made.sounds.iter().map(|sound| (*sound, made.born, index)));
            by_number.extend(made.numbers.iter().map(|number| (*number, index)));
        }
        by_sound.sort_unstable();
        by_number.sort_unstable();
        Self { population, seed, rows, by_sound, by_number }
    }

    /// How many records there are: their numbers are 1 to this.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The record of a number.
    #[must_use]
    pub fn record(&self, nic: u32) -> Option<Violator> {
        let Row { row, entered } = *self.rows.get(nic.checked_sub(1)? as usize)?;
        let person = self.population.record_of(Source::Dacs, row).person;
        let violator = write(self.seed, &person, offense(&person)?);
        Some(Violator { nic, entered: entered.strftime("%Y%m%d").to_string(), ..violator })
    }

    /// Numbers of the records with a surname that sounds so and that date of birth.
    pub(super) fn sounding(&self, sound: Sound, born: u32) -> impl Iterator<Item = u32> + '_ {
        let from = self.by_sound.partition_point(|(has, day, _)| (*has, *day) < (sound, born));
        let rest = self.by_sound.get(from..).unwrap_or_default();
        rest.iter().take_while(move |(has, day, _)| (*has, *day) == (sound, born)).map(|(.., index)| index + 1)
    }

    /// Numbers of the records that may have that number, as [`Violator::numbers`] writes it.
    pub(super) fn numbered(&self, number: &str) -> impl Iterator<Item = u32> + '_ {
        let hash = hashed(number);
        let from = self.by_number.partition_point(|(has, _)| *has < hash);
        let rest = self.by_number.get(from..).unwrap_or_default();
        rest.iter().take_while(move |(has, _)| *has == hash).map(|(_, index)| index + 1)
    }
}

/// Rows that a thread makes at a time.
const CHUNK: u32 = 8_192;

fn hashed(number: &str) -> u32 {
    number.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The record of a removal case, without its number and day.
fn write(seed: u64, person: &Person, offense: &str) -> Violator {
    let (alien, sex) = (person.alien_number.to_string(), person.sex.letter().to_string());
    let middle = if person.middle.is_empty() { String::new() } else { format!(" {}", person.middle) };
    let name: String = format!("{}, {}{middle}", person.surname, person.given).chars().take(30).collect();
    let pick = |what, choices: &[&'static str]| one(seed, what, &alien, choices).to_owned();
    let inches = 60 + draw(seed, "height", &alien, 15);
    let number = |kind| person.number(kind).map_or_else(String::new, |number| number.text().to_owned());
    let fields = [
        ("NAM", name.trim_end().to_owned()),
        ("SEX", sex),
        ("RAC", pick("race", &["W", "W", "W", "B", "A", "U"])),
        ("POB", person.birth_place.to_string()),
        ("DOB", person.born.map_or_else(String::new, |born| born.strftime("%Y%m%d").to_string())),
        ("HGT", format!("{}{:02}", inches / 12, inches % 12)),
        ("WGT", (110 + draw(seed, "weight", &alien, 130)).to_string()),
        ("EYE", pick("eye", &["BRO", "BRO", "BRO", "BLK", "BLU", "GRN"])),
        ("HAI", pick("hair", &["BLK", "BLK", "BRO", "BRO", "GRY", "BLN"])),
        ("CTZ", person.citizenship.to_string()),
        ("MNU", format!("AR-{alien}")),
        ("FBI", number(IdentifierKind::Fbi)),
        ("SOC", number(IdentifierKind::Ssn)),
        ("OFF", offense.to_owned()),
        ("OCA", format!("A{alien}")),
    ];
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let fields = fields.map(|(prefix, value)| (prefix.to_owned(), value)).collect();
    Violator { nic: 0, ori: CENTER.to_owned(), entered: String::new(), fields }
}

/// How a name sounds: its first letter and three digits (Soundex).
pub(super) type Sound = [u8; 4];

/// The sounds of a surname as a whole, and of each of its parts of at least three letters.
pub(super) fn sounds(surname: &str) -> Vec<Sound> {
    let parts = surname.split([' ', '-']).filter(|part| part.len() >= 3);
    let mut sounds: Vec<Sound> = std::iter::once(surname).chain(parts).filter_map(sound).collect();
    sounds.sort_unstable();
    sounds.dedup();
    sounds
}

fn sound(name: &str) -> Option<Sound> {
    let mut letters = name.bytes().filter(u8::is_ascii_alphabetic).map(|b| b.to_ascii_uppercase());
    let first = letters.next()?;
    let (mut digits, mut last) = (Vec::with_capacity(3), digit(first));
    for letter in letters {
        let digit = digit(letter);
        if digit != b'0' && digit != last {
            digits.push(digit);
        }
        // H and W between two letters of one sound do not part them.
        if !matches!(letter, b'H' | b'W') {
            last = digit;
        }
    }
    let mut digits = digits.into_iter().chain(std::iter::repeat(b'0'));
    let mut next = || digits.next().unwrap_or(b'0');
    Some([first, next(), next(), next()])
}

const fn digit(letter: u8) -> u8 {
    match letter {
        b'B' | b'F' | b'P' | b'V' => b'1',
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => b'2',
        b'D' | b'T' => b'3',
        b'L' => b'4',
        b'M' | b'N' => b'5',
        b'R' => b'6',
        _ => b'0',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sound_as_the_public_examples_have_it() {
        for (name, expected) in
            [("ROBERT", "R163"), ("RUPERT", "R163"), ("ASHCRAFT", "A261"), ("TYMCZAK", "T522"), ("PFISTER", "P236")]
        {
            assert_eq!(
                sound(name).map(|sound| String::from_utf8_lossy(&sound).into_owned()).as_deref(),
                Some(expected)
            );
        }
        assert_eq!(sounds("DE LA CRUZ"), [*b"C620", *b"D426"]);
        assert_eq!(sounds("'"), Vec::<Sound>::new());
    }

    #[test]
    fn the_file_is_the_same_for_the_same_seed_and_has_all_three_categories_and_the_year_s_share() {
        let (one, other) = (Base::new(1, 1_000_000, 5_000), Base::new(1, 1_000_000, 5_000));
        assert!(one.len() > 3_000, "{}", one.len());
        let all: Vec<Violator> = (1..=one.len()).filter_map(|nic| one.record(nic)).collect();
        assert_eq!(all.len(), one.len() as usize);
        assert!((1..=other.len()).filter_map(|nic| other.record(nic)).eq(all.iter().cloned()));
        let of = |code: &str| all.iter().filter(|violator| violator.get("OFF") == code).count();
        let (felons, absconders, nseers) = (of("8003"), of("8004"), of("8005"));
        assert!(felons > 1_000 && absconders > 1_000 && nseers > 10, "{felons} {absconders} {nseers}");
        assert!(all.iter().all(|violator| violator.get("OFF") != "8003" || !violator.get("FBI").is_empty()));
        let new = all.iter().filter(|violator| violator.entered.as_str() >= "20250101").count();
        let share = new * 100 / all.len();
        assert!((32..=36).contains(&share), "{share}");
        assert!(all.is_sorted_by_key(|violator| violator.nic));
        assert_eq!(one.record(0), None);
        assert_eq!(one.record(one.len() + 1), None);
    }

    #[test]
    fn forty_two_of_a_hundred_records_cannot_be_confirmed() {
        let stands = (0..10_000).filter(|case| standing(7, &format!("A{case:09}")) == Standing::Stands).count();
        assert!((5_650..=5_950).contains(&stands), "{stands}");
    }
}
