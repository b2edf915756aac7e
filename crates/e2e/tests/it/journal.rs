//! `orinet journal` on the journal of a switch that runs, that was stopped, and that was damaged.

use std::fs;
use std::path::Path;

use crate::binary::orinet;
use crate::net::{Net, STATE, TERMINAL, note};
use crate::process::{Finished, run};

/// Much of a segment of these tests, which is a mebibyte long.
const LONG_BYTES: usize = 200_000;

fn journal(data: &Path, arguments: &[&str]) -> Finished {
    run(orinet().arg("journal").arg("--data").arg(data).args(arguments))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of the test is text")
}

/// A long message to the state's line.
fn long(number: usize) -> String {
    format!("AM.{TERMINAL}.{STATE}.TXT\r\nNUMBER {number:03} {}", "LONG ".repeat(LONG_BYTES / 5))
}

/// Changes one byte of a file.
fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_running_journal_is_whole_at_every_look_and_a_backup_of_it_restores() {
    let net = Net::new();
    let switch = net.switch();
    let (data, out) = (net.path("data"), net.path("backup"));
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&note("BEFORE THE BACKUP"));
    for number in 0..9 {
        // Posted, and acknowledged at some time while the journal is looked at.
        let validation = terminal.post(&long(number));
        let seen = journal(&data, &["verify"]);
        assert_eq!(seen.code, Some(0), "{seen:#?}");
        assert!(seen.stdout.ends_with("whole\n"), "{seen:#?}");
        terminal.reply(validation).expect("the switch acknowledges");
    }
    let validation = terminal.post(&long(9));
    let made = journal(&data, &["backup", "--out", text(&out)]);
    assert_eq!(made.code, Some(0), "{made:#?}");
    terminal.reply(validation).expect("the switch acknowledges");
    let stats = journal(&data, &["stats", "--json"]);
    let stats: serde_json::Value = serde_json::from_str(&stats.stdout).unwrap();
    assert!(stats["segments_in_use"].as_u64() > Some(1) && stats["records"].as_u64() > Some(9), "{stats}");
    // A journal in use is not repaired, nor is anything put over one.
    assert_eq!(journal(&data, &["repair", "--yes"]).code, Some(1));
    assert_eq!(journal(&data, &["restore", "--from", text(&out)]).code, Some(64));
    switch.stop();

    // The disk is gone. What the backup has is there again, and waits.
    fs::rename(&data, net.path("gone")).unwrap();
    let restored = journal(&data, &["restore", "--from", text(&out)]);
    assert_eq!(restored.code, Some(0), "{restored:#?}");
    let switch = net.switch();
    let mut state = switch.station(STATE);
    state.take("BEFORE THE BACKUP");
    (0..9).for_each(|number| drop(state.take(&format!("NUMBER {number:03}"))));
    switch.stop();
    assert_eq!(journal(&data, &["verify"]).code, Some(0));
}

#[test]
fn statements_that_the_switch_signed_confirm_its_journal_and_show_that_it_was_cut() {
    let net = Net::new();
    let (data, keys) = (net.path("data"), net.path("keys"));
    assert_eq!(journal(&data, &["audit-key", "--out", text(&keys)]).code, Some(0));
    net.change("[pki]", "[audit]\nkey = \"keys/audit.key\"\nstatements = \"statements\"\nevery_seconds = 1\n\n[pki]");
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&note("FIRST"));
    switch.stop();
    let early = net.path("early");
    assert_eq!(journal(&data, &["backup", "--out", text(&early)]).code, Some(0));
    let switch = net.switch();
    switch.station(TERMINAL).send(&note("SECOND"));
    switch.stop();

    let (statements, key) = (net.path("statements"), keys.join("audit.pem"));
    let against = ["verify", "--statements", text(&statements), "--key", text(&key)];
    let seen = journal(&data, &against);
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    assert!(seen.stdout.contains(" confirmed, 0 not"), "{seen:#?}");
    // An earlier state in its place is a perfect journal, and the statements know better.
    assert_eq!(journal(&early, &["verify"]).code, Some(0));
    let seen = journal(&early, &against);
    assert_eq!(seen.code, Some(2), "{seen:#?}");
    assert!(seen.stdout.contains("and ends before it now"), "{seen:#?}");
    assert_eq!(journal(&data, &["verify", "--statements", text(&statements)]).code, Some(64), "without a key");
}

#[test]
fn a_damaged_journal_is_explained_repaired_and_gone_on_with() {
    let net = Net::new();
    let data = net.path("data");
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    (0..3).for_each(|number| terminal.send(&note(&format!("NUMBER {number}"))));
    switch.kill();
    // No checkpoint: all of the log is what the switch knows. The header of the segment says nothing that is not known.
    for name in fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path()) {
        if text(&name).contains("checkpoint-") {
            fs::remove_file(name).unwrap();
        }
    }
    let segment = data.join("journal/segment-0000000001");
    flip(&segment, 40);
    assert_eq!(run(&mut net.command()).code, Some(1), "the switch refuses it");
    let seen = journal(&data, &["verify"]);
    assert_eq!(seen.code, Some(2), "{seen:#?}");
    assert!(seen.stdout.contains("segment-0000000001, byte 0"), "{seen:#?}");
    let before = fs::read(&segment).unwrap();
    assert_eq!(journal(&data, &["repair", "--dry-run"]).code, Some(2));
    // Standard input is empty: that is no yes.
    assert_eq!(journal(&data, &["repair"]).code, Some(1));
    assert_eq!(fs::read(&segment).unwrap(), before);

    let repaired = journal(&data, &["repair", "--yes"]);
    assert_eq!(repaired.code, Some(0), "{repaired:#?}");
    let copy = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
    let copy = copy.filter(|path| text(path).contains("journal.damaged-")).collect::<Vec<_>>();
    assert_eq!(fs::read(copy[0].join("segment-0000000001")).unwrap(), before);
    let salvaged = copy[0].join("salvaged.jsonl");
    assert_eq!(journal(&data, &["export", "--salvaged", text(&salvaged)]).code, Some(0));
    let switch = net.switch();
    let mut state = switch.station(STATE);
    (0..3).for_each(|number| drop(state.take(&format!("NUMBER {number}"))));
    switch.stop();
    assert_eq!(journal(&data, &["repair"]).code, Some(0), "nothing needs repair");
}

#[test]
fn wrong_usage_is_told_apart_from_damage() {
    let net = Net::new();
    let nowhere = net.path("nowhere");
    for arguments in [
        &["verify"][..],
        &["stats"],
        &["repair"],
        &["backup", "--out", text(&net.path("out"))],
        &["verify", "--rate", "0"],
    ] {
        let finished = journal(&nowhere, arguments);
        assert_eq!(finished.code, Some(64), "{arguments:?}: {finished:#?}");
    }
    assert!(!nowhere.exists() && !net.path("out").exists());
}
