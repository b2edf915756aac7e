//! Goal: whatever was committed is there after any crash, in order, to the byte, and nothing else but perhaps an end that
//! nobody was told of. Method: seeded runs of append, commit, checkpoint, prune, fault, crash and recover beside a list of what
//! was promised, in segments of three lengths, on disks that are quick or slow; between rounds a copy of the disk is damaged and
//! opened. For each fault there is a control in which what protects from it is taken out, and which must lose.
//!
//! One seed alone: `SIM_SEED=17 cargo test -p journal --release committed_records_survive_every_crash`.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::disk::{Faults, Lie, SimDisk};
use super::{Kept, Model, append, checkpoint, config, open, random_record};
use crate::weaken::{Protection, Without};
use crate::{CheckpointError, CommitError, Config, Journal, OpenError, Report};

const SEEDS: u64 = 2000;

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Everything promised was kept. The disk's trace, which is the same for the same seed.
    Kept {
        trace: u64,
        records: usize,
        cuts: usize,
        /// Starts from a checkpoint, starts that found the log pruned, flips that were refused or reported.
        restored: usize,
        pruned: usize,
        noticed: usize,
        /// Milliseconds that the disk took, and syncs in the middle of which the power went.
        ms: usize,
        syncs_cut: usize,
    },
    Lost(String),
}

/// What is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    None,
    Lie(Lie),
    Without(Protection),
}

impl Control {
    fn apply(self, faults: Faults) -> Faults {
        match self {
            Self::None | Self::Without(_) => faults,
            Self::Lie(lie) => Faults { lie: Some(lie), ..faults },
        }
    }

    fn protection(self) -> Option<Protection> {
        match self {
            Self::None | Self::Lie(_) => None,
            Self::Without(protection) => Some(protection),
        }
    }
}

/// Opens into a model. Records that a checkpoint stands for are there as well.
fn start(disk: &SimDisk, segment_bytes: u64) -> Result<(Journal<SimDisk>, Report, Vec<Kept>), OpenError> {
    let mut model = Model::default();
    let config = Config { segment_bytes, ..config() };
    let (journal, report) = Journal::open(disk.clone(), config, &mut model)?;
    assert_eq!(report.last_sequence, model.records.len() as u64);
    assert_eq!(journal.next_sequence(), report.last_sequence + 1);
    Ok((journal, report, model.records))
}

/// Flips a bit of a copy. It must be refused, or reported, or outside what is live; and nothing else may come of it.
/// Returns whether it was noticed, or what was wrong. Nothing below `marked` may pass for a torn tail.
fn flip(rng: &mut Pcg64Mcg, disk: &SimDisk, segment_bytes: u64, line: &[Kept], marked: usize) -> Result<bool, String> {
    let mut files = disk.files();
    let names: Vec<String> = files.keys().cloned().collect();
    let Some(name) = names.get(rng.random_range(0..names.len().max(1))) else { return Ok(false) };
    let Some(bytes) = files.get_mut(name).filter(|bytes| !bytes.is_empty()) else { return Ok(false) };
    let bit = rng.random_range(0..bytes.len() * 8);
    let last = bytes.iter().rposition(|byte| *byte != 0);
    // Half of them among what was written.
    let bit = match last {
        Some(last) if rng.random_bool(0.5) => bit % ((last + 1) * 8),
        _ => bit,
    };
    bytes[bit / 8] ^= 1 << (bit % 8);
    match start(&SimDisk::from_files(&files), segment_bytes) {
        Err(OpenError::Damaged { .. } | OpenError::NoCheckpoint { .. }) => Ok(true),
        Err(error) => Err(format!("{name}, bit {bit}: {error}")),
        Ok((journal, report, records)) => {
            let reported = report.cut.is_some()
                || report.mark_slots_bad > 0
                || report.discarded.is_some()
                || !report.checkpoints_unusable.is_empty();
            let lost = records.len() < line.len() && (report.cut.is_none() || records.len() < marked);
            if lost || !line.starts_with(&records) {
                return Err(format!("{name}, bit {bit}: {} of {} records", records.len(), line.len()));
            }
            // What the start did not read is checked when it is read.
            let mut scan = journal.reader().scan(report.first_sequence);
            let mut found = false;
            loop {
                let from = usize::try_from(scan.next_sequence()).unwrap() - 1;
                let mut seen = Vec::new();
                let result = scan.next_records(usize::MAX, &mut |entry| {
                    seen.push(Kept { kind: entry.kind, payload: entry.payload.to_vec() });
                });
                if !line[from..].starts_with(&seen) {
                    return Err(format!("{name}, bit {bit}: other records are read"));
                }
                match result {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(_) => {
                        found = true;
                        break;
                    }
                }
            }
            Ok(reported || found)
        }
    }
}

/// One seed.
fn run(seed: u64, control: Control) -> Verdict {
    let _without = Without::new(control.protection());
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut disk = SimDisk::new(rng.random());
    // What was appended, and how much of it is promised.
    let mut line: Vec<Kept> = Vec::new();
    let mut promised = 0;
    // What a high-water mark was persisted for.
    let mut marked = 0;
    let (mut cuts, mut restored, mut pruned, mut noticed) = (0, 0, 0, 0);
    let segment_bytes = [8192, 12288, 20480][rng.random_range(0..3)];
    let rounds = rng.random_range(4..12);
    for round in 0..rounds {
        disk.set_faults(control.apply(random_faults(&mut rng, round + 1 == rounds)));
        let opened = start(&disk, segment_bytes);
        let (mut journal, report, records) = match opened {
            Ok(opened) => opened,
            Err(OpenError::Disk(_)) => {
                // The power went, or the disk failed, in the middle of opening.
                disk = crash(&mut rng, disk);
                continue;
            }
            Err(error) => return Verdict::Lost(format!("seed {seed}, round {round}: {error}")),
        };
        cuts += usize::from(report.cut.is_some());
        restored += usize::from(report.checkpoint.is_some());
        pruned += usize::from(report.first_sequence > 1);
        if control != Control::None && !report.checkpoints_unusable.is_empty() && report.first_sequence > 1 {
            // Only luck has left another one.
            return Verdict::Lost(format!("seed {seed}, round {round}: {:?}", report.checkpoints_unusable));
        }
        if records.len() < promised || !line.starts_with(&records) {
            return Verdict::Lost(format!("seed {seed}, round {round}: {} of {promised} records", records.len()));
        }
        if report.mark_sequence < marked {
            return Verdict::Lost(format!("seed {seed}, round {round}: the mark of {marked}"));
        }
        // What recovery has shown is promised too: a switch acts on it.
        line.truncate(records.len());
        promised = line.len();
        marked = report.last_sequence;
        let mut ended = work(&mut rng, &mut journal, &mut line, &mut promised);
        if ended.is_ok() && rng.random_bool(0.6) {
            // The power goes in the middle of one more commit: before, between and after its writes.
            disk.set_faults(control.apply(Faults { power: Some(rng.random_range(0..4)), ..Faults::default() }));
            ended = commit_some(&mut rng, &mut journal, &mut line, &mut promised);
        }
        if ended.is_ok() && rng.random_bool(0.2) {
            // What was appended and not committed is dropped.
            match journal.close() {
                Ok(()) => {
                    line.truncate(promised);
                    marked = promised as u64;
                }
                Err(CommitError::Failed(_) | CommitError::Full(_)) => {}
            }
        }
        disk = crash(&mut rng, disk);
        if !matches!(control, Control::Lie(_)) {
            disk.set_faults(Faults::default());
            // As it would be found without the damage.
            let found = start(&SimDisk::from_files(&disk.files()), segment_bytes);
            let found = found.map_or_else(|_| Vec::new(), |found| found.2);
            for _ in 0..2 {
                match flip(&mut rng, &disk, segment_bytes, &found, usize::try_from(marked).unwrap()) {
                    Ok(flip) => noticed += usize::from(flip),
                    Err(why) => return Verdict::Lost(format!("seed {seed}, round {round}: {why}")),
                }
            }
        }
    }
    disk.set_faults(Faults::default());
    match start(&disk, segment_bytes) {
        Ok((_, _, records)) if records.len() >= promised && line.starts_with(&records) => {
            let (us, syncs_cut) = disk.time();
            let (ms, syncs_cut) = (usize::try_from(us / 1000).unwrap(), usize::try_from(syncs_cut).unwrap());
            Verdict::Kept {
                trace: disk.trace(),
                records: records.len(),
                cuts,
                restored,
                pruned,
                noticed,
                ms,
                syncs_cut,
            }
        }
        Ok((_, _, records)) => Verdict::Lost(format!("seed {seed}: {} of {promised} records", records.len())),
        Err(error) => Verdict::Lost(format!("seed {seed}: {error}")),
    }
}

/// The process dies; in three of four cases the machine does too.
fn crash(rng: &mut Pcg64Mcg, disk: SimDisk) -> SimDisk {
    if rng.random_bool(0.75) { disk.power_cut() } else { disk }
}

fn random_faults(rng: &mut Pcg64Mcg, last: bool) -> Faults {
    let mut faults = Faults { short: 0.05, ..Faults::default() };
    if rng.random_bool(0.4) {
        (faults.latency_us, faults.stalls) = (rng.random_range(10..5000), 0.02);
    }
    match rng.random_range(0..7) {
        // Early in the operations, so that opening is hit as well; or late.
        0 => faults.power = Some(rng.random_range(0..40)),
        1 | 2 => faults.power = Some(rng.random_range(40..400)),
        3 => (faults.sync_fails, faults.read_fails) = (0.05, 0.01),
        4 => faults.write_finds_full = 0.2,
        // Somewhere in the time that a slow disk takes, so mostly in the middle of its stalls.
        5 => {
            (faults.latency_us, faults.stalls) = (1000, 0.1);
            faults.power_us = Some(rng.random_range(1..2_000_000));
        }
        _ if last => faults.write_fails = 0.02,
        _ => {}
    }
    faults
}

/// Appends and commits until something fails for good.
fn work(
    rng: &mut Pcg64Mcg,
    journal: &mut Journal<SimDisk>,
    line: &mut Vec<Kept>,
    promised: &mut usize,
) -> Result<(), CommitError> {
    let reader = journal.reader();
    for _ in 0..rng.random_range(1..40) {
        match rng.random_range(0..14) {
            10 | 11 if *promised > 0 => {
                let through = rng.random_range(1..=*promised);
                match checkpoint(&reader, line, through) {
                    Ok(_) => {}
                    // Its record is no longer kept, or a later one has one; or the disk was in the way.
                    Err(CheckpointError::Record(_) | CheckpointError::NotNewer(_) | CheckpointError::Full(_)) => {}
                    Err(CheckpointError::Disk(_)) => return Ok(()),
                    Err(error) => panic!("{error}"),
                }
            }
            12 => drop(journal.retain(rng.random_range(0..=*promised as u64 + 1))?),
            0 => drop(journal.prepare().or_else(unless_full)?),
            1 => drop(journal.persist_mark().or_else(unless_full)?),
            2 if *promised > 0 => {
                let sequence = rng.random_range(1..=*promised as u64);
                // No power, no record; but never another one.
                if let Ok(record) = reader.read(sequence) {
                    let kept = &line[usize::try_from(sequence).unwrap() - 1];
                    assert_eq!((record.kind, &record.payload[..]), (kept.kind, &kept.payload[..]));
                }
            }
            _ => {
                commit_some(rng, journal, line, promised).or_else(unless_full)?;
            }
        }
    }
    Ok(())
}

fn commit_some(
    rng: &mut Pcg64Mcg,
    journal: &mut Journal<SimDisk>,
    line: &mut Vec<Kept>,
    promised: &mut usize,
) -> Result<(), CommitError> {
    for _ in 0..rng.random_range(1..12) {
        let record = random_record(rng);
        append(journal, &record);
        line.push(record);
    }
    let result = journal.commit();
    *promised = usize::try_from(journal.stored_through()).unwrap();
    if result.is_ok() {
        assert_eq!(*promised, line.len());
    }
    result
}

fn unless_full(error: CommitError) -> Result<(), CommitError> {
    match error {
        CommitError::Full(_) => Ok(()),
        failed @ CommitError::Failed(_) => Err(failed),
    }
}

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("SIM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..SEEDS,
    }
}

#[test]
fn committed_records_survive_every_crash() {
    let mut sums = [0; 7];
    for seed in seeds() {
        match run(seed, Control::None) {
            Verdict::Kept { records, cuts, restored, pruned, noticed, ms, syncs_cut, .. } => {
                for (sum, one) in sums.iter_mut().zip([records, cuts, restored, pruned, noticed, ms, syncs_cut]) {
                    *sum += one;
                }
            }
            Verdict::Lost(why) => {
                let test = "committed_records_survive_every_crash";
                panic!("{why}; `SIM_SEED={seed} cargo test -p journal --release {test}` replays it alone")
            }
        }
    }
    // The runs are worth something only if they store much, crash in the middle of commits and meet what they are for.
    if seeds().count() > 1 {
        let least = [100_000, 400, 2000, 400, 2000, 1_000_000, 400];
        assert!(sums.iter().zip(least).all(|(sum, least)| *sum > least), "{sums:?}");
    }
}

#[test]
fn a_seed_replays_to_the_same_trace() {
    for seed in 0..20 {
        assert_eq!(run(seed, Control::None), run(seed, Control::None));
    }
}

/// How many of the first seeds lose.
fn lost(control: Control, seeds: u64) -> usize {
    (0..seeds).filter(|seed| matches!(run(*seed, control), Verdict::Lost(_))).count()
}

#[test]
fn each_fault_loses_when_what_protects_from_it_is_taken_out() {
    let controls = [
        (Control::Lie(Lie::Syncs("")), 50, 40),
        (Control::Lie(Lie::DirectorySyncs), 50, 20),
        (Control::Lie(Lie::Syncs("checkpoint-")), 200, 10),
        (Control::Lie(Lie::Syncs("mark")), 200, 10),
        (Control::Lie(Lie::EarlySyncs), 100, 10),
        (Control::Lie(Lie::SyncsAgain), 200, 10),
        (Control::Lie(Lie::ShortWrites), 50, 40),
        (Control::Lie(Lie::FailedWrites), 400, 5),
        (Control::Lie(Lie::FailedReads), 200, 10),
        (Control::Without(Protection::Checksum), 100, 20),
        (Control::Without(Protection::Mark), 400, 5),
    ];
    let found: Vec<_> = controls.iter().map(|(control, seeds, _)| lost(*control, *seeds)).collect();
    let enough = controls.iter().zip(&found).all(|((.., least), found)| found > least);
    assert!(enough, "{:?}", controls.iter().zip(&found).collect::<Vec<_>>());
}

#[test]
fn every_operation_may_be_the_last() {
    // One script, the power going at each of its operations in turn, and again at each operation of the recovery.
    let script = |disk: &SimDisk, promised: &mut usize, line: &mut Vec<Kept>| -> Result<(), ()> {
        let mut rng = Pcg64Mcg::seed_from_u64(99);
        let (mut journal, ..) = open(disk).map_err(drop)?;
        for _ in 0..12 {
            for _ in 0..5 {
                let record = random_record(&mut rng);
                append(&mut journal, &record);
                line.push(record);
            }
            journal.commit().map_err(drop)?;
            *promised = line.len();
        }
        journal.close().map_err(drop)
    };
    let mut operations = 0;
    loop {
        for recovery in 0..8 {
            let disk = SimDisk::new(operations);
            disk.set_faults(Faults { power: Some(operations), ..Faults::default() });
            let (mut promised, mut line) = (0, Vec::new());
            let finished = script(&disk, &mut promised, &mut line).is_ok();
            let disk = disk.power_cut();
            disk.set_faults(Faults { power: Some(recovery * 5), ..Faults::default() });
            drop(open(&disk));
            let disk = disk.power_cut();
            let (_, _, records) = open(&disk).unwrap_or_else(|error| panic!("after {operations}: {error}"));
            assert!(records.len() >= promised && line.starts_with(&records), "after {operations}");
            if finished {
                return assert!(operations > 100, "{operations} operations");
            }
        }
        operations += 1;
    }
}

#[test]
fn what_a_new_process_finds_is_durable_though_the_old_one_died_before_its_sync() {
    // The process dies at each operation in turn; a new one goes on with what it finds, and the power goes at a commit's end.
    let fill = |journal: &mut Journal<SimDisk>, line: &mut Vec<Kept>, commits: u64| {
        for number in 0..commits {
            let record = Kept { kind: 1, payload: vec![u8::try_from(number).unwrap(); 2000] };
            append(journal, &record);
            line.push(record);
            journal.commit()?;
        }
        Ok::<(), CommitError>(())
    };
    for operations in 0.. {
        let mut finished = false;
        for more in 0..5 {
            let disk = SimDisk::new(operations * 5 + more);
            let mut line = Vec::new();
            disk.set_faults(Faults { power: Some(operations), ..Faults::default() });
            if let Ok((mut journal, ..)) = open(&disk) {
                finished = fill(&mut journal, &mut line, 9).is_ok();
            }
            disk.set_faults(Faults::default());
            let (mut journal, _, mut records) =
                open(&disk).unwrap_or_else(|error| panic!("after {operations}: {error}"));
            assert!(line.starts_with(&records));
            fill(&mut journal, &mut records, more).expect("commits");
            drop(journal);
            let found = open(&disk.power_cut()).unwrap_or_else(|error| panic!("after {operations}, {more}: {error}")).2;
            assert!(found == records, "after {operations} and {more}: {} of {}", found.len(), records.len());
        }
        if finished {
            return;
        }
    }
}
