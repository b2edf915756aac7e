//! How long a station waits before it calls again.

use std::time::Duration;

use rustls::crypto::aws_lc_rs;

/// The waits between calls: doubled with each failure, cut at the longest, and shortened by chance to not less than
/// half, so that the stations that one outage cut off do not all call in the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { min: Duration::from_millis(200), max: Duration::from_secs(5) }
    }
}

impl Backoff {
    /// The wait after that many failures before this one; `roll` is the chance.
    pub(super) fn wait(&self, failures: u32, roll: u32) -> Duration {
        let full = self.min.saturating_mul(2_u32.saturating_pow(failures)).min(self.max);
        let half = full / 2;
        half + half.mul_f64(f64::from(roll) / f64::from(u32::MAX))
    }
}

/// From the system's source of randomness. Without one there is no TLS either; the wait is then simply not shortened.
pub(super) fn random_u32() -> u32 {
    let mut bytes = [0xFF; 4];
    match aws_lc_rs::default_provider().secure_random.fill(&mut bytes) {
        Ok(()) => u32::from_ne_bytes(bytes),
        Err(_) => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_chance_takes_at_most_half() {
        let backoff = Backoff::default();
        let waits = |roll| [0, 1, 4, 5, u32::MAX].map(|failures| backoff.wait(failures, roll).as_millis());
        assert_eq!(waits(u32::MAX), [200, 400, 3200, 5000, 5000]);
        assert_eq!(waits(0), [100, 200, 1600, 2500, 2500]);
    }
}
