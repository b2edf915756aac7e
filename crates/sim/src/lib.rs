//! The whole switch under one seed: the real core, the real sessions at both ends of every link and the real journal, on a
//! simulated network, disk and clock, on one thread.
//!
//! [`run`] plays one seed from an empty disk to the moment at which everything has ended. Clients send weighted random
//! traffic, take, refuse, dawdle or never answer; links stall, break at any byte or go half-open; the disk fills, fails,
//! tears and forgets what was not synced; the process is killed or loses power at any moment, also in the middle of a commit;
//! the clock is set; operators hold, divert, resend, drain and reload. After every step a model that stands outside checks
//! what `ARCHITECTURE.md` promises: nothing acknowledged is lost, a copy ends once, order, numbers, classes of priority,
//! rights (by an oracle that reads the configuration by itself), expiries, bounds, the journal's chain, and the core's own
//! `check_invariants`. At the end all faults stop, and everything must drain.
//!
//! The same seed gives the same run, to the byte: [`Summary::trace`] is a hash of all actions and of all bytes on all links.
//! [`Broken`] names what can be done wrong on purpose, so that it shows that the model notices.
//!
//! What is not the real thing: the driver between core, links and disk, which in the process is asynchronous and bound to
//! sockets and threads. The one here follows the same rules, in `process`.

mod broken;
mod client;
mod conn;
mod disk;
mod ledger;
mod model;
mod network;
mod operators;
mod process;
mod replay;
pub mod sweep;
mod trace;
mod traffic;
mod world;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use crate::broken::Broken;
pub use crate::model::Counts;

/// What came of a run in which everything held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The hash of all that happened.
    pub trace: u64,
    /// How much that was.
    pub counts: Counts,
}

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The seed that shows it.
    pub seed: u64,
    /// In a sentence.
    pub what: String,
    /// When in the run, in microseconds.
    pub at_us: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SIM_SEED={} {} (after {}.{:06} s)",
            self.seed,
            self.what,
            self.at_us / 1_000_000,
            self.at_us % 1_000_000
        )
    }
}

impl std::error::Error for Failure {}

/// Plays one seed. `broken` is what is done wrong on purpose.
///
/// # Errors
/// The first thing that did not hold.
pub fn run(seed: u64, broken: Option<Broken>) -> Result<Summary, Failure> {
    play(&mut world::World::new(seed, broken), seed)
}

/// Plays one seed and tells what happened, a line for each thing.
pub fn run_and_tell(seed: u64, broken: Option<Broken>) -> (Result<Summary, Failure>, Vec<String>) {
    let mut world = world::World::new(seed, broken);
    world.trace.keep_log();
    (play(&mut world, seed), world.trace.take_log())
}

fn play(world: &mut world::World, seed: u64) -> Result<Summary, Failure> {
    match catch_unwind(AssertUnwindSafe(|| world.run())) {
        Ok(Ok(())) => Ok(world.summary()),
        Ok(Err(violation)) => Err(Failure { seed, what: violation.0, at_us: world.now.0 }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let what = text.unwrap_or_else(|| "a panic without a word".to_owned());
            Err(Failure { seed, what, at_us: world.now.0 })
        }
    }
}
