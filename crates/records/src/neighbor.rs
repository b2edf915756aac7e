//! Which names are near a name: the keys under which each name of a dictionary can be found by one that is spelled or
//! sounds nearly like it, and how near two names are.
//!
//! A name has a key for itself and for each of its letters taken out. Two names within one edit (a letter wrong,
//! missing, too many, or two neighbors swapped) share such a key. Two more kinds of keys are its sounds and skeletons.

use crate::hash::hash;
use crate::phonetic::Sound;
use crate::skeleton::{other_skeleton, skeleton, spoken};

/// How near two names are, nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Nearness {
    /// The same letters.
    Same = 1,
    /// The same but for a prefix, or for how it is joined.
    Form,
    /// Another spelling of the same name.
    Spelling,
    /// One letter wrong, missing, too many, or two swapped.
    Edit,
    /// A short form.
    ShortForm,
    /// Sounds alike.
    Sound,
    /// Nearly the same letters.
    Near,
    /// An initial that fits.
    Initial,
}

impl Nearness {
    pub(crate) const COUNT: usize = 8;

    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::Same, Self::Form, Self::Spelling, Self::Edit, Self::ShortForm, Self::Sound, Self::Near, Self::Initial];

    /// The nearness of a number, as marks hold it; zero is none.
    pub(crate) const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Same),
            2 => Some(Self::Form),
            3 => Some(Self::Spelling),
            4 => Some(Self::Edit),
            5 => Some(Self::ShortForm),
            6 => Some(Self::Sound),
            7 => Some(Self::Near),
            8 => Some(Self::Initial),
            _ => None,
        }
    }
}

/// What a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Letters,
    Form,
    Sound,
    Skeleton,
    Spoken,
}

/// Longer names have no keys but for themselves: nobody is named so.
const LETTERS_MAX: usize = 24;

/// Calls `each` with every key of a name. The first is that of the name itself.
pub(crate) fn keys(letters: &str, mut each: impl FnMut(KeyKind, u64)) {
    each(KeyKind::Letters, itself(letters));
    let bytes = letters.as_bytes();
    if !(2..=LETTERS_MAX).contains(&bytes.len()) {
        return;
    }
    let mut rest = [0; LETTERS_MAX];
    let length = bytes.len() - 1;
    for out in 0..bytes.len() {
        // Of equal neighbors, either out leaves the same.
        if out > 0 && bytes[out] == bytes[out - 1] {
            continue;
        }
        rest[..out].copy_from_slice(&bytes[..out]);
        rest[out..length].copy_from_slice(&bytes[out + 1..]);
        each(KeyKind::Letters, hash(b'L', &rest[..length]));
    }
    for stem in stems(letters) {
        each(KeyKind::Form, stem_key(stem));
    }
    for code in Sound::of(letters).codes().filter(|code| code.len() > 1) {
        each(KeyKind::Sound, hash(b'S', &code.0.to_le_bytes()));
    }
    if let Some(spoken) = spoken(letters) {
        each(KeyKind::Spoken, hash(b'V', spoken.as_bytes()));
    }
    for bones in [Some(skeleton(letters)), other_skeleton(letters)].into_iter().flatten() {
        if bones.len() > 1 {
            each(KeyKind::Skeleton, hash(b'K', bones.as_bytes()));
        }
    }
}

/// What is left of a name without a prefix that it may have: CRUZ of DELACRUZ, BRIEN of OBRIEN.
pub(crate) fn stems(letters: &str) -> impl Iterator<Item = &str> {
    let stem = |prefix: &&str| letters.strip_prefix(prefix).filter(|stem| stem.len() >= STEM_MIN);
    PREFIXES.iter().filter_map(stem)
}

/// Letters behind a prefix at least.
const STEM_MIN: usize = 3;

/// What may stand before a name, or not.
const PREFIXES: [&str; 22] = [
    "ABD", "ABDUL", "ABU", "AL", "BIN", "DA", "DE", "DEL", "DELA", "DELAS", "DELOS", "DI", "DOS", "EL", "LA", "LE",
    "MAC", "MC", "O", "SAN", "VAN", "VON",
];

/// The key under which names lie that are a prefix and this stem.
pub(crate) fn stem_key(stem: &str) -> u64 {
    hash(b'F', stem.as_bytes())
}

/// Calls `each` with every key under which the names near an asked one lie.
pub(crate) fn asked_keys(letters: &str, mut each: impl FnMut(KeyKind, u64)) {
    keys(letters, |kind, key| {
        // Its own stems are looked up below.
        if kind != KeyKind::Form {
            each(kind, key);
        }
    });
    // Names that are a prefix and this one, and this one without its prefix.
    each(KeyKind::Form, stem_key(letters));
    for stem in stems(letters) {
        each(KeyKind::Form, stem_key(stem));
        each(KeyKind::Form, itself(stem));
    }
}

/// The key of a name itself.
pub(crate) fn itself(letters: &str) -> u64 {
    hash(b'L', letters.as_bytes())
}

/// How near two names are that share a key of a kind; none if they only seem to.
pub(crate) fn nearness(kind: KeyKind, asked: &str, name: &str) -> Option<Nearness> {
    if asked == name {
        return Some(Nearness::Same);
    }
    match kind {
        KeyKind::Form => {
            let end = |long: &str, short: &str| short.len() >= STEM_MIN && long.ends_with(short);
            let alike = stems(asked).any(|stem| stems(name).any(|other| other == stem));
            (end(asked, name) || end(name, asked) || alike).then_some(Nearness::Form)
        }
        KeyKind::Letters => is_one_edit(asked.as_bytes(), name.as_bytes()).then_some(Nearness::Edit),
        KeyKind::Skeleton => {
            (asked.len().abs_diff(name.len()) <= 3 && similarity(asked, name) >= SPELLING).then_some(Nearness::Spelling)
        }
        KeyKind::Sound => (similarity(asked, name) >= SOUND).then_some(Nearness::Sound),
        KeyKind::Spoken => (spoken(asked) == spoken(name)).then_some(Nearness::Spelling),
    }
}

/// Whether letters and lengths (as dictionaries keep them) leave it possible that two names are near in a way.
#[inline]
pub(crate) const fn may_be_near(kind: KeyKind, asked: u32, name: u32) -> bool {
    let letters = ((asked ^ name) & LETTER_BITS).count_ones();
    let lengths = (asked >> 26).abs_diff(name >> 26);
    match kind {
        KeyKind::Letters => letters <= 2 && lengths <= 1,
        KeyKind::Sound | KeyKind::Skeleton => letters <= 5 && lengths <= 3,
        KeyKind::Form | KeyKind::Spoken => true,
    }
}

const LETTER_BITS: u32 = (1 << 26) - 1;

/// A bit for each letter that is in a name, and its length in the upper six bits.
pub(crate) fn letter_set(letters: &str) -> u32 {
    let set = letters.bytes().filter(u8::is_ascii_uppercase).fold(0, |set, letter| set | 1 << (letter - b'A'));
    set | u32::try_from(letters.len().min(63)).unwrap_or(63) << 26
}

/// Names with one skeleton are spellings of one name if they are at least so similar.
const SPELLING: f64 = 0.72;

/// Names with one phonetic code sound alike if they are at least so similar: the codes forgive much.
const SOUND: f64 = 0.78;

/// Names without a common key are near if they are at least so similar.
const NEAR: f64 = 0.87;

/// Whether two names that share no key are nearly the same letters.
pub(crate) fn is_near(asked: &str, name: &str) -> bool {
    asked.len().min(name.len()) > 3 && similarity(asked, name) >= NEAR
}

/// Jaro-Winkler.
pub(crate) fn similarity(a: &str, b: &str) -> f64 {
    rapidfuzz::distance::jaro_winkler::similarity(a.bytes(), b.bytes())
}

/// Whether one letter wrong, missing or too many, or two neighbors swapped make one of the other.
pub(crate) fn is_one_edit(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short, long) {
        ([], _) => true,
        (_, [_, long @ ..]) if short.len() < long.len() + 1 => short == long,
        ([a, short_rest @ ..], [b, long_rest @ ..]) => {
            short_rest == long_rest
                || matches!((short_rest, long_rest), ([c, s @ ..], [d, l @ ..]) if a == d && b == c && s == l)
        }
        (_, []) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_edit_is_one_edit() {
        let edit = |a: &str, b: &str| is_one_edit(a.as_bytes(), b.as_bytes());
        for other in
            ["GARCIA", "GARCA", "GARXIA", "GARCIAS", "GRACIA", "GARCAI", "AGRCIA", "ARCIA", "XGARCIA", "GARRCIA"]
        {
            assert!(edit("GARCIA", other) && edit(other, "GARCIA"), "{other}");
        }
        for other in ["GARC", "GRCAIA", "XARCIAX", "GARXXA", "CARGIA", "", "AICRAG"] {
            assert!(!edit("GARCIA", other) && !edit(other, "GARCIA"), "{other}");
        }
        assert!(edit("", "A") && edit("", "") && !edit("", "AB"));
    }

    proptest! {
        #[test]
        fn names_one_edit_apart_share_a_key(name in "[A-D]{1,9}", place: prop::sample::Index, letter in "[A-Z]", kind in 0..4) {
            let mut other = name.clone().into_bytes();
            let place = place.index(name.len());
            match kind {
                0 => other[place] = letter.as_bytes()[0],
                1 => other.insert(place, letter.as_bytes()[0]),
                2 => drop(other.remove(place)),
                _ => other.swap(place, (place + 1).min(name.len() - 1)),
            }
            let other = String::from_utf8(other).unwrap();
            prop_assert!(is_one_edit(name.as_bytes(), other.as_bytes()));
            let of = |name: &str| {
                let mut all = HashSet::new();
                keys(name, |kind, key| if kind == KeyKind::Letters { all.insert(key); });
                all
            };
            if name.len() > 1 && other.len() > 1 {
                prop_assert!(!of(&name).is_disjoint(&of(&other)), "{} {}", name, other);
            }
        }

        #[test]
        fn is_one_edit_agrees_with_the_distance(a in "[AB]{0,5}", b in "[AB]{0,5}") {
            let distance = rapidfuzz::distance::osa::distance(a.bytes(), b.bytes());
            prop_assert_eq!(is_one_edit(a.as_bytes(), b.as_bytes()), distance <= 1);
        }
    }
}
