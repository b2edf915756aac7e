//! What filling and asking cost: a journal of synthetic traffic is written to disk, followed into a search file, and asked.
//!
//! `cargo bench -p archive --bench search -- --messages 5000000 --dir DIR` keeps what it made in DIR and uses it again.
//! Without arguments, as in CI, it takes 20,000 messages in a directory of its own. Asking runs in a process of its own, so that
//! its memory can be told.

#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]

#[path = "../tests/it/traffic.rs"]
mod traffic;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use archive::{Archive, Budget, Query, Searcher};
use codec::name::{MessageKey, StationName};
use codec::time::Timestamp;
use journal::{Config, Journal, RealDisk, each};

struct Options {
    messages: u64,
    directory: Option<PathBuf>,
    ask: bool,
    /// Records of a transaction: a switch under little load has few at a time.
    records: u64,
}

fn options() -> Options {
    let mut options = Options { messages: 20_000, directory: None, ask: false, records: Budget::default().records };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--messages" => options.messages = arguments.next().and_then(|n| n.parse().ok()).expect("a number"),
            "--dir" => options.directory = arguments.next().map(PathBuf::from),
            "--ask" => options.ask = true,
            "--records" => options.records = arguments.next().and_then(|n| n.parse().ok()).expect("a number"),
            // Cargo's own.
            _ => {}
        }
    }
    options
}

fn main() {
    let options = options();
    let own = tempfile::tempdir().expect("a directory");
    let directory = options.directory.clone().unwrap_or_else(|| own.path().to_owned());
    if options.ask {
        return ask(&directory);
    }
    write(&directory, options.messages);
    fill(&directory, options.records);
    let this = std::env::current_exe().expect("a path");
    let status = Command::new(this).arg("--ask").arg("--dir").arg(&directory).status().expect("runs");
    assert!(status.success());
}

fn open(directory: &Path) -> Journal {
    let disk = RealDisk::open(&directory.join("journal")).expect("opens");
    Journal::open(disk, Config::default(), &mut each(|_| {})).expect("opens").0
}

/// Some five million messages at 300 a second are less than five hours; at this pace they are two weeks.
const PACE: Duration = Duration::from_millis(500);

fn write(directory: &Path, messages: u64) {
    if directory.join("journal").exists() {
        return;
    }
    let mut journal = open(directory);
    let mut traffic = traffic::Traffic::new(1, PACE, 200);
    let (began, mut written, mut bytes) = (Instant::now(), 0, 0);
    while written < messages {
        for _ in 0..2_000 {
            let record = traffic.next_record();
            written += u64::from(record.kind == 1);
            bytes += record.payload.len();
            journal.append(record.kind, &record.payload).expect("fits");
        }
        journal.commit().expect("commits");
    }
    println!("wrote {written} accepted messages, {} MB of payload, in {:.1?}", bytes >> 20, began.elapsed());
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn fill(directory: &Path, records: u64) {
    let journal = open(directory);
    let path = archive::file_in(directory);
    let mut archive = Archive::open(&path).expect("opens");
    let began = Instant::now();
    let (mut messages, mut slowest) = (0, Duration::ZERO);
    let cpu = cpu();
    loop {
        let call = Instant::now();
        let filled = archive.fill(&journal.reader(), Budget { records, ..Budget::default() }).expect("fills");
        slowest = slowest.max(call.elapsed());
        messages += filled.messages;
        if filled.behind == 0 {
            break;
        }
    }
    if messages > 0 {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
        println!(
            "filled {messages} messages in {:.1?}: {:.1} us each, {:.1} us of processor; longest call {slowest:.1?}",
            began.elapsed(),
            each(began.elapsed()),
            each(self::cpu() - cpu)
        );
    }
    let position = Searcher::open(&path).expect("opens").position().expect("reads");
    println!(
        "file: {} MB, {:.0} bytes a message of {}",
        size(&path) >> 20,
        size(&path) as f64 / position.messages as f64,
        position.messages
    );
}

/// Processor time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat
        .rsplit_once(") ")
        .map(|(_, rest)| rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum())
        .unwrap_or(0);
    Duration::from_millis(ticks * 10)
}

fn ask(directory: &Path) {
    let path = archive::file_in(directory);
    let searcher = Searcher::open(&path).expect("opens");
    let position = searcher.position().expect("reads");
    let last = position.at.expect("messages").0;
    let middle = traffic::BEGINS + (last - traffic::BEGINS) / 2;
    let hour =
        |begin: i64| Query { begin: Some(Timestamp(begin)), end: Some(Timestamp(begin + 3_600_000_000)), ..query() };
    let station = |text: &str| StationName::parse(text).ok();
    let keys = |keys: &[&str]| keys.iter().map(|key| MessageKey::parse(key).expect("a key")).collect();
    let questions = [
        ("ORI and hour", Query { from: station("ZD0030000"), ..hour(middle) }),
        ("ORI and hour, to, with key", Query { to: station("ZD0030000"), keys: keys(&["IAR"]), ..hour(middle) }),
        ("hour alone", hour(middle)),
        ("all, newest", query()),
        ("rare word", Query { find: "W00017".into(), ..query() }),
        ("number that is in one inquiry", Query { find: "000123456".into(), ..query() }),
        ("word that is not there", Query { find: "XYZZY".into(), ..query() }),
        ("common word", Query { find: "SEARCHED".into(), ..query() }),
        ("two common words", Query { find: "STOLEN VEHICLE".into(), ..query() }),
        ("two common words never together", Query { find: "LOOKOUT TECHNICIAN".into(), ..query() }),
        ("common and rare word", Query { find: "SUBJECT W00017".into(), ..query() }),
        ("common word and ORI", Query { find: "SEARCHED".into(), to: station("ZD0030000"), ..query() }),
        ("common word, ORI, key, no hit", Query { find: "SEARCHED".into(), from: station("ZD0030000"), ..query() }),
        ("common word, ORI and hour", Query { find: "SEARCHED".into(), to: station("ZD0030000"), ..hour(middle) }),
        ("common words in the first hour", Query { find: "NO RECORD".into(), ..hour(traffic::BEGINS) }),
        ("either of two", Query { find: "W00017".into(), or: "W00018".into(), ..query() }),
        ("common name", Query { name: "SMITH".into(), ..query() }),
        ("full name", Query { name: "GARCIA, MARIA".into(), ..query() }),
        ("name and station", Query { name: "SMITH".into(), visible_to: station("ZE"), ..query() }),
        ("a thousand hits", Query { find: "SEARCHED".into(), limit: 1_000, ..query() }),
    ];
    println!("{} messages; each question three times, then with nothing of the file in memory", position.messages);
    for (what, query) in &questions {
        let mut times = Vec::new();
        let mut hits = 0;
        let mut more = false;
        for _ in 0..3 {
            let began = Instant::now();
            let page = searcher.search(query).expect("answers");
            times.push(began.elapsed());
            (hits, more) = (page.hits.len(), page.more.is_some());
        }
        let [first, _, third] = times[..] else { unreachable!("three times") };
        let mut cold = [0; 3].map(|_| {
            forget(&path);
            let began = Instant::now();
            let page = Searcher::open(&path).and_then(|searcher| searcher.search(query)).expect("answers");
            assert_eq!(page.hits.len(), hits);
            began.elapsed()
        });
        cold.sort_unstable();
        let plus = if more { "+" } else { " " };
        println!(
            "{what:34} {hits:>5}{plus} hits  first {:>8.2} ms  third {:>8.2} ms  cold {:>8.2} ms",
            millis(first),
            millis(third),
            millis(cold[1])
        );
    }
    let began = Instant::now();
    let found = searcher.find(switch_core::Msn(position.messages / 3)).expect("answers");
    println!("{:34} {:>5}  hits  first {:>8.2} ms", "number", usize::from(found.is_some()), millis(began.elapsed()));
    let (mut pages, mut count, began) = (0, 0, Instant::now());
    let mut walk = Query { find: "STOLEN".into(), limit: 200, ..query() };
    while pages < 200 {
        let page = searcher.search(&walk).expect("answers");
        (pages, count, walk.after) = (pages + 1, count + page.hits.len(), page.more);
        if page.more.is_none() {
            break;
        }
    }
    println!("{count} hits on {pages} pages in {:.1?}", began.elapsed());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: not known");
    println!("asking process, peak memory: {}", peak.trim_start_matches("VmHWM:").trim());
}

/// Makes the system forget what it has of the file in memory.
fn forget(path: &Path) {
    let file = std::fs::File::open(path).expect("opens");
    file.sync_all().expect("syncs");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("forgets");
}

fn query() -> Query {
    Query { patience: Duration::from_secs(60), ..Query::default() }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
