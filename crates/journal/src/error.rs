//! What can go wrong, split by who has to act: the disk, the data on it, the caller.

use std::io;

/// A file operation that failed: which one, on which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {file}")]
pub struct Fault {
    /// What was tried: `write`, `sync`, `create` and so on.
    pub operation: &'static str,
    /// The file's name inside the journal's directory.
    pub file: String,
    /// What the system said.
    #[source]
    pub error: io::Error,
}

impl Fault {
    pub(crate) fn new(operation: &'static str, file: &str, error: io::Error) -> Self {
        Self { operation, file: file.to_owned(), error }
    }

    /// Whether room on the disk would have helped.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// Why a journal was not opened. Nothing was changed on disk, unless the error is [`OpenError::Disk`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another journal of this one, has the directory.
    #[error("the journal in {directory} is in use by another process")]
    Locked {
        /// The directory.
        directory: String,
    },
    /// The configuration cannot work.
    #[error("segment_bytes {0} is not a multiple of 4096 from 4096 to 1 GiB")]
    SegmentBytes(u64),
    /// The disk refused an operation.
    #[error(transparent)]
    Disk(#[from] Fault),
    /// The log's first records are gone, as they should be, but no checkpoint that stands for them can be used.
    #[error("the log begins in {first_segment}, and no checkpoint can be used: {why}")]
    NoCheckpoint {
        /// The first segment that is kept.
        first_segment: String,
        /// Each checkpoint's file and what is wrong with it.
        why: String,
    },
    /// The data is not what was written. A person has to look; see the crate's recovery rules.
    #[error("{file} at byte {offset}: {reason}")]
    Damaged {
        /// The file's name inside the journal's directory.
        file: String,
        /// Byte offset in the file where the trouble begins.
        offset: u64,
        /// What is wrong there.
        reason: Damage,
    },
}

impl OpenError {
    pub(crate) fn damaged(file: &str, offset: u64, reason: Damage) -> Self {
        Self::Damaged { file: file.to_owned(), offset, reason }
    }
}

/// What is wrong with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A record does not match its checksum and a later commit shows that it had been stored.
    #[error("record {sequence} is damaged, and whole records of a later commit follow at byte {later}")]
    BeforeGood {
        /// The record that should be here.
        sequence: u64,
        /// Where the first record of a later commit was found.
        later: u64,
    },
    /// The log ends before what the high-water mark says was stored.
    #[error("the log ends before record {sequence}, but the high-water mark shows that record {mark} was stored")]
    BelowMark {
        /// The first record that is missing or damaged.
        sequence: u64,
        /// What the mark says was stored.
        mark: u64,
    },
    /// The chain at the mark's place is another one than the mark's.
    #[error("record {sequence} is not the one that the high-water mark was written for")]
    NotTheMarks {
        /// The mark's record.
        sequence: u64,
    },
    /// What the newest checkpoint was made for is not there any more.
    #[error("record {sequence}, which the checkpoint was made for, is damaged or another one")]
    NotTheCheckpoints {
        /// The checkpoint's record.
        sequence: u64,
    },
    /// A whole record stands where another one belongs.
    #[error("record {found} stands where record {expected} belongs")]
    Sequence {
        /// The sequence number that belongs here.
        expected: u64,
        /// The one that is here.
        found: u64,
    },
    /// A whole record does not follow from the one before.
    #[error("the hash chain is broken at record {sequence}")]
    Chain {
        /// The record.
        sequence: u64,
    },
    /// A whole record says of its commit what cannot be.
    #[error("record {sequence} contradicts the one before about where their commit began")]
    Commit {
        /// The record.
        sequence: u64,
    },
    /// A segment before the last does not end in a whole seal.
    #[error("record {sequence} or the segment's seal is damaged or missing, and a later segment follows")]
    Unsealed {
        /// The record that should be here, or the first of the next segment.
        sequence: u64,
    },
    /// A seal contradicts the segment it ends.
    #[error("the seal does not agree with the segment")]
    Seal,
    /// Something was written behind a segment's seal.
    #[error("the segment goes on behind its seal")]
    BehindSeal,
    /// A segment's header cannot be read.
    #[error("the segment's header is damaged")]
    Header,
    /// A segment's header is whole but contradicts what comes before it.
    #[error("the segment does not follow from the one before")]
    NotNext,
    /// A segment file has another length than it was made with.
    #[error("the file is {found} bytes long instead of {expected}")]
    Length {
        /// The length it was made with.
        expected: u64,
        /// The length it has.
        found: u64,
    },
    /// A segment file is not there.
    #[error("the segment is missing")]
    Missing,
    /// A segment file that no mark and no other segment knows of.
    #[error("the segment does not belong to this journal")]
    Foreign,
    /// Neither slot of the high-water mark can be read.
    #[error("the high-water mark is missing or damaged")]
    Mark,
    /// Written by a version that this program does not know.
    #[error("format version {0} is not known")]
    Version(u16),
    /// Encrypted with a key that this program does not have.
    #[error("key number {0} is not known")]
    Key(u32),
}

/// Why a commit did not make its records durable.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// No room. The log is as it was after the last record that [`Journal::stored_through`](crate::Journal::stored_through) covers;
    /// the rest stays with the journal, and a later commit tries again.
    #[error("the disk is full")]
    Full(#[source] Fault),
    /// A write or a sync failed. What is on disk is unknown until the log is opened again; nothing more is written.
    #[error("the journal has failed")]
    Failed(#[source] Fault),
}

/// Why a record was not taken. Each is the caller's mistake, found before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The payload is longer than a record may be.
    #[error("a payload of {bytes} bytes is longer than the {bytes_max} that a record may have")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// [`Journal::payload_bytes_max`](crate::Journal::payload_bytes_max).
        bytes_max: usize,
    },
    /// The kind is one of the journal's own, 0xF0 and above.
    #[error("record kind {0:#04x} is the journal's own")]
    Kind(u8),
    /// The sequence number is not the next one.
    #[error("record {found} was given where record {expected} is next")]
    Sequence {
        /// The next sequence number.
        expected: u64,
        /// The one given.
        found: u64,
    },
    /// The writer has stopped: it was shut down, or it failed and said so.
    #[error("the journal's writer has stopped")]
    Stopped,
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not in the log: not yet stored, or no longer kept.
    #[error("record {0} is not in the journal")]
    Absent(u64),
    /// The disk refused an operation.
    #[error(transparent)]
    Disk(#[from] Fault),
    /// The bytes at the record's place are not that record.
    #[error("record {sequence} in {file} near byte {offset} is damaged")]
    Damaged {
        /// The record.
        sequence: u64,
        /// The segment file.
        file: String,
        /// Byte offset where the walk stopped.
        offset: u64,
    },
}

/// Why a shut-down did not store everything.
#[derive(Debug, thiserror::Error)]
pub enum ShutdownError {
    /// The disk is full; records after `stored_through` were never stored.
    #[error("the disk is full: nothing after record {stored_through} is stored")]
    Full {
        /// The last record that is durable.
        stored_through: u64,
    },
    /// The writer had failed, or failed while it stopped.
    #[error("the journal has failed: nothing after record {stored_through} is known to be stored")]
    Failed {
        /// The last record that is known to be durable.
        stored_through: u64,
    },
}
