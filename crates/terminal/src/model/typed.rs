//! Keys: what each does on each screen, and the command line.

use codec::dictionary::Dictionary;
use codec::legacy::parse_input;
use codec::name::MessageKey;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::{Effect, Inbox, List, Popup, Screen, Terminal, Yes};
use crate::editor::Editor;
use crate::keys::{Action, Key};

impl Terminal {
    pub(super) fn key(&mut self, event: KeyEvent) {
        let key = Key::of(event);
        if self.locked.is_some() {
            return self.locked_key(key);
        }
        let action = self.config.preferences.keys.action(key);
        if action == Some(Action::Redraw) {
            return self.effects.push(Effect::Redraw);
        }
        if action == Some(Action::Lock) {
            return self.lock();
        }
        self.said = None;
        if self.popup.is_some() {
            return self.popup_key(key, action);
        }
        // A character is typed wherever something is typed; keys that are characters act only where nothing is.
        let acts =
            key.types().is_none() || (self.command.is_empty() && matches!(self.screen(), Some(Screen::Message(_))));
        match (action.filter(|_| acts), key.types()) {
            (Some(action), _) => self.act(action),
            (None, Some(character)) => self.type_text(character.encode_utf8(&mut [0; 4])),
            (None, None) => self.move_key(key),
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.locked.is_some() || self.popup.is_some() {
            return;
        }
        let typing = matches!(self.screen(), Some(Screen::Form(_) | Screen::Raw(_)));
        if !typing && parse_input(text.trim().as_bytes()).is_ok() {
            return self.open_raw(text.trim());
        }
        self.type_text(text);
    }

    fn type_text(&mut self, text: &str) {
        let refused = match self.screens.last_mut() {
            Some(Screen::Form(form)) => form.type_text(text),
            Some(Screen::Raw(editor)) => editor.insert(text),
            Some(
                Screen::Menu(_)
                | Screen::Inbox(_)
                | Screen::Message(_)
                | Screen::Scroll(_)
                | Screen::Hits(_)
                | Screen::Queue(_)
                | Screen::Recall(_)
                | Screen::Log(_),
            )
            | None => self.command.insert(text),
        };
        if refused > 0 {
            self.fail(&format!("{refused} characters were left out: the network does not carry them"));
        }
        self.typed();
    }

    /// Something was typed: what hangs on it follows.
    fn typed(&mut self) {
        self.keep_draft();
        if self.finding {
            let words = self.command.text().to_owned();
            self.find(&words);
        } else if let Some(Screen::Menu(list)) = self.screens.last_mut() {
            list.selected = 0;
        }
    }

    fn act(&mut self, action: Action) {
        let page = isize::try_from(self.page()).unwrap_or(1);
        match action {
            Action::Help => self.help(),
            Action::Menu => {
                self.keep_draft();
                self.leave_line();
                self.screens = vec![Screen::Menu(List::default())];
            }
            Action::Back => self.back(),
            Action::Pick => self.pick(),
            Action::Send => self.send(),
            Action::Inbox => self.open_inbox(),
            Action::PageUp => self.go(-page),
            Action::PageDown => self.go(page),
            Action::Recall => self.open(Screen::Recall(List::default())),
            Action::Hits => self.open(Screen::Hits(List::default())),
            Action::Queue => self.open(Screen::Queue(List::default())),
            Action::Discard => self.discard(),
            Action::Reply => self.reply(),
            Action::Find => {
                if !matches!(self.screen(), Some(Screen::Inbox(_))) {
                    self.open_inbox();
                }
                self.finding = true;
                self.command.take();
            }
            Action::Filter => self.next_filter(),
            Action::NextUnread => self.next_unread(),
            Action::Print => self.print(),
            Action::Export => self.export(),
            Action::Template => self.template(),
            Action::Scroll => self.open_scroll(),
            Action::Log => self.open_log(),
            Action::Previous => self.beside(-1),
            Action::Next => self.beside(1),
            // Both are done before a screen is asked.
            Action::Lock | Action::Redraw => {}
            Action::Quit => self.quit(),
        }
    }

    fn quit(&mut self) {
        self.keep_draft();
        let mut question = vec!["Leave the terminal?".to_owned()];
        if self.waiting > 0 {
            question.push(format!("{} messages are not acknowledged; they go at the next start.", self.waiting));
        }
        self.popup = Some(Popup::Ask { question, yes: Yes::Quit });
    }

    fn leave_line(&mut self) {
        self.command.take();
        self.finding = false;
    }

    pub(super) fn open(&mut self, screen: Screen) {
        self.keep_draft();
        self.leave_line();
        let same = |one: &Screen| std::mem::discriminant(one) == std::mem::discriminant(&screen);
        // A list is open once; forms as often as they are opened.
        if !matches!(screen, Screen::Form(_) | Screen::Message(_)) {
            self.screens.retain(|one| !same(one));
        }
        self.screens.push(screen);
        if self.screens.len() > SCREENS_MAX {
            self.screens.remove(1);
        }
    }

    fn back(&mut self) {
        if self.finding || !self.command.is_empty() {
            if self.finding {
                self.find("");
            }
            return self.leave_line();
        }
        self.keep_draft();
        if let Some(Screen::Form(form)) = self.screen()
            && !form.sheet().is_empty()
        {
            let recall = self.key_of(Action::Recall);
            self.say(format!("Kept as a draft; {recall} recalls it"));
        }
        if self.screens.len() > 1 {
            self.screens.pop();
        }
        self.fill_inbox();
    }

    fn popup_key(&mut self, key: Key, action: Option<Action>) {
        let closes = action == Some(Action::Back);
        match self.popup.take() {
            Some(Popup::Help(mut scroll)) => {
                if closes || action == Some(Action::Help) || matches!(key.plain(), Some(KeyCode::Enter)) {
                    return;
                }
                let by = match (action, key.plain()) {
                    (Some(Action::PageUp), _) => 10,
                    (Some(Action::PageDown), _) => -10,
                    (_, Some(KeyCode::Up)) => 1,
                    (_, Some(KeyCode::Down)) => -1,
                    _ => 0,
                };
                scroll.below = scroll.below.saturating_add_signed(by).min(scroll.lines.len());
                self.popup = Some(Popup::Help(scroll));
            }
            Some(Popup::Ask { question, yes }) => match key.types() {
                Some('y' | 'Y') => self.yes(yes),
                Some('n' | 'N') => {}
                _ if closes => {}
                _ => self.popup = Some(Popup::Ask { question, yes }),
            },
            Some(Popup::Name(mut editor)) => {
                match (key.plain(), key.types()) {
                    (Some(KeyCode::Enter), _) => return self.keep_template(editor.text()),
                    (Some(KeyCode::Backspace), _) => drop(editor.backspace()),
                    (_, Some(character)) => {
                        editor.insert(character.encode_utf8(&mut [0; 4]));
                    }
                    _ if closes => return,
                    _ => {}
                }
                self.popup = Some(Popup::Name(editor));
            }
            Some(Popup::Pick(mut picker)) => {
                match (action.filter(|_| key.types().is_none()), key.plain(), key.types()) {
                    (Some(Action::Back), ..) => return,
                    (Some(Action::Send), ..) => return self.ask_directory(picker.query.text()),
                    (Some(Action::PageUp), ..) => picker.go(-PICK_PAGE),
                    (Some(Action::PageDown), ..) => picker.go(PICK_PAGE),
                    (_, Some(KeyCode::Up), _) => picker.go(-1),
                    (_, Some(KeyCode::Down), _) => picker.go(1),
                    (_, Some(KeyCode::Enter | KeyCode::Tab), _) => return self.picked(&picker),
                    (_, Some(KeyCode::Backspace), _) => {
                        picker.query.backspace();
                        picker.narrow();
                    }
                    (_, _, Some(character)) => {
                        picker.query.insert(character.encode_utf8(&mut [0; 4]));
                        picker.narrow();
                    }
                    _ => {}
                }
                self.popup = Some(Popup::Pick(picker));
            }
            None => {}
        }
    }

    fn yes(&mut self, yes: Yes) {
        match yes {
            Yes::Send => self.send_form(),
            Yes::SendRaw => self.send_raw(),
            Yes::Discard => {
                if let Some(Screen::Form(form)) = self.screens.pop() {
                    self.drop_kept(crate::sheet::Kind::Draft, form.draft);
                }
            }
            Yes::Quit => {
                self.effects.push(Effect::Note("left".to_owned()));
                self.effects.push(Effect::Quit);
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a keyboard has more keys than do something here")]
    fn move_key(&mut self, key: Key) {
        let Some(code) = key.plain() else { return };
        match self.screens.last_mut() {
            Some(Screen::Form(form)) => {
                let lines = form.row().is_some_and(|row| row.editor.has_lines());
                let Some(row) = form.row_mut() else { return };
                match code {
                    KeyCode::Enter if lines => drop(row.editor.insert("\n")),
                    KeyCode::Enter | KeyCode::Tab => form.go(1),
                    KeyCode::BackTab => form.go(-1),
                    KeyCode::Up => {
                        if !row.editor.up() {
                            form.go(-1);
                        }
                    }
                    KeyCode::Down => {
                        if !row.editor.down() {
                            form.go(1);
                        }
                    }
                    other => edit(&mut row.editor, other),
                }
                self.keep_draft();
            }
            Some(Screen::Raw(editor)) => match code {
                KeyCode::Enter => drop(editor.insert("\n")),
                KeyCode::Up => drop(editor.up()),
                KeyCode::Down => drop(editor.down()),
                other => edit(editor, other),
            },
            Some(
                Screen::Menu(_)
                | Screen::Inbox(_)
                | Screen::Message(_)
                | Screen::Scroll(_)
                | Screen::Hits(_)
                | Screen::Queue(_)
                | Screen::Recall(_)
                | Screen::Log(_),
            )
            | None => match code {
                KeyCode::Enter => self.enter(),
                KeyCode::Up => self.go(-1),
                KeyCode::Down => self.go(1),
                KeyCode::Home if self.command.is_empty() => self.go(isize::MIN.wrapping_add(1)),
                KeyCode::End if self.command.is_empty() => self.go(isize::MAX),
                KeyCode::Left if self.command.is_empty() => self.beside(-1),
                KeyCode::Right if self.command.is_empty() => self.beside(1),
                other => {
                    let before = self.command.text().len();
                    edit(&mut self.command, other);
                    if self.command.text().len() != before {
                        self.typed();
                    }
                }
            },
        }
    }

    fn enter(&mut self) {
        if self.finding {
            self.finding = false;
            self.command.take();
            return;
        }
        let command = self.command.text().trim().to_owned();
        if command.is_empty() { self.open_selected() } else { self.run(&command) }
    }

    /// A line that was typed: a whole message, a key with or without fields, or a word of the terminal.
    fn run(&mut self, command: &str) {
        if parse_input(command.as_bytes()).is_ok() {
            self.leave_line();
            return self.open_raw(command);
        }
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        let known = MessageKey::parse(word).ok().and_then(|key| Dictionary::builtin().spec(key));
        if let Some(spec) = known {
            self.leave_line();
            return self.open_form(spec.key, rest);
        }
        let word = word.to_ascii_uppercase();
        let action = Action::ALL.iter().copied().find(|action| action.name().eq_ignore_ascii_case(&word));
        match word.as_str() {
            "FIND" => {
                self.open_inbox();
                self.find(rest);
            }
            "HELP" if !rest.trim().is_empty() => {
                self.leave_line();
                self.help_file(rest);
            }
            "SENT" => self.open(Screen::Queue(List::default())),
            "KEYS" | "?" => {
                self.leave_line();
                self.help();
            }
            "EXIT" | "BYE" => self.quit(),
            _ => match action.filter(|action| !matches!(action, Action::Send | Action::Back | Action::Redraw)) {
                Some(Action::Lock) => {
                    self.leave_line();
                    self.lock();
                }
                Some(action) => {
                    self.leave_line();
                    self.act(action);
                }
                None if matches!(self.screen(), Some(Screen::Menu(_))) && self.menu_fitting().count() > 0 => {
                    self.open_selected();
                }
                None => self.fail(&format!("`{word}` is no message key and no command; F1 is help")),
            },
        }
    }

    pub(super) fn open_inbox(&mut self) {
        self.open(Screen::Inbox(Inbox::default()));
        self.mark = false;
        self.fill_inbox();
    }
}

fn edit(editor: &mut Editor, code: KeyCode) {
    if code == KeyCode::Backspace {
        editor.backspace();
    } else if code == KeyCode::Delete {
        editor.delete();
    } else if code == KeyCode::Left {
        editor.left();
    } else if code == KeyCode::Right {
        editor.right();
    } else if code == KeyCode::Home {
        editor.home();
    } else if code == KeyCode::End {
        editor.end();
    }
}

/// Screens that are open over one another; what was typed on one that is closed is a draft.
const SCREENS_MAX: usize = 12;
const PICK_PAGE: isize = 10;
