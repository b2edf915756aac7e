//! The reference of all metrics, in Markdown, from their definitions.

use std::sync::Arc;

use crate::center::CenterMetrics;
use crate::metrics::Metrics;
use crate::page::{Page, chapter};

const INTRO: &str = "\
# Metrics

What `/metrics` says, in the text form of Prometheus: on a switch's admin page (`admin` of its configuration), on the support
center's (`orinet responder lesc --admin ADDRESS`), and for both together on the demo's. This file is what `orinet metrics --doc`
prints; `orinet metrics` prints the page itself, with nothing counted.

Labels take their values from closed sets, so that nobody can make new series by sending something. No metric holds
anything of a message. What they cost is counted by `cargo xtask count`: about 1,800 instructions for a message from its reception to its
delivery, some 0.2 µs, which is about 1 % of what a switch under load takes for it. A station has series from its first link or its first copy on. Dashboards and alerts made of these metrics
are in `dashboards/`; what to do on an alert is in `docs/runbooks.md`.
";

const PROCESS: &str = "\
Beside these every page has the usual ones of a process, which Prometheus's own client library defines: \
`process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_open_fds`, \
`process_max_fds`, `process_threads`, `process_start_time_seconds`.
";

/// All metrics, as a Markdown document.
#[must_use]
pub fn markdown() -> String {
    let page = Arc::new(Page::new(""));
    let process = page.definitions();
    let _switch = Metrics::on(Arc::clone(&page));
    page.note_disk();
    let switch: Vec<_> = page.definitions().into_iter().skip(process.len()).collect();
    let page = Page::new("");
    let _center = CenterMetrics::on(&page);
    let center: Vec<_> = page.definitions().into_iter().skip(process.len()).collect();
    [
        INTRO,
        &chapter("Every process", PROCESS.trim_end(), &process),
        &chapter(
            "The switch",
            "Queues and what is held are looked up once a second, the disk at each scrape.",
            &switch,
        ),
        &chapter(
            "The support center",
            "It answers every inquiry by itself, so that no queue of technicians is counted.",
            &center,
        ),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Kind;

    #[test]
    fn the_reference_in_the_tree_is_what_the_definitions_say() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
        let kept = std::fs::read_to_string(file).unwrap_or_default();
        assert!(kept == markdown(), "docs/metrics.md is behind: orinet metrics --doc > docs/metrics.md");
    }

    #[test]
    fn names_say_unit_and_kind() {
        let page = Arc::new(Page::new(""));
        let _switch = Metrics::on(Arc::clone(&page));
        let _center = CenterMetrics::on(&page);
        page.note_disk();
        let definitions = page.definitions();
        assert!(definitions.len() > 60, "{}", definitions.len());
        for definition in definitions {
            let name = definition.name;
            assert!(name.starts_with("orinet_"), "{name}");
            assert_eq!(name.ends_with("_total"), definition.kind == Kind::Counter, "{name}");
            assert!(definition.help.ends_with('.') && !definition.help.contains('|'), "{name}: {}", definition.help);
            let stem = name.trim_end_matches("_total");
            match definition.unit {
                crate::Unit::Bytes => assert!(stem.ends_with("_bytes"), "{name}"),
                crate::Unit::Seconds => assert!(stem.ends_with("_seconds"), "{name}"),
                crate::Unit::Timestamp => assert!(stem.ends_with("_timestamp_seconds"), "{name}"),
                crate::Unit::Count | crate::Unit::Flag => {
                    assert!(!stem.ends_with("_bytes") && !stem.ends_with("_seconds"), "{name}");
                }
            }
            assert_eq!(definition.kind == Kind::Histogram, !definition.buckets.is_empty(), "{name}");
        }
    }
}
