//! Peers that take up room and say nothing, beside one that has work to do.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use codec::block::{Function, Status};

use crate::PATIENCE;
use crate::net::{Net, STATE, TERMINAL, note};

#[test]
fn peers_that_never_speak_tls_are_dropped_while_others_are_served() {
    let net = Net::new();
    let switch = net.switch();
    // The beginning of a handshake record that says it has 512 bytes.
    let begun: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00];
    let peers = [("silent", &b""[..]), ("begun", begun)];
    let (tell, dropped) = mpsc::channel();
    let began = Instant::now();
    for (name, first) in peers {
        let mut socket = TcpStream::connect(switch.links).unwrap();
        socket.write_all(first).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let tell = tell.clone();
        thread::spawn(move || {
            // Bytes are an alert at most; the end is what counts.
            let ended = !matches!(socket.read_to_end(&mut Vec::new()), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
            tell.send((name, ended, began.elapsed())).expect("the test waits for it");
        });
    }
    let mut terminal = switch.station(TERMINAL);
    let (mut gone, mut served) = (0, 0);
    while gone < peers.len() {
        let asked = Instant::now();
        assert_eq!(terminal.status(), Ok(Status::READY));
        assert!(asked.elapsed() < Duration::from_secs(2), "a status took {:?}", asked.elapsed());
        served += 1;
        match dropped.recv_timeout(Duration::from_millis(20)) {
            Ok((name, ended, after)) => {
                assert!(ended && (4..10).contains(&after.as_secs()), "{name} was dropped after {after:?}");
                gone += 1;
            }
            Err(error) => assert_eq!(error, mpsc::RecvTimeoutError::Timeout),
        }
    }
    assert!(served > 10, "{served} status requests were answered meanwhile");
    switch.await_metric("orinet_handshake_failures_total{reason=\"deadline\"}", 2.0);
    // New ones come in as before.
    assert_eq!(switch.station(STATE).status(), Ok(Status::READY));
}

#[test]
fn what_is_no_tls_is_dropped_at_once() {
    let net = Net::new();
    let switch = net.switch();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xFF, 0x00, 0xAA, 0x55, 0, 0, 0, 28]] {
        let began = Instant::now();
        let mut socket = TcpStream::connect(switch.links).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // A reset is an end too.
        drop(socket.read_to_end(&mut answer));
        assert!(answer.len() < 16, "more than an alert: {answer:?}");
        assert!(began.elapsed() < Duration::from_secs(4), "it waited for the deadline");
    }
    switch.await_metric("orinet_handshake_failures_total{reason=\"protocol\"}", 2.0);
}

#[test]
fn two_hundred_idle_links_hold_nobody_up() {
    const IDLE: usize = 200;
    const MESSAGES: u32 = 300;
    let net = Net::new();
    let switch = net.switch();
    let mut idle: Vec<_> = (0..IDLE).map(|_| switch.station("ZB")).collect();
    switch.await_metric("orinet_links{station=\"ZB\"}", 200.0);

    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.station(STATE));
    let began = Instant::now();
    for number in 1..=MESSAGES {
        terminal.post_as(number, &note(&format!("BUSY {number:03}"))).unwrap();
    }
    for number in 1..=MESSAGES {
        assert_eq!(terminal.reply(number).unwrap().function(), Function::Ack);
    }
    let osns: Vec<u32> = (1..=MESSAGES).map(|number| state.take(&format!("BUSY {number:03}")).osn()).collect();
    assert!(osns.is_sorted(), "out of order: {osns:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{MESSAGES} messages took {:?}", began.elapsed());
    for link in &mut idle {
        assert_eq!(link.status(), Ok(Status::READY));
    }
}
