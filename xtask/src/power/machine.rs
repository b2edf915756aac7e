//! Loop devices, mounts and the daemon that records writes: each taken back when its value is dropped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::install::{self, Installer};
use crate::process::{self, Heard, Running};

/// How long the daemon may take to offer the disk.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long it may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

/// What e2fsck says with its exit code when the file system is good, perhaps after repairs.
const REPAIRED: [i32; 2] = [0, 1];

/// Sees to it that the programs are there and that the machine lets us mount.
pub(super) fn need(installer: &Installer, scratch: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("power cuts need loop devices and mounts, and so root: run this task as root, or leave it out");
    }
    for program in [install::QEMU_STORAGE, install::FUSE, install::MKFS, install::LOSETUP, install::MOUNT] {
        installer.need(program)?;
    }
    for device in ["/dev/fuse", "/dev/loop-control"] {
        if !Path::new(device).exists() {
            bail!(
                "power cuts need {device}, which this machine does not have: load the kernel's module, or leave this out"
            );
        }
    }
    let (image, folder) = (scratch.join("probe.img"), scratch.join("probe"));
    std::fs::create_dir_all(&folder).context("cannot make a folder")?;
    format(&image, 4 << 20)?;
    Mount::new(&image, &folder).context("this machine forbids mounts, without which the power cannot be cut here")?;
    Ok(())
}

/// Makes a file with an empty ext4 in it.
pub(super) fn format(image: &Path, bytes: u64) -> Result<()> {
    let file = std::fs::File::create(image).with_context(|| format!("cannot make {}", image.display()))?;
    file.set_len(bytes).with_context(|| format!("no room for {}", image.display()))?;
    // Nothing is put off until the mount, so that the log holds nothing but what the program does.
    let options = ["-q", "-F", "-b", "1024", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
    process::capture(Command::new("mkfs.ext4").args(options).arg(image))?;
    Ok(())
}

/// Repairs the file system as a start after a power cut would. False if it is beyond repair.
pub(super) fn repair(image: &Path) -> Result<bool> {
    let mut command = Command::new("e2fsck");
    command.args(["-f", "-y"]).arg(image).stdin(std::process::Stdio::null());
    let output = command.output().context("cannot start e2fsck")?;
    Ok(output.status.code().is_some_and(|code| REPAIRED.contains(&code)))
}

/// A disk of a file system in a file, mounted.
#[derive(Debug)]
pub(super) struct Mount {
    folder: PathBuf,
    device: PathBuf,
}

impl Mount {
    pub(super) fn new(image: &Path, folder: &Path) -> Result<Self> {
        let device = process::capture(Command::new("losetup").args(["--find", "--show"]).arg(image))?;
        // From here on the device is given back whatever happens.
        let mount = Self { folder: folder.to_owned(), device: device.trim().into() };
        process::capture(Command::new("mount").args(["-t", "ext4"]).arg(&mount.device).arg(folder))?;
        Ok(mount)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Where it was never mounted, the first complains.
        let _unmounted = process::capture(Command::new("umount").arg(&self.folder));
        let _detached = process::capture(Command::new("losetup").arg("--detach").arg(&self.device));
    }
}

/// A disk image offered as a file whose every write is recorded.
#[derive(Debug)]
pub(super) struct Recorded {
    /// What a loop device can stand on.
    pub(super) disk: PathBuf,
    daemon: Running,
}

impl Recorded {
    /// Records the writes to `image` in `log`.
    pub(super) fn new(image: &Path, log: &Path, scratch: &Path) -> Result<Self> {
        let (disk, pid) = (scratch.join("recorded.img"), scratch.join("daemon.pid"));
        for file in [&disk, log] {
            std::fs::File::create(file).with_context(|| format!("cannot make {}", file.display()))?;
        }
        // Of the daemon of an earlier round.
        let _none = std::fs::remove_file(&pid);
        let node = |name: &str, file: &Path| {
            // What this process wrote into memory is as good as on disk: it is not its power that is cut.
            format!("driver=file,node-name={name},filename={},cache.no-flush=on", file.display())
        };
        let mut command = Command::new("qemu-storage-daemon");
        command.args(["--blockdev", &node("disk", image), "--blockdev", &node("log", log)]);
        // The head, from which the program reads how many entries there are, is written with every entry.
        let writes = "driver=blklogwrites,node-name=recorded,file=disk,log=log,log-sector-size=512";
        command.args(["--blockdev", &format!("{writes},log-super-update-interval=1")]);
        let export = format!("type=fuse,id=offer,node-name=recorded,writable=on,mountpoint={}", disk.display());
        command.args(["--export", &export, "--pidfile"]).arg(&pid);
        let complaints = std::fs::File::create(scratch.join("daemon.log")).context("cannot make a log")?;
        let daemon = Running::start(&mut command, Some(&complaints))?;
        // From here on the offer is taken back whatever happens.
        let mut recorded = Self { disk, daemon };
        // It writes its process id once the export is there.
        let deadline = Instant::now() + READY_WITHIN;
        while !pid.exists() {
            if let Heard::Ended(status) = recorded.daemon.next(Instant::now() + Duration::from_millis(20))? {
                let said = std::fs::read_to_string(scratch.join("daemon.log")).unwrap_or_default();
                bail!("qemu-storage-daemon ended with {status}: {}", said.trim());
            }
            if Instant::now() > deadline {
                bail!("qemu-storage-daemon did not offer the disk within {} s", READY_WITHIN.as_secs());
            }
        }
        Ok(recorded)
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // Asked to, the daemon takes its offer back itself.
        let deadline = Instant::now() + ENDED_WITHIN;
        if self.daemon.interrupt().is_ok() {
            while let Ok(Heard::Line(_)) = self.daemon.next(deadline) {}
        }
        // If it could not, nobody must stumble over the mount; else this complains.
        let _unmounted = process::capture(Command::new("umount").arg("--lazy").arg(&self.disk));
    }
}
