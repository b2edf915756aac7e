//! A station as a test needs it: one link, everything by hand, nothing in the background.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use codec::block::{Block, Blocks, Deframer, Function, Status};
use codec::legacy::{Output, parse_output};
use codec::name::StationName;
use jiff::Timestamp;
use link::tls::{ClientFiles, client_config};
use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use crate::PATIENCE;

/// A link to the switch.
pub(crate) struct Station {
    tls: StreamOwned<ClientConnection, TcpStream>,
    deframer: Deframer,
    buffer: BytesMut,
    part: Vec<u8>,
    pub(crate) acknowledges: Acknowledges,
    /// What came and was not taken yet.
    pub(crate) messages: VecDeque<Message>,
    replies: Vec<Block>,
    statuses: VecDeque<Status>,
    next_validation: u32,
}

/// What a station does with the messages that come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acknowledges {
    /// Each block at once.
    Everything,
    Nothing,
}

/// A message from the switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) validation: u32,
    pub(crate) text: String,
}

impl Message {
    /// Taken apart.
    pub(crate) fn output(&self) -> Output<'_> {
        parse_output(self.text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    pub(crate) fn osn(&self) -> u32 {
        self.output().osn.value()
    }

    pub(crate) fn isn(&self) -> u32 {
        self.output().isn.value()
    }
}

/// The switch ended the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

impl Station {
    /// A link whose handshake is done on this side. Whether the switch takes the certificate shows later.
    pub(crate) fn connect(links: SocketAddr, pki: &Path, name: &str, acknowledges: Acknowledges) -> io::Result<Self> {
        let name = StationName::parse(name).map_err(io::Error::other)?;
        let config =
            client_config(&ClientFiles::in_directory(pki, name), Timestamp::now()).map_err(io::Error::other)?;
        let connection =
            ClientConnection::new(config, ServerName::IpAddress(links.ip().into())).map_err(io::Error::other)?;
        let socket = TcpStream::connect_timeout(&links, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut tls = StreamOwned::new(connection, socket);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock)?;
        }
        Ok(Self {
            tls,
            deframer: Deframer::new(),
            buffer: BytesMut::new(),
            part: Vec::new(),
            acknowledges,
            messages: VecDeque::new(),
            replies: Vec::new(),
            statuses: VecDeque::new(),
            next_validation: 1,
        })
    }

    /// Sends a message that asks for its ack, and waits for the switch to have it on disk.
    pub(crate) fn send(&mut self, text: &str) {
        let validation = self.post(text);
        let reply = self.reply(validation).expect("the switch acknowledges");
        assert_eq!((reply.function(), reply.status()), (Function::Ack, Status::OK), "{text:?}");
    }

    /// Sends a message and returns its validation, which is new on this link.
    pub(crate) fn post(&mut self, text: &str) -> u32 {
        let validation = self.next_validation;
        self.next_validation += 1;
        self.post_as(validation, text).expect("the link takes a message");
        validation
    }

    /// Sends a message under that validation.
    pub(crate) fn post_as(&mut self, validation: u32, text: &str) -> Result<(), Closed> {
        self.post_bytes(validation, text.as_bytes())
    }

    /// The same for what may be no text.
    pub(crate) fn post_bytes(&mut self, validation: u32, message: &[u8]) -> Result<(), Closed> {
        let mut bytes = BytesMut::new();
        Blocks::new(validation, Bytes::copy_from_slice(message)).for_each(|block| block.encode(&mut bytes));
        self.write(&bytes)
    }

    /// Waits for the ack or negative ack of a message of one block, and takes it.
    pub(crate) fn reply(&mut self, validation: u32) -> Result<Block, Closed> {
        self.wait("a reply", |this| {
            let place = this.replies.iter().position(|reply| reply.validation() == validation)?;
            Some(this.replies.remove(place))
        })
    }

    /// Asks the switch how it is.
    pub(crate) fn status(&mut self) -> Result<Status, Closed> {
        self.request_status()?;
        self.wait("a status", |this| this.statuses.pop_front())
    }

    pub(crate) fn request_status(&mut self) -> Result<(), Closed> {
        self.write_block(&Block::without_data(Function::StatusRequest, 0, Status::NONE))
    }

    /// Waits for a message with `mark` in it, and takes it.
    pub(crate) fn take(&mut self, mark: &str) -> Message {
        let found = self.wait(&format!("a message with {mark:?}"), |this| {
            let place = this.messages.iter().position(|message| message.text.contains(mark))?;
            this.messages.remove(place)
        });
        found.expect("the link stays up")
    }

    /// Takes what has come by the time that a status request is answered: all that the switch sent before.
    pub(crate) fn take_all(&mut self) -> Vec<Message> {
        self.status().expect("the link stays up");
        self.arrived()
    }

    /// Takes what was read and not taken.
    pub(crate) fn arrived(&mut self) -> Vec<Message> {
        self.messages.drain(..).collect()
    }

    /// Whether the switch ends the link within that time.
    pub(crate) fn is_closed_within(&mut self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        loop {
            match self.pump(deadline) {
                Err(Closed) => return true,
                Ok(Pumped::Nothing) => return false,
                Ok(Pumped::Block) => {}
            }
        }
    }

    /// Takes the acks that came and were not taken.
    pub(crate) fn take_replies(&mut self) -> Vec<Block> {
        std::mem::take(&mut self.replies)
    }

    /// The next message, whatever it is; nothing if none comes in time.
    pub(crate) fn next_within(&mut self, within: Duration) -> Result<Option<Message>, Closed> {
        self.wait_within(within, |this| this.messages.pop_front())
    }

    /// The ack or negative ack of a message of one block; nothing if none comes in time.
    pub(crate) fn reply_within(&mut self, validation: u32, within: Duration) -> Result<Option<Block>, Closed> {
        self.wait_within(within, |this| {
            let place = this.replies.iter().position(|reply| reply.validation() == validation)?;
            Some(this.replies.remove(place))
        })
    }

    /// Acknowledges a message of one block, or refuses it for ever.
    pub(crate) fn answer(&mut self, validation: u32, function: Function) -> Result<(), Closed> {
        let status = if function == Function::Ack { Status::OK } else { Status::PERMANENT };
        self.write_block(&Block::without_data(function, validation, status))
    }

    /// Refuses a message of one block for now.
    pub(crate) fn refuse_for_now(&mut self, validation: u32) -> Result<(), Closed> {
        self.write_block(&Block::without_data(Function::Nack, validation, Status::TEMPORARY))
    }

    fn wait<T>(&mut self, what: &str, take: impl FnMut(&mut Self) -> Option<T>) -> Result<T, Closed> {
        Ok(self.wait_within(PATIENCE, take)?.unwrap_or_else(|| {
            panic!("{what} did not come in {PATIENCE:?}; there are {:?} and {:?}", self.messages, self.replies)
        }))
    }

    fn wait_within<T>(
        &mut self,
        within: Duration,
        mut take: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<Option<T>, Closed> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = take(self) {
                return Ok(Some(found));
            }
            if self.pump(deadline)? == Pumped::Nothing {
                return Ok(None);
            }
        }
    }

    /// Reads one block and sorts it.
    pub(crate) fn pump(&mut self, deadline: Instant) -> Result<Pumped, Closed> {
        loop {
            if let Some(block) = self.deframer.next(&mut self.buffer).expect("the switch sends whole blocks") {
                self.sort(block)?;
                return Ok(Pumped::Block);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Pumped::Nothing);
            }
            self.tls.sock.set_read_timeout(Some(left)).map_err(|_| Closed)?;
            let mut bytes = [0; 16 << 10];
            match self.tls.read(&mut bytes) {
                Ok(0) => return Err(Closed),
                Ok(count) => self.buffer.extend_from_slice(&bytes[..count]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(_) => return Err(Closed),
            }
        }
    }

    fn sort(&mut self, block: Block) -> Result<(), Closed> {
        let validation = block.validation();
        match block.function() {
            Function::Data { more, .. } => {
                if self.acknowledges == Acknowledges::Everything {
                    self.write_block(&Block::without_data(Function::Ack, validation, Status::OK))?;
                }
                self.part.extend_from_slice(block.data());
                if !more {
                    let text = String::from_utf8(std::mem::take(&mut self.part)).expect("legacy text is ASCII");
                    self.messages.push_back(Message { validation, text });
                }
            }
            Function::Ack | Function::Nack => self.replies.push(block),
            Function::StatusRequest => {
                self.write_block(&Block::without_data(Function::StatusResponse, validation, Status::READY))?;
            }
            Function::StatusResponse => self.statuses.push_back(block.status()),
            Function::Unknown(code) => panic!("the switch sends no function {code:04X}"),
        }
        Ok(())
    }

    fn write_block(&mut self, block: &Block) -> Result<(), Closed> {
        let mut bytes = BytesMut::new();
        block.encode(&mut bytes);
        self.write(&bytes)
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Closed> {
        self.tls.write_all(bytes).and_then(|()| self.tls.flush()).map_err(|_| Closed)
    }
}

/// What reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pumped {
    Block,
    /// The deadline passed first.
    Nothing,
}
