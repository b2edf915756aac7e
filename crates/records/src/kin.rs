//! Names that stand for each other though no rule says so: short forms, and spellings in several languages.

use std::collections::HashMap;
use std::sync::LazyLock;

/// How a listed name stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kinship {
    /// Another spelling of it.
    Spelling,
    /// A short form, or a name of which it is one.
    ShortForm,
}

/// The names that stand for one, most likely first.
pub(crate) fn kin(name: &str) -> &'static [(&'static str, Kinship)] {
    static KIN: LazyLock<Kin> = LazyLock::new(read);
    KIN.get(name).map_or(&[], Vec::as_slice)
}

type Kin = HashMap<&'static str, Vec<(&'static str, Kinship)>>;

/// Names that stand for one at most: common short forms stand for dozens.
const KIN_MAX: usize = 40;

fn read() -> Kin {
    let lines =
        |text: &'static str| text.lines().filter(|line| !line.starts_with('#')).map(str::split_ascii_whitespace);
    let mut kin = Kin::new();
    let mut add = |one: &'static str, other: &'static str, kinship| {
        let all = kin.entry(one).or_default();
        if one != other && all.len() < KIN_MAX && all.iter().all(|(name, _)| *name != other) {
            all.push((other, kinship));
        }
    };
    for line in lines(include_str!("../data/spellings.txt")) {
        for one in line.clone() {
            line.clone().for_each(|other| add(one, other, Kinship::Spelling));
        }
    }
    for mut line in lines(include_str!("../data/nicknames.txt")) {
        let Some(full) = line.next() else { continue };
        for short in line {
            add(full, short, Kinship::ShortForm);
            add(short, full, Kinship::ShortForm);
        }
    }
    // Two short forms of one name: BOB and BOBBY.
    for line in lines(include_str!("../data/nicknames.txt")) {
        let short = line.skip(1);
        for one in short.clone() {
            short.clone().for_each(|other| add(one, other, Kinship::ShortForm));
        }
    }
    kin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_names_stand_for_each_other() {
        let stands_for = |one, other| kin(one).iter().any(|(name, _)| *name == other);
        for (one, other) in [("ROBERT", "BOB"), ("PACO", "FRANCISCO"), ("MOHAMMED", "MUHAMMAD"), ("ZHANG", "CHEUNG")] {
            assert!(stands_for(one, other) && stands_for(other, one), "{one} {other}");
        }
        assert!(!stands_for("ROBERT", "ROBERT") && kin("XQZ").is_empty());
    }

    #[test]
    fn lists_hold_letters_alone() {
        for text in [include_str!("../data/spellings.txt"), include_str!("../data/nicknames.txt")] {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            assert!(lines.flat_map(str::split_ascii_whitespace).all(|name| crate::name::letters(name) == name));
        }
    }
}
