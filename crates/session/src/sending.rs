//! Sends messages and repeats them until the peer answers: the window, one message partly sent at a time, the waits
//! (`protocol-specs/wire.md` 1.1, 1.2).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use codec::block::Status;
use codec::time::Tick;

use crate::acks::{AcksFor, Held};
use crate::clock::Clock;
use crate::config::Config;
use crate::event::{Event, Failure, Outgoing};
use crate::keep_alive::Reading;
use crate::piece::{Cut, Piece, Pieces};

/// The sending half.
///
/// Invariants: every message in `in_flight` is in exactly one [`State`]; `deadlines` holds one entry for each that is
/// in a state with a deadline; `on_the_wire` counts those that the peer may be working on; a message whose pieces are
/// in `current` is sent to its final block, whatever the peer answers meanwhile, because the peer takes one message at
/// a time.
#[derive(Debug)]
pub(crate) struct Sending {
    ack_wait: Duration,
    sends_max: u32,
    temporary_wait: Duration,
    too_many_wait: Duration,
    window_max: usize,
    /// How many messages may be sent and not acknowledged: halved when the peer says too many, grown back by one with
    /// each delivery.
    window: usize,
    /// Not sent yet, in the owner's order.
    waiting: VecDeque<Outgoing>,
    in_flight: HashMap<NonZeroU32, InFlight>,
    on_the_wire: usize,
    current: Option<(NonZeroU32, Pieces)>,
    cut: Cut,
    acks_for: AcksFor,
    held: Held,
    /// The last message of several pieces that was delivered to a peer which was taken for one that acknowledges last
    /// pieces only, and how many more acknowledgements of it such a peer may send: one for each repeat.
    last_delivered: Option<(NonZeroU32, u64)>,
    /// Numbers under which the peer was refused something and may acknowledge that; the oldest first.
    expected_strays: VecDeque<u32>,
    /// On the sending half's clock.
    deadlines: BTreeSet<(Tick, NonZeroU32)>,
    /// Not answered in time; to be sent again first. An entry counts only while its message is in [`State::Repeat`].
    repeats: VecDeque<NonZeroU32>,
    /// Refused for now, their wait is over. An entry counts only while its message is in [`State::Retry`].
    retries: VecDeque<NonZeroU32>,
    peer: Peer,
    reading: Reading,
    /// Runs while the peer is ready and is heard.
    clock: Clock,
    strays: u64,
}

/// How many refusals are remembered for the acknowledgements that may come of them.
const EXPECTED_STRAYS_MAX: usize = 64;

/// Whether the peer takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Ready,
    NotReady,
}

/// A message that was sent at least in part and is neither delivered nor failed.
struct InFlight {
    id: u64,
    bytes: Bytes,
    pieces: u64,
    /// Sends begun since the peer last refused it, or in all.
    sends: u32,
    /// Positive acknowledgements since it was last sent after a refusal, or in all.
    acks: u64,
    /// How many of these prove nothing: they may be for pieces before the last, or for a refusal.
    no_proof: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its pieces are being handed out.
    Sending,
    /// Wholly sent; sent again at the deadline.
    Sent { deadline: Tick },
    /// Not answered in time, about to be sent again.
    Repeat,
    /// Refused for now; worth another send at the deadline.
    Refused { deadline: Tick },
    /// Refused for now and waited for, about to be sent again.
    Retry,
}

/// A message was sent as often as allowed and not answered.
#[derive(Debug)]
pub(crate) struct GivenUp {
    pub(crate) id: u64,
}

impl Sending {
    pub(crate) fn new(config: &Config, cut: Cut, acks_for: AcksFor) -> Self {
        let window = usize::from(config.window.max(1));
        Self {
            ack_wait: config.ack_wait,
            sends_max: config.sends_max,
            temporary_wait: config.temporary_wait,
            too_many_wait: config.too_many_wait,
            window_max: window,
            window,
            waiting: VecDeque::new(),
            in_flight: HashMap::new(),
            on_the_wire: 0,
            current: None,
            cut,
            acks_for,
            held: Held::No,
            last_delivered: None,
            expected_strays: VecDeque::new(),
            deadlines: BTreeSet::new(),
            repeats: VecDeque::new(),
            retries: VecDeque::new(),
            peer: Peer::Ready,
            reading: Reading::On,
            clock: Clock::default(),
            strays: 0,
        }
    }

    pub(crate) fn send(&mut self, message: Outgoing) {
        self.waiting.push_back(message);
    }

    /// From now on messages are cut like that, also those that have to be sent again.
    pub(crate) const fn set_cut(&mut self, cut: Cut) {
        self.cut = cut;
    }

    /// The peer was refused something under that number, and some peers acknowledge refusals: the next acknowledgement of
    /// that number proves nothing.
    pub(crate) fn expect_stray(&mut self, number: u32) {
        if let Some((_, message)) = find(&mut self.in_flight, number) {
            message.no_proof = message.no_proof.saturating_add(1);
            return;
        }
        if self.expected_strays.len() >= EXPECTED_STRAYS_MAX {
            self.expected_strays.pop_front();
        }
        self.expected_strays.push_back(number);
    }

    /// The next piece to write; nothing if there is none for now.
    pub(crate) fn next_piece(&mut self, now: Tick, events: &mut VecDeque<Event>) -> Option<Piece> {
        if self.peer == Peer::NotReady {
            return None;
        }
        if self.current.is_none() {
            self.begin_next();
        }
        let (validation, pieces) = self.current.as_mut()?;
        if let AcksFor::Unknown { wait } = self.acks_for
            && self.held != Held::Released
            && pieces.is_at_last()
        {
            if self.held == Held::No {
                self.held = Held::Until(self.clock.read(now).after(wait));
            }
            return None;
        }
        let (validation, piece) = (*validation, pieces.next());
        if pieces.is_finished() {
            self.current = None;
            self.handle_sent(now, validation, events);
        }
        piece
    }

    /// A positive acknowledgement came.
    pub(crate) fn handle_ack(&mut self, validation: u32, events: &mut VecDeque<Event>) {
        let Some((validation, message)) = find(&mut self.in_flight, validation) else {
            return self.stray_ack(validation);
        };
        message.acks = message.acks.saturating_add(1);
        if let Held::Until(_) = self.held
            && self.current.as_ref().is_some_and(|(current, _)| *current == validation)
        {
            message.no_proof = message.no_proof.saturating_add(message.pieces.saturating_sub(1));
            (self.acks_for, self.held) = (AcksFor::Each, Held::Released);
        }
        self.deliver_if_proven(validation, events);
    }

    /// A negative acknowledgement came.
    pub(crate) fn handle_nack(&mut self, now: Tick, validation: u32, status: Status, events: &mut VecDeque<Event>) {
        let Some((validation, message)) = find(&mut self.in_flight, validation) else {
            self.stray();
            return;
        };
        let wait = match status {
            Status::TEMPORARY => self.temporary_wait,
            Status::TOO_MANY => {
                self.window = self.window.div_euclid(2).max(1);
                self.too_many_wait
            }
            permanent => {
                let id = message.id;
                self.remove(validation);
                events.push_back(Event::Failed { id, why: Failure::Permanent(permanent) });
                return;
            }
        };
        match message.state {
            // One refusal for each block, or for each of several sends: the first one counts.
            State::Refused { .. } | State::Retry => return,
            State::Sent { deadline } => {
                self.deadlines.remove(&(deadline, validation));
            }
            State::Sending | State::Repeat => {}
        }
        let deadline = self.clock.read(now).after(wait);
        message.state = State::Refused { deadline };
        self.deadlines.insert((deadline, validation));
        self.on_the_wire = self.on_the_wire.saturating_sub(1);
    }

    /// A positive acknowledgement of no message in flight. One that comes after the delivery of a message of several
    /// pieces tells that the peer acknowledges each.
    fn stray_ack(&mut self, number: u32) {
        self.stray();
        if let Some(place) = self.expected_strays.iter().position(|expected| *expected == number) {
            self.expected_strays.remove(place);
        } else if let Some((last, more)) = &mut self.last_delivered
            && last.get() == number
        {
            match more.checked_sub(1) {
                Some(left) => *more = left,
                None => self.acks_for = AcksFor::Each,
            }
        }
    }

    /// An acknowledgement that belongs to nothing.
    pub(crate) const fn stray(&mut self) {
        self.strays = self.strays.saturating_add(1);
    }

    pub(crate) fn handle_timeout(&mut self, now: Tick) -> Result<(), GivenUp> {
        if self.clock.is_stopped() {
            return Ok(());
        }
        let now = self.clock.read(now);
        if let Held::Until(until) = self.held
            && until <= now
        {
            self.held = Held::Released;
            let sending = |(number, _): &(NonZeroU32, Pieces)| {
                self.in_flight.get(number).is_some_and(|message| message.state == State::Sending)
            };
            // What was refused meanwhile shows nothing.
            if self.current.as_ref().is_some_and(sending) {
                self.acks_for = AcksFor::Last;
            }
        }
        while let Some(&(deadline, validation)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_first();
            let Some(message) = self.in_flight.get_mut(&validation) else { continue };
            if let State::Refused { .. } = message.state {
                message.state = State::Retry;
                self.retries.push_back(validation);
            } else if message.sends >= self.sends_max {
                return Err(GivenUp { id: message.id });
            } else {
                message.state = State::Repeat;
                self.repeats.push_back(validation);
            }
        }
        Ok(())
    }

    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        let due = match self.held {
            Held::Until(until) => deadline.map_or(until, |deadline| deadline.min(until)),
            Held::No | Held::Released => deadline?,
        };
        self.clock.reads(due)
    }

    /// The peer takes nothing for now. False if that was known.
    pub(crate) fn set_not_ready(&mut self, now: Tick) -> bool {
        let changed = self.peer == Peer::Ready;
        self.peer = Peer::NotReady;
        self.run_or_stop_clock(now);
        changed
    }

    /// The peer takes messages again. False if that was known.
    pub(crate) fn set_ready(&mut self, now: Tick) -> bool {
        let changed = self.peer == Peer::NotReady;
        self.peer = Peer::Ready;
        self.run_or_stop_clock(now);
        changed
    }

    /// Acknowledgements are not heard for a while.
    pub(crate) fn pause(&mut self, now: Tick) {
        self.reading = Reading::Paused;
        self.run_or_stop_clock(now);
    }

    /// Acknowledgements are heard again.
    pub(crate) fn resume(&mut self, now: Tick) {
        self.reading = Reading::On;
        self.run_or_stop_clock(now);
    }

    /// How many more messages may be sent at once.
    pub(crate) fn room(&self) -> usize {
        if self.peer == Peer::NotReady {
            return 0;
        }
        self.window.saturating_sub(self.in_flight.len()).saturating_sub(self.waiting.len())
    }

    /// Messages sent at least in part and neither delivered nor failed.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub(crate) const fn strays(&self) -> u64 {
        self.strays
    }

    /// Lets go of all messages: they are the owner's again.
    pub(crate) fn clear(&mut self) {
        self.waiting = VecDeque::new();
        self.in_flight = HashMap::new();
        self.current = None;
        self.held = Held::No;
        self.deadlines = BTreeSet::new();
    }

    fn run_or_stop_clock(&mut self, now: Tick) {
        if self.peer == Peer::Ready && self.reading == Reading::On {
            self.clock.start(now);
        } else {
            self.clock.stop(now);
        }
    }

    /// Chooses what is sent next: repeats, then what was refused for now, then new messages.
    fn begin_next(&mut self) {
        while let Some(validation) = self.repeats.pop_front() {
            if self.in_flight.get(&validation).is_some_and(|message| message.state == State::Repeat) {
                return self.begin(validation);
            }
        }
        while self.on_the_wire < self.window {
            let Some(validation) = self.retries.pop_front() else { break };
            if let Some(message) = self.in_flight.get_mut(&validation)
                && message.state == State::Retry
            {
                (message.sends, message.acks, message.no_proof) = (0, 0, 0);
                self.on_the_wire = self.on_the_wire.saturating_add(1);
                return self.begin(validation);
            }
        }
        if self.in_flight.len() < self.window {
            // Two messages of one validation in flight could not be told apart by their acknowledgements.
            let free = |message: &Outgoing| !self.in_flight.contains_key(&message.validation);
            let Some(place) = self.waiting.iter().position(free) else { return };
            let Some(Outgoing { id, validation, bytes }) = self.waiting.remove(place) else { return };
            let no_proof = self.take_expected_strays(validation);
            let message = InFlight { id, bytes, pieces: 1, sends: 0, acks: 0, no_proof, state: State::Sending };
            self.in_flight.insert(validation, message);
            self.on_the_wire = self.on_the_wire.saturating_add(1);
            self.begin(validation);
        }
    }

    /// How many acknowledgements of that number may come of refusals.
    fn take_expected_strays(&mut self, number: NonZeroU32) -> u64 {
        let before = self.expected_strays.len();
        self.expected_strays.retain(|expected| *expected != number.get());
        u64::try_from(before.saturating_sub(self.expected_strays.len())).unwrap_or(u64::MAX)
    }

    fn begin(&mut self, validation: NonZeroU32) {
        if let Some(message) = self.in_flight.get_mut(&validation) {
            message.sends = message.sends.saturating_add(1);
            message.state = State::Sending;
            message.pieces = self.cut.count(message.bytes.len());
            if self.acks_for == AcksFor::Each {
                message.no_proof = message.no_proof.saturating_add(message.pieces.saturating_sub(1));
            }
            self.held = Held::No;
            self.current = Some((validation, Pieces::new(validation.get(), message.bytes.clone(), self.cut)));
        }
    }

    /// The last piece was handed out: the wait for the answer begins, unless it came already.
    fn handle_sent(&mut self, now: Tick, validation: NonZeroU32, events: &mut VecDeque<Event>) {
        let Some(message) = self.in_flight.get_mut(&validation) else { return };
        if message.state == State::Sending {
            let deadline = self.clock.read(now).after(self.ack_wait);
            message.state = State::Sent { deadline };
            self.deadlines.insert((deadline, validation));
            self.deliver_if_proven(validation, events);
        }
    }

    /// Acknowledgements do not say which piece they are for. Where each is acknowledged, all but the last of a send are
    /// on arrival, so only one more than all of those together proves that a last piece was acknowledged: that the
    /// message is safe.
    fn deliver_if_proven(&mut self, validation: NonZeroU32, events: &mut VecDeque<Event>) {
        let Some(message) = self.in_flight.get(&validation) else { return };
        if message.acks > message.no_proof && message.state != State::Sending {
            events.push_back(Event::Delivered { id: message.id });
            let more = u64::from(message.sends).saturating_sub(message.acks);
            self.last_delivered = (self.acks_for == AcksFor::Last && message.pieces > 1).then_some((validation, more));
            self.remove(validation);
            self.window = self.window.saturating_add(1).min(self.window_max);
        }
    }

    fn remove(&mut self, validation: NonZeroU32) {
        let Some(message) = self.in_flight.remove(&validation) else { return };
        match message.state {
            State::Sent { deadline } => {
                self.deadlines.remove(&(deadline, validation));
                self.on_the_wire = self.on_the_wire.saturating_sub(1);
            }
            State::Sending | State::Repeat => self.on_the_wire = self.on_the_wire.saturating_sub(1),
            State::Refused { deadline } => {
                self.deadlines.remove(&(deadline, validation));
            }
            State::Retry => {}
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, bytes, pieces: _, sends, acks, no_proof: _, state } = self;
        write!(f, "InFlight {{ id: {id}, {} bytes, {sends} sends, {acks} acks, {state:?} }}", bytes.len())
    }
}

fn find(in_flight: &mut HashMap<NonZeroU32, InFlight>, validation: u32) -> Option<(NonZeroU32, &mut InFlight)> {
    let validation = NonZeroU32::new(validation)?;
    in_flight.get_mut(&validation).map(|message| (validation, message))
}
