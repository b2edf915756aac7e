//! A station's end: one link to the switch, made again whenever it is lost.
//!
//! What a station posts is kept until the switch has acknowledged or refused it, and is sent again with the same
//! validation on the next link, in the same order, so that the switch admits it once (`protocol-specs/wire.md` 1.1).
//! What the switch sends may come twice, after a lost link also to a station that has accepted it: a receiver that
//! must not act twice remembers [`Incoming::validation`].

mod backoff;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use codec::block::Status;
use jiff::Timestamp;
use rustls_pki_types::ServerName;
use session::{Event, Failure, Outgoing, Readiness, Refusal, Role, Token};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

pub use self::backoff::Backoff;
use self::backoff::random_u32;
use crate::connection::{CloseReason, Command, Limits, drive};
use crate::tls::{ClientFiles, TlsError, client_config};

/// Where a station calls and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// The switch's `host:port`, looked up anew for each call.
    pub address: String,
    /// The name that the switch's certificate must bear.
    pub server_name: ServerName<'static>,
    /// The station's files, read anew for each call: a renewed certificate is used from the next link on.
    pub files: ClientFiles,
    /// How long connecting and the handshake may take together.
    pub connect: Duration,
    /// The waits between calls.
    pub backoff: Backoff,
    /// The conversation.
    pub session: session::Config,
    /// The bounds of each link.
    pub link: Limits,
    /// Messages posted and not yet acknowledged that are kept; more wait with whoever posts them.
    pub pending: usize,
    /// Messages received that wait to be taken; more are refused for now.
    pub incoming: usize,
}

impl Config {
    /// The usual values for a switch at that address whose certificate names `127.0.0.1`, as every one does that an
    /// [`Authority`](crate::authority::Authority) issues.
    #[must_use]
    pub fn new(address: impl Into<String>, files: ClientFiles) -> Self {
        Self {
            address: address.into(),
            server_name: IpAddr::V4(Ipv4Addr::LOCALHOST).into(),
            files,
            connect: Duration::from_secs(5),
            backoff: Backoff::default(),
            session: session::Config::new(Role::Station),
            link: Limits::default(),
            pending: 256,
            incoming: 1024,
        }
    }
}

/// What a dialer tells whoever keeps logs, as it happens.
#[derive(Debug)]
pub enum DialerEvent {
    /// The switch was reached and has proven itself. Whether it takes this station's certificate shows later: if not,
    /// [`DialerEvent::Down`] follows at once with [`CloseReason::Alert`].
    Up,
    /// A call came to nothing.
    Failed {
        /// Why.
        error: DialError,
        /// When the next call is made.
        retry: Duration,
    },
    /// The link is gone.
    Down {
        /// Why.
        why: CloseReason,
        /// When the next call is made.
        retry: Duration,
    },
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The station's files cannot be used.
    #[error(transparent)]
    Files(#[from] TlsError),
    /// The switch's address cannot be reached.
    #[error("the switch cannot be reached")]
    Connect(#[source] io::Error),
    /// The handshake failed, as when the switch cannot prove itself.
    #[error("the handshake failed")]
    Handshake(#[source] io::Error),
    /// It took too long.
    #[error("the switch did not answer in time")]
    Deadline,
}

/// Why a message was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The switch refused it for good.
    #[error("the switch refused the message: {0}")]
    Refused(Status),
    /// The dialer has ended.
    #[error("the link was given up before the message was acknowledged")]
    Ended,
}

/// Whether there is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// There is none; the dialer is at work to have one.
    Down,
    /// There is one, see [`DialerEvent::Up`].
    Up,
}

/// A message from the switch.
#[derive(Debug)]
pub struct Incoming {
    /// The message.
    pub bytes: Bytes,
    /// The switch's number of it, the same if it comes again; zero if it has none.
    pub validation: u32,
    /// What answers it.
    pub acknowledge: Acknowledge,
}

/// The answer that is owed to a message. Dropping it refuses the message for now: the switch sends it again.
#[derive(Debug)]
pub struct Acknowledge {
    answers: mpsc::UnboundedSender<Answer>,
    link: u64,
    token: Token,
    verdict: Verdict,
}

impl Acknowledge {
    /// The message is safe here. On a link that was lost meanwhile it has no effect: the message comes again.
    pub fn accept(mut self) {
        self.verdict = Verdict::Accept;
    }

    /// The message is not taken.
    pub fn refuse(mut self, why: Refusal) {
        self.verdict = Verdict::Refuse(why);
    }
}

impl Drop for Acknowledge {
    fn drop(&mut self) {
        // A dialer that has ended needs no answer.
        drop(self.answers.send(Answer { link: self.link, token: self.token, verdict: self.verdict }));
    }
}

/// The station's handle on its link. Clones share it.
#[derive(Debug, Clone)]
pub struct StationLink {
    posts: mpsc::Sender<Post>,
    state: watch::Receiver<LinkState>,
    readiness: watch::Sender<Readiness>,
}

impl StationLink {
    /// Sends a message and waits for the switch's answer, over as many links as it takes.
    ///
    /// # Errors
    ///
    /// If the switch refuses it for good, or the dialer ends first.
    pub async fn send(&self, validation: Option<NonZeroU32>, bytes: Bytes) -> Result<(), SendError> {
        self.post(validation, bytes).await?.await
    }

    /// Posts a message and returns as soon as it has its place in the order; the receipt waits for the switch's answer.
    /// Without a validation the message gets one that no other on its way has. The switch takes a message with the
    /// bytes and validation of one that it had within a day for the same.
    ///
    /// A message whose receipt was dropped is still sent on the link that is up, but not again on another.
    ///
    /// # Errors
    ///
    /// If the dialer has ended.
    pub async fn post(&self, validation: Option<NonZeroU32>, bytes: Bytes) -> Result<Receipt, SendError> {
        let (reply, receipt) = oneshot::channel();
        self.posts.send(Post { validation, bytes, reply }).await.map_err(|_| SendError::Ended)?;
        Ok(Receipt(receipt))
    }

    /// What the switch is told of this station's state, on this link and those to come.
    pub fn set_readiness(&self, readiness: Readiness) {
        self.readiness.send_replace(readiness);
    }

    /// Whether there is a link, and when that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }
}

/// Waits for the switch's answer to a posted message.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<(), SendError>>);

impl Future for Receipt {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|reply| reply.unwrap_or(Err(SendError::Ended)))
    }
}

/// Makes a dialer, the handle to send with, and what it receives.
#[must_use]
pub fn dialer(config: Config) -> (Dialer, StationLink, mpsc::Receiver<Incoming>) {
    let (posts, posted) = mpsc::channel(POSTS);
    let (incoming, received) = mpsc::channel(config.incoming.max(1));
    let (state_here, state) = watch::channel(LinkState::Down);
    let (readiness, readiness_here) = watch::channel(Readiness::Ready);
    let (answers, answered) = mpsc::unbounded_channel();
    let dialer = Dialer {
        config,
        posted,
        pending: BTreeMap::new(),
        last_id: 0,
        last_validation: random_u32(),
        unposted: false,
        incoming,
        answers,
        answered,
        links: 0,
        state: state_here,
        readiness: readiness_here,
    };
    (dialer, StationLink { posts, state, readiness }, received)
}

/// Keeps one link. [`Dialer::run`] is its whole life.
#[derive(Debug)]
pub struct Dialer {
    config: Config,
    posted: mpsc::Receiver<Post>,
    /// What was posted and not yet answered, in the order of posting.
    pending: BTreeMap<u64, Pending>,
    last_id: u64,
    last_validation: u32,
    /// Nobody can post any more.
    unposted: bool,
    incoming: mpsc::Sender<Incoming>,
    /// Unbounded, but never longer than there are messages handed out.
    answers: mpsc::UnboundedSender<Answer>,
    answered: mpsc::UnboundedReceiver<Answer>,
    /// Links made so far; an answer for an earlier one is void.
    links: u64,
    state: watch::Sender<LinkState>,
    readiness: watch::Receiver<Readiness>,
}

impl Dialer {
    /// Keeps the link until `stop`, or until the handle and the receiver are dropped and all that was posted is
    /// answered.
    pub async fn run(self, stop: CancellationToken, observe: impl FnMut(DialerEvent)) {
        self.run_through(|stream| stream, stop, observe).await;
    }

    /// As [`Dialer::run`], with each link's stream, once its handshake is done, handed through `wrap`: for whoever wants
    /// to see the bytes that TLS carries.
    pub async fn run_through<S>(
        mut self,
        mut wrap: impl FnMut(TlsStream<TcpStream>) -> S,
        stop: CancellationToken,
        mut observe: impl FnMut(DialerEvent),
    ) where
        S: AsyncRead + AsyncWrite,
    {
        let mut failures = 0;
        while !stop.is_cancelled() && !self.is_done() {
            let called = select! {
                biased;
                () = stop.cancelled() => return,
                called = call(&self.config) => called,
            };
            let ended = match called {
                Ok(stream) => {
                    observe(DialerEvent::Up);
                    self.state.send_replace(LinkState::Up);
                    let (why, proven) = self.keep(wrap(stream), &stop).await;
                    self.state.send_replace(LinkState::Down);
                    failures = if proven { 0 } else { failures };
                    Ok(why)
                }
                Err(error) => Err(error),
            };
            if stop.is_cancelled() || self.is_done() {
                return;
            }
            let retry = self.config.backoff.wait(failures, random_u32());
            failures = failures.saturating_add(1);
            observe(match ended {
                Ok(why) => DialerEvent::Down { why, retry },
                Err(error) => DialerEvent::Failed { error, retry },
            });
            select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(retry) => {}
            }
        }
    }

    /// Runs one link to its end. Says why it ended, and whether it had been of use.
    async fn keep<S>(&mut self, stream: S, stop: &CancellationToken) -> (CloseReason, bool)
    where
        S: AsyncRead + AsyncWrite,
    {
        let (session, limits) = (self.config.session.clone(), self.config.link.clone());
        let window = session.window.max(1);
        let (commands, commands_there) = mpsc::channel(limits.commands(window));
        let (events_there, mut events) = mpsc::channel(EVENTS);
        let mut link = pin!(drive(stream, session, limits, commands_there, events_there, |event| event));
        let since = Instant::now();
        self.links += 1;
        let mut up = Up { commands: Some(commands), window: window.into(), in_flight: 0, next: 0, proven: false };
        up.say(Command::Readiness(*self.readiness.borrow_and_update()));
        self.pending.retain(|_, pending| !pending.reply.is_closed());
        let mut closing = false;
        let why = loop {
            self.hand_over(&mut up);
            if !closing && (stop.is_cancelled() || self.is_done()) {
                closing = true;
                // What was accepted by now must not come again.
                while let Ok(answer) = self.answered.try_recv() {
                    up.answer(&answer, self.links);
                }
                up.say(Command::Close);
            }
            select! {
                biased;
                Some(event) = events.recv() => self.handle(event, &mut up),
                why = &mut link => break why,
                Some(answer) = self.answered.recv() => up.answer(&answer, self.links),
                post = self.posted.recv(), if !self.unposted && self.pending.len() < self.config.pending => match post {
                    Some(post) => self.take(post),
                    None => self.unposted = true,
                },
                Ok(()) = self.readiness.changed() => up.say(Command::Readiness(*self.readiness.borrow_and_update())),
                () = stop.cancelled(), if !closing => {}
                () = self.incoming.closed(), if !closing && self.unposted => {}
            }
        };
        while let Ok(event) = events.try_recv() {
            self.handle(event, &mut up);
        }
        (why, up.proven || since.elapsed() >= self.config.backoff.max)
    }

    /// Nobody posts any more, nobody receives, and all that was posted is answered.
    fn is_done(&self) -> bool {
        self.pending.is_empty() && self.posted.is_closed() && self.posted.is_empty() && self.incoming.is_closed()
    }

    /// Keeps a posted message until it is answered.
    fn take(&mut self, post: Post) {
        let validation = post.validation.unwrap_or_else(|| self.validation());
        self.last_id += 1;
        let message = Outgoing { id: self.last_id, validation, bytes: post.bytes };
        self.pending.insert(self.last_id, Pending { message, reply: post.reply });
    }

    /// A validation that no message on its way has.
    fn validation(&mut self) -> NonZeroU32 {
        loop {
            self.last_validation = self.last_validation.wrapping_add(1);
            if let Some(validation) = NonZeroU32::new(self.last_validation)
                && self.pending.values().all(|pending| pending.message.validation != validation)
            {
                return validation;
            }
        }
    }

    /// Hands the link what it has not had yet, as much as the window takes.
    fn hand_over(&self, up: &mut Up) {
        while up.in_flight < up.window
            && let Some((id, pending)) = self.pending.range(up.next..).next()
        {
            up.next = id + 1;
            up.in_flight += 1;
            up.say(Command::Send(pending.message.clone()));
        }
    }

    fn handle(&mut self, event: Event, up: &mut Up) {
        match event {
            Event::Received { token, validation, bytes } => {
                up.proven = true;
                let answers = self.answers.clone();
                let acknowledge = Acknowledge { answers, link: self.links, token, verdict: Verdict::default() };
                // Where there is no room it is dropped, which refuses it for now.
                drop(self.incoming.try_send(Incoming { bytes, validation, acknowledge }));
            }
            Event::Delivered { id } => self.settle(id, Ok(()), up),
            Event::Failed { id, why: Failure::Permanent(status) } => {
                self.settle(id, Err(SendError::Refused(status)), up);
            }
            Event::Ready | Event::NotReady => up.proven = true,
            // The window is kept by counting; the end is what `drive` returns.
            Event::Room { .. } | Event::Closed { .. } => {}
        }
    }

    fn settle(&mut self, id: u64, result: Result<(), SendError>, up: &mut Up) {
        up.proven = true;
        up.in_flight = up.in_flight.saturating_sub(1);
        if let Some(pending) = self.pending.remove(&id) {
            // Whoever posted it may have stopped waiting.
            _ = pending.reply.send(result);
        }
    }
}

/// Posts on their way to the dialer. Few: order is given by [`Dialer::pending`], which is bounded by configuration.
const POSTS: usize = 16;

/// Events of a link on their way to the dialer, which runs in the same task.
const EVENTS: usize = 64;

/// A message on its way to the dialer.
#[derive(Debug)]
struct Post {
    validation: Option<NonZeroU32>,
    bytes: Bytes,
    reply: oneshot::Sender<Result<(), SendError>>,
}

/// A message that the switch has not answered.
#[derive(Debug)]
struct Pending {
    message: Outgoing,
    reply: oneshot::Sender<Result<(), SendError>>,
}

/// What is done with a received message.
#[derive(Debug, Clone, Copy)]
enum Verdict {
    Accept,
    Refuse(Refusal),
}

impl Default for Verdict {
    fn default() -> Self {
        Self::Refuse(Refusal::Temporary)
    }
}

/// The answer to a message of one link.
#[derive(Debug)]
struct Answer {
    link: u64,
    token: Token,
    verdict: Verdict,
}

/// The link that is up.
struct Up {
    /// None once it was abandoned.
    commands: Option<mpsc::Sender<Command>>,
    window: usize,
    /// Handed over, neither delivered nor refused.
    in_flight: usize,
    /// Messages from this one on were not handed over.
    next: u64,
    /// The switch has done something that it does only for a station that it takes.
    proven: bool,
}

impl Up {
    fn say(&mut self, command: Command) {
        // The channel has room for everything that is said here. Were it full, the link would be given up.
        self.commands = self.commands.take().filter(|commands| commands.try_send(command).is_ok());
    }

    fn answer(&mut self, answer: &Answer, link: u64) {
        if answer.link == link {
            self.say(match answer.verdict {
                Verdict::Accept => Command::Accept(answer.token),
                Verdict::Refuse(why) => Command::Refuse(answer.token, why),
            });
        }
    }
}

/// Connects and shakes hands.
async fn call(config: &Config) -> Result<TlsStream<TcpStream>, DialError> {
    let connector = TlsConnector::from(client_config(&config.files, Timestamp::now())?);
    let connect = async {
        let tcp = TcpStream::connect(&config.address).await.map_err(DialError::Connect)?;
        // Acknowledgements are small and must not wait for one another. Without it a link is slow, not wrong.
        drop(tcp.set_nodelay(true));
        connector.connect(config.server_name.clone(), tcp).await.map_err(DialError::Handshake)
    };
    timeout(config.connect, connect).await.unwrap_or(Err(DialError::Deadline))
}
