//! The thin part: sockets, threads, clocks. Everything that decides is elsewhere and pure.

mod alarm;
pub(crate) mod order;
pub(crate) mod proc;
mod wire;
pub(crate) mod worker;
