//! One thread with its links: sends what is due, takes what comes, times both.
//!
//! ```text
//! loop:  orders → chores → what is due → write what is dirty → wait for sockets, an order or the next time
//! ```
//!
//! Nothing waits for an answer: what is due is handed to its link, however many before it were not acknowledged. A
//! thread that comes late to that says so itself, in [`Interval::lag`].

mod incoming;
mod links;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::iter::Peekable;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use codec::name::Ori;
use mio::{Events, Poll, Token};
use rustc_hash::{FxHashMap, FxHashSet};
use rustls::ClientConfig;
use session::{Event, Outgoing};

use super::alarm::Alarm;
use super::order::{Door, Follow, Group, Order, Report, Shared, Work};
use super::proc::SchedulingMeter;
use super::wire::{Buffers, End, Wire};
use crate::control::Mark;
use crate::matcher::Expected;
use crate::message::{Composer, Replies};
use crate::meter::{Count, Interval, Latencies};
use crate::rate::Arrivals;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It sends, as the sender of that place in the mix.
    Sender(usize),
    /// It takes and answers, as the receiver of that place.
    Receiver(usize),
    /// It is there and says nothing.
    Idle,
}

/// A link that a thread is to keep.
#[derive(Debug, Clone)]
pub(crate) struct LinkPlan {
    pub(crate) role: Role,
    /// The place of its station among all.
    pub(crate) station: usize,
}

/// A station, as its links need it.
#[derive(Debug, Clone)]
pub(crate) struct StationPlan {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<ClientConfig>,
}

/// What one thread begins with.
#[derive(Debug)]
pub(crate) struct WorkerPlan {
    pub(crate) shard: usize,
    pub(crate) links: Vec<LinkPlan>,
    pub(crate) stations: Vec<StationPlan>,
    pub(crate) senders: usize,
    pub(crate) our_oris: Vec<Ori>,
    pub(crate) composer: Composer,
    pub(crate) replies: Vec<Replies>,
    pub(crate) kinds: usize,
    pub(crate) timeout: Duration,
    /// Handshakes that are not done at the same time.
    pub(crate) connecting_max: usize,
    /// The least time between two calls.
    pub(crate) call_spacing: Duration,
    pub(crate) seed: u64,
}

struct Link {
    plan: LinkPlan,
    wire: Option<Box<Wire>>,
    /// Sent and not acknowledged: sent again on the next link.
    unacked: FxHashMap<u64, Pending>,
    failures: u32,
    dirty: bool,
    /// In a closed loop, its messages were begun.
    started: bool,
}

struct Pending {
    message: Outgoing,
    repeat: bool,
}

/// Sessions know a message by its number in the table; with this bit it is an answer of one of our receivers instead.
const REPLY: u64 = 1 << 62;

/// With this bit it is a message that is sent a second time on purpose.
const REPEAT: u64 = 1 << 63;

const WAKER: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX - 1);

/// Messages sent between two looks at the sockets.
const DUE_AT_ONCE: usize = 256;

/// Chores are done this often, each link's own every tenth time.
const CHORES: Duration = Duration::from_millis(100);
const SLICES: usize = 10;

/// A link that does not answer in this time is given up.
const CONNECT_MAX: Duration = Duration::from_secs(15);

/// The first wait before a further call, and the longest.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Validations that are remembered of a station: more than can be on their way when a link is lost.
const SEEN_MAX: usize = 4096;

/// Link troubles that a thread tells in words; after that only the counters grow.
const TROUBLES_MAX: usize = 20;

#[derive(Default)]
struct Seen {
    set: FxHashSet<u32>,
    order: VecDeque<u32>,
}

impl Seen {
    /// Whether it was seen before.
    fn saw(&mut self, validation: u32) -> bool {
        if validation == 0 || self.set.insert(validation) {
            if validation != 0 {
                self.order.push_back(validation);
                if self.order.len() > SEEN_MAX
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.set.remove(&oldest);
                }
            }
            return false;
        }
        true
    }
}

/// A closed loop at work.
#[derive(Debug, Clone, Copy)]
struct Closed {
    per_link: usize,
    left: u64,
    follow: Follow,
}

struct Window {
    number: u32,
    from: Duration,
    until: Duration,
}

/// A thread's whole state.
pub(crate) struct Worker {
    plan: WorkerPlan,
    shared: Arc<Shared>,
    poll: Poll,
    alarm: Alarm,
    orders: mpsc::Receiver<Order>,
    reports: mpsc::Sender<Report>,
    doors: Vec<Door>,
    links: Vec<Link>,
    /// Links up of each sender, and whose turn it is.
    up: Vec<(Vec<usize>, usize)>,
    /// Links to be called, the earliest first.
    calls: BinaryHeap<Reverse<(Duration, usize)>>,
    connecting: usize,
    next_call: Duration,
    dirty: Vec<usize>,
    buffers: Buffers,
    arrivals: Option<(Duration, Peekable<Arrivals>)>,
    closed: Option<Closed>,
    /// Links of which a message is done, in a closed loop.
    refill: Vec<usize>,
    seen: Vec<Seen>,
    next_validation: u32,
    next_reply: u64,
    window: Window,
    latencies: Latencies,
    interval: Interval,
    interval_index: u64,
    scheduling: SchedulingMeter,
    next_chores: Duration,
    slice: usize,
    links_up: usize,
    troubles: usize,
    events: Vec<Event>,
}

impl Worker {
    pub(crate) fn new(
        plan: WorkerPlan,
        shared: Arc<Shared>,
        poll: Poll,
        orders: mpsc::Receiver<Order>,
        reports: mpsc::Sender<Report>,
        doors: Vec<Door>,
    ) -> io::Result<Self> {
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        let link = |plan: &LinkPlan| Link {
            plan: plan.clone(),
            wire: None,
            unacked: FxHashMap::default(),
            failures: 0,
            dirty: false,
            started: false,
        };
        #[expect(clippy::cast_possible_truncation, reason = "any beginning will do")]
        let next_validation = (plan.seed ^ u64::from(shared.start.elapsed().subsec_nanos())) as u32;
        Ok(Self {
            links: plan.links.iter().map(link).collect(),
            up: vec![(Vec::new(), 0); plan.senders],
            seen: plan.stations.iter().map(|_| Seen::default()).collect(),
            latencies: Latencies::new(plan.kinds),
            plan,
            shared,
            poll,
            alarm,
            orders,
            reports,
            doors,
            calls: BinaryHeap::new(),
            connecting: 0,
            next_call: Duration::ZERO,
            dirty: Vec::new(),
            buffers: Buffers::default(),
            arrivals: None,
            closed: None,
            refill: Vec::new(),
            next_validation,
            next_reply: 0,
            window: Window { number: 0, from: Duration::ZERO, until: Duration::ZERO },
            interval: Interval::default(),
            interval_index: 0,
            scheduling: SchedulingMeter::default(),
            next_chores: Duration::ZERO,
            slice: 0,
            links_up: 0,
            troubles: 0,
            events: Vec::new(),
        })
    }

    /// The token under which the way to a thread wakes it.
    pub(crate) const fn waker() -> Token {
        WAKER
    }

    /// Works until it is told to finish.
    pub(crate) fn run(mut self) {
        if let Err(error) = self.work() {
            drop(self.reports.send(Report::Failed(error)));
        }
    }

    fn work(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let now = self.shared.now();
            while let Ok(order) = self.orders.try_recv() {
                if let Order::Finish = order {
                    self.finish(now);
                    return Ok(());
                }
                self.obey(order, now);
            }
            self.chores(now);
            self.call(now);
            self.send_due(now);
            self.write_dirty(now);
            self.end_interval(now);
            let wake = self.next_wake();
            let now = self.shared.now();
            let timeout = if wake <= now || !self.refill.is_empty() {
                Some(Duration::ZERO)
            } else {
                self.alarm.set(now, wake)?;
                None
            };
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                let at = event.token().0;
                if at < self.links.len() {
                    self.ready(at, event.is_writable(), self.shared.now());
                }
            }
        }
    }

    fn obey(&mut self, order: Order, now: Duration) {
        match order {
            Order::Attach(group) => {
                for (at, link) in self.links.iter().enumerate() {
                    let is_receiver = matches!(link.plan.role, Role::Receiver(_));
                    if link.wire.is_none() && is_receiver == (group == Group::Receivers) {
                        self.calls.push(Reverse((now, at)));
                    }
                }
            }
            Order::Work(work) => {
                (self.arrivals, self.closed) = (None, None);
                self.refill.clear();
                match work {
                    Work::Nothing => {}
                    Work::Open { curve, spacing, seed, from } => {
                        self.arrivals = Some((from, Arrivals::new(curve, spacing, seed).peekable()));
                    }
                    Work::Closed { per_link, limit, follow } => {
                        self.closed = Some(Closed { per_link, left: limit.unwrap_or(u64::MAX), follow });
                        let up: Vec<usize> = self.up.iter().flat_map(|(links, _)| links).copied().collect();
                        self.links.iter_mut().for_each(|link| link.started = false);
                        up.into_iter().for_each(|at| self.start_closed(at));
                    }
                }
            }
            Order::Window { number, from, until } => self.window = Window { number, from, until },
            Order::TakeWindow => {
                let taken = self.take_latencies();
                drop(self.reports.send(Report::Window(taken)));
            }
            Order::Timeout(timeout) => self.plan.timeout = timeout,
            Order::Done { link } => self.refill(link),
            // The loop has looked for it.
            Order::Finish => {}
        }
    }

    fn take_latencies(&mut self) -> Box<Latencies> {
        Box::new(std::mem::replace(&mut self.latencies, Latencies::new(self.plan.kinds)))
    }

    fn finish(&mut self, now: Duration) {
        let mut losses = Vec::new();
        if let Some(mut table) = self.shared.table(Mark { shard: self.plan.shard, number: 0 }) {
            table.give_up_all(now, |loss| losses.push(loss));
        }
        losses.iter().for_each(|loss| self.lost(loss));
        for link in &mut self.links {
            if let Some(wire) = &mut link.wire {
                wire.close();
            }
        }
        self.ship_interval();
        let latencies = self.take_latencies();
        drop(self.reports.send(Report::Finished(latencies)));
    }

    fn next_wake(&mut self) -> Duration {
        let interval = self.shared.interval * u32::try_from(self.interval_index + 1).unwrap_or(u32::MAX);
        let mut wake = self.next_chores.min(interval);
        if let Some((from, arrivals)) = &mut self.arrivals
            && let Some(arrival) = arrivals.peek()
        {
            wake = wake.min(*from + *arrival);
        }
        if self.connecting < self.plan.connecting_max
            && let Some(Reverse((at, _))) = self.calls.peek()
        {
            wake = wake.min((*at).max(self.next_call));
        }
        wake
    }

    fn send_due(&mut self, now: Duration) {
        for _ in 0..DUE_AT_ONCE {
            let Some((from, arrivals)) = &mut self.arrivals else { break };
            let Some(arrival) = arrivals.next_if(|arrival| *from + *arrival <= now) else { break };
            let intended = *from + arrival;
            self.interval.lag.record(self.shared.now().saturating_sub(intended));
            self.send_one(intended, None);
        }
        let mut refill = std::mem::take(&mut self.refill);
        for at in refill.drain(..) {
            match &mut self.closed {
                Some(closed) if closed.left > 0 => closed.left -= 1,
                Some(_) | None => break,
            }
            self.send_one(now, Some(at));
        }
        if self.refill.is_empty() {
            self.refill = refill;
        }
    }

    /// Sends the next message of the mix, over any link of its sender or over a link that is given.
    fn send_one(&mut self, intended: Duration, link: Option<usize>) {
        let sender = link.and_then(|at| match self.links.get(at)?.plan.role {
            Role::Sender(sender) => Some(sender),
            Role::Receiver(_) | Role::Idle => None,
        });
        let draft = match sender {
            Some(sender) => self.plan.composer.draw_from(sender),
            None => self.plan.composer.draw(),
        };
        let Some(at) = link.or_else(|| self.next_link(draft.sender)) else {
            self.interval.counts.add(Count::Linkless);
            return;
        };
        let Window { number, from, until } = self.window;
        let expected = Expected {
            kind: draft.kind,
            link: at,
            intended,
            answers: self.plan.composer.answers(&draft),
            deliveries: self.plan.composer.deliveries(&draft),
            refusal: draft.refusal,
            window: if (from..until).contains(&intended) { number } else { 0 },
        };
        let shard = self.plan.shard;
        let inserted = self.shared.table(Mark { shard, number: 0 }).map(|mut table| table.insert(expected));
        let Some(Ok(number)) = inserted else {
            self.interval.counts.add(Count::Overflowed);
            return;
        };
        let bytes = self.plan.composer.write(&draft, self.shared.run.control(Mark { shard, number }));
        self.interval.counts.add(Count::Sent);
        if draft.refusal.is_some() {
            self.interval.counts.add(Count::Malformed);
        }
        self.hand_over(at, number, bytes, draft.repeat);
    }

    fn next_link(&mut self, sender: usize) -> Option<usize> {
        let (links, turn) = self.up.get_mut(sender)?;
        *turn = if *turn + 1 < links.len() { *turn + 1 } else { 0 };
        links.get(*turn).copied()
    }

    fn hand_over(&mut self, at: usize, id: u64, bytes: Bytes, repeat: bool) {
        self.interval.counts.add_many(Count::BytesSent, bytes.len() as u64);
        let message = Outgoing { id, validation: self.validation(), bytes };
        let Some(link) = self.links.get_mut(at) else { return };
        link.unacked.insert(id, Pending { message: message.clone(), repeat });
        if let Some(wire) = link.wire.as_mut().filter(|wire| wire.is_proven()) {
            wire.send(message);
            self.mark_dirty(at);
        }
    }

    fn validation(&mut self) -> NonZeroU32 {
        self.next_validation = self.next_validation.wrapping_add(1);
        NonZeroU32::new(self.next_validation).unwrap_or(NonZeroU32::MIN)
    }

    fn start_closed(&mut self, at: usize) {
        let (Some(closed), Some(link)) = (self.closed, self.links.get_mut(at)) else { return };
        if !link.started {
            link.started = true;
            self.refill.extend(std::iter::repeat_n(at, closed.per_link));
        }
    }

    fn refill(&mut self, link: usize) {
        if self.closed.is_some() {
            self.refill.push(link);
        }
    }

    fn chores(&mut self, now: Duration) {
        if now < self.next_chores {
            return;
        }
        self.next_chores = now + CHORES;
        let mut losses = Vec::new();
        if let Some(mut table) = self.shared.table(Mark { shard: self.plan.shard, number: 0 }) {
            table.expire(now, self.plan.timeout, |loss| losses.push(loss));
        }
        losses.iter().for_each(|loss| self.lost(loss));
        self.slice = (self.slice + 1) % SLICES;
        for at in (self.slice..self.links.len()).step_by(SLICES) {
            let Some(wire) = self.links.get_mut(at).and_then(|link| link.wire.as_mut()) else { continue };
            if !wire.is_proven() && now.saturating_sub(wire.since) > CONNECT_MAX {
                self.down(at, &End::Deadline, now);
            } else if wire.handle_time(now) {
                self.drain(at, now);
                self.mark_dirty(at);
            }
        }
    }

    fn end_interval(&mut self, now: Duration) {
        let ends = self.shared.interval * u32::try_from(self.interval_index + 1).unwrap_or(u32::MAX);
        if now >= ends {
            self.ship_interval();
        }
    }

    fn ship_interval(&mut self) {
        let mut interval = Box::new(std::mem::take(&mut self.interval));
        let table = self.shared.table(Mark { shard: self.plan.shard, number: 0 });
        interval.waiting = table.map_or(0, |table| table.len());
        interval.links = self.links_up;
        interval.scheduling = self.scheduling.read(self.shared.interval);
        let index = self.interval_index;
        drop(self.reports.send(Report::Interval { index, interval }));
        // A thread that could not run for long has no intervals for that time.
        let past = self.shared.now().as_secs_f64() / self.shared.interval.as_secs_f64();
        #[expect(clippy::cast_possible_truncation, reason = "a count of seconds or tenths")]
        let past = past as u64;
        self.interval_index = past.max(index + 1);
    }
}
