//! strace between the switch and the kernel: system calls that fail, or take their time, as the test says.

use std::path::Path;
use std::process::Command;

/// The same command under strace, which injects what `faults` say (its `--inject` expressions) and writes down the calls
/// that are named.
///
/// The process that is started is the command's own: its id, its streams and its exit code are not strace's.
pub(crate) fn traced(command: &Command, calls: &str, faults: &[&str], log: &Path) -> Command {
    let probe = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    match probe {
        Err(error) => panic!("strace cannot be run ({error}): install the package strace"),
        Ok(output) if !output.status.success() => panic!(
            "strace cannot trace here, so that faults of the disk cannot be tested: {}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Ok(_) => {}
    }
    let mut traced = Command::new("strace");
    traced.args(["-D", "-f", "-qq", "-o"]).arg(log).arg(format!("--trace={calls}"));
    traced.args(faults.iter().map(|fault| format!("--inject={fault}")));
    traced.arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    traced
}
