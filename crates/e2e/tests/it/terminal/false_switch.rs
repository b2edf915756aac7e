//! A switch that carries whatever it is given: what the real one would refuse, and what nobody but a false one sends.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bytes::{Bytes, BytesMut};
use codec::block::{Block, Blocks, Deframer, Function, Status};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// It takes one link, sends its messages one after the other, and acknowledges all that comes.
pub(super) struct FalseSwitch {
    pub(super) links: SocketAddr,
    serving: JoinHandle<usize>,
}

impl FalseSwitch {
    pub(super) fn start(pki: &Path, messages: Vec<Vec<u8>>) -> Self {
        link::tls::install_default();
        let certificates = CertificateDer::pem_file_iter(pki.join("switch.pem")).expect("the switch's certificate");
        let certificates = certificates.collect::<Result<Vec<_>, _>>().expect("certificates");
        let key = PrivateKeyDer::from_pem_file(pki.join("switch.key")).expect("its key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key);
        let config = Arc::new(config.expect("a configuration"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let links = listener.local_addr().expect("its address");
        let serving = thread::spawn(move || {
            let (socket, _) = listener.accept().expect("a link");
            let connection = ServerConnection::new(config).expect("a connection");
            serve(StreamOwned::new(connection, socket), messages.into())
        });
        Self { links, serving }
    }

    /// How many messages were acknowledged, once the link has ended.
    pub(super) fn end(self) -> usize {
        self.serving.join().expect("it served")
    }
}

fn serve(mut tls: StreamOwned<ServerConnection, TcpStream>, mut messages: VecDeque<Vec<u8>>) -> usize {
    let (mut deframer, mut buffer) = (Deframer::new(), BytesMut::new());
    let (mut sent, mut acknowledged): (u32, usize) = (0, 0);
    let mut bytes = [0; 16 << 10];
    // The first goes once the other end has spoken or not: nothing has to come before.
    let mut out = BytesMut::new();
    next(&mut messages, &mut sent, &mut out);
    loop {
        if tls.write_all(&out).and_then(|()| tls.flush()).is_err() {
            return acknowledged;
        }
        out.clear();
        match tls.read(&mut bytes) {
            Ok(count @ 1..) => buffer.extend_from_slice(&bytes[..count]),
            Ok(0) | Err(_) => return acknowledged,
        }
        while let Some(block) = deframer.next(&mut buffer).expect("the terminal sends whole blocks") {
            let validation = block.validation();
            match block.function() {
                Function::Data { .. } => Block::without_data(Function::Ack, validation, Status::OK).encode(&mut out),
                Function::StatusRequest => {
                    Block::without_data(Function::StatusResponse, validation, Status::READY).encode(&mut out);
                }
                Function::Ack => {
                    acknowledged += 1;
                    next(&mut messages, &mut sent, &mut out);
                }
                Function::Nack | Function::StatusResponse | Function::Unknown(_) => {}
            }
        }
    }
}

/// Puts the next message into blocks, each under a validation of its own.
fn next(messages: &mut VecDeque<Vec<u8>>, sent: &mut u32, out: &mut BytesMut) {
    if let Some(message) = messages.pop_front() {
        *sent += 1;
        Blocks::new(*sent, Bytes::from(message)).for_each(|block| block.encode(out));
    }
}
