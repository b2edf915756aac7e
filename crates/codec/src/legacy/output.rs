//! Output text: what the switch sends to a station (`protocol-specs/wire.md` 2.3).
//!
//! ```text
//! IAR.ZZLESC000⏎                         key, sender
//! 08:00 01/31/2030 00011⏎                when and as what the switch received it: stamp, ISN
//! 08:00 01/31/2030 00027 ZZ0010000⏎      when it was first sent and as what: stamp, OSN, receiver
//! *T0000001AA⏎                           the control field, if the sender gave one
//! TXT⏎
//! body
//! ```

use std::fmt;

use bytes::Bytes;
use nom::bytes::complete::{tag, take, take_while_m_n};
use nom::character::complete::char;
use nom::combinator::{map_opt, opt};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser as _};

use super::{LineEnd, at, eol, utf8};
use crate::error::DecodeError;
use crate::name::{Control, MessageKey, Ori};
use crate::number::Number;
use crate::time::Stamp;

/// A message as a station receives it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Output<'a> {
    /// What it is.
    pub key: MessageKey,
    /// Who sent it; [`Ori::SWITCH`] for ER and the switch's own SM.
    pub sender: Ori,
    /// When the switch received it.
    pub received: Stamp,
    /// Its number among those the sender sent.
    pub isn: Number,
    /// When the switch first sent it.
    pub sent: Stamp,
    /// Its number among those the receiver was sent.
    pub osn: Number,
    /// The address as which this copy was sent: a line, an ORI, or a station's name.
    pub destination: &'a str,
    /// The sender's own mark.
    pub control: Option<Control>,
    /// What follows the `TXT` line.
    pub body: &'a [u8],
}

/// Reads a message as a station receives it, with any of the three line ends, also mixed.
///
/// # Errors
/// If a line of the header is not what it should be. The body is not looked at.
pub fn parse_output(bytes: &[u8]) -> Result<Output<'_>, DecodeError> {
    let (rest, key) = key(bytes).map_err(at(bytes, "message key", "2 to 6 letters or digits and a period"))?;
    let (rest, sender) = terminated(sender, eol).parse(rest).map_err(at(bytes, "sender", "an ORI and a line end"))?;
    let (rest, (received, isn)) = terminated(stamped_number, eol).parse(rest).map_err(at(
        bytes,
        "received",
        "HH:MM MM/DD/YYYY, five digits and a line end",
    ))?;
    let (rest, (sent, osn)) = stamped_number(rest).map_err(at(bytes, "sent", "HH:MM MM/DD/YYYY and five digits"))?;
    let (rest, destination) = delimited(char(' '), address, eol).parse(rest).map_err(at(
        bytes,
        "destination",
        "a space, 1 to 16 letters or digits and a line end",
    ))?;
    let (rest, control) = opt(preceded(char('*'), terminated(control, eol))).parse(rest).map_err(at(
        bytes,
        "control field",
        "`*`, 1 to 20 letters or digits and a line end",
    ))?;
    let (body, _) = terminated(tag("TXT"), eol).parse(rest).map_err(at(
        bytes,
        "TXT",
        "`TXT` and a line end, after at most a control field",
    ))?;
    Ok(Output { key, sender, received, isn, sent, osn, destination, control, body })
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("key", &self.key)
            .field("sender", &self.sender)
            .field("isn", &self.isn)
            .field("osn", &self.osn)
            .field("destination", &self.destination)
            .field("control", &self.control)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A copy's header, ready to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputHeader<'a> {
    /// What it is.
    pub key: MessageKey,
    /// Who sent it.
    pub sender: Ori,
    /// When the switch received it.
    pub received: Stamp,
    /// Its number among those the sender sent; [`Number::SWITCH`] for the switch's own.
    pub isn: Number,
    /// When the switch first sends it.
    pub sent: Stamp,
    /// Its number among those the receiver is sent.
    pub osn: Number,
    /// The address as which this copy is sent: the text of a line, an ORI or a station's name.
    pub destination: &'a str,
    /// The sender's own mark.
    pub control: Option<Control>,
}

impl OutputHeader<'_> {
    /// Writes header and body.
    ///
    /// The body is not looked at and goes out as it is. One that begins with DEL cannot be told from a line end
    /// after [`LineEnd::CrLf`]: it is read back without it.
    #[must_use]
    pub fn encode(&self, line_end: LineEnd, body: &[u8]) -> Bytes {
        let eol = line_end.bytes();
        // Exact, so that the buffer becomes `Bytes` without being copied again.
        let parts = [
            HEADER_BYTES,
            self.key.as_str().len(),
            self.destination.len(),
            self.control
                .as_ref()
                .map_or(0, |control| control.as_str().len().saturating_add(1).saturating_add(eol.len())),
            eol.len().saturating_mul(4),
            body.len(),
        ];
        let mut text = Vec::with_capacity(parts.into_iter().fold(0, usize::saturating_add));
        text.extend_from_slice(self.key.as_str().as_bytes());
        text.push(b'.');
        text.extend_from_slice(self.sender.as_str().as_bytes());
        text.extend_from_slice(eol);
        text.extend_from_slice(&self.received.digits());
        text.push(b' ');
        text.extend_from_slice(&self.isn.digits());
        text.extend_from_slice(eol);
        text.extend_from_slice(&self.sent.digits());
        text.push(b' ');
        text.extend_from_slice(&self.osn.digits());
        text.push(b' ');
        text.extend_from_slice(self.destination.as_bytes());
        text.extend_from_slice(eol);
        if let Some(control) = &self.control {
            text.push(b'*');
            text.extend_from_slice(control.as_str().as_bytes());
            text.extend_from_slice(eol);
        }
        text.extend_from_slice(b"TXT");
        text.extend_from_slice(eol);
        text.extend_from_slice(body);
        Bytes::from(text)
    }
}

/// What every header has beside key, destination, control field and line ends: a period and an ORI, twice a stamp, a
/// space and a number, a space, `TXT`.
const HEADER_BYTES: usize = 1 + 9 + 2 * (STAMP_BYTES + 1 + 5) + 1 + 3;

const STAMP_BYTES: usize = 16;

fn alphanumeric(min: usize, max: usize) -> impl Fn(&[u8]) -> IResult<&[u8], &str> {
    move |input| map_opt(take_while_m_n(min, max, |byte: u8| byte.is_ascii_alphanumeric()), utf8).parse(input)
}

fn key(input: &[u8]) -> IResult<&[u8], MessageKey> {
    terminated(map_opt(alphanumeric(2, 6), |text| MessageKey::parse(text).ok()), char('.')).parse(input)
}

fn sender(input: &[u8]) -> IResult<&[u8], Ori> {
    map_opt(alphanumeric(9, 9), |text| Ori::parse(text).ok()).parse(input)
}

fn stamped_number(input: &[u8]) -> IResult<&[u8], (Stamp, Number)> {
    let stamp = map_opt(take(STAMP_BYTES), |text| utf8(text).and_then(Stamp::parse));
    let number = map_opt(take(5_usize), |text| utf8(text).and_then(Number::parse));
    (terminated(stamp, char(' ')), number).parse(input)
}

/// The longest is a station's name.
fn address(input: &[u8]) -> IResult<&[u8], &str> {
    alphanumeric(1, 16)(input)
}

fn control(input: &[u8]) -> IResult<&[u8], Control> {
    map_opt(alphanumeric(1, 20), |text| Control::parse(text).ok()).parse(input)
}
