//! Pages hold while the file grows.

use std::collections::BTreeSet;

use archive::{Query, Searcher};

use crate::list::{List, records, seeds};
use crate::naive::messages;

#[test]
fn paging_gives_each_hit_once_while_filling_goes_on() {
    for seed in seeds(4) {
        let list = List::traffic(seed, 3_000);
        let (all, _) = messages(&list.records);
        for oldest_first in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let mut archive = crate::list::open(&archive::file_in(directory.path()), 400);
            archive.fill(&list, records(1_000)).unwrap();
            let searcher = Searcher::open(archive.path()).unwrap();
            let mut query =
                Query { limit: 17, find: "PERSON".into(), or: "STOLEN".into(), oldest_first, ..Query::default() };
            let began = searcher.position().unwrap().through;
            let mut found = Vec::new();
            loop {
                let page = searcher.search(&query).unwrap();
                found.extend(page.hits.iter().map(archive::Hit::cursor));
                archive.fill(&list, records(100)).unwrap();
                query.after = page.more;
                if page.more.is_none() {
                    break;
                }
            }
            let distinct: BTreeSet<_> = found.iter().copied().collect();
            assert_eq!(distinct.len(), found.len(), "SEED={seed}: a hit came twice");
            let whole = Query { after: None, ..query };
            let wanted: BTreeSet<_> = all
                .iter()
                .filter(|message| message.answers(&whole) && message.place.sequence <= began)
                .map(|message| message.place)
                .collect();
            assert!(wanted.is_subset(&distinct), "SEED={seed}: what was there when it began is missing");
            // Newest first goes away from what is new; oldest first walks into it.
            assert_eq!(oldest_first, distinct.len() > wanted.len(), "SEED={seed}");
        }
    }
}

#[test]
fn a_cursor_holds_in_a_file_that_was_built_anew() {
    let list = List::traffic(5, 1_500);
    let (directory, mut archive, searcher) = crate::filters::filled(&list, 400);
    let query = Query { limit: 40, find: "PERSON".into(), ..Query::default() };
    let first = searcher.search(&query).unwrap();
    let second = searcher.search(&Query { after: first.more, ..query.clone() }).unwrap();
    archive.discard(archive::Discarded::Asked);
    crate::list::fill(&mut archive, &list);
    let searcher = Searcher::open(&archive::file_in(directory.path())).unwrap();
    assert_eq!(searcher.search(&Query { after: first.more, ..query }).unwrap(), second);
}
