//! Bytes to messages and back: blocks, legacy text, the message dictionary.
//!
//! What a station receives, byte by byte (`⏎` is CR LF DEL, three bytes; `protocol-specs/wire.md` 2.3). Behind the two
//! letters of an ER its header, through `TXT`, is 69 bytes long for a destination of 2 characters, 76 for one of 9:
//!
//! ```text
//!  offset  size  what
//!       0     2  key, here of two letters: ER
//!       2     1  .
//!       3     9  sender: an ORI                       NL0000000
//!      12     3  ⏎
//!      15    16  received, by the switch's clock      08:00 01/31/2030
//!      31     1  space
//!      32     5  ISN                                  00011
//!      37     3  ⏎
//!      40    16  first sent, by the switch's clock    08:00 01/31/2030
//!      56     1  space
//!      57     5  OSN                                  00027
//!      62     1  space
//!      63   2|9  destination: a line | an ORI         AX | ZZ0010000
//!   65|72     3  ⏎
//!   68|75     3  TXT
//!   71|78     3  ⏎
//!   74|81     n  body
//! ```
//!
//! With a control field there are `*`, its 1 to 20 letters or digits and ⏎ before `TXT`. What a station sends is one
//! line, `MKE.ORI.DEST.….*CTL.TXT`, and the body: see [`legacy`]. The blocks in which both travel are drawn in [`block`].
//!
//! Decoding any bytes ends in a value or an error with an offset, never in a panic, and looks no further than the
//! limits it was given. Encoding a value that exists cannot fail.
//!
//! What this crate refuses to do:
//!
//! - read a clock, a socket or a file: time is handed in, the dictionary and the code tables are compiled in;
//! - guess: bytes that are not exactly a part of a message are an error with offset and name of the part, or `None`;
//! - show what a message says: no error and no `Debug` holds a value, a body or the text of a header it could not read;
//! - know the network: whether an ORI exists and who serves it is the directory's business, in `switch-core`.

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

pub mod block;
pub mod codes;
pub mod dictionary;
pub mod error;
pub mod fox;
pub mod fuzz;
pub mod legacy;
pub mod name;
pub mod niem;
pub mod notice;
pub mod number;
pub mod ofml;
pub mod time;
pub mod xml;
