//! The dictionary's sections: names, and the keys under which each is found by names near it.

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;
use zerocopy::byteorder::little_endian::U32;

use super::BuildError;
use crate::format::{LetterEntry, MassEntry, NameEntry};
use crate::kin::{Kinship, kin};
use crate::neighbor::{self, Nearness, letter_set};

/// Text and entries of sorted names. `counts` are of rows with the name in the surname, and as given name.
pub(super) fn names(sorted: &[Box<str>], counts: &[[u32; 2]]) -> Result<(Vec<u8>, Vec<NameEntry>), BuildError> {
    let mut text = Vec::with_capacity(sorted.iter().map(|name| name.len()).sum());
    let mut entries = Vec::with_capacity(sorted.len());
    for (name, [surnames, givens]) in sorted.iter().zip(counts) {
        text.extend_from_slice(name.as_bytes());
        entries.push(NameEntry {
            end: u32::try_from(text.len()).map_err(|_| BuildError::TooManyNames)?.into(),
            surnames: (*surnames).into(),
            givens: (*givens).into(),
            letters: letter_set(name).into(),
        });
    }
    Ok((text, entries))
}

/// For each letter the first name that begins with it, and how many rows have a given name that does.
pub(super) fn letters(sorted: &[Box<str>], counts: &[[u32; 2]]) -> Vec<LetterEntry> {
    let first = |letter: u8| sorted.partition_point(|name| name.bytes().next().is_none_or(|first| first < letter));
    let entry = |letter: u8| {
        let (start, end) = (first(letter), first(letter + 1));
        let givens = counts.get(start..end).into_iter().flatten().map(|[_, givens]| u64::from(*givens)).sum::<u64>();
        LetterEntry {
            first: u32::try_from(start).unwrap_or(u32::MAX).into(),
            givens: u32::try_from(givens).unwrap_or(u32::MAX).into(),
        }
    };
    // One more, for the end of the last letter.
    (b'A'..=b'Z' + 1).map(entry).collect()
}

/// Where the names of each bucket begin, and the names: id in the upper 24 bits, eight bits of the key in the lower.
/// Of one bucket, the most frequent names come first.
pub(super) fn buckets(sorted: &[Box<str>], counts: &[[u32; 2]]) -> Result<(Vec<U32>, Vec<U32>), BuildError> {
    let keys: usize = sorted
        .par_iter()
        .map(|name| {
            let mut n = 0;
            neighbor::keys(name, |_, _| n += 1);
            n
        })
        .sum();
    let bits = bucket_bits(keys);
    let mut all: Vec<(u32, u32, u32)> = sorted
        .par_iter()
        .zip(counts)
        .enumerate()
        .flat_map_iter(|(id, (name, [surnames, givens]))| {
            let mut found = Vec::new();
            let rarity = u32::MAX - surnames.saturating_add(*givens);
            let id = u32::try_from(id).unwrap_or(0);
            neighbor::keys(name, |_, key| {
                let (bucket, check) = split(key, bits);
                found.push((bucket, rarity, id << 8 | check));
            });
            found
        })
        .collect();
    all.par_sort_unstable();
    all.dedup();
    let mut starts = Vec::with_capacity((1 << bits) + 1);
    let mut entries = Vec::with_capacity(all.len());
    for (bucket, _, entry) in all {
        while starts.len() <= bucket as usize {
            starts.push(U32::new(u32::try_from(entries.len()).map_err(|_| BuildError::TooManyNames)?));
        }
        entries.push(U32::new(entry));
    }
    let end = U32::new(u32::try_from(entries.len()).map_err(|_| BuildError::TooManyNames)?);
    starts.resize((1 << bits) + 1, end);
    Ok((starts, entries))
}

/// Bits of a bucket's number: four to eight entries a bucket, which lie in one or two lines of a cache.
fn bucket_bits(keys: usize) -> u32 {
    (keys / 4).max(1).ilog2().min(30)
}

/// Bucket of a key, and the bits that its entry keeps.
#[expect(clippy::cast_possible_truncation, reason = "the bits that are left are those meant")]
pub(crate) const fn split(key: u64, bits: u32) -> (u32, u32) {
    let bucket = if bits == 0 { 0 } else { (key >> (64 - bits)) as u32 };
    (bucket, (key & 0xFF) as u32)
}

/// The sections in which the names near each name are listed: where each list begins, the lists (id in the upper 24
/// bits, nearness in the lower eight), and how many rows have such names.
pub(super) struct NearLists {
    pub(super) starts: Vec<U32>,
    pub(super) near: Vec<U32>,
    pub(super) masses: Vec<MassEntry>,
}

/// Names with fewer rows have no list: they are found near others, and others near them by their keys.
const LISTED_ROWS: u32 = 3;

/// Names of one list, and of each nearness, the most frequent first: a frequent name has hundreds that are one letter off,
/// nearly all of them somebody's slip.
const LISTED_MAX: usize = 255;
const LISTED_OF_A_KIND: usize = 64;

/// Names of one key that are looked at, the most frequent first.
pub(crate) const OF_KEY_MAX: usize = 160;

/// Lists the names near each frequent name.
pub(super) fn near_lists(
    sorted: &[Box<str>],
    counts: &[[u32; 2]],
    bucket_starts: &[U32],
    entries: &[U32],
) -> Result<NearLists, BuildError> {
    let bits = bucket_starts.len().saturating_sub(1).max(1).trailing_zeros();
    let sets: Vec<u32> = sorted.par_iter().map(|name| letter_set(name)).collect();
    let of_key = |key: u64| {
        let (bucket, check) = split(key, bits);
        let at = |place: usize| bucket_starts.get(place).map_or(0, |start| start.get() as usize);
        let all = entries.get(at(bucket as usize)..at(bucket as usize + 1)).unwrap_or_default();
        all.iter().map(|entry| entry.get()).filter(move |entry| entry & 0xFF == check).map(|entry| entry >> 8)
    };
    let count = |id: u32| counts.get(id as usize).copied().unwrap_or_default();
    let name_of = |id: u32| sorted.get(id as usize).map_or("", |name| &**name);
    let list = |(place, name): (usize, &str)| {
        let own = u32::try_from(place).unwrap_or(0);
        let [surnames, givens] = count(own);
        let mut near: Vec<(Nearness, u32, u32)> = Vec::new();
        if place == 0 || surnames.saturating_add(givens) < LISTED_ROWS {
            return (near, MassEntry { surnames: [0; 8], givens: [0; 8] });
        }
        let set = letter_set(name);
        let mut add = |id: u32, nearness: Nearness| {
            let [surnames, givens] = count(id);
            near.push((nearness, u32::MAX - surnames.saturating_add(givens), id));
        };
        neighbor::asked_keys(name, |kind, key| {
            for id in of_key(key).take(OF_KEY_MAX) {
                let may_be = sets.get(id as usize).is_some_and(|other| neighbor::may_be_near(kind, set, *other));
                if may_be && let Some(nearness) = neighbor::nearness(kind, name, name_of(id)) {
                    add(id, nearness);
                }
            }
        });
        let mut exact = |name: &str, nearness: Nearness| {
            of_key(neighbor::itself(name)).filter(|id| name_of(*id) == name).for_each(|id| add(id, nearness));
        };
        for (other, kinship) in kin(name) {
            exact(
                other,
                match kinship {
                    Kinship::Spelling => Nearness::Spelling,
                    Kinship::ShortForm => Nearness::ShortForm,
                },
            );
        }
        if name.len() > 1
            && let Some(initial) = name.get(..1)
        {
            exact(initial, Nearness::Initial);
        }
        near.sort_unstable_by_key(|(nearness, _, id)| (*id, *nearness));
        near.dedup_by_key(|(_, _, id)| *id);
        let mut masses = [[0_u64; 2]; 8];
        for (nearness, _, id) in &near {
            for (mass, count) in masses.get_mut(*nearness as usize - 1).into_iter().flatten().zip(count(*id)) {
                *mass += u64::from(count);
            }
        }
        near.sort_unstable();
        let mut of_kind = [0_usize; Nearness::COUNT + 1];
        near.retain(|(nearness, _, _)| {
            of_kind.get_mut(*nearness as usize).is_some_and(|count| {
                *count += 1;
                *count <= LISTED_OF_A_KIND
            })
        });
        near.truncate(LISTED_MAX);
        let packed = |role: usize| masses.map(|mass| pack_mass(mass.get(role).copied().unwrap_or(0)));
        (near, MassEntry { surnames: packed(0), givens: packed(1) })
    };
    let (mut starts, mut all, mut masses) = (Vec::with_capacity(sorted.len() + 1), Vec::new(), Vec::new());
    starts.push(U32::new(0));
    // In pieces, so that not all lists are in memory twice.
    for (piece, names) in sorted.chunks(1 << 16).enumerate() {
        let first = piece << 16;
        let lists: Vec<_> = names.par_iter().enumerate().map(|(place, name)| list((first + place, &**name))).collect();
        for (near, mass) in lists {
            all.extend(near.into_iter().map(|(nearness, _, id)| U32::new(id << 8 | nearness as u32)));
            starts.push(u32::try_from(all.len()).map_err(|_| BuildError::TooManyNames)?.into());
            masses.push(mass);
        }
    }
    Ok(NearLists { starts, near: all, masses })
}

/// A count in eighths of a power of two, rounded down; zero stays zero.
fn pack_mass(mass: u64) -> u8 {
    let eighths = mass.checked_ilog2().map_or(0, |power| {
        // The three bits below the highest.
        let below = if power >= 3 { mass >> (power - 3) & 7 } else { mass << (3 - power) & 7 };
        1 + u64::from(power) * 8 + below
    });
    u8::try_from(eighths).unwrap_or(u8::MAX)
}

/// The count of its eighths.
pub(crate) fn unpack_mass(eighths: u8) -> u64 {
    let Some(eighths) = u32::from(eighths).checked_sub(1) else { return 0 };
    let (power, below) = (eighths / 8, u64::from(eighths % 8));
    if power >= 3 { (8 + below) << (power - 3) } else { (8 + below) >> (3 - power) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_nearly_from_their_eighths() {
        for mass in (0..100).chain([1_000, 12_345, 999_999, u64::from(u32::MAX)]) {
            let back = unpack_mass(pack_mass(mass));
            assert!(back <= mass && mass - back <= mass / 8, "{mass} {back}");
        }
        assert_eq!((0..9).map(|n| unpack_mass(pack_mass(n))).collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
    }
}
