//! What can be done with a key, and which keys do it: every one can be given others in the configuration.

use std::collections::BTreeMap;
use std::fmt;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $label:literal, [$($key:literal),*];)*) => {
        /// Something that a key does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in the configuration.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What the key panel calls it.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// The keys that it has unless the configuration gives it others.
            #[must_use]
            pub const fn usual(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($key,)*],)* }
            }
        }
    };
}

actions! {
    /// Help for the field and the screen.
    Help = "help", "Help", ["f1"];
    /// The menu.
    Menu = "menu", "Menu", ["f2"];
    /// To the screen before; what was typed is kept as a draft.
    Back = "back", "Back", ["f3", "esc"];
    /// A list to pick from: codes, addresses.
    Pick = "pick", "List", ["f4"];
    /// Sends what is on the screen.
    Send = "send", "Send", ["f5"];
    /// The inbox.
    Inbox = "inbox", "Inbox", ["f6"];
    /// A page up.
    PageUp = "page-up", "Up", ["f7", "pageup"];
    /// A page down.
    PageDown = "page-down", "Down", ["f8", "pagedown"];
    /// Drafts, templates and what was sent, to be used again.
    Recall = "recall", "Recall", ["f9"];
    /// Hit confirmations with their time.
    Hits = "hits", "Hits", ["f10"];
    /// What was sent, and how it stands.
    Queue = "queue", "Sent", ["f11"];
    /// Throws away what was typed.
    Discard = "discard", "Discard", ["f12"];
    /// Answers or replies to a message.
    Reply = "reply", "Reply", ["ctrl-r"];
    /// Looks for words.
    Find = "find", "Find", ["ctrl-f"];
    /// The next kind of message in a list.
    Filter = "filter", "Filter", ["ctrl-t"];
    /// The next one that was not read.
    NextUnread = "next-unread", "Next new", ["ctrl-n"];
    /// Writes a message to a text file.
    Print = "print", "Print", ["ctrl-p"];
    /// Writes messages to a file of JSON lines.
    Export = "export", "Export", ["ctrl-e"];
    /// Keeps what is on the form as a template.
    Template = "template", "Template", ["ctrl-s"];
    /// Everything as it came and went, in one scrolling text.
    Scroll = "scroll", "Scroll", ["ctrl-g"];
    /// What was done here today.
    Log = "log", "Log", ["ctrl-o"];
    /// The message that came before, of the same inquiry.
    Previous = "previous", "Previous", ["ctrl-left", "["];
    /// The message that came after, of the same inquiry.
    Next = "next", "Next", ["ctrl-right", "]"];
    /// Locks the terminal.
    Lock = "lock", "Lock", ["ctrl-l"];
    /// Draws everything anew.
    Redraw = "redraw", "Redraw", ["ctrl-y"];
    /// Leaves the terminal.
    Quit = "quit", "Quit", ["ctrl-q"];
}

/// A key as a person presses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Key {
    /// The key of an event. Alt with a digit stands for a function key, for terminals that keep those for themselves.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let mut code = event.code;
        if let KeyCode::Char(character) = code {
            if let (true, Some(number)) = (modifiers == KeyModifiers::ALT, alt_digit(character)) {
                (code, modifiers) = (KeyCode::F(number), KeyModifiers::NONE);
            } else if !modifiers.is_empty() {
                code = KeyCode::Char(character.to_ascii_lowercase());
            }
        }
        Self { code, modifiers }
    }

    /// Reads a key as the configuration writes it: `f5`, `ctrl-s`, `alt-x`, `pageup`, `[`. Nothing if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let lower = rest.to_ascii_lowercase();
            let (modifier, length) = match lower.as_str() {
                word if word.starts_with("ctrl-") => (KeyModifiers::CONTROL, 5),
                word if word.starts_with("alt-") => (KeyModifiers::ALT, 4),
                _ => break,
            };
            modifiers |= modifier;
            rest = rest.get(length..)?;
        }
        let lower = rest.to_ascii_lowercase();
        let code = match lower.as_str() {
            "esc" => KeyCode::Esc,
            "enter" => KeyCode::Enter,
            "tab" => KeyCode::Tab,
            "pageup" => KeyCode::PageUp,
            "pagedown" => KeyCode::PageDown,
            "insert" => KeyCode::Insert,
            "delete" => KeyCode::Delete,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            word => match word.strip_prefix('f').and_then(|number| number.parse().ok()) {
                Some(number @ 1..=24) => KeyCode::F(number),
                Some(_) => return None,
                None => {
                    let mut characters = rest.chars();
                    let one = characters.next().filter(|one| !one.is_control() && characters.next().is_none())?;
                    KeyCode::Char(if modifiers.is_empty() { one } else { one.to_ascii_lowercase() })
                }
            },
        };
        Some(Self { code, modifiers })
    }

    /// Whether it types a character.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "a keyboard has more keys than do something here")]
    pub const fn types(&self) -> Option<char> {
        match self.code {
            KeyCode::Char(character) if self.modifiers.is_empty() => Some(character),
            _ => None,
        }
    }

    /// The key without what is held down with it, where nothing is.
    #[must_use]
    pub fn plain(&self) -> Option<KeyCode> {
        self.modifiers.is_empty().then_some(self.code)
    }
}

const fn alt_digit(character: char) -> Option<u8> {
    Some(match character {
        '1'..='9' => (character as u8).wrapping_sub(b'0'),
        '0' => 10,
        '-' => 11,
        '=' => 12,
        _ => return None,
    })
}

impl fmt::Display for Key {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a keyboard has more keys than do something here")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("^")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("Alt-")?;
        }
        let word = self.code.to_string();
        match self.code {
            KeyCode::Char(character) if !self.modifiers.is_empty() => write!(f, "{}", character.to_ascii_uppercase()),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            _ => f.write_str(&word),
        }
    }
}

/// Which key does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    keys: BTreeMap<Action, Vec<Key>>,
}

/// Why keys cannot be as the configuration has them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// There is no such action.
    #[error("[keys] {0}: no such action; `orinet terminal --keys` lists them")]
    Action(String),
    /// That is no key.
    #[error("[keys] {action}: `{key}` is no key; write f5, ctrl-s, alt-x, pageup")]
    Key {
        /// The action.
        action: &'static str,
        /// What is no key.
        key: String,
    },
    /// A key would do two things.
    #[error("[keys] {key} would do both {one} and {other}; give one of them another key")]
    Twice {
        /// The key.
        key: String,
        /// One action.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// Nothing would lead out.
    #[error("[keys] {0} needs a key")]
    Needed(&'static str),
}

impl Default for Keys {
    fn default() -> Self {
        let read = |action: &Action| action.usual().iter().filter_map(|key| Key::parse(key)).collect();
        Self { keys: Action::ALL.iter().map(|action| (*action, read(action))).collect() }
    }
}

impl Keys {
    /// The usual keys, but for the actions that `changes` names.
    ///
    /// # Errors
    /// If a name is no action, a text no key, or a key would do two things.
    pub fn with<'a>(changes: impl IntoIterator<Item = (&'a str, &'a [String])>) -> Result<Self, KeysError> {
        let mut all = Self::default();
        for (name, keys) in changes {
            let action = Action::ALL.iter().copied().find(|action| action.name() == name);
            let action = action.ok_or_else(|| KeysError::Action(name.to_owned()))?;
            let read = |key: &String| {
                Key::parse(key).ok_or_else(|| KeysError::Key { action: action.name(), key: key.clone() })
            };
            let keys = keys.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            all.keys.insert(action, keys);
        }
        let mut seen: Vec<(Key, Action)> = Vec::new();
        for (action, keys) in &all.keys {
            for key in keys {
                if let Some((_, other)) = seen.iter().find(|(known, other)| known == key && other != action) {
                    return Err(KeysError::Twice { key: key.to_string(), one: other.name(), other: action.name() });
                }
                seen.push((*key, *action));
            }
        }
        for needed in [Action::Back, Action::Send, Action::Quit, Action::Help] {
            if all.first(needed).is_none() {
                return Err(KeysError::Needed(needed.name()));
            }
        }
        Ok(all)
    }

    /// What a key does, if anything.
    #[must_use]
    pub fn action(&self, key: Key) -> Option<Action> {
        self.keys.iter().find(|(_, keys)| keys.contains(&key)).map(|(action, _)| *action)
    }

    /// The key that the panel shows for an action, if it has one.
    #[must_use]
    pub fn first(&self, action: Action) -> Option<Key> {
        self.keys.get(&action)?.first().copied()
    }

    /// All keys of an action.
    #[must_use]
    pub fn of(&self, action: Action) -> &[Key] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_key_and_no_key_does_two_things() {
        let keys = Keys::with([]).unwrap();
        for action in Action::ALL {
            let usual = action.usual();
            assert!(!usual.is_empty() && keys.of(*action).len() == usual.len(), "{action:?}");
            assert_eq!(keys.action(keys.first(*action).unwrap()), Some(*action));
        }
    }

    #[test]
    fn keys_can_be_given_to_other_actions() {
        let f5 = ["f5".to_owned()];
        let f20 = ["f20".to_owned(), "CTRL-B".to_owned()];
        let keys = Keys::with([("inbox", f5.as_slice()), ("send", f20.as_slice())]).unwrap();
        assert_eq!(keys.action(Key::parse("f5").unwrap()), Some(Action::Inbox));
        assert_eq!(keys.action(Key::parse("ctrl-b").unwrap()), Some(Action::Send));
        assert_eq!(keys.action(Key::parse("f6").unwrap()), None);
    }

    #[test]
    fn what_cannot_be_is_said() {
        let said = |name: &str, keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            Keys::with([(name, keys.as_slice())]).unwrap_err().to_string()
        };
        assert_eq!(said("sned", &["f5"]), "[keys] sned: no such action; `orinet terminal --keys` lists them");
        assert_eq!(said("send", &["f99"]), "[keys] send: `f99` is no key; write f5, ctrl-s, alt-x, pageup");
        assert!(said("send", &["f6"]).contains("would do both"));
        assert_eq!(said("quit", &[]), "[keys] quit needs a key");
    }

    #[test]
    fn alt_and_a_digit_is_a_function_key() {
        let alt = |character| Key::of(KeyEvent::new(KeyCode::Char(character), KeyModifiers::ALT));
        assert_eq!(alt('5'), Key::parse("f5").unwrap());
        assert_eq!([alt('0'), alt('-'), alt('=')], ["f10", "f11", "f12"].map(|key| Key::parse(key).unwrap()));
        assert_eq!(Key::of(KeyEvent::new(KeyCode::Char('A'), KeyModifiers::SHIFT)).types(), Some('A'));
    }
}
