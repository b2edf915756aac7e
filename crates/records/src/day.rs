//! Dates as day numbers: how the file keeps them and how generation and search reckon.

use jiff::civil::Date;

/// Days since 1970-01-01, in the Gregorian calendar.
pub(crate) fn of(date: Date) -> i32 {
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The first day that has a code: everybody on record is born later. (The epoch of the modified Julian day.)
const FIRST: i32 = -40_587;

/// Codes of days are below this: the last day is in 2037. The codes from here on have other uses.
pub(crate) const CODE_END: u16 = 0xFF00;

/// The code of a day as keys hold it, 1 and up; 0 for a day out of range.
pub(crate) fn code(date: Date) -> u16 {
    u16::try_from(of(date) - FIRST + 1).ok().filter(|&code| code < CODE_END).unwrap_or(0)
}

/// The date of a code; none for 0.
pub(crate) fn of_code(code: u16) -> Option<Date> {
    if code == 0 { None } else { date(FIRST - 1 + i32::from(code)) }
}

/// The date of a day number; none outside the years that [`Date`] holds.
pub(crate) fn date(day: i32) -> Option<Date> {
    let shifted = i64::from(day) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = i8::try_from(of_year - (153 * shifted_month + 2) / 5 + 1).ok()?;
    let month = i8::try_from(if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 }).ok()?;
    let year = i16::try_from(era * 400 + year_of_era + i64::from(month <= 2)).ok()?;
    Date::new(year, month, day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_numbers_and_dates_are_each_others_inverse() {
        assert_eq!(of(jiff::civil::date(1970, 1, 1)), 0);
        assert_eq!(of(jiff::civil::date(2000, 2, 29)), 11_016);
        let mut next = jiff::civil::date(1899, 12, 31);
        for day in of(next)..of(jiff::civil::date(2101, 1, 1)) {
            assert_eq!((date(day), of(next)), (Some(next), day));
            next = next.tomorrow().expect("within range");
        }
        for far in [i32::MIN, i32::MIN + 1, -5_000_000, 5_000_000, i32::MAX] {
            assert_eq!(date(far), None);
        }
        for edge in [Date::MIN, Date::MAX] {
            assert_eq!(date(of(edge)), Some(edge));
        }
    }
}
