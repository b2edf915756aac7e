//! Dates as agencies write them.

use jiff::civil::Date;

/// Which number of `01/02/1980` is the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// `mm/dd/yyyy`, as in the United States.
    #[default]
    MonthFirst,
    /// `dd/mm/yyyy`.
    DayFirst,
}

/// Years that a record can hold: nobody on record was born earlier, no stay ends later.
const YEARS: std::ops::RangeInclusive<i16> = 1850..=2199;

/// Reads a date: `1980-01-02` (also with a time behind it), `19800102`, `01/02/1980` or with hyphens or periods,
/// `02-JAN-1980`, and a year alone (`1980`, `1980-00-00`, `19800000`), which is its January 1. None for anything else;
/// two digits of a year are not guessed at.
pub(super) fn parse(text: &str, order: DateOrder) -> Option<Date> {
    let bytes = text.as_bytes();
    match bytes {
        [_, _, _, _] => date(number(bytes)?, 0, 0),
        [_, _, _, _, _, _, _, _] if bytes.iter().all(u8::is_ascii_digit) => {
            date(number(bytes.get(..4)?)?, number(bytes.get(4..6)?)?, number(bytes.get(6..)?)?)
        }
        [y @ .., b'-', m1, m2, b'-', d1, d2] if y.len() == 4 => {
            date(number(y)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
        }
        [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b' ', ..] => parse(text.get(..10)?, order),
        _ => parts(text, order),
    }
}

/// Three parts with one separator: year first, year last, or a month by its name in the middle.
fn parts(text: &str, order: DateOrder) -> Option<Date> {
    // A time of midnight behind the date, as spreadsheets write it.
    let text = text.split_once(' ').filter(|(_, time)| time.contains(':')).map_or(text, |(date, _)| date);
    let mut parts = text.split(['/', '-', '.', ' ']);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let number = |text: &str| number(text.as_bytes());
    if let Some(month) = month(second) {
        return date(number(third).filter(|_| third.len() == 4)?, month, number(first)?);
    }
    if first.len() == 4 {
        return date(number(first)?, number(second)?, number(third)?);
    }
    let (first, second, year) = (number(first)?, number(second)?, number(third).filter(|_| third.len() == 4)?);
    match order {
        DateOrder::MonthFirst => date(year, first, second),
        DateOrder::DayFirst => date(year, second, first),
    }
}

/// The month of an English name or its first three letters.
fn month(text: &str) -> Option<i16> {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let start = text.get(..3)?;
    let is_word = text.bytes().all(|b| b.is_ascii_alphabetic());
    (1..).zip(MONTHS).find(|(_, name)| is_word && start.eq_ignore_ascii_case(name)).map(|(month, _)| month)
}

/// One to four digits.
fn number(digits: &[u8]) -> Option<i16> {
    if digits.is_empty() || digits.len() > 4 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0')))
}

/// A date; month and day both zero are the year alone.
fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    let (month, day) = if (month, day) == (0, 0) { (1, 1) } else { (month, day) };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    YEARS.contains(&year).then_some(date)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_in_every_form_that_agencies_write() {
        let day = Some(date(1980, 1, 2));
        for text in [
            "1980-01-02",
            "19800102",
            "01/02/1980",
            "1/2/1980",
            "01-02-1980",
            "01.02.1980",
            "1980/01/02",
            "02-JAN-1980",
            "2 january 1980",
            "1980-01-02T00:00:00Z",
            "1980-01-02 00:00:00",
            "01/02/1980 0:00",
        ] {
            assert_eq!(parse(text, DateOrder::MonthFirst), day, "{text}");
        }
        assert_eq!(parse("02/01/1980", DateOrder::DayFirst), day);
        for text in ["1980", "1980-00-00", "19800000", "00/00/1980"] {
            assert_eq!(parse(text, DateOrder::MonthFirst), Some(date(1980, 1, 1)), "{text}");
        }
        for text in [
            "",
            "0",
            "80",
            "1/2/80",
            "1980-13-01",
            "1980-02-30",
            "19801301",
            "13/01/1980",
            "1980-1",
            "1749-01-01",
            "2200-01-01",
            "1980-01-00",
            "0000",
            "born 1980",
            "02-JAX-1980",
            "1980-01-02-03",
            "١٩٨٠",
            "-1980-01-02",
            "9999999999999",
        ] {
            assert_eq!(parse(text, DateOrder::MonthFirst), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_date_or_none(text in "\\PC{0,24}") {
            let read = parse(&text, DateOrder::MonthFirst);
            prop_assert!(read.is_none_or(|date| YEARS.contains(&date.year())));
        }

        #[test]
        fn what_is_written_is_read(year in 1850_i16..2200, month in 1_i8..13, day in 1_i8..29) {
            let one = date(year, month, day);
            prop_assert_eq!(parse(&one.to_string(), DateOrder::MonthFirst), Some(one));
        }
    }
}
