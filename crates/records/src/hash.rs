//! Hashes that files keep: the same for ever, on every machine. Not meant to withstand an opponent.

/// A hash of some bytes; `kind` keeps hashes of different things apart.
pub(crate) fn hash(kind: u8, bytes: &[u8]) -> u64 {
    let mut state = mix(u64::from(kind) ^ (bytes.len() as u64) << 8);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = mix(state ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    for (slot, byte) in last.iter_mut().zip(rest) {
        *slot = *byte;
    }
    mix(state ^ u64::from_le_bytes(last))
}

/// A finalizer with full avalanche (splitmix64).
pub(crate) const fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_this_version() {
        // Files hold them: if this fails, every index has to be built again, and the format's version raised.
        assert_eq!(hash(1, b"GARCIA"), GARCIA);
        assert_ne!(hash(2, b"GARCIA"), GARCIA);
        assert_ne!(hash(1, b"GARCIA\0"), GARCIA);
    }

    const GARCIA: u64 = 0x8ae50c22ab8565ce;
}
