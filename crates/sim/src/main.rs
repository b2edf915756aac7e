//! `simulate`: plays seeds of the simulation.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sim::Broken;
use sim::sweep::{Sweep, first_that_shows, sweep};

const USAGE: &str = "\
usage: simulate [--seeds N] [--from N] [--fresh SECONDS]   play N seeds (2000) from one on (0), then fresh ones for a while (0)
       simulate --seed N [--log]                           play one seed twice; SIM_SEED=N does the same
       simulate --controls [N]                             what is broken on purpose, and the first of N seeds (200) that shows it

The last line is `N passed, M failed`.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let seed = std::env::var("SIM_SEED").ok();
    match act(&words, seed.as_deref()) {
        Some(0) => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
        None => {
            say(USAGE.trim_end());
            ExitCode::from(64)
        }
    }
}

/// Does what was asked for, and says how much failed; nothing if the words mean nothing.
fn act(words: &[String], seed: Option<&str>) -> Option<u64> {
    let (mut seeds, mut from, mut fresh, mut one, mut controls, mut log) = (2_000, 0, 0, None, None, false);
    if let Some(seed) = seed {
        one = Some(seed.parse().ok()?);
    }
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || words.next()?.parse::<u64>().ok();
        match word.as_str() {
            "--seeds" => seeds = number()?,
            "--from" => from = number()?,
            "--fresh" => fresh = number()?,
            "--seed" => one = Some(number()?),
            "--log" => log = true,
            "--controls" => controls = Some(number().unwrap_or(200)),
            _ => return None,
        }
    }
    // A failure says all that there is to say.
    std::panic::set_hook(Box::new(|_| {}));
    Some(match (one, controls) {
        (Some(seed), _) => replay(seed, log),
        (None, Some(count)) => show(count),
        (None, None) => play(from, seeds, fresh),
    })
}

fn replay(seed: u64, log: bool) -> u64 {
    if log {
        sim::run_and_tell(seed, None).1.iter().for_each(|line| say(line));
    }
    let (first, second) = (sim::run(seed, None), sim::run(seed, None));
    match (&first, &second) {
        (Ok(summary), _) => say(&format!("seed {seed}: {:016x}, {:?}", summary.trace, summary.counts)),
        (Err(failure), _) => say(&failure.to_string()),
    }
    let failed = u64::from(first.is_err() || first != second);
    if first != second {
        say("the second run was another one");
    }
    end(1 - failed, failed)
}

fn show(count: u64) -> u64 {
    let mut failed = 0;
    for broken in Broken::ALL {
        match first_that_shows(broken, count) {
            Some(failure) => say(&format!("{broken:?}: {failure}")),
            None => {
                failed += 1;
                say(&format!("{broken:?}: no seed below {count} shows it"));
            }
        }
    }
    end(Broken::ALL.len() as u64 - failed, failed)
}

fn play(from: u64, seeds: u64, fresh: u64) -> u64 {
    let began = Instant::now();
    let fixed = sweep(from, seeds, None, || false);
    report(&format!("seeds {from} to {}", from + seeds), &fixed, began.elapsed());
    let mut failed = fixed.failures.len() as u64;
    let mut passed = fixed.passed;
    if fresh > 0 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (first, began) = (since.as_secs() << 20, Instant::now());
        say(&format!("fresh seeds from {first} on"));
        let more = sweep(first, u64::MAX, None, || began.elapsed() > Duration::from_secs(fresh));
        report("fresh seeds", &more, began.elapsed());
        failed += more.failures.len() as u64;
        passed += more.passed;
    }
    end(passed, failed)
}

fn report(what: &str, sweep: &Sweep, took: Duration) {
    sweep.failures.iter().for_each(|failure| say(&failure.to_string()));
    say(&format!("{what}: {} passed in {:.1} s; {:?}", sweep.passed, took.as_secs_f64(), sweep.counts));
}

fn end(passed: u64, failed: u64) -> u64 {
    say(&format!("{passed} passed, {failed} failed"));
    failed
}

fn say(text: &str) {
    // Nobody is left to be told that nobody listens.
    drop(writeln!(io::stdout(), "{text}"));
}
