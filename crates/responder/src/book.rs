//! The journal of the center's other duties at work: opens it, stores entries, sends what they have to send, and screens lists.
//!
//! One process at a time has it open. A notice is sent under a number that follows from its entry, until the switch has taken it or refused
//! it for good: after a crash it is sent again, and the switch knows the repeat.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use center::list::{Row, Screened};
use center::{Duties, Duty, DutyError, ENTRY_KIND, Entry, Moment, Notice};
use codec::legacy::{InputHeader, parse_output};
use codec::name::{MessageKey, Ori};
use jiff::Timestamp;
use link::dialer::{self, SendError, dialer};
use records::{Holdings, IndexError, Settings};
use session::Readiness;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::asked::validation;
use crate::decision::{FindingKind, decide};
use crate::inquiry::Inquiry;
use crate::log::Log;
pub use crate::log::LogError;

/// How long the switch may take for one notice.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The journal cannot be used.
    #[error("the journal of duties cannot be used")]
    Journal(#[from] LogError),
    /// An entry does not fit.
    #[error(transparent)]
    Entry(#[from] DutyError),
    /// Nothing more can be stored.
    #[error("the journal of duties could not be written")]
    Store,
    /// The switch does not answer.
    #[error("the switch did not take a notice within 30 s; it waits, and is sent with the next `send`")]
    NoAnswer,
    /// The link ended.
    #[error(transparent)]
    Link(#[from] SendError),
}

/// What became of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// The switch took them.
    pub taken: usize,
    /// The switch refused them for good.
    pub refused: usize,
}

/// The journal and what it adds up to.
#[derive(Debug)]
pub struct Book {
    log: Log,
    duties: Duties,
    last: u64,
}

/// The moment by the system's clock.
#[must_use]
pub fn now() -> Moment {
    Moment(u64::try_from(Timestamp::now().as_microsecond()).unwrap_or(0))
}

impl Book {
    /// Opens the journal in a directory, or begins one.
    ///
    /// # Errors
    /// It cannot be used, somebody has it open, or it is another program's.
    pub fn open(directory: &Path) -> Result<Self, BookError> {
        let (mut duties, mut last) = (Duties::default(), 0);
        let (log, _) = Log::open(directory, |entry| {
            last = entry.sequence;
            let read = Entry::decode(entry.sequence, entry.payload).ok().filter(|_| entry.kind == ENTRY_KIND);
            read.is_some_and(|read| duties.apply(entry.sequence, &read).is_ok())
        })?;
        Ok(Self { log, duties, last })
    }

    /// What is known.
    #[must_use]
    pub const fn duties(&self) -> &Duties {
        &self.duties
    }

    /// Stores an entry and returns its number once it is durable.
    ///
    /// # Errors
    /// It does not fit, or cannot be written: then the journal has to be opened again.
    pub async fn store(&mut self, entry: &Entry) -> Result<u64, BookError> {
        let sequence = self.last + 1;
        self.duties.apply(sequence, entry)?;
        let stored = self.log.append(ENTRY_KIND, entry.encode()).filter(|number| *number == sequence);
        if stored.is_none() || !self.log.durable(sequence).await {
            return Err(BookError::Store);
        }
        self.last = sequence;
        Ok(sequence)
    }

    /// Sends what waits, from an ORI of the center's station, over a link of its own that takes nothing.
    ///
    /// # Errors
    /// The switch does not answer, or the journal cannot be written. What was taken until then is settled.
    pub async fn send(&mut self, config: dialer::Config, from: Ori) -> Result<Sent, BookError> {
        let (dialer, link, incoming) = dialer(config);
        // Inquiries go to the center's other links.
        link.set_readiness(Readiness::NotReady);
        let stop = CancellationToken::new();
        let dialing = tokio::spawn(dialer.run(stop.clone(), drop));
        let mut sent = Sent::default();
        let waiting: Vec<(u64, u8, Notice)> =
            self.duties.unsent().map(|(entry, place, notice)| (entry, place, notice.clone())).collect();
        let mut ended = Ok(());
        for (entry, place, notice) in waiting {
            let number = u32::try_from(entry % u64::from(u32::MAX)).unwrap_or(0).saturating_add(1);
            let answer = timeout(PATIENCE, link.send(validation(number, "duty", place), message(from, &notice))).await;
            match answer {
                Ok(Ok(())) => sent.taken += 1,
                Ok(Err(SendError::Refused(_))) => sent.refused += 1,
                Ok(Err(error)) => ended = Err(error.into()),
                Err(_) => ended = Err(BookError::NoAnswer),
            }
            if ended.is_err() {
                break;
            }
            let settled = Entry { at: now(), who: None, duty: Duty::Settled { entry, place }, notices: Vec::new() };
            if let Err(error) = self.store(&settled).await {
                ended = Err(error);
                break;
            }
        }
        drop((link, incoming));
        stop.cancel();
        // However it ended, there is nothing more to say.
        drop(dialing.await);
        ended.map(|()| sent)
    }
}

static AM: LazyLock<MessageKey> = LazyLock::new(|| MessageKey::parse("AM").expect("two letters are a key"));

/// A notice is an AM.
fn message(from: Ori, notice: &Notice) -> bytes::Bytes {
    let destinations = [notice.to.as_str()];
    InputHeader { key: *AM, sender: from, destinations: &destinations, control: None }.encode(notice.text.as_bytes())
}

/// What the indexes say of a person of a list: the same decision as for an inquiry.
///
/// # Errors
/// A part of an index is damaged.
pub fn screen(row: &Row, holdings: &Holdings) -> Result<Screened, IndexError> {
    let Row { name, born, sex, birth_place, alien_number } = row;
    let alien = if alien_number.is_empty() { String::new() } else { format!(".ARN/{alien_number}") };
    let text = format!(
        "IAQ.ZZLESC000\r\n00:00 01/01/2026 00001\r\n00:00 01/01/2026 00001 AX\r\nTXT\r\n\
         PUR/C.ATN/LIST.PHN/5555550199.NAM/{name}.DOB/{born}.SEX/{sex}.POB/{birth_place}.CUS/N.OFF/0399{alien}"
    );
    let inquiry = parse_output(text.as_bytes()).ok().map(|output| Inquiry::read(1, &output));
    let Some(inquiry) = inquiry else { return Ok(Screened::Failed) };
    let decision = decide(&inquiry, |query, limit| holdings.search(query, &Settings::best(limit)))?;
    Ok(match decision.finding.kind() {
        FindingKind::NoRecord => Screened::NoRecord,
        FindingKind::Record | FindingKind::Status => Screened::Record,
        FindingKind::PossibleRecords | FindingKind::StatusUnclear => Screened::Possible,
        FindingKind::MoreInformation | FindingKind::Refused | FindingKind::Supplement => Screened::Failed,
    })
}
