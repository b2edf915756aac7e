//! The control field of every message that a run sends: whose it is, and which.
//!
//! ```text
//! T0001Z 0 0000002K
//! run    │ number of the message in its shard
//!        shard: the thread whose table has it
//! ```
//!
//! Fifteen letters and digits, no spaces. A run knows its own answers by it, also on another link than that of the
//! question, and those of an earlier run by their other tag.

use codec::name::Control;

/// What tells one run's messages from another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunTag([u8; RUN]);

const RUN: usize = 5;
const NUMBER: usize = 8;
const BASE: u64 = 36;
const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// How many shards a control field can name.
pub const SHARDS_MAX: usize = 36;

/// The highest number of a message in its shard.
pub const NUMBER_MAX: u64 = BASE.pow(8) - 1;

/// Which message a control field stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The table that has it.
    pub shard: usize,
    /// Its number there.
    pub number: u64,
}

impl RunTag {
    /// A tag made of any number, such as the time: of two runs that matter to one another the numbers differ.
    #[must_use]
    pub fn of(number: u64) -> Self {
        let mut tag = [b'0'; RUN];
        digits(number, &mut tag);
        Self(tag)
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The control field of a message.
    #[must_use]
    pub fn control(&self, mark: Mark) -> Control {
        let mut text = [b'0'; 1 + RUN + 1 + NUMBER];
        let [first, rest @ ..] = &mut text;
        *first = b'T';
        let (run, rest) = rest.split_at_mut(RUN);
        run.copy_from_slice(&self.0);
        let (shard, number) = rest.split_at_mut(1);
        digits(u64::try_from(mark.shard).unwrap_or(0), shard);
        digits(mark.number, number);
        let parsed = str::from_utf8(&text).ok().and_then(|text| Control::parse(text).ok());
        // Fifteen letters and digits always are one.
        parsed.unwrap_or_else(|| unreachable!("letters and digits are a control field"))
    }

    /// Which message of this run a control field stands for; none if it is of another.
    #[must_use]
    pub fn read(&self, control: &Control) -> Option<Mark> {
        let rest = control.as_str().as_bytes().strip_prefix(b"T")?.strip_prefix(&self.0)?;
        let (shard, number) = rest.split_at_checked(1)?;
        if number.len() != NUMBER {
            return None;
        }
        Some(Mark { shard: usize::try_from(value(shard)?).ok()?, number: value(number)? })
    }
}

/// Writes the last digits of a number.
fn digits(mut number: u64, out: &mut [u8]) {
    for place in out.iter_mut().rev() {
        *place = usize::try_from(number % BASE).ok().and_then(|digit| DIGITS.get(digit)).copied().unwrap_or(b'0');
        number /= BASE;
    }
}

fn value(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            _ => return None,
        };
        Some(sum * BASE + u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_field_says_which_message_of_which_run() {
        let run = RunTag::of(1_700_000_123);
        for mark in [
            Mark { shard: 0, number: 0 },
            Mark { shard: SHARDS_MAX - 1, number: NUMBER_MAX },
            Mark { shard: 3, number: 46_655 },
        ] {
            let control = run.control(mark);
            assert_eq!(control.as_str().len(), 15);
            assert_eq!(run.read(&control), Some(mark));
            assert_eq!(RunTag::of(1_700_000_124).read(&control), None);
        }
        assert_eq!(run.as_str().len(), RUN);
    }

    #[test]
    fn what_others_write_is_no_mark() {
        let run = RunTag::of(5);
        for other in ["T0000001AA", "T00005", "T000050", "T00005000000000", "T0000500000000a", "X00005000000001", "1"] {
            let read = run.read(&Control::parse(other).unwrap());
            assert_eq!(read.is_some(), other == "T00005000000000", "{other}");
        }
    }
}
