//! A switch's end of real links: it accepts, sends what a test says and shows what comes.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};
use link::connection::{CloseReason, Command};
use link::dialer::{self, Backoff};
use link::listener::{Limits, Link, Listener};
use link::tls::{ClientFiles, ServerFiles, install_default};
use session::{Config, Event, Outgoing, Role, Token};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Far longer than anything here takes: what does not come within it does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a future gives; a failed test if it does not come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what}: did not come in {PATIENCE:?}"))
}

/// Listens until it is dropped.
pub(crate) struct Switch {
    pub(crate) directory: TempDir,
    address: SocketAddr,
    links: mpsc::UnboundedReceiver<SwitchLink>,
    _stop: DropGuard,
}

impl Switch {
    /// With a certificate for one station.
    pub(crate) async fn new(station: StationName) -> Self {
        install_default();
        LazyLock::force(&LOG);
        let directory = tempfile::tempdir().unwrap();
        let pki = directory.path().join("pki");
        let authority = Authority::init(&pki, Terms::default(), &[], Timestamp::now()).unwrap();
        authority.issue(station, Timestamp::now()).unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(address, ServerFiles::in_directory(&pki), Limits::default()).await.unwrap();
        let address = listener.address();
        let (links_in, links) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let accept = move |link| drop(links_in.send(SwitchLink::new(link)));
        tokio::spawn(listener.serve(stop.clone(), accept, drop));
        Self { directory, address, links, _stop: stop.drop_guard() }
    }

    /// How that station calls.
    pub(crate) fn dialer(&self, station: StationName) -> dialer::Config {
        let files = ClientFiles::in_directory(&self.directory.path().join("pki"), station);
        let backoff = Backoff { min: Duration::from_millis(10), max: Duration::from_millis(100) };
        dialer::Config { backoff, ..dialer::Config::new(self.address.to_string(), files) }
    }

    pub(crate) async fn link(&mut self) -> SwitchLink {
        soon("a link", self.links.recv()).await.expect("the listener ended")
    }
}

/// The switch's end of a link.
pub(crate) struct SwitchLink {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
    ended: JoinHandle<CloseReason>,
    /// What the station has acknowledged so far.
    pub(crate) delivered: Vec<u64>,
}

impl SwitchLink {
    fn new(link: Link) -> Self {
        let config = Config::new(Role::Switch);
        let (commands, commands_there) = mpsc::channel(Limits::default().link.commands(config.window));
        let (events_there, events) = mpsc::channel(64);
        let ended = tokio::spawn(link.drive(config, commands_there, events_there, |event| event));
        Self { commands, events, ended, delivered: Vec::new() }
    }

    fn say(&self, command: Command) {
        self.commands.try_send(command).unwrap();
    }

    /// Delivers a message; its number is its validation too.
    pub(crate) fn send(&self, number: u32, text: impl Into<Bytes>) {
        let validation = NonZeroU32::new(number).unwrap();
        self.say(Command::Send(Outgoing { id: number.into(), validation, bytes: text.into() }));
    }

    pub(crate) fn accept(&self, token: Token) {
        self.say(Command::Accept(token));
    }

    pub(crate) fn refuse(&self, token: Token, why: session::Refusal) {
        self.say(Command::Refuse(token, why));
    }

    /// The next message of the station.
    pub(crate) async fn received(&mut self) -> (Token, u32, Bytes) {
        soon("a message", async {
            loop {
                if let Some(message) = self.event().await {
                    return message;
                }
            }
        })
        .await
    }

    /// Waits until the station has acknowledged a message.
    pub(crate) async fn delivery(&mut self, number: u32) {
        soon("an acknowledgement", async {
            while !self.delivered.contains(&number.into()) {
                assert!(self.event().await.is_none(), "a message came");
            }
        })
        .await;
    }

    /// Accepts what comes until the station has acknowledged a message, and gives what came.
    pub(crate) async fn take_all_until_delivery(&mut self, number: u32) -> Vec<(u32, Bytes)> {
        let mut taken = Vec::new();
        soon("an acknowledgement", async {
            while !self.delivered.contains(&number.into()) {
                if let Some((token, validation, bytes)) = self.event().await {
                    self.accept(token);
                    taken.push((validation, bytes));
                }
            }
        })
        .await;
        taken
    }

    async fn event(&mut self) -> Option<(Token, u32, Bytes)> {
        match self.events.recv().await.expect("the link ended") {
            Event::Received { token, validation, bytes } => return Some((token, validation, bytes)),
            Event::Delivered { id } => self.delivered.push(id),
            Event::Failed { .. } | Event::Room { .. } | Event::Ready | Event::NotReady | Event::Closed { .. } => {}
        }
        None
    }

    /// Breaks the link.
    pub(crate) async fn cut(self) {
        self.say(Command::Close);
        drop(self.events);
        soon("the link's end", self.ended).await.unwrap();
    }

    /// Waits until the station ends the link, and gives all that it has acknowledged.
    pub(crate) async fn ended(mut self) -> Vec<u64> {
        soon("the link's end", async {
            while let Some(event) = self.events.recv().await {
                if let Event::Delivered { id } = event {
                    self.delivered.push(id);
                }
            }
        })
        .await;
        assert_eq!(soon("the link's end", self.ended).await.unwrap(), CloseReason::Peer);
        self.delivered
    }
}

/// All that is logged, by every test of this program; there is no place for the log of one.
static LOG: LazyLock<&'static Mutex<Vec<u8>>> = LazyLock::new(|| {
    let log: &'static Mutex<Vec<u8>> = Box::leak(Box::default());
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    subscriber.with_writer(move || Log(log)).init();
    log
});

struct Log(&'static Mutex<Vec<u8>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn logged() -> String {
    String::from_utf8(LOG.lock().unwrap().clone()).unwrap()
}
