//! A person's numbers: reckoned from the person's, nobody else's, and none that a real person can have.

use super::draw::mix;
use crate::{Identifier, IdentifierKind, Place, Reference, Source};

/// The largest primes with which numbers of 9, 10 and 11 digits are mixed: a product modulo one of them meets every
/// number once.
const NINE: u64 = 999_999_937;
const TEN: u64 = 9_999_999_967;
const ELEVEN: u64 = 99_999_999_977;

/// Social security numbers that there can be of 900-00 to 999-49, which belong to nobody.
const SSNS: u64 = 50_000_000;

/// A number below the modulus for each number below it, another for another, in no order.
fn scattered(seed: u64, kind: u64, number: u64, modulus: u64) -> u64 {
    let factor = mix(kind) % (modulus - 1) + 1;
    let offset = mix(seed ^ mix(kind)) % modulus;
    let mixed = (u128::from(number) * u128::from(factor) + u128::from(offset)) % u128::from(modulus);
    u64::try_from(mixed).unwrap_or(0)
}

/// The number of a person's record in a source that has numbers of its own.
pub(super) fn reference(seed: u64, person: u32, source: Source, occurrence: u8) -> Option<Reference> {
    let (person, occurrence) = (u64::from(person), u64::from(occurrence));
    let number = match source {
        Source::Niis | Source::Adis => arrival(seed, person, occurrence),
        Source::Claims => scattered(seed, 2, person * 2 + occurrence % 2, TEN) + 1,
        Source::Enforce => encounter(seed, person),
        Source::Sevis => scattered(seed, 4, person, TEN) + 1,
        Source::Cis | Source::Dacs | Source::Raps => return None,
    };
    Reference::new(source, number)
}

/// The number of an arrival; of several, the one that later records refer to is the first.
fn arrival(seed: u64, person: u64, occurrence: u64) -> u64 {
    scattered(seed, 1, person * 4 + occurrence % 4, ELEVEN) + 1
}

/// The number of a person's fingerprints, in all encounters.
fn encounter(seed: u64, person: u64) -> u64 {
    scattered(seed, 3, person, TEN) + 1
}

/// A number of a person that is no source's own.
pub(super) fn identifier(seed: u64, person: u32, kind: IdentifierKind, issuer: Option<Place>) -> Option<Identifier> {
    let number = u64::from(person);
    let text = match kind {
        IdentifierKind::Fbi => format!("Z{}", letters_and_digits(scattered(seed, 5, number, ELEVEN))),
        IdentifierKind::Ssn => ssn(seed, number)?,
        // Longer than a passport's number is.
        IdentifierKind::Passport => format!("ZZ{:09}", scattered(seed, 6, number, NINE)),
        IdentifierKind::I94 => format!("{:011}", arrival(seed, number, 0)),
        IdentifierKind::Licence => format!("Z{:09}", scattered(seed, 7, number, NINE)),
        IdentifierKind::Fin => format!("{:010}", encounter(seed, number)),
        IdentifierKind::Sevis => return Identifier::from_reference(reference(seed, person, Source::Sevis, 0)?),
        IdentifierKind::Receipt => return Identifier::from_reference(reference(seed, person, Source::Claims, 0)?),
    };
    Identifier::new(kind, &text, issuer)
}

/// Two of five persons have one, so that those of 125 million persons are enough.
fn ssn(seed: u64, person: u64) -> Option<String> {
    let rank = person / 5 * 2 + person % 5;
    let has = person % 5 < 2 && rank < SSNS;
    // Not a prime: the factor has to share none with it, as an odd number that ends in 1 does.
    let number = (rank * 7_654_321 + mix(seed) % SSNS) % SSNS;
    has.then(|| format!("9{:02}{:02}{:04}", number / 500_000, number / 10_000 % 50, number % 10_000))
}

/// Eight of 30 letters and digits, without vowels.
fn letters_and_digits(mut number: u64) -> String {
    const SIGNS: [char; 30] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P',
        'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Z',
    ];
    let mut sign = || {
        let place = usize::try_from(number % 30).unwrap_or(0);
        number /= 30;
        SIGNS[place]
    };
    std::iter::repeat_with(&mut sign).take(8).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_nobody_elses_and_nobody_real_has_them() {
        let mut seen = HashSet::new();
        for person in (0..20_000).chain(63_000_000..63_020_000) {
            for kind in IdentifierKind::ALL {
                let Some(number) = identifier(1, person, *kind, None) else { continue };
                assert!(seen.insert(number), "{kind:?} {person}");
                let text = number.text();
                match kind {
                    IdentifierKind::Ssn => assert!(text.starts_with('9') && text.as_bytes()[3] < b'5', "{text}"),
                    IdentifierKind::Fbi => assert!(text.len() == 9 && text.starts_with('Z'), "{text}"),
                    IdentifierKind::Passport => assert!(text.len() == 11 && text.starts_with("ZZ"), "{text}"),
                    IdentifierKind::I94 => assert_eq!(text.len(), 11),
                    IdentifierKind::Licence | IdentifierKind::Fin => assert_eq!(text.len(), 10),
                    IdentifierKind::Sevis => assert_eq!(text.len(), 11),
                    IdentifierKind::Receipt => assert!(text.starts_with("ZZZ"), "{text}"),
                }
            }
        }
    }

    #[test]
    fn arrivals_and_applications_of_one_person_have_numbers_of_their_own() {
        let mut seen = HashSet::new();
        for person in 0..10_000 {
            for occurrence in 0..2 {
                assert!(seen.insert(reference(1, person, Source::Niis, occurrence)));
                assert!(seen.insert(reference(1, person, Source::Claims, occurrence)));
            }
            assert_eq!(
                reference(1, person, Source::Adis, 0).and_then(Identifier::from_reference),
                identifier(1, person, IdentifierKind::I94, None)
            );
        }
    }
}
