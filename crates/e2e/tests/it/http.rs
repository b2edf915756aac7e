//! The admin page as a scraper sees it, and a strict reader of what it says.
//!
//! The reader accepts what version 0.0.4 of Prometheus' text form allows and nothing else: a family's help, then its type,
//! then all its samples; valid names; no series twice; counters and histograms that are what they say.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::PATIENCE;

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// Asks for a page.
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE).expect("the admin page is there");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time that is not zero");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("the page takes a request");
    answered(socket)
}

/// Asks for something to be done, as whoever has that token.
pub(crate) fn post(address: SocketAddr, path: &str, token: &str, body: &str) -> Answer {
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE).expect("the admin page is there");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time that is not zero");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    write!(socket, "{head}{body}").expect("the page takes a request");
    answered(socket)
}

fn answered(mut socket: TcpStream) -> Answer {
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("the answer is text and ends");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let headers = lines.map(|line| line.split_once(':').expect("a name and a value"));
    let headers: BTreeMap<String, String> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    assert_eq!(headers.get("content-length").and_then(|bytes| bytes.parse().ok()), Some(body.len()), "{head}");
    Answer { status: status.expect("a status line"), headers, body: body.to_owned() }
}

/// The series of a scrape.
#[derive(Debug)]
pub(crate) struct Metrics {
    families: BTreeMap<String, Family>,
}

#[derive(Debug)]
struct Family {
    kind: String,
    /// By name and labels as written.
    series: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads a scrape; anything that Prometheus would not take fails the test.
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends");
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let (mut current, mut helped) = (String::new(), String::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
                assert!(is_name(name) && !words.trim().is_empty(), "{line}");
                assert!(!families.contains_key(name), "a second family of that name: {line}");
                name.clone_into(&mut helped);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap_or_else(|| panic!("no type: {line}"));
                assert_eq!(name, helped, "the type follows the help: {line}");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                name.clone_into(&mut current);
                let family = Family { kind: kind.to_owned(), series: BTreeMap::new() };
                assert!(families.insert(current.clone(), family).is_none(), "a second type: {line}");
            } else {
                let (series, name, value) = sample(line);
                let family = families.get_mut(&current).unwrap_or_else(|| panic!("no family yet: {line}"));
                assert!(family.has(&current, &name), "not of the family {current}: {line}");
                assert!(family.series.insert(series, value).is_none(), "a series twice: {line}");
            }
        }
        for (name, family) in &families {
            family.check(name);
        }
        Self { families }
    }

    /// The value of a series, named as in `name{label="value"}`.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        self.families.values().find_map(|family| family.series.get(series)).copied()
    }

    /// The sum over all series of a family.
    pub(crate) fn sum(&self, family: &str) -> f64 {
        self.families.get(family).map_or(0.0, |family| family.series.values().sum())
    }

    /// The series of the family that a series is of, for a failure to show.
    pub(crate) fn family(&self, series: &str) -> Vec<(&String, &f64)> {
        let name = series.split('{').next().unwrap_or_default();
        self.families.get(name).map_or_else(Vec::new, |family| family.series.iter().collect())
    }

    /// The names of all families.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.families.keys().map(String::as_str)
    }
}

impl Family {
    fn has(&self, family: &str, name: &str) -> bool {
        let ends: &[&str] = if self.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        name.strip_prefix(family).is_some_and(|end| ends.contains(&end))
    }

    fn check(&self, name: &str) {
        assert!(!self.series.is_empty(), "{name} is announced and has no series");
        match self.kind.as_str() {
            "counter" => {
                assert!(name.ends_with("_total"), "a counter ends in _total: {name}");
                assert!(self.series.values().all(|value| *value >= 0.0), "{name} counts below zero");
            }
            "histogram" => self.check_histogram(name),
            _ => assert!(!name.ends_with("_total"), "only a counter ends in _total: {name}"),
        }
    }

    /// One without labels, as all here are.
    fn check_histogram(&self, name: &str) {
        let bound = |series: &str| -> Option<f64> {
            number(series.strip_prefix(name)?.strip_prefix("_bucket{le=\"")?.strip_suffix("\"}")?)
        };
        let mut buckets: Vec<(f64, f64)> =
            self.series.iter().filter_map(|(series, count)| Some((bound(series)?, *count))).collect();
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(buckets.is_sorted_by(|one, other| one.0 < other.0 && one.1 <= other.1), "{name}: {buckets:?}");
        let count = self.series.get(&format!("{name}_count"));
        assert_eq!(buckets.last(), count.map(|count| (f64::INFINITY, *count)).as_ref(), "{name}");
        assert!(self.series.contains_key(&format!("{name}_sum")), "{name}");
        assert_eq!(self.series.len(), buckets.len() + 2, "{name} has labels that are not looked at here");
    }
}

/// Series, name and value of a line.
fn sample(line: &str) -> (String, String, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line:?}"));
    let value = number(value).unwrap_or_else(|| panic!("no number: {line}"));
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    assert!(is_name(name), "{line}");
    if series.len() > name.len() {
        let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("labels that do not end: {line}"));
        check_labels(labels, line);
    }
    (series.to_owned(), name.to_owned(), value)
}

fn check_labels(mut rest: &str, line: &str) {
    let mut seen = HashSet::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
        assert!(is_name(name) && !name.contains(':') && seen.insert(name), "a label's name: {line}");
        let mut escaped = false;
        let end = after.find(|letter| {
            let ends = letter == '"' && !escaped;
            assert!(!escaped || ['\\', '"', 'n'].contains(&letter), "an escape that is none: {line}");
            escaped = letter == '\\' && !escaped;
            ends
        });
        let (_, after) = after.split_at(end.unwrap_or_else(|| panic!("a value that does not end: {line}")));
        rest = after.get(1..).unwrap_or_default();
        rest = match rest.strip_prefix(',') {
            Some(more) if !more.is_empty() => more,
            _ => {
                assert!(rest.is_empty(), "labels are apart by commas: {line}");
                rest
            }
        };
    }
    assert!(!seen.is_empty(), "empty braces: {line}");
}

fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || letter == ':';
    name.starts_with(is_letter) && name.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit())
}

/// As Prometheus writes numbers.
fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        // What Rust reads beyond that is not a number there.
        _ => text.parse().ok().filter(|_| !text.contains(['i', 'I', 'n', 'N'])),
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "small whole numbers are exact")]
fn the_reader_of_metrics_takes_what_is_right_and_nothing_else() {
    let good =
        "# HELP a_total Things.\n# TYPE a_total counter\na_total{k=\"v\",l=\"x\\\"y\"} 3\na_total{k=\"w\",l=\"\"} 4\n";
    let metrics = Metrics::parse(good);
    assert_eq!(metrics.value("a_total{k=\"v\",l=\"x\\\"y\"}"), Some(3.0));
    assert_eq!(metrics.sum("a_total"), 7.0);
    let histogram =
        "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4.5\nh_count 3\n";
    assert_eq!(Metrics::parse(histogram).value("h_count"), Some(3.0));
    let wrong = [
        good.replace("k=\"w\",l=\"\"", "k=\"v\",l=\"x\\\"y\""),
        good.replace("# TYPE a_total counter\n", ""),
        good.replace("a_total", "a"),
        good.replace(" 3\n", " three\n"),
        good.replace("k=\"v\",", "k=\"v\" "),
        good.replace("l=\"\"}", "l=\"}"),
        good.replace(" counter", " number"),
        good.trim_end().to_owned(),
        histogram.replace("le=\"1\"} 2", "le=\"1\"} 9"),
        histogram.replace("h_count 3", "h_count 4"),
    ];
    for text in wrong {
        assert!(std::panic::catch_unwind(|| Metrics::parse(&text)).is_err(), "taken:\n{text}");
    }
}
