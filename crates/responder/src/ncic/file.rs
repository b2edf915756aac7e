//! The immigration violator file as it is now: what the seed gives, and what was entered, modified and cancelled since.
//!
//! Pure: a change is decided here and written in the journal by others; a fold over the journal makes the same file.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::violator::{Base, Sound, Violator};

/// What a change does to the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// A record is there, or is another now.
    Put(Violator),
    /// A record is not there any more.
    Cancel(u32),
}

/// What was decided about one request to change the file: a record of the journal. It holds the answer's text, so that
/// a request that comes again is answered as before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What tells the request from every other: see [`super::mark`].
    pub mark: String,
    /// What it changed; nothing if it was refused.
    pub change: Option<Change>,
    /// The text of its answer.
    pub text: String,
}

/// Bodies are about persons.
impl std::fmt::Debug for Decided {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decided").field("changes", &self.change.is_some()).finish_non_exhaustive()
    }
}

/// Requests that are remembered with their answers: many more than can be on their way.
const DECIDED_MAX: usize = 20_000;

/// What is asked for.
#[derive(Clone, Default)]
pub struct Wanted {
    /// The surname; empty if not asked.
    pub surname: String,
    /// The given names.
    pub given: String,
    /// The date of birth.
    pub born: Option<Date>,
    /// The letter of the sex; empty if not asked.
    pub sex: String,
    /// Numbers behind their prefixes, as `MNU/AR-000000001`.
    pub numbers: Vec<String>,
    /// The number of a record.
    pub nic: Option<u32>,
}

/// What is asked for is about a person.
impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wanted").field("numbers", &self.numbers.len()).finish_non_exhaustive()
    }
}

/// The file.
#[derive(Debug)]
pub struct File {
    base: Base,
    /// Records that are not as the seed gives them, or not there any more.
    changed: BTreeMap<u32, Option<Violator>>,
    by_sound: HashMap<Sound, BTreeSet<u32>>,
    by_number: HashMap<String, BTreeSet<u32>>,
    /// The number of the next record.
    next: u32,
    decided: HashMap<String, String>,
    order: VecDeque<String>,
}

impl File {
    /// The file of a seed, before any change.
    #[must_use]
    pub fn new(base: Base) -> Self {
        let next = base.len().saturating_add(1);
        Self {
            base,
            changed: BTreeMap::new(),
            by_sound: HashMap::new(),
            by_number: HashMap::new(),
            next,
            decided: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        let (mut there, base) = (u64::from(self.base.len()), self.base.len());
        for (nic, record) in &self.changed {
            match (*nic <= base, record) {
                (true, None) => there -= 1,
                (false, Some(_)) => there += 1,
                (true, Some(_)) | (false, None) => {}
            }
        }
        there
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number that the next record gets.
    #[must_use]
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// The record of a number, if it is there.
    #[must_use]
    pub fn record(&self, nic: u32) -> Option<Violator> {
        self.changed.get(&nic).map_or_else(|| self.base.record(nic), Clone::clone)
    }

    /// What was answered to a request.
    #[must_use]
    pub fn answered(&self, mark: &str) -> Option<&str> {
        self.decided.get(mark).map(String::as_str)
    }

    /// Takes in what was decided. The same at work and at a start.
    pub fn apply(&mut self, decided: Decided) {
        let Decided { mark, change, text } = decided;
        match change {
            None => {}
            Some(Change::Put(violator)) => {
                self.forget(violator.nic);
                self.next = self.next.max(violator.nic.saturating_add(1));
                for sound in violator.keys().0 {
                    self.by_sound.entry(sound).or_default().insert(violator.nic);
                }
                for number in violator.numbers() {
                    self.by_number.entry(number).or_default().insert(violator.nic);
                }
                self.changed.insert(violator.nic, Some(violator));
            }
            Some(Change::Cancel(nic)) => {
                self.forget(nic);
                self.changed.insert(nic, None);
            }
        }
        if self.decided.insert(mark.clone(), text).is_none() {
            self.order.push_back(mark);
        }
        if self.order.len() > DECIDED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.decided.remove(&oldest);
        }
    }

    /// Takes a record that was changed before out of what it is found by.
    fn forget(&mut self, nic: u32) {
        let Some(Some(violator)) = self.changed.remove(&nic) else { return };
        for sound in violator.keys().0 {
            if let Some(numbers) = self.by_sound.get_mut(&sound) {
                numbers.remove(&nic);
            }
        }
        for number in violator.numbers() {
            if let Some(numbers) = self.by_number.get_mut(&number) {
                numbers.remove(&nic);
            }
        }
    }

    /// The records that may be meant, the closest first, at most `limit`, and how many there are.
    ///
    /// By a number: those that have it. By name and date of birth: a surname, or one of its parts, that sounds alike;
    /// the same first letter of the given name; the date itself, or with day and month exchanged, or a year off; and
    /// no other sex. How far NCIC's own search goes is not public; this is inferred.
    #[must_use]
    pub fn search(&self, wanted: &Wanted, limit: usize) -> (Vec<Violator>, usize) {
        let mut found: BTreeMap<u32, (u8, Violator)> = BTreeMap::new();
        let mut add = |rank: u8, violator: Violator| {
            let entry = found.entry(violator.nic).or_insert_with(|| (rank, violator));
            entry.0 = entry.0.min(rank);
        };
        if let Some(violator) = wanted.nic.and_then(|nic| self.record(nic)) {
            add(0, violator);
        }
        for number in &wanted.numbers {
            for violator in self.numbered(number) {
                add(0, violator);
            }
        }
        for (born, rank) in wanted.born.map(births).unwrap_or_default() {
            for violator in self.sounding(&wanted.surname, born) {
                let (surname, given) = violator.get("NAM").split_once(',').unwrap_or_default();
                let initial = |name: &str| name.trim_start().chars().next();
                let another_sex = !matches!(wanted.sex.as_str(), "" | "U")
                    && violator.get("SEX") != "U"
                    && violator.get("SEX") != wanted.sex;
                if initial(given) == initial(&wanted.given) && !another_sex {
                    add(rank + u8::from(surname != wanted.surname), violator);
                }
            }
        }
        let total = found.len();
        let mut found: Vec<_> = found.into_values().collect();
        found.sort_by_key(|(rank, violator)| (*rank, violator.nic));
        (found.into_iter().take(limit).map(|(_, violator)| violator).collect(), total)
    }

    /// Records that have a number.
    pub(super) fn numbered(&self, number: &str) -> Vec<Violator> {
        let changed = self.by_number.get(number).into_iter().flatten().filter_map(|nic| self.record(*nic));
        let base = self.base.numbered(number).filter(|nic| !self.changed.contains_key(nic));
        let base = base.filter_map(|nic| self.base.record(nic));
        changed.chain(base.filter(|violator| violator.numbers().any(|has| has == number))).collect()
    }

    fn sounding(&self, surname: &str, born: u32) -> Vec<Violator> {
        let mut numbers = BTreeSet::new();
        for sound in super::violator::sounds(surname) {
            numbers.extend(self.base.sounding(sound, born).filter(|nic| !self.changed.contains_key(nic)));
            numbers.extend(self.by_sound.get(&sound).into_iter().flatten());
        }
        numbers.into_iter().filter_map(|nic| self.record(nic)).filter(|violator| violator.keys().1 == born).collect()
    }
}

/// The dates of birth that count as the one asked for, and how far they are from it.
fn births(born: Date) -> Vec<(u32, u8)> {
    let number = |year: i16, month: i8, day: i8| {
        let date = Date::new(year, month, day).ok()?;
        date.strftime("%Y%m%d").to_string().parse::<u32>().ok()
    };
    let (year, month, day) = (born.year(), born.month(), born.day());
    let mut dates: Vec<_> = [
        (number(year, month, day), 1),
        (number(year, day, month).filter(|_| day != month), 3),
        (number(year.saturating_sub(1), month, day), 3),
        (number(year.saturating_add(1), month, day), 3),
    ]
    .into_iter()
    .filter_map(|(date, rank)| Some((date?, rank)))
    .collect();
    dates.dedup();
    dates
}
