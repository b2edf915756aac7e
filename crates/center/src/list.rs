//! Lists of persons to be screened in bulk: visitors of the White House, whom the Secret Service asks about, and applicants for
//! employment with critical infrastructure. Uploaded as CSV; each person gets one answer, and the list a summary.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::duty::{Denial, Duty, Entry, Notice, Technician, day};
use crate::event::Moment;

/// Persons that one list may hold: a record of the journal holds it, and a message its summary.
pub const ROWS_MAX: usize = 3_000;

/// Whom a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Visitors of the White House.
    Visitors,
    /// Applicants with critical infrastructure.
    Employment,
}

/// A person to be screened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// `LAST, FIRST MIDDLE`.
    pub name: String,
    /// The date of birth, ccyymmdd.
    pub born: String,
    /// The letter of the sex.
    pub sex: String,
    /// The code of the place of birth.
    pub birth_place: String,
    /// The alien number, eight or nine digits; empty if none is known.
    pub alien_number: String,
}

/// It is about a person.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Row(…)")
    }
}

/// What is wrong with a file. It repeats nothing of what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The first line lacks a column.
    #[error("line 1: there is no column {0}; the columns are name, born, sex, birth_place and, if known, alien_number")]
    Column(&'static str),
    /// A value does not fit.
    #[error("line {line}, {column}: {why}")]
    Value {
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
        /// What is wanted.
        why: &'static str,
    },
    /// A line is no CSV.
    #[error("line {0}: not as many values as columns, or not UTF-8")]
    Line(u64),
    /// There is nobody.
    #[error("the list has no persons")]
    Empty,
    /// There are too many.
    #[error("the list has more than {ROWS_MAX} persons; part it")]
    TooMany,
}

/// Reads a CSV file with a line of column names.
///
/// # Errors
/// The first thing that is wrong, and in which line.
pub fn parse(csv: &[u8]) -> Result<Vec<Row>, ListError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(csv);
    let headers = reader.headers().map_err(|_| ListError::Line(1))?.clone();
    let column = |name: &str| headers.iter().position(|header| header.eq_ignore_ascii_case(name));
    let needed = |name: &'static str| column(name).ok_or(ListError::Column(name));
    let [name, born, sex, place] = [needed("name")?, needed("born")?, needed("sex")?, needed("birth_place")?];
    let alien = column("alien_number");
    let mut rows = Vec::new();
    for (record, line) in reader.records().zip(2_u64..) {
        let record = record.map_err(|_| ListError::Line(line))?;
        let get = |place: usize| record.get(place).unwrap_or("").to_ascii_uppercase();
        let row = Row {
            name: get(name),
            born: get(born),
            sex: get(sex),
            birth_place: get(place),
            alien_number: alien.map(get).unwrap_or_default(),
        };
        row.check().map_err(|(column, why)| ListError::Value { line, column, why })?;
        if rows.len() >= ROWS_MAX {
            return Err(ListError::TooMany);
        }
        rows.push(row);
    }
    if rows.is_empty() { Err(ListError::Empty) } else { Ok(rows) }
}

impl Row {
    /// Whether an inquiry could ask for it: the fields of `protocol-specs/formats.md` 3.2.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let is = |holds: bool, column, why| if holds { Ok(()) } else { Err((column, why)) };
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let letters = |text: &str| text.bytes().all(|b| b.is_ascii_uppercase());
        let (last, first) = self.name.split_once(',').unwrap_or_default();
        let named = self.name.bytes().all(|b| b.is_ascii_uppercase() || matches!(b, b' ' | b',' | b'\'' | b'-' | b'_'));
        let whole = !last.trim().is_empty() && !first.trim().is_empty() && self.name.len() <= 30;
        is(named && whole, "name", "LAST, FIRST MIDDLE, at most 30 letters, spaces, hyphens, apostrophes")?;
        let is_date = self.born.len() == 8 && digits(&self.born);
        let is_date = is_date && jiff::civil::Date::strptime("%Y%m%d", &self.born).is_ok();
        is(is_date, "born", "a date as ccyymmdd")?;
        is(matches!(self.sex.as_str(), "M" | "F" | "U"), "sex", "M, F or U")?;
        is(self.birth_place.len() == 2 && letters(&self.birth_place), "birth_place", "a code of two letters")?;
        let is_number = matches!(self.alien_number.len(), 0 | 8 | 9) && digits(&self.alien_number);
        is(is_number, "alien_number", "eight or nine digits, or nothing")
    }
}

/// What a person was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Screened {
    /// No record.
    NoRecord,
    /// A record.
    Record,
    /// Several that may be meant.
    Possible,
    /// It could not be searched.
    Failed,
}

impl Screened {
    const fn text(self) -> &'static str {
        match self {
            Self::NoRecord => "NO RECORD FOUND IN THE INDICES SEARCHED ON THE DATA SUPPLIED.",
            Self::Record => "A RECORD WAS FOUND. SEND AN IAQ FOR WHAT IT SAYS.",
            Self::Possible => "SEVERAL RECORDS MAY BE MEANT. SEND AN IAQ WITH MORE.",
            Self::Failed => "NOT SEARCHED.",
        }
    }
}

/// What happens to a list. Its number is that of the entry that took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is there.
    Uploaded {
        /// For what.
        purpose: Purpose,
        /// Who is told the summary: an ORI.
        requester: String,
        /// Whom it is about.
        rows: Vec<Row>,
    },
    /// A person is answered.
    Answered {
        /// Of which list.
        list: u64,
        /// The place in it, from 0.
        row: u32,
        /// How.
        result: Screened,
    },
    /// All are, and the summary is said.
    Finished {
        /// Which.
        list: u64,
    },
}

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// For what.
    pub purpose: Purpose,
    /// Who is told the summary.
    pub requester: String,
    /// When it came.
    pub at: Moment,
    /// Whom it is about.
    pub rows: Vec<Row>,
    /// Who is answered, and how.
    pub answers: BTreeMap<u32, Screened>,
    /// The summary is said.
    pub finished: bool,
}

impl List {
    /// The persons who are not answered yet, with their places.
    pub fn open(&self) -> impl Iterator<Item = (u32, &Row)> {
        (0_u32..).zip(&self.rows).filter(|(row, _)| !self.answers.contains_key(row))
    }

    /// How many were answered so.
    #[must_use]
    pub fn count(&self, result: Screened) -> usize {
        self.answers.values().filter(|answer| **answer == result).count()
    }
}

/// All of them, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lists(BTreeMap<u64, List>);

impl Lists {
    /// All, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &List)> {
        self.0.iter().map(|(number, list)| (*number, list))
    }

    /// One.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&List> {
        self.0.get(&number)
    }

    /// Takes a list.
    #[must_use]
    pub const fn upload(at: Moment, who: Technician, purpose: Purpose, requester: String, rows: Vec<Row>) -> Entry {
        let change = Change::Uploaded { purpose, requester, rows };
        Entry { at, who: Some(who), duty: Duty::List(change), notices: Vec::new() }
    }

    /// Writes down the one answer of a person.
    ///
    /// # Errors
    /// There is no such person, or it has its answer.
    pub fn answer(&self, at: Moment, list: u64, row: u32, result: Screened) -> Result<Entry, Denial> {
        let found = self.0.get(&list).ok_or(Denial::Unknown)?;
        if found.answers.contains_key(&row) {
            return Err(Denial::Step("answered"));
        }
        let person = usize::try_from(row).ok().and_then(|row| found.rows.get(row)).ok_or(Denial::Unknown)?;
        let lines = [
            format!("LIST S{list:09} PERSON {}", row.saturating_add(1)),
            format!("NAM/{} DOB/{} SEX/{} POB/{}", person.name, person.born, person.sex, person.birth_place),
            result.text().to_owned(),
            "THIS RESPONSE IS NOT A DETAINER AND NOT GROUNDS FOR ARREST.".to_owned(),
        ];
        let notices = vec![Notice::new(&found.requester, &lines)];
        Ok(Entry { at, who: None, duty: Duty::List(Change::Answered { list, row, result }), notices })
    }

    /// Says the summary of a list that is answered, once.
    ///
    /// # Errors
    /// There is none, somebody is not answered, or it is said.
    pub fn finish(&self, at: Moment, list: u64) -> Result<Entry, Denial> {
        let found = self.0.get(&list).ok_or(Denial::Unknown)?;
        if found.finished {
            return Err(Denial::Step("finished"));
        }
        if found.answers.len() < found.rows.len() {
            return Err(Denial::Step("not all are answered"));
        }
        let what = match found.purpose {
            Purpose::Visitors => "VISITORS",
            Purpose::Employment => "EMPLOYMENT",
        };
        let lines = [
            format!("LIST S{list:09} {what} RECEIVED {} SCREENED {}", day(found.at), day(at)),
            format!("PERSONS {}", found.rows.len()),
            format!("NO RECORD {}", found.count(Screened::NoRecord)),
            format!("RECORD {}", found.count(Screened::Record)),
            format!("POSSIBLE RECORDS {}", found.count(Screened::Possible)),
            format!("NOT SEARCHED {}", found.count(Screened::Failed)),
            "A NO RECORD ANSWER DOES NOT ESTABLISH CITIZENSHIP OR STATUS.".to_owned(),
        ];
        let notices = vec![Notice::new(&found.requester, &lines)];
        Ok(Entry { at, who: None, duty: Duty::List(Change::Finished { list }), notices })
    }

    /// Takes in a change; nothing if it does not fit.
    pub(crate) fn apply(&mut self, sequence: u64, at: Moment, change: &Change) -> Option<()> {
        match change {
            Change::Uploaded { purpose, requester, rows } => {
                let list = List {
                    purpose: *purpose,
                    requester: requester.clone(),
                    at,
                    rows: rows.clone(),
                    answers: BTreeMap::new(),
                    finished: false,
                };
                self.0.insert(sequence, list);
            }
            Change::Answered { list, row, result } => {
                let list = self.0.get_mut(list)?;
                if usize::try_from(*row).map_or(true, |row| row >= list.rows.len()) || list.answers.contains_key(row) {
                    return None;
                }
                list.answers.insert(*row, *result);
            }
            Change::Finished { list } => {
                let list = self.0.get_mut(list)?;
                let is_over = !list.finished && list.answers.len() == list.rows.len();
                list.finished = is_over.then_some(true)?;
            }
        }
        Some(())
    }
}
