//! What points elsewhere in the tree must point at something: links of Markdown, sections of the protocol.

use std::collections::BTreeSet;

use super::source::Source;
use super::{Finding, Tree};

/// Pages whose numbered sections are cited, in `protocol-specs/`.
const CITED: [&str; 2] = ["formats.md", "wire.md"];

/// All rules, on all files.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<_> = tree.with_extension("md").flat_map(|(path, text)| links(tree, path, text)).collect();
    for page in CITED {
        let home = format!("protocol-specs/{page}");
        let Some(text) = tree.texts.get(&home) else { continue };
        let sections = sections(text);
        for (path, text) in &tree.texts {
            // conformance/ came from elsewhere and is left as it is.
            if path.starts_with("conformance/") {
                continue;
            }
            let comments = path.ends_with(".rs").then(|| Source::parse(text).comments);
            let text = comments.as_deref().unwrap_or(text);
            for (line, number) in citations(text, page).into_iter().filter(|(_, number)| !sections.contains(number)) {
                let what = format!("{home} has no section {number}");
                findings.push(Finding { path: path.clone(), line, what });
            }
        }
    }
    findings
}

/// The numbers of a page's sections: `## 2. Message` has 2, `### 2.4 Admission` has 2.4.
fn sections(page: &str) -> BTreeSet<String> {
    prose(page)
        .filter_map(|(_, line)| {
            let heading = line.strip_prefix('#')?.trim_start_matches('#').trim_start();
            number(heading).map(|(number, _)| number.to_owned())
        })
        .collect()
}

/// The sections of a page that a text cites, each with its line: `protocol-specs/wire.md` 2.4, also over the end of a
/// line and as the second of two (`wire.md` 2.2 and 2.3).
fn citations(text: &str, page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(page) {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + page.len()..).unwrap_or_default());
        let other = before.chars().next_back().is_some_and(|before| before.is_alphanumeric() || "_-.".contains(before));
        if other {
            continue;
        }
        let line = before.matches('\n').count() + 1;
        let mut rest = after.strip_prefix('`').unwrap_or(after);
        // In a link the target comes between the name and the number.
        if let Some(target) = rest.strip_prefix("](") {
            rest = target.split_once(')').map_or("", |(_, rest)| rest);
        }
        let Some((first, after)) = gap(rest).and_then(number) else { continue };
        found.push((line, first.to_owned()));
        rest = after;
        while let Some((next, after)) = [",", " and", " to", " or"]
            .iter()
            .find_map(|word| number(gap(gap_before(rest, word)?)?))
            .filter(|(number, _)| number.contains('.'))
        {
            found.push((line, next.to_owned()));
            rest = after;
        }
    }
    found
}

/// What follows a word that may stand at the beginning of a line instead of after a blank.
fn gap_before<'a>(rest: &'a str, word: &str) -> Option<&'a str> {
    match word.strip_prefix(' ') {
        Some(word) => gap(rest)?.strip_prefix(word),
        None => rest.strip_prefix(word),
    }
}

/// What follows blanks, with at most one line end and the comment mark after it.
fn gap(rest: &str) -> Option<&str> {
    let blanks = rest.trim_start_matches(' ');
    let Some(next) = blanks.strip_prefix('\n') else { return (blanks.len() < rest.len()).then_some(blanks) };
    Some(next.trim_start_matches([' ', '/', '!', '#', '*', '>']))
}

/// A section's number at the beginning, and what follows it.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let (number, _) = text.split_at(end);
    let number = number.trim_end_matches('.');
    let whole = !number.is_empty() && number.split('.').all(|part| !part.is_empty());
    let rest = text.strip_prefix(number)?;
    (whole && !rest.starts_with(|after: char| after.is_alphanumeric())).then_some((number, rest))
}

/// Links of one page that lead nowhere in the tree.
fn links(tree: &Tree, path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in prose(text) {
        for target in targets(&line) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
            let Some(file) = resolve(path, file).filter(|file| file.is_empty() || tree.has(file)) else {
                let what = format!("the link to {target} leads to no file of the tree");
                findings.push(Finding { path: path.to_owned(), line: index + 1, what });
                continue;
            };
            let page = tree.texts.get(&file).filter(|_| file.ends_with(".md"));
            let (Some(anchor), Some(page)) = (anchor, page) else { continue };
            if !anchors(page).contains(anchor) {
                let what = format!("the link to {target} leads to no heading of {file}");
                findings.push(Finding { path: path.to_owned(), line: index + 1, what });
            }
        }
    }
    findings
}

/// The lines of a page that are not code, counted from 0, with code inside a line taken out.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        // Every second part of the line lies between backticks.
        (!fenced).then(|| (index, line.split('`').step_by(2).collect::<Vec<_>>().join("`")))
    })
}

/// Where the links of a line lead: `[text](target)`, `[name]: target`.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let named = line.trim_start().strip_prefix('[').and_then(|rest| Some(rest.split_once("]: ")?.1));
    inline.chain(named).filter_map(|target| target.split_whitespace().next()).collect()
}

/// A link's path from the root; none if it leads out of the tree.
fn resolve(page: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(page.to_owned());
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What a page's headings can be linked as.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut anchors = BTreeSet::new();
    for line in page.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let Some(heading) = line.strip_prefix('#').filter(|_| !fenced) else { continue };
        let heading = heading.trim_start_matches('#').trim();
        let kept = heading.chars().filter(|one| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_'));
        let anchor: String = kept.flat_map(char::to_lowercase).map(|one| if one == ' ' { '-' } else { one }).collect();
        let copies = (0..).map(|copy| if copy == 0 { anchor.clone() } else { format!("{anchor}-{copy}") });
        let fresh = copies.into_iter().find(|name| !anchors.contains(name));
        anchors.extend(fresh);
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &str =
        "# Wire\n\n## 1. Link\n\n### 1.1 Blocks\n\n## 2. Message\n\n### 2.4 Admission\n\n```\n## 9. Code\n```\n";

    fn check_files(files: &[(&str, &str)], expect: &[&str]) {
        assert_eq!(check(&Tree::of(files)).iter().map(Finding::to_string).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn sections_are_read_from_headings() {
        assert_eq!(sections(WIRE), ["1", "1.1", "2", "2.4"].map(str::to_owned).into());
    }

    #[test]
    fn a_cited_section_exists() {
        let check =
            |text: &str, expect: &[&str]| check_files(&[("protocol-specs/wire.md", WIRE), ("a.rs", text)], expect);
        check("//! As `protocol-specs/wire.md` 2.4 says, and 1.\n", &[]);
        check(
            "//! A.\n/// (`protocol-specs/wire.md` 2.9, *Late*).\n",
            &["a.rs:2: protocol-specs/wire.md has no section 2.9"],
        );
        check("/// See `protocol-specs/wire.md`\n/// 3.\n", &["a.rs:1: protocol-specs/wire.md has no section 3"]);
        check("/// `protocol-specs/wire.md` 1.1 and 2.5\n", &["a.rs:1: protocol-specs/wire.md has no section 2.5"]);
        check("/// `protocol-specs/wire.md` 1.1, 7 stations\n", &[]);
        check("/// `protocol-specs/wire.md` 2nd page; hotwire.md 9\nconst A: &str = \"wire.md 9\";\n", &[]);
    }

    #[test]
    fn citations_in_other_files_count_too() {
        let toml = ("protocol-specs/messages/am.toml", "source = \"wire.md 5.1\"\n");
        let page = ("docs/a.md", "[`wire.md`](../protocol-specs/wire.md) 1.1 and 8.1.\n");
        check_files(
            &[("protocol-specs/wire.md", WIRE), toml, page, ("conformance/check.py", "# wire.md 9\n")],
            &[
                "docs/a.md:1: protocol-specs/wire.md has no section 8.1",
                "protocol-specs/messages/am.toml:1: protocol-specs/wire.md has no section 5.1",
            ],
        );
    }

    #[test]
    fn links_lead_to_files_and_headings() {
        let page = "[a](b.md) [b](../README.md#two-words) [c](https://x/y) [d](sub/) [e](#here)\n# Here\n";
        let readme = "# Two words\n";
        let good = [("docs/a.md", page), ("docs/b.md", ""), ("README.md", readme), ("docs/sub/x.png", "")];
        check_files(&good, &[]);
        check_files(
            &[("docs/a.md", "x\n[a](b.md)\n[b]: c.md\n[c](../../x.md)\n[d](#there)\n")],
            &[
                "docs/a.md:2: the link to b.md leads to no file of the tree",
                "docs/a.md:3: the link to c.md leads to no file of the tree",
                "docs/a.md:4: the link to ../../x.md leads to no file of the tree",
                "docs/a.md:5: the link to #there leads to no heading of docs/a.md",
            ],
        );
    }

    #[test]
    fn code_is_not_read_as_links() {
        check_files(&[("a.md", "`[a](b)` and\n```\n[c](d)\n```\n")], &[]);
    }

    #[test]
    fn headings_become_anchors_as_readers_expect() {
        let expect = ["11-dmpp-2020-blocks", "same", "same-1"].map(str::to_owned);
        assert_eq!(anchors("### 1.1 DMPP-2020 blocks\n# Same\n## `Same`\n"), expect.into());
    }
}
