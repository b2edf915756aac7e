//! A network of a test's own: its directory, its authority, its switch or demo.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::binary::{checkout, orinet};
use crate::http::{Answer, Metrics, get};
use crate::process::{Finished, Process, Stream};
use crate::station::{Acknowledges, Station};

/// A station that the demo and the tests leave free for whoever wants it.
pub(crate) const TERMINAL: &str = "ZA0010000";
/// Another one, a state's line.
pub(crate) const STATE: &str = "ZC";
/// An agency under that line.
pub(crate) const PEER: &str = "ZC0010000";

/// The sample network in a directory, with certificates for all, and no process.
pub(crate) struct Net {
    directory: TempDir,
}

impl Net {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let network = fs::read_to_string(checkout("fixtures/network.toml")).expect("the sample network");
        // Small segments: a switch under test writes hundreds of messages, not millions.
        let network = network
            .replace("127.0.0.1:7020", "127.0.0.1:0")
            .replace("127.0.0.1:7070", "127.0.0.1:0")
            .replace("data = \"data\"\n", "data = \"data\"\nsegment_bytes = 1048576\n");
        fs::write(directory.path().join("network.toml"), network).expect("the network file is written");
        let (pki, now) = (directory.path().join("pki"), Timestamp::now());
        let authority = Authority::init(&pki, Terms::default(), &[], now).expect("an authority");
        for name in ["AX", "FB", "IC", "SS", "ZA", "ZB", STATE, TERMINAL, "ZD", "NOBODY"] {
            authority.issue(StationName::parse(name).expect("a name"), now).expect("a certificate");
        }
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn pki(&self) -> PathBuf {
        self.path("pki")
    }

    /// Puts another network file in the place of the sample.
    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.path("network.toml"), text).expect("the network file is written");
    }

    /// Replaces something that the network file has.
    pub(crate) fn change(&self, from: &str, to: &str) {
        let file = self.path("network.toml");
        let text = fs::read_to_string(&file).expect("the network file");
        assert!(text.contains(from), "{from:?} is not in the network file");
        fs::write(&file, text.replacen(from, to, 1)).expect("the network file is written");
    }

    /// `orinet switch` on this network.
    pub(crate) fn command(&self) -> Command {
        switch_command(self.directory.path())
    }

    /// Starts the switch and waits until it listens.
    pub(crate) fn switch(&self) -> Node {
        self.switch_by(&mut self.command())
    }

    /// The same where it may end before it listens, as its own process then shows.
    pub(crate) fn try_switch_by(&self, command: &mut Command) -> Result<Node, Process> {
        Node::try_start(command, self.pki())
    }

    /// The same by a command that in the end runs the switch, with its standard error.
    pub(crate) fn switch_by(&self, command: &mut Command) -> Node {
        Node::start(command, self.pki())
    }
}

/// Starts the switch on the network of a demo's directory.
pub(crate) fn switch_in(directory: &Path) -> Node {
    Node::start(&mut switch_command(directory), directory.join("pki"))
}

fn switch_command(directory: &Path) -> Command {
    let mut command = orinet();
    command.arg("switch").arg("--config").arg(directory.join("network.toml"));
    command
}

/// A switch that runs, alone or in a demo.
pub(crate) struct Node {
    pub(crate) process: Process,
    pub(crate) links: SocketAddr,
    pub(crate) admin: SocketAddr,
    pki: PathBuf,
}

impl Node {
    fn start(command: &mut Command, pki: PathBuf) -> Self {
        Self::try_start(command, pki).unwrap_or_else(|process| panic!("the switch ended:\n{process:?}"))
    }

    fn try_start(command: &mut Command, pki: PathBuf) -> Result<Self, Process> {
        let process = Process::start(command);
        let Some(line) = process.line_or_end(Stream::Err, "the switch is up") else { return Err(process) };
        let (links, admin) = (address(&line, "links"), address(&line, "admin"));
        Ok(Self { process, links, admin, pki })
    }

    /// A link that acknowledges whatever comes.
    pub(crate) fn station(&self, name: &str) -> Station {
        self.attached(name, Acknowledges::Everything)
    }

    /// A link that acknowledges nothing.
    pub(crate) fn mute_station(&self, name: &str) -> Station {
        self.attached(name, Acknowledges::Nothing)
    }

    /// The same where the switch may end meanwhile.
    pub(crate) fn try_station(&self, name: &str) -> io::Result<Station> {
        Station::connect(self.links, &self.pki, name, Acknowledges::Everything)
    }

    /// A link that acknowledges nothing, whose handshake is done; whether the switch takes it shows later.
    pub(crate) fn caller(&self, name: &str) -> Station {
        Station::connect(self.links, &self.pki, name, Acknowledges::Nothing).expect("a handshake")
    }

    /// A link that the switch has taken: whatever is sent to it from now on, over this link or another, it hears after
    /// the word that this station is here.
    fn attached(&self, name: &str, acknowledges: Acknowledges) -> Station {
        let mut station = Station::connect(self.links, &self.pki, name, acknowledges).expect("a link");
        station.status().expect("the switch takes the station");
        station
    }

    /// How many copies its journal held for stations when it was read, as the log says.
    pub(crate) fn waiting(&self) -> usize {
        let line = self.process.line(Stream::Err, "the journal was read");
        let waiting = line.rsplit_once("waiting=").and_then(|(_, count)| count.trim().parse().ok());
        waiting.unwrap_or_else(|| panic!("no count in {line:?}"))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        get(self.admin, path)
    }

    /// What `/metrics` says, checked for its form.
    pub(crate) fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200);
        Metrics::parse(&answer.body)
    }

    /// Waits until a series has a value.
    pub(crate) fn await_metric(&self, series: &str, value: f64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metrics = self.metrics();
            if metrics.value(series) == Some(value) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{series} is {:?}, not {value}; {:?}:\n{:?}",
                metrics.value(series),
                metrics.family(series),
                self.process
            );
            // What changes a metric is often logged.
            self.process.listen(Duration::from_millis(20));
        }
    }

    /// Ends it as a service manager does, and checks that it ends well.
    pub(crate) fn stop(self) -> Finished {
        self.process.signal(Signal::TERM);
        let finished = self.process.end(PATIENCE);
        assert_eq!(finished.code, Some(0), "{finished:#?}");
        finished
    }

    /// Ends it as a power cut does the process.
    pub(crate) fn kill(self) {
        self.process.signal(Signal::KILL);
        self.process.end(PATIENCE);
    }
}

/// `orinet demo`, up and with its exchange done.
pub(crate) struct Demo {
    node: Node,
    directory: TempDir,
}

impl Demo {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let process = Process::start(demo(directory.path()).args(options));
        let line = process.line(Stream::Out, "READY");
        assert!(line.starts_with("READY "), "READY begins its line: {line:?}");
        let links = address(&line, "links ");
        let admin = address(&line, "admin http://");
        Self { node: Node { process, links, admin, pki: directory.path().join("pki") }, directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Ends it as a person does, with Ctrl-C.
    pub(crate) fn interrupt(self) -> Finished {
        self.node.process.signal(Signal::INT);
        self.node.process.end(Duration::from_secs(10))
    }
}

impl Deref for Demo {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

/// `orinet demo` with few persons, on ports that the system chooses, in that directory.
pub(crate) fn demo(directory: &Path) -> Command {
    let mut command = demo_anywhere();
    command.arg("--dir").arg(directory);
    command
}

/// The same in a directory of its own.
pub(crate) fn demo_anywhere() -> Command {
    let mut command = orinet();
    command.args(["demo", "--persons", "1000", "--link", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command
}

/// The persons that a demo says can be asked for.
pub(crate) fn known(directory: &Path) -> Value {
    let text = fs::read_to_string(directory.join("known.json")).expect("the demo names persons");
    serde_json::from_str(&text).expect("they are JSON")
}

/// An inquiry as the terminal sends it, about that person: `fields` replace and complete what every inquiry has.
pub(crate) fn inquiry(control: &str, fields: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("PUR", "C"),
        ("ATN", "SGT TEST ONE"),
        ("PHN", "5555550100"),
        ("NAM", "SAMPLE, PERSON A"),
        ("DOB", "19800102"),
        ("SEX", "M"),
        ("POB", "MM"),
        ("CUS", "Y"),
        ("OFF", "0399"),
    ];
    for (prefix, value) in fields {
        match all.iter_mut().find(|(known, _)| known == prefix) {
            Some(field) => field.1 = value,
            None => all.push((prefix, value)),
        }
    }
    let body: Vec<String> = all.iter().map(|(prefix, value)| format!("{prefix}/{value}")).collect();
    format!("IAQ.{TERMINAL}.AX.*{control}.TXT\r\n{}", body.join("."))
}

/// A message in free text from the terminal to the peer's agency.
pub(crate) fn note(text: &str) -> String {
    format!("AM.{TERMINAL}.{PEER}.TXT\r\n{text}")
}

/// What follows `mark` in a line, as an address.
pub(crate) fn address(line: &str, mark: &str) -> SocketAddr {
    let rest = line.split_once(mark).unwrap_or_else(|| panic!("no {mark:?} in {line:?}")).1;
    // Both forms of a log line: `links=ADDRESS` and `"links":"ADDRESS"`.
    let rest = rest.trim_start_matches(['=', '"', ':', ' ']);
    let text = rest.split([' ', '"']).next().unwrap_or_default();
    text.parse().unwrap_or_else(|_| panic!("no address after {mark:?} in {line:?}"))
}
