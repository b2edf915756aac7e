//! What blocks mean, and how answers are written in them (`protocol-specs/wire.md` 1.1).

use bytes::BytesMut;
use codec::block::{Block, DATA_BYTES_MAX, DESTINATION, Function, Status};
use codec::time::Tick;

use super::{Session, State, Wire};
use crate::event::Event;
use crate::piece::{Cut, Piece};
use crate::receiving::{Answer, Data, Taken, Verdict};

/// Messages are cut at the longest block.
pub(super) const CUT: Cut = Cut { piece_bytes_max: DATA_BYTES_MAX, last_bytes_min: 0 };

/// Appends a piece as the block that carries it, which asks for its acknowledgement.
pub(super) fn encode(piece: Piece, output: &mut BytesMut) {
    let Piece { number, data, more } = piece;
    // A piece is never longer than a block takes.
    if let Some(block) = Block::with_data(Function::Data { more, ack: true }, number, data) {
        block.encode(output);
    }
}

impl Session {
    pub(super) fn handle_block(&mut self, now: Tick, block: Block) {
        let here = block.destination() == DESTINATION;
        match block.function() {
            Function::Data { more, ack } => {
                let validation = block.validation();
                let data = Data { validation, bytes: block.into_data(), here, more, ack };
                match self.receiving.handle_data(data) {
                    Ok(Taken::Nothing) => {}
                    Ok(Taken::Reply(answer)) => self.reply_in_block(answer),
                    Ok(Taken::Received(event)) => self.events.push_back(event),
                    Err(why) => self.close(why),
                }
            }
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

    pub(super) fn reply_in_block(&mut self, answer: Answer) {
        let Answer { verdict, validation, status } = answer;
        let function = match verdict {
            Verdict::Arrived | Verdict::Safe => Function::Ack,
            Verdict::Refused => Function::Nack,
        };
        self.answer(&Block::without_data(function, validation, status));
    }

    pub(super) fn ask_in_block(&mut self) {
        self.answer(&Block::without_data(Function::StatusRequest, 0, Status::NONE));
    }

    /// Says unasked how this end is.
    pub(super) fn say_readiness(&mut self) {
        if let Wire::Dmpp(_) = self.wire {
            self.answer(&Block::without_data(Function::StatusResponse, 0, self.readiness.status()));
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
}
