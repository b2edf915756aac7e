//! Names that are near an asked one, by their ids: looked up for every record that a search passes.

use crate::neighbor::Nearness;

/// How near a name is to each asked one: four bits each, zero for not near.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark(pub(crate) u32);

impl Mark {
    /// How near to the asked name of a place.
    #[inline]
    pub(crate) const fn near(self, place: usize) -> Option<Nearness> {
        Nearness::from_number(self.0 >> (4 * place) & 0xF)
    }
}

/// The four bits of an asked name.
pub(crate) const fn bits_of(place: usize) -> u32 {
    0xF << (4 * place)
}

/// Marks by id: a table of twice the size of what is in it, searched from the place of the id on.
#[derive(Debug)]
pub(crate) struct Marks {
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self { slots: vec![(0, 0); 512], used: 0 }
    }

    /// What is known of a name; id 0 is no name.
    #[inline]
    pub(crate) fn get(&self, id: u32) -> Mark {
        let mask = self.slots.len() - 1;
        let mut place = spread(id) & mask;
        loop {
            match self.slots.get(place) {
                Some((found, marks)) if *found == id => return Mark(*marks),
                Some((0, _)) | None => return Mark(0),
                Some(_) => place = (place + 1) & mask,
            }
        }
    }

    /// Notes how near a name is to the asked one of a place, unless it is known to be nearer. Says whether it was
    /// new.
    pub(crate) fn set(&mut self, id: u32, asked: usize, nearness: Nearness) -> bool {
        if id == 0 {
            return false;
        }
        if self.used * 2 >= self.slots.len() {
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![(0, 0); old.len() * 2];
            for (id, marks) in old {
                if id != 0 {
                    self.slot(id).1 = marks;
                }
            }
        }
        let before = self.slot(id);
        let is_new_name = before.1 == 0;
        let known = before.1 >> (4 * asked) & 0xF;
        if known == 0 || known > nearness as u32 {
            before.1 = before.1 & !bits_of(asked) | (nearness as u32) << (4 * asked);
        }
        self.used += usize::from(is_new_name);
        known == 0
    }

    fn slot(&mut self, id: u32) -> &mut (u32, u32) {
        let mask = self.slots.len() - 1;
        let mut place = spread(id) & mask;
        while self.slots[place].0 != id && self.slots[place].0 != 0 {
            place = (place + 1) & mask;
        }
        let slot = &mut self.slots[place];
        slot.0 = id;
        slot
    }
}

const fn spread(id: u32) -> usize {
    (id.wrapping_mul(0x9E37_79B1) >> 12) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_the_nearest_noted(notes in prop::collection::vec((0_u32..900, 0_usize..8, 0_usize..8), 0..2_000)) {
            let (mut marks, mut model) = (Marks::new(), HashMap::<(u32, usize), Nearness>::new());
            for (id, asked, nearness) in notes {
                let nearness = Nearness::ALL[nearness];
                marks.set(id, asked, nearness);
                if id != 0 {
                    model.entry((id, asked)).and_modify(|known| *known = nearness.min(*known)).or_insert(nearness);
                }
            }
            for id in 0..1_000 {
                for asked in 0..8 {
                    prop_assert_eq!(marks.get(id).near(asked), model.get(&(id, asked)).copied());
                }
            }
        }
    }
}
