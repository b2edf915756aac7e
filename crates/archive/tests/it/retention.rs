//! What the journal no longer has is no longer found, and its room is used again.

use archive::{Archive, Query, Searcher};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::list::{List, fill, seeds};
use crate::naive::messages;

#[test]
fn what_the_journal_dropped_is_not_found() {
    for seed in seeds(4) {
        let list = List::traffic(seed, 2_500);
        let (all, _) = messages(&list.records);
        let (_directory, mut archive, searcher) = crate::filters::filled(&list, 250);
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut first = 1;
        while first < 2_500 {
            first += random.random_range(1..400);
            list.first.set(first.min(list.stored.get() + 1));
            let filled = archive.fill(&list, crate::list::records(10)).unwrap();
            for query in [
                Query { limit: 1_000, ..Query::default() },
                Query { limit: 1_000, find: "PERSON".into(), ..Query::default() },
            ] {
                let mut query = query;
                let mut found = Vec::new();
                loop {
                    let page = searcher.search(&query).unwrap();
                    found.extend(page.hits.iter().map(archive::Hit::cursor));
                    query.after = page.more;
                    if page.more.is_none() {
                        break;
                    }
                }
                query.after = None;
                let kept = all.iter().rev().filter(|m| m.place.sequence >= list.first.get() && m.answers(&query));
                assert_eq!(found, kept.map(|m| m.place).collect::<Vec<_>>(), "SEED={seed} first {first}");
            }
            assert!(filled.rebuilt.is_none(), "SEED={seed}");
        }
        // Nothing is left; what comes next goes on.
        assert_eq!(searcher.position().unwrap().messages, 0, "SEED={seed}");
        assert!(tables(archive.path()) <= 1, "SEED={seed}: shards are left");
    }
}

#[test]
fn a_file_that_fell_behind_what_is_kept_goes_on_from_there() {
    let list = List::traffic(3, 1_000);
    list.stored.set(400);
    let (_directory, mut archive, searcher) = crate::filters::filled(&list, 100);
    list.stored.set(1_000);
    list.first.set(700);
    let filled = fill(&mut archive, &list);
    assert_eq!((filled.rebuilt, filled.through), (None, 1_000));
    let (all, _) = messages(&list.records);
    let kept = all.iter().filter(|message| message.place.sequence >= 700).count();
    assert_eq!(searcher.search(&Query { limit: 1_000, ..Query::default() }).unwrap().hits.len(), kept.min(1_000));
    assert_eq!(searcher.position().unwrap().messages, kept as u64);
}

#[test]
fn a_new_file_of_a_pruned_journal_begins_at_its_first_record() {
    let list = List::traffic(4, 600);
    list.first.set(301);
    let (_directory, _archive, searcher) = crate::filters::filled(&list, 100);
    let (all, _) = messages(&list.records);
    let kept = all.iter().filter(|message| message.place.sequence >= 301).count();
    assert_eq!(searcher.position().unwrap().messages, kept as u64);
}

#[test]
fn room_is_used_again() {
    let list = List::traffic(6, 6_000);
    let directory = tempfile::tempdir().unwrap();
    let mut archive = crate::list::open(&archive::file_in(directory.path()), 200);
    let size = |archive: &Archive| archive.path().metadata().unwrap().len();
    let mut halfway = 0;
    for end in (500..=6_000).step_by(250) {
        list.stored.set(end);
        list.first.set(end.saturating_sub(1_000).max(1));
        fill(&mut archive, &list);
        if end == 3_000 {
            drop(archive);
            archive = crate::list::open(&archive::file_in(directory.path()), 200);
            halfway = size(&archive);
        }
    }
    drop(archive);
    let end = archive::file_in(directory.path()).metadata().unwrap().len();
    assert!(halfway > 0 && end < halfway * 3 / 2, "{halfway} bytes, then {end}");
    assert!(Searcher::open(&archive::file_in(directory.path())).is_ok());
}

/// How many shards a file has.
fn tables(path: &std::path::Path) -> i64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row("SELECT count(*) FROM shard", [], |row| row.get(0)).unwrap()
}
