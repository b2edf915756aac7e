//! One session on virtual time, with the peer's frames made by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use codec::fox::{Deframer, Frame, FrameType};
use codec::time::Tick;
use session::{Config, Event, Role, Session, Token};

use crate::end::outgoing;

/// What the public client begins with.
pub(super) const CONNECT: &[u8] = b"\0\x01\0\x01\0\0\xFD\xE8\0\0\0\0NB64LF  ";

/// A session and all that it said.
pub(super) struct End {
    pub(super) session: Session,
    pub(super) now: Tick,
    buffer: BytesMut,
    output: BytesMut,
    deframer: Deframer,
    said: Vec<(u64, Frame)>,
    events: Vec<Event>,
    tokens: BTreeMap<u32, Token>,
}

impl End {
    /// The switch's end of link 5, before the client said anything.
    pub(super) fn silent() -> Self {
        Self::with(Config::fox(Role::Switch, 5))
    }

    /// The switch's end after the client's connect.
    pub(super) fn connected() -> Self {
        let mut end = Self::silent();
        end.give([frame(FrameType::Connect, 1, CONNECT)]);
        assert_eq!(end.said().len(), 1);
        assert_eq!(end.events(), [Event::Room { messages: 1 }]);
        end
    }

    pub(super) fn with(config: Config) -> Self {
        let now = Tick(77_000_000);
        let mut end = Self {
            session: Session::new(config, now),
            now,
            buffer: BytesMut::new(),
            output: BytesMut::new(),
            deframer: Deframer::new(),
            said: Vec::new(),
            events: Vec::new(),
            tokens: BTreeMap::new(),
        };
        end.settle();
        end
    }

    pub(super) fn give(&mut self, frames: impl IntoIterator<Item = Frame>) {
        let mut bytes = BytesMut::new();
        frames.into_iter().for_each(|frame| frame.encode(&mut bytes));
        self.give_bytes(&bytes);
    }

    pub(super) fn give_bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.session.handle_bytes(self.now, &mut self.buffer);
        self.settle();
    }

    pub(super) fn send(&mut self, validation: u32, bytes: impl Into<Bytes>) {
        self.session.send(outgoing(validation, bytes));
        self.settle();
    }

    /// The token of the last message received under a validation.
    pub(super) fn token(&self, validation: u32) -> Token {
        self.tokens[&validation]
    }

    pub(super) fn accept(&mut self, validation: u32) {
        let token = self.token(validation);
        self.session.accept(token);
        self.settle();
    }

    /// Lets time pass, from deadline to deadline.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            assert!(due >= self.now, "a deadline in the past: {due:?} at {:?}", self.now);
            self.now = due;
            self.session.handle_timeout(due);
            self.settle();
            assert!(self.session.poll_timeout().is_none_or(|next| next > due), "a deadline that nothing is done about");
        }
        self.now = end;
    }

    pub(super) fn said(&mut self) -> Vec<Frame> {
        self.said_when().into_iter().map(|(_, frame)| frame).collect()
    }

    /// What was written since the last call, with the second of each write.
    pub(super) fn said_when(&mut self) -> Vec<(u64, Frame)> {
        std::mem::take(&mut self.said)
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn settle(&mut self) {
        loop {
            let before = self.output.len();
            self.session.transmit(self.now, &mut self.output);
            let more = self.output.len() > before;
            while let Some(frame) = self.deframer.next(&mut self.output).unwrap() {
                self.said.push(((self.now.0 - 77_000_000) / 1_000_000, frame));
            }
            assert!(self.output.is_empty(), "whole frames are transmitted");
            if !more {
                break;
            }
        }
        while let Some(event) = self.session.poll_event() {
            if let Event::Received { token, validation, .. } = event {
                self.tokens.insert(validation, token);
            }
            self.events.push(event);
        }
    }
}

pub(super) fn frame(frame_type: FrameType, exchange: u16, payload: impl AsRef<[u8]>) -> Frame {
    Frame::with_payload(frame_type, exchange, Bytes::copy_from_slice(payload.as_ref())).unwrap()
}

pub(super) fn message(exchange: u16, payload: impl AsRef<[u8]>) -> Frame {
    frame(FrameType::Message, exchange, payload)
}

pub(super) fn ack(exchange: u16) -> Frame {
    Frame::without_payload(FrameType::Ack, exchange)
}

pub(super) fn nack(exchange: u16, text: &str) -> Frame {
    frame(FrameType::Nack, exchange, text)
}

pub(super) fn heartbeat(exchange: u16) -> Frame {
    Frame::without_payload(FrameType::Heartbeat, exchange)
}

/// The validation of an exchange on link 5.
pub(super) const fn on_link_5(exchange: u32) -> u32 {
    5 << 16 | exchange
}
