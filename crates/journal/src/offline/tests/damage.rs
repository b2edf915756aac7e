//! Goal: no damage goes unnoticed, in a closed journal and in a killed one. Method: one thing is damaged, and the journal is
//! checked. Either something is found, or the damage is in bytes that mean nothing: between the two slots of the mark.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::super::files::Memory;
use super::super::finding::Problem;
use super::forge::{Lies, take_apart};
use super::{SEGMENT_BYTES, files, open, payload, verified, write_files};
use crate::error::Damage;
use crate::format::{MARK_SLOT_BYTES, MARK_SLOT_OFFSETS};
use crate::{Config, Journal, RealDisk, each};

/// Six segments and a prepared one; the mark covers all but the last two commits unless it was closed.
fn at_rest(closed: bool) -> Memory {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = open(directory.path());
    let mut rng = Pcg64Mcg::seed_from_u64(31);
    while journal.reader().head().segment < 6 {
        commit(&mut journal, &mut rng);
    }
    commit(&mut journal, &mut rng);
    journal.persist_mark().expect("persists");
    commit(&mut journal, &mut rng);
    // Over several sectors, so that it can be torn.
    for _ in 0..3 {
        journal.append(6, &[rng.random(); 300]).expect("appends");
    }
    journal.commit().expect("commits");
    journal.prepare().expect("prepares");
    if closed {
        journal.close().expect("closes");
    } else {
        drop(journal);
    }
    let files = files(directory.path());
    assert_eq!(files.len(), 8, "{:?}", files.keys());
    files
}

fn commit(journal: &mut Journal<RealDisk>, rng: &mut Pcg64Mcg) {
    for _ in 0..rng.random_range(1..=3) {
        journal.append(5, &payload(rng, 200)).expect("appends");
    }
    journal.commit().expect("commits");
}

/// Where nothing is stored: every other byte of every file is part of something that is checked.
fn means_nothing(file: &str, at: usize) -> bool {
    let slot = |offset: u64| (offset..offset + MARK_SLOT_BYTES as u64).contains(&(at as u64));
    file == "mark" && !MARK_SLOT_OFFSETS.into_iter().any(slot)
}

#[derive(Debug, Default)]
struct Counts {
    damage: u32,
    as_after_a_crash: u32,
    outside: u32,
}

impl Counts {
    /// Checks damaged files and counts how it was noticed.
    fn check(&mut self, files: &Memory, what: &str) -> bool {
        let seen = verified(files, None);
        match (seen.is_whole(), seen.findings.is_empty()) {
            (false, _) => self.damage += 1,
            (true, false) => self.as_after_a_crash += 1,
            (true, true) => self.outside += 1,
        }
        assert!(seen.findings.iter().all(|it| !it.problem.is_about_statements()), "{what}");
        !seen.findings.is_empty()
    }

    #[expect(clippy::print_stderr, reason = "counts are shown with --nocapture")]
    fn show(&self, what: &str) {
        eprintln!("{what}: {self:?}");
    }
}

#[test]
fn a_thousand_flipped_bits_are_found_or_in_bytes_that_mean_nothing() {
    let seed = super::seed(32);
    for closed in [true, false] {
        let genuine = at_rest(closed);
        assert_eq!(verified(&genuine, None).findings, []);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let names: Vec<&String> = genuine.keys().collect();
        let mut counts = Counts::default();
        for _ in 0..1000 {
            let name = names[rng.random_range(0..names.len())];
            let mut files = genuine.clone();
            let bytes = files.get_mut(name).expect("is there");
            let (at, bit) = (rng.random_range(0..bytes.len()), rng.random_range(0..8));
            bytes[at] ^= 1 << bit;
            let what = format!("SEED={seed} {name}, byte {at}, bit {bit}, closed {closed}");
            let noticed = counts.check(&files, &what);
            assert_eq!(noticed, !means_nothing(name, at), "{what}");
        }
        assert!(counts.damage > 600 && counts.outside < 200, "{counts:?}");
        counts.show(if closed { "bit flips, closed" } else { "bit flips, killed" });
    }
}

#[test]
fn two_hundred_cut_files_are_found() {
    let seed = super::seed(33);
    for closed in [true, false] {
        let genuine = at_rest(closed);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let names: Vec<&String> = genuine.keys().collect();
        let mut counts = Counts::default();
        for _ in 0..200 {
            let name = names[rng.random_range(0..names.len())];
            let mut files = genuine.clone();
            let bytes = files.get_mut(name).expect("is there");
            let length = rng.random_range(0..bytes.len());
            bytes.truncate(length);
            let what = format!("SEED={seed} {name} cut to {length}, closed {closed}");
            let noticed = counts.check(&files, &what);
            // Behind the second slot the mark's file has nothing to lose; nor has a prepared segment that is cut to a length
            // that a start takes for one.
            let outside = name == "mark" && length as u64 >= MARK_SLOT_OFFSETS[1] + MARK_SLOT_BYTES as u64;
            let unused = name == "segment-0000000007";
            assert!(noticed != outside || unused, "{what}");
        }
        assert!(counts.damage > 100, "{counts:?}");
        counts.show(if closed { "cut files, closed" } else { "cut files, killed" });
    }
}

#[test]
fn two_hundred_swapped_records_are_found() {
    let seed = super::seed(34);
    for closed in [true, false] {
        let genuine = at_rest(closed);
        let (_, _, places) = take_apart(&genuine);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut counts = Counts::default();
        for _ in 0..200 {
            let a = rng.random_range(0..places.len());
            let b = (a + rng.random_range(1..places.len())) % places.len();
            let mut files = genuine.clone();
            // Each is put where the other one begins, over whatever lies there if it is longer.
            for (from, to) in [(&places[a], &places[b]), (&places[b], &places[a])] {
                let Lies { file, offset, bytes, .. } = from;
                let record = genuine[file][*offset..offset + bytes].to_vec();
                let target = files.get_mut(&to.file).expect("is there");
                let length = record.len().min(target.len() - to.offset);
                target[to.offset..to.offset + length].copy_from_slice(&record[..length]);
            }
            let what = format!("SEED={seed} {a} and {b}, closed {closed}");
            assert!(counts.check(&files, &what), "{what}");
        }
        // The last two commits of a killed one are beyond its mark: what tore them may have been a crash.
        let expected = if closed { 200 } else { 190 };
        assert!(counts.damage >= expected, "{counts:?}");
        counts.show(if closed { "swapped records, closed" } else { "swapped records, killed" });
    }
}

#[test]
fn every_damage_is_named_and_the_reading_goes_on_behind_it() {
    let mut files = at_rest(true);
    let (_, records, places) = take_apart(&files);
    let broken = [3, 4, 30, 55];
    for at in broken {
        let Lies { file, offset, .. } = &places[at];
        files.get_mut(file).expect("is there")[offset + 30] ^= 4;
    }
    let seen = verified(&files, None);
    let lost: Vec<_> = seen.findings.iter().filter_map(|finding| finding.lost).collect();
    assert_eq!(lost, [(4, 5), (31, 31), (56, 56)], "{:?}", seen.findings);
    assert_eq!(seen.findings.len(), 3);
    assert_eq!(seen.records, records.len() as u64 - 4);
    let text = seen.findings[0].to_string();
    assert!(text.starts_with("segment-0000000001, byte "), "{text}");
    assert!(text.ends_with("(records 4 to 5 are lost)"), "{text}");
}

#[test]
fn what_lies_between_segments_is_named() {
    let genuine = at_rest(true);
    let damages = |files: &Memory| -> Vec<(String, Damage)> {
        let seen = verified(files, None);
        let log = |problem: &Problem| if let Problem::Log(damage) = problem { Some(*damage) } else { None };
        seen.findings.iter().filter_map(|it| Some((it.file.clone(), log(&it.problem)?))).collect()
    };
    // A whole segment is gone, at the end too.
    for number in [2, 6] {
        let name = format!("segment-{number:010}");
        let mut files = genuine.clone();
        files.remove(&name);
        let found = damages(&files);
        assert!(found.contains(&(name, Damage::Missing)), "{found:?}");
    }
    // Headers and seals follow from what is around them: both are damaged, and nothing is lost.
    let mut files = genuine.clone();
    files.get_mut("segment-0000000003").expect("is there")[70] ^= 1;
    let (_, _, places) = take_apart(&genuine);
    let last = places.iter().rfind(|it| it.file.ends_with('4')).expect("a record");
    files.get_mut("segment-0000000004").expect("is there")[last.offset + last.bytes + 60] ^= 1;
    let seen = verified(&files, None);
    assert_eq!(seen.findings.len(), 2, "{:?}", seen.findings);
    assert!(seen.findings.iter().all(|it| it.mend.is_some() && it.lost.is_none()), "{:?}", seen.findings);
    assert_eq!(seen.records, verified(&genuine, None).records);
    // Another journal's segment.
    let mut files = genuine;
    let other = at_rest(true);
    files.insert("segment-0000000002".to_owned(), other["segment-0000000002"].clone());
    assert_eq!(damages(&files)[0], ("segment-0000000002".to_owned(), Damage::Foreign));
}

#[test]
fn a_torn_tail_is_no_damage_and_recovers() {
    let genuine = at_rest(false);
    let (_, records, places) = take_apart(&genuine);
    let seed = super::seed(35);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    // The last commit: back from the end to a record that begins one.
    let begin = records.iter().rposition(|record| record.position == 0).expect("a commit");
    let (first, last) = (&places[begin], places.last().expect("a record"));
    let end = last.offset + last.bytes;
    let mut torn = 0;
    for _ in 0..40 {
        let mut files = genuine.clone();
        let bytes = files.get_mut(&first.file).expect("is there");
        // Any sector of it may have got through or not.
        for at in (first.offset / 512 * 512..end).step_by(512) {
            if rng.random_bool(0.5) {
                bytes[at.max(first.offset)..(at + 512).min(end)].fill(0);
            }
        }
        let seen = verified(&files, None);
        assert!(seen.is_whole(), "SEED={seed} {:?}", seen.findings);
        assert!(seen.last_sequence >= begin as u64, "SEED={seed}");
        torn += u32::from(matches!(seen.findings.first().map(|it| &it.problem), Some(Problem::Torn { .. })));
        let directory = tempfile::tempdir().expect("a directory");
        write_files(directory.path(), &files);
        let disk = RealDisk::open(directory.path()).expect("opens");
        let config = Config { segment_bytes: SEGMENT_BYTES, ..super::config() };
        let (journal, report) = Journal::open(disk, config, &mut each(|_| {})).expect("recovers");
        // Both readings agree to the record.
        assert_eq!(report.last_sequence, seen.last_sequence, "SEED={seed}");
        assert_eq!(journal.reader().head().hash, seen.hash, "SEED={seed}");
    }
    assert!(torn > 5, "{torn}");
}
