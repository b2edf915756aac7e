//! Rare names: a list has some thousand names, a people has some hundred thousand, most of them borne by few.
//!
//! A rare name is put together from the beginning of one name of its list and the end of another, cut where a
//! consonant follows a vowel, so that it looks like a name of its language. It is reckoned from its rank: the lower
//! the rank, the more often it is drawn, as 1 / rank.

use super::draw::{Draw, mix};

/// Letters of a name at most, as in the lists.
const NAME_MAX: usize = 14;

/// The rare names of one list.
#[derive(Debug, Clone, Default)]
pub(super) struct Rare {
    heads: Vec<&'static str>,
    tails: Vec<&'static str>,
    /// How many there are is two to this power; none if zero.
    octaves: u32,
    /// Tells the rare names of one list from another's.
    salt: u64,
}

impl Rare {
    /// The rare names that can be made of a list; about as many as two to the power of `octaves`.
    pub(super) fn of(names: &[(&'static str, u32)], octaves: u32, salt: u64) -> Self {
        let mut rare = Self { heads: Vec::new(), tails: Vec::new(), octaves, salt };
        let plain = |name: &&str| name.len() >= 5 && name.bytes().all(|b| b.is_ascii_uppercase());
        for name in names.iter().map(|(name, _)| *name).filter(plain) {
            for cut in 2..name.len() - 1 {
                let (head, tail) = name.split_at(cut);
                if head.ends_with(VOWELS) && !tail.starts_with(VOWELS) && head.len() <= 8 && tail.len() <= 8 {
                    rare.heads.push(head);
                    rare.tails.push(tail);
                }
            }
        }
        for parts in [&mut rare.heads, &mut rare.tails] {
            parts.sort_unstable();
            parts.dedup();
        }
        if rare.heads.len() < 20 || rare.tails.len() < 20 {
            rare.octaves = 0;
        }
        rare
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.octaves == 0
    }

    /// A rare name, the rarer the less often.
    pub(super) fn draw(&self, draw: &mut Draw) -> String {
        let octave = draw.below(self.octaves);
        self.name((1 << octave) + draw.below(1 << octave))
    }

    /// The name of a rank, from 1. Some ranks have the same name.
    fn name(&self, rank: u32) -> String {
        let bits = mix(self.salt << 32 | u64::from(rank));
        let of = |parts: &[&'static str], bits: u64| {
            let place = ((bits & 0xFFFF_FFFF) * parts.len() as u64) >> 32;
            usize::try_from(place).ok().and_then(|place| parts.get(place)).copied().unwrap_or("")
        };
        let (head, tail) = (of(&self.heads, bits), of(&self.tails, bits >> 32));
        let fits = head.len() + tail.len() <= NAME_MAX && head.len() + tail.len() >= 4;
        // A head is short enough, and a name by itself often enough, to stand for what is too long.
        if fits { [head, tail].concat() } else { of(&self.heads, bits.rotate_left(16)).to_owned() + "N" }
    }
}

const VOWELS: [char; 6] = ['A', 'E', 'I', 'O', 'U', 'Y'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_names_are_many_and_look_like_the_list() {
        let list = [
            "GARCIA",
            "RODRIGUEZ",
            "MARTINEZ",
            "HERNANDEZ",
            "GONZALEZ",
            "PEREZ",
            "SANCHEZ",
            "RAMIREZ",
            "FLORES",
            "RIVERA",
            "MORALES",
            "GUTIERREZ",
            "MENDOZA",
            "CASTILLO",
            "JIMENEZ",
            "AGUILAR",
            "DOMINGUEZ",
        ];
        let rare = Rare::of(&list.map(|name| (name, 1)), 12, 7);
        let names: std::collections::HashSet<_> = (1..4_096).map(|rank| rare.name(rank)).collect();
        // So short a list cannot give many.
        assert!(names.len() > 500, "{}", names.len());
        for name in &names {
            assert!((3..=NAME_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_uppercase()), "{name}");
        }
        let mut draw = Draw::new(1, 1, 0);
        let first = rare.name(1);
        let often = (0..12_000).filter(|_| rare.draw(&mut draw) == first).count();
        assert!((800..1_300).contains(&often), "{often}");
    }
}
