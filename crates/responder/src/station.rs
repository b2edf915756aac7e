//! A station at work: keeps its link, has each message handled in a task of its own, and ends in order.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use codec::error::DecodeError;
use codec::legacy::Output;
use codec::name::StationName;
use link::dialer::{Config, Dialer, DialerEvent, Incoming, LinkState, StationLink, dialer};
use session::Readiness;
use tokio::select;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, error, info, info_span, warn};

/// A station that has not begun.
#[derive(Debug)]
pub(crate) struct Station {
    name: StationName,
    dialer: Dialer,
    link: StationLink,
    incoming: mpsc::Receiver<Incoming>,
}

impl Station {
    pub(crate) fn new(name: StationName, config: Config) -> Self {
        let (dialer, link, incoming) = dialer(config);
        Self { name, dialer, link, incoming }
    }

    /// Whether there is a link, and when that changes.
    pub(crate) fn state(&self) -> watch::Receiver<LinkState> {
        self.link.state()
    }

    /// The handle on its link. The dialer does not end while somebody keeps one.
    pub(crate) fn link(&self) -> StationLink {
        self.link.clone()
    }

    /// Keeps the link and has each message handled, until `shutdown`; then takes no more, and gives what is in hand
    /// [`GRACE`] to come to its end.
    pub(crate) async fn run<W>(self, shutdown: CancellationToken, handle: impl Fn(StationLink, Incoming) -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let span = info_span!("station", name = %self.name);
        self.work(shutdown, handle).instrument(span).await;
    }

    async fn work<W>(self, shutdown: CancellationToken, handle: impl Fn(StationLink, Incoming) -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let Self { dialer, link, mut incoming, .. } = self;
        let stop = CancellationToken::new();
        let mut dialing = tokio::spawn(dialer.run(stop.clone(), observe).in_current_span());
        let tasks = TaskTracker::new();
        let slots = Arc::new(Semaphore::new(TASKS_MAX));
        loop {
            let next = async { (Arc::clone(&slots).acquire_owned().await, incoming.recv().await) };
            let Some((Ok(slot), Some(message))) = shutdown.run_until_cancelled(next).await else { break };
            let task = handle(link.clone(), message);
            let task = async move {
                task.await;
                drop(slot);
            };
            tasks.spawn(task.in_current_span());
        }

        let deadline = Instant::now() + GRACE;
        link.set_readiness(Readiness::GoingDown);
        // What came and was not begun is refused for now by being dropped. The switch keeps it.
        drop(incoming);
        tasks.close();
        if *link.state().borrow() == LinkState::Down {
            // Nothing can be acknowledged any more.
            stop.cancel();
        }
        // The dialer ends by itself once nobody needs it any more and everything is written.
        drop(link);
        select! {
            biased;
            ended = async { (tasks.wait().await, (&mut dialing).await).1 } => return end(ended),
            () = sleep_until(deadline) => {}
        }
        warn!(unfinished = tasks.len(), "not everything in hand came to its end");
        stop.cancel();
        end(dialing.await);
        // Without a dialer every wait for the switch is over.
        tasks.wait().await;
    }
}

/// Messages that are being handled at a time. More than a switch sends without an acknowledgement, by far, and so few
/// that what they post finds its place with the dialer at once.
const TASKS_MAX: usize = 128;

/// How long what is in hand may take once a station is to end.
const GRACE: Duration = Duration::from_secs(5);

/// Says what a message is, and nothing that it says.
pub(crate) fn log_message(output: &Output<'_>, bytes: usize) {
    info!(key = %output.key, sender = %output.sender, bytes, "a message came");
}

/// Says that a message is none.
pub(crate) fn log_unreadable(error: DecodeError, bytes: usize) {
    warn!(%error, bytes, "a message came whose header cannot be read");
}

fn observe(event: DialerEvent) {
    match event {
        DialerEvent::Up => info!("the link is up"),
        DialerEvent::Down { why, retry } => warn!(%why, ?retry, "the link is down"),
        DialerEvent::Failed { error, retry } => {
            warn!(error = &error as &(dyn Error + 'static), ?retry, "the switch was called in vain");
        }
    }
}

fn end(dialing: Result<(), tokio::task::JoinError>) {
    if let Err(error) = dialing {
        error!(error = &error as &(dyn Error + 'static), "the dialer broke off");
    }
}
