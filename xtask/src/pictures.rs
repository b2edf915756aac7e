//! `cargo xtask pictures`: the pictures of the documents, made from what a screen of 80 by 24 shows.
//!
//! The terminal's come from `crates/terminal/snapshots/*.ansi`, which its own tests hold to what is drawn; the lint step
//! holds the pictures to those files. The demo's is a real run, and differs from run to run: the lint step looks only
//! whether its command is there.

mod svg;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;
use crate::{output, process};

/// The terminal's screens, in the tree: what they are made from, and where they are.
const SCREENS: &str = "crates/terminal/snapshots";
const ENDING: &str = "-80x24.ansi";
const FOLDER: &str = "docs/screens";
const DEMO: &str = "docs/demo.svg";
/// What the demo's picture shows being typed; the first two words are an alias of cargo's.
const DEMO_COMMAND: &str = "cargo demo --once";
/// As wide as the longest line of the demo.
const DEMO_COLUMNS: u16 = 98;

/// Writes the terminal's pictures, and the demo's if it is wanted.
pub(crate) fn write(workspace: &Workspace, demo: bool) -> Result<()> {
    let folder = workspace.root.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let sources = workspace.root.join(SCREENS);
    for file in fs::read_dir(&sources).with_context(|| format!("cannot read {}", sources.display()))? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(name) = name.strip_suffix(ENDING) {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            keep(&workspace.root, &format!("{FOLDER}/{name}.svg"), &screen(name, &text))?;
        }
    }
    if demo {
        keep(&workspace.root, DEMO, &run_demo(&workspace.root)?)?;
    }
    Ok(())
}

fn keep(root: &Path, name: &str, text: &str) -> Result<()> {
    fs::write(root.join(name), text).with_context(|| format!("cannot write {name}"))?;
    output::line(name);
    Ok(())
}

/// A screen of the terminal.
fn screen(name: &str, ansi: &str) -> String {
    let mut parser = vt100::Parser::new(24, 80, 0);
    parser.process(ansi.as_bytes());
    svg::picture(parser.screen(), &format!("The terminal's screen: {name}"))
}

/// Runs the demo as its picture says.
fn run_demo(root: &Path) -> Result<String> {
    let words: Vec<&str> = DEMO_COMMAND.split(' ').skip(1).collect();
    let said = process::capture(Command::new(env!("CARGO")).args(words).current_dir(root))?;
    let mut text = format!("\x1b[1m$ {DEMO_COMMAND}\x1b[0m\r\n");
    for line in said.lines() {
        ensure!(line.chars().count() <= usize::from(DEMO_COLUMNS), "the picture has no room for: {line}");
        let look = if line.contains("EMULATOR") {
            "\x1b[33m"
        } else if line.starts_with("->") {
            "\x1b[36m"
        } else if line.starts_with("<-") {
            "\x1b[32m"
        } else {
            ""
        };
        text.push_str(&format!("{look}{line}\x1b[0m\r\n"));
    }
    let rows = text.trim_end().lines().count();
    let mut parser = vt100::Parser::new(u16::try_from(rows)?, DEMO_COLUMNS, 0);
    parser.process(text.trim_end().as_bytes());
    Ok(svg::picture(parser.screen(), "Output of cargo demo: an inquiry over TLS, acknowledged and answered"))
}

/// What of the pictures is not as it should be: path and what. `text` gives a file of the tree.
pub(crate) fn findings<'a>(names: &BTreeSet<String>, text: impl Fn(&str) -> Option<&'a str>) -> Vec<(String, String)> {
    let mut findings = Vec::new();
    let mut wanted = BTreeSet::new();
    let sources = names.iter().filter_map(|name| name.strip_prefix(SCREENS)?.strip_prefix('/')?.strip_suffix(ENDING));
    for name in sources {
        let path = format!("{FOLDER}/{name}.svg");
        let source = text(&format!("{SCREENS}/{name}{ENDING}")).unwrap_or_default();
        if text(&path) != Some(screen(name, source).as_str()) {
            findings.push((path.clone(), "is behind the terminal: `cargo xtask pictures` writes it anew".to_owned()));
        }
        wanted.insert(path);
    }
    let left = names.iter().filter(|name| name.starts_with(&format!("{FOLDER}/")) && !wanted.contains(*name));
    findings.extend(left.map(|name| (name.clone(), format!("no {SCREENS}/*{ENDING} makes it"))));
    let demo = text(DEMO).unwrap_or_default().replace('\u{a0}', " ");
    if !demo.contains(&format!("$ {DEMO_COMMAND}<")) || !demo.contains("EMULATOR") {
        let what = format!("shows no `{DEMO_COMMAND}`: `cargo xtask pictures demo` makes it anew");
        findings.push((DEMO.to_owned(), what));
    }
    let alias = DEMO_COMMAND.split(' ').nth(1).unwrap_or_default();
    if !text(".cargo/config.toml").unwrap_or_default().lines().any(|line| line.starts_with(&format!("{alias} ="))) {
        findings.push((DEMO.to_owned(), format!("cargo has no alias `{alias}`")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\x1b[7m ZA0010000  LINK up\x1b[0m\r\n\x1b[1;36mF1\x1b[0m Help";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let names = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        let text = |wanted: &str| files.iter().find(|(name, _)| *name == wanted).map(|(_, text)| *text);
        findings(&names, text).into_iter().map(|(path, what)| format!("{path}: {what}")).collect()
    }

    #[test]
    fn a_picture_that_is_behind_or_belongs_to_nothing_is_found() {
        let source = ("crates/terminal/snapshots/menu-80x24.ansi", SOURCE);
        let fresh = screen("menu", SOURCE);
        let demo = ("docs/demo.svg", "<text>$ cargo demo --once</text><text>EMULATOR</text>");
        let alias = (".cargo/config.toml", "[alias]\ndemo = \"run\"\n");
        let menu = ("docs/screens/menu.svg", fresh.as_str());
        assert_eq!(found(&[source, menu, demo, alias]), Vec::<String>::new());
        assert_eq!(found(&[source, (menu.0, "<svg/>"), demo, alias]).len(), 1);
        assert_eq!(found(&[source, demo, alias]).len(), 1);
        assert_eq!(
            found(&[menu, demo, alias]),
            ["docs/screens/menu.svg: no crates/terminal/snapshots/*-80x24.ansi makes it"]
        );
        assert_eq!(found(&[("docs/demo.svg", "<svg/>"), alias]).len(), 1);
        assert_eq!(found(&[demo, (".cargo/config.toml", "")]), ["docs/demo.svg: cargo has no alias `demo`"]);
    }
}
