//! Dates of birth, in the two forms that messages write them.

use jiff::civil::Date;

/// The oldest that a living person can be, in whole years (`protocol-specs/formats.md` 3.2).
const AGE_YEARS_MAX: i16 = 120;

/// Reads a date of birth, `ccyymmdd` or `mmddyy`.
///
/// A two-digit year is the last such year that is not after `today`. Nothing if the text is no date of the calendar,
/// or one after `today` or more than 120 years before it.
#[must_use]
pub fn birth_date(text: &str, today: Date) -> Option<Date> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<i16>().ok());
    let date = |year: i16, month: i16, day: i16| {
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok().filter(|born| *born <= today)
    };
    let born = match text.len() {
        8 => date(digits(0, 4)?, digits(4, 6)?, digits(6, 8)?),
        6 => {
            let (month, day, year) = (digits(0, 2)?, digits(2, 4)?, digits(4, 6)?);
            let century = today.year().div_euclid(100).saturating_mul(100);
            date(century.saturating_add(year), month, day)
                .or_else(|| date(century.saturating_sub(100).saturating_add(year), month, day))
        }
        _ => None,
    }?;
    let had_birthday = (today.month(), today.day()) >= (born.month(), born.day());
    let age = today.year().saturating_sub(born.year()).saturating_sub(i16::from(!had_birthday));
    (age <= AGE_YEARS_MAX).then_some(born)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn check(text: &str, expected: Option<Date>) {
        assert_eq!(birth_date(text, date(2030, 1, 31)), expected, "{text}");
    }

    #[test]
    fn both_forms_are_read() {
        check("19800102", Some(date(1980, 1, 2)));
        check("010280", Some(date(1980, 1, 2)));
        check("022900", Some(date(2000, 2, 29)));
        check("013130", Some(date(2030, 1, 31)));
        check("020130", Some(date(1930, 2, 1)));
    }

    #[test]
    fn what_is_no_date_of_a_living_person_is_refused() {
        for text in ["", "1980010", "1980010A", "+9800102", "19801302", "19800230", "00000000", "130280", "29991231"] {
            check(text, None);
        }
        check("20300131", Some(date(2030, 1, 31)));
        check("20300201", None);
        check("19090201", Some(date(1909, 2, 1)));
        check("19090131", None);
    }

    #[test]
    fn the_ends_of_the_calendar_do_not_overflow() {
        for today in [Date::MIN, Date::MAX] {
            assert_eq!(birth_date("00010101", today), None);
            assert!(birth_date("010101", today).is_none_or(|born| born <= today));
        }
    }
}
