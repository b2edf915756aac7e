//! What a run is to do, and with what.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustls_pki_types::ServerName;

use crate::mix::Mix;
use crate::rate::Spacing;
use crate::require::Requirement;

/// Everything that a run needs to know.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the switch takes links.
    pub address: SocketAddr,
    /// The name that its certificate must bear.
    pub server_name: ServerName<'static>,
    /// The directory with `ca.pem` and each station's `NAME.pem` and `NAME.key`.
    pub pki: PathBuf,
    /// Who sends what.
    pub mix: Mix,
    /// How much, and for how long.
    pub shape: Shape,
    /// The load in a few words, for reports.
    pub title: String,
    /// Links that send, divided among the senders.
    pub links: usize,
    /// Links that say nothing, divided among the senders too.
    pub idle: usize,
    /// Threads; each link lives on one.
    pub threads: usize,
    /// How arrivals lie.
    pub spacing: Spacing,
    /// What arrivals and messages follow from.
    pub seed: u64,
    /// The climb before the load is steady.
    pub ramp: Duration,
    /// Steady load that is not measured yet.
    pub warmup: Duration,
    /// How long to wait at the end for what was sent.
    pub settle: Duration,
    /// When a message is given up.
    pub timeout: Duration,
    /// How long links may take to come up.
    pub connect: Duration,
    /// Handshakes that are not done at the same time.
    pub connecting_max: usize,
    /// Calls a second at the most.
    pub connect_rate: Option<f64>,
    /// Messages waited for at the most, over all threads.
    pub in_flight_max: usize,
    /// After what time without an acknowledgement a message is sent again on the same link, as stations do; never, unless
    /// it is said.
    pub resend_after: Option<Duration>,
    /// What must hold.
    pub requirements: Vec<Requirement>,
    /// Processes whose processor time and memory are reported.
    pub watch: Vec<u32>,
}

/// How much is sent, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Messages at their own times.
    Open {
        /// Messages a second.
        rate: f64,
        /// The measured time.
        duration: Duration,
    },
    /// So many messages at a time on each link.
    Closed {
        /// How many.
        per_link: usize,
        /// The measured time.
        duration: Duration,
    },
    /// A search for the highest rate at which the requirements hold.
    Knee {
        /// The first rate, in messages a second.
        from: f64,
        /// The highest that is tried.
        most: f64,
        /// How long each rate is measured.
        step: Duration,
    },
    /// Receivers that were away come back to a backlog.
    Recovery {
        /// Messages that wait for them.
        backlog: u64,
        /// New messages a second meanwhile.
        rate: f64,
        /// How long the backlog may take to go away.
        duration: Duration,
    },
}

impl Shape {
    /// How long an interval of the series is: short runs have short ones.
    pub(crate) fn interval(&self) -> Duration {
        let measured = match self {
            Self::Open { duration, .. } | Self::Closed { duration, .. } => *duration,
            Self::Knee { step, .. } => *step,
            Self::Recovery { backlog, .. } => Duration::from_millis(backlog.saturating_div(10)),
        };
        if measured <= Duration::from_secs(20) { Duration::from_millis(200) } else { Duration::from_secs(1) }
    }
}
