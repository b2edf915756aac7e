//! The switch is killed in the middle of its work, again and again, with senders and receivers at it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use codec::block::{Function, Status};
use rand::{Rng, RngExt as _};
use rustix::process::Signal;

use crate::PATIENCE;
use crate::effort::{chance, effort, figures, shared};
use crate::judge::{Flow, Got, Stamp, judge};
use crate::net::{Net, PEER, STATE, TERMINAL};
use crate::station::{Acknowledges, Pumped, Station};

/// Messages posted and not acknowledged, at most.
const WINDOW: usize = 64;
/// A state's line that sends too, under one of its agencies.
const OTHER: (&str, &str) = ("ZA", "ZA0020000");

/// One that sends, and sends again what was not acknowledged.
pub(crate) struct Sender {
    station: &'static str,
    flows: [Flow; 2],
    next: u32,
    /// Validation and message, oldest first. Every validation is used once.
    waiting: Vec<(u32, Stamp)>,
    pub(crate) acked: BTreeSet<Stamp>,
}

impl Sender {
    pub(crate) fn new(station: &'static str, ori: &str, to: &str) -> Self {
        // Two keys of different priority: each is in order by itself.
        let flows = ["AM", "SM"].map(|key| (ori.to_owned(), to.to_owned(), key));
        Self { station, flows, next: 1, waiting: Vec::new(), acked: BTreeSet::new() }
    }

    /// Sends again what waits, then new messages, until so many acks have come or the link goes.
    pub(crate) fn pour(&mut self, link: &mut Station, acks: usize) {
        let (mut sent, before) = (0, self.acked.len());
        while self.acked.len() < before + acks {
            while sent < self.waiting.len().max(WINDOW) {
                if sent == self.waiting.len() {
                    let flow = self.flows[usize::from(self.next.is_multiple_of(5))].clone();
                    self.waiting.push((self.next, Stamp { flow, number: self.next }));
                    self.next += 1;
                }
                let (validation, stamp) = &self.waiting[sent];
                if link.post_as(*validation, &stamp.text()).is_err() {
                    return;
                }
                sent += 1;
            }
            if link.pump(Instant::now() + PATIENCE).is_err() {
                return;
            }
            sent -= self.collect(link);
        }
    }

    /// Sends again what waits, and waits for all of it.
    pub(crate) fn finish(&mut self, link: &mut Station) {
        for (validation, stamp) in &self.waiting {
            link.post_as(*validation, &stamp.text()).expect("the link takes a message");
        }
        while !self.waiting.is_empty() {
            link.pump(Instant::now() + PATIENCE).expect("the link stays up");
            self.collect(link);
        }
    }

    /// What came before the link went counts as well.
    pub(crate) fn drain(&mut self, link: &mut Station) {
        while link.pump(Instant::now() + PATIENCE) == Ok(Pumped::Block) {}
        self.collect(link);
    }

    /// How many acks came.
    fn collect(&mut self, link: &mut Station) -> usize {
        let replies = link.take_replies();
        for reply in &replies {
            assert_eq!(
                (reply.function(), reply.status()),
                (Function::Ack, Status::OK),
                "plain load is not turned away"
            );
            let place = self.waiting.iter().position(|(validation, _)| *validation == reply.validation());
            self.acked.insert(self.waiting.remove(place.expect("an ack of what was sent")).1);
        }
        // What the switch tells the sender is not looked at here, and would only pile up.
        drop(link.arrived());
        replies.len()
    }
}

/// What a series of kills came to.
struct Series {
    net: Net,
    senders: Vec<Sender>,
    got: Got,
}

impl Series {
    fn new() -> Self {
        let net = Net::new();
        // Status messages of stations need an authorization that the sample's agencies have; see the network file.
        let senders = vec![Sender::new(TERMINAL, TERMINAL, PEER), Sender::new(OTHER.0, OTHER.1, PEER)];
        Self { net, senders, got: Got::default() }
    }

    /// One life of the switch, from its start to its kill.
    fn live(&mut self, random: &mut impl Rng) {
        if random.random_ratio(1, 10) {
            // While it starts.
            let process = crate::process::Process::start(&mut self.net.command());
            process.listen(Duration::from_millis(random.random_range(1..60)));
            process.signal(Signal::KILL);
            process.end(PATIENCE);
            return;
        }
        let switch = self.net.switch();
        let receives = random.random_ratio(1, 2).then(|| random.random_range(0..100));
        let acks = random.random_range(1..120);
        let (got, killer) = (&mut self.got, AtomicUsize::new(self.senders.len()));
        thread::scope(|scope| {
            let receiver = receives.map(|copies| {
                let mut link = switch.try_station(STATE).expect("a link");
                scope.spawn(move || {
                    receive(&mut link, copies);
                    link
                })
            });
            for sender in &mut self.senders {
                let (switch, killer) = (&switch, &killer);
                scope.spawn(move || {
                    let mut link = switch.try_station(sender.station).expect("a link");
                    sender.pour(&mut link, acks);
                    // The last to come so far turns the switch off; the others are in the middle of something or done.
                    if killer.fetch_sub(1, Ordering::Relaxed) == 1 {
                        switch.process.signal(Signal::KILL);
                    }
                    sender.drain(&mut link);
                });
            }
            if let Some(receiver) = receiver {
                let mut link: Station = receiver.join().expect("the receiver got on");
                got.take(link.arrived());
            }
        });
        switch.process.end(PATIENCE);
    }

    /// A last life in which everything arrives.
    fn settle(&mut self) -> usize {
        let switch = self.net.switch();
        for sender in &mut self.senders {
            sender.finish(&mut switch.station(sender.station));
        }
        let acked: usize = self.senders.iter().map(|sender| sender.acked.len()).sum();
        let mut link = switch.station(STATE);
        // Up to what is there: if anything is missing, nothing more comes.
        let mut quiet = 0;
        while quiet < 2 {
            quiet = match link.pump(Instant::now() + Duration::from_secs(3)).expect("the link stays up") {
                Pumped::Block => 0,
                Pumped::Nothing => quiet + 1,
            };
            if quiet == 0 && link.messages.len() + self.got.copies.len() >= acked {
                self.got.take(link.arrived());
                if self.got.distinct() >= acked {
                    break;
                }
            }
        }
        self.got.take(link.arrived());
        switch.kill();
        acked
    }

    fn acked(&self) -> BTreeSet<Stamp> {
        self.senders.iter().flat_map(|sender| sender.acked.iter().cloned()).collect()
    }
}

/// Takes and acknowledges, but after so many copies says nothing more: they came and were not acknowledged when the end came.
fn receive(link: &mut Station, copies: usize) {
    while link.pump(Instant::now() + PATIENCE) == Ok(Pumped::Block) {
        if link.messages.len() >= copies {
            link.acknowledges = Acknowledges::Nothing;
        }
    }
}

#[test]
fn two_hundred_kills_lose_nothing_admit_nothing_twice_and_keep_the_order() {
    let _machine = shared();
    let kills: u32 = effort(200, 1_000);
    let (left, totals) = (AtomicU32::new(kills), [const { AtomicUsize::new(0) }; 2]);
    let seeds = chance("kills").random::<[u64; 2]>();
    let began = Instant::now();
    thread::scope(|scope| {
        for seed in seeds {
            let (left, totals) = (&left, &totals);
            scope.spawn(move || {
                let mut random: rand_pcg::Pcg64 = rand::SeedableRng::seed_from_u64(seed);
                let mut series = Series::new();
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    series.live(&mut random);
                }
                series.settle();
                let (acked, verdict) = (series.acked(), judge(&series.acked(), &series.got));
                assert!(verdict.is_good(), "of {} acknowledged: {verdict:?}", acked.len());
                assert!(!acked.is_empty() && verdict.repeated > 0, "nothing was under way at any kill: {verdict:?}");
                totals[0].fetch_add(acked.len(), Ordering::Relaxed);
                totals[1].fetch_add(verdict.repeated, Ordering::Relaxed);
            });
        }
    });
    let [acked, repeated] = totals.map(AtomicUsize::into_inner);
    figures(&format!(
        "{kills} kills, {acked} messages acknowledged, 0 lost, 0 admitted twice, 0 out of order, {repeated} sent again under \
         their number, in {:.0} s",
        began.elapsed().as_secs_f64()
    ));
}

/// The control: a disk that forgets what was acknowledged since the start is found by the same judgement.
#[test]
fn a_journal_that_is_set_back_after_a_kill_is_found_by_the_same_judgement() {
    let _machine = shared();
    let mut random = chance("set back");
    let mut series = Series::new();
    series.live(&mut random);
    let (data, kept) = (series.net.path("data"), series.net.path("kept"));
    if !data.exists() {
        // It was killed before it made one.
        series.net.switch().kill();
    }
    copy(&data, &kept);
    let mut before = series.acked().len();
    while series.acked().len() == before {
        before = series.acked().len();
        series.live(&mut random);
    }
    fs::remove_dir_all(&data).expect("the data goes");
    fs::rename(&kept, &data).expect("the old data comes back");
    series.settle();
    let verdict = judge(&series.acked(), &series.got);
    assert!(verdict.lost > 0, "acknowledged messages were taken away and not missed: {verdict:?}");
    figures(&format!(
        "{} messages taken away with the journal's end, {} missed",
        series.acked().len() - before,
        verdict.lost
    ));
}

/// The files of a directory and of those in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a directory is made");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("a file is copied");
        }
    }
}
