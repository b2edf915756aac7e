//! Screens against pictures of them in `snapshots/`, and what is done with keys to get there.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p terminal` writes the pictures anew; what changed shows in the difference.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for some effects among many")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use codec::name::{Ori, Prefix, StationName};
use rand::{RngExt as _, SeedableRng as _};
use ratatui::Terminal as Screen;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};

use super::draw;
use crate::config::{Config, Preferences};
use crate::entry::{Entry, State};
use crate::lock::Hash;
use crate::model::{Effect, Event, Link, Terminal};
use crate::shown;
use crate::store::Shelf;

/// 08:00 01/31/2030 at UTC-7.
const NOW: i64 = 1_896_102_000_000_000;

/// Messages in memory, as a store has them on disk.
#[derive(Debug, Default)]
struct Memory(RefCell<BTreeMap<i64, Vec<u8>>>);

impl Shelf for Memory {
    fn body(&self, id: i64) -> Option<Vec<u8>> {
        self.0.borrow().get(&id).cloned()
    }
    fn search(&self, words: &str) -> Vec<i64> {
        let words = words.to_ascii_uppercase();
        let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_ascii_uppercase().contains(&words);
        self.0.borrow().iter().filter(|(_, bytes)| holds(bytes)).map(|(id, _)| *id).collect()
    }
    fn log(&self, _: usize) -> Vec<(i64, String)> {
        vec![(NOW, "started".to_owned()), (NOW, "link up".to_owned())]
    }
}

/// A terminal with somebody at it.
struct Desk {
    terminal: Terminal,
    memory: Rc<Memory>,
    now: i64,
    size: (u16, u16),
    done: Vec<Effect>,
}

impl Desk {
    fn with(preferences: Preferences, size: (u16, u16)) -> Self {
        let config = Config {
            station: StationName::parse("ZA0010000").unwrap(),
            ori: Ori::parse("ZA0010000").unwrap(),
            data: "unused".into(),
            preferences,
            banner: None,
        };
        let memory = Rc::new(Memory::default());
        let terminal = Terminal::new(config, Vec::new(), Vec::new(), Rc::clone(&memory) as Rc<_>, NOW, 0);
        let mut desk = Self { terminal, memory, now: NOW, size, done: Vec::new() };
        desk.happened(Event::Size(size.0, size.1));
        desk.happened(Event::Link(Link::Up));
        desk
    }

    fn new(size: (u16, u16)) -> Self {
        let mut preferences = Preferences::default();
        preferences.defaults.insert(Prefix::parse("ATN").unwrap(), "SGT TEST ONE".to_owned());
        preferences.defaults.insert(Prefix::parse("PHN").unwrap(), "5555550100".to_owned());
        Self::with(preferences, size)
    }

    fn happened(&mut self, event: Event) {
        for effect in self.terminal.handle(self.now, event) {
            if let Effect::Send { bytes, draft } = &effect {
                let id = self.next_id();
                self.memory.0.borrow_mut().insert(id, bytes.clone());
                let entry = Entry { id, ..Entry::outgoing(self.now, bytes) };
                self.happened(Event::Kept { entry, bytes: bytes.clone(), draft: *draft });
            }
            self.done.push(effect);
        }
    }

    fn next_id(&self) -> i64 {
        self.memory.0.borrow().last_key_value().map_or(1, |(id, _)| id + 1)
    }

    fn came(&mut self, bytes: &[u8]) {
        let id = self.next_id();
        self.memory.0.borrow_mut().insert(id, bytes.to_vec());
        let entry = Entry { id, ..Entry::incoming(self.now, bytes) };
        self.happened(Event::Arrived(vec![(entry, bytes.to_vec())]));
    }

    fn answer(&mut self, key: &str, from: &str, control: &str, body: &str) {
        let text = format!(
            "{key}.{from}\r\n\x7f08:00 01/31/2030 00011\r\n\x7f08:00 01/31/2030 00027 ZA0010000\r\n\x7f*{control}\r\n\x7fTXT\r\n\x7f{body}"
        );
        self.came(text.as_bytes());
    }

    fn press(&mut self, code: KeyCode) {
        self.happened(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    fn ctrl(&mut self, character: char) {
        self.happened(Event::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL)));
    }

    fn f(&mut self, number: u8) {
        self.press(KeyCode::F(number));
    }

    fn types(&mut self, text: &str) {
        for character in text.chars() {
            self.press(if character == '\n' { KeyCode::Enter } else { KeyCode::Char(character) });
        }
    }

    fn buffer(&self) -> Buffer {
        let mut screen = Screen::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        screen.draw(|frame| draw(&self.terminal, frame)).unwrap();
        screen.backend().buffer().clone()
    }

    fn screen(&self) -> String {
        let buffer = self.buffer();
        let line = |y: u16| {
            let cells = (0..self.size.0).map(|x| buffer.cell((x, y)).unwrap().symbol().to_owned());
            cells.collect::<String>().trim_end().to_owned()
        };
        (0..self.size.1).map(|y| line(y) + "\n").collect()
    }

    /// The screen with its looks, as a terminal is told to show it.
    fn ansi(&self) -> String {
        let buffer = self.buffer();
        let mut out = String::new();
        for y in 0..self.size.1 {
            let mut looks = String::new();
            for x in 0..self.size.0 {
                let cell = buffer.cell((x, y)).unwrap();
                let next = looks_of(cell.fg, cell.modifier);
                if next != looks {
                    out.push_str(&format!("\x1b[0{next}m"));
                    looks = next;
                }
                out.push_str(cell.symbol());
            }
            out.push_str("\x1b[0m");
            // After the last column the next line is begun, not before.
            out.push_str(if y + 1 < self.size.1 { "\r\n" } else { "" });
        }
        out
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "`{text}` is not on the screen:\n{screen}");
    }

    fn sent(&self) -> Vec<String> {
        let sent = self.done.iter().filter_map(|effect| match effect {
            Effect::Send { bytes, .. } => Some(String::from_utf8(bytes.clone()).unwrap()),
            _ => None,
        });
        sent.collect()
    }

    fn picture(&self, name: &str) {
        self.compare(&format!("{name}-{}x{}.txt", self.size.0, self.size.1), &self.screen());
        // `docs/` shows these: `cargo xtask pictures`.
        if PICTURES.contains(&name) && self.size == (80, 24) {
            self.compare(&format!("{name}-80x24.ansi"), &self.ansi());
        }
    }

    fn compare(&self, name: &str, screen: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(name);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, screen).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(screen, expected, "{} is not what is drawn:\n{screen}", path.display());
    }
}

/// The screens of which `docs/` has pictures.
const PICTURES: [&str; 8] = ["menu", "form", "codes", "broadcast", "inbox", "message", "hits", "answer"];

/// A look as a terminal is told it, after that all looks are off.
fn looks_of(front: Color, modifier: Modifier) -> String {
    let modifiers = [(Modifier::BOLD, ";1"), (Modifier::UNDERLINED, ";4"), (Modifier::REVERSED, ";7")];
    let looks: String = modifiers.iter().filter(|(one, _)| modifier.contains(*one)).map(|(_, code)| *code).collect();
    let color = match front {
        Color::Cyan => ";36",
        Color::Yellow => ";33",
        Color::Magenta => ";35",
        Color::Reset => "",
        other => panic!("a color without a number here: {other:?}"),
    };
    format!("{looks}{color}")
}

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
const IAQ: &str = "IAQ PUR/C.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.POB/MM.CUS/Y.OFF/0399\n";
const YQ: &str = "RTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001.\r\nNAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.\r\n\
                  RNA/SGT TEST ONE.RAG/TEST PD.PHO/5555550100";

#[test]
fn an_inquiry_is_filled_in_sent_and_answered() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        desk.picture("menu");
        desk.types(IAQ);
        desk.picture("form");
        desk.f(5);
        let sent = desk.sent();
        assert_eq!(sent.len(), 1);
        assert!(sent[0].starts_with("IAQ.ZA0010000.AX.*T0000001AA.TXT\r\nPUR/C.ATN/SGT TEST ONE."), "{}", sent[0]);
        desk.shows("on its way");
        desk.happened(Event::Settled { id: 1, refused: None });
        desk.answer("IAR", "ZZLESC000", "T0000001AA", "EMULATOR - SYNTHETIC DATA\r\n\x7fYOUR INQUIRY WAS RECEIVED.");
        desk.now += 1_000_000;
        desk.answer("IAR", "ZZLESC000", "T0000001AA", "EMULATOR - SYNTHETIC DATA\r\n\x7fNO RECORD FOUND.");
        assert!(desk.done.contains(&Effect::Bell));
        desk.shows(">>NEW 2");
        desk.f(6);
        desk.picture("inbox");
        desk.press(KeyCode::Enter);
        desk.picture("message");
        desk.shows("answer 2 of 2 to your IAQ NAM/SAMPLE, PERSON A");
        desk.press(KeyCode::Left);
        desk.shows("YOUR INQUIRY WAS RECEIVED.");
        desk.f(11);
        desk.shows("answered, 2 of 2");
        desk.picture("sent");
    }
}

#[test]
fn what_counts_down_is_seen_however_long_the_reason_for_a_lost_link() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        desk.terminal.config.banner = Some("A BANNER THAT TAKES HALF OF A LINE, AND THEN SOME MORE".to_owned());
        desk.answer("YQ", "ZZ0010000", "T9", YQ);
        desk.happened(Event::Link(Link::Down("the switch cannot be reached ".repeat(5))));
        desk.shows("LINK DOWN the");
        desk.shows("HITS 1 10:00");
        desk.shows("NEW 1");
        desk.shows("WAIT 0");
    }
}

#[test]
fn a_hit_confirmation_is_counted_down_and_answered() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        desk.answer("YQ", "ZZ0010000", "T9", YQ);
        desk.shows("HITS 1 10:00");
        assert_eq!(desk.terminal.wake(), Some(NOW + 1_000_000));
        desk.now += 61_000_000;
        desk.happened(Event::Tick);
        desk.shows("HITS 1 08:59");
        desk.f(10);
        desk.picture("hits");
        desk.ctrl('r');
        desk.types("Y\tSPECIALIST TEST\tEMULATED CENTER".replace('\t', "").as_str());
        desk.picture("answer");
        desk.f(12);
        desk.types("n");
        desk.f(5);
        // The result takes one letter.
        desk.shows("Not sent: Result must be one character");
    }
}

#[test]
fn the_answer_to_a_hit_repeats_the_request() {
    let mut desk = Desk::new((80, 24));
    desk.answer("YQ", "ZZ0010000", "T9", YQ);
    desk.f(10);
    desk.ctrl('r');
    desk.types("y\n");
    desk.press(KeyCode::Down);
    desk.types("SPECIALIST TEST\nEMULATED CENTER");
    desk.f(5);
    let sent = desk.sent();
    assert_eq!(sent.len(), 1, "{}", desk.screen());
    assert!(
        sent[0].starts_with("YR.ZA0010000.ZZ0010000.*T9.TXT\r\nRTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001."),
        "{}",
        sent[0]
    );
    assert!(sent[0].contains("RES/Y") && sent[0].contains("RNA/SPECIALIST TEST"), "{}", sent[0]);
    desk.f(10);
    desk.shows("Nothing here.");
    assert_eq!(desk.terminal.wake(), None);
}

#[test]
fn codes_are_picked_as_one_types() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        desk.types("IAQ\n");
        // To the place of birth.
        for _ in 0..6 {
            desk.press(KeyCode::Tab);
        }
        desk.f(4);
        desk.types("mexi");
        desk.picture("codes");
        desk.types("co");
        desk.press(KeyCode::Enter);
        desk.shows("POB MM");
        desk.f(1);
        desk.picture("help");
    }
}

#[test]
fn a_broadcast_gets_a_second_look() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        desk.types("am\nZB");
        desk.press(KeyCode::Tab);
        desk.press(KeyCode::Tab);
        desk.press(KeyCode::Tab);
        desk.types("TEST ONLY\nSECOND LINE");
        desk.f(5);
        assert_eq!(desk.sent(), Vec::<String>::new());
        desk.picture("broadcast");
        desk.types("n");
        assert_eq!(desk.sent(), Vec::<String>::new());
        desk.f(5);
        desk.types("y");
        assert_eq!(desk.sent(), ["AM.ZA0010000.ZB.*T0000001AA.TXT\r\nTEST ONLY\r\nSECOND LINE"]);
    }
}

#[test]
fn what_is_wrong_is_not_sent() {
    let mut desk = Desk::new((80, 24));
    desk.types("IAQ PUR/X\n");
    desk.shows("is none of its list");
    desk.f(5);
    assert_eq!(desk.sent(), Vec::<String>::new());
    desk.shows("Not sent: Purpose is none of its list");
}

#[test]
fn what_was_typed_is_a_draft_until_it_is_sent_or_thrown_away() {
    let mut desk = Desk::new((80, 24));
    desk.types("IAQ\n");
    assert!(!desk.done.iter().any(|effect| matches!(effect, Effect::Sheet(_))), "an empty form is no draft");
    desk.types("C");
    assert!(desk.done.iter().any(|effect| matches!(effect, Effect::Sheet(_))));
    desk.f(3);
    desk.f(9);
    desk.shows("D   IAQ");
    desk.picture("recall");
    desk.press(KeyCode::Enter);
    desk.shows("PUR C");
    desk.f(12);
    desk.types("y");
    desk.f(9);
    desk.shows("Nothing here.");
    assert!(desk.done.iter().any(|effect| matches!(effect, Effect::DropSheet(_, 1))));
}

#[test]
fn templates_and_what_was_sent_are_used_again_under_a_new_control_field() {
    let mut desk = Desk::new((80, 24));
    desk.types(IAQ);
    desk.ctrl('s');
    desk.types("usual\n");
    desk.f(5);
    desk.f(9);
    desk.shows("T   IAQ    AX                   usual");
    desk.shows("S   IAQ    AX                   NAM/SAMPLE, PERSON A");
    desk.press(KeyCode::Down);
    desk.press(KeyCode::Enter);
    desk.f(5);
    let sent = desk.sent();
    assert_eq!(sent.len(), 2, "{}", desk.screen());
    assert_eq!(sent[0].replace("T0000001AA", "T0000002AA"), sent[1]);
}

#[test]
fn a_whole_message_is_pasted_looked_at_and_sent() {
    let mut desk = Desk::new((80, 24));
    desk.happened(Event::Paste("ECHO.ZA0010000.NL.*T1.TXT\r\nANY\r\nTEXT\n".to_owned()));
    desk.picture("whole");
    desk.f(5);
    desk.types("y");
    assert_eq!(desk.sent(), ["ECHO.ZA0010000.NL.*T1.TXT\r\nANY\r\nTEXT"]);
    desk.types("iaq.za0010000.ax.txt\n");
    desk.shows("The switch will refuse it");
}

#[test]
fn the_directory_is_asked_for_an_address() {
    let mut desk = Desk::new((80, 24));
    desk.types("AM\n");
    desk.f(4);
    desk.types("SAMPLE");
    desk.f(5);
    assert_eq!(desk.sent(), ["TQ.ZA0010000.OD.*T0000002AA.TXT\r\nLOC/SAMPLE"]);
    desk.answer("TR", "OD0000000", "T0000002AA", "ORI/ZB0010000.LIN/ZB.LOC/SAMPLE COUNTY.TYP/SO.AUT/A.HRS/A.ACT/A");
    desk.f(4);
    desk.types("COUN");
    desk.shows("ZB0010000  SAMPLE COUNTY SO");
    desk.press(KeyCode::Enter);
    desk.shows(">* To");
    desk.shows("ZB0010000");
}

#[test]
fn a_help_file_is_asked_for() {
    let mut desk = Desk::new((80, 24));
    desk.types("help za ori\n");
    desk.f(5);
    assert_eq!(desk.sent(), ["AM.ZA0010000.ZAORIHELP.*T0000001AA.TXT\r\n"]);
}

#[test]
fn the_inbox_is_filtered_and_searched() {
    let mut desk = Desk::new((80, 24));
    desk.answer("AM", "ZB0010000", "T7", "BLUE SEDAN");
    desk.answer("ER", "NL0000000", "T8", ".19. INVALID DESTINATION");
    desk.ctrl('f');
    desk.types("sedan");
    desk.shows("1 of 1");
    desk.shows("BLUE SEDAN");
    desk.press(KeyCode::Enter);
    desk.press(KeyCode::Enter);
    desk.shows("AM from ZB0010000");
    desk.f(6);
    for _ in 0..5 {
        desk.ctrl('t');
    }
    desk.shows("errors and status");
    desk.shows("1 of 1");
}

#[test]
fn it_locks_itself_and_opens_with_its_password_alone() {
    for size in SIZES {
        let hash = Hash::new("open sesame").unwrap();
        let preferences = Preferences {
            password: Some(hash),
            lock_after: Some(std::time::Duration::from_secs(600)),
            ..Preferences::default()
        };
        let mut desk = Desk::with(preferences, size);
        desk.answer("AM", "ZB0010000", "T7", "SECRET TEXT");
        desk.f(6);
        desk.shows("SECRET TEXT");
        assert_eq!(desk.terminal.wake(), Some(NOW + 600_000_000));
        desk.now += 600_000_000;
        desk.happened(Event::Tick);
        assert!(!desk.screen().contains("SECRET TEXT"));
        desk.types("wrong\n");
        assert!(desk.done.contains(&Effect::Check("wrong".to_owned())));
        desk.happened(Event::Password(false));
        desk.picture("locked");
        desk.ctrl('q');
        desk.f(6);
        assert!(!desk.screen().contains("SECRET TEXT"));
        desk.types("open sesame\n");
        desk.happened(Event::Password(true));
        desk.shows("SECRET TEXT");
    }
}

#[test]
fn five_wrong_passwords_cost_half_a_minute() {
    let preferences = Preferences { password: Some(Hash::new("x").unwrap()), ..Preferences::default() };
    let mut desk = Desk::with(preferences, (80, 24));
    desk.ctrl('l');
    for _ in 0..5 {
        desk.types("y\n");
        desk.happened(Event::Password(false));
    }
    let checks = |desk: &Desk| desk.done.iter().filter(|effect| matches!(effect, Effect::Check(_))).count();
    desk.types("y\n");
    assert_eq!(checks(&desk), 5);
    desk.shows("wait 31 s");
    desk.now += 30_000_000;
    desk.happened(Event::Tick);
    desk.press(KeyCode::Enter);
    assert_eq!(checks(&desk), 6);
}

#[test]
fn a_lost_link_and_what_waits_are_seen() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        desk.happened(Event::Link(Link::Down("the switch cannot be reached".to_owned())));
        desk.types(IAQ);
        desk.f(5);
        desk.shows("it goes when there is a link");
        desk.shows("WAIT 1");
        desk.f(11);
        desk.picture("waiting");
        desk.f(12);
        assert!(desk.done.contains(&Effect::Mark(1, State::Withdrawn)));
        desk.shows("WAIT 0");
    }
}

#[test]
fn leaving_is_asked_about() {
    let mut desk = Desk::new((80, 24));
    desk.ctrl('q');
    desk.types("x");
    assert!(!desk.done.contains(&Effect::Quit));
    desk.types("y");
    assert!(desk.done.contains(&Effect::Quit));
}

#[test]
fn the_scrolling_text_and_the_log_are_there() {
    let mut desk = Desk::new((80, 24));
    desk.answer("AM", "ZB0010000", "T7", "BLUE SEDAN");
    desk.ctrl('g');
    desk.picture("scroll");
    desk.ctrl('o');
    desk.picture("log");
}

#[test]
fn messages_are_printed_and_exported() {
    let mut desk = Desk::new((80, 24));
    desk.answer("AM", "ZB0010000", "T7", "BLUE\x1b SEDAN");
    desk.f(6);
    desk.ctrl('p');
    desk.ctrl('e');
    let files: Vec<_> = desk
        .done
        .iter()
        .filter_map(|effect| match effect {
            Effect::File { folder, name, text } => Some((*folder, name.as_str(), text.as_str())),
            Effect::Print { name, text } => Some(("print", name.as_str(), text.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!((files[0].0, files[0].1), ("print", "0000001-AM.txt"));
    assert!(files[0].2.contains("BLUE\\x1B SEDAN") && !files[0].2.contains('\x1b'));
    let json: serde_json::Value = serde_json::from_str(files[1].2).unwrap();
    assert_eq!((json["key"].as_str(), json["control"].as_str()), (Some("AM"), Some("T7")));
}

/// Everything that a peer can say, in every place where it is shown, on every screen.
#[test]
fn nothing_of_the_network_acts_on_the_terminal() {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x7E57);
    let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(seed);
    let evil = [
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x1bP1$r\x1b\\",
        "\x1b[6n",
        "\u{9b}2J",
        "\u{85}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{200d}",
        "\u{0301}",
        "\u{4e00}",
        "\u{1f600}",
        "\u{feff}",
        "\x7f",
        "\x08",
        "\t",
        "\r",
        "\u{e0041}",
    ];
    for round in 0..60 {
        let mut desk = Desk::new(SIZES[round % 2]);
        for message in 0..4 {
            let mut piece = || evil[random.random_range(0..evil.len())];
            let body =
                format!("{}SAMPLE{}\r\n{}NAM/{}X{}.LOC/{}", piece(), piece(), piece(), piece(), piece(), piece());
            match message {
                0 => desk.answer("AM", "ZB0010000", "T7", &body),
                1 => desk.answer("YQ", "ZB0010000", "T8", &format!("{YQ}.REM/{body}")),
                2 => desk.answer("TR", "OD0000000", "T9", &format!("ORI/ZB001000{}.{body}", piece())),
                _ => desk.came(body.as_bytes()),
            }
        }
        let check = |desk: &Desk| {
            for character in desk.screen().chars() {
                assert!(character == '\n' || shown::passes(character), "SEED={seed} {character:?}");
            }
        };
        check(&desk);
        for number in [6, 10, 11, 9] {
            desk.f(number);
            check(&desk);
            desk.press(KeyCode::Enter);
            check(&desk);
            desk.ctrl('r');
            check(&desk);
            desk.f(4);
            check(&desk);
            desk.f(3);
            desk.f(1);
            check(&desk);
            desk.f(3);
            desk.f(2);
        }
        desk.ctrl('g');
        check(&desk);
        desk.happened(Event::Paste(evil.concat()));
        check(&desk);
    }
}

#[test]
fn any_size_is_drawn_and_any_key_pressed() {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5EED);
    let pressed = std::panic::catch_unwind(|| press_anything(seed));
    assert!(pressed.is_ok(), "SEED={seed}");
}

fn press_anything(seed: u64) {
    let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(seed);
    for _ in 0..40 {
        let mut desk = Desk::new((80, 24));
        desk.answer("YQ", "ZZ0010000", "T9", YQ);
        for _ in 0..120 {
            match random.random_range(0..10) {
                0..4 => desk.f(random.random_range(1..13)),
                4 => desk.ctrl(char::from(random.random_range(b'a'..=b'z'))),
                5..7 => {
                    let all = [
                        KeyCode::Up,
                        KeyCode::Down,
                        KeyCode::Left,
                        KeyCode::Right,
                        KeyCode::Enter,
                        KeyCode::Tab,
                        KeyCode::BackTab,
                        KeyCode::Home,
                        KeyCode::End,
                        KeyCode::Backspace,
                        KeyCode::Delete,
                        KeyCode::Esc,
                    ];
                    desk.press(all[random.random_range(0..all.len())]);
                }
                7 => desk.press(KeyCode::Char(char::from(random.random_range(b' '..=b'~')))),
                8 => desk.types(["IAQ\n", "YR\n", "AM\n", "y", "n"][random.random_range(0..5)]),
                _ => {
                    desk.size = (random.random_range(1..200), random.random_range(1..70));
                    desk.happened(Event::Size(desk.size.0, desk.size.1));
                }
            }
            drop(desk.screen());
        }
    }
}
