//! Search over the journal: one thread keeps the archive filled, one asks it what stations want to know.
//!
//! An answer has to know what was there when it was asked for. So a query waits until the archive has its own record, for a
//! while at most: an archive that is being built anew is far behind, and then the answer says that it cannot be asked.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use archive::{Archive, Budget, Searcher, text};
use bytes::Bytes;
use journal::Reader;
use switch_core::{LogQuery, Sequence};
use telemetry::{JournalEvent, JournalTelemetry};
use tokio::sync::mpsc;

use crate::background::{Background, Bell, Phase};
use crate::driver::Inbound;

/// What came in the meantime is taken in together.
const GATHER: Duration = Duration::from_millis(100);
/// How long a search file that cannot be used is left alone.
const RETRY: Duration = Duration::from_secs(10);
/// How long a query waits for the archive to have what was there before it.
const CATCH_UP_MAX: Duration = Duration::from_secs(30);
/// How often a thread that waits looks whether the process ends.
const LOOK: Duration = Duration::from_millis(500);

/// What a station asks, by its record.
pub(crate) type Question = (Sequence, LogQuery);

/// How far the archive is filled, for those who wait for it.
#[derive(Debug, Default)]
struct Progress {
    through: Mutex<u64>,
    grown: Condvar,
}

impl Progress {
    fn set(&self, through: u64) {
        *self.through.lock().unwrap_or_else(PoisonError::into_inner) = through;
        self.grown.notify_all();
    }

    /// Whether it has that record, now or within a while.
    fn has(&self, sequence: u64, within: Duration) -> bool {
        let through = self.through.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.grown.wait_timeout_while(through, within, |through| *through < sequence);
        *waited.unwrap_or_else(PoisonError::into_inner).0 >= sequence
    }
}

/// Starts both threads. What is asked goes into the sender that this returns; answers come to the driver.
pub(crate) fn start(
    background: &mut Background,
    data: &Path,
    reader: Reader,
    utc_offset: i32,
    telemetry: JournalTelemetry,
    driver: mpsc::Sender<Inbound>,
) -> io::Result<Sender<Question>> {
    let path = archive::file_in(data);
    let progress = Arc::new(Progress::default());
    let (questions, asked) = channel();
    let filler = Filler {
        path: path.clone(),
        reader: reader.clone(),
        progress: Arc::clone(&progress),
        telemetry: telemetry.clone(),
        bell: background.bell(),
    };
    background.spawn("search-filler", move || filler.run())?;
    let clerk = Clerk { path, reader, utc_offset, progress, telemetry, driver, bell: background.bell() };
    background.spawn("search", move || clerk.run(&asked))?;
    Ok(questions)
}

#[derive(Debug)]
struct Filler {
    path: PathBuf,
    reader: Reader,
    progress: Arc<Progress>,
    telemetry: JournalTelemetry,
    bell: Arc<Bell>,
}

impl Filler {
    fn run(self) {
        let (mut archive, mut pause, mut failed) = (None, Duration::ZERO, false);
        while self.bell.wait(pause) == Phase::Working {
            match self.fill(&mut archive) {
                Ok(behind) => {
                    pause = if behind > 0 { Duration::ZERO } else { GATHER };
                    failed = false;
                }
                Err(error) => {
                    // Once in a row: the metric says how long it lasts.
                    if !std::mem::replace(&mut failed, true) {
                        self.telemetry.observe(&JournalEvent::SearchFailed { error: &error });
                    }
                    pause = RETRY;
                }
            }
            let lag = self.reader.stored_through().saturating_sub(archive.as_ref().map_or(0, Archive::through));
            self.telemetry.observe(&JournalEvent::Filled { lag });
        }
    }

    /// Takes in a part; returns how many records are left.
    fn fill(&self, archive: &mut Option<Archive>) -> Result<u64, archive::Error> {
        let archive = match archive {
            Some(archive) => archive,
            None => archive.insert(Archive::open(&self.path)?),
        };
        if archive.through() > 0 && archive.through() == self.reader.stored_through() {
            self.progress.set(archive.through());
            return Ok(0);
        }
        let filled = archive.fill(&self.reader, Budget::default())?;
        if let Some(why) = filled.rebuilt {
            self.telemetry.observe(&JournalEvent::SearchRebuilt { why: why.to_string() });
        }
        self.progress.set(filled.through);
        Ok(filled.behind)
    }
}

/// Answers queries, one after the other.
#[derive(Debug)]
struct Clerk {
    path: PathBuf,
    reader: Reader,
    utc_offset: i32,
    progress: Arc<Progress>,
    telemetry: JournalTelemetry,
    driver: mpsc::Sender<Inbound>,
    bell: Arc<Bell>,
}

impl Clerk {
    fn run(self, asked: &Receiver<Question>) {
        while self.bell.phase() == Phase::Working {
            let (query, asks) = match asked.recv_timeout(LOOK) {
                Ok(question) => question,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let Some(body) = self.answer(query, &asks) else { return };
            if self.driver.blocking_send(Inbound::Found { query, body }).is_err() {
                return;
            }
        }
    }

    /// Nothing if the process ends before: the query is asked again after the next start.
    fn answer(&self, query: Sequence, asks: &LogQuery) -> Option<Bytes> {
        let mut waited = Duration::ZERO;
        while !self.progress.has(query.0, LOOK) {
            waited += LOOK;
            if self.bell.phase() != Phase::Working {
                return None;
            }
            if waited >= CATCH_UP_MAX {
                return Some(text::unavailable());
            }
        }
        match self.search(asks) {
            Ok(body) => Some(body),
            Err(error) => {
                self.telemetry.observe(&JournalEvent::SearchFailed { error: &error });
                Some(text::unavailable())
            }
        }
    }

    fn search(&self, asks: &LogQuery) -> Result<Bytes, archive::Error> {
        // Opened anew each time: the filler may have begun another file.
        let searcher = Searcher::open(&self.path)?;
        text::answer(&searcher, &self.reader, asks, self.utc_offset)
    }
}
