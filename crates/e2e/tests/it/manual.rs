//! Completions and manual pages, judged by the programs that use them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::binary::orinet;
use crate::process::{must, run};

#[test]
fn bash_completes_commands_options_and_values() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("orinet.bash");
    fs::write(&script, run(orinet().args(["completions", "bash"])).stdout).unwrap();
    // As bash itself calls it: the command, the word at the cursor, the word before.
    let complete = |words: &[&str]| {
        let last = words.last().unwrap();
        let before = words.len().checked_sub(2).map_or("orinet", |at| words[at]);
        let text = format!(
            "source {}; COMP_WORDS=(orinet {}); COMP_CWORD={}; _orinet orinet '{last}' '{before}'; echo \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.join(" "),
            words.len(),
        );
        let mut bash = Command::new("bash");
        let finished = run(bash.args(["--norc", "--noprofile", "-c", &text]));
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{words:?}");
        finished.stdout.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["sen"]), ["send"]);
    assert_eq!(complete(&["send", "--expect-n"]), ["--expect-none"]);
    assert_eq!(complete(&["completions", "fi"]), ["fish"]);
    assert_eq!(complete(&["journal", "veri"]), ["verify"]);
    // What is no command completes to nothing: the script does not just list everything.
    assert_eq!(complete(&["qqq"]), [""; 0]);
}

#[test]
fn every_shell_has_a_script_and_an_unknown_one_is_refused() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let finished = run(orinet().args(["completions", shell]));
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{shell}");
        assert!(finished.stdout.contains("send") && finished.stdout.contains("terminal"), "{shell}");
    }
    assert_eq!(run(orinet().args(["completions", "qsh"])).code, Some(64));
}

#[test]
fn every_command_has_a_manual_page_that_man_shows_without_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    must(orinet().args(["man", "--out"]).arg(&pages));
    let mut names: Vec<_> =
        fs::read_dir(&pages).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in ["orinet.1", "orinet-send.1", "orinet-terminal.1", "orinet-journal-verify.1", "orinet-man.1"] {
        assert!(names.iter().any(|known| known == name), "{name} is not among {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("help")), "{names:?}");
    let send = fs::read_to_string(pages.join("orinet-send.1")).unwrap();
    assert!(send.contains("\\-\\-expect") && send.contains("Exit codes"), "{send}");
    // Each command that help names has a page.
    let help = run(orinet().arg("--help")).stdout;
    let commands = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    for command in commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        assert!(names.contains(&format!("orinet-{command}.1")), "{command}");
    }
    for name in &names {
        if let Some(warnings) = warnings(&pages.join(name)) {
            assert_eq!(warnings, "", "{name}");
        }
    }
}

/// What `man` says about a page; nothing where it is not installed.
fn warnings(page: &Path) -> Option<String> {
    if !Path::new("/usr/bin/man").exists() {
        return None;
    }
    let mut man = Command::new("/usr/bin/man");
    man.args(["--warnings", "-l", "-Tutf8", "-Z"]).arg(page).env("MANROFFSEQ", "").env("LC_ALL", "C.UTF-8");
    let finished = run(&mut man);
    Some(finished.stderr)
}
