//! `cargo xtask power-cuts`: the power fails at any moment, and nothing that was acknowledged is gone.
//!
//! A program keeps a journal on an ext4 whose device records every write. For each cut, a disk is made as the cut could have
//! left it: what was there before, every write up to the last flush, and of the later ones a random part, some torn into
//! sectors. The file system is repaired and mounted, and the program must find every record that it had acknowledged by then,
//! to the byte. The control is the same program with one sync in twenty a lie: of its cuts, some must lose.
//!
//! What this cannot see: a drive that says that it has flushed and has not.

mod block_log;
mod machine;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use tempfile::TempDir;

use self::block_log::{BlockLog, Durable};
use self::machine::{Mount, Recorded};
use crate::install::Installer;
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{output, process};

/// Cuts of the step of `cargo xtask test`, and with `--long`.
pub(crate) const CUTS: u32 = 200;
pub(crate) const CUTS_LONG: u32 = 1000;
/// Cuts of one writing of the journal: then another is written, with another seed.
const CUTS_A_ROUND: u32 = 100;
/// Cuts of the control.
const CONTROL_CUTS: u32 = 20;
/// Records of one writing: some sixty segments.
const RECORDS: u32 = 5000;
/// One sync in so many is a lie in the control.
const LIE_EVERY: u32 = 20;
const DISK_BYTES: u64 = 24 << 20;
const WRITTEN_WITHIN: Duration = Duration::from_mins(3);
/// Of so many cuts one may leave a file system that e2fsck cannot repair: that is no word about the journal, and another cut is
/// made instead.
const UNREPAIRABLE_IN: u32 = 20;

/// Cuts the power so many times; every cut is a check, and so is the control.
pub(crate) fn run(workspace: &Workspace, installer: &Installer, cuts: u32, seed: Option<u64>) -> Result<Tally> {
    let seed = seed.unwrap_or_else(fresh_seed);
    output::line(&format!("seed {seed} (--seed {seed} gives the same writings and cuts again, up to timing)"));
    let program = build(workspace)?;
    let rig = Rig::new(installer, program)?;
    let mut counts = Counts::default();
    for (round, first) in (0_u32..).zip((0..cuts).step_by(CUTS_A_ROUND as usize)) {
        let round_cuts = CUTS_A_ROUND.min(cuts - first);
        rig.round(seed.wrapping_add(u64::from(round)), round_cuts, Syncs::True, &mut counts)?;
    }
    output::line(&format!("{counts}"));
    let mut control = Counts::default();
    rig.round(seed, CONTROL_CUTS.min(cuts), Syncs::SomeLie, &mut control)?;
    output::line(&format!("control, one sync in {LIE_EVERY} a lie: {control}"));
    let mut tally = Tally { passed: counts.held, failed: counts.lost };
    tally += if control.lost > 0 { Tally::PASSED } else { Tally::FAILED };
    if control.lost == 0 {
        output::line("the control lost nothing: what this task says about the journal is worth nothing");
    }
    Ok(tally)
}

/// The same as a task of its own; the last line is the sum.
pub(crate) fn report(workspace: &Workspace, cuts: u32, seed: Option<u64>) -> Result<std::process::ExitCode> {
    let tally = run(workspace, &Installer::default(), cuts, seed)?;
    output::line(&tally.to_string());
    Ok(if tally.failed == 0 { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE })
}

/// Short enough to be typed again.
fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos())
}

/// The journal's program that is cut off.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let arguments = ["build", "--release", "--locked", "--package", "journal", "--example", "power-cut"];
    process::passes(&mut workspace.cargo(arguments))?;
    Ok(workspace.target.join("release/examples/power-cut"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syncs {
    True,
    SomeLie,
}

#[derive(Debug, Default)]
struct Counts {
    held: u64,
    lost: u64,
    unrepairable: u64,
    /// Acknowledged records that were asked for, over all cuts.
    records: u64,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} cuts held {} acknowledged records, {} cuts lost; {} more left a file system beyond repair",
            self.held, self.records, self.lost, self.unrepairable
        )
    }
}

/// Images and mounts in a folder in memory, if the machine has one.
struct Rig {
    folder: TempDir,
    program: PathBuf,
}

impl Rig {
    fn new(installer: &Installer, program: PathBuf) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("power-cuts-").tempdir_in(parent);
        let rig = Self { folder: folder.context("cannot make a folder for disks")?, program };
        for name in ["written", "cut"] {
            std::fs::create_dir(rig.path(name)).context("cannot make a folder to mount on")?;
        }
        machine::need(installer, rig.folder.path())?;
        Ok(rig)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One writing, and cuts of it.
    fn round(&self, seed: u64, cuts: u32, syncs: Syncs, counts: &mut Counts) -> Result<()> {
        let began = Instant::now();
        let (before, acks) = self.write(seed, syncs)?;
        let log = BlockLog::read(&self.path("writes.log"))?;
        let written = began.elapsed();
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let last = acks.last().map_or(0, |ack| ack.entries);
        ensure!(last > 0 && last <= log.len(), "the program says that {last} of {} writes were done", log.len());
        // Some before anything was acknowledged, while the journal is made.
        let mut places: Vec<usize> =
            (0..cuts + cuts.div_ceil(UNREPAIRABLE_IN)).map(|_| rng.random_range(1..=last)).collect();
        places.sort_unstable();
        let mut durable = Durable::before(&log, before);
        let mut done = 0;
        for place in places {
            if done == cuts {
                break;
            }
            // A cut's own numbers, whatever the ones before it drew.
            let mut rng = Pcg64Mcg::seed_from_u64(seed ^ (place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            std::fs::write(self.path("cut.img"), durable.cut(place, &mut rng)?).context("no room for a disk")?;
            let acknowledged = acks.iter().take_while(|ack| ack.entries <= place).last().map_or(0, |ack| ack.through);
            match self.check(seed, acknowledged)? {
                Found::Held => {
                    counts.held += 1;
                    counts.records += acknowledged;
                }
                Found::Lost(what) => {
                    counts.lost += 1;
                    if syncs == Syncs::True {
                        let kept = self.keep(seed, place)?;
                        output::line(&format!("seed {seed}, cut after write {place}: {what}; the disk is {kept}"));
                    }
                }
                Found::BeyondRepair => {
                    counts.unrepairable += 1;
                    continue;
                }
            }
            done += 1;
        }
        ensure!(done == cuts, "too many cuts left a file system beyond repair: {}", counts.unrepairable);
        output::line(&format!(
            "seed {seed}: {} writes and {} acks in {}, {cuts} cuts in {}",
            log.len(),
            acks.len(),
            output::time(written),
            output::time(began.elapsed() - written)
        ));
        Ok(())
    }

    /// Lets the program write on a fresh disk; returns the disk before that, and what was acknowledged when.
    fn write(&self, seed: u64, syncs: Syncs) -> Result<(Vec<u8>, Vec<Ack>)> {
        let (image, log) = (self.path("written.img"), self.path("writes.log"));
        machine::format(&image, DISK_BYTES)?;
        let before = std::fs::read(&image).context("cannot read an empty disk")?;
        let recorded = Recorded::new(&image, &log, self.folder.path())?;
        let mount = Mount::new(&recorded.disk, &self.path("written"))?;
        let mut command = Command::new(&self.program);
        command.arg("write").arg(self.path("written").join("journal")).arg("--log").arg(&log);
        command.args(["--seed", &seed.to_string(), "--records", &RECORDS.to_string()]);
        if syncs == Syncs::SomeLie {
            command.args(["--lie-every", &LIE_EVERY.to_string()]);
        }
        let mut acks = Vec::new();
        let mut strange = None;
        let status = process::stream(&mut command, None, WRITTEN_WITHIN, |line| match Ack::parse(line) {
            Some(ack) => acks.push(ack),
            None => strange = Some(line.to_owned()),
        })?;
        ensure!(status.success() && strange.is_none(), "the program ended with {status} and said {strange:?}");
        drop(mount);
        Ok((before, acks))
    }

    /// Starts after the cut.
    fn check(&self, seed: u64, acknowledged: u64) -> Result<Found> {
        let image = self.path("cut.img");
        if !machine::repair(&image)? {
            return Ok(Found::BeyondRepair);
        }
        let Ok(_mount) = Mount::new(&image, &self.path("cut")) else { return Ok(Found::BeyondRepair) };
        let mut command = Command::new(&self.program);
        command.arg("check").arg(self.path("cut").join("journal"));
        command.args(["--seed", &seed.to_string(), "--acknowledged", &acknowledged.to_string()]);
        Ok(match process::capture(&mut command) {
            Ok(said) if said.starts_with("HELD ") => Found::Held,
            Ok(said) => Found::Lost(said.trim().to_owned()),
            Err(error) => Found::Lost(format!("{error:#}")),
        })
    }

    /// Keeps a disk on which something was lost, as the program has left it.
    fn keep(&self, seed: u64, place: usize) -> Result<String> {
        let kept = std::env::temp_dir().join(format!("power-cut-{seed}-{place}.img"));
        match std::fs::copy(self.path("cut.img"), &kept) {
            Ok(_bytes) => Ok(kept.display().to_string()),
            Err(error) => bail!("cannot keep {}: {error}", kept.display()),
        }
    }
}

/// What a start after a cut finds.
#[derive(Debug)]
enum Found {
    Held,
    Lost(String),
    /// Torn metadata of ext4 itself: no word about the journal.
    BeyondRepair,
}

/// That all records through one are durable, and how many writes the device had seen by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ack {
    through: u64,
    entries: usize,
}

impl Ack {
    fn parse(line: &str) -> Option<Self> {
        let (through, entries) = line.split_once(' ')?;
        Some(Self { through: through.parse().ok()?, entries: entries.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acks_are_read() {
        assert_eq!(Ack::parse("17 204"), Some(Ack { through: 17, entries: 204 }));
        assert_eq!(Ack::parse("Stored 17"), None);
    }
}
