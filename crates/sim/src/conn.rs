//! One link: a session at either end, and between them bytes that take their time, arrive in pieces, stall and get lost.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use codec::time::Tick;
use rand::RngExt as _;
use rand_pcg::Pcg64;
use session::Session;

/// The switch's end of a link.
pub(crate) const SWITCH: usize = 0;
/// The station's.
pub(crate) const STATION: usize = 1;

/// Bytes that are under way in one direction before the sender has to wait, as a socket's buffers have it.
const PIPE_BYTES: usize = 32 << 10;
/// As `link` has them.
const UNACCEPTED_MESSAGES: usize = 256;
const UNACCEPTED_BYTES: usize = 1 << 20;
const OUTPUT_BYTES: usize = 256 << 10;
const WRITE_STALL: Duration = Duration::from_secs(30);

/// A link, from its first byte to its last.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) station: usize,
    pub(crate) sides: [Side; 2],
    /// What each side has written and the other not read.
    pipes: [Pipe; 2],
    latency_us: u64,
    piece_bytes: usize,
    /// Nothing arrives before.
    pub(crate) stalled_until: Tick,
    /// Nothing arrives ever again, and nobody is told.
    pub(crate) half_open: bool,
    /// So many more bytes arrive from that side, then the link is gone.
    pub(crate) cut_after: Option<(usize, usize)>,
}

/// One end.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) session: Session,
    input: BytesMut,
    output: BytesMut,
    /// Its owner said that nothing is to be read.
    pub(crate) paused: bool,
    reading: bool,
    stalled_since: Option<Tick>,
    pub(crate) open: bool,
}

#[derive(Debug, Default)]
struct Pipe {
    pieces: VecDeque<(Tick, Bytes)>,
    bytes: usize,
    last: Tick,
    /// The writer is gone: after this the reader knows.
    ends_at: Option<Tick>,
}

/// Why an end of a link is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    Session(session::CloseReason),
    Peer,
    Stalled,
    Owner,
}

impl Side {
    fn new(session: Session) -> Self {
        Self {
            session,
            input: BytesMut::new(),
            output: BytesMut::new(),
            paused: false,
            reading: true,
            stalled_since: None,
            open: true,
        }
    }
}

impl Conn {
    pub(crate) fn new(station: usize, sessions: [Session; 2], rng: &mut Pcg64) -> Self {
        let [switch, client] = sessions;
        Self {
            station,
            sides: [Side::new(switch), Side::new(client)],
            pipes: [Pipe::default(), Pipe::default()],
            latency_us: [50, 500, 5_000, 40_000, 300_000][rng.random_range(0..5)],
            piece_bytes: [7, 100, 1_448, 1_448, 16_384][rng.random_range(0..5)],
            stalled_until: Tick(0),
            half_open: false,
            cut_after: None,
        }
    }

    /// When something happens on the link by itself.
    pub(crate) fn next(&self) -> Option<Tick> {
        let mut next: Option<Tick> = None;
        let mut at = |tick: Tick| next = Some(next.map_or(tick, |next| next.min(tick)));
        for side in 0..2 {
            let Side { session, reading, stalled_since, open, .. } = &self.sides[side];
            if !open {
                continue;
            }
            session.poll_timeout().into_iter().for_each(&mut at);
            stalled_since.map(|since| since.after(WRITE_STALL)).into_iter().for_each(&mut at);
            let pipe = &self.pipes[1 - side];
            if *reading && !self.half_open {
                let arrival = pipe.pieces.front().map(|(tick, _)| *tick).or(pipe.ends_at);
                arrival.map(|tick| tick.max(self.stalled_until)).into_iter().for_each(&mut at);
            }
        }
        next
    }

    /// What is due on one side happens. Says why that side is gone, if it is.
    pub(crate) fn happen(&mut self, now: Tick, side: usize) -> Option<Gone> {
        if !self.sides[side].open {
            return None;
        }
        if self.sides[side].stalled_since.is_some_and(|since| since.after(WRITE_STALL) <= now) {
            return Some(Gone::Stalled);
        }
        if self.sides[side].session.poll_timeout().is_some_and(|due| due <= now) {
            self.sides[side].session.handle_timeout(now);
        }
        if self.half_open || self.stalled_until > now {
            return None;
        }
        while self.sides[side].reading {
            let pipe = &mut self.pipes[1 - side];
            let Some((_, mut piece)) = pipe.pieces.pop_front_if(|(at, _)| *at <= now) else {
                let ended = pipe.pieces.is_empty() && pipe.ends_at.is_some_and(|at| at <= now);
                return ended.then_some(Gone::Peer);
            };
            pipe.bytes -= piece.len();
            let mut cut = false;
            if let Some((from, left)) = &mut self.cut_after
                && *from != side
            {
                cut = *left <= piece.len();
                piece.truncate(*left);
                *left -= piece.len();
            }
            let Side { session, input, .. } = &mut self.sides[side];
            input.extend_from_slice(&piece);
            session.handle_bytes(now, input);
            if cut {
                self.lose(now);
                return None;
            }
            self.look(now, side);
        }
        None
    }

    /// The link breaks: what is under way is lost, and both ends hear of it.
    pub(crate) fn lose(&mut self, now: Tick) {
        for pipe in &mut self.pipes {
            pipe.pieces.clear();
            pipe.bytes = 0;
            pipe.ends_at = Some(now);
        }
        // Whoever does not read has to hear of it too.
        self.sides.iter_mut().for_each(|side| side.reading = true);
        self.half_open = false;
        self.stalled_until = now;
    }

    /// Bytes that no session wrote arrive at the switch.
    pub(crate) fn inject(&mut self, now: Tick, bytes: Bytes) {
        self.pipes[STATION].bytes += bytes.len();
        let at = self.pipes[STATION].last.max(now);
        self.pipes[STATION].pieces.push_back((at, bytes));
    }

    /// Decides whether a side reads, and tells its session.
    pub(crate) fn look(&mut self, now: Tick, side: usize) {
        let Side { session, paused, reading, output, .. } = &mut self.sides[side];
        let (messages, bytes) = session.unaccepted();
        let reads =
            !*paused && messages <= UNACCEPTED_MESSAGES && bytes <= UNACCEPTED_BYTES && output.len() <= OUTPUT_BYTES;
        match (*reading, reads) {
            (true, false) => session.pause_reading(now),
            (false, true) => session.resume_reading(now),
            (true, true) | (false, false) => {}
        }
        *reading = reads;
    }

    /// Writes out what a side has to say, as far as the other reads.
    pub(crate) fn write(&mut self, now: Tick, side: usize, rng: &mut Pcg64, trace: &mut impl FnMut(&[u8])) {
        let Side { session, output, stalled_since, .. } = &mut self.sides[side];
        let pipe = &mut self.pipes[side];
        loop {
            session.transmit(now, output);
            if output.is_empty() {
                break;
            }
            let mut wrote = false;
            while !output.is_empty() && pipe.bytes < PIPE_BYTES {
                let piece = output.split_to(output.len().min(self.piece_bytes)).freeze();
                trace(&piece);
                wrote = true;
                // After a loss nothing more arrives: no connection leaves out a part of what it carries.
                if self.half_open || pipe.ends_at.is_some() {
                    continue;
                }
                let late = if rng.random_bool(0.2) { rng.random_range(0..=self.latency_us) } else { 0 };
                let at = Tick(now.0 + self.latency_us + late).max(pipe.last);
                pipe.last = at;
                pipe.bytes += piece.len();
                pipe.pieces.push_back((at, piece));
            }
            *stalled_since = if output.is_empty() || wrote { None } else { Some(stalled_since.unwrap_or(now)) };
            if !output.is_empty() {
                stalled_since.get_or_insert(now);
                break;
            }
        }
    }

    /// One side is gone: the other hears of it behind all that was written before.
    pub(crate) fn close(&mut self, now: Tick, side: usize) {
        self.sides[side].open = false;
        self.sides[side].stalled_since = None;
        let pipe = &mut self.pipes[side];
        let last = pipe.last.max(Tick(now.0 + self.latency_us));
        pipe.ends_at.get_or_insert(last);
        let unread = &mut self.pipes[1 - side];
        unread.pieces.clear();
        unread.bytes = 0;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.sides.iter().all(|side| !side.open)
    }

    /// Bytes that a side keeps for its peer, for the bounds.
    pub(crate) fn held(&self, side: usize) -> (usize, usize) {
        let Side { session, input, output, .. } = &self.sides[side];
        (session.partial_bytes() + input.len(), output.len())
    }
}
