//! What can go wrong with the search file, and why one is thrown away.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use journal::{JournalId, ReadError};
use rusqlite::ErrorCode;

/// Why the search file could not be filled or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process fills this file.
    #[error("{} is being filled by another process", .0.display())]
    Busy(PathBuf),
    /// The file is not there, or not one that this program can read.
    #[error("{} cannot be searched: {reason}", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: Discarded,
    },
    /// What the file holds contradicts itself. It is rebuilt when it is filled next, or by `orinet journal reindex`.
    #[error("the search file is damaged: {0}")]
    Damaged(String),
    /// A query took longer than it may.
    #[error("the query took too long and was ended")]
    Deadline,
    /// The database refused; its disk may be full.
    #[error("the search file cannot be used")]
    Database(#[source] rusqlite::Error),
    /// The system refused.
    #[error("cannot {operation} {}", file.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        file: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The journal could not be read.
    #[error("the journal cannot be followed")]
    Journal(#[from] ReadError),
}

impl Error {
    pub(crate) fn io(operation: &'static str, file: &Path, error: io::Error) -> Self {
        Self::Io { operation, file: file.to_owned(), error }
    }

    pub(crate) fn inside(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }

    /// Whether throwing the file away and filling a new one is the way on.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Self::Deadline,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            // A value of another type, a table that is not there: the file is not what was written. A constraint that does not hold
            // too, for ids come from the file itself.
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => Self::Damaged(error.to_string()),
            Some(ErrorCode::Unknown) if error.to_string().contains("no such") => Self::Damaged(error.to_string()),
            None if is_odd_value(&error) => Self::Damaged(error.to_string()),
            None | Some(_) => Self::Database(error),
        }
    }
}

/// A row or a value that is not what was written.
fn is_odd_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::QueryReturnedNoRows
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
    )
}

/// Why a search file was thrown away, or cannot be searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discarded {
    /// There is none.
    Missing,
    /// It is no search file.
    Foreign,
    /// It was made by another version of this program.
    Format(i64),
    /// It is damaged.
    Damaged(String),
    /// It belongs to another journal.
    OtherJournal(JournalId),
    /// It has records that the journal has not: the journal was put back to an earlier state.
    Ahead {
        /// The last record that the file has.
        through: u64,
        /// The last record of the journal.
        stored: u64,
    },
    /// The last record that it has is another one than the journal's of that number.
    Diverged {
        /// The number.
        sequence: u64,
    },
    /// Somebody asked for it.
    Asked,
}

impl fmt::Display for Discarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is none"),
            Self::Foreign => f.write_str("it is no search file"),
            Self::Format(version) => write!(f, "it has format {version}, which this version does not write"),
            Self::Damaged(what) => write!(f, "it is damaged: {what}"),
            Self::OtherJournal(id) => write!(f, "it belongs to journal {id}"),
            Self::Ahead { through, stored } => {
                write!(f, "it has records through {through}, the journal only through {stored}")
            }
            Self::Diverged { sequence } => write!(f, "its record {sequence} is not the journal's"),
            Self::Asked => f.write_str("a new one was asked for"),
        }
    }
}
