//! Faults that are real, and peers that mean harm, against the real binary: kills, clocks, networks, floods, forgeries.
//!
//! Each in a short form here; as `cargo xtask faults` runs them with `FAULTS=usual`, at length with `FAULTS=long`. What a test measured is
//! one line that begins with `figures: `; `docs/reliability.md` is made of these. A fault has its control beside it.

#[path = "../it/binary.rs"]
mod binary;
#[path = "../it/http.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod http;
#[path = "../it/net.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod net;
#[path = "../it/openssl.rs"]
mod openssl;
#[path = "../it/process.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod process;
#[path = "../it/station.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod station;

mod certificates;
mod chaos;
mod clock;
mod crowd;
mod effort;
mod frozen;
mod host;
mod judge;
mod kills;
mod malformed;
mod network;
mod overload;
mod priority;
mod purposes;
mod reconcile;
mod rights;
mod scanners;
mod seen;
mod soak;

use std::time::Duration;

/// How long anything that must happen may take: far longer than it does, as the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
