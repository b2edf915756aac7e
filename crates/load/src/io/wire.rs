//! One link of a station: a socket, TLS and a session, without a thread or a task of its own.
//!
//! Sockets are edge-triggered: [`Wire::read`] takes all that is there, [`Wire::write`] gives all that the socket takes.
//! Of a quiet link nothing is kept but the socket, the TLS state and the session; buffers belong to the thread.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use codec::block::{Block, Function, Status};
use codec::time::Tick;
use mio::net::TcpStream;
use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;
use session::{Event, Outgoing, Session, Token};

/// Why a link ended or never was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum End {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(io::ErrorKind),
    /// The peer closed it.
    #[error("closed by the peer")]
    Peer,
    /// TLS failed, as when a certificate is refused.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The session gave it up.
    #[error("{0}")]
    Session(session::CloseReason),
    /// It did not come up in time.
    #[error("no answer in time")]
    Deadline,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Peer } else { Self::Io(error.kind()) }
    }
}

impl From<rustls::Error> for End {
    fn from(error: rustls::Error) -> Self {
        Self::Tls(error.to_string())
    }
}

/// What the links of a thread share, so that each needs little.
#[derive(Debug)]
pub(crate) struct Buffers {
    read: Box<[u8]>,
    out: BytesMut,
}

impl Default for Buffers {
    fn default() -> Self {
        Self { read: vec![0; READ_BYTES].into_boxed_slice(), out: BytesMut::new() }
    }
}

/// Four of the longest TLS records: with less than that read, the socket is known to be empty.
const READ_BYTES: usize = 64 * 1024;

/// A link, from the call on.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    tls: ClientConnection,
    session: Session,
    /// The beginning of a block.
    input: BytesMut,
    /// When the call was made.
    pub(crate) since: Duration,
    /// The switch was asked for its status.
    asked: bool,
    /// Something came through TLS: the switch has taken the certificate.
    proven: bool,
    /// The socket takes no more for now.
    blocked: bool,
}

impl Wire {
    /// Calls.
    pub(crate) fn call(
        address: SocketAddr,
        name: ServerName<'static>,
        tls: Arc<ClientConfig>,
        session: session::Config,
        now: Duration,
    ) -> Result<Self, End> {
        let stream = TcpStream::connect(address)?;
        // Small blocks must not wait for one another's TCP acknowledgements.
        drop(stream.set_nodelay(true));
        let mut tls = ClientConnection::new(tls, name)?;
        // What a session gives at once is bounded by its configuration.
        tls.set_buffer_limit(None);
        let session = Session::new(session, tick(now));
        let input = BytesMut::new();
        // A socket that is not connected yet takes nothing; the first event says that it is.
        Ok(Self { stream, tls, session, input, since: now, asked: false, proven: false, blocked: true })
    }

    /// Whether the switch has answered on it.
    pub(crate) const fn is_proven(&self) -> bool {
        self.proven
    }

    /// Hands a message to the session; [`Wire::write`] puts it on its way.
    pub(crate) fn send(&mut self, message: Outgoing) {
        self.session.send(message);
    }

    /// Acknowledges a message.
    pub(crate) fn accept(&mut self, token: Token) {
        self.session.accept(token);
    }

    /// The next thing that happened.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.session.poll_event()
    }

    /// Whether a timer of the session has run out.
    pub(crate) fn handle_time(&mut self, now: Duration) -> bool {
        let due = self.session.poll_timeout().is_some_and(|due| due <= tick(now));
        if due {
            self.session.handle_timeout(tick(now));
        }
        due
    }

    /// Reads all that is there.
    pub(crate) fn read(&mut self, now: Duration, buffers: &mut Buffers) -> Result<(), End> {
        loop {
            let count = match self.stream.read(&mut buffers.read) {
                Ok(0) => return Err(End::Peer),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Not connected yet.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let mut rest = buffers.read.get(..count).unwrap_or_default();
            while !rest.is_empty() {
                if self.tls.read_tls(&mut rest)? == 0 {
                    return Err(End::Tls("a record that does not end".to_owned()));
                }
                let state = self.tls.process_new_packets()?;
                let plain = state.plaintext_bytes_to_read();
                if plain > 0 {
                    let begin = self.input.len();
                    self.input.resize(begin + plain, 0);
                    self.tls.reader().read_exact(self.input.get_mut(begin..).unwrap_or_default())?;
                    self.proven = true;
                }
                if state.peer_has_closed() {
                    return Err(End::Peer);
                }
            }
            if !self.input.is_empty() {
                self.session.handle_bytes(tick(now), &mut self.input);
                if self.input.is_empty() {
                    // Received messages hold slices of it.
                    self.input = BytesMut::new();
                }
            }
            if count < buffers.read.len() {
                return Ok(());
            }
        }
    }

    /// The socket has room again, or is connected.
    pub(crate) fn set_writable(&mut self) -> Result<(), End> {
        if !self.blocked {
            return Ok(());
        }
        if let Some(error) = self.stream.take_error()? {
            return Err(error.into());
        }
        match self.stream.peer_addr() {
            Ok(_) => self.blocked = false,
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Writes all that the socket takes.
    pub(crate) fn write(&mut self, now: Duration, buffers: &mut Buffers) -> Result<(), End> {
        while !self.blocked {
            while self.tls.wants_write() {
                match self.tls.write_tls(&mut self.stream) {
                    Ok(0) => return Err(End::Io(io::ErrorKind::WriteZero)),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.blocked = true;
                        return Ok(());
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if self.tls.is_handshaking() {
                return Ok(());
            }
            buffers.out.clear();
            if !self.asked {
                self.asked = true;
                Block::without_data(Function::StatusRequest, 0, Status::NONE).encode(&mut buffers.out);
            }
            self.session.transmit(tick(now), &mut buffers.out);
            if buffers.out.is_empty() {
                return Ok(());
            }
            self.tls.writer().write_all(&buffers.out)?;
        }
        Ok(())
    }

    /// Says goodbye, as far as the socket takes it.
    pub(crate) fn close(&mut self) {
        self.tls.send_close_notify();
        if !self.blocked {
            // The switch sees the end of the connection all the same.
            drop(self.tls.write_tls(&mut self.stream));
        }
    }
}

fn tick(now: Duration) -> Tick {
    Tick::default().after(now)
}
