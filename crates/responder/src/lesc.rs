//! The support center: acknowledges an inquiry at once, searches its indexes, answers (`protocol-specs/formats.md` 3.3).
//!
//! An inquiry's delivery is acknowledged to the switch once the switch has acknowledged both the acknowledgement and
//! the answer; see [`crate::answer`] for why each reaches the requester once. Everything else that comes is logged and
//! acknowledged.

use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use codec::legacy::parse_output;
use codec::name::{Ori, StationName};
use link::dialer::{self, Acknowledge, Incoming, LinkState, Receipt, SendError, StationLink};
use records::{Holdings, IndexError, Live, Settings};
use telemetry::{CenterEvent, CenterMetrics};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::answer::{Letter, ORI, Reply, Terms, Writer};
use crate::decision::{Decision, Finding, FindingKind, decide};
use crate::desk::Desk;
pub use crate::desk::DeskError;
use crate::inquiry::{IAQ, Inquiry, Purpose};
use crate::policy::Policy;
use crate::sources::Heard;
use crate::station::{Station, log_message, log_unreadable};
use crate::template::{TemplateError, Templates};

/// Where the center calls, who it is, and what it answers from.
#[derive(Debug, Clone)]
pub struct Config {
    /// The station's name, for the log; its certificate says it to the switch.
    pub station: StationName,
    /// The switch, and the station's files.
    pub link: dialer::Config,
    /// Whom its answers come from: an ORI of the station.
    pub ori: Ori,
    /// The record indexes: files, or directories of files that end in `.idx`. All are searched.
    pub indexes: Vec<PathBuf>,
    /// The log of records added since, if there is to be one. What others add to it is found by the next search.
    pub added: Option<PathBuf>,
    /// The directory of its journal. Without one it keeps nothing, and an inquiry is the switch's until it is answered.
    pub data: Option<PathBuf>,
    /// A directory with all templates, in place of this program's.
    pub templates: Option<PathBuf>,
    /// How it works. A center without a journal goes by its refusals alone: it answers everything by itself and at once.
    pub policy: Policy,
    /// What it does is counted there.
    pub metrics: Option<Arc<CenterMetrics>>,
}

impl Config {
    /// The center of the sample network (`protocol-specs/wire.md` 3), with the templates of this program: every answer goes
    /// out by itself, nobody is asked over the network.
    #[must_use]
    pub fn new(station: StationName, link: dialer::Config, indexes: Vec<PathBuf>) -> Self {
        let policy = Policy::automatic();
        Self { station, link, ori: *ORI, indexes, added: None, data: None, templates: None, policy, metrics: None }
    }
}

/// Why a center cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The indexes or the log of added records cannot be used.
    #[error(transparent)]
    Records(#[from] records::OpenError),
    /// A template cannot be used.
    #[error("the templates cannot be used")]
    Templates(#[from] TemplateError),
    /// The center's journal cannot be used.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// What a center has done since it began. Counts only grow.
#[derive(Debug, Default)]
pub struct Counts {
    /// Inquiries taken, also those that came before.
    pub inquiries: AtomicU64,
    /// Acknowledgements that the switch has taken.
    pub acknowledgements: AtomicU64,
    /// Answers that the switch has taken: inquiries that cannot be read.
    pub more_information: AtomicU64,
    /// Nobody was found.
    pub no_record: AtomicU64,
    /// One person was found.
    pub record: AtomicU64,
    /// Persons were found of whom any or none may be the one.
    pub possible_records: AtomicU64,
    /// For purpose F, one person was found.
    pub status: AtomicU64,
    /// For purpose F, persons were found of whom any or none may be the one.
    pub status_unclear: AtomicU64,
    /// Who asked had no authority to.
    pub refusals: AtomicU64,
    /// Supplements that the switch has taken.
    pub supplements: AtomicU64,
    /// Inquiries given back to the switch because it did not take an answer in time; they come again.
    pub postponed: AtomicU64,
    /// Inquiries of which the switch refused an answer for good.
    pub refused: AtomicU64,
    /// Messages that are no inquiries.
    pub others: AtomicU64,
    /// Messages whose header could not be read.
    pub unreadable: AtomicU64,
}

impl Counts {
    const fn of(&self, finding: &Finding) -> &AtomicU64 {
        self.of_kind(finding.kind())
    }

    pub(crate) const fn of_kind(&self, kind: FindingKind) -> &AtomicU64 {
        match kind {
            FindingKind::MoreInformation => &self.more_information,
            FindingKind::NoRecord => &self.no_record,
            FindingKind::Record => &self.record,
            FindingKind::PossibleRecords => &self.possible_records,
            FindingKind::Status => &self.status,
            FindingKind::StatusUnclear => &self.status_unclear,
            FindingKind::Refused => &self.refusals,
            FindingKind::Supplement => &self.supplements,
        }
    }
}

/// A center that has read its indexes and templates and has not called yet.
#[derive(Debug)]
pub struct Lesc {
    station: Station,
    center: Arc<Center>,
    desk: Option<Desk>,
}

impl Lesc {
    /// Reads templates, the heads of the indexes and the added records. The rest of an index is checked where it is read.
    ///
    /// # Errors
    /// An index, the log of added records or a template cannot be used.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let Config { station, link, ori, indexes, added, data, templates, policy, metrics } = config;
        let writer = Writer::new(ori, Templates::load(templates.as_deref())?);
        let live = Live::open(indexes.clone(), added)?;
        let center = Center { live: Arc::new(live), writer, policy, counts: Arc::default(), metrics, indexes };
        center.say_opened(&*center.live.holdings()?);
        let center = Arc::new(center);
        let desk = data.map(|data| Desk::open(&data, Arc::clone(&center))).transpose()?;
        Ok(Self { station: Station::new(station, link), center, desk })
    }

    /// What it counts.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.center.counts)
    }

    /// Whether it has a link, and when that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.station.state()
    }

    /// Answers until `shutdown`; then takes no more inquiries, finishes those in hand and ends, within some seconds.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { station, center, desk } = self;
        match desk {
            None => station.run(shutdown, |link, message| Arc::clone(&center).handle(link, message)).await,
            Some(desk) => {
                // It ends by itself too, when its journal fails.
                let (link, stop, inbox) = (station.link(), shutdown.child_token(), desk.inbox());
                let take = |_, message| {
                    let Some(message) = inbox.take_answer(message) else { return ready(()) };
                    if let Some((inquiry, bytes, acknowledge)) = center.read(message) {
                        inbox.deliver(inquiry, bytes, acknowledge);
                    }
                    ready(())
                };
                tokio::join!(station.run(stop.clone(), take), desk.run(link, stop.clone()));
            }
        }
    }
}

/// Runs a center until `shutdown`. It blocks while it reads the index, before it calls.
///
/// # Errors
/// The index or a template cannot be used.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), OpenError> {
    Lesc::open(config)?.run(shutdown).await;
    Ok(())
}

/// How long the switch may take to take both messages. Less than it waits for the acknowledgement of the inquiry: it is
/// told in time that it will have to wait, and so a full store does not end in a lost link and a dead letter.
const PATIENCE: Duration = Duration::from_secs(4);

#[derive(Debug)]
pub(crate) struct Center {
    live: Arc<Live>,
    pub(crate) writer: Writer,
    pub(crate) policy: Policy,
    pub(crate) counts: Arc<Counts>,
    metrics: Option<Arc<CenterMetrics>>,
    /// Where the indexes are.
    indexes: Vec<PathBuf>,
}

impl Center {
    pub(crate) fn observe(&self, event: CenterEvent) {
        if let Some(metrics) = &self.metrics {
            metrics.observe(event);
        }
    }

    /// Says what is searched from now on.
    fn say_opened(&self, holdings: &Holdings) {
        let (records, indexes, sources) = (holdings.len(), holdings.indexes().len(), holdings.sources());
        info!(records, indexes, added = holdings.added(), %sources, "the record indexes are open");
        let bytes = holdings.indexes().map(|(_, index)| index.size_bytes() as u64).sum();
        let modified = |file: PathBuf| file.metadata().and_then(|file| file.modified()).ok();
        // The oldest: what all of them hold is as old as that.
        let written = records::files(&self.indexes).unwrap_or_default().into_iter().filter_map(modified).min();
        let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default().as_secs_f64();
        self.observe(CenterEvent::Opened { records: records as u64, bytes, written });
    }

    /// The inquiry that a message is. Anything else is counted, logged and taken.
    fn read(&self, message: Incoming) -> Option<(Inquiry, Bytes, Acknowledge)> {
        let Incoming { bytes, validation, acknowledge } = message;
        let inquiry = match parse_output(&bytes) {
            Ok(output) if output.key.as_str() == IAQ => Inquiry::read(validation, &output),
            Ok(output) => {
                add(&self.counts.others);
                self.observe(CenterEvent::Other);
                log_message(&output, bytes.len());
                acknowledge.accept();
                return None;
            }
            Err(error) => {
                add(&self.counts.unreadable);
                self.observe(CenterEvent::Other);
                log_unreadable(error, bytes.len());
                acknowledge.accept();
                return None;
            }
        };
        add(&self.counts.inquiries);
        self.observe(CenterEvent::Asked);
        Some((inquiry, bytes, acknowledge))
    }

    async fn handle(self: Arc<Self>, link: StationLink, message: Incoming) {
        let Some((inquiry, bytes, acknowledge)) = self.read(message) else { return };
        match self.settle(&link, &inquiry, bytes.len()).await {
            Settled::Done => acknowledge.accept(),
            // It comes again.
            Settled::Open => drop(acknowledge),
        }
    }

    /// The answer to an inquiry from the records as they are now, beside what the sources of the network came to. It blocks
    /// while many additions are taken in.
    pub(crate) fn compose(&self, inquiry: &Inquiry, heard: Heard) -> Result<(FindingKind, Letter), ComposeError> {
        if self.live.is_stale()? {
            self.live.refresh()?;
            self.say_opened(&*self.live.holdings()?);
        }
        let holdings = self.live.holdings()?;
        let decision = self.decide(inquiry, &holdings)?.beside(heard);
        let kind = decision.finding.kind();
        Ok((kind, self.writer.letter(inquiry, &decision, self.terms(inquiry, kind))))
    }

    /// What sources gave that were late.
    pub(crate) fn supplement(&self, inquiry: &Inquiry, heard: &Heard) -> (FindingKind, Letter) {
        let kind = FindingKind::Supplement;
        (kind, self.writer.supplement(inquiry, heard, self.terms(inquiry, kind)))
    }

    fn terms(&self, inquiry: &Inquiry, kind: FindingKind) -> Terms {
        let technician = !self.policy.automatic.contains(&kind);
        Terms { office: self.policy.office(inquiry.requester), technician }
    }

    /// Whom an inquiry asks over the network. For purpose F nobody: its answer is the status, and what NCIC and III have is
    /// searched by whoever decides.
    pub(crate) fn asked(&self, inquiry: &Inquiry) -> Vec<center::Source> {
        let asks = inquiry.subject.as_ref().is_ok_and(|subject| subject.purpose == Purpose::CriminalJustice);
        if asks && !self.policy.refuses(inquiry.requester) { self.policy.places() } else { Vec::new() }
    }

    fn decide(&self, inquiry: &Inquiry, holdings: &Holdings) -> Result<Decision, IndexError> {
        if self.policy.refuses(inquiry.requester) {
            return Ok(Decision::refused());
        }
        decide(inquiry, |query, limit| {
            let begun = Instant::now();
            let found = holdings.search(query, &Settings::best(limit))?;
            self.observe(CenterEvent::Searched { took: begun.elapsed(), candidates: found.total });
            Ok(found)
        })
    }

    /// Acknowledges and answers an inquiry of that size, and says whether the center is done with it.
    async fn settle(&self, link: &StationLink, inquiry: &Inquiry, bytes: usize) -> Settled {
        let Inquiry { requester: sender, query, subject, .. } = inquiry;
        if subject.is_err() {
            warn!(key = IAQ, %sender, %query, bytes, "an inquiry cannot be read");
        }
        let begun = Instant::now();
        let postponed = || self.observe(CenterEvent::Postponed);
        match timeout(PATIENCE, self.answer(link, inquiry)).await {
            Ok(Ok(finding)) => {
                self.observe(CenterEvent::Answered { kind: finding, took: begun.elapsed() });
                debug!(key = IAQ, %sender, %query, bytes, finding, "an inquiry is answered");
                Settled::Done
            }
            // Nobody is told "no record" because a record could not be read.
            Ok(Err(AnswerError::Index(error))) => {
                add(&self.counts.postponed);
                self.observe(CenterEvent::SearchFailed);
                postponed();
                error!(key = IAQ, %sender, %query, bytes, %error, "the record index is damaged, the inquiry is put off");
                Settled::Open
            }
            Ok(Err(AnswerError::Open(error))) => {
                add(&self.counts.postponed);
                error!(key = IAQ, %sender, %query, bytes, %error, "added records cannot be had, the inquiry is put off");
                Settled::Open
            }
            // To ask for the inquiry again would be no use: the answer would be the same.
            Ok(Err(AnswerError::Send(error @ SendError::Refused(_)))) => {
                add(&self.counts.refused);
                self.observe(CenterEvent::Refused);
                error!(key = IAQ, %sender, %query, bytes, %error, "an answer was not taken");
                Settled::Done
            }
            Ok(Err(AnswerError::Send(SendError::Ended) | AnswerError::Ended)) => {
                postponed();
                Settled::Open
            }
            Err(_) => {
                add(&self.counts.postponed);
                postponed();
                warn!(key = IAQ, %sender, %query, bytes, "the switch takes no answer now, the inquiry is put off");
                Settled::Open
            }
        }
    }

    /// The records as they are now. To take many additions takes long: the link goes on meanwhile.
    async fn holdings(&self) -> Result<Arc<Holdings>, AnswerError> {
        if self.live.is_stale()? {
            let live = Arc::clone(&self.live);
            spawn_blocking(move || live.refresh()).await.map_err(|_| AnswerError::Ended)??;
            self.say_opened(&*self.live.holdings()?);
        }
        Ok(self.live.holdings()?)
    }

    /// Acknowledges and answers, until the switch has taken both. Both are on their way in this order before the first
    /// is waited for, so that one commit of the switch can hold both.
    async fn answer(&self, link: &StationLink, inquiry: &Inquiry) -> Result<&'static str, AnswerError> {
        let acknowledgement = post(link, self.writer.acknowledgement(inquiry)).await?;
        let holdings = self.holdings().await?;
        let decision = self.decide(inquiry, &holdings)?;
        let answer = post(link, self.writer.answer(inquiry, &decision)).await?;
        let (acknowledgement, answer) = (acknowledgement.await, answer.await);
        if acknowledgement.is_ok() {
            add(&self.counts.acknowledgements);
        }
        if answer.is_ok() {
            add(self.counts.of(&decision.finding));
        }
        acknowledgement.and(answer)?;
        Ok(decision.finding.label())
    }
}

/// Why an inquiry is not answered.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Open(#[from] records::OpenError),
    #[error("the process ends")]
    Ended,
}

/// Why an answer cannot be composed now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error("the record index is damaged")]
    Index(#[from] IndexError),
    #[error("added records cannot be had")]
    Open(#[from] records::OpenError),
}

/// Whether an inquiry needs to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    Done,
    Open,
}

async fn post(link: &StationLink, reply: Reply) -> Result<Receipt, SendError> {
    link.post(reply.validation, reply.bytes).await
}

pub(crate) fn add(count: &AtomicU64) {
    count.fetch_add(1, Relaxed);
}

#[cfg(test)]
mod tests {
    use codec::time::Stamp;
    use link::tls::ClientFiles;
    use session::Role;

    use super::*;
    use crate::inquiry::{QueryId, Unreadable};

    #[tokio::test(start_paused = true)]
    async fn an_inquiry_is_given_back_before_the_switch_takes_the_link_for_dead() {
        let center = Center {
            live: Arc::new(Live::fixed(Holdings::default())),
            writer: Writer::new(*ORI, Templates::load(None).unwrap()),
            policy: Policy::automatic(),
            counts: Arc::default(),
            metrics: None,
            indexes: Vec::new(),
        };
        let inquiry = Inquiry {
            query: QueryId(None),
            requester: *ORI,
            received: Stamp::parse("08:00 01/31/2030").unwrap(),
            control: None,
            subject: Err(Unreadable::new("NAM")),
        };
        // A dialer that never runs takes the messages and delivers none.
        let files = ClientFiles::in_directory("none".as_ref(), StationName::parse("AX").unwrap());
        let (dialer, link, _incoming) = dialer::dialer(dialer::Config::new("127.0.0.1:0", files));
        let begun = Instant::now();
        assert_eq!(center.settle(&link, &inquiry, 0).await, Settled::Open);
        assert!(begun.elapsed() < session::Config::new(Role::Switch).ack_wait);
        assert_eq!(center.counts.postponed.load(Relaxed), 1);
        // One that has ended says so at once.
        drop(dialer);
        assert_eq!(center.settle(&link, &inquiry, 0).await, Settled::Open);
        assert_eq!(center.counts.postponed.load(Relaxed), 1);
    }
}
