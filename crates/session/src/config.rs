//! The limits and intervals of a session, with the protocols' values as defaults (`protocol-specs/wire.md` 1.1, 1.2).

use std::time::Duration;

/// Which end of the link a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The server. It alone closes a link on which nothing arrives, and never speaks of its readiness unasked.
    Switch,
    /// The client. It tells the switch at once when its readiness changes.
    Station,
}

/// How messages travel on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// DMPP-2020 blocks (`protocol-specs/wire.md` 1.1).
    Dmpp,
    /// Foxtalk frames (`protocol-specs/wire.md` 1.2).
    Fox {
        /// Becomes the high half of [`Event::Received`](crate::Event::Received)'s validation, the peer's exchange number
        /// the low: an owner that gives each link another one knows what comes again on a link, and nothing else, for
        /// a client's numbers begin anew with each of its starts. Zero leaves the number as it is.
        epoch: u16,
    },
}

/// Limits and intervals. [`Config::new`] and [`Config::fox`] give the protocols' values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which end this is.
    pub role: Role,
    /// What is spoken.
    pub protocol: Protocol,
    /// Messages that may be sent and not yet acknowledged. Zero counts as one.
    pub window: u16,
    /// Longest message taken from the peer, in bytes over all its blocks. A longer one is discarded while it arrives.
    pub message_bytes_max: usize,
    /// [`Session::transmit`](crate::Session::transmit) adds no data block to an output that holds so many bytes or
    /// more. It may pass that by one block, and by the answers that the peer asked for.
    pub output_bytes_max: usize,
    /// How long a message waits for its acknowledgement before it is sent again.
    pub ack_wait: Duration,
    /// Sends of one message without an answer after which the link is given up. Zero counts as one.
    pub sends_max: u32,
    /// Wait before a message is sent again that was refused for now.
    pub temporary_wait: Duration,
    /// Wait before a message is sent again that was one too many.
    pub too_many_wait: Duration,
    /// After so long without a byte sent, the peer is asked for its status.
    pub keep_alive: Duration,
    /// Status requests without an answer, one after the other, after which the link is given up.
    pub unanswered_max: u32,
    /// [`Role::Switch`]: a link on which nothing arrived for so long is closed. Both roles: a block that began to
    /// arrive has to end within that time.
    pub silence: Duration,
}

impl Config {
    /// The values of DMPP-2020 for one end of a link.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            protocol: Protocol::Dmpp,
            window: WINDOW,
            message_bytes_max: match role {
                Role::Switch => MESSAGE_BYTES_MAX,
                // What the switch took in goes out with a longer header, and AML with a line more.
                Role::Station => MESSAGE_BYTES_MAX + 1024,
            },
            output_bytes_max: OUTPUT_BYTES_MAX,
            ack_wait: ACK_WAIT,
            sends_max: SENDS_MAX,
            temporary_wait: TEMPORARY_WAIT,
            too_many_wait: TOO_MANY_WAIT,
            keep_alive: KEEP_ALIVE,
            unanswered_max: UNANSWERED_MAX,
            silence: SILENCE,
        }
    }
}

impl Config {
    /// The values of Foxtalk for one end of a link; see [`Protocol::Fox`] for the epoch.
    #[must_use]
    pub const fn fox(role: Role, epoch: u16) -> Self {
        let mut config = Self::new(role);
        config.protocol = Protocol::Fox { epoch };
        // The public client handles one message at a time.
        config.window = 1;
        if let Role::Station = role {
            config.keep_alive = Duration::from_secs(FOX_IDLE_SECONDS as u64);
        }
        config
    }
}

/// After so long without traffic a Foxtalk client sends a heartbeat. The public client begins to count with whatever it
/// gets, so this is well below half of [`SILENCE`].
pub(crate) const FOX_IDLE_SECONDS: u16 = 20;
/// Enough to keep a link busy while one commit of the receiver's store runs.
const WINDOW: u16 = 32;
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Two of the longest blocks: one is being written while the next is ready.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// An acknowledgement is due within 1 s; five times that is no longer a slow disk.
const ACK_WAIT: Duration = Duration::from_secs(5);
const SENDS_MAX: u32 = 3;
const TEMPORARY_WAIT: Duration = Duration::from_secs(5);
const TOO_MANY_WAIT: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const UNANSWERED_MAX: u32 = 2;
const SILENCE: Duration = Duration::from_secs(60);
