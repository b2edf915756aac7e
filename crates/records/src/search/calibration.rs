//! From the odds that weights give to those that hold: a table, measured on generated questions.
//!
//! Weights take the parts of a person for independent, and whoever is asked for for one of all persons of the country. Both
//! are not so: agreements come together, and most who are asked for are on record. The table says how often candidates of
//! given odds were the person: over all classes of questions alike, with ten questions about persons in no source for each
//! question of another class (`orinet records evaluate --json` prints the counts from which it is made), at 1 and 20 million
//! records. Where far fewer of
//! those asked for are on record than there, probabilities are too high: then the thresholds are what to set.

/// Odds by weights, and measured among [`MEASURED`] records: logarithms to base 2, both ascending. Between two, the line.
const TABLE: [(f32, f32); 12] = [
    (-10.9, -6.7),
    (-8.5, -5.4),
    (-6.75, -2.9),
    (-5.25, -1.8),
    (-3.75, -0.9),
    (-2.25, 0.8),
    (-0.75, 2.5),
    (0.75, 4.0),
    (2.25, 5.6),
    (4.0, 6.4),
    (6.0, 7.6),
    (8.0, 10.0),
];

/// Records of which the table holds.
const MEASURED: f32 = 5_000_000.0;

/// What is added to measured odds for each doubling of the records: that more are on record makes weights doubt more than
/// they have to.
const FOR_DOUBLING: f32 = 0.15;

/// Odds by weights and those that hold, among so many records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calibration {
    /// What is added to the table's odds.
    more: f32,
}

impl Calibration {
    /// Of so many records.
    #[expect(clippy::cast_precision_loss, reason = "its logarithm is what counts")]
    pub(crate) fn of(records: u64) -> Self {
        Self { more: FOR_DOUBLING * (records.max(1) as f32 / MEASURED).log2() }
    }

    /// The odds that hold, of those that weights give; logarithms to base 2.
    pub(crate) fn calibrated(self, bits: f32) -> f32 {
        along(bits, |(weighed, measured)| (*weighed, *measured)) + self.more
    }

    /// The odds by weights of those that hold.
    pub(crate) fn weighed(self, bits: f32) -> f32 {
        along(bits - self.more, |(weighed, measured)| (*measured, *weighed))
    }
}

/// The place of a number on the lines between points; beyond the first and the last it goes on as between the two next
/// to them.
fn along(at: f32, point: impl Fn(&(f32, f32)) -> (f32, f32)) -> f32 {
    let pairs = TABLE.windows(2).filter_map(|pair| match pair {
        [one, next] => Some((point(one), point(next))),
        _ => None,
    });
    let mut line = None;
    for (one, next) in pairs {
        if line.is_none() || at >= one.0 {
            line = Some((one, next));
        }
    }
    line.map_or(at, |(one, next)| one.1 + (at - one.0) * (next.1 - one.1) / (next.0 - one.0))
}

/// The probability of odds, whose logarithm to base 2 is given.
pub(crate) fn probability(bits: f32) -> f32 {
    1.0 / (1.0 + (-bits).exp2())
}

/// The logarithm to base 2 of the odds of a probability; of none and of certainty, very small and very large.
pub(crate) fn odds_bits(probability: f32) -> f32 {
    let probability = probability.clamp(1e-9, 1.0 - 1e-7);
    (probability / (1.0 - probability)).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ascends_and_can_be_read_both_ways() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
        for records in [0, 1_000_000, 93_000_000] {
            let (calibration, mut last) = (Calibration::of(records), f32::NEG_INFINITY);
            for step in -300_i16..=300 {
                let bits = f32::from(step) / 10.0;
                let measured = calibration.calibrated(bits);
                assert!(measured > last && (calibration.weighed(measured) - bits).abs() < 0.01, "{bits} {measured}");
                last = measured;
            }
        }
        for probability_of in [0.001, 0.2, 0.5, 0.98] {
            assert!((probability(odds_bits(probability_of)) - probability_of).abs() < 1e-4);
        }
    }
}
