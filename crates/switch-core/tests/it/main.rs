//! The switch from outside: events in, actions out.

mod network;
mod random;
mod transcripts;
