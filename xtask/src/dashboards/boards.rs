//! The panels of every dashboard: a table, to be read and changed as one.

use super::{Board, Panel, Shape};

/// All dashboards.
pub(super) const BOARDS: &[Board] = &[
    Board {
        uid: "orinet-network",
        title: "orinet: network",
        description: "What goes through the switch, what waits and who is there.",
        by_station: false,
        panels: NETWORK,
    },
    Board {
        uid: "orinet-station",
        title: "orinet: one station",
        description: "What one station gets and how it is connected.",
        by_station: true,
        panels: STATION,
    },
    Board {
        uid: "orinet-switch",
        title: "orinet: switch internals",
        description: "What the switch takes for its work: the disk, the journal, memory, time.",
        by_station: false,
        panels: SWITCH,
    },
    Board {
        uid: "orinet-center",
        title: "orinet: support center",
        description: "What the center is asked, what it answers and how long it takes.",
        by_station: false,
        panels: CENTER,
    },
    Board {
        uid: "orinet-load",
        title: "orinet: load test",
        description: "A switch under load: throughput beside what it costs. The harness has figures of its own, from the time at which a message was due.",
        by_station: false,
        panels: LOAD,
    },
];

const NETWORK: &[Panel] = &[
    Panel {
        title: "Messages accepted",
        description: "Messages that the switch took, a second, by key.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (key) (rate(orinet_messages_accepted_total{instance=~"$instance"}[$__rate_interval]))"#,
            "{{key}}",
        )],
    },
    Panel {
        title: "Copies delivered",
        description: "Copies that their stations acknowledged, a second.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (station) (rate(orinet_copies_delivered_total{instance=~"$instance"}[$__rate_interval]))"#,
            "{{station}}",
        )],
    },
    Panel {
        title: "Messages refused",
        description: "Messages answered with an ER, a second, by its number.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (number) (rate(orinet_messages_refused_total{instance=~"$instance"}[$__rate_interval]))"#,
            "ER {{number}}",
        )],
    },
    Panel {
        title: "Copies waiting",
        description: "What waits for a link of its station. A station that is away shows here.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(r#"sum by (station) (orinet_queue_copies{instance=~"$instance"})"#, "{{station}}")],
    },
    Panel {
        title: "Age of the oldest copy",
        description: "How long the oldest copy of each station has been held.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[(r#"orinet_queue_age_seconds{instance=~"$instance"}"#, "{{station}}")],
    },
    Panel {
        title: "Held bytes",
        description: "Bytes of all that is held for each station.",
        unit: "bytes",
        shape: Shape::Lines,
        queries: &[(r#"orinet_held_bytes{instance=~"$instance"}"#, "{{station}}")],
    },
    Panel {
        title: "Links",
        description: "Links that are up, by station.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(r#"orinet_links{instance=~"$instance"}"#, "{{station}}")],
    },
    Panel {
        title: "Handshakes failed",
        description: "Connections that did not become a link, a second, by reason.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (reason) (rate(orinet_handshake_failures_total{instance=~"$instance"}[$__rate_interval]))"#,
            "{{reason}}",
        )],
    },
    Panel {
        title: "Links closed",
        description: "Links that ended, a second, by reason.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (reason) (rate(orinet_links_closed_total{instance=~"$instance"}[$__rate_interval]))"#,
            "{{reason}}",
        )],
    },
    Panel {
        title: "Dead letters",
        description: "Copies that could not be delivered, a second, by reason.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (reason) (rate(orinet_copies_returned_total{instance=~"$instance"}[$__rate_interval]))"#,
            "{{reason}}",
        )],
    },
    Panel {
        title: "Hit confirmations open",
        description: "Hit confirmations that are not answered, those that are not due yet and those that are overdue.",
        unit: "none",
        shape: Shape::Lines,
        queries: &[(r#"sum by (state) (orinet_confirmations_open{instance=~"$instance"})"#, "{{state}}")],
    },
    Panel {
        title: "Hit confirmations overdue",
        description: "Hit confirmations that were not answered in time, a second, by priority.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (priority) (rate(orinet_confirmations_overdue_total{instance=~"$instance"}[$__rate_interval]))"#,
            "{{priority}}",
        )],
    },
    Panel {
        title: "Negative acks",
        description: "Messages turned away for the moment, a second, by reason.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (reason) (rate(orinet_messages_turned_away_total{instance=~"$instance"}[$__rate_interval]))"#,
            "{{reason}}",
        )],
    },
    Panel {
        title: "Days until a certificate ends",
        description: "The certificate that ends first: the switch's, a station's, or the revocation list.",
        unit: "d",
        shape: Shape::FigureDown(30.0, 14.0),
        queries: &[
            (
                r#"min((orinet_station_certificate_until_timestamp_seconds{instance=~"$instance"} - time()) / 86400)"#,
                "stations",
            ),
            (
                r#"min((orinet_switch_certificate_until_timestamp_seconds{instance=~"$instance"} - time()) / 86400)"#,
                "switch",
            ),
            (
                r#"min((orinet_revocations_until_timestamp_seconds{instance=~"$instance"} - time()) / 86400)"#,
                "revocation list",
            ),
        ],
    },
];

const STATION: &[Panel] = &[
    Panel {
        title: "Links",
        description: "Links of the station that are up.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(r#"orinet_links{instance=~"$instance",station=~"$station"}"#, "{{station}}")],
    },
    Panel {
        title: "Copies sent and delivered",
        description: "Copies first handed to its links and copies that it acknowledged, a second.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[
            (
                r#"sum by (station) (rate(orinet_copies_sent_total{instance=~"$instance",station=~"$station"}[$__rate_interval]))"#,
                "sent {{station}}",
            ),
            (
                r#"sum by (station) (rate(orinet_copies_delivered_total{instance=~"$instance",station=~"$station"}[$__rate_interval]))"#,
                "delivered {{station}}",
            ),
        ],
    },
    Panel {
        title: "Copies sent again",
        description: "Copies handed to a link once more, a second: after a lost link, or without an acknowledgement.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (station) (rate(orinet_copies_sent_again_total{instance=~"$instance",station=~"$station"}[$__rate_interval]))"#,
            "{{station}}",
        )],
    },
    Panel {
        title: "Waiting by class",
        description: "What waits for a link, by class of priority, 1 the highest.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (class) (orinet_queue_copies{instance=~"$instance",station=~"$station"})"#,
            "class {{class}}",
        )],
    },
    Panel {
        title: "Into and out of the queue",
        description: "Copies that came into the queue and that left it, a second.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[
            (
                r#"sum by (station) (rate(orinet_copies_queued_total{instance=~"$instance",station=~"$station"}[$__rate_interval]))"#,
                "in {{station}}",
            ),
            (
                r#"sum by (station) (rate(orinet_copies_unqueued_total{instance=~"$instance",station=~"$station"}[$__rate_interval]))"#,
                "out {{station}}",
            ),
        ],
    },
    Panel {
        title: "In flight",
        description: "Copies that a link has and the station has not acknowledged.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(r#"orinet_in_flight_copies{instance=~"$instance",station=~"$station"}"#, "{{station}}")],
    },
    Panel {
        title: "Age of the oldest copy",
        description: "How long the oldest copy has been held.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[(r#"orinet_queue_age_seconds{instance=~"$instance",station=~"$station"}"#, "{{station}}")],
    },
    Panel {
        title: "Held bytes",
        description: "Bytes of all that is held.",
        unit: "bytes",
        shape: Shape::Lines,
        queries: &[(r#"orinet_held_bytes{instance=~"$instance",station=~"$station"}"#, "{{station}}")],
    },
    Panel {
        title: "Days until its certificate ends",
        description: "Of the certificate that its last new link showed.",
        unit: "d",
        shape: Shape::FigureDown(30.0, 14.0),
        queries: &[(
            r#"(orinet_station_certificate_until_timestamp_seconds{instance=~"$instance",station=~"$station"} - time()) / 86400"#,
            "{{station}}",
        )],
    },
];

const SWITCH: &[Panel] = &[
    Panel {
        title: "Until acknowledged",
        description: "From the moment at which a message is taken from its link until it is on disk.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (le) (rate(orinet_acknowledgement_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_acknowledgement_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p99",
            ),
        ],
    },
    Panel {
        title: "Until sent on",
        description: "From the reception until a copy is first handed to a link; waiting for a station that is away counts.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (le) (rate(orinet_switching_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_switching_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p99",
            ),
        ],
    },
    Panel {
        title: "Until delivered",
        description: "From the reception to the acknowledgement of a copy.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (le) (rate(orinet_delivery_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_delivery_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p99",
            ),
        ],
    },
    Panel {
        title: "Commits",
        description: "Commits a second.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(r#"sum (rate(orinet_commit_seconds_count{instance=~"$instance"}[$__rate_interval]))"#, "commits")],
    },
    Panel {
        title: "Time of a commit",
        description: "Write and sync together, and the sync alone.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (le) (rate(orinet_commit_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "commit p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_commit_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "commit p99",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_sync_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "sync p99",
            ),
        ],
    },
    Panel {
        title: "Records per commit",
        description: "How many records share one sync: it grows with the load.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(
            r#"sum (rate(orinet_commit_records_sum{instance=~"$instance"}[$__rate_interval])) / sum (rate(orinet_commit_records_count{instance=~"$instance"}[$__rate_interval]))"#,
            "mean",
        )],
    },
    Panel {
        title: "Bytes",
        description: "Bytes taken in, sent out and written to the journal, a second.",
        unit: "Bps",
        shape: Shape::Lines,
        queries: &[
            (r#"sum (rate(orinet_messages_received_bytes_total{instance=~"$instance"}[$__rate_interval]))"#, "in"),
            (r#"sum (rate(orinet_copies_sent_bytes_total{instance=~"$instance"}[$__rate_interval]))"#, "out"),
            (r#"sum (rate(orinet_commit_bytes_total{instance=~"$instance"}[$__rate_interval]))"#, "journal"),
        ],
    },
    Panel {
        title: "Processor",
        description: "Processor seconds a second: 1 is one core.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(r#"rate(process_cpu_seconds_total{instance=~"$instance"}[$__rate_interval])"#, "{{instance}}")],
    },
    Panel {
        title: "Memory",
        description: "Memory that the process has in use.",
        unit: "bytes",
        shape: Shape::Lines,
        queries: &[(r#"process_resident_memory_bytes{instance=~"$instance"}"#, "{{instance}}")],
    },
    Panel {
        title: "Journal",
        description: "Length of the segments that are kept.",
        unit: "bytes",
        shape: Shape::Lines,
        queries: &[(r#"orinet_journal_bytes{instance=~"$instance"}"#, "{{instance}}")],
    },
    Panel {
        title: "Room on the disk",
        description: "Part of the disk that is left for the switch.",
        unit: "percentunit",
        shape: Shape::FigureDown(0.2, 0.1),
        queries: &[(
            r#"orinet_disk_free_bytes{instance=~"$instance"} / orinet_disk_size_bytes{instance=~"$instance"}"#,
            "{{instance}}",
        )],
    },
    Panel {
        title: "Disk full",
        description: "1 while nothing can be made durable.",
        unit: "short",
        shape: Shape::Figure(1.0, 1.0),
        queries: &[(r#"max(orinet_store_full{instance=~"$instance"})"#, "full")],
    },
    Panel {
        title: "Behind the newest checkpoint",
        description: "Records that a start would have to read.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(r#"orinet_checkpoint_behind_records{instance=~"$instance"}"#, "{{instance}}")],
    },
    Panel {
        title: "Search behind the journal",
        description: "Records that a search does not know yet, and log queries that wait for one.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[
            (r#"orinet_search_lag_records{instance=~"$instance"}"#, "records"),
            (
                r#"orinet_log_queries_total{instance=~"$instance"} - orinet_log_answers_total{instance=~"$instance"}"#,
                "queries",
            ),
        ],
    },
    Panel {
        title: "Open files",
        description: "Descriptors in use, of those that the system allows.",
        unit: "percentunit",
        shape: Shape::Lines,
        queries: &[(
            r#"process_open_fds{instance=~"$instance"} / process_max_fds{instance=~"$instance"}"#,
            "{{instance}}",
        )],
    },
];

const CENTER: &[Panel] = &[
    Panel {
        title: "Inquiries",
        description: "Inquiries taken, a second, those that came again included.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum (rate(orinet_center_inquiries_total{instance=~"$instance"}[$__rate_interval]))"#,
            "inquiries",
        )],
    },
    Panel {
        title: "Answers",
        description: "Inquiries answered, a second, by kind of the answer.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum by (kind) (rate(orinet_center_answers_total{instance=~"$instance"}[$__rate_interval]))"#,
            "{{kind}}",
        )],
    },
    Panel {
        title: "In hand",
        description: "Inquiries that are being answered now.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(r#"orinet_center_inquiries_in_hand{instance=~"$instance"}"#, "{{instance}}")],
    },
    Panel {
        title: "Until answered",
        description: "From the arrival of an inquiry until the switch has taken its answer.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (le) (rate(orinet_center_answer_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_center_answer_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p99",
            ),
        ],
    },
    Panel {
        title: "Search",
        description: "How long a search in the record index takes.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (le) (rate(orinet_center_search_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_center_search_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p99",
            ),
        ],
    },
    Panel {
        title: "Candidates",
        description: "Candidates that a search finds, on average.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(
            r#"sum (rate(orinet_center_search_candidates_sum{instance=~"$instance"}[$__rate_interval])) / sum (rate(orinet_center_search_candidates_count{instance=~"$instance"}[$__rate_interval]))"#,
            "mean",
        )],
    },
    Panel {
        title: "Not answered",
        description: "Inquiries given back to the switch, answers refused, and searches that failed, a second.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[
            (r#"sum (rate(orinet_center_postponed_total{instance=~"$instance"}[$__rate_interval]))"#, "given back"),
            (r#"sum (rate(orinet_center_refused_answers_total{instance=~"$instance"}[$__rate_interval]))"#, "refused"),
            (
                r#"sum (rate(orinet_center_search_failures_total{instance=~"$instance"}[$__rate_interval]))"#,
                "index unreadable",
            ),
        ],
    },
    Panel {
        title: "Records",
        description: "Records in the record index.",
        unit: "short",
        shape: Shape::Figure(1e12, 1e13),
        queries: &[(r#"orinet_index_records{instance=~"$instance"}"#, "{{instance}}")],
    },
    Panel {
        title: "Age of the index",
        description: "Since the file of the record index was written.",
        unit: "s",
        shape: Shape::Figure(172800.0, 604800.0),
        queries: &[(r#"time() - orinet_index_written_timestamp_seconds{instance=~"$instance"}"#, "{{instance}}")],
    },
    Panel {
        title: "Size of the index",
        description: "Bytes of the record index.",
        unit: "bytes",
        shape: Shape::Lines,
        queries: &[(r#"orinet_index_bytes{instance=~"$instance"}"#, "{{instance}}")],
    },
    Panel {
        title: "Other messages",
        description: "Messages that are no inquiries, a second.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[(
            r#"sum (rate(orinet_center_other_messages_total{instance=~"$instance"}[$__rate_interval]))"#,
            "messages",
        )],
    },
];

const LOAD: &[Panel] = &[
    Panel {
        title: "Messages",
        description: "Messages accepted and copies delivered, a second.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[
            (r#"sum (rate(orinet_messages_accepted_total{instance=~"$instance"}[$__rate_interval]))"#, "accepted"),
            (r#"sum (rate(orinet_copies_delivered_total{instance=~"$instance"}[$__rate_interval]))"#, "delivered"),
        ],
    },
    Panel {
        title: "Until acknowledged",
        description: "From the moment at which a message is taken from its link until it is on disk.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (le) (rate(orinet_acknowledgement_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_acknowledgement_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p99",
            ),
            (
                r#"histogram_quantile(0.999, sum by (le) (rate(orinet_acknowledgement_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p99.9",
            ),
        ],
    },
    Panel {
        title: "Until delivered",
        description: "From the reception to the acknowledgement of a copy.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (le) (rate(orinet_delivery_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_delivery_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p99",
            ),
        ],
    },
    Panel {
        title: "Processor per message",
        description: "Processor seconds of the process for each message accepted.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[(
            r#"sum(rate(process_cpu_seconds_total{instance=~"$instance"}[$__rate_interval])) / sum(rate(orinet_messages_accepted_total{instance=~"$instance"}[$__rate_interval]))"#,
            "per message",
        )],
    },
    Panel {
        title: "Processor",
        description: "Processor seconds a second: 1 is one core.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(r#"rate(process_cpu_seconds_total{instance=~"$instance"}[$__rate_interval])"#, "{{instance}}")],
    },
    Panel {
        title: "Records per commit",
        description: "How many records share one sync.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[(
            r#"sum (rate(orinet_commit_records_sum{instance=~"$instance"}[$__rate_interval])) / sum (rate(orinet_commit_records_count{instance=~"$instance"}[$__rate_interval]))"#,
            "mean",
        )],
    },
    Panel {
        title: "Sync",
        description: "How long the disk takes to make a commit durable.",
        unit: "s",
        shape: Shape::Lines,
        queries: &[
            (
                r#"histogram_quantile(0.5, sum by (le) (rate(orinet_sync_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p50",
            ),
            (
                r#"histogram_quantile(0.99, sum by (le) (rate(orinet_sync_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                "p99",
            ),
        ],
    },
    Panel {
        title: "Waiting",
        description: "Copies that wait for all stations together, and those in flight.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[
            (r#"sum(orinet_queue_copies{instance=~"$instance"})"#, "waiting"),
            (r#"sum(orinet_in_flight_copies{instance=~"$instance"})"#, "in flight"),
        ],
    },
    Panel {
        title: "Faults",
        description: "Messages refused, repeated, turned away, and copies sent again, a second.",
        unit: "reqps",
        shape: Shape::Lines,
        queries: &[
            (r#"sum (rate(orinet_messages_refused_total{instance=~"$instance"}[$__rate_interval]))"#, "refused"),
            (r#"sum (rate(orinet_messages_repeated_total{instance=~"$instance"}[$__rate_interval]))"#, "repeated"),
            (
                r#"sum (rate(orinet_messages_turned_away_total{instance=~"$instance"}[$__rate_interval]))"#,
                "turned away",
            ),
            (r#"sum (rate(orinet_copies_sent_again_total{instance=~"$instance"}[$__rate_interval]))"#, "sent again"),
        ],
    },
    Panel {
        title: "Links",
        description: "Links that are up, and new ones a second.",
        unit: "short",
        shape: Shape::Lines,
        queries: &[
            (r#"sum(orinet_links{instance=~"$instance"})"#, "up"),
            (r#"sum (rate(orinet_handshakes_total{instance=~"$instance"}[$__rate_interval]))"#, "new a second"),
        ],
    },
    Panel {
        title: "Memory",
        description: "Memory that the process has in use.",
        unit: "bytes",
        shape: Shape::Lines,
        queries: &[(r#"process_resident_memory_bytes{instance=~"$instance"}"#, "{{instance}}")],
    },
];
