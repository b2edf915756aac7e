//! Draws for one person: a generator of its own, seeded by seed and number, and choices by weight.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

/// The draws of one person. Built on nothing but the generator's raw 64 bits, so that a new release of a library of
/// distributions changes no person.
pub(crate) struct Draw(Pcg64Mcg);

impl Draw {
    /// The draws of a person; `of` tells those of the person (zero) from those of each record and each question.
    pub(crate) fn new(seed: u64, number: u32, of: u32) -> Self {
        let low = mix(seed ^ mix(u64::from(of) << 32 | u64::from(number)).wrapping_add(1));
        let high = mix(low ^ seed.rotate_left(32));
        Self(Pcg64Mcg::new(u128::from(high) << 64 | u128::from(low)))
    }

    /// 0 to `end` − 1, each as likely; 0 for an `end` of 0. The bias is below one in 2³².
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        let product = u64::from(end) * (self.0.next_u64() >> 32);
        (product >> 32) as u32
    }

    /// A number of a range of days or years, ends included; the first if the range is empty.
    pub(crate) fn within(&mut self, first: i32, last: i32) -> i32 {
        first + self.below(u32::try_from(i64::from(last) - i64::from(first) + 1).unwrap_or(0)).cast_signed()
    }

    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// True so many times of a thousand.
    pub(crate) fn permille(&mut self, permille: u32) -> bool {
        self.below(1_000) < permille
    }

    /// One of some choices, each as likely; none of none.
    pub(crate) fn one<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(u32::try_from(choices.len()).unwrap_or(u32::MAX)) as usize)
    }

    /// One of some choices by their weights; the first if all weights are zero.
    pub(crate) fn of<T: Copy>(&mut self, choices: &[(T, u32)]) -> T {
        let mut place = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for (choice, weight) in choices {
            if place < *weight {
                return *choice;
            }
            place -= weight;
        }
        choices[0].0
    }

    /// A place of an alias table.
    pub(super) fn weighted(&mut self, weights: &Weights) -> usize {
        let bits = self.0.next_u64();
        let slots = weights.slots.len() as u64;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "below the number of slots; the low half of the bits is meant"
        )]
        let (slot, coin) = ((((bits >> 32) * slots) >> 32) as usize, bits as u32);
        match weights.slots.get(slot) {
            Some((keep, alias)) if coin > *keep => *alias as usize,
            _ => slot,
        }
    }
}

/// A finalizer with full avalanche (splitmix64), so that neighbors' generators have nothing in common.
pub(super) const fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}

/// Weights as an alias table (Vose): a choice costs one draw, however many there are.
#[derive(Debug)]
pub(super) struct Weights {
    /// For each place: the coin up to which it stays, and the place to go to otherwise.
    slots: Vec<(u32, u32)>,
}

impl Weights {
    pub(super) fn new(weights: impl ExactSizeIterator<Item = u32>) -> Self {
        let count = weights.len() as u64;
        let weights: Vec<u64> = weights.map(u64::from).collect();
        let sum: u64 = weights.iter().sum();
        // In units of 1 / count: a weight of exactly the mean is `sum`.
        let mut scaled: Vec<u64> = weights.iter().map(|weight| weight * count).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..scaled.len()).partition(|&place| scaled[place] < sum);
        let mut slots = vec![(u32::MAX, 0); scaled.len()];
        while let (Some(&one), Some(&other)) = (small.last(), large.last()) {
            small.pop();
            let keep = u64::from(u32::MAX) * scaled[one] / sum.max(1);
            slots[one] = (u32::try_from(keep).unwrap_or(u32::MAX), u32::try_from(other).unwrap_or(0));
            scaled[other] = (scaled[other] + scaled[one]).saturating_sub(sum);
            if scaled[other] < sum {
                large.pop();
                small.push(other);
            }
        }
        Self { slots }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_table_keeps_the_weights() {
        let weights = [1_u32, 2, 3, 0, 94];
        let table = Weights::new(weights.into_iter());
        let mut draw = Draw::new(5, 5, 0);
        let mut seen = [0_u32; 5];
        for _ in 0..100_000 {
            seen[draw.weighted(&table)] += 1;
        }
        for (place, weight) in weights.into_iter().enumerate() {
            assert!(seen[place].abs_diff(weight * 1_000) <= 300, "{seen:?}");
        }
    }

    #[test]
    fn ranges_keep_their_ends() {
        let mut draw = Draw::new(1, 1, 0);
        let drawn: std::collections::BTreeSet<_> = (0..1_000).map(|_| draw.within(-2, 2)).collect();
        assert_eq!(drawn, (-2..=2).collect());
        assert_eq!((draw.within(3, 3), draw.within(3, 2), draw.below(0)), (3, 3, 0));
    }
}
