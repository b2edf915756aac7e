//! A station's end over real TLS: both directions, lost links, refusals, neighbors.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use link::connection::{CloseReason, Command};
use link::dialer::{Backoff, Config, DialError, DialerEvent, Incoming, LinkState, SendError, StationLink, dialer};
use link::listener::HandshakeFailure;
use session::{Event, Readiness, Refusal, Role};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{Switch, call, name, soon};

/// A dialer at work.
struct Station {
    link: StationLink,
    incoming: mpsc::Receiver<Incoming>,
    events: mpsc::UnboundedReceiver<DialerEvent>,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

impl Station {
    fn new(switch: &Switch, station: &str) -> Self {
        let backoff = Backoff { min: Duration::from_millis(10), max: Duration::from_millis(100) };
        Self::with(Config { backoff, ..Config::new(switch.address.to_string(), switch.files(station)) })
    }

    fn with(config: Config) -> Self {
        let (dialer, link, incoming) = dialer(config);
        let (events_in, events) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let ended = tokio::spawn(dialer.run(stop.clone(), move |event| drop(events_in.send(event))));
        Self { link, incoming, events, stop, ended }
    }

    async fn incoming(&mut self) -> Incoming {
        soon("a message", self.incoming.recv()).await.expect("the dialer ended")
    }

    async fn event(&mut self) -> DialerEvent {
        soon("an event", self.events.recv()).await.expect("the dialer ended")
    }
}

#[tokio::test]
async fn messages_go_both_ways() {
    let mut switch = Switch::new().await;
    let mut station = Station::new(&switch, "ZA");
    let receipt = station.link.post(None, Bytes::from_static(b"to the switch")).await.unwrap();
    let mut link = switch.link().await;
    assert_eq!(link.peer.station, name("ZA"));
    assert_eq!(*station.link.state().borrow(), LinkState::Up);
    let (token, validation, bytes) = link.received().await;
    assert_eq!(&bytes[..], b"to the switch");
    assert_ne!(validation, 0);
    link.say(Command::Accept(token));
    soon("the acknowledgement", receipt).await.unwrap();

    // Longer than one block.
    let long = Bytes::from(vec![b'A'; 100_000]);
    link.send(9, long.clone());
    let incoming = station.incoming().await;
    assert_eq!((incoming.validation, &incoming.bytes), (9, &long));
    incoming.acknowledge.accept();
    assert_eq!(link.delivered().await, 9);
}

#[tokio::test]
async fn messages_go_both_ways_in_frames() {
    let mut switch = Switch::new().await;
    let session = session::Config::fox(Role::Station, 0);
    let config = Config { session, ..Config::new(switch.fox.to_string(), switch.files("ZA")) };
    let mut station = Station::with(config);
    let receipt = station.link.post(None, Bytes::from_static(b"to the switch")).await.unwrap();
    let mut link = switch.link().await;
    assert_eq!(link.peer.station, name("ZA"));
    let (token, validation, bytes) = link.received().await;
    assert_eq!((&bytes[..], validation >> 16), (&b"to the switch"[..], 1));
    link.say(Command::Accept(token));
    soon("the acknowledgement", receipt).await.unwrap();

    // Longer than one frame.
    let long = Bytes::from(vec![b'A'; 100_000]);
    link.send(9, long.clone());
    let incoming = station.incoming().await;
    assert_eq!((incoming.validation, &incoming.bytes), (9, &long));
    incoming.acknowledge.accept();
    assert_eq!(link.delivered().await, 9);
    // Whoever speaks blocks at that address is no peer.
    let mut stranger = Station::with(Config::new(switch.fox.to_string(), switch.files("ZB")));
    stranger.link.post(None, Bytes::from_static(b"in a block")).await.unwrap();
    let why = loop {
        if let DialerEvent::Down { why, .. } = stranger.event().await {
            break why;
        }
    };
    assert_eq!(why, CloseReason::Peer);
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_in_order_with_the_same_validation() {
    let mut switch = Switch::new().await;
    let station = Station::new(&switch, "ZA");
    let texts = ["first", "second", "third"];
    let mut receipts = Vec::new();
    for text in texts {
        receipts.push(station.link.post(None, Bytes::from(text)).await.unwrap());
    }
    let fixed = NonZeroU32::new(77);
    receipts.push(station.link.post(fixed, Bytes::from_static(b"fourth")).await.unwrap());

    let mut link = switch.link().await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (token, validation, bytes) = link.received().await;
        if bytes == "first" {
            link.say(Command::Accept(token));
        }
        seen.push((validation, bytes));
    }
    assert_eq!(seen[3], (77, Bytes::from_static(b"fourth")));
    soon("the acknowledgement", receipts.remove(0)).await.unwrap();
    link.say(Command::Close);
    assert_eq!(link.ended().await, CloseReason::Owner);

    let mut link = switch.link().await;
    for again in seen.iter().skip(1) {
        let (token, validation, bytes) = link.received().await;
        assert_eq!((validation, bytes), *again);
        link.say(Command::Accept(token));
    }
    for receipt in receipts {
        soon("the acknowledgement", receipt).await.unwrap();
    }
}

#[tokio::test]
async fn a_message_without_a_receipt_is_not_sent_on_another_link() {
    let mut switch = Switch::new().await;
    let station = Station::new(&switch, "ZA");
    drop(station.link.post(None, Bytes::from_static(b"unwanted")).await.unwrap());
    let mut link = switch.link().await;
    assert_eq!(link.received().await.2, "unwanted");
    let _kept = station.link.post(None, Bytes::from_static(b"wanted")).await.unwrap();
    assert_eq!(link.received().await.2, "wanted");
    link.say(Command::Close);
    assert_eq!(switch.link().await.received().await.2, "wanted");
}

#[tokio::test]
async fn refusals_reach_whom_they_concern() {
    let mut switch = Switch::new().await;
    let mut station = Station::new(&switch, "ZA");
    let receipt = station.link.post(None, Bytes::from_static(b"bad")).await.unwrap();
    let mut link = switch.link().await;
    let (token, ..) = link.received().await;
    link.say(Command::Refuse(token, Refusal::Permanent));
    assert!(matches!(soon("the refusal", receipt).await, Err(SendError::Refused(_))));

    link.send(1, "not wanted");
    station.incoming().await.acknowledge.refuse(Refusal::TooMany);
    // It comes again, a second later.
    station.incoming().await.acknowledge.accept();
    assert_eq!(link.delivered().await, 1);
}

#[tokio::test]
async fn an_answer_for_a_lost_link_does_not_reach_the_next() {
    let mut switch = Switch::new().await;
    let mut station = Station::new(&switch, "ZA");
    let link = switch.link().await;
    link.send(1, "before");
    let old = station.incoming().await;
    link.say(Command::Close);
    let mut link = switch.link().await;
    link.send(2, "after");
    let new = station.incoming().await;
    old.acknowledge.accept();
    new.acknowledge.accept();
    assert_eq!(link.delivered().await, 2);
}

#[tokio::test]
async fn a_station_that_is_not_ready_gets_nothing_until_it_is() {
    let mut switch = Switch::new().await;
    let mut station = Station::new(&switch, "ZA");
    station.link.set_readiness(Readiness::NotReady);
    let mut link = switch.link().await;
    link.event("the station's state", |event| (event == Event::NotReady).then_some(())).await;
    link.send(1, "held");
    // What the station says later comes through, what it is sent does not.
    let _receipt = station.link.post(None, Bytes::from_static(b"sent")).await.unwrap();
    link.received().await;
    assert!(station.incoming.try_recv().is_err());
    station.link.set_readiness(Readiness::Ready);
    link.event("the station's state", |event| (event == Event::Ready).then_some(())).await;
    station.incoming().await.acknowledge.accept();
    assert_eq!(link.delivered().await, 1);
}

#[tokio::test]
async fn a_slow_reader_holds_up_no_other_link() {
    let mut switch = Switch::new().await;
    // Shakes hands, and reads nothing from then on.
    let _slow = call(switch.address, &switch.files("ZB")).await.unwrap();
    let slow_link = switch.link().await;
    let big = Bytes::from(vec![b'A'; 256 * 1024]);
    for id in 1..=32 {
        slow_link.send(id, big.clone());
    }
    let mut station = Station::new(&switch, "ZA");
    let mut link = switch.link().await;
    for id in 1..=100 {
        link.send(id, "quick");
        station.incoming().await.acknowledge.accept();
        assert_eq!(link.delivered().await, id);
    }
}

#[tokio::test]
async fn a_refused_certificate_is_told_and_tried_again() {
    let mut switch = Switch::new().await;
    switch.authority.revoke(name("ZB"), Timestamp::now()).unwrap();
    switch
        .event("new files", |event| matches!(event, link::listener::ListenerEvent::Reloaded { .. }).then_some(()))
        .await;
    let mut station = Station::new(&switch, "ZB");
    for _ in 0..2 {
        assert!(matches!(station.event().await, DialerEvent::Up));
        let down = station.event().await;
        let DialerEvent::Down { why: CloseReason::Alert(alert), .. } = down else { panic!("{down:?}") };
        assert_eq!(alert, rustls::AlertDescription::CertificateRevoked);
        assert_eq!(switch.refused().await, HandshakeFailure::Revoked);
    }
    // A new certificate is taken up without a word.
    switch.authority.issue(name("ZB"), Timestamp::now()).unwrap();
    assert_eq!(switch.link().await.peer.station, name("ZB"));
}

#[tokio::test]
async fn calls_that_come_to_nothing_say_why() {
    let switch = Switch::new().await;
    let missing = Config::new(switch.address.to_string(), switch.files("NOBODY"));
    let unnamed = Config {
        server_name: "other.example.test".try_into().unwrap(),
        ..Config::new(switch.address.to_string(), switch.files("ZA"))
    };
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let absent = Config::new(port.to_string(), switch.files("ZA"));
    let silent_there = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = Config {
        connect: Duration::from_millis(50),
        ..Config::new(silent_there.local_addr().unwrap().to_string(), switch.files("ZA"))
    };
    for (number, config) in [missing, unnamed, absent, silent].into_iter().enumerate() {
        let event = Station::with(config).event().await;
        let DialerEvent::Failed { error, .. } = event else { panic!("{event:?}") };
        let expected = match number {
            0 => matches!(error, DialError::Files(_)),
            1 => matches!(error, DialError::Handshake(_)),
            2 => matches!(error, DialError::Connect(_)),
            _ => matches!(error, DialError::Deadline),
        };
        assert!(expected, "{number}: {error:?}");
    }
}

#[tokio::test]
async fn it_ends_when_stopped_and_when_nobody_needs_it() {
    let mut switch = Switch::new().await;
    let station = Station::new(&switch, "ZA");
    let receipt = station.link.post(None, Bytes::from_static(b"never acknowledged")).await.unwrap();
    let link = switch.link().await;
    station.stop.cancel();
    soon("the dialer's end", station.ended).await.unwrap();
    assert_eq!(soon("the receipt", receipt).await, Err(SendError::Ended));
    assert_eq!(station.link.send(None, Bytes::new()).await, Err(SendError::Ended));
    assert_eq!(link.ended().await, CloseReason::Peer);

    let station = Station::new(&switch, "ZA");
    let receipt = station.link.post(None, Bytes::from_static(b"the last")).await.unwrap();
    let Station { link, incoming, ended, .. } = station;
    drop((link, incoming));
    let mut there = switch.link().await;
    let (token, ..) = there.received().await;
    there.say(Command::Accept(token));
    soon("the acknowledgement", receipt).await.unwrap();
    soon("the dialer's end", ended).await.unwrap();
}

#[tokio::test]
async fn what_was_accepted_before_the_end_is_acknowledged() {
    let mut switch = Switch::new().await;
    let mut station = Station::new(&switch, "ZA");
    let mut link = switch.link().await;
    let mut taken = Vec::new();
    for id in 1..=20 {
        link.send(id, "held");
        taken.push(station.incoming().await);
    }
    taken.into_iter().for_each(|incoming| incoming.acknowledge.accept());
    station.stop.cancel();
    for id in 1..=20 {
        assert_eq!(link.delivered().await, id);
    }
}

#[tokio::test]
async fn many_messages_at_once_arrive_once_each_and_in_order() {
    let mut switch = Switch::new().await;
    let station = Station::new(&switch, "ZA");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let there = Arc::clone(&seen);
    let mut link = switch.link().await;
    let accepting = tokio::spawn(async move {
        for _ in 0..2000 {
            let (token, _, bytes) = link.received().await;
            there.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
            link.say(Command::Accept(token));
        }
        link
    });
    let mut receipts = Vec::new();
    for number in 0..2000 {
        receipts.push(station.link.post(None, Bytes::from(number.to_string())).await.unwrap());
    }
    for receipt in receipts {
        soon("the acknowledgement", receipt).await.unwrap();
    }
    let _link = soon("the switch's end", accepting).await.unwrap();
    let expect: Vec<String> = (0..2000).map(|number| number.to_string()).collect();
    assert_eq!(*seen.lock().unwrap(), expect);
}
