//! What is done behind the journal meets a disk that is full or fails, and files that are not what they should be: messages
//! go on, or the process ends and loses nothing.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::PATIENCE;
use crate::archive::{await_hits, noted};
use crate::binary::orinet;
use crate::follower::{long, read};
use crate::net::{Net, STATE, TERMINAL, note};
use crate::process::{Stream, must, run};
use crate::trace::{Trace, traced_on};

/// The files in which checkpoints for the first records are made.
fn checkpoints(net: &Net) -> Vec<PathBuf> {
    (1..200).map(|record| net.path(&format!("data/journal/checkpoint-{record:020}.unfinished"))).collect()
}

#[test]
fn a_checkpoint_that_finds_no_room_is_said_and_made_later_and_messages_go_on() {
    let net = Net::new();
    net.switch().stop();
    let (files, log) = (checkpoints(&net), net.path("trace"));
    // The follower's first write of a checkpoint; each of its attempts is one.
    let fault = ["pwrite64:error=ENOSPC:when=1"];
    let switch = net.switch_by(&mut traced_on(&files, &net.command(), "pwrite64", &fault, &log));
    let mut terminal = switch.station(TERMINAL);
    (0..8).for_each(|number| terminal.send(&long(STATE, number)));
    let said = switch.process.line(Stream::Err, "no checkpoint could be made");
    assert!(said.contains("ERROR") && said.contains("No space left"), "{said}");
    terminal.send(&note("IT GOES ON"));
    assert_eq!(switch.get("/readyz").status, 200);
    assert_eq!(switch.metrics().value("orinet_checkpoint_failures_total"), Some(1.0));

    switch.process.line(Stream::Err, "a checkpoint was made");
    assert_eq!(Trace::read(&log).calls.iter().filter(|call| call.injected).count(), 1);
    switch.kill();
    let export = run(orinet().args(["journal", "export", "--data"]).arg(net.path("data")));
    let acts = export.stdout.lines().filter(|line| line.contains("\"checkpoint\"") && line.contains("failed"));
    assert_eq!(acts.count(), 1, "the journal has it once: {export:#?}");
    let switch = net.switch();
    assert!(read(&switch, "checkpoint") > 0);
    let mut state = switch.station(STATE);
    (0..8).for_each(|number| drop(state.take(&format!("NUMBER {number:03}"))));
    state.take("IT GOES ON");
}

#[test]
fn a_checkpoint_that_the_disk_fails_ends_the_process_and_nothing_is_lost() {
    let net = Net::new();
    net.switch().stop();
    let (files, log) = (checkpoints(&net), net.path("trace"));
    let fault = ["fdatasync:error=EIO"];
    let switch = net.switch_by(&mut traced_on(&files, &net.command(), "fdatasync", &fault, &log));
    let mut terminal = switch.station(TERMINAL);
    (0..8).for_each(|number| terminal.send(&long(STATE, number)));
    let finished = switch.process.end(PATIENCE);
    assert!(finished.code.is_some_and(|code| code != 0), "{finished:#?}");
    assert!(finished.stderr.contains("the checkpoint cannot be stored"), "{finished:#?}");
    assert!(Trace::read(&log).calls.iter().any(|call| call.injected && call.file.starts_with("checkpoint-")));

    let switch = net.switch();
    assert!(switch.waiting() >= 8 && read(&switch, "checkpoint") < 8, "all of it is there, and no newer checkpoint");
    let mut state = switch.station(STATE);
    (0..8).for_each(|number| drop(state.take(&format!("NUMBER {number:03}"))));
    drop(state);
    switch.process.line(Stream::Err, "a checkpoint was made");
    switch.stop();
    let verified = run(orinet().args(["journal", "verify", "--data"]).arg(net.path("data")));
    assert_eq!(verified.code, Some(0), "{verified:#?}");
}

#[test]
fn statements_that_cannot_be_written_are_said_and_written_later_and_messages_go_on() {
    let net = Net::new();
    net.change("[pki]", "[audit]\nkey = \"audit.key\"\nstatements = \"statements\"\nevery_seconds = 1\n\n[pki]");
    must(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(net.path("audit.key")));
    // What should be a file is a folder.
    fs::create_dir(net.path("statements")).unwrap();
    let switch = net.switch();
    let said = switch.process.line(Stream::Err, "a statement could not be written");
    assert!(said.contains("ERROR") && said.contains("statements"), "{said}");
    switch.station(TERMINAL).send(&note("IT GOES ON"));
    switch.station(STATE).take("IT GOES ON");
    let metrics = switch.metrics();
    assert!(metrics.value("orinet_journal_statement_failures_total") > Some(0.0));
    assert_eq!(metrics.value("orinet_journal_statements_total"), Some(0.0));

    fs::remove_dir(net.path("statements")).unwrap();
    switch.await_metric("orinet_journal_statements_total", 1.0);
    switch.stop();
    let public = net.path("audit.pub");
    must(Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(net.path("audit.key")).arg("-out").arg(&public));
    let mut verify = orinet();
    verify.args(["journal", "verify", "--data"]).arg(net.path("data")).arg("--statements").arg(net.path("statements"));
    let verified = run(verify.arg("--key").arg(&public));
    assert_eq!(verified.code, Some(0), "{verified:#?}");
}

#[test]
fn a_search_file_of_another_journal_is_thrown_away() {
    let (ours, other) = (Net::new(), Net::new());
    for (net, text) in [(&ours, "OUR OWN WAGON"), (&other, "A FOREIGN WAGON")] {
        let (switch, ..) = noted(net, text);
        await_hits(net, &["--words", "wagon"], 1);
        switch.stop();
    }
    // With what the database keeps beside it, if it left that.
    for name in ["data/search.sqlite3", "data/search.sqlite3-wal", "data/search.sqlite3-shm"] {
        drop(fs::remove_file(ours.path(name)));
        if other.path(name).exists() {
            fs::copy(other.path(name), ours.path(name)).unwrap();
        }
    }
    let switch = ours.switch();
    let said = switch.process.line(Stream::Err, "the search file is filled from the journal's beginning");
    assert!(said.contains("it belongs to journal"), "{said}");
    await_hits(&ours, &["--words", "own wagon"], 1);
    await_hits(&ours, &["--words", "foreign"], 0);
    switch.stop();
}

#[test]
fn a_search_file_that_is_spoilt_or_taken_away_while_it_is_used_is_made_anew() {
    type Spoils = fn(&std::path::Path);
    let spoils: [Spoils; 2] =
        [|file| fs::write(file, vec![0xA5; 200_000]).unwrap(), |file| fs::remove_file(file).unwrap()];
    for spoils in spoils {
        let net = Net::new();
        let (switch, mut terminal, mut state) = noted(&net, "THE FIRST WAGON");
        await_hits(&net, &["--words", "wagon"], 1);
        spoils(&net.path("data/search.sqlite3"));
        terminal.send(&note("THE SECOND WAGON"));
        state.take("THE SECOND WAGON");
        let said = switch.process.line(Stream::Err, "the search file is filled from the journal's beginning");
        await_hits(&net, &["--words", "wagon"], 2);
        drop((terminal, state));
        assert!(!switch.stop().stderr.contains("panic"), "{said}");
    }
}
