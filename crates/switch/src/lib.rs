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
//! thread of its own, so that a scrape holds nobody up. Behind all that, with lower priority and reading only what is
//! durable, one thread makes checkpoints, prunes and signs, one fills the search file, and one asks it.

mod admin;
mod background;
mod clock;
pub mod config;
mod driver;
mod follower;
mod health;
mod meter;
mod operators;
mod process;
mod reload;
mod replay;
mod search;

pub use config::{Config, ConfigError, LIMIT_ROWS, LimitRow};
pub use follower::AuditError;
pub use operators::{Operator, Operators, Right, TokenHash};
pub use process::{Attached, Running, SwitchError, run};
pub use reload::ReloadSignal;
