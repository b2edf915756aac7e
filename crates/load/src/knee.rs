//! The search for the highest rate at which the bounds still hold: climb until they break, then halve the gap.

/// Where a search stands. Pure: the caller tries a rate and says what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Knee {
    /// The highest rate at which the bounds held.
    held: Option<f64>,
    /// The lowest at which they broke.
    broke: Option<f64>,
    next: f64,
    most: f64,
    steps_left: u32,
}

/// A rate climbs by this factor while the bounds hold.
const CLIMB: f64 = 2.0;

/// The search ends when the two rates are this close.
const CLOSE: f64 = 1.07;

/// Steps of one search, in case the bounds hold and break at the same rate by turns.
const STEPS_MAX: u32 = 30;

impl Knee {
    /// A search that begins at a rate and does not go beyond another.
    #[must_use]
    pub const fn new(from: f64, most: f64) -> Self {
        Self { held: None, broke: None, next: from, most, steps_left: STEPS_MAX }
    }

    /// The next rate to try; nothing when the knee is found as closely as it is looked for.
    #[must_use]
    pub fn next_rate(&self) -> Option<f64> {
        let close = match (self.held, self.broke) {
            (Some(held), Some(broke)) => broke / held <= CLOSE,
            (Some(held), None) => held >= self.most,
            // The first rate was too high: go down as far as a message every ten seconds.
            (None, Some(broke)) => broke < 0.1,
            (None, None) => false,
        };
        (self.steps_left > 0 && !close).then_some(self.next)
    }

    /// The bounds held at the rate that was tried.
    pub fn held(&mut self, rate: f64) {
        self.held = Some(self.held.map_or(rate, |before| before.max(rate)));
        self.go_on();
    }

    /// The bounds broke at the rate that was tried.
    pub fn broke(&mut self, rate: f64) {
        self.broke = Some(self.broke.map_or(rate, |before| before.min(rate)));
        self.go_on();
    }

    /// The highest rate at which the bounds held.
    #[must_use]
    pub const fn found(&self) -> Option<f64> {
        self.held
    }

    fn go_on(&mut self) {
        self.steps_left = self.steps_left.saturating_sub(1);
        self.next = match (self.held, self.broke) {
            (Some(held), Some(broke)) => (held * broke).sqrt(),
            (Some(held), None) => (held * CLIMB).min(self.most),
            (None, Some(broke)) => broke / 2.0 / CLIMB,
            (None, None) => self.next,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(mut knee: Knee, holds: impl Fn(f64) -> bool) -> (Option<f64>, usize) {
        let mut steps = 0;
        while let Some(rate) = knee.next_rate() {
            steps += 1;
            if holds(rate) { knee.held(rate) } else { knee.broke(rate) }
        }
        (knee.found(), steps)
    }

    #[test]
    fn the_knee_is_found_within_a_few_percent_from_below_and_from_above() {
        for from in [10.0, 900.0, 50_000.0] {
            for limit in [37.0, 1000.0, 40_000.0] {
                let (found, steps) = search(Knee::new(from, 1e6), |rate| rate <= limit);
                let found = found.unwrap();
                assert!(found <= limit && found * CLOSE >= limit, "{from} {limit}: {found}");
                assert!(steps <= STEPS_MAX as usize, "{steps}");
            }
        }
    }

    #[test]
    fn a_search_that_never_breaks_ends_at_its_most_and_one_that_never_holds_ends() {
        assert_eq!(search(Knee::new(100.0, 5000.0), |_| true).0, Some(5000.0));
        assert_eq!(search(Knee::new(100.0, 5000.0), |_| false).0, None);
    }

    #[test]
    fn bounds_that_break_at_random_end_the_search_all_the_same() {
        let count = std::cell::Cell::new(0_u32);
        let (_, steps) = search(Knee::new(100.0, 1e9), |_| {
            count.set(count.get() + 1);
            count.get().is_multiple_of(2)
        });
        assert!(steps <= STEPS_MAX as usize);
    }
}
