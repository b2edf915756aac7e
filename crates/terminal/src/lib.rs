//! The agency terminal: one station's full-screen forms, inbox and hit confirmations.
//!
//! ```text
//! keys, link, clock ─► run (shell) ── Event ──► Terminal::handle ── Effect ──► run ─► disk, link, bell, files
//!                                                    │
//!                                               view::draw ─► screen
//! ```
//!
//! - [`Terminal`] is all that is known and shown, without disk, link or clock.
//! - [`view`] draws it and changes nothing.
//! - [`Store`] keeps on disk what was received, sent and typed.
//! - [`run()`] is the shell around them.
//! - [`shown`] is the one place that makes text of the network fit for the screen.

pub mod book;
pub mod config;
pub mod editor;
pub mod entry;
pub mod form;
pub mod keys;
pub mod lock;
pub mod model;
pub mod picker;
mod received;
mod run;
pub mod sheet;
pub mod shown;
pub mod store;
pub mod view;

pub use config::{Config, Preferences};
pub use model::Terminal;
pub use run::{TerminalError, run};
pub use store::Store;
