//! Whether it is worth calling again: a command gives up where a service would try for ever. Time is handed in.

use std::time::Duration;

/// The links of one run so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Links {
    /// There was none.
    #[default]
    None,
    /// Nothing has come over the last one, and over so many right before it.
    Unproven {
        /// How many.
        before: u32,
        /// When the last one came up.
        since: Duration,
    },
    /// Something came over the last one.
    Proven,
}

/// What to do about a lost link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hope {
    /// Call again.
    Some,
    /// The switch does not want this station.
    Gone,
}

impl Links {
    /// Whether there was ever one.
    pub(super) fn were(self) -> bool {
        self != Self::None
    }

    /// There is one.
    pub(super) fn up(&mut self, now: Duration) {
        let before = match *self {
            Self::None | Self::Proven => 0,
            Self::Unproven { before, .. } => before,
        };
        *self = Self::Unproven { before, since: now };
    }

    /// Something came over it.
    pub(super) fn proven(&mut self) {
        *self = Self::Proven;
    }

    /// It is lost.
    pub(super) fn down(&mut self, now: Duration) -> Hope {
        let before = match *self {
            Self::Unproven { before, since } if now.saturating_sub(since) < LASTING => before + 1,
            Self::Unproven { .. } | Self::Proven | Self::None => 0,
        };
        *self = Self::Unproven { before, since: now };
        if before < USELESS_MAX { Hope::Some } else { Hope::Gone }
    }
}

/// Links that are lost at once, one after the other, after which there is no hope: a switch that does not know a station
/// closes its links without a word.
const USELESS_MAX: u32 = 3;

/// A link that lasted so long was wanted, also if nothing came over it.
const LASTING: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_links_that_are_lost_at_once_are_enough() {
        let mut links = Links::default();
        assert!(!links.were());
        for (second, hope) in [(1, Hope::Some), (2, Hope::Some), (3, Hope::Gone)] {
            links.up(seconds(second));
            assert!(links.were());
            assert_eq!(links.down(seconds(second)), hope, "{second}");
        }
    }

    #[test]
    fn a_link_that_lasted_or_was_of_use_begins_the_count_anew() {
        let mut links = Links::default();
        for _ in 0..5 {
            for _ in 0..2 {
                links.up(seconds(1));
                assert_eq!(links.down(seconds(1)), Hope::Some);
            }
            links.up(seconds(2));
            links.proven();
            assert_eq!(links.down(seconds(2)), Hope::Some);
            links.up(seconds(3));
            assert_eq!(links.down(seconds(3)), Hope::Some);
            links.up(seconds(4));
            assert_eq!(links.down(seconds(4) + LASTING), Hope::Some);
        }
    }
}
