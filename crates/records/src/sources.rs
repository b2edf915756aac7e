//! Which of the eight sources: a set.

use std::fmt;

use crate::Source;

/// A set of sources.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sources(u8);

impl Sources {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// The set of a number, as a file keeps it: a bit for each source.
    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// With another source.
    #[must_use]
    pub const fn with(self, source: Source) -> Self {
        Self(self.0 | 1 << source as u8)
    }

    /// Those of both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a source is among them.
    #[must_use]
    pub const fn has(self, source: Source) -> bool {
        self.0 >> source as u8 & 1 == 1
    }

    /// The sources, in their order.
    pub fn iter(self) -> impl Iterator<Item = Source> {
        Source::ALL.into_iter().filter(move |source| self.has(*source))
    }

    /// Those that are not among them.
    #[must_use]
    pub const fn others(self) -> Self {
        Self(!self.0)
    }
}

impl FromIterator<Source> for Sources {
    fn from_iter<T: IntoIterator<Item = Source>>(sources: T) -> Self {
        sources.into_iter().fold(Self::NONE, Self::with)
    }
}

/// `CIS, NIIS`; `NONE` for none.
impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Source::name).collect();
        f.write_str(if names.is_empty() { "NONE" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sources({self})")
    }
}

const _: () = assert!(Source::ALL.len() == 8, "a bit for each");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_and_its_others_are_all_sources() {
        let some: Sources = [Source::Niis, Source::Cis].into_iter().collect();
        assert_eq!((some.to_string(), some.others().iter().count()), ("CIS, NIIS".to_owned(), 6));
        assert!(some.and(some.others()).iter().eq(Source::ALL));
        assert_eq!(Sources::from_bits(some.bits()), some);
        assert_eq!(Sources::NONE.to_string(), "NONE");
    }
}
