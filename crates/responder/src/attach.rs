//! A station that attaches, takes what comes and says so in its log: key, ORI and size, never what a message says.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use codec::legacy::parse_output;
use codec::name::StationName;
use link::dialer::{self, Incoming, LinkState};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::station::{Station, log_message, log_unreadable};

/// Which station, and where it calls.
#[derive(Debug, Clone)]
pub struct Config {
    /// The station's name, for the log; its certificate says it to the switch.
    pub station: StationName,
    /// The switch, and the station's files.
    pub link: dialer::Config,
}

/// What such a station has done since it began. Counts only grow.
#[derive(Debug, Default)]
pub struct Counts {
    /// Messages taken, also those that came before.
    pub messages: AtomicU64,
    /// Those of them whose header could not be read.
    pub unreadable: AtomicU64,
}

/// A station that has not attached yet.
#[derive(Debug)]
pub struct Attached {
    station: Station,
    counts: Arc<Counts>,
}

impl Attached {
    /// A station as configured. It calls once it runs.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { station: Station::new(config.station, config.link), counts: Arc::default() }
    }

    /// What it counts.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Whether it has a link, and when that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.station.state()
    }

    /// Takes and acknowledges until `shutdown`. Ends within some seconds after it.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { station, counts } = self;
        station
            .run(shutdown, |_, message| {
                take(&counts, message);
                ready(())
            })
            .await;
    }
}

/// Attaches a station until `shutdown`.
pub async fn run(config: Config, shutdown: CancellationToken) {
    Attached::new(config).run(shutdown).await;
}

fn take(counts: &Counts, message: Incoming) {
    let Incoming { bytes, acknowledge, .. } = message;
    counts.messages.fetch_add(1, Relaxed);
    match parse_output(&bytes) {
        Ok(output) => log_message(&output, bytes.len()),
        Err(error) => {
            counts.unreadable.fetch_add(1, Relaxed);
            log_unreadable(error, bytes.len());
        }
    }
    acknowledge.accept();
}
