//! Goal: nobody who may write the journal changes what it says without being found out, as long as signed statements and
//! their key lie where he cannot write. Method: of a small journal everything is taken apart, one thing is changed, and all
//! of it is made anew, checksums, chain, seals and mark. Without statements it is a perfect journal: that is the control.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::super::finding::Problem;
use super::super::verify::Against;
use super::forge::{Loose, make, take_apart};
use super::{payload, verified};
use crate::format::{Hash, JournalId};
use crate::statement::{Lines, Signed, Signer, Statement, Verifier};

const ID: [u8; 16] = [0xA5; 16];

/// Sixty records in several segments, in commits of one to three.
fn records(rng: &mut Pcg64Mcg) -> Vec<Loose> {
    let mut records = Vec::new();
    while records.len() < 60 {
        for position in 0..rng.random_range(1..=3) {
            records.push(Loose { kind: rng.random_range(1..0xF0), payload: payload(rng, 300), position });
        }
    }
    records
}

fn statement(sequence: usize, hashes: &[Hash]) -> Statement {
    let hash = sequence.checked_sub(1).map_or([0; 32], |at| hashes[at]);
    Statement { journal: JournalId(ID), sequence: sequence as u64, hash, segment: 1, at_us: sequence as i64 }
}

/// A statement about every seventh record and about the last.
fn statements(signer: &Signer, hashes: &[Hash]) -> Against {
    let about = (0..hashes.len()).step_by(7).chain([hashes.len()]);
    let signed: Vec<Signed> = about.map(|sequence| signer.sign(&statement(sequence, hashes))).collect();
    against(signer, signed)
}

fn against(signer: &Signer, signed: Vec<Signed>) -> Against {
    let lines = Lines { statements: (1..).zip(signed).collect(), ..Lines::default() };
    let verifier = Verifier::from_pem(&signer.public_pem()).expect("a key");
    Against { file: "statements.jsonl".to_owned(), lines, verifier }
}

/// One falsification, and its name.
fn falsify(rng: &mut Pcg64Mcg, records: &mut Vec<Loose>) -> &'static str {
    let count = records.len();
    let at = rng.random_range(0..count);
    match rng.random_range(0..5) {
        0 => {
            let record = &mut records[at];
            match rng.random_range(0..3) {
                0 => record.kind ^= 1 << rng.random_range(0..4),
                1 => record.payload.push(rng.random()),
                _ if record.payload.is_empty() => record.payload.push(0),
                _ => {
                    let byte = rng.random_range(0..record.payload.len());
                    record.payload[byte] ^= 1 << rng.random_range(0..8);
                }
            }
            "edited"
        }
        1 => {
            // Not the last one, which is a cut.
            let at = at.min(count - 2);
            records.drain(at..(at + rng.random_range(1..=4)).min(count - 1));
            "deleted"
        }
        2 => {
            let other = (at + rng.random_range(1..count)) % count;
            // Two that say the same may change places.
            if (records[at].kind, &records[at].payload) == (records[other].kind, &records[other].payload) {
                records[at].kind ^= 1;
            }
            records.swap(at, other);
            "reordered"
        }
        3 => {
            let made = if rng.random_bool(0.5) {
                records[rng.random_range(0..count)].clone()
            } else {
                Loose { kind: 7, payload: payload(rng, 300), position: 0 }
            };
            // A repeat of what stands here, put before it, is one put behind it: behind the last it is nothing false.
            let at = if made.payload == records[at].payload { at.min(count - 2) } else { at };
            records.insert(at, made);
            "inserted"
        }
        _ => {
            records.truncate(count - rng.random_range(1..=count));
            "cut"
        }
    }
}

#[test]
fn ten_thousand_falsifications_are_found_by_statements_and_by_nothing_else() {
    let seed = super::seed(21);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let genuine = records(&mut rng);
    let (files, hashes) = make(ID, &genuine);
    assert!(files.len() > 3, "{:?}", files.keys());
    let signer = Signer::generate().expect("generates");
    let statements = statements(&signer, &hashes);
    let seen = verified(&files, Some(&statements));
    assert_eq!(seen.findings, []);
    let counts = seen.statements.expect("they were checked");
    assert_eq!((counts.confirmed, counts.covered_through), (10, genuine.len() as u64));

    let mut found: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for number in 0..10_000 {
        let mut records = genuine.clone();
        let what = falsify(&mut rng, &mut records);
        let (files, _) = make(ID, &records);
        let seen = verified(&files, None);
        assert!(seen.is_whole(), "SEED={seed} {number}: {what}: {:?}", seen.findings);
        let seen = verified(&files, Some(&statements));
        assert!(!seen.is_whole(), "SEED={seed} {number}: {what} was not found");
        let by_statement = |problem: &Problem| {
            matches!(problem, Problem::NotTheStatements { .. } | Problem::CutShort { .. } | Problem::Uncheckable { .. })
        };
        assert!(seen.findings.iter().all(|finding| by_statement(&finding.problem)), "{:?}", seen.findings);
        let count = found.entry(what).or_default();
        count.0 += 1;
    }
    let total: u32 = found.values().map(|(count, _)| count).sum();
    assert_eq!((total, found.len()), (10_000, 5));
    eprintln_counts("falsified, made anew, and found", &found);
}

#[expect(clippy::print_stderr, reason = "counts are shown with --nocapture")]
fn eprintln_counts(what: &str, found: &BTreeMap<&str, (u32, u32)>) {
    for (kind, (count, _)) in found {
        eprintln!("{what}: {kind}: {count}");
    }
}

#[test]
fn false_statements_are_named() {
    let mut rng = Pcg64Mcg::seed_from_u64(22);
    let (files, hashes) = make(ID, &records(&mut rng));
    let (signer, stranger) = (Signer::generate().expect("generates"), Signer::generate().expect("generates"));
    let about = |change: fn(&mut Statement)| {
        let mut statement = statement(20, &hashes);
        change(&mut statement);
        statement
    };
    type Expected = fn(&Problem) -> bool;
    let checks: [(Signed, Expected); 5] = [
        (stranger.sign(&about(|_| {})), |it| *it == Problem::Forged),
        (signer.sign(&about(|it| it.journal.0[0] ^= 1)), |it| matches!(it, Problem::OtherJournal(_))),
        (signer.sign(&about(|it| it.hash[0] ^= 1)), |it| *it == Problem::NotTheStatements { sequence: 20 }),
        (signer.sign(&about(|it| it.sequence = 1000)), |it| *it == Problem::CutShort { sequence: 1000 }),
        (signer.sign(&about(|it| it.sequence = 21)), |it| *it == Problem::NotTheStatements { sequence: 21 }),
    ];
    for (signed, expected) in checks {
        let good = signer.sign(&statement(33, &hashes));
        let seen = verified(&files, Some(&against(&signer, vec![good, signed])));
        let [finding] = &seen.findings[..] else { panic!("{:?}", seen.findings) };
        assert!(expected(&finding.problem), "{finding:?}");
        assert_eq!((finding.file.as_str(), finding.offset), ("statements.jsonl", 2));
        let counts = seen.statements.expect("they were checked");
        assert_eq!((counts.confirmed, counts.failed, counts.covered_through), (1, 1, 33));
    }
}

#[test]
fn a_statement_about_a_damaged_record_cannot_be_checked_and_says_so() {
    let mut rng = Pcg64Mcg::seed_from_u64(23);
    let (mut files, hashes) = make(ID, &records(&mut rng));
    let (_, _, places) = take_apart(&files);
    let signer = Signer::generate().expect("generates");
    let at = &places[19];
    files.get_mut(&at.file).expect("is there")[at.offset + 9] ^= 1;
    let seen = verified(&files, Some(&against(&signer, vec![signer.sign(&statement(20, &hashes))])));
    assert!(seen.findings.iter().any(|it| it.problem == Problem::Uncheckable { sequence: 20 }), "{:?}", seen.findings);
}

#[test]
fn a_journal_made_by_hand_is_one_that_the_journal_makes() {
    // What is shown with made ones holds for real ones.
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = super::open(directory.path());
    let mut rng = Pcg64Mcg::seed_from_u64(24);
    for _ in 0..40 {
        journal.append(3, &payload(&mut rng, 300)).expect("appends");
        journal.commit().expect("commits");
    }
    journal.close().expect("closes");
    let files = super::files(directory.path());
    let (id, records, places) = take_apart(&files);
    let (made, _) = make(id, &records);
    // To the end of its records: a seal may belong to the last commit or be one of its own, which is not told from outside.
    let last = places.iter().rfind(|it| it.file.ends_with('1')).expect("a record");
    let end = last.offset + last.bytes;
    assert_eq!(made["segment-0000000001"][..end], files["segment-0000000001"][..end]);
    assert!(verified(&made, None).is_whole() && verified(&files, None).findings.is_empty());
}
