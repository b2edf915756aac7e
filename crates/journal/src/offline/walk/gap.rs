//! What a walk makes of a place where something whole should be and is not: the log's end, damage, or something that was being written
//! when it was read.

use super::super::files::Source;
use super::super::finding::{Finding, Mend, Problem};
use super::{Ended, Place, Stop, Walker, segment_numbers};
use crate::chores::segment_name;
use crate::error::Damage;
use crate::format::{
    Hash, HeaderError, Prefix, RECORD_HEADER_BYTES, SEAL_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, seal_record,
};
use crate::journal::is_segment_length;
use crate::view::{ReadAt as _, View, read_header};

/// What follows where no whole record does.
pub(super) enum Gap {
    /// The record was being written: it is there now.
    Again,
    /// Damage, and a whole record behind it.
    Resume(u64),
    End(Ended),
}

impl<S: Source> Walker<'_, '_, '_, S> {
    /// A segment without a whole header is the prepared one, or damaged. What it must have been often follows from the segment
    /// before; failing that, the header's last four bytes are what checksums start from.
    pub(super) fn without_header(
        &mut self,
        file: &S::File,
        number: u64,
        length: u64,
        reason: HeaderError,
    ) -> Result<Option<(SegmentHeader, u32)>, Stop> {
        let header_bytes = SEGMENT_HEADER_BYTES as u64;
        let last = segment_numbers(self.source)?.last().is_none_or(|last| *last <= number);
        let mut view = self.pace.view(file, length);
        let empty = view.first_data(header_bytes)?.is_none();
        // Meanwhile it may have been taken into use.
        if let Ok(header) = read_header(file)? {
            self.catch_up(number)?;
            self.expect.begin(&header);
            return Ok(Some((header, header.seed())));
        }
        if last && !self.seen_by_mark(number) {
            let finding = match self.ended {
                Ended::Open if reason == HeaderError::Zero => Some((!empty).then_some(Problem::Unused)),
                Ended::Sealed | Ended::Nothing if empty && !is_segment_length(length) => {
                    let expected = length.next_multiple_of(4096);
                    Some(Some(Problem::Log(Damage::Length { expected, found: length })))
                }
                // At most a header was torn.
                Ended::Sealed | Ended::Nothing if empty => {
                    Some((reason != HeaderError::Zero).then_some(Problem::Unused))
                }
                // Behind damage nobody can tell; nothing is lost in an empty one.
                Ended::Broken if empty => Some(None),
                Ended::Nothing | Ended::Sealed | Ended::Open | Ended::Broken | Ended::Unused => None,
            };
            if let Some(problem) = finding {
                if let Some(problem) = problem {
                    self.visit.finding(Finding::new(&segment_name(number), 0, problem));
                }
                self.ended = Ended::Unused;
                return Ok(None);
            }
        }
        let mut view = self.pace.view(file, length);
        let inferred = self.walked.id.and_then(|id| self.expect.header(id, number, length));
        if let Some(header) = inferred
            && (view.record(header_bytes, header.seed())?.is_some() || empty)
        {
            let mend = Mend::Header { segment: number, bytes: Box::new(header.encode()) };
            self.mendable(number, 0, Damage::Header, Some(mend), None);
            return Ok(Some((header, header.seed())));
        }
        let mut seed = [0; 4];
        file.read_full(&mut seed, header_bytes - 4)?;
        let seed = u32::from_le_bytes(seed);
        let first = view.record(header_bytes, seed)?.map(|record| (record.sequence, record.previous));
        let Some((first_sequence, before)) = first else {
            self.skip(number, Damage::Header)?;
            return Ok(None);
        };
        self.log(number, 0, Damage::Header);
        let header =
            SegmentHeader { id: self.walked.id.unwrap_or_default(), number, first_sequence, capacity: length, before };
        self.expect.begin(&header);
        Ok(Some((header, seed)))
    }

    /// There is no whole record at `at`: the log ends, or it is damaged, or both were read while it grew.
    pub(super) fn gap(
        &mut self,
        view: &mut View<'_, S::File>,
        at: u64,
        header: &SegmentHeader,
        seed: u32,
    ) -> Result<Gap, Stop> {
        let number = header.number;
        let next = self.expect.next().unwrap_or(header.first_sequence);
        let count_max = header.capacity / RECORD_HEADER_BYTES as u64 + 1;
        let plausible =
            |prefix: &Prefix| prefix.sequence.checked_sub(header.first_sequence).is_some_and(|at| at <= count_max);
        let later = |prefix: &Prefix| plausible(prefix) && prefix.commit_start().is_some_and(|start| start > next);

        // Looked for before the place is looked at again: what shows that it had been written comes after it.
        let followed = self.header_of(number + 1).is_some();
        let seen = self.walked.marks.iter().filter(|mark| mark.sequence >= next && mark.segment >= number);
        let seen = seen.map(|mark| mark.sequence).max();
        let (shown, data_end) = view.find(at, seed, later)?;
        view.forget();
        if view.record(at, seed)?.is_some() {
            return Ok(Gap::Again);
        }
        if !followed && seen.is_none() && shown.is_none() {
            let place = Place { segment: number, offset: at };
            if data_end > at {
                let problem = Problem::Torn { bytes: data_end - at };
                self.visit.finding(Finding::new(&segment_name(number), at, problem));
            }
            self.visit.end(place)?;
            return Ok(Gap::End(Ended::Open));
        }

        let (found, _) = view.find(at + 8, seed, plausible)?;
        if let Some(found) = found {
            let sequence = view.record(found, seed)?.map_or(next, |record| record.sequence);
            let lost = (sequence > next).then(|| (next, sequence - 1));
            self.mendable(number, at, Damage::BeforeGood { sequence: next, later: found }, None, lost);
            self.expect.lose(Some(sequence));
            return Ok(Gap::Resume(found));
        }
        if let Some((bytes, hash)) = self.infer_seal(at, header, seed) {
            let mend = Mend::Seal { segment: number, offset: at, bytes: bytes.clone() };
            self.mendable(number, at, Damage::Unsealed { sequence: next }, Some(mend), None);
            self.visit.seal(Place { segment: number, offset: at }, &bytes, &hash)?;
            self.expect.sealed(next, hash);
            return Ok(Gap::End(Ended::Sealed));
        }
        let (damage, lost) = match seen {
            Some(mark) if !followed => (Damage::BelowMark { sequence: next, mark }, Some((next, mark))),
            _ => (Damage::Unsealed { sequence: next }, self.lost_before(number + 1)),
        };
        self.mendable(number, at, damage, None, lost);
        self.expect.lose(self.expect.next());
        Ok(Gap::End(Ended::Broken))
    }

    /// The seal that belongs at `at`, if the next segment's header shows that nothing else does.
    fn infer_seal(&self, at: u64, header: &SegmentHeader, seed: u32) -> Option<(Vec<u8>, Hash)> {
        let following = self.header_of(header.number + 1)?;
        let (next, link) = (self.expect.next()?, self.expect.link()?);
        if following.first_sequence != next || at + SEAL_BYTES as u64 > header.capacity {
            return None;
        }
        // Written with the segment's last commit or in one of its own.
        [self.expect.position().unwrap_or_default(), 0].into_iter().find_map(|position| {
            let (bytes, hash) = seal_record(seed, next, header.first_sequence, position, &link);
            (hash == following.before).then_some((bytes, hash))
        })
    }
}
