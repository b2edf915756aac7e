//! Where in the text of a configuration something stands.

/// Where each entry begins in the text.
#[derive(Debug, Default)]
pub(super) struct Starts {
    pub(super) station: Vec<usize>,
    pub(super) ori: Vec<usize>,
    pub(super) group: Vec<usize>,
    pub(super) state: Vec<usize>,
}

impl Starts {
    pub(super) fn of(&self, list: &str, entry: usize) -> usize {
        let starts = match list {
            "station" => &self.station,
            "ori" => &self.ori,
            "group" => &self.group,
            _ => &self.state,
        };
        starts.get(entry).copied().unwrap_or_default()
    }
}

/// The key whose value stands at an offset, as `key: `; empty where there is none on that line.
pub(super) fn key_before(text: &str, offset: usize) -> String {
    let line = text.get(..offset).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    line.split_once('=').map_or_else(String::new, |(key, _)| format!("{}: ", key.trim()))
}

pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
