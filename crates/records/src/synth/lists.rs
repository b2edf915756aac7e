//! The name lists and the table of countries, compiled in and read once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::compose::Rare;
use super::draw::{Draw, Weights, mix};
use crate::{Place, Sex};

/// Everything that is drawn from.
pub(super) struct Lists {
    groups: Vec<Group>,
    pub(super) countries: Vec<Country>,
    /// One for each [`Mix`].
    mixes: [Weights; 5],
}

/// The lists. Parsing half a megabyte takes some milliseconds, the first time.
pub(super) fn lists() -> &'static Lists {
    static LISTS: LazyLock<Lists> = LazyLock::new(Lists::parse);
    &LISTS
}

/// Which persons a source records: the columns of `countries.txt`, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mix {
    Settled,
    Visitors,
    Students,
    Encounters,
    Asylum,
}

/// A country of birth and the language of its names.
pub(super) struct Country {
    pub(super) place: Place,
    group: usize,
}

/// How persons of a group are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Custom {
    /// A middle name is a second given name.
    SecondGiven,
    /// Two surnames, the father's and the mother's.
    TwoSurnames,
    /// The middle name is the mother's surname.
    MothersSurname,
    /// The middle name is the father's given name.
    FathersName,
    /// The middle name has a list of its own.
    OwnMiddle,
    /// No middle names.
    Plain,
}

impl Custom {
    /// Whether some women of it take their husband's surname.
    pub(super) const fn takes_husbands_name(self) -> bool {
        !matches!(self, Self::TwoSurnames | Self::FathersName)
    }
}

/// The names of one language.
pub(super) struct Group {
    pub(super) custom: Custom,
    /// What the language is called here: the name of its list.
    pub(super) language: &'static str,
    surnames: [Names; 2],
    given: [Names; 2],
    middle: Option<[Names; 2]>,
    /// Syllables of which given names of two are made.
    parts: Option<Names>,
    /// Of a thousand surnames, so many are rare ones.
    rare_surnames: u32,
}

/// Groups whose people have few surnames, so that none are made up for them.
const CLOSED: [&str; 4] = ["chinese", "taiwanese", "korean", "vietnamese"];

/// Of a thousand given names, so many are rare ones.
const RARE_GIVEN: u32 = 35;

/// The lists of `data/names`, with the custom of each group.
macro_rules! groups {
    ($($name:literal $custom:ident;)+) => {
        [$(($name, Custom::$custom, include_str!(concat!("../../data/names/", $name, ".txt")))),+]
    };
}

const GROUPS: [(&str, Custom, &str); 25] = groups! {
    "anglo" SecondGiven; "arabic" FathersName; "armenian" Plain; "brazilian" TwoSurnames; "chinese" Plain;
    "filipino" MothersSurname; "french" SecondGiven; "georgian" Plain; "ghanaian" SecondGiven; "haitian" SecondGiven;
    "hispanic" TwoSurnames; "indian" FathersName; "italian" Plain; "japanese" Plain; "kenyan" FathersName;
    "korean" Plain; "nigerian" SecondGiven; "pakistani" FathersName; "polish" SecondGiven; "romanian" SecondGiven;
    "russian" OwnMiddle; "taiwanese" Plain; "turkish" Plain; "ukrainian" OwnMiddle; "vietnamese" OwnMiddle;
};

impl Lists {
    fn parse() -> Self {
        let groups = GROUPS.iter().map(|(name, custom, text)| Group::parse(name, *custom, text)).collect();
        let (mut countries, mut columns) = (Vec::new(), [const { Vec::new() }; 5]);
        for line in include_str!("../../data/countries.txt").lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split_ascii_whitespace();
            let (Some(place), Some(group)) = (fields.next().and_then(Place::new), fields.next()) else { continue };
            let Some(group) = GROUPS.iter().position(|(name, ..)| *name == group) else { continue };
            countries.push(Country { place, group });
            for (column, weight) in columns.iter_mut().zip(fields) {
                column.push(weight.parse().unwrap_or(0));
            }
        }
        Self { groups, countries, mixes: columns.map(|column| Weights::new(column.into_iter())) }
    }

    /// The names of a language.
    pub(super) fn group(&self, language: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.language == language)
    }

    /// A country of a mix, with the group of its names.
    pub(super) fn country(&self, draw: &mut Draw, mix: Mix) -> (&Country, &Group) {
        let country = &self.countries[draw.weighted(&self.mixes[mix as usize])];
        (country, &self.groups[country.group])
    }
}

impl Group {
    fn parse(language: &'static str, custom: Custom, text: &'static str) -> Self {
        let mut sections = BTreeMap::<&str, Vec<(&'static str, u32)>>::new();
        let mut section = "";
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
            } else if let Some((name, weight)) = line.split_once('\t') {
                sections.entry(section).or_default().push((name, weight.parse().unwrap_or(1)));
            }
        }
        let salt = language.bytes().fold(0, |salt, b| mix(salt ^ u64::from(b)) >> 40);
        // Lists of real frequencies reach far down; what they leave out is a smaller share.
        let surnames_listed = sections.get("surnames").map_or(0, Vec::len);
        let is_closed = CLOSED.contains(&language);
        let rare_surnames = match surnames_listed {
            _ if is_closed => 0,
            6_000.. => 60,
            _ => 120,
        };
        let mut names = |section: &str, octaves| {
            let names = sections.remove(section)?;
            let salt = section.bytes().fold(salt, |salt, b| mix(salt ^ u64::from(b)) >> 40);
            let rare = if octaves == 0 { Rare::default() } else { Rare::of(&names, octaves, salt) };
            Some(Names::new(names, rare))
        };
        let octaves = match surnames_listed {
            _ if is_closed => 0,
            6_000.. => 18,
            400.. => 16,
            _ => 15,
        };
        let (surnames, surnames_female) = (names("surnames", octaves), names("surnames-female", octaves));
        let surnames = surnames.unwrap_or_default();
        let octaves = if is_closed { 0 } else { 15 };
        let given = ["female", "male"].map(|section| names(section, octaves).unwrap_or_default());
        let parts = names("parts", 0);
        Self {
            custom,
            language,
            surnames: [surnames_female.unwrap_or_else(|| surnames.clone()), surnames],
            given,
            middle: names("middle-female", 0).zip(names("middle-male", 0)).map(Into::into),
            parts,
            rare_surnames,
        }
    }

    pub(super) fn surname(&self, draw: &mut Draw, sex: Sex) -> Cow<'static, str> {
        self.surnames[column(sex)].draw_any(draw, self.rare_surnames)
    }

    pub(super) fn given(&self, draw: &mut Draw, sex: Sex) -> Cow<'static, str> {
        match &self.parts {
            Some(parts) if draw.percent(70) => self.two_parts(draw, parts).into(),
            _ => self.given[column(sex)].draw_any(draw, RARE_GIVEN),
        }
    }

    /// A given name of two syllables, joined as the language joins them.
    fn two_parts(&self, draw: &mut Draw, parts: &Names) -> String {
        let (first, second) = (parts.draw(draw), parts.draw(draw));
        let between = match self.language {
            "taiwanese" => "-",
            "korean" => draw.of(&[("", 50), (" ", 25), ("-", 25)]),
            _ => draw.of(&[("", 90), (" ", 7), ("-", 3)]),
        };
        format!("{first}{between}{second}")
    }

    /// A name of the list of middle names; empty if there is none.
    pub(super) fn own_middle(&self, draw: &mut Draw, sex: Sex) -> &'static str {
        self.middle.as_ref().map_or("", |middle| middle[column(sex)].draw(draw))
    }
}

/// Lists are by sex, women's first.
const fn column(sex: Sex) -> usize {
    if matches!(sex, Sex::Female) { 0 } else { 1 }
}

/// Names by weight.
#[derive(Clone, Default)]
struct Names {
    names: Arc<[&'static str]>,
    weights: Arc<[Weights]>,
    rare: Arc<Rare>,
}

impl Names {
    fn new(weighed: Vec<(&'static str, u32)>, rare: Rare) -> Self {
        let weights = Weights::new(weighed.iter().map(|(_, weight)| *weight));
        let names = weighed.into_iter().map(|(name, _)| name).collect();
        Self { names, weights: [weights].into(), rare: Arc::new(rare) }
    }

    /// One of the list, or a rare one so many times of a thousand.
    fn draw_any(&self, draw: &mut Draw, rare: u32) -> Cow<'static, str> {
        if !self.rare.is_empty() && draw.permille(rare) {
            return self.rare.draw(draw).into();
        }
        self.draw(draw).into()
    }

    fn draw(&self, draw: &mut Draw) -> &'static str {
        let place = self.weights.first().map_or(0, |weights| draw.weighted(weights));
        self.names.get(place).copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_read() {
        let lists = lists();
        let rows = include_str!("../../data/countries.txt").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(lists.countries.len(), rows);
        for ((name, custom, text), group) in GROUPS.iter().zip(&lists.groups) {
            for line in text.lines() {
                let weighed = line
                    .split_once('\t')
                    .is_some_and(|(_, weight)| weight.parse::<u32>().is_ok_and(|weight| weight > 0));
                assert!(line.starts_with('[') || weighed, "{name}: {line}");
                if let Some((listed, _)) = line.split_once('\t') {
                    // Two names of 14 letters, a comma and a space fill a name field.
                    assert!((2..=14).contains(&listed.len()) && crate::fold(listed) == listed, "{name}: {listed}");
                }
            }
            assert!(group.surnames.iter().chain(&group.given).all(|names| names.names.len() > 10), "{name}");
            assert_eq!(group.parts.is_some(), ["chinese", "taiwanese", "korean"].contains(name), "{name}");
            assert_eq!(group.middle.is_some(), *custom == Custom::OwnMiddle, "{name}");
            assert!(lists.countries.iter().any(|country| GROUPS[country.group].0 == *name), "{name} names nobody");
        }
    }

    #[test]
    fn countries_are_places_of_the_ncic_table() {
        let table =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocol-specs/codes/pob_niem20.csv"))
                .unwrap();
        let codes: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        for country in &lists().countries {
            assert!(codes.contains(&country.place.as_str()), "{}", country.place);
        }
    }
}
