//! One conversation on one link as a state machine, for both ends. No I/O, no clock.
//!
//! A [`Session`] speaks DMPP-2020 (`protocol-specs/wire.md` 1.1) or Foxtalk (1.2), as its [`Config`] says, and its owner
//! need not know which: it joins blocks or frames to messages and cuts messages into them, acknowledges, repeats, keeps
//! the window and the keep-alive. Whoever owns the socket feeds it bytes and time and writes out what it says; whoever
//! owns the messages reads its events. It trusts nothing that the peer sends: every wrong byte ends in an answer, a
//! count or [`Event::Closed`], and what it keeps for a peer is bounded by [`Config::message_bytes_max`] plus what its
//! owner has not yet accepted or refused.
//!
//! What it does not do: it stores nothing (its owner accepts a message once that is durable), knows no message's
//! content, and opens, secures and closes no connection.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod acks;
mod clock;
mod config;
mod event;
mod keep_alive;
mod piece;
mod receiving;
mod sending;
mod session;

pub use crate::config::{Config, Protocol, Role};
pub use crate::event::{CloseReason, Event, Failure, Outgoing, Readiness, Refusal, Token};
pub use crate::session::Session;
