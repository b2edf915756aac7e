//! A station as the network knows them: it sends, sends again what was not acknowledged, takes, refuses, dawdles.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use codec::legacy::parse_output;
use codec::time::Tick;
use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;
use session::{Config, Event, Outgoing, Readiness, Refusal, Role, Session, Token};

use crate::ledger::Check;
use crate::model::Model;
use crate::network::CLIENTS;
use crate::traffic::mark_of;

/// Answers of the support center bear the mark of their inquiry and this.
const ANSWER: u32 = 40_000_000;
/// Messages that a client has on the way at most: more wait for their turn.
const UNSETTLED_MAX: usize = 200;

/// How it treats what it gets.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Prompt,
    Slow,
    /// Refuses some for good, some for now.
    Refuses,
    Never,
    NotReady,
    /// Reads nothing.
    Frozen,
}

/// What it has one of its links do.
#[derive(Debug)]
pub(crate) enum Do {
    Send(Outgoing),
    Accept(Token),
    Refuse(Token, Refusal),
    Readiness(Readiness),
    Read(bool),
    Close,
}

#[derive(Debug, Clone)]
struct Unsettled {
    mark: u32,
    validation: NonZeroU32,
    bytes: Bytes,
    /// The link it was given to.
    on: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) links: Vec<u64>,
    pub(crate) connect_at: Tick,
    pub(crate) send_at: Tick,
    mood: Mood,
    pub(crate) mood_until: Tick,
    next_id: u64,
    next_validation: u32,
    unsettled: BTreeMap<u64, Unsettled>,
    /// Sent and settled: something to send a second time.
    settled: VecDeque<Unsettled>,
    undecided: BTreeMap<(Tick, u64), (u64, Token, u32, Bytes)>,
    arrivals: u64,
    pub(crate) orders: Vec<(u64, Do)>,
}

impl Client {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            links: Vec::new(),
            connect_at: Tick(0),
            send_at: Tick(0),
            mood: Mood::Prompt,
            mood_until: Tick(0),
            next_id: 0,
            next_validation: 0,
            unsettled: BTreeMap::new(),
            settled: VecDeque::new(),
            undecided: BTreeMap::new(),
            arrivals: 0,
            orders: Vec::new(),
        }
    }

    pub(crate) fn session(&self, now: Tick) -> Session {
        let client = CLIENTS[self.number];
        let config = if client.fox { Config::fox(Role::Station, 0) } else { Config::new(Role::Station) };
        Session::new(config, now)
    }

    pub(crate) fn next_decision(&self) -> Option<Tick> {
        self.undecided.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.unsettled.is_empty() && self.undecided.is_empty()
    }

    /// Something new to send.
    pub(crate) fn send(&mut self, mark: u32, bytes: Bytes, model: &mut Model, rng: &mut Pcg64) {
        if self.unsettled.len() >= UNSETTLED_MAX {
            return;
        }
        self.next_validation += 1;
        let Some(validation) = NonZeroU32::new(self.next_validation) else { return };
        model.sends(mark, !CLIENTS[self.number].fox);
        self.give(Unsettled { mark, validation, bytes, on: None }, rng);
    }

    /// Something that was acknowledged goes once more, as from a program that lost its memory.
    pub(crate) fn send_again(&mut self, rng: &mut Pcg64) {
        if self.settled.is_empty() {
            return;
        }
        let place = rng.random_range(0..self.settled.len());
        if let Some(one) = self.settled.remove(place) {
            self.give(Unsettled { on: None, ..one }, rng);
        }
    }

    fn give(&mut self, mut message: Unsettled, rng: &mut Pcg64) {
        if self.unsettled.values().any(|other| other.validation == message.validation) {
            return;
        }
        self.next_id += 1;
        let id = self.next_id;
        if !self.links.is_empty() {
            let link = self.links[rng.random_range(0..self.links.len())];
            message.on = Some(link);
            let outgoing = Outgoing { id, validation: message.validation, bytes: message.bytes.clone() };
            self.orders.push((link, Do::Send(outgoing)));
        }
        self.unsettled.insert(id, message);
    }

    /// A link is up: whatever is on no link goes, mostly in order.
    pub(crate) fn attached(&mut self, link: u64, rng: &mut Pcg64) {
        self.links.push(link);
        let mut ids: Vec<u64> = self.unsettled.iter().filter(|(_, one)| one.on.is_none()).map(|(id, _)| *id).collect();
        if rng.random_bool(0.2) {
            ids.shuffle(rng);
        }
        for id in ids {
            if let Some(one) = self.unsettled.get_mut(&id) {
                one.on = Some(link);
                let outgoing = Outgoing { id, validation: one.validation, bytes: one.bytes.clone() };
                self.orders.push((link, Do::Send(outgoing)));
            }
        }
        if self.mood == Mood::NotReady {
            self.orders.push((link, Do::Readiness(Readiness::NotReady)));
        }
        if self.mood == Mood::Frozen {
            self.orders.push((link, Do::Read(false)));
        }
    }

    pub(crate) fn detached(&mut self, now: Tick, link: u64, rng: &mut Pcg64) {
        self.links.retain(|other| *other != link);
        self.undecided.retain(|_, (of, ..)| *of != link);
        self.unsettled.values_mut().filter(|one| one.on == Some(link)).for_each(|one| one.on = None);
        let wait = [10_000, 100_000, 1_000_000, 10_000_000][rng.random_range(0..4)];
        self.connect_at = self.connect_at.max(Tick(now.0 + rng.random_range(0..=wait)));
    }

    pub(crate) fn event(&mut self, now: Tick, link: u64, event: Event, model: &mut Model, rng: &mut Pcg64) -> Check {
        match event {
            Event::Received { token, validation, bytes } => {
                model.arrives(self.number, validation, &bytes)?;
                self.arrivals += 1;
                let wait = match self.mood {
                    Mood::Slow => rng.random_range(0..8_000_000),
                    Mood::Never => return Ok(()),
                    Mood::Prompt | Mood::Refuses | Mood::NotReady | Mood::Frozen => rng.random_range(0..2_000),
                };
                let at = now.after(Duration::from_micros(wait));
                self.undecided.insert((at, self.arrivals), (link, token, validation, bytes));
            }
            Event::Delivered { id } => {
                if let Some(one) = self.unsettled.remove(&id) {
                    model.acknowledged(one.mark)?;
                    self.settled.push_back(one);
                    if self.settled.len() > 20 {
                        self.settled.pop_front();
                    }
                }
            }
            // Too long: not received, and never will be.
            Event::Failed { id, .. } => drop(self.unsettled.remove(&id)),
            Event::Room { .. } | Event::Ready | Event::NotReady | Event::Closed { .. } => {}
        }
        Ok(())
    }

    /// What it has thought about for long enough.
    pub(crate) fn decide(&mut self, now: Tick, model: &mut Model, rng: &mut Pcg64) {
        while let Some(entry) = self.undecided.first_entry().filter(|entry| entry.key().0 <= now) {
            let (link, token, validation, bytes) = entry.remove();
            if self.mood == Mood::Refuses && rng.random_bool(0.5) {
                let why = [Refusal::Temporary, Refusal::Temporary, Refusal::TooMany, Refusal::Permanent];
                self.orders.push((link, Do::Refuse(token, why[rng.random_range(0..why.len())])));
                continue;
            }
            model.takes(self.number, validation);
            self.orders.push((link, Do::Accept(token)));
            if CLIENTS[self.number].name == "AX" {
                self.answer(&bytes, model, rng);
            }
        }
    }

    /// The support center: an answer is a function of its inquiry, so that an inquiry that comes again is answered again.
    fn answer(&mut self, inquiry: &[u8], model: &mut Model, rng: &mut Pcg64) {
        let Ok(output) = parse_output(inquiry) else { return };
        let Some(mark) = mark_of(inquiry).filter(|_| output.key.as_str() == "IAQ") else { return };
        let control = output.control.map_or_else(String::new, |control| format!(".*{control}"));
        let mark = mark + ANSWER;
        let text = format!("IAR.ZZLESC000.{}{control}.TXT\r\nEMULATOR - SYNTHETIC DATA MARK {mark:08}", output.sender);
        let Some(validation) = NonZeroU32::new(mark) else { return };
        model.sends(mark, true);
        self.give(Unsettled { mark, validation, bytes: text.into(), on: None }, rng);
    }

    /// Another mood, for a while.
    pub(crate) fn turn(&mut self, now: Tick, calm: bool, rng: &mut Pcg64) {
        let before = self.mood;
        self.mood = if calm {
            Mood::Prompt
        } else {
            match rng.random_range(0..12) {
                0..5 => Mood::Prompt,
                5..7 => Mood::Slow,
                7..9 => Mood::Refuses,
                9 => Mood::Never,
                10 => Mood::NotReady,
                _ => Mood::Frozen,
            }
        };
        let lasts = rng.random_range(1_000_000..30_000_000);
        self.mood_until = if calm { Tick(u64::MAX) } else { Tick(now.0 + lasts) };
        if before == self.mood {
            return;
        }
        let links = self.links.clone();
        for link in links {
            if before == Mood::NotReady || self.mood == Mood::NotReady {
                let ready = if self.mood == Mood::NotReady { Readiness::NotReady } else { Readiness::Ready };
                self.orders.push((link, Do::Readiness(ready)));
            }
            if before == Mood::Frozen || self.mood == Mood::Frozen {
                self.orders.push((link, Do::Read(self.mood != Mood::Frozen)));
            }
        }
        // Whatever it never answered, it forgets with the link.
        if before == Mood::Never && calm {
            self.orders.extend(self.links.iter().map(|link| (*link, Do::Close)));
        }
    }
}
