//! The stand-in of NCIC and III: answers QW, QWI, QH and QR, and keeps an immigration violator file that the center
//! alone may change (`protocol-specs/formats.md` 5.4).
//!
//! ```text
//!  bytes ──► decide ──► answers          no I/O, no clock
//!              ▲  └───► change ──► journal ──► file
//!              │
//!     file (seed + changes), III
//! ```
//!
//! # A change is made once
//!
//! A request to change the file is decided, and what was decided, its answer's text with it, is a record of a journal
//! of this station's own. Only when that record is durable is the answer sent; only when the switch has taken the answer
//! is the request acknowledged to the switch. After a crash the request comes again, with the same number: it is found
//! among what was decided and answered with the same bytes under the same validation, so that the switch knows the repeat.
//! An inquiry changes nothing: if it comes again after the file has changed, its second answer may be another.
//! No answer is sent before what it is based on is durable.

mod decide;
mod file;
mod texts;
mod violator;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codec::legacy::{Output, parse_output};
use codec::name::{Ori, StationName};
use jiff::civil::Date;
use link::dialer::{self, Incoming, LinkState, SendError, StationLink};
use records::IndexError;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub use crate::asked::mark;
use crate::asked::{self, Answer, Asked, validation};
use crate::log::Log;
pub use crate::log::{JournalFailed, LogError};
use crate::people::Indexed;
pub use crate::people::PeopleError;
use crate::station::{Station, log_message, log_unreadable};
use crate::template::TemplateError;
pub use file::{Change, Decided, File, Wanted};
pub use texts::Texts;
pub use violator::{Base, CENTER, COUNT, PREFIXES, Standing, Violator, nic, nic_number, standing};

/// Records of the population that the file is made of, unless told otherwise: that of the full indexes.
pub const PERSONS: u32 = 93_000_000;

/// Where the stand-in calls, who it is, and what it holds.
#[derive(Debug, Clone)]
pub struct Config {
    /// The station's name, for the log; its certificate says it to the switch.
    pub station: StationName,
    /// The switch, and the station's files.
    pub link: dialer::Config,
    /// Whom its answers come from: an ORI of the station.
    pub ori: Ori,
    /// Who alone may change the file.
    pub center: Ori,
    /// The directory of the journal of the file's changes; made if it is not there.
    pub data: PathBuf,
    /// From which the file is made.
    pub seed: u64,
    /// Of how many records of the seed's population.
    pub persons: u32,
    /// How many violators there are at most.
    pub violators: u32,
    /// Whom III knows: record indexes, or directories of them. Without any, some thousand persons of the population.
    pub indexes: Vec<PathBuf>,
    /// A directory with all texts, in place of this program's.
    pub templates: Option<PathBuf>,
}

/// Why a stand-in cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The persons of III cannot be had.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// A text cannot be used.
    #[error("the templates cannot be used")]
    Templates(#[from] TemplateError),
    /// The journal cannot be used.
    #[error("the journal of the file's changes cannot be used")]
    Journal(#[from] LogError),
    /// The changes were made to another file.
    #[error("the changes in {} were made to the file of another seed: {found}", .path.display())]
    Another {
        /// The directory.
        path: PathBuf,
        /// What the file was made of.
        found: String,
    },
}

/// What a stand-in has done since it began. Counts only grow.
#[derive(Debug, Default)]
pub struct Counts {
    /// Inquiries that were answered.
    pub inquiries: AtomicU64,
    /// Requests to change the file that were answered.
    pub changes: AtomicU64,
    /// Messages that are neither, or cannot be read.
    pub others: AtomicU64,
    /// Messages that were given back to the switch; they come again.
    pub postponed: AtomicU64,
}

/// Kinds of the journal's records.
const BEGAN: u8 = 1;
const DECIDED: u8 = 2;

/// Of what a file was made: the first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Began {
    seed: u64,
    persons: u32,
    violators: u32,
}

/// How long the switch and the disk may take; see [`crate::lesc`].
const PATIENCE: Duration = Duration::from_secs(4);

/// A stand-in that has made its file and has not called yet.
#[derive(Debug)]
pub struct Ncic {
    station: Station,
    desk: Arc<Desk>,
}

impl Ncic {
    /// Makes the file, takes in its changes, opens the indexes.
    ///
    /// # Errors
    /// The journal, an index or a template cannot be used.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let Config { station, link, ori, center, data, seed, persons, violators, indexes, templates } = config;
        let texts = Texts::load(templates.as_deref())?;
        let people = Indexed::open(&indexes, seed, persons)?;
        let began = Began { seed, persons, violators };
        let mut file = File::new(Base::new(seed, persons, violators));
        let mut found = None;
        let (log, changes) = Log::open(&data, |entry| match entry.kind {
            BEGAN => serde_json::from_slice::<Began>(entry.payload).map(|began| found = Some(began)).is_ok(),
            _ => serde_json::from_slice::<Decided>(entry.payload).map(|decided| file.apply(decided)).is_ok(),
        })?;
        match found {
            Some(found) if found != began => {
                return Err(OpenError::Another { path: data, found: format!("{found:?}") });
            }
            Some(_) => {}
            // If it is not written, nothing else is.
            None => drop(log.append(BEGAN, serde_json::to_vec(&began).unwrap_or_default())),
        }
        info!(records = file.len(), changes, "the immigration violator file is open");
        let desk = Arc::new(Desk { ori, center, texts, people, file: Mutex::new(file), log, counts: Arc::default() });
        Ok(Self { station: Station::new(station, link), desk })
    }

    /// What it counts.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.desk.counts)
    }

    /// Whether it has a link, and when that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.station.state()
    }

    /// Answers until `shutdown`; then takes no more, finishes what is in hand and ends, within some seconds.
    ///
    /// # Errors
    /// The journal could not be written: what was not durable was not answered, and comes again at the next start.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), JournalFailed> {
        let Self { station, desk } = self;
        let (stop, failed) = (shutdown.child_token(), Arc::clone(&desk));
        let guard = stop.clone();
        let watching = tokio::spawn(async move {
            failed.log.failure().await;
            guard.cancel();
        });
        station.run(stop, |link, message| Arc::clone(&desk).handle(link, message)).await;
        watching.abort();
        if desk.log.has_failed() { Err(JournalFailed) } else { Ok(()) }
    }
}

#[derive(Debug)]
struct Desk {
    ori: Ori,
    center: Ori,
    texts: Texts,
    people: Indexed,
    file: Mutex<File>,
    log: Log,
    counts: Arc<Counts>,
}

/// Why a message is given back.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("nothing more can be stored")]
    Store,
}

impl Desk {
    async fn handle(self: Arc<Self>, link: StationLink, message: Incoming) {
        let Incoming { bytes, validation, acknowledge } = message;
        let output = match parse_output(&bytes) {
            Ok(output) => output,
            Err(error) => {
                self.counts.others.fetch_add(1, Relaxed);
                log_unreadable(error, bytes.len());
                return acknowledge.accept();
            }
        };
        let asked = is_ours(output.key.as_str()).then(|| asked::read(&output)).flatten();
        let Some(asked) = asked else {
            self.counts.others.fetch_add(1, Relaxed);
            log_message(&output, bytes.len());
            return acknowledge.accept();
        };
        let (key, sender) = (output.key, output.sender);
        match timeout(PATIENCE, self.answer(&link, validation, &output, &asked)).await {
            Ok(Ok(())) => acknowledge.accept(),
            // To ask again would be no use.
            Ok(Err(error @ Trouble::Send(SendError::Refused(_)))) => {
                error!(%key, %sender, %error, "an answer was not taken");
                acknowledge.accept();
            }
            Ok(Err(error)) => {
                self.counts.postponed.fetch_add(1, Relaxed);
                warn!(%key, %sender, %error, "a message is put off");
            }
            Err(_) => {
                self.counts.postponed.fetch_add(1, Relaxed);
                warn!(%key, %sender, "the switch or the disk takes nothing now, a message is put off");
            }
        }
    }

    /// Decides, waits until what the answers say is durable, and sends them.
    async fn answer(
        &self,
        link: &StationLink,
        delivery: u32,
        output: &Output<'_>,
        asked: &Asked,
    ) -> Result<(), Trouble> {
        let (answers, through) = self.decided(delivery, output, asked)?;
        if !self.log.durable(through).await {
            return Err(Trouble::Store);
        }
        let mut receipts = Vec::with_capacity(answers.len());
        for (answer, place) in answers.iter().zip(0_u8..) {
            let bytes = answer.message(self.ori, output);
            receipts.push(link.post(validation(delivery, "ncic", place), bytes).await?);
        }
        for receipt in receipts {
            receipt.await?;
        }
        let count = if is_change(output.key.as_str()) { &self.counts.changes } else { &self.counts.inquiries };
        count.fetch_add(1, Relaxed);
        Ok(())
    }

    /// The answers, and the record up to which the journal has to be durable before they are sent.
    fn decided(&self, delivery: u32, output: &Output<'_>, asked: &Asked) -> Result<(Vec<Answer>, u64), Trouble> {
        let (key, today): (&str, Date) = (output.key.as_str(), output.received.date());
        let mut file = self.file();
        let answers = match key {
            "QW" => vec![decide::wanted(asked, today, &file, &self.texts)],
            "QWI" => {
                let wanted = decide::wanted(asked, today, &file, &self.texts);
                vec![wanted, decide::identify("XNR", asked, today, &self.people, &self.texts)?]
            }
            "QH" => vec![decide::identify("CR", asked, today, &self.people, &self.texts)?],
            "QR" => vec![decide::record(asked, today, &self.people, &self.texts)?],
            _ => vec![Answer { key: "XNR", text: self.change(&mut file, delivery, output, asked)? }],
        };
        Ok((answers, self.log.last()))
    }

    /// Decides about a change, queues it for the journal and makes it; or finds what was decided before.
    fn change(&self, file: &mut File, delivery: u32, output: &Output<'_>, asked: &Asked) -> Result<String, Trouble> {
        let mark = mark(delivery, output);
        if let Some(text) = file.answered(&mark) {
            return Ok(text.to_owned());
        }
        let (sender, center) = (output.sender.as_str(), self.center.as_str());
        let who = decide::Who { sender, center, today: output.received.date() };
        let decided = decide::change(output.key.as_str(), mark, &who, asked, file, &self.texts);
        let payload = serde_json::to_vec(&decided).map_err(|_| Trouble::Store)?;
        self.log.append(DECIDED, payload).ok_or(Trouble::Store)?;
        let text = decided.text.clone();
        file.apply(decided);
        Ok(text)
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_change(key: &str) -> bool {
    matches!(key, "XI1" | "XI2" | "XI3")
}

fn is_ours(key: &str) -> bool {
    is_change(key) || matches!(key, "QW" | "QWI" | "QH" | "QR")
}

#[cfg(test)]
mod tests;
