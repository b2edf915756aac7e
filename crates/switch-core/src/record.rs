//! What the switch writes into its journal, and how: one record for each thing that must outlive a restart.
//!
//! A refused message and its ER, an accepted one and all its copies and notices, are one record each: there is never
//! the one without the other (`protocol-specs/wire.md` 2.4). Integers are big endian; a text or a list is preceded by
//! its length. The kind of a record stands beside it in the journal, so that a reader can pick without decoding.

use std::ops::Range;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use codec::name::{Control, MessageKey, Ori, StationName};
use codec::number::Number;
use codec::time::Timestamp;

use crate::event::{Delivery, Msn, ReturnReason, Sequence};
use crate::repeats::Fingerprint;

/// The kinds of records, by the number that the journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A message that was accepted, with its copies and the notices that it caused.
    Accepted = 1,
    /// A message that was refused, with its ER.
    Refused = 2,
    /// Copies that their receivers acknowledged.
    Delivered = 3,
    /// A copy that went to the dead letters, with the SM to its sender.
    Returned = 4,
}

/// A record that is not what the switch writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no record of the switch: {0}")]
pub struct RecordError(&'static str);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    Accepted(Accepted),
    Refused(Refused),
    Delivered(Vec<Delivery>),
    Returned(Returned),
}

/// A message as it came in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reception {
    pub(crate) station: StationName,
    pub(crate) validation: u32,
    /// Of these three; not written, for it follows from them.
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) isn: Number,
    pub(crate) at: Timestamp,
    pub(crate) key: Option<MessageKey>,
    pub(crate) sender: Option<Ori>,
    pub(crate) control: Option<Control>,
    pub(crate) message: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) reception: Reception,
    pub(crate) msn: Msn,
    /// Where the body begins in the message.
    pub(crate) body_offset: u32,
    pub(crate) copies: Vec<CopyRecord>,
    pub(crate) notices: Vec<Notice>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reception: Reception,
    pub(crate) number: u8,
    pub(crate) notice: Notice,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Returned {
    pub(crate) delivery: Delivery,
    /// Who should have got it.
    pub(crate) station: StationName,
    /// The record that holds the message.
    pub(crate) original: Sequence,
    pub(crate) at: Timestamp,
    pub(crate) why: ReturnReason,
    pub(crate) notice: Option<Notice>,
}

/// One copy on its way to one station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyRecord {
    pub(crate) delivery: Delivery,
    pub(crate) osn: Number,
    pub(crate) station: StationName,
    /// The address as the sender wrote it, in capitals; a station's name where the switch had no ORI to answer to.
    pub(crate) destination: StationName,
    pub(crate) class: u8,
    pub(crate) expires: Timestamp,
}

/// A message of the switch itself: an ER or an SM.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) copy: CopyRecord,
    pub(crate) key: MessageKey,
    pub(crate) control: Option<Control>,
    pub(crate) at: Timestamp,
    pub(crate) body: Bytes,
}

impl Record {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Accepted(_) => Kind::Accepted,
            Self::Refused(_) => Kind::Refused,
            Self::Delivered(_) => Kind::Delivered,
            Self::Returned(_) => Kind::Returned,
        }
    }

    /// The copies that it admits, those of notices last.
    pub(crate) fn admitted(&self) -> impl Iterator<Item = &CopyRecord> {
        let (copies, notices): (&[CopyRecord], &[Notice]) = match self {
            Self::Accepted(accepted) => (&accepted.copies, &accepted.notices),
            Self::Refused(refused) => (&[], std::slice::from_ref(&refused.notice)),
            Self::Delivered(_) => (&[], &[]),
            Self::Returned(returned) => (&[], returned.notice.as_slice()),
        };
        copies.iter().chain(notices.iter().map(|notice| &notice.copy))
    }

    /// The payload of the record.
    ///
    /// The message in the record becomes a part of that payload, so that what is kept in memory of a waiting message is
    /// its own allocation and not the read buffer of the link it came by.
    pub(crate) fn encode(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        let mut message = 0..0;
        match self {
            Self::Accepted(accepted) => {
                out.reserve(accepted.reception.message.len().saturating_add(FIXED_BYTES));
                message = put_reception(&mut out, &accepted.reception);
                out.put_u64(accepted.msn.0);
                out.put_u32(accepted.body_offset);
                put_list(&mut out, &accepted.copies, put_copy);
                put_list(&mut out, &accepted.notices, put_notice);
            }
            Self::Refused(refused) => {
                out.reserve(refused.reception.message.len().saturating_add(FIXED_BYTES));
                message = put_reception(&mut out, &refused.reception);
                out.put_u8(refused.number);
                put_notice(&mut out, &refused.notice);
            }
            Self::Delivered(deliveries) => put_list(&mut out, deliveries, |out, d| out.put_u64(d.number())),
            Self::Returned(returned) => {
                out.put_u64(returned.delivery.number());
                put_text(&mut out, returned.station.as_str());
                out.put_u64(returned.original.0);
                out.put_i64(returned.at.0);
                out.put_u8(ReturnReason::ALL.iter().position(|why| *why == returned.why).map_or(u8::MAX, short));
                put_list(&mut out, returned.notice.as_slice(), put_notice);
            }
        }
        let payload = out.freeze();
        match self {
            Self::Accepted(Accepted { reception, .. }) | Self::Refused(Refused { reception, .. }) => {
                reception.message = payload.slice(message);
            }
            Self::Delivered(_) | Self::Returned(_) => {}
        }
        payload
    }

    pub(crate) fn decode(kind: u8, payload: Bytes) -> Result<Self, RecordError> {
        let mut input = Input(payload);
        let record = match kind {
            k if k == Kind::Accepted as u8 => Self::Accepted(Accepted {
                reception: input.reception()?,
                msn: Msn(input.u64()?),
                body_offset: input.u32()?,
                copies: input.list(Input::copy)?,
                notices: input.list(Input::notice)?,
            }),
            k if k == Kind::Refused as u8 => {
                Self::Refused(Refused { reception: input.reception()?, number: input.u8()?, notice: input.notice()? })
            }
            k if k == Kind::Delivered as u8 => {
                Self::Delivered(input.list(|input| input.u64().map(Delivery::from_number))?)
            }
            k if k == Kind::Returned as u8 => Self::Returned(Returned {
                delivery: Delivery::from_number(input.u64()?),
                station: input.station()?,
                original: Sequence(input.u64()?),
                at: Timestamp(input.i64()?),
                why: *ReturnReason::ALL.get(usize::from(input.u8()?)).ok_or(RecordError("reason"))?,
                notice: input.list(Input::notice)?.pop(),
            }),
            _ => return Err(RecordError("kind")),
        };
        if input.0.is_empty() { Ok(record) } else { Err(RecordError("bytes after its end")) }
    }
}

/// Room for everything in a record of one copy but the message, so that encoding allocates once.
const FIXED_BYTES: usize = 192;

fn short(value: usize) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn put_text(out: &mut BytesMut, text: &str) {
    out.put_u8(short(text.len()));
    out.put_slice(text.as_bytes());
}

fn put_list<T>(out: &mut BytesMut, list: &[T], put: impl Fn(&mut BytesMut, &T)) {
    out.put_u32(u32::try_from(list.len()).unwrap_or(u32::MAX));
    list.iter().for_each(|entry| put(out, entry));
}

fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

/// Returns where the message lies.
fn put_reception(out: &mut BytesMut, reception: &Reception) -> Range<usize> {
    put_text(out, reception.station.as_str());
    out.put_u32(reception.validation);
    out.put_u32(reception.isn.value());
    out.put_i64(reception.at.0);
    put_text(out, reception.key.as_ref().map_or("", MessageKey::as_str));
    put_text(out, reception.sender.as_ref().map_or("", Ori::as_str));
    put_text(out, reception.control.as_ref().map_or("", Control::as_str));
    put_bytes(out, &reception.message);
    out.len().saturating_sub(reception.message.len())..out.len()
}

fn put_copy(out: &mut BytesMut, copy: &CopyRecord) {
    out.put_u64(copy.delivery.number());
    out.put_u32(copy.osn.value());
    put_text(out, copy.station.as_str());
    put_text(out, copy.destination.as_str());
    out.put_u8(copy.class);
    out.put_i64(copy.expires.0);
}

fn put_notice(out: &mut BytesMut, notice: &Notice) {
    put_copy(out, &notice.copy);
    put_text(out, notice.key.as_str());
    put_text(out, notice.control.as_ref().map_or("", Control::as_str));
    out.put_i64(notice.at.0);
    put_bytes(out, &notice.body);
}

/// What is left of a payload.
struct Input(Bytes);

impl Input {
    fn u8(&mut self) -> Result<u8, RecordError> {
        self.0.try_get_u8().map_err(|_| CUT)
    }

    fn u32(&mut self) -> Result<u32, RecordError> {
        self.0.try_get_u32().map_err(|_| CUT)
    }

    fn u64(&mut self) -> Result<u64, RecordError> {
        self.0.try_get_u64().map_err(|_| CUT)
    }

    fn i64(&mut self) -> Result<i64, RecordError> {
        self.0.try_get_i64().map_err(|_| CUT)
    }

    fn take(&mut self, length: usize) -> Result<Bytes, RecordError> {
        if length > self.0.len() { Err(CUT) } else { Ok(self.0.split_to(length)) }
    }

    fn bytes(&mut self) -> Result<Bytes, RecordError> {
        let length = self.u32()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// A name, or nothing where its text is empty.
    fn name<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, RecordError> {
        let length = self.u8()?;
        let text = self.take(usize::from(length))?;
        if text.is_empty() {
            return Ok(None);
        }
        std::str::from_utf8(&text).ok().and_then(parse).map(Some).ok_or(RecordError("name"))
    }

    fn station(&mut self) -> Result<StationName, RecordError> {
        self.name(|text| StationName::parse(text).ok())?.ok_or(RecordError("station"))
    }

    fn control(&mut self) -> Result<Option<Control>, RecordError> {
        self.name(|text| Control::parse(text).ok())
    }

    fn number(&mut self) -> Result<Number, RecordError> {
        Number::new(self.u32()?).ok_or(RecordError("counter"))
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, RecordError>) -> Result<Vec<T>, RecordError> {
        let length = self.u32()?;
        // An entry has at least one byte, so a length beyond what is left is found before it costs memory.
        if usize::try_from(length).unwrap_or(usize::MAX) > self.0.len() {
            return Err(CUT);
        }
        (0..length).map(|_| read(self)).collect()
    }

    fn reception(&mut self) -> Result<Reception, RecordError> {
        let mut reception = Reception {
            station: self.station()?,
            validation: self.u32()?,
            fingerprint: None,
            isn: self.number()?,
            at: Timestamp(self.i64()?),
            key: self.name(|text| MessageKey::parse(text).ok())?,
            sender: self.name(|text| Ori::parse(text).ok())?,
            control: self.control()?,
            message: self.bytes()?,
        };
        reception.fingerprint = Fingerprint::of(reception.station, reception.validation, &reception.message);
        Ok(reception)
    }

    fn copy(&mut self) -> Result<CopyRecord, RecordError> {
        Ok(CopyRecord {
            delivery: Delivery::from_number(self.u64()?),
            osn: self.number()?,
            station: self.station()?,
            destination: self.station()?,
            class: self.u8()?,
            expires: Timestamp(self.i64()?),
        })
    }

    fn notice(&mut self) -> Result<Notice, RecordError> {
        Ok(Notice {
            copy: self.copy()?,
            key: self.name(|text| MessageKey::parse(text).ok())?.ok_or(RecordError("key"))?,
            control: self.control()?,
            at: Timestamp(self.i64()?),
            body: self.bytes()?,
        })
    }
}

const CUT: RecordError = RecordError("it ends too soon");

impl std::fmt::Debug for Reception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { station, validation, isn, key, sender, message, .. } = self;
        write!(f, "Reception({station} {validation:08X} {isn} {key:?} {sender:?}, {} bytes)", message.len())
    }
}

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Notice({} {:?}, {} bytes)", self.key, self.copy, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Record> {
        let station = StationName::parse("ZA0010000").unwrap();
        let reception = Reception {
            station,
            validation: 7,
            fingerprint: Fingerprint::of(station, 7, b"AM.ZA0010000.ZC.*T1.TXT\r\nHELLO"),
            isn: Number::new(12).unwrap(),
            at: Timestamp(1_900_000_000_000_000),
            key: Some(MessageKey::parse("AM").unwrap()),
            sender: Some(Ori::parse("ZA0010000").unwrap()),
            control: Some(Control::parse("T1").unwrap()),
            message: Bytes::from_static(b"AM.ZA0010000.ZC.*T1.TXT\r\nHELLO"),
        };
        let copy = CopyRecord {
            delivery: Delivery::from_number(9),
            osn: Number::new(3).unwrap(),
            station: StationName::parse("ZC").unwrap(),
            destination: StationName::parse("ZC0010000").unwrap(),
            class: 5,
            expires: Timestamp(1),
        };
        let notice = Notice {
            copy: copy.clone(),
            key: MessageKey::parse("SM").unwrap(),
            control: None,
            at: Timestamp(2),
            body: Bytes::from_static(b".02."),
        };
        vec![
            Record::Accepted(Accepted {
                reception: reception.clone(),
                msn: Msn(1),
                body_offset: 25,
                copies: vec![copy.clone(), copy],
                notices: vec![notice.clone()],
            }),
            Record::Refused(Refused {
                reception: Reception { key: None, sender: None, control: None, ..reception },
                number: 22,
                notice: notice.clone(),
            }),
            Record::Delivered(vec![Delivery::from_number(1), Delivery::from_number(2)]),
            Record::Returned(Returned {
                delivery: Delivery::from_number(9),
                station,
                original: Sequence(4),
                at: Timestamp(3),
                why: ReturnReason::StationGone,
                notice: Some(notice),
            }),
        ]
    }

    #[test]
    fn records_read_back_as_written() {
        for mut record in samples() {
            assert_eq!(Record::decode(record.kind() as u8, record.encode()), Ok(record));
        }
    }

    #[test]
    fn a_cut_or_lengthened_record_is_refused() {
        for mut record in samples() {
            let bytes = record.encode();
            for length in 0..bytes.len() {
                assert!(Record::decode(record.kind() as u8, bytes.slice(..length)).is_err());
            }
            let longer = [&bytes[..], b"x"].concat();
            assert!(Record::decode(record.kind() as u8, longer.into()).is_err());
        }
        assert!(Record::decode(99, Bytes::new()).is_err());
    }
}
