//! The support center as a state machine: what becomes of an inquiry, over any crash. No I/O, no clock.
//!
//! ```text
//!            Delivered, Gave, Wrote, Stored, Taken, …            Store, Acknowledge, Ask, Compose, Send, …
//!  driver  ─────────────────── Event ───────────────►  Center  ───────────────── Action ───────────────►  driver
//!                          handle(now, event)                         poll_action() until None
//! ```
//!
//! An inquiry goes one way: taken (its acknowledgement written with it) → every source asked → composed →
//! (waiting for a technician → assigned) → answered → supplemented. What the messages say is the driver's: this crate
//! knows neither their text nor the records that they rest on.
//!
//! # Once, over any crash
//!
//! - The switch's delivery of an inquiry is acknowledged once the record that holds the inquiry **and** its acknowledgement's
//!   bytes is durable. A delivery that comes again is known by its number and the fingerprint of its message.
//! - An answer is a record with its bytes and its validation before it is sent, and the record is written once: whatever is
//!   composed afterwards for the same part is dropped.
//! - A message is sent, with those bytes and that validation, until the switch has taken it, over restarts of either side. The
//!   switch passes a message on once for a validation and its bytes (`protocol-specs/wire.md` 1.1).
//!
//! So each inquiry gets one acknowledgement and one answer, never two different ones. The same place, [`Folds::apply`], says
//! what a record means while working and at start.
//!
//! # The contract, for whoever drives it
//!
//! 1. Call [`Center::handle`] with the time and one event; drain [`Center::poll_action`] to `None` and carry the actions out.
//! 2. Call it again with [`Event::Timeout`] when the moment of [`Center::poll_timeout`] has come.
//! 3. Store the records in the order of their numbers, and say [`Event::Stored`] once they are durable. No action that shows
//!    outside comes before the record that it rests on is.
//! 4. After a start: [`Folds::apply`] each record in order, [`Center::new`], [`Center::start`].

//!
//! # Beside inquiries
//!
//! [`Duties`] are what the center does else: [`detainer`]s, the [`tipline`], [`list`]s of persons. Commands there are functions from what
//! is known to an [`Entry`] of a journal of its own. [`report`] counts a month of both journals.

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

pub mod detainer;
mod duty;
mod event;
mod folds;
mod layout;
pub mod list;
mod machine;
mod record;
pub mod report;
pub mod tipline;

pub use duty::{Denial as DutyDenial, Duties, Duty, DutyError, ENTRY_KIND, Entry, Notice, Technician};
pub use event::{
    Act, Action, Command, Config, Denial, Event, InquiryId, Moment, Outcome, Outgoing, Part, Source, Written,
};
pub use folds::{FoldError, Folds, Inquiry, Standing};
pub use machine::Center;
pub use record::{Facts, Kind, Record, RecordError, Taken};
