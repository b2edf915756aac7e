//! What goes in and out of a session besides bytes and time.

use std::fmt;
use std::num::NonZeroU32;

use bytes::Bytes;
use codec::block::{FrameError, Status};
use codec::fox;
use thiserror::Error;

/// A message to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The owner's number of it; [`Event::Delivered`] and [`Event::Failed`] bear it. Never read by the session.
    pub id: u64,
    /// What the peer knows it by: the same each time that this message is sent, on this link or a later one.
    pub validation: NonZeroU32,
    /// The message, sent to the byte as it is here.
    pub bytes: Bytes,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, validation, bytes } = self;
        write!(f, "Outgoing {{ id: {id}, validation: {validation}, {} bytes }}", bytes.len())
    }
}

/// One received message that waits to be accepted or refused. Never used twice by a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub(crate) u64);

impl Token {
    /// The number of it, for an owner that keeps numbers.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The token of that number. One that this session never gave is ignored.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// Why a received message is not taken: the negative acknowledgement that its sender gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Not now, as while the store is full: status 0012, the sender tries again.
    Temporary,
    /// Never: status 0011.
    Permanent,
    /// More than may be sent without an acknowledgement: status 0013, the sender slows down and tries again.
    TooMany,
    /// Longer than is taken: status 0014.
    TooLong,
}

impl Refusal {
    pub(crate) const fn status(self) -> Status {
        match self {
            Self::Temporary => Status::TEMPORARY,
            Self::Permanent => Status::PERMANENT,
            Self::TooMany => Status::TOO_MANY,
            Self::TooLong => Status::TOO_LONG,
        }
    }
}

/// What this end says of itself when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Readiness {
    /// Status 0021.
    #[default]
    Ready,
    /// Here, but nothing can be taken: status 0022.
    NotReady,
    /// About to leave: status 0023.
    GoingDown,
}

impl Readiness {
    pub(crate) const fn status(self) -> Status {
        match self {
            Self::Ready => Status::READY,
            Self::NotReady => Status::NOT_READY,
            Self::GoingDown => Status::GOING_DOWN,
        }
    }
}

/// What a session tells its owner, each once.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole message came. The owner accepts it once it is durable, or refuses it, once; that is the peer's
    /// acknowledgement if it asked for one.
    Received {
        /// For [`Session::accept`](crate::Session::accept) and [`Session::refuse`](crate::Session::refuse).
        token: Token,
        /// The sender's number of the message; zero if it gives none.
        validation: u32,
        /// The message. If it came in one block, a slice of the buffer it was read into.
        bytes: Bytes,
    },
    /// The peer has acknowledged a message.
    Delivered {
        /// As in [`Outgoing::id`].
        id: u64,
    },
    /// The peer will not take a message, and asking again is no use. It is the owner's again.
    Failed {
        /// As in [`Outgoing::id`].
        id: u64,
        /// What the peer said.
        why: Failure,
    },
    /// How many more messages the window takes now; said when that has changed. More than that wait inside.
    Room {
        /// The number of messages, zero while the peer is not ready.
        messages: usize,
    },
    /// The peer takes messages again.
    Ready,
    /// The peer takes no messages for now: what is sent and unanswered stands still, timers included.
    NotReady,
    /// The conversation is over; nothing follows. The owner writes out what
    /// [`Session::transmit`](crate::Session::transmit) still gives and closes the connection. Messages neither
    /// delivered nor failed are the owner's again.
    Closed {
        /// Why.
        why: CloseReason,
    },
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Received { token, validation, bytes } => {
                write!(f, "Received {{ {token:?}, validation: {validation}, {} bytes }}", bytes.len())
            }
            Self::Delivered { id } => write!(f, "Delivered {{ id: {id} }}"),
            Self::Failed { id, why } => write!(f, "Failed {{ id: {id}, why: {why:?} }}"),
            Self::Room { messages } => write!(f, "Room {{ messages: {messages} }}"),
            Self::Ready => f.write_str("Ready"),
            Self::NotReady => f.write_str("NotReady"),
            Self::Closed { why } => write!(f, "Closed {{ why: {why:?} }}"),
        }
    }
}

/// Why a message will never be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Failure {
    /// The peer's negative acknowledgement bore a status that does not pass by itself: 0011, 0014, or one that is not
    /// known for temporary.
    #[error("refused for good: {0}")]
    Permanent(Status),
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum CloseReason {
    /// The bytes that came are no blocks.
    #[error("the stream is no longer trusted")]
    Frame(#[source] FrameError),
    /// The bytes that came are no Foxtalk frames.
    #[error("the stream is no longer trusted")]
    FoxFrame(#[source] fox::FrameError),
    /// A data block of another validation came in the middle of a message.
    #[error("a block of another message in the middle of one")]
    Interleaved,
    /// A message was sent as often as allowed and never answered.
    #[error("a message was not acknowledged, however often it was sent")]
    Unacknowledged {
        /// As in [`Outgoing::id`].
        id: u64,
    },
    /// Status requests were not answered.
    #[error("status requests were not answered")]
    Unanswered,
    /// Nothing arrived for too long.
    #[error("nothing arrived for too long")]
    Silent,
    /// A block began to arrive and did not end in time.
    #[error("a block did not end in time")]
    Unfinished,
}
