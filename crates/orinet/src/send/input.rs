//! Reads the messages to be sent, each to be sent to the byte as it was written.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use bytes::Bytes;

/// The messages of the files in their order, each file one message; without files, or where a file is `-`, those of
/// standard input, which is read to its end.
///
/// # Errors
/// If something cannot be read or holds no message.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Bytes>> {
    if files.is_empty() {
        return read_standard_input();
    }
    let mut messages = Vec::with_capacity(files.len());
    for file in files {
        if file == Path::new("-") {
            messages.append(&mut read_standard_input()?);
            continue;
        }
        let text = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let message = without_newline(&text);
        if message.is_empty() {
            bail!("{} holds no message", file.display());
        }
        messages.push(Bytes::copy_from_slice(message));
    }
    Ok(messages)
}

#[expect(clippy::print_stderr, reason = "the hint is for whoever sits there; standard output is for what comes back")]
fn read_standard_input() -> anyhow::Result<Vec<Bytes>> {
    let mut input = io::stdin().lock();
    if input.is_terminal() {
        eprintln!("Type messages, a line {SEPARATOR} between two of them, Ctrl-D at the end:");
    }
    let mut text = Vec::new();
    input.read_to_end(&mut text).context("standard input cannot be read")?;
    let messages = split(&text);
    if messages.is_empty() {
        bail!("standard input holds no message");
    }
    Ok(messages)
}

/// The line between two messages on standard input.
pub(super) const SEPARATOR: &str = "---";

/// The messages of a text in which a line that holds nothing but [`SEPARATOR`] stands between each two. The line end
/// before such a line belongs to it. What is empty is no message.
fn split(text: &[u8]) -> Vec<Bytes> {
    let mut messages = Vec::new();
    let mut message = Vec::new();
    let mut keep = |message: &mut Vec<u8>| {
        let text = without_newline(message);
        if !text.is_empty() {
            messages.push(Bytes::copy_from_slice(text));
        }
        message.clear();
    };
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if without_newline(line) == SEPARATOR.as_bytes() {
            keep(&mut message);
        } else {
            message.extend_from_slice(line);
        }
    }
    keep(&mut message);
    messages
}

/// The text without one LF or CR LF at its end: editors put one there. CR LF DEL was meant.
fn without_newline(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").map_or(text, |text| text.strip_suffix(b"\r").unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(split(text.as_bytes()), expected, "{text:?}");
    }

    #[test]
    fn one_message_needs_no_separator_and_loses_one_newline() {
        check("A", &["A"]);
        check("A\nB\n", &["A\nB"]);
        check("A\r\nB\r\n", &["A\r\nB"]);
        check("A\n\n", &["A\n"]);
        check("A\r\n\x7f", &["A\r\n\x7f"]);
    }

    #[test]
    fn a_line_of_three_dashes_separates_messages() {
        check("A\n---\nB\n", &["A", "B"]);
        check("A\r\n---\r\nB", &["A", "B"]);
        check("---\nA\n---\n---\nB\n---", &["A", "B"]);
        check("A\n--- \n----\n ---\nB ---\n", &["A\n--- \n----\n ---\nB ---"]);
        check("", &[]);
        check("\n---\n\n", &[]);
    }

    #[test]
    fn bytes_that_are_no_text_are_sent_as_they_are() {
        assert_eq!(split(b"\xff\x00\n---\n\x1b"), [b"\xff\x00".as_slice(), b"\x1b"]);
    }
}
