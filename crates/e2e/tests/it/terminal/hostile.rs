//! What the network says never acts on the screen: every kind of control character and escape sequence, from a false
//! switch, for the real one refuses a message with most of them.

use std::collections::BTreeMap;
use std::fs;

use super::false_switch::FalseSwitch;
use super::{CTRL_R, F6, F10, SIZES, leave, terminal};
use crate::net::{Net, PEER, TERMINAL};
use crate::pty::Pty;

const CTRL_E: &str = "\x05";
const CTRL_G: &str = "\x07";
const CTRL_P: &str = "\x10";
const ENTER: &str = "\r";
const F2: &str = "\x1bOQ";
const F4: &str = "\x1bOS";

/// A thing of each kind that a screen could obey, and how it is shown.
const KINDS: [(&str, &[u8], &str); 33] = [
    ("bell", b"\x07", "\\x07"),
    ("backspace", b"\x08\x08\x08", "\\x08\\x08\\x08"),
    ("tabulator", b"\t", "\\x09"),
    ("line up and form feed", b"\x0b\x0c", "\\x0B\\x0C"),
    ("carriage return alone", b"\rX", "\\x0DX"),
    ("other character sets", b"\x0e\x0f", "\\x0E\\x0F"),
    ("nothing and delete", b"\0\x7f", "\\x00\\x7F"),
    ("clear", b"\x1b[2J", "\\x1B[2J"),
    ("home", b"\x1b[H", "\\x1B[H"),
    ("color", b"\x1b[31m", "\\x1B[31m"),
    ("hidden text", b"\x1b[8m", "\\x1B[8m"),
    ("report of the cursor, which would be typed", b"\x1b[6n", "\\x1B[6n"),
    ("answer back", b"\x1b[c\x05", "\\x1B[c\\x05"),
    ("the main screen", b"\x1b[?1049l", "\\x1B[?1049l"),
    ("mouse", b"\x1b[?1000h", "\\x1B[?1000h"),
    ("scroll region", b"\x1b[1;2r", "\\x1B[1;2r"),
    ("printer", b"\x1b[5i", "\\x1B[5i"),
    ("reset", b"\x1bc", "\\x1Bc"),
    ("all Es", b"\x1b#8", "\\x1B#8"),
    ("line drawing", b"\x1b(0", "\\x1B(0"),
    ("title", b"\x1b]0;title\x07", "\\x1B]0;title\\x07"),
    ("clipboard", b"\x1b]52;c;QQ==\x1b\\", "\\x1B]52;c;QQ==\\x1B\\"),
    ("link", b"\x1b]8;;http://a.test\x1b\\", "\\x1B]8;;http://a.test\\x1B\\"),
    ("device control", b"\x1bP1$r\x1b\\", "\\x1BP1$r\\x1B\\"),
    ("privacy and application", b"\x1b^x\x1b\\\x1b_x\x1b\\", "\\x1B^x\\x1B\\\\x1B_x\\x1B\\"),
    ("the second set, as a byte", b"\x9b2J", "\\x9B2J"),
    ("the second set, as UTF-8", "\u{9b}2J\u{85}".as_bytes(), "\\xC2\\x9B2J\\xC2\\x85"),
    ("direction of writing", "\u{202e}\u{2066}".as_bytes(), "\\xE2\\x80\\xAE\\xE2\\x81\\xA6"),
    ("no width", "\u{200b}\u{feff}".as_bytes(), "\\xE2\\x80\\x8B\\xEF\\xBB\\xBF"),
    ("combining", "e\u{301}".as_bytes(), "e\\xCC\\x81"),
    ("two columns", "\u{4e00}\u{1f600}".as_bytes(), "\\xE4\\xB8\\x80\\xF0\\x9F\\x98\\x80"),
    ("of nobody's alphabet", "\u{e000}".as_bytes(), "\\xEE\\x80\\x80"),
    ("no text at all", b"\xff\xc3", "\\xFF\\xC3"),
];

#[test]
fn what_the_network_says_is_shown_and_never_obeyed() {
    let net = Net::new();
    for (columns, rows) in SIZES {
        let mut messages: Vec<Vec<u8>> = (1..).zip(KINDS).map(|(number, (_, bytes, _))| kind(number, bytes)).collect();
        messages.push(request());
        let switch = FalseSwitch::start(&net.pki(), messages);
        let data = tempfile::tempdir().unwrap();
        let mut command = terminal(switch.links, &net.pki(), data.path());
        let config = data.path().join("terminal.toml");
        fs::write(&config, "bell = \"none\"\n").unwrap();
        command.arg("--config").arg(&config);
        let mut screen = Pty::start(&command, columns, rows);
        screen.shows(&format!("NEW {}", KINDS.len() + 1));

        // As lists, then one by one, then as they came, and in a form that repeats what came.
        screen.press(F6);
        screen.shows(&format!("1 of {}", KINDS.len() + 1));
        whole(&mut screen, "the inbox", "INBOX", columns);
        for (number, (kind, _, shown)) in (1..).zip(KINDS) {
            screen.press(&format!("FIND KIND{number:02}{ENTER}"));
            // A list has room for the beginning alone.
            let beginning: String = shown.chars().take(16).collect();
            screen.shows(&format!("KIND{number:02}{beginning}"));
            screen.shows("1 of 1");
            whole(&mut screen, kind, "INBOX", columns);
            screen.press(ENTER);
            screen.shows(&format!("AM from {PEER}"));
            screen.shows(&format!("KIND{number:02}{shown}."));
            whole(&mut screen, kind, "AM from", columns);
        }
        screen.press(CTRL_P);
        screen.shows("Written to");
        screen.press(CTRL_G);
        screen.shows("SCROLL");
        whole(&mut screen, "the scroll", "SCROLL", columns);
        screen.press(F10);
        whole(&mut screen, "the hits", "HIT CONFIRMATIONS", columns);
        screen.shows("\\x1B[2J");
        screen.press(ENTER);
        screen.shows("SGT \\x1B[6nONE");
        screen.press(CTRL_R);
        whole(&mut screen, "the answer", "YR", columns);
        screen.press(F2);
        screen.press(&format!("AM{ENTER}"));
        screen.shows("AS IT WILL GO OUT");
        screen.press(F4);
        screen.shows(PEER);
        screen.press("\x1bOR");
        screen.press(&format!("{F2}{F6}{CTRL_E}"));
        screen.shows("jsonl");
        leave(&mut screen);
        for (path, text) in files(&data.path().join("terminal")) {
            let evil = text.chars().find(|character| character.is_control() && *character != '\n');
            assert_eq!(evil, None, "{path}");
        }
        assert_eq!(sequences(screen.raw()), Ok(()));
        assert_eq!(switch.end(), KINDS.len() + 1);
    }
}

/// A message with a thing that a screen could obey.
fn kind(number: usize, bytes: &[u8]) -> Vec<u8> {
    let text = format!("{}KIND{number:02}", head("AM", ""));
    [text.as_bytes(), bytes, b"."].concat()
}

/// A hit confirmation request that is full of them.
fn request() -> Vec<u8> {
    let head = head("YQ", "*HIT1\r\n\x7f");
    let body = "RTY/WP.RNO/1.PRI/U.OCA/\x1b[2J.NIC/W000000001.NAM/SAMPLE\x1b]0;title\x07, PERSON A.DOB/19800102.\
                RNA/SGT \x1b[6nONE.RAG/TEST PD.REM/\x1bc";
    [head.as_bytes(), body.as_bytes()].concat()
}

fn head(key: &str, control: &str) -> String {
    let (stamp, end) = ("08:00 01/31/2030 00001", "\r\n\x7f");
    format!("{key}.{PEER}{end}{stamp}{end}{stamp} {TERMINAL}{end}{control}TXT{end}")
}

/// Waits until each part of the screen is where it belongs.
#[track_caller]
fn whole(screen: &mut Pty, what: &str, title: &str, columns: u16) {
    screen.until(&format!("a whole screen with {what}"), |text| {
        let lines: Vec<&str> = text.lines().collect();
        lines.len() > 2
            && lines[0].starts_with(&format!(" {TERMINAL}  LINK up"))
            && lines[1].starts_with(title)
            && text.contains("F1 Help  F3 Back")
            && lines.iter().all(|line| line.chars().count() <= usize::from(columns))
    });
}

#[test]
fn what_would_act_on_a_screen_is_told_from_what_draws_it() {
    assert_eq!(sequences(b"\x1b[?1049h\x1b[1;1H\x1b[7m ZA\x1b[0m\r\n"), Ok(()));
    // What the network says about character sets and lines of text draws nothing that a person sees moving.
    for (kind, bytes, _) in KINDS {
        let taken =
            ["color", "hidden text", "home", "clear", "the main screen", "no text at all", "carriage return alone"];
        if !taken.contains(&kind) {
            assert!(sequences(bytes).is_err(), "{kind} would not be noticed");
        }
    }
}

/// Whether a terminal's output is text and such sequences as draw: place, look, clearing, modes; else what is not.
fn sequences(raw: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(raw).into_owned();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(|character: char| !drawn(character)) {
        let tail = rest.split_at(at).1;
        let unknown = || format!("{:?}", tail.chars().take(12).collect::<String>());
        if let Some(after) = tail.strip_prefix(['\r', '\n']) {
            rest = after;
            continue;
        }
        let sequence = tail.strip_prefix("\x1b[").ok_or_else(unknown)?;
        let end = sequence.find(|one: char| ('@'..='~').contains(&one)).ok_or("a sequence that does not end")?;
        let (parameters, last) = sequence.split_at(end);
        let numbers = parameters.chars().all(|one| one.is_ascii_digit() || one == ';');
        let known = match last.chars().next() {
            Some('m' | 'H' | 'J' | 'K' | 'A' | 'B' | 'C' | 'D') => numbers,
            Some('h' | 'l') => ["?1049", "?2004", "?25"].contains(&parameters),
            _ => false,
        };
        if !known {
            return Err(unknown());
        }
        rest = last.split_at(1).1;
    }
    Ok(())
}

/// What a screen only draws.
fn drawn(character: char) -> bool {
    (' '..='~').contains(&character)
}

/// What was printed and exported.
fn files(directory: &std::path::Path) -> BTreeMap<String, String> {
    let folders = ["print", "export"].map(|folder| directory.join(folder));
    let all = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("it was written to"));
    let read = all.map(|file| {
        let path = file.expect("a file").path();
        (path.display().to_string(), fs::read_to_string(&path).expect("text"))
    });
    let files: BTreeMap<_, _> = read.collect();
    assert_eq!(files.len(), 2, "{:?}", files.keys());
    files
}
