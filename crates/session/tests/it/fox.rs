//! Sessions that speak Foxtalk: alone against hand-made frames, on virtual time.

mod connect;
mod end;
mod heartbeats;
mod receiving;
mod sending;
