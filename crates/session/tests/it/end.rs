//! One session on virtual time, with the peer's blocks made by hand.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use codec::block::{Block, Blocks, Deframer, Function, Status};
use codec::time::Tick;
use session::{Config, Event, Outgoing, Role, Session, Token};

/// A session and all that it said, each block with the time of its write.
pub(crate) struct End {
    pub(crate) session: Session,
    pub(crate) now: Tick,
    buffer: BytesMut,
    output: BytesMut,
    deframer: Deframer,
    said: Vec<(Tick, Block)>,
    events: Vec<Event>,
    room: Option<usize>,
    tokens: BTreeMap<u32, Token>,
}

impl End {
    pub(crate) fn new(role: Role) -> Self {
        Self::with(Config::new(role))
    }

    pub(crate) fn with(config: Config) -> Self {
        // Not zero: nothing may depend on when the clock began.
        let now = Tick(77_000_000);
        let mut end = Self {
            session: Session::new(config, now),
            now,
            buffer: BytesMut::new(),
            output: BytesMut::new(),
            deframer: Deframer::new(),
            said: Vec::new(),
            events: Vec::new(),
            room: None,
            tokens: BTreeMap::new(),
        };
        end.settle();
        end
    }

    /// The peer sends these blocks.
    pub(crate) fn give(&mut self, blocks: impl IntoIterator<Item = Block>) {
        let mut bytes = BytesMut::new();
        blocks.into_iter().for_each(|block| block.encode(&mut bytes));
        self.give_bytes(&bytes);
    }

    /// The peer sends these bytes.
    pub(crate) fn give_bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.session.handle_bytes(self.now, &mut self.buffer);
        self.settle();
    }

    /// The owner sends a message whose id is its validation.
    pub(crate) fn send(&mut self, validation: u32, bytes: impl Into<Bytes>) {
        self.session.send(outgoing(validation, bytes));
        self.settle();
    }

    /// The owner accepts the message of a validation.
    pub(crate) fn accept(&mut self, validation: u32) {
        let token = self.token(validation);
        self.session.accept(token);
        self.settle();
    }

    /// The token of the last message received under a validation.
    pub(crate) fn token(&self, validation: u32) -> Token {
        self.tokens[&validation]
    }

    /// Lets time pass, from deadline to deadline.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            assert!(due >= self.now, "a deadline in the past: {due:?} at {:?}", self.now);
            self.now = due;
            self.session.handle_timeout(due);
            self.settle();
            assert!(self.session.poll_timeout().is_none_or(|next| next > due), "a deadline that nothing is done about");
        }
        self.now = end;
        self.session.handle_timeout(end);
        self.settle();
    }

    /// Answers each status request as it comes while time passes.
    pub(crate) fn wait_answering(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.now < end {
            self.wait(Duration::from_secs(1).min(end.since(self.now)));
            if self.said.iter().any(|(_, block)| block.function() == Function::StatusRequest) {
                self.said.retain(|(_, block)| block.function() != Function::StatusRequest);
                self.give([response(0, Status(0x0021))]);
            }
        }
    }

    /// What was written since the last call.
    pub(crate) fn said(&mut self) -> Vec<Block> {
        self.said_when().into_iter().map(|(_, block)| block).collect()
    }

    /// The same with the microsecond of each write, counted from the first tick of the test.
    pub(crate) fn said_when(&mut self) -> Vec<(u64, Block)> {
        std::mem::take(&mut self.said).into_iter().map(|(at, block)| (at.0 - 77_000_000, block)).collect()
    }

    /// What was told since the last call, but for the room.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The room last told.
    pub(crate) const fn room(&self) -> Option<usize> {
        self.room
    }

    fn settle(&mut self) {
        loop {
            let before = self.output.len();
            self.session.transmit(self.now, &mut self.output);
            let more = self.output.len() > before;
            while let Some(block) = self.deframer.next(&mut self.output).unwrap() {
                self.said.push((self.now, block));
            }
            assert!(self.output.is_empty(), "whole blocks are transmitted");
            if !more {
                break;
            }
        }
        while let Some(event) = self.session.poll_event() {
            if let Event::Room { messages } = event {
                assert_ne!(self.room, Some(messages), "only changes are told");
                self.room = Some(messages);
                continue;
            }
            if let Event::Received { token, validation, .. } = event {
                self.tokens.insert(validation, token);
            }
            self.events.push(event);
        }
    }
}

pub(crate) fn outgoing(validation: u32, bytes: impl Into<Bytes>) -> Outgoing {
    Outgoing { id: u64::from(validation), validation: NonZeroU32::new(validation).unwrap(), bytes: bytes.into() }
}

pub(crate) fn ack(validation: u32) -> Block {
    Block::without_data(Function::Ack, validation, Status::OK)
}

pub(crate) fn nack(validation: u32, status: u16) -> Block {
    Block::without_data(Function::Nack, validation, Status(status))
}

pub(crate) fn request(validation: u32) -> Block {
    Block::without_data(Function::StatusRequest, validation, Status::NONE)
}

pub(crate) fn response(validation: u32, status: Status) -> Block {
    Block::without_data(Function::StatusResponse, validation, status)
}

/// A data block with one of the codes 0001 to 0004.
pub(crate) fn data(code: u16, validation: u32, bytes: impl Into<Bytes>) -> Block {
    Block::with_data(Function::from_code(code), validation, bytes.into()).unwrap()
}

/// The blocks of a message, as a session sends them.
pub(crate) fn blocks(validation: u32, bytes: impl Into<Bytes>) -> Vec<Block> {
    Blocks::new(validation, bytes.into()).collect()
}

/// A message body of so many bytes that are not all the same.
pub(crate) fn body(bytes: usize) -> Bytes {
    (0..bytes).map(|at| (at % 251).to_le_bytes()[0]).collect()
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
