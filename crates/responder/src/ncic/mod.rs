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

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use codec::legacy::{InputHeader, Output, parse_output};
use codec::name::{MessageKey, Ori, StationName};
use jiff::civil::Date;
use journal::{Batch, Journal, Notice, RealDisk, Writer};
use link::dialer::{self, Incoming, LinkState, SendError, StationLink};
use records::synth::Population;
use records::{Holdings, Index, IndexError, Person, Query, Settings, Source};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::answer::FIRST_LINE;
use crate::station::{Station, log_message, log_unreadable};
use crate::template::TemplateError;
pub use decide::mark;
use decide::{Answer, Asked, People};
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
    /// The indexes cannot be used.
    #[error(transparent)]
    Records(#[from] records::OpenError),
    /// Those of this program cannot be built.
    #[error("the persons of III cannot be made: {0}")]
    People(String),
    /// A text cannot be used.
    #[error("the templates cannot be used")]
    Templates(#[from] TemplateError),
    /// The journal cannot be used.
    #[error("the journal of the file's changes cannot be used")]
    Journal(#[from] journal::OpenError),
    /// A record of the journal is none of this program's.
    #[error("record {sequence} of the journal is none of a violator file's changes")]
    Record {
        /// Its number.
        sequence: u64,
    },
    /// The changes were made to another file.
    #[error("the changes in {} were made to the file of another seed: {found}", .path.display())]
    Another {
        /// The directory.
        path: PathBuf,
        /// What the file was made of.
        found: String,
    },
    /// The system has no thread to give.
    #[error("no thread for the journal")]
    Thread(#[from] std::io::Error),
}

/// Why a stand-in ended of itself.
#[derive(Debug, thiserror::Error)]
#[error("the journal of the file's changes could not be written; start again")]
pub struct JournalFailed;

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
        let people = Iii(if indexes.is_empty() { some(seed, persons)? } else { Holdings::open(&indexes)? });
        let began = Began { seed, persons, violators };
        let mut file = File::new(Base::new(seed, persons, violators));
        let (mut found, mut strange) = (None, None);
        let mut take_in = journal::each(|entry| {
            let read = match entry.kind {
                BEGAN => serde_json::from_slice::<Began>(entry.payload).map(|began| found = Some(began)),
                _ => serde_json::from_slice::<Decided>(entry.payload).map(|decided| file.apply(decided)),
            };
            if read.is_err() {
                strange.get_or_insert(entry.sequence);
            }
        });
        let settings = journal::Config { segment_bytes: SEGMENT_BYTES, ..journal::Config::default() };
        let (journal, report) = Journal::open(RealDisk::open(&data)?, settings, &mut take_in)?;
        if let Some(sequence) = strange {
            return Err(OpenError::Record { sequence });
        }
        if let Some(found) = found.filter(|found| *found != began) {
            return Err(OpenError::Another { path: data, found: format!("{found:?}") });
        }
        let mut next = journal.next_sequence();
        let (say, stored) = watch::channel(Stored { through: journal.stored_through(), failed: false });
        let (writer, _reader) = journal::start(journal, move |notice| match notice {
            Notice::Stored { through } => say.send_modify(|stored| stored.through = through),
            Notice::Failed { .. } => say.send_modify(|stored| stored.failed = true),
            Notice::Full { .. } | Notice::Open | Notice::Pruned { .. } => {}
        })?;
        if found.is_none() {
            let payload = serde_json::to_vec(&began).unwrap_or_default();
            if writer.submit(Batch { records: vec![(next, BEGAN, payload.into())] }).is_ok() {
                next += 1;
            }
        }
        info!(records = file.len(), changes = report.records, "the immigration violator file is open");
        let state = Mutex::new(State { file, next, writer });
        let desk = Arc::new(Desk { ori, center, texts, people, state, stored, counts: Arc::default() });
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
        let (mut stored, stop) = (desk.stored.clone(), shutdown.child_token());
        let guard = stop.clone();
        let watching = tokio::spawn(async move {
            let failed = stored.wait_for(|stored| stored.failed).await.is_ok();
            if failed {
                guard.cancel();
            }
        });
        station.run(stop, |link, message| Arc::clone(&desk).handle(link, message)).await;
        watching.abort();
        if desk.stored.borrow().failed { Err(JournalFailed) } else { Ok(()) }
    }
}

/// Small: a start then costs no more than the demo has time for.
const SEGMENT_BYTES: u64 = 4 << 20;

/// The enforcement and removal cases of the first records of a population.
fn some(seed: u64, persons: u32) -> Result<Holdings, OpenError> {
    let population = Population::new(seed, persons.min(PEOPLE));
    let cases = [Source::Enforce, Source::Dacs].into_iter();
    let cases = cases.flat_map(|source| (0..population.len_of(source)).map(move |row| (source, row)));
    let persons = cases.map(|(source, row)| population.record_of(source, row).person);
    let failed = |error: String| OpenError::People(error);
    let bytes = records::build_bytes(persons).map_err(|error| failed(error.to_string()))?;
    let index = Index::from_bytes(bytes).map_err(|error| failed(error.to_string()))?;
    Ok(Holdings::new(vec![("iii".to_owned(), index)]))
}

/// Records of the population that III is made of where it has no index.
const PEOPLE: u32 = 100_000;

#[derive(Debug)]
struct Iii(Holdings);

impl People for Iii {
    fn find(&self, query: &Query, limit: usize) -> Result<Vec<Person>, IndexError> {
        let found = self.0.search(query, &Settings::best(limit))?;
        Ok(found.candidates.into_iter().map(|candidate| candidate.person).collect())
    }
}

#[derive(Debug, Clone, Copy)]
struct Stored {
    through: u64,
    failed: bool,
}

#[derive(Debug)]
struct State {
    file: File,
    /// The number of the journal's next record.
    next: u64,
    writer: Writer,
}

#[derive(Debug)]
struct Desk {
    ori: Ori,
    center: Ori,
    texts: Texts,
    people: Iii,
    state: Mutex<State>,
    stored: watch::Receiver<Stored>,
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
        let asked = is_ours(output.key.as_str()).then(|| decide::read(&output)).flatten();
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
        let mut stored = self.stored.clone();
        let reached = stored.wait_for(|stored| stored.failed || stored.through >= through).await;
        if !reached.is_ok_and(|stored| !stored.failed) {
            return Err(Trouble::Store);
        }
        let mut receipts = Vec::with_capacity(answers.len());
        for (answer, place) in answers.iter().zip(0_u8..) {
            let bytes = self.message(output, answer);
            receipts.push(link.post(validation(delivery, place), bytes).await?);
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
        let mut state = self.state();
        let answers = match key {
            "QW" => vec![decide::wanted(asked, today, &state.file, &self.texts)],
            "QWI" => {
                let wanted = decide::wanted(asked, today, &state.file, &self.texts);
                vec![wanted, decide::identify("XNR", asked, today, &self.people, &self.texts)?]
            }
            "QH" => vec![decide::identify("CR", asked, today, &self.people, &self.texts)?],
            "QR" => vec![decide::record(asked, today, &self.people, &self.texts)?],
            _ => vec![Answer { key: "XNR", text: self.change(&mut state, delivery, output, asked)? }],
        };
        Ok((answers, state.next - 1))
    }

    /// Decides about a change, queues it for the journal and makes it; or finds what was decided before.
    fn change(&self, state: &mut State, delivery: u32, output: &Output<'_>, asked: &Asked) -> Result<String, Trouble> {
        let mark = mark(delivery, output);
        if let Some(text) = state.file.answered(&mark) {
            return Ok(text.to_owned());
        }
        let (sender, center) = (output.sender.as_str(), self.center.as_str());
        let who = decide::Who { sender, center, today: output.received.date() };
        let decided = decide::change(output.key.as_str(), mark, &who, asked, &state.file, &self.texts);
        let payload = serde_json::to_vec(&decided).map_err(|_| Trouble::Store)?;
        let records = vec![(state.next, DECIDED, Bytes::from(payload))];
        state.writer.submit(Batch { records }).map_err(|_| Trouble::Store)?;
        state.next += 1;
        let text = decided.text.clone();
        state.file.apply(decided);
        Ok(text)
    }

    fn message(&self, output: &Output<'_>, answer: &Answer) -> Bytes {
        // Keys of this file are keys.
        let key = MessageKey::parse(answer.key).unwrap_or(output.key);
        let destinations = [output.sender.as_str()];
        let header = InputHeader { key, sender: self.ori, destinations: &destinations, control: output.control };
        header.encode(format!("{FIRST_LINE}\r\n{}", answer.text).as_bytes())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_change(key: &str) -> bool {
    matches!(key, "XI1" | "XI2" | "XI3")
}

fn is_ours(key: &str) -> bool {
    is_change(key) || matches!(key, "QW" | "QWI" | "QH" | "QR")
}

/// The number by which the switch knows an answer if it comes again: the same for the same delivery and place.
fn validation(delivery: u32, place: u8) -> Option<NonZeroU32> {
    let delivery = NonZeroU32::new(delivery)?.get();
    let hash = Sha256::new().chain_update(delivery.to_be_bytes()).chain_update("ncic").chain_update([place]).finalize();
    let (words, _) = hash.as_chunks();
    words.iter().find_map(|word| NonZeroU32::new(u32::from_be_bytes(*word)))
}

#[cfg(test)]
mod tests;
