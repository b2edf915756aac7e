//! Every sentence that a refusal can be made of is in a transcript.
//!
//! The list is not kept by hand: it is read from the sources that say the sentences, so that a new refusal without a transcript
//! fails here. `e2e` asks the same of the parts of transcripts that it replays over TLS.

use std::fs;
use std::path::Path;

/// Sources whose texts in capitals are said to stations.
const CAPITALS: &[&str] = &[
    "switch-core/src/admission.rs",
    "switch-core/src/admission/agencies.rs",
    "switch-core/src/admission/help.rs",
    "switch-core/src/admission/own.rs",
    "switch-core/src/admission/status.rs",
    "switch-core/src/query.rs",
    "codec/src/notice.rs",
    "codec/src/dictionary/check.rs",
    "codec/src/niem/read.rs",
    "codec/src/xml/translation.rs",
    "codec/src/ofml/read.rs",
];
/// Rules of XML, which an ER says in capitals.
const RULES: &str = "codec/src/xml/reader.rs";
/// Sources of what operators are denied.
const DENIALS: &[&str] = &["switch-core/src/switch/operator.rs", "switch-core/src/switch/reload.rs"];

/// Texts in those sources that no transcript has, and why.
const NOT_SAID: &[(&str, &str)] = &[
    ("MEXICAN CDL ERROR", "of the public table; no rule here leads to it"),
    ("INVALID MESSAGE FORMAT FOR CN", "of the public table; no rule here leads to it"),
    ("NONE", "a value, not a sentence"),
    ("IN SERVICE", "what a station says"),
    ("AN ELEMENT", "an element without a letter in its name cannot be written"),
    ("ORI VALUE", "the dictionary lets no such value through"),
    ("MSN VALUE", "the dictionary lets no such value through"),
    ("NO ELEMENT", "what does not begin with < is not taken for XML"),
    ("AN END WITHOUT ITS BEGINNING", "the reader below says that beginning and end do not match"),
    ("NOT WELL FORMED", "the reader below has a word for all it finds"),
    ("QUEUED - THE ANSWER FOLLOWS", "an answer"),
    ("WARNING - TYP NOT ALLOWED - {}", "an answer"),
    ("THERE MAY BE MORE - NARROW THE QUERY", "an answer: more than 25 agencies"),
    ("THE QUERY CANNOT BE READ ANY MORE", "an answer: the dictionary changed under a log query"),
    ("CUT HERE - TOO LONG", "an answer: 200 kB of a log"),
    ("the message was refused, not accepted", "what was refused has no number by which it could be named"),
    ("{key} is no message key of the dictionary any more", "the dictionary of a transcript does not change"),
    ("letter {} cannot be read", "its record is damaged"),
    ("the network changed while its configuration was read; try again", "two reloads at once"),
];

/// A text of a source, and its parts between what is put into it.
#[derive(Debug)]
pub(crate) struct Sentence {
    pub(crate) source: String,
    pub(crate) text: String,
}

impl Sentence {
    /// Whether a line has it.
    pub(crate) fn is_in(&self, line: &str) -> bool {
        let mut rest = line;
        let mut open = self.text.as_str();
        loop {
            let (part, after) = open.split_once('{').unwrap_or((open, ""));
            let Some((_, behind)) = rest.split_once(part) else { return false };
            rest = behind;
            let Some((_, next)) = after.split_once('}') else { return true };
            open = next;
        }
    }
}

/// All that must be said somewhere.
pub(crate) fn all(crates: &Path) -> Vec<Sentence> {
    let mut all = Vec::new();
    let mut add = |source: &str, text: String| all.push(Sentence { source: source.to_owned(), text });
    for source in CAPITALS {
        capitals(crates, source).into_iter().for_each(|text| add(source, text));
    }
    for (_, text) in literals(&read(crates, RULES)) {
        if text.contains(' ') && text.is_ascii() && !text.contains('{') {
            add(RULES, text.to_ascii_uppercase());
        }
    }
    for source in DENIALS {
        for (before, text) in literals(&read(crates, source)) {
            let denial = ["Denial::Unknown(", "Denial::Conflict("].iter().any(|begin| {
                let called = before.trim_end_matches("format!(").trim_end();
                called.ends_with(begin)
            });
            if denial {
                add(source, text);
            }
        }
    }
    all.retain(|one| NOT_SAID.iter().all(|(text, _)| *text != one.text));
    all
}

/// The texts of a source that are in capitals.
pub(crate) fn capitals(crates: &Path, source: &str) -> Vec<String> {
    let texts = literals(&read(crates, source)).into_iter().map(|(_, text)| text);
    let said = |text: &String| {
        let plain = without_gaps(text);
        plain.chars().filter(char::is_ascii_alphabetic).count() >= 4 && plain == plain.to_ascii_uppercase()
    };
    texts.filter(said).collect()
}

fn read(crates: &Path, source: &str) -> String {
    let text = fs::read_to_string(crates.join(source)).unwrap_or_else(|error| panic!("{source}: {error}"));
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn without_gaps(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for character in text.chars() {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            _ if !inside => kept.push(character),
            _ => {}
        }
    }
    kept
}

/// The texts of a source, each with what stands before it.
fn literals(code: &str) -> Vec<(String, String)> {
    let characters: Vec<char> = code.chars().collect();
    let (mut found, mut at, mut end) = (Vec::new(), 0, 0);
    while at < characters.len() {
        match characters[at] {
            '\'' if characters.get(at + 1) == Some(&'\\') => {
                let more = characters[at + 3..].iter().position(|one| *one == '\'').unwrap();
                at += more + 4;
            }
            '\'' if characters.get(at + 2) == Some(&'\'') => at += 3,
            '"' => {
                let before: String = characters[end..at].iter().collect();
                let mut text = String::new();
                at += 1;
                while characters[at] != '"' {
                    if characters[at] == '\\' && characters[at + 1] == '\n' {
                        at += 1;
                        while characters[at].is_whitespace() {
                            at += 1;
                        }
                        continue;
                    }
                    if characters[at] == '\\' {
                        at += 1;
                        text.push('\\');
                    }
                    text.push(characters[at]);
                    at += 1;
                }
                at += 1;
                end = at;
                found.push((before, text.replace("\\r\\n", "")));
            }
            _ => at += 1,
        }
    }
    found
}

/// The lines of a transcript in which something is said to somebody.
pub(crate) fn said(transcript: &str) -> impl Iterator<Item = &str> {
    transcript
        .lines()
        .filter(|line| line.starts_with("  ") || line.starts_with("< reply ") || line.starts_with("< there"))
}
