//! Drives one session over one connection: bytes and time in, bytes and events out, everything bounded.
//!
//! [`drive`] is one task's work for as long as the connection lives. Reading goes on while writing waits, writing goes
//! on while the owner is busy; only reading stops when something is full:
//!
//! | Full | Bound | Then |
//! |---|---|---|
//! | the owner's event channel | its capacity | nothing is read until it has room |
//! | messages neither accepted nor refused | [`Limits::unaccepted_messages`], [`Limits::unaccepted_bytes`] | nothing is read |
//! | bytes waiting to be written | [`Limits::output_bytes`] | nothing is read |
//! | the peer takes no bytes | [`Limits::write_stall`] | the link is closed |
//! | the owner's command channel | [`Limits::commands`] | the owner drops its sender: the link is closed |
//!
//! The owner never waits: it hands commands in with `try_send`. A channel of [`Limits::commands`] has room for all that
//! an owner can want to say that keeps to the window, so one that is full is a defect; the owner drops the sender, which
//! closes the link.

use std::future::{Future, pending};
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, BytesMut};
use codec::fox::OVERHEAD_BYTES;
use codec::time::Tick;
use rustls::AlertDescription;
use session::{Config, Event, Outgoing, Readiness, Refusal, Session, Token};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// What an owner has a link do.
#[derive(Debug)]
pub enum Command {
    /// Send a message.
    Send(Outgoing),
    /// A received message is durable: acknowledge it.
    Accept(Token),
    /// A received message is not taken.
    Refuse(Token, Refusal),
    /// What the peer is told of this end's state.
    Readiness(Readiness),
    /// Read nothing until [`Command::Resume`].
    Pause,
    /// Read again.
    Resume,
    /// Write out what waits and close.
    Close,
}

/// The bounds of one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Messages received and neither accepted nor refused past which nothing is read. One read may bring more.
    pub unaccepted_messages: usize,
    /// The same in bytes.
    pub unaccepted_bytes: usize,
    /// Bytes waiting to be written past which nothing is read.
    pub output_bytes: usize,
    /// A link that has bytes to write and could write none for so long is closed.
    pub write_stall: Duration,
    /// How long a link that is being closed may take to write out what waits.
    pub closing: Duration,
}

impl Limits {
    /// The capacity that a command channel needs so that no command of an owner is refused that has at most `window`
    /// messages sent and not yet delivered or failed, answers each received message once, and says little else.
    #[must_use]
    pub const fn commands(&self, window: u16) -> usize {
        // One read may end one message more than it has room for the shortest blocks, and frames are shorter still.
        let received = self.unaccepted_messages + READ_BYTES / OVERHEAD_BYTES + 1;
        received + window as usize + OTHER_COMMANDS
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // More than one commit of the switch's store holds at full load.
            unaccepted_messages: 256,
            unaccepted_bytes: 1024 * 1024,
            output_bytes: 256 * 1024,
            write_stall: Duration::from_secs(30),
            // A healthy peer takes the little that is left at once.
            closing: Duration::from_secs(2),
        }
    }
}

/// Why a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The session gave it up.
    #[error("{0}")]
    Session(session::CloseReason),
    /// The peer closed it.
    #[error("closed by the peer")]
    Peer,
    /// The peer ended it with a TLS alert, as a switch does that refuses a station's certificate.
    #[error("ended by the peer's alert: {0:?}")]
    Alert(AlertDescription),
    /// What the peer sent is not TLS as agreed.
    #[error("the peer broke TLS")]
    Tls,
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(io::ErrorKind),
    /// The peer read nothing for too long.
    #[error("the peer took no bytes for too long")]
    Stalled,
    /// Its owner closed it.
    #[error("closed by its owner")]
    Owner,
    /// Its owner dropped one of its channels, as when commands overflow.
    #[error("abandoned by its owner")]
    Abandoned,
    /// Its owner never drove it, as when the station is unknown.
    #[error("refused by its owner")]
    Refused,
    /// The station's certificate was revoked.
    #[error("the station's certificate was revoked")]
    Revoked,
    /// The station's certificate has run out.
    #[error("the station's certificate has run out")]
    Expired,
    /// The authority of the station's certificate is no longer trusted.
    #[error("the authority of the station's certificate is no longer trusted")]
    Untrusted,
}

impl CloseReason {
    /// A label for metrics, out of a closed set.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Session(session::CloseReason::Frame(_) | session::CloseReason::FoxFrame(_)) => "frame",
            Self::Session(session::CloseReason::Interleaved) => "interleaved",
            Self::Session(session::CloseReason::Unacknowledged { .. }) => "unacknowledged",
            Self::Session(session::CloseReason::Unanswered) => "unanswered",
            Self::Session(session::CloseReason::Silent) => "silent",
            Self::Session(session::CloseReason::Unfinished) => "unfinished",
            Self::Peer => "peer",
            Self::Alert(_) => "alert",
            Self::Tls => "tls",
            Self::Io(_) => "io",
            Self::Stalled => "stalled",
            Self::Owner => "owner",
            Self::Abandoned => "abandoned",
            Self::Refused => "refused",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Untrusted => "untrusted",
        }
    }

    pub(crate) fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::AlertReceived(alert)) => Self::Alert(*alert),
            Some(_) => Self::Tls,
            // Many peers close the connection without closing TLS first; nothing was cut that blocks would not show.
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Peer,
            None => Self::Io(error.kind()),
        }
    }
}

/// Drives a session of that configuration over a connection until either ends, and closes the connection.
///
/// Every event but [`Event::Closed`] goes through `wrap` to the owner; all are there before this returns, and none
/// comes after, so that an owner which sends itself word of the return needs no further order. The owner takes events
/// until then, or drops its receiver. Runs on any runtime that
/// has time; dropping the future closes the connection without a word.
pub async fn drive<S, E>(
    stream: S,
    config: Config,
    limits: Limits,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<E>,
    wrap: impl FnMut(Event) -> E,
) -> CloseReason
where
    S: AsyncRead + AsyncWrite,
{
    drive_until(stream, config, limits, commands, events, wrap, pending()).await
}

/// As [`drive`], and closes the link when `cut` says why.
pub(crate) async fn drive_until<S, E>(
    stream: S,
    config: Config,
    limits: Limits,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<E>,
    wrap: impl FnMut(Event) -> E,
    cut: impl Future<Output = CloseReason>,
) -> CloseReason
where
    S: AsyncRead + AsyncWrite,
{
    let (mut reader, writer) = tokio::io::split(stream);
    let start = Instant::now();
    let mut driver = Driver {
        session: Session::new(config, Tick::default()),
        limits,
        start,
        output: Output { writer, bytes: BytesMut::new(), flushed: true, stalled_since: None },
        events,
        wrap,
        waiting: None,
        paused: false,
        reading: true,
    };
    let why = driver.run(&mut reader, commands, cut).await;
    match why {
        CloseReason::Session(_) | CloseReason::Peer | CloseReason::Owner | CloseReason::Abandoned => {
            driver.session.transmit(driver.now(), &mut driver.output.bytes);
        }
        // Nothing more for a peer that can no longer be trusted, or reached.
        CloseReason::Revoked
        | CloseReason::Expired
        | CloseReason::Untrusted
        | CloseReason::Refused
        | CloseReason::Alert(_)
        | CloseReason::Tls
        | CloseReason::Io(_)
        | CloseReason::Stalled => driver.output.bytes.clear(),
    }
    // Whether the peer still takes it changes nothing any more.
    drop(timeout(driver.limits.closing, driver.output.close()).await);
    driver.hand_over_rest().await;
    why
}

/// Bytes asked for in one read: the most that one TLS record holds.
const READ_BYTES: usize = 16 * 1024;

/// Bytes asked for on a link that has been quiet: the usual message and little memory on thousands of idle links.
const READ_BYTES_QUIET: usize = 2 * 1024;

/// Readiness, pause, resume, close: an owner has few of them on the way at any time.
const OTHER_COMMANDS: usize = 16;

/// Commands taken before anything is written: their blocks leave in one write.
const COMMANDS_AT_ONCE: usize = 128;

/// An output buffer that grew beyond this is given back once it is empty.
const OUTPUT_BYTES_KEPT: usize = 8 * 1024;

struct Driver<S, E, W> {
    session: Session,
    limits: Limits,
    /// Tick 0.
    start: Instant,
    output: Output<S>,
    events: mpsc::Sender<E>,
    wrap: W,
    /// An event for which the owner's channel had no room.
    waiting: Option<E>,
    /// The owner said [`Command::Pause`].
    paused: bool,
    /// Whether bytes are being read, as the session was last told.
    reading: bool,
}

impl<S, E, W> Driver<S, E, W>
where
    S: AsyncRead + AsyncWrite,
    W: FnMut(Event) -> E,
{
    async fn run(
        &mut self,
        reader: &mut tokio::io::ReadHalf<S>,
        mut commands: mpsc::Receiver<Command>,
        cut: impl Future<Output = CloseReason>,
    ) -> CloseReason {
        let mut cut = pin!(cut);
        let mut timer = pin!(sleep_until(self.start));
        let mut batch = Vec::new();
        let mut input = BytesMut::new();
        let mut read_bytes = READ_BYTES_QUIET;
        loop {
            let now = self.now();
            self.session.transmit(now, &mut self.output.bytes);
            if let Some(why) = self.hand_over() {
                return why;
            }
            self.set_reading(now);
            let writing = self.output.is_waiting();
            let timed = self.arm(timer.as_mut());
            select! {
                biased;
                why = &mut cut => return why,
                count = commands.recv_many(&mut batch, COMMANDS_AT_ONCE) => {
                    if count == 0 {
                        return CloseReason::Abandoned;
                    }
                    for command in batch.drain(..) {
                        if let Some(why) = self.obey(command) {
                            return why;
                        }
                    }
                }
                taken = relieve(&self.events, &mut self.waiting), if self.waiting.is_some() => {
                    if taken.is_err() {
                        return CloseReason::Abandoned;
                    }
                }
                () = timer.as_mut(), if timed => {
                    if self.output.is_stalled(self.limits.write_stall) {
                        return CloseReason::Stalled;
                    }
                    self.session.handle_timeout(self.now());
                }
                written = self.output.advance(), if writing => {
                    if let Err(error) = written {
                        return CloseReason::of(&error);
                    }
                }
                read = read(reader, &mut input, read_bytes), if self.reading => match read {
                    Ok(0) => return CloseReason::Peer,
                    Ok(count) => {
                        // As many as were asked for: there are more where they came from.
                        read_bytes = if count == read_bytes { READ_BYTES } else { READ_BYTES_QUIET };
                        self.session.handle_bytes(self.now(), &mut input);
                    }
                    Err(error) => return CloseReason::of(&error),
                },
            }
        }
    }

    fn obey(&mut self, command: Command) -> Option<CloseReason> {
        match command {
            Command::Send(message) => self.session.send(message),
            Command::Accept(token) => self.session.accept(token),
            Command::Refuse(token, why) => self.session.refuse(token, why),
            Command::Readiness(readiness) => self.session.set_readiness(readiness),
            Command::Pause => self.paused = true,
            Command::Resume => self.paused = false,
            Command::Close => return Some(CloseReason::Owner),
        }
        None
    }

    /// Hands the owner as many events as its channel takes. Says so if that is the end of the link.
    fn hand_over(&mut self) -> Option<CloseReason> {
        while self.waiting.is_none() {
            let event = self.session.poll_event()?;
            if let Event::Closed { why } = event {
                return Some(CloseReason::Session(why));
            }
            match self.events.try_send((self.wrap)(event)) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(event)) => self.waiting = Some(event),
                Err(mpsc::error::TrySendError::Closed(_)) => return Some(CloseReason::Abandoned),
            }
        }
        None
    }

    /// At the end of the link: what the owner does not know yet, however long it takes to have room for it.
    async fn hand_over_rest(&mut self) {
        loop {
            let event = match self.waiting.take() {
                Some(event) => event,
                None => match self.session.poll_event() {
                    // Nobody can use that room any more.
                    Some(Event::Closed { .. } | Event::Room { .. }) => continue,
                    Some(event) => (self.wrap)(event),
                    None => return,
                },
            };
            if self.events.send(event).await.is_err() {
                return;
            }
        }
    }

    /// Decides whether to read, and tells the session, which must not take for silence what nobody listened to.
    fn set_reading(&mut self, now: Tick) {
        let (messages, bytes) = self.session.unaccepted();
        let reading = !self.paused
            && self.waiting.is_none()
            && messages <= self.limits.unaccepted_messages
            && bytes <= self.limits.unaccepted_bytes
            && self.output.bytes.len() <= self.limits.output_bytes;
        match (self.reading, reading) {
            (true, false) => self.session.pause_reading(now),
            (false, true) => self.session.resume_reading(now),
            (true, true) | (false, false) => {}
        }
        self.reading = reading;
    }

    /// Sets the timer to the nearest deadline. A timer that is set too early is left: it fires in vain now and then,
    /// which costs less than setting it anew with each write.
    ///
    /// Returns whether there is a deadline at all.
    fn arm(&self, timer: Pin<&mut Sleep>) -> bool {
        let session = self.session.poll_timeout().map(|tick| self.start + Duration::from_micros(tick.0));
        let stall = self.output.stalled_since.map(|since| since + self.limits.write_stall);
        let Some(due) = session.into_iter().chain(stall).min() else { return false };
        if due < timer.deadline() || timer.is_elapsed() {
            timer.reset(due);
        }
        true
    }

    fn now(&self) -> Tick {
        Tick::default().after(self.start.elapsed())
    }
}

/// Waits until the owner has room for the event that waits, and hands it over.
async fn relieve<E>(events: &mpsc::Sender<E>, waiting: &mut Option<E>) -> Result<(), mpsc::error::SendError<()>> {
    let permit = events.reserve().await?;
    if let Some(event) = waiting.take() {
        permit.send(event);
    }
    Ok(())
}

/// Appends at most `count` bytes to the input. Dropped before it is done, it has read nothing.
async fn read(reader: &mut (impl AsyncRead + Unpin), input: &mut BytesMut, count: usize) -> io::Result<usize> {
    input.reserve(count);
    reader.read_buf(&mut input.limit(count)).await
}

/// The writing half and what waits for it.
struct Output<S> {
    writer: tokio::io::WriteHalf<S>,
    bytes: BytesMut,
    /// Nothing lies in TLS's own buffers.
    flushed: bool,
    /// When there was last a byte written, while there are more to write.
    stalled_since: Option<Instant>,
}

impl<S: AsyncWrite> Output<S> {
    fn is_waiting(&mut self) -> bool {
        let waiting = !self.bytes.is_empty() || !self.flushed;
        if waiting {
            self.stalled_since.get_or_insert_with(Instant::now);
        }
        waiting
    }

    fn is_stalled(&self, limit: Duration) -> bool {
        self.stalled_since.is_some_and(|since| since.elapsed() >= limit)
    }

    /// One write, or the flush after the last. Dropped before it is done, it has done nothing.
    async fn advance(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            self.writer.flush().await?;
            self.flushed = true;
            if self.bytes.capacity() > OUTPUT_BYTES_KEPT {
                self.bytes = BytesMut::new();
            }
        } else {
            let count = self.writer.write(&self.bytes).await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.bytes.advance(count);
            self.flushed = false;
        }
        self.stalled_since = None;
        Ok(())
    }

    async fn close(&mut self) -> io::Result<()> {
        self.writer.write_all_buf(&mut self.bytes).await?;
        self.writer.flush().await?;
        self.writer.shutdown().await
    }
}
