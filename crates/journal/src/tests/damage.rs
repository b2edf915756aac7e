//! Goal: no damage to stored records goes unnoticed. Method: a journal of several segments, closed or killed, is damaged in
//! one place and opened again. Either it refuses, or its report says that something was wrong and only the unfinished end
//! is missing, or every record is as it was.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::disk::SimDisk;
use super::{Kept, append, config, open};
use crate::format::{
    Prefix, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, check_record, finish_record, stored_bytes,
};
use crate::{Config, Damage, Journal, OpenError, Report, each};

pub(super) type Files = BTreeMap<String, Vec<u8>>;

const SEGMENT: u64 = 4096;

/// A journal at rest: its files, its records, and how many were stored before the last commit.
struct Case {
    files: Files,
    records: Vec<Kept>,
    before_last_commit: usize,
    closed: bool,
}

/// Three segments and a prepared one; the last commit has three records. All records are equally long.
fn at_rest(closed: bool) -> Case {
    let mut rng = Pcg64Mcg::seed_from_u64(7);
    let disk = SimDisk::new(7);
    let config = Config { segment_bytes: SEGMENT, ..config() };
    let (mut journal, _) = Journal::open(disk.clone(), config, &mut each(|_| {})).expect("opens");
    let mut records = Vec::new();
    let mut before_last_commit = 0;
    for commit in 0..16 {
        before_last_commit = records.len();
        for _ in 0..3 {
            let mut payload = vec![0; 150];
            rng.fill(payload.as_mut_slice());
            let record = Kept { kind: commit, payload };
            append(&mut journal, &record);
            records.push(record);
        }
        journal.commit().expect("commits");
        if commit == 12 {
            journal.persist_mark().expect("persists");
        }
    }
    journal.prepare().expect("prepares");
    if closed {
        journal.close().expect("closes");
    }
    let files = disk.files();
    assert_eq!(files.len(), 5, "{:?}", files.keys());
    Case { files, records, before_last_commit, closed }
}

fn reopen(files: &Files) -> Result<(Report, Vec<Kept>), OpenError> {
    let mut records = Vec::new();
    let config = Config { segment_bytes: SEGMENT, ..config() };
    let (_, report) = Journal::open(
        SimDisk::from_files(files),
        config,
        &mut each(|entry| {
            records.push(Kept { kind: entry.kind, payload: entry.payload.to_vec() });
        }),
    )?;
    Ok((report, records))
}

/// What became of a damaged journal.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Outcome {
    Refused,
    /// Opened, and the report names what was wrong.
    Reported,
    /// Opened with every record; the damage was outside live data.
    Outside,
}

impl Case {
    /// Opens a damaged copy and checks the promise.
    fn outcome(&self, files: &Files, what: &str) -> Outcome {
        match reopen(files) {
            Err(OpenError::Damaged { .. }) => Outcome::Refused,
            Err(error) => panic!("{what}: {error}"),
            Ok((report, records)) => {
                let reported = report.cut.is_some() || report.mark_slots_bad > 0 || report.discarded.is_some();
                assert!(self.records.starts_with(&records), "{what}: other records");
                if records.len() < self.records.len() {
                    assert!(!self.closed && report.cut.is_some(), "{what}: {} records, {report:?}", records.len());
                    assert!(records.len() >= self.before_last_commit, "{what}: {} records", records.len());
                }
                if reported { Outcome::Reported } else { Outcome::Outside }
            }
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    for closed in [true, false] {
        let case = at_rest(closed);
        assert_eq!(case.outcome(&case.files, "undamaged"), Outcome::Outside);
        let mut rng = Pcg64Mcg::seed_from_u64(11);
        let (mut refused, mut reported) = (0, 0);
        for (name, bytes) in &case.files {
            for at in 0..bytes.len() {
                let mut files = case.files.clone();
                let mask = 1 << rng.random_range(0..8);
                files.get_mut(name).expect("is there")[at] ^= mask;
                let what = format!("{name}, byte {at}, mask {mask}, closed {closed}");
                match case.outcome(&files, &what) {
                    Outcome::Refused => refused += 1,
                    Outcome::Reported => reported += 1,
                    // Between the mark's two slots there is nothing.
                    Outcome::Outside => assert!(name == "mark" && at % 4096 >= 128, "{what}"),
                }
            }
        }
        assert!(refused > 8000 && reported > 1000, "{refused} refused, {reported} reported");
    }
}

#[test]
fn a_thousand_random_flips_are_noticed() {
    let case = at_rest(true);
    let mut rng = Pcg64Mcg::seed_from_u64(12);
    for _ in 0..1000 {
        let mut files = case.files.clone();
        let name = format!("segment-{:010}", rng.random_range(1..4));
        let bit = rng.random_range(0..SEGMENT * 8);
        files.get_mut(&name).expect("is there")[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8);
        assert_ne!(case.outcome(&files, &format!("{name}, bit {bit}")), Outcome::Outside);
    }
}

#[test]
fn a_bad_sector_is_noticed() {
    for closed in [true, false] {
        let case = at_rest(closed);
        for number in 1..=3 {
            let name = format!("segment-{number:010}");
            for sector in 0..usize::try_from(SEGMENT).unwrap() / 512 {
                let mut files = case.files.clone();
                let bytes = &mut files.get_mut(&name).expect("is there")[sector * 512..][..512];
                if bytes.iter().all(|byte| *byte == 0) {
                    continue;
                }
                bytes.fill(0);
                assert_ne!(case.outcome(&files, &format!("{name}, sector {sector}")), Outcome::Outside);
            }
        }
    }
}

#[test]
fn a_file_of_another_length_is_noticed() {
    for closed in [true, false] {
        let case = at_rest(closed);
        for (name, bytes) in &case.files {
            for length in (0..bytes.len()).step_by(41).chain([bytes.len() - 1, bytes.len() + 1, bytes.len() * 2]) {
                let mut files = case.files.clone();
                files.get_mut(name).expect("is there").resize(length, 0);
                let outcome = case.outcome(&files, &format!("{name} cut to {length}"));
                let outside = name == "mark" && length >= 4096 + 128;
                assert!(outcome != Outcome::Outside || outside, "{name}, {length}: {outcome:?}");
            }
        }
    }
}

#[test]
fn a_missing_file_is_noticed() {
    let case = at_rest(true);
    for name in case.files.keys() {
        let mut files = case.files.clone();
        files.remove(name);
        let outcome = case.outcome(&files, name);
        let unused = name == "segment-0000000004";
        assert_eq!(outcome, if unused { Outcome::Outside } else { Outcome::Refused }, "{name}");
    }
    // A tail of files too: the seal of the last one that is left promises a next.
    for last in 1..3 {
        let mut files = case.files.clone();
        files.retain(|name, _| name == "mark" || *name <= format!("segment-{last:010}"));
        assert_eq!(case.outcome(&files, "only the first ones"), Outcome::Refused);
        // Also without a mark that has seen more.
        files.insert("mark".to_owned(), new_journal().files()["mark"].clone());
        let id = case.files["mark"][16..32].to_vec();
        set_mark_id(&mut files, &id);
        match reopen(&files) {
            Err(OpenError::Damaged { reason: Damage::Missing, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(reopen(&Files::new()).expect("a new journal").1, []);
}

#[test]
fn swapped_records_are_noticed() {
    for closed in [true, false] {
        let case = at_rest(closed);
        let places = places(&case.files);
        let mut rng = Pcg64Mcg::seed_from_u64(13);
        for _ in 0..200 {
            let (a, b) = (rng.random_range(0..places.len()), rng.random_range(0..places.len()));
            if a == b {
                continue;
            }
            let mut files = case.files.clone();
            let of = |place: &(String, usize)| case.files[&place.0][place.1..][..stored_bytes(150)].to_vec();
            for (from, to) in [(a, b), (b, a)] {
                let (name, at) = &places[to];
                files.get_mut(name).expect("is there")[*at..][..stored_bytes(150)].copy_from_slice(&of(&places[from]));
            }
            assert_eq!(case.outcome(&files, &format!("{a} and {b}")), Outcome::Refused);
        }
    }
}

#[test]
fn swapped_segments_and_foreign_ones_are_noticed() {
    let case = at_rest(true);
    let (one, two) = ("segment-0000000001", "segment-0000000002");
    let mut files = case.files.clone();
    files.insert(one.to_owned(), case.files[two].clone());
    files.insert(two.to_owned(), case.files[one].clone());
    assert_eq!(case.outcome(&files, "swapped"), Outcome::Refused);

    files = case.files;
    files.insert(one.to_owned(), new_journal().files()[one].clone());
    match reopen(&files) {
        Err(OpenError::Damaged { reason: Damage::Foreign, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_end_below_the_mark_is_refused_and_without_the_mark_it_is_not_seen() {
    // The last commit vanishes without a trace, as a disk does that forgot a write.
    let case = at_rest(true);
    let mut files = case.files.clone();
    let places = places(&case.files);
    for (name, at) in &places[case.before_last_commit..] {
        files.get_mut(name).expect("is there")[*at..][..stored_bytes(150)].fill(0);
    }
    match reopen(&files) {
        Err(OpenError::Damaged { reason: Damage::BelowMark { sequence, mark }, .. }) => {
            assert_eq!((sequence, mark), (case.before_last_commit as u64 + 1, case.records.len() as u64));
        }
        other => panic!("{other:?}"),
    }
    let killed = at_rest(false);
    // The control: with the mark of a journal that was killed, which is older, nothing is missed.
    files.insert("mark".to_owned(), killed.files["mark"].clone());
    let (report, records) = reopen(&files).expect("opens");
    assert_eq!((report.cut, records.len()), (None, case.before_last_commit));
}

#[test]
fn a_change_that_agrees_with_checksum_and_chain_is_what_they_protect_against() {
    // The control for the flips: the same damage, with checksums and chain made to agree, is served without a word. So it
    // was they that noticed; and the mark's hash notices even this where it lies.
    for (sequence, noticed) in [(44, false), (20, true)] {
        let case = at_rest(false);
        let files = forge(&case.files, sequence);
        match reopen(&files) {
            Ok((report, records)) => {
                assert!(!noticed && report.cut.is_none());
                assert_ne!(records, case.records);
                assert_eq!(records.len(), case.records.len());
            }
            Err(OpenError::Damaged { reason: Damage::NotTheMarks { .. }, .. }) => assert!(noticed),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn what_a_right_checksum_does_not_excuse_is_named() {
    let case = at_rest(true);
    let places = places(&case.files);
    let seal = places.iter().position(|place| place.0.ends_with('2')).expect("two segments") - 1;
    let (name, at) = &places[seal];
    let seal = (name.clone(), at + stored_bytes(150));
    // A changed byte of a record, and what its segment is refused for once the record's own checksum agrees again.
    let checks = [
        (&places[10], RECORD_HEADER_BYTES, Damage::Chain { sequence: 12 }),
        (&places[47], 16, Damage::Sequence { expected: 48, found: 49 }),
        (&places[47], 24, Damage::Chain { sequence: 48 }),
        (&places[47], 12, Damage::Commit { sequence: 48 }),
        (&seal, RECORD_HEADER_BYTES, Damage::Seal),
        (&places[47], 11, Damage::Seal),
    ];
    for ((name, at), byte, expected) in checks {
        let mut files = case.files.clone();
        let bytes = files.get_mut(name).expect("is there");
        let header = SegmentHeader::decode(bytes[..SEGMENT_HEADER_BYTES].try_into().expect("long")).expect("whole");
        let length = Prefix::decode(&bytes[*at..]).stored_bytes().expect("whole");
        let record = &mut bytes[*at..at + length];
        match byte {
            11 => record[11] = 0xF0,
            16 => record[16] += 1,
            _ => record[byte] ^= 0x40,
        }
        let (position, previous) = (Prefix::decode(record).position, record[24..56].try_into().expect("a hash"));
        finish_record(record, header.seed(), position, &previous);
        match reopen(&files) {
            Err(OpenError::Damaged { reason, .. }) => assert_eq!(reason, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn an_empty_segment_must_follow_from_the_one_before() {
    // Nothing is in the segment yet, so no record's link can show that it is another one.
    let change = |change: &dyn Fn(&mut SegmentHeader)| {
        let mut files = new_journal().files();
        let bytes = files.get_mut("segment-0000000001").expect("is there");
        let mut header = SegmentHeader::decode(bytes[..SEGMENT_HEADER_BYTES].try_into().expect("long")).expect("whole");
        change(&mut header);
        bytes[..SEGMENT_HEADER_BYTES].copy_from_slice(&header.encode());
        match reopen(&files) {
            Err(OpenError::Damaged { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(change(&|header| header.before = [1; 32]), Damage::NotNext);
    assert_eq!(change(&|header| header.first_sequence = 2), Damage::NotNext);
    assert_eq!(change(&|header| header.number = 2), Damage::NotNext);
    assert_eq!(change(&|header| header.id = [1; 16]), Damage::Foreign);
    assert_eq!(change(&|header| header.capacity = 8192), Damage::Length { expected: 8192, found: 4096 });
    let mut files = new_journal().files();
    files.get_mut("segment-0000000001").expect("is there")[..SEGMENT_HEADER_BYTES].fill(0);
    match reopen(&files) {
        Err(OpenError::Damaged { reason: Damage::Header, .. }) => {}
        other => panic!("the mark has seen the header: {other:?}"),
    }
}

#[test]
fn other_versions_and_keys_are_named() {
    let case = at_rest(true);
    for (at, value) in [(8, Damage::Version(9)), (12, Damage::Key(9))] {
        let mut files = case.files.clone();
        let header = files.get_mut("segment-0000000002").expect("is there");
        header[at] = 9;
        let crc = crc32c::crc32c(&header[..124]);
        header[124..128].copy_from_slice(&crc.to_le_bytes());
        match reopen(&files) {
            Err(OpenError::Damaged { reason, .. }) => assert_eq!(reason, value),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_record_hidden_in_a_payload_is_no_record() {
    // Somebody sends a message that looks like a stored record of a later commit. A crash tears it.
    let disk = SimDisk::new(5);
    let (mut journal, ..) = open(&disk).expect("opens");
    let mut hidden = Vec::new();
    crate::format::stage_record(&mut hidden, 50, 1, b"hidden");
    finish_record(&mut hidden, 0, 0, &[0; 32]);
    append(&mut journal, &Kept { kind: 1, payload: [vec![0; 600], hidden].concat() });
    journal.commit().expect("commits");
    drop(journal);
    let mut files = disk.files();
    files.get_mut("segment-0000000001").expect("is there")[SEGMENT_HEADER_BYTES + 100] ^= 1;
    let (_, report, records) = open(&SimDisk::from_files(&files)).expect("opens");
    assert!(report.cut.is_some() && records.is_empty());
}

/// A journal that was made and not used.
fn new_journal() -> SimDisk {
    let disk = SimDisk::new(8);
    drop(Journal::open(disk.clone(), Config { segment_bytes: SEGMENT, ..config() }, &mut each(|_| {})).expect("opens"));
    disk
}

/// Makes a mark one of another journal.
pub(super) fn set_mark_id(files: &mut Files, id: &[u8]) {
    let mark = files.get_mut("mark").expect("is there");
    for slot in [0, 4096] {
        mark[slot + 16..slot + 32].copy_from_slice(id);
        let crc = crc32c::crc32c(&mark[slot..slot + 124]);
        mark[slot + 124..slot + 128].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Where each record of a case lies: the file and the offset.
fn places(files: &Files) -> Vec<(String, usize)> {
    let mut places = Vec::new();
    for (name, bytes) in files.iter().filter(|(name, _)| name.starts_with("segment-")) {
        let Ok(header) = SegmentHeader::decode(bytes[..SEGMENT_HEADER_BYTES].try_into().expect("long enough")) else {
            continue;
        };
        let mut at = SEGMENT_HEADER_BYTES;
        while let Some(record) = bytes.get(at..at + stored_bytes(150)).and_then(|it| check_record(it, header.seed())) {
            assert_eq!(record.sequence, places.len() as u64 + 1);
            places.push((name.clone(), at));
            at += record.bytes.len();
        }
    }
    places
}

/// Changes a record of the last segment's commits and makes everything behind it agree, headers of segments included.
fn forge(files: &Files, sequence: usize) -> Files {
    let mut files = files.clone();
    let mut chain = None;
    for number in 1..=3 {
        let name = format!("segment-{number:010}");
        let bytes = files.get_mut(&name).expect("is there");
        let mut header = SegmentHeader::decode(bytes[..SEGMENT_HEADER_BYTES].try_into().expect("long")).expect("whole");
        let old_seed = header.seed();
        header.before = chain.unwrap_or(header.before);
        bytes[..SEGMENT_HEADER_BYTES].copy_from_slice(&header.encode());
        let mut previous = header.before;
        let mut at = SEGMENT_HEADER_BYTES;
        let whole = |bytes: &[u8], at: usize| {
            let length = Prefix::decode(bytes.get(at..at + RECORD_HEADER_BYTES)?).stored_bytes()?;
            check_record(bytes.get(at..at + length)?, old_seed).map(|_| length)
        };
        while let Some(length) = whole(bytes, at) {
            let record = &mut bytes[at..at + length];
            let (number, position) =
                check_record(record, old_seed).map(|it| (it.sequence, it.position)).expect("whole");
            if number == sequence as u64 && length == stored_bytes(150) {
                record[RECORD_HEADER_BYTES + 10] ^= 1;
            }
            previous = finish_record(record, header.seed(), position, &previous);
            at += length;
        }
        chain = Some(previous);
    }
    files
}
