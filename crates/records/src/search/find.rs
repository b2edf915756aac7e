//! Finding: rows of one file that may be the person's, each with its weight. The work is bounded whatever is asked.

use zerocopy::byteorder::little_endian::U64;

use super::Thresholds;
use super::agreement::Agreement;
use super::asked::{Asked, GIVEN, GIVEN_JOINED, MIDDLE, SECOND, SURNAME};
use super::calibration::{Calibration, odds_bits};
use super::lens::{GIVENS, Lens, SURNAMES, Variant};
use crate::format::{NameRow, Section};
use crate::neighbor::Nearness;
use crate::{Index, IndexError};

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// The asked day, and the asked names on plausible days.
    Narrow,
    /// All names near the asked ones on plausible days, and exchanged names.
    Wide,
    /// The asked surname on plausible days, whatever the given name.
    Widest,
}

/// What a search of one file found.
#[derive(Debug)]
pub(crate) struct Finder<'a> {
    index: &'a Index,
    pub(crate) lens: Lens<'a>,
    /// The odds before anything is compared.
    prior: f32,
    calibration: Calibration,
    /// Weight and row.
    pub(crate) rows: Vec<(f32, u32)>,
    pub(crate) compared: usize,
    pub(crate) complete: bool,
}

/// Rows of one day that are passed one by one; of a day with more, only those with near surnames.
const DAY_MAX: usize = 16_384;

/// Entries that one search of a file passes at most.
const ENTRIES_MAX: usize = 400_000;

/// Rows of one name that are passed one by one.
const RUN_MAX: usize = 1_024;

/// Near names of each asked one that are looked up by name, of each nearness; given names for common surnames alone.
const SURNAMES_OF_A_KIND: usize = 80;
const GIVENS_OF_A_KIND: usize = 24;

/// What weighs less than this is no candidate: one in four million, against all else.
const FLOOR: f32 = -22.0;

/// Rows that are kept; the weakest give way.
const KEPT_MAX: usize = 4_096;

impl<'a> Finder<'a> {
    pub(crate) fn new(index: &'a Index, asked: &'a Asked, population: u64) -> Result<Self, IndexError> {
        let mut lens = Lens::new(index, asked)?;
        lens.pair_excess = pair_excess(index, &lens)?;
        // In a small file as in a large one: a person asked for is one of many.
        let population = population.max(POPULATION_MIN);
        let (prior, calibration) = (-(2.0 * population as f32).log2(), Calibration::of(population));
        Ok(Self { index, lens, prior, calibration, rows: Vec::new(), compared: 0, complete: true })
    }

    /// Whether what was found leaves little doubt, so that a wide search would only find what is less likely.
    pub(crate) fn is_confident(&self, thresholds: Thresholds) -> bool {
        let enough = self.calibration.weighed(odds_bits(thresholds.matches));
        self.rows.iter().any(|(bits, _)| *bits >= enough)
    }

    /// Searches as far as an effort goes. The wide search goes on where the narrow one ended.
    pub(crate) fn search(&mut self, effort: Effort) -> Result<(), IndexError> {
        if !self.lens.asked.has_name() {
            return Ok(());
        }
        let is_dated = self.lens.asked.dates.is_asked;
        match effort {
            Effort::Narrow => {
                if is_dated {
                    self.by_day()?;
                }
                self.by_name(SURNAME, GIVEN, Nearness::Same)?;
                if self.lens.has_second {
                    self.by_name(SECOND, GIVEN, Nearness::Same)?;
                }
            }
            Effort::Wide => {
                self.by_name(SURNAME, GIVEN, Nearness::Sound)?;
                if self.lens.has_second {
                    self.by_name(SECOND, GIVEN, Nearness::Sound)?;
                }
                self.by_name(super::asked::JOINED, GIVEN, Nearness::Sound)?;
                // Exchanged: the given name stands where surnames do.
                self.by_name(GIVEN, SURNAME, Nearness::Edit)?;
            }
            Effort::Widest => {
                if is_dated {
                    self.by_surname_within_days()?;
                }
            }
        }
        Ok(())
    }

    /// Passes every row of the asked day.
    fn by_day(&mut self) -> Result<(), IndexError> {
        let day = self.lens.asked.dates.asked;
        let undated = if day == 0 { 0..0 } else { self.index.day(day)? };
        if undated.len() > DAY_MAX {
            return self.within_day(day, VARIANTS_OF_A_LONG_DAY);
        }
        let keys = self.index.keys(undated.clone())?;
        let of_day = undated.len();
        self.compared += of_day;
        for (row, parts) in undated.zip(keys.rows()) {
            let parts = parts.ok_or(IndexError::Damaged { part: Section::Further.name() })?;
            let mark = |id: u32| if id == 0 { 0 } else { self.lens.marks.get(id).0 };
            let surnames = mark(parts.surname) | mark(parts.second);
            let givens = mark(parts.given) | mark(parts.middle);
            // A name in its place, or both in each other's.
            let is_worth_it = surnames & SURNAMES != 0
                || givens & GIVENS != 0
                || self.lens.is_initial_of(parts.given)
                || surnames & GIVENS != 0 && givens & SURNAMES != 0;
            if is_worth_it {
                let weighed = self.lens.weigh(self.index, &parts, day, of_day, true)?;
                self.keep(row, weighed.bits());
            }
        }
        Ok(())
    }

    /// Of each plausible day, the rows with the asked surname or one near it: finds what is wrong with date and given
    /// name together.
    fn by_surname_within_days(&mut self) -> Result<(), IndexError> {
        let days: Vec<u16> = self.lens.asked.dates.others.iter().map(|(day, _)| *day).collect();
        for day in days {
            self.within_day(day, VARIANTS_OF_OTHER_DAYS)?;
        }
        Ok(())
    }

    /// The rows of a day whose first surname is near the asked one.
    fn within_day(&mut self, day: u16, variants_max: usize) -> Result<(), IndexError> {
        let rows = self.index.day(day)?;
        if rows.is_empty() {
            return Ok(());
        }
        let keys = self.index.keys(rows.clone())?.keys();
        let of_day = keys.len();
        for place in [SURNAME, SECOND] {
            for variant in 0..variants_max {
                let Some(id) = self.lens.variants.get(place).and_then(|all| all.get(variant)).map(|v| v.id) else {
                    break;
                };
                let start = keys.partition_point(|key| key.surname() < id);
                let run = keys.get(start..).unwrap_or_default().iter().take_while(|key| key.surname() == id);
                for (_, row) in run.take(RUN_MAX).zip(rows.start + start..) {
                    self.weigh_row(row, day, of_day)?;
                }
            }
        }
        Ok(())
    }

    fn weigh_row(&mut self, row: usize, day: u16, of_day: usize) -> Result<(), IndexError> {
        if self.compared >= ENTRIES_MAX {
            self.complete = false;
            return Ok(());
        }
        self.compared += 1;
        let weighed = self.lens.weigh(self.index, &self.index.key(row)?, day, of_day, true)?;
        self.keep(row, weighed.bits());
        Ok(())
    }

    /// Passes the entries of surnames near one asked name, with given names near another, on plausible days.
    fn by_name(&mut self, surname: usize, given: usize, farthest: Nearness) -> Result<(), IndexError> {
        // Of each nearness some: a frequent name has hundreds that are one letter off, and they are not all.
        let near = |lens: &Lens<'_>, place: usize, max: usize| -> Vec<u32> {
            let mut counts = [0_usize; Nearness::COUNT + 1];
            let all = lens.variants.get(place).into_iter().flatten();
            let mut is_of_use = |variant: &&Variant| {
                let count = counts.get_mut(variant.nearness as usize);
                count.is_some_and(|count| {
                    *count += 1;
                    variant.nearness <= farthest && *count <= max
                })
            };
            all.filter(|variant| is_of_use(variant)).map(|variant| variant.id).collect()
        };
        let surnames = near(&self.lens, surname, SURNAMES_OF_A_KIND);
        let mut givens = near(&self.lens, given, GIVENS_OF_A_KIND);
        if given == GIVEN && farthest > Nearness::Same {
            // The record's given name may be an initial, or the asked middle name.
            let all = self.lens.variants.get(GIVEN).into_iter().flatten();
            givens.extend(all.filter(|variant| variant.nearness == Nearness::Initial).map(|variant| variant.id));
            givens.extend(near(&self.lens, MIDDLE, 4));
            givens.extend(near(&self.lens, GIVEN_JOINED, 4));
        }
        givens.sort_unstable();
        givens.dedup();
        for id in surnames {
            let index = self.index;
            let entries = index.by_name(id)?;
            if entries.len() <= RUN_MAX {
                self.entries(entries)?;
                continue;
            }
            let mut rest = entries;
            for &given in &givens {
                let start = rest.partition_point(|entry| NameRow(entry.get()).given() < given);
                rest = rest.get(start..).unwrap_or_default();
                let end = rest.partition_point(|entry| NameRow(entry.get()).given() <= given);
                let (of_given, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                self.entries_of_given(of_given)?;
                rest = behind;
            }
            if given == GIVEN && farthest > Nearness::Same {
                self.entries_of_initial(entries)?;
            }
            if self.lens.asked.token(GIVEN).is_none() {
                self.entries(entries)?;
            }
        }
        Ok(())
    }

    /// An asked initial: the given names that begin with it lie together.
    fn entries_of_initial(&mut self, entries: &[U64]) -> Result<(), IndexError> {
        let Some(ids) = self.lens.initials.get(GIVEN).filter(|ids| !ids.is_empty()).cloned() else { return Ok(()) };
        let start = entries.partition_point(|entry| NameRow(entry.get()).given() < ids.start);
        let rest = entries.get(start..).unwrap_or_default();
        let end = rest.partition_point(|entry| NameRow(entry.get()).given() < ids.end);
        self.entries(rest.get(..end).unwrap_or_default())
    }

    /// Entries of one surname and given name: of many, only those of plausible days are looked at.
    fn entries_of_given(&mut self, entries: &[U64]) -> Result<(), IndexError> {
        let dates = &self.lens.asked.dates;
        if entries.len() <= RUN_MAX || !dates.is_asked {
            return self.entries(entries);
        }
        let asked = (dates.asked != 0).then_some((dates.asked, dates.asked));
        let others = dates.others.iter().map(|(day, _)| (*day, *day));
        let runs: Vec<(u16, u16)> = others.chain(asked).chain(dates.year).chain([(0, 0)]).collect();
        for (first, last) in runs {
            let start = entries.partition_point(|entry| NameRow(entry.get()).day() < first);
            let rest = entries.get(start..).unwrap_or_default();
            let end = rest.partition_point(|entry| NameRow(entry.get()).day() <= last);
            self.entries(rest.get(..end).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Weighs the rows of entries on plausible days.
    fn entries(&mut self, entries: &[U64]) -> Result<(), IndexError> {
        let asked = self.lens.asked;
        for entry in entries {
            if self.compared >= ENTRIES_MAX {
                self.complete = false;
                return Ok(());
            }
            self.compared += 1;
            let entry = NameRow(entry.get());
            let day = entry.day();
            // Rows of the asked day were passed by day, unless there are too many of them.
            if day != 0 && !asked.dates.is_plausible(day) {
                continue;
            }
            let of_day = self.index.day(day)?;
            if day != 0 && day == asked.dates.asked && of_day.len() <= DAY_MAX {
                continue;
            }
            let row = of_day.start + entry.rank() as usize;
            let key = self.index.key(row)?;
            let weighed = self.lens.weigh(self.index, &key, day, of_day.len(), false)?;
            if day == 0 && asked.dates.is_asked && !is_same_name(&weighed) {
                continue;
            }
            self.keep(row, weighed.bits());
        }
        Ok(())
    }

    /// Passes every row: what a search must find, but for rows without a day whose names are not the asked ones.
    #[cfg(test)]
    pub(super) fn scan(&mut self) -> Result<(), IndexError> {
        for row in 0..self.index.rows() {
            let day = self.index.day_of(row)?;
            let of_day = self.index.day(day)?.len();
            let weighed = self.lens.weigh(self.index, &self.index.key(row)?, day, of_day, true)?;
            if day != 0 || !self.lens.asked.dates.is_asked || is_same_name(&weighed) {
                self.keep(row, weighed.bits());
            }
        }
        Ok(())
    }

    fn keep(&mut self, row: usize, bits: f32) {
        let bits = bits + self.prior;
        if bits < FLOOR {
            return;
        }
        if self.rows.len() >= KEPT_MAX * 2 {
            self.prune();
        }
        if let Ok(row) = u32::try_from(row) {
            self.rows.push((bits, row));
        }
    }

    /// Keeps each row once, and the best of them, best first.
    pub(crate) fn prune(&mut self) {
        self.rows.sort_unstable_by(|(a, one), (b, other)| one.cmp(other).then(b.total_cmp(a)));
        self.rows.dedup_by_key(|(_, row)| *row);
        self.rows.sort_unstable_by(|(a, one), (b, other)| b.total_cmp(a).then(one.cmp(other)));
        if self.rows.len() > KEPT_MAX {
            self.rows.truncate(KEPT_MAX);
            self.complete = false;
        }
    }

    /// The rows that bear an asked number.
    pub(crate) fn by_number(&self) -> Result<Vec<u32>, IndexError> {
        let mut rows = Vec::new();
        for hash in &self.lens.asked.numbers {
            rows.extend(self.index.numbered(*hash)?.take(NUMBERED_MAX));
        }
        rows.sort_unstable();
        rows.dedup();
        Ok(rows)
    }

    pub(crate) const fn index(&self) -> &'a Index {
        self.index
    }

    pub(crate) const fn calibration(&self) -> Calibration {
        self.calibration
    }

    pub(crate) const fn prior(&self) -> f32 {
        self.prior
    }
}

/// Without a date on record, only the very names make a candidate.
fn is_same_name(weighed: &super::weigh::Weighed) -> bool {
    let is_same = |(agreement, _)| matches!(agreement, Agreement::Same | Agreement::Form | Agreement::Partly);
    is_same(weighed.surname) && weighed.given.is_some_and(|given| given.0 == Agreement::Same)
}

/// Persons among whom one is looked for at least.
const POPULATION_MIN: u64 = 1_000_000;

/// Rows of one number that are looked at: a source has one, errors aside.
const NUMBERED_MAX: usize = 64;

/// Near surnames that are looked up within a day: of one with very many rows, and of each day that the asked one may
/// be an error for.
const VARIANTS_OF_A_LONG_DAY: usize = 200;
const VARIANTS_OF_OTHER_DAYS: usize = 2;

/// What a surname and a given name count less together than each for itself: counted where both are in the file.
fn pair_excess(index: &Index, lens: &Lens<'_>) -> Result<f32, IndexError> {
    let (Some(surname), Some(given)) = (lens.itself(SURNAME), lens.itself(GIVEN)) else { return Ok(0.0) };
    let entries = index.by_name(surname)?;
    let start = entries.partition_point(|entry| NameRow(entry.get()).given() < given);
    let rest = entries.get(start..).unwrap_or_default();
    let both = rest.partition_point(|entry| NameRow(entry.get()).given() <= given) as f32;
    // One of them may be the person asked for.
    if both < 2.0 {
        return Ok(0.0);
    }
    let rows = index.rows() as f32 + 100_000.0;
    let together = (0.7 * rows / (both - 1.0)).log2();
    let each = lens.worth(SURNAME, Nearness::Same) + lens.worth(GIVEN, Nearness::Same);
    Ok((each - together).clamp(0.0, PAIR_EXCESS_MAX))
}

/// More than this is the chance of a small file.
const PAIR_EXCESS_MAX: f32 = 6.0;
