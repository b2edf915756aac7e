//! `orinet responder`: the parts of the demo as processes of their own.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::PATIENCE;
use crate::binary::orinet;
use crate::net::{TERMINAL, demo, known, switch_in};
use crate::process::{Process, Stream, run};

#[test]
fn switch_center_and_terminal_work_as_processes_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    assert_eq!(run(demo(directory.path()).arg("--once")).code, Some(0));
    let switch = switch_in(directory.path());
    let links = switch.links.to_string();

    let center = Process::start(lesc(&links, directory.path(), "AX").arg("--index").arg(path("records")));
    center.line(Stream::Err, "the link is up");
    let mut send = orinet();
    send.args(["send", "--station", TERMINAL, "--link", &links, "--pki"]).arg(path("pki")).arg(path("inquiry.txt"));
    let sent = run(&mut send);
    assert_eq!(sent.code, Some(0), "{sent:#?}");
    let finds = known(directory.path())["exact"]["finds"].as_str().unwrap().to_owned();
    assert!(sent.stdout.contains(&finds), "{finds} is not in {}", sent.stdout);

    center.signal(Signal::TERM);
    let ended = center.end(PATIENCE);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    switch.stop();
}

#[test]
fn what_the_center_cannot_do_without_is_named() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(run(demo(directory.path()).arg("--once")).code, Some(0));
    let damaged = directory.path().join("damaged.idx");
    fs::write(&damaged, "no index").unwrap();
    for (station, index, names) in [
        ("AX", directory.path().join("missing.idx"), "missing.idx"),
        ("AX", damaged, "damaged.idx"),
        ("QQ", directory.path().join("records"), "QQ.pem"),
    ] {
        let finished = run(lesc("127.0.0.1:1", directory.path(), station).arg("--index").arg(&index));
        assert_eq!((finished.code, finished.stderr.lines().count()), (Some(64), 1), "{finished:#?}");
        assert!(finished.stderr.contains(names), "{names}: {}", finished.stderr);
    }
}

fn lesc(links: &str, directory: &Path, station: &str) -> Command {
    let mut command = orinet();
    command.args(["responder", "lesc", "--station", station, "--link", links, "--pki"]).arg(directory.join("pki"));
    command
}
