//! Reading: a message with its inquiry, the scrolling text, the log; replies, print and export; help.

use codec::dictionary::{Body, Dictionary};
use codec::legacy::parse_input;
use codec::name::MessageKey;

use super::{Effect, Inbox, Popup, Reading, Screen, Scroll, Terminal};
use crate::entry::{Entry, State, Way};
use crate::form::What;
use crate::keys::Action;
use crate::received::Received;
use crate::sheet::{self, Sheet};
use crate::shown;

impl Terminal {
    /// Opens the message at a place of the book.
    pub(super) fn read_place(&mut self, place: Option<u32>) {
        let Some(at) = place.and_then(|place| usize::try_from(place).ok()) else { return };
        let Some(reading) = self.reading(at) else { return };
        self.open(Screen::Message(reading));
    }

    fn reading(&mut self, at: usize) -> Option<Reading> {
        let entry = self.book.get(at)?;
        let (id, unread) = (entry.id, entry.state == State::Unread);
        let lines = match self.shelf.body(id) {
            Some(bytes) => shown::lines(&bytes),
            None => vec!["This message cannot be read from the disk.".to_owned()],
        };
        if unread {
            self.book.mark(at, State::Read);
            self.effects.push(Effect::Mark(id, State::Read));
        }
        Some(Reading { at, top: 0, lines })
    }

    /// The message before or after the one that is read, of the same inquiry.
    pub(super) fn beside(&mut self, by: isize) {
        let Some(Screen::Message(reading)) = self.screen() else { return };
        let thread = self.book.thread(self.book.get(reading.at).and_then(|entry| entry.control));
        let here = thread.iter().position(|place| usize::try_from(*place) == Ok(reading.at));
        let beside = here.and_then(|here| thread.get(here.checked_add_signed(by)?)).copied();
        let Some(place) = beside.and_then(|place| usize::try_from(place).ok()) else {
            return self.say("There is none of the same inquiry");
        };
        if let Some(next) = self.reading(place)
            && let Some(Screen::Message(reading)) = self.screens.last_mut()
        {
            *reading = next;
        }
    }

    /// The message that is meant: the one that is read, or the one that is selected.
    fn meant(&self) -> Option<&Entry> {
        let place = match self.screen() {
            Some(Screen::Message(reading)) => Some(reading.at),
            Some(Screen::Inbox(inbox)) => {
                inbox.places.get(inbox.list.selected).and_then(|at| usize::try_from(*at).ok())
            }
            Some(Screen::Queue(list)) => self.sent().get(list.selected).and_then(|at| usize::try_from(*at).ok()),
            Some(Screen::Hits(list)) => self.book.hits().get(list.selected).map(|hit| hit.at),
            Some(
                Screen::Menu(_)
                | Screen::Form(_)
                | Screen::Scroll(_)
                | Screen::Recall(_)
                | Screen::Log(_)
                | Screen::Raw(_),
            )
            | None => None,
        };
        self.book.get(place?)
    }

    /// A request is answered with a form that repeats it; anything else with an administrative message.
    pub(super) fn reply(&mut self) {
        let Some(entry) = self.meant().cloned() else {
            return self.fail("There is no message here to reply to");
        };
        if entry.way == Way::Out {
            return self.fail("This message was sent from here");
        }
        if entry.is_notice() {
            return self.fail("The switch takes no reply");
        }
        let request = entry.is("YQ").then(|| self.shelf.body(entry.id)).flatten();
        let answer = if entry.is("YQ") { Some("YR") } else { self.answer_key(&entry) };
        let Ok(key) = MessageKey::parse(answer.unwrap_or("AM")) else { return };
        let mut sheet = self.new_sheet(key);
        sheet.to = entry.peer.to_string();
        if answer.is_some() {
            sheet.control = entry.control.map(|control| control.to_string());
        }
        if let Some(bytes) = request {
            repeat(&mut sheet, &bytes);
        }
        self.open_sheet(sheet);
        if let Some(Screen::Form(form)) = self.screens.last_mut() {
            let result = |what: What| matches!(what, What::Field(field) if field.prefix.as_str() == "RES");
            form.at = form.rows.iter().position(|row| result(row.what)).unwrap_or(form.at);
        }
    }

    /// The key that answers a query of another, if its sender may be answered by hand.
    fn answer_key(&self, entry: &Entry) -> Option<&'static str> {
        let answer = Dictionary::builtin().spec(entry.key?)?.answer?.key;
        let spec = Dictionary::builtin().spec(answer)?;
        (spec.sender == codec::dictionary::Sender::Any).then(|| spec.key.as_str())
    }

    pub(super) fn print(&mut self) {
        let Some(entry) = self.meant().cloned() else { return self.fail("There is no message here to print") };
        let Some(bytes) = self.shelf.body(entry.id) else { return self.fail("The message cannot be read") };
        let way = if entry.way == Way::In { "received" } else { "sent" };
        let at = self.local(entry.at).strftime("%Y-%m-%d %H:%M:%S");
        let mut text = format!("{way} {at} {}\n\n", self.config.station);
        text.push_str(&shown::lines(&bytes).join("\n"));
        text.push('\n');
        let name = format!("{:07}-{}.txt", entry.id, entry.key_text().replace('?', "X"));
        self.effects.push(Effect::Print { name, text });
        self.effects.push(Effect::Note(format!("printed {} {}", entry.key_text(), entry.id)));
    }

    /// One message, or all of the inbox as it is filtered.
    pub(super) fn export(&mut self) {
        let places: Vec<usize> = match self.screen() {
            Some(Screen::Inbox(Inbox { places, .. })) => {
                places.iter().take(EXPORTED_MAX).filter_map(|place| usize::try_from(*place).ok()).collect()
            }
            _ => self.meant().and_then(|entry| self.book.place(entry.id)).into_iter().collect(),
        };
        if places.is_empty() {
            return self.fail("There is no message here to export");
        }
        let mut text = String::new();
        for place in &places {
            if let Some(entry) = self.book.get(*place) {
                text.push_str(&self.exported(entry));
                text.push('\n');
            }
        }
        let name = format!("{}.jsonl", self.local(self.now).strftime("%Y%m%d-%H%M%S"));
        self.effects.push(Effect::File { folder: "export", name, text });
        self.effects.push(Effect::Note(format!("exported {} messages", places.len())));
    }

    /// A message as one JSON object.
    fn exported(&self, entry: &Entry) -> String {
        let bytes = self.shelf.body(entry.id).unwrap_or_default();
        let body = match entry.way {
            Way::In => Received::read(&bytes).map(|received| received.body),
            Way::Out => parse_input(&bytes).ok().and_then(|input| input.body).map(<[u8]>::to_vec),
        };
        let fields: serde_json::Map<String, serde_json::Value> = sheet::values(&body.unwrap_or_default())
            .into_iter()
            .map(|(prefix, value)| (prefix, shown::line(&value).into()))
            .collect();
        serde_json::json!({
            "id": entry.id,
            "way": if entry.way == Way::In { "in" } else { "out" },
            "at": jiff::Timestamp::from_microsecond(entry.at).map(|at| at.to_string()).unwrap_or_default(),
            "key": entry.key_text(),
            "peer": &*entry.peer,
            "control": entry.control.map(|control| control.to_string()),
            "fields": fields,
            "text": shown::lines(&bytes).join("\n"),
        })
        .to_string()
    }

    /// Everything as it came and went, up to a bound.
    pub(super) fn open_scroll(&mut self) {
        let count = self.book.entries().len();
        let mut lines = Vec::new();
        for entry in self.book.range(count.saturating_sub(SCROLLED_MAX)..count) {
            let way = if entry.way == Way::In { "<-" } else { "->" };
            lines.push(format!("{way} {} {}", self.local(entry.at).strftime("%H:%M:%S"), entry.key_text()));
            lines.extend(shown::lines(&self.shelf.body(entry.id).unwrap_or_default()));
            lines.push(String::new());
        }
        self.open(Screen::Scroll(Scroll { below: 0, lines }));
    }

    pub(super) fn open_log(&mut self) {
        let line = |(at, line): &(i64, String)| format!("{} {line}", self.local(*at).strftime("%Y-%m-%d %H:%M:%S"));
        let lines = self.shelf.log(LOGGED_MAX).iter().map(line).collect();
        self.open(Screen::Log(Scroll { below: 0, lines }));
    }

    /// Help for the field under the cursor, for the screen, and the keys.
    pub(super) fn help(&mut self) {
        let mut lines = Vec::new();
        match self.screen() {
            Some(Screen::Form(form)) => {
                if let Some(row) = form.row() {
                    lines.push(row.name().to_owned());
                    lines.extend(field_help(row.what));
                    lines.push(String::new());
                }
                lines.push(format!("{}: {}", form.spec.key, form.spec.title));
                lines.extend(form.spec.notes.iter().cloned());
                lines.push("* needed   + one of several combinations   . not with what is typed   ! wrong".to_owned());
                lines.push(
                    "Tab and arrows move, the list key picks a code. What is typed is kept as a draft.".to_owned(),
                );
                if let Body::Fields(rules) = &form.spec.body
                    && !rules.options().is_empty()
                {
                    lines.push("Combinations:".to_owned());
                    lines.extend(rules.options().iter().map(|line| format!("  {line}")));
                }
            }
            other => lines.extend(screen_help(other).iter().map(|line| (*line).to_owned())),
        }
        lines.push(String::new());
        lines.push("Keys (Alt with 1 to 9, 0, - and = stands for F1 to F12):".to_owned());
        for action in Action::ALL {
            let keys: Vec<String> = self.config.preferences.keys.of(*action).iter().map(ToString::to_string).collect();
            lines.push(format!("  {:<10} {}", action.label(), keys.join(", ")));
        }
        let columns = usize::from(self.size.0).saturating_sub(6);
        let lines = shown::wrapped(&lines, columns);
        self.popup = Some(Popup::Help(Scroll { below: lines.len(), lines }));
    }
}

/// What of a request stands in its answer too.
fn repeat(sheet: &mut Sheet, request: &[u8]) {
    let Some(received) = Received::read(request) else { return };
    let spec = MessageKey::parse(&sheet.key).ok().and_then(|key| Dictionary::builtin().spec(key));
    let Some(Body::Fields(rules)) = spec.map(|spec| &spec.body) else { return };
    // Whoever asks is named in the request; whoever answers, in the configuration.
    let own = |prefix: &str| matches!(prefix, "RNA" | "RAG" | "PHO" | "REM");
    for (prefix, value) in sheet::values(&received.body) {
        if rules.field(&prefix).is_some() && !own(&prefix) {
            sheet.values.retain(|(known, _)| *known != prefix);
            sheet.values.push((prefix, value));
        }
    }
}

fn field_help(what: What) -> Vec<String> {
    match what {
        What::From => vec!["The agency that sends, 9 characters; this station must serve it.".to_owned()],
        What::To => vec![
            "Addresses with spaces between them: a line or group of 2 characters, an ORI of 9.".to_owned(),
            "The list key shows what is known and asks the directory.".to_owned(),
        ],
        What::Control => vec!["Your own mark, returned with every answer. It is filled in; leave it.".to_owned()],
        What::Body => vec!["The text of the message.".to_owned()],
        What::Field(field) => {
            let (min, max) = (field.length.start(), field.length.end());
            let length = match (min, max) {
                (1, 1) => "one character".to_owned(),
                (min, max) if min == max => format!("{min} characters"),
                (min, max) => format!("{min} to {max} characters"),
            };
            let mark = format!("{:?}", field.mark).to_ascii_lowercase();
            let mut lines = vec![
                field.help.clone(),
                format!("{}, {length}. Where this is from: {}, {mark}.", field.prefix, field.source),
            ];
            if crate::form::can_be_empty(field) {
                lines.push("A hyphen alone takes away what stands there.".to_owned());
            }
            lines
        }
    }
}

fn screen_help(screen: Option<&Screen>) -> &'static [&'static str] {
    match screen {
        Some(Screen::Inbox(_)) => &[
            "INBOX: what was received, the latest first.",
            "Enter opens a message. N is new, ! is urgent. What answers a message of yours says so.",
            "Find narrows by words as you type; Filter shows only some kinds; Export writes what is listed.",
        ],
        Some(Screen::Message(_)) => &[
            "MESSAGE: as it came or went, to the byte; \\xNN is a byte that would act on the terminal.",
            "Left and right show the other messages of the same inquiry.",
            "Reply answers a hit confirmation with its form, anything else with an AM.",
        ],
        Some(Screen::Hits(_)) => &[
            "HIT CONFIRMATIONS that are not answered, with the time that is left: 10 minutes if urgent, an hour if not.",
            "Enter shows the request, Reply opens the answer with what it repeats filled in.",
        ],
        Some(Screen::Queue(_)) => &[
            "SENT: what was sent from here and how it stands. Enter shows it with its answers.",
            "What was not acknowledged is sent again by itself when there is a link, and at the next start for a day.",
            "Send sends an older one, Discard withdraws it.",
        ],
        Some(Screen::Recall(_)) => &[
            "RECALL: D is a draft, T a template, S was sent. Enter opens its form, with a new control field.",
            "Discard throws a draft or a template away.",
        ],
        Some(Screen::Raw(_)) => {
            &["A WHOLE MESSAGE: it goes out as it stands. Send asks once more, and says what is wrong."]
        }
        Some(Screen::Scroll(_)) => &["SCROLL: the latest messages as they came and went, one after the other."],
        Some(Screen::Log(_)) => &["LOG: what was done here; no text of messages."],
        Some(Screen::Menu(_) | Screen::Form(_)) | None => &[
            "MENU: type a key, as IAQ, and Enter; or a word of its title. Up, down and Enter choose.",
            "With fields in one go: IAQ NAM/SAMPLE, PERSON A.DOB/19800102",
            "A whole message, typed or pasted, is shown and sent as it stands.",
            "Words: INBOX, SENT, HITS, RECALL, FIND words, HELP ZA ADM (a help file), SCROLL, LOG, LOCK, QUIT.",
        ],
    }
}

/// Messages that one export holds at most.
const EXPORTED_MAX: usize = 10_000;
/// Messages that the scrolling text holds at most.
const SCROLLED_MAX: usize = 300;
/// Lines of the log that are shown at most.
const LOGGED_MAX: usize = 2_000;
