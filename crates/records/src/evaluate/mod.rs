//! How well a search finds: questions with known answers are asked, and what came is counted by class of question.
//!
//! Time is measured by the caller: this crate has no clock.

mod page;

use std::collections::BTreeMap;

use crate::queries::{self, Kind, Question};
use crate::{Class, Found, Holdings, IndexError, Query, Settings};

pub use page::page;

/// What was counted, by class of question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    classes: BTreeMap<queries::Class, Tally>,
    /// By probability, how many candidates had it, and how many of them were the person.
    calibration: [(u64, u64); BINS],
    /// The same by the logarithm of the odds that weights give.
    by_odds: BTreeMap<i32, (u64, u64)>,
}

/// Equal parts of probability by which it is compared with what is true.
pub const BINS: usize = 20;

/// Ranks that are counted.
pub const RANKS: usize = 10;

/// What was counted of one class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Questions asked.
    pub asked: u64,
    /// At which rank the person was, from the first on; the others were further back or not found.
    pub ranks: [u64; RANKS],
    /// Not among the first ten, but as good as the last of them: what was asked tells them not apart.
    pub tied: u64,
    /// Questions whose person was called a match, and possible.
    pub matches: u64,
    /// Questions whose person was called possible.
    pub possible: u64,
    /// Questions for which somebody else was called a match.
    pub wrong_matches: u64,
    /// Questions for which somebody else was called possible, or a match.
    pub wrong_possible: u64,
    /// Questions whose search stopped at its bound.
    pub cut_short: u64,
    /// The probability of the person, and of the best other: for curves over thresholds.
    pub probabilities: Vec<(f32, f32)>,
    /// Nanoseconds of each search.
    pub nanoseconds: Vec<u64>,
    /// Records compared by each search.
    pub compared: Vec<u64>,
}

impl Tally {
    /// The share of questions whose person was among the first so many, or tied with the last of ten.
    #[must_use]
    pub fn recall(&self, first: usize) -> f64 {
        let found = self.ranks.iter().take(first).sum::<u64>() + if first >= RANKS { self.tied } else { 0 };
        share(found, self.asked)
    }

    /// The share of matches that were the person; one if there was none.
    #[must_use]
    pub fn precision(&self) -> f64 {
        if self.matches + self.wrong_matches == 0 {
            1.0
        } else {
            share(self.matches, self.matches + self.wrong_matches)
        }
    }

    /// The mean of one over the rank, none counting zero.
    #[must_use]
    pub fn mean_reciprocal_rank(&self) -> f64 {
        let sum: f64 = self.ranks.iter().zip(1_u32..).map(|(count, rank)| *count as f64 / f64::from(rank)).sum();
        if self.asked == 0 { 0.0 } else { sum / self.asked as f64 }
    }

    /// The time that so many per thousand of the searches took at most, in nanoseconds.
    #[must_use]
    pub fn nanoseconds_at(&self, per_mille: usize) -> u64 {
        at(&self.nanoseconds, per_mille)
    }

    /// The same of records compared.
    #[must_use]
    pub fn compared_at(&self, per_mille: usize) -> u64 {
        at(&self.compared, per_mille)
    }
}

fn share(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

fn at(values: &[u64], per_mille: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * per_mille).div_ceil(1000).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(0)
}

/// How questions are asked.
pub fn query_of(question: &Question) -> Query {
    let asked = &question.asked;
    Query {
        surname: asked.surname.clone(),
        given: asked.given.clone(),
        middle: asked.middle.clone(),
        born: asked.born,
        sex: asked.sex,
        birth_place: asked.birth_place,
        alien_number: asked.alien_number,
        numbers: asked.identifier.into_iter().collect(),
    }
}

/// How a search is set for an evaluation: the first ten, however unlikely.
#[must_use]
pub fn settings(usual: &Settings) -> Settings {
    Settings { limit: RANKS, least: Class::Unlikely, ..*usual }
}

impl Evaluation {
    /// Asks a question of indexes. `timed` runs the search it is given, once or more, and says how many nanoseconds it
    /// took.
    ///
    /// # Errors
    /// A part of a file is damaged.
    pub fn ask(
        &mut self,
        holdings: &Holdings,
        question: &Question,
        usual: &Settings,
        timed: impl FnOnce(&mut dyn FnMut() -> Result<Found, IndexError>) -> Result<(Found, u64), IndexError>,
    ) -> Result<(), IndexError> {
        let (query, settings) = (query_of(question), settings(usual));
        let (found, nanoseconds) = timed(&mut || holdings.search(&query, &settings))?;
        let own = question.about.map(|about| about.alien_number);
        let is_own = |candidate: &crate::Candidate| Some(candidate.person.alien_number) == own;
        let rank = found.candidates.iter().position(is_own);
        let is_tied = own.is_some() && rank.is_none() && found.candidates.len() == RANKS && {
            // Whoever is as good as the last of the first ten was left out by chance.
            let last = found.candidates.last().map_or(0.0, |candidate| candidate.bits);
            let more = holdings.search(&query, &Settings { limit: TIED_MAX, ..settings })?;
            more.candidates.iter().any(|candidate| is_own(candidate) && candidate.bits >= last - 0.01)
        };
        for candidate in &found.candidates {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to the number of bins")]
            let bin = (candidate.probability * BINS as f32) as usize;
            if let Some((all, right)) = self.calibration.get_mut(bin.min(BINS - 1)) {
                *all += 1;
                *right += u64::from(is_own(candidate));
            }
            #[expect(clippy::cast_possible_truncation, reason = "halves of some dozens of bits")]
            let (all, right) = self.by_odds.entry((candidate.odds_bits * 2.0).floor() as i32).or_default();
            *all += 1;
            *right += u64::from(is_own(candidate));
        }
        let tally = self.classes.entry(question.class).or_default();
        tally.asked += 1;
        if let Some(count) = rank.and_then(|rank| tally.ranks.get_mut(rank)) {
            *count += 1;
        }
        tally.tied += u64::from(is_tied);
        let best = |own: bool| found.candidates.iter().filter(move |candidate| is_own(candidate) == own);
        let is_class = |own: bool, class: Class| best(own).any(|candidate| candidate.class == class);
        tally.matches += u64::from(is_class(true, Class::Match));
        tally.possible += u64::from(!is_class(true, Class::Match) && is_class(true, Class::Possible));
        tally.wrong_matches += u64::from(is_class(false, Class::Match));
        tally.wrong_possible += u64::from(is_class(false, Class::Match) || is_class(false, Class::Possible));
        tally.cut_short += u64::from(!found.complete);
        let likeliest = |own: bool| best(own).map(|candidate| candidate.probability).fold(0.0, f32::max);
        tally.probabilities.push((likeliest(true), likeliest(false)));
        tally.nanoseconds.push(nanoseconds);
        tally.compared.push(found.compared as u64);
        Ok(())
    }

    /// What was counted of each class that was asked.
    pub fn classes(&self) -> impl Iterator<Item = (queries::Class, &Tally)> {
        self.classes.iter().map(|(class, tally)| (*class, tally))
    }

    /// By equal parts of probability, how many candidates had it, and how many of them were the person.
    #[must_use]
    pub const fn calibration(&self) -> &[(u64, u64); BINS] {
        &self.calibration
    }

    /// By the logarithm to base 2 of the odds that weights give, in halves and rounded down, how many candidates had it,
    /// and how many of them were the person: what the table of calibration is made from.
    #[must_use]
    pub const fn by_odds(&self) -> &BTreeMap<i32, (u64, u64)> {
        &self.by_odds
    }

    /// All searches by name, or all by number, as one tally.
    #[must_use]
    pub fn together(&self, by_number: bool) -> Tally {
        let mut sum = Tally::default();
        for (_, tally) in self.classes.iter().filter(|(class, _)| (class.kind() == Kind::Number) == by_number) {
            sum.asked += tally.asked;
            sum.ranks.iter_mut().zip(tally.ranks).for_each(|(sum, count)| *sum += count);
            sum.tied += tally.tied;
            sum.matches += tally.matches;
            sum.possible += tally.possible;
            sum.wrong_matches += tally.wrong_matches;
            sum.wrong_possible += tally.wrong_possible;
            sum.cut_short += tally.cut_short;
            sum.nanoseconds.extend_from_slice(&tally.nanoseconds);
            sum.compared.extend_from_slice(&tally.compared);
        }
        sum
    }

    /// The table, as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |line: std::fmt::Arguments<'_>| {
            text.push_str(&line.to_string());
            text.push('\n');
        };
        line(format_args!(
            "{:22} {:>6} {:>7} {:>7} {:>6} {:>7} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>4}",
            "class",
            "asked",
            "in ten",
            "first",
            "goal",
            "match",
            "possib.",
            "wrong m.",
            "wrong p.",
            "p50 us",
            "p99 us",
            "p99.9",
            "compared",
            "cut"
        ));
        let together = [(true, "all by number"), (false, "all by name")]
            .map(|(by_number, name)| (name.to_owned(), None, self.together(by_number)));
        let classes = self.classes.iter().map(|(class, tally)| (class.name().to_owned(), Some(*class), tally.clone()));
        for (name, class, tally) in classes.chain(together).filter(|(_, _, tally)| tally.asked > 0) {
            let percent = |count: u64| 100.0 * share(count, tally.asked);
            let goal = class.and_then(|class| goal(class.kind())).map_or_else(String::new, |goal| format!("{goal:.1}"));
            line(format_args!(
                "{name:22} {:6} {:7.2} {:7.2} {goal:>6} {:7.2} {:7.2} {:8.3} {:8.3} {:8.1} {:8.1} {:8.1} {:9} {:4}",
                tally.asked,
                100.0 * tally.recall(RANKS),
                100.0 * tally.recall(1),
                percent(tally.matches),
                percent(tally.possible),
                percent(tally.wrong_matches),
                percent(tally.wrong_possible),
                tally.nanoseconds_at(500) as f64 / 1e3,
                tally.nanoseconds_at(990) as f64 / 1e3,
                tally.nanoseconds_at(999) as f64 / 1e3,
                tally.compared_at(500),
                tally.cut_short,
            ));
        }
        line(format_args!("\nprobability said, and how often it was the person:"));
        for (bin, (all, right)) in self.calibration.iter().enumerate().filter(|(_, (all, _))| *all > 0) {
            let from = bin as f64 / BINS as f64;
            line(format_args!("  {from:.2} to {:.2}: {:.3} of {all}", from + 1.0 / BINS as f64, share(*right, *all)));
        }
        text
    }
}

/// Equally good candidates that are looked through for the person.
const TIED_MAX: usize = 2_000;

/// The recall in the first ten that is to be reached, in percent.
#[must_use]
pub const fn goal(kind: Kind) -> Option<f64> {
    match kind {
        Kind::Exact | Kind::Number => Some(100.0),
        Kind::Single => Some(99.5),
        Kind::Spelling => Some(98.0),
        Kind::Double => Some(97.0),
        Kind::Vague | Kind::Absent | Kind::Namesake => None,
    }
}
