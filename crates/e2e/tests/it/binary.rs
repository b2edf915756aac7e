//! Where the binary is: built once a run, with the profile and into the target directory that a user would have.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// `orinet`, with nothing of the caller's environment that changes what it does.
pub(crate) fn orinet() -> Command {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(PATH.get_or_init(build));
    command.env_remove("ORINET_LOG").stdin(Stdio::null());
    command
}

/// A file of the checkout.
pub(crate) fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Does nothing but look where the binary is fresh.
fn build() -> PathBuf {
    // This test is target/PROFILE/deps/it-HASH.
    let this = std::env::current_exe().expect("a test knows its own path");
    let target = this.ancestors().nth(3).expect("a test lies three folders deep").to_owned();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--package", "orinet", "--bin", "orinet"])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(checkout("."))
        .output()
        .expect("cargo can be run");
    assert!(built.status.success(), "orinet does not build:\n{}", String::from_utf8_lossy(&built.stderr));
    target.join("release/orinet")
}
