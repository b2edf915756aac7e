//! A query taken apart once, whatever number of files is searched.

use super::Query;
use super::dates::Dates;
use crate::encode;
use crate::name::{fold, units};
use crate::neighbor::{self, KeyKind, letter_set};
use crate::{Sex, number};

/// Places of asked names in marks: the surname's first and second part, and all its parts joined; given and middle
/// names, and both joined.
pub(crate) const SURNAME: usize = 0;
pub(crate) const SECOND: usize = 1;
pub(crate) const JOINED: usize = 2;
pub(crate) const GIVEN: usize = 3;
pub(crate) const MIDDLE: usize = 4;
pub(crate) const FURTHER: usize = 5;
pub(crate) const GIVEN_JOINED: usize = 6;
pub(crate) const PLACES: usize = 7;

/// One name of a query.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// Which letters are in it, and its length.
    pub(crate) letters: u32,
    /// The keys under which names near it lie; the first is its own.
    pub(crate) keys: Vec<(KeyKind, u64)>,
}

impl Token {
    pub(crate) fn new(text: String) -> Self {
        let mut keys = Vec::with_capacity(24);
        neighbor::asked_keys(&text, |kind, key| keys.push((kind, key)));
        Self { letters: letter_set(&text), text, keys }
    }

    /// The only letter, if it is one alone.
    pub(crate) fn initial(&self) -> Option<u8> {
        match self.text.as_bytes() {
            [letter] => Some(letter.saturating_sub(b'A')),
            _ => None,
        }
    }
}

/// A query taken apart.
#[derive(Debug)]
pub(crate) struct Asked {
    /// By place.
    pub(crate) tokens: [Option<Token>; PLACES],
    pub(crate) dates: Dates,
    pub(crate) sex: Sex,
    pub(crate) place_number: Option<u16>,
    /// Hashes of the numbers asked for; the first is of the alien number if `has_alien`.
    pub(crate) numbers: Vec<u64>,
    pub(crate) query: Query,
}

/// Numbers of one query that are looked up.
const NUMBERS_MAX: usize = 16;

impl Asked {
    pub(crate) fn new(query: &Query) -> Self {
        let surnames = units(&fold(&query.surname));
        let mut givens = units(&fold(&query.given));
        let more = if givens.len() > 1 { givens.split_off(1) } else { Vec::new() };
        let middles: Vec<String> = units(&fold(&query.middle)).into_iter().chain(more).collect();
        let joined = |parts: &mut dyn Iterator<Item = &String>| parts.map(String::as_str).collect::<String>();
        let whole = (surnames.len() > 1).then(|| joined(&mut surnames.iter()));
        let both = (givens.len() == 1 && !middles.is_empty() && middles.iter().all(|name| name.len() > 1))
            .then(|| joined(&mut givens.iter().chain(middles.first())));
        let (mut surnames, mut givens, mut middles) = (surnames.into_iter(), givens.into_iter(), middles.into_iter());
        let tokens = [surnames.next(), surnames.next(), whole, givens.next(), middles.next(), middles.next(), both];
        let alien = query.alien_number.map(number::of_alien);
        Self {
            tokens: tokens.map(|text| text.map(Token::new)),
            dates: Dates::new(query.born),
            sex: query.sex,
            place_number: query.birth_place.map(encode::place_number),
            numbers: alien.into_iter().chain(query.numbers.iter().map(number::of)).take(NUMBERS_MAX).collect(),
            query: query.clone(),
        }
    }

    /// Whether names and date are enough to search by.
    pub(crate) fn has_name(&self) -> bool {
        self.is_asked(SURNAME) && (self.is_asked(GIVEN) || self.dates.is_asked)
    }

    pub(crate) fn is_asked(&self, place: usize) -> bool {
        self.token(place).is_some()
    }

    pub(crate) fn token(&self, place: usize) -> Option<&Token> {
        self.tokens.get(place).and_then(Option::as_ref)
    }
}
