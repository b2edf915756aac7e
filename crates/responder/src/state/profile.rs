//! How slow and how faulty a state is: a file says it, and a seed decides it for each request. Pure but for the reading of the file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The longest delay that a profile may have: an hour.
const DELAY_MS_MAX: u64 = 3_600_000;

/// The whole of a share.
const MILLION: u32 = 1_000_000;

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// It is no TOML, or has a key that it must not have.
    #[error("{}: {message}", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A value is out of its range.
    #[error("{}: {what}", .path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behavior {
    /// It is answered.
    Answer,
    /// It is never answered.
    Silence,
    /// The state says that it cannot answer.
    Error,
    /// What is sent is no answer.
    Garbage,
}

/// What is decided for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// How long after the request was taken.
    pub delay: Duration,
    /// What happens then.
    pub behavior: Behavior,
}

/// How slow and how faulty. The default is neither.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    seed: u64,
    /// Delays in milliseconds at shares of a million, both growing: between two of them a delay is as likely as any other.
    delays: Vec<(u32, u64)>,
    /// Shares of a million.
    silence: u32,
    error: u32,
    garbage: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    seed: u64,
    delay_ms: Delays,
    share: Shares,
}

/// Milliseconds within which that many percent of all requests are answered.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Delays {
    p0: Option<u64>,
    p50: Option<u64>,
    p90: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
    p100: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Shares {
    silence: f64,
    error: f64,
    garbage: f64,
}

impl Profile {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read or is wrong; the error names it and says what.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let text = fs::read_to_string(path).map_err(|source| ProfileError::Read { path: path.to_owned(), source })?;
        let written: Written = toml::from_str(&text).map_err(|error| ProfileError::Form {
            path: path.to_owned(),
            message: error.to_string().trim_end().replace('\n', " "),
        })?;
        Self::of(&written).map_err(|what| ProfileError::Value { path: path.to_owned(), what })
    }

    fn of(written: &Written) -> Result<Self, &'static str> {
        let Written { seed, delay_ms: Delays { p0, p50, p90, p95, p99, p100 }, share } = written;
        let at = [(0, p0), (500_000, p50), (900_000, p90), (950_000, p95), (990_000, p99), (MILLION, p100)];
        let mut delays: Vec<(u32, u64)> = at.into_iter().filter_map(|(share, ms)| Some((share, (*ms)?))).collect();
        if !delays.is_sorted_by_key(|(_, ms)| *ms) {
            return Err("delay_ms: a later percentile must not be smaller than an earlier one");
        }
        let Some(&(_, longest)) = delays.last() else { return Self::shares(*seed, delays, share) };
        if longest > DELAY_MS_MAX {
            return Err("delay_ms: at most 3600000, an hour");
        }
        // What is not said at the ends: from nothing on, and no longer than the last that is said.
        if delays.first().is_some_and(|(share, _)| *share > 0) {
            delays.insert(0, (0, 0));
        }
        if p100.is_none() {
            delays.push((MILLION, longest));
        }
        Self::shares(*seed, delays, share)
    }

    fn shares(seed: u64, delays: Vec<(u32, u64)>, share: &Shares) -> Result<Self, &'static str> {
        let [silence, error, garbage] = [share.silence, share.error, share.garbage].map(of_million);
        let (Some(silence), Some(error), Some(garbage)) = (silence, error, garbage) else {
            return Err("share: each must be from 0 to 1");
        };
        if silence + error + garbage > MILLION {
            return Err("share: together they must be at most 1");
        }
        Ok(Self { seed, delays, silence, error, garbage })
    }

    /// What becomes of the request with that mark: the same each time.
    #[must_use]
    pub fn fate(&self, mark: &str) -> Fate {
        let draw = |what: &str| {
            let hash =
                Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(what).chain_update(mark).finalize();
            let (words, _) = hash.as_chunks();
            words.first().map_or(0, |word| u32::from_be_bytes(*word)) % MILLION
        };
        let (error, garbage) = (self.silence + self.error, self.silence + self.error + self.garbage);
        let behavior = match draw("behavior") {
            share if share < self.silence => Behavior::Silence,
            share if share < error => Behavior::Error,
            share if share < garbage => Behavior::Garbage,
            _ => Behavior::Answer,
        };
        Fate { delay: Duration::from_millis(self.delay(draw("delay"))), behavior }
    }

    fn delay(&self, share: u32) -> u64 {
        let after = self.delays.partition_point(|(at, _)| *at <= share);
        let before = after.checked_sub(1).and_then(|place| self.delays.get(place));
        match (before, self.delays.get(after)) {
            (Some((from, low)), Some((to, high))) => {
                let (part, whole) = (u64::from(share - from), u64::from((to - from).max(1)));
                low + (high - low) * part / whole
            }
            (Some((_, only)), None) => *only,
            (None, _) => 0,
        }
    }
}

fn of_million(share: f64) -> Option<u32> {
    let whole = (0.0..=1.0).contains(&share);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to a million")]
    whole.then(|| (share * f64::from(MILLION)).round() as u32)
}

/// What is no answer: some lines of printable signs, the same for the same request.
pub(super) fn garbage(mark: &str) -> String {
    let line = |number: u8| {
        let hash = Sha256::new().chain_update("garbage").chain_update(mark).chain_update([number]).finalize();
        hash.iter().map(|byte| char::from(b'!' + byte % 90)).collect::<String>()
    };
    (0..4).map(line).collect::<Vec<_>>().join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(text: &str) -> Result<Profile, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.to_string())?;
        Profile::of(&written).map_err(str::to_owned)
    }

    #[test]
    fn delays_and_shares_are_those_of_the_file_and_the_same_for_the_same_request() {
        let text = "seed = 7\n[delay_ms]\np0 = 100\np50 = 200\np95 = 1000\np100 = 5000\n\
                    [share]\nsilence = 0.1\nerror = 0.05\ngarbage = 0.02\n";
        let profile = profile(text).unwrap();
        let fates: Vec<Fate> = (0..20_000).map(|mark| profile.fate(&format!("{mark:032x}"))).collect();
        let share = |is: &dyn Fn(&Fate) -> bool| fates.iter().filter(|fate| is(fate)).count() as f64 / 20_000.0;
        let within = |ms| share(&move |fate: &Fate| fate.delay <= Duration::from_millis(ms));
        assert_eq!((within(99), within(5000)), (0.0, 1.0));
        assert!((within(200) - 0.5).abs() < 0.02 && (within(1000) - 0.95).abs() < 0.01, "{}", within(200));
        for (behavior, expected) in
            [(Behavior::Silence, 0.1), (Behavior::Error, 0.05), (Behavior::Garbage, 0.02), (Behavior::Answer, 0.83)]
        {
            let found = share(&|fate: &Fate| fate.behavior == behavior);
            assert!((found - expected).abs() < 0.01, "{behavior:?}: {found}");
        }
        assert_eq!(profile.fate("x"), profile.fate("x"));
        let other = Profile { seed: 8, ..profile.clone() };
        assert!((0..100).any(|mark| other.fate(&mark.to_string()) != profile.fate(&mark.to_string())));
    }

    #[test]
    fn without_a_file_a_state_is_neither_slow_nor_faulty() {
        let fate = Fate { delay: Duration::ZERO, behavior: Behavior::Answer };
        assert!((0..100).all(|mark| Profile::default().fate(&mark.to_string()) == fate));
        assert_eq!(profile(""), Ok(Profile::default()));
    }

    #[test]
    fn what_a_profile_must_not_say_is_named() {
        for (text, says) in [
            ("[delay_ms]\np50 = 10\np95 = 5", "must not be smaller"),
            ("[delay_ms]\np100 = 3600001", "an hour"),
            ("[share]\nerror = 1.5", "from 0 to 1"),
            ("[share]\nerror = nan", "from 0 to 1"),
            ("[share]\nerror = 0.6\ngarbage = 0.6", "together"),
            ("[share]\nerrors = 0.6", "errors"),
            ("delay = 5", "delay"),
        ] {
            let error = profile(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn garbage_is_text_that_a_message_may_hold() {
        let text = garbage("x");
        assert_eq!(text, garbage("x"));
        assert_ne!(text, garbage("y"));
        assert!(text.lines().all(|line| line.len() == 32 && line.bytes().all(|b| b.is_ascii_graphic())), "{text}");
    }
}
