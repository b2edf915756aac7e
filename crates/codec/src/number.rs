//! The five-digit numbers of message headers: ISN and OSN.

use std::fmt;

/// A station's count of messages, in or out, as headers print it: 00001 to 99999, then 00001 again
/// (`protocol-specs/wire.md` 2.2).
///
/// Being so short it orders nothing over a longer time and identifies nothing: receivers deduplicate on a block's
/// validation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Number(u32);

impl Number {
    /// What the switch's own messages bear: 00000, for they came in from nobody.
    pub const SWITCH: Self = Self(0);
    /// The largest number; 1 follows it.
    pub const MAX: Self = Self(99_999);

    /// A number of at most five digits; nothing for a larger one.
    #[must_use]
    pub const fn new(value: u32) -> Option<Self> {
        if value <= Self::MAX.0 { Some(Self(value)) } else { None }
    }

    /// The number after this one: never 0.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 >= Self::MAX.0 { Self(1) } else { Self(self.0.saturating_add(1)) }
    }

    /// The number itself, 0 to 99,999.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// Reads exactly five digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let five_digits = text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
        five_digits.then(|| text.parse().ok().map(Self)).flatten()
    }

    /// Its five digits.
    #[must_use]
    pub fn digits(self) -> [u8; 5] {
        [10_000, 1_000, 100, 10, 1].map(|place| {
            let digit = self.0.checked_div(place).unwrap_or(0) % 10;
            b'0'.saturating_add(u8::try_from(digit).unwrap_or(0))
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}", self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_five_digits_and_wrap_to_one() {
        assert_eq!(Number::SWITCH.to_string(), "00000");
        assert_eq!(Number::SWITCH.next().to_string(), "00001");
        assert_eq!(Number::MAX.next(), Number::new(1).unwrap());
        assert_eq!(Number::new(100_000), None);
        for value in [0, 1, 7_030, 99_999] {
            let number = Number::new(value).unwrap();
            assert_eq!(number.digits().as_slice(), number.to_string().as_bytes());
            assert_eq!(Number::parse(&number.to_string()), Some(number));
        }
        for bad in ["", "1", "000001", "0000A", "+0001", "-0001"] {
            assert_eq!(Number::parse(bad), None, "{bad}");
        }
    }
}
