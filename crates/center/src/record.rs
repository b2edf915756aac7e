//! What the center writes into its journal: one record for each thing that must outlive a crash.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::event::{Act, InquiryId, Moment, Outcome, Outgoing, Part, Source, Written};
use crate::layout::{Input, put_bytes, put_outgoing};

/// The kinds of records, by the number that the journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// An inquiry with its acknowledgement.
    Taken = 1,
    /// What became of asking a source.
    Source = 2,
    /// An answer that waits for a technician.
    Draft = 3,
    /// An answer or a supplement that is to be sent.
    Final = 4,
    /// The switch has taken a message, or refused it for good.
    Settled = 5,
    /// A technician's act.
    Act = 6,
}

/// What the queue goes by, and whom to ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The subject is in custody: first in the queue.
    pub custody: bool,
    /// Purpose F: next in the queue.
    pub firearms: bool,
    /// Who is asked over the network; at most 255 are kept.
    pub sources: Vec<Source>,
}

/// An inquiry as it was taken.
#[derive(Clone, PartialEq, Eq)]
pub struct Taken {
    /// When.
    pub at: Moment,
    /// The switch's number of the delivery.
    pub delivery: u32,
    /// Of what is the same each time in the message.
    pub fingerprint: u64,
    /// What the queue goes by, and whom to ask.
    pub facts: Facts,
    /// The message.
    pub message: Bytes,
    /// Its acknowledgement.
    pub acknowledgement: Outgoing,
}

/// An inquiry is about a person.
impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Taken")
            .field("at", &self.at)
            .field("delivery", &self.delivery)
            .field("facts", &self.facts)
            .field("message_bytes", &self.message.len())
            .finish_non_exhaustive()
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An inquiry; the record's number is the inquiry's.
    Taken(Taken),
    /// What became of asking a source.
    Source {
        /// For which inquiry.
        inquiry: InquiryId,
        /// Whom.
        source: Source,
        /// What.
        outcome: Outcome,
    },
    /// An answer that waits for a technician.
    Draft {
        /// Of which inquiry.
        inquiry: InquiryId,
        /// What was composed.
        written: Written,
    },
    /// An answer or a supplement, before it is sent.
    Final {
        /// Of which inquiry.
        inquiry: InquiryId,
        /// Which of the two.
        part: Part,
        /// When.
        at: Moment,
        /// What.
        written: Written,
    },
    /// A message that is not sent again.
    Settled {
        /// Of which inquiry.
        inquiry: InquiryId,
        /// Which.
        part: Part,
        /// False if the switch refused it for good.
        taken: bool,
    },
    /// The audit line of a technician's act. An answer's `Final` follows it in the same commit or a later one.
    Act {
        /// On which inquiry.
        inquiry: InquiryId,
        /// When.
        at: Moment,
        /// Who.
        who: String,
        /// What.
        act: Act,
    },
}

/// Bytes that are no record of the center.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no record of the center: {0}")]
pub struct RecordError(pub(crate) &'static str);

impl Record {
    /// Its kind, as the journal keeps it beside the bytes.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Taken(_) => Kind::Taken,
            Self::Source { .. } => Kind::Source,
            Self::Draft { .. } => Kind::Draft,
            Self::Final { .. } => Kind::Final,
            Self::Settled { .. } => Kind::Settled,
            Self::Act { .. } => Kind::Act,
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut to = BytesMut::new();
        match self {
            Self::Taken(Taken { at, delivery, fingerprint, facts, message, acknowledgement }) => {
                to.put_u64_le(at.0);
                to.put_u32_le(*delivery);
                to.put_u64_le(*fingerprint);
                to.put_u8(facts.custody.into());
                to.put_u8(facts.firearms.into());
                to.put_u8(u8::try_from(facts.sources.len()).unwrap_or(u8::MAX));
                for source in facts.sources.iter().take(u8::MAX.into()) {
                    to.put_u16_le(source.0);
                }
                put_bytes(&mut to, message);
                put_outgoing(&mut to, acknowledgement);
            }
            Self::Source { inquiry, source, outcome } => {
                to.put_u64_le(inquiry.0);
                to.put_u16_le(source.0);
                match outcome {
                    Outcome::Gave(bytes) => {
                        to.put_u8(0);
                        put_bytes(&mut to, bytes);
                    }
                    Outcome::Failed => to.put_u8(1),
                    Outcome::Late => to.put_u8(2),
                }
            }
            Self::Draft { inquiry, written } => {
                to.put_u64_le(inquiry.0);
                put_written(&mut to, written);
            }
            Self::Final { inquiry, part, at, written } => {
                to.put_u64_le(inquiry.0);
                to.put_u8(part.number());
                to.put_u64_le(at.0);
                put_written(&mut to, written);
            }
            Self::Settled { inquiry, part, taken } => {
                to.put_u64_le(inquiry.0);
                to.put_u8(part.number());
                to.put_u8((*taken).into());
            }
            Self::Act { inquiry, at, who, act } => {
                to.put_u64_le(inquiry.0);
                to.put_u64_le(at.0);
                to.put_u8(*act as u8);
                put_bytes(&mut to, who.as_bytes());
            }
        }
        to.freeze()
    }

    /// The record of that kind and those bytes.
    ///
    /// # Errors
    /// They are none that [`Self::encode`] gives.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, RecordError> {
        let mut from = Input(payload);
        let record = match kind {
            1 => Self::Taken(taken(&mut from)?),
            2 => {
                let (inquiry, source) = (InquiryId(from.u64()?), Source(from.u16()?));
                let outcome = match from.u8()? {
                    0 => Outcome::Gave(from.bytes()?),
                    1 => Outcome::Failed,
                    2 => Outcome::Late,
                    _ => return Err(RecordError("an outcome is unknown")),
                };
                Self::Source { inquiry, source, outcome }
            }
            3 => Self::Draft { inquiry: InquiryId(from.u64()?), written: written(&mut from)? },
            4 => Self::Final {
                inquiry: InquiryId(from.u64()?),
                part: part(&mut from)?,
                at: Moment(from.u64()?),
                written: written(&mut from)?,
            },
            5 => Self::Settled { inquiry: InquiryId(from.u64()?), part: part(&mut from)?, taken: from.flag()? },
            6 => {
                let (inquiry, at) = (InquiryId(from.u64()?), Moment(from.u64()?));
                let act = Act::from_number(from.u8()?).ok_or(RecordError("an act is unknown"))?;
                let who = String::from_utf8(from.bytes()?.to_vec()).map_err(|_| RecordError("a name is no text"))?;
                Self::Act { inquiry, at, who, act }
            }
            _ => return Err(RecordError("its kind is unknown")),
        };
        from.end()?;
        Ok(record)
    }
}

fn taken(from: &mut Input<'_>) -> Result<Taken, RecordError> {
    let (at, delivery, fingerprint) = (Moment(from.u64()?), from.u32()?, from.u64()?);
    let (custody, firearms, sources) = (from.flag()?, from.flag()?, from.u8()?);
    let sources = (0..sources).map(|_| from.u16().map(Source)).collect::<Result<_, _>>()?;
    let facts = Facts { custody, firearms, sources };
    Ok(Taken { at, delivery, fingerprint, facts, message: from.bytes()?, acknowledgement: from.outgoing()? })
}

fn put_written(to: &mut BytesMut, written: &Written) {
    to.put_u8(written.kind);
    put_outgoing(to, &written.message);
    to.put_u8(written.copy.is_some().into());
    if let Some(copy) = &written.copy {
        put_outgoing(to, copy);
    }
}

fn written(from: &mut Input<'_>) -> Result<Written, RecordError> {
    let (kind, message) = (from.u8()?, from.outgoing()?);
    let copy = if from.flag()? { Some(from.outgoing()?) } else { None };
    Ok(Written { kind, message, copy })
}

fn part(from: &mut Input<'_>) -> Result<Part, RecordError> {
    let number = from.u8()?;
    Part::ALL.into_iter().find(|part| part.number() == number).ok_or(RecordError("a part is unknown"))
}
