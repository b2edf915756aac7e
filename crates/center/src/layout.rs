//! How the fields of a record stand in its bytes: integers little-endian, byte strings after their length in 32 bits.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::event::Outgoing;
use crate::record::RecordError;

/// Appends a byte string. What is longer than 32 bits can say is no message: it is cut there.
pub(crate) fn put_bytes(to: &mut BytesMut, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    to.put_u32_le(length);
    to.put_slice(bytes);
}

pub(crate) fn put_outgoing(to: &mut BytesMut, outgoing: &Outgoing) {
    to.put_u32_le(outgoing.validation);
    put_bytes(to, &outgoing.bytes);
}

/// What is left of a record's bytes.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(RecordError("it ends too soon"))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, RecordError> {
        self.take().map(u8::from_le_bytes)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, RecordError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(RecordError("a flag is neither 0 nor 1")),
        }
    }

    pub(crate) fn u16(&mut self) -> Result<u16, RecordError> {
        self.take().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, RecordError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, RecordError> {
        self.take().map(u64::from_le_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Result<Bytes, RecordError> {
        let length = usize::try_from(self.u32()?).map_err(|_| RecordError("a length is too large"))?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(RecordError("it ends too soon"))?;
        self.0 = rest;
        Ok(Bytes::copy_from_slice(taken))
    }

    pub(crate) fn outgoing(&mut self) -> Result<Outgoing, RecordError> {
        Ok(Outgoing { validation: self.u32()?, bytes: self.bytes()? })
    }

    pub(crate) fn end(self) -> Result<(), RecordError> {
        if self.0.is_empty() { Ok(()) } else { Err(RecordError("bytes follow its end")) }
    }
}
