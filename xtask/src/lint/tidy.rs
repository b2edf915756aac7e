//! House style that a program can judge, file by file.

use std::path::Path;

use super::source::{Source, is_test_file};
use super::{Finding, Tree};

/// The most lines of a file, tests aside, before it hides a second concept.
const LINES_MAX: usize = 900;

/// Macros that say that something is not done. Clippy knows them too, but not behind every `cfg`.
const UNFINISHED: [&str; 3] = ["dbg!", "todo!", "unimplemented!"];

/// Attributes that the house does without, and what to do instead.
const ATTRIBUTES: [(&str, &str); 4] = [
    ("#[ignore", "run the test, or take it out"),
    ("#[should_panic", "assert on the error"),
    ("#[allow(", "use #[expect(…, reason = \"…\")]: it ends when its reason does"),
    ("#![allow(", "use #![expect(…, reason = \"…\")]: it ends when its reason does"),
];

/// Words of a comment that put something off.
const PUT_OFF: [&str; 2] = ["TODO", "FIXME"];

/// Text files in which such a word is a remark and not a value.
const REMARKS_IN: [&str; 8] = ["css", "html", "js", "md", "py", "sh", "toml", "yml"];

/// Folders at the root of one person's machine.
const MACHINE: [&str; 4] = ["farm", "home", "root", "work"];

/// Names that say nothing about what a module is for.
const NAMELESS: [&str; 5] = ["common", "helpers", "manager", "types", "utils"];

/// All rules, on all files.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        rust(path, text, &mut Report { path, findings: &mut findings });
    }
    for (path, text) in &tree.texts {
        let mut report = Report { path, findings: &mut findings };
        machine_paths(text, &mut report);
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| REMARKS_IN.contains(&extension)) {
            put_off(text, &mut report);
        }
    }
    findings
}

/// Where findings of one file go. Lines are counted from 0 here and from 1 for people.
struct Report<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Report<'_> {
    fn add(&mut self, line: usize, what: impl Into<String>) {
        self.findings.push(Finding { path: self.path.to_owned(), line: line + 1, what: what.into() });
    }
}

fn rust(path: &str, text: &str, report: &mut Report<'_>) {
    if !text.starts_with("//! ") {
        report.add(0, "begin with `//!` and one sentence: what the file is for");
    }
    let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if NAMELESS.contains(&stem) {
        report.add(0, format!("name the file for what is in it: `{stem}` can be anything"));
    }
    let source = Source::parse(text);
    if !is_test_file(path) {
        let lines = (0..text.lines().count()).filter(|line| !source.is_test(*line)).count();
        if lines > LINES_MAX {
            report.add(LINES_MAX, format!("{lines} lines without tests, more than {LINES_MAX}: split it"));
        }
    }
    for (index, line) in source.code.lines().enumerate() {
        for name in UNFINISHED.iter().filter(|name| has_word(line, name)) {
            report.add(index, format!("`{name}` must not stay: finish it"));
        }
        for (attribute, instead) in ATTRIBUTES.iter().filter(|(attribute, _)| line.contains(attribute)) {
            report.add(index, format!("no `{attribute}`: {instead}"));
        }
        if (is_test_file(path) || source.is_test(index)) && sleeps(line) {
            report.add(index, "a test does not sleep: wait for the event, or advance virtual time");
        }
    }
    put_off(&source.comments, report);
}

/// Whether a line of code calls a function that sleeps.
fn sleeps(line: &str) -> bool {
    ["sleep", "sleep_until"].iter().any(|name| {
        line.match_indices(name).any(|(at, _)| {
            let (before, after) = (line.get(..at).unwrap_or_default(), line.get(at + name.len()..).unwrap_or_default());
            let whole = !before.ends_with(is_word) && !before.ends_with('.') && !before.ends_with("fn ");
            whole && after.starts_with('(')
        })
    })
}

fn put_off(text: &str, report: &mut Report<'_>) {
    for (index, line) in text.lines().enumerate() {
        for word in PUT_OFF.iter().filter(|word| has_word(line, word)) {
            report.add(index, format!("{word}: do it, or write it down as an issue"));
        }
    }
}

fn machine_paths(text: &str, report: &mut Report<'_>) {
    for (index, line) in text.lines().enumerate() {
        for folder in MACHINE {
            let name = format!("/{folder}/");
            // In the middle of a longer path or of an address it is somebody's ordinary folder.
            let at_root = |(at, _)| {
                let before = line.get(..at).and_then(|before| before.chars().next_back());
                !before.is_some_and(|before| is_word(before) || "./-~}*".contains(before))
            };
            if line.match_indices(&name).any(at_root) {
                report.add(index, format!("a path under {name} is only on one machine: use a relative one"));
            }
        }
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "crates/codec/src/lib.rs";

    /// The lines that have findings, each with a word of what is said.
    fn check_at(path: &str, text: &str, expect: &[(usize, &str)]) {
        let found = check(&Tree::of(&[(path, text)]));
        assert_eq!(
            found.iter().map(|one| one.line).collect::<Vec<_>>(),
            expect.iter().map(|one| one.0).collect::<Vec<_>>(),
            "{found:?}"
        );
        for (one, (_, word)) in found.iter().zip(expect) {
            assert!(one.what.contains(word), "{one} does not say {word}");
        }
    }

    #[test]
    fn a_file_begins_with_what_it_is_for() {
        check_at(PATH, "//! What it is for.\nfn a() {}\n", &[]);
        check_at(PATH, "#![no_main]\n//! What it is for.\n", &[(1, "begin with")]);
        check_at(PATH, "", &[(1, "begin with")]);
    }

    #[test]
    fn a_file_is_named_for_what_is_in_it() {
        check_at("crates/codec/src/utils.rs", "//! Bits.\n", &[(1, "utils")]);
    }

    #[test]
    fn long_files_are_found_tests_aside() {
        let code = |lines: usize| format!("//! Long.\n{}", "fn a() {}\n".repeat(lines - 1));
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn b() {}\n".repeat(500));
        check_at(PATH, &(code(900) + &tests), &[]);
        check_at(PATH, &(code(901) + &tests), &[(901, "901 lines")]);
        check_at("crates/codec/tests/it/main.rs", &code(2000), &[]);
    }

    #[test]
    fn unfinished_code_is_found_and_words_in_quotes_are_not() {
        check_at(PATH, "//! A.\nfn a() { todo!() }\n", &[(2, "todo!")]);
        check_at(PATH, "//! A.\nfn a() { core::unimplemented!(\"x\") }\n", &[(2, "unimplemented!")]);
        check_at(PATH, "//! A.\nconst A: &str = \"todo!() dbg!()\";\n", &[]);
        check_at(PATH, "//! A.\n#[test]\n#[ignore]\nfn a() {}\n", &[(3, "#[ignore")]);
        check_at(PATH, "//! A.\n#[allow(x)]\nfn a() {}\n", &[(2, "#[expect")]);
    }

    #[test]
    fn what_was_put_off_is_found() {
        check_at(
            PATH,
            &format!("//! A.\n// {}: more\n// MASTODONTE {}S\n", PUT_OFF[0], PUT_OFF[0]),
            &[(2, PUT_OFF[0])],
        );
        check_at("README.md", &format!("# A\n{} this\n", PUT_OFF[1]), &[(2, PUT_OFF[1])]);
        check_at("names.txt", &format!("{}\n", PUT_OFF[0]), &[]);
    }

    #[test]
    fn a_test_does_not_sleep() {
        let module =
            "//! A.\nfn a() { std::thread::sleep(t) }\n#[cfg(test)]\nmod tests {\n fn b() { thread::sleep(t) }\n}\n";
        check_at(PATH, module, &[(5, "does not sleep")]);
        let file = "//! A.\nasync fn a() { sleep(t).await; time::sleep_until(t).await }\nfn sleep(a: u8) { x.sleep(a); no_sleep(a) }\n";
        check_at("crates/link/tests/it/main.rs", file, &[(2, "does not sleep")]);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for folder in MACHINE {
            check_at("a.toml", &format!("a = 1\nb = \"/{folder}/x\"\n"), &[(2, folder)]);
        }
        let [_, home, ..] = MACHINE;
        check_at("a.md", &format!("https://example.org/{home}/x and ~/{home}/x and /{home}s/\n"), &[]);
    }
}
