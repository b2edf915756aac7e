//! What the commands about the journal have in common: how far they are, and how numbers and times are shown.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use ::journal::offline::Progress;
use jiff::Timestamp;

/// Progress is shown this often, to a person only.
const INTERVAL: Duration = Duration::from_millis(500);

/// Shows on a terminal how far a reading is.
pub(super) struct Meter {
    what: &'static str,
    shown: Instant,
    terminal: bool,
    line: bool,
}

impl Meter {
    /// `what` is being done.
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, shown: Instant::now(), terminal: io::stderr().is_terminal(), line: false }
    }

    pub(super) fn show(&mut self, Progress { bytes, bytes_total }: Progress) {
        if !self.terminal || self.shown.elapsed() < INTERVAL {
            return;
        }
        self.shown = Instant::now();
        self.line = true;
        // A log that grows has more in the end than was known at the beginning.
        let percent = (bytes.saturating_mul(100) / bytes_total.max(1)).min(100);
        drop(write!(io::stderr().lock(), "\r{}: {} of {}, {percent} % ", self.what, Size(bytes), Size(bytes_total)));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.line {
            drop(write!(io::stderr().lock(), "\r\x1b[K"));
        }
    }
}

/// Bytes as people read them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size(pub(super) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units.iter().find(|(size, _)| self.0 >= *size) {
            Some((size, unit)) => write!(f, "{:.1} {unit}", self.0 as f64 / *size as f64),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// Now, as the journal's files have it: microseconds since 1970-01-01 00:00 UTC.
pub(super) fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}

/// Such a time as people read it.
pub(super) fn time(at_us: i64) -> String {
    // Hundredths of a second are what an audit asks for.
    Timestamp::from_microsecond(at_us).map_or_else(|_| at_us.to_string(), |time| format!("{time:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_plain() {
        assert_eq!(Size(999).to_string(), "999 bytes");
        assert_eq!(Size(1536).to_string(), "1.5 KiB");
        assert_eq!(Size(64 << 20).to_string(), "64.0 MiB");
        assert_eq!(Size(5 << 30).to_string(), "5.0 GiB");
        assert_eq!(time(1_767_225_600_120_000), "2026-01-01T00:00:00.12Z");
    }
}
