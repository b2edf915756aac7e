//! A disk in memory under the real journal: it forgets what was not synced, tears, fails at reading and writing, fills, and can
//! be made to lie.
//!
//! A power cut keeps of each unsynced write any of its 512-byte sectors, and of the unsynced directory changes a random part;
//! a killed process loses nothing that was written. A sync that fails marks some of what it should have written as clean: it
//! is read back until the power goes, and no later sync writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::{Disk, DiskFile};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

const SECTOR: usize = 512;

/// What the disk does wrong, beside forgetting.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// Operations until every one fails, as if the power had gone.
    pub(crate) power: Option<u64>,
    /// Chances of one operation.
    pub(crate) write_fails: f64,
    pub(crate) sync_fails: f64,
    pub(crate) short: f64,
    pub(crate) read_fails: f64,
    /// No write finds room.
    pub(crate) full: bool,
    /// A negative control.
    pub(crate) lie: Option<Lie>,
}

impl Faults {
    /// What was wrong for a while is well again.
    pub(crate) fn heal(&mut self) {
        *self = Self { power: self.power, lie: self.lie, ..Self::default() };
    }
}

/// Somebody says that something is done, and it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// A sync of a file does nothing.
    Syncs,
    /// A sync that failed is tried again, and the second answer believed.
    SyncsAgain,
}

#[derive(Debug, Clone)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug, Clone)]
pub(crate) struct SimFile {
    disk: SimDisk,
    inode: usize,
}

#[derive(Debug)]
struct State {
    rng: Pcg64Mcg,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Directory changes since the last sync: a name, and the file that it now means.
    changes: Vec<(String, Option<usize>)>,
    inodes: Vec<Inode>,
    faults: Faults,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    data: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    /// The length changed since the last sync.
    grown: bool,
}

impl SimDisk {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            rng: Pcg64Mcg::seed_from_u64(seed),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
            inodes: Vec::new(),
            faults: Faults::default(),
        })))
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
    }

    /// The power goes, and comes back with another disk: files that are still open belong to the old one.
    pub(crate) fn power_cut(&self) -> Self {
        let mut state = self.state();
        let State { rng, durable_names, changes, inodes, faults, .. } = &mut *state;
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
        let live: BTreeSet<usize> = durable_names.values().copied().collect();
        let mut new = Vec::with_capacity(inodes.len());
        for (number, inode) in inodes.iter().enumerate() {
            if !live.contains(&number) {
                new.push(Inode::default());
                continue;
            }
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
        Self(Arc::new(Mutex::new(State {
            rng: Pcg64Mcg::seed_from_u64(rng.random()),
            names: durable_names.clone(),
            durable_names: durable_names.clone(),
            changes: Vec::new(),
            inodes: new,
            faults: Faults { lie: faults.lie, ..Faults::default() },
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if let Some(left) = &mut state.faults.power {
            *left = left.checked_sub(1).ok_or_else(|| io::Error::other("no power"))?;
        }
        Ok(state)
    }
}

impl State {
    fn chance(&mut self, of: f64) -> bool {
        of > 0.0 && self.rng.random_bool(of)
    }

    fn link(&mut self, name: &str, inode: Option<usize>) {
        match inode {
            Some(inode) => drop(self.names.insert(name.to_owned(), inode)),
            None => drop(self.names.remove(name)),
        }
        self.changes.push((name.to_owned(), inode));
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

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl Disk for SimDisk {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.begin()?.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.begin()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.link(name, Some(inode));
        Ok(SimFile { disk: self.clone(), inode })
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let inode = self.begin()?.find(name)?;
        Ok(SimFile { disk: self.clone(), inode })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.begin()?;
        let inode = state.find(from)?;
        state.link(to, Some(inode));
        state.link(from, None);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.begin()?;
        state.find(name)?;
        state.link(name, None);
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.begin()?;
        let chance = state.faults.sync_fails;
        if state.chance(chance) {
            return Err(failed());
        }
        state.durable_names = state.names.clone();
        state.changes.clear();
        Ok(())
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        Ok(self.begin()?.rng.random())
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.begin()?.inodes[self.inode].data.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.begin()?;
        let Faults { short, read_fails, .. } = state.faults;
        if state.chance(read_fails) {
            return Err(failed());
        }
        let cut = state.chance(short);
        let here = state.inodes[self.inode].data.get(place(offset)..).unwrap_or_default();
        let mut count = here.len().min(bytes.len());
        if cut && count > 1 {
            count /= 2;
        }
        bytes[..count].copy_from_slice(&here[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.begin()?;
        let Faults { write_fails, short, full, .. } = state.faults;
        if state.chance(write_fails) {
            return Err(failed());
        }
        if full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = if state.chance(short) { bytes.len().div_ceil(2) } else { bytes.len() };
        if count == 0 {
            return Ok(0);
        }
        let (inode, offset) = (&mut state.inodes[self.inode], place(offset));
        if inode.data.len() < offset + count {
            inode.data.resize(offset + count, 0);
            inode.grown = true;
        }
        inode.data[offset..offset + count].copy_from_slice(&bytes[..count]);
        inode.dirty.extend(offset / SECTOR..=(offset + count - 1) / SECTOR);
        Ok(count)
    }

    fn sync_data(&self) -> io::Result<()> {
        let result = self.sync_once();
        let again = self.disk.state().faults.lie == Some(Lie::SyncsAgain);
        if again { result.or_else(|_| self.sync_once()) } else { result }
    }
}

impl SimFile {
    fn sync_once(&self) -> io::Result<()> {
        let mut state = self.disk.begin()?;
        let Faults { sync_fails, lie, .. } = state.faults;
        if state.chance(sync_fails) {
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
        if lie == Some(Lie::Syncs) {
            return Ok(());
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
