//! Finds the blocks in a stream of bytes, and refuses a stream that has none.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::{BLOCK_BYTES_MAX, Block, DATA_OFFSET, Function, HEADER_LENGTH, OVERHEAD_BYTES, START, STOP, Status};

/// Why a stream of blocks cannot be trusted any more. The peer's fault, always; the link has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum FrameError {
    /// A block begins with other bytes than [`START`].
    #[error("bad start pattern")]
    StartPattern,
    /// A block length below [`OVERHEAD_BYTES`] or above [`BLOCK_BYTES_MAX`].
    #[error("block length {length} is not within {OVERHEAD_BYTES} and {BLOCK_BYTES_MAX}")]
    BlockLength {
        /// The length that the block states, in bytes.
        length: u32,
    },
    /// A header length other than the plain header's 0010.
    #[error("header length {length:04X} is not 0010")]
    HeaderLength {
        /// The length that the block states, in bytes.
        length: u16,
    },
    /// A data length that does not fit the block length.
    #[error("data length {length} is not the block length less {OVERHEAD_BYTES}")]
    DataLength {
        /// The length that the block states, in bytes.
        length: u32,
    },
    /// A block ends in other bytes than [`STOP`].
    #[error("bad stop pattern")]
    StopPattern,
}

impl FrameError {
    /// The field that is wrong, as the layout names it.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::StartPattern => "start pattern",
            Self::BlockLength { .. } => "block length",
            Self::HeaderLength { .. } => "header length",
            Self::DataLength { .. } => "data length",
            Self::StopPattern => "stop pattern",
        }
    }
}

/// Finds blocks in a stream, however it was cut into pieces.
///
/// Between two calls the caller may append to the buffer and nothing else: the deframer remembers how far it has
/// checked the block at its front. After an error the stream has no more blocks; the error is given again.
#[derive(Debug, Clone, Default)]
pub struct Deframer {
    checked: Checked,
}

/// How much of the block at the front of the buffer was found right.
#[derive(Debug, Clone, Copy, Default)]
enum Checked {
    #[default]
    Nothing,
    /// The start pattern and the block length, which is kept.
    BlockLength(usize),
    /// That and the header length.
    HeaderLength(usize),
    /// That and the data length: only the stop pattern is left.
    DataLength(usize),
}

impl Deframer {
    /// A deframer at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next whole block off the front of the buffer; nothing if it is not all there yet. The block's data is
    /// a slice of the buffer's memory, not a copy.
    ///
    /// # Errors
    /// [`FrameError`], as soon as the bytes that prove it are there.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Block>, FrameError> {
        loop {
            match self.checked {
                Checked::Nothing => {
                    if !START.iter().zip(buffer.iter()).all(|(expected, found)| expected == found) {
                        return Err(FrameError::StartPattern);
                    }
                    let Some(length) = u32_at(buffer, 4) else { return Ok(None) };
                    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
                    if !(OVERHEAD_BYTES..=BLOCK_BYTES_MAX).contains(&bytes) {
                        return Err(FrameError::BlockLength { length });
                    }
                    self.checked = Checked::BlockLength(bytes);
                }
                Checked::BlockLength(bytes) => {
                    let Some(length) = u16_at(buffer, 8) else { return Ok(None) };
                    if length != HEADER_LENGTH {
                        return Err(FrameError::HeaderLength { length });
                    }
                    self.checked = Checked::HeaderLength(bytes);
                }
                Checked::HeaderLength(bytes) => {
                    let Some(length) = u32_at(buffer, 16) else { return Ok(None) };
                    if usize::try_from(length) != Ok(bytes.saturating_sub(OVERHEAD_BYTES)) {
                        return Err(FrameError::DataLength { length });
                    }
                    self.checked = Checked::DataLength(bytes);
                }
                Checked::DataLength(bytes) => {
                    let data_end = bytes.saturating_sub(STOP.len());
                    let Some(stop) = buffer.get(data_end..bytes) else { return Ok(None) };
                    if stop != STOP {
                        return Err(FrameError::StopPattern);
                    }
                    self.checked = Checked::Nothing;
                    return Ok(Some(take(buffer, bytes)));
                }
            }
        }
    }
}

/// Takes a checked block of so many bytes off the front of the buffer.
fn take(buffer: &mut BytesMut, bytes: usize) -> Block {
    let function = Function::from_code(u16_at(buffer, 10).unwrap_or_default());
    let validation = u32_at(buffer, 12).unwrap_or_default();
    let status = Status(u16_at(buffer, 20).unwrap_or_default());
    let destination = u16_at(buffer, 22).unwrap_or_default();
    let data = if bytes == OVERHEAD_BYTES {
        // Nothing to share: acknowledgements must not keep the buffer's memory alive.
        buffer.advance(bytes);
        Bytes::new()
    } else {
        let mut frame = buffer.split_to(bytes).freeze();
        frame.truncate(bytes.saturating_sub(STOP.len()));
        frame.advance(DATA_OFFSET);
        frame
    };
    Block { function, validation, status, destination, data }
}

fn u16_at(buffer: &[u8], offset: usize) -> Option<u16> {
    buffer.get(offset..)?.first_chunk().copied().map(u16::from_be_bytes)
}

fn u32_at(buffer: &[u8], offset: usize) -> Option<u32> {
    buffer.get(offset..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// The body of the fuzz target `block`: any bytes, read whole and byte by byte, give the same blocks and the same end,
/// and each block encodes to the bytes that it came from.
///
/// # Panics
/// If that does not hold.
#[doc(hidden)]
pub fn fuzz(input: &[u8]) {
    let whole = read_in_pieces(input, input.len().max(1));
    assert_eq!(read_in_pieces(input, 1), whole, "the cut of a stream changes nothing");
    let mut again = BytesMut::new();
    for block in &whole.0 {
        block.encode(&mut again);
    }
    assert!(input.starts_with(&again), "a block encodes to the bytes that it came from");
}

/// The blocks of a stream that arrives in pieces, and what ended it.
fn read_in_pieces(input: &[u8], piece_bytes: usize) -> (Vec<Block>, Option<FrameError>) {
    let (mut deframer, mut buffer, mut blocks) = (Deframer::new(), BytesMut::new(), Vec::new());
    for piece in input.chunks(piece_bytes) {
        buffer.extend_from_slice(piece);
        loop {
            match deframer.next(&mut buffer) {
                Ok(Some(block)) => blocks.push(block),
                Ok(None) => break,
                Err(error) => return (blocks, Some(error)),
            }
        }
    }
    (blocks, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Blocks, DATA_BYTES_MAX};

    fn encoded(blocks: impl IntoIterator<Item = Block>) -> BytesMut {
        let mut out = BytesMut::new();
        blocks.into_iter().for_each(|block| block.encode(&mut out));
        out
    }

    /// A block with every length open to being wrong.
    fn raw(length: u32, header: u16, data_length: u32, data: &[u8], stop: [u8; 4]) -> Vec<u8> {
        let mut out = START.to_vec();
        out.extend(length.to_be_bytes());
        out.extend(header.to_be_bytes());
        out.extend(2u16.to_be_bytes());
        out.extend(7u32.to_be_bytes());
        out.extend(data_length.to_be_bytes());
        out.extend([0, 0, 0, 1]);
        out.extend(data);
        out.extend(stop);
        out
    }

    #[test]
    fn every_split_of_a_stream_gives_the_same_blocks() {
        let message: Bytes = (0..DATA_BYTES_MAX + 40).map(|at| at.to_le_bytes()[0]).collect();
        let mut sent = vec![Block::without_data(Function::StatusRequest, 7, Status::NONE)];
        sent.push(Block::with_data(Function::Unknown(0x99), 1, Bytes::from_static(&STOP)).unwrap().to(2));
        sent.extend(Blocks::new(5, message));
        sent.extend(Blocks::new(6, Bytes::new()));
        let stream = encoded(sent.iter().cloned());
        for split in 0..=stream.len() {
            let (mut deframer, mut buffer, mut got) = (Deframer::new(), BytesMut::new(), Vec::new());
            for piece in [&stream[..split], &stream[split..]] {
                buffer.extend_from_slice(piece);
                while let Some(block) = deframer.next(&mut buffer).unwrap() {
                    got.push(block);
                }
            }
            assert!(buffer.is_empty() && got == sent, "split at {split}");
        }
        for piece_bytes in [1, 3, 27, 28, 29, 4096] {
            assert_eq!(read_in_pieces(&stream, piece_bytes), (sent.clone(), None));
        }
    }

    #[test]
    fn a_wrong_field_is_refused_with_its_last_byte() {
        let good = 30;
        for (stream, needed, expected) in [
            (b"GET / HTTP/1.1".to_vec(), 1, FrameError::StartPattern),
            (b"\xFF\x00\xAB\x55".to_vec(), 3, FrameError::StartPattern),
            (raw(27, 16, 2, b"AB", STOP), 8, FrameError::BlockLength { length: 27 }),
            (raw(32_769, 16, 2, b"AB", STOP), 8, FrameError::BlockLength { length: 32_769 }),
            (raw(u32::MAX, 16, 2, b"AB", STOP), 8, FrameError::BlockLength { length: u32::MAX }),
            (raw(good, 0x2A, 2, b"AB", STOP), 10, FrameError::HeaderLength { length: 0x2A }),
            (raw(good, 16, 3, b"AB", STOP), 20, FrameError::DataLength { length: 3 }),
            (raw(good, 16, u32::MAX, b"AB", STOP), 20, FrameError::DataLength { length: u32::MAX }),
            (raw(good, 16, 2, b"AB", *b"zzzz"), 30, FrameError::StopPattern),
        ] {
            assert_eq!(read_in_pieces(&stream[..needed - 1], 1), (vec![], None), "{expected} before its last byte");
            assert_eq!(read_in_pieces(&stream[..needed], 1), (vec![], Some(expected)));
            let (mut deframer, mut buffer) = (Deframer::new(), BytesMut::from(&stream[..]));
            for _ in 0..2 {
                assert_eq!(deframer.next(&mut buffer), Err(expected), "an error stays");
            }
        }
        for length in [28u32, 32_768] {
            let data = vec![0x55; length as usize - OVERHEAD_BYTES];
            let stream = raw(length, 16, length - 28, &data, STOP);
            assert_eq!(read_in_pieces(&stream, stream.len()).0[0].data(), &data);
        }
    }

    #[test]
    fn data_is_not_copied() {
        let mut buffer = encoded(Blocks::new(5, Bytes::from_static(b"SOME TEXT")));
        let place = buffer[DATA_OFFSET..].as_ptr();
        let block = Deframer::new().next(&mut buffer).unwrap().unwrap();
        assert_eq!(block.into_data().as_ptr(), place);
    }

    #[test]
    fn the_corpus_holds_no_surprise() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/block");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            fuzz(&std::fs::read(entry.unwrap().path()).unwrap());
            seen += 1;
        }
        assert!(seen >= 10, "{seen} files in {folder}");
    }
}
