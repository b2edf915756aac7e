//! Numbers of persons as the index keeps them: hashes.

use crate::hash::hash;
use crate::{AlienNumber, Identifier};

/// The hash of an alien number.
pub(crate) fn of_alien(number: AlienNumber) -> u64 {
    hash(0, &number.value().to_le_bytes())
}

/// The hash of another number. Who issued it is not in it: an inquiry may not say, and the full record tells.
pub(crate) fn of(number: &Identifier) -> u64 {
    hash(number.kind as u8, number.text().as_bytes())
}
