//! `orinet records columns`: the columns of exports, as the table of `protocol-specs/records.md`.

use std::process::ExitCode;

use records::source::{Column, Layout};

pub(super) fn run() -> ExitCode {
    say!("| Column | Also read as | Holds | Written by |");
    say!("|---|---|---|---|");
    for column in Column::all() {
        let synonyms: Vec<_> = column.synonyms().iter().map(|name| format!("`{name}`")).collect();
        let writers: Vec<_> = records::Source::ALL
            .into_iter()
            .filter(|source| Layout::of(*source).columns().contains(&column))
            .map(records::Source::name)
            .collect();
        let writers = match writers.len() {
            0 => "none".to_owned(),
            8 => "all".to_owned(),
            _ => writers.join(" "),
        };
        say!("| `{}` | {} | {} | {writers} |", column.name(), synonyms.join(" "), column.meaning());
    }
    ExitCode::SUCCESS
}
