//! What the system says of a process: memory, descriptors, limits.

use std::fs;

use crate::process::Process;

/// Resident memory in KiB.
pub(crate) fn resident_kib(process: &Process) -> u64 {
    let status = read(process, "status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no VmRSS in {status}"))
}

/// A file of /proc about it.
pub(crate) fn read(process: &Process, file: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{file}", process.id())).expect("the process runs")
}
