//! All that a terminal knows and shows, without disk, link or clock: what happens goes in as an [`Event`], what is to be
//! done comes out as [`Effect`]s.

mod forms;
mod lists;
mod reading;
mod typed;

pub(crate) use self::forms::raw_fault;
pub(crate) use self::lists::RECALLED_MAX;

use std::rc::Rc;

use codec::name::{Control, MessageKey};
use jiff::civil::Date;
use jiff::tz::Offset;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use crate::book::Book;
use crate::config::{Bell, Config};
use crate::editor::Editor;
use crate::entry::{Entry, State};
use crate::form::Form;
use crate::keys::{Action, Key};
use crate::picker::Picker;
use crate::sheet::{Kept, Kind};
use crate::store::Shelf;

/// Something that happens to a terminal.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The screen has so many columns and lines.
    Size(u16, u16),
    /// The link.
    Link(Link),
    /// Messages were received and are safe on disk, each with its bytes.
    Arrived(Vec<(Entry, Vec<u8>)>),
    /// A message is safe on disk and on its way to the link.
    Kept {
        /// The message.
        entry: Entry,
        /// Its bytes.
        bytes: Vec<u8>,
        /// The draft that it was.
        draft: Option<i64>,
    },
    /// The switch has said whether it took a message.
    Settled {
        /// The message's number.
        id: i64,
        /// Why it did not, if it did not.
        refused: Option<String>,
    },
    /// Something that was to be done failed, or is done: a line for the user.
    Said {
        /// What.
        line: String,
        /// Whether it failed.
        failed: bool,
    },
    /// A password was right, or not.
    Password(bool),
    /// Time has passed.
    Tick,
}

/// How the link is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// The first call is being made.
    #[default]
    Calling,
    /// There is one.
    Up,
    /// There is none, and why.
    Down(String),
}

/// Something that a terminal wants done.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Keep a message, then send it.
    Send {
        /// Its bytes.
        bytes: Vec<u8>,
        /// The draft that it was.
        draft: Option<i64>,
    },
    /// Send a message of an earlier day that was not acknowledged.
    Again(i64),
    /// Do not send a message any more.
    Withdraw(i64),
    /// Keep how a message stands.
    Mark(i64, State),
    /// Keep a draft or a template.
    Sheet(Kept),
    /// Forget a draft or a template.
    DropSheet(Kind, i64),
    /// Write a file for the user.
    File {
        /// The folder in the data directory.
        folder: &'static str,
        /// Its name.
        name: String,
        /// What it holds.
        text: String,
    },
    /// Write a message for the user, and hand it to the printer if there is one.
    Print {
        /// The file's name in its folder.
        name: String,
        /// What it holds.
        text: String,
    },
    /// Write a line into the log of what was done. No text of a message.
    Note(String),
    /// Ring.
    Bell,
    /// Find out whether a password is the one.
    Check(String),
    /// Draw everything anew.
    Redraw,
    /// Leave.
    Quit,
}

/// A screen.
#[derive(Debug)]
pub enum Screen {
    /// The keys of the network.
    Menu(List),
    /// A form.
    Form(Box<Form>),
    /// What was received.
    Inbox(Inbox),
    /// One message and its inquiry.
    Message(Reading),
    /// Everything as it came and went.
    Scroll(Scroll),
    /// Hit confirmations.
    Hits(List),
    /// What was sent.
    Queue(List),
    /// Drafts, templates, what was sent.
    Recall(List),
    /// What was done.
    Log(Scroll),
    /// A whole message that was typed or pasted.
    Raw(Editor),
}

/// A list with a selected line.
#[derive(Debug, Default)]
pub struct List {
    /// Its place.
    pub selected: usize,
}

impl List {
    fn go(&mut self, by: isize, count: usize) {
        self.selected = self.selected.saturating_add_signed(by).min(count.saturating_sub(1));
    }
}

/// The inbox.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Its selected line.
    pub list: List,
    /// Which messages it shows.
    pub filter: Filter,
    /// The words that they hold.
    pub words: String,
    /// Their places in the book, the latest first.
    pub places: Vec<u32>,
}

/// Which messages an inbox shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those that nobody has opened.
    Unread,
    /// Answers to what was sent from here.
    Answers,
    /// Hit confirmations.
    Hits,
    /// Administrative messages.
    Administrative,
    /// ER and SM.
    Notices,
}

impl Filter {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Unread => "unread",
            Self::Answers => "answers",
            Self::Hits => "hit confirmations",
            Self::Administrative => "administrative",
            Self::Notices => "errors and status",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::All => Self::Unread,
            Self::Unread => Self::Answers,
            Self::Answers => Self::Hits,
            Self::Hits => Self::Administrative,
            Self::Administrative => Self::Notices,
            Self::Notices => Self::All,
        }
    }
}

/// A message that is read.
#[derive(Debug)]
pub struct Reading {
    /// Its place in the book.
    pub at: usize,
    /// The first line that is shown.
    pub top: usize,
    /// Its lines, fit for the screen.
    pub lines: Vec<String>,
}

/// A long text.
#[derive(Debug, Default)]
pub struct Scroll {
    /// Lines that are hidden below.
    pub below: usize,
    /// Its lines, fit for the screen, the latest last.
    pub lines: Vec<String>,
}

/// What stands over a screen until it is answered.
#[derive(Debug)]
pub enum Popup {
    /// Help.
    Help(Scroll),
    /// A list to pick from, for the row with the cursor.
    Pick(Picker),
    /// A question that only yes answers.
    Ask {
        /// The question.
        question: Vec<String>,
        /// What yes does.
        yes: Yes,
    },
    /// A name for a template.
    Name(Editor),
}

/// What a yes does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yes {
    /// Sends the form.
    Send,
    /// Sends the message that was typed.
    SendRaw,
    /// Throws away the draft on the form.
    Discard,
    /// Leaves.
    Quit,
}

/// A line for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What.
    pub line: String,
    /// Whether something is wrong.
    pub failed: bool,
}

/// A terminal that is locked.
#[derive(Debug, Default)]
pub struct Locked {
    /// The password so far.
    pub typed: Editor,
    /// Wrong ones in a row.
    pub wrong: u32,
    /// Nothing is tried before this time, in microseconds since 1970.
    pub not_before: i64,
    /// A password is being checked.
    pub checking: bool,
}

/// All that a terminal knows.
pub struct Terminal {
    pub(crate) config: Config,
    pub(crate) book: Book,
    pub(crate) kept: Vec<Kept>,
    pub(crate) link: Link,
    pub(crate) screens: Vec<Screen>,
    pub(crate) popup: Option<Popup>,
    pub(crate) command: Editor,
    /// The command line takes words to look for.
    pub(crate) finding: bool,
    pub(crate) said: Option<Said>,
    pub(crate) locked: Option<Locked>,
    /// Something came since the inbox was looked at.
    pub(crate) mark: bool,
    pub(crate) waiting: usize,
    pub(crate) size: (u16, u16),
    pub(crate) now: i64,
    last_key: i64,
    last_draft: i64,
    last_control: u32,
    control_end: [char; 2],
    shelf: Rc<dyn Shelf>,
    effects: Vec<Effect>,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("station", &self.config.station).finish_non_exhaustive()
    }
}

impl Terminal {
    /// A terminal with what is kept on disk. `chance` tells its control fields from those of another that begins anew.
    #[must_use]
    pub fn new(
        config: Config,
        entries: Vec<Entry>,
        kept: Vec<Kept>,
        shelf: Rc<dyn Shelf>,
        now: i64,
        chance: u32,
    ) -> Self {
        let book = Book::open(entries, now, config.preferences.utc_offset_seconds, &*shelf);
        let last_draft = kept.iter().map(|kept| kept.id).max().unwrap_or(0);
        let last_control = book.entries().last().map_or(0, |entry| u32::try_from(entry.id % 10_000_000).unwrap_or(0));
        let letter = |number: u32| char::from(b'A'.saturating_add(u8::try_from(number % 26).unwrap_or(0)));
        let mut terminal = Self {
            waiting: book.waiting(),
            config,
            book,
            kept,
            link: Link::default(),
            screens: vec![Screen::Menu(List::default())],
            popup: None,
            command: Editor::default(),
            finding: false,
            said: None,
            locked: None,
            mark: false,
            size: (80, 24),
            now,
            last_key: now,
            last_draft,
            last_control,
            control_end: [letter(chance), letter(chance.wrapping_div(26))],
            shelf,
            effects: Vec::new(),
        };
        let drafts = terminal.kept.iter().filter(|kept| kept.kind == Kind::Draft).count();
        if drafts > 0 || terminal.waiting > 0 {
            let recall = terminal.key_of(Action::Recall);
            let queue = terminal.key_of(Action::Queue);
            let line =
                format!("Kept: {drafts} drafts ({recall} shows them), {} not acknowledged ({queue})", terminal.waiting);
            terminal.say(line);
        }
        terminal
    }

    /// Something has happened. `now` is the time, in microseconds since 1970.
    pub fn handle(&mut self, now: i64, event: Event) -> Vec<Effect> {
        self.now = now;
        match event {
            Event::Key(key) => {
                self.last_key = now;
                self.key(key);
            }
            Event::Paste(text) => {
                self.last_key = now;
                self.paste(&text);
            }
            Event::Size(columns, lines) => self.size = (columns, lines),
            Event::Link(link) => self.link(link),
            Event::Arrived(messages) => self.arrived(messages),
            Event::Kept { entry, bytes, draft } => self.was_kept(entry, &bytes, draft),
            Event::Settled { id, refused } => self.settled(id, refused),
            Event::Said { line, failed } => self.said = Some(Said { line, failed }),
            Event::Password(right) => self.password(right),
            Event::Tick => self.tick(),
        }
        std::mem::take(&mut self.effects)
    }

    /// When something happens by itself: the next second of a count-down, or the lock. In microseconds since 1970.
    #[must_use]
    pub fn wake(&self) -> Option<i64> {
        let second = self.now.saturating_add(SECOND_MICROS);
        let counting = (!self.book.hits().is_empty()).then_some(second);
        let waiting = self.locked.as_ref().and_then(|locked| (locked.not_before > self.now).then_some(second));
        let lock = self.lock_at().filter(|_| self.locked.is_none());
        [counting, waiting, lock].into_iter().flatten().min()
    }

    fn lock_at(&self) -> Option<i64> {
        let after = self.config.preferences.lock_after?;
        Some(self.last_key.saturating_add(i64::try_from(after.as_micros()).unwrap_or(i64::MAX)))
    }

    fn tick(&mut self) {
        if self.locked.is_none() && self.lock_at().is_some_and(|at| at <= self.now) {
            self.lock();
        }
    }

    fn lock(&mut self) {
        if self.config.preferences.password.is_none() {
            return self.fail("There is no password: see [lock] in the configuration");
        }
        self.locked = Some(Locked::default());
        self.effects.push(Effect::Note("locked".to_owned()));
    }

    fn password(&mut self, right: bool) {
        if right {
            self.locked = None;
            self.effects.push(Effect::Note("unlocked".to_owned()));
            return;
        }
        let now = self.now;
        if let Some(locked) = &mut self.locked {
            locked.checking = false;
            locked.wrong = locked.wrong.saturating_add(1);
            if locked.wrong >= WRONG_MAX {
                locked.not_before = now.saturating_add(WRONG_WAIT_SECONDS.saturating_mul(SECOND_MICROS));
            }
        }
        self.effects.push(Effect::Note("a wrong password".to_owned()));
    }

    fn locked_key(&mut self, key: Key) {
        let now = self.now;
        let Some(locked) = &mut self.locked else { return };
        match (key.plain(), key.types()) {
            (Some(KeyCode::Enter), _) if !locked.checking && locked.not_before <= now && !locked.typed.is_empty() => {
                locked.checking = true;
                self.effects.push(Effect::Check(locked.typed.take()));
            }
            (Some(KeyCode::Backspace), _) => drop(locked.typed.backspace()),
            (_, Some(character)) => {
                locked.typed.insert(character.encode_utf8(&mut [0; 4]));
            }
            _ => {}
        }
    }

    fn link(&mut self, link: Link) {
        if self.link != link {
            let note = match &link {
                Link::Calling => "calling".to_owned(),
                Link::Up => "link up".to_owned(),
                Link::Down(why) => format!("link down: {why}"),
            };
            self.effects.push(Effect::Note(note));
            self.link = link;
        }
    }

    fn arrived(&mut self, messages: Vec<(Entry, Vec<u8>)>) {
        let mut ring = false;
        for (entry, bytes) in messages {
            ring |= match self.config.preferences.bell {
                Bell::All => true,
                Bell::Urgent => entry.is_urgent(),
                Bell::None => false,
            };
            let refused = entry.control.filter(|_| entry.is("ER"));
            let what = format!("received {} from {}", entry.key_text(), entry.peer);
            self.effects.push(Effect::Note(what));
            self.book.add(entry, Some(&bytes), self.config.preferences.utc_offset_seconds);
            self.keep_refusal(refused);
            self.list_arrival();
        }
        self.mark = true;
        self.waiting = self.book.waiting();
        if ring {
            self.effects.push(Effect::Bell);
        }
    }

    /// What an ER has refused stays so on disk too.
    fn keep_refusal(&mut self, control: Option<Control>) {
        let places = self.book.thread(control).iter().filter_map(|place| usize::try_from(*place).ok());
        let refused = places.filter_map(|place| self.book.get(place)).filter(|entry| entry.state == State::Refused);
        self.effects.extend(refused.map(|entry| Effect::Mark(entry.id, State::Refused)));
    }

    fn was_kept(&mut self, entry: Entry, bytes: &[u8], draft: Option<i64>) {
        let control = entry.control.map(|control| format!(", control field {control}")).unwrap_or_default();
        let way = if self.link == Link::Up { "on its way" } else { "kept; it goes when there is a link" };
        self.say(format!("{} to {}{control}: {way}", entry.key_text(), entry.peer));
        self.effects.push(Effect::Note(format!("sent {} to {}{control}", entry.key_text(), entry.peer)));
        self.book.add(entry, Some(bytes), self.config.preferences.utc_offset_seconds);
        self.waiting = self.book.waiting();
        if let Some(draft) = draft {
            self.drop_kept(Kind::Draft, draft);
            self.screens.retain(|screen| !matches!(screen, Screen::Form(form) if form.draft == draft));
        } else {
            self.screens.retain(|screen| !matches!(screen, Screen::Raw(_)));
        }
    }

    fn settled(&mut self, id: i64, refused: Option<String>) {
        let Some(at) = self.book.place(id) else { return };
        // An ER can be here before the acknowledgement of what it is about.
        if self.book.get(at).is_some_and(|entry| entry.state == State::Refused) {
            return;
        }
        let state = if refused.is_some() { State::Refused } else { State::Acknowledged };
        self.book.mark(at, state);
        self.effects.push(Effect::Mark(id, state));
        self.waiting = self.book.waiting();
        if let Some(why) = refused {
            self.fail(&format!("The switch did not take message {id}: {why}"));
        }
    }

    /// A control field that no other message from here has.
    fn control(&mut self) -> String {
        let latest = self.book.entries().last().map_or(0, |entry| u32::try_from(entry.id % 10_000_000).unwrap_or(0));
        self.last_control = self.last_control.max(latest).wrapping_add(1) % 10_000_000;
        format!("T{:07}{}{}", self.last_control, self.control_end[0], self.control_end[1])
    }

    /// Today, in the zone of the switch.
    #[must_use]
    pub fn today(&self) -> Date {
        self.local(self.now).date()
    }

    /// A time in the zone of the switch.
    #[must_use]
    pub fn local(&self, at: i64) -> jiff::civil::DateTime {
        let offset = Offset::from_seconds(self.config.preferences.utc_offset_seconds).unwrap_or(Offset::UTC);
        jiff::Timestamp::from_microsecond(at).map_or(jiff::civil::DateTime::MIN, |time| offset.to_datetime(time))
    }

    pub(crate) fn key_of(&self, action: Action) -> String {
        self.config.preferences.keys.first(action).map_or_else(|| "-".to_owned(), |key| key.to_string())
    }

    pub(crate) fn screen(&self) -> Option<&Screen> {
        self.screens.last()
    }

    fn say(&mut self, line: impl Into<String>) {
        self.said = Some(Said { line: line.into(), failed: false });
    }

    fn fail(&mut self, line: &str) {
        self.said = Some(Said { line: line.to_owned(), failed: true });
    }

    fn drop_kept(&mut self, kind: Kind, id: i64) {
        self.kept.retain(|kept| kept.kind != kind || kept.id != id);
        self.effects.push(Effect::DropSheet(kind, id));
    }

    /// Lines of a list or a text that are on the screen at once.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.size.1).saturating_sub(CHROME_LINES).max(1)
    }
}

/// What is not the screen's own: the state, the title, the heading, what was said, the command line, two lines of keys.
pub(crate) const CHROME_LINES: usize = 7;

pub(crate) const SECOND_MICROS: i64 = 1_000_000;
/// Wrong passwords in a row, after each of which one waits.
const WRONG_MAX: u32 = 5;
const WRONG_WAIT_SECONDS: i64 = 30;

/// The keys of the menu: all that a station may send.
pub(crate) fn menu() -> impl Iterator<Item = &'static codec::dictionary::MessageSpec> {
    use codec::dictionary::{Dictionary, Sender};
    let mut all: Vec<_> = Dictionary::builtin().specs().filter(|spec| spec.sender != Sender::Switch).collect();
    let first = |key: MessageKey| ["IAQ", "AM", "YQ", "YR"].iter().position(|one| *one == key.as_str()).unwrap_or(4);
    all.sort_by_key(|spec| first(spec.key));
    all.into_iter()
}
