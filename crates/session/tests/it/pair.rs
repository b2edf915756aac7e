//! Two sessions joined by a link on virtual time: latency, cuts of the stream into any pieces, loss of the link.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use codec::time::Tick;
use session::{Config, Event, Outgoing, Refusal, Role, Session, Token};

use crate::end::{body, outgoing, seconds};

/// How the link treats the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) latency: Duration,
    /// Longest piece that arrives at once.
    pub(crate) piece_bytes: usize,
}

/// How an owner treats what it receives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    /// From the arrival of a message to its answer.
    pub(crate) decides_after: Duration,
    /// Of so many messages received, one is refused for now; zero refuses none.
    pub(crate) refuses_one_in: usize,
}

/// One side: the session and an owner who remembers validations, as receivers must.
pub(crate) struct Side {
    session: Session,
    config: Config,
    owner: Owner,
    arriving: VecDeque<(Tick, Bytes)>,
    buffer: BytesMut,
    undecided: VecDeque<(Tick, Token, u32, Bytes)>,
    decided: usize,
    /// Messages accepted, by validation, and how often each came.
    pub(crate) accepted: BTreeMap<u32, (Bytes, usize)>,
    /// What was sent and is neither delivered nor failed, for the next link.
    unsettled: BTreeMap<u64, Outgoing>,
    pub(crate) delivered: Vec<u64>,
    closed: bool,
}

/// Both sides, and the time.
pub(crate) struct Pair {
    pub(crate) now: Tick,
    link: Link,
    pub(crate) sides: [Side; 2],
}

impl Pair {
    pub(crate) fn new(configs: [Config; 2], owners: [Owner; 2], link: Link) -> Self {
        let now = Tick(1_000_000);
        let [first, second] = configs;
        let sides = [Side::new(first, owners[0], now), Side::new(second, owners[1], now)];
        Self { now, link, sides }
    }

    pub(crate) fn send(&mut self, side: usize, message: Outgoing) {
        let side = &mut self.sides[side];
        side.unsettled.insert(message.id, message.clone());
        side.session.send(message);
        self.settle();
    }

    /// Handles the next thing that happens, if it happens by `end`. False if nothing does.
    pub(crate) fn step(&mut self, end: Tick) -> bool {
        let Some(next) = self.sides.iter().filter_map(Side::next).min().filter(|next| *next <= end) else {
            return false;
        };
        assert!(next >= self.now, "time goes back");
        self.now = next;
        self.sides.iter_mut().for_each(|side| side.happen(next));
        self.settle();
        true
    }

    /// Steps until both sides have settled all that they sent. Fails after so much time.
    pub(crate) fn run(&mut self, limit: Duration) {
        let end = self.now.after(limit);
        while self.sides.iter().any(|side| !side.is_idle()) {
            assert!(self.step(end), "not settled after {limit:?}");
            assert!(self.sides.iter().all(|side| !side.closed), "closed");
        }
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.step(end) {}
        self.now = end;
    }

    /// The link is lost with all that is on it; new sessions begin on a new one, and each owner sends again what was
    /// not settled.
    pub(crate) fn lose_link(&mut self) {
        let now = self.now;
        for side in &mut self.sides {
            side.session = Session::new(side.config.clone(), now);
            side.arriving.clear();
            side.buffer.clear();
            side.undecided.clear();
            side.closed = false;
            side.unsettled.values().for_each(|message| side.session.send(message.clone()));
        }
        self.settle();
    }

    /// Writes on both sides until there is nothing more to write.
    fn settle(&mut self) {
        for from in 0..2 {
            loop {
                let mut output = BytesMut::new();
                self.sides[from].session.transmit(self.now, &mut output);
                self.sides[from].drain(self.now);
                if output.is_empty() {
                    break;
                }
                let (arrival, mut output) = (self.now.after(self.link.latency), output.freeze());
                while !output.is_empty() {
                    let piece = output.split_to(self.link.piece_bytes.min(output.len()));
                    self.sides[1 - from].arriving.push_back((arrival, piece));
                }
            }
        }
    }
}

impl Side {
    fn new(config: Config, owner: Owner, now: Tick) -> Self {
        Self {
            session: Session::new(config.clone(), now),
            config,
            owner,
            arriving: VecDeque::new(),
            buffer: BytesMut::new(),
            undecided: VecDeque::new(),
            decided: 0,
            accepted: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            delivered: Vec::new(),
            closed: false,
        }
    }

    fn is_idle(&self) -> bool {
        self.unsettled.is_empty() && self.arriving.is_empty() && self.undecided.is_empty()
    }

    fn next(&self) -> Option<Tick> {
        let arrival = self.arriving.front().map(|(at, _)| *at);
        let decision = self.undecided.front().map(|(at, ..)| *at);
        [arrival, decision, self.session.poll_timeout()].into_iter().flatten().min()
    }

    fn happen(&mut self, now: Tick) {
        while self.arriving.front().is_some_and(|(at, _)| *at <= now) {
            let (_, piece) = self.arriving.pop_front().unwrap();
            self.buffer.extend_from_slice(&piece);
            self.session.handle_bytes(now, &mut self.buffer);
            assert!(self.session.partial_bytes() <= self.config.message_bytes_max);
            assert!(self.buffer.len() < 65_000, "whole blocks and frames are taken");
            self.drain(now);
        }
        while self.undecided.front().is_some_and(|(at, ..)| *at <= now) {
            let (_, token, validation, bytes) = self.undecided.pop_front().unwrap();
            self.decided += 1;
            if self.owner.refuses_one_in > 0 && self.decided.is_multiple_of(self.owner.refuses_one_in) {
                self.session.refuse(token, Refusal::Temporary);
            } else {
                self.session.accept(token);
                let (first, times) = self.accepted.entry(validation).or_insert_with(|| (bytes.clone(), 0));
                assert_eq!(*first, bytes, "a repeat is the same to the byte");
                *times += 1;
            }
        }
        if self.session.poll_timeout().is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
        }
        self.drain(now);
    }

    fn drain(&mut self, now: Tick) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Received { token, validation, bytes } => {
                    self.undecided.push_back((now.after(self.owner.decides_after), token, validation, bytes));
                }
                Event::Delivered { id } => {
                    assert!(self.unsettled.remove(&id).is_some(), "{id} was settled before");
                    self.delivered.push(id);
                }
                Event::Failed { id, why } => panic!("{id} failed: {why}"),
                Event::Room { messages } => assert!(messages <= usize::from(self.config.window)),
                Event::Ready | Event::NotReady => {}
                Event::Closed { .. } => self.closed = true,
            }
        }
    }
}

const QUICK: Owner = Owner { decides_after: Duration::from_millis(1), refuses_one_in: 0 };
const LAN: Link = Link { latency: Duration::from_micros(200), piece_bytes: 16_384 };

fn fox_configs() -> [Config; 2] {
    [Config::fox(Role::Switch, 0), Config::fox(Role::Station, 0)]
}

fn configs() -> [Config; 2] {
    [Config::new(Role::Switch), Config::new(Role::Station)]
}

#[test]
fn both_directions_at_once_deliver_everything_in_order() {
    let mut pair = Pair::new(configs(), [QUICK; 2], LAN);
    for number in 1..=500 {
        pair.send(0, outgoing(number, body(number as usize)));
        pair.send(1, outgoing(number, body(300 * number as usize)));
    }
    pair.run(seconds(60));
    for side in &pair.sides {
        assert_eq!(side.delivered, (1..=500).collect::<Vec<u64>>());
        assert!(side.accepted.values().all(|(_, times)| *times == 1), "nothing is sent twice");
    }
    assert_eq!(pair.sides[0].accepted[&500].0, body(150_000));
}

#[test]
fn an_idle_link_lives_by_its_keep_alive() {
    for configs in [configs(), fox_configs()] {
        let mut pair = Pair::new(configs, [QUICK; 2], LAN);
        pair.wait(seconds(24 * 3600));
        assert!(pair.sides.iter().all(|side| !side.closed));
    }
}

#[test]
fn a_slow_owner_gets_repeats_and_each_message_is_delivered_once() {
    let slow = Owner { decides_after: seconds(7), refuses_one_in: 0 };
    let mut pair = Pair::new(configs(), [slow, QUICK], LAN);
    (1..=40).for_each(|number| pair.send(1, outgoing(number, body(40_000))));
    pair.run(seconds(120));
    assert_eq!(pair.sides[1].delivered.len(), 40);
    assert!(pair.sides[0].accepted.values().any(|(_, times)| *times > 1), "5 s pass before an answer");
}

#[test]
fn a_full_store_delays_and_loses_nothing() {
    let full = Owner { decides_after: Duration::from_millis(2), refuses_one_in: 2 };
    let mut pair = Pair::new(configs(), [full, QUICK], LAN);
    (1..=100).for_each(|number| pair.send(1, outgoing(number, body(1000 * number as usize))));
    pair.run(seconds(600));
    let delivered: BTreeSet<u64> = pair.sides[1].delivered.iter().copied().collect();
    assert_eq!(delivered, (1..=100).collect());
}

#[test]
fn lost_links_lose_no_message() {
    lost_links(configs());
}

#[test]
fn lost_links_lose_no_message_in_frames() {
    lost_links(fox_configs());
}

fn lost_links(configs: [Config; 2]) {
    let mut pair = Pair::new(configs, [QUICK; 2], Link { latency: Duration::from_millis(30), piece_bytes: 1000 });
    (1..=200).for_each(|number| pair.send(0, outgoing(number, body(700 * number as usize))));
    for _ in 0..20 {
        for _ in 0..37 {
            let end = pair.now.after(seconds(1));
            pair.step(end);
        }
        pair.lose_link();
    }
    pair.run(seconds(60));
    for number in 1..=200u32 {
        assert_eq!(pair.sides[1].accepted[&number].0, body(700 * number as usize));
    }
    assert_eq!(pair.sides[0].delivered.len(), 200);
}
