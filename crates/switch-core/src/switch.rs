//! The switch: what it knows, and how an event finds the part of it that answers.

mod confirmations;
mod delivery;
mod explain;
mod intake;
mod moving;
mod operator;
mod queries;
mod reload;
mod returns;
mod states;
mod views;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use codec::dictionary::Dictionary;
use codec::name::StationName;
use codec::time::{Tick, Timestamp};
use rustc_hash::FxHashMap;

use self::moving::Moving;
use crate::bodies::Bodies;
use crate::command::{Reply, Request};
use crate::event::{
    Action, CloseReason, Delivery, Event, LinkId, Now, Observation, Refusal, ReturnReason, Sequence, Token, Verified,
};
use crate::folds::{DeadLetter, Folds, Stage};
use crate::network::{Network, StationIndex};
use crate::outbox::Outbox;
use crate::record::{Act, DeliveredMark, LinkChange, Record};

/// The switch as a state machine; the contract stands in the documentation of this crate.
#[derive(Debug)]
pub struct Switch {
    network: Arc<Network>,
    dictionary: Arc<Dictionary>,
    now: Now,
    folds: Folds,
    bodies: Bodies,
    stations: Vec<Station>,
    links: BTreeMap<LinkId, Link>,
    /// The link that has copies of a flow in flight, and how many: until they are settled, the flow stays on it.
    pins: FxHashMap<(StationIndex, u64), (LinkId, usize)>,
    /// The link to which an answer of the switch belongs, while that link lasts.
    replies: FxHashMap<Delivery, LinkId>,
    /// When waiting copies have waited long enough.
    expiries: BTreeSet<(Timestamp, Delivery)>,
    /// Records given to the store and not yet durable, in sequence.
    unstored: VecDeque<Unstored>,
    unstored_bytes: usize,
    store: Store,
    paused: bool,
    draining: bool,
    /// An operator drains: nothing new is taken in.
    closed: bool,
    /// Copies on their way to other stations, by whose they are.
    moving: BTreeMap<StationIndex, Moving>,
    /// Stations for which something may go that could not before.
    pump_due: BTreeSet<StationIndex>,
    /// What waits for all stations has passed 80 % of its bound.
    alarmed: bool,
    /// Records asked for with [`Action::Load`], and the links of which each holds the next copy.
    loading: BTreeMap<Sequence, BTreeSet<LinkId>>,
    /// Copies to return once their record is loaded.
    returning: BTreeMap<Sequence, Vec<(Delivery, ReturnReason)>>,
    /// Log queries that were asked with [`Action::Search`] in this run and are not answered, with their records.
    asked: BTreeMap<Sequence, Arc<Record>>,
    /// Records that nobody waits for, in order: they ride with the next one that somebody does, or go by themselves soon.
    lazy: Vec<Record>,
    lazy_due: Option<Tick>,
    /// Links that came up while nothing could be written, and are up: they are told as soon as something can.
    untold: BTreeMap<LinkId, LinkChange>,
    actions: VecDeque<Action>,
}

/// What is known of a station besides the counters that outlive a restart.
#[derive(Debug, Default)]
struct Station {
    /// In the order in which they came up.
    links: Vec<LinkId>,
    outbox: Outbox,
    /// Copies whose destination is in the state *store*.
    stored: BTreeSet<Delivery>,
    alarmed: bool,
    /// A link was lost with copies on it and none was acknowledged since: one at a time, so that a copy that costs links
    /// is found without others paying for it.
    probing: bool,
}

#[derive(Debug)]
struct Link {
    station: StationIndex,
    from: SocketAddr,
    certificate: String,
    /// Copies that it may have: the station's window when it came up.
    window: usize,
    /// Copies that the session can still take.
    room: usize,
    /// Copies it has, in the order in which they were given to it.
    in_flight: VecDeque<Delivery>,
    /// The last of those, as far as their bodies are still being loaded.
    unsent: VecDeque<Delivery>,
}

/// A record on its way to the disk, and what happens once it is there.
#[derive(Debug)]
struct Unstored {
    sequence: Sequence,
    bytes: usize,
    /// Whose message it holds, which waits for its ack, and who sent that again meanwhile.
    accept: Option<(LinkId, Token)>,
    accepts: Vec<(LinkId, Token)>,
    replies: Vec<(Request, Reply)>,
    deliveries: Vec<Delivery>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Open,
    Full,
}

/// Bytes on their way to the disk beyond which nothing more is read from any link.
const UNSTORED_BYTES_MAX: usize = 32 << 20;
/// How long a record that nobody waits for waits for another one to ride with.
const LAZY_WAIT: Duration = Duration::from_millis(50);
/// How many such records, and how many marks of delivery in one of them, wait at the most.
const LAZY_MAX: usize = 512;
/// How late an expiry may be noticed: the wall clock can be set while the monotonic one goes on.
const EXPIRY_LATE_MAX: Duration = Duration::from_secs(1);

/// Whether an operator should hear of it while there is still room: past 80 % of a bound.
fn is_alarming(bytes: u64, bound: u64) -> bool {
    bytes > (bound / 5).saturating_mul(4)
}

pub use self::explain::{Explanation, Judged, Leg, RowSeen, Verdict};
pub use self::views::LinkView;

/// What waits for one station, and how it is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationView {
    /// Which station.
    pub station: StationName,
    /// Links that are up.
    pub links: usize,
    /// Copies that wait, by class of priority, the highest first.
    pub queued: [usize; 6],
    /// Copies that wait for the destination's state to change.
    pub stored: usize,
    /// Copies sent and not yet acknowledged.
    pub in_flight: usize,
    /// Bytes of all of these.
    pub bytes: u64,
    /// Bytes that may wait.
    pub bytes_max: u64,
    /// Whether an operator holds it.
    pub held: bool,
    /// Who gets its messages, if not itself.
    pub diverted_to: Option<StationName>,
    /// When the oldest of these was admitted.
    pub oldest: Option<Timestamp>,
}

impl Switch {
    /// A switch that goes on where its journal ends.
    #[must_use]
    pub fn new(network: Arc<Network>, dictionary: Arc<Dictionary>, folds: Folds, now: Now) -> Self {
        let mut switch = Self {
            bodies: Bodies::new(network.limits().body_cache_bytes),
            stations: (0..network.places()).map(|_| Station::default()).collect(),
            network,
            dictionary,
            now,
            folds,
            links: BTreeMap::new(),
            pins: FxHashMap::default(),
            replies: FxHashMap::default(),
            expiries: BTreeSet::new(),
            unstored: VecDeque::new(),
            unstored_bytes: 0,
            store: Store::Open,
            paused: false,
            draining: false,
            closed: false,
            moving: BTreeMap::new(),
            pump_due: BTreeSet::new(),
            alarmed: false,
            loading: BTreeMap::new(),
            returning: BTreeMap::new(),
            asked: BTreeMap::new(),
            lazy: Vec::new(),
            lazy_due: None,
            untold: BTreeMap::new(),
            actions: VecDeque::new(),
        };
        let mut waiting: Vec<_> = switch.folds.copies.keys().copied().collect();
        waiting.sort_unstable();
        for delivery in &waiting {
            switch.enqueue(*delivery);
        }
        switch.index_expiries(&waiting);
        switch.observe_controls();
        for query in switch.folds.queries.keys().copied().collect::<Vec<_>>() {
            switch.ask(query);
        }
        switch
    }

    /// Takes in one event. It never fails and never blocks; what is to be done comes out of
    /// [`Switch::poll_action`].
    pub fn handle(&mut self, now: Now, event: Event) {
        self.now = now;
        match event {
            Event::Attached { link, station, from, certificate } => self.attached(link, station, from, certificate),
            Event::Detached { link, suspect, why } => self.detached(link, suspect, why),
            Event::Received { link, token, validation, message } => self.received(link, token, validation, &message),
            Event::Delivered { link, delivery } => self.delivered(link, delivery),
            Event::Failed { link, delivery } => self.failed(link, delivery),
            Event::Room { link, messages } => self.room(link, messages),
            Event::Stored { through } => self.stored(through),
            Event::StoreFull => self.store_full(),
            Event::StoreOpen => self.store_open(),
            Event::Loaded { sequence, kind, record } => self.loaded(sequence, kind, record),
            Event::Found { query, body } => self.found(query, body),
            Event::Act { who, from, what, result } => self.act(who, from, what, result),
            Event::Command { request, who, from, command } => self.command(request, who, &from, command),
            Event::Pruned { first } => self.folds.pruned(first),
            Event::Draining => self.draining = true,
            Event::Timeout => {}
        }
        self.handle_timers();
    }

    /// The next thing to do, until there is none.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Switch::handle`] with [`Event::Timeout`], if nothing else comes before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let expiry = self
            .expiries
            .first()
            .filter(|_| self.store == Store::Open && !self.draining && !self.paused && !self.loads_enough())
            .map(|(expires, _)| self.now.tick.after(expires.since(self.now.wall).min(EXPIRY_LATE_MAX)));
        let moving = self.has_to_move().then_some(self.now.tick);
        let overdue = self
            .next_due()
            .filter(|_| self.store == Store::Open && !self.draining && !self.paused)
            .map(|due| self.now.tick.after(due.since(self.now.wall).min(EXPIRY_LATE_MAX)));
        [expiry, overdue, self.lazy_due, moving].into_iter().flatten().min()
    }

    /// Whether nothing is in flight in either direction: a draining switch can end.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.unstored.is_empty() && self.lazy.is_empty() && self.links.values().all(|link| link.in_flight.is_empty())
    }

    /// Whether messages can be made durable.
    #[must_use]
    pub fn is_store_open(&self) -> bool {
        self.store == Store::Open
    }

    /// What waits for each station, in the order of the configuration.
    pub fn stations(&self) -> impl Iterator<Item = StationView> {
        let network = Arc::clone(&self.network);
        (0..).map(StationIndex).zip(&self.stations).filter_map(move |(index, station)| {
            let links = station.links.iter().filter_map(|link| self.links.get(link));
            let config = network.at(index)?;
            let in_flight = links.clone().filter_map(|link| link.in_flight.iter().min().copied());
            let stored = station.stored.first().copied();
            let oldest = in_flight.chain(station.outbox.oldest()).chain(stored).min();
            Some(StationView {
                station: config.name,
                links: station.links.len(),
                queued: station.outbox.depths(),
                stored: station.stored.len(),
                in_flight: links.map(|link| link.in_flight.len()).fold(0, usize::saturating_add),
                bytes: self.folds.waiting_for(index).1,
                bytes_max: config.hold_bytes,
                held: self.folds.controls.is_held(index),
                diverted_to: self.folds.controls.diverted(index).and_then(|to| self.folds.name(to)),
                oldest: oldest.and_then(|delivery| self.folds.copies.get(&delivery)).map(|copy| copy.admitted),
            })
        })
    }

    /// The copies that could not be delivered, the oldest first.
    pub fn dead_letters(&self) -> impl Iterator<Item = (Delivery, &DeadLetter)> {
        self.folds.dead_letters.iter().map(|(delivery, letter)| (*delivery, letter))
    }

    fn attached(&mut self, link: LinkId, station: Verified, from: SocketAddr, certificate: String) {
        let station = station.station();
        let Some((index, name)) = self.network.index(station).map(|index| (index, station)) else {
            self.observe(Observation::Stranger { link, station });
            return self.actions.push_back(Action::Close { link, why: CloseReason::UnknownStation });
        };
        let up = LinkChange {
            link,
            station,
            from,
            certificate: certificate.clone(),
            at: self.now.wall,
            up: true,
            why: String::new(),
        };
        // Its number must be known after a restart, so that no other link gets it; of one that goes again before, nothing
        // came.
        if self.is_overfull() {
            self.untold.insert(link, up);
        } else {
            self.store_lazily(Record::Link(up));
        }
        let (in_flight, unsent) = (VecDeque::new(), VecDeque::new());
        let window = self.network.at(index).map_or(0, |station| usize::from(station.window));
        self.links.insert(link, Link { station: index, from, certificate, window, room: 0, in_flight, unsent });
        if let Some(station) = self.station_mut(index) {
            station.links.push(link);
        }
        self.observe(Observation::LinkUp { link, station: name });
        if self.paused {
            self.actions.push_back(Action::Pause { link });
        }
    }

    /// Writes a record and takes it into the folds. `accept` is acknowledged once it is durable, and its copies go to
    /// their queues then.
    fn store(&mut self, mut record: Record, accept: Option<(LinkId, Token)>) {
        let mut deliveries: Vec<_> = record.admitted().map(|copy| copy.delivery).collect();
        let users = deliveries.len();
        deliveries.extend(record.moved());
        let sequence = self.folds.next_sequence();
        let (kind, payload) = (record.kind(), record.encode());
        let applied = self.folds.apply(sequence, &record);
        debug_assert!(applied.is_some(), "the switch writes what it can read");
        let restated = states::restated(&record);
        if users > 0 {
            self.bodies.keep(sequence, Arc::new(record), payload.len(), users);
        }
        self.unstored_bytes = self.unstored_bytes.saturating_add(payload.len());
        let (accepts, replies) = (Vec::new(), Vec::new());
        let unstored = Unstored { sequence, bytes: payload.len(), accept, accepts, replies, deliveries };
        self.unstored.push_back(unstored);
        self.actions.push_back(Action::Store { sequence, kind: kind as u8, record: payload });
        for station in restated {
            self.restated(station);
        }
        // While the store is full, messages are turned away, which needs reading.
        if self.unstored_bytes > UNSTORED_BYTES_MAX && !self.paused && self.store == Store::Open {
            self.paused = true;
            self.actions.extend(self.links.keys().map(|link| Action::Pause { link: *link }));
        }
    }

    fn stored(&mut self, through: Sequence) {
        let (mut touched, mut queued) = (BTreeSet::new(), Vec::new());
        while self.unstored.front().is_some_and(|record| record.sequence <= through) {
            let Some(record) = self.unstored.pop_front() else { break };
            self.unstored_bytes = self.unstored_bytes.saturating_sub(record.bytes);
            for (link, token) in record.accept.into_iter().chain(record.accepts) {
                if self.links.contains_key(&link) {
                    self.actions.push_back(Action::Accept { link, token });
                }
            }
            self.actions.extend(record.replies.into_iter().map(|(request, reply)| Action::Reply { request, reply }));
            for delivery in record.deliveries {
                touched.extend(self.enqueue(delivery));
                queued.push(delivery);
            }
            self.ask(record.sequence);
        }
        // The clock may have been set on meanwhile: what has expired before it was durable is returned, and never sent.
        let expired = |delivery| {
            let copy = self.folds.copies.get(delivery);
            copy.is_some_and(|copy| copy.expires <= self.now.wall && self.network.at(copy.station).is_some())
        };
        if queued.iter().any(expired) {
            self.index_expiries(&queued);
            self.expire();
        }
        for station in touched {
            self.pump(station);
        }
        self.index_expiries(&queued);
        if self.unstored_bytes < UNSTORED_BYTES_MAX / 2 {
            self.resume();
        }
    }

    fn resume(&mut self) {
        if self.paused {
            self.paused = false;
            self.actions.extend(self.links.keys().map(|link| Action::Resume { link: *link }));
        }
    }

    /// Tells every sender that waits for an ack to come again. Its message may become durable all the same: then the
    /// memory of resent messages knows it.
    fn store_full(&mut self) {
        self.store = Store::Full;
        self.observe(Observation::StoreFull);
        self.resume();
        let waiting: Vec<_> = self
            .unstored
            .iter_mut()
            .flat_map(|record| record.accept.take().into_iter().chain(std::mem::take(&mut record.accepts)))
            .collect();
        for (link, token) in waiting {
            self.turn_away(link, token, Refusal::Temporary);
        }
    }

    fn store_open(&mut self) {
        self.store = Store::Open;
        self.observe(Observation::StoreOpen);
        for up in std::mem::take(&mut self.untold).into_values() {
            self.store_lazily(Record::Link(up));
        }
    }

    fn handle_timers(&mut self) {
        if self.lazy_due.is_some_and(|due| due <= self.now.tick) || self.lazy.len() >= LAZY_MAX {
            self.store_lazy();
        }
        self.expire();
        self.tell_overdue();
        self.move_copies();
        while let Some(station) = self.pump_due.pop_first() {
            self.pump(station);
        }
    }

    /// Puts what nobody waits for into the journal, ahead of what is written next.
    fn store_lazy(&mut self) {
        self.lazy_due = None;
        for record in std::mem::take(&mut self.lazy) {
            self.store(record, None);
        }
    }

    /// Keeps a record until another one goes, or a moment has passed.
    ///
    /// While nothing can be stored and as much waits as memory is given for, it is dropped: what it tells is counted in the
    /// metrics all the same, and no message, copy or mark is concerned.
    fn store_lazily(&mut self, record: Record) {
        if self.is_overfull() {
            return;
        }
        self.lazy.push(record);
        self.set_lazy_due();
    }

    /// Whether nothing can be stored and as much waits for that as memory is given for.
    fn is_overfull(&self) -> bool {
        self.store == Store::Full && self.unstored_bytes > UNSTORED_BYTES_MAX
    }

    fn set_lazy_due(&mut self) {
        let due = self.now.tick.after(LAZY_WAIT);
        self.lazy_due.get_or_insert(due);
    }

    /// Marks in a row go into one record.
    fn mark_delivered(&mut self, link: LinkId, delivery: Delivery) {
        let mark = DeliveredMark { delivery, link, at: self.now.wall };
        if let Some(Record::Delivered(marks)) = self.lazy.last_mut()
            && marks.len() < LAZY_MAX
        {
            marks.push(mark);
        } else {
            self.lazy.push(Record::Delivered(vec![mark]));
        }
        self.set_lazy_due();
    }

    /// While nothing can be stored and as much waits as memory is given for, it is dropped: what is denied then, anybody can
    /// ask for as often as they like.
    fn act(&mut self, who: String, from: String, what: String, result: String) {
        if self.is_overfull() {
            return;
        }
        self.store_lazy();
        let (effects, again, notices) = (Vec::new(), Vec::new(), Vec::new());
        self.store(Record::Act(Act { at: self.now.wall, who, from, what, result, effects, again, notices }), None);
    }

    /// Puts a durable copy into the queue of its station. Returns the station if it may be sent now.
    fn enqueue(&mut self, delivery: Delivery) -> Option<StationIndex> {
        let copy = self.folds.copies.get(&delivery)?;
        let (index, class) = (copy.station, copy.class);
        let stored = self.is_to_store(copy);
        let copy = self.folds.copies.get_mut(&delivery)?;
        copy.stage = if stored { Stage::Stored } else { Stage::Waiting };
        if let Some(station) = self.folds.name(index) {
            self.observe(Observation::Queued { station, class });
        }
        self.place(delivery);
        let there = self.network.at(index).is_some();
        let Some(station) = self.stations.get_mut(usize::from(index.0)).filter(|_| there) else {
            self.give_up_unless_moved(delivery);
            return None;
        };
        if stored {
            station.stored.insert(delivery);
        } else {
            station.outbox.insert(class, delivery);
        }
        self.watch_hold(index);
        (!stored).then_some(index)
    }

    /// A station that is no longer configured has no queue: its copies return as soon as time is looked at, but for those
    /// that only waited there for another station.
    fn give_up_unless_moved(&mut self, delivery: Delivery) {
        let stays = self.folds.copies.get(&delivery).is_some_and(|copy| self.misplaced(delivery, copy).is_none());
        if let Some(copy) = self.folds.copies.get_mut(&delivery).filter(|_| stays) {
            copy.expires = self.now.wall;
        }
    }

    /// Notes when copies that still wait have waited long enough.
    pub(super) fn index_expiries(&mut self, deliveries: &[Delivery]) {
        for delivery in deliveries {
            if let Some(copy) = self.folds.copies.get(delivery)
                && matches!(copy.stage, Stage::Waiting | Stage::Stored)
            {
                self.expiries.insert((copy.expires, *delivery));
            }
        }
    }

    /// Says once when what waits for a station, or for all, passes 80 % of its bound, and once when it is back below.
    fn watch_hold(&mut self, index: StationIndex) {
        if let Some(config) = self.network.at(index) {
            let (raised, name) = (is_alarming(self.folds.held_for(index), config.hold_bytes), config.name);
            if let Some(station) = self.station_mut(index)
                && station.alarmed != raised
            {
                station.alarmed = raised;
                self.observe(Observation::HoldAlarm { station: Some(name), raised });
            }
        }
        let raised = is_alarming(self.folds.held(), self.network.limits().hold_bytes);
        if self.alarmed != raised {
            self.alarmed = raised;
            self.observe(Observation::HoldAlarm { station: None, raised });
        }
    }

    fn station_mut(&mut self, index: StationIndex) -> Option<&mut Station> {
        self.stations.get_mut(usize::from(index.0))
    }

    fn observe(&mut self, observation: Observation) {
        self.actions.push_back(Action::Observe(observation));
    }

    /// What must hold after every event.
    ///
    /// # Panics
    /// If it does not: a defect of this crate. Meant for tests and simulation.
    #[doc(hidden)]
    #[expect(clippy::panic, clippy::arithmetic_side_effects, reason = "it stops a test, never a switch")]
    pub fn check_invariants(&self) {
        let mut pinned: FxHashMap<(StationIndex, u64), (LinkId, usize)> = FxHashMap::default();
        for (id, link) in &self.links {
            for delivery in &link.in_flight {
                let Some(copy) = self.folds.copies.get(delivery) else { panic!("{delivery:?} in flight, yet settled") };
                assert_eq!(copy.stage, Stage::InFlight(*id), "{delivery:?} is on one link");
                assert_eq!(copy.station, link.station, "{delivery:?} is on a link of its station");
                pinned.entry((copy.station, copy.flow)).or_insert((*id, 0)).1 += 1;
            }
            let window = link.window;
            assert!(link.in_flight.len() <= window, "{} in flight on a window of {window}", link.in_flight.len());
        }
        assert_eq!(self.pins, pinned, "a flow is pinned exactly while copies of it are in flight");
        let mut waiting = BTreeMap::<StationIndex, usize>::new();
        for (delivery, copy) in &self.folds.copies {
            *waiting.entry(copy.station).or_default() += 1;
            let there = self.network.at(copy.station).is_some();
            let station = self.stations.get(usize::from(copy.station.0)).filter(|_| there);
            let queued = station.is_some_and(|station| station.outbox.contains(copy.class, *delivery));
            let stored = station.is_some_and(|station| station.stored.contains(delivery));
            let queued_as_said = queued == (copy.stage == Stage::Waiting && station.is_some());
            assert!(queued_as_said, "{delivery:?} is {:?}", copy.stage);
            assert_eq!(stored, copy.stage == Stage::Stored && station.is_some(), "{delivery:?} is {:?}", copy.stage);
            if station.is_some() && matches!(copy.stage, Stage::Waiting | Stage::Stored) {
                assert_eq!(
                    stored,
                    self.is_to_store(copy),
                    "{delivery:?} is kept while its destination's state says so"
                );
            }
        }
        assert!(self.folds.confirmations.adds_up(), "each open confirmation is due or overdue");
        for (index, count) in waiting {
            assert_eq!(self.folds.waiting_for(index).0, count, "copies are counted per station");
        }
        self.check_moving();
        let unstored: usize = self.unstored.iter().map(|record| record.bytes).sum();
        assert_eq!(self.unstored_bytes, unstored, "bytes on their way to the disk are counted");
    }
}
