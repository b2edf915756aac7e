//! Random work with crashes at any point, against a model of the switch and of those who ask: each inquiry gets one
//! acknowledgement and one answer, at most one supplement, and never two that differ.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use center::{
    Action, Center, Command, Config, Event, Facts, Folds, InquiryId, Moment, Outcome, Outgoing, Part, Record, Source,
    Written,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

const AUTOMATIC: u8 = 1;
const BY_HAND: u8 = 2;

/// How a driver may be wrong: the controls of this test.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// It says that records are durable before they are.
    StoredTooEarly,
    /// It forgets its records in a crash, also those that were durable.
    Forgets,
}

struct World {
    rng: Pcg64Mcg,
    fault: Fault,
    now: u64,
    center: Center,
    /// Records, the first `durable` of which outlive a crash.
    log: Vec<(u8, Bytes)>,
    durable: usize,
    /// What the driver has in hand and loses in a crash.
    asked: Vec<(InquiryId, Source)>,
    composing: Vec<(InquiryId, Part)>,
    sending: Vec<(InquiryId, Part, Outgoing)>,
    /// The switch: deliveries that it is not rid of, and what it has passed on.
    undelivered: BTreeMap<u32, Facts>,
    passed: BTreeSet<(u32, Bytes)>,
    /// All messages that reached each requester, by delivery and part.
    got: BTreeMap<(u32, char), Vec<Bytes>>,
    deliveries: u32,
    nonce: u64,
    crashes: u32,
}

fn config() -> Config {
    Config {
        automatic: BTreeSet::from([AUTOMATIC]),
        deadline: 50,
        deadlines: BTreeMap::from([(Source(1), 120)]),
        late: 300,
        remember: u64::MAX,
    }
}

impl World {
    fn new(seed: u64, fault: Fault) -> Self {
        Self {
            rng: Pcg64Mcg::seed_from_u64(seed),
            fault,
            now: 1,
            center: Center::new(config(), Folds::default()),
            log: Vec::new(),
            durable: 0,
            asked: Vec::new(),
            composing: Vec::new(),
            sending: Vec::new(),
            undelivered: BTreeMap::new(),
            passed: BTreeSet::new(),
            got: BTreeMap::new(),
            deliveries: 0,
            nonce: 0,
            crashes: 0,
        }
    }

    fn handle(&mut self, event: Event) {
        self.center.handle(Moment(self.now), event);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.center.poll_action() {
            match action {
                Action::Store { sequence, kind, payload } => {
                    assert_eq!(usize::try_from(sequence).unwrap(), self.log.len() + 1);
                    let record = Record::decode(kind, &payload).unwrap();
                    assert_eq!((record.kind() as u8, record.encode()), (kind, payload.clone()));
                    self.log.push((kind, payload));
                    if self.fault == Fault::StoredTooEarly {
                        self.center.handle(Moment(self.now), Event::Stored { through: sequence });
                    }
                }
                Action::Acknowledge { delivery, .. } => drop(self.undelivered.remove(&delivery)),
                Action::Ask { inquiry, source } => self.asked.push((inquiry, source)),
                Action::Compose { inquiry, part } => self.composing.push((inquiry, part)),
                Action::Send { inquiry, part, message } => self.sending.push((inquiry, part, message)),
                Action::Reply { .. } => {}
            }
        }
    }

    fn crash(&mut self) {
        self.crashes += 1;
        // What was written and not synced may have reached the disk, from its beginning up to anywhere.
        let kept = self.rng.random_range(self.durable..=self.log.len());
        self.log.truncate(if self.fault == Fault::Forgets { 0 } else { kept });
        self.durable = self.log.len();
        (self.asked, self.composing, self.sending) = (Vec::new(), Vec::new(), Vec::new());
        let mut folds = Folds::default();
        for (sequence, (kind, payload)) in (1..).zip(&self.log) {
            folds.apply(sequence, &Record::decode(*kind, payload).unwrap()).unwrap();
        }
        self.center = Center::new(config(), folds);
        self.center.start(Moment(self.now));
        self.drain();
    }

    fn deliver(&mut self, delivery: u32) {
        let facts = self.undelivered[&delivery].clone();
        self.nonce += 1;
        // Written anew each time that it comes, and never the same.
        let acknowledgement =
            Outgoing { validation: delivery * 8, bytes: format!("{delivery} A {}", self.nonce).into() };
        let message = Bytes::from(delivery.to_string());
        self.handle(Event::Delivered { delivery, fingerprint: 7, message, facts, acknowledgement });
    }

    fn compose(&mut self) {
        let at = self.rng.random_range(0..self.composing.len());
        let (inquiry, part) = self.composing.swap_remove(at);
        let Some(open) = self.center.inquiry(inquiry) else { return };
        let delivery = open.taken.delivery;
        self.nonce += 1;
        let (letter, validation) = match part {
            Part::Answer => ('B', delivery * 8 + 1),
            Part::Supplement => ('S', delivery * 8 + 2),
            Part::Acknowledgement | Part::Copy | Part::SupplementCopy => unreachable!("{part:?} is not composed"),
        };
        let text = format!("{delivery} {letter} {}", self.nonce);
        let written = Written {
            kind: if delivery % 3 == 0 { BY_HAND } else { AUTOMATIC },
            copy: (delivery % 2 == 0).then(|| Outgoing {
                validation: validation + 4,
                bytes: format!("{delivery} {} {}", letter.to_ascii_lowercase(), self.nonce).into(),
            }),
            message: Outgoing { validation, bytes: text.into() },
        };
        self.handle(Event::Wrote { inquiry, part, written });
    }

    /// The switch takes a message: it passes it on unless it had its validation and bytes before.
    fn take(&mut self) {
        let at = self.rng.random_range(0..self.sending.len());
        let (inquiry, part, Outgoing { validation, bytes }) = self.sending[at].clone();
        if self.passed.insert((validation, bytes.clone())) {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let mut words = text.split(' ');
            let delivery = words.next().unwrap().parse().unwrap();
            let letter = words.next().unwrap().chars().next().unwrap();
            self.got.entry((delivery, letter)).or_default().push(bytes);
        }
        // The switch's word may be lost, and the message is sent again.
        if self.rng.random_ratio(3, 4) {
            self.sending.swap_remove(at);
            self.handle(Event::Settled { inquiry, part, taken: true });
        }
    }

    fn technician(&mut self) {
        let queue: Vec<_> = self.center.folds().queue().iter().map(|(id, _)| *id).collect();
        if queue.is_empty() {
            return;
        }
        let inquiry = queue[self.rng.random_range(0..queue.len())];
        let who = ["ONE", "TWO"][self.rng.random_range(0..2)].to_owned();
        let command = match self.rng.random_range(0..5) {
            0 => Command::HandBack,
            1 | 2 => Command::Answer,
            _ => Command::Take,
        };
        self.handle(Event::Command { who, inquiry, command });
    }

    fn sync(&mut self) {
        self.durable = self.log.len();
        self.handle(Event::Stored { through: self.durable as u64 });
    }

    fn step(&mut self) {
        self.now += self.rng.random_range(0..5);
        match self.rng.random_range(0..100) {
            0..8 => {
                self.deliveries += 1;
                let sources = (0..self.rng.random_range(0..4)).map(Source).collect();
                self.undelivered.insert(self.deliveries, Facts { sources, ..Facts::default() });
                self.deliver(self.deliveries);
            }
            8..16 if !self.undelivered.is_empty() => {
                let at = self.rng.random_range(0..self.undelivered.len());
                let delivery = *self.undelivered.keys().nth(at).unwrap();
                self.deliver(delivery);
            }
            16..30 if !self.asked.is_empty() => {
                let at = self.rng.random_range(0..self.asked.len());
                let (inquiry, source) = self.asked.swap_remove(at);
                let outcome = if self.rng.random() { Outcome::Failed } else { Outcome::Gave("IT".into()) };
                // One answer in three never comes.
                if self.rng.random_ratio(2, 3) {
                    self.handle(Event::Gave { inquiry, source, outcome });
                }
            }
            30..50 if !self.composing.is_empty() => self.compose(),
            50..70 if !self.sending.is_empty() => self.take(),
            70..85 => self.sync(),
            85..94 => self.technician(),
            94..96 => self.crash(),
            _ if self.center.poll_timeout().is_some_and(|due| due <= Moment(self.now)) => self.handle(Event::Timeout),
            _ => {}
        }
    }

    /// Lets all come to its end, without more crashes.
    fn settle(&mut self) {
        for _ in 0..100_000 {
            self.now += 5;
            self.sync();
            for delivery in self.undelivered.keys().copied().collect::<Vec<_>>() {
                self.deliver(delivery);
            }
            while !self.composing.is_empty() {
                self.compose();
            }
            while !self.sending.is_empty() {
                self.take();
            }
            self.handle(Event::Timeout);
            self.technician();
            if self.undelivered.is_empty()
                && self.center.folds().queue().is_empty()
                && self.center.poll_timeout().is_none()
            {
                self.sync();
                if self.sending.is_empty() && self.composing.is_empty() {
                    return;
                }
            }
        }
        panic!("it does not come to an end");
    }

    fn check(&self) {
        for ((delivery, letter), got) in &self.got {
            assert_eq!(got.len(), 1, "{delivery} {letter}: {got:?}");
        }
        for delivery in 1..=self.deliveries {
            for letter in ['A', 'B'] {
                assert!(self.got.contains_key(&(delivery, letter)), "{delivery} got no {letter}");
            }
            assert_eq!(
                self.got.contains_key(&(delivery, 'b')),
                delivery % 2 == 0,
                "{delivery}: the field office's copy"
            );
        }
    }
}

fn run(seed: u64, fault: Fault) -> World {
    let mut world = World::new(seed, fault);
    for _ in 0..1_500 {
        world.step();
    }
    world.settle();
    world.check();
    world
}

#[test]
fn each_inquiry_gets_one_acknowledgement_and_one_answer_whatever_crashes() {
    let mut seen = (0, 0, 0);
    for seed in 0..150 {
        match catch_unwind(AssertUnwindSafe(|| run(seed, Fault::None))) {
            Ok(world) => {
                let supplements = world.got.keys().filter(|(_, letter)| *letter == 'S').count();
                seen = (seen.0 + world.crashes, seen.1 + world.deliveries, seen.2 + supplements);
            }
            Err(_) => panic!("SEED {seed}"),
        }
    }
    assert!(seen.0 > 1_000 && seen.1 > 10_000 && seen.2 > 100, "too little happened: {seen:?}");
}

#[test]
fn a_driver_that_breaks_the_contract_is_found_out() {
    for fault in [Fault::StoredTooEarly, Fault::Forgets] {
        let found = (0..20).filter(|seed| catch_unwind(AssertUnwindSafe(|| run(*seed, fault))).is_err()).count();
        assert!(found > 10, "{found} of 20");
    }
}
