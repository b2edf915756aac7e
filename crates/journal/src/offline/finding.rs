//! What a reading of a journal finds: where, what, and what it cost.

use crate::error::Damage;
use crate::format::SEGMENT_HEADER_BYTES;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file's name: in the journal's directory, or the file of statements as it was given.
    pub file: String,
    /// Byte offset in it; of a file of statements the number of the line.
    pub offset: u64,
    /// What is wrong there.
    pub problem: Problem,
    /// Records that are gone by it: the first and the last one's number. None if it cost none, or nobody can tell.
    pub lost: Option<(u64, u64)>,
    /// How it can be put right without losing anything.
    pub(crate) mend: Option<Mend>,
}

impl Finding {
    pub(crate) fn new(file: &str, offset: u64, problem: Problem) -> Self {
        Self { file: file.to_owned(), offset, problem, lost: None, mend: None }
    }

    /// Whether this is damage or falsification, rather than something that a crash may leave.
    pub fn is_damage(&self) -> bool {
        self.problem.is_damage()
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.problem.is_about_statements() { "line" } else { "byte" };
        write!(f, "{}, {place} {}: {}", self.file, self.offset, self.problem)?;
        match self.lost {
            Some((first, last)) if first == last => write!(f, " (record {first} is lost)"),
            Some((first, last)) => write!(f, " (records {first} to {last} are lost)"),
            None => Ok(()),
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The log is not what was written. [`Journal::open`](crate::Journal::open) refuses most of it in the same words.
    #[error(transparent)]
    Log(#[from] Damage),
    /// The disk cannot read it.
    #[error("the disk cannot read it: {0}")]
    Unreadable(String),
    /// A checkpoint is of no use.
    #[error("the checkpoint cannot be used: {0}")]
    Checkpoint(String),
    /// No damage: one slot of the mark that cannot be read. A crash while it was written leaves that.
    #[error("one slot of the high-water mark cannot be read; the other one can")]
    MarkSlot,
    /// No damage: an unfinished commit at the end of the log.
    #[error("an unfinished commit of {bytes} bytes, as a crash leaves it: a start cuts it off")]
    Torn {
        /// Bytes from the log's end through the last that is not zero.
        bytes: u64,
    },
    /// No damage: a prepared segment, not in use, that a start puts right or removes.
    #[error("a prepared segment that is not all zeros; a start does it anew")]
    Unused,
    /// No damage: a segment that retention was about to remove.
    #[error("a segment below the log's beginning; a start removes it")]
    Leftover,
    /// A statement whose signature is not the key's.
    #[error("the statement was not signed with this key, or was changed since")]
    Forged,
    /// A line that is no statement, and that no crash makes.
    #[error("this is no statement")]
    NoStatement,
    /// No damage: a line that was cut short.
    #[error("the line was cut short, as a crash leaves it")]
    LineCutShort,
    /// A statement about another journal.
    #[error("the statement is about another journal, {0}")]
    OtherJournal(String),
    /// A statement that another log was there.
    #[error(
        "record {sequence} is not the one that was there when this was signed: something at or before it was changed"
    )]
    NotTheStatements {
        /// The statement's record.
        sequence: u64,
    },
    /// A statement that the log went further.
    #[error("the log ended at record {sequence} or later when this was signed, and ends before it now")]
    CutShort {
        /// The statement's record.
        sequence: u64,
    },
    /// A statement whose record cannot be checked, as it is damaged.
    #[error("record {sequence} cannot be held against this statement, as it is damaged or missing")]
    Uncheckable {
        /// The statement's record.
        sequence: u64,
    },
}

impl Problem {
    /// Whether this is damage or falsification, rather than something that a crash may leave.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Log(_)
            | Self::Unreadable(_)
            | Self::Checkpoint(_)
            | Self::Forged
            | Self::NoStatement
            | Self::OtherJournal(_)
            | Self::NotTheStatements { .. }
            | Self::CutShort { .. }
            | Self::Uncheckable { .. } => true,
            Self::MarkSlot | Self::Torn { .. } | Self::Unused | Self::Leftover | Self::LineCutShort => false,
        }
    }

    /// Whether it comes from a file of statements.
    pub fn is_about_statements(&self) -> bool {
        match self {
            Self::Forged
            | Self::NoStatement
            | Self::LineCutShort
            | Self::OtherJournal(_)
            | Self::NotTheStatements { .. }
            | Self::CutShort { .. }
            | Self::Uncheckable { .. } => true,
            Self::Log(_)
            | Self::Unreadable(_)
            | Self::Checkpoint(_)
            | Self::MarkSlot
            | Self::Torn { .. }
            | Self::Unused
            | Self::Leftover => false,
        }
    }
}

/// A change that puts something right and loses nothing, because what belongs there is known to the byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mend {
    /// The mark is written anew, from the log.
    Mark,
    /// A segment's header follows from the segment before.
    Header { segment: u64, bytes: Box<[u8; SEGMENT_HEADER_BYTES]> },
    /// A segment's seal follows from its records and is confirmed by the next header.
    Seal { segment: u64, offset: u64, bytes: Vec<u8> },
    /// Behind a seal there is nothing.
    Behind { segment: u64, offset: u64 },
    /// The header says how long the file is, and all that was in it is there.
    Length { segment: u64, bytes: u64 },
}
