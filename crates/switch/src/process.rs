//! The switch as a running process: recover, listen, work, end.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use codec::name::StationName;
use journal::{Batch, Journal, RealDisk, Report};
use link::listener::{Door, Link, ListenError, Listener};
use session::{Readiness, Role};
use switch_core::{FoldError, Folds, LinkId, LinkTimes, Network, Observation, Sequence, Switch};
use telemetry::{JournalTelemetry, Metrics, SwitchTelemetry};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::admin::api::Desk;
use crate::admin::{Admin, Audited, Pages};
use crate::background::Background;
use crate::clock::Clock;
use crate::config::Config;
use crate::driver::{Driver, Inbound, Shared};
use crate::follower::{AuditError, Auditor, Follower, Follows, Known};
use crate::health::Health;
use crate::meter::Meter;
use crate::reload::ReloadSignal;
use crate::replay::Recovery;
use crate::search;

/// Events on their way from all links to the driver; a link that finds it full stops reading.
const INBOX: usize = 4096;
/// How long links may take to say goodbye.
const CLOSING_MAX: Duration = Duration::from_secs(3);

/// Stations that have links, and how many.
pub type Attached = BTreeMap<StationName, usize>;

/// Where a switch that has started listens, and who is there.
#[derive(Debug, Clone)]
pub struct Running {
    /// Stations call here.
    pub links: SocketAddr,
    /// Stations that speak Foxtalk call here, if any may.
    pub fox: Option<SocketAddr>,
    /// `/metrics`, `/livez`, `/readyz`.
    pub admin: SocketAddr,
    /// Who is attached, and when that changes.
    pub attached: watch::Receiver<Attached>,
}

/// Why a switch did not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// The links' address or its certificates.
    #[error("links cannot be accepted")]
    Listen(#[from] ListenError),
    /// The admin page's address.
    #[error("the admin page cannot listen on {address}")]
    Admin {
        /// The address.
        address: SocketAddr,
        /// The system's word.
        source: std::io::Error,
    },
    /// The journal was not opened; nothing was changed.
    #[error("the journal cannot be opened")]
    Open(#[from] journal::OpenError),
    /// The journal is whole, but what stands in it is not this switch's.
    #[error("the journal does not add up")]
    Fold(#[from] FoldError),
    /// The system has no thread to give.
    #[error("a thread cannot be started")]
    Thread(#[source] std::io::Error),
    /// A write or sync failed: what is on disk is unknown until the next start has read it.
    #[error("the journal failed; nothing more was acknowledged; start again to recover")]
    Store {
        /// What failed.
        source: journal::Fault,
    },
    /// The journal's thread ended without a word.
    #[error("the journal's thread ended")]
    StoreEnded,
    /// The journal refused a record.
    #[error("the journal refused a record")]
    Append {
        /// Why.
        source: journal::AppendError,
    },
    /// A stored record cannot be read any more.
    #[error("a stored record cannot be read")]
    Unreadable {
        /// Why.
        source: journal::ReadError,
    },
    /// A stored record reads well and is none of the switch's.
    #[error("record {sequence} of the journal is none of the switch's")]
    NotARecord {
        /// Its number.
        sequence: u64,
    },
    /// The key that statements about the journal are signed with.
    #[error("statements about the journal cannot be signed")]
    Audit(#[from] AuditError),
    /// The disk refused a checkpoint of the journal: what it holds is unknown until the next start has read it.
    #[error("a checkpoint of the journal failed; start again to recover")]
    Follow {
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was in flight at the end could not be stored.
    #[error("the journal did not end well")]
    Shutdown(#[from] journal::ShutdownError),
}

impl SwitchError {
    /// Whether the configuration or its surroundings are at fault, rather than the run.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Listen(_) | Self::Admin { .. } | Self::Audit(_))
    }
}

/// Runs a switch until `stop`, on the current thread's runtime; whoever has `reload` can ask it to read its configuration
/// again. `started` is called once everything listens.
///
/// # Errors
/// If it cannot start, or its journal fails while it works. After a failed journal nothing was acknowledged that is not
/// on disk; the next start recovers.
pub async fn run(
    config: Config,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    reload: ReloadSignal,
    started: impl FnOnce(Running),
) -> Result<(), SwitchError> {
    let mut listener = Listener::bind(config.links, config.pki.clone(), config.listener_limits.clone()).await?;
    let fox = match config.fox {
        Some(address) => Some(listener.bind_also(Door::Fox, address).await?),
        None => None,
    };
    let admin = Admin::bind(config.admin).map_err(|source| SwitchError::Admin { address: config.admin, source })?;
    let admin_address = admin.address().map_err(|source| SwitchError::Admin { address: config.admin, source })?;
    let (attached, watched) = watch::channel(Attached::new());
    let running = Running { links: listener.address(), fox, admin: admin_address, attached: watched };

    let health = Arc::new(Health::new());
    let shared = Shared {
        network: Arc::new(ArcSwap::from(Arc::clone(&config.network))),
        operators: Arc::new(ArcSwap::from_pointee(config.operators.clone())),
    };
    let (inbox, events) = mpsc::channel(INBOX);
    let desk =
        Desk { operators: Arc::clone(&shared.operators), driver: inbox.clone(), audited: Arc::new(Audited::default()) };
    let pages = Pages { metrics: Arc::clone(&metrics), health: Arc::clone(&health) };
    let admin_stop = CancellationToken::new();
    let _stop_admin = admin_stop.clone().drop_guard();
    admin.serve(pages, desk, admin_stop).map_err(SwitchError::Thread)?;

    let clock = Clock::start();
    let auditor = config.audit.as_ref().map(Auditor::new).transpose()?;
    let (journal, folds, report) = recover(&config)?;
    let (notify, notices) = mpsc::unbounded_channel();
    // As many notices as batches at the most, and the driver that makes the batches takes the notices.
    let (writer, reader) =
        journal::start(journal, move |notice| drop(notify.send(notice))).map_err(SwitchError::Thread)?;
    let known = Known {
        checkpoint: report.checkpoint.unwrap_or(0),
        needed: folds.oldest_needed().map_or(report.last_sequence + 1, |needed| needed.0),
    };
    let last_link = AtomicU64::new(folds.last_link().0);
    let switch = Switch::new(Arc::clone(&config.network), Arc::clone(&config.dictionary), folds, clock.now());

    metrics.page().watch_disk(&config.data);
    let journal_telemetry = JournalTelemetry::new(Arc::clone(&metrics));
    let telemetry = Arc::new(SwitchTelemetry::new(metrics));
    telemetry.valid_until(listener.crl_until().as_millisecond(), listener.certificate_until().as_millisecond());
    let links = TaskTracker::new();
    let listening = {
        let (observer, network, links, inbox) =
            (Arc::clone(&telemetry), Arc::clone(&shared.network), links.clone(), inbox.clone());
        let telemetry = Arc::clone(&observer);
        let doors = Doors { network, telemetry, message_bytes_max: config.message_bytes_max, inbox, last_link };
        let doors = Arc::new(doors);
        listener.serve(
            stop.clone(),
            move |link| {
                links.spawn(Arc::clone(&doors).attend(link));
            },
            move |event| observer.listen(&event),
        )
    };
    let listening = tokio::spawn(listening);

    let mut background = Background::new();
    let follows = Follows {
        reader: reader.clone(),
        network: Arc::clone(&config.network),
        telemetry: journal_telemetry.clone(),
        driver: inbox.clone(),
        bell: background.bell(),
    };
    let follower = Follower::new(follows, config.retention, auditor, known);
    background.spawn("journal-follower", move || follower.run()).map_err(SwitchError::Thread)?;
    let questions = if config.search {
        let (reader, telemetry) = (reader.clone(), journal_telemetry.clone());
        let utc_offset = config.network.limits().stamp_utc_offset;
        let started = search::start(&mut background, &config.data, reader, utc_offset, telemetry, inbox.clone());
        Some(started.map_err(SwitchError::Thread)?)
    } else {
        None
    };

    let driver = Driver {
        switch,
        clock,
        writer,
        reader,
        telemetry,
        health,
        loads: inbox,
        links: HashMap::new(),
        batch: Batch::default(),
        attached,
        readiness: Readiness::Ready,
        questions,
        journal_telemetry,
        config: Box::new(config),
        next_config: None,
        shared,
        desk: crate::driver::Desk::default(),
        reload,
        meter: Meter::default(),
    };
    // Before it is said, so that whoever hears it finds `/readyz` agree.
    driver.health.ready();
    if let Some(fox) = running.fox {
        info!(%fox, "Foxtalk links are accepted");
    }
    info!(links = %running.links, admin = %running.admin, "the switch is up");
    started(running);
    // If it fails, nothing may be acknowledged any more: what the links still have to say is cut off.
    let writer = driver.run(events, notices, stop, how_found(&report)).await?;
    drop(listening.await);
    links.close();
    if tokio::time::timeout(CLOSING_MAX, links.wait()).await.is_err() {
        warn!(links = links.len(), "links that did not close in time are cut");
    }
    let through = writer.shutdown()?;
    background.finish();
    info!(record = through, "the switch is down");
    Ok(())
}

/// Opens the journal and folds it, from its newest checkpoint on.
fn recover(config: &Config) -> Result<(Journal, Folds, Report), SwitchError> {
    let mut recovery = Recovery::new(&config.network);
    let disk = RealDisk::open(&config.data.join("journal"))?;
    let (journal, report) = Journal::open(disk, config.journal, &mut recovery)?;
    let mut folds = recovery.folds()?;
    folds.pruned(Sequence(report.first_sequence));
    if let Some(cut) = &report.cut {
        warn!(
            file = cut.file,
            offset = cut.offset,
            bytes = cut.bytes,
            "an unfinished commit at the end of the journal was cut"
        );
    }
    for (file, why) in &report.checkpoints_unusable {
        warn!(file, why, "a checkpoint of the journal is of no use");
    }
    info!(
        records = report.records,
        replayed = report.replayed,
        checkpoint = report.checkpoint.unwrap_or(0),
        segments = report.segments,
        waiting = folds.waiting(),
        "the journal was read"
    );
    Ok((journal, folds, report))
}

/// How a start found the journal, for the record that tells of it.
fn how_found(report: &Report) -> String {
    let Report { records, replayed, first_sequence, last_sequence, checkpoint, cut, .. } = report;
    let from = checkpoint.map_or_else(|| "no checkpoint".to_owned(), |record| format!("the checkpoint of {record}"));
    let cut = cut.as_ref().map_or_else(String::new, |cut| {
        format!(", an unfinished commit of {} bytes cut from {} at {}", cut.bytes, cut.file, cut.offset)
    });
    format!("{records} records from {first_sequence} to {last_sequence}, {replayed} replayed after {from}{cut}")
}

/// What every new link needs.
struct Doors {
    network: Arc<ArcSwap<Network>>,
    telemetry: Arc<SwitchTelemetry>,
    message_bytes_max: usize,
    inbox: mpsc::Sender<Inbound>,
    /// Goes on over restarts, so that a number in the journal means one link.
    last_link: AtomicU64,
}

impl Doors {
    /// Drives one link from its first word to its last.
    async fn attend(self: Arc<Self>, door: Link) {
        let link = LinkId(self.last_link.fetch_add(1, Ordering::Relaxed) + 1);
        let peer = door.peer().clone();
        let station = peer.station;
        let network = self.network.load_full();
        if network.station(station).is_none() {
            // Dropped before a word is said: the peer learns nothing.
            return self.telemetry.observe(&Observation::Stranger { link, station });
        }
        let mut config = match door.door() {
            Door::Dmpp => session::Config::new(Role::Switch),
            Door::Fox => session::Config::fox(Role::Switch, epoch(link)),
        };
        config.message_bytes_max = self.message_bytes_max;
        let LinkTimes { ack_wait, sends, temporary_wait, too_many_wait, keep_alive, silence } = network.limits().links;
        (config.ack_wait, config.sends_max) = (ack_wait, sends);
        (config.temporary_wait, config.too_many_wait) = (temporary_wait, too_many_wait);
        (config.keep_alive, config.silence) = (keep_alive, silence);
        if door.door() == Door::Dmpp
            && let Some(station) = network.station(station)
        {
            config.window = station.window;
        }
        let limits = link::connection::Limits::default();
        let (commands, orders) = mpsc::channel(limits.commands(config.window));
        if self.inbox.send(Inbound::Attached { link, peer, commands }).await.is_err() {
            return;
        }
        let why = door.drive(config, orders, self.inbox.clone(), |event| Inbound::Session { link, event }).await;
        // The driver is gone only when the process ends.
        drop(self.inbox.send(Inbound::Detached { link, why }).await);
    }
}

/// What sets the exchange numbers of one Foxtalk link apart from those of another: never zero.
fn epoch(link: LinkId) -> u16 {
    u16::try_from(link.0 % u64::from(u16::MAX)).unwrap_or_default().saturating_add(1)
}
