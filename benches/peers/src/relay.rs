//! The limit: a relay that only takes blocks off one TLS link and puts them on another, on one thread.
//!
//! A link says with its first block which it is; what one of a pair sends goes to the other, and is acknowledged. Told to sync,
//! the relay writes each query to a file that is full of zeros and has it synced before it is passed on and acknowledged; whatever
//! queued during one sync goes with the next.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc as threads;
use std::thread;

use anyhow::{Context as _, Result, ensure};
use bytes::BytesMut;
use codec::block::{Block, Function, Status};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::wire::{Wire, server_config};

/// The file that is written round and round.
const FILE_BYTES: u64 = 64 << 20;

type Orders = mpsc::UnboundedSender<Block>;

/// A query on its way to the disk: from which link, and what.
type Query = (u32, Block);

struct Relay {
    links: RefCell<HashMap<u32, Orders>>,
    disk: Option<threads::Sender<Query>>,
}

/// Runs until it is killed. Says `READY PORT` once it listens.
pub(crate) fn run(directory: &Path, synced: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let acceptor = TlsAcceptor::from(server_config(&directory.join("pki"))?);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (stored, mut durable) = mpsc::unbounded_channel::<Vec<Query>>();
        let disk = if synced { Some(disk(&directory.join("relay.log"), stored)?) } else { None };
        let relay = Rc::new(Relay { links: RefCell::default(), disk });
        let theirs = Rc::clone(&relay);
        tokio::task::spawn_local(async move {
            while let Some(queries) = durable.recv().await {
                queries.into_iter().for_each(|(from, block)| theirs.pass(from, block));
            }
        });
        let mut out = std::io::stdout();
        writeln!(out, "READY {}", listener.local_addr()?.port())?;
        out.flush()?;
        loop {
            let (tcp, _) = listener.accept().await?;
            tokio::task::spawn_local(attend(Rc::clone(&relay), acceptor.clone(), tcp));
        }
    })
}

/// The disk's thread: all that has queued is one write and one sync.
fn disk(path: &Path, stored: mpsc::UnboundedSender<Vec<Query>>) -> Result<threads::Sender<Query>> {
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
    zeros(&file)?;
    let (sender, queries) = threads::channel::<Query>();
    thread::Builder::new().name("disk".to_owned()).spawn(move || {
        let (mut at, mut bytes) = (0, BytesMut::new());
        while let Ok(first) = queries.recv() {
            let batch: Vec<_> = std::iter::once(first).chain(queries.try_iter()).collect();
            bytes.clear();
            batch.iter().for_each(|(_, block)| block.encode(&mut bytes));
            if at + bytes.len() as u64 > FILE_BYTES {
                at = 0;
            }
            if file.write_all_at(&bytes, at).and_then(|()| file.sync_data()).is_err() || stored.send(batch).is_err() {
                return;
            }
            at += bytes.len() as u64;
        }
    })?;
    Ok(sender)
}

fn zeros(file: &File) -> Result<()> {
    let zeros = vec![0; 1 << 20];
    for at in (0..FILE_BYTES).step_by(1 << 20) {
        file.write_all_at(&zeros, at)?;
    }
    file.sync_all().context("the file cannot be made")
}

async fn attend(relay: Rc<Relay>, acceptor: TlsAcceptor, tcp: TcpStream) {
    // A link that ends is the end of a run.
    drop(serve(relay, acceptor, tcp).await);
}

async fn serve(relay: Rc<Relay>, acceptor: TlsAcceptor, tcp: TcpStream) -> Result<()> {
    tcp.set_nodelay(true)?;
    let mut wire = Wire::new(acceptor.accept(tcp).await?);
    let hello = wire.next().await?;
    ensure!(hello.function() == Function::StatusRequest, "a link says first which it is");
    let id = hello.validation();
    let (orders, mut inbox) = mpsc::unbounded_channel();
    relay.links.borrow_mut().insert(id, orders);
    wire.put(&Block::without_data(Function::StatusResponse, id, Status::READY));
    loop {
        while let Some(block) = wire.ready()? {
            // An acknowledgement says that a copy arrived, which nobody here waits for.
            if let Function::Data { .. } = block.function() {
                match &relay.disk {
                    // Queries come from the even links.
                    Some(disk) if id % 2 == 0 => disk.send((id, block)).context("the disk failed")?,
                    _ => relay.pass(id, block),
                }
            }
        }
        while let Ok(block) = inbox.try_recv() {
            wire.put(&block);
        }
        wire.flush().await?;
        tokio::select! {
            read = wire.read() => read?,
            order = inbox.recv() => wire.put(&order.context("nobody gives orders")?),
        }
    }
}

impl Relay {
    /// Acknowledges a block and gives it to the other link of the pair.
    fn pass(&self, from: u32, block: Block) {
        let links = self.links.borrow();
        if let Some(sender) = links.get(&from) {
            drop(sender.send(Block::without_data(Function::Ack, block.validation(), Status::OK)));
        }
        if let Some(receiver) = links.get(&(from ^ 1)) {
            drop(receiver.send(block));
        }
    }
}
