//! `cargo xtask dashboards`: Grafana's dashboards, made from a table of panels, so that they agree in their ways.
//!
//! What is made is kept in `dashboards/`; a test here says when it is behind. Every metric in a query is one of
//! `docs/metrics.md`, and `crates/e2e` runs every query against a Prometheus that scrapes a network under load.

mod boards;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use self::boards::BOARDS;
use crate::output;

/// Where they are kept, in the tree.
const FOLDER: &str = "dashboards";
/// Panels are so wide and so high, in the 24 columns of Grafana's grid.
const WIDTH: usize = 8;
const HEIGHT: usize = 7;
const COLUMNS: usize = 24;

/// One dashboard.
#[derive(Clone, Copy, Debug)]
struct Board {
    /// Its name in links, and its file's.
    uid: &'static str,
    title: &'static str,
    description: &'static str,
    /// Whether a station is chosen.
    by_station: bool,
    panels: &'static [Panel],
}

/// One picture.
#[derive(Clone, Copy, Debug)]
struct Panel {
    title: &'static str,
    description: &'static str,
    /// In Grafana's words: `short`, `bytes`, `s`, `reqps`, `percentunit`.
    unit: &'static str,
    shape: Shape,
    /// Expressions, and how their series are called.
    queries: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Lines over time.
    Lines,
    /// The last value, large; from the second figure on it is a warning, from the third on alarming.
    Figure(f64, f64),
    /// The same where little is alarming.
    FigureDown(f64, f64),
}

/// Writes all dashboards.
pub(crate) fn write(root: &Path) -> Result<()> {
    for (name, text) in files() {
        let file = root.join(FOLDER).join(&name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        output::line(&format!("{FOLDER}/{name}"));
    }
    Ok(())
}

/// Name and content of every file.
fn files() -> Vec<(String, String)> {
    BOARDS.iter().map(|board| (format!("{}.json", board.uid), format!("{:#}\n", dashboard(board)))).collect()
}

fn dashboard(board: &Board) -> Value {
    let panels: Vec<_> = board.panels.iter().enumerate().map(|(place, panel)| shown(place, panel)).collect();
    let mut variables = vec![
        json!({"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}),
        variable("instance", "Process", "label_values(orinet_build_info, instance)"),
    ];
    if board.by_station {
        variables.push(variable("station", "Station", "label_values(orinet_links, station)"));
    }
    json!({
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["orinet"],
        "schemaVersion": 39,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "timezone": "browser",
        "links": [{
            "title": "orinet", "type": "dashboards", "tags": ["orinet"], "asDropdown": true,
            "includeVars": true, "keepTime": true,
        }],
        "templating": {"list": variables},
        "annotations": {"list": []},
        "panels": panels,
    })
}

fn variable(name: &str, label: &str, query: &str) -> Value {
    json!({
        "name": name, "label": label, "type": "query", "datasource": source(), "query": query, "refresh": 2,
        "includeAll": true, "multi": true, "allValue": ".*", "sort": 1,
        "current": {"text": "All", "value": "$__all"},
    })
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn shown(place: usize, panel: &Panel) -> Value {
    let per_row = COLUMNS / WIDTH;
    let targets: Vec<_> = (b'A'..=b'Z')
        .zip(panel.queries)
        .map(|(letter, (query, legend))| {
            json!({
                "refId": char::from(letter).to_string(), "datasource": source(), "expr": query,
                "legendFormat": legend, "editorMode": "code", "range": true,
            })
        })
        .collect();
    let (kind, steps) = match panel.shape {
        Shape::Lines => ("timeseries", vec![json!({"color": "green", "value": null})]),
        Shape::Figure(warning, alarm) => (
            "stat",
            vec![
                json!({"color": "green", "value": null}),
                json!({"color": "orange", "value": warning}),
                json!({"color": "red", "value": alarm}),
            ],
        ),
        Shape::FigureDown(warning, alarm) => (
            "stat",
            vec![
                json!({"color": "red", "value": null}),
                json!({"color": "orange", "value": alarm}),
                json!({"color": "green", "value": warning}),
            ],
        ),
    };
    json!({
        "id": place + 1,
        "title": panel.title,
        "description": panel.description,
        "type": kind,
        "datasource": source(),
        "gridPos": {"x": place % per_row * WIDTH, "y": place / per_row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": targets,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    fn read(name: &str) -> String {
        fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Words of a text that name metrics of this project, without what a histogram or a recording rule adds.
    fn metrics(text: &str) -> BTreeSet<String> {
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
        let named = text.split(word).filter(|word| word.starts_with("orinet_"));
        named
            .map(|name| {
                let stem = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
                stem.unwrap_or(name).to_owned()
            })
            .collect()
    }

    #[test]
    fn what_is_kept_is_what_is_made() {
        for (name, text) in files() {
            let kept = fs::read_to_string(root().join(FOLDER).join(&name)).unwrap_or_default();
            assert!(kept == text, "{FOLDER}/{name} is behind: cargo xtask dashboards");
        }
    }

    #[test]
    fn every_metric_that_is_looked_at_exists() {
        let reference = read("docs/metrics.md");
        let known: BTreeSet<_> =
            reference.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let mut texts: Vec<_> = files();
        texts.push(("rules.yml".to_owned(), read("dashboards/rules.yml")));
        for (name, text) in texts {
            let unknown: Vec<_> =
                metrics(&text).into_iter().filter(|metric| !known.contains(metric.as_str())).collect();
            assert_eq!(unknown, [""; 0], "in {name}");
        }
    }

    #[test]
    fn every_panel_says_what_it_shows() {
        for board in BOARDS {
            for panel in board.panels {
                assert!(panel.description.ends_with('.') && !panel.queries.is_empty(), "{}: {panel:?}", board.uid);
            }
        }
    }

    #[test]
    fn every_alert_has_a_runbook() {
        let (rules, runbooks) = (read("dashboards/rules.yml"), read("docs/runbooks.md"));
        let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
        assert!(alerts.len() > 12, "{alerts:?}");
        for alert in &alerts {
            assert!(runbooks.contains(&format!("\n## {alert}\n")), "{alert} has no paragraph in docs/runbooks.md");
            assert!(rules.contains(&format!("docs/runbooks.md#{}", alert.to_lowercase())), "{alert} names no runbook");
        }
        let tests = read("dashboards/rules.test.yml");
        for alert in alerts {
            assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} is not in dashboards/rules.test.yml");
        }
    }
}
