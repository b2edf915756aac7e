//! The center and a station that only attaches, over real TLS.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use codec::name::StationName;
use link::dialer::LinkState;
use records::{Additions, AlienNumber, Person};
use responder::lesc::{Config, Counts, Lesc, OpenError};
use responder::{attach, lesc};
use session::Refusal;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::network::{Switch, SwitchLink, logged, soon};
use crate::persons::{SENT, body, by_source, delivered, index, persons, replies, writer};

fn ax() -> StationName {
    StationName::parse("AX").unwrap()
}

/// A center at work, and its switch.
struct Center {
    switch: Switch,
    counts: Arc<Counts>,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

impl Center {
    async fn new() -> (Self, SwitchLink) {
        let mut switch = Switch::new(ax()).await;
        let lesc = Lesc::open(config(&switch)).unwrap();
        let (counts, mut state) = (lesc.counts(), lesc.state());
        let shutdown = CancellationToken::new();
        let ended = tokio::spawn(lesc.run(shutdown.clone()));
        let link = switch.link().await;
        soon("the link", state.wait_for(|state| *state == LinkState::Up)).await.unwrap();
        (Self { switch, counts, shutdown, ended }, link)
    }

    async fn end(self) {
        self.shutdown.cancel();
        soon("the center's end", self.ended).await.unwrap();
    }
}

fn config(switch: &Switch) -> Config {
    let path = switch.directory.path().join("records");
    std::fs::create_dir(&path).unwrap();
    for (source, persons) in by_source(persons()) {
        records::build(persons, &path.join(format!("{}.idx", source.name()))).unwrap();
    }
    let added = Some(path.join("added.log"));
    Config { added, ..Config::new(ax(), switch.dialer(ax()), vec![path]) }
}

fn inquiry() -> String {
    delivered(SENT, &body(&[]))
}

/// The two messages that an inquiry must get.
fn expected(number: u32, inquiry: &str) -> [(u32, Bytes); 2] {
    replies(&index(), &writer(), number, inquiry.as_bytes())
        .unwrap()
        .map(|reply| (reply.validation.unwrap().get(), reply.bytes))
}

fn count(count: &AtomicU64) -> u64 {
    count.load(Relaxed)
}

#[tokio::test]
async fn an_inquiry_is_acknowledged_and_answered_and_only_then_taken() {
    let (center, mut link) = Center::new().await;
    link.send(7, inquiry());
    let expected = expected(7, &inquiry());
    let (first, validation, bytes) = link.received().await;
    assert_eq!((validation, bytes), expected[0]);
    let (second, validation, bytes) = link.received().await;
    assert_eq!((validation, bytes), expected[1]);
    link.accept(first);
    // Something that came later is taken meanwhile.
    link.send(8, "AM.ZA0010000\r\n08:00 01/31/2030 00012\r\n08:00 01/31/2030 00028 AX\r\nTXT\r\nTEST");
    link.delivery(8).await;
    assert_eq!(link.delivered, [8]);
    link.accept(second);
    link.delivery(7).await;
    let counts = Arc::clone(&center.counts);
    center.end().await;
    let counted = [&counts.inquiries, &counts.acknowledgements, &counts.record, &counts.others, &counts.unreadable];
    assert_eq!(counted.map(count), [1, 1, 1, 1, 0]);
}

#[tokio::test]
async fn what_was_added_is_in_the_next_answer() {
    let (center, mut link) = Center::new().await;
    let inquiry = delivered(SENT, &body(&[("NAM", "ADDED, SOMEBODY")]));
    let added = Person {
        alien_number: AlienNumber::new(990).unwrap(),
        surname: "ADDED".to_owned(),
        given: "SOMEBODY".to_owned(),
        ..persons().remove(0)
    };
    let log = center.switch.directory.path().join("records/added.log");
    // Before, and as soon as it was acknowledged to another process.
    for (number, finds) in [(7, false), (8, true)] {
        if finds {
            Additions::open(&log).unwrap().add(std::slice::from_ref(&added)).unwrap();
        }
        link.send(number, inquiry.clone());
        let (first, ..) = link.received().await;
        let (second, _, answer) = link.received().await;
        assert_eq!(String::from_utf8_lossy(&answer).contains("ARN/000000990"), finds);
        link.accept(first);
        link.accept(second);
        link.delivery(number).await;
    }
    let counts = Arc::clone(&center.counts);
    center.end().await;
    assert_eq!([&counts.inquiries, &counts.no_record, &counts.record].map(count), [2, 1, 1]);
}

#[tokio::test]
async fn wherever_the_link_is_lost_the_same_two_messages_come() {
    let (mut center, mut link) = Center::new().await;
    let expected = BTreeSet::from(expected(7, &inquiry()));
    // The inquiry comes again under another send time and OSN, until the switch has heard that it is taken.
    let again = |count: usize| delivered(&format!("09:0{count} 02/01/2030 0010{count} AX"), &body(&[]));
    for taken in 0..=2 {
        link.send(7, again(taken));
        let mut seen = BTreeSet::new();
        while seen.len() < expected.len() {
            let (token, validation, bytes) = link.received().await;
            // What was not taken on the link before comes again on this one as well.
            if seen.insert((validation, bytes)) && seen.len() <= taken {
                link.accept(token);
            }
        }
        assert_eq!(seen, expected, "{taken} taken");
        link.cut().await;
        link = center.switch.link().await;
    }
    link.send(7, again(3));
    let seen = link.take_all_until_delivery(7).await;
    assert_eq!(BTreeSet::from_iter(seen), expected);
    center.end().await;
}

#[tokio::test]
async fn an_inquiry_without_a_readable_body_is_answered_with_what_is_missing() {
    let (center, mut link) = Center::new().await;
    link.send(7, delivered(SENT, &body(&[("NAM", ""), ("DOB", "")])));
    let (token, ..) = link.received().await;
    link.accept(token);
    let (token, _, bytes) = link.received().await;
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains("MORE INFORMATION NEEDED. MISSING OR NOT READABLE: NAM, DOB\r\n"), "{text}");
    link.accept(token);
    link.delivery(7).await;
    assert_eq!(count(&center.counts.more_information), 1);
    center.end().await;
}

#[tokio::test]
async fn what_is_no_message_is_taken_and_counted() {
    let (center, mut link) = Center::new().await;
    link.send(7, "HELLO");
    link.delivery(7).await;
    assert_eq!((count(&center.counts.unreadable), count(&center.counts.inquiries)), (1, 0));
    center.end().await;
}

#[tokio::test]
async fn an_answer_refused_for_good_does_not_come_back_for_ever() {
    let (center, mut link) = Center::new().await;
    link.send(7, inquiry());
    let (first, ..) = link.received().await;
    link.refuse(first, Refusal::Permanent);
    let (second, ..) = link.received().await;
    link.accept(second);
    link.delivery(7).await;
    let counted = [&center.counts.refused, &center.counts.acknowledgements, &center.counts.record];
    assert_eq!(counted.map(count), [1, 0, 1]);
    center.end().await;
}

#[tokio::test]
async fn what_is_in_hand_is_finished_at_the_end() {
    let (center, mut link) = Center::new().await;
    link.send(7, inquiry());
    let (first, ..) = link.received().await;
    let (second, ..) = link.received().await;
    center.shutdown.cancel();
    link.accept(first);
    link.accept(second);
    assert_eq!(link.ended().await, [7]);
    center.end().await;
}

#[tokio::test]
async fn a_center_without_a_switch_ends_at_once() {
    let switch = Switch::new(ax()).await;
    let unreachable = Config {
        link: link::dialer::Config { address: "127.0.0.1:0".to_owned(), ..switch.dialer(ax()) },
        ..config(&switch)
    };
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    soon("the end", lesc::run(unreachable, shutdown)).await.unwrap();
}

#[tokio::test]
async fn an_index_or_template_that_cannot_be_used_is_told_at_the_start() {
    let switch = Switch::new(ax()).await;
    let config = config(&switch);
    let missing = Config { indexes: vec![switch.directory.path().join("missing")], ..config.clone() };
    let error = Lesc::open(missing).unwrap_err();
    assert!(
        matches!(error, OpenError::Records(records::OpenError::Index { .. }))
            && error.to_string().ends_with("missing cannot be used")
    );
    let empty = Config { templates: Some(switch.directory.path().join("pki")), ..config };
    let error = lesc::run(empty, CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, OpenError::Templates(_)), "{error}");
}

#[tokio::test]
async fn a_station_that_only_attaches_takes_what_comes() {
    let name = StationName::parse("ZB").unwrap();
    let mut switch = Switch::new(name).await;
    let station = attach::Attached::new(attach::Config { station: name, link: switch.dialer(name) });
    let counts = station.counts();
    let shutdown = CancellationToken::new();
    let ended = tokio::spawn(station.run(shutdown.clone()));
    let mut link = switch.link().await;
    link.send(1, inquiry());
    link.send(2, "HELLO");
    link.delivery(1).await;
    link.delivery(2).await;
    assert_eq!([&counts.messages, &counts.unreadable].map(count), [2, 1]);
    shutdown.cancel();
    soon("the station's end", ended).await.unwrap();
}

#[tokio::test]
async fn logs_tell_key_and_agency_and_nobody() {
    let (center, mut link) = Center::new().await;
    link.send(70_007, inquiry());
    link.send(70_008, delivered(SENT, &body(&[("NAM", "SAMPLE")])));
    for _ in 0..4 {
        let (token, ..) = link.received().await;
        link.accept(token);
    }
    link.send(70_009, inquiry().replacen("IAQ", "AM", 1));
    link.send(70_010, inquiry().replacen("IAQ", "<", 1));
    for number in 70_007..=70_010 {
        link.delivery(number).await;
    }
    center.end().await;
    // All that this and the other tests logged so far.
    let log = logged();
    for told in
        ["name=AX", "sender=ZA0010000", "key=AM", "query=E0000070007", "an inquiry is answered", "cannot be read"]
    {
        assert!(log.contains(told), "{told}: {log}");
    }
    for secret in ["SAMPLE", "PERSON", "19800102", "TEST ONE", "000000901", "5555550100"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
