//! The same load for everybody: links that ask and wait for the answer, links that answer.
//!
//! A query has 300 bytes, an answer 1,000, both as the network's messages look, so that a switch takes them. Each message is
//! acknowledged by whoever gets it. A pair is done when the asking link has its answer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use codec::block::{Block, Function, Status};
use codec::name::StationName;
use jiff::Timestamp;
use link::tls::{ClientFiles, client_config};
use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::wire::{Wire, server_config};
use crate::{nats, redis};

pub(crate) const QUERY_BYTES: usize = 300;
pub(crate) const ANSWER_BYTES: usize = 1000;

/// Where the answers come from: an agency of the receiving station.
const ANSWERING: &str = "ZR0010000";

/// The agency, and station, of an asking link.
pub(crate) fn agency(link: usize) -> String {
    format!("ZT{:04}000", link + 1)
}

/// A message with a header and so many bytes.
fn message(from: &str, to: &str, bytes: usize) -> Bytes {
    let mut text = format!("AM.{from}.{to}.*BENCH00001.TXT\r\n");
    text.extend((text.len()..bytes).map(|at| if at % 70 == 69 { ' ' } else { 'X' }));
    Bytes::from(text)
}

fn data(validation: u32, text: Bytes) -> Result<Block> {
    Block::with_data(Function::Data { more: false, ack: true }, validation, text).context("a message of one block")
}

/// Links to one subject.
pub(crate) struct Load {
    asking: Vec<Link>,
}

/// A link that asks, in the words of its server.
enum Link {
    Blocks(Asking),
    Nats(nats::Asking),
    Redis(redis::Asking),
}

impl Link {
    async fn ask(&mut self, until: Instant, in_flight: usize) -> Result<Vec<u32>> {
        match self {
            Self::Blocks(link) => link.ask(until, in_flight).await,
            Self::Nats(link) => link.ask(until, in_flight).await,
            Self::Redis(link) => link.ask(until, in_flight).await,
        }
    }
}

/// A link that asks.
struct Asking {
    wire: Wire,
    next: u32,
    query: Bytes,
}

/// What came of one round: times in microseconds, one for each pair that was done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) times: Vec<u32>,
}

impl Load {
    /// Calls a subject that both kinds of links call.
    pub(crate) async fn call(address: SocketAddr, pki: &Path, links: usize) -> Result<Self> {
        let mut asking = Vec::with_capacity(links);
        for link in 0..links {
            let id = u32::try_from(link * 2)?;
            // Who answers is there before anybody asks.
            let answering = connect(address, pki, "ZR", id + 1).await?;
            tokio::task::spawn_local(answer_all(answering, link));
            let wire = connect(address, pki, &agency(link), id).await?;
            asking.push(Link::Blocks(Asking::new(wire, link)));
        }
        Ok(Self { asking })
    }

    /// Calls a proxy, whose upstream answers: see [`upstream`].
    pub(crate) async fn call_proxy(address: SocketAddr, pki: &Path, links: usize) -> Result<Self> {
        let mut asking = Vec::with_capacity(links);
        for link in 0..links {
            let wire = connect(address, pki, &agency(link), u32::try_from(link * 2)?).await?;
            asking.push(Link::Blocks(Asking::new(wire, link)));
        }
        Ok(Self { asking })
    }

    /// Calls a NATS server, whose JetStream stores each message if `stored`.
    pub(crate) async fn call_nats(address: SocketAddr, pki: &Path, links: usize, stored: bool) -> Result<Self> {
        if stored {
            nats::make_stream(address, pki).await?;
        }
        let mut asking = Vec::with_capacity(links);
        for link in 0..links {
            asking.push(Link::Nats(nats::Asking::call(address, pki, link, stored).await?));
        }
        Ok(Self { asking })
    }

    /// Calls a Redis server.
    pub(crate) async fn call_redis(address: SocketAddr, pki: &Path, links: usize) -> Result<Self> {
        let mut asking = Vec::with_capacity(links);
        for link in 0..links {
            asking.push(Link::Redis(redis::Asking::call(address, pki, link).await?));
        }
        Ok(Self { asking })
    }

    /// All links ask, so many queries at a time each, for so long; what is under way then is waited for.
    pub(crate) async fn round(&mut self, took: Duration, in_flight: usize) -> Result<Done> {
        let until = Instant::now() + took;
        let links = self.asking.iter_mut().map(|link| link.ask(until, in_flight));
        let mut done = Done::default();
        for times in futures::future::join_all(links).await {
            done.times.extend(times?);
        }
        Ok(done)
    }
}

impl Asking {
    fn new(wire: Wire, link: usize) -> Self {
        Self { wire, next: 1, query: message(&agency(link), ANSWERING, QUERY_BYTES) }
    }

    async fn ask(&mut self, until: Instant, in_flight: usize) -> Result<Vec<u32>> {
        let (mut times, mut asked) = (Vec::new(), VecDeque::new());
        loop {
            while asked.len() < in_flight && Instant::now() < until {
                self.wire.put(&data(self.next, self.query.clone())?);
                self.next = self.next.wrapping_add(1).max(1);
                asked.push_back(Instant::now());
            }
            self.wire.flush().await?;
            if asked.is_empty() {
                return Ok(times);
            }
            self.wire.read().await?;
            while let Some(block) = self.wire.ready()? {
                if acknowledged(&mut self.wire, &block)? {
                    ensure!(block.data().len() >= ANSWER_BYTES, "not an answer: {:?}", block.data());
                    let asked = asked.pop_front().context("an answer to no question")?;
                    times.push(u32::try_from(asked.elapsed().as_micros())?);
                }
            }
        }
    }
}

/// Acknowledges a message and says whether it was one.
fn acknowledged(wire: &mut Wire, block: &Block) -> Result<bool> {
    match block.function() {
        Function::Data { more: false, .. } => {
            wire.put(&Block::without_data(Function::Ack, block.validation(), Status::OK));
            Ok(true)
        }
        Function::StatusRequest => {
            wire.put(&Block::without_data(Function::StatusResponse, block.validation(), Status::READY));
            Ok(false)
        }
        Function::Nack => bail!("a message was not taken: {:?}", block.status()),
        _ => Ok(false),
    }
}

/// Connects as that station, says which link it is and waits until that was heard.
async fn connect(address: SocketAddr, pki: &Path, station: &str, id: u32) -> Result<Wire> {
    let files = ClientFiles::in_directory(pki, StationName::parse(station)?);
    let config = client_config(&files, Timestamp::now())?;
    let tcp = TcpStream::connect(address).await.with_context(|| format!("{address} takes no connection"))?;
    tcp.set_nodelay(true)?;
    let name = ServerName::IpAddress(address.ip().into());
    let mut wire = Wire::new(TlsConnector::from(config).connect(name, tcp).await.context("no hands are shaken")?);
    wire.put(&Block::without_data(Function::StatusRequest, id, Status::NONE));
    wire.flush().await?;
    while wire.next().await?.function() != Function::StatusResponse {}
    Ok(wire)
}

/// Answers whatever comes, to whoever sent it. Links of one station have validations of their own: a switch takes the same one over
/// another link for a repeat.
async fn answer_all(mut wire: Wire, link: usize) {
    let own = u32::try_from(link).unwrap_or(0) << 22;
    let mut count = 1;
    let ended: Result<()> = async {
        loop {
            while let Some(block) = wire.ready()? {
                if acknowledged(&mut wire, &block)? {
                    // `AM.ZT0001000` begins the message, as it was sent and as a switch delivers it.
                    let sender = block.data().get(3..12).and_then(|name| std::str::from_utf8(name).ok());
                    let answer = message(ANSWERING, sender.context("no sender")?, ANSWER_BYTES);
                    wire.put(&data(own | count, answer)?);
                    count = (count + 1) % (1 << 22);
                    count = count.max(1);
                }
            }
            wire.flush().await?;
            wire.read().await?;
        }
    }
    .await;
    // The link ends with the subject.
    drop(ended);
}

/// A server that answers on every link: what stands behind a proxy. Returns its port.
pub(crate) async fn upstream(pki: &Path) -> Result<u16> {
    let acceptor = TlsAcceptor::from(server_config(pki)?);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::task::spawn_local(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::task::spawn_local(async move {
                drop(tcp.set_nodelay(true));
                if let Ok(tls) = acceptor.accept(tcp).await {
                    answer_all(Wire::new(tls), 0).await;
                }
            });
        }
    });
    Ok(port)
}
