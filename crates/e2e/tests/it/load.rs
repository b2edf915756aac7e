//! `orinet load` on the real switch: what it measures, how it judges, what it says of a switch that stands still.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::PATIENCE;
use crate::binary::orinet;
use crate::net::{Demo, Net, Node, switch_in};
use crate::process::{Finished, Process, Stream, must, run};

/// Kept up, and met nothing it should have met; or did not keep up, on a machine that is busy with other tests.
const MISSED: [Option<i32>; 2] = [Some(2), Some(3)];

/// From the terminal to another agency, whose station the run attaches itself.
const NOTES: &str = "[[sender]]\nstation = \"ZA0010000\"\n[[message]]\nkey = \"AM\"\nto = [\"ZC0010000\"]\nweight = 1\n\
                     [[receiver]]\nstation = \"ZC\"\ntakes = [\"ZC0010000\"]\n";

fn load(node: &Node, pki: &Path, arguments: &[&str]) -> Command {
    let mut command = orinet();
    command.args(["load", "--ramp", "0s", "--warmup", "400ms", "--pki"]).arg(pki);
    command.args(["--link", &node.links.to_string()]).args(arguments);
    command
}

/// What a run wrote as JSON.
fn written(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("the run was written")).expect("it is JSON")
}

fn count(run: &Value, name: &str) -> u64 {
    run["counts"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {}", run["counts"]))
}

fn seconds(run: &Value, stage: &str, percentile: &str) -> f64 {
    let latencies = run["latencies"].as_array().expect("a list");
    let found = latencies.iter().find(|one| one["kind"] == "all" && one["stage"] == stage);
    let found = found.unwrap_or_else(|| panic!("no {stage} in {latencies:?}"));
    found["percentiles_us"][percentile].as_f64().expect("a number") / 1e6
}

fn succeeded(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{finished:#?}");
}

#[test]
fn a_load_on_the_demo_is_measured_judged_and_written_down() {
    let demo = Demo::start();
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let run_with = |json: &str, arguments: &[&str]| {
        let mut command = load(&demo, &demo.path("pki"), arguments);
        command.args(["--quiet", "--duration", "1s", "--rate", "120"]).arg("--json").arg(at(json));
        run(command.arg("--html").arg(at("page.html")))
    };
    let mix = "[[sender]]\nstation = \"ZA0010000\"\n[[message]]\nkey = \"IAQ\"\nto = [\"AX\"]\nweight = 1\n";
    fs::write(at("mix.toml"), mix).unwrap();
    let mix = at("mix.toml");
    let mix = ["--mix", mix.to_str().unwrap()];
    let finished = run_with("one.json", &[&mix[..], &["--require", "lost==0", "--require", "iar_p99<20s"]].concat());
    succeeded(&finished);
    assert!(finished.stdout.contains("met    lost==0: 0") && finished.stderr.is_empty(), "{finished:#?}");
    let one = written(&at("one.json"));
    assert!(count(&one, "sent") > 100, "{}", one["counts"]);
    assert_eq!(count(&one, "acked"), count(&one, "sent"));
    // Each inquiry is acknowledged and answered by the center.
    assert_eq!(count(&one, "answers"), 2 * count(&one, "sent"));
    assert!(seconds(&one, "ack", "p50") <= seconds(&one, "first", "p50"));
    assert!(seconds(&one, "first", "p99") <= seconds(&one, "final", "p99"));
    let page = fs::read_to_string(at("page.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("every requirement was met"));

    let finished = run_with("two.json", &[&mix[..], &["--require", "ack_p50<1us"]].concat());
    assert!(MISSED.contains(&finished.code), "{finished:#?}");
    assert!(finished.stdout.contains("MISSED ack_p50<1us"), "{finished:#?}");

    let mut command = orinet();
    command.args(["load", "compare"]).args([at("one.json"), at("two.json")]).arg("--html").arg(at("both.html"));
    let finished = run(&mut command);
    succeeded(&finished);
    assert!(finished.stdout.contains("acknowledgement p99"), "{}", finished.stdout);
    assert!(fs::read_to_string(at("both.html")).unwrap().contains("B / A"));
}

#[test]
fn a_switch_that_stands_still_shows_in_the_latencies_and_loses_nothing() {
    let net = Net::new();
    let switch = net.switch();
    let (json, mix) = (net.path("run.json"), net.path("mix.toml"));
    fs::write(&mix, NOTES).unwrap();
    let mut command = load(&switch, &net.pki(), &["--rate", "100", "--duration", "6s", "--spacing", "fixed"]);
    let process = Process::start(command.arg("--mix").arg(&mix).arg("--json").arg(&json));
    process.line(Stream::Err, "measuring");
    switch.process.signal(Signal::STOP);
    // A line a second: the third from here means that more than a second has passed.
    for _ in 0..3 {
        process.listen(PATIENCE);
    }
    switch.process.signal(Signal::CONT);
    succeeded(&process.end(PATIENCE));
    let run = written(&json);
    assert_eq!((count(&run, "lost"), count(&run, "acked")), (0, count(&run, "sent")));
    let longest = seconds(&run, "ack", "max");
    assert!(longest > 1.0, "it stood still for over a second: {longest}");
    // A hundred a second were due in that second, of 600 in all.
    let tenth = seconds(&run, "ack", "p90");
    assert!(tenth > 0.3, "every message that was due meanwhile waited: {tenth}");
}

#[test]
fn faults_get_the_refusals_that_they_must_get_and_repeats_are_admitted_once() {
    let net = Net::new();
    let switch = net.switch();
    let json = net.path("run.json");
    let shares = ["--malformed", "30%", "--repeated", "30%", "--rate", "300", "--duration", "2s", "--quiet"];
    let requirements = ["--require", "refused_otherwise==0", "--require", "refused==0", "--require", "extra==0"];
    // The center is away: its inquiries are kept, and SM 02 says so.
    let mix = net.path("mix.toml");
    let text = "[[sender]]\nstation = \"ZA0010000\"\n[[message]]\nkey = \"IAQ\"\nto = [\"AX\"]\nweight = 1\nanswers = 0\n\
                [[message]]\nkey = \"AM\"\nto = [\"ZC0010000\"]\nweight = 3\n[[receiver]]\nstation = \"ZC\"\n\
                takes = [\"ZC0010000\"]\n";
    fs::write(&mix, text).unwrap();
    let mut command = load(&switch, &net.pki(), &[&shares[..], &requirements[..]].concat());
    succeeded(&run(command.arg("--json").arg(&json).arg("--mix").arg(&mix)));
    let run = written(&json);
    assert!(count(&run, "malformed") > 100 && count(&run, "repeats") > 100, "{}", run["counts"]);
    assert_eq!(count(&run, "refused_rightly"), count(&run, "malformed"));
    assert_eq!(count(&run, "repeats_acked"), count(&run, "repeats"));
    assert_eq!(count(&run, "lost"), 0);
    assert!(run["sm"]["2"].as_u64() > Some(20), "{}", run["sm"]);
}

#[test]
fn threads_find_one_anothers_answers() {
    let net = Net::new();
    let switch = net.switch();
    let (json, mix) = (net.path("run.json"), net.path("mix.toml"));
    let text = "[[sender]]\nstation = \"ZA0010000\"\n[[message]]\nkey = \"AM\"\nto = [\"ZC0010000\"]\nweight = 1\n\
                bytes = 300\nanswers = 1\nanswered_by = \"AM\"\n[[receiver]]\nstation = \"ZC\"\ntakes = [\"ZC0010000\"]\n\
                links = 3\n[[receiver.answer]]\nkey = \"AM\"\nwith = \"AM\"\nori = \"ZC0010000\"\nbytes = [1000]\n";
    fs::write(&mix, text).unwrap();
    for shape in [["--rate", "200"], ["--closed", "2"]] {
        let mut command = load(&switch, &net.pki(), &["--threads", "3", "--links", "6", "--duration", "1s", "--quiet"]);
        command.args(shape).args(["--require", "lost==0", "--require", "extra==0"]);
        succeeded(&run(command.arg("--json").arg(&json).arg("--mix").arg(&mix)));
        let run = written(&json);
        assert!(count(&run, "sent") > 50, "{shape:?}: {}", run["counts"]);
        assert_eq!(count(&run, "answered"), count(&run, "sent"), "{shape:?}");
        assert_eq!(count(&run, "replies_acked"), count(&run, "sent"), "{shape:?}");
    }
}

#[test]
fn a_backlog_is_stored_for_receivers_that_are_away_and_delivered_when_they_come() {
    let net = Net::new();
    let switch = net.switch();
    let json = net.path("run.json");
    let mut command = load(&switch, &net.pki(), &["--profile", "P4", "--scale", "0.0005", "--duration", "20s"]);
    let mix = net.path("mix.toml");
    fs::write(&mix, NOTES).unwrap();
    succeeded(&run(command.args(["--quiet", "--require", "lost==0"]).arg("--mix").arg(&mix).arg("--json").arg(&json)));
    let run = written(&json);
    assert_eq!(run["recovery"]["backlog"], 685, "four busy hours, scaled");
    assert!(run["recovery"]["drained_seconds"].as_f64() > Some(0.0), "{}", run["recovery"]);
    assert_eq!(run["sm"]["2"], 685, "one SM 02 for each that waited");
    assert_eq!(count(&run, "delivered"), count(&run, "sent"));
}

#[test]
fn a_search_finds_a_rate_at_which_the_bound_holds() {
    let net = Net::new();
    let switch = net.switch();
    let json = net.path("run.json");
    let arguments = ["--rate", "50", "--find-knee", "--knee-max", "100", "--step", "600ms", "--require", "ack_p50<20s"];
    let mut command = load(&switch, &net.pki(), &arguments);
    let mix = net.path("mix.toml");
    fs::write(&mix, "[[sender]]\nstation = \"ZA0010000\"\n[[message]]\nkey = \"AM\"\nto = [\"ZC\"]\nweight = 1\n")
        .unwrap();
    let finished = run(command.arg("--quiet").arg("--mix").arg(&mix).arg("--json").arg(&json));
    succeeded(&finished);
    let run = written(&json);
    assert_eq!(run["knee"]["rate"], 100.0, "{finished:#?}");
    assert_eq!(run["knee"]["steps"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_prepared_network_takes_its_load() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("network");
    let mut command = orinet();
    command.args(["load", "prepare", "--stations", "3", "--link", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--dir"]);
    must(command.arg(&dir));
    let switch = switch_in(&dir);
    for mix in ["pairs.toml", "inquiries.toml"] {
        let mut command = load(&switch, &dir.join("pki"), &["--rate", "100", "--duration", "1s", "--links", "6"]);
        let finished = run(command
            .args(["--quiet", "--require", "lost==0", "--require", "refused==0", "--mix"])
            .arg(dir.join(mix)));
        succeeded(&finished);
        assert!(finished.stdout.contains("answered in full"), "{mix}: {}", finished.stdout);
    }
}

#[test]
fn wrong_usage_and_a_switch_that_is_not_there_have_their_codes() {
    let net = Net::new();
    let pki = net.pki();
    let check = |arguments: &[&str], code: i32, said: &str| {
        let mut command = orinet();
        let finished = run(command.args(["load", "--link", "127.0.0.1:9", "--pki"]).arg(&pki).args(arguments));
        assert_eq!(finished.code, Some(code), "{arguments:?}: {finished:#?}");
        assert!(finished.stderr.contains(said), "{arguments:?}: {finished:#?}");
    };
    check(&[], 64, "--profile, --rate or --closed is needed");
    check(&["--profile", "P9"], 64, "P0");
    check(&["--rate", "0"], 64, "no number above 0");
    check(&["--rate", "5", "--require", "iar_p99<5"], 64, "another unit");
    check(&["--rate", "5", "--mix", "nowhere.toml"], 64, "nowhere.toml cannot be read");
    check(&["--rate", "5", "--find-knee"], 64, "--require");
    check(&["--rate", "5", "--closed", "1"], 64, "cannot be used with");
    check(&["--rate", "5", "--connect-within", "300ms", "--quiet"], 1, "0 of 8 links came up");
    let compare = run(orinet().args(["load", "compare", "no.json", "no.json"]));
    assert_eq!(compare.code, Some(64), "{compare:#?}");
}
