//! Partitions that do not fit into memory: sorted in pieces, which are merged while they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::BuildError;
use super::lane::{DRAFT_HEAD, Draft};
use super::rows::Sorted;
use super::spill::Spill;
use crate::format::Row;

/// Calls `each` with pieces of a partition's drafts, in the order of the file, their names by their ids.
pub(super) fn for_each_piece(
    spill: &Spill,
    partition: usize,
    places: &[u32],
    directory: &Path,
    memory_max: usize,
    mut each: impl FnMut(&[Sorted<'_>]) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let runs = runs(spill, partition, places, directory, memory_max)?;
    let mut heap = BinaryHeap::new();
    let mut readers = Vec::new();
    for (number, mut run) in runs.into_iter().enumerate() {
        run.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(1 << 18, run);
        heap.extend(next(&mut reader)?.map(|draft| Reverse((draft, number))));
        readers.push(reader);
    }
    let mut piece = Vec::new();
    while let Some(Reverse((draft, number))) = heap.pop() {
        piece.extend_from_slice(&draft.bytes);
        if let Some(reader) = readers.get_mut(number) {
            heap.extend(next(reader)?.map(|draft| Reverse((draft, number))));
        }
        if piece.len() >= PIECE_BYTES || heap.is_empty() {
            each(&Sorted::read(&piece, |id| id)?)?;
            piece.clear();
        }
    }
    Ok(())
}

/// Bytes of drafts that are handed on at once.
const PIECE_BYTES: usize = 8 << 20;

/// Sorted runs of a partition, each in a file.
fn runs(
    spill: &Spill,
    partition: usize,
    places: &[u32],
    directory: &Path,
    memory_max: usize,
) -> Result<Vec<File>, BuildError> {
    let (pieces, bytes) = (spill.pieces(partition)?, spill.bytes(partition)?);
    // Sorting takes about as much again as the drafts themselves.
    let runs = (bytes / (memory_max / 2).max(1)).max(1) + 1;
    let mut files = Vec::new();
    for first in (0..pieces).step_by(pieces.div_ceil(runs).max(1)) {
        let mut buffer = Vec::new();
        spill.read(partition, first..(first + pieces.div_ceil(runs).max(1)).min(pieces), &mut buffer)?;
        let mut out = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(directory)?);
        let mut bytes = Vec::new();
        for row in Sorted::all(&buffer, places)? {
            bytes.clear();
            row.draft.write(&mut bytes)?;
            out.write_all(&bytes)?;
        }
        files.push(out.into_inner().map_err(io::IntoInnerError::into_error)?);
    }
    Ok(files)
}

/// The head of a run: what orders it, and its bytes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    day: u16,
    row: Row,
    record: Vec<u8>,
    bytes: Vec<u8>,
}

fn next(reader: &mut BufReader<File>) -> Result<Option<Next>, BuildError> {
    let mut head = [0; DRAFT_HEAD];
    match reader.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut bytes = vec![0; Draft::bytes(&head)];
    let (front, rest) = bytes.split_at_mut(DRAFT_HEAD);
    front.copy_from_slice(&head);
    reader.read_exact(rest)?;
    let row = Sorted::read(&bytes, |id| id)?.pop().ok_or(BuildError::Stopped)?;
    let (day, key, record) = (row.day, row.row, row.draft.record.to_vec());
    Ok(Some(Next { day, row: key, record, bytes }))
}
