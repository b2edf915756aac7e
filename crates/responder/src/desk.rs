//! Drives the state machine of the crate `center` over a journal: one task, to which everything else reports.
//!
//! ```text
//!  station ──► Inbox ──► Desk ──► journal's thread ──► Stored ──► Desk ──► sender ──► link
//!                         ▲  └──► a thread of the pool: search, decide, write ──┘
//! ```
//!
//! An inquiry is acknowledged to the switch once it is durable with its acknowledgement; then the sources of the network are
//! asked, if there are any. The answer is composed from what they came to and sent once it is durable too. Both go on being sent,
//! over links and restarts, until the switch has taken them.
//!
//! A question to a source needs no memory: after a restart it is asked again under another validation, and the source answers
//! again.

mod asking;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use center::{
    Action, Center, Event, Facts, FoldError, Folds, InquiryId, Moment, Outcome, Outgoing, Part, Record, Source, Written,
};
use codec::legacy::parse_output;
use journal::{Batch, Entry, Journal, Notice, RealDisk, Replay, Writer};
use link::dialer::{Acknowledge, Incoming, SendError, StationLink};
use sha2::{Digest as _, Sha256};
use telemetry::CenterEvent;
use tokio::select;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use self::asking::{Answered, Asking, Posted};
use crate::answer::{Letter, Reply};
use crate::decision::FindingKind;
use crate::inquiry::{IAQ, Inquiry, Purpose, Subject};
use crate::lesc::{self, ComposeError, add};

/// Messages on their way beyond which no inquiry is taken: the switch keeps it and delivers it again.
const SENDING_MAX: usize = 4_096;

/// How long a composing that failed waits before it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long what is in hand may take at the end.
const GRACE: Duration = Duration::from_secs(4);

/// Why the center's journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// It cannot be opened.
    #[error("the center's journal cannot be opened")]
    Open(#[from] journal::OpenError),
    /// It is another program's, or another version's.
    #[error("the center's journal is not a center's: record {sequence}: {why}")]
    Foreign {
        /// The record's number.
        sequence: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The system has no thread to give.
    #[error("no thread for the center's journal")]
    Thread(#[source] io::Error),
}

/// What reaches the desk.
enum Inbound {
    Delivered {
        inquiry: Box<Inquiry>,
        bytes: Bytes,
        acknowledge: Acknowledge,
    },
    Journal(Notice),
    Composed {
        inquiry: InquiryId,
        part: Part,
        result: Result<Written, ComposeError>,
    },
    Again {
        inquiry: InquiryId,
        part: Part,
    },
    Settled {
        inquiry: InquiryId,
        part: Part,
        result: Result<(), SendError>,
    },
    Answered(Box<Answered>),
    /// The switch has a question, or refused it for good.
    Asked {
        inquiry: InquiryId,
        source: Source,
        result: Result<(), SendError>,
    },
}

/// Where inquiries are handed to the desk.
#[derive(Debug, Clone)]
pub(crate) struct Inbox(mpsc::UnboundedSender<Inbound>);

impl Inbox {
    /// Hands over an inquiry. A desk that has ended takes none: the switch delivers it again.
    pub(crate) fn deliver(&self, inquiry: Inquiry, bytes: Bytes, acknowledge: Acknowledge) {
        self.say(Inbound::Delivered { inquiry: Box::new(inquiry), bytes, acknowledge });
    }

    /// Hands over a message that answers a question of ours; another comes back.
    pub(crate) fn take_answer(&self, message: Incoming) -> Option<Incoming> {
        let Some(answered) = asking::read(&message.bytes) else { return Some(message) };
        // After a crash the question is asked again: nothing depends on this answer's being durable.
        message.acknowledge.accept();
        self.say(Inbound::Answered(Box::new(answered)));
        None
    }

    fn say(&self, inbound: Inbound) {
        drop(self.0.send(inbound));
    }
}

/// A message for the sender.
struct Post {
    inquiry: InquiryId,
    what: What,
    message: Outgoing,
}

/// Which message.
#[derive(Clone, Copy)]
enum What {
    Part(Part),
    Question(Source),
}

type Posts = mpsc::UnboundedSender<Post>;

/// A center's memory, opened and not at work yet.
pub(crate) struct Desk {
    lesc: Arc<lesc::Center>,
    machine: Center,
    asking: Asking,
    writer: Writer,
    inbox: Inbox,
    inbound: mpsc::UnboundedReceiver<Inbound>,
    /// What the switch is owed for each delivery that is not durable yet.
    owed: HashMap<(u32, u64), Vec<Acknowledge>>,
    sending: usize,
    composing: usize,
    begun: (Moment, Instant),
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("last", &self.machine.folds().last()).finish_non_exhaustive()
    }
}

impl Desk {
    /// Opens the journal in a directory, or begins one, and folds it.
    pub(crate) fn open(directory: &Path, lesc: Arc<lesc::Center>) -> Result<Self, DeskError> {
        let mut recovery = Recovery::default();
        let disk = RealDisk::open(directory)?;
        let (journal, report) = Journal::open(disk, journal::Config::default(), &mut recovery)?;
        let folds = recovery.folds()?;
        if let Some(cut) = &report.cut {
            let (offset, bytes) = (cut.offset, cut.bytes);
            warn!(file = cut.file, offset, bytes, "an unfinished commit at the end of the center's journal was cut");
        }
        info!(records = report.records, "the center's journal was read");
        let (tell, inbound) = mpsc::unbounded_channel();
        let inbox = Inbox(tell);
        let notices = inbox.clone();
        let (writer, _) =
            journal::start(journal, move |notice| notices.say(Inbound::Journal(notice))).map_err(DeskError::Thread)?;
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let begun = (Moment(u64::try_from(wall.as_micros()).unwrap_or(u64::MAX)), Instant::now());
        let machine = Center::new(lesc.policy.machine(), folds);
        let asking = Asking::new(begun.0);
        Ok(Self {
            lesc,
            machine,
            asking,
            writer,
            inbox,
            inbound,
            owed: HashMap::new(),
            sending: 0,
            composing: 0,
            begun,
        })
    }

    pub(crate) fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    fn now(&self) -> Moment {
        let (moment, instant) = self.begun;
        Moment(moment.0.saturating_add(u64::try_from(instant.elapsed().as_micros()).unwrap_or(u64::MAX)))
    }

    fn instant(&self, moment: Moment) -> Instant {
        self.begun.1 + Duration::from_micros(moment.0.saturating_sub(self.begun.0.0))
    }

    /// Works until `stop`, then ends what is in hand, at most for [`GRACE`]. Cancels `stop` if the journal fails.
    pub(crate) async fn run(mut self, link: StationLink, stop: CancellationToken) {
        let (posts, posted) = mpsc::unbounded_channel();
        // What was sent and not taken when it ends is sent after the next start.
        tokio::spawn(send(link, posted, self.inbox.clone()));
        let now = self.now();
        self.machine.start(now);
        let mut sound = self.carry_out(&posts);
        let mut end = None;
        while sound {
            if end.is_some() && self.sending == 0 && self.composing == 0 && self.owed.is_empty() {
                break;
            }
            let due = self.machine.poll_timeout().map(|due| self.instant(due));
            let event = select! {
                Some(inbound) = self.inbound.recv() => self.take(inbound, end.is_some(), &posts),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Ok(Some(Event::Timeout)),
                () = stop.cancelled(), if end.is_none() => {
                    end = Some(Instant::now() + GRACE);
                    Ok(None)
                }
                () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => break,
            };
            let now = self.now();
            match event {
                Ok(Some(event)) => self.machine.handle(now, event),
                Ok(None) => {}
                Err(error) => {
                    error!(%error, "the center's journal failed: nothing more is acknowledged");
                    break;
                }
            }
            sound = self.carry_out(&posts);
        }
        stop.cancel();
        drop(posts);
        // Deliveries that are not durable are refused by being dropped.
        self.owed.clear();
        let ended = spawn_blocking(move || self.writer.shutdown()).await;
        if let Ok(Err(error)) = ended {
            error!(%error, "the center's journal did not end in order");
        }
    }

    /// Makes an event of what came; the error is the journal's last word.
    fn take(&mut self, inbound: Inbound, ending: bool, posts: &Posts) -> Result<Option<Event>, journal::Fault> {
        Ok(match inbound {
            Inbound::Delivered { inquiry, bytes, acknowledge } => {
                if ending || self.sending > SENDING_MAX {
                    add(&self.lesc.counts.postponed);
                    self.lesc.observe(CenterEvent::Postponed);
                    // Dropped, it comes again.
                    return Ok(None);
                }
                Some(self.delivered(&inquiry, bytes, acknowledge))
            }
            Inbound::Journal(Notice::Stored { through }) => Some(Event::Stored { through }),
            Inbound::Journal(Notice::Failed { error }) => return Err(error),
            Inbound::Journal(Notice::Full { why }) => {
                error!(%why, "no room for the center's journal: no inquiry is taken until there is");
                None
            }
            Inbound::Journal(Notice::Open) => {
                info!("there is room for the center's journal again");
                None
            }
            Inbound::Journal(Notice::Pruned { .. }) => None,
            Inbound::Composed { inquiry, part, result: Ok(written) } => {
                self.composing = self.composing.saturating_sub(1);
                Some(Event::Wrote { inquiry, part, written })
            }
            // Nobody is told "no record" because a record could not be read.
            Inbound::Composed { inquiry, part, result: Err(why) } => {
                self.composing = self.composing.saturating_sub(1);
                error!(number = inquiry.0, error = %why, "no answer can be composed now");
                self.lesc.observe(CenterEvent::SearchFailed);
                let inbox = self.inbox.clone();
                tokio::spawn(async move {
                    sleep(AGAIN).await;
                    inbox.say(Inbound::Again { inquiry, part });
                });
                None
            }
            Inbound::Again { inquiry, part } => {
                self.compose(inquiry, part);
                None
            }
            Inbound::Settled { inquiry, part, result } => {
                self.sending = self.sending.saturating_sub(1);
                self.settled(inquiry, part, result)
            }
            Inbound::Answered(answered) => self.answered(&answered, posts),
            Inbound::Asked { inquiry, source, result } => {
                self.sending = self.sending.saturating_sub(1);
                let refused = matches!(result, Err(SendError::Refused(_)));
                refused.then_some(Event::Gave { inquiry, source, outcome: Outcome::Failed })
            }
        })
    }

    fn delivered(&mut self, inquiry: &Inquiry, message: Bytes, acknowledge: Acknowledge) -> Event {
        let Inquiry { requester: sender, query, subject, .. } = inquiry;
        if subject.is_err() {
            warn!(key = IAQ, %sender, %query, bytes = message.len(), "an inquiry cannot be read");
        }
        let (custody, firearms) =
            subject.as_ref().map_or((false, false), |subject| (subject.custody, subject.purpose == Purpose::Firearms));
        let delivery = query.0.map_or(0, NonZeroU32::get);
        let fingerprint = fingerprint(&message);
        self.owed.entry((delivery, fingerprint)).or_default().push(acknowledge);
        let acknowledgement = outgoing(self.lesc.writer.acknowledgement(inquiry));
        let facts = Facts { custody, firearms, sources: self.lesc.asked(inquiry) };
        Event::Delivered { delivery, fingerprint, message, facts, acknowledgement }
    }

    fn settled(&self, inquiry: InquiryId, part: Part, result: Result<(), SendError>) -> Option<Event> {
        let taken = match result {
            Ok(()) => true,
            Err(error @ SendError::Refused(_)) => {
                add(&self.lesc.counts.refused);
                self.lesc.observe(CenterEvent::Refused);
                error!(number = inquiry.0, ?part, %error, "a message was not taken");
                false
            }
            Err(SendError::Ended) => return None,
        };
        if let Some(open) = self.machine.inquiry(inquiry).filter(|_| taken) {
            let kind = open.answered.and_then(FindingKind::from_number);
            match (part, kind) {
                (Part::Acknowledgement, _) => add(&self.lesc.counts.acknowledgements),
                (Part::Answer, Some(kind)) => {
                    add(self.lesc.counts.of_kind(kind));
                    let took = Duration::from_micros(self.now().0.saturating_sub(open.taken.at.0));
                    self.lesc.observe(CenterEvent::Answered { kind: kind.label(), took });
                    debug!(number = inquiry.0, finding = kind.label(), "an inquiry is answered");
                }
                (Part::Supplement, _) => add(self.lesc.counts.of_kind(FindingKind::Supplement)),
                (Part::Answer | Part::Copy | Part::SupplementCopy, _) => {}
            }
        }
        Some(Event::Settled { inquiry, part, taken })
    }

    /// Carries out what the machine wants. False if the journal takes no more.
    fn carry_out(&mut self, posts: &Posts) -> bool {
        let mut batch = Batch::default();
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Store { sequence, kind, payload } => batch.records.push((sequence, kind, payload)),
                Action::Acknowledge { delivery, fingerprint } => {
                    let owed = self.owed.remove(&(delivery, fingerprint));
                    owed.into_iter().flatten().for_each(Acknowledge::accept);
                }
                Action::Compose { inquiry, part } => self.compose(inquiry, part),
                Action::Send { inquiry, part, message } => {
                    self.post(Post { inquiry, what: What::Part(part), message }, posts);
                }
                Action::Ask { inquiry, source } => self.ask(inquiry, source, posts),
                // There are no technicians.
                Action::Reply { .. } => {}
            }
        }
        if batch.records.is_empty() {
            return true;
        }
        let submitted = self.writer.submit(batch);
        if let Err(error) = &submitted {
            error!(%error, "the center's journal takes no record");
        }
        submitted.is_ok()
    }

    fn post(&mut self, post: Post, posts: &Posts) {
        self.sending = self.sending.saturating_add(1);
        drop(posts.send(post));
    }

    /// Asks a source its first question.
    fn ask(&mut self, inquiry: InquiryId, source: Source, posts: &Posts) {
        let Some(subject) = self.subject(inquiry) else { return };
        let ori = self.lesc.writer.sender();
        if let Some(of) = self.lesc.policy.source(source)
            && let Some(message) = self.asking.first(ori, of, inquiry, source, &subject)
        {
            self.post(Post { inquiry, what: What::Question(source), message }, posts);
        }
    }

    /// A source's answer: more questions, or its end.
    fn answered(&mut self, answered: &Answered, posts: &Posts) -> Option<Event> {
        let inquiry = answered.mark.inquiry(self.machine.folds().last());
        let source = Source(answered.mark.source.into());
        let of = self.lesc.policy.source(source)?;
        let waits = self.machine.inquiry(inquiry)?.waits_for(source);
        if !waits || !answered.is_of(of) {
            debug!(number = inquiry.0, source = of.name, "an answer came that nothing waits for");
            return None;
        }
        let (subject, ori) = (self.subject(inquiry)?, self.lesc.writer.sender());
        if self.asking.is_full() {
            let machine = &self.machine;
            self.asking.keep(|inquiry, source| machine.inquiry(inquiry).is_some_and(|open| open.waits_for(source)));
        }
        match self.asking.answered(ori, of, inquiry, &subject, answered) {
            Posted::Nothing => None,
            Posted::Questions(messages) => {
                for message in messages {
                    self.post(Post { inquiry, what: What::Question(source), message }, posts);
                }
                None
            }
            Posted::End(outcome) => {
                if outcome == Outcome::Failed {
                    warn!(number = inquiry.0, source = of.name, "a source failed, or what it said means nothing");
                }
                Some(Event::Gave { inquiry, source, outcome })
            }
        }
    }

    /// Whom an open inquiry is about.
    fn subject(&self, inquiry: InquiryId) -> Option<Subject> {
        let open = self.machine.inquiry(inquiry)?;
        let output = parse_output(&open.taken.message).ok()?;
        Inquiry::read(open.taken.delivery, &output).subject.ok()
    }

    fn compose(&mut self, id: InquiryId, part: Part) {
        let Some(open) = self.machine.inquiry(id) else { return };
        let (message, delivery) = (open.taken.message.clone(), open.taken.delivery);
        let outcomes = if part == Part::Supplement { &open.since } else { &open.outcomes };
        let heard = self.lesc.policy.heard(outcomes);
        let (lesc, inbox) = (Arc::clone(&self.lesc), self.inbox.clone());
        self.composing = self.composing.saturating_add(1);
        // The pool's thread reports; nobody waits for it.
        drop(spawn_blocking(move || {
            // It was read before it was stored.
            let Ok(output) = parse_output(&message) else { return };
            let inquiry = Inquiry::read(delivery, &output);
            let result = match part {
                Part::Supplement => Ok(lesc.supplement(&inquiry, &heard)),
                Part::Acknowledgement | Part::Answer | Part::Copy | Part::SupplementCopy => {
                    lesc.compose(&inquiry, heard)
                }
            };
            let result = result.map(|(kind, letter)| written(kind, letter));
            inbox.say(Inbound::Composed { inquiry: id, part, result });
        }));
    }
}

/// Posts messages in their order, and reports what the switch says of each.
async fn send(link: StationLink, mut posted: mpsc::UnboundedReceiver<Post>, inbox: Inbox) {
    while let Some(Post { inquiry, what, message }) = posted.recv().await {
        let settled = move |result| match what {
            What::Part(part) => Inbound::Settled { inquiry, part, result },
            What::Question(source) => Inbound::Asked { inquiry, source, result },
        };
        match link.post(NonZeroU32::new(message.validation), message.bytes).await {
            Ok(receipt) => {
                let inbox = inbox.clone();
                tokio::spawn(async move { inbox.say(settled(receipt.await)) });
            }
            Err(error) => inbox.say(settled(Err(error))),
        }
    }
}

fn written(kind: FindingKind, Letter { reply, copy }: Letter) -> Written {
    Written { kind: kind.number(), message: outgoing(reply), copy: copy.map(outgoing) }
}

fn outgoing(reply: Reply) -> Outgoing {
    Outgoing { validation: reply.validation.map_or(0, NonZeroU32::get), bytes: reply.bytes }
}

/// Of what is the same each time that an inquiry is delivered: all but the line of the send time and OSN.
fn fingerprint(message: &[u8]) -> u64 {
    let mut hash = Sha256::new();
    if let Ok(output) = parse_output(message) {
        let control = output.control.map(|control| control.to_string()).unwrap_or_default();
        let head = format!("{} {} {:?} {control}\n", output.sender, output.received, output.isn);
        hash.update(head.as_bytes());
        hash.update(output.body);
    }
    hash.finalize().first_chunk().map_or(0, |word| u64::from_be_bytes(*word))
}

/// Folds in the making.
#[derive(Debug, Default)]
struct Recovery {
    folds: Folds,
    wrong: Option<(u64, String)>,
}

impl Recovery {
    fn folds(self) -> Result<Folds, DeskError> {
        match self.wrong {
            Some((sequence, why)) => Err(DeskError::Foreign { sequence, why }),
            None => Ok(self.folds),
        }
    }
}

impl Replay for Recovery {
    fn restore(&mut self, _: &[journal::Section<'_>]) -> Result<(), String> {
        Err("a center's journal has no checkpoints".to_owned())
    }

    fn record(&mut self, entry: Entry<'_>) {
        if self.wrong.is_some() {
            return;
        }
        let applied = Record::decode(entry.kind, entry.payload)
            .map_err(|error| error.to_string())
            .and_then(|record| self.folds.apply(entry.sequence, &record).map_err(|error: FoldError| error.to_string()));
        self.wrong = applied.err().map(|why| (entry.sequence, why));
    }
}
