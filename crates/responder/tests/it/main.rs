//! What the center says, to the byte, and what it does over a real link.

mod answers;
mod any_bytes;
mod center;
mod journaled;
mod network;
mod persons;
mod sources;
