//! What is done to a journal from outside: checked, mended, measured, backed up, restored.
//!
//! [`verify()`], [`stats()`] and [`backup()`] only read the journal and take no lock: they work beside a switch that has it
//! open, on a killed one and on a closed one. They never call a live end damage: what is being written while they look is read
//! as far as it is whole. [`Look`] hands its records to other readers in the same way. [`plan`] and [`restore()`] write, and
//! refuse a journal that is in use.
//!
//! This is a second reading of the format, apart from the one that [`Journal::open`](crate::Journal::open) does: it goes on
//! behind damage and names all of it.

mod backup;
mod files;
mod finding;
mod ledger;
mod look;
mod pace;
mod repair;
mod restore;
mod salvage;
mod sink;
mod stats;
mod verify;
mod walk;

#[cfg(all(test, not(feature = "schedules")))]
mod tests;

pub use self::backup::{BackedUp, BackupError, MANIFEST, Manifest, UNFINISHED_BACKUP, backup};
pub use self::finding::{Finding, Problem};
pub use self::look::Look;
pub use self::pace::{Pace, Progress};
pub use self::repair::{Plan, RepairError, Repaired, plan};
pub use self::restore::{RestoreError, Restored, restore};
pub use self::salvage::{Salvaged, read_salvaged};
pub use self::stats::{SegmentStats, Stats, stats};
pub use self::verify::{Against, CheckpointSeen, StatementsSeen, Verified, VerifyError, verify};
