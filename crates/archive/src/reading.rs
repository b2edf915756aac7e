//! From a record of the journal to messages and ends of copies.

use bytes::Bytes;
use switch_core::reading::{CopyTo, NoticeTo, Reading, Received, SentAgain};
use switch_core::{Delivery, Msn};

use codec::number::Number;

use crate::enter::{Entering, Entry};
use crate::error::Error;
use crate::summary::{CopySummary, Fate, Standing, Summary};

/// What came of one record.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    pub(crate) messages: u64,
    /// It is no record of the switch that this program can read.
    pub(crate) unreadable: bool,
}

/// Takes in one record.
pub(crate) fn take(entry: &mut Entry<'_>, sequence: u64, kind: u8, payload: &[u8]) -> Result<Taken, Error> {
    let Ok(reading) = switch_core::reading::read(sequence, kind, Bytes::copy_from_slice(payload)) else {
        return Ok(Taken { messages: 0, unreadable: true });
    };
    let mut messages = 0;
    match &reading {
        Reading::Delivered { marks } => {
            for mark in marks {
                entry.delivered(mark.delivery.number(), mark.at.0, mark.link)?;
            }
        }
        Reading::Returned { delivery, at, why, .. } => entry.returned(delivery.number(), at.0, *why)?,
        Reading::Accepted { .. }
        | Reading::Refused { .. }
        | Reading::Repeated { .. }
        | Reading::Link { .. }
        | Reading::Answered { .. }
        | Reading::Overdue { .. }
        | Reading::Act(_) => {}
    }
    for (ordinal, message) in messages_of(&reading).enumerate() {
        entry.message(&Entering {
            sequence,
            ordinal: u16::try_from(ordinal).unwrap_or(u16::MAX),
            at: message.at,
            msn: message.msn.map(|msn| msn.0),
            summary: &message.summary,
            body: message.body,
        })?;
        messages += 1;
    }
    Ok(Taken { messages, unreadable: false })
}

/// A message of a record, with its text.
pub(crate) struct Message<'a> {
    pub(crate) at: i64,
    pub(crate) msn: Option<Msn>,
    pub(crate) summary: Summary,
    pub(crate) body: &'a [u8],
}

/// The messages of a record, in the order of their ordinals: what was received first, then notices.
pub(crate) fn messages_of(reading: &Reading) -> impl Iterator<Item = Message<'_>> {
    let again: &[SentAgain] = if let Reading::Act(act) = reading { &act.again } else { &[] };
    let (first, notices): (_, &[NoticeTo]) = match reading {
        Reading::Accepted { reception, msn, copies, notices, .. } => {
            (Some(received(reception, Standing::Accepted, Some(*msn), copies)), notices)
        }
        Reading::Refused { reception, number, notice } => {
            (Some(received(reception, Standing::Refused(*number), None, &[])), std::slice::from_ref(notice))
        }
        Reading::Returned { notice, .. } => (None, notice.as_slice()),
        Reading::Answered { notices, .. } | Reading::Overdue { notices, .. } => (None, notices),
        Reading::Act(act) => (None, &act.notices),
        Reading::Delivered { .. } | Reading::Repeated { .. } | Reading::Link { .. } => (None, &[]),
    };
    let again = again.iter().map(|sent| received(&sent.reception, Standing::Accepted, Some(sent.msn), &sent.copies));
    first.into_iter().chain(again).chain(notices.iter().map(notice))
}

fn received<'a>(reception: &'a Received, standing: Standing, msn: Option<Msn>, copies: &[CopyTo]) -> Message<'a> {
    let body = match standing {
        Standing::Accepted => reception.body(),
        Standing::Refused(_) | Standing::Notice => &reception.message,
    };
    let summary = Summary {
        standing,
        key: reception.key,
        station: Some(reception.station),
        link: Some(reception.link),
        sender: reception.sender,
        control: reception.control,
        isn: reception.isn,
        bytes: u32::try_from(body.len()).unwrap_or(u32::MAX),
        copies: copies.iter().map(copy).collect(),
    };
    Message { at: reception.at.0, msn, summary, body }
}

fn notice(notice: &NoticeTo) -> Message<'_> {
    let summary = Summary {
        standing: Standing::Notice,
        key: Some(notice.key),
        station: None,
        link: None,
        sender: Some(notice.from),
        control: notice.control,
        isn: Number::SWITCH,
        bytes: u32::try_from(notice.body.len()).unwrap_or(u32::MAX),
        copies: vec![copy(&notice.copy)],
    };
    Message { at: notice.at.0, msn: None, summary, body: &notice.body }
}

fn copy(copy: &CopyTo) -> CopySummary {
    let CopyTo { delivery, osn, station, destination, .. } = *copy;
    CopySummary { delivery: Delivery::from_number(delivery.number()), osn, station, destination, fate: Fate::Waiting }
}
