//! What the records of the journal say, for those who read it: search, export, audit.
//!
//! Every message is here with who sent it, what, when, from where and with what result. *From where* is the link's
//! number; the [`Reading::Link`] with that number, the last one before, ties it to a station, an address and a
//! certificate, and the number is used once in a journal. Times are UTC in microseconds.
//!
//! What is not here: a message that got a negative ack was not received and leaves no record, only a count in the
//! metrics. It is turned away because nothing can be stored, or because its sender does not take what waits for it.

use std::net::SocketAddr;

use bytes::Bytes;
use codec::name::StationName;
use codec::time::Timestamp;

pub use crate::record::{Act, CopyTo, DeliveredMark, NoticeTo, Received, SentAgain};

use crate::effect::{ConfirmationId, Effect};
use crate::event::{Delivery, LinkId, Msn, ReturnReason, Sequence};
use crate::record::{Accepted, Answered, LinkChange, Overdue, Record, RecordError, Refused, Repeated, Returned};

/// One record of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A message was accepted.
    Accepted {
        /// As it came.
        reception: Received,
        /// Its number.
        msn: Msn,
        /// Its copies, each to one destination.
        copies: Vec<CopyTo>,
        /// What its sender was told.
        notices: Vec<NoticeTo>,
        /// What else it changed.
        effects: Vec<Effect>,
    },
    /// A message was refused with an ER.
    Refused {
        /// As it came.
        reception: Received,
        /// The number of the ER.
        number: u8,
        /// The ER.
        notice: NoticeTo,
    },
    /// A message came again and was acknowledged again; nothing else came of it.
    Repeated {
        /// Who sent it.
        station: StationName,
        /// The link it came by.
        link: LinkId,
        /// The sender's number for it.
        validation: u32,
        /// The record that holds the message.
        original: Sequence,
        /// When it came again.
        at: Timestamp,
    },
    /// Copies were acknowledged by their receivers.
    Delivered {
        /// Each of them.
        marks: Vec<DeliveredMark>,
    },
    /// A copy went to the dead letters.
    Returned {
        /// Which copy.
        delivery: Delivery,
        /// Who should have got it.
        station: StationName,
        /// The record that holds the message.
        original: Sequence,
        /// When.
        at: Timestamp,
        /// Why.
        why: ReturnReason,
        /// What its sender was told.
        notice: Option<NoticeTo>,
    },
    /// A link came up or went.
    Link {
        /// Its number.
        link: LinkId,
        /// Whose it is.
        station: StationName,
        /// Where it calls from.
        from: SocketAddr,
        /// The serial of its certificate, in hexadecimal.
        certificate: String,
        /// When.
        at: Timestamp,
        /// Whether it came up.
        up: bool,
        /// Why it went; empty for one that came up.
        why: String,
    },
    /// A log query was answered.
    Answered {
        /// The record of the query.
        query: Sequence,
        /// When.
        at: Timestamp,
        /// The answer.
        notices: Vec<NoticeTo>,
    },
    /// Something was done to the switch or by it, other than to a message.
    Act(Act),
    /// A hit confirmation was not answered in time.
    Overdue {
        /// Which.
        id: ConfirmationId,
        /// When that was noticed.
        at: Timestamp,
        /// What both parties were told.
        notices: Vec<NoticeTo>,
    },
}

/// What one record says. Its number in the journal changes nothing about that so far.
///
/// # Errors
/// If the payload is not what the switch writes under that kind.
pub fn read(_sequence: u64, kind: u8, payload: Bytes) -> Result<Reading, RecordError> {
    Ok(match Record::decode(kind, payload)? {
        Record::Accepted(Accepted { reception, msn, copies, notices, effects }) => {
            Reading::Accepted { reception, msn, copies, notices, effects }
        }
        Record::Refused(Refused { reception, number, notice }) => Reading::Refused { reception, number, notice },
        Record::Repeated(Repeated { station, link, validation, original, at }) => {
            Reading::Repeated { station, link, validation, original, at }
        }
        Record::Delivered(marks) => Reading::Delivered { marks },
        Record::Returned(Returned { delivery, station, original, at, why, notice }) => {
            Reading::Returned { delivery, station, original, at, why, notice }
        }
        Record::Link(LinkChange { link, station, from, certificate, at, up, why }) => {
            Reading::Link { link, station, from, certificate, at, up, why }
        }
        Record::Answered(Answered { query, at, notices }) => Reading::Answered { query, at, notices },
        Record::Act(act) => Reading::Act(act),
        Record::Overdue(Overdue { id, at, notices }) => Reading::Overdue { id, at, notices },
    })
}
