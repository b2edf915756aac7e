//! What operators do and see, as metrics and log lines.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec};
use switch_core::Observation;
use tracing::{info, warn};

use crate::metrics::STATION;
use crate::page::{Label, Page, Unit, Values};

/// Commands that change something (`switch_core::Command::word`).
const COMMANDS: Values = Values::Of(&[
    "hold",
    "release",
    "divert",
    "undivert",
    "state",
    "resend",
    "letter-resend",
    "letter-discard",
    "directory-drop",
    "drain",
    "undrain",
    "reload",
]);
const RESULTS: Values = Values::Of(&["done", "denied"]);

/// Metrics of what operators do.
#[derive(Debug)]
pub(crate) struct OperatorMetrics {
    held: IntGaugeVec,
    diverted: IntGaugeVec,
    draining: IntGauge,
    commands: IntCounterVec,
    reloads: IntCounterVec,
}

/// What came of a command.
const fn result(denied: bool) -> &'static str {
    if denied { "denied" } else { "done" }
}

impl OperatorMetrics {
    pub(crate) fn on(p: &Page) -> Self {
        let metrics = Self {
            held: p.gauges(
                "orinet_station_held",
                Unit::Flag,
                "1 while an operator has nothing sent to the station.",
                STATION,
            ),
            diverted: p.gauges(
                "orinet_station_diverted",
                Unit::Flag,
                "1 while an operator has the station's messages go to another.",
                STATION,
            ),
            draining: p.gauge("orinet_draining", Unit::Flag, "1 while an operator has nothing new taken."),
            commands: p.counters(
                "orinet_operator_commands_total",
                Unit::Count,
                "Commands that change something, by command and result.",
                &[Label { name: "command", values: COMMANDS }, Label { name: "result", values: RESULTS }],
            ),
            reloads: p.counters(
                "orinet_reloads_total",
                Unit::Count,
                "Readings of the configuration while the switch ran, by result.",
                &[Label { name: "result", values: RESULTS }],
            ),
        };
        // From the first scrape on, so that the first of them is seen as an increase.
        for denied in [false, true] {
            metrics.reloads.with_label_values(&[result(denied)]);
        }
        metrics
    }

    /// Takes what operators did; whatever else was observed is none of it.
    pub(crate) fn observe(&self, observation: &Observation) {
        if let Observation::Commanded { command, denied } = observation {
            self.commands.with_label_values(&[*command, result(*denied)]).inc();
        } else if let Observation::Held { station, held } = observation {
            self.held.with_label_values(&[station.as_str()]).set(i64::from(*held));
            if *held {
                warn!(%station, "a station is held: nothing is sent to it");
            } else {
                info!(%station, "a station is released");
            }
        } else if let Observation::Diverted { station, to } = observation {
            self.diverted.with_label_values(&[station.as_str()]).set(i64::from(to.is_some()));
            match to {
                Some(to) => warn!(%station, %to, "a station's messages go to another"),
                None => info!(%station, "a station gets its own messages again"),
            }
        } else if let Observation::Drains { draining } = observation {
            self.draining.set(i64::from(*draining));
            if *draining {
                warn!("an operator drains the switch: nothing new is taken");
            } else {
                info!("messages are taken again");
            }
        }
    }

    /// The configuration was read again, and holds or does not.
    pub(crate) fn reloaded(&self, holds: bool) {
        self.reloads.with_label_values(&[result(!holds)]).inc();
    }
}
