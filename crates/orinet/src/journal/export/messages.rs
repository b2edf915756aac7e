//! The copies that were delivered, as they went.

use std::collections::{HashMap, VecDeque};
use std::io::Write;

use archive::{Cursor, Fate, Full};
use codec::legacy::LineEnd;
use journal::offline::Look;
use switch_core::Delivery;
use switch_core::reading::{DeliveredMark, Reading};

use super::{Range, Stop};
use crate::journal::moment::utc;
use crate::journal::search::UTC_OFFSET;

/// Messages that are kept in memory until their copies are delivered, which is soon as a rule; others are read again.
const KEPT_MAX: usize = 4_096;

pub(super) struct Messages<'a, W> {
    out: &'a mut W,
    look: &'a Look,
    range: Range,
    /// Which message a copy is of, until it ends.
    copies: HashMap<Delivery, Cursor>,
    kept: VecDeque<(u64, Vec<Full>)>,
    count: u64,
}

impl<'a, W: Write> Messages<'a, W> {
    pub(super) fn new(out: &'a mut W, look: &'a Look, range: Range) -> Self {
        Self { out, look, range, copies: HashMap::new(), kept: VecDeque::new(), count: 0 }
    }

    pub(super) fn end(&mut self) -> Result<(), Stop> {
        Ok(writeln!(self.out, "end {}", self.count)?)
    }

    pub(super) fn record(&mut self, sequence: u64, reading: Reading) -> Result<(), Stop> {
        match &reading {
            Reading::Delivered { marks } => return marks.iter().try_for_each(|mark| self.delivered(mark)),
            Reading::Returned { delivery, .. } => drop(self.copies.remove(delivery)),
            Reading::Accepted { .. }
            | Reading::Refused { .. }
            | Reading::Repeated { .. }
            | Reading::Link { .. }
            | Reading::Answered { .. }
            | Reading::Overdue { .. }
            | Reading::Act(_) => {}
        }
        let messages = archive::full::of_reading(sequence, &reading);
        for message in &messages {
            let copies = message.hit.summary.copies.iter();
            self.copies.extend(copies.map(|copy| (copy.delivery, message.hit.cursor())));
        }
        if messages.iter().any(|message| !message.hit.summary.copies.is_empty()) {
            self.kept.truncate(KEPT_MAX - 1);
            self.kept.push_front((sequence, messages));
        }
        Ok(())
    }

    fn delivered(&mut self, mark: &DeliveredMark) -> Result<(), Stop> {
        let Some(place) = self.copies.remove(&mark.delivery) else { return Ok(()) };
        if !self.range.has(mark.at) {
            return Ok(());
        }
        let read;
        let at = self.kept.partition_point(|(sequence, _)| *sequence > place.sequence);
        let messages = match self.kept.get(at) {
            Some((sequence, messages)) if *sequence == place.sequence => messages,
            _ => {
                let record = self.look.read(place.sequence)?;
                let reading = switch_core::reading::read(place.sequence, record.kind, record.payload);
                read =
                    archive::full::of_reading(place.sequence, &reading.map_err(|_| Stop::Unreadable(place.sequence))?);
                &read
            }
        };
        let message = messages.iter().find(|message| message.hit.cursor() == place);
        let copy = message.and_then(|message| {
            let copy = message.hit.summary.copies.iter().find(|copy| copy.delivery == mark.delivery)?;
            let fate = Fate::Delivered { at: mark.at, link: mark.link };
            let copy = archive::CopySummary { fate, ..*copy };
            message.as_left(&copy, UTC_OFFSET, LineEnd::CrLfDel).map(|bytes| (copy, bytes))
        });
        let Some((copy, bytes)) = copy else { return Ok(()) };
        let (delivery, station, at) = (mark.delivery.number(), copy.station, utc(mark.at));
        writeln!(self.out, "copy {place} {delivery} {station} {at} {}", bytes.len())?;
        self.out.write_all(&bytes)?;
        self.out.write_all(b"\n")?;
        self.count += 1;
        Ok(())
    }
}
