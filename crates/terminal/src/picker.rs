//! A list to pick from, narrowed as one types: code tables, values, addresses.

use std::borrow::Cow;

use crate::editor::Editor;

/// A list to pick from.
#[derive(Debug, Clone)]
pub struct Picker {
    /// What is picked.
    pub title: String,
    /// What was typed to narrow it.
    pub query: Editor,
    items: Vec<Item>,
    /// The places of the items that fit, the best first.
    fitting: Vec<usize>,
    selected: usize,
}

type Item = (Cow<'static, str>, Cow<'static, str>);

impl Picker {
    /// A list of codes and what they mean, with the one that is typed already in front.
    #[must_use]
    pub fn new(title: String, items: Vec<Item>, typed: &str) -> Self {
        let mut picker = Self { title, query: Editor::line(typed), items, fitting: Vec::new(), selected: 0 };
        picker.narrow();
        if picker.fitting.is_empty() {
            picker.query.take();
            picker.narrow();
        }
        picker
    }

    /// Finds what fits: codes that begin so, then meanings with a word that begins so, then what holds it anywhere.
    pub fn narrow(&mut self) {
        let query = self.query.text().trim().to_ascii_uppercase();
        let rank = |(code, text): &Item| {
            let text = text.to_ascii_uppercase();
            if query.is_empty() || code.to_ascii_uppercase().starts_with(&query) {
                Some(0)
            } else if text.split(|one: char| !one.is_alphanumeric()).any(|word| word.starts_with(&query))
                || text.starts_with(&query)
            {
                Some(1)
            } else {
                text.contains(&query).then_some(2)
            }
        };
        // Of meanings that fit alike the shortest is the plainest: the country before its states.
        let length =
            |rank: i32, (_, text): &Item| if rank == 0 { 0 } else { text.split('(').next().map_or(0, str::len) };
        let item = |(at, item): (usize, &Item)| rank(item).map(|rank| (rank, length(rank, item), at));
        let mut ranked: Vec<(i32, usize, usize)> = self.items.iter().enumerate().filter_map(item).collect();
        ranked.sort_unstable();
        self.fitting = ranked.into_iter().map(|(.., at)| at).collect();
        self.selected = 0;
    }

    /// What fits, in order.
    pub fn fitting(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let item = |at: &usize| self.items.get(*at).map_or(("", ""), |(code, text)| (code.as_ref(), text.as_ref()));
        self.fitting.iter().map(item)
    }

    /// The place of the one that would be picked, among those that fit.
    #[must_use]
    pub const fn selected(&self) -> usize {
        self.selected
    }

    /// Moves by so many places.
    pub fn go(&mut self, by: isize) {
        self.selected = self.selected.saturating_add_signed(by).min(self.fitting.len().saturating_sub(1));
    }

    /// The code that is picked.
    #[must_use]
    pub fn picked(&self) -> Option<String> {
        self.fitting().nth(self.selected).map(|(code, _)| code.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use codec::codes::Table;

    use super::*;

    fn places(typed: &str) -> Picker {
        let items = Table::Place.entries().map(|(code, text)| (code.into(), text.into())).collect();
        Picker::new("Place".to_owned(), items, typed)
    }

    #[test]
    fn a_table_is_searched_by_code_and_by_meaning() {
        assert_eq!(places("MM").picked().as_deref(), Some("MM"));
        let mut picker = places("");
        picker.query.insert("mexi");
        picker.narrow();
        assert!(
            picker.fitting().take(4).any(|(code, _)| code == "MM"),
            "{:?}",
            picker.fitting().take(4).collect::<Vec<_>>()
        );
        picker.go(1000);
        assert_eq!(picker.selected(), picker.fitting().len() - 1);
        picker.query.set("no such place");
        picker.narrow();
        assert_eq!(picker.picked(), None);
    }
}
