//! What clients that speak OFML mark their messages with, for the answers (`protocol-specs/wire.md` 1.2).
//!
//! An answer is known by its control field. The marks of the latest message of a station with that control field count.

use std::collections::BTreeMap;

use codec::name::Control;
use codec::ofml::{MARK_BYTES_MAX, Marks};
use rustc_hash::FxHashMap;

use super::checkpoint::{In, Out, Sections};
use crate::network::StationIndex;

/// Messages of the whole switch whose marks are kept, the latest: 72 hours at more than one in four seconds.
pub(crate) const MARKED_MAX: usize = 65_536;

/// The marks of the latest messages that had any.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    by_message: FxHashMap<(StationIndex, Control), (u64, Marks)>,
    /// In the order of their coming.
    in_order: BTreeMap<u64, (StationIndex, Control)>,
    last: u64,
}

impl Marked {
    /// A station has sent a message with marks.
    pub(super) fn remember(&mut self, station: StationIndex, control: Control, marks: Marks) {
        self.last = self.last.saturating_add(1);
        if let Some((before, _)) = self.by_message.insert((station, control), (self.last, marks)) {
            self.in_order.remove(&before);
        }
        self.in_order.insert(self.last, (station, control));
        if self.in_order.len() > MARKED_MAX
            && let Some((_, oldest)) = self.in_order.pop_first()
        {
            self.by_message.remove(&oldest);
        }
    }

    /// The marks of a station's message with that control field.
    pub(crate) fn find(&self, station: StationIndex, control: Option<Control>) -> Option<&Marks> {
        if self.by_message.is_empty() {
            return None;
        }
        self.by_message.get(&(station, control?)).map(|(_, marks)| marks)
    }

    pub(super) fn put<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.count(self.in_order.len());
        for message in self.in_order.values() {
            let (station, control) = message;
            out.number(station.0.into());
            out.text(control.as_str());
            let none = Marks::default();
            let marks = self.by_message.get(message).map_or(&none, |(_, marks)| marks);
            marks.all().iter().for_each(|mark| out.text(mark));
            out.end_entry()?;
        }
        Ok(())
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<Self> {
        let mut marked = Self::default();
        for _ in 0..input.count(8).filter(|count| *count <= MARKED_MAX)? {
            let station = input.station()?;
            let control = input.name(Control::parse)?;
            let mut mark = || input.text().filter(|mark| mark.len() <= MARK_BYTES_MAX);
            let marks = Marks::new(mark()?, mark()?, mark()?, mark()?, mark()?);
            marked.remember(station, control, marks);
        }
        input.end()?;
        Some(marked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_message_with_a_control_field_counts_and_the_oldest_are_forgotten() {
        let mut marked = Marked::default();
        let control = |number: usize| Control::parse(&format!("C{number}")).unwrap();
        let marks = |id: &str| Marks::new(id, "", "", "", "");
        let (here, there) = (StationIndex(1), StationIndex(2));
        marked.remember(here, control(0), marks("A"));
        marked.remember(there, control(0), marks("B"));
        marked.remember(here, control(0), marks("C"));
        let id = |marked: &Marked, station, number| {
            marked.find(station, Some(control(number))).map(|marks| marks.id().to_owned())
        };
        assert_eq!(id(&marked, here, 0).as_deref(), Some("C"));
        assert_eq!(id(&marked, there, 0).as_deref(), Some("B"));
        assert_eq!(marked.find(here, None), None);
        for number in 1..MARKED_MAX {
            marked.remember(here, control(number), marks("D"));
        }
        assert_eq!(id(&marked, there, 0), None, "the oldest is gone");
        assert_eq!(id(&marked, here, 0).as_deref(), Some("C"));
        assert_eq!((marked.by_message.len(), marked.in_order.len()), (MARKED_MAX, MARKED_MAX));
    }
}
