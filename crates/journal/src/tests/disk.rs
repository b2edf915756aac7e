//! A disk in memory that forgets what was not synced, tears, fails, fills, is slow in a time of its own, and can be made to lie.
//!
//! A power cut keeps of each unsynced write any of its 512-byte sectors, and of each unsynced directory change any. A sync
//! that fails leaves some of what it should have written marked as clean: it is read back until the power goes, and no
//! later sync writes it. Time is counted, not waited for: each operation adds its own, and the power may go in the middle of one.
//! Everything random comes from one seed.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::disk::{Disk, DiskFile};
use crate::sync::{Condvar, Mutex, MutexGuard};

const SECTOR: usize = 512;

#[derive(Clone)]
pub(super) struct SimDisk {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Clone)]
pub(super) struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl std::fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimDisk")
    }
}

impl std::fmt::Debug for SimFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimFile({})", self.inode)
    }
}

/// What the disk does wrong, beside forgetting.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    /// Operations until every one fails, as if the power had gone.
    pub(super) power: Option<u64>,
    /// Chances of one operation.
    pub(super) read_fails: f64,
    pub(super) write_fails: f64,
    pub(super) write_finds_full: f64,
    pub(super) sync_fails: f64,
    pub(super) short: f64,
    /// Bytes that all files together may have.
    pub(super) capacity: Option<u64>,
    /// Each operation takes up to so many microseconds, and with that chance [`STALL_US`] longer.
    pub(super) latency_us: u64,
    pub(super) stalls: f64,
    /// Microseconds until the power goes, be it in the middle of an operation.
    pub(super) power_us: Option<u64>,
    /// Negative control: what the disk, or whoever hears it, makes of a fault.
    pub(super) lie: Option<Lie>,
    /// Syncs wait until they are let go on.
    pub(super) hold_syncs: bool,
}

/// A protection taken out: somebody says that something is done, and it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    /// A sync of a file, or of files whose names begin so, does nothing.
    Syncs(&'static str),
    DirectorySyncs,
    /// A sync returns at once, and the disk does its work in the time that it takes.
    EarlySyncs,
    /// A sync that failed is tried again, and the second answer believed.
    SyncsAgain,
    /// A write that was cut short, or found no room for the rest, is taken for whole.
    ShortWrites,
    /// A write that failed is taken for done.
    FailedWrites,
    /// A read that failed gives zeros.
    FailedReads,
}

/// What a stall adds to an operation.
const STALL_US: u64 = 200_000;

struct State {
    rng: Pcg64Mcg,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Directory changes since the last sync: a name, and the file that it now means.
    changes: Vec<(String, Option<usize>)>,
    inodes: Vec<Inode>,
    faults: Faults,
    syncs: u64,
    syncs_waiting: u64,
    clock_us: u64,
    /// Syncs in the middle of which the power went.
    syncs_cut: u64,
    /// Syncs that have returned and are not done: when they will be, of which file, which sectors.
    late: Vec<(u64, usize, BTreeSet<usize>)>,
    trace: DefaultHasher,
}

#[derive(Default, Clone)]
struct Inode {
    data: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    /// The length changed since the last sync.
    grown: bool,
}

impl SimDisk {
    pub(super) fn new(seed: u64) -> Self {
        let state = State {
            rng: Pcg64Mcg::seed_from_u64(seed),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
            inodes: Vec::new(),
            faults: Faults::default(),
            syncs: 0,
            syncs_waiting: 0,
            clock_us: 0,
            syncs_cut: 0,
            late: Vec::new(),
            trace: DefaultHasher::new(),
        };
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())) }
    }

    /// A disk with these files, all durable.
    pub(super) fn from_files(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let disk = Self::new(0);
        let mut state = disk.state();
        for (inode, (name, data)) in files.iter().enumerate() {
            state.names.insert(name.clone(), inode);
            state.inodes.push(Inode { data: data.clone(), durable: data.clone(), ..Inode::default() });
        }
        state.durable_names = state.names.clone();
        drop(state);
        disk
    }

    /// The same disk, about to do other random things.
    pub(super) fn reseeded(self, seed: u64) -> Self {
        self.state().rng = Pcg64Mcg::seed_from_u64(seed);
        self
    }

    /// What the files would hold after a power cut that kept nothing but what was synced.
    #[cfg(feature = "schedules")]
    pub(super) fn durable_files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        state.durable_names.iter().map(|(name, inode)| (name.clone(), state.inodes[*inode].durable.clone())).collect()
    }

    /// What the files hold now.
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        state.names.iter().map(|(name, inode)| (name.clone(), state.inodes[*inode].data.clone())).collect()
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
        self.shared.1.notify_all();
    }

    /// Waits until so many syncs are held.
    pub(super) fn wait_for_held_syncs(&self, count: u64) {
        let state = self.state();
        drop(self.shared.1.wait_while(state, |state| state.syncs_waiting < count).unwrap());
    }

    /// How many syncs, of files and of the directory, were asked for.
    pub(super) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// How much time all operations have taken, in microseconds, and how many syncs the power has gone in the middle of.
    pub(super) fn time(&self) -> (u64, u64) {
        let state = self.state();
        (state.clock_us, state.syncs_cut)
    }

    /// Changes whenever anything was done differently.
    pub(super) fn trace(&self) -> u64 {
        self.state().trace.finish()
    }

    /// The power goes, and comes back with another disk: files that are still open belong to the old one.
    pub(super) fn power_cut(&self) -> Self {
        let mut state = self.state();
        let State { rng, names, durable_names, changes, inodes, trace, clock_us, syncs_cut, .. } = &mut *state;
        // All, nothing and anything between are different tests.
        let kept = [0.0, 0.2, 0.5, 0.9, 1.0][rng.random_range(0..5)];
        for (name, inode) in changes.drain(..) {
            if rng.random_bool(kept) {
                match inode {
                    Some(inode) => drop(durable_names.insert(name, inode)),
                    None => drop(durable_names.remove(&name)),
                }
            }
        }
        let mut new = Vec::new();
        for inode in inodes.iter() {
            let mut durable = inode.durable.clone();
            if inode.grown && rng.random_bool(kept) {
                durable.resize(inode.data.len(), 0);
            }
            for sector in &inode.dirty {
                if rng.random_bool(kept) {
                    copy_sector(&inode.data, &mut durable, *sector);
                }
            }
            new.push(Inode { data: durable.clone(), durable, ..Inode::default() });
        }
        *names = durable_names.clone();
        trace.write_u64(0xC07);
        let state = State {
            rng: Pcg64Mcg::seed_from_u64(rng.random()),
            names: names.clone(),
            durable_names: names.clone(),
            changes: Vec::new(),
            inodes: new,
            faults: Faults::default(),
            syncs: 0,
            syncs_waiting: 0,
            clock_us: *clock_us,
            syncs_cut: *syncs_cut,
            late: Vec::new(),
            trace: trace.clone(),
        };
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    fn begin(&self, operation: &str, what: &impl Hash) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        operation.hash(&mut state.trace);
        what.hash(&mut state.trace);
        if let Some(left) = &mut state.faults.power {
            *left = left.checked_sub(1).ok_or_else(no_power)?;
        }
        if state.faults.power_us == Some(0) {
            return Err(no_power());
        }
        Ok(state)
    }
}

fn no_power() -> io::Error {
    io::Error::other("no power")
}

impl State {
    fn chance(&mut self, of: f64) -> bool {
        of > 0.0 && self.rng.random_bool(of)
    }

    /// How long an operation takes.
    fn duration(&mut self) -> u64 {
        let (latency, stalls) = (self.faults.latency_us, self.faults.stalls);
        let stall = if self.chance(stalls) { STALL_US } else { 0 };
        if latency == 0 { stall } else { stall + self.rng.random_range(0..=latency) }
    }

    /// Lets so much time pass. Says whether the power went meanwhile.
    fn pass(&mut self, us: u64) -> bool {
        let left = self.faults.power_us.map(|left| left.saturating_sub(us));
        self.clock_us += us;
        self.clock_us.hash(&mut self.trace);
        let went = left == Some(0) && self.faults.power_us != Some(0);
        self.faults.power_us = left;
        if went {
            // What was late and still is will never be.
            self.late.clear();
        }
        let now = self.clock_us;
        for (_, inode, sectors) in self.late.extract_if(.., |(due, ..)| *due <= now) {
            let Inode { data, durable, dirty, grown } = &mut self.inodes[inode];
            durable.resize(data.len(), 0);
            for sector in sectors {
                copy_sector(data, durable, sector);
                dirty.remove(&sector);
            }
            *grown = false;
        }
        went
    }

    fn used(&self) -> u64 {
        self.names.values().map(|inode| self.inodes[*inode].data.len() as u64).sum()
    }

    fn link(&mut self, name: &str, inode: Option<usize>) {
        match inode {
            Some(inode) => drop(self.names.insert(name.to_owned(), inode)),
            None => drop(self.names.remove(name)),
        }
        self.changes.push((name.to_owned(), inode));
    }

    fn has_name(&self, inode: usize, prefix: &str) -> bool {
        self.names.iter().any(|(name, of)| *of == inode && name.starts_with(prefix))
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn copy_sector(from: &[u8], to: &mut Vec<u8>, sector: usize) {
    let start = sector * SECTOR;
    let end = from.len().min(start + SECTOR);
    if to.len() < end {
        to.resize(end, 0);
    }
    to[start..end].copy_from_slice(&from[start..end]);
}

fn failed() -> io::Error {
    io::Error::other("input/output error")
}

impl Disk for SimDisk {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.begin("list", &0)?.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.begin("create", &name)?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.link(name, Some(inode));
        Ok(SimFile { disk: self.clone(), inode })
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let inode = self.begin("open", &name)?.find(name)?;
        Ok(SimFile { disk: self.clone(), inode })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.begin("rename", &(from, to))?;
        let inode = state.find(from)?;
        state.link(to, Some(inode));
        state.link(from, None);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.begin("remove", &name)?;
        state.find(name)?;
        state.link(name, None);
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.begin("sync directory", &0)?;
        state.syncs += 1;
        let chance = state.faults.sync_fails;
        let us = state.duration();
        if state.pass(us) {
            return Err(no_power());
        }
        if state.chance(chance) {
            return Err(failed());
        }
        if state.faults.lie != Some(Lie::DirectorySyncs) {
            state.durable_names = state.names.clone();
            state.changes.clear();
        }
        Ok(())
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        Ok(self.begin("random", &0)?.rng.random())
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.begin("len", &self.inode)?.inodes[self.inode].data.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.begin("read", &(self.inode, offset, bytes.len()))?;
        let (fails, short) = (state.faults.read_fails, state.faults.short);
        let us = state.duration();
        if state.pass(us) {
            return Err(no_power());
        }
        if state.chance(fails) {
            return match state.faults.lie {
                Some(Lie::FailedReads) => {
                    bytes.fill(0);
                    Ok(bytes.len())
                }
                _ => Err(failed()),
            };
        }
        let cut = state.chance(short);
        let data = &state.inodes[self.inode].data;
        let here = data.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let mut count = here.len().min(bytes.len());
        if cut && count > 1 {
            count /= 2;
        }
        bytes[..count].copy_from_slice(&here[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.begin("write", &(self.inode, offset, bytes))?;
        let Faults { write_fails, write_finds_full, short, capacity, lie, .. } = state.faults;
        let mut count = bytes.len();
        let us = state.duration();
        if state.pass(us) {
            return Err(no_power());
        }
        if state.chance(write_fails) {
            return if lie == Some(Lie::FailedWrites) { Ok(count) } else { Err(failed()) };
        }
        if state.chance(short) || state.chance(write_finds_full) {
            count = count.div_ceil(2);
        }
        let offset = usize::try_from(offset).unwrap();
        let length = state.inodes[self.inode].data.len();
        if let Some(capacity) = capacity {
            let free = usize::try_from(capacity.saturating_sub(state.used())).unwrap();
            count = count.min((length + free).saturating_sub(offset));
        }
        if count == 0 || (count == 1 && state.chance(write_finds_full)) {
            return if lie == Some(Lie::ShortWrites) {
                Ok(bytes.len())
            } else {
                Err(io::ErrorKind::StorageFull.into())
            };
        }
        let inode = &mut state.inodes[self.inode];
        if length < offset + count {
            inode.data.resize(offset + count, 0);
            inode.grown = true;
        }
        inode.data[offset..offset + count].copy_from_slice(&bytes[..count]);
        inode.dirty.extend(offset / SECTOR..=(offset + count - 1) / SECTOR);
        Ok(if lie == Some(Lie::ShortWrites) { bytes.len() } else { count })
    }

    fn sync_data(&self) -> io::Result<()> {
        let result = self.sync_once();
        let again = self.disk.state().faults.lie == Some(Lie::SyncsAgain);
        if again { result.or_else(|_| self.sync_once()) } else { result }
    }
}

impl SimFile {
    fn sync_once(&self) -> io::Result<()> {
        let mut state = self.disk.begin("sync", &self.inode)?;
        state.syncs += 1;
        if state.faults.hold_syncs {
            state.syncs_waiting += 1;
            self.disk.shared.1.notify_all();
            state = self.disk.shared.1.wait_while(state, |state| state.faults.hold_syncs).unwrap();
            state.syncs_waiting -= 1;
        }
        let (chance, lie) = (state.faults.sync_fails, state.faults.lie);
        let us = state.duration();
        if lie == Some(Lie::EarlySyncs) && us > 0 {
            let (due, sectors) = (state.clock_us + us, state.inodes[self.inode].dirty.clone());
            state.late.push((due, self.inode, sectors));
            return Ok(());
        }
        let power_went = state.pass(us);
        if power_went || state.chance(chance) {
            state.syncs_cut += u64::from(power_went);
            // Some sectors reach the disk, others are forgotten while the system goes on showing them.
            let State { rng, inodes, .. } = &mut *state;
            let Inode { data, durable, dirty, .. } = &mut inodes[self.inode];
            for sector in std::mem::take(dirty) {
                match rng.random_range(0..3) {
                    0 => copy_sector(data, durable, sector),
                    1 => drop(dirty.insert(sector)),
                    _ => {}
                }
            }
            return Err(failed());
        }
        match lie {
            Some(Lie::Syncs(of)) if state.has_name(self.inode, of) => return Ok(()),
            _ => {}
        }
        let Inode { data, durable, dirty, grown } = &mut state.inodes[self.inode];
        durable.resize(data.len(), 0);
        for sector in std::mem::take(dirty) {
            copy_sector(data, durable, sector);
        }
        *grown = false;
        Ok(())
    }
}
