//! How a record lies in its payload. Integers are big endian; a text or a list is preceded by its length.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use codec::name::{Control, MessageKey, Ori, StationName};
use codec::number::Number;
use codec::time::Timestamp;

use super::effects::{effect, id, put_effect, put_id};
use super::{
    Accepted, Act, Answered, CopyTo, DeliveredMark, Kind, LinkChange, NoticeTo, Overdue, Received, Record, RecordError,
    Refused, Repeated, Returned, SentAgain,
};
use crate::event::{Delivery, LinkId, Msn, ReturnReason, Sequence};

/// Room for everything in a record of one copy but the message, so that encoding allocates once.
const FIXED_BYTES: usize = 192;
/// Bytes of one text in a link's record or an act; what is longer is cut.
const TEXT_BYTES_MAX: usize = 1024;

/// Where the message lies in a record that holds one, and the text that it stands for, if it came as XML.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) message: Range<usize>,
    pub(super) translated: Option<Range<usize>>,
}

/// Writes a record.
pub(super) fn put(out: &mut BytesMut, record: &Record) -> Placed {
    match record {
        Record::Accepted(Accepted { reception, msn, copies, notices, effects }) => {
            out.reserve(reception.message.len().saturating_add(FIXED_BYTES));
            let message = put_reception(out, reception);
            out.put_u64(msn.0);
            put_list(out, copies, put_copy);
            put_list(out, notices, put_notice);
            put_list(out, effects, put_effect);
            return message;
        }
        Record::Refused(Refused { reception, number, notice }) => {
            out.reserve(reception.message.len().saturating_add(FIXED_BYTES));
            let message = put_reception(out, reception);
            out.put_u8(*number);
            put_notice(out, notice);
            return message;
        }
        Record::Delivered(marks) => {
            out.reserve(marks.len().saturating_mul(24).saturating_add(4));
            put_list(out, marks, |out, mark| {
                out.put_u64(mark.delivery.number());
                out.put_u64(mark.link.0);
                out.put_i64(mark.at.0);
            });
        }
        Record::Returned(returned) => {
            out.put_u64(returned.delivery.number());
            put_name(out, returned.station.as_str());
            out.put_u64(returned.original.0);
            out.put_i64(returned.at.0);
            out.put_u8(ReturnReason::ALL.iter().position(|why| *why == returned.why).map_or(u8::MAX, short));
            put_list(out, returned.notice.as_slice(), put_notice);
        }
        Record::Link(LinkChange { link, station, from, certificate, at, up, why }) => {
            out.put_u64(link.0);
            put_name(out, station.as_str());
            put_address(out, *from);
            put_text(out, certificate);
            out.put_i64(at.0);
            out.put_u8(u8::from(*up));
            put_text(out, why);
        }
        Record::Repeated(Repeated { station, link, validation, original, at }) => {
            put_name(out, station.as_str());
            out.put_u64(link.0);
            out.put_u32(*validation);
            out.put_u64(original.0);
            out.put_i64(at.0);
        }
        Record::Answered(Answered { query, at, notices }) => {
            out.put_u64(query.0);
            out.put_i64(at.0);
            put_list(out, notices, put_notice);
        }
        Record::Act(Act { at, who, from, what, result, effects, again, notices }) => {
            out.put_i64(at.0);
            [who, from, what, result].into_iter().for_each(|text| put_text(out, text));
            put_list(out, effects, put_effect);
            put_list(out, again, |out, SentAgain { original, reception, msn, copies }| {
                out.put_u64(original.0);
                put_reception(out, reception);
                out.put_u64(msn.0);
                put_list(out, copies, put_copy);
            });
            put_list(out, notices, put_notice);
        }
        Record::Overdue(Overdue { id, at, notices }) => {
            put_id(out, id);
            out.put_i64(at.0);
            put_list(out, notices, put_notice);
        }
    }
    Placed::default()
}

/// Reads a payload of a kind.
pub(super) fn read(kind: Kind, payload: Bytes) -> Result<Record, RecordError> {
    let mut input = Input(payload);
    let record =
        match kind {
            Kind::Accepted => Record::Accepted(Accepted {
                reception: input.reception()?,
                msn: Msn(input.u64()?),
                copies: input.list(Input::copy)?,
                notices: input.list(Input::notice)?,
                effects: input.list(effect)?,
            }),
            Kind::Refused => {
                Record::Refused(Refused { reception: input.reception()?, number: input.u8()?, notice: input.notice()? })
            }
            Kind::Delivered => Record::Delivered(input.list(|input| {
                Ok(DeliveredMark { delivery: input.delivery()?, link: input.link()?, at: input.time()? })
            })?),
            Kind::Returned => Record::Returned(Returned {
                delivery: input.delivery()?,
                station: input.station()?,
                original: Sequence(input.u64()?),
                at: input.time()?,
                why: *ReturnReason::ALL.get(usize::from(input.u8()?)).ok_or(RecordError("reason"))?,
                notice: input.list(Input::notice)?.pop(),
            }),
            Kind::Link => Record::Link(LinkChange {
                link: input.link()?,
                station: input.station()?,
                from: input.address()?,
                certificate: input.text()?,
                at: input.time()?,
                up: match input.u8()? {
                    0 => false,
                    1 => true,
                    _ => return Err(RecordError("direction of a link's change")),
                },
                why: input.text()?,
            }),
            Kind::Repeated => Record::Repeated(Repeated {
                station: input.station()?,
                link: input.link()?,
                validation: input.u32()?,
                original: Sequence(input.u64()?),
                at: input.time()?,
            }),
            Kind::Answered => Record::Answered(Answered {
                query: Sequence(input.u64()?),
                at: input.time()?,
                notices: input.list(Input::notice)?,
            }),
            Kind::Act => Record::Act(Act {
                at: input.time()?,
                who: input.text()?,
                from: input.text()?,
                what: input.text()?,
                result: input.text()?,
                effects: input.list(effect)?,
                again: input.list(|input| {
                    Ok(SentAgain {
                        original: Sequence(input.u64()?),
                        reception: input.reception()?,
                        msn: Msn(input.u64()?),
                        copies: input.list(Input::copy)?,
                    })
                })?,
                notices: input.list(Input::notice)?,
            }),
            Kind::Overdue => {
                Record::Overdue(Overdue { id: id(&mut input)?, at: input.time()?, notices: input.list(Input::notice)? })
            }
        };
    if input.0.is_empty() { Ok(record) } else { Err(RecordError("bytes after its end")) }
}

pub(super) fn short(value: usize) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// A name is short by its type.
pub(super) fn put_name(out: &mut BytesMut, text: &str) {
    out.put_u8(short(text.len()));
    out.put_slice(text.as_bytes());
}

/// A name, or nothing.
pub(super) fn put_optional(out: &mut BytesMut, text: Option<&str>) {
    put_name(out, text.unwrap_or_default());
}

pub(super) fn put_text(out: &mut BytesMut, text: &str) {
    let end = (0..=text.len().min(TEXT_BYTES_MAX)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    put_bytes(out, text.get(..end).unwrap_or_default().as_bytes());
}

fn put_list<T>(out: &mut BytesMut, list: &[T], put: impl Fn(&mut BytesMut, &T)) {
    out.put_u32(u32::try_from(list.len()).unwrap_or(u32::MAX));
    list.iter().for_each(|entry| put(out, entry));
}

pub(super) fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

/// The length of the address, 4 or 16, the address, the port.
fn put_address(out: &mut BytesMut, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.put_u8(4);
            out.put_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.put_u8(16);
            out.put_slice(&ip.octets());
        }
    }
    out.put_u16(address.port());
}

fn put_reception(out: &mut BytesMut, reception: &Received) -> Placed {
    put_name(out, reception.station.as_str());
    out.put_u64(reception.link.0);
    out.put_u32(reception.validation);
    out.put_u32(reception.isn.value());
    out.put_i64(reception.at.0);
    put_optional(out, reception.key.as_ref().map(MessageKey::as_str));
    put_optional(out, reception.sender.as_ref().map(Ori::as_str));
    put_optional(out, reception.control.as_ref().map(Control::as_str));
    out.put_u32(reception.body_offset);
    let message = placed(out, &reception.message);
    out.put_u8(u8::from(reception.translated.is_some()));
    Placed { message, translated: reception.translated.as_ref().map(|text| placed(out, text)) }
}

fn placed(out: &mut BytesMut, bytes: &[u8]) -> Range<usize> {
    put_bytes(out, bytes);
    out.len().saturating_sub(bytes.len())..out.len()
}

fn put_copy(out: &mut BytesMut, copy: &CopyTo) {
    out.put_u64(copy.delivery.number());
    out.put_u32(copy.osn.value());
    put_name(out, copy.station.as_str());
    put_name(out, copy.destination.as_str());
    out.put_u8(copy.class);
    out.put_i64(copy.expires.0);
}

fn put_notice(out: &mut BytesMut, notice: &NoticeTo) {
    put_copy(out, &notice.copy);
    // Most are from the switch itself, and need not say so.
    put_optional(out, (notice.from != Ori::of_switch()).then_some(notice.from.as_str()));
    put_name(out, notice.key.as_str());
    put_optional(out, notice.control.as_ref().map(Control::as_str));
    out.put_i64(notice.at.0);
    put_bytes(out, &notice.body);
}

/// What is left of a payload.
pub(crate) struct Input(pub(crate) Bytes);

impl Input {
    pub(super) fn u8(&mut self) -> Result<u8, RecordError> {
        self.0.try_get_u8().map_err(|_| CUT)
    }

    pub(super) fn u16(&mut self) -> Result<u16, RecordError> {
        self.0.try_get_u16().map_err(|_| CUT)
    }

    pub(super) fn u32(&mut self) -> Result<u32, RecordError> {
        self.0.try_get_u32().map_err(|_| CUT)
    }

    pub(super) fn u64(&mut self) -> Result<u64, RecordError> {
        self.0.try_get_u64().map_err(|_| CUT)
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, RecordError> {
        self.0.try_get_i64().map(Timestamp).map_err(|_| CUT)
    }

    pub(super) fn delivery(&mut self) -> Result<Delivery, RecordError> {
        self.u64().map(Delivery::from_number)
    }

    pub(super) fn link(&mut self) -> Result<LinkId, RecordError> {
        self.u64().map(LinkId)
    }

    fn take(&mut self, length: usize) -> Result<Bytes, RecordError> {
        if length > self.0.len() { Err(CUT) } else { Ok(self.0.split_to(length)) }
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, RecordError> {
        let length = self.u32()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    pub(super) fn text(&mut self) -> Result<String, RecordError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| RecordError("text"))
    }

    fn address(&mut self) -> Result<SocketAddr, RecordError> {
        let wrong = RecordError("address");
        let length = usize::from(self.u8()?);
        let octets = self.take(length)?;
        let ip: IpAddr = match length {
            4 => <[u8; 4]>::try_from(&octets[..]).map_err(|_| wrong)?.into(),
            16 => <[u8; 16]>::try_from(&octets[..]).map_err(|_| wrong)?.into(),
            _ => return Err(wrong),
        };
        Ok(SocketAddr::new(ip, self.u16()?))
    }

    /// A name, or nothing where its text is empty.
    pub(super) fn name<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, RecordError> {
        let length = self.u8()?;
        let text = self.take(usize::from(length))?;
        if text.is_empty() {
            return Ok(None);
        }
        std::str::from_utf8(&text).ok().and_then(parse).map(Some).ok_or(RecordError("name"))
    }

    pub(super) fn station(&mut self) -> Result<StationName, RecordError> {
        self.name(|text| StationName::parse(text).ok())?.ok_or(RecordError("station"))
    }

    pub(super) fn control(&mut self) -> Result<Option<Control>, RecordError> {
        self.name(|text| Control::parse(text).ok())
    }

    pub(super) fn number(&mut self) -> Result<Number, RecordError> {
        Number::new(self.u32()?).ok_or(RecordError("counter"))
    }

    pub(super) fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, RecordError>,
    ) -> Result<Vec<T>, RecordError> {
        let length = self.u32()?;
        // An entry has at least one byte, so a length beyond what is left is found before it costs memory.
        if usize::try_from(length).unwrap_or(usize::MAX) > self.0.len() {
            return Err(CUT);
        }
        (0..length).map(|_| read(self)).collect()
    }

    fn reception(&mut self) -> Result<Received, RecordError> {
        Ok(Received {
            station: self.station()?,
            link: self.link()?,
            validation: self.u32()?,
            fingerprint: None,
            isn: self.number()?,
            at: self.time()?,
            key: self.name(|text| MessageKey::parse(text).ok())?,
            sender: self.name(|text| Ori::parse(text).ok())?,
            control: self.control()?,
            body_offset: self.u32()?,
            message: self.bytes()?,
            translated: match self.u8()? {
                0 => None,
                1 => Some(self.bytes()?),
                _ => return Err(RecordError("translation")),
            },
        })
    }

    fn copy(&mut self) -> Result<CopyTo, RecordError> {
        Ok(CopyTo {
            delivery: self.delivery()?,
            osn: self.number()?,
            station: self.station()?,
            destination: self.station()?,
            class: self.u8()?,
            expires: self.time()?,
        })
    }

    fn notice(&mut self) -> Result<NoticeTo, RecordError> {
        Ok(NoticeTo {
            copy: self.copy()?,
            from: self.name(|text| Ori::parse(text).ok())?.unwrap_or_else(Ori::of_switch),
            key: self.name(|text| MessageKey::parse(text).ok())?.ok_or(RecordError("key"))?,
            control: self.control()?,
            at: self.time()?,
            body: self.bytes()?,
        })
    }
}

const CUT: RecordError = RecordError("it ends too soon");
