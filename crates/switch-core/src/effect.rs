//! What an accepted message or an operator's act changes besides copies.
//!
//! An effect is decided at admission and written into the record, so that whoever replays the journal never reads a
//! body again: a rule that changes later does not change what was decided. [`crate::Folds`] says what each means.

use std::fmt;

use bytes::Bytes;
use codec::name::{Control, MessageKey, Ori, StationName};
use codec::number::Number;
use codec::ofml::{self, Marks};
use codec::time::Timestamp;

use crate::event::{Delivery, Msn};
use crate::network::{DestinationState, OriConfig};
use crate::record::Received;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// An entry of the directory.
    Agency(AgencyChange),
    /// A help file.
    Help(HelpChange),
    /// The state of a destination.
    State(StateChange),
    /// A hit confirmation was asked for; it takes the place of an earlier request for the same.
    Asked(Confirmation),
    /// A hit confirmation was answered.
    Answered(ConfirmationId),
    /// A hit confirmation will be answered later.
    Extended {
        /// Which.
        id: ConfirmationId,
        /// When the answer is due now.
        due: Timestamp,
    },
    /// Nothing is sent to a station.
    Hold {
        /// Which.
        station: StationName,
    },
    /// A station is sent to again.
    Release {
        /// Which.
        station: StationName,
    },
    /// What is new for one station goes to another.
    Divert {
        /// Whose.
        from: StationName,
        /// Who gets it.
        to: StationName,
    },
    /// A station gets its own again.
    Undivert {
        /// Which.
        from: StationName,
    },
    /// A copy was made for the station that its own is diverted to.
    Diverted {
        /// Which copy.
        delivery: Delivery,
        /// Whose it would be.
        home: StationName,
    },
    /// A copy that waits has another receiver.
    Moved {
        /// Which copy.
        delivery: Delivery,
        /// Who gets it.
        station: StationName,
        /// Its count among what that station was sent.
        osn: Number,
    },
    /// A client marked a message: its answers get the marks back.
    Marked(Marked),
    /// A dead letter is dropped.
    LetterDiscarded {
        /// Which copy it was.
        delivery: Delivery,
    },
}

/// What a client that speaks OFML marked a message with (`protocol-specs/wire.md` 1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Who sent it, and gets the answers.
    pub station: StationName,
    /// What the answers are known by.
    pub control: Control,
    /// The marks.
    pub marks: Marks,
}

impl Marked {
    /// What an accepted message leaves; nothing if it is no OFML, or no answer could be known by its control field.
    pub(crate) fn of(reception: &Received) -> Option<Self> {
        let control = reception.control?;
        let marks = ofml::marks_of(&reception.message).filter(|marks| !marks.is_empty())?;
        Some(Self { station: reception.station, control, marks })
    }
}

/// A change of the directory's overlay (`protocol-specs/wire.md` 2.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgencyChange {
    /// The entry as it is now, in full.
    Put(OriConfig),
    /// There is no such entry any more, whatever the configuration says.
    Deleted(Ori),
    /// The configuration alone says it again.
    Forgotten(Ori),
}

impl AgencyChange {
    /// Which entry.
    #[must_use]
    pub fn ori(&self) -> Ori {
        match self {
            Self::Put(entry) => entry.ori,
            Self::Deleted(ori) | Self::Forgotten(ori) => *ori,
        }
    }
}

/// A change of a help file (`protocol-specs/wire.md` 2.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpChange {
    /// The address that asks for the file: `xxFFFHELP`.
    pub file: Ori,
    /// What is done.
    pub edit: HelpEdit,
}

/// What is done to a help file.
#[derive(Clone, PartialEq, Eq)]
pub enum HelpEdit {
    /// This is its text.
    Replace(Bytes),
    /// This comes behind its text.
    Append(Bytes),
    /// It is empty.
    Clear,
}

/// Its length alone: a text of somebody's belongs in no log.
impl fmt::Debug for HelpEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replace(text) => write!(f, "Replace({} bytes)", text.len()),
            Self::Append(text) => write!(f, "Append({} bytes)", text.len()),
            Self::Clear => f.write_str("Clear"),
        }
    }
}

/// A change of what happens to messages for a station (`protocol-specs/wire.md` 2.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateChange {
    /// The destination.
    pub station: StationName,
    /// For messages of that key; none: of every key but SM and ER that has no state of its own.
    pub key: Option<MessageKey>,
    /// What happens to them; none: what the configuration says.
    pub state: Option<DestinationState>,
}

/// What a hit confirmation is known by: who has to answer, who asked, in which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfirmationId {
    /// Who has to answer.
    pub asked: Ori,
    /// Who asked.
    pub asker: Ori,
    /// The YQ.
    pub msn: Msn,
}

/// A hit confirmation that was asked for (`protocol-specs/wire.md` 2.12).
#[derive(Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Which.
    pub id: ConfirmationId,
    /// The station of who asked.
    pub asker_station: StationName,
    /// The station of who has to answer.
    pub asked_station: StationName,
    /// The record of the file that was hit (NIC).
    pub record: String,
    /// The case of who entered it (OCA).
    pub case: String,
    /// The mark of the YQ, which the YR repeats.
    pub control: Option<Control>,
    /// The first, second or third request (RNO), 1 to 3.
    pub request: u8,
    /// Whether the answer is due in 10 minutes, and not in an hour (PRI).
    pub urgent: bool,
    /// When it was asked.
    pub at: Timestamp,
    /// When the answer is due.
    pub due: Timestamp,
}

/// Without what identifies a case or a record.
impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, request, urgent, due, .. } = self;
        write!(f, "Confirmation({id:?}, request {request}, urgent {urgent}, due {})", due.0)
    }
}
