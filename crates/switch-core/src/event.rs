//! What goes into the switch and what comes out of it: the closed enums of its contract, and the numbers in them.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use codec::name::{MessageKey, StationName};
use codec::notice::{ErNumber, SmNumber};
use codec::time::{Tick, Timestamp};

use crate::command::{Command, Reply, Request};
use crate::query::LogQuery;

/// The time at which an event is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic; timers run on it.
    pub tick: Tick,
    /// UTC; stamps and holds, which outlive a restart, run on it.
    pub wall: Timestamp,
}

/// One connection of a station, for as long as it lasts. A number is never used twice in one journal: a run goes on
/// after [`crate::Folds::last_link`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// What a session wants accepted or refused: one message received on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub u64);

/// The place of a record in the journal: consecutive from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Sequence(pub u64);

/// The switch-wide number of an accepted message, never used twice (`protocol-specs/wire.md` 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Msn(pub u64);

/// The durable number of one copy on its way to one station (`protocol-specs/wire.md` 1.1).
///
/// Numbers rise in the order in which copies were admitted; one whose low 32 bits are zero is skipped, because those
/// bits are the copy's validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Delivery(u64);

impl Delivery {
    /// The number as the journal holds it.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The next number that can be a delivery's.
    #[must_use]
    pub(crate) fn next(self) -> Self {
        let next = self.0.wrapping_add(1);
        if next & u64::from(u32::MAX) == 0 { Self(next.wrapping_add(1)) } else { Self(next) }
    }

    /// What the receiver sees, the same each time the copy is sent.
    #[must_use]
    pub fn validation(self) -> NonZeroU32 {
        #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are what is wanted")]
        let low = self.0 as u32;
        NonZeroU32::new(low).unwrap_or(NonZeroU32::MAX)
    }
}

/// Proof that the peer of a link is the station it claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified(StationName);

impl Verified {
    /// To be called in one place: after the TLS handshake has verified the certificate chain, its revocation and the
    /// station's name in it.
    #[must_use]
    pub fn assertion(station: StationName) -> Self {
        Self(station)
    }

    /// The station that was proven.
    #[must_use]
    pub fn station(self) -> StationName {
        self.0
    }
}

/// What happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A link with a proven station came up.
    Attached {
        /// The new link.
        link: LinkId,
        /// Whose it is.
        station: Verified,
        /// Where it calls from.
        from: SocketAddr,
        /// The serial of its certificate, in hexadecimal.
        certificate: String,
    },
    /// A link went; nothing more will come from it.
    Detached {
        /// The link that is gone.
        link: LinkId,
        /// The copy on whose account it ended, where the session says so: one never acknowledged, however often sent.
        suspect: Option<Delivery>,
        /// Why it ended, in words.
        why: String,
    },
    /// A whole message came. It is answered with [`Action::Accept`] or [`Action::Refuse`], once.
    Received {
        /// Where it came from.
        link: LinkId,
        /// What the session wants accepted or refused.
        token: Token,
        /// The sender's number for it; 0 switches the memory of resent messages off.
        validation: u32,
        /// The message, over all its blocks.
        message: Bytes,
    },
    /// The receiver acknowledged a copy.
    Delivered {
        /// Where it was sent.
        link: LinkId,
        /// Which copy.
        delivery: Delivery,
    },
    /// The receiver will not take a copy, however often it is sent.
    Failed {
        /// Where it was sent.
        link: LinkId,
        /// Which copy.
        delivery: Delivery,
    },
    /// How many copies the session can take now; 0 while its peer is not ready.
    Room {
        /// Which link.
        link: LinkId,
        /// Copies, not counting those it holds.
        messages: usize,
    },
    /// All records up to this one are durable.
    Stored {
        /// The last durable record.
        through: Sequence,
    },
    /// The store cannot take records; it keeps those it was given and tries by itself.
    StoreFull,
    /// The store takes records again.
    StoreOpen,
    /// A record that was asked for with [`Action::Load`].
    Loaded {
        /// Its place.
        sequence: Sequence,
        /// Its kind.
        kind: u8,
        /// Its payload.
        record: Bytes,
    },
    /// What was found for a query that was asked with [`Action::Search`]. One that is not pending is ignored.
    Found {
        /// The query.
        query: Sequence,
        /// The body of the answer, in lines that end in CR LF; cut where it is longer than [`crate::ANSWER_BYTES_MAX`].
        body: Bytes,
    },
    /// Something was done to the switch or by it that the journal has to tell. Its time is that of the event.
    Act {
        /// Who did it: an operator, or `switch` for the process itself.
        who: String,
        /// From where; empty for the process itself.
        from: String,
        /// What was done.
        what: String,
        /// With which result.
        result: String,
    },
    /// An operator tells the switch to do something; [`Action::Reply`] says what came of it, once.
    Command {
        /// What the answer belongs to.
        request: Request,
        /// Who tells it.
        who: String,
        /// From where.
        from: String,
        /// What.
        command: Command,
    },
    /// The journal no longer has the records before this one: none of them was needed any more.
    Pruned {
        /// The first record that is left.
        first: Sequence,
    },
    /// The process is about to end: nothing new is taken in or sent out, what is in flight may finish.
    Draining,
    /// The tick of [`crate::Switch::poll_timeout`] has come.
    Timeout,
}

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Append a record to the journal and make it durable; [`Event::Stored`] says when.
    Store {
        /// Its place: one more than the record before.
        sequence: Sequence,
        /// What kind it is, for the journal's readers.
        kind: u8,
        /// Its payload.
        record: Bytes,
    },
    /// Fetch a durable record; [`Event::Loaded`] brings it.
    Load {
        /// Its place.
        sequence: Sequence,
    },
    /// Search the journal, with all records up to the query's own; [`Event::Found`] brings what was found. It is asked
    /// again after a restart that comes first.
    Search {
        /// The record of the query.
        query: Sequence,
        /// What is asked.
        request: LogQuery,
    },
    /// Acknowledge a message: it is on disk.
    Accept {
        /// Where it came from.
        link: LinkId,
        /// Which message.
        token: Token,
    },
    /// Answer a message with a negative ack: it is not known to be on disk, and may be sent again. Where it becomes durable
    /// all the same, the memory of resent messages knows it.
    Refuse {
        /// Where it came from.
        link: LinkId,
        /// Which message.
        token: Token,
        /// What the sender is told.
        why: Refusal,
    },
    /// Send a copy, stamped and encoded. It bears [`Delivery::validation`].
    Deliver {
        /// On which link.
        link: LinkId,
        /// Which copy.
        delivery: Delivery,
        /// The output message.
        bytes: Bytes,
    },
    /// Stop reading from a link: the store is behind.
    Pause {
        /// Which link.
        link: LinkId,
    },
    /// Read from a link again.
    Resume {
        /// Which link.
        link: LinkId,
    },
    /// End a link.
    Close {
        /// Which link.
        link: LinkId,
        /// Why, for the log.
        why: CloseReason,
    },
    /// Answer a command: what it did is on disk.
    Reply {
        /// Which.
        request: Request,
        /// What came of it.
        reply: Reply,
    },
    /// Something worth a metric or a log line.
    Observe(Observation),
}

/// Why the switch ends a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The network has no such station.
    UnknownStation,
    /// The station is no longer part of the network.
    StationGone,
}

/// Why a message gets a negative ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing can be made durable just now (status 0012).
    Temporary,
    /// The sender leaves too much unacknowledged that waits for itself (status 0013).
    TooManyUnacknowledged,
}

/// Why a copy went back to its sender and to the dead letters instead of to its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReturnReason {
    /// It waited longer than its hold.
    Expired,
    /// The receiver said that it never will take it.
    RefusedByReceiver,
    /// Three links in a row were lost on its account, or while it was the oldest copy unacknowledged.
    LinksLost,
    /// Its station is no longer part of the network.
    StationGone,
}

impl ReturnReason {
    /// All reasons, in the order of their codes in the journal.
    pub const ALL: [Self; 4] = [Self::Expired, Self::RefusedByReceiver, Self::LinksLost, Self::StationGone];

    /// A word for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::RefusedByReceiver => "refused",
            Self::LinksLost => "links_lost",
            Self::StationGone => "station_gone",
        }
    }
}

impl fmt::Display for ReturnReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something worth a metric or a log line. No variant holds text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// A link came up.
    LinkUp {
        /// The link.
        link: LinkId,
        /// Its station.
        station: StationName,
    },
    /// A link of a station that the network does not know came up, and is closed.
    Stranger {
        /// The link.
        link: LinkId,
        /// The name in its certificate.
        station: StationName,
    },
    /// A link went.
    LinkDown {
        /// The link.
        link: LinkId,
        /// Its station.
        station: StationName,
        /// Copies that go back to the head of their queue.
        unacknowledged: usize,
    },
    /// A message was accepted.
    Accepted {
        /// Who sent it.
        station: StationName,
        /// What it is.
        key: MessageKey,
        /// Its number.
        msn: Msn,
        /// How many copies were made.
        copies: usize,
        /// Its length in bytes.
        bytes: usize,
    },
    /// A message was refused with an ER.
    Refused {
        /// Who sent it.
        station: StationName,
        /// What it is, where that could be read and is a key of the dictionary.
        key: Option<MessageKey>,
        /// With which number.
        number: ErNumber,
        /// Its length in bytes.
        bytes: usize,
    },
    /// A message was received again, and acknowledged again.
    Repeated {
        /// Who sent it.
        station: StationName,
    },
    /// A message got a negative ack.
    TurnedAway {
        /// Who sent it.
        station: StationName,
        /// Why.
        why: Refusal,
    },
    /// What happens to messages for a station was changed.
    Restated {
        /// Which.
        station: StationName,
    },
    /// A hit confirmation was not answered in time.
    Overdue {
        /// The station of who was asked.
        station: StationName,
        /// Whether it was urgent.
        urgent: bool,
    },
    /// A station asks for a part of the log.
    LogQueried {
        /// Who.
        station: StationName,
    },
    /// A log query is answered.
    LogAnswered {
        /// Who asked.
        station: StationName,
        /// The length of the answer's body.
        bytes: usize,
        /// Since the query was received.
        after: Duration,
    },
    /// The switch sends a status message on its own account.
    Noticed {
        /// To whom.
        station: StationName,
        /// Which.
        number: SmNumber,
    },
    /// A copy waits in the queue of a station.
    Queued {
        /// Whose queue.
        station: StationName,
        /// In which class of priority, 1 the highest (`protocol-specs/wire.md` 2.6).
        class: u8,
    },
    /// A copy left the queue of a station: it was acknowledged or returned.
    Unqueued {
        /// Whose queue.
        station: StationName,
        /// In which class of priority.
        class: u8,
    },
    /// A copy was handed to a link.
    Sent {
        /// To whom.
        station: StationName,
        /// What it is.
        key: MessageKey,
        /// Its length in bytes.
        bytes: usize,
        /// Whether it had been handed to a link before.
        again: bool,
        /// From the reception of the message.
        after: Duration,
    },
    /// A receiver acknowledged a copy.
    Delivered {
        /// Who.
        station: StationName,
        /// From the reception of the message to this acknowledgement.
        after: Duration,
    },
    /// A copy went to the dead letters.
    Returned {
        /// Who should have got it.
        station: StationName,
        /// Why.
        why: ReturnReason,
    },
    /// What waits for a station, or for all together, has passed 80 % of its bound, or come back below it.
    HoldAlarm {
        /// Whose queue; none for all together.
        station: Option<StationName>,
        /// Past the mark, or back below.
        raised: bool,
    },
    /// An operator's command was carried out or denied.
    Commanded {
        /// Its word.
        command: &'static str,
        /// Whether it was denied.
        denied: bool,
    },
    /// Nothing is sent to a station, or something again.
    Held {
        /// Which.
        station: StationName,
        /// Whether nothing is.
        held: bool,
    },
    /// A station's messages go to another, or to itself again.
    Diverted {
        /// Whose.
        station: StationName,
        /// Who gets them, if not itself.
        to: Option<StationName>,
    },
    /// Nothing new is taken, or something again.
    Drains {
        /// Whether nothing is.
        draining: bool,
    },
    /// The switch goes on with another configuration.
    Reloaded,
    /// The store cannot take records.
    StoreFull,
    /// The store takes records again.
    StoreOpen,
    /// A record that was loaded is not the one that the switch wrote: the journal is damaged.
    RecordUnreadable {
        /// Its place.
        sequence: Sequence,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_whose_validation_would_be_zero_is_skipped() {
        let last = Delivery::from_number(u64::from(u32::MAX));
        assert_eq!(last.next().number(), (1 << 32) + 1);
        assert_eq!(last.next().validation().get(), 1);
        assert_eq!(Delivery::default().next().number(), 1);
    }
}
