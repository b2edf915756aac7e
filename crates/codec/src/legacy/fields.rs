//! The fields of a body: `body = field *( "." [eol] field ) ["."] [eol]`, `field = prefix "/" value`
//! (`protocol-specs/formats.md` 1.2).

use std::fmt;
use std::iter::FusedIterator;

use nom::bytes::complete::take_while_m_n;
use nom::character::complete::char;
use nom::combinator::opt;
use nom::sequence::terminated;
use nom::{IResult, Parser as _};

use super::{eol, utf8};
use crate::error::DecodeError;

/// One `PFX/value` of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Two or three letters, as written.
    pub prefix: &'a str,
    /// What follows the first `/`, up to the period; it may be empty, and hold anything but a period.
    pub value: &'a str,
    /// Where the prefix begins in the body, in bytes.
    pub offset: usize,
}

impl Field<'_> {
    /// Where the value begins in the body, in bytes.
    #[must_use]
    pub const fn value_offset(&self) -> usize {
        self.offset.saturating_add(self.prefix.len()).saturating_add(1)
    }

    /// Where the field ends in the body: the offset after its last byte.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.value_offset().saturating_add(self.value.len())
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/({} bytes) at {}", self.prefix, self.value.len(), self.offset)
    }
}

/// Reads a body field by field.
///
/// What stands between two periods and is no field is an error with its offset; the walk goes on after it, so that a
/// caller can tell what is missing from a body that also has something wrong.
#[must_use]
pub const fn fields(body: &[u8]) -> Fields<'_> {
    Fields { body, at: 0 }
}

/// The fields of a body, in order: see [`fields`].
#[derive(Clone)]
pub struct Fields<'a> {
    body: &'a [u8],
    /// Where the next chunk begins; at the body's end there is none.
    at: usize,
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields(at {} of {} bytes)", self.at, self.body.len())
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.body.get(self.at..).unwrap_or_default();
        let offset = self.at;
        let chunk = if let Some(period) = memchr::memchr(b'.', left) {
            let (chunk, after) = left.split_at_checked(period).unwrap_or((left, &[]));
            let after = after.split_first().map_or(after, |(_, after)| after);
            let after = match after.first() {
                Some(b'\r' | b'\n') => opt(eol).parse(after).map_or(after, |(after, _)| after),
                _ => after,
            };
            self.at = self.body.len().saturating_sub(after.len());
            chunk
        } else {
            self.at = self.body.len();
            let chunk = without_eol(left);
            if chunk.is_empty() {
                return None;
            }
            chunk
        };
        let error = DecodeError { offset, field: "field", rule: "a prefix of 2 or 3 letters, `/`, a value" };
        Some(field(chunk, offset).ok_or(error))
    }
}

impl FusedIterator for Fields<'_> {}

fn field(chunk: &[u8], offset: usize) -> Option<Field<'_>> {
    let (_, letters) = prefix(chunk).ok()?;
    let (prefix, value) = utf8(chunk)?.split_at_checked(letters.len())?;
    Some(Field { prefix, value: value.strip_prefix('/')?, offset })
}

fn prefix(chunk: &[u8]) -> IResult<&[u8], &[u8]> {
    terminated(take_while_m_n(2, 3, |byte: u8| byte.is_ascii_alphabetic()), char('/')).parse(chunk)
}

fn without_eol(text: &[u8]) -> &[u8] {
    [b"\r\n\x7f".as_slice(), b"\r\n", b"\n"].iter().find_map(|end| text.strip_suffix(*end)).unwrap_or(text)
}
