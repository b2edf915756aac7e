//! Finds the frames in a stream of bytes, and refuses a stream that has none.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::{FRAME_BYTES_MAX, Frame, FrameType, OVERHEAD_BYTES, PAYLOAD_OFFSET, START, STOP};

/// Why a stream of frames cannot be trusted any more. The peer's fault, always; the link has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum FrameError {
    /// A frame begins with other bytes than [`START`].
    #[error("bad start pattern")]
    StartPattern,
    /// A frame length below [`OVERHEAD_BYTES`] or above [`FRAME_BYTES_MAX`].
    #[error("frame length {length} is not within {OVERHEAD_BYTES} and {FRAME_BYTES_MAX}")]
    FrameLength {
        /// The length that the frame states, in bytes.
        length: u32,
    },
    /// The mark of the last frame is neither `Y` nor `N`.
    #[error("mark of the last frame {mark:02X} is neither Y nor N")]
    LastMark {
        /// The byte that stands there.
        mark: u8,
    },
    /// A frame ends in other bytes than [`STOP`].
    #[error("bad stop pattern")]
    StopPattern,
}

/// Finds frames in a stream, however it was cut into pieces.
///
/// Between two calls the caller may append to the buffer and nothing else: the deframer remembers how far it has
/// checked the frame at its front. After an error the stream has no more frames; the error is given again. The buffer
/// never has to hold more than one frame.
#[derive(Debug, Clone, Default)]
pub struct Deframer {
    checked: Checked,
}

/// How much of the frame at the front of the buffer was found right.
#[derive(Debug, Clone, Copy, Default)]
enum Checked {
    #[default]
    Nothing,
    /// The start pattern and the frame length, which is kept.
    FrameLength(usize),
    /// That and the mark of the last frame: only the stop pattern is left.
    LastMark(usize),
}

impl Deframer {
    /// A deframer at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next whole frame off the front of the buffer; nothing if it is not all there yet. The frame's payload
    /// is a slice of the buffer's memory, not a copy.
    ///
    /// # Errors
    /// [`FrameError`], as soon as the bytes that prove it are there.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        loop {
            match self.checked {
                Checked::Nothing => {
                    if !START.iter().zip(buffer.iter()).all(|(expected, found)| expected == found) {
                        return Err(FrameError::StartPattern);
                    }
                    let Some(length) = buffer.get(4..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
                    let length = u32::from_be_bytes(*length);
                    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
                    if !(OVERHEAD_BYTES..=FRAME_BYTES_MAX).contains(&bytes) {
                        return Err(FrameError::FrameLength { length });
                    }
                    self.checked = Checked::FrameLength(bytes);
                }
                Checked::FrameLength(bytes) => {
                    let Some(mark) = buffer.get(11).copied() else { return Ok(None) };
                    if !matches!(mark, b'Y' | b'N') {
                        return Err(FrameError::LastMark { mark });
                    }
                    self.checked = Checked::LastMark(bytes);
                }
                Checked::LastMark(bytes) => {
                    let payload_end = bytes.saturating_sub(STOP.len());
                    let Some(stop) = buffer.get(payload_end..bytes) else { return Ok(None) };
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

/// Takes a checked frame of so many bytes off the front of the buffer.
fn take(buffer: &mut BytesMut, bytes: usize) -> Frame {
    let exchange = buffer.get(8..).and_then(|rest| rest.first_chunk()).copied().map_or(0, u16::from_be_bytes);
    let frame_type = FrameType::from_letter(buffer.get(10).copied().unwrap_or_default());
    let last = buffer.get(11) == Some(&b'Y');
    let payload = if bytes == OVERHEAD_BYTES {
        // Nothing to share: heartbeats must not keep the buffer's memory alive.
        buffer.advance(bytes);
        Bytes::new()
    } else {
        let mut frame = buffer.split_to(bytes).freeze();
        frame.truncate(bytes.saturating_sub(STOP.len()));
        frame.advance(PAYLOAD_OFFSET);
        frame
    };
    Frame { frame_type, exchange, last, payload }
}

/// The body of the fuzz target `fox`: any bytes, read whole and byte by byte, give the same frames and the same end,
/// each frame encodes to the bytes that it came from, and each connect to its payload.
///
/// # Panics
/// If that does not hold.
#[doc(hidden)]
pub fn fuzz(input: &[u8]) {
    let whole = read_in_pieces(input, input.len().max(1));
    assert_eq!(read_in_pieces(input, 1), whole, "the cut of a stream changes nothing");
    let mut again = BytesMut::new();
    for frame in &whole.0 {
        frame.encode(&mut again);
        if let Ok(connect) = super::Connect::parse(frame.payload()) {
            assert_eq!(&connect.encode(), frame.payload(), "a connect encodes to what it came from");
        }
    }
    assert!(input.starts_with(&again), "a frame encodes to the bytes that it came from");
}

/// The frames of a stream that arrives in pieces, and what ended it.
fn read_in_pieces(input: &[u8], piece_bytes: usize) -> (Vec<Frame>, Option<FrameError>) {
    let (mut deframer, mut buffer, mut frames) = (Deframer::new(), BytesMut::new(), Vec::new());
    for piece in input.chunks(piece_bytes) {
        buffer.extend_from_slice(piece);
        loop {
            match deframer.next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(buffer.len() < FRAME_BYTES_MAX, "more than one frame waits");
    }
    (frames, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fox::PAYLOAD_BYTES_MAX;

    /// A frame with its length and mark open to being wrong.
    fn raw(length: u32, mark: u8, payload: &[u8], stop: [u8; 4]) -> Vec<u8> {
        let mut out = START.to_vec();
        out.extend(length.to_be_bytes());
        out.extend(7u16.to_be_bytes());
        out.extend([b'M', mark]);
        out.extend(payload);
        out.extend(stop);
        out
    }

    #[test]
    fn every_split_of_a_stream_gives_the_same_frames() {
        let message: Bytes = (0..1500usize).map(|at| at.to_le_bytes()[0]).collect();
        let sent = vec![
            Frame::without_payload(FrameType::Heartbeat, 7),
            Frame::with_payload(FrameType::Unknown(0x99), 1, Bytes::from_static(&STOP)).unwrap(),
            Frame::with_payload(FrameType::Message, 5, message.clone()).unwrap().followed(),
            Frame::with_payload(FrameType::Message, 5, message).unwrap(),
            Frame::with_payload(FrameType::Message, 6, Bytes::from_static(&START)).unwrap(),
        ];
        let mut stream = BytesMut::new();
        sent.iter().for_each(|frame| frame.encode(&mut stream));
        for split in 0..=stream.len() {
            let (mut deframer, mut buffer, mut got) = (Deframer::new(), BytesMut::new(), Vec::new());
            for piece in [&stream[..split], &stream[split..]] {
                buffer.extend_from_slice(piece);
                while let Some(frame) = deframer.next(&mut buffer).unwrap() {
                    got.push(frame);
                }
            }
            assert!(buffer.is_empty() && got == sent, "split at {split}");
        }
        for piece_bytes in [1, 3, 15, 16, 17, 4096] {
            assert_eq!(read_in_pieces(&stream, piece_bytes), (sent.clone(), None));
        }
    }

    #[test]
    fn a_wrong_field_is_refused_with_its_last_byte() {
        for (stream, needed, expected) in [
            (b"GET / HTTP/1.1".to_vec(), 1, FrameError::StartPattern),
            (b"\xFF\x00\xAB\x55".to_vec(), 3, FrameError::StartPattern),
            (raw(15, b'Y', b"AB", STOP), 8, FrameError::FrameLength { length: 15 }),
            (raw(65_001, b'Y', b"AB", STOP), 8, FrameError::FrameLength { length: 65_001 }),
            (raw(u32::MAX, b'Y', b"AB", STOP), 8, FrameError::FrameLength { length: u32::MAX }),
            (raw(18, b'y', b"AB", STOP), 12, FrameError::LastMark { mark: b'y' }),
            (raw(18, b'N', b"AB", *b"zzzz"), 18, FrameError::StopPattern),
        ] {
            assert_eq!(read_in_pieces(&stream[..needed - 1], 1), (vec![], None), "{expected} before its last byte");
            assert_eq!(read_in_pieces(&stream[..needed], 1), (vec![], Some(expected)));
            let (mut deframer, mut buffer) = (Deframer::new(), BytesMut::from(&stream[..]));
            for _ in 0..2 {
                assert_eq!(deframer.next(&mut buffer), Err(expected), "an error stays");
            }
        }
        for payload in [0, PAYLOAD_BYTES_MAX] {
            let length = u32::try_from(payload + OVERHEAD_BYTES).unwrap();
            let stream = raw(length, b'Y', &vec![0x55; payload], STOP);
            assert_eq!(read_in_pieces(&stream, stream.len()).0[0].payload(), &vec![0x55; payload]);
        }
    }

    #[test]
    fn a_payload_is_not_copied() {
        let mut buffer = BytesMut::new();
        Frame::with_payload(FrameType::Message, 5, Bytes::from_static(b"SOME TEXT")).unwrap().encode(&mut buffer);
        let place = buffer[PAYLOAD_OFFSET..].as_ptr();
        let frame = Deframer::new().next(&mut buffer).unwrap().unwrap();
        assert_eq!(frame.into_payload().as_ptr(), place);
    }

    #[test]
    fn the_corpus_holds_no_surprise() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/fox");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            fuzz(&std::fs::read(entry.unwrap().path()).unwrap());
            seen += 1;
        }
        assert!(seen >= 10, "{seen} files in {folder}");
    }
}
