//! Joins the peer's blocks to messages and keeps what its acknowledgements need (`protocol-specs/wire.md` 1.1).

use std::collections::BTreeMap;
use std::mem;

use bytes::Bytes;
use codec::block::{Block, DESTINATION, Function, Status};

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

/// What a data block leads to.
#[derive(Debug)]
pub(crate) enum Taken {
    Nothing,
    Reply(Block),
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

    /// A data block came. Data that asks for no acknowledgement gets neither a positive nor a negative one.
    pub(crate) fn handle_data(&mut self, block: Block, more: bool, ack: bool) -> Result<Taken, CloseReason> {
        let validation = block.validation();
        let so_far = match mem::take(&mut self.partial) {
            Partial::None => None,
            Partial::Collecting { validation: begun, bytes } if begun == validation => Some(bytes),
            Partial::Discarding { validation: begun } if begun == validation => {
                self.discard_rest(validation, more);
                return Ok(Taken::Nothing);
            }
            Partial::Collecting { .. } | Partial::Discarding { .. } => return Err(CloseReason::Interleaved),
        };
        let bytes_after = so_far.as_ref().map_or(0, Vec::len).saturating_add(block.data().len());
        let refused = if block.destination() != DESTINATION {
            Some(Status::BAD_DESTINATION)
        } else if bytes_after > self.message_bytes_max {
            Some(Status::TOO_LONG)
        } else {
            None
        };
        if let Some(status) = refused {
            self.discard_rest(validation, more);
            return Ok(reply(ack, Function::Nack, validation, status));
        }
        if more {
            let mut bytes = so_far.unwrap_or_default();
            append(&mut bytes, block.data(), self.message_bytes_max);
            self.partial = Partial::Collecting { validation, bytes };
            return Ok(reply(ack, Function::Ack, validation, Status::OK));
        }
        let bytes = match so_far {
            None => block.into_data(),
            Some(mut bytes) => {
                bytes.reserve_exact(block.data().len());
                bytes.extend_from_slice(block.data());
                Bytes::from(bytes)
            }
        };
        Ok(Taken::Received(self.received(validation, ack, bytes)))
    }

    /// The owner has a message safe; the acknowledgement that goes out, if one was asked for.
    pub(crate) fn accept(&mut self, token: Token) -> Option<Block> {
        self.settle(token, Function::Ack, Status::OK)
    }

    /// The owner does not take a message; the negative acknowledgement that goes out, if one was asked for.
    pub(crate) fn refuse(&mut self, token: Token, why: Refusal) -> Option<Block> {
        self.settle(token, Function::Nack, why.status())
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

    fn settle(&mut self, token: Token, function: Function, status: Status) -> Option<Block> {
        let Unaccepted { validation, ack, bytes } = self.unaccepted.remove(&token)?;
        self.unaccepted_bytes = self.unaccepted_bytes.saturating_sub(bytes);
        ack.then(|| Block::without_data(function, validation, status))
    }

    fn discard_rest(&mut self, validation: u32, more: bool) {
        self.partial = if more { Partial::Discarding { validation } } else { Partial::None };
    }
}

fn reply(ack: bool, function: Function, validation: u32, status: Status) -> Taken {
    if ack { Taken::Reply(Block::without_data(function, validation, status)) } else { Taken::Nothing }
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
