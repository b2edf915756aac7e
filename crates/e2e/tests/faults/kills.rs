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
    pub(crate) station: &'static str,
    flows: [Flow; 2],
    next: u32,
    /// Validation and message, oldest first. Every validation is used once.
    waiting: Vec<(u32, Stamp)>,
    pub(crate) acked: BTreeSet<Stamp>,
    /// What it was told was given back: SM 04.
    pub(crate) returned: BTreeSet<Stamp>,
    /// How many SM it was sent.
    pub(crate) told: usize,
    window: usize,
}

impl Sender {
    pub(crate) fn new(station: &'static str, ori: &str, to: &str) -> Self {
        // Two keys of different priority: each is in order by itself.
        Self::with_keys(["AM", "SM"], station, ori, to)
    }

    /// With one key only, of which a sender is told what is given back.
    pub(crate) fn of_notes(station: &'static str, ori: &str, to: &str) -> Self {
        Self::with_keys(["AM", "AM"], station, ori, to)
    }

    fn with_keys(keys: [&'static str; 2], station: &'static str, ori: &str, to: &str) -> Self {
        let flows = keys.map(|key| (ori.to_owned(), to.to_owned(), key));
        Self {
            station,
            flows,
            next: 1,
            waiting: Vec::new(),
            acked: BTreeSet::new(),
            returned: BTreeSet::new(),
            told: 0,
            window: WINDOW,
        }
    }

    /// With those numbers, and so many messages at most that are posted and not acknowledged.
    pub(crate) fn begin_at(&mut self, number: u32, window: usize) {
        (self.next, self.window) = (number, window);
    }

    /// As a sender would that takes for acknowledged what it has sent: for controls.
    pub(crate) fn believe(&mut self) {
        self.acked.extend(self.waiting.drain(..).map(|(_, stamp)| stamp));
    }

    /// Whether all that was acknowledged for it is there, or was given back.
    pub(crate) fn is_accounted(&self, got: &Got) -> bool {
        let arrived: BTreeSet<_> = got.copies.iter().map(|(_, stamp)| stamp).collect();
        self.acked.iter().all(|stamp| arrived.contains(stamp) || self.returned.contains(stamp))
    }

    /// Sends again what waits, then new messages, until so many acks have come or the link goes.
    pub(crate) fn pour(&mut self, link: &mut Station, acks: usize) {
        let enough = self.acked.len() + acks;
        self.pour_until(link, |this| this.acked.len() >= enough);
    }

    /// The same until that is so.
    pub(crate) fn pour_until(&mut self, link: &mut Station, is_enough: impl Fn(&Self) -> bool) {
        let mut sent = 0;
        while !is_enough(self) {
            while sent < self.waiting.len().max(self.window) {
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
        self.await_acks(link);
    }

    /// Waits for the acknowledgements of what went over this link.
    pub(crate) fn await_acks(&mut self, link: &mut Station) {
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
        self.hear(link);
        replies.len()
    }

    /// Takes what the switch told it.
    pub(crate) fn hear(&mut self, link: &mut Station) {
        let told = link.arrived();
        self.told += told.iter().filter(|told| told.text.starts_with("SM.")).count();
        let given_back = told.iter().filter(|told| told.text.starts_with("SM.") && told.text.contains(".04. "));
        self.returned.extend(given_back.filter_map(|told| Stamp::of(&told.text)));
    }
}

/// What a series of kills came to.
pub(crate) struct Series {
    pub(crate) net: Net,
    pub(crate) senders: Vec<Sender>,
    pub(crate) got: Got,
}

impl Series {
    pub(crate) fn new() -> Self {
        let net = Net::new();
        // Status messages of stations need an authorization that the sample's agencies have; see the network file.
        let senders = vec![Sender::new(TERMINAL, TERMINAL, PEER), Sender::new(OTHER.0, OTHER.1, PEER)];
        Self { net, senders, got: Got::default() }
    }

    /// One life of the switch, from its start to its kill.
    pub(crate) fn live(&mut self, random: &mut impl Rng) {
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
    pub(crate) fn settle(&mut self) -> usize {
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

    /// One more life, for the marks of what came last, and an end that writes all of them.
    pub(crate) fn close(&mut self) {
        let switch = self.net.switch();
        let mut link = switch.station(STATE);
        let held = format!("orinet_held_bytes{{station=\"{STATE}\"}}");
        while switch.metrics().value(&held).is_some_and(|bytes| bytes > 0.0) {
            link.pump(Instant::now() + Duration::from_millis(50)).expect("the link stays up");
        }
        self.got.take(link.arrived());
        switch.stop();
    }

    pub(crate) fn acked(&self) -> BTreeSet<Stamp> {
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
