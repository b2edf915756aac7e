//! The stand-in of a state's identification bureau: answers IQ, FQ and AQ with synthetic criminal histories, as slowly and as
//! faultily as a [`Profile`] says (`protocol-specs/formats.md` 5.3).
//!
//! ```text
//!  bytes ──► taken ──► acknowledged ──► (delay) ──► decide ──► answered ──► sent ──► settled
//!              └────────────── journal ────────────────┴─────────────────────────────┘
//! ```
//!
//! # Slow, and nothing is lost
//!
//! A request is a record of a journal of this station's own before it is acknowledged, so that a state may take its time
//! without the switch waiting for it, and a crash forgets none. Its answer is a record too before it is sent, under a number that follows
//! from the request's: sent again after a crash, it is the same to the byte, also where profile or indexes have changed, and the
//! switch knows the repeat. What a profile does to a request follows from the request.

mod decide;
mod profile;
mod texts;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use codec::legacy::parse_output;
use codec::name::{Ori, StationName};
use jiff::Timestamp;
use link::dialer::{self, Incoming, LinkState, SendError, StationLink};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, error, info, info_span, warn};

use crate::asked::{self, Answer, mark, validation};
use crate::log::Log;
pub use crate::log::{JournalFailed, LogError};
use crate::people::Indexed;
pub use crate::people::PeopleError;
use crate::station::{Station, log_message, log_unreadable};
use crate::template::TemplateError;
use decide::{Bureau, answer_key};
pub use profile::{Behavior, Fate, Profile, ProfileError};
pub use texts::Texts;

/// Where the stand-in calls, who it is, and whom it knows.
#[derive(Debug, Clone)]
pub struct Config {
    /// The station's name, for the log; its certificate says it to the switch.
    pub station: StationName,
    /// The switch, and the station's files.
    pub link: dialer::Config,
    /// The state's two letters: one of [`crate::history::STATES`], as others have no arrests.
    pub state: String,
    /// Whom its answers come from: an ORI of the station.
    pub ori: Ori,
    /// The directory of the journal of requests; made if it is not there.
    pub data: PathBuf,
    /// How slow and how faulty it is.
    pub profile: Profile,
    /// Of which population the persons are where there is no index.
    pub seed: u64,
    /// How many records that has.
    pub persons: u32,
    /// Whom the state may know: record indexes, or directories of them. Without any, some thousand persons of the population.
    pub indexes: Vec<PathBuf>,
    /// A directory with all texts, in place of this program's.
    pub templates: Option<PathBuf>,
}

/// Why a stand-in cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are no persons.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// A text cannot be used.
    #[error("the templates cannot be used")]
    Templates(#[from] TemplateError),
    /// The journal cannot be used.
    #[error("the journal of requests cannot be used")]
    Journal(#[from] LogError),
}

/// What a stand-in has done since it began. Counts only grow.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests that came to their end: answered, or passed over as the profile has it.
    pub settled: AtomicU64,
    /// Messages that are none, or cannot be read.
    pub others: AtomicU64,
    /// Messages that were given back to the switch; they come again.
    pub postponed: AtomicU64,
}

/// Kinds of the journal's records: a request, its end, and before that its answer.
const TAKEN: u8 = 1;
const SETTLED: u8 = 2;
const ANSWERED: u8 = 3;

/// Letters of a mark.
const MARK: usize = 32;

/// Requests that may wait for their moment; more are given back to the switch.
const WAITING_MAX: usize = 10_000;

/// Requests that are remembered once they are settled: many more than can be on their way again.
const SETTLED_MAX: usize = 20_000;

/// How long the disk may take; see [`crate::lesc`].
const PATIENCE: Duration = Duration::from_secs(4);

/// A request that was taken.
#[derive(Clone)]
struct Request {
    mark: String,
    delivery: u32,
    /// When it is answered, in milliseconds since 1970.
    due: i64,
    message: Bytes,
    /// What an earlier process had to say, and may have said.
    answer: Option<Bytes>,
}

impl Request {
    fn encode(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(self.message.len() + 12);
        to.extend_from_slice(&self.delivery.to_le_bytes());
        to.extend_from_slice(&self.due.to_le_bytes());
        to.extend_from_slice(&self.message);
        to
    }

    fn decode(payload: &[u8]) -> Option<Self> {
        let (delivery, rest) = payload.split_first_chunk::<4>()?;
        let (due, message) = rest.split_first_chunk::<8>()?;
        let delivery = u32::from_le_bytes(*delivery);
        let mark = mark(delivery, &parse_output(message).ok()?);
        let (due, message) = (i64::from_le_bytes(*due), Bytes::copy_from_slice(message));
        Some(Self { mark, delivery, due, message, answer: None })
    }
}

/// What is known of requests, by their marks: the records that took them.
#[derive(Debug, Default)]
struct Known {
    taken: HashMap<String, u64>,
    settled: VecDeque<String>,
    waiting: usize,
}

impl Known {
    fn take(&mut self, mark: &str, record: u64) {
        if self.taken.insert(mark.to_owned(), record).is_none() {
            self.waiting += 1;
        }
    }

    fn settle(&mut self, mark: &str) {
        self.waiting = self.waiting.saturating_sub(1);
        self.settled.push_back(mark.to_owned());
        if self.settled.len() > SETTLED_MAX
            && let Some(oldest) = self.settled.pop_front()
        {
            self.taken.remove(&oldest);
        }
    }
}

/// A stand-in that has opened its journal and has not called yet.
#[derive(Debug)]
pub struct State {
    station: Station,
    desk: Arc<Desk>,
    /// What an earlier process took and did not settle.
    left: Vec<Request>,
}

/// A request is about a person.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("delivery", &self.delivery).field("due", &self.due).finish_non_exhaustive()
    }
}

impl State {
    /// Opens the journal and the indexes.
    ///
    /// # Errors
    /// The journal, an index or a template cannot be used.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let Config { station, link, state, ori, data, profile, seed, persons, indexes, templates } = config;
        let texts = Texts::load(templates.as_deref())?;
        let people = Indexed::open(&indexes, seed, persons)?;
        let (mut known, mut left) = (Known::default(), HashMap::<String, (u64, Request)>::new());
        let (log, records) = Log::open(&data, |entry| match entry.kind {
            TAKEN => Request::decode(entry.payload).is_some_and(|request| {
                known.take(&request.mark, entry.sequence);
                left.insert(request.mark.clone(), (entry.sequence, request));
                true
            }),
            ANSWERED => entry.payload.split_at_checked(MARK).is_some_and(|(mark, answer)| {
                let request = str::from_utf8(mark).ok().and_then(|mark| left.get_mut(mark));
                request.map(|(_, request)| request.answer = Some(Bytes::copy_from_slice(answer))).is_some()
            }),
            SETTLED => str::from_utf8(entry.payload).is_ok_and(|mark| {
                if left.remove(mark).is_some() {
                    known.settle(mark);
                }
                true
            }),
            _ => false,
        })?;
        let mut left: Vec<_> = left.into_values().collect();
        left.sort_by_key(|(record, _)| *record);
        let left: Vec<Request> = left.into_iter().map(|(_, request)| request).collect();
        info!(records, waiting = left.len(), "the journal of requests was read");
        let known = Mutex::new(known);
        let desk = Arc::new(Desk { state, ori, profile, people, texts, known, log, counts: Arc::default() });
        Ok(Self { station: Station::new(station, link), desk, left })
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

    /// Answers until `shutdown`; then takes no more and ends, within some seconds. What waits still is answered after the next start.
    ///
    /// # Errors
    /// The journal could not be written: what was not durable was not taken, and comes again at the next start.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), JournalFailed> {
        let Self { station, desk, left } = self;
        let (stop, failed) = (shutdown.child_token(), Arc::clone(&desk));
        let guard = stop.clone();
        let watching = tokio::spawn(async move {
            failed.log.failure().await;
            guard.cancel();
        });
        let span = info_span!("state", name = %desk.state);
        for request in left {
            let (desk, link, stop) = (Arc::clone(&desk), station.link(), stop.clone());
            tokio::spawn(desk.settle(link, request, stop).instrument(span.clone()));
        }
        let ending = stop.clone();
        station.run(stop, |link, message| Arc::clone(&desk).handle(link, message, ending.clone())).await;
        watching.abort();
        if desk.log.has_failed() { Err(JournalFailed) } else { Ok(()) }
    }
}

#[derive(Debug)]
struct Desk {
    state: String,
    ori: Ori,
    profile: Profile,
    people: Indexed,
    texts: Texts,
    known: Mutex<Known>,
    log: Log,
    counts: Arc<Counts>,
}

/// What a delivered request is to this station.
enum Place {
    /// A new one, and the record that takes it.
    New(u64, Request),
    /// One that was taken by that record.
    Known(u64),
    /// One too many.
    None,
}

impl Desk {
    /// Takes a request: acknowledges it once it is durable, and has it settled in its time.
    async fn handle(self: Arc<Self>, link: StationLink, message: Incoming, stop: CancellationToken) {
        let Incoming { bytes, validation, acknowledge } = message;
        let output = match parse_output(&bytes) {
            Ok(output) => output,
            Err(error) => {
                self.counts.others.fetch_add(1, Relaxed);
                log_unreadable(error, bytes.len());
                return acknowledge.accept();
            }
        };
        if !matches!(output.key.as_str(), "IQ" | "FQ" | "AQ") {
            self.counts.others.fetch_add(1, Relaxed);
            log_message(&output, bytes.len());
            return acknowledge.accept();
        }
        let place = self.place(mark(validation, &output), validation, &bytes);
        let (record, request) = match place {
            Place::New(record, request) => (record, Some(request)),
            Place::Known(record) => (record, None),
            Place::None => {
                self.counts.postponed.fetch_add(1, Relaxed);
                return warn!(key = %output.key, sender = %output.sender, "nothing more can be taken, a request is put off");
            }
        };
        if timeout(PATIENCE, self.log.durable(record)).await.is_ok_and(|durable| durable) {
            acknowledge.accept();
        } else {
            self.counts.postponed.fetch_add(1, Relaxed);
            warn!(key = %output.key, sender = %output.sender, "the disk takes nothing now, a request is put off");
        }
        // Also where the disk is slow: it is known, and nobody else begins it.
        if let Some(request) = request {
            tokio::spawn(Arc::clone(&self).settle(link, request, stop).in_current_span());
        }
    }

    fn place(&self, mark: String, delivery: u32, bytes: &Bytes) -> Place {
        let mut known = self.known();
        if let Some(record) = known.taken.get(&mark) {
            return Place::Known(*record);
        }
        if known.waiting >= WAITING_MAX {
            return Place::None;
        }
        let delay = i64::try_from(self.profile.fate(&mark).delay.as_millis()).unwrap_or(i64::MAX);
        let due = Timestamp::now().as_millisecond().saturating_add(delay);
        let request = Request { mark, delivery, due, message: bytes.clone(), answer: None };
        let Some(record) = self.log.append(TAKEN, request.encode()) else { return Place::None };
        known.take(&request.mark, record);
        Place::New(record, request)
    }

    /// Waits for a request's moment, answers it as the profile has it, and remembers that.
    async fn settle(self: Arc<Self>, link: StationLink, request: Request, stop: CancellationToken) {
        let wait = request.due.saturating_sub(Timestamp::now().as_millisecond());
        let settled = stop.run_until_cancelled(async {
            sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0))).await;
            // What was not durable is not answered: it comes again.
            let Some(record) = self.known().taken.get(&request.mark).copied() else { return false };
            if !self.log.durable(record).await {
                return false;
            }
            let bytes = match &request.answer {
                Some(answer) => answer.clone(),
                None => match self.compose(&request) {
                    None => return true,
                    Some(answer) if self.keep(&request, &answer).await => answer,
                    Some(_) => return false,
                },
            };
            match link.send(validation(request.delivery, &self.state, 0), bytes).await {
                Ok(()) => true,
                // To say it again would be no use.
                Err(error @ SendError::Refused(_)) => {
                    error!(%error, "an answer was not taken");
                    true
                }
                Err(_) => false,
            }
        });
        if settled.await == Some(true) {
            self.counts.settled.fetch_add(1, Relaxed);
            self.known().settle(&request.mark);
            if self.log.append(SETTLED, request.mark.into_bytes()).is_none() {
                warn!("the end of a request is not written: its answer goes out once more after the next start");
            }
        }
    }

    /// Makes an answer durable, so that it is the only one.
    async fn keep(&self, request: &Request, answer: &Bytes) -> bool {
        let payload = [request.mark.as_bytes(), answer.as_ref()].concat();
        match self.log.append(ANSWERED, payload) {
            Some(record) => self.log.durable(record).await,
            None => false,
        }
    }

    /// The message that answers a request; none if the profile has none.
    fn compose(&self, request: &Request) -> Option<Bytes> {
        let output = parse_output(&request.message).ok()?;
        let (key, today) = (output.key.as_str(), output.received.date());
        let bureau = Bureau { state: &self.state, people: &self.people, texts: &self.texts };
        let answer = match self.profile.fate(&request.mark).behavior {
            Behavior::Silence => return None,
            Behavior::Error => bureau.unable(key),
            Behavior::Garbage => Answer { key: answer_key(key), text: profile::garbage(&request.mark) },
            Behavior::Answer => bureau.answer(key, &asked::read_any(&output), today).unwrap_or_else(|error| {
                error!(%error, "an index is damaged");
                bureau.unable(key)
            }),
        };
        Some(answer.message(self.ori, &output))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
