//! [`Session`]: one end of a conversation, put together from its receiving and its sending half and the keep-alive.
//!
//! What DMPP-2020 and Foxtalk have in common is here; what a block or a frame means, and how an answer is written, is in
//! `dmpp` and `fox`.

mod dmpp;
mod fox;

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};
use codec::block;
use codec::time::Tick;

use self::fox::Fox;
use crate::acks::AcksFor;
use crate::config::{Config, Protocol, Role};
use crate::event::{CloseReason, Event, Outgoing, Readiness, Refusal, Token};
use crate::keep_alive::{Due, KeepAlive};
use crate::receiving::{Answer, Receiving};
use crate::sending::{GivenUp, Sending};

/// One end of a conversation.
///
/// The owner calls the `handle_*` functions and gives orders ([`send`](Self::send), [`accept`](Self::accept) and so on)
/// in any sequence, with times that never go back. After each of them it
/// 1. calls [`transmit`](Self::transmit) and writes the output, and again when the output has shrunk,
/// 2. drains [`poll_event`](Self::poll_event) to `None`,
/// 3. asks [`poll_timeout`](Self::poll_timeout) when to call [`handle_timeout`](Self::handle_timeout).
///
/// Every block or frame of a peer may call for a short answer, so the owner stops reading while its output is long;
/// and it stops while [`unaccepted`](Self::unaccepted) is beyond its bounds. Before the connection is up nothing has
/// to be done: what a conversation begins with is the session's.
#[derive(Debug)]
pub struct Session {
    role: Role,
    output_bytes_max: usize,
    wire: Wire,
    receiving: Receiving,
    sending: Sending,
    keep_alive: KeepAlive,
    readiness: Readiness,
    /// Acknowledgements and other short answers, encoded: they go out before any data.
    answers: BytesMut,
    events: VecDeque<Event>,
    room_said: usize,
    state: State,
}

/// What is spoken, and what only that needs.
#[derive(Debug)]
enum Wire {
    Dmpp(block::Deframer),
    Fox(Fox),
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
        let (wire, cut, acks_for) = match config.protocol {
            Protocol::Dmpp => (Wire::Dmpp(block::Deframer::new()), dmpp::CUT, AcksFor::Each),
            Protocol::Fox { epoch } => (Wire::Fox(Fox::new(config.role, epoch)), fox::CUT, fox::ACKS_FOR),
        };
        let mut session = Self {
            role: config.role,
            output_bytes_max: config.output_bytes_max,
            wire,
            receiving: Receiving::new(config.message_bytes_max),
            sending: Sending::new(&config, cut, acks_for),
            keep_alive: KeepAlive::new(&config, now),
            readiness: Readiness::Ready,
            answers: BytesMut::new(),
            events: VecDeque::new(),
            room_said: 0,
            state: State::Open,
        };
        if let Wire::Fox(_) = session.wire {
            session.begin_with_frames(now);
        }
        session
    }

    /// Bytes were appended to the buffer. Takes whole blocks or frames off its front and leaves the rest, which the owner must
    /// not change. A closed session discards all.
    pub fn handle_bytes(&mut self, now: Tick, buffer: &mut BytesMut) {
        if self.state == State::Open && !buffer.is_empty() {
            self.keep_alive.received(now);
        }
        let mut one_ended = false;
        while self.state == State::Open {
            let taken = match &mut self.wire {
                Wire::Dmpp(deframer) => match deframer.next(buffer) {
                    Ok(Some(block)) => {
                        self.handle_block(now, block);
                        true
                    }
                    Ok(None) => false,
                    Err(error) => {
                        self.close(CloseReason::Frame(error));
                        true
                    }
                },
                Wire::Fox(fox) => match fox.next(buffer) {
                    Ok(Some(frame)) => {
                        self.handle_frame(now, frame);
                        true
                    }
                    Ok(None) => false,
                    Err(error) => {
                        self.close(CloseReason::FoxFrame(error));
                        true
                    }
                },
            };
            if !taken {
                return self.keep_alive.left_over(now, one_ended, !buffer.is_empty());
            }
            one_ended = true;
        }
        buffer.clear();
    }

    /// Sends a message, at once if [`Event::Room`] said that there is room and none of its validation is in flight,
    /// later otherwise. It is kept, and repeated, until it is delivered or failed or the session is over.
    pub fn send(&mut self, message: Outgoing) {
        if self.state == State::Open {
            self.sending.send(match self.wire {
                Wire::Dmpp(_) => message,
                Wire::Fox(_) => fox::numbered(message),
            });
        }
    }

    /// A received message is safe with its owner: the peer gets its positive acknowledgement if it asked for one.
    /// A token that was answered before is ignored.
    pub fn accept(&mut self, token: Token) {
        if let Some(answer) = self.receiving.accept(token) {
            self.reply(answer);
        }
    }

    /// A received message is not taken: the peer gets a negative acknowledgement if it asked for one. A token that was
    /// answered before is ignored.
    pub fn refuse(&mut self, token: Token, why: Refusal) {
        if let Some(answer) = self.receiving.refuse(token, why) {
            self.reply(answer);
        }
    }

    /// What a status request is answered from now on. A station also says a change at once: the switch would ask only
    /// on a link that is idle. Foxtalk has no word for it: there it is only kept.
    pub fn set_readiness(&mut self, readiness: Readiness) {
        let changed = readiness != self.readiness;
        self.readiness = readiness;
        if changed && self.role == Role::Station {
            self.say_readiness();
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
            Due::Ask => match self.wire {
                Wire::Dmpp(_) => self.ask_in_block(),
                Wire::Fox(_) => self.ask_in_frame(),
            },
            Due::Close(why) => self.close(why),
        }
    }

    /// Appends what is to be written to the output: all answers, then data until the
    /// output holds `output_bytes_max` or there is nothing to send for now. To the session this is the moment of the
    /// write: the wait for a message's acknowledgement begins with its last block or frame.
    pub fn transmit(&mut self, now: Tick, output: &mut BytesMut) {
        let before = output.len();
        if self.answers.has_remaining() {
            output.extend_from_slice(&self.answers);
            self.answers.clear();
        }
        while self.state == State::Open && output.len() < self.output_bytes_max {
            let Some(piece) = self.sending.next_piece(now, &mut self.events) else { break };
            match self.wire {
                Wire::Dmpp(_) => dmpp::encode(piece, output),
                Wire::Fox(_) => fox::encode(piece, output),
            }
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

    /// Bytes of memory held for the peer's message whose last piece has not come yet.
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

    /// Answers the peer about a message or a piece of one.
    fn reply(&mut self, answer: Answer) {
        match self.wire {
            Wire::Dmpp(_) => self.reply_in_block(answer),
            Wire::Fox(_) => self.reply_in_frame(answer),
        }
    }

    fn close(&mut self, why: CloseReason) {
        self.state = State::Closed;
        self.sending.clear();
        self.events.push_back(Event::Closed { why });
    }
}
