//! One file seen for one query: which of its names are near the asked ones, and what each nearness is worth in it.

use std::ops::Range;

use super::asked::{Asked, FURTHER, GIVEN, GIVEN_JOINED, JOINED, MIDDLE, PLACES, SECOND, SURNAME, Token};
use super::marks::{Marks, bits_of};
use crate::build::{OF_KEY_MAX, unpack_mass};
use crate::format::MassEntry;
use crate::kin::{Kinship, kin};
use crate::neighbor::{self, Nearness};
use crate::{Index, IndexError};

/// A name of the file that is near an asked one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variant {
    pub(crate) id: u32,
    pub(crate) nearness: Nearness,
}

/// The names of a file as a query sees them.
#[derive(Debug)]
pub(crate) struct Lens<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) marks: Marks,
    /// Near names by the place of the asked one, nearest first, then most frequent first.
    pub(crate) variants: [Vec<Variant>; PLACES],
    /// What a nearness is worth, by the place of the asked name.
    pub(crate) bits: [[f32; Nearness::COUNT + 1]; PLACES],
    /// Ids of names that an asked initial fits, by place.
    pub(crate) initials: [Range<u32>; PLACES],
    /// Asked surname parts: one that is no name by itself may be two.
    pub(crate) has_second: bool,
    /// What less both names together are worth than each for itself, since given names go with surnames.
    pub(crate) pair_excess: f32,
    /// The token in the place of the second surname, and of the first, where one word was found to be two.
    pub(crate) halves: Option<[Token; 2]>,
}

/// Marks of surname places, and of given-name places.
pub(crate) const SURNAMES: u32 = bits_of(SURNAME) | bits_of(SECOND) | bits_of(JOINED);
pub(crate) const GIVENS: u32 = bits_of(GIVEN) | bits_of(MIDDLE) | bits_of(FURTHER) | bits_of(GIVEN_JOINED);

/// Near names of one asked name that are kept.
const VARIANTS_MAX: usize = 500;

impl<'a> Lens<'a> {
    pub(crate) fn new(index: &'a Index, asked: &'a Asked) -> Result<Self, IndexError> {
        let mut lens = Self {
            asked,
            marks: Marks::new(),
            variants: [const { Vec::new() }; PLACES],
            bits: [[0.0; Nearness::COUNT + 1]; PLACES],
            initials: [const { 0..0 }; PLACES],
            has_second: asked.is_asked(SECOND),
            pair_excess: 0.0,
            halves: None,
        };
        for place in 0..PLACES {
            if let Some(token) = asked.token(place) {
                lens.resolve(index, token, place)?;
            }
        }
        if !lens.has_second && lens.variants.first().is_some_and(Vec::is_empty) {
            lens.split(index)?;
        }
        Ok(lens)
    }

    /// Finds the names near one asked name: as the file lists them for a frequent name, by its keys for another.
    fn resolve(&mut self, index: &Index, token: &Token, place: usize) -> Result<(), IndexError> {
        let is_given = matches!(place, GIVEN | MIDDLE | FURTHER | GIVEN_JOINED);
        let is_joined = matches!(place, JOINED | GIVEN_JOINED);
        let mut masses = [0_u64; Nearness::COUNT + 1];
        let mut variants = Vec::new();
        let listed = match index.id(&token.text)? {
            Some(id) => index.listed(id)?,
            None => (&[][..], MassEntry { surnames: [0; 8], givens: [0; 8] }),
        };
        if listed.0.is_empty() {
            self.resolve_by_keys(index, token, place, &mut masses, &mut variants)?;
        } else {
            variants.reserve(listed.0.len());
            for entry in listed.0 {
                let (id, number) = (entry.get() >> 8, entry.get() & 0xFF);
                let Some(nearness) = Nearness::from_number(number) else { continue };
                if !is_given && matches!(nearness, Nearness::ShortForm | Nearness::Initial) {
                    continue;
                }
                let nearness = if is_joined { nearness.max(Nearness::Form) } else { nearness };
                self.marks.set(id, place, nearness);
                variants.push(Variant { id, nearness });
            }
            let listed = if is_given { listed.1.givens } else { listed.1.surnames };
            masses.iter_mut().skip(1).zip(listed).for_each(|(mass, eighths)| *mass = unpack_mass(eighths));
        }
        if let Some(letter) = token.initial() {
            let (ids, givens) = index.letter(letter)?;
            if let Some(mass) = masses.get_mut(Nearness::Initial as usize) {
                *mass = u64::from(givens);
            }
            if let Some(slot) = self.initials.get_mut(place) {
                *slot = ids;
            }
        }
        if let Some(bits) = self.bits.get_mut(place) {
            *bits = super::weigh::name_bits(&masses, index.rows() as u64, is_given);
        }
        if let Some(slot) = self.variants.get_mut(place) {
            *slot = variants;
        }
        Ok(())
    }

    fn resolve_by_keys(
        &mut self,
        index: &Index,
        token: &Token,
        place: usize,
        masses: &mut [u64; Nearness::COUNT + 1],
        variants: &mut Vec<Variant>,
    ) -> Result<(), IndexError> {
        let is_given = matches!(place, GIVEN | MIDDLE | FURTHER | GIVEN_JOINED);
        let is_joined = matches!(place, JOINED | GIVEN_JOINED);
        let mut found: Vec<(Variant, u32)> = Vec::with_capacity(64);
        for (kind, key) in &token.keys {
            for id in index.near(*key)?.take(OF_KEY_MAX) {
                let entry = index.name_entry(id)?;
                if !neighbor::may_be_near(*kind, token.letters, entry.letters.get()) {
                    continue;
                }
                let Some(nearness) = neighbor::nearness(*kind, &token.text, index.name(id)?) else { continue };
                let nearness = if is_joined { nearness.max(Nearness::Form) } else { nearness };
                if self.marks.set(id, place, nearness) {
                    let count = if is_given { entry.givens.get() } else { entry.surnames.get() };
                    found.push((Variant { id, nearness }, count));
                }
            }
        }
        for (name, kinship) in kin(&token.text) {
            let nearness = match kinship {
                Kinship::Spelling => Nearness::Spelling,
                Kinship::ShortForm if is_given => Nearness::ShortForm,
                Kinship::ShortForm => continue,
            };
            self.note(index, name, place, nearness, is_given, &mut found)?;
        }
        if is_given && let Some(initial) = token.text.get(..1) {
            self.note(index, initial, place, Nearness::Initial, is_given, &mut found)?;
        }
        // A name may have been found again, nearer.
        for (variant, _) in &mut found {
            variant.nearness = self.marks.get(variant.id).near(place).unwrap_or(variant.nearness);
        }
        found.sort_unstable_by_key(|(variant, count)| (variant.nearness, u32::MAX - count, variant.id));
        for (variant, count) in &found {
            if let Some(mass) = masses.get_mut(variant.nearness as usize) {
                *mass += u64::from(*count);
            }
        }
        variants.extend(found.into_iter().map(|(variant, _)| variant).take(VARIANTS_MAX));
        Ok(())
    }

    /// Notes a name that is near for a reason of its own, if the file has it.
    fn note(
        &mut self,
        index: &Index,
        name: &str,
        place: usize,
        nearness: Nearness,
        is_given: bool,
        found: &mut Vec<(Variant, u32)>,
    ) -> Result<(), IndexError> {
        if let Some(id) = index.id(name)? {
            let entry = index.name_entry(id)?;
            let count = if is_given { entry.givens.get() } else { entry.surnames.get() };
            if self.marks.set(id, place, nearness) {
                found.push((Variant { id, nearness }, count));
            }
        }
        Ok(())
    }

    /// Takes a surname that no name is near for two written as one word.
    fn split(&mut self, index: &Index) -> Result<(), IndexError> {
        let Some(token) = self.asked.token(SURNAME) else { return Ok(()) };
        let mut best = None;
        for place in 3..token.text.len().saturating_sub(2) {
            let Some((first, second)) = token.text.split_at_checked(place) else { continue };
            let rarer = surnames(index, first)?.min(surnames(index, second)?);
            if rarer > 0 && best.is_none_or(|(most, _)| rarer > most) {
                best = Some((rarer, place));
            }
        }
        let Some((first, second)) = best.and_then(|(_, place)| token.text.split_at_checked(place)) else {
            return Ok(());
        };
        let halves = [Token::new(first.to_owned()), Token::new(second.to_owned())];
        self.resolve(index, &halves[0], SURNAME)?;
        self.resolve(index, &halves[1], SECOND)?;
        self.has_second = true;
        self.halves = Some(halves);
        Ok(())
    }

    /// The first near name of a place, if it is the asked one itself.
    pub(crate) fn itself(&self, place: usize) -> Option<u32> {
        let first = self.variants.get(place)?.first()?;
        (first.nearness == Nearness::Same).then_some(first.id)
    }

    /// How near a name of that id is to an asked one.
    #[inline]
    pub(crate) fn near(&self, id: u32, place: usize) -> Option<Nearness> {
        let near = self.marks.get(id).near(place);
        if near.is_none() && self.initials.get(place).is_some_and(|ids| ids.contains(&id)) {
            return Some(Nearness::Initial);
        }
        near
    }

    /// Whether the asked given name is an initial that fits a name.
    #[inline]
    pub(crate) fn is_initial_of(&self, id: u32) -> bool {
        self.initials.get(GIVEN).is_some_and(|ids| ids.contains(&id))
    }

    /// What a nearness to the asked name of a place is worth.
    #[inline]
    pub(crate) fn worth(&self, place: usize, nearness: Nearness) -> f32 {
        self.bits.get(place).and_then(|bits| bits.get(nearness as usize)).copied().unwrap_or(0.0)
    }

    /// The text that stands for the asked name of a place.
    pub(crate) fn token(&self, place: usize) -> Option<&Token> {
        match (&self.halves, place) {
            (Some([first, _]), SURNAME) => Some(first),
            (Some([_, second]), SECOND) => Some(second),
            _ => self.asked.token(place),
        }
    }
}

/// Rows with a name in the surname.
fn surnames(index: &Index, name: &str) -> Result<u32, IndexError> {
    index.id(name)?.map_or(Ok(0), |id| Ok(index.name_entry(id)?.surnames.get()))
}
