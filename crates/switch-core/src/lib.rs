//! The switch as a state machine: directory, admission, routing, queues. No I/O, no clock.
//!
//! ```text
//!             Attached, Received, Delivered, Stored, …            Store, Accept, Deliver, …
//!  driver  ────────────── Event ──────────────►  Switch  ────────────── Action ──────────────►  driver
//!                     handle(now, event)                      poll_action() until None
//! ```
//!
//! The contract, for whoever drives it:
//!
//! 1. Call [`Switch::handle`] with the time and one event. It never fails and never blocks.
//! 2. Drain [`Switch::poll_action`] to `None` and carry the actions out, in order.
//! 3. Call again with [`Event::Timeout`] when the tick of [`Switch::poll_timeout`] has come.
//!
//! The same events give the same actions, to the byte. Bad input of a peer becomes an action (an ER on its way back,
//! a negative ack), never an error. Nothing is acknowledged ([`Action::Accept`]) and nothing is sent on
//! ([`Action::Deliver`]) before [`Event::Stored`] covers the record that holds it.
//!
//! What the switch does not do: it opens no socket and no file, reads no clock, knows neither TLS nor the journal's
//! format on disk. It keeps no bodies of what waits, beyond a bounded budget: they are fetched with [`Action::Load`].

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

mod admission;
mod bodies;
mod changes;
mod command;
mod directory;
pub mod effect;
mod event;
mod folds;
mod limits;
mod network;
mod outbox;
mod query;
pub mod reading;
mod record;
mod repeats;
mod switch;

pub use changes::changes;
pub use command::{Command, Denial, Done, Original, Reload, Reply, Request};
pub use event::{
    Action, CloseReason, Delivery, Event, LinkId, Msn, Now, Observation, Refusal, ReturnReason, Sequence, Token,
    Verified,
};
pub use folds::{CheckpointError, DeadLetter, FoldError, Folds, Section, Sections};
pub use limits::{Confirming, Limits, LinkTimes};
pub use network::{
    DestinationState, Format, GroupConfig, Network, NetworkConfig, NetworkError, OriConfig, OriDetails, StateConfig,
    StationConfig,
};
pub use query::{ANSWER_BYTES_MAX, LogQuery, LogRequest, LogSearch};
pub use record::{Kind, RecordError};
pub use switch::{Explanation, Judged, Leg, LinkView, RowSeen, StationView, Switch, Verdict};
