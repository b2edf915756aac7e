//! Which person is in which source, how often, and in which place: a pattern of 930 records that repeats.
//!
//! Of 93 million records, 45 million are of CIS and so on; 930 records hold exactly that many hundred-thousandths of
//! them, and they are of 638 persons. So any record's person, any source's row and any share of a run are found by
//! reckoning, without looking at another record.

use std::sync::LazyLock;

use super::draw::mix;
use crate::Source;

/// Records of one pattern.
pub(super) const RECORDS: u32 = 930;

/// Persons of one pattern.
pub(super) const PERSONS: u32 = 638;

/// How many persons of a pattern are in which sources, some of them more than once in one.
#[rustfmt::skip]
const SETS: [(usize, &[Source]); 24] = {
    use Source::*;
    [
        (300, &[Cis]),
        (53, &[Cis, Claims]),
        (7, &[Cis, Claims, Claims]),
        (25, &[Cis, Niis, Claims]),
        (30, &[Cis, Niis]),
        (4, &[Cis, Niis, Adis]),
        (5, &[Cis, Niis, Claims, Sevis]),
        (8, &[Cis, Enforce]),
        (6, &[Cis, Enforce, Dacs]),
        (5, &[Cis, Dacs]),
        (4, &[Cis, Raps]),
        (3, &[Cis, Claims, Raps]),
        (91, &[Niis]),
        (15, &[Niis, Niis]),
        (36, &[Niis, Adis]),
        (8, &[Niis, Niis, Adis]),
        (9, &[Niis, Sevis]),
        (4, &[Niis, Adis, Sevis]),
        (8, &[Adis]),
        (11, &[Enforce]),
        (2, &[Enforce, Enforce]),
        (1, &[Enforce, Dacs]),
        (2, &[Sevis]),
        (1, &[Raps]),
    ]
};

/// A record of the pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    /// The person, within the pattern.
    pub(super) person: u16,
    /// Who holds it.
    pub(super) source: Source,
    /// How many records of the same person and source come before it.
    pub(super) occurrence: u8,
    /// Its place among the pattern's records of its source.
    pub(super) place: u16,
}

/// The pattern.
pub(super) struct Plan {
    /// Its records, in their order.
    pub(super) slots: Vec<Slot>,
    /// For each source, in the order of [`Source::ALL`], where its records are among the slots.
    pub(super) of_source: [Vec<u16>; 8],
    /// For each person, the sources.
    sets: Vec<&'static [Source]>,
    /// For each person, where its records are among the slots.
    of_person: Vec<Vec<u16>>,
}

/// The pattern, laid out once.
pub(super) fn plan() -> &'static Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(Plan::new);
    &PLAN
}

impl Plan {
    fn new() -> Self {
        let mut sets: Vec<&'static [Source]> =
            SETS.iter().flat_map(|(count, set)| std::iter::repeat_n(*set, *count)).collect();
        shuffle(&mut sets, 1);
        let mut slots = Vec::with_capacity(RECORDS as usize);
        for (person, set) in (0..).zip(&sets) {
            for (place, source) in set.iter().enumerate() {
                let before = set.iter().take(place).filter(|earlier| *earlier == source).count();
                slots.push(Slot { person, source: *source, occurrence: u8::try_from(before).unwrap_or(0), place: 0 });
            }
        }
        shuffle(&mut slots, 2);
        let mut of_source = [const { Vec::new() }; 8];
        let mut of_person = vec![Vec::new(); sets.len()];
        for (at, slot) in (0..).zip(&mut slots) {
            let of_source = &mut of_source[slot.source as usize];
            slot.place = u16::try_from(of_source.len()).unwrap_or(0);
            of_source.push(at);
            of_person[usize::from(slot.person)].push(at);
        }
        Self { slots, of_source, sets, of_person }
    }

    /// The sources that have a person of the pattern.
    pub(super) fn set(&self, person: usize) -> &'static [Source] {
        self.sets.get(person % PERSONS as usize).copied().unwrap_or(&[])
    }

    /// Where the records of a person are.
    pub(super) fn of_person(&self, person: usize) -> &[u16] {
        self.of_person.get(person).map_or(&[], Vec::as_slice)
    }
}

/// Mixes an order, always the same way.
fn shuffle<T>(items: &mut [T], salt: u64) {
    for last in (1..items.len()).rev() {
        let place = mix(salt << 32 | last as u64) % (last as u64 + 1);
        items.swap(last, usize::try_from(place).unwrap_or(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_has_the_shares_of_the_93_million() {
        let plan = plan();
        let counts = plan.of_source.each_ref().map(Vec::len);
        assert_eq!(counts, [450, 250, 100, 60, 30, 20, 12, 8]);
        assert_eq!((plan.slots.len(), plan.sets.len()), (RECORDS as usize, PERSONS as usize));
        assert!(plan.of_person.iter().all(|records| (1..=4).contains(&records.len())));
    }

    #[test]
    fn a_small_part_of_the_pattern_has_every_large_source() {
        let seen: Vec<_> = plan().slots.iter().take(40).map(|slot| slot.source).collect();
        for source in [Source::Cis, Source::Niis, Source::Claims, Source::Adis] {
            assert!(seen.contains(&source), "{source:?}");
        }
    }
}
