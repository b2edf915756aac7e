//! Joins the peer's pieces to messages and keeps what its acknowledgements need (`protocol-specs/wire.md` 1.1, 1.2).

use std::collections::BTreeMap;
use std::mem;

use bytes::Bytes;
use codec::block::Status;

use crate::event::{CloseReason, Event, Refusal, Token};

/// The receiving half. It holds at most one message that is not whole yet, of at most `message_bytes_max` bytes.
#[derive(Debug)]
pub(crate) struct Receiving {
    message_bytes_max: usize,
    partial: Partial,
    next_token: u64,
    unaccepted: BTreeMap<Token, Unaccepted>,
    unaccepted_bytes: usize,
}

/// The message whose final block has not come yet.
#[derive(Default)]
enum Partial {
    #[default]
    None,
    Collecting {
        validation: u32,
        bytes: Vec<u8>,
    },
    /// It was refused; the rest of its blocks, through the final one, is nothing.
    Discarding {
        validation: u32,
    },
}

/// A whole message that its owner has neither accepted nor refused.
#[derive(Debug)]
struct Unaccepted {
    validation: u32,
    /// The final block asked for an acknowledgement.
    ack: bool,
    bytes: usize,
}

/// A piece of a message, as it came in one block or frame.
pub(crate) struct Data {
    /// The sender's number of the message.
    pub(crate) validation: u32,
    pub(crate) bytes: Bytes,
    /// It is for this end of the link.
    pub(crate) here: bool,
    /// Further pieces of the message follow.
    pub(crate) more: bool,
    /// The sender wants it acknowledged.
    pub(crate) ack: bool,
}

/// What the peer is answered about a message or a piece of one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// The peer's number of the message.
    pub(crate) validation: u32,
    pub(crate) status: Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A piece has arrived; the message is not whole yet.
    Arrived,
    /// The message is safe.
    Safe,
    /// Not taken.
    Refused,
}

/// What a piece leads to.
#[derive(Debug)]
pub(crate) enum Taken {
    Nothing,
    Reply(Answer),
    Received(Event),
}

impl Receiving {
    pub(crate) const fn new(message_bytes_max: usize) -> Self {
        Self {
            message_bytes_max,
            partial: Partial::None,
            next_token: 0,
            unaccepted: BTreeMap::new(),
            unaccepted_bytes: 0,
        }
    }

    /// A piece came. One that asks for no acknowledgement gets neither a positive nor a negative one.
    pub(crate) fn handle_data(&mut self, data: Data) -> Result<Taken, CloseReason> {
        let Data { validation, bytes: piece, here, more, ack } = data;
        let so_far = match mem::take(&mut self.partial) {
            Partial::None => None,
            Partial::Collecting { validation: begun, bytes } if begun == validation => Some(bytes),
            Partial::Discarding { validation: begun } if begun == validation => {
                self.discard_rest(validation, more);
                return Ok(Taken::Nothing);
            }
            Partial::Collecting { .. } | Partial::Discarding { .. } => return Err(CloseReason::Interleaved),
        };
        let bytes_after = so_far.as_ref().map_or(0, Vec::len).saturating_add(piece.len());
        let refused = if !here {
            Some(Status::BAD_DESTINATION)
        } else if bytes_after > self.message_bytes_max {
            Some(Status::TOO_LONG)
        } else {
            None
        };
        if let Some(status) = refused {
            self.discard_rest(validation, more);
            return Ok(reply(ack, Verdict::Refused, validation, status));
        }
        if more {
            let mut bytes = so_far.unwrap_or_default();
            append(&mut bytes, &piece, self.message_bytes_max);
            self.partial = Partial::Collecting { validation, bytes };
            return Ok(reply(ack, Verdict::Arrived, validation, Status::OK));
        }
        let bytes = match so_far {
            None => piece,
            Some(mut bytes) => {
                bytes.reserve_exact(piece.len());
                bytes.extend_from_slice(&piece);
                Bytes::from(bytes)
            }
        };
        Ok(Taken::Received(self.received(validation, ack, bytes)))
    }

    /// The owner has a message safe; the acknowledgement that goes out, if one was asked for.
    pub(crate) fn accept(&mut self, token: Token) -> Option<Answer> {
        self.settle(token, Verdict::Safe, Status::OK)
    }

    /// The owner does not take a message; the negative acknowledgement that goes out, if one was asked for.
    pub(crate) fn refuse(&mut self, token: Token, why: Refusal) -> Option<Answer> {
        self.settle(token, Verdict::Refused, why.status())
    }

    pub(crate) fn unaccepted(&self) -> (usize, usize) {
        (self.unaccepted.len(), self.unaccepted_bytes)
    }

    pub(crate) fn partial_bytes(&self) -> usize {
        match &self.partial {
            Partial::Collecting { bytes, .. } => bytes.capacity(),
            Partial::None | Partial::Discarding { .. } => 0,
        }
    }

    fn received(&mut self, validation: u32, ack: bool, bytes: Bytes) -> Event {
        let token = Token(self.next_token);
        self.next_token = self.next_token.saturating_add(1);
        self.unaccepted_bytes = self.unaccepted_bytes.saturating_add(bytes.len());
        self.unaccepted.insert(token, Unaccepted { validation, ack, bytes: bytes.len() });
        Event::Received { token, validation, bytes }
    }

    fn settle(&mut self, token: Token, verdict: Verdict, status: Status) -> Option<Answer> {
        let Unaccepted { validation, ack, bytes } = self.unaccepted.remove(&token)?;
        self.unaccepted_bytes = self.unaccepted_bytes.saturating_sub(bytes);
        ack.then_some(Answer { verdict, validation, status })
    }

    fn discard_rest(&mut self, validation: u32, more: bool) {
        self.partial = if more { Partial::Discarding { validation } } else { Partial::None };
    }
}

const fn reply(ack: bool, verdict: Verdict, validation: u32, status: Status) -> Taken {
    if ack { Taken::Reply(Answer { verdict, validation, status }) } else { Taken::Nothing }
}

/// Appends without ever holding more memory than the longest message needs: a vector left to itself would double past
/// it.
fn append(bytes: &mut Vec<u8>, data: &[u8], bytes_max: usize) {
    let needed = bytes.len().saturating_add(data.len());
    if needed > bytes.capacity() {
        let capacity = bytes.capacity().saturating_mul(2).min(bytes_max).max(needed);
        bytes.reserve_exact(capacity.saturating_sub(bytes.len()));
    }
    bytes.extend_from_slice(data);
}

impl std::fmt::Debug for Partial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Collecting { validation, bytes } => write!(f, "Collecting({validation}, {} bytes)", bytes.len()),
            Self::Discarding { validation } => write!(f, "Discarding({validation})"),
        }
    }
}
