//! A client that behaves as the public one: it looks for patterns in the stream, takes frames of at most 32 KiB, puts
//! documents together until it sees their end mark, acknowledges each message frame and each nack, echoes no heartbeat.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Instant;

use codec::name::StationName;
use jiff::Timestamp;
use link::tls::{ClientFiles, client_config};
use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use crate::PATIENCE;

const START: [u8; 4] = [0xFF, 0x00, 0xAA, 0x55];
const STOP: [u8; 4] = [0x55, 0xAA, 0x00, 0xFF];
const FRAME_MAX: usize = 32_768;
const END_MARK: &str = "</OFML>";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) exchange: u16,
    pub(super) payload: Vec<u8>,
}

/// Version, longest frame, idle time, timeout, encryption, coding, line end.
type InForce = (u16, u16, u32, u16, u16, char, String, String);

pub(super) struct Client {
    tls: StreamOwned<ClientConnection, TcpStream>,
    backlog: Vec<u8>,
    last_exchange: u16,
    pub(super) in_force: InForce,
    /// Message frames that came.
    pub(super) frames: usize,
    accumulator: String,
    documents: VecDeque<String>,
    /// Acks, nacks, heartbeats that were not looked for yet.
    others: VecDeque<Frame>,
}

impl Client {
    /// Connects and says so.
    pub(super) fn connect(address: SocketAddr, pki: &Path, name: &str) -> Self {
        let files = ClientFiles::in_directory(pki, StationName::parse(name).expect("a name"));
        let config = client_config(&files, Timestamp::now()).expect("certificates");
        let server = ServerName::IpAddress(address.ip().into());
        let connection = ClientConnection::new(config, server).expect("a connection");
        let socket = TcpStream::connect_timeout(&address, PATIENCE).expect("the switch listens");
        socket.set_nodelay(true).expect("an option");
        let mut client = Self {
            tls: StreamOwned::new(connection, socket),
            backlog: Vec::new(),
            last_exchange: 0,
            in_force: InForce::default(),
            frames: 0,
            accumulator: String::new(),
            documents: VecDeque::new(),
            others: VecDeque::new(),
        };
        let exchange = client.next_exchange();
        client.write(b'C', exchange, true, b"\0\x01\0\x01\0\0\xFD\xE8\0\0\0\0NB64LF  ");
        let answer = client.next(b'C');
        assert_eq!((answer.exchange, answer.payload.len()), (exchange, 20));
        let payload = answer.payload;
        let short = |at: usize| u16::from_be_bytes([payload[at], payload[at + 1]]);
        let long = u32::from_be_bytes([payload[4], payload[5], payload[6], payload[7]]);
        let text = |from: usize, to: usize| String::from_utf8(payload[from..to].to_vec()).expect("ASCII");
        client.in_force =
            (short(0), short(2), long, short(8), short(10), char::from(payload[12]), text(13, 16), text(16, 20));
        client
    }

    /// Sends one document and waits until it is acknowledged under its number.
    pub(super) fn send(&mut self, document: &str) {
        let exchange = self.next_exchange();
        self.write(b'M', exchange, true, document.as_bytes());
        assert_eq!(self.next(b'A').exchange, exchange, "the ack echoes the number");
    }

    pub(super) fn write(&mut self, kind: u8, exchange: u16, last: bool, payload: &[u8]) {
        let length = u32::try_from(payload.len() + 16).expect("it is short");
        let mut frame = START.to_vec();
        frame.extend(length.to_be_bytes());
        frame.extend(exchange.to_be_bytes());
        frame.extend([kind, if last { b'Y' } else { b'N' }]);
        frame.extend(payload);
        frame.extend(STOP);
        self.tls.write_all(&frame).and_then(|()| self.tls.flush()).expect("the link takes a frame");
    }

    /// Waits for the next frame of a kind other than messages.
    pub(super) fn next(&mut self, kind: u8) -> Frame {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(place) = self.others.iter().position(|frame| frame.kind == kind) {
                return self.others.remove(place).expect("it is there");
            }
            self.pump(deadline);
        }
    }

    /// Waits for a document with `mark` in it.
    pub(super) fn take(&mut self, mark: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(place) = self.documents.iter().position(|document| document.contains(mark)) {
                return self.documents.remove(place).expect("it is there");
            }
            self.pump(deadline);
        }
    }

    fn next_exchange(&mut self) -> u16 {
        self.last_exchange = self.last_exchange.wrapping_add(1);
        self.last_exchange
    }

    /// Reads until one frame has come, and does with it what the public client does.
    fn pump(&mut self, deadline: Instant) {
        let Frame { kind, exchange, payload } = self.read(deadline);
        match kind {
            b'M' => {
                self.frames += 1;
                let text = String::from_utf8(payload).expect("a frame ends between two letters");
                self.accumulator.push_str(&text);
                if text.contains(END_MARK) {
                    self.documents.push_back(std::mem::take(&mut self.accumulator));
                }
                self.write(b'A', exchange, true, b"");
            }
            b'N' => {
                self.write(b'A', exchange, true, b"");
                self.others.push_back(Frame { kind, exchange, payload });
            }
            _ => self.others.push_back(Frame { kind, exchange, payload }),
        }
    }

    fn read(&mut self, deadline: Instant) -> Frame {
        loop {
            if let Some(start) = self.backlog.windows(4).position(|bytes| bytes == START) {
                assert_eq!(start, 0, "nothing lies between two frames");
                if let Some(length) = self.backlog.get(4..8) {
                    let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
                    assert!((16..=FRAME_MAX).contains(&length), "the public client throws away a frame of {length}");
                    if self.backlog.len() >= length {
                        let frame: Vec<u8> = self.backlog.drain(..length).collect();
                        let inside = &frame[4..length - 4];
                        assert_eq!(&frame[length - 4..], STOP);
                        for pattern in [START, STOP] {
                            assert!(!inside.windows(4).any(|bytes| bytes == pattern), "a pattern inside a frame");
                        }
                        let exchange = u16::from_be_bytes([frame[8], frame[9]]);
                        return Frame { kind: frame[10], exchange, payload: frame[12..length - 4].to_vec() };
                    }
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "nothing more came; there are {:?} and {:?}", self.documents, self.others);
            self.tls.sock.set_read_timeout(Some(left)).expect("an option");
            let mut bytes = [0; 4096];
            match self.tls.read(&mut bytes) {
                Ok(0) => panic!("the switch closed; there are {:?} and {:?}", self.documents, self.others),
                Ok(count) => self.backlog.extend_from_slice(&bytes[..count]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(error) => panic!("the link failed: {error}"),
            }
        }
    }
}

/// A document as the public client writes it.
pub(super) fn query(id: &str, header: &str, key: &str, transaction: &str) -> String {
    format!(
        "<OFML>\n  <HDR>\n    <ID>{id}</ID>\n    <DAC>SAMPLE</DAC>\n    <DAT>20300131080000</DAT>\n    <REF>{id}</REF>\n    \
         <USR>TESTER</USR>\n    <ORI>ZA0010000</ORI>\n    <MKE>{key}</MKE>{header}\n  </HDR>\n  \
         <TRN>{transaction}</TRN>\n</OFML>"
    )
}

/// What stands in the first element of a name.
pub(super) fn tag<'a>(document: &'a str, name: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {document}"));
    rest.split_once(&format!("</{name}>")).expect("its end").0
}

/// The text of a response, its references not resolved.
pub(super) fn text_of(document: &str) -> &str {
    tag(document, "RSP").trim_start_matches("<TXT>").trim_end_matches("</TXT>")
}
