//! Sets of fields: of the combinations that a key takes a body has exactly one, and which of them it can have may hang
//! on the value of another field (a YQ about a security has other fields than one about a person).

use super::FieldSpec;
use super::field::named;

/// One combination of fields that a key takes, and one line of its option list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSet {
    /// The values of the choosing field ([`super::FieldRules::chosen_by`]) with which it goes; none where there is no
    /// such field.
    pub values: Vec<String>,
    /// A bit for each of the key's fields that it needs.
    pub(super) required: u64,
    /// A bit for each of the key's fields that may go with them.
    pub(super) optional: u64,
}

impl FieldSet {
    /// Which of the key's `fields` it needs, in their order.
    pub fn required<'a>(&self, fields: &'a [FieldSpec]) -> impl Iterator<Item = &'a FieldSpec> + use<'a> {
        named(fields, self.required)
    }

    /// Which of the key's `fields` may go with them, in their order.
    pub fn optional<'a>(&self, fields: &'a [FieldSpec]) -> impl Iterator<Item = &'a FieldSpec> + use<'a> {
        named(fields, self.optional)
    }

    const fn members(&self) -> u64 {
        self.required | self.optional
    }

    /// Whether fields are this set: all that it needs, and none that it does not have.
    const fn is(&self, given: u64) -> bool {
        given & self.required == self.required && given & !self.members() == 0
    }
}

/// The sets of a key; none where its fields stand each for itself. Some of them are a bit for each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FieldSets {
    pub(super) sets: Vec<FieldSet>,
    /// The place of the field whose value chooses among them.
    pub(super) chosen_by: Option<usize>,
}

impl FieldSets {
    /// As many as there are bits.
    pub(super) const MAX: usize = 64;

    /// All of them. A key without sets has one line in its option list, and one bit stands for it.
    pub(super) fn all(&self) -> u64 {
        u64::MAX.checked_shr(64_u32.saturating_sub(u32::try_from(self.sets.len()).unwrap_or(64).max(1))).unwrap_or(1)
    }

    /// Those of `some`.
    pub(super) fn of(&self, some: u64) -> impl Iterator<Item = &FieldSet> {
        self.sets.iter().enumerate().filter(move |(at, _)| some & super::field::bit(*at) != 0).map(|(_, set)| set)
    }

    /// Those that hold for a predicate, but all of `among` where none does.
    fn narrowed(&self, among: u64, holds: impl Fn(&FieldSet) -> bool) -> u64 {
        let bits = self.sets.iter().enumerate().filter(|(_, set)| holds(set)).map(|(at, _)| super::field::bit(at));
        let some = among & bits.fold(0, |all, bit| all | bit);
        if some == 0 { among } else { some }
    }

    /// Those that a value of the choosing field leaves; all for a value that it does not have.
    pub(super) fn chosen(&self, value: &str) -> u64 {
        self.narrowed(self.all(), |set| set.values.iter().any(|known| known.eq_ignore_ascii_case(value)))
    }

    /// Those of `among` that a body can have meant: what has any of its fields, else every one.
    pub(super) fn fitting(&self, among: u64, given: u64) -> u64 {
        self.narrowed(among, |set| set.members() & given != 0)
    }

    /// What has to be there because no other set is left.
    pub(super) fn needed(&self, fitting: u64) -> u64 {
        let mut sets = self.of(fitting);
        sets.next().filter(|_| sets.next().is_none()).map_or(0, |set| set.required)
    }

    /// The fields of `some`, all together.
    pub(super) fn members(&self, some: u64) -> u64 {
        self.of(some).fold(0, |all, set| all | set.members())
    }

    /// Whether fields are, as far as they belong to any set, one of `some`.
    pub(super) fn one_of(&self, some: u64, given: u64) -> bool {
        let given = given & self.members(self.all());
        self.sets.is_empty() || self.of(some).any(|set| set.is(given))
    }
}
