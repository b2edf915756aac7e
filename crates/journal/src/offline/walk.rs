//! Reads a whole journal, in order, through whatever damage there is.
//!
//! What a live journal does meanwhile is told from damage by two facts. A commit is written only after the one before it was
//! synced, and a segment's header only after the seal before it: so whoever sees the later one and then looks *again* at the
//! place of the earlier one finds it whole. And the mark, read before the log, says what had to be there by then.

mod gap;
mod marks;

use std::io;

use self::gap::Gap;
use self::marks::read_slots;
pub(crate) use self::marks::{newest_mark, read_marks};
use super::files::Source;
use super::finding::{Finding, Mend, Problem};
use super::ledger::Expect;
use super::pace::Pace;
use crate::chores::segment_name;
use crate::error::{Damage, Fault};
use crate::format::{
    Hash, HeaderError, Id, KIND_OWN, KIND_SEAL, Mark, SEAL_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, Stored,
    read_seal,
};
use crate::recover::segment_number;
use crate::view::{ReadAt as _, read_header};

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// What a walk meets, in order.
pub(crate) trait Visit {
    /// The segments so far were removed by retention before the next one was reached: the walk begins anew.
    fn restart(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// A segment in use begins. Its header may be one that was inferred.
    fn segment(&mut self, _header: &SegmentHeader) -> Result<(), Fault> {
        Ok(())
    }

    /// A whole record. It need not be the right one: if it is not, its finding came before.
    fn record(&mut self, _place: Place, _record: &Stored<'_>, _hash: &Hash) -> Result<(), Fault> {
        Ok(())
    }

    /// The seal of a segment, or one that was inferred.
    fn seal(&mut self, _place: Place, _bytes: &[u8], _hash: &Hash) -> Result<(), Fault> {
        Ok(())
    }

    /// The log's end, when there is one that can be gone on from.
    fn end(&mut self, _place: Place) -> Result<(), Fault> {
        Ok(())
    }

    fn finding(&mut self, finding: Finding);
}

/// What a walk found besides.
#[derive(Debug, Clone)]
pub(crate) struct Walked {
    pub(crate) id: Option<Id>,
    /// The slots of the mark that could be read, as they were before the log was.
    pub(crate) marks: Vec<Mark>,
    pub(crate) first_segment: u64,
    /// The segments that were read.
    pub(crate) segments: u64,
    /// The last of them; 0 if there is none.
    pub(crate) last_segment: u64,
}

/// How a segment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// There was none before.
    Nothing,
    Sealed,
    /// Not sealed: the log's end.
    Open,
    /// In the prepared segment, behind which there is nothing.
    Unused,
    /// In damage.
    Broken,
}

/// Why the reading of a segment stops early.
enum Stop {
    Read(io::Error),
    Visit(Fault),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Visit(fault)
    }
}

/// Reads everything. A directory without mark and segments has no journal: nothing is visited then, and there is no identity.
pub(crate) fn walk<S: Source>(source: &S, pace: &Pace<'_>, visit: &mut dyn Visit) -> Result<Walked, Fault> {
    let marks = read_marks(source, visit)?;
    let numbers = segment_numbers(source)?;
    if marks.is_empty() && numbers.is_empty() {
        return Ok(Walked { id: None, marks, first_segment: 1, segments: 0, last_segment: 0 });
    }
    for number in &numbers {
        let length = source.open(&segment_name(*number)).and_then(|file| file.length());
        pace.expect(length.unwrap_or_default());
    }
    let newest = marks.iter().max_by_key(|mark| mark.generation);
    let first = newest.map(|mark| mark.first_segment).or_else(|| numbers.first().copied()).unwrap_or(1);
    for number in numbers.iter().filter(|number| **number < first) {
        visit.finding(Finding::new(&segment_name(*number), 0, Problem::Leftover));
    }
    // Without a mark the first whole header says whose the journal is.
    let of_header = || {
        let headers =
            numbers.iter().filter_map(|number| read_header(&source.open(&segment_name(*number)).ok()?).ok()?.ok());
        headers.map(|header| header.id).next()
    };
    let id = newest.map(|mark| mark.id).or_else(of_header);
    let walked = Walked { id, marks, first_segment: first, segments: 0, last_segment: 0 };
    let expect = Expect::beginning(first);
    let mut walker = Walker { source, pace, visit, expect, walked, ended: Ended::Nothing, open: None };
    walker.walk()?;
    Ok(walker.walked)
}

/// The numbers of all segment files, in order.
pub(crate) fn segment_numbers<S: Source>(source: &S) -> Result<Vec<u64>, Fault> {
    let names = source.names().map_err(|error| Fault::new("list", "directory", error))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

struct Walker<'s, 'p, 't, S> {
    source: &'s S,
    pace: &'p Pace<'t>,
    visit: &'p mut dyn Visit,
    expect: Expect,
    walked: Walked,
    ended: Ended,
    /// Where the log's end was seen, in case it was not.
    open: Option<Open>,
}

/// An end that may have moved on since.
#[derive(Debug, Clone, Copy)]
struct Open {
    header: SegmentHeader,
    seed: u32,
    limit: u64,
    at: u64,
}

impl<S: Source> Walker<'_, '_, '_, S> {
    fn walk(&mut self) -> Result<(), Fault> {
        let mut number = self.walked.first_segment;
        loop {
            match self.source.open(&segment_name(number)) {
                Ok(file) => {
                    self.file(&file, number)?;
                    if self.ended == Ended::Unused {
                        return Ok(());
                    }
                    number += 1;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => match self.after_missing(number)? {
                    Some(next) => number = next,
                    None => return Ok(()),
                },
                Err(error) => return Err(Fault::new("open", &segment_name(number), error)),
            }
        }
    }

    /// There is no such segment: it was pruned meanwhile, or the log ends here, or it is missing. Says where to go on.
    fn after_missing(&mut self, number: u64) -> Result<Option<u64>, Fault> {
        let marks: Vec<Mark> = read_slots(self.source)?.into_iter().filter_map(Result::ok).collect();
        let newest = marks.iter().max_by_key(|mark| mark.generation);
        if let Some(first) = newest.map(|mark| mark.first_segment).filter(|first| *first > number) {
            self.visit.restart()?;
            self.expect = Expect::beginning(first);
            self.ended = Ended::Nothing;
            self.walked = Walked { marks, first_segment: first, segments: 0, last_segment: 0, id: self.walked.id };
            return Ok(Some(first));
        }
        let numbers = segment_numbers(self.source)?;
        if numbers.contains(&number) {
            // It was made meanwhile.
            return Ok(Some(number));
        }
        let later = numbers.into_iter().find(|later| *later > number);
        let missing = |lost| Finding { lost, ..Finding::new(&segment_name(number), 0, Problem::Log(Damage::Missing)) };
        match later {
            Some(later) => {
                let lost = self.lost_before(later);
                self.visit.finding(missing(lost));
                self.expect.lose(None);
                self.ended = Ended::Broken;
                // Each missing segment is named once; what it cost is said with the first.
                Ok(Some(number + 1))
            }
            None => {
                // A segment is sealed only when the next one is there, and what the mark has seen must be there.
                let seen = self.walked.marks.iter().filter(|mark| mark.segment >= number);
                let seen = seen.map(|mark| mark.sequence).max();
                if seen.is_some() || self.ended == Ended::Sealed {
                    let lost = self.expect.next().zip(seen).filter(|(next, last)| next <= last);
                    self.visit.finding(missing(lost));
                }
                Ok(None)
            }
        }
    }

    /// The records from the next one to the beginning of a later segment.
    fn lost_before(&self, later: u64) -> Option<(u64, u64)> {
        let first = self.header_of(later)?.first_sequence;
        self.expect.next().filter(|next| *next < first).map(|next| (next, first - 1))
    }

    /// The whole header of a segment that is in use, read anew.
    fn header_of(&self, number: u64) -> Option<SegmentHeader> {
        let file = self.source.open(&segment_name(number)).ok()?;
        read_header(&file).ok()?.ok()
    }

    fn seen_by_mark(&self, number: u64) -> bool {
        self.walked.marks.iter().any(|mark| mark.segment >= number)
    }

    fn log(&mut self, number: u64, offset: u64, damage: Damage) {
        self.visit.finding(Finding::new(&segment_name(number), offset, Problem::Log(damage)));
    }

    fn mendable(&mut self, number: u64, offset: u64, damage: Damage, mend: Option<Mend>, lost: Option<(u64, u64)>) {
        let finding = Finding::new(&segment_name(number), offset, Problem::Log(damage));
        self.visit.finding(Finding { mend, lost, ..finding });
    }

    /// Reads a segment's file.
    fn file(&mut self, file: &S::File, number: u64) -> Result<(), Fault> {
        let result = self.whole_file(file, number);
        match result {
            Ok(()) => Ok(()),
            Err(Stop::Visit(fault)) => Err(fault),
            Err(Stop::Read(error)) => {
                let lost = self.lost_before(number + 1);
                let problem = Problem::Unreadable(error.to_string());
                self.visit.finding(Finding { lost, ..Finding::new(&segment_name(number), 0, problem) });
                self.expect.lose(None);
                self.ended = Ended::Broken;
                Ok(())
            }
        }
    }

    fn whole_file(&mut self, file: &S::File, number: u64) -> Result<(), Stop> {
        let length = file.length()?;
        let header = match read_header(file)? {
            Ok(header) => header,
            Err(HeaderError::Version(version)) => return self.skip(number, Damage::Version(version)),
            Err(HeaderError::Key(key)) => return self.skip(number, Damage::Key(key)),
            Err(reason) => match self.without_header(file, number, length, reason)? {
                Some((header, seed)) => return self.segment(file, number, length, &header, seed),
                None => return Ok(()),
            },
        };
        if self.walked.id.is_some_and(|id| id != header.id) {
            return self.skip(number, Damage::Foreign);
        }
        self.walked.id = Some(header.id);
        self.catch_up(number)?;
        if header.number != number || !self.expect.begins(&header) {
            self.log(number, 0, Damage::NotNext);
        }
        self.expect.begin(&header);
        if header.capacity != length {
            let reason = Damage::Length { expected: header.capacity, found: length };
            let mend = Mend::Length { segment: number, bytes: header.capacity };
            self.mendable(number, length.min(header.capacity), reason, Some(mend), None);
        }
        // By its file's name, whatever it says itself: findings name the file.
        let (seed, header) = (header.seed(), SegmentHeader { number, ..header });
        self.segment(file, number, length.min(header.capacity), &header, seed)
    }

    /// The segment is in use although the one before had not ended when it was read: it has by now.
    fn catch_up(&mut self, number: u64) -> Result<(), Stop> {
        let Some(Open { header, seed, limit, at }) = self.open.take() else { return Ok(()) };
        if self.ended != Ended::Open || header.number + 1 != number {
            return Ok(());
        }
        let file = self.source.open(&segment_name(header.number))?;
        self.records(&file, limit, &header, seed, at)
    }

    /// Nothing of the segment can be used.
    fn skip(&mut self, number: u64, damage: Damage) -> Result<(), Stop> {
        let lost = self.lost_before(number + 1);
        self.mendable(number, 0, damage, None, lost);
        self.expect.lose(None);
        self.ended = Ended::Broken;
        Ok(())
    }

    /// Reads the records of a segment.
    fn segment(
        &mut self,
        file: &S::File,
        number: u64,
        limit: u64,
        header: &SegmentHeader,
        seed: u32,
    ) -> Result<(), Stop> {
        self.walked.segments += 1;
        self.walked.last_segment = number;
        self.visit.segment(header)?;
        self.records(file, limit, header, seed, SEGMENT_HEADER_BYTES as u64)
    }

    /// Reads the records of a segment from `at` on.
    fn records(
        &mut self,
        file: &S::File,
        limit: u64,
        header: &SegmentHeader,
        seed: u32,
        mut at: u64,
    ) -> Result<(), Stop> {
        let number = header.number;
        let mut view = self.pace.view(file, limit);
        loop {
            let Some(record) = view.record(at, seed)? else {
                match self.gap(&mut view, at, header, seed)? {
                    Gap::Again => {}
                    Gap::Resume(to) => at = to,
                    Gap::End(ended) => {
                        self.ended = ended;
                        self.open = (ended == Ended::Open).then_some(Open { header: *header, seed, limit, at });
                        return Ok(());
                    }
                }
                continue;
            };
            let place = Place { segment: number, offset: at };
            let (hash, end) = (record.hash, at + record.bytes.len() as u64);
            let damage = self.expect.check(&record);
            if let Some(damage) = damage {
                self.log(number, at, damage);
            }
            match record.kind {
                KIND_SEAL => {
                    let count = record.sequence.wrapping_sub(header.first_sequence);
                    if damage.is_none() && read_seal(record.payload) != Some((count, header.first_sequence)) {
                        self.log(number, at, Damage::Seal);
                    }
                    self.visit.seal(place, record.bytes, &hash)?;
                    self.expect.sealed(record.sequence, hash);
                    if let Some(behind) = view.first_data(end)? {
                        let mend = Mend::Behind { segment: number, offset: end };
                        self.mendable(number, behind, Damage::BehindSeal, Some(mend), None);
                    }
                    self.ended = Ended::Sealed;
                    return Ok(());
                }
                // A kind of the journal's own that no version has written yet.
                KIND_OWN.. => {
                    self.log(number, at, Damage::Seal);
                    self.expect.took(&record, hash, damage);
                }
                _ => {
                    if end + SEAL_BYTES as u64 > header.capacity {
                        self.log(number, at, Damage::Seal);
                    }
                    let sequence = record.sequence;
                    let differs = |mark: &Mark| mark.sequence == sequence && mark.hash != hash;
                    if damage.is_none() && self.walked.marks.iter().any(differs) {
                        self.mendable(number, at, Damage::NotTheMarks { sequence }, Some(Mend::Mark), None);
                    }
                    self.visit.record(place, &record, &hash)?;
                    self.expect.took(&record, hash, damage);
                }
            }
            at = end;
        }
    }
}
