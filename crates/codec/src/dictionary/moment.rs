//! The times of a log search: a day, or a minute of one. And how much more time somebody needs.

use std::time::Duration;

use jiff::civil::{Date, DateTime, date};

/// A day or a minute as a field writes it (`protocol-specs/formats.md` 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// `ccyymmdd`.
    Day(Date),
    /// `ccyymmdd@hhmm`.
    Minute(DateTime),
}

impl Moment {
    /// Reads either form; nothing if the text is neither, or names no time of the calendar from 1900 to 2099.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (day, minute) = text.split_once('@').map_or((text, None), |(day, minute)| (day, Some(minute)));
        let digits = |text: &str, from: usize, to: usize| {
            let part = text.get(from..to)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<i16>().ok())?
        };
        let small =
            |text: &str, from: usize| digits(text, from, from.saturating_add(2)).and_then(|n| i8::try_from(n).ok());
        if day.len() != 8 || minute.is_some_and(|minute| minute.len() != 4) {
            return None;
        }
        let year = digits(day, 0, 4).filter(|year| (1900..=2099).contains(year))?;
        let day = Date::new(year, small(day, 4)?, small(day, 6)?).ok()?;
        let Some(minute) = minute else { return Some(Self::Day(day)) };
        let time = jiff::civil::Time::new(small(minute, 0)?, small(minute, 2)?, 0, 0).ok()?;
        Some(Self::Minute(day.to_datetime(time)))
    }

    /// Its first microsecond, in microseconds since 1970 in the zone in which it is written.
    #[must_use]
    pub fn begin(self) -> i64 {
        let (day, minutes) = match self {
            Self::Day(day) => (day, 0),
            Self::Minute(minute) => {
                (minute.date(), i64::from(minute.hour()).saturating_mul(60).saturating_add(minute.minute().into()))
            }
        };
        let days = day.since(date(1970, 1, 1)).map_or(0, |span| i64::from(span.get_days()));
        days.saturating_mul(DAY_MICROS).saturating_add(minutes.saturating_mul(MINUTE_MICROS))
    }

    /// The first microsecond after it.
    #[must_use]
    pub fn end(self) -> i64 {
        self.begin().saturating_add(match self {
            Self::Day(_) => DAY_MICROS,
            Self::Minute(_) => MINUTE_MICROS,
        })
    }
}

/// Reads how long something takes: a number from 1 to 999, then `M` for minutes or `H` for hours, as in `45M`
/// (`protocol-specs/formats.md` 5.2; inferred). Nothing if the text is not that.
#[must_use]
pub fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit.to_ascii_uppercase() {
        'M' => 60_u64,
        'H' => 3600,
        _ => return None,
    };
    let number = text.strip_suffix(unit)?;
    let digits = (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| number.parse::<u64>().ok())?.filter(|number| *number > 0)?;
    Some(Duration::from_secs(number.saturating_mul(seconds)))
}

const MINUTE_MICROS: i64 = 60 * 1_000_000;
const DAY_MICROS: i64 = 24 * 60 * MINUTE_MICROS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_minutes_are_read() {
        let begin = |text| Moment::parse(text).unwrap().begin();
        assert_eq!([begin("19700101"), begin("19700102"), begin("19691231")], [0, DAY_MICROS, -DAY_MICROS]);
        assert_eq!(begin("20300131@1505"), 1_896_102_300_000_000);
        assert_eq!(Moment::parse("20300131").unwrap().end(), begin("20300201"));
        assert_eq!(Moment::parse("20300131@2359").unwrap().end(), begin("20300201"));
    }

    #[test]
    fn a_span_is_minutes_or_hours() {
        assert_eq!(span("45M"), Some(Duration::from_secs(45 * 60)));
        assert_eq!(span("2h"), Some(Duration::from_secs(2 * 3600)));
        assert_eq!(span("999H"), Some(Duration::from_secs(999 * 3600)));
        for text in ["", "M", "0M", "45", "45S", "1000M", "-5M", "+5M", "4 M", "4.5H", "é"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_of_the_calendar_is_refused() {
        for text in [
            "",
            "2030013",
            "20300230",
            "20300131@",
            "20300131@2400",
            "20300131@1260",
            "20300131@12",
            "18991231",
            "21000101",
            "+0300131",
            "20300131 1200",
            "20300131@+100",
            "2030-1-1",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
