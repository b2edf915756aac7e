//! The periods and bounds of a switch, with the values that are public or were decided as defaults
//! (`protocol-specs/wire.md` 2).
//!
//! They are settings of the network: nothing of them is in the journal. What a journal's records add up to may be bounded by
//! other numbers after a restart; what waits, and what an answer needs, is not touched by that.

use std::time::Duration;

/// Bounds, periods and settings of the whole switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a message waits for a station that is away (`protocol-specs/wire.md` 2.7).
    pub hold: Duration,
    /// Bytes that may wait for all stations together.
    pub hold_bytes: u64,
    /// Bytes of the longest message. A document in XML and the text that it stands for may be as long together, as both are
    /// written.
    pub message_bytes: usize,
    /// Bytes of a refused message that its ER repeats.
    pub echo_bytes: usize,
    /// Seconds that stamps are east of UTC.
    pub stamp_utc_offset: i32,
    /// Bytes of waiting messages that are kept in memory, so that they need not be loaded.
    pub body_cache_bytes: usize,
    /// Log queries of one station that may be without an answer; 0: the switch answers none.
    pub log_queries: usize,
    /// Bytes of the longest text that ECHO returns, at most [`Limits::ECHO_TEXT_BYTES`]: its record holds it twice.
    pub echo_text_bytes: usize,
    /// Links in a row that may be lost on account of a copy before it is given up, at least 1: one poison message cannot
    /// block a station (`protocol-specs/wire.md` 1.1).
    pub links_lost: u8,
    /// Entries of the directory that messages may have changed (`protocol-specs/wire.md` 2.9); beyond, the configuration has to
    /// be written anew.
    pub directory_changes: usize,
    /// Help files that are not empty (`protocol-specs/wire.md` 2.10): a network has some fifty lines with fifteen files each.
    pub help_files: usize,
    /// Bytes of one help file, at most [`Limits::HELP_BYTES`]: a record holds it several times.
    pub help_bytes: usize,
    /// Of hit confirmations.
    pub confirmations: Confirming,
    /// Of links.
    pub links: LinkTimes,
}

impl Limits {
    /// Bytes of a help file that no configuration goes beyond.
    pub const HELP_BYTES: usize = 32 << 10;
    /// Bytes of an echo that no configuration goes beyond.
    pub const ECHO_TEXT_BYTES: usize = 16 << 10;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hold: Duration::from_secs(72 * 3600),
            hold_bytes: 2 << 30,
            message_bytes: 256 << 10,
            echo_bytes: 100,
            stamp_utc_offset: -7 * 3600,
            body_cache_bytes: 64 << 20,
            log_queries: 8,
            echo_text_bytes: Self::ECHO_TEXT_BYTES,
            links_lost: 3,
            directory_changes: 20_000,
            help_files: 2_000,
            help_bytes: Self::HELP_BYTES,
            confirmations: Confirming::default(),
            links: LinkTimes::default(),
        }
    }
}

/// The clock of hit confirmations, and how many are kept (`protocol-specs/wire.md` 2.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirming {
    /// In how long an urgent one has to be answered.
    pub urgent: Duration,
    /// In how long another one has to be answered.
    pub routine: Duration,
    /// How many may be due at a time, in all; no more are asked for then.
    pub open: usize,
    /// How many one asker may have open with one asked; where there are so many, the oldest overdue ones make room.
    pub of_pair: usize,
    /// How many overdue ones are kept at hand, the latest; all of them stand in the journal.
    pub overdue: usize,
}

impl Default for Confirming {
    fn default() -> Self {
        Self {
            urgent: Duration::from_secs(10 * 60),
            routine: Duration::from_secs(60 * 60),
            open: 100_000,
            of_pair: 256,
            overdue: 10_000,
        }
    }
}

/// How long the switch waits on a link, and how often it tries (`protocol-specs/wire.md` 1.1, 1.2). The core does nothing with them:
/// whoever drives its links does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkTimes {
    /// How long a message waits for its acknowledgement before it is sent again.
    pub ack_wait: Duration,
    /// Sends of one message without an answer after which the link is given up, at least 1.
    pub sends: u32,
    /// Wait before a message is sent again that was refused for now.
    pub temporary_wait: Duration,
    /// Wait before a message is sent again that was one too many.
    pub too_many_wait: Duration,
    /// After so long without a byte sent, the peer is asked for its status.
    pub keep_alive: Duration,
    /// A link on which nothing arrived for so long is closed.
    pub silence: Duration,
}

impl Default for LinkTimes {
    fn default() -> Self {
        Self {
            ack_wait: Duration::from_secs(5),
            sends: 3,
            temporary_wait: Duration::from_secs(5),
            too_many_wait: Duration::from_secs(1),
            keep_alive: Duration::from_secs(30),
            silence: Duration::from_secs(60),
        }
    }
}
