//! The switch's process: the real core and the real journal, joined by a driver of the simulation's own.
//!
//! It does what `switch`'s driver, follower and the journal's writer do between core, links and disk, on one thread and on the
//! simulation's clock: events in, actions out, one commit of all that has queued, the mark behind it, checkpoints, pruning.

mod delivering;
mod follower;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use codec::dictionary::Dictionary;
use codec::time::{Tick, Timestamp};
use journal::{CommitError, Journal, OpenError, ReadError, Reader};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use session::{Outgoing, Readiness};
use switch_core::{
    Action, Command, Delivery, Event, LinkId, Network, NetworkConfig, Now, Observation, Refusal, Reply, Request,
    Sequence, Switch, Token, Verified,
};

use crate::broken::Broken;
use crate::conn::Gone;
use crate::disk::SimDisk;
use crate::ledger::{Check, Violation, ensure};
use crate::model::Model;
use crate::network::{CLIENTS, station};
use crate::replay::Recovery;
use crate::trace::Trace;
use crate::traffic::mark_of;

const SEGMENT_BYTES: u64 = 64 << 10;
/// As `switch` has it.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// What the process has a link do.
#[derive(Debug)]
pub(crate) enum Order {
    Send(Outgoing),
    Accept(session::Token),
    Refuse(session::Token, session::Refusal),
    Readiness(Readiness),
    Pause,
    Resume,
    Close,
}

/// Why a process does not go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The disk: it ends by itself and recovers at the next start.
    Disk,
    /// It was told to end, and what was in flight has ended, or had its time.
    Drained,
    Violation(Violation),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

type Step = Result<(), Stop>;

#[derive(Debug)]
enum Later {
    Load(Sequence),
    Find(Sequence),
    /// A negative control holds this back.
    Deliver(LinkId, Delivery, Bytes),
}

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) switch: Switch,
    journal: Journal<SimDisk>,
    reader: Reader<SimDisk>,
    config: journal::Config,
    /// Given to the store, not yet being written.
    batch: Vec<(u8, Bytes)>,
    /// Being written: when that is done, and how long the next try waits on a full disk.
    commit_at: Option<Tick>,
    full: bool,
    announced: u64,
    mark_at: Option<Tick>,
    later: BTreeMap<(Tick, u64), Later>,
    numbered: u64,
    pub(crate) orders: Vec<(LinkId, Order)>,
    /// Whose links are up.
    pub(crate) attached: BTreeMap<LinkId, usize>,
    tokens: BTreeMap<(LinkId, u64), Option<u32>>,
    readiness: Readiness,
    requests: u64,
    replied: BTreeSet<u64>,
    /// What the core goes on with once it says so.
    pub(crate) next_config: Option<NetworkConfig>,
    pub(crate) dictionary: Arc<Dictionary>,
    rng: Pcg64,
    broken: Option<Broken>,
    /// The last moment at which something was not as usual.
    unsteady: Tick,
    timeout_at: Tick,
    /// It was told to end, and does so then at the latest.
    ends_at: Option<Tick>,
    last_sent: Option<Delivery>,
    /// How long a commit takes at most.
    pub(crate) commit_us: u64,
}

/// What a start needs.
pub(crate) struct Start<'a> {
    pub(crate) disk: &'a SimDisk,
    pub(crate) network: Arc<Network>,
    pub(crate) dictionary: Arc<Dictionary>,
    pub(crate) now: Now,
    pub(crate) seed: u64,
    pub(crate) broken: Option<Broken>,
    pub(crate) commit_us: u64,
}

impl Process {
    pub(crate) fn start(start: Start<'_>, model: &mut Model, trace: &mut Trace) -> Result<Self, Stop> {
        let Start { disk, network, dictionary, now, seed, broken, commit_us } = start;
        let config = journal::Config { segment_bytes: SEGMENT_BYTES, ..journal::Config::default() };
        let mut recovery = Recovery::new(&network, Some(&*model));
        let (mut journal, report) = match Journal::open(disk.clone(), config, &mut recovery) {
            Ok(opened) => opened,
            Err(OpenError::Disk(_)) => return Err(Stop::Disk),
            Err(error) => return Err(Violation(format!("the journal does not open: {error}")).into()),
        };
        let mut folds = recovery.folds()?;
        model.recovered(report.last_sequence)?;
        folds.pruned(Sequence(report.first_sequence));
        model.pruned(report.first_sequence);
        match journal.prepare() {
            Ok(()) | Err(CommitError::Full(_)) => {}
            Err(CommitError::Failed(_)) => return Err(Stop::Disk),
        }
        let reader = journal.reader();
        let mut process = Self {
            switch: Switch::new(network, Arc::clone(&dictionary), folds, now),
            announced: report.last_sequence,
            journal,
            reader,
            config,
            batch: Vec::new(),
            commit_at: None,
            full: false,
            mark_at: None,
            later: BTreeMap::new(),
            numbered: 0,
            orders: Vec::new(),
            attached: BTreeMap::new(),
            tokens: BTreeMap::new(),
            readiness: Readiness::Ready,
            requests: 0,
            replied: BTreeSet::new(),
            next_config: None,
            dictionary,
            rng: Pcg64::seed_from_u64(seed),
            broken,
            unsteady: now.tick,
            timeout_at: Tick(0),
            ends_at: None,
            last_sent: None,
            commit_us,
        };
        // What waits from before has to be read.
        model.body_loads |= model.counts.starts > 0;
        model.counts.starts += 1;
        process.carry_out(now, model, trace)?;
        let (who, what) = ("switch".to_owned(), "start".to_owned());
        let act = Event::Act { who, from: String::new(), what, result: format!("{} records", report.records) };
        process.handle(now, act, model, trace)?;
        let letter = process.switch.dead_letters().next().map(|(delivery, _)| delivery);
        if broken == Some(Broken::ForgetsDeadLetter)
            && let Some(delivery) = letter
        {
            process.command(now, Command::DiscardLetter { delivery }, model, trace)?;
        }
        Ok(process)
    }

    /// When it has something to do by itself.
    pub(crate) fn next(&self) -> Option<Tick> {
        let timeout = self.switch.poll_timeout().map(|tick| tick.max(self.timeout_at));
        let later = self.later.keys().next().map(|(tick, _)| *tick);
        [timeout, self.commit_at, self.mark_at, later, self.ends_at].into_iter().flatten().min()
    }

    /// Whatever is due.
    pub(crate) fn happen(&mut self, now: Now, model: &mut Model, trace: &mut Trace) -> Step {
        if self.commit_at.is_some_and(|at| at <= now.tick) {
            self.commit(now, model, trace)?;
        }
        if self.mark_at.take_if(|at| *at <= now.tick).is_some() {
            match self.journal.persist_mark() {
                Ok(()) | Err(CommitError::Full(_)) => {}
                Err(CommitError::Failed(_)) => return Err(Stop::Disk),
            }
        }
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= now.tick) {
            match entry.remove() {
                Later::Load(sequence) => {
                    model.counts.loads += 1;
                    match self.reader.read(sequence.0) {
                        Ok(record) => {
                            let event = Event::Loaded { sequence, kind: record.kind, record: record.payload };
                            self.handle(now, event, model, trace)?;
                        }
                        Err(ReadError::Disk(_)) => return Err(Stop::Disk),
                        Err(error) => return Err(Violation(format!("a record that is needed: {error}")).into()),
                    }
                }
                Later::Find(query) => {
                    self.handle(
                        now,
                        Event::Found { query, body: Bytes::from_static(b"NOTHING FOUND\r\n") },
                        model,
                        trace,
                    )?;
                }
                Later::Deliver(link, delivery, bytes) => self.hand_over(now, link, delivery, bytes, model)?,
            }
        }
        if self.switch.poll_timeout().is_some_and(|tick| tick.max(self.timeout_at) <= now.tick) {
            self.timeout_at = now.tick.after(Duration::from_micros(50));
            self.handle(now, Event::Timeout, model, trace)?;
        }
        self.submit(now);
        match self.ends_at {
            Some(at) if self.switch.is_idle() || at <= now.tick => Err(Stop::Drained),
            _ => Ok(()),
        }
    }

    /// It is told to end: nothing more is sent, and what is in flight may end.
    pub(crate) fn go_down(&mut self, now: Now, model: &mut Model, trace: &mut Trace) -> Step {
        self.ends_at = Some(now.tick.after(DRAIN_MAX));
        self.say_readiness(Readiness::GoingDown);
        self.handle(now, Event::Draining, model, trace)
    }

    pub(crate) fn goes_down(&self) -> bool {
        self.ends_at.is_some()
    }

    /// The last records of an orderly end, and all that has queued. With a disk that fails meanwhile it is an end like others.
    pub(crate) fn say_end(mut self, now: Now, model: &mut Model, trace: &mut Trace) -> Check {
        if !self.switch.is_store_open() || self.full {
            return Ok(());
        }
        let ended = self.close_links(now, model, trace).and_then(|()| {
            let (who, what) = ("switch".to_owned(), "stop".to_owned());
            self.handle(now, Event::Act { who, from: String::new(), what, result: "orderly".to_owned() }, model, trace)
        });
        match ended {
            Ok(()) | Err(Stop::Disk | Stop::Drained) => {}
            Err(Stop::Violation(violation)) => return Err(violation),
        }
        if self.broken != Some(Broken::EndsUnwritten) {
            for (kind, record) in std::mem::take(&mut self.batch) {
                let appended = self.journal.append(kind, &record);
                appended.map_err(|error| Violation(format!("the journal refuses: {error}")))?;
            }
            let committed = self.journal.commit();
            model.durable(self.journal.stored_through())?;
            if committed.is_err() {
                return Ok(());
            }
        }
        if self.journal.close().is_ok() {
            model.ends_whole();
        }
        Ok(())
    }

    fn close_links(&mut self, now: Now, model: &mut Model, trace: &mut Trace) -> Step {
        for link in std::mem::take(&mut self.attached).into_keys() {
            self.handle(now, Event::Detached { link, suspect: None, why: "the switch ends".to_owned() }, model, trace)?;
        }
        Ok(())
    }

    /// What the events of this moment gave to the store goes into the next commit.
    pub(crate) fn submit(&mut self, now: Now) {
        if self.commit_at.is_none() && !self.batch.is_empty() {
            let took = self.rng.random_range(50..=self.commit_us);
            self.commit_at = Some(now.tick.after(Duration::from_micros(took)));
        }
    }

    /// One commit. What queued meanwhile waits for the next.
    fn commit(&mut self, now: Now, model: &mut Model, trace: &mut Trace) -> Step {
        self.commit_at = None;
        if !self.full {
            for (kind, record) in std::mem::take(&mut self.batch) {
                self.journal
                    .append(kind, &record)
                    .map_err(|error| Violation(format!("the journal refuses: {error}")))?;
            }
        }
        let result = self.journal.commit();
        let through = self.journal.stored_through();
        model.durable(through)?;
        if through > self.announced {
            self.announced = through;
            let due = now.tick.after(self.config.mark_interval);
            self.mark_at.get_or_insert(due);
            self.handle(now, Event::Stored { through: Sequence(through) }, model, trace)?;
        }
        match result {
            Ok(()) => {
                if std::mem::take(&mut self.full) {
                    let readiness = if self.switch.is_closed() { Readiness::NotReady } else { Readiness::Ready };
                    self.say_readiness(readiness);
                    self.handle(now, Event::StoreOpen, model, trace)?;
                }
            }
            Err(CommitError::Full(_)) => {
                self.commit_at = Some(now.tick.after(self.config.full_retry));
                self.unsteady = now.tick;
                if !std::mem::replace(&mut self.full, true) {
                    model.counts.full += 1;
                    self.say_readiness(Readiness::NotReady);
                    self.handle(now, Event::StoreFull, model, trace)?;
                }
            }
            Err(CommitError::Failed(_)) => return Err(Stop::Disk),
        }
        self.submit(now);
        Ok(())
    }

    pub(crate) fn attach(
        &mut self,
        now: Now,
        link: LinkId,
        client: usize,
        model: &mut Model,
        trace: &mut Trace,
    ) -> Step {
        self.attached.insert(link, client);
        if self.readiness != Readiness::Ready {
            self.orders.push((link, Order::Readiness(self.readiness)));
        }
        model.counts.links += 1;
        let name = station(CLIENTS[client].name);
        let (from, certificate) = (SocketAddr::from(([192, 0, 2, 7], 49_152)), "0a1b".to_owned());
        let event = Event::Attached { link, station: Verified::assertion(name), from, certificate };
        self.handle(now, event, model, trace)
    }

    pub(crate) fn detach(&mut self, now: Now, link: LinkId, why: Gone, model: &mut Model, trace: &mut Trace) -> Step {
        if self.attached.remove(&link).is_none() {
            return Ok(());
        }
        self.tokens.retain(|(of, _), _| *of != link);
        if self.broken == Some(Broken::MissesLostLinks) && link.0.is_multiple_of(4) {
            return Ok(());
        }
        let suspect = if let Gone::Session(session::CloseReason::Unacknowledged { id }) = why {
            Some(Delivery::from_number(id))
        } else {
            None
        };
        self.handle(now, Event::Detached { link, suspect, why: format!("{why:?}") }, model, trace)
    }

    /// A link's session says something.
    pub(crate) fn session(
        &mut self,
        now: Now,
        link: LinkId,
        event: session::Event,
        model: &mut Model,
        trace: &mut Trace,
    ) -> Step {
        let event = match event {
            session::Event::Received { token, validation, bytes } => {
                self.tokens.insert((link, token.number()), mark_of(&bytes));
                let validation = if self.broken == Some(Broken::ForgetsRepeats) {
                    self.numbered += 1;
                    u32::try_from(self.numbered).unwrap_or(1)
                } else {
                    validation
                };
                Event::Received { link, token: Token(token.number()), validation, message: bytes }
            }
            session::Event::Delivered { id } => Event::Delivered { link, delivery: Delivery::from_number(id) },
            session::Event::Failed { id, .. } if self.broken == Some(Broken::TakesRefusedForDelivered) => {
                Event::Delivered { link, delivery: Delivery::from_number(id) }
            }
            session::Event::Failed { id, .. } => Event::Failed { link, delivery: Delivery::from_number(id) },
            session::Event::Room { messages } => Event::Room { link, messages },
            session::Event::Ready | session::Event::NotReady | session::Event::Closed { .. } => return Ok(()),
        };
        self.handle(now, event, model, trace)
    }

    pub(crate) fn command(&mut self, now: Now, command: Command, model: &mut Model, trace: &mut Trace) -> Step {
        self.requests += 1;
        let (who, from) = ("desk".to_owned(), "127.0.0.1:50000".to_owned());
        self.handle(now, Event::Command { request: Request(self.requests), who, from, command }, model, trace)
    }

    /// The record of something that an operator names.
    pub(crate) fn read(&self, sequence: u64) -> Option<journal::Record> {
        self.reader.read(sequence).ok()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.batch.is_empty() && self.commit_at.is_none() && self.later.is_empty() && self.switch.is_idle()
    }

    pub(crate) fn disturbed(&mut self, now: Tick) {
        self.unsteady = now;
    }

    fn handle(&mut self, now: Now, event: Event, model: &mut Model, trace: &mut Trace) -> Step {
        self.switch.handle(now, event);
        self.switch.check_invariants();
        self.carry_out(now, model, trace)
    }

    fn carry_out(&mut self, now: Now, model: &mut Model, trace: &mut Trace) -> Step {
        while let Some(action) = self.switch.poll_action() {
            trace.action(&action);
            match action {
                Action::Store { sequence, kind, record } => {
                    model.stored(sequence.0, kind, &record)?;
                    self.batch.push((kind, record));
                    if self.broken == Some(Broken::AcceptsBeforeDurable) {
                        self.switch.handle(now, Event::Stored { through: sequence });
                    }
                }
                Action::Load { sequence } => self.put_off(now, Later::Load(sequence)),
                Action::Search { query, .. } => {
                    ensure(query.0 <= model.durable_through(), || {
                        format!("query {} is asked before it is durable", query.0)
                    })?;
                    self.put_off(now, Later::Find(query));
                }
                Action::Accept { link, token } => {
                    let mark = self.tokens.remove(&(link, token.0));
                    ensure(mark.is_some() || !self.attached.contains_key(&link), || {
                        "a message is answered twice".to_owned()
                    })?;
                    if let Some(mark) = mark.flatten() {
                        model.must_be_durable(mark)?;
                    }
                    self.orders.push((link, Order::Accept(session::Token::from_number(token.0))));
                }
                Action::Refuse { link, token, why } => {
                    let known = self.tokens.remove(&(link, token.0)).is_some();
                    ensure(known || !self.attached.contains_key(&link), || "a message is answered twice".to_owned())?;
                    let why = match why {
                        Refusal::Temporary => session::Refusal::Temporary,
                        Refusal::TooManyUnacknowledged => session::Refusal::TooMany,
                    };
                    self.orders.push((link, Order::Refuse(session::Token::from_number(token.0), why)));
                }
                Action::Deliver { link, delivery, bytes } => self.deliver(now, link, delivery, bytes, model)?,
                Action::Pause { link } => self.orders.push((link, Order::Pause)),
                Action::Resume { link } => self.orders.push((link, Order::Resume)),
                Action::Close { link, .. } => self.orders.push((link, Order::Close)),
                Action::Reply { request, reply } => {
                    ensure(self.replied.insert(request.0), || format!("command {} is answered twice", request.0))?;
                    if let Reply::Done(done) = reply {
                        model.counts.commands += 1;
                        ensure(done.record.0 <= model.durable_through(), || {
                            "a command is done before it is durable".to_owned()
                        })?;
                    }
                }
                Action::Observe(Observation::Reloaded) => {
                    let Some(config) = self.next_config.take() else {
                        return Err(Violation("a reload that nobody asked for".to_owned()).into());
                    };
                    model.config = config;
                }
                Action::Observe(Observation::Drains { draining }) if !self.full => {
                    self.unsteady = now.tick;
                    self.say_readiness(if draining { Readiness::NotReady } else { Readiness::Ready });
                }
                Action::Observe(Observation::RecordUnreadable { sequence }) => {
                    return Err(Violation(format!("record {} cannot be read", sequence.0)).into());
                }
                Action::Observe(_) => {}
            }
        }
        Ok(())
    }

    fn put_off(&mut self, now: Now, later: Later) {
        self.numbered += 1;
        let us =
            if self.rng.random_bool(0.1) { self.rng.random_range(0..200_000) } else { self.rng.random_range(0..500) };
        self.later.insert((now.tick.after(Duration::from_micros(us)), self.numbered), later);
    }

    fn say_readiness(&mut self, readiness: Readiness) {
        if self.readiness == Readiness::GoingDown {
            return;
        }
        self.readiness = readiness;
        let links: Vec<LinkId> = self.attached.keys().copied().collect();
        self.orders.extend(links.into_iter().map(|link| (link, Order::Readiness(readiness))));
    }
}

pub(crate) fn wall(base: i64, now: Tick, offset: i64) -> Timestamp {
    Timestamp(base + i64::try_from(now.0).unwrap_or(i64::MAX) + offset)
}
