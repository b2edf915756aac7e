//! Numbers of a person beside the alien number: what kind, by whom issued, and in which form they are compared.

use std::fmt;

use crate::columned::columned;
use crate::{Place, Reference, Source};

/// Text of at most 20 bytes, kept in place.
pub type ShortText = arrayvec::ArrayString<20>;

columned! {
    /// What kind of number it is.
    IdentifierKind {
        1 Fbi "fbi" "Number of the criminal history: at most nine letters and digits.";
        2 Ssn "ssn" "Social security number: nine digits.";
        3 Passport "passport" "Passport number; the issuer is a country.";
        4 I94 "i94" "Number of an arrival record (form I-94): eleven digits, or nine digits, a letter and a digit.";
        5 Licence "licence" "Driver's licence number; the issuer is a state.";
        6 Fin "fin" "Fingerprint identification number of an encounter: ten digits.";
        7 Sevis "sevis" "Student's or exchange visitor's number: `N` and ten digits.";
        8 Receipt "receipt" "Receipt number of an application: three letters and ten digits.";
    }
}

/// A number of a person, in the form in which it is compared: capitals and digits, nothing between them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier {
    /// What kind of number.
    pub kind: IdentifierKind,
    /// Country of a passport, state of a licence; none if it is not known or the kind has none.
    pub issuer: Option<Place>,
    text: ShortText,
}

impl Identifier {
    /// The number in a text, if there is one: letters and digits are kept and raised, spaces, hyphens, periods and
    /// slashes are dropped. None if anything else is in it, nothing is left, or it is longer than 20 characters; and
    /// for a social security number if it is not nine digits.
    #[must_use]
    pub fn new(kind: IdentifierKind, text: &str, issuer: Option<Place>) -> Option<Self> {
        let mut kept = ShortText::new();
        for c in text.chars() {
            match c {
                c if c.is_ascii_alphanumeric() => kept.try_push(c.to_ascii_uppercase()).ok()?,
                ' ' | '-' | '.' | '/' => {}
                _ => return None,
            }
        }
        let is_ssn = kind == IdentifierKind::Ssn;
        if kept.is_empty() || is_ssn && (kept.len() != 9 || !kept.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        Some(Self { kind, issuer, text: kept })
    }

    /// Capitals and digits.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A source's own number as a number of its kind; none for a source that goes by the alien number.
    #[must_use]
    pub fn from_reference(reference: Reference) -> Option<Self> {
        let kind = match reference.source() {
            Source::Niis | Source::Adis => IdentifierKind::I94,
            Source::Claims => IdentifierKind::Receipt,
            Source::Enforce => IdentifierKind::Fin,
            Source::Sevis => IdentifierKind::Sevis,
            Source::Cis | Source::Dacs | Source::Raps => return None,
        };
        let (mut text, mut digits) = (ShortText::new(), reference.number());
        let (prefix, width) = match reference.source() {
            Source::Niis | Source::Adis => ("", 11),
            Source::Claims => ("ZZZ", 10),
            Source::Sevis => ("N", 10),
            Source::Enforce | Source::Cis | Source::Dacs | Source::Raps => ("", 10),
        };
        let mut places = [b'0'; 11];
        for place in places.iter_mut().take(width).rev() {
            *place = b'0' + u8::try_from(digits % 10).unwrap_or(0);
            digits /= 10;
        }
        text.push_str(prefix);
        text.push_str(std::str::from_utf8(places.get(..width)?).unwrap_or(""));
        Some(Self { kind, issuer: None, text })
    }
}

/// Does not show the number: identifiers of persons do not belong in logs.
impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({:?}, …)", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_without_what_stands_between() {
        let text = |kind, text: &str| Identifier::new(kind, text, None).map(|number| number.text().to_owned());
        assert_eq!(text(IdentifierKind::Ssn, "900-12-3456").as_deref(), Some("900123456"));
        assert_eq!(text(IdentifierKind::Passport, " g 1234.5678").as_deref(), Some("G12345678"));
        assert_eq!(text(IdentifierKind::Licence, &"9".repeat(20)).map(|text| text.len()), Some(20));
        for (kind, bad) in [
            (IdentifierKind::Ssn, "90012345"),
            (IdentifierKind::Ssn, "90012345A"),
            (IdentifierKind::Passport, "- -"),
            (IdentifierKind::Passport, "Ω123"),
            (IdentifierKind::Licence, "999999999999999999999"),
        ] {
            assert_eq!(text(kind, bad), None, "{bad}");
        }
    }

    #[test]
    fn a_reference_is_the_same_number_as_an_identifier() {
        for source in Source::ALL {
            let reference = Reference::new(source, 42);
            let number = reference.and_then(Identifier::from_reference);
            assert_eq!(number.map(|n| n.text().to_owned()), reference.map(|r| r.to_string()), "{source:?}");
            let parsed = reference.and_then(|reference| Reference::parse(source, &reference.to_string()));
            assert_eq!(parsed, reference);
        }
        assert_eq!(Reference::parse(Source::Niis, "42"), None);
        assert_eq!(Reference::parse(Source::Claims, "0000000042"), None);
        assert_eq!(Reference::parse(Source::Cis, "0000000042"), None);
    }
}
