//! Forms: opening, keeping, checking and sending them.

use codec::dictionary::{Dictionary, Sender};
use codec::legacy::parse_input;
use codec::name::MessageKey;

use super::{Effect, Popup, Screen, Terminal, Yes};
use crate::editor::Editor;
use crate::form::{Form, What};
use crate::keys::Action;
use crate::picker::Picker;
use crate::sheet::{self, Kept, Kind, Sheet};

impl Terminal {
    /// Opens a new form, with what the configuration says and with fields that were typed after the key.
    pub(super) fn open_form(&mut self, key: MessageKey, typed: &str) {
        let mut sheet = self.new_sheet(key);
        for (prefix, value) in sheet::values(typed.trim().as_bytes()) {
            sheet.values.retain(|(known, _)| *known != prefix);
            sheet.values.push((prefix, value));
        }
        if sheet.values.is_empty() || !typed.contains('/') {
            sheet.text = typed.to_owned();
        }
        self.open_sheet(sheet);
    }

    pub(super) fn new_sheet(&self, key: MessageKey) -> Sheet {
        let preferences = &self.config.preferences;
        let defaults = preferences.defaults.iter().map(|(prefix, value)| (prefix.to_string(), value.clone()));
        Sheet {
            key: key.to_string(),
            from: self.config.ori.to_string(),
            to: preferences.destinations.get(&key).map(|to| to.join(" ")).unwrap_or_default(),
            control: None,
            values: defaults.collect(),
            text: String::new(),
        }
    }

    /// Opens a sheet under a control field of its own, unless it has one.
    pub(super) fn open_sheet(&mut self, mut sheet: Sheet) {
        let Ok(key) = MessageKey::parse(&sheet.key) else { return };
        let Some(spec) = Dictionary::builtin().spec(key) else {
            return self.fail("This key has no form; type the whole message");
        };
        if spec.sender == Sender::Switch {
            return self.fail(&format!("{key} comes from the switch alone"));
        }
        if sheet.control.is_none() {
            sheet.control = Some(self.control());
        }
        self.last_draft = self.last_draft.saturating_add(1);
        if let Some(form) = Form::new(&sheet, self.last_draft) {
            self.open(Screen::Form(Box::new(form)));
        }
    }

    /// A draft goes on under its own number.
    pub(super) fn open_draft(&mut self, kept: &Kept) {
        let open = |screen: &Screen| matches!(screen, Screen::Form(form) if form.draft == kept.id);
        if let Some(at) = self.screens.iter().position(open) {
            let screen = self.screens.remove(at);
            return self.screens.push(screen);
        }
        if let Some(form) = Form::new(&kept.sheet, kept.id) {
            self.open(Screen::Form(Box::new(form)));
        }
    }

    pub(super) fn open_raw(&mut self, text: &str) {
        self.open(Screen::Raw(Editor::lines(text)));
    }

    /// Keeps what stands on the form, as it is typed.
    pub(super) fn keep_draft(&mut self) {
        let Some(Screen::Form(form)) = self.screens.last() else { return };
        let sheet = form.sheet();
        let defaults = &self.config.preferences.defaults;
        let given = |(prefix, value): &(String, String)| {
            defaults.iter().any(|(known, usual)| known.as_str() == prefix && usual == value)
        };
        if sheet.text.trim().is_empty() && sheet.values.iter().all(given) {
            return;
        }
        let kept = Kept { kind: Kind::Draft, id: form.draft, name: String::new(), sheet };
        match self.kept.iter_mut().find(|known| known.kind == Kind::Draft && known.id == kept.id) {
            Some(known) if *known == kept => return,
            Some(known) => *known = kept.clone(),
            None => self.kept.push(kept.clone()),
        }
        self.effects.push(Effect::Sheet(kept));
    }

    pub(super) fn discard(&mut self) {
        match self.screen() {
            Some(Screen::Form(form)) => {
                let question = vec![format!("Throw away this {}?", form.spec.key)];
                self.popup = Some(Popup::Ask { question, yes: Yes::Discard });
            }
            Some(Screen::Raw(_)) => drop(self.screens.pop()),
            Some(Screen::Recall(list)) => {
                let kept = self.kept.get(list.selected).map(|kept| (kept.kind, kept.id));
                if let Some((kind, id)) = kept {
                    self.drop_kept(kind, id);
                    self.say("Thrown away");
                }
            }
            Some(Screen::Queue(_)) => self.withdraw(),
            Some(
                Screen::Menu(_)
                | Screen::Inbox(_)
                | Screen::Message(_)
                | Screen::Scroll(_)
                | Screen::Hits(_)
                | Screen::Log(_),
            )
            | None => {}
        }
    }

    pub(super) fn send(&mut self) {
        let today = self.today();
        match self.screens.last_mut() {
            Some(Screen::Form(form)) => {
                if let Some(fault) = form.fault(today) {
                    form.at = fault.row.unwrap_or(form.at);
                    return self.fail(&format!("Not sent: {}", fault.what));
                }
                if !form.is_broadcast() {
                    return self.send_form();
                }
                // A line, a group or a region has two characters, an agency nine.
                let (lines, agencies): (Vec<&str>, Vec<&str>) =
                    form.text(What::To).split_whitespace().partition(|address| address.len() <= 2);
                let also = if agencies.is_empty() { String::new() } else { format!(", and to {}", agencies.join(" ")) };
                let goes = format!("This {} goes to every agency behind {}{also}.", form.spec.key, lines.join(" "));
                let question = vec!["BROADCAST: look again.".to_owned(), goes, "Send it?".to_owned()];
                self.popup = Some(Popup::Ask { question, yes: Yes::Send });
            }
            Some(Screen::Raw(editor)) => {
                let wrong = raw_fault(editor.text(), today);
                let mut question = vec!["Send this message as it stands?".to_owned()];
                question.extend(wrong.map(|wrong| format!("The switch will refuse it: {wrong}")));
                self.popup = Some(Popup::Ask { question, yes: Yes::SendRaw });
            }
            Some(Screen::Queue(_)) => self.send_again(),
            Some(
                Screen::Menu(_)
                | Screen::Inbox(_)
                | Screen::Message(_)
                | Screen::Scroll(_)
                | Screen::Hits(_)
                | Screen::Recall(_)
                | Screen::Log(_),
            )
            | None => self.fail("There is nothing to send here; type a key, as IAQ, for its form"),
        }
    }

    pub(super) fn send_form(&mut self) {
        self.keep_draft();
        if let Some(Screen::Form(form)) = self.screens.last() {
            let effect = Effect::Send { bytes: form.message().into_bytes(), draft: Some(form.draft) };
            self.effects.push(effect);
        }
    }

    pub(super) fn send_raw(&mut self) {
        if let Some(Screen::Raw(editor)) = self.screens.last() {
            let bytes = editor.text().trim_end().replace('\n', "\r\n").into_bytes();
            self.effects.push(Effect::Send { bytes, draft: None });
        }
    }

    pub(super) fn pick(&mut self) {
        let Some(Screen::Form(form)) = self.screens.last() else {
            return self.fail("A list is there on a form, for fields with codes and for addresses");
        };
        if form.row().is_some_and(|row| row.what == What::To) {
            let last = form.text(What::To).rsplit(' ').next().unwrap_or_default().to_owned();
            self.popup = Some(Popup::Pick(self.addresses(&last)));
        } else if let Some(picker) = form.codes() {
            self.popup = Some(Popup::Pick(picker));
        } else {
            self.fail("This field has no list; F1 says what belongs into it");
        }
    }

    /// Addresses that are known: configured, told by the directory, or met.
    fn addresses(&self, typed: &str) -> Picker {
        let mut all = self.book.agencies().clone();
        for entry in self.book.entries().iter().rev().take(ADDRESSES_MET_MAX) {
            for address in entry.peer.split(' ').filter(|address| matches!(address.len(), 2 | 9)) {
                all.entry(address.to_owned()).or_insert_with(|| "met in messages".to_owned());
            }
        }
        let configured = self.config.preferences.addresses.iter();
        all.extend(configured.map(|(address, what)| (address.clone(), what.clone())));
        let items = all.into_iter().map(|(address, what)| (address.into(), crate::shown::line(&what).into()));
        let send = self.key_of(Action::Send);
        Picker::new(format!("Addresses ({send} asks the directory for what is typed)"), items.collect(), typed)
    }

    pub(super) fn picked(&mut self, picker: &Picker) {
        let Some(code) = picker.picked() else { return };
        if let Some(Screen::Form(form)) = self.screens.last_mut()
            && let Some(row) = form.row_mut()
        {
            if row.what == What::To {
                let typed = picker.query.text();
                let before = row.editor.text().trim_end().to_owned();
                let before = before.strip_suffix(typed).unwrap_or(&before).trim_end().to_owned();
                let addresses = before.split_whitespace().chain([code.as_str()]).collect::<Vec<_>>().join(" ");
                row.editor.set(&addresses);
            } else {
                row.editor.set(&code);
                form.go(1);
            }
        }
        self.keep_draft();
    }

    /// Asks the directory for an agency by its ORI, or by the beginning of its name.
    pub(super) fn ask_directory(&mut self, typed: &str) {
        let typed = typed.trim().to_ascii_uppercase();
        let Ok(key) = MessageKey::parse("TQ") else { return };
        let mut sheet = self.new_sheet(key);
        let is_ori = codec::name::Ori::parse(&typed).is_ok();
        sheet.values = vec![(if is_ori { "ORI" } else { "LOC" }.to_owned(), typed)];
        sheet.control = Some(self.control());
        let Some(form) = Form::new(&sheet, 0) else { return };
        if let Some(fault) = form.fault(self.today()) {
            return self.fail(&format!("The directory is not asked: {}", fault.what));
        }
        self.effects.push(Effect::Send { bytes: form.message().into_bytes(), draft: Some(0) });
    }

    /// `HELP ZA`, `HELP ZA ORI`, `HELP AXADMHELP`: asks for the help file of a line.
    pub(super) fn help_file(&mut self, rest: &str) {
        let words: Vec<String> = rest.split_whitespace().map(str::to_ascii_uppercase).collect();
        let address = match words.as_slice() {
            [whole] if whole.len() == 9 => whole.clone(),
            [line] if line.len() == 2 => format!("{line}ADMHELP"),
            [line, code] if line.len() == 2 && code.len() == 3 => format!("{line}{code}HELP"),
            _ => return self.fail("HELP, a line and a file: HELP ZA ADM, or the whole address"),
        };
        let Ok(key) = MessageKey::parse("AM") else { return };
        let mut sheet = self.new_sheet(key);
        sheet.to = address;
        self.open_sheet(sheet);
        let send = self.key_of(Action::Send);
        self.say(format!("{send} asks for this help file; the answer comes into the inbox"));
    }

    pub(super) fn template(&mut self) {
        match self.screen() {
            Some(Screen::Form(_)) => self.popup = Some(Popup::Name(Editor::default())),
            _ => self.fail("A template is made from a form"),
        }
    }

    pub(super) fn keep_template(&mut self, name: &str) {
        let Some(Screen::Form(form)) = self.screens.last() else { return };
        let id = self.kept.iter().filter(|kept| kept.kind == Kind::Template).map(|kept| kept.id).max().unwrap_or(0);
        let sheet = Sheet { control: None, ..form.sheet() };
        let name = if name.trim().is_empty() { sheet.subject() } else { name.trim().to_owned() };
        let kept = Kept { kind: Kind::Template, id: id.saturating_add(1), name, sheet };
        self.kept.push(kept.clone());
        self.effects.push(Effect::Sheet(kept));
        let recall = self.key_of(Action::Recall);
        self.say(format!("Kept as a template; {recall} uses it"));
    }
}

/// Why the switch would refuse a whole message, as far as that can be known here.
pub(crate) fn raw_fault(text: &str, today: jiff::civil::Date) -> Option<String> {
    let bytes = text.trim_end().replace('\n', "\r\n").into_bytes();
    let input = match parse_input(&bytes) {
        Ok(input) => input,
        Err(error) => return Some(error.to_string()),
    };
    let Some(spec) = Dictionary::builtin().spec(input.key) else {
        return Some(format!("{} is no key of the dictionary", input.key));
    };
    let Some(body) = input.body else { return Some("there is no TXT".to_owned()) };
    if let Err(error) = input.checked_control() {
        return Some(error.to_string());
    }
    spec.check_body(body, today).err().map(|error| error.to_string())
}

/// Of so many of the latest messages, addresses are offered.
const ADDRESSES_MET_MAX: usize = 2_000;
