//! A switch's listener with its authority in a directory of its own, and a station to call it with.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};
use link::connection::{CloseReason, Command};
use link::listener::{Door, HandshakeFailure, Limits, Link, Listener, ListenerEvent, Peer};
use link::tls::{ClientFiles, ServerFiles, Versions, client_config, install_default};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use rustls::ClientConfig;
use session::{Config, Event, Outgoing, Role, Token};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

/// Far longer than anything here takes: what does not come within it does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The event or value that a future gives; a failed test if it does not come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what}: did not come in {PATIENCE:?}"))
}

pub(crate) fn name(text: &str) -> StationName {
    StationName::parse(text).unwrap()
}

/// A listener at work. Ends when it is dropped.
pub(crate) struct Switch {
    pub(crate) directory: TempDir,
    pub(crate) authority: Authority,
    pub(crate) address: SocketAddr,
    /// Where Foxtalk is spoken.
    pub(crate) fox: SocketAddr,
    events: mpsc::UnboundedReceiver<ListenerEvent>,
    links: mpsc::UnboundedReceiver<SwitchLink>,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<()>,
}

/// The switch's end of a link.
pub(crate) struct SwitchLink {
    pub(crate) peer: Peer,
    pub(crate) commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
    ended: JoinHandle<CloseReason>,
}

impl Switch {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default(), Versions::Tls13).await
    }

    /// With stations ZA and ZB, and files looked at often.
    pub(crate) async fn with(limits: Limits, versions: Versions) -> Self {
        install_default();
        let directory = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let authority = Authority::init(directory.path(), Terms::default(), &[], now).unwrap();
        for station in ["ZA", "ZB"] {
            authority.issue(name(station), now).unwrap();
        }
        let files = ServerFiles { versions, ..ServerFiles::in_directory(directory.path()) };
        let limits = Limits { look: Duration::from_millis(20), ..limits };
        let mut listener = Listener::bind("127.0.0.1:0".parse().unwrap(), files, limits.clone()).await.unwrap();
        let address = listener.address();
        let fox = listener.bind_also(Door::Fox, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (events_in, events) = mpsc::unbounded_channel();
        let (links_in, links) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let accept = move |link| drop(links_in.send(SwitchLink::new(link, &limits)));
        let observe = move |event| drop(events_in.send(event));
        let served = tokio::spawn(listener.serve(stop.clone(), accept, observe));
        Self { directory, authority, address, fox, events, links, stop, served }
    }

    pub(crate) fn pki(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn files(&self, station: &str) -> ClientFiles {
        ClientFiles::in_directory(self.pki(), name(station))
    }

    /// The next event that the test asks for; others are skipped.
    pub(crate) async fn event<T>(&mut self, what: &str, mut pick: impl FnMut(ListenerEvent) -> Option<T>) -> T {
        soon(what, async {
            loop {
                if let Some(found) = pick(self.events.recv().await.expect("the listener ended")) {
                    return found;
                }
            }
        })
        .await
    }

    pub(crate) async fn accepted(&mut self) -> Peer {
        self.event("a link", |event| match event {
            ListenerEvent::Accepted { peer, .. } => Some(peer),
            ListenerEvent::HandshakeFailed { why, .. } => panic!("refused: {why}"),
            _ => None,
        })
        .await
    }

    pub(crate) async fn refused(&mut self) -> HandshakeFailure {
        self.event("a refusal", |event| match event {
            ListenerEvent::HandshakeFailed { why, .. } => Some(why),
            ListenerEvent::Accepted { peer, .. } => panic!("accepted: {peer:?}"),
            _ => None,
        })
        .await
    }

    pub(crate) async fn closed(&mut self) -> CloseReason {
        self.event("a closed link", |event| match event {
            ListenerEvent::Closed { why, .. } => Some(why),
            _ => None,
        })
        .await
    }

    pub(crate) async fn link(&mut self) -> SwitchLink {
        soon("a link", self.links.recv()).await.expect("the listener ended")
    }

    /// Makes a client certificate that this authority's key signs, as no authority of ours would.
    pub(crate) fn forge(&self, uris: &[&str], usage: ExtendedKeyUsagePurpose) -> ClientFiles {
        let read = |file| std::fs::read_to_string(self.pki().join(file)).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), KeyPair::from_pem(&read("ca.key")).unwrap()).unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let files = ClientFiles {
            ca: self.pki().join("ca.pem"),
            crl: None,
            certificate: self.pki().join("forged.pem"),
            key: self.pki().join("forged.key"),
        };
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl SwitchLink {
    fn new(link: Link, limits: &Limits) -> Self {
        let peer = link.peer().clone();
        let config = match link.door() {
            Door::Dmpp => Config::new(Role::Switch),
            Door::Fox => Config::fox(Role::Switch, 1),
        };
        let (commands, commands_there) = mpsc::channel(limits.link.commands(config.window));
        let (events_there, events) = mpsc::channel(64);
        let ended = tokio::spawn(link.drive(config, commands_there, events_there, |event| event));
        Self { peer, commands, events, ended }
    }

    pub(crate) fn say(&self, command: Command) {
        self.commands.try_send(command).unwrap();
    }

    pub(crate) fn send(&self, id: u64, text: impl Into<Bytes>) {
        let validation = NonZeroU32::new(u32::try_from(id).unwrap()).unwrap();
        self.say(Command::Send(Outgoing { id, validation, bytes: text.into() }));
    }

    /// The next event that the test asks for; others are skipped.
    pub(crate) async fn event<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        soon(what, async {
            loop {
                if let Some(found) = pick(self.events.recv().await.expect("the link ended")) {
                    return found;
                }
            }
        })
        .await
    }

    pub(crate) async fn received(&mut self) -> (Token, u32, Bytes) {
        self.event("a message", |event| match event {
            Event::Received { token, validation, bytes } => Some((token, validation, bytes)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn delivered(&mut self) -> u64 {
        self.event("an acknowledgement", |event| match event {
            Event::Delivered { id } => Some(id),
            _ => None,
        })
        .await
    }

    pub(crate) async fn ended(self) -> CloseReason {
        // Its last events must not hold it up.
        drop(self.events);
        soon("the link's end", self.ended).await.unwrap()
    }
}

/// A call with these files, whether or not they hold now.
pub(crate) async fn call(address: SocketAddr, files: &ClientFiles) -> std::io::Result<TlsStream<TcpStream>> {
    // As of then: an expired certificate is shown like any other.
    let then = Timestamp::from_second(0).unwrap();
    call_with(address, client_config(files, then).unwrap()).await
}

pub(crate) async fn call_with(address: SocketAddr, config: Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(config).connect("localhost".try_into().unwrap(), tcp).await
}

/// Whether the switch ends the call without a word.
pub(crate) async fn is_hung_up(called: std::io::Result<TlsStream<TcpStream>>) -> bool {
    let Ok(mut stream) = called else { return true };
    let mut byte = [0];
    // In TLS 1.3 a client learns of its refusal only when it reads.
    soon("the end of the call", stream.read(&mut byte)).await.is_ok_and(|count| count == 0)
        || stream.read(&mut byte).await.map_or(true, |count| count == 0)
}

/// Runs openssl.
pub(crate) fn openssl() -> std::process::Command {
    let path = PathBuf::from("openssl");
    let found = std::process::Command::new(&path).arg("version").output();
    assert!(found.is_ok(), "these tests need the openssl command: install it (Debian: apt-get install openssl)");
    std::process::Command::new(path)
}
