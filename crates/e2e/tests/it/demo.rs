//! `orinet demo`: what it shows, what it keeps, how it ends, what it refuses.

use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;

use crate::PATIENCE;
use crate::binary::orinet;
use crate::net::{Demo, STATE, TERMINAL, demo, demo_anywhere, inquiry, known};
use crate::process::{Finished, Process, Stream, run};

#[test]
fn once_shows_the_exchange_and_ends_well_and_silently() {
    let directory = tempfile::tempdir().unwrap();
    let finished = run(demo(directory.path()).arg("--once"));
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{}", finished.stdout);
    let known = known(directory.path());
    let (name, finds) = (known["exact"]["query"]["NAM"].as_str().unwrap(), known["exact"]["finds"].as_str().unwrap());

    // In this order: what was sent, that it is on disk, the acknowledgement, the answer.
    let [sent, stored, acknowledged, answered] = in_order(
        &finished.stdout,
        ["IAQ.ZA0010000.AX.", "the switch has it on disk", "the center acknowledges", "the center answers"],
    );
    assert!(sent.contains(&format!("NAM/{name}.")), "{sent}");
    assert!(!stored.contains("IAR."), "{stored}");
    for said in [acknowledged, answered] {
        let [_, body] = in_order(said, ["IAR.ZZLESC000\n", "TXT\n"]);
        assert!(body.contains("EMULATOR - SYNTHETIC DATA\n"), "{body}");
    }
    assert!(answered.contains(finds), "{finds} is not in {answered}");
    assert!(!sent.contains(finds) && !acknowledged.contains(finds), "only the answer answers");
}

#[test]
fn once_leaves_no_directory_and_prints_no_ready() {
    let temporary = tempfile::tempdir().unwrap();
    let finished = run(demo_anywhere().arg("--once").env("TMPDIR", temporary.path()));
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert!(finished.stdout.contains(&temporary.path().display().to_string()), "it says where it works");
    assert!(!finished.stdout.lines().any(|line| line.starts_with("READY")));
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "its directory is still there");
}

#[test]
fn ctrl_c_ends_it_well_within_seconds() {
    let demo = Demo::start();
    let finished = demo.interrupt();
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    let ready: Vec<&str> = finished.stdout.lines().filter(|line| line.contains("READY")).collect();
    assert!(ready.len() == 1 && ready[0].starts_with("READY "), "{ready:?}");
}

#[test]
fn ctrl_c_removes_a_directory_that_nobody_asked_for() {
    let temporary = tempfile::tempdir().unwrap();
    let process = Process::start(demo_anywhere().env("TMPDIR", temporary.path()));
    process.line(Stream::Out, "READY");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    process.signal(Signal::INT);
    assert_eq!(process.end(PATIENCE).code, Some(0));
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_kept_directory_is_used_again_and_its_journal_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("pki/ca.pem");
    let first = numbers(&run(demo(directory.path()).arg("--once")));
    let authority = fs::read(&ca).unwrap();
    let second = numbers(&run(demo(directory.path()).arg("--once")));
    assert_eq!(fs::read(&ca).unwrap(), authority, "the second run made an authority of its own");
    // Each run: two messages of the center, two copies to the terminal.
    assert_eq!((first.as_slice(), second.as_slice()), ([1, 1, 2, 2].as_slice(), [3, 3, 4, 4].as_slice()));
}

#[test]
fn what_somebody_changed_in_the_network_file_stays() {
    let directory = tempfile::tempdir().unwrap();
    run(demo(directory.path()).arg("--once"));
    let network = directory.path().join("network.toml");
    let changed = fs::read_to_string(&network).unwrap().replace("[pki]", "echo_bytes = 7\n\n[pki]");
    fs::write(&network, &changed).unwrap();
    assert_eq!(run(demo(directory.path()).arg("--once")).code, Some(0));
    assert_eq!(fs::read_to_string(&network).unwrap(), changed);
}

#[test]
fn known_names_persons_in_the_form_that_the_outside_check_takes() {
    let demo = Demo::start();
    let known = known(&demo.path(""));
    let (exact, variant, absent) = (&known["exact"], &known["variant"], &known["absent"]);
    for person in [exact, variant, absent] {
        let query = person["query"].as_object().expect("fields of an inquiry");
        assert!(query.contains_key("NAM") && query.values().all(serde_json::Value::is_string), "{query:?}");
    }
    assert_eq!(exact["finds"], variant["finds"], "the variant is the same person");
    assert_ne!(exact["query"]["NAM"], variant["query"]["NAM"]);
    assert!(absent.get("finds").is_none());

    let mut terminal = demo.station(TERMINAL);
    let finds = exact["finds"].as_str().expect("an alien number is text");
    for (control, person, found) in [("E1", exact, true), ("V1", variant, true), ("A1", absent, false)] {
        let query = person["query"].as_object().unwrap();
        let fields: Vec<(&str, &str)> =
            query.iter().map(|(prefix, value)| (prefix.as_str(), value.as_str().unwrap())).collect();
        terminal.send(&inquiry(control, &fields));
        let [acknowledgement, answer] = [(); 2].map(|()| terminal.take(&format!("*{control}\r\n")));
        assert!(!acknowledgement.text.contains(finds), "an acknowledgement answers nothing");
        assert_eq!(answer.text.contains(finds), found, "{control}: {}", answer.text);
    }
}

#[test]
fn its_directory_has_what_a_station_needs() {
    let demo = Demo::start();
    for name in ["AX", "FB", "IC", "SS", "ZA", "ZB", STATE, TERMINAL] {
        for end in ["pem", "key"] {
            assert!(demo.path(&format!("pki/{name}.{end}")).is_file(), "{name}.{end}");
        }
    }
    let text = fs::read_to_string(demo.path("inquiry.txt")).unwrap();
    assert!(text.starts_with("IAQ.ZA0010000.AX."), "{text}");
    // Free from READY on: the demo's own terminal is gone, these two never were there.
    let metrics = demo.metrics();
    let up = |name| metrics.value(&format!("orinet_links{{station=\"{name}\"}}"));
    for name in ["AX", "FB", "IC", "SS", "ZA", "ZB"] {
        assert_eq!(up(name), Some(1.0), "{name} comes up with the demo");
    }
    assert_eq!((up(STATE).unwrap_or(0.0), up(TERMINAL).unwrap_or(0.0)), (0.0, 0.0));
}

#[test]
fn a_directory_that_is_not_ours_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("letter.txt"), "mine").unwrap();
    let finished = run(demo(directory.path()).arg("--once"));
    assert_refused(&finished, &directory.path().display().to_string());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "something was written");
    // Nor is a file a directory.
    let file = directory.path().join("letter.txt");
    assert_refused(&run(demo(&file).arg("--once")), "letter.txt");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn other_persons_than_the_directory_was_made_with_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    run(demo(directory.path()).arg("--once"));
    let other = |option: &str, value: &str| {
        let mut command = orinet();
        command.args(["demo", "--once", "--link", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--dir"]);
        command.arg(directory.path());
        if option != "--persons" {
            command.args(["--persons", "1000"]);
        }
        run(command.args([option, value]))
    };
    assert_refused(&other("--persons", "2000"), "--persons 1000 --seed 1");
    assert_refused(&other("--seed", "2"), "--persons 1000 --seed 1");
    assert_eq!(other("--seed", "1").code, Some(0));
}

#[test]
fn a_port_in_use_is_said_in_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["--link", "--admin"] {
        let other = if option == "--link" { "--admin" } else { "--link" };
        let mut command = orinet();
        command.args(["demo", "--persons", "1000", option, &address, other, "127.0.0.1:0"]);
        assert_refused(&run(&mut command), &address);
    }
}

/// One sentence on standard error that names the thing, and the code for wrong usage.
fn assert_refused(finished: &Finished, names: &str) {
    assert_eq!(finished.code, Some(64), "{finished:#?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
    assert!(finished.stderr.starts_with("orinet: ") && finished.stderr.contains(names), "{names}: {}", finished.stderr);
    assert!(!finished.stdout.contains("READY"), "{}", finished.stdout);
}

/// ISN, OSN, ISN, OSN of the acknowledgement and the answer that a demo showed.
fn numbers(finished: &Finished) -> Vec<u32> {
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    let stamped = |line: &str| -> Option<u32> {
        let mut words = line.split_whitespace();
        let (time, day) = (words.next()?, words.next()?);
        (time.len() == 5 && time.contains(':') && day.matches('/').count() == 2).then(|| words.next()?.parse().ok())?
    };
    finished.stdout.lines().filter_map(stamped).collect()
}

/// The text from each mark to the next, which must stand in that order.
fn in_order<'a, const N: usize>(text: &'a str, marks: [&str; N]) -> [&'a str; N] {
    let mut from = 0;
    let starts = marks.map(|mark| {
        let found = text.get(from..).and_then(|rest| rest.find(mark));
        from += found.unwrap_or_else(|| panic!("{mark:?} does not come next in\n{text}"));
        from
    });
    std::array::from_fn(|at| {
        let end = starts.get(at + 1).copied().unwrap_or(text.len());
        text.get(starts[at]..end).expect("marks are ASCII")
    })
}

#[test]
fn help_and_wrong_usage_have_their_codes() {
    assert_eq!(run(orinet().args(["demo", "--help"])).code, Some(0));
    assert_eq!(run(orinet().arg("--version")).code, Some(0));
    for words in [&["demo", "--persons", "0"][..], &["demo", "--nothing"], &["dance"], &[]] {
        let finished = run(orinet().args(words));
        assert_eq!(finished.code, Some(64), "{words:?}: {finished:#?}");
    }
}
