//! The center with a journal, over real TLS.

use std::collections::BTreeSet;

use bytes::Bytes;
use codec::name::StationName;
use responder::lesc::{Config, DeskError, Lesc, OpenError};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::network::{Switch, SwitchLink, soon};
use crate::persons::{SENT, body, by_source, delivered, index, persons, replies, writer};

fn ax() -> StationName {
    StationName::parse("AX").unwrap()
}

/// A center at work on a runtime of its own, so that all of it can die at once.
struct Center {
    shutdown: CancellationToken,
    death: CancellationToken,
    ended: oneshot::Receiver<bool>,
}

impl Center {
    /// On that switch's directory: made again it goes on with the same journal.
    fn new(switch: &Switch) -> Self {
        let path = switch.directory.path();
        let config = Config::new(ax(), switch.dialer(ax()), vec![path.join("records")]);
        let lesc = Lesc::open(Config { data: Some(path.join("center")), ..config }).unwrap();
        let (shutdown, death) = (CancellationToken::new(), CancellationToken::new());
        let (tell, ended) = oneshot::channel();
        let (end, die) = (shutdown.clone(), death.clone());
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let in_order = runtime.block_on(die.run_until_cancelled(lesc.run(end))).is_some();
            // Every task of it ends here, wherever it is.
            drop(runtime);
            tell.send(in_order).unwrap();
        });
        Self { shutdown, death, ended }
    }

    async fn end(self) {
        self.shutdown.cancel();
        assert!(soon("the center's end", self.ended).await.unwrap());
    }

    /// Nothing that it does comes to an end.
    async fn die(self) {
        self.death.cancel();
        assert!(!soon("the death", self.ended).await.unwrap());
    }
}

async fn network() -> Switch {
    let switch = Switch::new(ax()).await;
    let records = switch.directory.path().join("records");
    std::fs::create_dir(&records).unwrap();
    for (source, persons) in by_source(persons()) {
        records::build(persons, &records.join(format!("{}.idx", source.name()))).unwrap();
    }
    switch
}

fn inquiry(sent: &str) -> String {
    delivered(sent, &body(&[]))
}

fn expected(number: u32) -> [(u32, Bytes); 2] {
    let replies = replies(&index(), &writer(), number, inquiry(SENT).as_bytes()).unwrap();
    replies.map(|reply| (reply.validation.unwrap().get(), reply.bytes))
}

/// Takes two messages and says what they were.
async fn take_two(link: &mut SwitchLink) -> BTreeSet<(u32, Bytes)> {
    let mut taken = BTreeSet::new();
    for _ in 0..2 {
        let (token, validation, bytes) = link.received().await;
        link.accept(token);
        taken.insert((validation, bytes));
    }
    taken
}

#[tokio::test]
async fn an_inquiry_is_taken_once_it_is_durable_and_its_messages_go_on_after_a_restart() {
    let mut switch = network().await;
    let center = Center::new(&switch);
    let mut link = switch.link().await;
    link.send(7, inquiry(SENT));
    // The switch takes neither message, and still the delivery is acknowledged.
    let first = (link.received().await, link.received().await);
    let sent = BTreeSet::from([(first.0.1, first.0.2), (first.1.1, first.1.2)]);
    assert_eq!(sent, BTreeSet::from(expected(7)));
    link.delivery(7).await;
    center.die().await;
    drop(link);

    // Other records meanwhile: what was written stays as it was written.
    let records = switch.directory.path().join("records");
    std::fs::remove_dir_all(&records).unwrap();
    std::fs::create_dir(&records).unwrap();
    let (source, some) = by_source(persons()).into_iter().next().unwrap();
    records::build(some.into_iter().take(1), &records.join(format!("{}.idx", source.name()))).unwrap();
    let center = begin_again(&switch).await;
    let mut link = switch.link().await;
    assert_eq!(take_two(&mut link).await, sent);
    // The delivery comes once more, under another send time: it is acknowledged, and nothing is said again.
    link.send(7, inquiry("09:01 02/01/2030 00101 AX"));
    assert!(link.take_all_until_delivery(7).await.is_empty());
    center.end().await;
    drop(link);

    // After another start there is nothing to do but what comes new.
    let center = begin_again(&switch).await;
    let mut link = switch.link().await;
    link.send(8, inquiry(SENT));
    let fresh = take_two(&mut link).await;
    assert!(fresh.is_disjoint(&sent));
    link.delivery(8).await;
    center.end().await;
}

/// The journal's lock is given back when its last thread has ended, a moment after a death.
async fn begin_again(switch: &Switch) -> Center {
    let data = switch.directory.path().join("center");
    let free = async {
        while journal::RealDisk::open(&data).is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon("the journal's lock", free).await;
    Center::new(switch)
}

#[tokio::test]
async fn a_journal_of_something_else_is_told_at_the_start() {
    let switch = network().await;
    let data = switch.directory.path().join("center");
    let disk = journal::RealDisk::open(&data).unwrap();
    let (mut journal, _) =
        journal::Journal::open(disk, journal::Config::default(), &mut journal::each(|_| ())).unwrap();
    journal.append(200, b"SOMETHING ELSE").unwrap();
    journal.commit().unwrap();
    journal.close().unwrap();
    let config = Config::new(ax(), switch.dialer(ax()), vec![switch.directory.path().join("records")]);
    let error = Lesc::open(Config { data: Some(data), ..config }).unwrap_err();
    assert!(matches!(error, OpenError::Desk(DeskError::Foreign { sequence: 1, .. })), "{error}");
}
