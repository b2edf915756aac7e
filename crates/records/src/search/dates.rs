//! Dates of birth: which days the asked one may be an error for, and what each agreement is worth.

use jiff::civil::Date;

use super::agreement::Agreement;
use crate::day;

/// The asked day, and the days that it may be an error for.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    /// The code of the asked day; 0 if none was asked for, or none that has a code.
    pub(crate) asked: u16,
    /// Whether a date was asked for.
    pub(crate) is_asked: bool,
    /// Other days in order, with what would be wrong.
    pub(crate) others: Vec<(u16, Agreement)>,
    /// The days of the asked year, if the asked day is its first: it may stand for the year alone.
    pub(crate) year: Option<(u16, u16)>,
    /// A bit for each day that is asked, among the others, or in the year.
    plausible: Vec<u64>,
}

impl Dates {
    pub(crate) fn new(born: Option<Date>) -> Self {
        let Some(born) = born else { return Self::default() };
        let mut dates = Self { asked: day::code(born), is_asked: true, plausible: vec![0; 1024], ..Self::default() };
        let (year, month, of_month) = (i32::from(born.year()), i32::from(born.month()), i32::from(born.day()));
        let mut others = Vec::with_capacity(64);
        let mut add = |year: i32, month: i32, of_month: i32, agreement| {
            let narrow = |n: i32| i8::try_from(n).unwrap_or(0);
            let date = i16::try_from(year).ok().and_then(|y| Date::new(y, narrow(month), narrow(of_month)).ok());
            let code = date.map_or(0, day::code);
            if code != 0 && date != Some(born) {
                others.push((code, agreement));
            }
        };
        add(year, of_month, month, Agreement::DayAndMonth);
        for years in [-1, 1] {
            add(year + years, month, of_month, Agreement::YearNear);
        }
        for years in [-10, 10, -100, 100] {
            add(year + years, month, of_month, Agreement::Decade);
        }
        // The leap day stands for the day before it in other years.
        if month == 2 && of_month >= 28 {
            for years in [-10_i32, -1, 1, 10] {
                let agreement = if years.abs() == 1 { Agreement::YearNear } else { Agreement::Decade };
                add(year + years, 2, if of_month == 28 { 29 } else { 28 }, agreement);
            }
        }
        add(year, 1, 1, Agreement::YearOnly);
        for (unit, digits) in [(1, year), (10, year), (100, year)] {
            for digit in 0..10 {
                add(replaced(digits, unit, digit), month, of_month, Agreement::Digit);
            }
        }
        for unit in [1, 10] {
            for digit in 0..10 {
                add(year, replaced(month, unit, digit), of_month, Agreement::Digit);
                add(year, month, replaced(of_month, unit, digit), Agreement::Digit);
            }
        }
        // Two neighboring digits exchanged.
        let exchanged = |number: i32, unit: i32| {
            let (low, high) = (number / unit % 10, number / unit / 10 % 10);
            number + (high - low) * unit + (low - high) * unit * 10
        };
        for unit in [1, 10] {
            add(exchanged(year, unit), month, of_month, Agreement::Digit);
        }
        add(year, exchanged(month, 1), of_month, Agreement::Digit);
        add(year, month, exchanged(of_month, 1), Agreement::Digit);
        for neighbor in [born.yesterday(), born.tomorrow()].into_iter().flatten() {
            add(neighbor.year().into(), neighbor.month().into(), neighbor.day().into(), Agreement::DayNear);
        }
        // Of two errors that give the same day, the one that says more comes first: it is kept.
        others.sort_by_key(|(code, _)| *code);
        others.dedup_by_key(|(code, _)| *code);
        if (month, of_month) == (1, 1) {
            let last = Date::new(born.year(), 12, 31).map_or(0, day::code);
            dates.year = (dates.asked != 0 && last != 0).then_some((dates.asked, last));
        }
        let year_days = dates.year.map_or(0..0, |(first, last)| first..last + 1);
        for code in others.iter().map(|(code, _)| *code).chain(year_days).chain([dates.asked]) {
            if let Some(bits) = dates.plausible.get_mut(usize::from(code / 64)) {
                *bits |= 1 << (code % 64);
            }
        }
        dates.others = others;
        dates
    }

    /// Whether a day may be meant: it is the asked one, or one that the asked one may be an error for.
    #[inline]
    pub(crate) fn is_plausible(&self, day: u16) -> bool {
        !self.is_asked || self.plausible.get(usize::from(day / 64)).is_some_and(|bits| bits >> (day % 64) & 1 == 1)
    }

    /// How a recorded day agrees.
    pub(crate) fn agreement(&self, day: u16) -> Agreement {
        if day == 0 {
            return Agreement::Unknown;
        }
        if day == self.asked {
            return Agreement::Same;
        }
        if let Ok(place) = self.others.binary_search_by_key(&day, |(code, _)| *code) {
            return self.others.get(place).map_or(Agreement::Different, |(_, agreement)| *agreement);
        }
        match self.year {
            Some((first, last)) if (first..=last).contains(&day) => Agreement::YearOnly,
            _ => Agreement::Different,
        }
    }
}

/// A number with another digit at the place of a unit.
const fn replaced(number: i32, unit: i32, digit: i32) -> i32 {
    number + (digit - number / unit % 10) * unit
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_agree_as_a_reader_would_say() {
        let dates = Dates::new(Some(date(1985, 3, 12)));
        for ((year, month, of_month), expect) in [
            ((1985, 3, 12), Agreement::Same),
            ((1985, 12, 3), Agreement::DayAndMonth),
            ((1986, 3, 12), Agreement::YearNear),
            ((1975, 3, 12), Agreement::Decade),
            ((1885, 3, 12), Agreement::Decade),
            ((1945, 3, 12), Agreement::Digit),
            ((1958, 3, 12), Agreement::Digit),
            ((1985, 8, 12), Agreement::Digit),
            ((1985, 3, 22), Agreement::Digit),
            ((1985, 3, 21), Agreement::Digit),
            ((1985, 1, 1), Agreement::YearOnly),
            ((1987, 6, 5), Agreement::Different),
            ((1985, 6, 5), Agreement::Different),
        ] {
            let code = day::code(date(year, month, of_month));
            assert_eq!(dates.agreement(code), expect, "{year}-{month}-{of_month}");
            assert_eq!(dates.is_plausible(code), expect != Agreement::Different);
        }
        assert_eq!(dates.agreement(0), Agreement::Unknown);
        let year = Dates::new(Some(date(1985, 1, 1)));
        assert_eq!(year.agreement(day::code(date(1985, 6, 5))), Agreement::YearOnly);
        assert!(year.is_plausible(day::code(date(1985, 12, 31))) && !year.is_plausible(day::code(date(1986, 6, 5))));
        assert!(dates.others.len() < 80 && dates.others.is_sorted_by(|a, b| a.0 < b.0));
    }
}
