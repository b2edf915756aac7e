//! Shows a peer's bytes to a person: nothing of them acts on the terminal.

use std::fmt::Write as _;

/// A message as lines of text. Each of the network's line ends is a newline; every other control character, also those
/// beyond ASCII and those that reorder text, and every byte that is no UTF-8, is shown as `\xNN`.
pub(super) fn readable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(character) = rest.chars().next() {
            if let Some(after) = LINE_ENDS.iter().find_map(|end| rest.strip_prefix(end)) {
                out.push('\n');
                rest = after;
                continue;
            }
            let (shown, after) = rest.split_at(character.len_utf8());
            if is_shown(character) {
                out.push(character);
            } else {
                escape(&mut out, shown.as_bytes());
            }
            rest = after;
        }
        escape(&mut out, chunk.invalid());
    }
    out
}

/// The beginning of a block's data as hexadecimal digits and text, sixteen bytes to a line.
pub(super) fn dump(bytes: &[u8]) -> String {
    let mut out = String::new();
    let shown = bytes.get(..DUMP_BYTES_MAX).unwrap_or(bytes);
    for (line, offset) in shown.chunks(DUMP_LINE_BYTES).zip((0..).step_by(DUMP_LINE_BYTES)) {
        let digits: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String =
            line.iter().map(|byte| if matches!(byte, 0x20..=0x7e) { char::from(*byte) } else { '.' }).collect();
        writing(writeln!(out, "{offset:04x}  {:width$}  {text}", digits.join(" "), width = 3 * DUMP_LINE_BYTES - 1));
    }
    if bytes.len() > shown.len() {
        writing(writeln!(out, "and {} bytes more", bytes.len() - shown.len()));
    }
    out
}

/// What of a block's data is dumped: the header of every message and the beginning of its body.
const DUMP_BYTES_MAX: usize = 512;
const DUMP_LINE_BYTES: usize = 16;

/// The longest first.
const LINE_ENDS: [&str; 3] = ["\r\n\x7f", "\r\n", "\n"];

/// Whether a character shows itself on a terminal and does nothing else.
pub(super) fn is_shown(character: char) -> bool {
    // Beside control characters: marks that are invisible, break lines or turn the direction of writing.
    !character.is_control()
        && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn escape(out: &mut String, bytes: &[u8]) {
    bytes.iter().for_each(|byte| writing(write!(out, "\\x{byte:02X}")));
}

/// Writing to a string does not fail.
fn writing(result: std::fmt::Result) {
    debug_assert!(result.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_newlines() {
        assert_eq!(readable(b"A\r\n\x7fB\r\nC\nD\r\n"), "A\nB\nC\nD\n");
        assert_eq!(readable(b"A\r\rB\n\rC\x7f"), "A\\x0D\\x0DB\n\\x0DC\\x7F");
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_comes_through() {
        assert_eq!(readable(b"\x1b[2J\x07\t\x00"), "\\x1B[2J\\x07\\x09\\x00");
        assert_eq!(readable("\u{9b}2J".as_bytes()), "\\xC2\\x9B2J");
        assert_eq!(readable("a\u{202e}b\u{2028}c".as_bytes()), "a\\xE2\\x80\\xAEb\\xE2\\x80\\xA8c");
        assert_eq!(readable("\\xé\u{4e00}".as_bytes()), "\\xé\u{4e00}");
        assert_eq!(readable(b"a\xff\xc3"), "a\\xFF\\xC3");
        let every: Vec<u8> = (0..=u8::MAX).collect();
        assert!(readable(&every).chars().all(|character| character == '\n' || !character.is_control()));
    }

    #[test]
    fn a_dump_is_bounded() {
        let text = "AM.ZA0010000.FB.";
        assert_eq!(
            dump(format!("{text}\r\n\u{7f}").as_bytes()),
            "0000  41 4d 2e 5a 41 30 30 31 30 30 30 30 2e 46 42 2e  AM.ZA0010000.FB.\n\
             0010  0d 0a 7f                                         ...\n"
        );
        assert_eq!(dump(b""), "");
        assert_eq!(dump(&[b'A'; 512]).lines().count(), 32);
        let long = dump(&[b'A'; 32_740]);
        assert_eq!((long.lines().count(), long.lines().last()), (33, Some("and 32228 bytes more")));
    }
}
