//! Every filter finds what looking at every message finds, alone and together.

use archive::{Archive, Cursor, Fate, Query, Searcher};
use codec::name::{Control, MessageKey, StationName};
use codec::time::Timestamp;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use switch_core::{Kind, Msn};
use tempfile::TempDir;

use crate::list::{List, fill, seeds};
use crate::naive::{Message, messages};
use crate::traffic::{BEGINS, CENTER, agency, line};

pub(crate) fn filled(list: &List, shard_rows: u64) -> (TempDir, Archive, Searcher) {
    let directory = tempfile::tempdir().unwrap();
    let mut archive = crate::list::open(&archive::file_in(directory.path()), shard_rows);
    fill(&mut archive, list);
    let searcher = Searcher::open(archive.path()).unwrap();
    (directory, archive, searcher)
}

fn one_of<'a>(random: &mut Pcg64Mcg, values: &[&'a str]) -> &'a str {
    values[random.random_range(0..values.len())]
}

fn party(random: &mut Pcg64Mcg) -> Option<StationName> {
    let text = match random.random_range(0..6) {
        0 => line(random.random_range(0..28)),
        1 => agency(random.random_range(0..28), random.random_range(0..5)),
        2 => agency(0, 0),
        3 => one_of(random, &["NL", "NL0000000", CENTER, "ZZ", "R1", "QQ0010000"]).to_owned(),
        _ => one_of(random, &["AX", "ZA", "ZB", "ZC"]).to_owned(),
    };
    StationName::parse(&text).ok()
}

const TEXTS: [&str; 14] = [
    "STOLEN",
    "stolen blue",
    "O'HARE",
    "OHARE lot",
    "lee",
    "LEE-MARVIN",
    "SEARCHED",
    "EMULATOR - SYNTHETIC DATA",
    "DISSEMINATION",
    "NOBODY THERE",
    "PERSON",
    "XYZZY",
    "5555550199",
    "caution, armed",
];

fn question(random: &mut Pcg64Mcg, names: &[String], end: i64) -> Query {
    let mut query =
        Query { limit: 1_000, oldest_first: random.random(), sent_on: random.random_ratio(1, 4), ..Query::default() };
    let mut chance = |one_in| random.random_ratio(1, one_in);
    let (keys, from, to, visible, begin, finish) = (chance(3), chance(4), chance(4), chance(4), chance(3), chance(3));
    let (find, and, or, name, control) = (chance(3), chance(6), chance(6), chance(5), chance(12));
    if keys {
        let keys = [&["IAQ"][..], &["IAR", "IAQ"], &["AM", "AML"], &["ER"], &["SM", "ER"], &["ZZZ"]];
        let keys = keys[random.random_range(0..keys.len())];
        query.keys = keys.iter().map(|key| MessageKey::parse(key).unwrap()).collect();
    }
    if from {
        query.from = party(random);
    }
    if to {
        query.to = party(random);
    }
    if visible {
        query.visible_to = party(random);
    }
    if begin {
        query.begin = Some(Timestamp(random.random_range(BEGINS..end)));
    }
    if finish {
        query.end = Some(Timestamp(random.random_range(BEGINS..end + 1)));
    }
    if find {
        query.find = one_of(random, &TEXTS).to_owned();
    }
    if and {
        query.and = one_of(random, &TEXTS).to_owned();
    }
    if or {
        query.or = one_of(random, &TEXTS).to_owned();
    }
    if name && !names.is_empty() {
        query.name = names[random.random_range(0..names.len())].clone();
    }
    if control {
        query.control = Control::parse(&format!("t{:09}", random.random_range(0..200))).ok();
    }
    query
}

/// What the naive scan finds, in the order asked for.
fn expected(all: &[Message], query: &Query) -> Vec<Cursor> {
    let mut found: Vec<_> = all.iter().filter(|message| message.answers(query)).map(|message| message.place).collect();
    if !query.oldest_first {
        found.reverse();
    }
    found
}

#[test]
fn every_filter_finds_what_a_scan_of_all_messages_finds() {
    for seed in seeds(3) {
        let list = List::traffic(seed, 2_500);
        let (all, _) = messages(&list.records);
        let (_directory, _archive, searcher) = filled(&list, 700);
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let end = all.iter().map(|message| message.at).max().unwrap();
        let names = ["SMITH", "GARCIA, MARIA", "O'BRIEN", "REFUSED", "LEE", "PERSON"].map(str::to_owned);
        let (mut hits, mut empty) = (0, 0);
        for round in 0..400 {
            let mut query = question(&mut random, &names, end);
            let wanted = expected(&all, &query);
            let mut found = Vec::new();
            loop {
                let page = searcher.search(&query).unwrap();
                found.extend(page.hits.iter().map(archive::Hit::cursor));
                query.after = page.more;
                if page.more.is_none() {
                    break;
                }
            }
            assert_eq!(found, wanted, "SEED={seed} round {round}: {query:?}");
            hits += found.len();
            empty += usize::from(found.is_empty());
        }
        assert!(hits > 10_000 && empty > 20 && empty < 380, "SEED={seed}: {hits} hits, {empty} of 400 found nothing");
    }
}

#[test]
fn hits_say_what_became_of_each_copy() {
    for seed in seeds(3) {
        let mut traffic = List::traffic(seed, 2_000).records;
        while traffic.last().is_some_and(|record| record.kind == Kind::Delivered.number()) {
            traffic.pop();
        }
        let list = List::new(traffic);
        let (all, ends) = messages(&list.records);
        let (_directory, _archive, searcher) = filled(&list, 700);
        let page = searcher.search(&Query { limit: 1_000, ..Query::default() }).unwrap();
        let (mut delivered, mut waiting, mut returned) = (0, 0, 0);
        for hit in &page.hits {
            let message = all.iter().find(|message| message.place == hit.cursor()).unwrap();
            assert_eq!((hit.msn.map(|msn| msn.0), hit.at.0), (message.msn, message.at), "SEED={seed}");
            for (copy, number) in hit.summary.copies.iter().zip(&message.copies) {
                assert_eq!(copy.delivery.number(), *number, "SEED={seed}");
                match (copy.fate, ends.get(number)) {
                    (Fate::Waiting, None) => waiting += 1,
                    (Fate::Delivered { at, .. }, Some(Some(end))) if at.0 == *end => delivered += 1,
                    (Fate::Returned { .. }, Some(None)) => returned += 1,
                    other => panic!("SEED={seed}: {other:?}"),
                }
            }
        }
        let counts = format!("{delivered} delivered, {waiting} waiting, {returned} returned");
        assert!(delivered > 100 && waiting > 0 && returned > 0, "SEED={seed}: {counts}");
    }
}

#[test]
fn a_number_and_a_place_name_one_message() {
    let list = List::traffic(9, 1_500);
    let (all, _) = messages(&list.records);
    let (_directory, _archive, searcher) = filled(&list, 300);
    for message in &all {
        assert_eq!(searcher.at(message.place).unwrap().unwrap().at.0, message.at);
        if let Some(msn) = message.msn {
            assert_eq!(searcher.find(Msn(msn)).unwrap().unwrap().cursor(), message.place);
        }
    }
    let last = all.iter().filter_map(|message| message.msn).max().unwrap();
    assert_eq!(searcher.find(Msn(0)).unwrap(), None);
    assert_eq!(searcher.find(Msn(last + 1)).unwrap(), None);
    let (first, end) = (all[0].place, all[all.len() - 1].place);
    assert_eq!(searcher.at(Cursor { ordinal: 9, ..first }).unwrap(), None);
    assert_eq!(searcher.at(Cursor { sequence: end.sequence + 1, ordinal: 0 }).unwrap(), None);
}

#[test]
fn the_database_never_sorts_and_never_walks_a_table() {
    let list = List::traffic(1, 300);
    let (_directory, _archive, searcher) = filled(&list, 1 << 20);
    let timed = Query { begin: Some(Timestamp(BEGINS)), ..Query::default() };
    for oldest_first in [false, true] {
        let worded = Query { find: "STOLEN".into(), oldest_first, ..timed.clone() };
        let plan = searcher.plan(&worded).unwrap();
        // The index is asked with words and range of ids together, the table by id.
        assert!(plan[0].starts_with("SCAN words_0 VIRTUAL TABLE INDEX") && plan[0].contains('M'), "{plan:#?}");
        assert!(plan[1].contains("SEARCH m USING INTEGER PRIMARY KEY (rowid=?)"), "{plan:#?}");
        assert!(plan[0].contains('<') && plan[0].contains('>'), "{plan:#?}");
        assert!(plan.len() == 2, "{plan:#?}");
        let plan = searcher.plan(&Query { oldest_first, ..timed.clone() }).unwrap();
        assert_eq!(plan, ["SEARCH message_0 USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]);
    }
}

#[test]
fn a_query_ends_at_its_deadline() {
    let list = List::traffic(2, 2_000);
    let (_directory, _archive, searcher) = filled(&list, 100);
    let query = Query { find: "LOOKOUT TECHNICIAN".into(), patience: std::time::Duration::ZERO, ..Query::default() };
    assert!(matches!(searcher.search(&query), Err(archive::Error::Deadline)));
    // The next one is not touched by it.
    assert!(searcher.search(&Query::default()).is_ok());
}
