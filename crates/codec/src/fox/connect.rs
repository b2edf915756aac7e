//! The payload of a connect frame: the limits that an end asks for, or those that hold.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

/// Bytes of a connect's payload.
pub const CONNECT_BYTES: usize = 20;

/// How objects other than text are written in messages. orinet carries none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `NON`: as they are.
    Plain,
    /// `HEX`.
    Hex,
    /// `B64`.
    Base64,
}

impl Coding {
    const ALL: [Self; 3] = [Self::Plain, Self::Hex, Self::Base64];

    /// The three letters that stand in the payload.
    #[must_use]
    pub const fn letters(self) -> [u8; 3] {
        match self {
            Self::Plain => *b"NON",
            Self::Hex => *b"HEX",
            Self::Base64 => *b"B64",
        }
    }
}

/// What an end asks for, or what holds on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Connect {
    /// Version of the protocol, major and minor.
    pub version: (u16, u16),
    /// Longest frame, patterns included, in bytes.
    pub frame_bytes_max: u32,
    /// Longest time without traffic, in seconds; the public client sends a heartbeat when it is over.
    pub idle_seconds: u16,
    /// How long an answer may take, in seconds.
    pub timeout_seconds: u16,
    /// Whether frames are encrypted.
    pub encryption: bool,
    /// How objects are written.
    pub coding: Coding,
    /// The line end in texts, in four letters, filled with spaces.
    pub line_end: [u8; 4],
}

/// Why a payload is no connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum ConnectError {
    /// It has another length than [`CONNECT_BYTES`].
    #[error("{bytes} bytes are not {CONNECT_BYTES}")]
    Length {
        /// The length it has.
        bytes: usize,
    },
    /// Encryption is neither `Y` nor `N`.
    #[error("encryption is neither Y nor N")]
    Encryption,
    /// The coding is none of `NON`, `HEX`, `B64`.
    #[error("the coding is none of NON, HEX, B64")]
    Coding,
}

impl Connect {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`ConnectError`], for the first field that is wrong.
    pub fn parse(payload: &[u8]) -> Result<Self, ConnectError> {
        let bytes: &[u8; CONNECT_BYTES] =
            payload.try_into().map_err(|_| ConnectError::Length { bytes: payload.len() })?;
        let [m1, m0, n1, n0, f3, f2, f1, f0, i1, i0, t1, t0, encryption, c0, c1, c2, e0, e1, e2, e3] = *bytes;
        let encryption = match encryption {
            b'Y' => true,
            b'N' => false,
            _ => return Err(ConnectError::Encryption),
        };
        let coding = Coding::ALL.into_iter().find(|coding| coding.letters() == [c0, c1, c2]);
        Ok(Self {
            version: (u16::from_be_bytes([m1, m0]), u16::from_be_bytes([n1, n0])),
            frame_bytes_max: u32::from_be_bytes([f3, f2, f1, f0]),
            idle_seconds: u16::from_be_bytes([i1, i0]),
            timeout_seconds: u16::from_be_bytes([t1, t0]),
            encryption,
            coding: coding.ok_or(ConnectError::Coding)?,
            line_end: [e0, e1, e2, e3],
        })
    }

    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(CONNECT_BYTES);
        out.put_u16(self.version.0);
        out.put_u16(self.version.1);
        out.put_u32(self.frame_bytes_max);
        out.put_u16(self.idle_seconds);
        out.put_u16(self.timeout_seconds);
        out.put_u8(if self.encryption { b'Y' } else { b'N' });
        out.put_slice(&self.coding.letters());
        out.put_slice(&self.line_end);
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the public client sends.
    const CLIENT: &[u8; CONNECT_BYTES] = b"\0\x01\0\x01\0\0\xFD\xE8\0\0\0\0NB64LF  ";

    #[test]
    fn the_public_clients_connect_is_read_and_written() {
        let connect = Connect::parse(CLIENT).unwrap();
        let expected = Connect {
            version: (1, 1),
            frame_bytes_max: 65_000,
            idle_seconds: 0,
            timeout_seconds: 0,
            encryption: false,
            coding: Coding::Base64,
            line_end: *b"LF  ",
        };
        assert_eq!(connect, expected);
        assert_eq!(connect.encode(), &CLIENT[..]);
    }

    #[test]
    fn another_length_or_letter_is_refused() {
        assert_eq!(Connect::parse(&CLIENT[..19]), Err(ConnectError::Length { bytes: 19 }));
        assert_eq!(Connect::parse(&[&CLIENT[..], b"x"].concat()), Err(ConnectError::Length { bytes: 21 }));
        let changed = |at: usize| {
            let mut payload = *CLIENT;
            payload[at] = b'x';
            Connect::parse(&payload)
        };
        assert_eq!(changed(12), Err(ConnectError::Encryption));
        assert_eq!(changed(13), Err(ConnectError::Coding));
    }
}
