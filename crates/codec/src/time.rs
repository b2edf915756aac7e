//! Time as the protocol uses it. Values only: whoever owns a clock hands them in.

use std::fmt;
use std::time::Duration;

/// Monotonic time: microseconds since a start that only its owner knows. Timers run on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// This tick and a while later; never past the last tick.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; nothing if it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Wall-clock time: microseconds since 1970-01-01 UTC. Stamps, holds and the journal use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time and a while later; never past the last representable one.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; nothing if it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A time as message headers print it, `HH:MM MM/DD/YYYY`, in the zone of the switch
/// (`protocol-specs/wire.md` 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
}

impl Stamp {
    /// The stamp of a time at a fixed distance from UTC; the distance in seconds, east positive.
    #[must_use]
    pub fn at(time: Timestamp, utc_offset_seconds: i32) -> Self {
        let seconds = time.0.div_euclid(1_000_000).saturating_add(i64::from(utc_offset_seconds));
        let (minutes, days) = (seconds.div_euclid(60), seconds.div_euclid(86_400));
        let date =
            jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(days.clamp(-700_000, 2_900_000)));
        let of_day = |value: i64| i8::try_from(value).unwrap_or(0);
        Self {
            year: date.year(),
            month: date.month(),
            day: date.day(),
            hour: of_day(minutes.div_euclid(60).rem_euclid(24)),
            minute: of_day(minutes.rem_euclid(60)),
        }
    }

    /// Reads `HH:MM MM/DD/YYYY`; nothing if the text is not that, or no date of the calendar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (time, date) = text.split_once(' ')?;
        let (hour, minute) = time.split_once(':')?;
        let (month, rest) = date.split_once('/')?;
        let (day, year) = rest.split_once('/')?;
        let digits = |part: &str, length: usize| {
            (part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))
                .then(|| part.parse::<i16>().ok())
                .flatten()
        };
        let small = |part: &str| digits(part, 2).and_then(|value| i8::try_from(value).ok());
        let stamp = Self {
            year: digits(year, 4)?,
            month: small(month)?,
            day: small(day)?,
            hour: small(hour)?,
            minute: small(minute)?,
        };
        let valid =
            stamp.hour < 24 && stamp.minute < 60 && jiff::civil::Date::new(stamp.year, stamp.month, stamp.day).is_ok();
        valid.then_some(stamp)
    }

    /// The sixteen bytes of it, as headers print it.
    #[must_use]
    pub fn digits(&self) -> [u8; 16] {
        let ascii = |value: i16| b'0'.saturating_add(u8::try_from(value.rem_euclid(10)).unwrap_or(0));
        let pair = |value: i8| (ascii(i16::from(value.div_euclid(10))), ascii(i16::from(value)));
        let (h, m) = (pair(self.hour), pair(self.minute));
        let (month, day) = (pair(self.month), pair(self.day));
        let year = [1000, 100, 10, 1].map(|place| ascii(self.year.div_euclid(place)));
        let [y3, y2, y1, y0] = year;
        [h.0, h.1, b':', m.0, m.1, b' ', month.0, month.1, b'/', day.0, day.1, b'/', y3, y2, y1, y0]
    }

    /// The day of the stamp.
    #[must_use]
    pub fn date(&self) -> jiff::civil::Date {
        jiff::civil::Date::new(self.year, self.month, self.day).unwrap_or(jiff::civil::Date::MIN)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute } = self;
        write!(f, "{hour:02}:{minute:02} {month:02}/{day:02}/{year:04}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_print_in_the_zone_of_the_switch_and_read_back() {
        let stamp = Stamp::at(Timestamp(1_896_120_059_000_000), -7 * 3600);
        assert_eq!(Stamp::parse(&stamp.to_string()), Some(stamp));
        assert_eq!(stamp.digits().as_slice(), stamp.to_string().as_bytes());
        assert_eq!(Stamp::at(Timestamp(0), 0).to_string(), "00:00 01/01/1970");
        assert_eq!(Stamp::at(Timestamp(0), -7 * 3600).to_string(), "17:00 12/31/1969");
        assert_eq!(Stamp::at(Timestamp(-1), 0).to_string(), "23:59 12/31/1969");
        for bad in ["", "24:00 01/01/2030", "08:60 01/01/2030", "08:00 02/30/2030", "8:00 01/01/2030", "08:00 01/01/30"]
        {
            assert_eq!(Stamp::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        for time in [i64::MIN, i64::MAX] {
            assert!(!Stamp::at(Timestamp(time), i32::MAX).to_string().is_empty());
        }
        assert_eq!(Tick(5).since(Tick(9)), Duration::ZERO);
        assert_eq!(Tick(u64::MAX).after(Duration::MAX), Tick(u64::MAX));
    }
}
