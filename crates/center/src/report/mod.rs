//! A month of the center in figures, beside those of the fiscal year 2004: made of the records of its two journals, that of inquiries and
//! that of its other duties. Pure: time is what the records say, in UTC.

mod html;
mod text;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::Serialize;

use crate::detainer;
use crate::duty::{Duty, Entry};
use crate::event::{InquiryId, Moment, Part};
use crate::list::{self, Purpose};
use crate::record::Record;
use crate::tipline;

/// A month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

/// Text that is no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is four digits, a hyphen and two digits, as 2026-01")]
pub struct NoMonth;

impl FromStr for Month {
    type Err = NoMonth;

    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let parts = text.split_once('-').filter(|(year, month)| year.len() == 4 && month.len() == 2).ok_or(NoMonth)?;
        let (year, month) = (parts.0.parse().map_err(|_| NoMonth)?, parts.1.parse().map_err(|_| NoMonth)?);
        Date::new(year, month, 1).map(Self).map_err(|_| NoMonth)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m"))
    }
}

impl Month {
    fn days(self) -> usize {
        usize::try_from(self.0.days_in_month()).unwrap_or(31)
    }

    /// The place of a moment's day in it, from 0.
    fn day_of(self, at: Moment) -> Option<usize> {
        let moment = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok())?;
        let date = jiff::tz::Offset::UTC.to_datetime(moment).date();
        let is_in = date.year() == self.0.year() && date.month() == self.0.month();
        is_in.then(|| usize::try_from(date.day()).unwrap_or(1).saturating_sub(1))
    }
}

/// How many of one kind, and how long they took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Times {
    /// How many.
    pub count: usize,
    /// The middle one, in microseconds.
    pub median_us: u64,
    /// Nineteen of twenty took no longer, in microseconds.
    pub p95_us: u64,
}

/// A figure of the center beside the published one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// What is counted.
    pub what: &'static str,
    /// How many in this month.
    pub count: u64,
    /// The published figure as a month's share, rounded.
    pub published: Option<u64>,
    /// Where that is from.
    pub of: &'static str,
}

/// A month in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Says that all of it is synthetic.
    pub notice: &'static str,
    /// Which month, as 2026-01.
    pub month: String,
    /// Figures beside the published ones.
    pub figures: Vec<Beside>,
    /// Answers by kind, and the time from the inquiry to each.
    pub answers: BTreeMap<String, Times>,
    /// Inquiries of each day.
    pub inquiries_by_day: Vec<u64>,
    /// Detainers of each day.
    pub detainers_by_day: Vec<u64>,
    /// Calls of each day.
    pub calls_by_day: Vec<u64>,
    /// Detainers that were lifted, by the code of the public list.
    pub lifted: BTreeMap<char, u64>,
    /// Inquiries that wait for their answer at the end of what was read.
    pub unanswered: usize,
}

/// Counts what records say of a month.
#[derive(Debug)]
pub struct Collector {
    month: Month,
    /// Inquiries without their answer: when each was taken.
    waiting: HashMap<InquiryId, Moment>,
    times: BTreeMap<u8, Vec<u64>>,
    inquiries: Vec<u64>,
    detainers: Vec<u64>,
    calls: Vec<u64>,
    counts: BTreeMap<&'static str, u64>,
    lifted: BTreeMap<char, u64>,
    /// For what the lists are.
    lists: HashMap<u64, Purpose>,
}

const BRADY: &str = "Brady checks";
const VISITORS: &str = "White House visitors";
const EMPLOYMENT: &str = "employment";
const LEADS: &str = "leads";

impl Collector {
    /// For a month, with nothing counted yet.
    #[must_use]
    pub fn new(month: Month) -> Self {
        let days = vec![0; month.days()];
        Self {
            month,
            waiting: HashMap::new(),
            times: BTreeMap::new(),
            inquiries: days.clone(),
            detainers: days.clone(),
            calls: days,
            counts: BTreeMap::new(),
            lifted: BTreeMap::new(),
            lists: HashMap::new(),
        }
    }

    /// Takes in a record of the journal of inquiries. All have to come, from the first on, also those of other months.
    pub fn inquiry(&mut self, sequence: u64, record: &Record) {
        if let Record::Taken(taken) = record {
            self.waiting.insert(InquiryId(sequence), taken.at);
            let is_counted = add(&mut self.inquiries, self.month.day_of(taken.at));
            if is_counted && taken.facts.firearms {
                self.count(BRADY);
            }
        }
        if let Record::Final { inquiry, part: Part::Answer, at, written } = record {
            let taken = self.waiting.remove(inquiry).unwrap_or(*at);
            if self.month.day_of(*at).is_some() {
                self.times.entry(written.kind).or_default().push(at.0.saturating_sub(taken.0));
            }
        }
    }

    /// Takes in an entry of the journal of the other duties. All have to come, from the first on.
    pub fn duty(&mut self, sequence: u64, entry: &Entry) {
        if let Duty::List(list::Change::Uploaded { purpose, .. }) = &entry.duty {
            self.lists.insert(sequence, *purpose);
        }
        let Some(day) = self.month.day_of(entry.at) else { return };
        match &entry.duty {
            Duty::Detainer(detainer::Change::Lodged { .. }) => {
                add(&mut self.detainers, Some(day));
            }
            Duty::Detainer(detainer::Change::Lifted { reason, .. }) => {
                let lifted = self.lifted.entry(*reason).or_default();
                *lifted = lifted.saturating_add(1);
            }
            Duty::Tip(tipline::Change::Taken { .. }) => {
                add(&mut self.calls, Some(day));
            }
            Duty::Tip(tipline::Change::Referred { .. }) => self.count(LEADS),
            Duty::List(list::Change::Answered { list, .. }) => {
                let purpose = self.lists.get(list).copied().unwrap_or(Purpose::Employment);
                self.count(if purpose == Purpose::Visitors { VISITORS } else { EMPLOYMENT });
            }
            Duty::Detainer(detainer::Change::Proposed(_) | detainer::Change::Declined { .. })
            | Duty::Tip(tipline::Change::Graded { .. } | tipline::Change::Ended { .. })
            | Duty::List(list::Change::Uploaded { .. } | list::Change::Finished { .. })
            | Duty::Settled { .. } => {}
        }
    }

    fn count(&mut self, what: &'static str) {
        let count = self.counts.entry(what).or_default();
        *count = count.saturating_add(1);
    }

    /// What it comes to. `kind` names the driver's kinds of answers.
    #[must_use]
    pub fn finish(self, kind: impl Fn(u8) -> String) -> Report {
        let of = |what| self.counts.get(what).copied().unwrap_or(0);
        let beside = |what, count, published, of| Beside { what, count, published, of };
        let total = |days: &[u64]| days.iter().fold(0, |sum: u64, day| sum.saturating_add(*day));
        let figures = vec![
            beside(
                "inquiries",
                total(&self.inquiries),
                Some(56_333),
                "some 676,000 in FY2005; no count of FY2004 is published",
            ),
            beside("detainers", total(&self.detainers), Some(1_250), "more than 15,000 in FY2004, 42 a day"),
            beside(BRADY, of(BRADY), Some(5_000), "nearly 5,000 a month"),
            beside(VISITORS, of(VISITORS), Some(3_500), "nearly 3,500 a month"),
            beside(EMPLOYMENT, of(EMPLOYMENT), None, "on request, in lists"),
            beside("tipline calls", total(&self.calls), Some(2_250), "27,000 in FY2004"),
            beside(LEADS, of(LEADS), Some(292), "3,500 in FY2004"),
        ];
        Report {
            notice: "EMULATOR - SYNTHETIC DATA",
            month: self.month.to_string(),
            figures,
            answers: self.times.into_iter().map(|(number, times)| (kind(number), Times::of(times))).collect(),
            inquiries_by_day: self.inquiries,
            detainers_by_day: self.detainers,
            calls_by_day: self.calls,
            lifted: self.lifted,
            unanswered: self.waiting.len(),
        }
    }
}

/// Counts one on a day, if there is one.
fn add(days: &mut [u64], day: Option<usize>) -> bool {
    let count = day.and_then(|day| days.get_mut(day));
    let is_counted = count.is_some();
    if let Some(count) = count {
        *count = count.saturating_add(1);
    }
    is_counted
}

impl Times {
    fn of(mut microseconds: Vec<u64>) -> Self {
        microseconds.sort_unstable();
        let count = microseconds.len();
        let at = |hundredths: usize| {
            let place = count.saturating_mul(hundredths).div_ceil(100).saturating_sub(1);
            microseconds.get(place).copied().unwrap_or(0)
        };
        Self { count, median_us: at(50), p95_us: at(95) }
    }
}

impl Report {
    /// As JSON, in lines.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
