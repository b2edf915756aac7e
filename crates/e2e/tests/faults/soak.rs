//! A long time of usual work with a fault every while: afterwards the process is as big as it was, and has as many files open.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};

use crate::PATIENCE;
use crate::effort::{alone, efforts, figures, ms, percentile};
use crate::net::{Net, Node, STATE, TERMINAL};
use crate::process::Process;
use crate::seen::resident_kib;
use crate::station::Station;

/// Between two messages of a pair: what is measured is time, not load.
const PACE: Duration = Duration::from_millis(5);
/// How long an acknowledgement may take (`docs/reliability.md`, R13).
const ACK_WITHIN: Duration = Duration::from_secs(2);
/// Numbers of the faults before the first that counts: what they send must not be taken for the same again.
const WARM_UP: usize = 1_000_000;
/// Sender and its agency, receiver and its agency.
const PAIRS: [(&str, &str, &str, &str); 2] =
    [("ZA", "ZA0020000", "ZB", "ZB0010000"), ("SS", "ZZUSSS000", "IC", "ZZICE0100")];

/// A clock that can be stopped.
#[derive(Default)]
struct Pace {
    over: AtomicBool,
    stop: Mutex<bool>,
    stopped: Condvar,
}

impl Pace {
    /// Waits so long, or until it is over.
    fn wait(&self, time: Duration) {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.stopped.wait_timeout_while(stop, time, |stop| !*stop));
    }

    fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopped.notify_all();
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// Ends it with a test that fails, too.
struct Ended<'a>(&'a Pace);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Sends and takes one message after the other, and how long each acknowledgement took.
fn work(switch: &Node, pace: &Pace, pair: (&str, &str, &str, &str)) -> Vec<Duration> {
    let (from, ori, to, destination) = pair;
    let (mut sender, mut receiver) = (switch.station(from), switch.station(to));
    let mut times = Vec::new();
    while !pace.is_over() {
        let text = format!("SOAK {from} {:08}", times.len());
        let began = Instant::now();
        sender.send(&format!("AM.{ori}.{destination}.TXT\r\n{text}"));
        times.push(began.elapsed());
        receiver.take(&text);
        pace.wait(PACE);
    }
    times
}

/// One of the faults, which is over when this returns: links that come and go, garbage, what is no TLS, new lists and certificates,
/// messages that must be stored.
fn fault(number: usize, switch: &Node, authority: &Authority) {
    match number % 5 {
        0 => {
            let links: Vec<Station> = (0..50).map(|_| switch.station(STATE)).collect();
            drop(links);
        }
        1 => {
            for _ in 0..10 {
                let mut link = switch.station(TERMINAL);
                link.write(&[0x55; 100]).expect("the link takes bytes");
                assert!(link.is_closed_within(PATIENCE), "no block, and the link lives");
            }
        }
        2 => {
            let sockets = (0..50).map(|_| TcpStream::connect(switch.links).expect("the switch listens"));
            sockets.for_each(|mut socket| drop(socket.write_all(b"GET / HTTP/1.1\r\n\r\n")));
        }
        3 => {
            authority.refresh_revocations(Timestamp::now()).expect("a new list");
            authority.renew(StationName::parse("ZD").expect("a name"), Timestamp::now()).expect("a certificate");
        }
        _ => {
            // For a station that is away, and then is not.
            let mut link = switch.station(TERMINAL);
            for message in 0..50 {
                link.send(&format!("AM.{TERMINAL}.ZC0010000.TXT\r\nSTORED {number} {message} {}", "X".repeat(2_000)));
            }
            let mut state = switch.station(STATE);
            (0..50).for_each(|message| drop(state.take(&format!("STORED {number} {message}"))));
        }
    }
}

/// Open descriptors, but for the files of the journal: its readers keep the latest of them open, at most 16, and the more the
/// faster the machine is.
fn descriptors(process: &Process) -> usize {
    let all = fs::read_dir(format!("/proc/{}/fd", process.id())).expect("the process runs");
    // One that was closed meanwhile cannot be read.
    let names = all.filter_map(|entry| fs::read_link(entry.expect("an entry").path()).ok());
    names.filter(|name| !name.to_string_lossy().contains("/journal/")).count()
}

/// Waits until no link but those of the pairs is up, and no handshake is under way.
fn descriptors_at_rest(switch: &Node, want: Option<usize>) -> usize {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = descriptors(&switch.process);
        let others: f64 = [TERMINAL, STATE]
            .iter()
            .filter_map(|station| switch.metrics().value(&format!("orinet_links{{station=\"{station}\"}}")))
            .sum();
        if others == 0.0 && want.is_none_or(|want| now <= want) || Instant::now() > deadline {
            return now;
        }
        switch.process.listen(Duration::from_millis(50));
    }
}

/// R13.
#[test]
fn work_and_faults_for_a_long_time_leave_memory_and_descriptors_as_they_were() {
    let _machine = alone();
    let time = efforts(Duration::from_secs(9), Duration::from_secs(150), Duration::from_mins(30));
    let between = efforts(Duration::from_millis(200), Duration::from_secs(2), Duration::from_secs(10));
    let net = Net::new();
    let switch = net.switch();
    let authority = Authority::open(&net.pki(), Terms::default()).expect("the authority");
    let pace = Pace::default();
    let (mut memory, mut faults) = (Vec::new(), 0);
    let mut times = thread::scope(|scope| {
        let pairs: Vec<_> = PAIRS
            .into_iter()
            .map(|pair| {
                scope.spawn({
                    let (switch, pace) = (&switch, &pace);
                    move || work(switch, pace, pair)
                })
            })
            .collect();
        let _end = Ended(&pace);
        // Every kind once before anything is compared.
        (WARM_UP..WARM_UP + 5).for_each(|number| fault(number, &switch, &authority));
        let files = descriptors_at_rest(&switch, None);
        let began = Instant::now();
        while began.elapsed() < time {
            fault(faults, &switch, &authority);
            faults += 1;
            pace.wait(between);
            memory.push((began.elapsed(), resident_kib(&switch.process)));
        }
        // A scrape may still be there.
        let after = descriptors_at_rest(&switch, Some(files + 1));
        pace.end();
        assert!(after <= files + 1, "{files} descriptors before, {after} after {faults} faults");
        pairs.into_iter().flat_map(|pair| pair.join().expect("a pair was served")).collect::<Vec<_>>()
    });
    let slow = times.iter().filter(|time| **time > ACK_WITHIN).count();
    let p99 = percentile(&mut times, 99);
    // The middle third beside the last: what grows with time shows there, what grows once does not.
    let third = memory.len() / 3;
    let mean =
        |part: &[(Duration, u64)]| part.iter().map(|(_, kib)| *kib).sum::<u64>() as f64 / part.len().max(1) as f64;
    let (middle, last) = (mean(&memory[third..third * 2]), mean(&memory[third * 2..]));
    assert!(
        slow * efforts(100, 1_000, 1_000) <= times.len(),
        "{slow} of {} acks took longer than {ACK_WITHIN:?}",
        times.len()
    );
    // A short run is hardly past its warming up.
    assert!(last - middle < 1024.0 * efforts(16.0, 8.0, 4.0), "from {middle:.0} KiB to {last:.0} KiB");
    switch.stop();
    figures(&format!(
        "{:.0} s, {faults} faults of 5 kinds, {} messages, p99 of an ack {}, {slow} over 2 s; memory {:.1} MiB in the middle third and \
         {:.1} MiB in the last; descriptors as before",
        time.as_secs_f64(),
        times.len(),
        ms(p99),
        middle / 1024.0,
        last / 1024.0
    ));
}

/// The control: links that are held open are seen by the same count.
#[test]
fn descriptors_that_are_kept_are_counted() {
    let _machine = alone();
    let net = Net::new();
    let switch = net.switch();
    drop(switch.station(TERMINAL));
    let before = descriptors_at_rest(&switch, None);
    let kept: Vec<Station> = (0..20).map(|_| switch.station("ZA")).collect();
    // A scrape may have been open when they were counted first.
    assert!(descriptors(&switch.process) >= before + kept.len() / 2, "{before} before");
}
