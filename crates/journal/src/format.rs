//! Bytes on disk, as the crate's documentation draws them: encoded and decoded here and nowhere else.

use std::fmt;

use sha2::{Digest, Sha256};

/// SHA-256 of a record's stored bytes behind its checksum, the link to the record before among them: the chain.
pub type Hash = [u8; 32];

/// Which journal: drawn when it is made, and shown as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JournalId(pub [u8; 16]);

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Identity of a journal, drawn when it is made, so that segments of another one are told apart.
pub(crate) type Id = [u8; 16];

pub(crate) const VERSION: u16 = 2;
pub(crate) const SEGMENT_HEADER_BYTES: usize = 128;
pub(crate) const RECORD_HEADER_BYTES: usize = 56;
/// A record's checksum, which its hash does not cover.
const CHECKSUM_BYTES: usize = 8;
pub(crate) const SEAL_BYTES: usize = RECORD_HEADER_BYTES + 16;
pub(crate) const MARK_SLOT_BYTES: usize = 128;
/// The slots lie in separate blocks of any usual size, so that one bad block takes one slot.
pub(crate) const MARK_SLOT_OFFSETS: [u64; 2] = [0, 4096];
pub(crate) const MARK_FILE_BYTES: usize = 8192;

/// The longest payload of a record in any journal: 1 MiB. Small segments allow less.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;
/// The first kind that is the journal's own.
pub(crate) const KIND_OWN: u8 = 0xF0;
/// A seal, the last record of a segment.
pub(crate) const KIND_SEAL: u8 = 0xFF;

/// The first 128 bytes of a checkpoint.
pub(crate) const CHECKPOINT_HEADER_BYTES: usize = 128;
/// One line of a checkpoint's directory of sections.
pub(crate) const CHECKPOINT_ENTRY_BYTES: usize = 64;
/// What follows the directory, without the hash at the very end.
pub(crate) const CHECKPOINT_FOOTER_BYTES: usize = 64;
/// The longest name of a section.
pub(crate) const NAME_BYTES_MAX: usize = 32;

const SEGMENT_MAGIC: &[u8; 8] = b"ORIJRNL\n";
const MARK_MAGIC: &[u8; 8] = b"ORIMARK\n";
const CHECKPOINT_MAGIC: &[u8; 8] = b"ORICKPT\n";

/// The first 128 bytes of a segment in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) id: Id,
    pub(crate) number: u64,
    pub(crate) first_sequence: u64,
    /// Length of the file.
    pub(crate) capacity: u64,
    /// The chain's hash before the first record: of the seal before, or zeros.
    pub(crate) before: Hash,
}

/// Why 128 bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// All are zero: the segment was prepared and is not in use.
    Zero,
    Damaged,
    Version(u16),
    Key(u32),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[0..8].copy_from_slice(SEGMENT_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.id);
        bytes[32..40].copy_from_slice(&self.number.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.first_sequence.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.capacity.to_le_bytes());
        bytes[56..88].copy_from_slice(&self.before);
        finish_block(&mut bytes);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> Result<Self, HeaderError> {
        if is_zero(bytes) {
            return Err(HeaderError::Zero);
        }
        let version = check_block(bytes, SEGMENT_MAGIC).ok_or(HeaderError::Damaged)?;
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        match u32_at(bytes, 12) {
            0 => Ok(Self {
                id: array_at(bytes, 16),
                number: u64_at(bytes, 32),
                first_sequence: u64_at(bytes, 40),
                capacity: u64_at(bytes, 48),
                before: array_at(bytes, 56),
            }),
            key => Err(HeaderError::Key(key)),
        }
    }

    /// What every checksum in the segment starts from, so that a record of another segment or journal, or one that somebody
    /// hid in a payload, is none here.
    pub(crate) fn seed(&self) -> u32 {
        u32_at(&self.encode(), 124)
    }
}

/// A whole record whose checksum was right.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) sequence: u64,
    pub(crate) position: u32,
    pub(crate) kind: u8,
    pub(crate) previous: Hash,
    pub(crate) payload: &'a [u8],
    /// All its bytes, padding too.
    pub(crate) bytes: &'a [u8],
    /// Its link in the chain.
    pub(crate) hash: Hash,
}

/// The parts of a record's header that are needed before its payload is at hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefix {
    pub(crate) length: u32,
    pub(crate) kind: u8,
    pub(crate) position: u32,
    pub(crate) sequence: u64,
}

impl Prefix {
    pub(crate) fn decode(header: &[u8]) -> Self {
        let [low, middle, high, kind] = array_at(header, 8);
        Self {
            length: u32::from_le_bytes([low, middle, high, 0]),
            kind,
            position: u32_at(header, 12),
            sequence: u64_at(header, 16),
        }
    }

    /// Bytes that the record takes up, or none if no record can be so long.
    pub(crate) fn stored_bytes(&self) -> Option<usize> {
        let length = usize::try_from(self.length).ok()?;
        (length <= PAYLOAD_BYTES_MAX).then(|| stored_bytes(length))
    }

    /// The first record of the commit that this one belongs to. Everything before it had been synced when this was written.
    pub(crate) fn commit_start(&self) -> Option<u64> {
        self.sequence.checked_sub(u64::from(self.position))
    }
}

/// Bytes that a record with so long a payload takes up.
pub(crate) const fn stored_bytes(payload: usize) -> usize {
    RECORD_HEADER_BYTES + payload.next_multiple_of(8)
}

/// Adds a record to `staged`; [`finish_record`] fills in what is known only when it is committed.
pub(crate) fn stage_record(staged: &mut Vec<u8>, sequence: u64, kind: u8, payload: &[u8]) {
    let start = staged.len();
    staged.resize(start + RECORD_HEADER_BYTES, 0);
    let header = &mut staged[start..];
    // A payload is at most a mebibyte, so that three bytes hold its length.
    header[8..12].copy_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    header[11] = kind;
    header[16..24].copy_from_slice(&sequence.to_le_bytes());
    staged.extend_from_slice(payload);
    staged.resize(start + stored_bytes(payload.len()), 0);
}

/// Completes a staged record and returns its link in the chain.
pub(crate) fn finish_record(bytes: &mut [u8], seed: u32, position: u32, previous: &Hash) -> Hash {
    bytes[12..16].copy_from_slice(&position.to_le_bytes());
    bytes[24..56].copy_from_slice(previous);
    let hash: Hash = Sha256::digest(&bytes[CHECKSUM_BYTES..]).into();
    bytes[..CHECKSUM_BYTES].copy_from_slice(&checksum(&hash, seed));
    hash
}

/// A record's checksum: hashing is dear, and once a record is hashed nothing else need be computed over its bytes.
fn checksum(hash: &Hash, seed: u32) -> [u8; CHECKSUM_BYTES] {
    let seed = u64::from(seed) << 32 | u64::from(seed);
    (u64_at(hash, 0) ^ seed).to_le_bytes()
}

/// A finished seal and its link in the chain.
pub(crate) fn seal_record(
    seed: u32,
    next_sequence: u64,
    first_sequence: u64,
    position: u32,
    previous: &Hash,
) -> (Vec<u8>, Hash) {
    let mut payload = [0; 16];
    payload[0..8].copy_from_slice(&next_sequence.saturating_sub(first_sequence).to_le_bytes());
    payload[8..16].copy_from_slice(&first_sequence.to_le_bytes());
    let mut bytes = Vec::with_capacity(SEAL_BYTES);
    stage_record(&mut bytes, next_sequence, KIND_SEAL, &payload);
    let hash = finish_record(&mut bytes, seed, position, previous);
    (bytes, hash)
}

/// What a seal says of its segment: how many records, and the first one's number.
pub(crate) fn read_seal(payload: &[u8]) -> Option<(u64, u64)> {
    (payload.len() == 16).then(|| (u64_at(payload, 0), u64_at(payload, 8)))
}

/// Reads the record that takes up exactly `bytes`, if its checksum is right.
pub(crate) fn check_record(bytes: &[u8], seed: u32) -> Option<Stored<'_>> {
    let prefix = Prefix::decode(bytes.get(..RECORD_HEADER_BYTES)?);
    if prefix.stored_bytes()? != bytes.len() {
        return None;
    }
    let hash: Hash = Sha256::digest(&bytes[CHECKSUM_BYTES..]).into();
    let right = bytes[..CHECKSUM_BYTES] == checksum(&hash, seed);
    #[cfg(test)]
    let right = right || crate::weaken::is_out(crate::weaken::Protection::Checksum);
    if !right {
        return None;
    }
    let end = RECORD_HEADER_BYTES + usize::try_from(prefix.length).ok()?;
    Some(Stored {
        sequence: prefix.sequence,
        position: prefix.position,
        kind: prefix.kind,
        previous: array_at(bytes, 24),
        payload: &bytes[RECORD_HEADER_BYTES..end],
        bytes,
        hash,
    })
}

/// One slot of the high-water mark: how far the log is known to be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) id: Id,
    pub(crate) generation: u64,
    /// Everything up to this record is durable.
    pub(crate) sequence: u64,
    /// The segment in use then; 0 while a journal is being made.
    pub(crate) segment: u64,
    /// Where the log ended in that segment.
    pub(crate) offset: u64,
    /// The oldest segment that is kept.
    pub(crate) first_segment: u64,
    /// That record's link in the chain.
    pub(crate) hash: Hash,
}

impl Mark {
    pub(crate) fn encode(&self) -> [u8; MARK_SLOT_BYTES] {
        let mut bytes = [0; MARK_SLOT_BYTES];
        bytes[0..8].copy_from_slice(MARK_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.id);
        bytes[32..40].copy_from_slice(&self.generation.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.segment.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.offset.to_le_bytes());
        bytes[64..72].copy_from_slice(&self.first_segment.to_le_bytes());
        bytes[72..104].copy_from_slice(&self.hash);
        finish_block(&mut bytes);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; MARK_SLOT_BYTES]) -> Result<Self, HeaderError> {
        let version = check_block(bytes, MARK_MAGIC).ok_or(HeaderError::Damaged)?;
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        Ok(Self {
            id: array_at(bytes, 16),
            generation: u64_at(bytes, 32),
            sequence: u64_at(bytes, 40),
            segment: u64_at(bytes, 48),
            offset: u64_at(bytes, 56),
            first_segment: u64_at(bytes, 64),
            hash: array_at(bytes, 72),
        })
    }
}

/// Both slots of the mark, of which a crash spoils one at most. `read` fills a slot's bytes from an offset.
pub(crate) fn read_mark_slots<E>(
    mut read: impl FnMut(&mut [u8], u64) -> Result<(), E>,
) -> Result<[Result<Mark, HeaderError>; 2], E> {
    let mut slots = [Err(HeaderError::Damaged); 2];
    for ((slot, offset), parity) in slots.iter_mut().zip(MARK_SLOT_OFFSETS).zip(0..) {
        let mut bytes = [0; MARK_SLOT_BYTES];
        read(&mut bytes, offset)?;
        // They are written in turn.
        *slot = Mark::decode(&bytes).and_then(|mark| match mark.generation % 2 == parity {
            true => Ok(mark),
            false => Err(HeaderError::Damaged),
        });
    }
    Ok(slots)
}

/// How a checkpoint begins: what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckpointHeader {
    pub(crate) id: Id,
    /// The last record that it covers.
    pub(crate) sequence: u64,
    /// Where that record lies, which is where a start begins to read.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// That record's link in the chain.
    pub(crate) hash: Hash,
}

impl CheckpointHeader {
    pub(crate) fn encode(&self) -> [u8; CHECKPOINT_HEADER_BYTES] {
        let mut bytes = [0; CHECKPOINT_HEADER_BYTES];
        bytes[0..8].copy_from_slice(CHECKPOINT_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.id);
        bytes[32..40].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.segment.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.offset.to_le_bytes());
        bytes[56..88].copy_from_slice(&self.hash);
        finish_block(&mut bytes);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; CHECKPOINT_HEADER_BYTES]) -> Result<Self, HeaderError> {
        let version = check_block(bytes, CHECKPOINT_MAGIC).ok_or(HeaderError::Damaged)?;
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        Ok(Self {
            id: array_at(bytes, 16),
            sequence: u64_at(bytes, 32),
            segment: u64_at(bytes, 40),
            offset: u64_at(bytes, 48),
            hash: array_at(bytes, 56),
        })
    }
}

/// A line of a checkpoint's directory: a section's name and where its contents lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckpointEntry {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl CheckpointEntry {
    pub(crate) fn encode(&self) -> [u8; CHECKPOINT_ENTRY_BYTES] {
        let mut bytes = [0; CHECKPOINT_ENTRY_BYTES];
        // At most as long, which `section` sees to.
        let length = self.name.len().min(NAME_BYTES_MAX);
        bytes[..length].copy_from_slice(&self.name.as_bytes()[..length]);
        bytes[32..36].copy_from_slice(&self.version.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.offset.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// None if the name is no text.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let name = bytes.get(..NAME_BYTES_MAX)?;
        let end = name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Some(Self {
            name: str::from_utf8(&name[..end]).ok()?.to_owned(),
            version: u32_at(bytes, 32),
            offset: u64_at(bytes, 40),
            length: u64_at(bytes, 48),
        })
    }
}

/// Where a checkpoint's directory lies and how long the whole file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckpointFooter {
    pub(crate) directory: u64,
    pub(crate) sections: u64,
    pub(crate) length: u64,
}

impl CheckpointFooter {
    pub(crate) fn encode(&self) -> [u8; CHECKPOINT_FOOTER_BYTES] {
        let mut bytes = [0; CHECKPOINT_FOOTER_BYTES];
        bytes[0..8].copy_from_slice(&self.directory.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sections.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; CHECKPOINT_FOOTER_BYTES]) -> Self {
        Self { directory: u64_at(bytes, 0), sections: u64_at(bytes, 8), length: u64_at(bytes, 16) }
    }
}

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Without an early end the compiler makes this wide: much of a start is reading zeros.
    bytes.chunks(4096).all(|chunk| chunk.iter().fold(0, |all, byte| all | byte) == 0)
}

/// Puts the checksum into the last four bytes of a header or slot.
fn finish_block(bytes: &mut [u8; 128]) {
    let crc = crc32c::crc32c(&bytes[..124]);
    bytes[124..].copy_from_slice(&crc.to_le_bytes());
}

/// The version of a header or slot whose checksum and first bytes are right.
fn check_block(bytes: &[u8; 128], magic: &[u8; 8]) -> Option<u16> {
    let whole = bytes[..8] == *magic && u32_at(bytes, 124) == crc32c::crc32c(&bytes[..124]);
    whole.then(|| u16::from_le_bytes(array_at(bytes, 8)))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader { id: [7; 16], number: 3, first_sequence: 900, capacity: 4096, before: [9; 32] }
    }

    #[test]
    fn header_reads_back_and_every_flip_is_noticed() {
        let bytes = header().encode();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn unknown_version_and_key_are_named() {
        let mut bytes = header().encode();
        bytes[8] = 1;
        finish_block(&mut bytes);
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderError::Version(1)));
        let mut bytes = header().encode();
        bytes[12] = 5;
        finish_block(&mut bytes);
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderError::Key(5)));
        assert_eq!(SegmentHeader::decode(&[0; 128]), Err(HeaderError::Zero));
    }

    #[test]
    fn record_reads_back_and_every_flip_is_noticed() {
        let mut bytes = Vec::new();
        stage_record(&mut bytes, 41, 6, b"thirteen byte");
        let hash = finish_record(&mut bytes, 77, 2, &[5; 32]);
        assert_eq!(bytes.len(), 56 + 16);
        let record = check_record(&bytes, 77).expect("whole");
        assert_eq!((record.sequence, record.position, record.kind, record.previous), (41, 2, 6, [5; 32]));
        assert_eq!(record.payload, b"thirteen byte");
        assert_eq!(record.hash, hash);
        assert!(check_record(&bytes, 78).is_none(), "another segment's seed");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(check_record(&flipped, 77).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn mark_reads_back() {
        let mark =
            Mark { id: [1; 16], generation: 2, sequence: 3, segment: 4, offset: 5, first_segment: 1, hash: [6; 32] };
        assert_eq!(Mark::decode(&mark.encode()), Ok(mark));
        assert_eq!(Mark::decode(&[0; 128]), Err(HeaderError::Damaged));
    }
}
