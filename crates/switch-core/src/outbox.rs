//! What waits for one station, and which of it goes next (`protocol-specs/wire.md` 2.6).
//!
//! Copies wait in classes of priority, 1 the highest, each in the order in which they were admitted: that is the order
//! of their delivery numbers, so a copy that comes back from a lost link falls into its place by itself.

use std::collections::BTreeSet;

use crate::event::Delivery;

/// Classes of priority.
pub(crate) const CLASSES: usize = 6;
/// While a higher class waits, the lower ones together get one in so many sends.
const LOWER_ONE_IN: u8 = 8;
/// How many copies of a class are looked at for one that its link has room for. Copies are passed over only where a
/// station has several links, or an answer belongs to one of them.
const LOOK_AHEAD: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    classes: [BTreeSet<Delivery>; CLASSES],
    /// Sends since a class below had its turn while one waited.
    higher_in_a_row: u8,
}

impl Outbox {
    pub(crate) fn insert(&mut self, class: u8, delivery: Delivery) {
        if let Some(waiting) = self.class_mut(class) {
            waiting.insert(delivery);
        }
    }

    pub(crate) fn remove(&mut self, class: u8, delivery: Delivery) -> bool {
        self.class_mut(class).is_some_and(|waiting| waiting.remove(&delivery))
    }

    pub(crate) fn contains(&self, class: u8, delivery: Delivery) -> bool {
        self.classes.get(place(class)).is_some_and(|waiting| waiting.contains(&delivery))
    }

    /// All that wait.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Delivery> + '_ {
        self.classes.iter().flatten().copied()
    }

    /// How many wait in each class, the highest first.
    pub(crate) fn depths(&self) -> [usize; CLASSES] {
        self.classes.each_ref().map(BTreeSet::len)
    }

    /// The one that was admitted first.
    pub(crate) fn oldest(&self) -> Option<Delivery> {
        self.classes.iter().filter_map(BTreeSet::first).min().copied()
    }

    /// Takes out the copy to send next, of those for which `link` names a link with room.
    ///
    /// The highest class that can be sent goes first. While it waits, the lower ones together have every eighth send, which goes to the
    /// oldest copy among them, so that no class starves.
    pub(crate) fn take_next<L>(&mut self, mut link: impl FnMut(Delivery) -> Option<L>) -> Option<(Delivery, L)> {
        let (class, delivery, found) = (0..CLASSES).find_map(|class| self.first_with_link(class, &mut link))?;
        let lower = class.saturating_add(1);
        if self.classes.iter().skip(lower).all(BTreeSet::is_empty) {
            self.higher_in_a_row = 0;
            return self.taken(class, delivery, found);
        }
        if self.higher_in_a_row >= LOWER_ONE_IN.saturating_sub(1) {
            let candidates = (lower..CLASSES).filter_map(|class| self.first_with_link(class, &mut link));
            if let Some((class, delivery, found)) = candidates.min_by_key(|(_, delivery, _)| *delivery) {
                self.higher_in_a_row = 0;
                return self.taken(class, delivery, found);
            }
        }
        self.higher_in_a_row = self.higher_in_a_row.saturating_add(1);
        self.taken(class, delivery, found)
    }

    fn first_with_link<L>(
        &self,
        class: usize,
        link: &mut impl FnMut(Delivery) -> Option<L>,
    ) -> Option<(usize, Delivery, L)> {
        let mut waiting = self.classes.get(class)?.iter().take(LOOK_AHEAD);
        waiting.find_map(|delivery| link(*delivery).map(|found| (class, *delivery, found)))
    }

    fn taken<L>(&mut self, class: usize, delivery: Delivery, found: L) -> Option<(Delivery, L)> {
        self.classes.get_mut(class)?.remove(&delivery).then_some((delivery, found))
    }

    fn class_mut(&mut self, class: u8) -> Option<&mut BTreeSet<Delivery>> {
        self.classes.get_mut(place(class))
    }
}

/// Classes count from 1; one that does not exist is the lowest.
fn place(class: u8) -> usize {
    usize::from(class).saturating_sub(1).min(CLASSES.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(waiting: &[(u8, u64)]) -> Outbox {
        let mut outbox = Outbox::default();
        for (class, number) in waiting {
            outbox.insert(*class, Delivery::from_number(*number));
        }
        outbox
    }

    fn drain(outbox: &mut Outbox) -> Vec<u64> {
        std::iter::from_fn(|| outbox.take_next(|_| Some(())).map(|(delivery, ())| delivery.number())).collect()
    }

    #[test]
    fn higher_classes_go_first_and_each_in_its_order() {
        let mut outbox = outbox(&[(5, 1), (5, 2), (1, 9), (2, 8), (1, 3)]);
        assert_eq!(drain(&mut outbox), [3, 9, 8, 1, 2]);
        assert_eq!(outbox.depths(), [0; CLASSES]);
    }

    #[test]
    fn every_eighth_send_is_the_oldest_of_the_lower_classes() {
        let mut waiting: Vec<_> = (100..120).map(|n| (1, n)).collect();
        waiting.extend([(5, 7), (6, 3)]);
        let sent = drain(&mut outbox(&waiting));
        assert_eq!(sent[7], 3);
        assert_eq!(sent[15], 7);
        assert_eq!(sent.len(), 22);
    }

    #[test]
    fn a_class_that_cannot_be_sent_takes_nobodys_turn() {
        let mut waiting: Vec<_> = (100..120).map(|n| (4, n)).collect();
        waiting.extend([(2, 1), (5, 7)]);
        let mut outbox = outbox(&waiting);
        let mut next = || outbox.take_next(|delivery| (delivery.number() != 1).then_some(())).unwrap().0.number();
        let sent: Vec<_> = (0..8).map(|_| next()).collect();
        assert_eq!(sent[7], 7, "{sent:?}");
    }

    #[test]
    fn a_copy_without_a_link_is_passed_over_and_keeps_its_place() {
        let mut outbox = outbox(&[(4, 1), (4, 2)]);
        let next = outbox.take_next(|delivery| (delivery.number() != 1).then_some("second"));
        assert_eq!(next, Some((Delivery::from_number(2), "second")));
        assert_eq!(outbox.take_next(|_| None::<()>), None);
        assert_eq!(drain(&mut outbox), [1]);
    }
}
