//! A piece of a shift, as its screens look in the real binary, and with the switch killed between any two steps. The
//! center is a station by hand, so that what is on the screens is always the same; times and numbers are masked.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p e2e` writes `crates/terminal/snapshots/run-*.txt` anew.

use std::fs;

use super::{CTRL_R, F5, F6, F10, F11, INQUIRY, SIZES, leave, terminal};
use crate::binary::checkout;
use crate::net::{Net, Node, PEER, STATE, TERMINAL};
use crate::pty::Pty;
use crate::station::Station;

#[test]
fn a_shift_looks_as_in_its_pictures() {
    for size in SIZES {
        let net = Net::new();
        let switch = net.switch();
        let data = tempfile::tempdir().unwrap();
        let mut screen = Pty::start(&terminal(switch.links, &net.pki(), data.path()), size.0, size.1);
        screen.shows("LINK up");
        picture(&mut screen, "menu", size);
        screen.press(INQUIRY);
        picture(&mut screen, "form", size);
        // Both stay attached: the switch has nothing to say of those who are away.
        let (mut center, mut state) = (switch.station("AX"), switch.station(STATE));
        screen.press(F5);
        let control = inquiry(&mut center);
        for body in ANSWERS {
            answer(&mut center, &control, body);
        }
        // The mark of something new is there until the inbox is looked at.
        screen.shows(">>NEW 2");
        screen.press(F6);
        picture(&mut screen, "inbox", size);
        screen.press("\r");
        picture(&mut screen, "message", size);
        state.send(&request());
        screen.shows("HITS");
        screen.press(F10);
        picture(&mut screen, "hits", size);
        screen.press(CTRL_R);
        screen.press("Y\t\tSGT TEST TWO\tTEST PD TWO");
        picture(&mut screen, "answer", size);
        screen.press(F5);
        state.take("RES/Y");
        screen.press(F11);
        picture(&mut screen, "sent", size);
        leave(&mut screen);
    }
}

#[test]
fn an_inquiry_is_answered_though_the_switch_is_killed_between_any_two_steps() {
    for (columns, rows) in SIZES {
        let net = Net::new();
        let mut switch = net.switch();
        net.change("links = \"127.0.0.1:0\"", &format!("links = \"{}\"", switch.links));
        let data = tempfile::tempdir().unwrap();
        let mut screen = Pty::start(&terminal(switch.links, &net.pki(), data.path()), columns, rows);
        screen.shows(TERMINAL);
        for (keys, shown) in [(INQUIRY, "SAMPLE, PERSON A"), (F5, "")] {
            switch = restarted(&net, switch);
            screen.press(keys);
            screen.shows(shown);
        }
        switch = restarted(&net, switch);
        let control = inquiry(&mut switch.station("AX"));
        for body in ANSWERS {
            switch = restarted(&net, switch);
            // Whoever took the inquiry may be given it again: its acknowledgement can be lost.
            answer(&mut switch.station("AX"), &control, body);
        }
        for (keys, shown) in [(F6, "NO RECORD FOUND"), ("\r", "answer 2 of 2 to your IAQ"), (F11, "answered, 2 of 2")] {
            switch = restarted(&net, switch);
            screen.press(keys);
            screen.shows(shown);
        }
        screen.shows("WAIT 0");
        leave(&mut screen);
    }
}

const ANSWERS: [&str; 2] = ["YOUR IAQ WAS RECEIVED", "NO RECORD FOUND IN THE INDICES SEARCHED"];

fn restarted(net: &Net, switch: Node) -> Node {
    switch.kill();
    net.switch()
}

/// Takes the inquiry and gives its control field.
fn inquiry(center: &mut Station) -> String {
    let text = center.take("NAM/SAMPLE, PERSON A").text;
    let control = text.lines().find_map(|line| line.trim_start_matches('\x7f').strip_prefix('*'));
    control.unwrap_or_else(|| panic!("no control field: {text}")).to_owned()
}

fn answer(center: &mut Station, control: &str, body: &str) {
    center.send(&format!("IAR.ZZLESC000.{TERMINAL}.*{control}.TXT\r\nEMULATOR - SYNTHETIC DATA\r\n{body}"));
}

fn request() -> String {
    format!(
        "YQ.{PEER}.{TERMINAL}.*HIT1.TXT\r\nRTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/W000000001.NAM/SAMPLE, PERSON A.\
         DOB/19800102.RNA/SGT TEST ONE.RAG/TEST PD"
    )
}

/// Waits until the screen, with what changes from run to run masked, is as in its picture.
#[track_caller]
fn picture(screen: &mut Pty, name: &str, (columns, rows): (u16, u16)) {
    let path = checkout(&format!("crates/terminal/snapshots/run-{name}-{columns}x{rows}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let _settled = screen.written_within(std::time::Duration::from_millis(500));
        fs::write(&path, masked(&screen.screen())).expect("the picture is written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    screen.until(&format!("the screen of {}:\n{expected}\nMASKED", path.display()), |text| masked(text) == expected);
}

/// Times, dates, the switch's numbers and control fields, which differ from run to run.
fn masked(screen: &str) -> String {
    let mut out = String::new();
    for line in screen.lines() {
        let mut rest = line.trim_end();
        while let Some(first) = rest.chars().next() {
            let found = MASKS.iter().find(|(mask, _)| fits(mask, rest));
            let length = found.map_or_else(|| first.len_utf8(), |(mask, _)| mask.len());
            let (head, tail) = rest.split_at(length);
            out.push_str(found.map_or(head, |(_, shown)| shown));
            rest = tail;
        }
        out.push('\n');
    }
    out
}

/// `9` is a digit, `A` a capital letter; what stands for it is as long.
const MASKS: [(&str, &str); 6] = [
    ("99:99 99/99/9999 99999", "hh:mm mm/dd/yyyy nnnnn"),
    ("99/99 99:99 ", "mm/dd hh:mm "),
    ("HITS 9 99:99", "HITS 1 mm:ss"),
    ("! 99:99", "! mm:ss"),
    ("*T9999999AA", "*Tnnnnnnnxx"),
    ("T9999999AA", "Tnnnnnnnxx"),
];

fn fits(mask: &str, text: &str) -> bool {
    let one = |(wanted, found): (char, char)| match wanted {
        '9' => found.is_ascii_digit(),
        'A' => found.is_ascii_uppercase(),
        other => found == other,
    };
    text.len() >= mask.len() && text.is_char_boundary(mask.len()) && mask.chars().zip(text.chars()).all(one)
}
