//! Times as they are typed.

use std::str::FromStr;

use codec::dictionary::Moment;
use jiff::{SignedDuration, Timestamp};

/// A point in time that somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Typed(pub(crate) codec::time::Timestamp);

/// How times can be typed, for help texts.
pub(crate) const FORMS: &str = "2026-10-01T08:00:00Z, 2026-10-01 (UTC), 20261001@0800 (UTC-7), 90m, 2h or 3d ago";

/// In band times are at UTC−7.
const IN_BAND_OFFSET_MICROS: i64 = -7 * 3600 * 1_000_000;

/// A text that is none of the forms.
#[derive(Debug, thiserror::Error)]
#[error("a time is one of {FORMS}")]
pub(crate) struct NoTime;

impl FromStr for Typed {
    type Err = NoTime;
    fn from_str(text: &str) -> Result<Self, NoTime> {
        let micros = if let Ok(time) = text.parse::<Timestamp>() {
            time.as_microsecond()
        } else if let Some(ago) = ago(text) {
            Timestamp::now().as_microsecond().saturating_sub(ago)
        } else if let Some(moment) = Moment::parse(text) {
            moment.begin().saturating_sub(IN_BAND_OFFSET_MICROS)
        } else if let (10, Some(moment)) = (text.len(), Moment::parse(&text.replace('-', ""))) {
            moment.begin()
        } else {
            return Err(NoTime);
        };
        Ok(Self(codec::time::Timestamp(micros)))
    }
}

/// `90m`, `2h`, `3d`, in microseconds.
fn ago(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| *count >= 0)?;
    count.checked_mul(seconds)?.checked_mul(1_000_000)
}

/// A time in UTC, to the microsecond.
pub(crate) fn utc(time: codec::time::Timestamp) -> String {
    let whole = Timestamp::from_microsecond(time.0).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{whole:.6}")
}

/// A duration in words: how far something is behind.
pub(crate) fn behind(now: codec::time::Timestamp, then: codec::time::Timestamp) -> String {
    let seconds = SignedDuration::from_micros(now.0.saturating_sub(then.0)).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        let read = |text: &str| text.parse::<Typed>().ok().map(|typed| utc(typed.0));
        assert_eq!(read("2026-10-01T08:00:00Z").as_deref(), Some("2026-10-01T08:00:00.000000Z"));
        assert_eq!(read("2026-10-01T08:00:00.25-07:00").as_deref(), Some("2026-10-01T15:00:00.250000Z"));
        assert_eq!(read("2026-10-01").as_deref(), Some("2026-10-01T00:00:00.000000Z"));
        assert_eq!(read("20261001").as_deref(), Some("2026-10-01T07:00:00.000000Z"));
        assert_eq!(read("20261001@0830").as_deref(), Some("2026-10-01T15:30:00.000000Z"));
        assert!(read("2h").is_some() && read("0m").is_some());
        for bad in ["", "x", "20261301", "20261001@2460", "20261001@08", "-2h", "h", "10:00"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
