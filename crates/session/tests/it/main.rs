//! Sessions alone against hand-made blocks, and in pairs, on virtual time.

mod end;
mod fox;
mod keep_alive;
mod pair;
mod random;
mod readiness;
mod receiving;
mod sending;
