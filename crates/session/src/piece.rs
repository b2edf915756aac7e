//! Cuts messages into the pieces that travel, one to a block or frame.

use std::fmt;

use bytes::Bytes;

/// Where messages are cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Most bytes in one piece; at least one.
    pub(crate) piece_bytes_max: usize,
    /// Least bytes in the last of several pieces; at most half of a piece.
    pub(crate) last_bytes_min: usize,
}

impl Cut {
    /// How many pieces a message of so many bytes takes, at least one.
    pub(crate) fn count(self, message_bytes: usize) -> u64 {
        let count = message_bytes.div_ceil(self.piece_bytes_max.max(1)).max(1);
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

/// A piece of a message.
pub(crate) struct Piece {
    /// The sender's number of the message.
    pub(crate) number: u32,
    pub(crate) data: Bytes,
    /// Further pieces of the message follow.
    pub(crate) more: bool,
}

/// The pieces of one message, in order. An empty message is one empty piece. The data is not copied.
pub(crate) struct Pieces {
    number: u32,
    cut: Cut,
    /// What is left to say; nothing once the last piece was taken.
    rest: Option<Bytes>,
    begun: bool,
}

impl Pieces {
    pub(crate) const fn new(number: u32, message: Bytes, cut: Cut) -> Self {
        Self { number, cut, rest: Some(message), begun: false }
    }

    /// The last piece was taken.
    pub(crate) const fn is_finished(&self) -> bool {
        self.rest.is_none()
    }

    /// One of several pieces is left: the last.
    pub(crate) fn is_at_last(&self) -> bool {
        self.begun && self.rest.as_ref().is_some_and(|rest| rest.len() <= self.cut.piece_bytes_max)
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let mut data = self.rest.take()?;
        let Cut { piece_bytes_max, last_bytes_min } = self.cut;
        let left = data.len().saturating_sub(piece_bytes_max);
        if left > 0 {
            let here = if left < last_bytes_min { data.len().saturating_sub(last_bytes_min) } else { piece_bytes_max };
            self.rest = Some(data.split_off(here));
        }
        self.begun = true;
        Some(Piece { number: self.number, data, more: left > 0 })
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.rest.as_ref().map_or(0, Bytes::len);
        f.debug_struct("Pieces").field("number", &self.number).field("bytes_left", &left).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use codec::block::{Blocks, DATA_BYTES_MAX};

    use super::*;

    #[test]
    fn pieces_are_whole_and_the_last_is_not_short() {
        let cut = Cut { piece_bytes_max: 100, last_bytes_min: 20 };
        for bytes in 0..500usize {
            let message: Bytes = (0..bytes).map(|at| at.to_le_bytes()[0]).collect();
            let pieces: Vec<Piece> = Pieces::new(7, message.clone(), cut).collect();
            assert_eq!(pieces.len() as u64, cut.count(bytes), "{bytes} bytes");
            assert_eq!(pieces.concat_data(), message);
            let (last, before) = pieces.split_last().unwrap();
            assert!(!last.more && (before.is_empty() || last.data.len() >= 20));
            assert!(before.iter().all(|piece| piece.more && (1..=100).contains(&piece.data.len())));
        }
    }

    #[test]
    fn the_pieces_of_a_block_are_those_of_the_codec() {
        for bytes in [0, 1, DATA_BYTES_MAX, DATA_BYTES_MAX + 1, 3 * DATA_BYTES_MAX, 262_144] {
            let message = Bytes::from(vec![b'x'; bytes]);
            let cut = Cut { piece_bytes_max: DATA_BYTES_MAX, last_bytes_min: 0 };
            let ours: Vec<usize> = Pieces::new(7, message.clone(), cut).map(|piece| piece.data.len()).collect();
            let theirs: Vec<usize> = Blocks::new(7, message).map(|block| block.data().len()).collect();
            assert_eq!(ours, theirs);
        }
    }

    trait ConcatData {
        fn concat_data(&self) -> Vec<u8>;
    }

    impl ConcatData for Vec<Piece> {
        fn concat_data(&self) -> Vec<u8> {
            self.iter().flat_map(|piece| piece.data.to_vec()).collect()
        }
    }
}
