//! Legacy text: what a station sends ([`parse_input`], [`InputHeader`]), what it receives ([`parse_output`],
//! [`OutputHeader`]) and the fields of a body ([`fields()`]).
//!
//! Line ends are CR LF DEL, CR LF or LF, each accepted everywhere and kept as they came inside a body
//! (`protocol-specs/wire.md` 2.1). What is read borrows from the input; nothing is copied but the few bytes of a name.

mod fields;
mod input;
mod output;

pub use fields::{Field, Fields, fields};
pub use input::{Destination, DestinationKind, Destinations, Glance, Input, InputHeader, glance, parse_input};
pub use output::{Output, OutputHeader, parse_output};

use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::{IResult, Parser as _};

use crate::error::DecodeError;

/// How the lines of a message that the switch writes end (`protocol-specs/wire.md` 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LineEnd {
    /// Three bytes, the teletype's: CR, LF and the rub-out 0x7F. The sizes in the public ER table are sums of it.
    #[default]
    CrLfDel,
    /// Two bytes, for stations that ask for it.
    CrLf,
}

impl LineEnd {
    /// The bytes of it.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::CrLfDel => b"\r\n\x7f",
            Self::CrLf => b"\r\n",
        }
    }
}

/// The first byte that legacy text may not have; allowed are 0x20 to 0x7E, CR, LF, DEL and HT
/// (`protocol-specs/wire.md` 2.1). It is said as an offset.
#[must_use]
pub fn disallowed_byte(bytes: &[u8]) -> Option<usize> {
    // Without a branch per byte, so that the compiler can look at many bytes at once; a message that has none, and
    // nearly all have none, is read once.
    let clean = |block: &[u8]| block.iter().fold(true, |clean, byte| clean & allowed(*byte));
    let mut start: usize = 0;
    for block in bytes.chunks(SCAN_BYTES) {
        if !clean(block) {
            return block.iter().position(|byte| !allowed(*byte)).map(|at| start.saturating_add(at));
        }
        start = start.saturating_add(block.len());
    }
    None
}

/// How many bytes [`disallowed_byte`] looks at before it decides.
const SCAN_BYTES: usize = 256;

const fn allowed(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7f | b'\r' | b'\n' | b'\t')
}

/// Whether a message is XML: its first byte after white space is `<` (`protocol-specs/wire.md` 2.1).
#[must_use]
pub fn is_xml(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

fn eol(input: &[u8]) -> IResult<&[u8], &[u8]> {
    alt((tag("\r\n\x7f"), tag("\r\n"), tag("\n"))).parse(input)
}

/// What follows a line end, if there is one.
fn after_eol(text: &[u8]) -> &[u8] {
    match text {
        [b'\r', b'\n', 0x7f, after @ ..] | [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => after,
        _ => text,
    }
}

/// The bytes as text. Bytes beyond ASCII are another check's business: admission's first, and each field's set of
/// characters.
fn utf8(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

/// Turns nom's error into ours: nom says what is left, we say where in `whole` that begins.
fn at<'a>(
    whole: &'a [u8],
    field: &'static str,
    rule: &'static str,
) -> impl Fn(nom::Err<nom::error::Error<&'a [u8]>>) -> DecodeError {
    move |error| {
        let left = match error {
            nom::Err::Error(error) | nom::Err::Failure(error) => error.input.len(),
            nom::Err::Incomplete(_) => 0,
        };
        DecodeError { offset: whole.len().saturating_sub(left), field, rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_bytes_are_allowed() {
        for byte in 0..=u8::MAX {
            let expected = !(matches!(byte, 0x20..=0x7e) || b"\r\n\x7f\t".contains(&byte));
            assert_eq!(disallowed_byte(&[b'A', byte]), expected.then_some(1), "{byte:#04x}");
        }
        let mut long = vec![b'A'; 3 * SCAN_BYTES];
        assert_eq!(disallowed_byte(&long), None);
        for at in [0, SCAN_BYTES - 1, SCAN_BYTES, 3 * SCAN_BYTES - 1] {
            long[at] = 1;
            assert_eq!(disallowed_byte(&long), Some(at));
            long[at] = b'A';
        }
    }

    #[test]
    fn xml_begins_with_an_angle_bracket_after_white_space() {
        assert!(is_xml(b"<a/>") && is_xml(b" \t\r\n<a/>"));
        assert!(!is_xml(b"") && !is_xml(b"AM.ZA0010000") && !is_xml(b"\x7f<a/>"));
    }
}
