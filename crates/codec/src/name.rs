//! Identifiers of the network: stations, agencies, lines, message keys, control fields.
//!
//! Each is a small `Copy` value that exists only in its valid form. Parsing folds letters to upper case where the
//! format says so (`protocol-specs/wire.md` 2.1); a control field keeps its case.

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayString;

/// Why a text is not the identifier it should be. It names the kind and the rule, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {rule}")]
pub struct NameError {
    kind: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $bytes:literal, $fold:expr, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(ArrayString<$bytes>);

        impl $name {
            #[doc = concat!("Reads ", $kind, " from text.")]
            ///
            /// # Errors
            #[doc = concat!("If the text is not ", $rule, ".")]
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let error = NameError { kind: $kind, rule: $rule };
                let mut name = ArrayString::from(text).map_err(|_| error)?;
                if $fold {
                    name.make_ascii_uppercase();
                }
                let valid: fn(&[u8]) -> bool = $valid;
                if valid(name.as_bytes()) { Ok(Self(name)) } else { Err(error) }
            }

            /// The text of it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }
    };
}

fn upper_alphanumeric(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

name!(
    /// An agency: two letters of a state or federal prefix and seven letters or digits (`protocol-specs/formats.md` 2.1).
    Ori, "an ORI", "2 letters and 7 letters or digits", 9, true,
    |b| b.len() == 9 && b.iter().take(2).all(u8::is_ascii_uppercase) && upper_alphanumeric(b)
);

name!(
    /// A two-character destination: a state's line, a federal line, a region or a group (`protocol-specs/formats.md` 2.2).
    Line, "a line", "2 letters or digits", 2, true,
    |b| b.len() == 2 && upper_alphanumeric(b)
);

name!(
    /// What a message is: 2 or 3 letters or digits on the network, up to 6 on a state's side (`protocol-specs/formats.md` 1.7).
    MessageKey, "a message key", "2 to 6 letters or digits", 6, true,
    |b| (2..=6).contains(&b.len()) && upper_alphanumeric(b)
);

name!(
    /// The sender's own mark on a message, without its `*`, returned unchanged in every answer (`protocol-specs/formats.md` 1.4).
    Control, "a control field", "1 to 20 letters or digits", 20, false,
    |b| (1..=20).contains(&b.len()) && b.iter().all(u8::is_ascii_alphanumeric)
);

name!(
    /// A named end point of the network: the last part of `urn:orinet:station:` in its certificate (`protocol-specs/wire.md` 1).
    StationName, "a station's name", "1 to 16 letters or digits", 16, true,
    |b| (1..=16).contains(&b.len()) && upper_alphanumeric(b)
);

name!(
    /// The letters before a field's `/` (`protocol-specs/formats.md` 1.2).
    Prefix, "a field's prefix", "2 or 3 letters", 3, true,
    |b| (2..=3).contains(&b.len()) && b.iter().all(u8::is_ascii_uppercase)
);

impl Ori {
    /// The message switch, the only originator of ER (`protocol-specs/formats.md` 2.2).
    pub const SWITCH: &'static str = "NL0000000";

    /// The ORI of the message switch.
    #[must_use]
    pub fn of_switch() -> Self {
        Self(ArrayString::from(Self::SWITCH).unwrap_or_default())
    }

    /// The line that its first two letters name.
    #[must_use]
    pub fn line(&self) -> Line {
        Line(self.0.get(..2).and_then(|line| ArrayString::from(line).ok()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_held_to_their_form() {
        assert_eq!(Ori::parse("za0010000").unwrap().as_str(), "ZA0010000");
        assert_eq!(Ori::parse("ZA0010000").unwrap().line().as_str(), "ZA");
        for bad in ["", "ZA001000", "ZA00100000", "1A0010000", "ZA001-000", "ZÄ001000"] {
            assert!(Ori::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Control::parse("aB1").unwrap().as_str(), "aB1");
        assert!(
            Control::parse("A B").is_err() && Control::parse("").is_err() && Control::parse(&"A".repeat(21)).is_err()
        );
        assert!(Line::parse("QX").is_ok() && Line::parse("Q").is_err());
        assert!(Prefix::parse("nam").is_ok() && Prefix::parse("N1").is_err() && Prefix::parse("NAME").is_err());
        assert!(MessageKey::parse("A").is_err() && MessageKey::parse("LEOFA").is_ok());
    }
}
