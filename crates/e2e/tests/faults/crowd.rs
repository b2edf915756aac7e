//! Peers in great numbers that take up room: handshakes that do not end, links that say nothing, messages without an end, a
//! reader of one byte a second. What they cost is measured, and others are served meanwhile.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use bytes::{Bytes, BytesMut};
use codec::block::{Blocks, Function, Status};
use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};
use link::tls::{ClientFiles, client_config};
use rustls::{ClientConnection, ConnectionTrafficSecrets, StreamOwned};
use rustls_pki_types::ServerName;

use crate::PATIENCE;
use crate::effort::{alone, effort, efforts, figures, ms, percentile};
use crate::net::{Net, Node, PEER, STATE, TERMINAL, note};
use crate::seen::resident_kib;
use crate::station::{Acknowledges, Pumped, Station};

/// How long a handshake may take (`protocol-specs/wire.md` 1), and the second that closing may take beyond.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// What this machine may add, busy as it can be.
const SLACK: Duration = Duration::from_secs(3);

/// The sample network with so many stations more, `Q000` and on, each with a certificate.
fn with_stations(count: usize) -> (Net, Vec<String>) {
    let net = Net::new();
    let names: Vec<_> = (0..count).map(|number| format!("Q{number:03}")).collect();
    let tables: String = names.iter().map(|name| format!("[[station]]\nname = \"{name}\"\n\n")).collect();
    net.change("[[station]]", &format!("{tables}[[station]]"));
    let authority = Authority::open(&net.pki(), Terms::default()).expect("the authority");
    for name in &names {
        authority.issue(StationName::parse(name).expect("a name"), Timestamp::now()).expect("a certificate");
    }
    (net, names)
}

/// Times of whole round trips by an honest pair, until told to stop.
fn serve_meanwhile(switch: &Node, stop: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let mut link = switch.station(TERMINAL);
        assert_eq!(link.status(), Ok(Status::READY));
        times.push(began.elapsed());
    }
    times
}

/// S8.
#[test]
fn a_thousand_half_open_handshakes_are_dropped_in_time_and_honest_ones_go_on() {
    const PEERS: usize = 1_000;
    let _machine = alone();
    let net = Net::new();
    let switch = net.switch();
    drop(switch.station(TERMINAL));
    let before = resident_kib(&switch.process);
    let began = Instant::now();
    let mut peers: Vec<(TcpStream, Instant)> = (0..PEERS)
        .map(|number| {
            let mut socket = TcpStream::connect(switch.links).expect("the switch listens");
            // Half of them say nothing, half begin and then send a byte at a time.
            if number % 2 == 1 {
                socket.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00]).expect("room for five bytes");
            }
            (socket, Instant::now())
        })
        .collect();
    let (stop, mut gone, mut most, mut last) = (AtomicBool::new(false), 0, before, Duration::ZERO);
    let mut times = thread::scope(|scope| {
        let honest = scope.spawn(|| serve_meanwhile(&switch, &stop));
        let (_never, wait) = mpsc::channel::<()>();
        while gone < PEERS && began.elapsed() < HANDSHAKE + SLACK + PATIENCE {
            assert_eq!(wait.recv_timeout(Duration::from_millis(200)), Err(RecvTimeoutError::Timeout));
            most = most.max(resident_kib(&switch.process));
            peers.retain_mut(|(peer, since)| {
                let open = is_open_after_a_byte(peer);
                if !open {
                    last = last.max(since.elapsed());
                }
                open
            });
            gone = PEERS - peers.len();
        }
        stop.store(true, Ordering::Relaxed);
        honest.join().expect("the honest station was served")
    });
    assert!(peers.is_empty(), "{} were still there after {:?}", peers.len(), began.elapsed());
    assert!(last < HANDSHAKE + Duration::from_secs(1) + SLACK, "the last was dropped after {last:?}");
    let each = (most - before) as f64 / PEERS as f64;
    assert!(each <= 16.0 + 8.0, "{each:.1} KiB for each");
    let p99 = percentile(&mut times, 99);
    assert!(times.len() > 10 && p99 < Duration::from_secs(2), "{} honest handshakes, p99 {p99:?}", times.len());
    switch.await_metric("orinet_handshake_failures_total{reason=\"deadline\"}", PEERS as f64);
    figures(&format!(
        "{PEERS} half-open, the last dropped after {:.1} s, {each:.1} KiB each; {} honest handshakes meanwhile, p99 {}",
        last.as_secs_f64(),
        times.len(),
        ms(p99)
    ));
}

/// A byte more for whoever has begun; whether the switch has not hung up.
fn is_open_after_a_byte(peer: &mut TcpStream) -> bool {
    peer.set_nonblocking(true).expect("a socket");
    let mut bytes = [0; 64];
    let read = peer.read(&mut bytes);
    let open = match read {
        Ok(0) => false,
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
    };
    // It may be gone by now, as the next look shows.
    if open && peer.local_addr().is_ok_and(|address| address.port() % 2 == 1) {
        drop(peer.write(&[0]));
    }
    open
}

/// S9, first part.
#[test]
fn thousands_of_idle_links_are_cheap_and_hold_nobody_up() {
    const OF_ONE: usize = 250;
    let _machine = alone();
    let idle: usize = efforts(2_000, 10_000, 10_000);
    let (net, names) = with_stations(idle / OF_ONE);
    let switch = net.switch();
    drop(switch.station(TERMINAL));
    let before = resident_kib(&switch.process);
    let mut alone = echo_times(&switch, "FIRST");
    let began = Instant::now();
    let mut links: Vec<Station> =
        names.iter().flat_map(|name| (0..OF_ONE).map(|_| switch.try_station(name).expect("a link"))).collect();
    for link in &mut links {
        assert_eq!(link.status(), Ok(Status::READY));
    }
    let rate = idle as f64 / began.elapsed().as_secs_f64();
    let each = resident_kib(&switch.process).saturating_sub(before) as f64 / idle as f64;
    let mut beside = echo_times(&switch, "BESIDE");
    assert_eq!(links.last_mut().map(Station::status), Some(Ok(Status::READY)));
    assert!(each <= 32.0, "{each:.1} KiB for each link");
    let (alone, beside) = (percentile(&mut alone, 50), percentile(&mut beside, 50));
    assert!(beside < alone * 5 + Duration::from_millis(5), "{alone:?} alone, {beside:?} beside {idle} links");
    figures(&format!(
        "{idle} idle links at {rate:.0}/s, {each:.1} KiB each; a message's ack takes {} beside them, {} without (median)",
        ms(beside),
        ms(alone)
    ));
}

/// How long messages take to be acknowledged, one after the other. The tag makes them others than those of an earlier call, which
/// they would be taken for.
fn echo_times(switch: &Node, tag: &str) -> Vec<Duration> {
    let (mut state, mut terminal) = (switch.station(STATE), switch.station(TERMINAL));
    let times = (0..300).map(|number| {
        let began = Instant::now();
        terminal.send(&note(&format!("{tag} {number:04}")));
        let took = began.elapsed();
        drop(state.take(&format!("{tag} {number:04}")));
        took
    });
    times.collect()
}

/// S9, second part.
#[test]
fn messages_without_an_end_are_refused_and_cost_no_memory() {
    const LINKS: usize = 16;
    let _machine = alone();
    let net = Net::new();
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    let before = resident_kib(&switch.process);
    let bytes: usize = effort(8 << 20, 64 << 20);
    let mut encoded = BytesMut::new();
    Blocks::new(1, Bytes::from(vec![b'X'; 30_000 * 2])).take(1).for_each(|block| block.encode(&mut encoded));
    thread::scope(|scope| {
        for _ in 0..LINKS {
            scope.spawn(|| {
                let mut link = switch.try_station(STATE).expect("a link");
                for _ in 0..bytes / encoded.len() {
                    link.write(&encoded).expect("what is over the limit is thrown away, and the link goes on");
                    assert_eq!(link.status(), Ok(Status::READY));
                }
                let refused = link.take_replies().iter().filter(|reply| reply.function() == Function::Nack).count();
                assert_eq!(refused, 1, "one negative ack for a message");
            });
        }
    });
    terminal.send(&note("MEANWHILE"));
    let more = resident_kib(&switch.process).saturating_sub(before);
    // Each link may hold a message of 256 KiB until it is over the limit.
    assert!(more < LINKS as u64 * 1024, "{more} KiB more");
    figures(&format!(
        "{LINKS} links with {} MiB each of one message that does not end: one negative ack each, {more} KiB more memory",
        bytes >> 20
    ));
}

/// S9, third part: records that carry nothing are cheap to send. Whoever sends nothing else loses its link, in time.
#[test]
fn floods_of_key_updates_and_empty_records_are_closed_in_time_and_hold_nobody_up() {
    let _machine = alone();
    let net = Net::new();
    let switch = net.switch();
    let mut quiet = echo_times(&switch, "FIRST");
    let before = resident_kib(&switch.process);
    let closed = "orinet_links_closed_total{reason=\"tls\"}";
    let mut told = Vec::new();
    for (place, what) in ["key updates", "empty records"].into_iter().enumerate() {
        let mut send: Box<dyn FnMut() -> bool + Send> = if place == 0 {
            let mut tls = raw(&switch, &net, "ZB");
            Box::new(move || tls.conn.refresh_traffic_keys().is_ok() && tls.flush().is_ok())
        } else {
            let mut records = Records::of(raw(&switch, &net, "ZB"));
            Box::new(move || records.send(&[]))
        };
        let (mut beside, (sent, took)) = thread::scope(|scope| {
            let flood = scope.spawn(|| {
                let (began, mut sent) = (Instant::now(), 0_u64);
                while send() {
                    sent += 1;
                    assert!(began.elapsed() < PATIENCE, "{sent} {what}, and the link is still there");
                }
                (sent, began.elapsed())
            });
            let times = echo_times(&switch, what);
            (times, flood.join().expect("the flood was ended"))
        });
        switch.await_metric(closed, (place + 1) as f64);
        let beside = percentile(&mut beside, 50);
        let quiet = percentile(&mut quiet, 50);
        assert!(beside < quiet * 10 + Duration::from_millis(10), "{quiet:?} without, {beside:?} beside");
        told.push(format!("{sent} {what} in {}, then closed; an ack takes {} meanwhile", ms(took), ms(beside)));
    }
    let more = resident_kib(&switch.process).saturating_sub(before);
    assert!(more < 16 << 10, "{more} KiB more");
    // The controls: a record made by hand is a good one, and as many changes of key, each with a byte of something, are no flood.
    let mut records = Records::of(raw(&switch, &net, "ZB"));
    let mut request = BytesMut::new();
    codec::block::Block::without_data(Function::StatusRequest, 0, Status::NONE).encode(&mut request);
    assert!(records.send(&request), "the switch takes a record");
    records.socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert!(records.socket.read(&mut [0; 64]).is_ok_and(|count| count > 28), "the switch answers it");
    let mut tls = raw(&switch, &net, "ZB");
    for _ in 0..80 {
        for byte in &request {
            tls.conn.refresh_traffic_keys().expect("keys change");
            tls.write_all(&[*byte]).expect("the link takes a byte");
        }
        let mut answer = [0; 28];
        tls.read_exact(&mut answer).expect("an answer");
    }
    assert_eq!(switch.metrics().value(closed), Some(2.0));
    figures(&format!("{}; {more} KiB more; {} without (median)", told.join("; "), ms(percentile(&mut quiet, 50))));
}

/// Records of TLS 1.3 made by hand, as the library makes none that are empty (RFC 8446, 5.2 and 5.3).
struct Records {
    socket: TcpStream,
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Records {
    fn of(tls: StreamOwned<ClientConnection, TcpStream>) -> Self {
        let (connection, socket) = tls.into_parts();
        let (sequence, secrets) = connection.dangerous_extract_secrets().expect("secrets").tx;
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
            _ => panic!("a cipher that is none of TLS 1.3"),
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).expect("a key of its length"));
        Self { socket, key, iv: iv.as_ref().try_into().expect("twelve bytes"), sequence }
    }

    /// Whether the socket took it.
    fn send(&mut self, data: &[u8]) -> bool {
        const DATA: u8 = 0x17;
        let mut record = [data, &[DATA]].concat();
        let length = u16::try_from(record.len() + self.key.algorithm().tag_len()).expect("a short record");
        let [high, low] = length.to_be_bytes();
        let header = [DATA, 0x03, 0x03, high, low];
        let mut nonce = self.iv;
        for (byte, of_sequence) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= of_sequence;
        }
        self.sequence += 1;
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce, Aad::from(header), &mut record).expect("it is sealed");
        self.socket.write_all(&[&header[..], &record].concat()).is_ok()
    }
}

/// TLS and nothing over it.
fn raw(switch: &Node, net: &Net, name: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let files = ClientFiles::in_directory(&net.pki(), StationName::parse(name).expect("a name"));
    let mut config = (*client_config(&files, Timestamp::now()).expect("a configuration")).clone();
    config.enable_secret_extraction = true;
    let connection = ClientConnection::new(Arc::new(config), ServerName::IpAddress(switch.links.ip().into()));
    let socket = TcpStream::connect(switch.links).expect("the switch listens");
    let mut tls = StreamOwned::new(connection.expect("a connection"), socket);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock).expect("a handshake");
    }
    tls
}

/// A receiver that reads one byte a second: it loses its link, what waits for it is kept, and others notice nothing.
#[test]
fn a_receiver_of_one_byte_a_second_loses_its_link_and_nothing_else() {
    const MESSAGES: usize = 400;
    let _machine = alone();
    let net = Net::new();
    let switch = net.switch();
    let before = resident_kib(&switch.process);
    let mut slow = raw(&switch, &net, STATE);
    switch.await_metric(&format!("orinet_links{{station=\"{STATE}\"}}"), 1.0);
    let mut terminal = switch.station(TERMINAL);
    let began = Instant::now();
    let text = |number: usize| format!("SM.{TERMINAL}.{PEER}.TXT\r\nSLOW {number:04} {}", "X".repeat(20_000));
    (0..MESSAGES).for_each(|number| terminal.send(&text(number)));
    let (mut other, mut served) = (switch.station("ZB"), Vec::new());
    let (_never, wait) = mpsc::channel::<()>();
    let mut byte = [0; 1];
    // From the socket itself: what TLS made of it does not matter.
    slow.sock.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let line = format!("orinet_links{{station=\"{STATE}\"}}");
    while switch.metrics().value(&line) != Some(0.0) {
        assert!(began.elapsed() < Duration::from_secs(60), "it still has its link");
        assert_eq!(wait.recv_timeout(Duration::from_secs(1)), Err(RecvTimeoutError::Timeout));
        drop(slow.sock.read(&mut byte));
        let asked = Instant::now();
        terminal.send(&format!("SM.{TERMINAL}.ZB0010000.TXT\r\nMEANWHILE"));
        other.take("MEANWHILE");
        served.push(asked.elapsed());
    }
    let lost_after = began.elapsed();
    drop(slow);
    let more = resident_kib(&switch.process).saturating_sub(before);
    let worst = percentile(&mut served, 100);
    assert!(worst < Duration::from_secs(1), "others waited {worst:?}");
    // Eight MiB of messages wait for it.
    assert!(more < 64 << 10, "{more} KiB more");
    let mut honest = Station::connect(switch.links, &net.pki(), STATE, Acknowledges::Everything).expect("a link");
    let mut arrived = 0;
    while arrived < MESSAGES {
        assert_eq!(honest.pump(Instant::now() + PATIENCE), Ok(Pumped::Block), "{arrived} of {MESSAGES} came");
        arrived += honest.arrived().iter().filter(|message| message.text.contains("SLOW ")).count();
    }
    figures(&format!(
        "one byte a second: its link closed after {:.0} s, {MESSAGES} messages kept and delivered later; others waited at most {}, \
         {more} KiB more memory",
        lost_after.as_secs_f64(),
        ms(worst)
    ));
}
