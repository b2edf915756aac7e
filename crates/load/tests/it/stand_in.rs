//! A stand-in for a switch: takes links and messages, and answers each as a test says.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use codec::block::{Block, Blocks, Deframer, Function, Status};
use codec::legacy::{Input, LineEnd, OutputHeader, parse_input};
use codec::name::{MessageKey, Ori, StationName};
use codec::number::Number;
use codec::time::Stamp;
use jiff::Timestamp;
use link::authority::{Authority, Terms};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

/// What the stand-in does about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Acknowledges it.
    Ack,
    /// Refuses it for good.
    Nack,
    /// Sends a message to whom it came from.
    Answer { key: &'static str, from: &'static str, body: String, validation: u32 },
    /// Does nothing on any link for a while.
    Stall(Duration),
    /// Closes the link.
    Hang,
}

/// Decides about the message of that number, counted over all links from 1.
type Decide = dyn Fn(u64, &Input<'_>) -> Vec<Act> + Send + Sync;

pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    directory: TempDir,
    shared: Arc<Shared>,
}

struct Shared {
    decide: Box<Decide>,
    messages: AtomicU64,
    /// Whether every link stands still.
    stalled: Mutex<bool>,
    over: Condvar,
}

impl StandIn {
    /// Takes links from now on, until the test's process ends.
    pub(crate) fn new(decide: impl Fn(u64, &Input<'_>) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (pki, now) = (directory.path().join("pki"), Timestamp::now());
        let authority = Authority::init(&pki, Terms::default(), &[], now).unwrap();
        for name in ["ZA0010000", "ZC"] {
            authority.issue(StationName::parse(name).unwrap(), now).unwrap();
        }
        link::tls::install_default();
        let tls = Arc::new(server_config(&pki));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            decide: Box::new(decide),
            messages: AtomicU64::new(0),
            stalled: Mutex::new(false),
            over: Condvar::new(),
        });
        let there = Arc::clone(&shared);
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (tls, shared) = (Arc::clone(&tls), Arc::clone(&there));
                thread::spawn(move || shared.serve(socket, tls));
            }
        });
        Self { address, directory, shared }
    }

    pub(crate) fn pki(&self) -> PathBuf {
        self.directory.path().join("pki")
    }

    /// Messages that came, over all links.
    pub(crate) fn messages(&self) -> u64 {
        self.shared.messages.load(Ordering::Relaxed)
    }
}

fn server_config(pki: &Path) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(pki.join("switch.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(pki.join("switch.key")).unwrap();
    ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap()
}

impl Shared {
    fn serve(&self, socket: TcpStream, tls: Arc<ServerConfig>) {
        socket.set_nodelay(true).unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), socket);
        let (mut deframer, mut buffer, mut chunk) = (Deframer::new(), BytesMut::new(), [0; 16_384]);
        let mut part = Vec::new();
        loop {
            let Ok(count @ 1..) = stream.read(&mut chunk) else { return };
            buffer.extend_from_slice(&chunk[..count]);
            let mut out = BytesMut::new();
            while let Some(block) = deframer.next(&mut buffer).unwrap() {
                match block.function() {
                    Function::StatusRequest => {
                        Block::without_data(Function::StatusResponse, block.validation(), Status::READY)
                            .encode(&mut out);
                    }
                    Function::Data { more, .. } => {
                        part.extend_from_slice(block.data());
                        if more {
                            Block::without_data(Function::Ack, block.validation(), Status::OK).encode(&mut out);
                        } else if !self.answer(&std::mem::take(&mut part), block.validation(), &mut out) {
                            return;
                        }
                    }
                    Function::Ack | Function::Nack | Function::StatusResponse | Function::Unknown(_) => {}
                }
            }
            if stream.write_all(&out).and_then(|()| stream.flush()).is_err() {
                return;
            }
        }
    }

    /// False if the link is to be closed.
    fn answer(&self, message: &[u8], validation: u32, out: &mut BytesMut) -> bool {
        // A stall holds up every link.
        drop(self.over.wait_while(self.stalled.lock().unwrap(), |stalled| *stalled).unwrap());
        let number = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        let input = parse_input(message).unwrap();
        for act in (self.decide)(number, &input) {
            match act {
                Act::Ack => Block::without_data(Function::Ack, validation, Status::OK).encode(out),
                Act::Nack => Block::without_data(Function::Nack, validation, Status::PERMANENT).encode(out),
                Act::Answer { key, from, body, validation } => {
                    let text = output(&input, key, from, &body);
                    Blocks::new(validation, text).for_each(|block| block.encode(out));
                }
                Act::Stall(time) => {
                    let mut stalled = self.stalled.lock().unwrap();
                    *stalled = true;
                    // Nobody ends it early.
                    let (mut stalled, _) = self.over.wait_timeout_while(stalled, time, |stalled| *stalled).unwrap();
                    *stalled = false;
                    self.over.notify_all();
                }
                Act::Hang => return false,
            }
        }
        true
    }
}

fn output(input: &Input<'_>, key: &str, from: &str, body: &str) -> Bytes {
    let stamp = Stamp::parse("08:00 01/31/2030").unwrap();
    OutputHeader {
        key: MessageKey::parse(key).unwrap(),
        sender: Ori::parse(from).unwrap(),
        received: stamp,
        isn: Number::default(),
        sent: stamp,
        osn: Number::default(),
        destination: input.sender.as_str(),
        control: input.checked_control().unwrap(),
    }
    .encode(LineEnd::CrLfDel, body.as_bytes())
}
