//! The task that owns the core: events from links, journal and operators in, actions out.

mod desk;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use journal::{Batch, Notice, Reader, Writer};
use link::connection::{CloseReason as Ended, Command};
use link::listener::Peer;
use session::{Outgoing, Readiness};
use switch_core::{
    Action, CloseReason, Delivery, Event, LinkId, LogQuery, Network, Observation, Refusal, Sequence, Switch, Token,
    Verified,
};
use telemetry::{JournalEvent, JournalTelemetry, SwitchTelemetry};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub(crate) use self::desk::Desk;
use crate::admin::api::{Answer, Asked};
use crate::admin::ask::Contradicted;
use crate::admin::trouble::Trouble;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::follower::FollowError;
use crate::health::Health;
use crate::meter::Meter;
use crate::operators::Operators;
use crate::process::{Attached, SwitchError};
use crate::reload::{BY_SIGNAL, ReloadSignal, Reloading};
use crate::search::Question;

/// Events taken before what came of them is written: their records make one batch.
const EVENTS_AT_ONCE: usize = 256;
/// How often the driver shows that it lives when nothing happens.
const BEAT: Duration = Duration::from_secs(1);
/// How long what is in flight may take to end once the process is told to.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// What reaches the driver.
#[derive(Debug)]
pub(crate) enum Inbound {
    /// A station has proven itself on a new link.
    Attached { link: LinkId, peer: Peer, commands: mpsc::Sender<Command> },
    /// A link's session says something.
    Session { link: LinkId, event: session::Event },
    /// A link is gone; nothing of it follows.
    Detached { link: LinkId, why: Ended },
    /// A record was read.
    Loaded { sequence: Sequence, record: Result<(u8, Bytes), journal::ReadError> },
    /// A log query was searched for.
    Found { query: Sequence, body: Bytes },
    /// Somebody did something that the journal has to tell.
    Act { who: String, from: String, what: String, result: String },
    /// An operator asks for something.
    Asked(Asked),
    /// What an operator asked for could not be given to the core.
    Denied { who: String, from: String, what: String, trouble: Trouble, answer: Answer },
    /// The configuration was read again; nothing if the reading ended by itself.
    Reloaded { reloading: Reloading, read: Option<Result<Box<Config>, ConfigError>> },
    /// The journal may let go of what lies before this record.
    Retain { from: u64 },
    /// The thread that follows the journal met a disk that cannot be relied on.
    FollowerFailed { error: FollowError },
}

/// Everything that the driver works with.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) switch: Switch,
    pub(crate) clock: Clock,
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
    pub(crate) telemetry: Arc<SwitchTelemetry>,
    pub(crate) health: Arc<Health>,
    /// Where loads bring what they read.
    pub(crate) loads: mpsc::Sender<Inbound>,
    pub(crate) links: HashMap<LinkId, mpsc::Sender<Command>>,
    pub(crate) batch: Batch,
    pub(crate) attached: watch::Sender<Attached>,
    pub(crate) readiness: Readiness,
    /// Where log queries go; nowhere if the journal is not searched.
    pub(crate) questions: Option<std::sync::mpsc::Sender<Question>>,
    pub(crate) journal_telemetry: JournalTelemetry,
    /// What holds.
    pub(crate) config: Box<Config>,
    /// What was given to the core and holds once that goes on with it.
    pub(crate) next_config: Option<(Box<Config>, String)>,
    /// What others see of it.
    pub(crate) shared: Shared,
    /// Operators' requests.
    pub(crate) desk: Desk,
    pub(crate) reload: ReloadSignal,
    pub(crate) meter: Meter,
}

/// What changes with the configuration and is not the driver's alone.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) network: Arc<ArcSwap<Network>>,
    pub(crate) operators: Arc<ArcSwap<Operators>>,
}

/// Who does what the process does by itself.
pub(crate) const ITSELF: &str = "switch";

impl Driver {
    /// Works until `stop`, then lets what is in flight end and closes every link. Returns the journal's writer, to be
    /// shut down once the links are gone. `started` tells the journal how it was found.
    pub(crate) async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Inbound>,
        mut notices: mpsc::UnboundedReceiver<Notice>,
        stop: CancellationToken,
        started: String,
    ) -> Result<Writer, SwitchError> {
        let mut events = Vec::new();
        let mut drain_until = None;
        self.carry_out()?;
        self.act("start", started)?;
        self.submit()?;
        while drain_until.is_none_or(|until| !self.switch.is_idle() && tokio::time::Instant::now() < until) {
            self.health.beat();
            if self.desk.ends && self.switch.is_drained() && !stop.is_cancelled() {
                info!("the switch is drained and ends");
                stop.cancel();
            }
            let beat = tokio::time::Instant::now() + BEAT;
            let due = self.switch.poll_timeout().map_or(beat, |tick| self.clock.instant(tick).into()).min(beat);
            tokio::select! {
                biased;
                notice = notices.recv() => self.notice(notice)?,
                count = inbox.recv_many(&mut events, EVENTS_AT_ONCE) => {
                    if count == 0 {
                        break;
                    }
                    self.meter.begin();
                    for event in events.drain(..) {
                        self.inbound(event)?;
                    }
                }
                () = sleep_until(due) => self.handle(Event::Timeout)?,
                () = self.reload.asked(), if drain_until.is_none() => self.reload(Reloading {
                    who: BY_SIGNAL.to_owned(),
                    from: String::new(),
                    contradicted: Contradicted::Refuse,
                    answer: None,
                })?,
                () = stop.cancelled(), if drain_until.is_none() => {
                    drain_until = Some(tokio::time::Instant::now() + DRAIN_MAX);
                    self.health.not_ready("it is going down");
                    self.say_readiness(Readiness::GoingDown);
                    self.handle(Event::Draining)?;
                }
            }
            self.submit()?;
            self.measure();
        }
        if !self.switch.is_idle() {
            warn!("copies that were sent are not acknowledged; they are sent again after the next start");
        }
        for commands in self.links.values() {
            drop(commands.try_send(Command::Close));
        }
        self.say_end()?;
        Ok(self.writer)
    }

    /// The last records of an orderly end: the links that go with it, and the end itself. On a full disk there is none, for
    /// nothing would be waited for.
    fn say_end(&mut self) -> Result<(), SwitchError> {
        if !self.switch.is_store_open() {
            return Ok(());
        }
        for link in std::mem::take(&mut self.links).into_keys() {
            self.handle(Event::Detached { link, suspect: None, why: "the switch ends".to_owned() })?;
        }
        self.act("stop", "orderly".to_owned())?;
        self.submit()
    }

    /// Has what waits in the metrics, once a second.
    fn measure(&mut self) {
        if self.meter.is_due() {
            let dead_letters = self.switch.dead_letter_count();
            self.telemetry.measure(self.clock.now().wall, self.switch.stations(), dead_letters);
            self.telemetry.confirmations(self.switch.confirmation_counts());
        }
    }

    /// What has become durable, in the metrics.
    fn count_stored(&mut self, through: u64) {
        for commit in self.writer.take_committed() {
            self.telemetry.commit(commit.records, commit.bytes, commit.took, commit.sync);
        }
        for (messages, after) in self.meter.stored(through) {
            self.telemetry.acknowledged(messages, after);
        }
    }

    fn act(&mut self, what: &str, result: String) -> Result<(), SwitchError> {
        let (who, what) = (ITSELF.to_owned(), what.to_owned());
        self.handle(Event::Act { who, from: String::new(), what, result })
    }

    fn inbound(&mut self, inbound: Inbound) -> Result<(), SwitchError> {
        match inbound {
            Inbound::Attached { link, peer, commands } => {
                self.links.insert(link, commands);
                if self.readiness != Readiness::Ready {
                    self.command(link, Command::Readiness(self.readiness));
                }
                // The listener hands over a link only after its certificate, revocation and name were checked.
                self.handle(Event::Attached {
                    link,
                    station: Verified::assertion(peer.station),
                    from: peer.address,
                    certificate: peer.serial.to_string(),
                })
            }
            Inbound::Detached { link, why } => {
                self.links.remove(&link);
                let suspect = if let Ended::Session(session::CloseReason::Unacknowledged { id }) = why {
                    Some(Delivery::from_number(id))
                } else {
                    None
                };
                self.handle(Event::Detached { link, suspect, why: why.to_string() })
            }
            Inbound::Session { link, event } => match event {
                session::Event::Received { token, validation, bytes } => {
                    let token = Token(token.number());
                    self.handle(Event::Received { link, token, validation, message: bytes })
                }
                session::Event::Delivered { id } => {
                    self.handle(Event::Delivered { link, delivery: Delivery::from_number(id) })
                }
                session::Event::Failed { id, why: _ } => {
                    self.handle(Event::Failed { link, delivery: Delivery::from_number(id) })
                }
                session::Event::Room { messages } => self.handle(Event::Room { link, messages }),
                // What they mean for the core is said as room; a closed session ends in `Detached`.
                session::Event::Ready | session::Event::NotReady | session::Event::Closed { .. } => Ok(()),
            },
            Inbound::Loaded { sequence, record } => match record {
                Ok((kind, record)) => self.handle(Event::Loaded { sequence, kind, record }),
                Err(source) => Err(SwitchError::Unreadable { source }),
            },
            Inbound::Found { query, body } => self.handle(Event::Found { query, body }),
            Inbound::Act { who, from, what, result } => self.handle(Event::Act { who, from, what, result }),
            Inbound::Asked(asked) => self.asked(asked),
            Inbound::Denied { who, from, what, trouble, answer } => self.deny(who, from, what, trouble, answer),
            Inbound::Reloaded { reloading, read } => self.reloaded(reloading, read),
            Inbound::Retain { from } => {
                self.writer.retain(from);
                Ok(())
            }
            Inbound::FollowerFailed { error } => Err(SwitchError::Follow { source: Box::new(error) }),
        }
    }

    fn notice(&mut self, notice: Option<Notice>) -> Result<(), SwitchError> {
        match notice {
            Some(Notice::Stored { through }) => {
                self.handle(Event::Stored { through: Sequence(through) })?;
                self.count_stored(through);
                Ok(())
            }
            Some(Notice::Full { why }) => {
                let why = &why as &dyn std::error::Error;
                warn!(error = why, "the journal has no room");
                self.health.not_ready(format!("nothing can be made durable: {why}: {}", root(why)));
                self.say_readiness(Readiness::NotReady);
                self.handle(Event::StoreFull)
            }
            Some(Notice::Open) => {
                if self.switch.is_closed() {
                    self.health.not_ready("an operator drains it");
                } else {
                    if self.readiness != Readiness::GoingDown {
                        self.health.ready();
                    }
                    self.say_readiness(Readiness::Ready);
                }
                self.handle(Event::StoreOpen)
            }
            Some(Notice::Pruned { first_sequence: first, segments, bytes }) => {
                self.journal_telemetry.observe(&JournalEvent::Pruned { first, segments, bytes });
                self.handle(Event::Pruned { first: Sequence(first) })?;
                self.act("prune", format!("{segments} segments, {bytes} bytes, all records before {first}"))
            }
            Some(Notice::Failed { error }) => Err(SwitchError::Store { source: error }),
            None => Err(SwitchError::StoreEnded),
        }
    }

    pub(crate) fn handle(&mut self, event: Event) -> Result<(), SwitchError> {
        self.switch.handle(self.clock.now(), event);
        self.carry_out()
    }

    fn carry_out(&mut self) -> Result<(), SwitchError> {
        while let Some(action) = self.switch.poll_action() {
            match action {
                Action::Store { sequence, kind, record } => self.batch.records.push((sequence.0, kind, record)),
                Action::Load { sequence } => self.load(sequence),
                Action::Search { query, request } => self.search(query, request),
                Action::Accept { link, token } => {
                    self.command(link, Command::Accept(session::Token::from_number(token.0)));
                }
                Action::Refuse { link, token, why } => {
                    let why = match why {
                        Refusal::Temporary => session::Refusal::Temporary,
                        Refusal::TooManyUnacknowledged => session::Refusal::TooMany,
                    };
                    self.command(link, Command::Refuse(session::Token::from_number(token.0), why));
                }
                Action::Deliver { link, delivery, bytes } => {
                    let message = Outgoing { id: delivery.number(), validation: delivery.validation(), bytes };
                    self.command(link, Command::Send(message));
                }
                Action::Pause { link } => self.command(link, Command::Pause),
                Action::Resume { link } => self.command(link, Command::Resume),
                Action::Close { link, why: CloseReason::UnknownStation | CloseReason::StationGone } => {
                    self.command(link, Command::Close)
                }
                Action::Reply { request, reply } => self.replied(request, reply),
                Action::Observe(observation) => {
                    self.telemetry.observe(&observation);
                    self.note(&observation)?;
                    if let Observation::Drains { draining } = observation {
                        self.drains(draining);
                    } else if observation == Observation::Reloaded {
                        self.go_on();
                    }
                }
            }
        }
        Ok(())
    }

    /// What an observation means for the process itself.
    fn note(&mut self, observation: &Observation) -> Result<(), SwitchError> {
        if let Observation::Accepted { .. } | Observation::Refused { .. } = observation {
            self.meter.message();
        } else if let Observation::LinkUp { station, .. } = observation {
            self.attached.send_modify(|attached| *attached.entry(*station).or_default() += 1);
        } else if let Observation::LinkDown { station, .. } = observation {
            self.attached.send_modify(|attached| {
                let left = attached.remove(station).unwrap_or_default().saturating_sub(1);
                if left > 0 {
                    attached.insert(*station, left);
                }
            });
        } else if let Observation::RecordUnreadable { sequence } = observation {
            return Err(SwitchError::NotARecord { sequence: sequence.0 });
        }
        Ok(())
    }

    /// Hands a command to a link. A link that has no room for it is let go: its channel has room for all that the rules
    /// allow, so something is wrong with it, and the station will come again.
    fn command(&mut self, link: LinkId, command: Command) {
        let Some(commands) = self.links.get(&link) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = commands.try_send(command) {
            error!(link = link.0, "a link takes no commands and is closed");
            self.links.remove(&link);
        }
    }

    fn load(&self, sequence: Sequence) {
        let (reader, loads) = (self.reader.clone(), self.loads.clone());
        tokio::spawn(async move {
            let read = tokio::task::spawn_blocking(move || reader.read(sequence.0)).await;
            match read {
                Ok(record) => {
                    let record = record.map(|record| (record.kind, record.payload));
                    // The driver is gone only when the process ends.
                    drop(loads.send(Inbound::Loaded { sequence, record }).await);
                }
                Err(error) => error!(%error, "reading the journal ended"),
            }
        });
    }

    /// Has a log query searched for. Where nothing is searched, as after a change of the configuration, it is answered so.
    fn search(&self, query: Sequence, request: LogQuery) {
        let nobody = match &self.questions {
            Some(questions) => questions.send((query, request)).is_err(),
            None => true,
        };
        if nobody {
            let loads = self.loads.clone();
            tokio::spawn(async move {
                drop(loads.send(Inbound::Found { query, body: archive::text::unavailable() }).await);
            });
        }
    }

    /// An operator drains: stations are told, and whoever asks whether the switch is ready.
    fn drains(&mut self, draining: bool) {
        if draining {
            self.health.not_ready("an operator drains it");
            self.say_readiness(Readiness::NotReady);
            return;
        }
        self.desk.ends = false;
        if self.switch.is_store_open() && self.readiness != Readiness::GoingDown {
            self.say_readiness(Readiness::Ready);
            self.health.ready();
        }
    }

    fn say_readiness(&mut self, readiness: Readiness) {
        if self.readiness == Readiness::GoingDown {
            return;
        }
        self.readiness = readiness;
        let links: Vec<_> = self.links.keys().copied().collect();
        links.into_iter().for_each(|link| self.command(link, Command::Readiness(readiness)));
    }

    fn submit(&mut self) -> Result<(), SwitchError> {
        if self.batch.records.is_empty() {
            return Ok(());
        }
        if let Some((through, ..)) = self.batch.records.last() {
            self.meter.submit(*through);
        }
        match self.writer.submit(std::mem::take(&mut self.batch)) {
            // The notice that says why is on its way.
            Ok(()) | Err(journal::AppendError::Stopped) => Ok(()),
            Err(source) => {
                info!("the journal takes no more");
                Err(SwitchError::Append { source })
            }
        }
    }
}

/// The cause at the bottom of an error.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
