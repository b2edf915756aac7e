//! A page of metrics: what makes each metric, writes all of them, and knows them well enough to document them.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Encoder as _, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::disk::{DISK_FREE, DISK_SIZE, Disk};

/// What a metric counts in. Base units, as Prometheus wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things: messages, copies, links.
    Count,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Seconds since 1970-01-01 UTC.
    Timestamp,
    /// 0 or 1.
    Flag,
}

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the process starts again.
    Counter,
    /// It is what it is now.
    Gauge,
    /// Values by size.
    Histogram,
}

/// From which closed set a label takes its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// The stations of the network.
    Stations,
    /// The same, and `all` for all of them together.
    StationsOrAll,
    /// The keys of the message dictionary, and `none` where there is none.
    Keys,
    /// The numbers of the ER, of two digits.
    ErNumbers,
    /// The numbers of the SM, of two digits.
    SmNumbers,
    /// The version of the program.
    Version,
    /// These.
    Of(&'static [&'static str]),
}

/// A label of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: Values,
}

/// What there is to say about a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Definition {
    /// Its name; what is counted and in which unit can be read from it.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it counts in.
    pub unit: Unit,
    /// What it means.
    pub help: &'static str,
    /// Its labels.
    pub labels: &'static [Label],
    /// The upper bounds of a histogram's buckets.
    pub buckets: &'static [f64],
}

impl Definition {
    const fn new(kind: Kind, name: &'static str, unit: Unit, help: &'static str) -> Self {
        Self { name, kind, unit, help, labels: &[], buckets: &[] }
    }

    const fn by(mut self, labels: &'static [Label]) -> Self {
        self.labels = labels;
        self
    }

    fn options(&self) -> Opts {
        Opts::new(self.name, self.help)
    }

    fn label_names(&self) -> Vec<&'static str> {
        self.labels.iter().map(|label| label.name).collect()
    }
}

/// The metrics of a process, and what they mean.
#[derive(Debug)]
pub struct Page {
    registry: Registry,
    definitions: Mutex<Vec<Definition>>,
}

impl Page {
    /// A page with the metrics that every process has: its own and those of the build.
    ///
    /// # Panics
    /// If two metrics share a name: a defect that the tests of this crate find.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let page = Self { registry: Registry::new(), definitions: Mutex::default() };
        let build = page.gauges(
            "orinet_build_info",
            Unit::Flag,
            "1, with the version that runs.",
            &[Label { name: "version", values: Values::Version }],
        );
        build.with_label_values(&[version]).set(1);
        #[cfg(target_os = "linux")]
        page.register(prometheus::process_collector::ProcessCollector::for_self());
        page
    }

    /// All metrics in the text form that Prometheus scrapes.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        // Writing into memory fails only for a family that has no metrics, and none is gathered.
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        String::from_utf8(text).unwrap_or_default()
    }

    /// What the metrics mean, in the order in which they were made.
    #[must_use]
    pub fn definitions(&self) -> Vec<Definition> {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the room on the disk of that directory in the page from now on, looked up at each scrape.
    ///
    /// # Panics
    /// If it was asked for before.
    pub fn watch_disk(&self, directory: &std::path::Path) {
        self.note_disk();
        self.register(Disk::new(directory));
    }

    /// The definitions of [`Self::watch_disk`], for the reference.
    pub(crate) fn note_disk(&self) {
        for (name, help) in [DISK_FREE, DISK_SIZE] {
            self.define(Definition::new(Kind::Gauge, name, Unit::Bytes, help));
        }
    }

    fn define(&self, definition: Definition) {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner).push(definition);
    }

    fn register<C: Collector + 'static>(&self, collector: C) {
        #[expect(clippy::expect_used, reason = "names are constants, and a test registers them all")]
        self.registry.register(Box::new(collector)).expect("metric names are valid and used once");
    }

    fn made<C: Collector + Clone + 'static>(&self, definition: Definition, made: prometheus::Result<C>) -> C {
        #[expect(clippy::expect_used, reason = "names are constants, and a test makes them all")]
        let made = made.expect("metric names are valid");
        self.register(made.clone());
        self.define(definition);
        made
    }

    pub(crate) fn counter(&self, name: &'static str, unit: Unit, help: &'static str) -> IntCounter {
        let definition = Definition::new(Kind::Counter, name, unit, help);
        self.made(definition, IntCounter::with_opts(definition.options()))
    }

    pub(crate) fn counters(
        &self,
        name: &'static str,
        unit: Unit,
        help: &'static str,
        labels: &'static [Label],
    ) -> IntCounterVec {
        let definition = Definition::new(Kind::Counter, name, unit, help).by(labels);
        let made = self.made(definition, IntCounterVec::new(definition.options(), &definition.label_names()));
        // A counter that is there from the start shows its first step as one; one that appears with it does not.
        if let [Label { values: Values::Of(values), .. }] = labels {
            values.iter().for_each(|value| made.with_label_values(&[*value]).reset());
        }
        made
    }

    pub(crate) fn gauge(&self, name: &'static str, unit: Unit, help: &'static str) -> IntGauge {
        let definition = Definition::new(Kind::Gauge, name, unit, help);
        self.made(definition, IntGauge::with_opts(definition.options()))
    }

    pub(crate) fn float_gauge(&self, name: &'static str, unit: Unit, help: &'static str) -> Gauge {
        let definition = Definition::new(Kind::Gauge, name, unit, help);
        self.made(definition, Gauge::with_opts(definition.options()))
    }

    pub(crate) fn gauges(
        &self,
        name: &'static str,
        unit: Unit,
        help: &'static str,
        labels: &'static [Label],
    ) -> IntGaugeVec {
        let definition = Definition::new(Kind::Gauge, name, unit, help).by(labels);
        self.made(definition, IntGaugeVec::new(definition.options(), &definition.label_names()))
    }

    pub(crate) fn float_gauges(
        &self,
        name: &'static str,
        unit: Unit,
        help: &'static str,
        labels: &'static [Label],
    ) -> GaugeVec {
        let definition = Definition::new(Kind::Gauge, name, unit, help).by(labels);
        self.made(definition, GaugeVec::new(definition.options(), &definition.label_names()))
    }

    pub(crate) fn histogram(
        &self,
        name: &'static str,
        unit: Unit,
        help: &'static str,
        buckets: &'static [f64],
    ) -> Histogram {
        let definition = Definition { buckets, ..Definition::new(Kind::Histogram, name, unit, help) };
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.made(definition, Histogram::with_opts(options))
    }
}

/// A chapter of the reference: a table of the metrics of one page.
pub(crate) fn chapter(title: &str, intro: &str, definitions: &[Definition]) -> String {
    let mut text =
        format!("## {title}\n\n{intro}\n\n| Metric | Type | Unit | Labels | Meaning |\n|---|---|---|---|---|\n");
    for definition in definitions {
        let labels: Vec<_> =
            definition.labels.iter().map(|label| format!("`{}`: {}", label.name, values(label))).collect();
        let kind = match definition.kind {
            Kind::Counter => "counter".to_owned(),
            Kind::Gauge => "gauge".to_owned(),
            Kind::Histogram => {
                let bounds: Vec<_> = definition.buckets.iter().map(f64::to_string).collect();
                format!("histogram, up to {}", bounds.join(", "))
            }
        };
        let unit = match definition.unit {
            Unit::Count => "",
            Unit::Bytes => "bytes",
            Unit::Seconds => "seconds",
            Unit::Timestamp => "seconds since 1970",
            Unit::Flag => "0 or 1",
        };
        let Definition { name, help, .. } = definition;
        // Writing into memory does not fail.
        let _written = writeln!(text, "| `{name}` | {kind} | {unit} | {} | {help} |", labels.join("; "));
    }
    text
}

fn values(label: &Label) -> String {
    match label.values {
        Values::Stations => "a station of the network".to_owned(),
        Values::StationsOrAll => "a station of the network, or `all`".to_owned(),
        Values::Keys => "a key of the message dictionary, or `none`".to_owned(),
        Values::ErNumbers => "the number of an ER, two digits".to_owned(),
        Values::SmNumbers => "the number of an SM, two digits".to_owned(),
        Values::Version => "the version of the program".to_owned(),
        Values::Of(values) => values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
    }
}
