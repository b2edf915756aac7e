//! A bad network: a proxy between the switch and whoever calls it, which holds bytes back, cuts them up, drips, falsifies, falls
//! silent, breaks off, or lets what was sent arrive when its sender has long called again.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

/// What becomes of a connection once some bytes have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Both ends get a reset.
    Reset,
    /// Nothing passes any more, neither way, until the outage is over; then a reset.
    Silent,
    /// One byte a second, each way, for as long; then a reset.
    Drip,
    /// A bit is another.
    Flipped,
    /// The caller is cut off at once. What it has sent arrives later, when it has called again.
    Late,
}

const FATES: [Fate; 5] = [Fate::Reset, Fate::Silent, Fate::Drip, Fate::Flipped, Fate::Late];
/// How long what comes late is kept.
const LATE: Duration = Duration::from_millis(300);
/// The most that a piece is held back while all is well.
const HELD_MICROS: u64 = 2_000;

/// The network to one address. Ends with everything on it when it is dropped.
pub(crate) struct Chaos {
    /// Where to call instead.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    to: SocketAddr,
    outage: Duration,
    state: Mutex<State>,
    changed: Condvar,
    /// How many connections met which fate.
    met: [AtomicUsize; FATES.len()],
}

struct State {
    random: Pcg64,
    /// From now on a network as it should be.
    healed: bool,
    ended: bool,
    open: Vec<TcpStream>,
}

/// One connection through it.
struct Connection {
    fate: Fate,
    /// How many bytes, both ways together, pass before that.
    after: usize,
    passed: AtomicUsize,
}

impl Chaos {
    pub(crate) fn new(to: SocketAddr, seed: u64, outage: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let state = State { random: Pcg64::seed_from_u64(seed), healed: false, ended: false, open: Vec::new() };
        let met = [const { AtomicUsize::new(0) }; FATES.len()];
        let shared = Arc::new(Shared { to, outage, state: Mutex::new(state), changed: Condvar::new(), met });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for caller in listener.incoming() {
                if accepting.state().ended {
                    return;
                }
                if let Ok(caller) = caller {
                    // A switch that is not there is one more thing that can be wrong with a network.
                    drop(carry(&accepting, caller));
                }
            }
        });
        Self { address, shared }
    }

    /// Breaks everything off, and is a good network for whoever calls again.
    pub(crate) fn heal(&self) {
        self.shared.end(|state| state.healed = true);
    }

    /// How many connections met with which fate.
    pub(crate) fn met(&self) -> Vec<(Fate, usize)> {
        FATES.into_iter().zip(self.shared.met.iter().map(|met| met.load(Ordering::Relaxed))).collect()
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.shared.end(|state| state.ended = true);
        // It listens once more, and sees that this was the last.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        for socket in state.open.drain(..) {
            reset(&socket);
        }
        self.changed.notify_all();
    }

    /// Waits that long, or until the network is healed or gone.
    fn hold(&self, long: Duration) {
        let (deadline, mut state) = (Instant::now() + long, self.state());
        while !state.healed && !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn chance(&self, below: u64) -> u64 {
        self.state().random.random_range(0..below)
    }
}

/// Both ways of a connection, each in a thread.
fn carry(shared: &Arc<Shared>, caller: TcpStream) -> io::Result<()> {
    let server = TcpStream::connect(shared.to)?;
    let mut state = shared.state();
    // No handshake is possible in less than two KiB, and many need not be.
    let (fate, after) = match state.healed {
        true => (Fate::Reset, usize::MAX),
        false => (FATES[state.random.random_range(0..FATES.len())], state.random.random_range(2_000..40_000)),
    };
    for socket in [&caller, &server] {
        socket.set_nodelay(true)?;
        state.open.push(socket.try_clone()?);
    }
    // Those that are gone need not be ended.
    state.open.retain(|socket| socket.peer_addr().is_ok());
    drop(state);
    let connection = Arc::new(Connection { fate, after, passed: AtomicUsize::new(0) });
    for (from, to, upwards) in
        [(caller.try_clone()?, server.try_clone()?, true), (server.try_clone()?, caller.try_clone()?, false)]
    {
        let (shared, connection) = (Arc::clone(shared), Arc::clone(&connection));
        thread::spawn(move || drop(pass(&shared, &connection, from, to, upwards)));
    }
    Ok(())
}

/// One way of a connection until either end is gone.
fn pass(
    shared: &Shared,
    connection: &Connection,
    mut from: TcpStream,
    mut to: TcpStream,
    upwards: bool,
) -> io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        let count = match from.read(&mut bytes) {
            Ok(0) => return to.shutdown(Shutdown::Write),
            Ok(count) => count,
            Err(error) => {
                reset(&to);
                return Err(error);
            }
        };
        let before = connection.passed.fetch_add(count, Ordering::Relaxed);
        if connection.after == usize::MAX {
            to.write_all(&bytes[..count])?;
            continue;
        }
        if before + count < connection.after {
            shared.hold(Duration::from_micros(shared.chance(HELD_MICROS)));
            let cut = usize::try_from(shared.chance(count as u64)).unwrap_or_default();
            to.write_all(&bytes[..cut])?;
            to.write_all(&bytes[cut..count])?;
            continue;
        }
        if before < connection.after {
            let place = FATES.iter().position(|fate| *fate == connection.fate).unwrap_or_default();
            shared.met[place].fetch_add(1, Ordering::Relaxed);
        }
        match connection.fate {
            Fate::Reset => {}
            Fate::Silent => shared.hold(shared.outage),
            Fate::Drip => {
                let until = Instant::now() + shared.outage;
                for byte in &bytes[..count] {
                    if Instant::now() >= until {
                        break;
                    }
                    shared.hold(Duration::from_secs(1));
                    to.write_all(&[*byte])?;
                }
            }
            Fate::Flipped => {
                bytes[count / 2] ^= 0x20;
                to.write_all(&bytes[..count])?;
                // Whoever notices ends it.
                continue;
            }
            Fate::Late if upwards => {
                // As much as is there by now was sent before the caller knew.
                let mut sent = bytes[..count].to_vec();
                from.set_nonblocking(true)?;
                while let Ok(more @ 1..) = from.read(&mut bytes) {
                    sent.extend_from_slice(&bytes[..more]);
                }
                reset(&from);
                shared.hold(LATE);
                to.write_all(&sent)?;
                return to.shutdown(Shutdown::Write);
            }
            Fate::Late => {
                // What the switch still says to the one that is gone.
                continue;
            }
        }
        reset(&from);
        reset(&to);
        return Ok(());
    }
}

/// Ends it as a reset does, whatever else has it open.
fn reset(socket: &TcpStream) {
    // It may be ended already.
    if rustix::net::connect_unspec(socket).is_err() {
        drop(socket.shutdown(Shutdown::Both));
    }
}
