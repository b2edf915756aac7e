//! The one place that makes text of the network fit for the screen: what acts on a terminal is shown, never obeyed.
//!
//! A character passes if it is printable, takes exactly one column and belongs to no mark that is invisible, joins what
//! stands beside it or turns the direction of writing. Everything else is written as `\xNN`, byte by byte: control
//! characters of both sets (C0, DEL, C1), bidirectional marks, zero-width and combining characters, wide characters,
//! which would push a column out of place, and bytes that are no UTF-8.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// A message as lines of text. Each of the network's line ends (`protocol-specs/wire.md` 2.1) begins a new one; there is
/// at least one line.
#[must_use]
pub fn lines(bytes: &[u8]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(character) = rest.chars().next() {
            if let Some(after) = LINE_ENDS.iter().find_map(|end| rest.strip_prefix(end)) {
                lines.push(String::new());
                rest = after;
                continue;
            }
            let (shown, after) = rest.split_at(character.len_utf8());
            if let Some(line) = lines.last_mut() {
                if passes(character) { line.push(character) } else { escape(line, shown.as_bytes()) }
            }
            rest = after;
        }
        if let Some(line) = lines.last_mut() {
            escape(line, chunk.invalid());
        }
    }
    lines
}

/// Text on one line: a line end becomes a space.
#[must_use]
pub fn line(text: &str) -> String {
    lines(text.as_bytes()).join(" ")
}

/// The first characters of a text, each of which takes one column once [`line()`] has made it.
#[must_use]
pub fn cut(text: &str, columns: usize) -> &str {
    text.char_indices().nth(columns).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Breaks lines that are longer than `columns`: before a field (`NAM/…`) where one begins, else at a space, else anywhere.
#[must_use]
pub fn wrapped(lines: &[String], columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut out = Vec::with_capacity(lines.len());
    for line in lines {
        let mut rest = line.as_str();
        loop {
            let head = cut(rest, columns);
            if head.len() == rest.len() {
                out.push(rest.to_owned());
                break;
            }
            // A space is looked for in the last half only: nothing is gained by a line that is nearly empty.
            let enough = |at: &usize| at.saturating_mul(2) > head.len();
            let field = head.rmatch_indices('.').map(|(at, _)| at.saturating_add(1)).find(|at| begins_field(rest, *at));
            let space = head.rfind(' ').filter(enough);
            let at = field.filter(enough).or(space).unwrap_or(head.len());
            let (now, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
            out.push(now.to_owned());
            rest = after.strip_prefix(' ').unwrap_or(after);
        }
    }
    out
}

/// Whether a field begins there: two to four capital letters or digits, and a slash.
fn begins_field(text: &str, at: usize) -> bool {
    let prefix = text.get(at..).and_then(|rest| rest.split_once('/')).map_or("", |(prefix, _)| prefix);
    (2..=4).contains(&prefix.len()) && prefix.bytes().all(|one| one.is_ascii_uppercase() || one.is_ascii_digit())
}

/// Whether a character is shown as it is.
#[must_use]
pub fn passes(character: char) -> bool {
    !character.is_control() && !is_mark(character) && character.width() == Some(1)
}

/// Marks without a picture of their own, also where a terminal would give them a column.
const fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{00ad}'
            | '\u{061c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{e0000}'..='\u{10ffff}'
    )
}

/// The longest first.
const LINE_ENDS: [&str; 3] = ["\r\n\x7f", "\r\n", "\n"];

fn escape(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string does not fail.
        let written = write!(out, "\\x{byte:02X}");
        debug_assert!(written.is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        line(text)
    }

    #[test]
    fn each_line_end_begins_a_line() {
        assert_eq!(lines(b"A\r\n\x7fB\r\nC\nD"), ["A", "B", "C", "D"]);
        assert_eq!(lines(b""), [""]);
        assert_eq!(lines(b"A\rB\x7f"), ["A\\x0DB\\x7F"]);
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(shown("\x1b[2J\x07\t\0\x08"), "\\x1B[2J\\x07\\x09\\x00\\x08");
    }

    #[test]
    fn escape_sequences_of_every_family_are_shown() {
        assert_eq!(shown("\x1b]0;title\x07"), "\\x1B]0;title\\x07");
        assert_eq!(shown("\x1bP1$r\x1b\\"), "\\x1BP1$r\\x1B\\");
        assert_eq!(shown("\x1bc"), "\\x1Bc");
    }

    #[test]
    fn the_second_set_of_control_characters_is_shown() {
        assert_eq!(shown("\u{9b}2J\u{85}\u{9d}"), "\\xC2\\x9B2J\\xC2\\x85\\xC2\\x9D");
        assert_eq!(lines(b"\x9b2J"), ["\\x9B2J"]);
    }

    #[test]
    fn marks_that_turn_the_direction_of_writing_are_shown() {
        for mark in
            ['\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{200f}', '\u{061c}']
        {
            assert!(shown(&mark.to_string()).starts_with("\\x"), "{mark:?}");
        }
    }

    #[test]
    fn what_takes_no_column_is_shown() {
        for mark in ['\u{200b}', '\u{200d}', '\u{feff}', '\u{2060}', '\u{0301}', '\u{fe0f}', '\u{00ad}', '\u{e0041}'] {
            assert!(shown(&mark.to_string()).starts_with("\\x"), "{mark:?}");
        }
    }

    #[test]
    fn what_takes_two_columns_is_shown() {
        assert_eq!(shown("\u{4e00}"), "\\xE4\\xB8\\x80");
        assert!(shown("\u{1f600}").starts_with("\\xF0"));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown() {
        assert_eq!(lines(b"a\xff\xc3"), ["a\\xFF\\xC3"]);
    }

    #[test]
    fn text_passes() {
        assert_eq!(shown("SAMPLE, PERSON \u{e9}\u{df} 1/2"), "SAMPLE, PERSON \u{e9}\u{df} 1/2");
    }

    #[test]
    fn long_lines_break_at_a_space() {
        let broken = |text: &str| wrapped(&[text.to_owned()], 10);
        assert_eq!(broken("ABCDEFG HIJKL"), ["ABCDEFG", "HIJKL"]);
        assert_eq!(broken("ABCDEFGHIJKLM"), ["ABCDEFGHIJ", "KLM"]);
        assert_eq!(broken(""), [""]);
        assert_eq!(broken("AB \u{e9}CDEFGHIJKL"), ["AB \u{e9}CDEFGH", "IJKL"]);
        assert_eq!(broken("NAM/A B.DOB/1"), ["NAM/A B.", "DOB/1"]);
        assert_eq!(broken("NAM/AB C.DOBS"), ["NAM/AB", "C.DOBS"]);
    }
}
