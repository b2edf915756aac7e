//! The help files that the switch keeps for its lines (`protocol-specs/wire.md` 2.10).

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use codec::name::Ori;

use super::checkpoint::{In, Out, Sections};
use crate::effect::{HelpChange, HelpEdit};
use crate::limits::Limits;

/// Help files by the address that asks for them.
#[derive(Debug, Default)]
pub(crate) struct HelpFiles {
    files: BTreeMap<Ori, Bytes>,
}

impl HelpFiles {
    pub(super) fn apply(&mut self, change: &HelpChange) {
        let text = match &change.edit {
            // A copy of its own: the record that brought it need not stay in memory for it.
            HelpEdit::Replace(text) => Bytes::copy_from_slice(text),
            HelpEdit::Append(text) => {
                let before = self.text(change.file);
                let mut whole = BytesMut::with_capacity(before.len().saturating_add(text.len()));
                whole.extend_from_slice(before);
                whole.extend_from_slice(text);
                whole.freeze()
            }
            HelpEdit::Clear => Bytes::new(),
        };
        // The switch refuses what is longer before it becomes a record.
        let text = text.slice(..text.len().min(Limits::HELP_BYTES));
        if text.is_empty() {
            self.files.remove(&change.file);
        } else {
            self.files.insert(change.file, text);
        }
    }

    /// The text of a file; empty where there is none.
    pub(crate) fn text(&self, file: Ori) -> &[u8] {
        self.files.get(&file).map_or(&[], |text| text)
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn put<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.count(self.files.len());
        for (file, text) in &self.files {
            out.text(file.as_str());
            out.long(text);
            out.end_entry()?;
        }
        Ok(())
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<Self> {
        let mut files = BTreeMap::new();
        for _ in 0..input.count(2)? {
            let file = input.name(Ori::parse)?;
            files.insert(file, Bytes::copy_from_slice(input.long().filter(|text| text.len() <= Limits::HELP_BYTES)?));
        }
        input.end()?;
        Some(Self { files })
    }
}
