//! The journal of a stand-in: what it decided or took, written before anything that follows from it is said.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use journal::{Batch, Entry, Journal, Notice, RealDisk, Writer};
use tokio::sync::watch;

/// Small: a start then costs no more than the demo has time for.
const SEGMENT_BYTES: u64 = 4 << 20;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] journal::OpenError),
    /// A record is none of this program's.
    #[error("record {sequence} is none of this station's")]
    Record {
        /// Its number.
        sequence: u64,
    },
    /// The system has no thread to give.
    #[error("no thread for the journal")]
    Thread(#[from] io::Error),
}

/// Why a station ended of itself.
#[derive(Debug, thiserror::Error)]
#[error("the station's journal could not be written; start again")]
pub struct JournalFailed;

#[derive(Debug, Clone, Copy)]
struct Stored {
    through: u64,
    failed: bool,
}

/// A journal at work.
#[derive(Debug)]
pub(crate) struct Log {
    /// The number of the next record, and the way to the journal's thread: records go in the order of their numbers.
    end: Mutex<(u64, Writer)>,
    stored: watch::Receiver<Stored>,
}

impl Log {
    /// Opens the journal in a directory, or begins one, and has each record read by `take_in`; false from it ends that.
    /// Also how many records there are.
    pub(crate) fn open(directory: &Path, mut take_in: impl FnMut(&Entry<'_>) -> bool) -> Result<(Self, u64), LogError> {
        let mut strange = None;
        let mut each = journal::each(|entry| {
            if !take_in(&entry) {
                strange.get_or_insert(entry.sequence);
            }
        });
        let settings = journal::Config { segment_bytes: SEGMENT_BYTES, ..journal::Config::default() };
        let (journal, report) = Journal::open(RealDisk::open(directory)?, settings, &mut each)?;
        if let Some(sequence) = strange {
            return Err(LogError::Record { sequence });
        }
        let next = journal.next_sequence();
        let (say, stored) = watch::channel(Stored { through: journal.stored_through(), failed: false });
        let (writer, _reader) = journal::start(journal, move |notice| match notice {
            Notice::Stored { through } => say.send_modify(|stored| stored.through = through),
            Notice::Failed { .. } => say.send_modify(|stored| stored.failed = true),
            Notice::Full { .. } | Notice::Open | Notice::Pruned { .. } => {}
        })?;
        Ok((Self { end: Mutex::new((next, writer)), stored }, report.records))
    }

    /// Queues a record and returns its number; none if nothing more can be stored.
    pub(crate) fn append(&self, kind: u8, payload: Vec<u8>) -> Option<u64> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let number = end.0;
        end.1.submit(Batch { records: vec![(number, kind, Bytes::from(payload))] }).ok()?;
        end.0 += 1;
        Some(number)
    }

    /// The number of the last record, durable or not.
    pub(crate) fn last(&self) -> u64 {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).0.saturating_sub(1)
    }

    /// Waits until a record is durable; false if it will not be.
    pub(crate) async fn durable(&self, through: u64) -> bool {
        let mut stored = self.stored.clone();
        let reached = stored.wait_for(|stored| stored.failed || stored.through >= through).await;
        reached.is_ok_and(|stored| !stored.failed)
    }

    /// Waits until it could not be written; for ever, if that does not happen.
    pub(crate) async fn failure(&self) {
        if self.stored.clone().wait_for(|stored| stored.failed).await.is_err() {
            // Its thread ended in order: nothing can fail any more.
            std::future::pending::<()>().await;
        }
    }

    /// Whether it could not be written.
    pub(crate) fn has_failed(&self) -> bool {
        self.stored.borrow().failed
    }
}
