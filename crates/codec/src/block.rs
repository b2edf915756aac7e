//! DMPP-2020 blocks: one message travels in one or more of them (`protocol-specs/formats.md` 7.2,
//! `protocol-specs/wire.md` 1.1).
//!
//! ```text
//!  0         4         8     10    12        16        20    22    24            24+n
//!  | start   | block   | hdr | fun | valid-  | data    | sta | des | data        | stop    |
//!  | FF00AA55| length  | 0010| ctn | ation   | length n| tus | tin | n bytes     | 55AA00FF|
//! ```
//!
//! Big endian; the block length counts both patterns. The stop pattern may occur in the data: only the length says
//! where a block ends. [`Deframer`] finds blocks in a stream and refuses one as soon as a field says that it is wrong,
//! before it waits for the rest. A [`Block`] is either read from a stream or built here, so each one can be encoded.
//! What a block means in a conversation is the session's business, not this module's.

mod deframer;

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

pub use self::deframer::{Deframer, FrameError, fuzz};

/// First four bytes of a block.
pub const START: [u8; 4] = [0xFF, 0x00, 0xAA, 0x55];
/// Last four bytes of a block.
pub const STOP: [u8; 4] = [0x55, 0xAA, 0x00, 0xFF];
/// Bytes of a block that are not data: the start pattern, the header and the stop pattern.
pub const OVERHEAD_BYTES: usize = 28;
/// Longest block, patterns included (`protocol-specs/wire.md` 1.1).
pub const BLOCK_BYTES_MAX: usize = 32_768;
/// Most data bytes in one block.
pub const DATA_BYTES_MAX: usize = BLOCK_BYTES_MAX - OVERHEAD_BYTES;
/// The destination that a block bears: this end of the link. Others are refused.
pub const DESTINATION: u16 = 0x0001;

/// Where the data begins: after the start pattern and the header.
const DATA_OFFSET: usize = 24;
/// The plain header, without the encryption extension.
const HEADER_LENGTH: u16 = 0x0010;

/// What a block is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// A piece of a message: 0001 to 0004.
    Data {
        /// Further blocks of the same message follow.
        more: bool,
        /// The sender wants each such block acknowledged.
        ack: bool,
    },
    /// Positive acknowledgement, 0011.
    Ack,
    /// Negative acknowledgement, 0012; the status says why.
    Nack,
    /// Asks the other end how it is, 0021; also the keep-alive.
    StatusRequest,
    /// Says how this end is, 0022, asked for or not.
    StatusResponse,
    /// Any other code. Kept, so that it can be refused by name.
    Unknown(u16),
}

impl Function {
    /// The function of a code. Every code has one.
    #[must_use]
    pub const fn from_code(code: u16) -> Self {
        match code {
            0x0001 => Self::Data { more: false, ack: false },
            0x0002 => Self::Data { more: false, ack: true },
            0x0003 => Self::Data { more: true, ack: false },
            0x0004 => Self::Data { more: true, ack: true },
            0x0011 => Self::Ack,
            0x0012 => Self::Nack,
            0x0021 => Self::StatusRequest,
            0x0022 => Self::StatusResponse,
            other => Self::Unknown(other),
        }
    }

    /// The code that stands in the block.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Data { more: false, ack: false } => 0x0001,
            Self::Data { more: false, ack: true } => 0x0002,
            Self::Data { more: true, ack: false } => 0x0003,
            Self::Data { more: true, ack: true } => 0x0004,
            Self::Ack => 0x0011,
            Self::Nack => 0x0012,
            Self::StatusRequest => 0x0021,
            Self::StatusResponse => 0x0022,
            Self::Unknown(other) => other,
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Data { more: true, .. } => "data, more follow",
            Self::Data { more: false, .. } => "data, final",
            Self::Ack => "positive ack",
            Self::Nack => "negative ack",
            Self::StatusRequest => "status request",
            Self::StatusResponse => "status response",
            Self::Unknown(_) => "unknown function",
        };
        write!(f, "{:04X} {name}", self.code())
    }
}

/// The status field of a block. Unknown codes are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u16);

impl Status {
    /// No status: what data blocks and status requests bear.
    pub const NONE: Self = Self(0x0000);
    /// Received and, for a final block, safely stored.
    pub const OK: Self = Self(0x0001);
    /// Will never be taken.
    pub const PERMANENT: Self = Self(0x0011);
    /// Cannot be taken now; worth sending again.
    pub const TEMPORARY: Self = Self(0x0012);
    /// Too many messages without an acknowledgement.
    pub const TOO_MANY: Self = Self(0x0013);
    /// Longer than the receiver takes; discarded.
    pub const TOO_LONG: Self = Self(0x0014);
    /// Available and ready.
    pub const READY: Self = Self(0x0021);
    /// Available, not ready: keep what you have.
    pub const NOT_READY: Self = Self(0x0022);
    /// Going down, or not available.
    pub const GOING_DOWN: Self = Self(0x0023);
    /// The function is not known here.
    pub const BAD_FUNCTION: Self = Self(0x0041);
    /// The destination is not here.
    pub const BAD_DESTINATION: Self = Self(0x0042);
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::NONE => return f.write_str("0000"),
            Self::OK => "ok",
            Self::PERMANENT => "permanent error",
            Self::TEMPORARY => "temporary error",
            Self::TOO_MANY => "too many unacknowledged",
            Self::TOO_LONG => "too long",
            Self::READY => "ready",
            Self::NOT_READY => "not ready",
            Self::GOING_DOWN => "going down",
            Self::BAD_FUNCTION => "bad function",
            Self::BAD_DESTINATION => "bad destination",
            Self(_) => "unknown status",
        };
        write!(f, "{:04X} {name}", self.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({self})")
    }
}

/// One block. Its data is never longer than [`DATA_BYTES_MAX`].
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    function: Function,
    validation: u32,
    status: Status,
    destination: u16,
    data: Bytes,
}

impl Block {
    /// A block without data, as acknowledgements and status blocks are.
    #[must_use]
    pub const fn without_data(function: Function, validation: u32, status: Status) -> Self {
        Self { function, validation, status, destination: DESTINATION, data: Bytes::new() }
    }

    /// A block with data; nothing if the data is longer than [`DATA_BYTES_MAX`].
    #[must_use]
    pub fn with_data(function: Function, validation: u32, data: Bytes) -> Option<Self> {
        (data.len() <= DATA_BYTES_MAX)
            .then_some(Self { data, ..Self::without_data(function, validation, Status::NONE) })
    }

    /// The same block for another destination.
    #[must_use]
    pub fn to(self, destination: u16) -> Self {
        Self { destination, ..self }
    }

    /// What the block is for.
    #[must_use]
    pub const fn function(&self) -> Function {
        self.function
    }

    /// The sender's number of the message; an acknowledgement repeats it.
    #[must_use]
    pub const fn validation(&self) -> u32 {
        self.validation
    }

    /// How it went, or how this end is.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Who it is for: [`DESTINATION`], or somebody who is not here.
    #[must_use]
    pub const fn destination(&self) -> u16 {
        self.destination
    }

    /// The data.
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    /// The data alone, not copied.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data
    }

    /// Appends the block as it travels.
    pub fn encode(&self, out: &mut BytesMut) {
        #[expect(clippy::cast_possible_truncation, reason = "no block is longer than BLOCK_BYTES_MAX")]
        let (length, data_length) = (self.data.len().saturating_add(OVERHEAD_BYTES) as u32, self.data.len() as u32);
        let mut header = [0; DATA_OFFSET];
        let mut rest = header.as_mut_slice();
        rest.put_slice(&START);
        rest.put_u32(length);
        rest.put_u16(HEADER_LENGTH);
        rest.put_u16(self.function.code());
        rest.put_u32(self.validation);
        rest.put_u32(data_length);
        rest.put_u16(self.status.0);
        rest.put_u16(self.destination);
        out.reserve(OVERHEAD_BYTES.saturating_add(self.data.len()));
        out.put_slice(&header);
        out.put_slice(&self.data);
        out.put_slice(&STOP);
    }
}

impl fmt::Display for Block {
    /// One line for a person, without the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, validation {}, status {}", self.function, self.validation, self.status)?;
        if self.destination != DESTINATION {
            write!(f, ", destination {:04X}", self.destination)?;
        }
        if !self.data.is_empty() {
            write!(f, ", {} bytes", self.data.len())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({self})")
    }
}

/// The blocks of one message, in order, each asking for its acknowledgement (functions 0004 and, last, 0002). An
/// empty message is one empty block. The data is not copied.
#[derive(Clone)]
pub struct Blocks {
    validation: u32,
    /// What is left to say; nothing once the final block was taken.
    rest: Option<Bytes>,
}

impl Blocks {
    /// Cuts a message.
    #[must_use]
    pub const fn new(validation: u32, message: Bytes) -> Self {
        Self { validation, rest: Some(message) }
    }

    /// How many blocks a message of so many bytes takes, at least one.
    #[must_use]
    pub fn count_for(message_bytes: usize) -> usize {
        message_bytes.div_ceil(DATA_BYTES_MAX).max(1)
    }

    /// The validation that all blocks of this message bear.
    #[must_use]
    pub const fn validation(&self) -> u32 {
        self.validation
    }

    /// The final block was taken.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.rest.is_none()
    }
}

impl Iterator for Blocks {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let mut data = self.rest.take()?;
        let more = data.len() > DATA_BYTES_MAX;
        if more {
            self.rest = Some(data.split_off(DATA_BYTES_MAX));
        }
        let function = Function::Data { more, ack: true };
        Some(Block { data, ..Block::without_data(function, self.validation, Status::NONE) })
    }
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.rest.as_ref().map_or(0, Bytes::len);
        f.debug_struct("Blocks").field("validation", &self.validation).field("bytes_left", &left).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(blocks: impl IntoIterator<Item = Block>) -> BytesMut {
        let mut out = BytesMut::new();
        blocks.into_iter().for_each(|block| block.encode(&mut out));
        out
    }

    #[test]
    fn a_block_has_the_published_layout() {
        let block = Block::with_data(Function::from_code(2), 0x0102_0304, Bytes::from_static(b"AB")).unwrap();
        let expected = b"\xFF\x00\xAA\x55\0\0\0\x1E\0\x10\0\x02\x01\x02\x03\x04\0\0\0\x02\0\0\0\x01AB\x55\xAA\x00\xFF";
        assert_eq!(&encoded([block])[..], expected);
        let ack = Block::without_data(Function::Ack, 9, Status::OK);
        let expected = b"\xFF\x00\xAA\x55\0\0\0\x1C\0\x10\0\x11\0\0\0\x09\0\0\0\0\0\x01\0\x01\x55\xAA\x00\xFF";
        assert_eq!(&encoded([ack])[..], expected);
    }

    #[test]
    fn every_function_code_reads_back() {
        for code in 0..=u16::MAX {
            assert_eq!(Function::from_code(code).code(), code);
        }
    }

    #[test]
    fn messages_are_cut_at_the_longest_block() {
        for (bytes, count) in
            [(0, 1), (1, 1), (DATA_BYTES_MAX, 1), (DATA_BYTES_MAX + 1, 2), (2 * DATA_BYTES_MAX, 2), (262_144, 9)]
        {
            let message: Bytes = (0..bytes).map(|at| at.to_le_bytes()[0]).collect();
            let blocks: Vec<Block> = Blocks::new(5, message.clone()).collect();
            assert_eq!((blocks.len(), Blocks::count_for(bytes)), (count, count), "{bytes} bytes");
            let (last, first) = blocks.split_last().unwrap();
            assert!(first.iter().all(|block| block.function().code() == 4), "{bytes} bytes");
            assert_eq!(last.function().code(), 2, "{bytes} bytes");
            let joined: Vec<u8> = blocks.iter().flat_map(|block| block.data().clone()).collect();
            assert_eq!(joined, message);
            assert!(encoded(blocks).len() <= bytes + count * OVERHEAD_BYTES);
        }
        assert_eq!(Block::with_data(Function::Ack, 1, Bytes::from(vec![0; DATA_BYTES_MAX + 1])), None);
    }

    #[test]
    fn what_people_see_has_no_data() {
        let block = Block::with_data(Function::from_code(2), 5, Bytes::from_static(b"NAM/SAMPLE")).unwrap();
        assert_eq!(format!("{block:?}"), "Block(0002 data, final, validation 5, status 0000, 10 bytes)");
        let nack = Block::without_data(Function::Nack, 5, Status::TOO_LONG).to(2);
        assert_eq!(nack.to_string(), "0012 negative ack, validation 5, status 0014 too long, destination 0002");
    }
}
