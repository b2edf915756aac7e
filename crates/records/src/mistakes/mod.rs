//! What people do wrong with names, dates and numbers, by which [`synth`](crate::synth) gives sources their errors and
//! [`queries`](crate::queries) asks wrongly. The search shares none of it: no rule, no table, no list.

mod letters;
mod nicknames;
mod variants;

use crate::AlienNumber;
use crate::day;
use crate::synth::Draw;

pub(crate) use letters::{Letter, letter};
pub(crate) use nicknames::nickname;
pub(crate) use variants::{by_ear, respelled, spaced_otherwise};

use jiff::civil::Date;

/// Day and month exchanged; none if that is no other date.
pub(crate) fn day_for_month(born: Date) -> Option<Date> {
    Date::new(born.year(), born.day(), born.month()).ok().filter(|other| *other != born)
}

/// One digit of the eight another one, such that it is still a date of one who may live.
pub(crate) fn date_digit(draw: &mut Draw, born: Date) -> Option<Date> {
    let digits = |date: Date| {
        u32::from(date.year().unsigned_abs()) * 10_000
            + u32::from(date.month().unsigned_abs()) * 100
            + u32::from(date.day().unsigned_abs())
    };
    for _ in 0..16 {
        let place = 10_u32.pow(draw.below(6));
        let old = digits(born) / place % 10;
        let new = (old + 1 + draw.below(9)) % 10;
        let changed = digits(born) - old * place + new * place;
        let part = |number: u32| i8::try_from(number % 100).unwrap_or(0);
        let year = i16::try_from(changed / 10_000).unwrap_or(0);
        match Date::new(year, part(changed / 100), part(changed)) {
            Ok(date) if (1900..=2012).contains(&year) => return Some(date),
            _ => {}
        }
    }
    None
}

/// So many years off; a leap day is the day before then.
pub(crate) fn years_off(born: Date, years: i16) -> Option<Date> {
    let year = born.year().checked_add(years)?;
    Date::new(year, born.month(), born.day()).or_else(|_| Date::new(year, born.month(), born.day() - 1)).ok()
}

/// The January 1 that stands for a year; none if the date is one.
pub(crate) fn year_only(born: Date) -> Option<Date> {
    Date::new(born.year(), 1, 1).ok().filter(|other| *other != born)
}

/// One of the last eight digits another one. The first stays: a wrong number of somebody invented must not be a number that
/// files really have.
pub(crate) fn number_digit(draw: &mut Draw, number: AlienNumber) -> Option<AlienNumber> {
    let place = 10_u32.pow(draw.below(8));
    let old = number.value() / place % 10;
    let new = (old + 1 + draw.below(9)) % 10;
    AlienNumber::new(number.value() - old * place + new * place)
}

/// A day, some days off.
pub(crate) fn days_off(born: Date, days: i32) -> Option<Date> {
    day::date(day::of(born).checked_add(days)?)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_wrong_date_is_a_date_and_another_one() {
        let mut draw = Draw::new(1, 1, 1);
        for born in [date(1980, 1, 2), date(1996, 2, 29), date(1999, 12, 31), date(1920, 1, 1)] {
            for _ in 0..200 {
                let wrong = date_digit(&mut draw, born).unwrap();
                let differ = born
                    .strftime("%Y%m%d")
                    .to_string()
                    .bytes()
                    .zip(wrong.strftime("%Y%m%d").to_string().bytes())
                    .filter(|(a, b)| a != b)
                    .count();
                assert_eq!(differ, 1, "{born} {wrong}");
            }
            for years in [-100, -10, -1, 1, 10] {
                assert_eq!(years_off(born, years).map(|date| date.year()), Some(born.year() + years));
            }
        }
        assert_eq!(day_for_month(date(1980, 1, 2)), Some(date(1980, 2, 1)));
        assert_eq!([date(1980, 1, 13), date(1980, 3, 3)].map(day_for_month), [None; 2]);
        assert_eq!(year_only(date(1980, 3, 3)), Some(date(1980, 1, 1)));
        assert_eq!(year_only(date(1980, 1, 1)), None);
        assert_eq!(days_off(date(1980, 1, 1), -1), Some(date(1979, 12, 31)));
    }

    #[test]
    fn a_wrong_number_differs_in_one_digit() {
        let mut draw = Draw::new(1, 2, 1);
        let number = AlienNumber::new(1).unwrap();
        for _ in 0..200 {
            let Some(wrong) = number_digit(&mut draw, number) else { continue };
            let differ = number.to_string().bytes().zip(wrong.to_string().bytes()).filter(|(a, b)| a != b).count();
            assert_eq!(differ, 1, "{wrong}");
            assert!(wrong.to_string().starts_with('0'), "{wrong}");
        }
    }
}
