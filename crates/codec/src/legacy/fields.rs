//! The fields of a body: `body = field *( "." [eol] field ) ["."] [eol]`, `field = prefix "/" value`
//! (`protocol-specs/formats.md` 1.2).

use std::fmt;
use std::iter::FusedIterator;

use super::{after_eol, utf8};
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
    let text = match str::from_utf8(body) {
        Ok(text) => Some(text),
        Err(_) => None,
    };
    Fields { body, text, at: 0 }
}

/// The fields of a body, in order: see [`fields`].
#[derive(Clone)]
pub struct Fields<'a> {
    body: &'a [u8],
    /// The same as text, where all of it is one: then no field is looked at again for that.
    text: Option<&'a str>,
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
            self.at = self.body.len().saturating_sub(after_eol(after).len());
            chunk
        } else {
            self.at = self.body.len();
            let chunk = without_eol(left);
            if chunk.is_empty() {
                return None;
            }
            chunk
        };
        let text = match self.text {
            Some(text) => text.get(offset..offset.saturating_add(chunk.len())),
            None => utf8(chunk),
        };
        let error = DecodeError { offset, field: "field", rule: "a prefix of 2 or 3 letters, `/`, a value" };
        Some(text.and_then(|text| field(text, offset)).ok_or(error))
    }
}

impl FusedIterator for Fields<'_> {}

fn field(chunk: &str, offset: usize) -> Option<Field<'_>> {
    let letters = match chunk.as_bytes() {
        [a, b, b'/', ..] if letters(&[*a, *b]) => 2,
        [a, b, c, b'/', ..] if letters(&[*a, *b, *c]) => 3,
        _ => return None,
    };
    let (prefix, value) = chunk.split_at_checked(letters)?;
    Some(Field { prefix, value: value.get(1..)?, offset })
}

fn letters(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_alphabetic)
}

fn without_eol(text: &[u8]) -> &[u8] {
    [b"\r\n\x7f".as_slice(), b"\r\n", b"\n"].iter().find_map(|end| text.strip_suffix(*end)).unwrap_or(text)
}
