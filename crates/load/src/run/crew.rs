//! The threads of a run and the one that waits for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use codec::name::{Ori, StationName};
use codec::time::Stamp;
use jiff::Timestamp;
use link::tls::{ClientFiles, client_config};
use mio::{Poll, Waker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use session::Role as SessionRole;

use super::{Progress, RunError};
use crate::collect::Collector;
use crate::control::RunTag;
use crate::io::order::{Door, Group, Order, Report, Shared, Work};
use crate::io::worker::{LinkPlan, Role, StationPlan, Worker, WorkerPlan};
use crate::matcher::Matcher;
use crate::message::{Composer, Replies};
use crate::meter::{Counts, Latencies};
use crate::plan::{Plan, Shape};
use crate::rate::{RateCurve, Spacing};

/// The threads, and what they have told.
pub(super) struct Crew<'a> {
    plan: &'a Plan,
    shared: Arc<Shared>,
    doors: Vec<Door>,
    reports: mpsc::Receiver<Report>,
    threads: Vec<thread::JoinHandle<()>>,
    stop: &'a AtomicBool,
    observe: &'a mut dyn FnMut(Progress<'_>),
    pub(super) collector: Collector,
    pub(super) troubles: Vec<String>,
    windows: Vec<Latencies>,
    finished: Vec<Latencies>,
    /// Links that should be up.
    wanted: usize,
}

/// Troubles that a report tells in words.
const TROUBLES_MAX: usize = 20;

/// How often the waiting thread looks whether it is told to stop.
const LOOK: Duration = Duration::from_millis(100);

/// How long threads may take to close their links.
const FINISH_MAX: Duration = Duration::from_secs(20);

impl<'a> Crew<'a> {
    /// Starts the threads. No link is called yet.
    pub(super) fn start(
        plan: &'a Plan,
        stop: &'a AtomicBool,
        observe: &'a mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, RunError> {
        allow_files(plan.links + plan.idle);
        let stations = stations(plan)?;
        let today = Stamp::at(codec::time::Timestamp(Timestamp::now().as_microsecond()), 0).date();
        let shared = Arc::new(shared(plan));
        let (tell, reports) = mpsc::channel();
        let mut polls = Vec::new();
        let mut doors = Vec::new();
        for _ in 0..plan.threads {
            let poll = Poll::new()?;
            let waker = Arc::new(Waker::new(poll.registry(), Worker::waker())?);
            let (orders, ordered) = mpsc::channel();
            doors.push(Door { orders, waker });
            polls.push((poll, ordered));
        }
        let mut threads = Vec::new();
        for (shard, (poll, ordered)) in polls.into_iter().enumerate() {
            let seed = plan.seed.wrapping_mul(31).wrapping_add(shard as u64);
            let worker = WorkerPlan {
                shard,
                links: links(plan, shard),
                stations: stations.clone(),
                senders: plan.mix.senders.len(),
                our_oris: our_oris(plan),
                composer: Composer::new(&plan.mix, seed, today)?,
                replies: plan.mix.receivers.iter().map(|one| Replies::new(&one.answers, seed)).collect(),
                kinds: plan.mix.kinds.len(),
                timeout: plan.timeout,
                connecting_max: (plan.connecting_max / plan.threads).max(1),
                call_spacing: plan.connect_rate.map_or(Duration::ZERO, |rate| {
                    Duration::try_from_secs_f64(plan.threads as f64 / rate).unwrap_or(Duration::ZERO)
                }),
                seed,
            };
            let worker = Worker::new(worker, Arc::clone(&shared), poll, ordered, tell.clone(), doors.clone())?;
            threads.push(thread::Builder::new().name(format!("load-{shard}")).spawn(move || worker.run())?);
        }
        let collector = Collector::new(plan.threads, shared.interval, &plan.watch);
        let (troubles, windows, finished) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            plan,
            shared,
            doors,
            reports,
            threads,
            stop,
            observe,
            collector,
            troubles,
            windows,
            finished,
            wanted: 0,
        })
    }

    /// Brings links up and waits for them.
    pub(super) fn attach(&mut self, group: Group) -> Result<(), RunError> {
        let more = match group {
            Group::Senders => self.plan.links + self.plan.idle,
            Group::Receivers => self.plan.mix.receivers.iter().map(|receiver| receiver.links).sum(),
        };
        if more == 0 {
            return Ok(());
        }
        self.wanted += more;
        let wanted = self.wanted;
        self.tell_all(|| Order::Attach(group));
        let until = self.now() + self.plan.connect;
        self.pump("connecting", until, |crew| crew.links() >= wanted)?;
        let up = self.links();
        if up < wanted && !self.is_stopped() {
            let why = self.troubles.first().map_or(String::new(), |trouble| format!(": {trouble}"));
            return Err(RunError::Links { up, wanted, within: self.plan.connect, why });
        }
        Ok(())
    }

    fn links(&self) -> usize {
        self.collector.series.last().map_or(0, |point| point.links)
    }

    /// Has every thread send its part of a load.
    pub(super) fn open(&mut self, from: Duration, curve: &RateCurve, spacing: Spacing, seed: u64) {
        let part = curve.scaled(1.0 / self.plan.threads as f64);
        self.collector.set_curve(Some((from, curve.clone())));
        self.tell_each(|at| {
            let seed = seed.wrapping_mul(1009).wrapping_add(at as u64);
            Order::Work(Work::Open { curve: part.clone(), spacing, seed, from })
        });
    }

    pub(super) fn tell_all(&self, order: impl Fn() -> Order) {
        self.tell_each(|_| order());
    }

    pub(super) fn tell_each(&self, order: impl Fn(usize) -> Order) {
        self.doors.iter().enumerate().for_each(|(at, door)| door.tell(order(at)));
    }

    pub(super) fn now(&self) -> Duration {
        self.shared.now()
    }

    pub(super) fn tag(&self) -> &str {
        self.shared.run.as_str()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The first border of an interval after now and a while.
    pub(super) fn next_border(&self, wait: Duration) -> Duration {
        self.collector.border_after(self.now() + wait)
    }

    pub(super) fn border_after(&self, time: Duration) -> Duration {
        self.collector.border_after(time)
    }

    /// Waits until a time of the run.
    pub(super) fn wait_until(&mut self, phase: &'static str, time: Duration) -> Result<(), RunError> {
        self.pump(phase, time, |_| false)
    }

    /// Waits until the counters are as they should be, at most until a time.
    pub(super) fn wait_for(
        &mut self,
        phase: &'static str,
        until: Duration,
        done: impl Fn(&Counts) -> bool,
    ) -> Result<(), RunError> {
        self.pump(phase, until, |crew| done(&crew.collector.all))
    }

    /// Waits until nothing is waited for, at most so long.
    pub(super) fn settle(&mut self, phase: &'static str, within: Duration) -> Result<(), RunError> {
        let began = self.now();
        let until = began.saturating_add(within);
        // The interval that was under way when sending ended says nothing yet.
        let after = (began + self.shared.interval).as_secs_f64();
        self.pump(phase, until, |crew| {
            crew.collector.series.last().is_some_and(|point| point.at >= after && point.waiting == 0)
        })
    }

    /// What came of the window, over all threads.
    pub(super) fn take_window(&mut self) -> Result<Latencies, RunError> {
        self.windows.clear();
        self.tell_all(|| Order::TakeWindow);
        let until = self.now() + FINISH_MAX;
        self.pump_always("settling", until, |crew| crew.windows.len() >= crew.plan.threads)?;
        Ok(sum(self.plan, &self.windows))
    }

    /// Ends the threads and gives what came of the last window.
    pub(super) fn finish(&mut self) -> Result<Latencies, RunError> {
        self.tell_all(|| Order::Finish);
        let until = self.now() + FINISH_MAX;
        self.pump_always("ending", until, |crew| crew.finished.len() >= crew.plan.threads)?;
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| RunError::Thread)?;
        }
        self.collector.take_rest();
        Ok(sum(self.plan, &self.finished))
    }

    /// Takes reports until something is so, a time has come or the run is stopped.
    fn pump(&mut self, phase: &'static str, until: Duration, done: impl Fn(&Self) -> bool) -> Result<(), RunError> {
        self.pump_always(phase, until, |crew| crew.is_stopped() || done(crew))
    }

    fn pump_always(
        &mut self,
        phase: &'static str,
        until: Duration,
        done: impl Fn(&Self) -> bool,
    ) -> Result<(), RunError> {
        loop {
            let now = self.now();
            if done(self) || now >= until {
                return Ok(());
            }
            match self.reports.recv_timeout((until - now).min(LOOK)) {
                Ok(report) => self.take(phase, report)?,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(RunError::Thread),
            }
        }
    }

    fn take(&mut self, phase: &'static str, report: Report) -> Result<(), RunError> {
        match report {
            Report::Interval { index, interval } => {
                if self.collector.take(index, &interval)
                    && let Some(point) = self.collector.series.last()
                {
                    (self.observe)(Progress { phase, point });
                }
            }
            Report::Window(latencies) => self.windows.push(*latencies),
            Report::Finished(latencies) => self.finished.push(*latencies),
            Report::Link { station, why } => {
                if self.troubles.len() < TROUBLES_MAX {
                    self.troubles.push(format!("{station}: {why}"));
                }
            }
            Report::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }
}

fn sum(plan: &Plan, parts: &[Latencies]) -> Latencies {
    let mut all = Latencies::new(plan.mix.kinds.len());
    parts.iter().for_each(|part| all.merge(part));
    all
}

fn shared(plan: &Plan) -> Shared {
    let backlog = if let Shape::Recovery { backlog, .. } = plan.shape { backlog } else { 0 };
    let room = plan.in_flight_max.saturating_add(usize::try_from(backlog).unwrap_or(usize::MAX));
    let now = Timestamp::now().as_millisecond().unsigned_abs();
    let mut session = session::Config::new(SessionRole::Station);
    // What is due is sent: an open load knows no window. TCP holds it back if the switch reads nothing.
    session.window = u16::MAX;
    session.ack_wait = plan.resend_after.unwrap_or(NEVER);
    Shared {
        start: Instant::now(),
        tables: (0..plan.threads).map(|_| Mutex::new(Matcher::new(room.div_ceil(plan.threads)))).collect(),
        run: RunTag::of(now / 100),
        server_name: plan.server_name.clone(),
        session,
        interval: plan.shape.interval(),
    }
}

/// Longer than any run.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Every station of the mix with its certificate, in the order in which [`links`] counts them.
fn stations(plan: &Plan) -> Result<Vec<StationPlan>, RunError> {
    let now = Timestamp::now();
    let station = |name: StationName| {
        let tls = client_config(&ClientFiles::in_directory(&plan.pki, name), now)?;
        Ok(StationPlan { name: name.to_string(), address: plan.address, tls })
    };
    plan.mix.stations().into_iter().map(station).collect()
}

/// The links of one thread: each kind is divided evenly among the threads, and those that send among the senders.
fn links(plan: &Plan, shard: usize) -> Vec<LinkPlan> {
    let stations = plan.mix.stations();
    let place = |name: StationName| stations.iter().position(|one| *one == name).unwrap_or(0);
    let senders = &plan.mix.senders;
    let sending = (0..plan.links).map(|at| (Role::Sender(at % senders.len()), senders[at % senders.len()].station));
    let idle = (0..plan.idle).map(|at| (Role::Idle, senders[at % senders.len()].station));
    let receivers = plan.mix.receivers.iter().enumerate();
    let receiving = receivers.flat_map(|(at, one)| std::iter::repeat_n((Role::Receiver(at), one.station), one.links));
    let mut links = Vec::new();
    // Each part begins with another thread's turn, so that a few links of each do not all come to the first thread.
    for (first, part) in [(0, sending.collect::<Vec<_>>()), (0, idle.collect()), (plan.links, receiving.collect())] {
        let mine = part.into_iter().enumerate().filter(|(at, _)| (first + at) % plan.threads == shard);
        links.extend(mine.map(|(_, (role, station))| LinkPlan { role, station: place(station) }));
    }
    links
}

fn our_oris(plan: &Plan) -> Vec<Ori> {
    plan.mix.senders.iter().flat_map(|sender| sender.oris.iter().copied()).collect()
}

/// Asks the system for as many files as the links need, as far as it allows.
fn allow_files(links: usize) {
    let limits = getrlimit(Resource::Nofile);
    let wanted = links as u64 + 256;
    if limits.current.is_some_and(|current| current < wanted) {
        let current = limits.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        // Without it links fail, and say why.
        setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limits.maximum }).unwrap_or_default();
    }
}
