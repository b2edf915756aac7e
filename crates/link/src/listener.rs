//! Accepts links for as long as it is told to, whatever any peer does.
//!
//! Each connection shakes hands in its own task under a deadline, so that a silent peer costs a slot for that long and
//! nobody else any time. Connections whose handshake is not done are bounded in all and for each address, links in all
//! and for each station. Running out of descriptors is waited out. A link whose TLS carries nothing over and over, such as
//! changes of key, is closed.
//!
//! **Certificates and revocations are live.** The files are looked at each second and new ones swapped in. A link whose
//! certificate is revoked, has run out or lost its authority is closed. Without authorities and revocation lists that
//! hold (a file missing or damaged, a list that has run out) no new link is accepted until there are; links that are up
//! stay. A new certificate of the switch's own that cannot be used leaves the one before in use. Files should be
//! replaced by renaming, as [`Authority`](crate::authority::Authority) does: one that is written in place is damaged
//! while it is being written.

mod live;
mod watch;
mod wordless;

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use codec::name::StationName;
use jiff::Timestamp;
use rustls::CertificateError;
use session::{Config, Event};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::live::{HalfOpen, Registration, Registry};
use self::watch::Watch;
use self::wordless::{Above, Below};
use crate::certificate::{Holder, Serial, UnnamedError};
use crate::connection::{self, CloseReason, Command, drive_until};
use crate::tls::{ServerFiles, ServerTls, TlsError};

/// The other end of a link, proven by its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The station.
    pub station: StationName,
    /// The serial of its certificate.
    pub serial: Serial,
    /// Where it calls from.
    pub address: SocketAddr,
}

/// The bounds of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a handshake may take.
    pub handshake: Duration,
    /// Connections whose handshake is not done.
    pub half_open: usize,
    /// The same from one address (of IPv6, one /64). Addresses of this machine are exempt.
    pub half_open_per_address: usize,
    /// Links that are up.
    pub links: usize,
    /// Links of one station that are up.
    pub links_per_station: usize,
    /// How often the files are looked at.
    pub look: Duration,
    /// The bounds of each link.
    pub link: connection::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            half_open: 4096,
            half_open_per_address: 32,
            // Below the descriptors that a service usually may have.
            links: 16_384,
            // Far more than a station's replicas; one that leaks links harms only itself.
            links_per_station: 256,
            look: Duration::from_secs(1),
            link: connection::Limits::default(),
        }
    }
}

/// What a listener tells whoever keeps logs and metrics, as it happens.
#[derive(Debug)]
pub enum ListenerEvent {
    /// A connection did not become a link. That a peer can cause as often as it likes.
    HandshakeFailed {
        /// Where it came from.
        address: SocketAddr,
        /// Why.
        why: HandshakeFailure,
    },
    /// A link is up.
    Accepted {
        /// Its station.
        peer: Peer,
        /// When the certificate that it showed runs out.
        until: Timestamp,
    },
    /// A link is gone.
    Closed {
        /// Its station.
        peer: Peer,
        /// Why.
        why: CloseReason,
    },
    /// No connection could be taken, as when descriptors run out. Tried again after the pause.
    AcceptFailed {
        /// The system's word.
        error: io::Error,
        /// How long is waited.
        pause: Duration,
    },
    /// New files are in use.
    Reloaded {
        /// When the first revocation list runs out.
        crl_until: Timestamp,
        /// When the switch's own certificate runs out.
        certificate_until: Timestamp,
        /// How many certificates are revoked.
        revoked: usize,
    },
    /// The files cannot be used. Told again only when the reason changes.
    ReloadFailed {
        /// Why.
        error: TlsError,
        /// What is done meanwhile.
        until_then: UntilThen,
    },
}

/// What a listener does while its files cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UntilThen {
    /// It refuses every new link: nobody can say who is revoked.
    Refuses,
    /// It goes on with the switch's certificate from before.
    KeepsCertificate,
}

/// Why a connection did not become a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HandshakeFailure {
    /// The handshake was not done in time.
    #[error("the handshake was not done in time")]
    Deadline,
    /// The peer closed or lost the connection.
    #[error("the connection was lost")]
    Lost,
    /// What came is not TLS, or not as it is spoken here.
    #[error("no TLS as it is spoken here")]
    Protocol,
    /// The peer ended the handshake with an alert, as one that does not trust the switch's certificate.
    #[error("the peer ended the handshake")]
    Alert,
    /// No certificate was shown.
    #[error("no certificate was shown")]
    NoCertificate,
    /// The certificate is of no authority that is trusted.
    #[error("the certificate is of no trusted authority")]
    UnknownAuthority,
    /// The certificate has run out or does not hold yet.
    #[error("the certificate does not hold now")]
    NotValidNow,
    /// The certificate was revoked.
    #[error("the certificate was revoked")]
    Revoked,
    /// Whether the certificate was revoked cannot be told.
    #[error("whether the certificate was revoked cannot be told")]
    RevocationUnknown,
    /// The certificate is not meant for a client.
    #[error("the certificate is not meant for a client")]
    Purpose,
    /// The certificate or its signature is wrong in another way.
    #[error("the certificate is wrong")]
    Certificate,
    /// The certificate does not name one station.
    #[error("the certificate does not name one station")]
    Unnamed,
    /// There are no files that hold, see [`ListenerEvent::ReloadFailed`].
    #[error("the listener refuses all links")]
    Refusing,
    /// Too many handshakes are not done.
    #[error("too many handshakes are not done")]
    HalfOpen,
    /// Too many of them are from that address.
    #[error("too many handshakes from that address are not done")]
    HalfOpenOfAddress,
    /// Too many links are up.
    #[error("too many links are up")]
    Links,
    /// Too many of them are of that station.
    #[error("too many links of that station are up")]
    LinksOfStation,
}

impl HandshakeFailure {
    /// A label for metrics, out of a closed set.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Lost => "lost",
            Self::Protocol => "protocol",
            Self::Alert => "alert",
            Self::NoCertificate => "no_certificate",
            Self::UnknownAuthority => "unknown_authority",
            Self::NotValidNow => "not_valid_now",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation_unknown",
            Self::Purpose => "purpose",
            Self::Certificate => "certificate",
            Self::Unnamed => "unnamed",
            Self::Refusing => "refusing",
            Self::HalfOpen => "half_open",
            Self::HalfOpenOfAddress => "half_open_of_address",
            Self::Links => "links",
            Self::LinksOfStation => "links_of_station",
        }
    }

    fn of_io(error: &io::Error) -> Self {
        error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).map_or(Self::Lost, Self::of_tls)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "rustls may add errors; each is a kind of the general ones here"
    )]
    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::NoCertificatesPresented => Self::NoCertificate,
            rustls::Error::AlertReceived(_) => Self::Alert,
            rustls::Error::InvalidCertRevocationList(_) => Self::RevocationUnknown,
            rustls::Error::InvalidCertificate(error) => match error {
                CertificateError::UnknownIssuer => Self::UnknownAuthority,
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::NotValidNow,
                CertificateError::Revoked => Self::Revoked,
                CertificateError::UnknownRevocationStatus
                | CertificateError::ExpiredRevocationList
                | CertificateError::ExpiredRevocationListContext { .. } => Self::RevocationUnknown,
                CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Self::Purpose,
                _ => Self::Certificate,
            },
            _ => Self::Protocol,
        }
    }
}

impl From<UnnamedError> for HandshakeFailure {
    fn from(_: UnnamedError) -> Self {
        Self::Unnamed
    }
}

/// Why a listener could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The files cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The system's word.
        source: io::Error,
    },
}

/// What a link that came in by an address speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// DMPP-2020 blocks.
    Dmpp,
    /// Foxtalk frames.
    Fox,
}

/// Bound addresses, and the files that say who may come. All addresses share the limits.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<(Door, TcpListener)>,
    address: SocketAddr,
    limits: Limits,
    watch: Watch,
    credentials: ServerTls,
}

impl Listener {
    /// Reads the files, then binds the address. Connections wait in the system's queue until [`Listener::serve`].
    ///
    /// # Errors
    ///
    /// If the files cannot be used or the address cannot be listened on.
    pub async fn bind(address: SocketAddr, files: ServerFiles, limits: Limits) -> Result<Self, ListenError> {
        let (watch, credentials) = Watch::new(files, Timestamp::now())?;
        let failed = |source| ListenError::Address { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { sockets: vec![(Door::Dmpp, socket)], address, limits, watch, credentials })
    }

    /// Binds one more address, for links that speak something else. Says which address it is, with the port that the
    /// system chose if none was given.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub async fn bind_also(&mut self, door: Door, address: SocketAddr) -> Result<SocketAddr, ListenError> {
        let failed = |source| ListenError::Address { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?;
        self.sockets.push((door, socket));
        Ok(bound)
    }

    /// The first address, with the port that the system chose if none was given.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// When the first revocation list runs out, as the files were when they were read first.
    #[must_use]
    pub fn crl_until(&self) -> Timestamp {
        self.credentials.crl_until()
    }

    /// When the certificate runs out that it shows at its start.
    #[must_use]
    pub const fn certificate_until(&self) -> Timestamp {
        self.credentials.certificate_until()
    }

    /// Accepts until `stop`, and on no other account returns. Each link goes to `accept`, which hands it to a task that
    /// drives it, or drops and so refuses it; it must not block. Links that are up outlive this, but their certificates
    /// are no longer watched.
    pub async fn serve(
        self,
        stop: CancellationToken,
        accept: impl Fn(Link) + Send + Sync + 'static,
        observe: impl Fn(ListenerEvent) + Send + Sync + 'static,
    ) {
        let Self { sockets, limits, watch, credentials, .. } = self;
        let shared = Arc::new(Shared {
            credentials: ArcSwapOption::from_pointee(credentials),
            registry: Registry::default(),
            half_open: HalfOpen::new(&limits),
            limits,
            accept: Box::new(accept),
            observe: Box::new(observe),
        });
        let handshakes = TaskTracker::new();
        select! {
            biased;
            () = stop.cancelled() => {}
            () = shared.accept_all(&sockets, &handshakes, &stop) => {}
            () = watch.run(&shared) => {}
        }
        drop(sockets);
        handshakes.close();
        handshakes.wait().await;
    }
}

/// A link that is up: a proven station, and nothing said yet.
pub struct Link {
    peer: Peer,
    door: Door,
    until: Timestamp,
    stream: Above,
    registration: Registration,
    cut: oneshot::Receiver<CloseReason>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer).field("door", &self.door).finish_non_exhaustive()
    }
}

impl Link {
    /// Who is at the other end.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What it speaks, by the address that it came in by.
    #[must_use]
    pub const fn door(&self) -> Door {
        self.door
    }

    /// As [`connection::drive`], with the listener's limits, until the link ends or the listener ends it.
    pub async fn drive<E>(
        self,
        config: Config,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<E>,
        wrap: impl FnMut(Event) -> E,
    ) -> CloseReason {
        let Self { stream, mut registration, cut, .. } = self;
        // Should the task be dropped before the link ends.
        registration.why = CloseReason::Abandoned;
        let limits = registration.shared.limits.link.clone();
        let cut = async {
            match cut.await {
                Ok(why) => why,
                // The registration is ours and lives on: this does not happen.
                Err(_) => std::future::pending().await,
            }
        };
        let why = drive_until(stream, config, limits, commands, events, wrap, cut).await;
        registration.why = why;
        why
    }
}

/// The first wait after a failed accept, doubled until the longest.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What handshakes and links have in common.
struct Shared {
    /// None while every new link is refused.
    credentials: ArcSwapOption<ServerTls>,
    registry: Registry,
    half_open: Arc<HalfOpen>,
    limits: Limits,
    accept: Box<dyn Fn(Link) + Send + Sync>,
    observe: Box<dyn Fn(ListenerEvent) + Send + Sync>,
}

impl Shared {
    async fn accept_all(
        self: &Arc<Self>,
        sockets: &[(Door, TcpListener)],
        handshakes: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let mut pause = PAUSE_MIN;
        let mut first = 0;
        loop {
            match accept_any(sockets, &mut first).await {
                Ok((door, tcp, address)) => {
                    pause = PAUSE_MIN;
                    if let Some(handshake) = self.begin(door, tcp, address) {
                        let stop = stop.clone();
                        handshakes.spawn(async move {
                            stop.run_until_cancelled(handshake).await;
                        });
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    (self.observe)(ListenerEvent::AcceptFailed { error, pause });
                    sleep(pause).await;
                    pause = PAUSE_MAX.min(pause * 2);
                }
            }
        }
    }

    /// The handshake of a connection, unless there are too many.
    fn begin(
        self: &Arc<Self>,
        door: Door,
        tcp: TcpStream,
        address: SocketAddr,
    ) -> Option<impl Future<Output = ()> + use<>> {
        let slot = match self.half_open.enter(address.ip()) {
            Ok(slot) => slot,
            Err(why) => {
                (self.observe)(ListenerEvent::HandshakeFailed { address, why });
                return None;
            }
        };
        let this = Arc::clone(self);
        Some(async move {
            let handshake = timeout(this.limits.handshake, this.shake_hands(door, tcp, address)).await;
            drop(slot);
            match handshake.unwrap_or(Err(HandshakeFailure::Deadline)) {
                Ok(link) => {
                    (this.observe)(ListenerEvent::Accepted { peer: link.peer.clone(), until: link.until });
                    (this.accept)(link);
                }
                Err(why) => (this.observe)(ListenerEvent::HandshakeFailed { address, why }),
            }
        })
    }

    async fn shake_hands(
        self: &Arc<Self>,
        door: Door,
        tcp: TcpStream,
        address: SocketAddr,
    ) -> Result<Link, HandshakeFailure> {
        let credentials = self.credentials.load_full().ok_or(HandshakeFailure::Refusing)?;
        // Acknowledgements are small and must not wait for one another. Without it a link is slow, not wrong.
        drop(tcp.set_nodelay(true));
        let acceptor = TlsAcceptor::from(Arc::clone(&credentials.config));
        let stream = acceptor.accept(Below::new(tcp)).await.map_err(|error| HandshakeFailure::of_io(&error))?;
        let chain: Arc<[_]> = stream.get_ref().1.peer_certificates().unwrap_or_default().iter().cloned().collect();
        let holder = Holder::read(chain.first().ok_or(HandshakeFailure::NoCertificate)?)?;
        let peer = Peer { station: holder.station, serial: holder.serial.clone(), address };
        let until = holder.until;
        let (registration, cut) = Registry::enter(self, &peer, holder, Arc::clone(&chain))?;
        // From here on a revocation finds the link. One that came while hands were being shaken is found here.
        let current = self.credentials.load_full().ok_or(HandshakeFailure::Refusing)?;
        if !Arc::ptr_eq(&current, &credentials) {
            current.trust.check(&chain, Timestamp::now()).map_err(|error| HandshakeFailure::of_tls(&error))?;
        }
        Ok(Link { peer, door, until, stream: Above(stream), registration: registration.up(), cut })
    }
}

/// The next connection of any of the sockets. The socket after the one that gave it is asked first the next time, so that
/// none can keep the others waiting.
async fn accept_any(sockets: &[(Door, TcpListener)], first: &mut usize) -> io::Result<(Door, TcpStream, SocketAddr)> {
    poll_fn(|cx| {
        let order = sockets.iter().enumerate().cycle().skip(*first).take(sockets.len());
        for (place, (door, socket)) in order {
            if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                *first = (place + 1) % sockets.len();
                return Poll::Ready(accepted.map(|(tcp, address)| (*door, tcp, address)));
            }
        }
        Poll::Pending
    })
    .await
}

/// Whether a failed accept says something about one connection only, which is gone already.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
