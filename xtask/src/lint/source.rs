//! A Rust file taken apart: its code and its comments, and which lines are tests.

use std::path::Path;

/// A file in two layers of the same shape: what does not belong to a layer is blank there, so that lines and columns are
/// those of the file. Text in quotes belongs to neither: a rule may name what it forbids.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) code: String,
    pub(super) comments: String,
    /// The lines of its test modules, counted from 0; the end is not included.
    tests: Vec<(usize, usize)>,
}

impl Source {
    /// Takes a file apart. Whatever it is, this comes to an end; of what is no Rust nothing is promised.
    pub(super) fn parse(text: &str) -> Self {
        let (code, comments) = layers(text);
        let tests = test_modules(&code);
        Self { code, comments, tests }
    }

    /// Whether a line, counted from 0, lies in a test module.
    pub(super) fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|(from, to)| (*from..*to).contains(&line))
    }
}

/// Whether a whole file is tests.
pub(super) fn is_test_file(path: &str) -> bool {
    let path = Path::new(path);
    path.components().any(|part| part.as_os_str() == "tests")
        || path.file_stem().is_some_and(|stem| stem == "tests")
        || path.starts_with("crates/e2e")
}

/// What a character belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Layer {
    Code,
    Comment,
    Quoted,
}

fn layers(text: &str) -> (String, String) {
    let (mut code, mut comments) = (String::with_capacity(text.len()), String::with_capacity(text.len()));
    let mut rest = text;
    let mut before = ' ';
    while !rest.is_empty() {
        let (layer, bytes) = piece(rest, before);
        let (taken, after) = rest.split_at(bytes);
        for character in taken.chars() {
            let shown = |here: bool| if here || character == '\n' { character } else { ' ' };
            code.push(shown(layer == Layer::Code));
            comments.push(shown(layer == Layer::Comment));
        }
        before = taken.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    (code, comments)
}

/// What `rest` begins with, and how many bytes of it belong to that; at least one character.
fn piece(rest: &str, before: char) -> (Layer, usize) {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    if rest.starts_with("//") {
        return (Layer::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Layer::Comment, block_comment(rest));
    }
    if rest.starts_with('"') {
        return (Layer::Quoted, quoted(rest, '"'));
    }
    if let Some(bytes) = raw_string(rest).filter(|_| !is_word(before)) {
        return (Layer::Quoted, bytes);
    }
    if let Some(after) = rest.strip_prefix('\'') {
        // A lifetime has no second quote right after one character.
        let mut characters = after.chars();
        let escaped = characters.next() == Some('\\');
        if escaped || characters.next() == Some('\'') {
            return (Layer::Quoted, quoted(rest, '\''));
        }
    }
    (Layer::Code, first)
}

/// The length of a block comment, which may hold others.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(here) = rest.get(at..) {
        if here.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if here.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            match here.chars().next() {
                Some(character) => at += character.len_utf8(),
                None => break,
            }
        }
    }
    rest.len()
}

/// The length of a literal through to its closing quote.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// The length of `r"…"`, `r#"…"#`, `br"…"` and so on.
fn raw_string(rest: &str) -> Option<usize> {
    let start = rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'))?;
    let hashes = start.len() - start.trim_start_matches('#').len();
    let body = start.trim_start_matches('#').strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close).map_or(body.len(), |at| at + close.len());
    Some(rest.len() - body.len() + end)
}

/// The lines of modules that are compiled for tests only.
fn test_modules(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut lines = code.lines().enumerate();
    while let Some((from, line)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            continue;
        }
        let (mut depth, mut opened, mut module) = (0_usize, false, false);
        for (index, line) in lines.by_ref() {
            module |= line.trim_start().starts_with("mod ") || line.trim_start().starts_with("pub(crate) mod ");
            if !module {
                // Something else for tests only: a function, a `use`. It ends where nobody counts.
                if !line.trim_start().starts_with("#[") {
                    break;
                }
                continue;
            }
            opened |= line.contains('{');
            depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
            if depth == 0 {
                if opened {
                    found.push((from, index + 1));
                }
                break;
            }
        }
    }
    found
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str, comments: &str) {
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let source = Source::parse(text);
        assert_eq!(
            (squeeze(&source.code), squeeze(&source.comments)),
            (code.to_owned(), comments.to_owned()),
            "{text}"
        );
        let shape = |text: &str| text.chars().map(|character| character == '\n').collect::<Vec<_>>();
        assert_eq!(shape(&source.code), shape(text), "a layer has the shape of its file");
        assert_eq!(shape(&source.comments), shape(text), "a layer has the shape of its file");
    }

    #[test]
    fn code_and_comments_are_told_apart() {
        check("a(); // one\n/// two\nb();", "a(); b();", "// one /// two");
        check("a /* x /* y */ z */ b", "a b", "/* x /* y */ z */");
        check("a(\"// no \\\" comment\") // yes", "a( ) // yes".split(" //").next().unwrap(), "// yes");
        check("r\"\\\" x r#\"a\"b\"# y br##\"\"#\"## z", "x y z", "");
        check("bar\"text\" r#type", "bar r#type", "");
        check(
            "fn f<'a>(x: &'a str) { '\"'; '\\''; 'é'; '/' } // c",
            "fn f<'a>(x: &'a str) { ; ; ; } // c".split(" // ").next().unwrap(),
            "// c",
        );
        check("\"never closed", "", "");
        check("/* never closed", "", "/* never closed");
    }

    #[test]
    fn test_modules_are_found() {
        let source = Source::parse(
            "fn a() {}\n#[cfg(test)]\nfn b() {}\n\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n fn c() { \"}\"; }\n}\nfn d() {}\n",
        );
        let lines: Vec<_> = (0..10).filter(|line| source.is_test(*line)).collect();
        assert_eq!(lines, [4, 5, 6, 7, 8]);
        assert!(!Source::parse("#[cfg(test)]\nmod tests;\nfn a() {}").is_test(2));
    }

    #[test]
    fn files_of_tests_are_known_by_their_place() {
        for path in ["crates/codec/tests/it/main.rs", "crates/journal/src/tests/disk.rs", "crates/e2e/src/lib.rs"] {
            assert!(is_test_file(path), "{path}");
        }
        assert!(!is_test_file("crates/codec/src/lib.rs"));
    }
}
