//! Which acknowledgements of a message prove that the peer has it.
//!
//! An acknowledgement does not say which piece it is for. A DMPP-2020 peer acknowledges each; of Foxtalk clients some do,
//! some acknowledge the last piece alone, and what they do has to be found out before an acknowledgement can be believed.

use std::time::Duration;

use codec::time::Tick;

/// Which pieces of a message the peer acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AcksFor {
    /// Each one.
    Each,
    /// The last one only.
    Last,
    /// Not known. The first message of several pieces shows it: its last piece is held back until an acknowledgement
    /// comes of one before it, or for so long that there will be none.
    Unknown {
        /// How long.
        wait: Duration,
    },
}

/// Whether the last piece of the current message is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    No,
    /// On the sending half's clock.
    Until(Tick),
    /// It was, and is no more.
    Released,
}
