//! The real binary from outside: over TLS on ports that the system chooses, with files in directories of their own.
//!
//! Nothing here sleeps: a test waits for a line, a block, an answer or the end of a process, each under [`PATIENCE`].
//! Processes are killed by their own id when a test ends, however it ends.

mod binary;
mod http;
mod net;
mod openssl;
mod process;
mod station;
mod trace;

mod admin;
mod archive;
mod certs;
mod crowd;
mod ctl;
mod demo;
mod disk;
mod families;
mod faults;
mod follower;
mod follower_faults;
mod fox;
mod journal;
mod load;
mod niem;
mod responder;
mod restart;
mod rules;
mod send;
mod switch;
mod tls;

use std::time::Duration;

/// How long anything that must happen may take: far longer than it does, as the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
