//! What the center is told, and what it wants done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::record::Facts;

/// Microseconds since 1970, UTC, by a clock that never goes back while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Moment(pub u64);

/// An inquiry: the number of the record that took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InquiryId(pub u64);

/// What is asked over the network. The driver numbers its sources: NCIC, III, each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(pub u16);

/// How a center works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Kinds of answers that go out without a technician, by the driver's numbers for them.
    pub automatic: BTreeSet<u8>,
    /// How long a source has before the answer goes without it, in microseconds, unless it has a deadline of its own.
    pub deadline: u64,
    /// How long those sources have that have a deadline of their own, in microseconds.
    pub deadlines: BTreeMap<Source, u64>,
    /// How long after the inquiry a late source still makes a supplementary answer, in microseconds.
    pub late: u64,
    /// How long a delivery that comes again is known after its inquiry was taken, in microseconds.
    pub remember: u64,
}

impl Default for Config {
    /// Nothing goes out by itself but the acknowledgement; 5 s for a source, an hour for a late one, a week of memory: a
    /// switch remembers a sender's message for a day.
    fn default() -> Self {
        const SECOND: u64 = 1_000_000;
        Self {
            automatic: BTreeSet::new(),
            deadline: 5 * SECOND,
            deadlines: BTreeMap::new(),
            late: 3_600 * SECOND,
            remember: 7 * 86_400 * SECOND,
        }
    }
}

impl Config {
    /// How long that source has, in microseconds.
    #[must_use]
    pub fn deadline_of(&self, source: Source) -> u64 {
        self.deadlines.get(&source).copied().unwrap_or(self.deadline)
    }
}

/// A message as it goes to the switch, the same each time.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The center's number for it: with the bytes, what the switch knows a repeat by. Zero if it has none.
    pub validation: u32,
    /// All of it.
    pub bytes: Bytes,
}

/// A message is about a person.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing {{ validation: {}, {} bytes }}", self.validation, self.bytes.len())
    }
}

/// Which message of an inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Part {
    /// What a computer says at once.
    Acknowledgement = 0,
    /// The answer.
    Answer = 1,
    /// The answer's copy to the field office of the requester's area.
    Copy = 2,
    /// What sources gave that were late.
    Supplement = 3,
    /// The supplement's copy to the field office.
    SupplementCopy = 4,
}

impl Part {
    pub(crate) const ALL: [Self; 5] =
        [Self::Acknowledgement, Self::Answer, Self::Copy, Self::Supplement, Self::SupplementCopy];

    /// Its number in records.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// What became of asking a source.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It answered: the driver's own writing of what.
    Gave(Bytes),
    /// It said that it cannot, or what it said cannot be read.
    Failed,
    /// It did not answer in time. It may still.
    Late,
}

/// What a source says is about a person.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gave(bytes) => write!(f, "Gave({} bytes)", bytes.len()),
            Self::Failed => f.write_str("Failed"),
            Self::Late => f.write_str("Late"),
        }
    }
}

/// What was composed for an inquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The driver's number for the kind of answer: what [`Config::automatic`] lists.
    pub kind: u8,
    /// To the requester.
    pub message: Outgoing,
    /// To the field office of the requester's area, if there is one.
    pub copy: Option<Outgoing>,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// The switch delivered an inquiry, perhaps not for the first time.
    Delivered {
        /// The switch's number of the delivery: the same each time.
        delivery: u32,
        /// Of what is the same each time in the message.
        fingerprint: u64,
        /// The message.
        message: Bytes,
        /// What the queue goes by, and what is asked.
        facts: Facts,
        /// Its acknowledgement.
        acknowledgement: Outgoing,
    },
    /// A source came to an end with an inquiry, in time or late.
    Gave {
        /// Which.
        inquiry: InquiryId,
        /// Who.
        source: Source,
        /// With what. `Late` is the center's own word and is passed over.
        outcome: Outcome,
    },
    /// What [`Action::Compose`] asked for.
    Wrote {
        /// Which.
        inquiry: InquiryId,
        /// [`Part::Answer`] or [`Part::Supplement`]; others are passed over.
        part: Part,
        /// What.
        written: Written,
    },
    /// Records are durable up to this one.
    Stored {
        /// Its number.
        through: u64,
    },
    /// The switch has taken a message, or refused it for good: it is not sent again.
    Settled {
        /// Of which inquiry.
        inquiry: InquiryId,
        /// Which message.
        part: Part,
        /// False if it was refused.
        taken: bool,
    },
    /// A technician acts.
    Command {
        /// Who.
        who: String,
        /// On which inquiry.
        inquiry: InquiryId,
        /// What.
        command: Command,
    },
    /// The moment of [`crate::Center::poll_timeout`] has come.
    Timeout,
}

/// What a technician wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// To work on it, alone.
    Take,
    /// To work on it no more; it waits again.
    HandBack,
    /// To see what was found, and what would be answered.
    Look,
    /// That this would be answered, instead of what was written before.
    Write(Act, Written),
    /// That it is answered with what was written.
    Answer,
}

/// What a technician did, as it stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Act {
    /// Took it.
    Took = 0,
    /// Handed it back.
    HandedBack = 1,
    /// Had it answered with what was written.
    Answered = 2,
    /// Wrote another text.
    Edited = 3,
    /// Said which record is the subject's.
    Chose = 4,
    /// Wrote that more has to be known.
    AskedMore = 5,
    /// Looked at what was found.
    Looked = 6,
}

impl Act {
    /// All acts, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Took, Self::HandedBack, Self::Answered, Self::Edited, Self::Chose, Self::AskedMore, Self::Looked];

    /// A word for audits.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Took => "took",
            Self::HandedBack => "handed back",
            Self::Answered => "answered",
            Self::Edited => "edited",
            Self::Chose => "chose",
            Self::AskedMore => "asked for more",
            Self::Looked => "looked",
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|act| *act as u8 == number)
    }
}

/// Why a technician's command changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// There is no such open inquiry.
    #[error("no open inquiry has this number")]
    Unknown,
    /// It does not wait for a technician: its sources are still asked, or it is answered.
    #[error("the inquiry does not wait for a technician")]
    NotWaiting,
    /// Somebody else works on it.
    #[error("somebody else works on it")]
    Others,
    /// Nobody has taken it.
    #[error("take it first")]
    NotTaken,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Append a record to the log. Numbers have no gaps.
    Store {
        /// Its number.
        sequence: u64,
        /// Its kind.
        kind: u8,
        /// Its bytes.
        payload: Bytes,
    },
    /// Acknowledge every delivery with that number that the switch is owed an answer for.
    Acknowledge {
        /// The switch's number.
        delivery: u32,
        /// The message's, as given.
        fingerprint: u64,
    },
    /// Ask a source. After a crash it may be asked again.
    Ask {
        /// For which inquiry.
        inquiry: InquiryId,
        /// Whom.
        source: Source,
    },
    /// Compose the answer, or the supplement, from what [`crate::Center::inquiry`] shows.
    Compose {
        /// Of which inquiry.
        inquiry: InquiryId,
        /// Which.
        part: Part,
    },
    /// Send a message until the switch has taken it or refused it for good.
    Send {
        /// Of which inquiry.
        inquiry: InquiryId,
        /// Which.
        part: Part,
        /// What.
        message: Outgoing,
    },
    /// A technician's command is done, and durable, or denied.
    Reply {
        /// Whose.
        who: String,
        /// On which inquiry.
        inquiry: InquiryId,
        /// What came of it.
        result: Result<(), Denial>,
    },
}
