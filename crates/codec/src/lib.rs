//! Bytes to messages and back: blocks, legacy text, the message dictionary.
//!
//! Decoding any bytes ends in a value or an error with an offset, never in a panic, and looks no further than the
//! limits it was given. Encoding a value that exists cannot fail. Nothing here reads a clock, a socket or a file:
//! time is handed in, the dictionary and the code tables are compiled in.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod name;
pub mod time;
