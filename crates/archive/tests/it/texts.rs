//! What is said in band, and that nobody sees what is not theirs.

use archive::{Full, Query, Searcher, full, text};
use codec::name::StationName;
use codec::time::Timestamp;
use switch_core::{LogQuery, LogRequest, LogSearch, Msn};

use crate::filters::filled;
use crate::list::List;
use crate::naive::messages;
use crate::traffic::{BEGINS, Traffic, agency, line};

const OFFSET: i32 = -7 * 3600;

fn name(text: &str) -> StationName {
    StationName::parse(text).unwrap()
}

fn search() -> LogSearch {
    LogSearch {
        keys: Vec::new(),
        source: None,
        destination: None,
        begin: Timestamp(BEGINS),
        end: Timestamp(BEGINS + 86_400_000_000 * 30),
        find: String::new(),
        and: String::new(),
        or: String::new(),
        name: String::new(),
    }
}

fn ask(searcher: &Searcher, list: &List, station: &str, asks: LogRequest) -> String {
    let query = LogQuery { station: name(station), asks };
    let body = text::answer(searcher, list, &query, OFFSET).unwrap();
    assert!(body.len() < 200 << 10);
    assert!(body.starts_with(b"EMULATOR - SYNTHETIC DATA\r\n"));
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn a_list_has_a_line_for_each_hit_and_says_how_to_go_on() {
    // Pages by time need a clock that is not set back.
    let mut traffic = Traffic::new(1, std::time::Duration::from_secs(4), 8);
    traffic.steady = true;
    let list = List::of(traffic, 2_000);
    let (_directory, _archive, searcher) = filled(&list, 500);
    let station = "AX";
    let mut search = search();
    let (mut pages, mut lines) = (0, Vec::new());
    loop {
        let text = ask(&searcher, &list, station, LogRequest::List(search.clone()));
        pages += 1;
        for line in text.lines() {
            assert!(line.len() <= 80, "{line}");
        }
        lines.extend(text.lines().filter(|line| line.starts_with(['0', '-'])).map(str::to_owned));
        let Some((_, end)) = text.split_once("ASK AGAIN WITH END/") else { break };
        let minute = codec::dictionary::Moment::parse(end.lines().next().unwrap()).unwrap();
        search.end = Timestamp(minute.end() - i64::from(OFFSET) * 1_000_000);
    }
    // Each hit is on some page, and nothing else.
    let (all, _) = messages(&list.records);
    let query = text::query_of(name(station), &self::search());
    let mut wanted: Vec<_> = all.iter().filter(|message| message.answers(&query)).filter_map(|m| m.msn).collect();
    let mut found: Vec<u64> = lines.iter().filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
    wanted.sort_unstable();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, wanted);
    assert!(pages > 2 && wanted.len() > 100, "{pages} pages, {} messages", wanted.len());
}

#[test]
fn the_layout_of_a_list() {
    let list = List::traffic(1, 40);
    let (_directory, _archive, searcher) = filled(&list, 500);
    let page = searcher.search(&Query { sent_on: true, limit: 3, oldest_first: true, ..Query::default() }).unwrap();
    let body = text::hit_list(&page, &Query { oldest_first: true, ..Query::default() }, OFFSET);
    let body = String::from_utf8(body.to_vec()).unwrap();
    let first = page.hits[0].msn.unwrap().0;
    let lines: Vec<_> = body.split("\r\n").collect();
    assert_eq!(lines[0], "EMULATOR - SYNTHETIC DATA");
    assert_eq!(lines[1], "3 MESSAGES LISTED, OLDEST FIRST, MORE ON FILE");
    assert_eq!(lines[2], "MSN        DATE     TIME   KEY    FROM       BYTES TO");
    assert!(lines[3].starts_with(&format!("{first:010} 20260930 1700")), "{}", lines[3]);
    assert_eq!(lines[6], "MORE ON FILE - ASK AGAIN WITH END/20260930@1700");
    assert_eq!(&lines[7..], ["FOR A FULL TEXT SEND NFQ WITH MSN/", ""]);
}

#[test]
fn nothing_found_is_not_on_file() {
    let list = List::traffic(1, 200);
    let (_directory, _archive, searcher) = filled(&list, 500);
    let nothing = "EMULATOR - SYNTHETIC DATA\r\nNOT ON FILE\r\n";
    let asks = |asks| ask(&searcher, &list, "ZB", asks);
    assert_eq!(asks(LogRequest::List(LogSearch { find: "XYZZY".into(), ..search() })), nothing);
    assert_eq!(
        asks(LogRequest::List(LogSearch { end: Timestamp(BEGINS - 1), begin: Timestamp(0), ..search() })),
        nothing
    );
    assert_eq!(asks(LogRequest::Text { msn: Msn(0) }), nothing);
    assert_eq!(asks(LogRequest::Text { msn: Msn(u64::MAX) }), nothing);
}

#[test]
fn a_station_sees_what_it_sent_and_was_sent_and_nothing_else() {
    let list = List::traffic(2, 1_500);
    let (_directory, _archive, searcher) = filled(&list, 500);
    let (all, _) = messages(&list.records);
    let stations = [line(0), line(1), line(2), agency(0, 0), "AX".to_owned()];
    let (mut shown, mut hidden) = (0, 0);
    for message in &all {
        let Some(msn) = message.msn else { continue };
        for station in &stations {
            let visible =
                message.answers(&Query { visible_to: Some(name(station)), sent_on: true, ..Query::default() });
            let text = ask(&searcher, &list, station, LogRequest::Text { msn: Msn(msn) });
            assert_eq!(text.contains("NOT ON FILE"), !visible, "{station} {msn}");
            if visible { shown += 1 } else { hidden += 1 }
        }
    }
    assert!(shown > 300 && hidden > 300, "{shown} shown, {hidden} hidden");
}

#[test]
fn a_full_text_is_the_message_as_it_left() {
    let list = List::traffic(3, 1_500);
    let (_directory, _archive, searcher) = filled(&list, 500);
    let page = searcher.search(&Query { sent_on: true, limit: 1_000, ..Query::default() }).unwrap();
    let (mut several, mut first_lines, mut own) = (0, 0, 0);
    for hit in &page.hits {
        let (Some(msn), Some(station)) = (hit.msn, hit.summary.station) else { continue };
        let found = full::by_number(&searcher, &list, msn).unwrap().unwrap();
        let body = String::from_utf8(text::full_text(Some(&found), station, OFFSET).to_vec()).unwrap();
        let copies = hit.summary.copies.len();
        several += usize::from(copies > 1);
        assert!(body.lines().nth(1).unwrap().starts_with(&format!("MSN {:010} - {copies} COP", msn.0)), "{body}");
        for (at, copy) in hit.summary.copies.iter().enumerate() {
            let line = body.lines().nth(2 + at).unwrap();
            assert!(line.contains(copy.destination.as_str()) && line.contains(&copy.osn.to_string()), "{line}");
            assert!(line.len() <= 80, "{line}");
        }
        // What stands behind the head is what a receiver could read.
        let (_, left) = body.split_once("LEFT\r\n").unwrap();
        let read = codec::legacy::parse_output(left.as_bytes()).unwrap();
        assert_eq!((Some(read.key), Some(read.sender)), (hit.summary.key, hit.summary.sender));
        assert_eq!(read.control, hit.summary.control);
        let sent = std::str::from_utf8(read.body).unwrap().trim_end();
        assert_eq!(sent, std::str::from_utf8(&found.body).unwrap().trim_end());
        if read.key.as_str() == "AML" {
            assert!(sent.starts_with("FOR LAW ENFORCEMENT DISSEMINATION ONLY\r\n"), "{sent}");
            first_lines += 1;
        }
        // A receiver of one copy of several sees its own.
        if let Some(copy) = hit.summary.copies.iter().find(|copy| copy.station != station) {
            let body = String::from_utf8(text::full_text(Some(&found), copy.station, OFFSET).to_vec()).unwrap();
            let mine = hit.summary.copies.iter().filter(|other| other.station == copy.station).count();
            assert_eq!(body.lines().filter(|line| line.contains(" AT ")).count(), mine, "{body}");
            own += 1;
        }
    }
    assert!(several > 10 && first_lines > 5 && own > 50, "{several} {first_lines} {own}");
}

#[test]
fn a_long_text_is_cut_and_said_so() {
    let list = List::traffic(3, 200);
    let (_directory, _archive, searcher) = filled(&list, 500);
    let page = searcher.search(&Query { sent_on: true, ..Query::default() }).unwrap();
    let hit = page.hits.iter().find(|hit| hit.msn.is_some()).unwrap().clone();
    let station = hit.summary.station.unwrap();
    let long = Full { hit, body: vec![b'A'; 300 << 10].into() };
    let body = text::full_text(Some(&long), station, OFFSET);
    assert!(body.len() < 200 << 10);
    let tail = String::from_utf8_lossy(&body[body.len() - 60..]).into_owned();
    assert!(tail.contains("A\r\nCUT AFTER 194560 BYTES OF 307"), "{tail}");
}

#[test]
fn a_message_that_the_journal_let_go_is_not_on_file() {
    let list = List::traffic(3, 200);
    let (_directory, _archive, searcher) = filled(&list, 500);
    let (all, _) = messages(&list.records);
    let msn = all.iter().find_map(|message| message.msn).unwrap();
    assert!(full::by_number(&searcher, &list, Msn(msn)).unwrap().is_some());
    list.first.set(150);
    assert!(full::by_number(&searcher, &list, Msn(msn)).unwrap().is_none());
}
