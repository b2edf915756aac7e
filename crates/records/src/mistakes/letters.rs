//! One letter wrong.

use crate::synth::Draw;

/// What happened to the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letter {
    /// Another one stands in its place.
    Wrong,
    /// It is left out.
    Missing,
    /// It stands there twice.
    Doubled,
    /// It stands behind the next.
    Swapped,
}

impl Letter {
    pub(crate) const ALL: [Self; 4] = [Self::Wrong, Self::Missing, Self::Doubled, Self::Swapped];
}

/// A name of capitals with one such mistake; none if it is too short for one, or none of the kind is possible.
pub(crate) fn letter(draw: &mut Draw, name: &str, what: Letter) -> Option<String> {
    let letters: Vec<usize> =
        name.bytes().enumerate().filter(|(_, b)| b.is_ascii_uppercase()).map(|(place, _)| place).collect();
    if letters.len() < 3 {
        return None;
    }
    for _ in 0..8 {
        // The first letter is mistaken less often than the others.
        let place = draw.below(u32::try_from(letters.len()).ok()?) as usize;
        let place = if place == 0 && draw.percent(60) { 1 } else { place };
        let (at, next) = (*letters.get(place)?, letters.get(place + 1).copied());
        let mut bytes = name.as_bytes().to_vec();
        match what {
            Letter::Wrong => *bytes.get_mut(at)? = wrong(draw, *bytes.get(at)?),
            Letter::Missing => _ = bytes.remove(at),
            Letter::Doubled => bytes.insert(at, *bytes.get(at)?),
            Letter::Swapped => match next.filter(|next| *next == at + 1) {
                Some(next) => bytes.swap(at, next),
                None => continue,
            },
        }
        match String::from_utf8(bytes) {
            Ok(changed) if changed != name => return Some(changed),
            _ => {}
        }
    }
    None
}

/// Another letter: most often one beside it on the keyboard or one that is written like it.
fn wrong(draw: &mut Draw, letter: u8) -> u8 {
    let rows = NEIGHBORS.iter().find(|(of, _)| *of == letter).map_or(&[][..], |(_, near)| near);
    if draw.percent(75)
        && let Some(near) = draw.one(rows)
    {
        return *near;
    }
    let other = b'A' + u8::try_from(draw.below(25)).unwrap_or(0);
    if other >= letter { other + 1 } else { other }
}

/// Letters beside one on the keyboard, and those that look like it in handwriting.
const NEIGHBORS: [(u8, &[u8]); 26] = [
    (b'A', b"SQZWOE"),
    (b'B', b"VNGHPD"),
    (b'C', b"XVDFKSG"),
    (b'D', b"SFERCT"),
    (b'E', b"WRDSIA"),
    (b'F', b"DGRTVP"),
    (b'G', b"FHTYBJ"),
    (b'H', b"GJYUNB"),
    (b'I', b"UOKJEYL"),
    (b'J', b"HKUINMG"),
    (b'K', b"JLIOMC"),
    (b'L', b"KOPI"),
    (b'M', b"NJKW"),
    (b'N', b"BMHJR"),
    (b'O', b"IPKLAU"),
    (b'P', b"OLBF"),
    (b'Q', b"WAG"),
    (b'R', b"ETDFN"),
    (b'S', b"ADWXZC"),
    (b'T', b"RYFGD"),
    (b'U', b"YIHJVO"),
    (b'V', b"CBFGUWB"),
    (b'W', b"QESAVM"),
    (b'X', b"ZCSD"),
    (b'Y', b"TUGHI"),
    (b'Z', b"XASC"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_is_wrong_and_no_more() {
        let mut draw = Draw::new(3, 1, 1);
        for name in ["GARCIA", "DE LA CRUZ", "O'BRIEN", "LEE"] {
            for _ in 0..300 {
                for (what, longer) in
                    [(Letter::Wrong, 0), (Letter::Missing, -1), (Letter::Doubled, 1), (Letter::Swapped, 0)]
                {
                    let Some(changed) = letter(&mut draw, name, what) else { continue };
                    assert_ne!(changed, name);
                    assert_eq!(changed.len() as isize - name.len() as isize, longer, "{name} {changed}");
                    let differ = changed.bytes().zip(name.bytes()).filter(|(a, b)| a != b).count();
                    match what {
                        Letter::Wrong => assert_eq!(differ, 1, "{name} {changed}"),
                        Letter::Swapped => assert_eq!(differ, 2, "{name} {changed}"),
                        Letter::Missing | Letter::Doubled => {}
                    }
                    assert!(changed.bytes().all(|b| b.is_ascii_uppercase() || b" '-".contains(&b)), "{changed}");
                }
            }
        }
        assert_eq!(letter(&mut draw, "LE", Letter::Wrong), None);
        assert_eq!(letter(&mut draw, "OOO", Letter::Swapped), None);
    }
}
