//! One run: what happens when, and what goes wrong.

mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use codec::dictionary::Dictionary;
use codec::time::Tick;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use session::{Config, Role, Session};
use switch_core::{LinkId, Now};

use self::trouble::{Ending, Weather};
use crate::Summary;
use crate::broken::Broken;
use crate::client::{Client, Do};
use crate::conn::{Conn, Gone, STATION, SWITCH};
use crate::disk::{Faults, SimDisk};
use crate::ledger::{Check, Violation, ensure};
use crate::model::Model;
use crate::network::{self, CLIENTS, MESSAGE_BYTES, Variant, arranged, station, without_rules};
use crate::operators::Manners;
use crate::process::{Order, Process, Start, Stop, wall};
use crate::trace::Trace;
use crate::traffic;

/// When a run begins: the tenth of January 2030.
const WALL_US: i64 = 1_894_233_600_000_000;
/// How long everything may take to end once nothing goes wrong any more.
const FINISH: Duration = Duration::from_secs(3 * 3600);
/// Things at one moment that are more than anything could call for.
const AT_ONCE_MAX: u32 = 20_000;

pub(crate) struct World {
    pub(crate) now: Tick,
    rng: Pcg64,
    weather: Weather,
    wall_offset: i64,
    wall_offset_max: i64,
    disk: SimDisk,
    process: Option<Process>,
    start_at: Tick,
    conns: BTreeMap<u64, Conn>,
    last_link: u64,
    clients: Vec<Client>,
    model: Model,
    pub(crate) trace: Trace,
    dictionary: Arc<Dictionary>,
    variant_at_start: Variant,
    marks: u32,
    changed: u32,
    trouble_at: Tick,
    follow_at: Tick,
    disk_well_at: Tick,
    broken: Option<Broken>,
    /// Faults have stopped.
    calm: bool,
    dirty: BTreeSet<u64>,
}

impl World {
    pub(crate) fn new(seed: u64, broken: Option<Broken>) -> Self {
        let mut rng = Pcg64::seed_from_u64(seed);
        let weather = Weather::new(&mut rng, broken);
        let disk = SimDisk::new(rng.random());
        disk.set(|faults| faults.lie = broken.and_then(Broken::lie));
        let mut model = Model::new(network::config(Variant::Usual, weather.manners.body_cache_bytes));
        model.body_loads = weather.manners.body_cache_bytes < 1 << 20;
        Self {
            now: Tick(0),
            weather,
            wall_offset: 0,
            wall_offset_max: 0,
            disk,
            process: None,
            start_at: Tick(0),
            conns: BTreeMap::new(),
            last_link: 0,
            clients: (0..CLIENTS.len()).map(Client::new).collect(),
            model,
            trace: Trace::default(),
            dictionary: Arc::new(Dictionary::builtin().clone()),
            variant_at_start: Variant::Usual,
            marks: 0,
            changed: 0,
            trouble_at: Tick(rng.random_range(0..2_000_000)),
            follow_at: Tick(2_000_000),
            disk_well_at: Tick(u64::MAX),
            broken,
            calm: false,
            dirty: BTreeSet::new(),
            rng,
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary { trace: self.trace.finish(), counts: self.model.counts }
    }

    pub(crate) fn run(&mut self) -> Check {
        let end = Tick(self.weather.lasts_us);
        self.until(end, |_| false)?;
        self.stop_faults()?;
        let end = self.now.after(FINISH);
        let done = self.until(end, Self::is_over)?;
        let Some(process) = &self.process else { return Err(Violation("the switch does not come up".to_owned())) };
        if !done {
            let views: Vec<_> = process.switch.stations().filter(|view| view.bytes > 0).collect();
            let clients: Vec<_> = self.clients.iter().filter(|one| !one.is_idle()).map(|one| one.number).collect();
            return Err(Violation(format!("something waits for ever: clients {clients:?}, stations {views:?}")));
        }
        process.verify(&self.model)?;
        self.model.finished(&process.switch)
    }

    /// Steps until a moment, or until `over`. Says whether it was.
    fn until(&mut self, end: Tick, over: impl Fn(&Self) -> bool) -> Check<bool> {
        let (mut at, mut times) = (self.now, 0);
        loop {
            if over(self) {
                return Ok(true);
            }
            let next = self.next();
            if next > end {
                self.now = end;
                return Ok(false);
            }
            self.now = self.now.max(next);
            times = if self.now == at { times + 1 } else { 0 };
            at = self.now;
            ensure(times < AT_ONCE_MAX, || "time stands still".to_owned())?;
            self.trace.time(self.now);
            self.step()?;
        }
    }

    fn next(&self) -> Tick {
        let mut next = self.trouble_at.min(self.follow_at).min(self.disk_well_at);
        match &self.process {
            Some(process) => process.next().into_iter().for_each(|at| next = next.min(at)),
            None => next = next.min(self.start_at),
        }
        for client in &self.clients {
            next = next.min(client.send_at).min(client.mood_until);
            client.next_decision().into_iter().for_each(|at| next = next.min(at));
            if client.links.len() < CLIENTS[client.number].links {
                next = next.min(client.connect_at);
            }
        }
        self.conns.values().filter_map(Conn::next).fold(next, Tick::min)
    }

    fn now(&self) -> Now {
        Now { tick: self.now, wall: wall(WALL_US, self.now, self.wall_offset) }
    }

    fn step(&mut self) -> Check {
        if self.process.is_none() && self.start_at <= self.now {
            self.start()?;
        }
        let now = self.now();
        self.with_process(|process, model, trace| process.happen(now, model, trace))?;
        for number in 0..self.clients.len() {
            self.client(number)?;
        }
        let due =
            self.conns.iter().filter(|(_, conn)| conn.next().is_some_and(|at| at <= self.now)).map(|(link, _)| *link);
        for link in due.collect::<Vec<_>>() {
            for side in [SWITCH, STATION] {
                let Some(conn) = self.conns.get_mut(&link) else { continue };
                if let Some(why) = conn.happen(self.now, side) {
                    self.gone(link, side, why)?;
                }
            }
            self.dirty.insert(link);
        }
        if self.disk_well_at <= self.now {
            self.disk_well_at = Tick(u64::MAX);
            self.disk.set(Faults::heal);
        }
        if self.trouble_at <= self.now {
            self.trouble_at = if self.calm {
                Tick(u64::MAX)
            } else {
                self.trouble()?;
                self.next_trouble()
            };
        }
        if self.follow_at <= self.now {
            self.follow_at = Tick(self.now.0 + self.rng.random_range(500_000..10_000_000));
            self.follow()?;
        }
        self.settle()
    }

    fn follow(&mut self) -> Check {
        let manners = self.weather.manners;
        let (now, config, dictionary) =
            (self.now(), self.theirs(self.model.config.clone(), manners), Arc::clone(&self.dictionary));
        self.with_process(|process, model, trace| {
            model.bounds(process.switch.stations())?;
            let network = arranged(config, &dictionary, &process.switch.order());
            process.follow(now, model, trace, &network)
        })
    }

    fn theirs(&self, config: switch_core::NetworkConfig, manners: Manners) -> switch_core::NetworkConfig {
        if manners.broken == Some(Broken::IgnoresRights) { without_rules(config) } else { config }
    }

    /// Does something with the process, if there is one. A disk that failed ends it.
    fn with_process(&mut self, act: impl FnOnce(&mut Process, &mut Model, &mut Trace) -> Result<(), Stop>) -> Check {
        let Some(process) = &mut self.process else { return Ok(()) };
        match act(process, &mut self.model, &mut self.trace) {
            Ok(()) => {
                let now = self.now();
                if let Some(process) = &mut self.process {
                    process.submit(now);
                }
                Ok(())
            }
            Err(Stop::Disk) => self.end(Ending::Itself),
            Err(Stop::Drained) => self.end(Ending::Orderly),
            Err(Stop::Violation(violation)) => Err(violation),
        }
    }

    fn start(&mut self) -> Check {
        let config = network::config(self.variant_at_start, self.weather.manners.body_cache_bytes);
        self.model.config = config.clone();
        let config = self.theirs(config, self.weather.manners);
        let start = Start {
            disk: &self.disk,
            network: arranged(config, &self.dictionary, &[]),
            dictionary: Arc::clone(&self.dictionary),
            now: Now { tick: self.now, wall: wall(WALL_US, self.now, self.wall_offset) },
            seed: self.rng.random(),
            broken: self.broken,
            commit_us: [300, 2_000, 30_000, 1_500_000][self.rng.random_range(0..4)],
        };
        match Process::start(start, &mut self.model, &mut self.trace) {
            Ok(process) => self.process = Some(process),
            Err(Stop::Disk | Stop::Drained) => {
                self.start_at = Tick(self.now.0 + self.rng.random_range(100_000..2_000_000))
            }
            Err(Stop::Violation(violation)) => return Err(violation),
        }
        Ok(())
    }

    /// What a client does by itself.
    fn client(&mut self, number: usize) -> Check {
        let now = self.now;
        let client = &mut self.clients[number];
        if client.mood_until <= now {
            client.turn(now, self.calm || self.weather.moods == 0, &mut self.rng);
        }
        client.decide(now, &mut self.model, &mut self.rng);
        if client.send_at <= now {
            client.send_at = if self.calm {
                Tick(u64::MAX)
            } else {
                Tick(now.0 + self.rng.random_range(1..=2 * self.weather.sends_us) * CLIENTS.len() as u64)
            };
            if !self.calm {
                // Bursts: what comes alone meets no queue.
                let many = if self.rng.random_bool(0.03) { self.rng.random_range(5..30) } else { 1 };
                for _ in 0..many {
                    if self.rng.random_bool(0.04) {
                        client.send_again(&mut self.rng);
                        continue;
                    }
                    self.marks += 1;
                    let text = traffic::compose(&mut self.rng, number, self.marks, self.weather.manners.states);
                    client.send(self.marks, text.into(), &mut self.model, &mut self.rng);
                }
            }
        }
        let wants = client.links.len() < CLIENTS[number].links && client.connect_at <= now;
        if wants {
            self.connect(number)?;
        }
        Ok(())
    }

    fn connect(&mut self, number: usize) -> Check {
        let now = self.now;
        let name = station(CLIENTS[number].name);
        let known = self.model.config.stations.iter().find(|entry| entry.name == name).map(|entry| entry.window);
        let client = &mut self.clients[number];
        client.connect_at = Tick(now.0 + self.rng.random_range(200_000..3_000_000));
        let (Some(window), Some(_)) = (known, &self.process) else { return Ok(()) };
        self.last_link += 1;
        let link = self.last_link;
        let mut config = if CLIENTS[number].fox {
            Config::fox(Role::Switch, u16::try_from(link % 65_535).unwrap_or_default() + 1)
        } else {
            Config { window, ..Config::new(Role::Switch) }
        };
        config.message_bytes_max = MESSAGE_BYTES;
        let sessions = [Session::new(config, now), client.session(now)];
        self.conns.insert(link, Conn::new(number, sessions, &mut self.rng));
        client.attached(link, &mut self.rng);
        self.dirty.insert(link);
        let at = self.now();
        self.with_process(|process, model, trace| process.attach(at, LinkId(link), number, model, trace))
    }

    /// One side of a link is gone.
    fn gone(&mut self, link: u64, side: usize, why: Gone) -> Check {
        let now = self.now();
        let Some(conn) = self.conns.get_mut(&link).filter(|conn| conn.sides[side].open) else { return Ok(()) };
        self.trace.note(|| {
            format!("link {link} ends at {}: {why:?}", if side == SWITCH { "the switch" } else { "the station" })
        });
        if !matches!(why, Gone::Stalled) {
            let trace = &mut self.trace;
            conn.write(self.now, side, &mut self.rng, &mut |bytes| trace.bytes(bytes));
        }
        conn.close(self.now, side);
        let station = conn.station;
        // What the session still had to say goes to its owner before the end does.
        self.tell(link, side)?;
        if side == SWITCH {
            self.with_process(|process, model, trace| process.detach(now, LinkId(link), why, model, trace))?;
        } else {
            self.clients[station].detached(self.now, link, &mut self.rng);
        }
        if self.conns.get(&link).is_some_and(Conn::is_over) {
            self.conns.remove(&link);
        }
        Ok(())
    }

    /// Hands what a session has to say to its owner. Says why the session is over, if it is.
    fn tell(&mut self, link: u64, side: usize) -> Check<Option<Gone>> {
        loop {
            let Some(conn) = self.conns.get_mut(&link) else { return Ok(None) };
            let station = conn.station;
            let Some(event) = conn.sides[side].session.poll_event() else { return Ok(None) };
            if let session::Event::Closed { why } = event {
                return Ok(Some(Gone::Session(why)));
            }
            let now = self.now();
            self.trace.note(|| format!("link {link} {}: {event:?}", if side == SWITCH { "switch" } else { "station" }));
            if side == SWITCH {
                self.with_process(|process, model, trace| process.session(now, LinkId(link), event, model, trace))?;
            } else {
                self.clients[station].event(self.now, link, event, &mut self.model, &mut self.rng)?;
            }
        }
    }

    /// Everything that follows from what has happened, until nothing more does.
    fn settle(&mut self) -> Check {
        loop {
            if let Some(process) = &mut self.process {
                for (LinkId(link), order) in std::mem::take(&mut process.orders) {
                    self.obey_switch(link, order)?;
                }
            }
            for number in 0..self.clients.len() {
                for (link, order) in std::mem::take(&mut self.clients[number].orders) {
                    self.obey_client(link, order)?;
                }
            }
            let Some(link) = self.dirty.pop_first() else { break };
            for side in [SWITCH, STATION] {
                let Some(conn) = self.conns.get_mut(&link).filter(|conn| conn.sides[side].open) else { continue };
                conn.look(self.now, side);
                let trace = &mut self.trace;
                conn.write(self.now, side, &mut self.rng, &mut |bytes| trace.bytes(bytes));
                let (partial, output) = conn.held(side);
                ensure(partial <= 2 * MESSAGE_BYTES.max(40 << 10) && output <= 1 << 20, || {
                    format!("link {link} keeps {partial} and {output} bytes")
                })?;
                if let Some(why) = self.tell(link, side)? {
                    self.gone(link, side, why)?;
                }
            }
        }
        Ok(())
    }

    fn obey_switch(&mut self, link: u64, order: Order) -> Check {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(&link).filter(|conn| conn.sides[SWITCH].open) else { return Ok(()) };
        let side = &mut conn.sides[SWITCH];
        match order {
            Order::Send(message) => side.session.send(message),
            Order::Accept(token) => side.session.accept(token),
            Order::Refuse(token, why) => side.session.refuse(token, why),
            Order::Readiness(readiness) => side.session.set_readiness(readiness),
            Order::Pause => side.paused = true,
            Order::Resume => side.paused = false,
            Order::Close => return self.gone(link, SWITCH, Gone::Owner),
        }
        conn.look(now, SWITCH);
        self.dirty.insert(link);
        Ok(())
    }

    fn obey_client(&mut self, link: u64, order: Do) -> Check {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(&link).filter(|conn| conn.sides[STATION].open) else { return Ok(()) };
        let side = &mut conn.sides[STATION];
        match order {
            Do::Send(message) => side.session.send(message),
            Do::Accept(token) => side.session.accept(token),
            Do::Refuse(token, why) => side.session.refuse(token, why),
            Do::Readiness(readiness) => side.session.set_readiness(readiness),
            Do::Read(reads) => side.paused = !reads,
            Do::Close => return self.gone(link, STATION, Gone::Owner),
        }
        conn.look(now, STATION);
        self.dirty.insert(link);
        Ok(())
    }

    fn is_over(&self) -> bool {
        let Some(process) = &self.process else { return false };
        let clients = self.clients.iter().filter(|client| CLIENTS[client.number].name != "ZE");
        process.is_idle()
            && clients.into_iter().all(Client::is_idle)
            && process.switch.stations().all(|view| view.bytes == 0)
            && self.model.is_settled()
    }
}
