//! What somebody does who may write every file and knows the format: takes a journal apart, and makes one anew in which
//! every checksum, every hash, every seal and the mark agree.

use super::super::files::Memory;
use super::SEGMENT_BYTES;
use crate::chores::segment_name;
use crate::format::{
    Hash, Id, MARK_FILE_BYTES, MARK_SLOT_BYTES, MARK_SLOT_OFFSETS, Mark, Prefix, RECORD_HEADER_BYTES, SEAL_BYTES,
    SEGMENT_HEADER_BYTES, SegmentHeader, check_record, finish_record, seal_record, stage_record, stored_bytes,
};

/// A record taken out of its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loose {
    pub(super) kind: u8,
    pub(super) payload: Vec<u8>,
    pub(super) position: u32,
}

/// Where a record lies and how long it is; the seals are not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lies {
    pub(super) file: String,
    pub(super) offset: usize,
    pub(super) bytes: usize,
    pub(super) hash: Hash,
}

/// The identity and all records of a journal.
pub(super) fn take_apart(files: &Memory) -> (Id, Vec<Loose>, Vec<Lies>) {
    let (mut id, mut records, mut places) = ([0; 16], Vec::new(), Vec::new());
    for (file, bytes) in files.iter().filter(|(name, _)| name.starts_with("segment-")) {
        let Ok(header) = SegmentHeader::decode(bytes[..SEGMENT_HEADER_BYTES].try_into().expect("long")) else {
            continue;
        };
        id = header.id;
        let mut at = SEGMENT_HEADER_BYTES;
        while let Some(length) =
            bytes.get(at..at + RECORD_HEADER_BYTES).and_then(|it| Prefix::decode(it).stored_bytes())
            && let Some(record) = bytes.get(at..at + length).and_then(|it| check_record(it, header.seed()))
        {
            if record.kind < 0xF0 {
                let loose = Loose { kind: record.kind, payload: record.payload.to_vec(), position: record.position };
                records.push(loose);
                places.push(Lies { file: file.clone(), offset: at, bytes: length, hash: record.hash });
            }
            at += length;
        }
    }
    (id, records, places)
}

/// Makes a journal of these records, and their hashes.
pub(super) fn make(id: Id, records: &[Loose]) -> (Memory, Vec<Hash>) {
    let capacity = usize::try_from(SEGMENT_BYTES).expect("small");
    let mut files = Memory::new();
    let (mut number, mut sequence, mut link) = (1, 1, [0; 32]);
    let mut hashes: Vec<Hash> = Vec::new();
    let mut left = records.iter().peekable();
    let offset = loop {
        let header = SegmentHeader { id, number, first_sequence: sequence, capacity: SEGMENT_BYTES, before: link };
        let mut bytes = header.encode().to_vec();
        // A segment's first record begins a commit.
        let mut expected = 0;
        while let Some(record) =
            left.next_if(|it| bytes.len() + stored_bytes(it.payload.len()) + SEAL_BYTES <= capacity)
        {
            let at = bytes.len();
            stage_record(&mut bytes, sequence, record.kind, &record.payload);
            let position = if record.position == expected { expected } else { 0 };
            link = finish_record(&mut bytes[at..], header.seed(), position, &link);
            expected = position + 1;
            hashes.push(link);
            sequence += 1;
        }
        let name = segment_name(number);
        let end = bytes.len();
        if left.peek().is_none() {
            bytes.resize(capacity, 0);
            files.insert(name, bytes);
            break end as u64;
        }
        let (seal, hash) = seal_record(header.seed(), sequence, header.first_sequence, expected, &link);
        link = hash;
        bytes.extend(seal);
        bytes.resize(capacity, 0);
        files.insert(name, bytes);
        number += 1;
    };
    let hash = hashes.last().copied().unwrap_or_default();
    let mark = Mark { id, generation: 0, sequence: sequence - 1, segment: number, offset, first_segment: 1, hash };
    let mut bytes = vec![0; MARK_FILE_BYTES];
    for (generation, at) in (10..).zip(MARK_SLOT_OFFSETS) {
        let at = usize::try_from(at).expect("small");
        bytes[at..at + MARK_SLOT_BYTES].copy_from_slice(&Mark { generation, ..mark }.encode());
    }
    files.insert("mark".to_owned(), bytes);
    (files, hashes)
}
