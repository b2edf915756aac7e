//! What operators do and see, as metrics and log lines.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Registry};
use switch_core::Observation;
use tracing::{info, warn};

use crate::metrics::{counters, gauge, gauges};

/// Metrics of what operators do.
#[derive(Debug)]
pub(crate) struct OperatorMetrics {
    held: IntGaugeVec,
    diverted: IntGaugeVec,
    draining: IntGauge,
    dead_letters: IntGauge,
    commands: IntCounterVec,
    reloads: IntCounterVec,
}

/// What came of a command.
const fn result(denied: bool) -> &'static str {
    if denied { "denied" } else { "done" }
}

impl OperatorMetrics {
    pub(crate) fn new(r: &Registry) -> Self {
        let metrics = Self {
            held: gauges(r, "orinet_station_held", "1 while an operator has nothing sent to a station.", &["station"]),
            diverted: gauges(
                r,
                "orinet_station_diverted",
                "1 while an operator has a station's messages go to another.",
                &["station"],
            ),
            draining: gauge(r, "orinet_draining", "1 while an operator has nothing new taken."),
            dead_letters: gauge(r, "orinet_dead_letters", "Dead letters that nobody has sent again or discarded."),
            commands: counters(
                r,
                "orinet_operator_commands_total",
                "Commands that change something, by command and result.",
                &["command", "result"],
            ),
            reloads: counters(
                r,
                "orinet_reloads_total",
                "Readings of the configuration while the switch ran, by result.",
                &["result"],
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

    pub(crate) fn dead_letters(&self, count: usize) {
        self.dead_letters.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// The configuration was read again, and holds or does not.
    pub(crate) fn reloaded(&self, holds: bool) {
        self.reloads.with_label_values(&[result(!holds)]).inc();
    }
}
