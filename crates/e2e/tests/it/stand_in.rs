//! What the tests of stand-ins share: their processes, what came back to whom, and when they are killed.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::process::Command;

use rand::SeedableRng as _;
use rand_pcg::Pcg64;
use rustix::process::Signal;

use crate::PATIENCE;
use crate::binary::orinet;
use crate::net::{Net, Node};
use crate::process::{Process, Stream};
use crate::station::{Message, Station};

/// Records of the population of these tests: few, as a stand-in makes its persons at each start.
pub(crate) const PERSONS: u32 = 20_000;

/// Chance from `SEED`, or from a new seed, which is printed.
#[expect(clippy::print_stderr, reason = "a failure must be reproducible")]
pub(crate) fn chance() -> Pcg64 {
    let given = std::env::var("SEED").ok().map(|seed| seed.parse().expect("SEED is a number"));
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().hash_one("stand-ins"));
    eprintln!("SEED={seed}");
    Pcg64::seed_from_u64(seed)
}

/// `orinet responder` of that kind as that station, with its journal in a directory of the network.
pub(crate) fn command(net: &Net, switch: &Node, kind: &str, station: &str, data: &str) -> Command {
    let mut command = orinet();
    command.args(["responder", kind, "--station", station, "--link", &switch.links.to_string(), "--pki"]);
    command.arg(net.pki()).arg("--data").arg(net.path(data)).args(["--persons", &PERSONS.to_string()]);
    command
}

/// Starts it and waits until the switch has it.
pub(crate) fn start(command: &mut Command) -> Process {
    let process = Process::start(command);
    process.line(Stream::Err, "the link is up");
    process
}

/// Ends it as a power cut does.
pub(crate) fn kill(process: Process) {
    process.signal(Signal::KILL);
    process.end(PATIENCE);
}

/// What came back for each control field: every text, as often as it came.
#[derive(Debug, Default)]
pub(crate) struct Answers(BTreeMap<String, Vec<String>>);

impl Answers {
    /// Waits for the next message of that key and takes it down.
    pub(crate) fn take(&mut self, station: &mut Station, key: &str) {
        self.add(&station.take(&format!("{key}.")));
    }

    /// Takes down whatever else of that key has come.
    pub(crate) fn take_rest(&mut self, station: &mut Station, key: &str) {
        let all = station.take_all();
        all.iter().filter(|message| message.output().key.as_str() == key).for_each(|message| self.add(message));
    }

    fn add(&mut self, message: &Message) {
        let output = message.output();
        let control = output.control.map(|control| control.to_string()).unwrap_or_default();
        let body = String::from_utf8_lossy(output.body).into_owned();
        self.0.entry(control).or_default().push(body);
    }

    /// The one answer to each control field that was sent, or what is wrong with them.
    pub(crate) fn one_each(&self, sent: &[String]) -> Result<Vec<&str>, String> {
        let one = |control: &String| match self.0.get(control).map(Vec::as_slice) {
            Some([one]) => Ok(one.as_str()),
            Some(several) => Err(format!("{control} was answered {} times", several.len())),
            None => Err(format!("{control} was never answered")),
        };
        if let Some(strange) = self.0.keys().find(|control| !sent.contains(control)) {
            return Err(format!("{strange:?} was never asked"));
        }
        sent.iter().map(one).collect()
    }
}

/// Ten characters that tell one inquiry from another.
pub(crate) fn control(number: usize) -> String {
    format!("N{number:09}")
}
