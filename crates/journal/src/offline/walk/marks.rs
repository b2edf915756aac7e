//! The high-water mark, read while another process may be writing it.

use std::io;

use super::super::files::Source;
use super::super::finding::{Finding, Mend, Problem};
use super::{Visit, segment_numbers};
use crate::chores::MARK;
use crate::error::{Damage, Fault};
use crate::format::{HeaderError, MARK_SLOT_OFFSETS, Mark, read_mark_slots};
use crate::view::ReadAt as _;

/// A slot of the mark is read again so often before it is called bad: it may be being written.
const MARK_READS: usize = 3;

/// The slots of the mark that can be read; what is wrong with the others is told.
pub(crate) fn read_marks<S: Source>(source: &S, visit: &mut dyn Visit) -> Result<Vec<Mark>, Fault> {
    let mut slots = read_slots(source)?;
    for _ in 1..MARK_READS {
        if slots.iter().all(Result::is_ok) {
            break;
        }
        slots = read_slots(source)?;
    }
    let marks: Vec<Mark> = slots.iter().filter_map(|slot| slot.as_ref().ok().copied()).collect();
    let version = slots.iter().find_map(|slot| match slot {
        Err(HeaderError::Version(version)) => Some(*version),
        Ok(_) | Err(_) => None,
    });
    let bad = slots.iter().position(Result::is_err).and_then(|slot| MARK_SLOT_OFFSETS.get(slot)).copied();
    let differ = marks.windows(2).any(|pair| pair[0].id != pair[1].id);
    let problem = match (version, marks.len()) {
        (Some(version), _) => Some(Problem::Log(Damage::Version(version))),
        // A directory without a journal has none of either.
        (None, 0) if segment_numbers(source)?.is_empty() && source.open(MARK).is_err() => None,
        (None, 0) => Some(Problem::Log(Damage::Mark)),
        (None, 1) => Some(Problem::MarkSlot),
        (None, _) if differ => Some(Problem::Log(Damage::Mark)),
        (None, _) => None,
    };
    if let Some(problem) = problem {
        let mut finding = Finding::new(MARK, bad.unwrap_or_default(), problem);
        finding.mend = (version.is_none()).then_some(Mend::Mark);
        visit.finding(finding);
    }
    Ok(marks)
}

/// The newer slot of the mark, if one can be read.
pub(crate) fn newest_mark<S: Source>(source: &S) -> Result<Option<Mark>, Fault> {
    let mut newest = None;
    for _ in 0..MARK_READS {
        newest = read_slots(source)?.into_iter().filter_map(Result::ok).max_by_key(|mark| mark.generation);
        if newest.is_some() {
            break;
        }
    }
    Ok(newest)
}

/// What is in the slots now, whatever that is.
pub(super) fn read_slots<S: Source>(source: &S) -> Result<[Result<Mark, HeaderError>; 2], Fault> {
    let file = match source.open(MARK) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok([Err(HeaderError::Damaged); 2]),
        Err(error) => return Err(Fault::new("open", MARK, error)),
    };
    // A slot that the disk cannot read is a bad one.
    let read = |bytes: &mut [u8], offset| {
        if file.read_full(bytes, offset).is_err() {
            bytes.fill(0);
        }
        Ok(())
    };
    read_mark_slots(read)
}
