//! The switch from outside: events in, actions out.

mod bounds;
mod checkpoints;
mod families;
mod network;
mod ofml;
mod operators;
mod random;
mod sentences;
mod transcripts;
mod written;
