//! The process around `switch-core`: configuration, driver, admin HTTP.
//!
//! ```text
//!  listener ── links (a task each) ──► inbox ──► driver, which owns the core ──► batch ──► journal's writer thread
//!                  ▲                     ▲               │                                        │
//!                  └──── commands ───────│───────────────┘                                        │
//!                                        └──────────────── stored, full, failed ──────────────────┘
//! ```
//!
//! Links and driver live on one thread: a message crosses to another one once, for its commit. The admin page has a
//! thread of its own, so that a scrape holds nobody up.

mod admin;
mod clock;
pub mod config;
mod driver;
mod health;
mod process;

pub use config::{Config, ConfigError};
pub use process::{Attached, Running, SwitchError, run};
