//! The real binary from outside: over TLS on ports that the system chooses, with files in directories of their own.
//!
//! Nothing here sleeps: a test waits for a line, a block, an answer or the end of a process, each under [`PATIENCE`].
//! Processes are killed by their own id when a test ends, however it ends.

mod admin;
mod archive;
mod binary;
mod centre;
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
mod http;
mod journal;
mod load;
mod manual;
mod ncic;
mod net;
mod niem;
mod openssl;
mod periods;
mod process;
mod prometheus;
mod pty;
mod replay;
mod responder;
mod restart;
mod rules;
mod send;
mod send_forms;
mod stand_in;
mod state;
mod station;
mod switch;
mod terminal;
mod tls;
mod trace;

use std::time::Duration;

/// How long anything that must happen may take: far longer than it does, as the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
