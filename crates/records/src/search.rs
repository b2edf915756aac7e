//! Search: which records may be the person asked for, ranked, each with its reasons.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use crate::agreement::{self, Agreement, GivenNames, Part, Reason, Surname};
use crate::format::{Details, Key, NO_DAY};
use crate::{AlienNumber, Index, Person, Place, Sex, fold};

/// What is known of the person asked for. Names may be in any case and with marks; an empty name or a none was not
/// asked.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Family name or names.
    pub surname: String,
    /// First given name, or an initial.
    pub given: String,
    /// Further given names.
    pub middle: String,
    /// Date of birth.
    pub born: Option<Date>,
    /// Sex; unknown is not asked.
    pub sex: Sex,
    /// Country of birth.
    pub birth_place: Option<Place>,
    /// Alien number.
    pub alien_number: Option<AlienNumber>,
}

/// Says what was asked for, never with what: queries do not belong in logs.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("by_name", &!self.surname.is_empty())
            .field("by_born", &self.born.is_some())
            .field("by_number", &self.alien_number.is_some())
            .finish_non_exhaustive()
    }
}

/// The answer of one search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The best, best first. Equal scores are in the order of alien number, then source.
    pub candidates: Vec<Candidate>,
    /// How many there were before the limit.
    pub total: usize,
    /// False if the search stopped at its bound of work, so that there may be more than it found. This takes a query
    /// without a date of birth for a common name, or tens of thousands of records that share a name's sound and a
    /// day.
    pub complete: bool,
}

/// A record that may be the person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The record.
    pub person: Person,
    /// 0 to 100: 100 when every part that was asked is the same. It ranks; it is no probability.
    pub score: u8,
    /// What the score and its reasons amount to.
    pub class: Class,
    /// Each part that was asked, and what it counted.
    pub reasons: Vec<Reason>,
}

/// What a candidate amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Very likely the person: names the same or alike, date of birth or alien number the same, nothing against it.
    Match,
    /// May be the person: somebody has to look.
    Possible,
}

/// A match scores at least this: full agreement but for a surname that sounds alike and is spelled nearly alike.
const MATCH_SCORE: u8 = 85;

/// Records that one search compares at most, so that the dearest query takes tens of milliseconds.
const COMPARED_MAX: usize = 65_536;

/// Records of one alien number that are looked at: eight sources, and room for errors.
const NUMBERED_MAX: usize = 64;

/// Blocks that one search looks into. Surnames that share a code with an asked one lie in a handful.
const BLOCKS_MAX: usize = 64;

impl Index {
    /// Finds the records that may be the person asked for, the best `limit` of them.
    ///
    /// A record is a candidate if its alien number is the one asked for; or if its surname (or one of several) is the
    /// same or sounds alike, its given name is the same, alike, shared in part, fits as an initial or is not known,
    /// and its date of birth is the same, or not known to the record while both names are the same. Without a date of
    /// birth in the query the names alone decide. A query without alien number, and without surname or without both
    /// given name and date of birth, finds nothing.
    #[must_use]
    pub fn search(&self, query: &Query, limit: usize) -> Found {
        let mut search = Search::new(self, query);
        search.by_number();
        search.by_name();
        search.rank(limit)
    }
}

/// One search: the query taken apart, and what it found so far.
struct Search<'a> {
    index: &'a Index,
    query: &'a Query,
    surname: Surname,
    names: GivenNames,
    compared: usize,
    records: BTreeSet<usize>,
    complete: bool,
}

impl<'a> Search<'a> {
    fn new(index: &'a Index, query: &'a Query) -> Self {
        Self {
            index,
            query,
            surname: Surname::new(&fold(&query.surname)),
            names: GivenNames::new(&fold(&query.given), &fold(&query.middle)),
            compared: 0,
            records: BTreeSet::new(),
            complete: true,
        }
    }

    fn by_number(&mut self) {
        if let Some(number) = self.query.alien_number {
            self.records.extend(self.index.numbered(number).take(NUMBERED_MAX));
        }
    }

    fn by_name(&mut self) {
        if self.surname.is_empty() || self.names.is_empty() && self.query.born.is_none() {
            return;
        }
        let codes: BTreeSet<_> = self.surname.sounds().flat_map(|sound| sound.codes()).collect();
        let blocks: BTreeSet<_> = codes.into_iter().flat_map(|code| self.index.blocks_of(code)).collect();
        self.complete &= blocks.len() <= BLOCKS_MAX;
        for block in blocks.into_iter().take(BLOCKS_MAX) {
            let (start, block) = (self.index.block(block).start, self.index.block(block));
            let Some(keys) = self.index.keys().get(block) else { continue };
            match self.query.born.map(crate::day::of) {
                None => self.compare(start, keys),
                Some(born) => {
                    for day in [born, NO_DAY] {
                        let from = keys.partition_point(|key| key.born < day);
                        let until = keys.partition_point(|key| key.born <= day);
                        self.compare(start + from, keys.get(from..until).unwrap_or(&[]));
                    }
                }
            }
        }
    }

    /// Keeps the candidates of a run of keys; `start` is the record of the first.
    fn compare(&mut self, start: usize, keys: &[Key]) {
        for (record, key) in (start..).zip(keys) {
            if self.compared == COMPARED_MAX {
                self.complete = false;
                return;
            }
            self.compared += 1;
            let surname = self.grade_surname(key).0;
            if surname == Agreement::Different {
                continue;
            }
            let given = self.grade_given(key).0;
            let undated = self.query.born.is_some() && key.born == NO_DAY;
            let kept = if undated {
                surname == Agreement::Same && given == Agreement::Same
            } else {
                given != Agreement::Different
            };
            if kept {
                self.records.insert(record);
            }
        }
    }

    fn grade_surname(&mut self, key: &Key) -> agreement::Graded {
        let id = key.surname.get();
        self.surname.grade(id, self.index.name(id))
    }

    fn grade_given(&mut self, key: &Key) -> agreement::Graded {
        let (given, middle) = (key.given.get(), key.middle.get());
        self.names.grade((given, middle), self.index.name(given), self.index.name(middle))
    }

    fn rank(mut self, limit: usize) -> Found {
        let mut ranked: Vec<_> = std::mem::take(&mut self.records)
            .into_iter()
            .filter_map(|record| {
                let (key, details) = (self.index.keys().get(record)?, self.index.details(record)?);
                let reasons = self.reasons(key, details);
                Some((agreement::score(&reasons), details.alien_number.get(), details.source, record, reasons))
            })
            .collect();
        ranked.sort_unstable_by_key(|(score, number, source, record, _)| {
            (std::cmp::Reverse(*score), *number, *source, *record)
        });
        let total = ranked.len();
        let best = ranked.into_iter().take(limit);
        let candidates = best.filter_map(|(score, _, _, record, reasons)| {
            Some(Candidate { person: self.index.person(record)?, score, class: class(score, &reasons), reasons })
        });
        Found { candidates: candidates.collect(), total, complete: self.complete }
    }

    /// Compares every part that was asked.
    fn reasons(&mut self, key: &Key, details: &Details) -> Vec<Reason> {
        let mut reasons = Vec::with_capacity(7);
        if let Some(number) = self.query.alien_number {
            reasons.push(Reason::new(
                Part::AlienNumber,
                agreement::exactly(number.value(), Some(details.alien_number.get())),
            ));
        }
        if !self.surname.is_empty() {
            reasons.push(Reason::new(Part::Surname, self.grade_surname(key)));
        }
        if !self.names.is_empty() {
            reasons.push(Reason::new(Part::Given, self.grade_given(key)));
        }
        if self.names.has_middle() {
            reasons.push(Reason::new(Part::Middle, self.names.grade_middle(self.index.name(key.middle.get()))));
        }
        if let Some(born) = self.query.born {
            let recorded = key.born.get();
            reasons.push(Reason::new(
                Part::Born,
                agreement::exactly(crate::day::of(born), (recorded != NO_DAY).then_some(recorded)),
            ));
        }
        if self.query.sex != Sex::Unknown {
            let recorded = Sex::from_letter(char::from(details.sex)).unwrap_or_default();
            reasons.push(Reason::new(Part::Sex, agreement::sex(self.query.sex, recorded)));
        }
        if let Some(place) = self.query.birth_place {
            reasons.push(Reason::new(
                Part::BirthPlace,
                agreement::exactly(place.as_str().as_bytes(), Some(&details.birth_place[..])),
            ));
        }
        reasons
    }
}

fn class(score: u8, reasons: &[Reason]) -> Class {
    let close = |reason: &Reason| matches!(reason.agreement, Agreement::Same | Agreement::Alike);
    let names_are_close = reasons.iter().filter(|r| matches!(r.part, Part::Surname | Part::Given)).all(close);
    let is_anchored =
        reasons.iter().any(|r| matches!(r.part, Part::Born | Part::AlienNumber) && r.agreement == Agreement::Same);
    let is_contradicted = reasons
        .iter()
        .any(|r| matches!(r.part, Part::AlienNumber | Part::Born | Part::Sex) && r.agreement == Agreement::Different);
    if score >= MATCH_SCORE && names_are_close && is_anchored && !is_contradicted {
        Class::Match
    } else {
        Class::Possible
    }
}
