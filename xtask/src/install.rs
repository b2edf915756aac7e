//! Programs that the checks need and cargo does not bring: installed where they are missing and can be.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{output, process};

/// A program and what brings it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    name: &'static str,
    /// Debian's package; also its name in most other systems.
    package: &'static str,
}

pub(crate) const PYTHON: Program = Program { name: "python3", package: "python3" };
pub(crate) const OPENSSL: Program = Program { name: "openssl", package: "openssl" };
pub(crate) const STRACE: Program = Program { name: "strace", package: "strace" };
/// Whether XML is well formed, by somebody else's reading.
pub(crate) const XMLLINT: Program = Program { name: "xmllint", package: "libxml2-utils" };
/// libFuzzer is C++.
pub(crate) const COMPILER: Program = Program { name: "g++", package: "g++" };
pub(crate) const VALGRIND: Program = Program { name: "valgrind", package: "valgrind" };
pub(crate) const FIU: Program = Program { name: "fiu-run", package: "fiu-utils" };
pub(crate) const QEMU_STORAGE: Program = Program { name: "qemu-storage-daemon", package: "qemu-utils" };
pub(crate) const FUSE: Program = Program { name: "fusermount3", package: "fuse3" };
pub(crate) const MKFS: Program = Program { name: "mkfs.ext4", package: "e2fsprogs" };
pub(crate) const LOSETUP: Program = Program { name: "losetup", package: "mount" };
/// It brings promtool.
pub(crate) const PROMETHEUS: Program = Program { name: "prometheus", package: "prometheus" };
pub(crate) const ALERTMANAGER: Program = Program { name: "amtool", package: "prometheus-alertmanager" };
pub(crate) const NGINX: Program = Program { name: "nginx", package: "nginx-full" };
pub(crate) const REDIS: Program = Program { name: "redis-server", package: "redis-server" };
pub(crate) const PIP: Program = Program { name: "pip3", package: "python3-pip" };
pub(crate) const HAPROXY: Program = Program { name: "haproxy", package: "haproxy" };
/// It brings libfaketime.
pub(crate) const FAKETIME: Program = Program { name: "faketime", package: "faketime" };
pub(crate) const SSLSCAN: Program = Program { name: "sslscan", package: "sslscan" };
pub(crate) const TESTSSL: Program = Program { name: "testssl", package: "testssl.sh" };
pub(crate) const MOUNT: Program = Program { name: "mount", package: "mount" };

/// The version of cargo-fuzz that is installed if there is none.
const CARGO_FUZZ: &str = "0.13.2";

/// The version of sslyze that is installed if there is none.
const SSLYZE: &str = "6.3.1";

/// Installs, and remembers that the package lists are fresh.
#[derive(Debug, Default)]
pub(crate) struct Installer {
    updated: Cell<bool>,
}

impl Installer {
    /// Sees to it that a program is there.
    pub(crate) fn need(&self, program: Program) -> Result<()> {
        if found(program.name) {
            return Ok(());
        }
        if !found("apt-get") || !rustix::process::geteuid().is_root() {
            bail!("{} is missing: install the package {}", program.name, program.package);
        }
        output::line(&format!("installing {} with apt-get", program.package));
        if !self.updated.replace(true) {
            process::capture(Command::new("apt-get").arg("update"))?;
        }
        let mut command = Command::new("apt-get");
        command.args(["install", "--yes", "--no-install-recommends", program.package]);
        process::capture(command.env("DEBIAN_FRONTEND", "noninteractive"))
            .with_context(|| format!("install the package {}", program.package))?;
        Ok(())
    }

    /// Sees to it that sslyze is there, from the registry of Python, in a folder of its own if it has to be installed. Returns
    /// the program.
    pub(crate) fn need_sslyze(&self, scratch: &Path) -> Result<PathBuf> {
        if found("sslyze") {
            return Ok(PathBuf::from("sslyze"));
        }
        let folder = scratch.join("sslyze");
        let program = folder.join("bin/sslyze");
        if !executable(&program) {
            output::line(&format!("installing sslyze {SSLYZE} with pip"));
            self.need(PYTHON)?;
            process::capture(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            let pip = ["install", "--quiet", &format!("sslyze=={SSLYZE}")].map(str::to_owned);
            process::capture(Command::new(folder.join("bin/pip")).args(pip))?;
        }
        Ok(program)
    }

    /// Sees to it that `cargo fuzz` is there.
    pub(crate) fn need_cargo_fuzz(&self) -> Result<()> {
        if found("cargo-fuzz") || process::capture(Command::new("cargo").args(["fuzz", "--version"])).is_ok() {
            return Ok(());
        }
        output::line(&format!("installing cargo-fuzz {CARGO_FUZZ} with cargo install"));
        let arguments = ["install", "--locked", "--quiet", "cargo-fuzz", "--version", CARGO_FUZZ];
        process::passes(Command::new("cargo").args(arguments))
    }
}

/// Whether the search path has a program of that name.
fn found(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| executable(&folder.join(name)))
}

fn executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(found("sh"));
        assert!(!found("a-program-of-no-system"));
    }
}
