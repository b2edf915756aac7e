//! The switch from outside: events in, actions out.

mod checkpoints;
mod network;
mod random;
mod transcripts;
