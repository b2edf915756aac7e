//! The memory of messages received, so that one sent again is acknowledged again and not admitted again
//! (`protocol-specs/wire.md` 1.1).

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use codec::name::StationName;
use codec::time::Timestamp;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::event::Sequence;

/// How long a message is remembered.
pub(crate) const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 3600);
/// How many messages of the whole switch are remembered at the most.
pub(crate) const REMEMBERED_MAX: usize = 1_000_000;

/// Bytes of a fingerprint.
pub(crate) const FINGERPRINT_BYTES: usize = 16;

/// What a message is recognized by: its station, its validation and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; FINGERPRINT_BYTES]);

impl Hash for Fingerprint {
    /// It is a hash already: half of it tells any two apart as well as all of it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl Fingerprint {
    pub(crate) const fn from_bytes(bytes: [u8; FINGERPRINT_BYTES]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; FINGERPRINT_BYTES] {
        &self.0
    }

    /// The fingerprint of a message; none for validation 0, which switches the memory off.
    pub(crate) fn of(station: StationName, validation: u32, message: &[u8]) -> Option<Self> {
        if validation == 0 {
            return None;
        }
        let mut hash = Sha256::new();
        hash.update(validation.to_be_bytes());
        hash.update(station.as_str());
        hash.update([0]);
        hash.update(message);
        let mut short = [0; FINGERPRINT_BYTES];
        short.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        Some(Self(short))
    }
}

/// The messages of the last 24 hours, at most the last million.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    known: FxHashMap<Fingerprint, Sequence>,
    oldest_first: VecDeque<(Timestamp, Fingerprint)>,
}

impl Repeats {
    /// The record that holds this message already.
    pub(crate) fn find(&mut self, now: Timestamp, fingerprint: &Fingerprint) -> Option<Sequence> {
        self.forget_old(now);
        self.known.get(fingerprint).copied()
    }

    /// Remember a message; it must not be known.
    pub(crate) fn remember(&mut self, at: Timestamp, fingerprint: Fingerprint, sequence: Sequence) {
        self.forget_old(at);
        if self.oldest_first.len() >= REMEMBERED_MAX {
            self.forget_oldest();
        }
        self.known.insert(fingerprint, sequence);
        self.oldest_first.push_back((at, fingerprint));
    }

    pub(crate) fn len(&self) -> usize {
        self.oldest_first.len()
    }

    /// All of them, with when they came and which record holds them.
    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = (Timestamp, &Fingerprint, Sequence)> {
        self.oldest_first
            .iter()
            .map(|(at, fingerprint)| (*at, fingerprint, self.known.get(fingerprint).copied().unwrap_or_default()))
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.known.reserve(count);
        self.oldest_first.reserve(count);
    }

    /// Remembers a message as it was remembered before, the oldest first.
    pub(crate) fn restore(&mut self, at: Timestamp, fingerprint: Fingerprint, sequence: Sequence) {
        self.known.insert(fingerprint, sequence);
        self.oldest_first.push_back((at, fingerprint));
    }

    fn forget_old(&mut self, now: Timestamp) {
        while self.oldest_first.front().is_some_and(|(at, _)| now.since(*at) > REMEMBERED_FOR) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, fingerprint)) = self.oldest_first.pop_front() {
            self.known.remove(&fingerprint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(validation: u32) -> Fingerprint {
        Fingerprint::of(StationName::parse("ZA").unwrap(), validation, b"AM").unwrap()
    }

    #[test]
    fn station_validation_and_bytes_all_count() {
        let (za, zb) = (StationName::parse("ZA").unwrap(), StationName::parse("ZB").unwrap());
        let one = Fingerprint::of(za, 7, b"x");
        assert_eq!(one, Fingerprint::of(za, 7, b"x"));
        for other in [Fingerprint::of(zb, 7, b"x"), Fingerprint::of(za, 8, b"x"), Fingerprint::of(za, 7, b"y")] {
            assert_ne!(one, other);
        }
        assert_eq!(Fingerprint::of(za, 0, b"x"), None);
    }

    #[test]
    fn a_message_is_forgotten_after_a_day() {
        let (mut repeats, day) = (Repeats::default(), 24 * 3600 * 1_000_000);
        repeats.remember(Timestamp(0), fingerprint(1), Sequence(1));
        assert_eq!(repeats.find(Timestamp(day), &fingerprint(1)), Some(Sequence(1)));
        assert_eq!(repeats.find(Timestamp(day + 1), &fingerprint(1)), None);
    }

    #[test]
    fn no_more_than_a_million_are_remembered() {
        let mut repeats = Repeats::default();
        for n in 1..=u32::try_from(REMEMBERED_MAX).unwrap() + 1 {
            repeats.remember(Timestamp(0), fingerprint(n), Sequence(u64::from(n)));
        }
        assert_eq!(repeats.find(Timestamp(0), &fingerprint(1)), None);
        assert!(repeats.find(Timestamp(0), &fingerprint(2)).is_some());
        assert_eq!(repeats.known.len(), REMEMBERED_MAX);
    }
}
