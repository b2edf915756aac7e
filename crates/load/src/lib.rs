//! The load harness: puts a load on any DMPP-2020 switch and says, without flattering it, how long things took.
//!
//! ```text
//!  rate ──► Arrivals ─┐                                          ┌─► Matcher ─► Latencies, Counts
//!  mix ───► Composer ─┴─► io::worker ══ TLS, sessions ══ switch ─┴─► Interval, one a second
//!                          one thread, many links                        │
//!  run: links up, ramp, warm-up, measured time, settling ◄───────────────┘
//!                          │
//!                          ▼
//!  report::Run ─► JSON, text, HTML, comparison; require: thresholds; harness: who was the bottleneck
//! ```
//!
//! What holds:
//!
//! - **The load is open.** Arrivals follow from the rate and the seed, whatever comes back ([`rate`]); each latency runs
//!   from the time at which its message was due ([`matcher`]). A closed loop exists for comparisons, and says what it is.
//! - **What does not come counts.** A message that is given up is recorded with the time that it was waited for.
//! - **Everything is bounded.** The table of what is waited for is; what is due beyond it is counted, not sent.
//! - **The harness judges itself first** ([`harness`]): what it could not deliver is not laid at the switch's door.
//! - **Messages are valid unless they are meant not to be**: bodies are made from the message dictionary and checked with
//!   its own rules before a run begins ([`message`]). All of it is synthetic.
//!
//! Everything but `io` and `run` is pure: no socket, no clock, the same seed gives the same.

mod collect;
pub mod control;
mod generate;
pub mod harness;
mod io;
pub mod knee;
pub mod matcher;
pub mod message;
pub mod meter;
pub mod mix;
pub mod network;
pub mod plan;
pub mod profile;
pub mod rate;
pub mod report;
pub mod require;
mod run;

pub use run::{Progress, RunError, run};
