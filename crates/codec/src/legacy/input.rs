//! Input text: what a station sends to the switch (`protocol-specs/formats.md` 1.2).
//!
//! ```text
//! IAQ.ZZ0010000.AX.*T0000001AA.TXT⏎PUR/C.ATN/…
//! key sender    to  control    │   body
//! ```
//!
//! The header is read piece by piece, each ended by a period:
//!
//! | A piece that is | is |
//! |---|---|
//! | exactly 2 or 9 letters or digits, with a period after it | a destination, also where it begins with `TXT` |
//! | else begins with `TXT` | the end of the header: the body follows, after one line end if there is one |
//! | `*` and anything on the same line | the control field; after it only `TXT` can come |
//! | other letters or digits, with a period after them | a destination too, kept as written for admission to refuse |
//! | anything else | no part of a header: the message has no `TXT`, its body is `None` |

use std::fmt;

use super::{after_eol, utf8};
use crate::error::DecodeError;
use crate::name::{Control, Line, MessageKey, NameError, Ori};
use bytes::Bytes;

/// A message as a station sent it, read as far as its header goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Input<'a> {
    /// What it is, folded to upper case.
    pub key: MessageKey,
    /// Who says to have sent it, folded to upper case.
    pub sender: Ori,
    /// Whom it is for: at least one.
    pub destinations: Destinations<'a>,
    /// The text after `*` as written, not checked: see [`Input::checked_control`].
    pub control: Option<&'a str>,
    /// What follows `TXT` and one line end; `None` where there is no `TXT`.
    pub body: Option<&'a [u8]>,
}

/// Reads a message as a station sends it. It looks at the header only; no byte of the body is examined.
///
/// # Errors
/// If key, sender or a first destination cannot be read: that is row 1 of admission (`protocol-specs/wire.md` 2.4).
/// A missing `TXT` is no error here, for key and sender are known then.
pub fn parse_input(bytes: &[u8]) -> Result<Input<'_>, DecodeError> {
    let fault = |left: &[u8], field, rule| {
        let offset = bytes.len().saturating_sub(left.len());
        DecodeError { offset, field, rule }
    };
    let (rest, key) = key(bytes).map_err(|left| fault(left, "message key", "2 to 6 letters or digits and a period"))?;
    let (rest, sender) = sender(rest)
        .map_err(|left| fault(left, "sender", "an ORI of 2 letters and 7 letters or digits, and a period"))?;
    let offset = bytes.len().saturating_sub(rest.len());
    let Pieces { destinations, control, body } = pieces(rest);
    if destinations.count == 0 {
        return Err(DecodeError { offset, field: "destination", rule: "letters or digits and a period" });
    }
    Ok(Input { key, sender, destinations, control, body })
}

impl Input<'_> {
    /// The control field in its valid form, if there is one.
    ///
    /// # Errors
    /// If it is not 1 to 20 letters or digits: row 6 of admission.
    pub fn checked_control(&self) -> Result<Option<Control>, NameError> {
        self.control.map(Control::parse).transpose()
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("key", &self.key)
            .field("sender", &self.sender)
            .field("destinations", &self.destinations)
            .field("control_bytes", &self.control.map(str::len))
            .field("body_bytes", &self.body.map(<[u8]>::len))
            .finish()
    }
}

/// What of a header can be read, for the answer to a message that cannot.
///
/// An ER is addressed to the sender's ORI and repeats the control field "where that could be read"
/// (`protocol-specs/wire.md` 2.4), also where [`parse_input`] ends in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Glance {
    /// The key, if it has the form of one.
    pub key: Option<MessageKey>,
    /// The sender, if key and sender have their form.
    pub sender: Option<Ori>,
    /// The control field, if it is valid and nothing before it is not.
    pub control: Option<Control>,
}

/// Reads as much of a header as can be read.
#[must_use]
pub fn glance(bytes: &[u8]) -> Glance {
    let Ok((rest, key)) = key(bytes) else { return Glance::default() };
    let Ok((rest, sender)) = sender(rest) else { return Glance { key: Some(key), ..Glance::default() } };
    let control = pieces(rest).control.and_then(|control| Control::parse(control).ok());
    Glance { key: Some(key), sender: Some(sender), control }
}

/// The destinations of a message: a view of its header that is read as it is walked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Destinations<'a> {
    /// Pieces of letters and digits, a period after each.
    text: &'a str,
    /// How many pieces that is.
    count: usize,
}

impl<'a> Destinations<'a> {
    /// How many are read of one message. No key allows that many; more are counted, not walked.
    pub const MAX: usize = 32;

    /// The first [`Destinations::MAX`] of them, in the order of the header.
    pub fn iter(&self) -> impl Iterator<Item = Destination<'a>> + use<'a> {
        self.text.split_terminator('.').take(Self::MAX).map(Destination::read)
    }

    /// How many there are, also beyond [`Destinations::MAX`]; never 0 in an [`Input`].
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Whether there are more than are read: row 7 of admission, whatever the key.
    #[must_use]
    pub const fn too_many(&self) -> bool {
        self.count > Self::MAX
    }
}

impl fmt::Debug for Destinations<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One destination of a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Destination<'a> {
    /// Two letters or digits.
    Line(Line),
    /// Nine letters or digits in the form of an ORI.
    Ori(Ori),
    /// Anything else, as written: of another length (row 7 of admission), or of nine characters that are no ORI and
    /// therefore exist nowhere (row 8). [`Destination::kind`] tells the two apart.
    Other(&'a str),
}

/// The two kinds of destination that a key can allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DestinationKind {
    /// Two characters: a line, a region, a group.
    Line,
    /// Nine characters: one agency or service.
    Ori,
}

impl<'a> Destination<'a> {
    fn read(text: &'a str) -> Self {
        match text.len() {
            2 => Line::parse(text).map_or(Self::Other(text), Self::Line),
            9 => Ori::parse(text).map_or(Self::Other(text), Self::Ori),
            _ => Self::Other(text),
        }
    }

    /// What its length makes it; nothing where it is neither 2 nor 9 characters long.
    #[must_use]
    pub fn kind(&self) -> Option<DestinationKind> {
        match self.as_str().len() {
            2 => Some(DestinationKind::Line),
            9 => Some(DestinationKind::Ori),
            _ => None,
        }
    }

    /// Its text, a line's or an ORI's folded to upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Line(line) => line.as_str(),
            Self::Ori(ori) => ori.as_str(),
            Self::Other(text) => text,
        }
    }
}

impl fmt::Debug for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "Line({line})"),
            Self::Ori(ori) => write!(f, "Ori({ori})"),
            Self::Other(text) => write!(f, "Other({} bytes)", text.len()),
        }
    }
}

/// A message for the switch, ready to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputHeader<'a> {
    /// What it is.
    pub key: MessageKey,
    /// Who sends it.
    pub sender: Ori,
    /// Whom it is for: lines and ORIs, at least one.
    pub destinations: &'a [&'a str],
    /// The sender's own mark.
    pub control: Option<Control>,
}

impl InputHeader<'_> {
    /// Writes `MKE.ORI.DEST….*CTL.TXT`, CR LF and the body.
    ///
    /// The body is not looked at. One that begins with DEL cannot be told from the end of the `TXT` line: it is read
    /// back without it.
    #[must_use]
    pub fn encode(&self, body: &[u8]) -> Bytes {
        let destinations =
            self.destinations.iter().fold(0, |sum: usize, one| sum.saturating_add(one.len()).saturating_add(1));
        let mut text = Vec::with_capacity(destinations.saturating_add(body.len()).saturating_add(HEADER_BYTES_MAX));
        text.extend_from_slice(self.key.as_str().as_bytes());
        text.push(b'.');
        text.extend_from_slice(self.sender.as_str().as_bytes());
        text.push(b'.');
        for destination in self.destinations {
            text.extend_from_slice(destination.as_bytes());
            text.push(b'.');
        }
        if let Some(control) = &self.control {
            text.push(b'*');
            text.extend_from_slice(control.as_str().as_bytes());
            text.push(b'.');
        }
        text.extend_from_slice(b"TXT\r\n");
        text.extend_from_slice(body);
        Bytes::from(text)
    }
}

/// Key, sender, control field and `TXT` at their longest: 6 + 1 + 9 + 1, 1 + 20 + 1, 3 + 2.
const HEADER_BYTES_MAX: usize = 44;

/// A message key and what follows its period; else where reading ended.
fn key(input: &[u8]) -> Result<(&[u8], MessageKey), &[u8]> {
    let (word, rest) = word(input, 6);
    let key = utf8(word).and_then(|text| MessageKey::parse(text).ok()).ok_or(input)?;
    Ok((rest.strip_prefix(b".").ok_or(rest)?, key))
}

/// An ORI and what follows its period; else where reading ended.
fn sender(input: &[u8]) -> Result<(&[u8], Ori), &[u8]> {
    let (word, rest) = word(input, 9);
    let sender = utf8(word).and_then(|text| Ori::parse(text).ok()).ok_or(input)?;
    Ok((rest.strip_prefix(b".").ok_or(rest)?, sender))
}

/// The letters and digits with which a text begins, at most so many, and what follows them.
fn word(text: &[u8], most: usize) -> (&[u8], &[u8]) {
    let length = text.iter().take(most).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    text.split_at_checked(length).unwrap_or((text, &[]))
}

struct Pieces<'a> {
    destinations: Destinations<'a>,
    control: Option<&'a str>,
    body: Option<&'a [u8]>,
}

/// Reads what follows the sender, to the body or to the first piece that no header has.
fn pieces(input: &[u8]) -> Pieces<'_> {
    let mut rest = input;
    let mut count: usize = 0;
    let mut control = None;
    let mut body = None;
    let mut destinations_end = input.len();
    while let Some((after, piece)) = piece(rest) {
        match piece {
            Piece::Destination if control.is_none() => count = count.saturating_add(1),
            Piece::Control(text) if control.is_none() => {
                destinations_end = rest.len();
                control = Some(text);
            }
            // The control field is the last piece before `TXT`.
            Piece::Destination | Piece::Control(_) => break,
            Piece::End => {
                body = Some(after);
                break;
            }
        }
        rest = after;
    }
    if control.is_none() {
        destinations_end = rest.len();
    }
    let text = input.get(..input.len().saturating_sub(destinations_end)).and_then(utf8).unwrap_or_default();
    Pieces { destinations: Destinations { text, count }, control, body }
}

#[derive(Clone, Copy)]
enum Piece<'a> {
    Destination,
    Control(&'a str),
    End,
}

/// The first piece and what follows it; nothing where none begins.
fn piece(input: &[u8]) -> Option<(&[u8], Piece<'_>)> {
    if let [b'*', rest @ ..] = input {
        let end = rest.iter().position(|byte| ends_control(*byte))?;
        let (text, rest) = rest.split_at_checked(end)?;
        return Some((rest.strip_prefix(b".")?, Piece::Control(utf8(text)?)));
    }
    let (word, rest) = word(input, usize::MAX);
    let ended = rest.strip_prefix(b".");
    match ended {
        Some(after) if matches!(word.len(), 2 | 9) => return Some((after, Piece::Destination)),
        _ => {}
    }
    if let Some((tag, body)) = input.split_at_checked(END.len())
        && tag.eq_ignore_ascii_case(END)
    {
        return Some((after_eol(body), Piece::End));
    }
    ended.filter(|_| !word.is_empty()).map(|after| (after, Piece::Destination))
}

/// What ends a header.
const END: &[u8] = b"TXT";

fn ends_control(byte: u8) -> bool {
    matches!(byte, b'.' | b'\r' | b'\n')
}
