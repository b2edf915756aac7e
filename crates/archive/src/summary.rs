//! What the search file keeps of a message beside its words: enough for a line in a list, never its text.

use crate::query::Cursor;
use codec::name::{Control, MessageKey, Ori, StationName};
use codec::number::Number;
use codec::time::Timestamp;
use switch_core::{Delivery, LinkId, Msn, ReturnReason};

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The journal's record that holds it.
    pub sequence: u64,
    /// Which message of that record: 0 for what was received, from 1 for notices that came of it; from 0 where the record
    /// holds notices only.
    pub ordinal: u16,
    /// When it was received, or made by the switch.
    pub at: Timestamp,
    /// Its number, where it was accepted.
    pub msn: Option<Msn>,
    /// The rest.
    pub summary: Summary,
}

/// Whose message it is and what became of it at admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Received and accepted.
    Accepted,
    /// Received and refused with the ER of this number.
    Refused(u8),
    /// Made by the switch itself: an ER, an SM, an answer to a log query.
    Notice,
}

/// What is kept of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Accepted, refused or the switch's own.
    pub standing: Standing,
    /// What it is, where that could be read.
    pub key: Option<MessageKey>,
    /// The station that sent it; nothing for the switch's own.
    pub station: Option<StationName>,
    /// The link it came by; nothing for the switch's own.
    pub link: Option<LinkId>,
    /// Its sender, where that could be read.
    pub sender: Option<Ori>,
    /// The sender's mark.
    pub control: Option<Control>,
    /// Its count among what the station sent; 0 for the switch's own.
    pub isn: Number,
    /// Length of its body in bytes; of all of it where it was refused.
    pub bytes: u32,
    /// Its copies; none where it was refused or went to nobody.
    pub copies: Vec<CopySummary>,
}

/// A copy and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopySummary {
    /// Its number.
    pub delivery: Delivery,
    /// Its count among what the station was sent.
    pub osn: Number,
    /// Who gets it.
    pub station: StationName,
    /// The address as the sender wrote it.
    pub destination: StationName,
    /// How it ended.
    pub fate: Fate,
}

/// How a copy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It had not when the search file was filled last.
    Waiting,
    /// The receiver acknowledged it.
    Delivered {
        /// When.
        at: Timestamp,
        /// On which link.
        link: LinkId,
    },
    /// It went to the dead letters.
    Returned {
        /// When.
        at: Timestamp,
        /// Why.
        why: ReturnReason,
    },
}

impl Hit {
    /// Its place: what a page goes on behind.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor { sequence: self.sequence, ordinal: self.ordinal }
    }
}

impl Summary {
    /// Whether `station` sent it or was sent it.
    #[must_use]
    pub fn visible_to(&self, station: &StationName) -> bool {
        self.station.as_ref() == Some(station) || self.copies.iter().any(|copy| copy.station == *station)
    }

    /// As the search file keeps it. Fates are kept elsewhere.
    pub(crate) fn encode(&self, ordinal: u16, out: &mut Vec<u8>) {
        let standing = match self.standing {
            Standing::Accepted => ACCEPTED,
            Standing::Notice => NOTICE,
            Standing::Refused(number) => REFUSED + u64::from(number),
        };
        put(out, standing);
        put(out, u64::from(ordinal));
        put_text(out, self.key.as_ref().map_or("", MessageKey::as_str));
        put_text(out, self.station.as_ref().map_or("", StationName::as_str));
        put(out, self.link.map_or(0, |link| link.0 + 1));
        put_text(out, self.sender.as_ref().map_or("", Ori::as_str));
        put_text(out, self.control.as_ref().map_or("", Control::as_str));
        put(out, u64::from(self.isn.value()));
        put(out, u64::from(self.bytes));
        put(out, self.copies.len() as u64);
        let mut before = 0;
        for copy in &self.copies {
            put(out, copy.delivery.number().wrapping_sub(before));
            before = copy.delivery.number();
            put(out, u64::from(copy.osn.value()));
            put_text(out, copy.station.as_str());
            put_text(out, copy.destination.as_str());
        }
    }

    /// Reads it back; nothing where the bytes are not what [`Self::encode`] writes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(u16, Self)> {
        let mut input = Input(bytes);
        let standing = match input.number()? {
            ACCEPTED => Standing::Accepted,
            NOTICE => Standing::Notice,
            number => Standing::Refused(u8::try_from(number - REFUSED).ok()?),
        };
        let ordinal = u16::try_from(input.number()?).ok()?;
        let mut summary = Self {
            standing,
            key: input.name(|text| MessageKey::parse(text).ok())?,
            station: input.name(|text| StationName::parse(text).ok())?,
            link: input.number()?.checked_sub(1).map(LinkId),
            sender: input.name(|text| Ori::parse(text).ok())?,
            control: input.name(|text| Control::parse(text).ok())?,
            isn: Number::new(u32::try_from(input.number()?).ok()?)?,
            bytes: u32::try_from(input.number()?).ok()?,
            copies: Vec::new(),
        };
        let mut delivery: u64 = 0;
        for _ in 0..input.number()? {
            delivery = delivery.wrapping_add(input.number()?);
            summary.copies.push(CopySummary {
                delivery: Delivery::from_number(delivery),
                osn: Number::new(u32::try_from(input.number()?).ok()?)?,
                station: input.name(|text| StationName::parse(text).ok())??,
                destination: input.name(|text| StationName::parse(text).ok())??,
                fate: Fate::Waiting,
            });
        }
        input.0.is_empty().then_some((ordinal, summary))
    }
}

const ACCEPTED: u64 = 0;
const NOTICE: u64 = 1;
/// And the number of the ER.
const REFUSED: u64 = 2;

/// Seven bits a byte, the lowest first.
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(0x80 | u8::try_from(value & 0x7f).unwrap_or(0));
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Outside: bad bytes. Inside: an empty text.
    #[expect(clippy::option_option, reason = "the two are different things, and live for one line each")]
    fn name<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        if text.is_empty() { Some(None) } else { str::from_utf8(text).ok().and_then(parse).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Summary {
        let station = StationName::parse("ZA0010000").unwrap();
        let copy = |number| CopySummary {
            delivery: Delivery::from_number(number),
            osn: Number::new(3).unwrap(),
            station: StationName::parse("ZC").unwrap(),
            destination: StationName::parse("ZC0010000").unwrap(),
            fate: Fate::Waiting,
        };
        Summary {
            standing: Standing::Accepted,
            key: Some(MessageKey::parse("AM").unwrap()),
            station: Some(station),
            link: Some(LinkId(0)),
            sender: Some(Ori::parse("ZA0010000").unwrap()),
            control: Some(Control::parse("t1").unwrap()),
            isn: Number::new(99_999).unwrap(),
            bytes: 70_000,
            copies: vec![copy(u64::from(u32::MAX)), copy(1 << 33)],
        }
    }

    #[test]
    fn summaries_read_back_as_written() {
        let refused = Summary {
            standing: Standing::Refused(22),
            key: None,
            sender: None,
            control: None,
            copies: Vec::new(),
            ..sample()
        };
        let notice = Summary { standing: Standing::Notice, station: None, link: None, ..sample() };
        for (ordinal, summary) in [(0, sample()), (0, refused), (31, notice)] {
            let mut bytes = Vec::new();
            summary.encode(ordinal, &mut bytes);
            assert_eq!(Summary::decode(&bytes), Some((ordinal, summary)));
            for length in 0..bytes.len() {
                assert_eq!(Summary::decode(&bytes[..length]), None);
            }
        }
    }

    #[test]
    fn any_bytes_decode_to_something_or_nothing() {
        let mut bytes = Vec::new();
        sample().encode(0, &mut bytes);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                drop(Summary::decode(&bad));
            }
        }
    }
}
