//! Foxtalk frames: how clients that speak OFML carry their messages (`protocol-specs/formats.md` 7.3,
//! `protocol-specs/wire.md` 1.2).
//!
//! ```text
//!  0         4         8       10   11   12            12+n
//!  | start   | frame   | ex-   | ty | Y/ | payload     | stop    |
//!  | FF00AA55| length  | change| pe | N  | n bytes     | 55AA00FF|
//! ```
//!
//! Big endian; the frame length counts both patterns, which are those of a [`block`](crate::block). A message travels
//! in one or more `M` frames of one exchange number, the last of them marked `Y`. Only the length says where a frame
//! ends: [`Deframer`] never looks for a pattern, though clients do. What a frame means in a conversation is the
//! session's business.
//!
//! The payload of a connect, 20 bytes, is a [`Connect`]:
//!
//! ```text
//!  0       2       4          8        10        12     13      16
//!  | major | minor | longest  | idle   | timeout | Y/N  | NON   | LF␠␠  |
//!  |       |       | frame    | seconds| seconds | enc. | HEX B64| line end
//! ```

mod connect;
mod deframer;

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

pub use self::connect::{CONNECT_BYTES, Coding, Connect, ConnectError};
pub use self::deframer::{Deframer, FrameError, fuzz};
pub use crate::block::{START, STOP};

/// Bytes of a frame that are not payload.
pub const OVERHEAD_BYTES: usize = 16;
/// Longest frame, patterns included: what the public client states in its connect.
pub const FRAME_BYTES_MAX: usize = 65_000;
/// Most bytes of payload in one frame.
pub const PAYLOAD_BYTES_MAX: usize = FRAME_BYTES_MAX - OVERHEAD_BYTES;

/// Where the payload begins.
const PAYLOAD_OFFSET: usize = 12;

/// What a frame is for: one letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameType {
    /// `A`: the message of that exchange is safe.
    Ack,
    /// `C`: what an end asks for, or what holds.
    Connect,
    /// `E`: encrypted.
    Encrypted,
    /// `H`: is anybody there. Echoed with its number.
    Heartbeat,
    /// `I`: identification.
    Identification,
    /// `K`: a key.
    Key,
    /// `M`: a piece of a message.
    Message,
    /// `N`: what came under that number is not taken; the payload says why.
    Nack,
    /// Any other byte. Kept, so that it can be refused.
    Unknown(u8),
}

impl FrameType {
    /// The type of a letter. Every byte has one.
    #[must_use]
    pub const fn from_letter(letter: u8) -> Self {
        match letter {
            b'A' => Self::Ack,
            b'C' => Self::Connect,
            b'E' => Self::Encrypted,
            b'H' => Self::Heartbeat,
            b'I' => Self::Identification,
            b'K' => Self::Key,
            b'M' => Self::Message,
            b'N' => Self::Nack,
            other => Self::Unknown(other),
        }
    }

    /// The letter that stands in the frame.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Self::Ack => b'A',
            Self::Connect => b'C',
            Self::Encrypted => b'E',
            Self::Heartbeat => b'H',
            Self::Identification => b'I',
            Self::Key => b'K',
            Self::Message => b'M',
            Self::Nack => b'N',
            Self::Unknown(other) => other,
        }
    }
}

impl fmt::Display for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Ack => "ack",
            Self::Connect => "connect",
            Self::Encrypted => "encrypted",
            Self::Heartbeat => "heartbeat",
            Self::Identification => "identification",
            Self::Key => "key",
            Self::Message => "message",
            Self::Nack => "nack",
            Self::Unknown(letter) => return write!(f, "unknown type {letter:02X}"),
        };
        f.write_str(name)
    }
}

/// One frame. Its payload is never longer than [`PAYLOAD_BYTES_MAX`].
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    frame_type: FrameType,
    exchange: u16,
    last: bool,
    payload: Bytes,
}

impl Frame {
    /// A frame without payload, the last of its exchange, as acks and heartbeats are.
    #[must_use]
    pub const fn without_payload(frame_type: FrameType, exchange: u16) -> Self {
        Self { frame_type, exchange, last: true, payload: Bytes::new() }
    }

    /// A frame with payload, the last of its exchange; nothing if the payload is longer than [`PAYLOAD_BYTES_MAX`].
    #[must_use]
    pub fn with_payload(frame_type: FrameType, exchange: u16, payload: Bytes) -> Option<Self> {
        (payload.len() <= PAYLOAD_BYTES_MAX).then_some(Self { payload, ..Self::without_payload(frame_type, exchange) })
    }

    /// The same frame, followed by others of its exchange.
    #[must_use]
    pub fn followed(self) -> Self {
        Self { last: false, ..self }
    }

    /// What the frame is for.
    #[must_use]
    pub const fn frame_type(&self) -> FrameType {
        self.frame_type
    }

    /// The sender's number of the exchange; what answers it repeats that.
    #[must_use]
    pub const fn exchange(&self) -> u16 {
        self.exchange
    }

    /// No further frame of this exchange follows.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.last
    }

    /// The payload.
    #[must_use]
    pub const fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The payload alone, not copied.
    #[must_use]
    pub fn into_payload(self) -> Bytes {
        self.payload
    }

    /// Appends the frame as it travels.
    pub fn encode(&self, out: &mut BytesMut) {
        let bytes = self.payload.len().saturating_add(OVERHEAD_BYTES);
        #[expect(clippy::cast_possible_truncation, reason = "no frame is longer than FRAME_BYTES_MAX")]
        let length = bytes as u32;
        out.reserve(bytes);
        out.put_slice(&START);
        out.put_u32(length);
        out.put_u16(self.exchange);
        out.put_u8(self.frame_type.letter());
        out.put_u8(if self.last { b'Y' } else { b'N' });
        out.put_slice(&self.payload);
        out.put_slice(&STOP);
    }
}

impl fmt::Display for Frame {
    /// One line for a person, without the payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, exchange {}", self.frame_type, self.exchange)?;
        if !self.last {
            f.write_str(", more follow")?;
        }
        if !self.payload.is_empty() {
            write!(f, ", {} bytes", self.payload.len())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(frame: &Frame) -> BytesMut {
        let mut out = BytesMut::new();
        frame.encode(&mut out);
        out
    }

    #[test]
    fn a_frame_has_the_published_layout() {
        let frame = Frame::with_payload(FrameType::Message, 0x0102, Bytes::from_static(b"AB")).unwrap();
        assert_eq!(&encoded(&frame)[..], b"\xFF\x00\xAA\x55\0\0\0\x12\x01\x02MYAB\x55\xAA\x00\xFF");
        assert_eq!(&encoded(&frame.followed())[..], b"\xFF\x00\xAA\x55\0\0\0\x12\x01\x02MNAB\x55\xAA\x00\xFF");
        let heartbeat = Frame::without_payload(FrameType::Heartbeat, 9);
        assert_eq!(&encoded(&heartbeat)[..], b"\xFF\x00\xAA\x55\0\0\0\x10\0\x09HY\x55\xAA\x00\xFF");
    }

    #[test]
    fn every_letter_reads_back() {
        for letter in 0..=u8::MAX {
            assert_eq!(FrameType::from_letter(letter).letter(), letter);
        }
    }

    #[test]
    fn no_frame_is_longer_than_the_longest() {
        let payload = |bytes: usize| Bytes::from(vec![b'x'; bytes]);
        assert!(Frame::with_payload(FrameType::Message, 1, payload(PAYLOAD_BYTES_MAX)).is_some());
        assert!(Frame::with_payload(FrameType::Message, 1, payload(PAYLOAD_BYTES_MAX + 1)).is_none());
    }

    #[test]
    fn what_a_payload_says_is_not_shown() {
        let frame = Frame::with_payload(FrameType::Message, 7, Bytes::from_static(b"SECRET")).unwrap();
        assert_eq!(format!("{frame:?}"), "Frame(message, exchange 7, 6 bytes)");
    }
}
