//! Who is here: connections whose handshake is not done, counted, and links that are up, each of which can be cut.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codec::name::StationName;
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use tokio::sync::oneshot;

use super::{HandshakeFailure, Limits, ListenerEvent, Peer, Shared};
use crate::certificate::Holder;
use crate::connection::CloseReason;
use crate::tls::Trust;

/// Counts the connections whose handshake is not done, in all and by address.
#[derive(Debug)]
pub(super) struct HalfOpen {
    total_max: usize,
    per_address_max: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl HalfOpen {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        let (total_max, per_address_max) = (limits.half_open, limits.half_open_per_address);
        Arc::new(Self { total_max, per_address_max, counts: Mutex::default() })
    }

    /// Takes a slot for a connection from that address.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Slot, HandshakeFailure> {
        let address = source(address);
        let mut counts = lock(&self.counts);
        if counts.total >= self.total_max {
            return Err(HandshakeFailure::HalfOpen);
        }
        let of_address = counts.by_address.get(&address).copied().unwrap_or(0);
        if of_address >= self.per_address_max && !address.is_loopback() {
            return Err(HandshakeFailure::HalfOpenOfAddress);
        }
        counts.by_address.insert(address, of_address + 1);
        counts.total += 1;
        Ok(Slot { half_open: Arc::clone(self), address })
    }
}

/// The place of one connection among those whose handshake is not done, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    half_open: Arc<HalfOpen>,
    address: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = lock(&self.half_open.counts);
        counts.total -= 1;
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// The links that are up.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<Links>);

#[derive(Debug, Default)]
struct Links {
    last_id: u64,
    by_id: HashMap<u64, Entry>,
    by_station: HashMap<StationName, usize>,
}

#[derive(Debug)]
struct Entry {
    holder: Holder,
    chain: Arc<[CertificateDer<'static>]>,
    cut: oneshot::Sender<CloseReason>,
}

impl Registry {
    /// Takes a place for a link. What it gives says why the link is to be cut, if it is.
    pub(super) fn enter(
        shared: &Arc<Shared>,
        peer: &Peer,
        holder: Holder,
        chain: Arc<[CertificateDer<'static>]>,
    ) -> Result<(Registration, oneshot::Receiver<CloseReason>), HandshakeFailure> {
        let mut links = lock(&shared.registry.0);
        if links.by_id.len() >= shared.limits.links {
            return Err(HandshakeFailure::Links);
        }
        let of_station = links.by_station.get(&peer.station).copied().unwrap_or(0);
        if of_station >= shared.limits.links_per_station {
            return Err(HandshakeFailure::LinksOfStation);
        }
        links.by_station.insert(peer.station, of_station + 1);
        links.last_id += 1;
        let id = links.last_id;
        let (cut, cut_here) = oneshot::channel();
        links.by_id.insert(id, Entry { holder, chain, cut });
        let registration = Registration {
            shared: Arc::clone(shared),
            id,
            peer: peer.clone(),
            stage: Stage::Handshake,
            why: CloseReason::Refused,
        };
        Ok((registration, cut_here))
    }

    /// Cuts the links that may no longer be: revoked, run out, and, if authorities were `removed`, without one.
    pub(super) fn sweep(&self, trust: &Trust, removed: bool, now: Timestamp) {
        let doomed = |entry: &Entry| {
            if trust.is_revoked(&entry.holder) {
                Some(CloseReason::Revoked)
            } else {
                (entry.holder.until < now).then_some(CloseReason::Expired)
            }
        };
        let links = lock(&self.0);
        let mut doomed: Vec<(u64, CloseReason)> =
            links.by_id.iter().filter_map(|(id, entry)| Some((*id, doomed(entry)?))).collect();
        let chains: Vec<_> = if removed {
            links.by_id.iter().map(|(id, entry)| (*id, Arc::clone(&entry.chain))).collect()
        } else {
            Vec::new()
        };
        // Signatures are not checked under the lock: that takes a while for thousands of links.
        drop(links);
        let untrusted = chains.into_iter().filter(|(_, chain)| trust.check(chain, now).is_err());
        doomed.extend(untrusted.map(|(id, _)| (id, CloseReason::Untrusted)));

        let mut links = lock(&self.0);
        for (id, why) in doomed {
            if let Some(entry) = links.remove(id) {
                // A link that has just ended does not hear it.
                _ = entry.cut.send(why);
            }
        }
    }
}

impl Links {
    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.by_id.remove(&id)?;
        if let Some(count) = self.by_station.get_mut(&entry.holder.station) {
            *count -= 1;
            if *count == 0 {
                self.by_station.remove(&entry.holder.station);
            }
        }
        Some(entry)
    }
}

/// The place of one link among those that are up, until it is dropped.
pub(super) struct Registration {
    pub(super) shared: Arc<Shared>,
    id: u64,
    peer: Peer,
    stage: Stage,
    /// What is told when it is dropped.
    pub(super) why: CloseReason,
}

/// Whether the link was told of: then its end is told too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Handshake,
    Up,
}

impl Registration {
    pub(super) fn up(mut self) -> Self {
        self.stage = Stage::Up;
        self
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        drop(lock(&self.shared.registry.0).remove(self.id));
        if self.stage == Stage::Up {
            (self.shared.observe)(ListenerEvent::Closed { peer: self.peer.clone(), why: self.why });
        }
    }
}

/// What counts as one address: an IPv6 host has a whole /64 to call from.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
    }
}

/// Nothing panics while it holds one of these locks; if something did, counting on is better than refusing all.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_is_one_source_whatever_address_of_its_own_it_takes() {
        let source_of = |text: &str| source(text.parse().unwrap());
        assert_eq!(source_of("::ffff:192.0.2.1"), source_of("192.0.2.1"));
        assert_eq!(source_of("2001:db8::1"), source_of("2001:db8::ffff:1"));
        assert_ne!(source_of("2001:db8::1"), source_of("2001:db8:0:1::1"));
        assert_eq!(source_of("2001:db8::1"), source("2001:db8::".parse().unwrap()));
        assert!(source_of("::1").is_loopback() && source_of("::ffff:127.0.0.1").is_loopback());
    }

    #[test]
    fn half_open_connections_are_bounded_in_all_and_for_each_address() {
        let limits = Limits { half_open: 3, half_open_per_address: 2, ..Limits::default() };
        let half_open = HalfOpen::new(&limits);
        let enter = |text: &str| half_open.enter(text.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let second = enter("192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").unwrap_err(), HandshakeFailure::HalfOpenOfAddress);
        let third = enter("192.0.2.2").unwrap();
        assert_eq!(enter("192.0.2.3").unwrap_err(), HandshakeFailure::HalfOpen);
        drop((first, second, third));
        let here: Vec<Slot> = (0..3).map(|_| enter("127.0.0.1").unwrap()).collect();
        assert_eq!(here.len(), 3);
        drop(here);
        assert!(lock(&half_open.counts).by_address.is_empty());
    }
}
