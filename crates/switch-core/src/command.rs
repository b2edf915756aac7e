//! What an operator tells the switch to do, and what the switch answers.
//!
//! An answer comes once the record of the act is durable; what is refused leaves a record too. Whoever drives the switch has
//! seen to it that the operator is who they say and may do that.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use codec::dictionary::Dictionary;
use codec::name::{MessageKey, Ori, StationName};

use crate::event::{Delivery, Msn, Sequence};
use crate::network::{DestinationState, Network};

/// What an answer belongs to; the driver's own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Request(pub u64);

/// Something that an operator may tell the switch to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Send nothing to a station, though its links stay. What waits, waits: its hold goes on.
    Hold {
        /// Which.
        station: StationName,
    },
    /// Send to a station again.
    Release {
        /// Which.
        station: StationName,
    },
    /// Send to another station what waits and what comes for one. What the switch itself answers stays.
    Divert {
        /// Whose messages.
        from: StationName,
        /// Who gets them.
        to: StationName,
    },
    /// End a diversion. What was diverted and still waits comes back.
    Undivert {
        /// Whose messages.
        from: StationName,
    },
    /// Set what happens to messages for a station.
    SetState {
        /// The destination.
        station: StationName,
        /// For messages of that key; none: of every key but SM and ER that has no state of its own.
        key: Option<MessageKey>,
        /// What happens to them; none: what the configuration says.
        state: Option<DestinationState>,
    },
    /// Send an accepted message again, as new copies with numbers of their own.
    SendAgain {
        /// Its number.
        msn: Msn,
        /// Only to this station, or to what was written as this address; none: to all that it went to.
        to: Option<StationName>,
        /// The record that holds it.
        original: Original,
    },
    /// Send a dead letter again: as it was, to the destination that did not get it; or changed, as a new message that its
    /// sender's station might have sent, by all rules of admission.
    ResendLetter {
        /// Which copy it was.
        delivery: Delivery,
        /// The whole message as the operator changed it.
        text: Option<Bytes>,
        /// The record that holds it.
        original: Original,
    },
    /// Take a dead letter off the list. The journal keeps its record.
    DiscardLetter {
        /// Which copy it was.
        delivery: Delivery,
    },
    /// Let the configuration alone say what an agency is.
    ForgetEntry {
        /// Which.
        ori: Ori,
    },
    /// Take nothing new: senders are told to come again. What waits goes out.
    Drain,
    /// Take messages again.
    Undrain,
    /// Go on with another configuration.
    Reload(Reload),
}

/// A record that was read from the journal for a command.
#[derive(Clone, PartialEq, Eq)]
pub struct Original {
    /// Its place.
    pub sequence: Sequence,
    /// Its kind.
    pub kind: u8,
    /// Its payload.
    pub record: Bytes,
}

/// Its length alone.
impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Original({}, {} bytes)", self.sequence.0, self.record.len())
    }
}

/// Another configuration: checked, and arranged by [`crate::Switch::order`].
#[derive(Clone)]
pub struct Reload {
    /// The network.
    pub network: Arc<Network>,
    /// The dictionary.
    pub dictionary: Arc<Dictionary>,
    /// What is different, for the journal.
    pub changes: String,
    /// Whether what contradicts it is dropped; else it is refused.
    pub drop_contradicted: bool,
}

/// The same one, not one that says the same.
impl PartialEq for Reload {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.network, &other.network) && self.drop_contradicted == other.drop_contradicted
    }
}

impl Eq for Reload {}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reload({})", self.changes)
    }
}

impl Command {
    /// Its word, for metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Hold { .. } => "hold",
            Self::Release { .. } => "release",
            Self::Divert { .. } => "divert",
            Self::Undivert { .. } => "undivert",
            Self::SetState { .. } => "state",
            Self::SendAgain { .. } => "resend",
            Self::ResendLetter { .. } => "letter-resend",
            Self::DiscardLetter { .. } => "letter-discard",
            Self::ForgetEntry { .. } => "directory-drop",
            Self::Drain => "drain",
            Self::Undrain => "undrain",
            Self::Reload(_) => "reload",
        }
    }
}

/// As the journal tells it: without any text of a message.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold { station } => write!(f, "hold {station}"),
            Self::Release { station } => write!(f, "release {station}"),
            Self::Divert { from, to } => write!(f, "divert {from} to {to}"),
            Self::Undivert { from } => write!(f, "undivert {from}"),
            Self::SetState { station, key, state } => {
                let state = state.map_or("as configured", DestinationState::as_str);
                match key {
                    Some(key) => write!(f, "set {station} {state} for {key}"),
                    None => write!(f, "set {station} {state}"),
                }
            }
            Self::SendAgain { msn, to: Some(to), .. } => write!(f, "send message {} again to {to}", msn.0),
            Self::SendAgain { msn, to: None, .. } => write!(f, "send message {} again", msn.0),
            Self::ResendLetter { delivery, text, .. } => {
                let how = if text.is_some() { "changed" } else { "as it was" };
                write!(f, "send letter {} again, {how}", delivery.number())
            }
            Self::DiscardLetter { delivery } => write!(f, "discard letter {}", delivery.number()),
            Self::ForgetEntry { ori } => write!(f, "drop what was changed of {ori} in the directory"),
            Self::Drain => f.write_str("drain"),
            Self::Undrain => f.write_str("undrain"),
            Self::Reload(_) => f.write_str("reload"),
        }
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It was done, and that is durable.
    Done(Done),
    /// It was not done. That stands in the journal too, unless nothing can be stored.
    Denied(Denial),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// In a sentence, without its full stop.
    pub what: String,
    /// What undoes it, where something does.
    pub undo: Option<Command>,
    /// The number of the message that came of it.
    pub msn: Option<Msn>,
    /// How many copies were made, moved or let go.
    pub copies: usize,
    /// The record that tells of it.
    pub record: Sequence,
}

/// Why a command was not carried out: each a sentence for the operator, without its full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// It names something that is not there.
    #[error("{0}")]
    Unknown(String),
    /// It does not fit what is.
    #[error("{0}")]
    Conflict(String),
    /// The message would be answered with an ER.
    #[error("the message would be refused with ER {number:02}")]
    Refused {
        /// Its number.
        number: u8,
        /// The text that its sender would get.
        text: Bytes,
    },
    /// Nothing can be stored just now.
    #[error("nothing can be stored now, so nothing is done; try again when the journal has room")]
    NotDurable,
}
