//! How much of a test that could go on for ever is done, its seed, its figures, and whether it has the machine for itself.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use rand::SeedableRng as _;
use rand_pcg::Pcg64;

/// The short form, or with `FAULTS=long` the long one.
pub(crate) fn effort<T: Clone>(short: T, long: T) -> T {
    efforts(short.clone(), short, long)
}

/// What there is time for among all other tests; what `cargo xtask faults` does, which is `FAULTS=usual`; and the long form.
pub(crate) fn efforts<T>(short: T, usual: T, long: T) -> T {
    match std::env::var("FAULTS").as_deref() {
        Ok("long") => long,
        Ok("usual") => usual,
        Ok(other) => panic!("FAULTS={other} means nothing: usual, long, or not set"),
        Err(_) => short,
    }
}

/// What a test measured, for the page on reliability.
#[expect(clippy::print_stdout, reason = "figures are read by `cargo xtask faults`")]
pub(crate) fn figures(text: &str) {
    println!("figures: {text}");
}

/// Chance from `FAULTS_SEED`, or from a new seed, which is printed.
#[expect(clippy::print_stderr, reason = "a failure must be reproducible")]
pub(crate) fn chance(of: &str) -> Pcg64 {
    let given = std::env::var("FAULTS_SEED").ok().map(|seed| seed.parse().expect("FAULTS_SEED is a number"));
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().hash_one(of));
    eprintln!("FAULTS_SEED={seed}");
    Pcg64::seed_from_u64(seed)
}

/// Raises a flag at its end, so that threads which wait for it end with a test that fails.
pub(crate) struct Raised<'a>(pub(crate) &'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Tests that time something hold it alone, all others share it.
static MACHINE: RwLock<()> = RwLock::new(());

/// Waits for every other test to end, and keeps others from beginning.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Beside others that time nothing.
pub(crate) fn shared() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// The value below which so many hundredths of the times lie.
pub(crate) fn percentile(times: &mut [Duration], hundredths: usize) -> Duration {
    times.sort_unstable();
    let place = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
    times.get(place).copied().unwrap_or_default()
}

/// Milliseconds with two digits behind the point.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
