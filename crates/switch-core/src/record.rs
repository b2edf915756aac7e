//! What the switch writes into its journal: one record for each thing that must outlive a restart.
//!
//! A refused message and its ER, an accepted one and all its copies and notices, are one record each: there is never
//! the one without the other (`protocol-specs/wire.md` 2.4). The kind of a record stands beside it in the journal, so
//! that a reader can pick without decoding. How a record is laid out is `layout`'s; [`crate::reading`] shows it to
//! others.

mod effects;
mod layout;

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use codec::name::{Control, MessageKey, Ori, StationName};
use codec::number::Number;
use codec::time::Timestamp;

use crate::effect::{ConfirmationId, Effect};
use crate::event::{Delivery, LinkId, Msn, ReturnReason, Sequence};
use crate::repeats::Fingerprint;

pub(crate) use effects::{agency, confirmation, put_agency, put_confirmation};
pub(crate) use layout::Input;

/// The kinds of records, by the number that the journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// A link that came up or went.
    Link = 5,
    /// A message that was received again, and acknowledged again.
    Repeated = 6,
    /// What the switch answers to a log query.
    Answered = 7,
    /// What the process or an operator did.
    Act = 8,
    /// A hit confirmation that was not answered in time, with the SM to both parties.
    Overdue = 9,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Refused,
        Self::Delivered,
        Self::Returned,
        Self::Link,
        Self::Repeated,
        Self::Answered,
        Self::Act,
        Self::Overdue,
    ];

    /// The kind with that number in the journal; nothing where the switch writes none such.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its number in the journal.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// A word for logs and listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Link => "link",
            Self::Repeated => "repeated",
            Self::Answered => "answered",
            Self::Act => "act",
            Self::Overdue => "overdue",
        }
    }
}

/// A record that is not what the switch writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no record of the switch: {0}")]
pub struct RecordError(pub(crate) &'static str);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    Accepted(Accepted),
    Refused(Refused),
    Delivered(Vec<DeliveredMark>),
    Returned(Returned),
    Link(LinkChange),
    Repeated(Repeated),
    Answered(Answered),
    Act(Act),
    Overdue(Overdue),
}

/// A message as it came in.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// Who sent it.
    pub station: StationName,
    /// The link it came by; the record of that link says from which address and with which certificate.
    pub link: LinkId,
    /// The sender's number for it.
    pub validation: u32,
    /// Of station, validation and message; not written, for it follows from them.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Its count among what the station sent.
    pub isn: Number,
    /// When.
    pub at: Timestamp,
    /// What it is; of a refused message only if the dictionary has the key.
    pub key: Option<MessageKey>,
    /// Who it says that it is from; of a refused message only if that ORI is the station's.
    pub sender: Option<Ori>,
    /// The sender's own mark.
    pub control: Option<Control>,
    /// All its bytes.
    pub message: Bytes,
    /// The legacy text that it stands for, where it came as XML.
    pub translated: Option<Bytes>,
    /// Where in its text the body begins; 0 for a refused message.
    pub body_offset: u32,
}

impl Received {
    /// Its legacy text: what came, or what that stands for.
    #[must_use]
    pub fn text(&self) -> &Bytes {
        self.translated.as_ref().unwrap_or(&self.message)
    }

    /// The body of an accepted message; all of a refused one.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        usize::try_from(self.body_offset).ok().and_then(|offset| self.text().get(offset..)).unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) reception: Received,
    pub(crate) msn: Msn,
    pub(crate) copies: Vec<CopyTo>,
    pub(crate) notices: Vec<NoticeTo>,
    pub(crate) effects: Vec<Effect>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reception: Received,
    pub(crate) number: u8,
    pub(crate) notice: NoticeTo,
}

/// A copy that its receiver acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveredMark {
    /// Which copy.
    pub delivery: Delivery,
    /// On which link.
    pub link: LinkId,
    /// When.
    pub at: Timestamp,
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
    pub(crate) notice: Option<NoticeTo>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkChange {
    pub(crate) link: LinkId,
    pub(crate) station: StationName,
    pub(crate) from: SocketAddr,
    /// The serial of its certificate, as a text.
    pub(crate) certificate: String,
    pub(crate) at: Timestamp,
    pub(crate) up: bool,
    /// Why it went; empty for one that came up.
    pub(crate) why: String,
}

/// A message that was received before. It is the same to the byte, so only where and when are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeated {
    pub(crate) station: StationName,
    pub(crate) link: LinkId,
    pub(crate) validation: u32,
    /// The record that holds the message.
    pub(crate) original: Sequence,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The record of the query.
    pub(crate) query: Sequence,
    pub(crate) at: Timestamp,
    pub(crate) notices: Vec<NoticeTo>,
}

/// Something that was done to the switch or by it, other than to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who did it: an operator, or `switch` for the process itself.
    pub who: String,
    /// From where; empty for the process itself.
    pub from: String,
    /// What was done.
    pub what: String,
    /// With which result.
    pub result: String,
    /// What it changed.
    pub effects: Vec<Effect>,
    /// Messages that it sends again, each in full, for the record that held it first may be pruned.
    pub again: Vec<SentAgain>,
    /// What the switch says on its account.
    pub notices: Vec<NoticeTo>,
}

/// A message that an operator sends again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentAgain {
    /// The record that held it.
    pub original: Sequence,
    /// As it came, or as the operator changed it.
    pub reception: Received,
    /// Its number, which is that of the original.
    pub msn: Msn,
    /// Its new copies.
    pub copies: Vec<CopyTo>,
}

/// A hit confirmation that was not answered in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Overdue {
    pub(crate) id: ConfirmationId,
    pub(crate) at: Timestamp,
    pub(crate) notices: Vec<NoticeTo>,
}

/// One copy on its way to one station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyTo {
    /// Its number.
    pub delivery: Delivery,
    /// Its count among what the station was sent.
    pub osn: Number,
    /// Who gets it.
    pub station: StationName,
    /// The address as the sender wrote it, in capitals; a station's name where the switch had no ORI to answer to.
    pub destination: StationName,
    /// Its class of priority, 1 the highest.
    pub class: u8,
    /// How long it waits.
    pub expires: Timestamp,
}

/// A message of the switch itself: an ER, an SM, an answer to a log query, of the directory, of a help file.
#[derive(Clone, PartialEq, Eq)]
pub struct NoticeTo {
    /// To whom.
    pub copy: CopyTo,
    /// From which address: the switch's own, the directory's, a help file's.
    pub from: Ori,
    /// What it is.
    pub key: MessageKey,
    /// The mark of the message that it answers.
    pub control: Option<Control>,
    /// When it was made.
    pub at: Timestamp,
    /// Its body.
    pub body: Bytes,
}

impl Record {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Accepted(_) => Kind::Accepted,
            Self::Refused(_) => Kind::Refused,
            Self::Delivered(_) => Kind::Delivered,
            Self::Returned(_) => Kind::Returned,
            Self::Link(_) => Kind::Link,
            Self::Repeated(_) => Kind::Repeated,
            Self::Answered(_) => Kind::Answered,
            Self::Act(_) => Kind::Act,
            Self::Overdue(_) => Kind::Overdue,
        }
    }

    /// The copies that it admits, those of notices last.
    pub(crate) fn admitted(&self) -> impl Iterator<Item = &CopyTo> {
        let (copies, again): (&[CopyTo], &[SentAgain]) = match self {
            Self::Accepted(accepted) => (&accepted.copies, &[]),
            Self::Act(act) => (&[], &act.again),
            Self::Refused(_)
            | Self::Returned(_)
            | Self::Answered(_)
            | Self::Delivered(_)
            | Self::Link(_)
            | Self::Repeated(_)
            | Self::Overdue(_) => (&[], &[]),
        };
        let again = again.iter().flat_map(|message| &message.copies);
        copies.iter().chain(again).chain(self.notices().iter().map(|notice| &notice.copy))
    }

    /// What it changes besides copies.
    pub(crate) fn effects(&self) -> &[Effect] {
        match self {
            Self::Accepted(accepted) => &accepted.effects,
            Self::Act(act) => &act.effects,
            Self::Refused(_)
            | Self::Returned(_)
            | Self::Answered(_)
            | Self::Delivered(_)
            | Self::Link(_)
            | Self::Repeated(_)
            | Self::Overdue(_) => &[],
        }
    }

    /// The copies that it moves to other stations.
    pub(crate) fn moved(&self) -> impl Iterator<Item = Delivery> {
        self.effects()
            .iter()
            .filter_map(|effect| if let Effect::Moved { delivery, .. } = effect { Some(*delivery) } else { None })
    }

    /// The message of a copy that is none of the switch's own, and the copy.
    pub(crate) fn message_of(&self, delivery: Delivery) -> Option<(&Received, &CopyTo)> {
        let find = |copies: &'_ [CopyTo]| copies.iter().position(|copy| copy.delivery == delivery);
        match self {
            Self::Accepted(Accepted { reception, copies, .. }) => Some((reception, copies.get(find(copies)?)?)),
            Self::Act(act) => act.again.iter().find_map(|message| {
                let place = find(&message.copies)?;
                Some((&message.reception, message.copies.get(place)?))
            }),
            Self::Refused(_)
            | Self::Returned(_)
            | Self::Answered(_)
            | Self::Delivered(_)
            | Self::Link(_)
            | Self::Repeated(_)
            | Self::Overdue(_) => None,
        }
    }

    /// The switch's own messages in it.
    pub(crate) fn notices(&self) -> &[NoticeTo] {
        match self {
            Self::Accepted(accepted) => &accepted.notices,
            Self::Refused(refused) => std::slice::from_ref(&refused.notice),
            Self::Returned(returned) => returned.notice.as_slice(),
            Self::Answered(answered) => &answered.notices,
            Self::Act(act) => &act.notices,
            Self::Overdue(overdue) => &overdue.notices,
            Self::Delivered(_) | Self::Link(_) | Self::Repeated(_) => &[],
        }
    }

    /// Works out what is not written because it follows from what is.
    pub(crate) fn complete(&mut self) {
        match self {
            Self::Accepted(Accepted { reception, .. }) | Self::Refused(Refused { reception, .. }) => {
                reception.fingerprint = Fingerprint::of(reception.station, reception.validation, &reception.message);
            }
            Self::Delivered(_)
            | Self::Returned(_)
            | Self::Link(_)
            | Self::Repeated(_)
            | Self::Answered(_)
            | Self::Act(_)
            | Self::Overdue(_) => {}
        }
    }

    /// The payload of the record.
    ///
    /// The message in the record becomes a part of that payload, so that what is kept in memory of a waiting message is
    /// its own allocation and not the read buffer of the link it came by.
    pub(crate) fn encode(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        let placed = layout::put(&mut out, self);
        let payload = out.freeze();
        match self {
            Self::Accepted(Accepted { reception, .. }) | Self::Refused(Refused { reception, .. }) => {
                reception.message = payload.slice(placed.message);
                reception.translated = placed.translated.map(|range| payload.slice(range));
            }
            Self::Delivered(_)
            | Self::Returned(_)
            | Self::Link(_)
            | Self::Repeated(_)
            | Self::Answered(_)
            | Self::Act(_)
            | Self::Overdue(_) => {}
        }
        payload
    }

    /// Reads a payload; [`Self::complete`] fills in what is not in it.
    pub(crate) fn decode(kind: u8, payload: Bytes) -> Result<Self, RecordError> {
        layout::read(Kind::from_number(kind).ok_or(RecordError("kind"))?, payload)
    }
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { station, link, validation, isn, key, sender, message, .. } = self;
        let (link, bytes) = (link.0, message.len());
        write!(f, "Received({station} on {link} {validation:08X} {isn} {key:?} {sender:?}, {bytes} bytes)")
    }
}

impl std::fmt::Debug for NoticeTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NoticeTo({} {:?}, {} bytes)", self.key, self.copy, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Record> {
        let station = StationName::parse("ZA0010000").unwrap();
        let reception = Received {
            station,
            link: LinkId(3),
            validation: 7,
            fingerprint: Fingerprint::of(station, 7, b"AM.ZA0010000.ZC.*T1.TXT\r\nHELLO"),
            isn: Number::new(12).unwrap(),
            at: Timestamp(1_900_000_000_000_000),
            key: Some(MessageKey::parse("AM").unwrap()),
            sender: Some(Ori::parse("ZA0010000").unwrap()),
            control: Some(Control::parse("T1").unwrap()),
            message: Bytes::from_static(b"AM.ZA0010000.ZC.*T1.TXT\r\nHELLO"),
            translated: None,
            body_offset: 25,
        };
        let copy = CopyTo {
            delivery: Delivery::from_number(9),
            osn: Number::new(3).unwrap(),
            station: StationName::parse("ZC").unwrap(),
            destination: StationName::parse("ZC0010000").unwrap(),
            class: 5,
            expires: Timestamp(1),
        };
        let notice = NoticeTo {
            copy: copy.clone(),
            from: Ori::of_switch(),
            key: MessageKey::parse("SM").unwrap(),
            control: None,
            at: Timestamp(2),
            body: Bytes::from_static(b".02."),
        };
        let again = copy.clone();
        let mark = |delivery, link, at| DeliveredMark {
            delivery: Delivery::from_number(delivery),
            link: LinkId(link),
            at: Timestamp(at),
        };
        let link = LinkChange {
            link: LinkId(3),
            station,
            from: "[2001:db8::7]:49152".parse().unwrap(),
            certificate: "0a1b2c".to_owned(),
            at: Timestamp(1),
            up: true,
            why: String::new(),
        };
        vec![
            Record::Accepted(Accepted {
                reception: reception.clone(),
                msn: Msn(1),
                copies: vec![copy.clone(), copy],
                notices: vec![notice.clone()],
                effects: effects::tests::samples(),
            }),
            Record::Refused(Refused {
                reception: Received {
                    key: None,
                    sender: None,
                    control: None,
                    translated: Some(Bytes::from_static(b"AM.TXT")),
                    body_offset: 0,
                    ..reception.clone()
                },
                number: 22,
                notice: notice.clone(),
            }),
            // The wall clock may be set back between two marks.
            Record::Delivered(vec![mark(1, 3, 10), mark(2, 4, 7), mark(u64::MAX, u64::MAX, i64::MAX)]),
            Record::Delivered(Vec::new()),
            Record::Returned(Returned {
                delivery: Delivery::from_number(9),
                station,
                original: Sequence(4),
                at: Timestamp(3),
                why: ReturnReason::StationGone,
                notice: Some(notice.clone()),
            }),
            Record::Link(LinkChange {
                from: "127.0.0.1:7".parse().unwrap(),
                up: false,
                why: "closed by the peer".to_owned(),
                ..link.clone()
            }),
            Record::Link(link),
            Record::Repeated(Repeated {
                station,
                link: LinkId(3),
                validation: 7,
                original: Sequence(1),
                at: Timestamp(4),
            }),
            Record::Answered(Answered { query: Sequence(5), at: Timestamp(6), notices: vec![notice.clone()] }),
            Record::Overdue(Overdue {
                id: ConfirmationId {
                    asked: Ori::parse("ZB0010000").unwrap(),
                    asker: Ori::parse("ZA0010000").unwrap(),
                    msn: Msn(4),
                },
                at: Timestamp(7),
                notices: vec![NoticeTo { from: Ori::parse("ZAORIHELP").unwrap(), ..notice.clone() }],
            }),
            Record::Act(Act {
                at: Timestamp(8),
                who: "operator".to_owned(),
                from: "192.0.2.7".to_owned(),
                what: "resend".to_owned(),
                result: "done".to_owned(),
                effects: effects::tests::samples(),
                again: vec![SentAgain {
                    original: Sequence(2),
                    reception: Received { fingerprint: None, ..reception },
                    msn: Msn(3),
                    copies: vec![again],
                }],
                notices: vec![notice],
            }),
            Record::Act(Act {
                at: Timestamp(7),
                who: "switch".to_owned(),
                from: String::new(),
                what: "start".to_owned(),
                result: "ready".to_owned(),
                effects: Vec::new(),
                again: Vec::new(),
                notices: Vec::new(),
            }),
        ]
    }

    #[test]
    fn records_read_back_as_written() {
        for mut record in samples() {
            let mut read = Record::decode(record.kind().number(), record.encode()).unwrap();
            read.complete();
            assert_eq!(read, record);
        }
    }

    #[test]
    fn a_cut_or_lengthened_record_is_refused() {
        for mut record in samples() {
            let bytes = record.encode();
            for length in 0..bytes.len() {
                assert!(
                    Record::decode(record.kind().number(), bytes.slice(..length)).is_err(),
                    "{record:?} at {length}"
                );
            }
            let longer = [&bytes[..], b"x"].concat();
            assert!(Record::decode(record.kind().number(), longer.into()).is_err());
        }
        assert!(Record::decode(99, Bytes::new()).is_err());
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let act = Act {
            at: Timestamp(0),
            who: "ä".repeat(10_000),
            from: String::new(),
            what: String::new(),
            result: String::new(),
            effects: Vec::new(),
            again: Vec::new(),
            notices: Vec::new(),
        };
        let payload = Record::Act(act).encode();
        let Ok(Record::Act(read)) = Record::decode(Kind::Act.number(), payload) else { panic!("it reads back") };
        assert!(read.who.len() < 2_000 && read.who.chars().all(|letter| letter == 'ä'), "{}", read.who.len());
    }
}
