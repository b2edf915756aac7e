//! Lists: the menu, the inbox, what was sent, hit confirmations, what can be recalled.

use codec::dictionary::MessageSpec;

use super::{Effect, Filter, Inbox, Screen, Terminal, menu};
use crate::entry::{Entry, State, Way};
use crate::sheet::{Kind, Sheet};

impl Terminal {
    /// The keys of the menu that fit what is typed.
    pub(crate) fn menu_fitting(&self) -> impl Iterator<Item = &'static MessageSpec> {
        let typed = self.command.text().trim().to_ascii_uppercase();
        menu().filter(move |spec| {
            spec.key.as_str().starts_with(&typed)
                || spec.title.to_ascii_uppercase().split(' ').any(|word| word.starts_with(&typed))
        })
    }

    /// What was sent, the latest first.
    pub(crate) fn sent(&self) -> Vec<u32> {
        self.book.latest(|entry| entry.way == Way::Out)
    }

    /// How many lines a list has.
    fn count(&self) -> usize {
        match self.screen() {
            Some(Screen::Menu(_)) => self.menu_fitting().count(),
            Some(Screen::Inbox(inbox)) => inbox.places.len(),
            Some(Screen::Hits(_)) => self.book.hits().len(),
            Some(Screen::Queue(_)) => self.sent().len(),
            Some(Screen::Recall(_)) => self.recallable(),
            Some(Screen::Form(_) | Screen::Message(_) | Screen::Scroll(_) | Screen::Log(_) | Screen::Raw(_)) | None => {
                0
            }
        }
    }

    /// Drafts, templates, and as many of what was sent as are worth recalling.
    fn recallable(&self) -> usize {
        self.kept.len().saturating_add(self.sent().len().min(RECALLED_MAX))
    }

    /// The message in a line of the recall list that is beyond drafts and templates.
    pub(crate) fn recalled(&self, at: usize) -> Option<&Entry> {
        let place = self.sent().get(at.checked_sub(self.kept.len())?).copied()?;
        self.book.get(usize::try_from(place).ok()?)
    }

    /// Moves by so many lines: what is selected in a list, what is shown of a text.
    pub(super) fn go(&mut self, by: isize) {
        let count = self.count();
        let page = self.page();
        match self.screens.last_mut() {
            Some(Screen::Menu(list) | Screen::Hits(list) | Screen::Queue(list) | Screen::Recall(list)) => {
                list.go(by, count);
            }
            Some(Screen::Inbox(inbox)) => inbox.list.go(by, count),
            Some(Screen::Message(reading)) => {
                let most = reading.lines.len().saturating_sub(1);
                reading.top = reading.top.saturating_add_signed(by).min(most);
            }
            Some(Screen::Scroll(scroll) | Screen::Log(scroll)) => {
                let most = scroll.lines.len().saturating_sub(page);
                scroll.below = scroll.below.saturating_add_signed(by.saturating_neg()).min(most);
            }
            Some(Screen::Form(form)) => form.go(by.clamp(-5, 5)),
            Some(Screen::Raw(_)) | None => {}
        }
    }

    /// Enter on a list.
    pub(super) fn open_selected(&mut self) {
        match self.screen() {
            Some(Screen::Menu(list)) => {
                let chosen = self.menu_fitting().nth(list.selected).map(|spec| spec.key);
                self.command.take();
                if let Some(key) = chosen {
                    self.open_form(key, "");
                }
            }
            Some(Screen::Inbox(inbox)) => {
                let place = inbox.places.get(inbox.list.selected).copied();
                self.read_place(place);
            }
            Some(Screen::Hits(list)) => {
                let place = self.book.hits().get(list.selected).and_then(|hit| u32::try_from(hit.at).ok());
                self.read_place(place);
            }
            Some(Screen::Queue(list)) => {
                let place = self.sent().get(list.selected).copied();
                self.read_place(place);
            }
            Some(Screen::Recall(list)) => {
                let at = list.selected;
                self.recall(at);
            }
            Some(Screen::Form(_) | Screen::Message(_) | Screen::Scroll(_) | Screen::Log(_) | Screen::Raw(_)) | None => {
            }
        }
    }

    fn recall(&mut self, at: usize) {
        if let Some(kept) = self.kept.get(at).cloned() {
            return match kept.kind {
                Kind::Draft => self.open_draft(&kept),
                Kind::Template => self.open_sheet(kept.sheet),
            };
        }
        let id = self.recalled(at).map(|entry| entry.id);
        let sheet = id.and_then(|id| self.shelf.body(id)).and_then(|bytes| Sheet::of_message(&bytes));
        match sheet {
            Some(sheet) => self.open_sheet(Sheet { control: None, ..sheet }),
            None => self.fail("This message cannot be made a form again"),
        }
    }

    /// Fills the inbox anew, if it is shown.
    pub(super) fn fill_inbox(&mut self) {
        let Some(Screen::Inbox(inbox)) = self.screens.last() else { return };
        let (filter, words) = (inbox.filter, inbox.words.clone());
        let found = (words.trim().len() > 1).then(|| self.shelf.search(&words));
        let book = &self.book;
        let wanted = |entry: &Entry| {
            let found = found.as_ref().is_none_or(|found| found.binary_search(&entry.id).is_ok());
            entry.way == Way::In && found && fits(filter, entry, || !book.thread(entry.control).is_empty())
        };
        let places = match (&found, filter) {
            // What was found is little against what there is.
            (Some(ids), _) => {
                let places = ids.iter().rev().filter_map(|id| book.place(*id));
                let wanted = places.filter(|place| book.get(*place).is_some_and(&wanted));
                wanted.filter_map(|place| u32::try_from(place).ok()).collect()
            }
            (None, _) => book.latest(wanted),
        };
        if let Some(Screen::Inbox(inbox)) = self.screens.last_mut() {
            inbox.list.selected = inbox.list.selected.min(places.len().saturating_sub(1));
            inbox.places = places;
        }
    }

    /// The latest message of the book goes into the inbox that is open, and the line that is selected stays so.
    pub(super) fn list_arrival(&mut self) {
        let Some(at) = self.book.entries().len().checked_sub(1) else { return };
        let (Some(entry), Ok(place)) = (self.book.get(at), u32::try_from(at)) else { return };
        let tied = self.book.thread(entry.control).len() > 1;
        for screen in &mut self.screens {
            if let Screen::Inbox(Inbox { list, filter, words, places }) = screen
                && words.is_empty()
                && fits(*filter, entry, || tied)
            {
                places.insert(0, place);
                list.selected = if list.selected == 0 { 0 } else { list.selected.saturating_add(1) };
            }
        }
    }

    pub(super) fn find(&mut self, words: &str) {
        if let Some(Screen::Inbox(inbox)) = self.screens.last_mut() {
            words.clone_into(&mut inbox.words);
            inbox.list.selected = 0;
        }
        self.fill_inbox();
    }

    pub(super) fn next_filter(&mut self) {
        if let Some(Screen::Inbox(inbox)) = self.screens.last_mut() {
            inbox.filter = inbox.filter.next();
            inbox.list.selected = 0;
            self.fill_inbox();
        } else {
            self.open_inbox();
        }
    }

    /// Opens the message that has waited longest for somebody to open it.
    pub(super) fn next_unread(&mut self) {
        let place = self.book.entries().iter().position(|entry| entry.state == State::Unread);
        match place.and_then(|place| u32::try_from(place).ok()) {
            Some(place) => {
                if matches!(self.screen(), Some(Screen::Message(_))) {
                    self.screens.pop();
                }
                self.read_place(Some(place));
            }
            None => self.say("Everything was opened"),
        }
    }

    /// What was sent in the line that is selected, if it was not acknowledged.
    fn unsettled(&self) -> Option<(usize, i64)> {
        let Some(Screen::Queue(list)) = self.screen() else { return None };
        let place = usize::try_from(*self.sent().get(list.selected)?).ok()?;
        let entry = self.book.get(place).filter(|entry| entry.state == State::Waiting)?;
        Some((place, entry.id))
    }

    pub(super) fn withdraw(&mut self) {
        let Some((place, id)) = self.unsettled() else {
            return self.fail("Only what was not acknowledged can be withdrawn");
        };
        self.book.mark(place, State::Withdrawn);
        self.waiting = self.book.waiting();
        self.effects.push(Effect::Withdraw(id));
        self.effects.push(Effect::Mark(id, State::Withdrawn));
        self.say("Withdrawn: it is not sent again; the switch may have it already");
    }

    pub(super) fn send_again(&mut self) {
        match self.unsettled() {
            Some((_, id)) => {
                self.effects.push(Effect::Again(id));
                self.say("It is sent again");
            }
            None => self.fail("Only what was not acknowledged is sent again; Enter shows it"),
        }
    }
}

/// Whether a message belongs into an inbox.
fn fits(filter: Filter, entry: &Entry, tied: impl Fn() -> bool) -> bool {
    match filter {
        Filter::All => true,
        Filter::Unread => entry.state == State::Unread,
        Filter::Answers => !entry.is_notice() && entry.control.is_some() && tied(),
        Filter::Hits => entry.is("YQ") || entry.is("YR"),
        Filter::Administrative => entry.is("AM") || entry.is("AML"),
        Filter::Notices => entry.is("ER") || entry.is("SM"),
    }
}

/// So many messages that were sent can be recalled.
pub(crate) const RECALLED_MAX: usize = 200;
