//! From the odds that weights give to those that hold: a table, measured on generated questions.
//!
//! Weights take the parts of a person for independent, and whoever is asked for for one of all persons of the country. Both
//! are not so: agreements come together, and most who are asked for are on record. The table says how often candidates of
//! given odds were the person: over all classes of questions alike, with ten questions about persons in no source for each
//! question of another class (`orinet records evaluate --json` prints the counts from which it is made). Where far fewer of
//! those asked for are on record than there, probabilities are too high: then the thresholds are what to set.

/// Odds by weights, and measured: logarithms to base 2, both ascending. Between two, the line; outside, see [`calibrated`].
const TABLE: [(f32, f32); 12] = [
    (-12.0, -11.0),
    (-8.0, -6.0),
    (-5.0, -2.0),
    (-3.7, -0.1),
    (-2.3, 1.3),
    (-1.0, 2.5),
    (0.5, 3.8),
    (2.0, 5.2),
    (3.6, 7.6),
    (5.5, 8.6),
    (8.0, 9.2),
    (12.0, 10.0),
];

/// Measured odds of those that weights give; logarithms to base 2.
pub(crate) fn calibrated(bits: f32) -> f32 {
    along(bits, |(weighed, measured)| (*weighed, *measured))
}

/// The odds by weights that have these measured ones.
pub(crate) fn weighed(bits: f32) -> f32 {
    along(bits, |(weighed, measured)| (*measured, *weighed))
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
        let mut last = f32::NEG_INFINITY;
        for step in -300_i16..=300 {
            let bits = f32::from(step) / 10.0;
            let measured = calibrated(bits);
            assert!(measured > last && (weighed(measured) - bits).abs() < 0.01, "{bits} {measured}");
            last = measured;
        }
        for probability_of in [0.001, 0.2, 0.5, 0.98] {
            assert!((probability(odds_bits(probability_of)) - probability_of).abs() < 1e-4);
        }
    }
}
