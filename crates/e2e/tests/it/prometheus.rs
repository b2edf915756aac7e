//! A real Prometheus that scrapes the network: every query of the dashboards has data, alerts are raised by the faults
//! that they are for and are gone after.
//!
//! The rules are those of `dashboards/rules.yml` with times and thresholds of seconds in place of minutes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};
use serde_json::Value;

use crate::binary::{checkout, orinet};
use crate::net::{Demo, Net, STATE, TERMINAL, note};
use crate::process::{Process, Stream};

/// How long data or an alert may take: scrapes and evaluations come once a second, beside other tests.
const WITHIN: Duration = Duration::from_secs(90);

/// Escapes all but letters and digits.
fn escaped(text: &str) -> String {
    let safe =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(safe).collect()
}

/// A Prometheus that runs: here, or in a demo.
struct Prometheus {
    address: SocketAddr,
    /// To wait on between two questions.
    process: Option<Process>,
}

impl Prometheus {
    /// Starts one that scrapes a switch, with rules in seconds.
    fn start(net: &Net, admin: SocketAddr) -> Self {
        let rules = fs::read_to_string(checkout("dashboards/rules.yml")).expect("the rules");
        fs::write(net.path("rules.yml"), in_seconds(&rules)).expect("the rules are written");
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: [rules.yml]\nscrape_configs:\n  \
             - job_name: orinet-switch\n    static_configs:\n      - targets: [\"{admin}\"]\n"
        );
        fs::write(net.path("prometheus.yml"), config).expect("the configuration is written");
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", net.path("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", net.path("prometheus").display()));
        let process = Process::start(command.arg("--web.listen-address=127.0.0.1:0"));
        let line = process.line(Stream::Err, "msg=\"Listening on\"");
        process.line(Stream::Err, "Server is ready");
        let address = line.rsplit_once("address=").and_then(|(_, address)| address.parse().ok());
        Self { address: address.unwrap_or_else(|| panic!("no address in {line:?}")), process: Some(process) }
    }

    fn ask(&self, path: &str) -> Value {
        let mut socket = TcpStream::connect(self.address).expect("Prometheus is there");
        // Version 1.0, so that the answer comes in one piece.
        write!(socket, "GET /api/v1/{path} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("it takes a request");
        let mut text = String::new();
        socket.read_to_string(&mut text).expect("the answer is text and ends");
        let body = text.split_once("\r\n\r\n").expect("a head and a body").1;
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    /// Whether a query has a figure.
    fn has_data(&self, query: &str) -> bool {
        let data = self.ask(&format!("query?query={}", escaped(query)));
        let series = data["result"].as_array().expect("a list of series");
        let figures = series.iter().filter_map(|series| series["value"][1].as_str()?.parse::<f64>().ok());
        figures.into_iter().any(f64::is_finite)
    }

    /// Alerts that fire, and one of each one's stations or reasons.
    fn firing(&self) -> BTreeMap<String, String> {
        let data = self.ask("alerts");
        let alerts = data["alerts"].as_array().expect("a list of alerts").iter();
        let word = |alert: &Value, name: &str| alert["labels"][name].as_str().map(str::to_owned);
        alerts
            .filter(|alert| alert["state"] == "firing")
            .filter_map(|alert| {
                Some((
                    word(alert, "alertname")?,
                    word(alert, "station").or_else(|| word(alert, "reason")).unwrap_or_default(),
                ))
            })
            .collect()
    }

    /// Waits until all these alerts fire, or none of them.
    fn await_alerts(&self, names: &[&str], fire: bool) {
        self.await_alerts_while(names, fire, || ());
    }

    /// The same, with something done between two looks.
    fn await_alerts_while(&self, names: &[&str], fire: bool, mut meanwhile: impl FnMut()) {
        let deadline = Instant::now() + WITHIN;
        loop {
            let firing = self.firing();
            if names.iter().all(|name| firing.contains_key(*name) == fire) {
                return;
            }
            assert!(Instant::now() < deadline, "of {names:?} not all are {fire}: {firing:?}");
            meanwhile();
            self.pause();
        }
    }

    /// Waits a moment for it to say something.
    fn pause(&self) {
        if let Some(process) = &self.process {
            process.listen(Duration::from_millis(200));
        }
    }
}

/// Rules that can be tried within seconds: the same expressions over shorter times and smaller figures.
fn in_seconds(rules: &str) -> String {
    let mut rules = rules.to_owned();
    for minutes in ["1m", "5m", "10m"] {
        rules = rules.replace(&format!("for: {minutes}\n"), "for: 1s\n");
    }
    for minutes in ["5m", "10m", "15m"] {
        rules = rules.replace(&format!("[{minutes}]"), "[5s]");
    }
    for (from, to) in [("> 600", "> 3"), ("sum > 100", "sum > 5"), ("[5s]) > 50", "[5s]) > 5")] {
        assert!(rules.contains(from), "{from} is not in the rules");
        rules = rules.replace(from, to);
    }
    rules
}

/// Every query of a dashboard: its panel, and the query with its variables filled in.
fn queries(file: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(file).expect("a dashboard");
    let board: Value = serde_json::from_str(&text).expect("it is JSON");
    let mut queries = Vec::new();
    for panel in board["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            let query = target["expr"].as_str().expect("a query");
            let query = query.replace("$__rate_interval", "10s").replace("$instance", ".*").replace("$station", ".*");
            assert!(!query.contains('$'), "{query}");
            queries.push((format!("{}: {}", board["title"], panel["title"]), query));
        }
    }
    queries
}

#[test]
fn every_panel_of_every_dashboard_has_data_while_the_demo_is_under_load() {
    let demo = Demo::start_with(&["--prometheus", "127.0.0.1:0"]);
    let line = demo.process.line(Stream::Out, "prometheus ");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
    let prometheus = Prometheus { address: address.unwrap_or_else(|| panic!("{line}")), process: None };

    // It ends with the test.
    let mix = demo.path("mix.toml");
    let text = "malformed = 0.05\nrepeated = 0.05\n[[sender]]\nstation = \"ZA0010000\"\n[[message]]\nkey = \"IAQ\"\n\
                to = [\"AX\"]\nweight = 1\n[[message]]\nkey = \"AM\"\nto = [\"ZC0010000\"]\nweight = 1\n\
                [[receiver]]\nstation = \"ZC\"\ntakes = [\"ZC0010000\"]\n";
    fs::write(&mix, text).unwrap();
    let mut load = orinet();
    load.args(["load", "--quiet", "--rate", "40", "--duration", "300s", "--link", &demo.links.to_string(), "--pki"]);
    let load = Process::start(load.arg(demo.path("pki")).arg("--mix").arg(&mix));

    let mut open = Vec::new();
    for name in ["network", "station", "switch", "center", "load"] {
        open.extend(queries(&checkout(&format!("dashboards/orinet-{name}.json"))));
    }
    assert!(open.len() > 70, "{}", open.len());
    let rules = fs::read_to_string(checkout("dashboards/rules.yml")).unwrap();
    let recorded = rules.lines().filter_map(|line| line.trim().strip_prefix("- record: "));
    open.extend(recorded.map(|name| ("recorded".to_owned(), name.to_owned())));
    // What does not exist has no data: the question can be answered with no.
    assert!(!prometheus.has_data("orinet_no_such_metric"));
    let deadline = Instant::now() + WITHIN;
    loop {
        open.retain(|(_, query)| !prometheus.has_data(query));
        if open.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "no data for {open:#?}\n{:?}\n{load:?}", demo.process);
        load.listen(Duration::from_millis(500));
    }
    assert_eq!(prometheus.ask("rules")["groups"].as_array().map(Vec::len), Some(6), "all groups of rules are there");
    drop(load);
    demo.interrupt();
    assert!(TcpStream::connect(prometheus.address).is_err(), "it ends with the demo");
}

#[test]
fn alerts_fire_on_their_faults_and_clear_after() {
    let net = Net::new();
    net.change("name = \"ZC\"\n", "name = \"ZC\"\nhold_bytes = 12000\n");
    let switch = net.switch();
    let (links, admin) = (switch.links, switch.admin);
    let prometheus = Prometheus::start(&net, admin);
    let mut terminal = switch.station(TERMINAL);
    prometheus.await_alerts(&["OrinetScrapeLost"], false);
    let deadline = Instant::now() + WITHIN;
    while !prometheus.has_data("orinet_links{station=\"ZA0010000\"}") {
        assert!(Instant::now() < deadline, "nothing is scraped");
        prometheus.pause();
    }
    assert_eq!(prometheus.firing(), BTreeMap::new(), "nothing is wrong yet");

    // A station that is away, and more and more for it.
    const AWAY: [&str; 4] = ["OrinetDestinationDown", "OrinetQueueOld", "OrinetHoldAlarm", "OrinetQueueGrowing"];
    let mut missing = AWAY.to_vec();
    let mut sent = 0;
    let deadline = Instant::now() + WITHIN;
    while !missing.is_empty() {
        assert!(Instant::now() < deadline, "{missing:?} are not raised by {sent} copies that wait");
        if sent < 34 {
            for _ in 0..2 {
                terminal.send(&note(&format!("WAITS {}", "X".repeat(20))));
                sent += 1;
            }
            drop(terminal.take_all());
        }
        prometheus.pause();
        let firing = prometheus.firing();
        missing.retain(|name| firing.get(*name).is_none_or(|station| station != STATE));
    }
    // It comes, with a certificate that will not last.
    let station = StationName::parse(STATE).unwrap();
    let authority = |days: u64| {
        let term = Duration::from_hours(24 * days);
        Authority::open(&net.pki(), Terms { certificate: term, revocations: term, ..Terms::default() }).unwrap()
    };
    authority(5).renew(station, Timestamp::now()).unwrap();
    let mut state = switch.station(STATE);
    let mut take = || drop(state.take_all());
    prometheus.await_alerts_while(&["OrinetStationCertificateExpiring"], true, &mut take);
    prometheus.await_alerts_while(&AWAY, false, &mut take);
    drop(state);
    authority(300).renew(station, Timestamp::now()).unwrap();
    let _state = switch.station(STATE);
    prometheus.await_alerts(&["OrinetStationCertificateExpiring"], false);

    // The switch's own certificate and its list of revocations are about to end.
    const ENDING: [&str; 2] = ["OrinetSwitchCertificateExpiring", "OrinetRevocationsExpiring"];
    for (days, fire) in [(2, true), (30, false)] {
        authority(days).renew_switch(&[], Timestamp::now()).unwrap();
        authority(days).refresh_revocations(Timestamp::now()).unwrap();
        prometheus.await_alerts(&ENDING, fire);
    }

    // Somebody calls who does not speak TLS.
    let deadline = Instant::now() + WITHIN;
    while prometheus.firing().get("OrinetHandshakesFailing").is_none_or(|reason| reason != "protocol") {
        assert!(Instant::now() < deadline, "strangers raise nothing");
        let mut socket = TcpStream::connect(links).unwrap();
        socket.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        // A reset is an end too.
        drop(socket.read_to_end(&mut Vec::new()));
        prometheus.pause();
    }
    prometheus.await_alerts(&["OrinetHandshakesFailing"], false);

    // The switch is gone, and comes again.
    switch.kill();
    prometheus.await_alerts(&["OrinetScrapeLost"], true);
    net.change("admin = \"127.0.0.1:0\"", &format!("admin = \"{admin}\""));
    let switch = net.switch();
    prometheus.await_alerts(&["OrinetScrapeLost"], false);
    switch.stop();
}
