//! Reading in order, and waiting for more.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::disk::{Faults, SimDisk};
use super::{Kept, append, checkpoint, open, random_record, restore};
use crate::{Journal, ReadError, Scan};

fn more(rng: &mut Pcg64Mcg, journal: &mut Journal<SimDisk>, line: &mut Vec<Kept>) {
    for _ in 0..rng.random_range(1..12) {
        let record = random_record(rng);
        append(journal, &record);
        line.push(record);
    }
    journal.commit().expect("commits");
}

fn take(scan: &mut Scan<SimDisk>, bytes_max: usize, seen: &mut Vec<Kept>) -> u64 {
    let first = scan.next_sequence();
    let mut expected = first;
    let count = scan.next_records(bytes_max, &mut |entry| {
        assert_eq!(entry.sequence, expected);
        expected += 1;
        seen.push(Kept { kind: entry.kind, payload: entry.payload.to_vec() });
    });
    assert_eq!(scan.next_sequence(), expected);
    assert_eq!(count.as_ref().ok(), Some(&(expected - first)), "{count:?}");
    expected - first
}

#[test]
fn a_scan_follows_the_log_while_it_grows() {
    let disk = SimDisk::new(1);
    let (mut journal, ..) = open(&disk).expect("opens");
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let (mut line, mut seen) = (Vec::new(), Vec::new());
    let mut scan = journal.reader().scan(1);
    assert_eq!(take(&mut scan, 1, &mut seen), 0, "nothing is stored yet");
    for _ in 0..80 {
        more(&mut rng, &mut journal, &mut line);
        // Sometimes it falls behind.
        for _ in 0..rng.random_range(0..3) {
            take(&mut scan, rng.random_range(0..4000), &mut seen);
            assert!(line.starts_with(&seen));
        }
    }
    while take(&mut scan, 100_000, &mut seen) > 0 {}
    assert_eq!(seen, line);
    assert_eq!(scan.hash(), journal.reader().head().hash);
    assert!(journal.reader().segments().len() > 10);
}

#[test]
fn a_scan_begins_at_any_record_also_of_a_log_that_was_not_read() {
    let disk = SimDisk::new(2);
    let (mut journal, ..) = open(&disk).expect("opens");
    let mut rng = Pcg64Mcg::seed_from_u64(2);
    let mut line = Vec::new();
    while line.len() < 150 {
        more(&mut rng, &mut journal, &mut line);
    }
    checkpoint(&journal.reader(), &line, 140).expect("is made");
    drop(journal);
    let (journal, ..) = restore(&disk).expect("opens");
    for from in 1..=line.len() {
        let mut scan = journal.reader().scan(from as u64);
        let mut seen = Vec::new();
        while take(&mut scan, 3000, &mut seen) > 0 {}
        assert_eq!(seen, line[from - 1..]);
        assert_eq!(scan.hash(), journal.reader().head().hash);
    }
    let mut scan = journal.reader().scan(line.len() as u64 + 5);
    assert_eq!(scan.next_records(1, &mut |_| {}).expect("nothing"), 0);
}

#[test]
fn a_scan_serves_no_damage_and_goes_on_when_the_disk_does() {
    let disk = SimDisk::new(3);
    let (mut journal, ..) = open(&disk).expect("opens");
    let record = Kept { kind: 1, payload: vec![9; 200] };
    (0..100).for_each(|_| append(&mut journal, &record));
    journal.commit().expect("commits");
    let mut scan = journal.reader().scan(1);
    let mut seen = Vec::new();
    take(&mut scan, 1000, &mut seen);
    disk.set_faults(Faults { read_fails: 1.0, ..Faults::default() });
    // What it holds in memory it may still give.
    while let Ok(1..) = scan.next_records(1000, &mut |_| seen.push(record.clone())) {}
    assert!(matches!(scan.next_records(1000, &mut |_| {}), Err(ReadError::Disk(_))));
    disk.set_faults(Faults::default());
    while take(&mut scan, 1000, &mut seen) > 0 {}
    assert_eq!(seen.len(), 100);

    // Record 50 is in the second of segments of 31; each bit of it, its length and its seal's link included, is checked.
    let segments = journal.reader().segments();
    assert_eq!((segments[1].first_sequence, segments[1].last_sequence), (32, Some(62)));
    let at = 128 + 18 * 256;
    for byte in (at..at + 256).chain([128 + 31 * 256 + 30, 128 + 31 * 256 + 60]) {
        let mut files = disk.files();
        let broken = files.get_mut("segment-0000000002").expect("is there");
        broken[byte] ^= 4;
        let damaged = SimDisk::from_files(&disk.files());
        let (journal, ..) = open(&damaged).expect("opens");
        let file = crate::disk::Disk::open(&damaged, "segment-0000000002").expect("opens");
        crate::disk::write_all_at(&file, &files["segment-0000000002"], 0).expect("writes");
        let mut scan = journal.reader().scan(1);
        let mut count = 0;
        let ended = loop {
            match scan.next_records(1 << 20, &mut |_| count += 1) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        let expected = if byte < at + 256 { 49 } else { 62 };
        assert!(matches!(ended, Err(ReadError::Damaged { .. })), "byte {byte}");
        assert_eq!(count, expected, "byte {byte}");
    }
}

#[test]
fn waiting_ends_with_the_next_stored_record_or_with_the_time() {
    let disk = SimDisk::new(4);
    let (mut journal, ..) = open(&disk).expect("opens");
    let reader = journal.reader();
    let began = Instant::now();
    assert_eq!(reader.wait_stored(0, Duration::from_millis(20)), 0);
    assert!(began.elapsed() >= Duration::from_millis(20));
    let waiting = std::thread::spawn(move || reader.wait_stored(0, Duration::from_secs(60)));
    append(&mut journal, &Kept { kind: 1, payload: vec![1] });
    journal.commit().expect("commits");
    assert_eq!(waiting.join().expect("ends"), 1);
    assert_eq!(journal.reader().wait_stored(0, Duration::from_secs(60)), 1, "at once");
}
