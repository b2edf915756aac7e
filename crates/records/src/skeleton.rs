//! What is left of a name when its ways of spelling are taken away: consonants by kind, without doubling, vowels only
//! at the beginning. MOHAMMED and MUHAMMAD are `MMD`, HERNANDES and HERNANDEZ `ARNNDS`, YEVGENY and EVGENI `AVJN`.
//!
//! Coarser than a phonetic code and across languages: names that share a skeleton are candidates, to be compared by
//! their letters.

/// Letters of a skeleton at most.
const LENGTH: usize = 12;

/// The skeleton of letters A–Z; empty for a name without consonants but its first letter.
pub(crate) fn skeleton(letters: &str) -> arrayvec::ArrayString<LENGTH> {
    let bytes = letters.as_bytes();
    let at = |place: usize| bytes.get(place).copied().unwrap_or(0);
    let mut kinds = arrayvec::ArrayString::<LENGTH>::new();
    let (mut place, mut last) = (0, "");
    while let Some(&letter) = bytes.get(place) {
        let (next, after) = (at(place + 1), at(place + 2));
        let soft = matches!(next, b'E' | b'I' | b'Y');
        let (kind, taken) = match letter {
            b'H' if place == 0 && next == b'S' => ("", 1),
            b'X' if place == 0 => ("S", 1),
            b'A' | b'E' | b'I' | b'O' | b'U' | b'Y' | b'H' => (if place == 0 { "A" } else { "" }, 1),
            b'B' | b'V' | b'W' => ("V", 1),
            b'P' if next == b'H' => ("F", 2),
            b'F' if next == b'F' => ("V", 2),
            b'S' if next == b'C' && after == b'H' => ("S", 3),
            b'T' if next == b'C' && after == b'H' => ("C", 3),
            b'T' if next == b'S' && after == b'C' => ("", 1),
            b'T' if matches!(next, b'S' | b'Z') => ("S", 2),
            b'C' if next == b'H' => ("C", 2),
            b'C' if next == b'Z' => ("C", 2),
            b'S' if matches!(next, b'H' | b'Z') => ("S", 2),
            b'Z' if next == b'H' => ("J", 2),
            b'D' if next == b'J' => ("J", 2),
            b'C' | b'K' if next == b'K' => ("", 1),
            b'G' if soft => ("J", 1),
            b'C' if soft => ("S", 1),
            b'C' | b'K' | b'Q' => ("K", 1),
            b'X' => ("KS", 1),
            b'Z' | b'S' => ("S", 1),
            b'J' => ("J", 1),
            b'D' => ("D", 1),
            b'F' => ("F", 1),
            b'G' => ("G", 1),
            b'L' => ("L", 1),
            b'M' => ("M", 1),
            b'N' => ("N", 1),
            b'P' => ("P", 1),
            b'R' => ("R", 1),
            b'T' => ("T", 1),
            _ => ("", 1),
        };
        // A doubled sound is one, unless a vowel is between.
        if !kind.is_empty() && kind != last && kinds.try_push_str(kind).is_err() {
            break;
        }
        if !kind.is_empty() || matches!(letter, b'A' | b'E' | b'I' | b'O' | b'U' | b'Y') {
            last = kind;
        }
        place += taken;
    }
    kinds
}

/// The same with another first sound, where languages disagree: F and H (FERNANDEZ, HERNANDEZ), J and Y (JURI, YURI),
/// Q and CH (QUAN, CHUAN).
pub(crate) fn other_skeleton(letters: &str) -> Option<arrayvec::ArrayString<LENGTH>> {
    let first = match letters.bytes().next()? {
        b'F' | b'J' => 'A',
        b'Q' => 'C',
        _ => return None,
    };
    let mut other = arrayvec::ArrayString::new();
    let rest = skeleton(letters);
    other.try_push(first).ok()?;
    other.try_push_str(rest.get(1..)?).ok()?;
    Some(other)
}

/// A short name with each vowel as it is spoken in English, as one letter: KOO and KU, LEE and LI are the same.
pub(crate) fn spoken(letters: &str) -> Option<arrayvec::ArrayString<LENGTH>> {
    if !(2..=SPOKEN_MAX).contains(&letters.len()) {
        return None;
    }
    let mut spoken = arrayvec::ArrayString::new();
    let mut rest = letters;
    while let Some(letter) = rest.chars().next() {
        let long = LONG_VOWELS.iter().find_map(|(long, short)| Some((rest.strip_prefix(long)?, *short)));
        let (behind, letter) = long.unwrap_or((rest.get(1..)?, if letter == 'Y' { 'I' } else { letter }));
        if !spoken.ends_with(letter) {
            spoken.try_push(letter).ok()?;
        }
        rest = behind;
    }
    Some(spoken)
}

/// Longer names are told apart by their consonants.
const SPOKEN_MAX: usize = 6;

const LONG_VOWELS: [(&str, char); 9] = [
    ("OO", 'U'),
    ("OU", 'U'),
    ("EE", 'I'),
    ("EA", 'I'),
    ("IE", 'I'),
    ("EY", 'I'),
    ("UE", 'E'),
    ("AU", 'O'),
    ("AW", 'O'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_share_a_skeleton() {
        for group in [
            &["MOHAMMED", "MUHAMMAD", "MOHAMED", "MOHAMAD", "MOHAMMOD"][..],
            &["HERNANDEZ", "HERNANDES", "ERNANDEZ"],
            &["YUSUF", "YOUSSEF", "YOUSEF"],
            &["HUSSEIN", "HUSSAIN", "HUSEYIN"],
            &["EVGENY", "YEVGENI", "IEVGENII"],
            &["ALEXANDR", "ALEKSANDR", "OLEKSANDR"],
            &["IVANOV", "IVANOFF", "IWANOW"],
            &["LAKSHMI", "LAXMI"],
            &["SINGH", "SING"],
            &["ZAPATA", "SAPATA"],
            &["XIA", "HSIA"],
        ] {
            let skeletons: Vec<_> = group.iter().map(|name| skeleton(name)).collect();
            assert!(skeletons.windows(2).all(|pair| pair[0] == pair[1]), "{group:?} {skeletons:?}");
        }
        assert_eq!(other_skeleton("FERNANDEZ"), Some(skeleton("HERNANDEZ")));
        assert_eq!(other_skeleton("JURI"), Some(skeleton("YURI")));
        for (one, other) in [("KOO", "KU"), ("LEE", "LI"), ("YEE", "YI"), ("WOO", "WU")] {
            assert_eq!(spoken(one), spoken(other), "{one}");
        }
        assert_eq!(spoken("CASTILLO"), None);
        assert_eq!(skeleton("AEIOU").as_str(), "A");
        assert_eq!(skeleton("").as_str(), "");
        assert_eq!(skeleton(&"MBKDRT".repeat(99)).len(), LENGTH);
    }
}
