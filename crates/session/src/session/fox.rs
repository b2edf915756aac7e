//! What Foxtalk frames mean, and how answers are written in them (`protocol-specs/wire.md` 1.2).
//!
//! Three things differ from blocks because of what clients do:
//! - a client acknowledges the last frame of a message, or each; which of the two shows only when a message of several
//!   frames is sent ([`AcksFor::Unknown`]);
//! - a client may acknowledge what it was refused, under its own number, which may be one of ours: such an
//!   acknowledgement proves nothing;
//! - a client may not echo a heartbeat; whatever it sends shows that it is there.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use codec::block::Status;
use codec::fox::{
    Coding, Connect, Deframer, FRAME_BYTES_MAX, Frame, FrameError, FrameType, OVERHEAD_BYTES, PAYLOAD_BYTES_MAX,
};
use codec::time::Tick;

use super::{Session, State, Wire};
use crate::acks::AcksFor;
use crate::config::{FOX_IDLE_SECONDS, Role};
use crate::event::{Event, Outgoing};
use crate::piece::{Cut, Piece};
use crate::receiving::{Answer, Data, Taken, Verdict};

/// Longest frame that is sent: the public client takes no longer one, although it states [`FRAME_BYTES_MAX`].
const SENT_BYTES_MAX: usize = 32_768;
/// Shortest limit that a peer may set.
const SENT_BYTES_MIN: usize = 512;
/// The public client finds the end of a document in one frame or not at all, so the last one is never a few bytes.
const LAST_BYTES_MIN: usize = 64;
/// An acknowledgement is due within 1 s, also that of a frame before the last where a client gives such.
pub(super) const ACKS_FOR: AcksFor = AcksFor::Unknown { wait: Duration::from_secs(1) };
/// Until the peer says how long its frames may be.
pub(super) const CUT: Cut = cut(SENT_BYTES_MAX);

/// The public client's version.
const VERSION: (u16, u16) = (1, 1);
/// After so long a public client forgets its own question. One revision of it sends its heartbeat after this time, and not
/// after the idle time, so that it is well below the 60 seconds after which a silent link is closed.
const TIMEOUT_SECONDS: u16 = 40;
/// Echoes of this end's heartbeats that may still come; a client that echoes none must be able to send those numbers.
const ECHOES_MAX: u16 = 16;
const LINE_END: [u8; 4] = *b"LF  ";

const fn cut(frame_bytes_max: usize) -> Cut {
    Cut { piece_bytes_max: frame_bytes_max.saturating_sub(OVERHEAD_BYTES), last_bytes_min: LAST_BYTES_MIN }
}

/// What only Foxtalk needs.
#[derive(Debug)]
pub(super) struct Fox {
    deframer: Deframer,
    role: Role,
    epoch: u16,
    /// The number of this end's last heartbeat. They count down, for peers count up.
    heartbeat: u16,
    /// So many of the last ones were not echoed yet.
    asked: u16,
}

impl Fox {
    pub(super) fn new(role: Role, epoch: u16) -> Self {
        Self { deframer: Deframer::new(), role, epoch, heartbeat: 0, asked: 0 }
    }

    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        self.deframer.next(buffer)
    }

    /// What the owner knows a peer's message by.
    fn validation(&self, exchange: u16) -> u32 {
        if exchange == 0 { 0 } else { u32::from(self.epoch) << 16 | u32::from(exchange) }
    }
}

/// A message under an exchange number: 1 to 65,535, the same each time that it is sent.
pub(super) fn numbered(message: Outgoing) -> Outgoing {
    let most = NonZeroU32::from(std::num::NonZeroU16::MAX);
    let number = message.validation.get().checked_rem(most.get()).and_then(NonZeroU32::new);
    Outgoing { validation: number.unwrap_or(most), ..message }
}

/// Appends a piece as the frame that carries it.
pub(super) fn encode(piece: Piece, output: &mut BytesMut) {
    let Piece { number, data, more } = piece;
    // A piece is never longer than a frame takes, nor its number than an exchange's.
    let Some(frame) = Frame::with_payload(FrameType::Message, exchange(number), data) else { return };
    if more { frame.followed().encode(output) } else { frame.encode(output) }
}

fn exchange(number: u32) -> u16 {
    u16::try_from(number & u32::from(u16::MAX)).unwrap_or_default()
}

impl Session {
    /// A link begins with the client's connect. Until the switch has heard something, it sends nothing: a client that
    /// exists throws away what comes before.
    pub(super) fn begin_with_frames(&mut self, now: Tick) {
        self.sending.set_not_ready(now);
        if self.role == Role::Station {
            let connect = in_force(None);
            self.say(FrameType::Connect, 1, connect.encode());
        }
    }

    pub(super) fn handle_frame(&mut self, now: Tick, frame: Frame) {
        self.keep_alive.answered();
        let exchange = frame.exchange();
        match frame.frame_type() {
            FrameType::Message => {
                let more = !frame.is_last();
                let data =
                    Data { validation: exchange.into(), bytes: frame.into_payload(), here: true, more, ack: true };
                self.handle_piece(data, exchange);
            }
            FrameType::Ack => self.sending.handle_ack(exchange.into(), &mut self.events),
            FrameType::Nack => {
                let status = status_of(frame.payload());
                self.sending.handle_nack(now, exchange.into(), status, &mut self.events);
            }
            FrameType::Heartbeat => self.handle_heartbeat(exchange),
            FrameType::Connect => self.handle_connect(exchange, frame.payload()),
            FrameType::Encrypted | FrameType::Identification | FrameType::Key => {
                self.nack_frame(exchange, Status(0x0044), "ENCRYPTION, IDENTIFICATION AND KEYS ARE NOT SPOKEN HERE");
            }
            FrameType::Unknown(_) => self.nack_frame(exchange, Status::BAD_FUNCTION, "UNKNOWN FRAME TYPE"),
        }
        // After the connect was answered: the answer is the first that a client hears.
        self.sending.set_ready(now);
    }

    fn handle_piece(&mut self, data: Data, exchange: u16) {
        match self.receiving.handle_data(data) {
            Ok(Taken::Nothing) => {}
            Ok(Taken::Reply(answer)) => self.reply_in_frame(answer),
            Ok(Taken::Received(event)) => {
                let event = match (event, &self.wire) {
                    (Event::Received { token, bytes, .. }, Wire::Fox(fox)) => {
                        Event::Received { token, validation: fox.validation(exchange), bytes }
                    }
                    (other, _) => other,
                };
                self.events.push_back(event);
            }
            Err(why) => self.close(why),
        }
    }

    /// A heartbeat is echoed, unless it is the echo of one of this end's.
    fn handle_heartbeat(&mut self, exchange: u16) {
        let Wire::Fox(fox) = &mut self.wire else { return };
        // The later the number, the smaller: an echo of one tells that those before it will have no other.
        let later = exchange.wrapping_sub(fox.heartbeat);
        if later < fox.asked {
            fox.asked = later;
        } else {
            self.say(FrameType::Heartbeat, exchange, Bytes::new());
        }
    }

    pub(super) fn ask_in_frame(&mut self) {
        let Wire::Fox(fox) = &mut self.wire else { return };
        fox.heartbeat = fox.heartbeat.wrapping_sub(1);
        fox.asked = fox.asked.saturating_add(1).min(ECHOES_MAX);
        let exchange = fox.heartbeat;
        self.say(FrameType::Heartbeat, exchange, Bytes::new());
    }

    /// The switch answers a connect with what holds; a station hears it.
    fn handle_connect(&mut self, exchange: u16, payload: &[u8]) {
        let Wire::Fox(fox) = &self.wire else { return };
        let role = fox.role;
        match (Connect::parse(payload), role) {
            (Ok(asked), Role::Switch) => {
                let holds = in_force(Some(asked));
                self.sending.set_cut(cut(frame_bytes(holds)));
                self.say(FrameType::Connect, exchange, holds.encode());
            }
            (Ok(holds), Role::Station) => self.sending.set_cut(cut(frame_bytes(holds))),
            (Err(_), Role::Switch) => {
                self.nack_frame(exchange, Status::PERMANENT, "THE CONNECT CANNOT BE READ");
            }
            (Err(_), Role::Station) => {}
        }
    }

    /// Only a message that is whole is acknowledged.
    pub(super) fn reply_in_frame(&mut self, answer: Answer) {
        let Answer { verdict, validation, status } = answer;
        match verdict {
            Verdict::Arrived => {}
            Verdict::Safe => self.say(FrameType::Ack, exchange(validation), Bytes::new()),
            Verdict::Refused => {
                let why = match status {
                    Status::TEMPORARY => "CANNOT BE STORED NOW, SEND AGAIN",
                    Status::TOO_MANY => "TOO MANY UNACKNOWLEDGED, SEND AGAIN LATER",
                    Status::TOO_LONG => "THE MESSAGE IS TOO LONG",
                    _ => "NOT TAKEN",
                };
                self.nack_frame(exchange(validation), status, why);
            }
        }
    }

    fn nack_frame(&mut self, exchange: u16, status: Status, why: &str) {
        self.sending.expect_stray(exchange.into());
        self.say(FrameType::Nack, exchange, format!("{:04X} {why}", status.0).into());
    }

    fn say(&mut self, frame_type: FrameType, exchange: u16, payload: Bytes) {
        if self.state == State::Open
            && let Some(frame) = Frame::with_payload(frame_type, exchange, payload)
        {
            frame.encode(&mut self.answers);
        }
    }
}

/// The limits that hold on a link, whatever was asked for; without a question, what a station asks for.
fn in_force(asked: Option<Connect>) -> Connect {
    let [most, least] = [FRAME_BYTES_MAX, SENT_BYTES_MIN].map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
    let wish = asked.map_or(0, |asked| asked.frame_bytes_max);
    let idle = asked.map_or(0, |asked| asked.idle_seconds);
    Connect {
        version: VERSION,
        frame_bytes_max: if wish == 0 { most } else { wish.max(least).min(most) },
        idle_seconds: if idle == 0 { FOX_IDLE_SECONDS } else { idle.min(FOX_IDLE_SECONDS) },
        timeout_seconds: TIMEOUT_SECONDS,
        encryption: false,
        // No objects are sent, so that any coding holds.
        coding: asked.map_or(Coding::Plain, |asked| asked.coding),
        line_end: LINE_END,
    }
}

/// The longest frame to send to a peer that takes so long ones.
fn frame_bytes(holds: Connect) -> usize {
    usize::try_from(holds.frame_bytes_max).unwrap_or(usize::MAX).clamp(SENT_BYTES_MIN, SENT_BYTES_MAX)
}

/// What a nack says: a status, if its text begins with one as this end's do, else that the message will never be taken.
fn status_of(text: &[u8]) -> Status {
    let digits = text.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
    let status = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()).map(Status);
    match status {
        Some(status @ (Status::TEMPORARY | Status::TOO_MANY)) => status,
        Some(_) | None => Status::PERMANENT,
    }
}

const _: () = assert!(SENT_BYTES_MAX - OVERHEAD_BYTES <= PAYLOAD_BYTES_MAX);
