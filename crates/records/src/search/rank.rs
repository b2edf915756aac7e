//! Ranking: the best rows are read, numbers compared, and what else was found is weighed against each.

use super::agreement::{Agreement, Part, Reason};
use super::asked::Asked;
use super::calibration::{Calibration, odds_bits, probability};
use super::find::Finder;
use super::{Candidate, Class, Found, Settings, Thresholds};
use crate::{IndexError, Person, Sources, number};

/// Records that are read though they may not be shown: a number may raise one, and equals are ordered by number.
const READ_MORE: usize = 4;

/// What is so many bits behind the best is not worth reading.
const FAR_BEHIND: f32 = 24.0;

/// Reads the best rows of several files, and gives each its probability and class. `is_current` says of a file's record
/// whether it is one that none has replaced.
pub(crate) fn rank(
    mut finders: Vec<Finder<'_>>,
    settings: &Settings,
    is_current: &dyn Fn(usize, &Person) -> bool,
) -> Result<Found, IndexError> {
    let mut found = Found { candidates: Vec::new(), total: 0, complete: true, compared: 0, searched: Sources::NONE };
    // File and row, with what the row weighs by names and date.
    let (mut rows, mut read) = (Vec::new(), Vec::new());
    for (file, finder) in finders.iter_mut().enumerate() {
        let numbered = finder.by_number()?;
        finder.prune();
        rows.extend(
            finder.rows.iter().filter(|(_, row)| !numbered.contains(row)).map(|(bits, row)| (*bits, file, *row)),
        );
        read.extend(numbered.into_iter().map(|row| (file, row)));
        found.complete &= finder.complete;
        found.compared += finder.compared;
    }
    rows.sort_unstable_by(|(a, a_file, a_row), (b, b_file, b_row)| {
        b.total_cmp(a).then((a_file, a_row).cmp(&(b_file, b_row)))
    });
    let asks_numbers = finders.first().is_some_and(|finder| !finder.lens.asked.numbers.is_empty());
    let more = if asks_numbers { READ_MORE * 4 } else { READ_MORE };
    let Some(calibration) = finders.first().map(Finder::calibration) else { return Ok(found) };
    let weakest = weakest(&rows, settings, calibration, asks_numbers);
    let of_worth = rows.iter().take_while(|(bits, _, _)| *bits >= weakest).count();
    let worth = of_worth.min(settings.limit.saturating_add(more));
    let (worthy, rest) = rows.split_at_checked(worth).unwrap_or((&rows, &[]));
    read.extend(worthy.iter().map(|(_, file, row)| (*file, *row)));
    let mut candidates = Vec::with_capacity(read.len());
    for (file, row) in read {
        if let Some(finder) = finders.get(file) {
            let candidate = candidate(finder, row as usize)?;
            // Some of the bits of a number's hash are kept: another record may have them too.
            let is_found = finder.lens.asked.has_name() || candidate.reasons.iter().any(|reason| reason.bits > 0.0);
            if is_found && is_current(file, &candidate.person) {
                candidates.push((candidate, file));
            }
        }
    }
    the_number_is_anothers(&mut candidates);
    candidates.sort_by(|(a, _), (b, _)| better(a, b));
    // One record may be found under several of its names.
    let mut kept: Vec<(Candidate, usize)> = Vec::with_capacity(candidates.len());
    for (candidate, file) in candidates {
        let is_known = |(other, _): &(Candidate, usize)| other.person == candidate.person;
        if !kept.iter().rev().take(READ_MORE * 2).any(is_known) {
            kept.push((candidate, file));
        }
    }
    // What is not read competes too.
    let mut unread = vec![0.0; finders.len()];
    for (bits, file, _) in rest {
        if let Some(sum) = unread.get_mut(*file) {
            *sum += f64::from(*bits).exp2();
        }
    }
    found.candidates = against_each_other(kept, &unread, settings.thresholds, calibration);
    found.candidates.retain(|candidate| candidate.class <= settings.least);
    found.total = found.candidates.len() + (of_worth - worth);
    found.candidates.truncate(settings.limit);
    Ok(found)
}

/// The weight below which rows are not read.
fn weakest(rows: &[(f32, usize, u32)], settings: &Settings, calibration: Calibration, asks_numbers: bool) -> f32 {
    let best = rows.first().map_or(0.0, |(bits, _, _)| *bits);
    let behind = best - FAR_BEHIND;
    if settings.least == Class::Unlikely || asks_numbers {
        return behind;
    }
    // Nothing but numbers raises what is too unlikely to be possible.
    behind.max(calibration.weighed(odds_bits(settings.thresholds.possible)) - 0.01)
}

fn candidate(finder: &Finder<'_>, row: usize) -> Result<Candidate, IndexError> {
    let (index, asked) = (finder.index(), finder.lens.asked);
    let person = index.person(row)?;
    let mut reasons = Vec::with_capacity(8);
    numbers(asked, &person, SAME_NUMBER - finder.prior(), &mut reasons);
    if asked.has_name() {
        let day = index.day_of(row)?;
        let weighed = finder.lens.weigh(index, &index.key(row)?, day, index.day(day)?.len(), true)?;
        reasons.extend(weighed.reasons());
    }
    let bits = reasons.iter().map(|reason| reason.bits).sum::<f32>() + finder.prior();
    Ok(Candidate { person, probability: 0.0, bits, odds_bits: bits, class: Class::Unlikely, reasons })
}

/// What a number counts that is the same, beyond what outweighs how many persons there are: it is the person's, unless
/// somebody mistyped it.
const SAME_NUMBER: f32 = 8.0;
/// One that is one digit off, while names were searched for.
const DIGIT_OFF: f32 = 8.0;
const OTHER_NUMBER: f32 = -4.0;

/// Compares the numbers that were asked for.
fn numbers(asked: &Asked, person: &Person, same: f32, reasons: &mut Vec<Reason>) {
    if let Some(number) = asked.query.alien_number {
        let (agreement, bits) = if number == person.alien_number {
            (Agreement::Same, same)
        } else if is_digit_off(&number.to_string(), &person.alien_number.to_string()) {
            (Agreement::Digit, DIGIT_OFF)
        } else {
            (Agreement::Different, OTHER_NUMBER)
        };
        reasons.push(Reason { part: Part::AlienNumber, agreement, bits });
    }
    for asked in &asked.query.numbers {
        let of_kind = || person.numbers().filter(|number| number.kind == asked.kind);
        let (agreement, bits) = if of_kind().any(|own| number::of(&own) == number::of(asked)) {
            (Agreement::Same, same)
        } else if of_kind().any(|own| is_digit_off(own.text(), asked.text())) {
            (Agreement::Digit, DIGIT_OFF)
        } else if of_kind().next().is_some() {
            (Agreement::Different, OTHER_NUMBER)
        } else {
            (Agreement::Unknown, 0.0)
        };
        reasons.push(Reason { part: Part::Number, agreement, bits });
    }
}

/// Where a record has the very number that was asked for, one that is a digit off is another number.
fn the_number_is_anothers(candidates: &mut [(Candidate, usize)]) {
    for part in [Part::AlienNumber, Part::Number] {
        let of_part = move |reason: &&mut Reason| reason.part == part;
        let is_known = candidates.iter().any(|(candidate, _)| {
            candidate.reasons.iter().any(|reason| reason.part == part && reason.agreement == Agreement::Same)
        });
        for (candidate, _) in candidates.iter_mut().filter(|_| is_known) {
            let off =
                candidate.reasons.iter_mut().filter(of_part).filter(|reason| reason.agreement == Agreement::Digit);
            for reason in off {
                candidate.bits += OTHER_NUMBER - reason.bits;
                (reason.agreement, reason.bits) = (Agreement::Different, OTHER_NUMBER);
            }
        }
    }
}

/// Whether one digit is another, or two neighbors are swapped.
fn is_digit_off(a: &str, b: &str) -> bool {
    a.len() == b.len() && crate::neighbor::is_one_edit(a.as_bytes(), b.as_bytes())
}

/// The better candidate first; of equal ones the one with the lower alien number, then of the earlier source.
fn better(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    let order = |one: &Candidate| (one.person.alien_number, one.person.source);
    b.bits.total_cmp(&a.bits).then_with(|| order(a).cmp(&order(b)))
}

/// Gives each candidate its probability and class. Persons of one source compete: at most one of them is the one asked
/// for. Records of several sources may all be the person's.
fn against_each_other(
    candidates: Vec<(Candidate, usize)>,
    unread: &[f64],
    thresholds: Thresholds,
    calibration: Calibration,
) -> Vec<Candidate> {
    let odds: Vec<f64> = candidates.iter().map(|(candidate, _)| f64::from(candidate.bits).exp2()).collect();
    let mut odds_against = Vec::with_capacity(candidates.len());
    for ((candidate, file), own) in candidates.iter().zip(&odds) {
        let others = candidates.iter().zip(&odds).filter(|((other, _), _)| {
            other.person.source == candidate.person.source && other.person.alien_number != candidate.person.alien_number
        });
        let others = others.map(|(_, odds)| odds).sum::<f64>() + unread.get(*file).copied().unwrap_or(0.0);
        #[expect(clippy::cast_possible_truncation, reason = "a float's last digits do not matter")]
        odds_against.push((own.log2() - (1.0 + others).log2()) as f32);
    }
    let weighed = candidates.into_iter().zip(odds_against).map(|((mut candidate, _), odds)| {
        candidate.odds_bits = odds;
        candidate.probability = probability(calibration.calibrated(odds));
        let alone = probability(calibration.calibrated(candidate.bits));
        candidate.class = class(candidate.probability, alone, &candidate.reasons, thresholds);
        candidate
    });
    weighed.collect()
}

/// The class of a candidate of that probability, and of that one if nobody else had been found.
fn class(probability: f32, alone: f32, reasons: &[Reason], thresholds: Thresholds) -> Class {
    let is_close = |agreement: Agreement| {
        matches!(
            agreement,
            Agreement::Same
                | Agreement::Form
                | Agreement::Spelling
                | Agreement::OneLetter
                | Agreement::ShortForm
                | Agreement::Sound
                | Agreement::Partly
                | Agreement::Exchanged
        )
    };
    let is_number = |part: Part| matches!(part, Part::AlienNumber | Part::Number);
    let names_are_close =
        reasons.iter().filter(|r| matches!(r.part, Part::Surname | Part::Given)).all(|r| is_close(r.agreement));
    let is_anchored =
        reasons.iter().any(|r| (is_number(r.part) || r.part == Part::Born) && r.agreement == Agreement::Same);
    let is_contradicted = reasons.iter().any(|r| {
        (is_number(r.part) || matches!(r.part, Part::Born | Part::Sex)) && r.agreement == Agreement::Different
    });
    if probability >= thresholds.matches && names_are_close && is_anchored && !is_contradicted {
        Class::Match
    } else if probability >= thresholds.possible || alone >= thresholds.matches.max(thresholds.possible) {
        // Whoever would be a match but for somebody likelier is still worth a look.
        Class::Possible
    } else {
        Class::Unlikely
    }
}
