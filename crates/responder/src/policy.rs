//! How a center works: whom it asks, what goes out by itself, who gets a copy, whom it answers nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use center::Source;
use codec::name::Ori;

use crate::decision::FindingKind;
use crate::sources::{Heard, NetworkSource};

/// How long a late source may still supplement an answer, unless configured.
pub const LATE: Duration = Duration::from_secs(600);

/// How long a source has, unless configured.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// Types of agencies that have no authority for criminal histories, by the last letter of their ORI
/// (`protocol-specs/formats.md` 2.1): limited police, insurance, others without control, housing, child support, motor
/// vehicles, missing children. That these are the ones is inferred.
pub const WITHOUT_AUTHORITY: &str = "EKOPQUVW";

/// What a center's configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Kinds of answers that go out without a technician.
    pub automatic: BTreeSet<FindingKind>,
    /// Who is asked over the network.
    pub sources: Vec<NetworkSource>,
    /// How long a late source may still supplement an answer.
    pub late: Duration,
    /// The field office of an area, by how its ORIs begin. The longest that fits counts.
    pub offices: BTreeMap<String, Ori>,
    /// Who is answered nothing, by how their ORIs begin.
    pub refused: BTreeSet<String>,
    /// The same, by the last letter of their ORIs.
    pub refused_endings: String,
}

impl Default for Policy {
    /// Nothing goes out by itself but the acknowledgement, nobody is asked over the network, nobody gets a copy.
    fn default() -> Self {
        Self {
            automatic: BTreeSet::new(),
            sources: Vec::new(),
            late: LATE,
            offices: BTreeMap::new(),
            refused: BTreeSet::new(),
            refused_endings: WITHOUT_AUTHORITY.to_owned(),
        }
    }
}

impl Policy {
    /// The default, but that every answer goes out by itself.
    #[must_use]
    pub fn automatic() -> Self {
        Self { automatic: FindingKind::ALL.into(), ..Self::default() }
    }

    /// Whether an agency is answered nothing.
    #[must_use]
    pub fn refuses(&self, requester: Ori) -> bool {
        let ori = requester.as_str();
        self.refused.iter().any(|begins| ori.starts_with(begins.as_str()))
            || ori.chars().last().is_some_and(|last| self.refused_endings.contains(last))
    }

    /// The field office of an agency's area, if there is one.
    #[must_use]
    pub fn office(&self, requester: Ori) -> Option<Ori> {
        let fits = |(begins, _): &(&String, &Ori)| requester.as_str().starts_with(begins.as_str());
        self.offices.iter().filter(fits).max_by_key(|(begins, _)| begins.len()).map(|(_, office)| *office)
    }

    /// All sources' places.
    #[must_use]
    pub fn places(&self) -> Vec<Source> {
        (0..).take(self.sources.len()).map(Source).collect()
    }

    /// The source at that place.
    #[must_use]
    pub fn source(&self, place: Source) -> Option<&NetworkSource> {
        self.sources.get(usize::from(place.0))
    }

    /// What the sources came to.
    #[must_use]
    pub fn heard(&self, outcomes: &BTreeMap<Source, center::Outcome>) -> Heard {
        Heard::of(&self.sources, outcomes)
    }

    /// What the state machine has to know of it.
    #[must_use]
    pub fn machine(&self) -> center::Config {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let deadline = |(source, place): (&NetworkSource, u16)| (Source(place), micros(source.deadline));
        center::Config {
            automatic: self.automatic.iter().map(|kind| kind.number()).collect(),
            deadline: micros(DEADLINE),
            deadlines: self.sources.iter().zip(0..).map(deadline).collect(),
            late: micros(self.late),
            ..center::Config::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_authority_is_refused_and_who_has_is_not() {
        let ori = |text| Ori::parse(text).unwrap();
        let policy = Policy { refused: BTreeSet::from(["ZC005".to_owned()]), ..Policy::default() };
        let refused = |text| policy.refuses(ori(text));
        assert_eq!(["ZA0010000", "ZA003015C", "ZB001013J", "ZC0060000"].map(refused), [false; 4]);
        assert_eq!(["ZA001019O", "ZA001015U", "ZC0050000"].map(refused), [true; 3]);
        assert!(!Policy { refused_endings: String::new(), ..policy }.refuses(ori("ZA001019O")));
    }

    #[test]
    fn the_nearest_area_has_the_office() {
        let ori = |text| Ori::parse(text).unwrap();
        let offices = BTreeMap::from([("ZA".to_owned(), ori("ZZICE0100")), ("ZA002".to_owned(), ori("ZZICE0200"))]);
        let policy = Policy { offices, ..Policy::default() };
        let office = |text| policy.office(ori(text)).map(|office| office.as_str().to_owned());
        assert_eq!(office("ZA0010000").as_deref(), Some("ZZICE0100"));
        assert_eq!(office("ZA0020000").as_deref(), Some("ZZICE0200"));
        assert_eq!(office("ZC0010000"), None);
    }
}
