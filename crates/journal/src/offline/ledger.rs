//! What the next record must be.

use crate::error::Damage;
use crate::format::{Hash, Id, SegmentHeader, Stored};

/// What is known about the next record. Behind damage less is known, until records follow from one another again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expect {
    /// Its number; none if anything may come.
    next: Option<u64>,
    /// Behind a record with another number than it should have: the number after that one, which is as good.
    other: Option<u64>,
    /// The hash that it must name.
    link: Option<Hash>,
    /// Its position if it belongs to the same commit as the one before.
    position: Option<u32>,
}

impl Expect {
    const NOTHING: Self = Self { next: None, other: None, link: None, position: None };

    /// At the beginning of a log whose oldest segment has this number.
    pub(crate) fn beginning(first_segment: u64) -> Self {
        // Of a log that was pruned only its first header knows where it begins.
        if first_segment == 1 { Self { next: Some(1), link: Some([0; 32]), ..Self::NOTHING } } else { Self::NOTHING }
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.next
    }

    pub(crate) fn link(&self) -> Option<Hash> {
        self.link
    }

    pub(crate) fn position(&self) -> Option<u32> {
        self.position
    }

    /// Whether a segment with this header follows. Behind damage it may begin with a later record.
    pub(crate) fn begins(&self, header: &SegmentHeader) -> bool {
        match (self.next, self.link) {
            (Some(next), Some(link)) => header.first_sequence == next && header.before == link,
            (Some(next), None) => header.first_sequence >= next,
            (None, _) => header.first_sequence > 0,
        }
    }

    /// Goes on with a segment's first record, as its header has it.
    pub(crate) fn begin(&mut self, header: &SegmentHeader) {
        *self = Self { next: Some(header.first_sequence), link: Some(header.before), ..Self::NOTHING };
    }

    /// The header that the next segment must have, if that is known.
    pub(crate) fn header(&self, id: Id, number: u64, capacity: u64) -> Option<SegmentHeader> {
        let (first_sequence, before) = (self.next?, self.link?);
        Some(SegmentHeader { id, number, first_sequence, capacity, before })
    }

    /// What is wrong with a whole record that stands here.
    pub(crate) fn check(&self, record: &Stored<'_>) -> Option<Damage> {
        let found = record.sequence;
        if self.other == Some(found) {
            return None;
        }
        if let Some(expected) = self.next.filter(|next| *next != found) {
            return Some(Damage::Sequence { expected, found });
        }
        if self.link.is_some_and(|link| link != record.previous) {
            return Some(Damage::Chain { sequence: found });
        }
        let position = record.position;
        if position != 0 && self.position.is_some_and(|expected| expected != position) {
            return Some(Damage::Commit { sequence: found });
        }
        None
    }

    /// Goes on behind a record that was right, or wrong in `damage`.
    pub(crate) fn took(&mut self, record: &Stored<'_>, hash: Hash, damage: Option<Damage>) {
        *self = match (damage, self.next) {
            (Some(Damage::Sequence { .. }), Some(expected)) => Self {
                next: Some(expected.saturating_add(1)),
                other: Some(record.sequence.saturating_add(1)),
                ..Self::NOTHING
            },
            _ => Self {
                next: Some(record.sequence.saturating_add(1)),
                other: None,
                link: Some(hash),
                position: Some(record.position.saturating_add(1)),
            },
        };
    }

    /// Goes on behind a seal: the next record's number is the seal's own.
    pub(crate) fn sealed(&mut self, next: u64, hash: Hash) {
        *self = Self { next: Some(next), link: Some(hash), ..Self::NOTHING };
    }

    /// Goes on behind damage, with record `next` or whatever comes.
    pub(crate) fn lose(&mut self, next: Option<u64>) {
        *self = Self { next, ..Self::NOTHING };
    }
}
