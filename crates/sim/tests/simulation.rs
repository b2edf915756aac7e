//! The simulation holds, repeats itself to the byte, reaches what it should, and notices what is broken on purpose.
//!
//! `SIM_SEED=n` replays one seed, which every failure prints; `SIM_SEEDS=n` runs so many. `cargo xtask simulate` runs thousands.

use sim::sweep::{first_that_shows, sweep};
use sim::{Broken, Counts, run};

const SEEDS: u64 = 120;
/// Each control has to be noticed by one of so many seeds.
const CONTROL_SEEDS: u64 = 60;

#[test]
fn every_seed_holds() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse().expect("a number"));
    let (first, count) = number("SIM_SEED").map_or_else(|| (0, number("SIM_SEEDS").unwrap_or(SEEDS)), |seed| (seed, 1));
    let result = sweep(first, count, None, || false);
    assert!(result.failures.is_empty(), "{}", result.failures[0]);
    assert_eq!(result.passed, count);
}

/// What they found: a copy sent again after its hold, late copies around a diversion, a copy that expired while it was stored.
#[test]
fn seeds_that_once_failed_hold() {
    for seed in [47, 546, 666, 1671, 1955, 2439, 4789, 7020, 1_882_768_100_295_693] {
        let result = run(seed, None);
        assert!(result.is_ok(), "SIM_SEED={seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_to_the_byte() {
    for seed in 0..10 {
        let first = run(seed, None).unwrap();
        assert_eq!(first, run(seed, None).unwrap(), "SIM_SEED={seed}");
        assert_ne!(first.trace, run(seed + 1, None).unwrap().trace, "SIM_SEED={seed}");
    }
}

/// What the checks would miss if the traffic did nothing.
#[test]
fn the_runs_reach_everything_that_they_are_about() {
    let Counts {
        sent,
        acknowledged,
        records,
        delivered,
        returned,
        refused,
        repeated,
        starts,
        stops,
        links,
        commands,
        moved,
        checkpoints,
        loads,
        full,
    } = sweep(0, 80, None, || false).counts;
    assert!(acknowledged > 10_000 && acknowledged < sent, "{acknowledged} of {sent}");
    for (what, count) in [
        ("records", records),
        ("copies delivered", delivered),
        ("copies returned", returned),
        ("messages refused", refused),
        ("messages repeated", repeated),
        ("starts", starts),
        ("ends in order", stops),
        ("links", links),
        ("operators' commands", commands),
        ("copies moved", moved),
        ("checkpoints", checkpoints),
        ("records read again", loads),
        ("full disks", full),
    ] {
        assert!(count > 30, "{what}: {count}");
    }
}

#[test]
fn whatever_is_broken_on_purpose_is_noticed() {
    for broken in Broken::ALL {
        let failure = first_that_shows(broken, CONTROL_SEEDS);
        assert!(failure.is_some(), "{broken:?}: no seed below {CONTROL_SEEDS} shows it");
    }
}
