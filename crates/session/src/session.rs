//! [`Session`]: one end of a conversation, put together from its receiving and its sending half and the keep-alive.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};
use codec::block::{Block, DESTINATION, Deframer, Function, Status};
use codec::time::Tick;

use crate::config::{Config, Role};
use crate::event::{CloseReason, Event, Outgoing, Readiness, Refusal, Token};
use crate::keep_alive::{Due, KeepAlive};
use crate::receiving::{Receiving, Taken};
use crate::sending::{GivenUp, Sending};

/// One end of a DMPP-2020 conversation.
///
/// The owner calls the `handle_*` functions and gives orders ([`send`](Self::send), [`accept`](Self::accept) and so on)
/// in any sequence, with times that never go back. After each of them it
/// 1. calls [`transmit`](Self::transmit) and writes the output, and again when the output has shrunk,
/// 2. drains [`poll_event`](Self::poll_event) to `None`,
/// 3. asks [`poll_timeout`](Self::poll_timeout) when to call [`handle_timeout`](Self::handle_timeout).
///
/// Every data block of a peer may call for an answer of 28 bytes, so the owner stops reading while its output is long;
/// and it stops while [`unaccepted`](Self::unaccepted) is beyond its bounds. Before the connection is up nothing has
/// to be done: the conversation has no greeting.
#[derive(Debug)]
pub struct Session {
    role: Role,
    output_bytes_max: usize,
    deframer: Deframer,
    receiving: Receiving,
    sending: Sending,
    keep_alive: KeepAlive,
    readiness: Readiness,
    /// Acknowledgements and status blocks, encoded: they go out before any data.
    answers: BytesMut,
    events: VecDeque<Event>,
    room_said: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing comes in any more; what was answered before is still transmitted.
    Closed,
}

impl Session {
    /// A session on a link that is up since now. Each link gets its own.
    #[must_use]
    pub fn new(config: Config, now: Tick) -> Self {
        Self {
            role: config.role,
            output_bytes_max: config.output_bytes_max,
            deframer: Deframer::new(),
            receiving: Receiving::new(config.message_bytes_max),
            sending: Sending::new(&config),
            keep_alive: KeepAlive::new(&config, now),
            readiness: Readiness::Ready,
            answers: BytesMut::new(),
            events: VecDeque::new(),
            room_said: 0,
            state: State::Open,
        }
    }

    /// Bytes were appended to the buffer. Takes whole blocks off its front and leaves the rest, which the owner must
    /// not change. A closed session discards all.
    pub fn handle_bytes(&mut self, now: Tick, buffer: &mut BytesMut) {
        if self.state == State::Open && !buffer.is_empty() {
            self.keep_alive.received(now);
        }
        let mut block_ended = false;
        while self.state == State::Open {
            match self.deframer.next(buffer) {
                Ok(None) => {
                    self.keep_alive.left_over(now, block_ended, !buffer.is_empty());
                    return;
                }
                Ok(Some(block)) => {
                    block_ended = true;
                    self.handle_block(now, block);
                }
                Err(error) => self.close(CloseReason::Frame(error)),
            }
        }
        buffer.clear();
    }

    /// Sends a message, at once if [`Event::Room`] said that there is room and none of its validation is in flight,
    /// later otherwise. It is kept, and repeated, until it is delivered or failed or the session is over.
    pub fn send(&mut self, message: Outgoing) {
        if self.state == State::Open {
            self.sending.send(message);
        }
    }

    /// A received message is safe with its owner: the peer gets its positive acknowledgement if it asked for one.
    /// A token that was answered before is ignored.
    pub fn accept(&mut self, token: Token) {
        if let Some(block) = self.receiving.accept(token) {
            self.answer(&block);
        }
    }

    /// A received message is not taken: the peer gets a negative acknowledgement if it asked for one. A token that was
    /// answered before is ignored.
    pub fn refuse(&mut self, token: Token, why: Refusal) {
        if let Some(block) = self.receiving.refuse(token, why) {
            self.answer(&block);
        }
    }

    /// What a status request is answered from now on. A station also says a change at once: the switch would ask only
    /// on a link that is idle.
    pub fn set_readiness(&mut self, readiness: Readiness) {
        let changed = readiness != self.readiness;
        self.readiness = readiness;
        if changed && self.role == Role::Station {
            self.answer(&Block::without_data(Function::StatusResponse, 0, readiness.status()));
        }
    }

    /// The owner reads nothing for a while. What the peer says meanwhile is not heard, so its silence is not held
    /// against it, and messages do not run out of time for their acknowledgements.
    pub fn pause_reading(&mut self, now: Tick) {
        self.keep_alive.pause();
        self.sending.pause(now);
    }

    /// The owner reads again.
    pub fn resume_reading(&mut self, now: Tick) {
        self.keep_alive.resume(now);
        self.sending.resume(now);
    }

    /// Time has passed. Without effect before [`poll_timeout`](Self::poll_timeout) is due.
    pub fn handle_timeout(&mut self, now: Tick) {
        if self.state == State::Closed {
            return;
        }
        if let Err(GivenUp { id }) = self.sending.handle_timeout(now) {
            self.close(CloseReason::Unacknowledged { id });
            return;
        }
        match self.keep_alive.handle_timeout(now) {
            Due::Nothing => {}
            Due::Ask => self.answer(&Block::without_data(Function::StatusRequest, 0, Status::NONE)),
            Due::Close(why) => self.close(why),
        }
    }

    /// Appends what is to be written to the output: all acknowledgements and status blocks, then data blocks until the
    /// output holds `output_bytes_max` or there is nothing to send for now. To the session this is the moment of the
    /// write: the wait for a message's acknowledgement begins with its final block.
    pub fn transmit(&mut self, now: Tick, output: &mut BytesMut) {
        let before = output.len();
        if self.answers.has_remaining() {
            output.extend_from_slice(&self.answers);
            self.answers.clear();
        }
        while self.state == State::Open && output.len() < self.output_bytes_max {
            let Some(block) = self.sending.next_block(now, &mut self.events) else { break };
            block.encode(output);
        }
        if output.len() > before {
            self.keep_alive.sent(now);
        }
    }

    /// The next thing that the owner has to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let messages = self.sending.room();
        if self.state == State::Closed || messages == self.room_said {
            return None;
        }
        self.room_said = messages;
        Some(Event::Room { messages })
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; never again once the session is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        if self.state == State::Closed {
            return None;
        }
        let keep_alive = self.keep_alive.poll_timeout();
        Some(self.sending.poll_timeout().map_or(keep_alive, |resend| resend.min(keep_alive)))
    }

    /// Messages received and neither accepted nor refused, and their bytes.
    #[must_use]
    pub fn unaccepted(&self) -> (usize, usize) {
        self.receiving.unaccepted()
    }

    /// Bytes of memory held for the peer's message whose final block has not come yet.
    #[must_use]
    pub fn partial_bytes(&self) -> usize {
        self.receiving.partial_bytes()
    }

    /// Messages sent, at least in part, and neither delivered nor failed.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.sending.in_flight()
    }

    /// Acknowledgements that came for no message in flight, since the session began.
    #[must_use]
    pub const fn strays(&self) -> u64 {
        self.sending.strays()
    }

    /// [`Event::Closed`] was or is about to be told.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    fn handle_block(&mut self, now: Tick, block: Block) {
        let here = block.destination() == DESTINATION;
        match block.function() {
            Function::Data { more, ack } => match self.receiving.handle_data(block, more, ack) {
                Ok(Taken::Nothing) => {}
                Ok(Taken::Reply(reply)) => self.answer(&reply),
                Ok(Taken::Received(event)) => self.events.push_back(event),
                Err(why) => self.close(why),
            },
            Function::Unknown(_) => self.nack(&block, Status::BAD_FUNCTION),
            Function::StatusRequest if here => {
                let status = self.readiness.status();
                self.answer(&Block::without_data(Function::StatusResponse, block.validation(), status));
            }
            Function::StatusRequest => self.nack(&block, Status::BAD_DESTINATION),
            // An answer is never answered, or two ends could go on for ever: one for somebody else is only counted.
            Function::Ack | Function::Nack | Function::StatusResponse if !here => self.sending.stray(),
            Function::Ack => self.sending.handle_ack(block.validation(), &mut self.events),
            Function::Nack => {
                self.sending.handle_nack(now, block.validation(), block.status(), &mut self.events);
            }
            Function::StatusResponse => self.handle_status(now, block.status()),
        }
    }

    fn handle_status(&mut self, now: Tick, status: Status) {
        self.keep_alive.answered();
        match status {
            Status::READY if self.sending.set_ready(now) => self.events.push_back(Event::Ready),
            Status::NOT_READY | Status::GOING_DOWN if self.sending.set_not_ready(now) => {
                self.events.push_back(Event::NotReady)
            }
            _ => {}
        }
    }

    fn nack(&mut self, block: &Block, status: Status) {
        self.answer(&Block::without_data(Function::Nack, block.validation(), status));
    }

    fn answer(&mut self, block: &Block) {
        if self.state == State::Open {
            block.encode(&mut self.answers);
        }
    }

    fn close(&mut self, why: CloseReason) {
        self.state = State::Closed;
        self.sending.clear();
        self.events.push_back(Event::Closed { why });
    }
}
