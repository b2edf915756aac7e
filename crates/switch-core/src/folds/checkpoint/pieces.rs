//! Numbers, texts and records in a section of a checkpoint, written in pieces and read back.

use bytes::{Bytes, BytesMut};
use codec::number::Number;

use super::Sections;
use crate::network::StationIndex;
use crate::record::{Input, RecordError};

/// Handed on at once: a multiple of what a disk writes well.
const PIECE_BYTES: usize = 64 << 10;

/// Gathers what is written into pieces.
pub(crate) struct Out<'a, S> {
    out: &'a mut S,
    piece: Vec<u8>,
}

impl<'a, S: Sections> Out<'a, S> {
    pub(crate) fn new(out: &'a mut S) -> Self {
        Self { out, piece: Vec::with_capacity(PIECE_BYTES.saturating_mul(2)) }
    }

    /// What is laid out as in a record, with its length.
    pub(crate) fn record(&mut self, put: impl FnOnce(&mut BytesMut)) {
        let mut bytes = BytesMut::new();
        put(&mut bytes);
        self.long(&bytes);
    }

    pub(crate) fn long(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes(bytes);
    }

    pub(crate) fn begin(&mut self, (name, version): (&str, u32)) -> Result<(), S::Error> {
        self.flush()?;
        self.out.begin(name, version)
    }

    pub(crate) fn flush(&mut self) -> Result<(), S::Error> {
        if !self.piece.is_empty() {
            self.out.write(&self.piece)?;
            self.piece.clear();
        }
        Ok(())
    }

    pub(crate) fn end_entry(&mut self) -> Result<(), S::Error> {
        if self.piece.len() < PIECE_BYTES { Ok(()) } else { self.flush() }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.piece.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes(text.as_bytes());
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(crate) fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 0x80 {
            self.piece.push(0x80 | low_seven_bits(rest));
            rest >>= 7;
        }
        self.piece.push(low_seven_bits(rest));
    }

    /// A number in a column that rises; one that does not is right all the same, and long.
    pub(crate) fn rise(&mut self, number: u64, last: &mut u64) {
        self.number(number.wrapping_sub(*last));
        *last = number;
    }

    /// A number that is near the one before, on either side.
    pub(crate) fn difference(&mut self, number: i64, last: &mut i64) {
        let difference = number.wrapping_sub(*last);
        self.number(((difference << 1) ^ (difference >> 63)).cast_unsigned());
        *last = number;
    }
}

fn low_seven_bits(number: u64) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or(0)
}

/// What is left of a section.
pub(crate) struct In<'a> {
    rest: &'a [u8],
    /// Where the stations of the checkpoint are in the folds.
    stations: &'a [StationIndex],
}

impl<'a> In<'a> {
    pub(crate) fn new(rest: &'a [u8], stations: &'a [StationIndex]) -> Self {
        Self { rest, stations }
    }

    /// What is laid out as in a record.
    pub(crate) fn record<T>(&mut self, read: impl FnOnce(&mut Input) -> Result<T, RecordError>) -> Option<T> {
        let mut input = Input(Bytes::copy_from_slice(self.long()?));
        read(&mut input).ok().filter(|_| input.0.is_empty())
    }

    pub(crate) fn long(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    pub(crate) fn name<T, E>(&mut self, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        parse(self.text()?).ok()
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits.checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// How many entries follow, each of at least so many bytes: more than there can be are found before they cost memory.
    pub(crate) fn count(&mut self, entry_bytes: usize) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count.checked_mul(entry_bytes)? <= self.rest.len()).then_some(count)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    pub(crate) fn five_digits(&mut self) -> Option<Number> {
        Number::new(u32::try_from(self.number()?).ok()?)
    }

    pub(crate) fn station(&mut self) -> Option<StationIndex> {
        let place = usize::try_from(self.number()?).ok()?;
        self.stations.get(place).copied()
    }

    pub(crate) fn rise(&mut self, last: &mut u64) -> Option<u64> {
        *last = last.wrapping_add(self.number()?);
        Some(*last)
    }

    pub(crate) fn difference(&mut self, last: &mut i64) -> Option<i64> {
        let number = self.number()?;
        let difference = (number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg();
        *last = last.wrapping_add(difference);
        Some(*last)
    }

    pub(crate) fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}
