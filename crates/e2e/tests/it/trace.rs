//! strace between the switch and the kernel: system calls that fail, or take their time, as the test says; and what it saw.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// The same command under strace, which injects what `faults` say (its `--inject` expressions) and writes down the calls
/// that are named, each with its time and the files that it is about.
///
/// The process that is started is the command's own: its id, its streams and its exit code are not strace's.
pub(crate) fn traced(command: &Command, calls: &str, faults: &[&str], log: &Path) -> Command {
    traced_on(&[], command, calls, faults, log)
}

/// The same, where only calls that are about one of these files are hit, if any are named. They need not be there yet.
pub(crate) fn traced_on(files: &[PathBuf], command: &Command, calls: &str, faults: &[&str], log: &Path) -> Command {
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
    traced.args(["-D", "-f", "-q", "-y", "-ttt", "-T", "-s", "0", "-o"]).arg(log).arg(format!("--trace={calls}"));
    traced.args(faults.iter().map(|fault| format!("--inject={fault}")));
    for file in files {
        traced.arg("-P").arg(file);
    }
    if !files.is_empty() {
        // Other calls do not stop for it: whoever sends much does not wait for strace.
        traced.arg("--seccomp-bpf");
    }
    onto(traced.arg("--"), command);
    traced
}

/// The same command with half of its writes cut short, by libfiu: they write a part and say so.
pub(crate) fn with_short_writes(command: &Command) -> Command {
    let mut short = Command::new("fiu-run");
    assert!(short.output().is_ok(), "fiu-run cannot be run: install the package fiu-utils");
    short.args(["-x", "-c", "enable_random name=posix/io/rw/pwrite/reduce,probability=0.5"]);
    onto(&mut short, command);
    short
}

/// Lets `outer` run `command`, with its environment.
fn onto(outer: &mut Command, command: &Command) {
    outer.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
}

/// What strace wrote down.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) calls: Vec<Call>,
    /// When the last thread ended: microseconds of the clock on the wall.
    pub(crate) ended: u64,
}

/// A system call that came to its end.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) thread: u32,
    pub(crate) name: String,
    /// The last part of the path of the file that it is about.
    pub(crate) file: String,
    /// When it began and ended: microseconds of the clock on the wall.
    pub(crate) began: u64,
    pub(crate) ended: u64,
    pub(crate) result: String,
    /// strace has made up what it returned.
    pub(crate) injected: bool,
}

impl Call {
    /// A sync that really took place.
    pub(crate) fn is_true_sync(&self) -> bool {
        matches!(self.name.as_str(), "fdatasync" | "fsync") && self.result == "0" && !self.injected
    }
}

impl Trace {
    pub(crate) fn read(log: &Path) -> Self {
        let text = fs::read_to_string(log).unwrap_or_default();
        let mut trace = Self { calls: Vec::new(), ended: 0 };
        let mut begun: Vec<(u32, u64, String)> = Vec::new();
        for line in text.lines() {
            // Short numbers are followed by more blanks.
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let Some((time, rest)) = rest.trim_start().split_once(' ') else { continue };
            trace.take(thread, time, rest, &mut begun);
        }
        trace
    }

    fn take(&mut self, thread: &str, time: &str, rest: &str, begun: &mut Vec<(u32, u64, String)>) {
        let (Ok(thread), Some(at)) = (thread.parse(), microseconds(time)) else { return };
        if rest.starts_with("+++") {
            self.ended = self.ended.max(at);
        } else if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            begun.push((thread, at, start.to_owned()));
        } else if let Some((_, end)) = rest.split_once(" resumed>") {
            let Some(place) = begun.iter().position(|(other, ..)| *other == thread) else { return };
            let (_, began, start) = begun.remove(place);
            self.calls.extend(call(thread, began, &format!("{start}{end}")));
        } else {
            self.calls.extend(call(thread, at, rest));
        }
    }
}

/// `fdatasync(7</a/journal/mark>) = 0 (INJECTED) <0.000123>`.
fn call(thread: u32, began: u64, text: &str) -> Option<Call> {
    let (name, arguments) = text.split_once('(')?;
    let (_, result) = text.rsplit_once(") = ").or_else(|| text.rsplit_once(" = "))?;
    let (result, took) = result.rsplit_once(" <").map_or((result, "0.0"), |(result, took)| (result, took));
    let took = microseconds(took.trim_end_matches('>')).unwrap_or(0);
    let path = arguments.split_once('<').and_then(|(_, path)| path.split_once('>')).map_or("", |(path, _)| path);
    Some(Call {
        thread,
        name: name.to_owned(),
        file: path.rsplit('/').next().unwrap_or_default().to_owned(),
        began,
        ended: began + took,
        result: result.split(' ').next().unwrap_or_default().to_owned(),
        injected: result.contains("INJECTED"),
    })
}

/// Seconds with six digits behind the point, as microseconds.
fn microseconds(seconds: &str) -> Option<u64> {
    let (whole, part) = seconds.split_once('.')?;
    let part = format!("{part:0<6}");
    Some(whole.parse::<u64>().ok()? * 1_000_000 + part.get(..6)?.parse::<u64>().ok()?)
}

/// The clock by which strace writes down times.
pub(crate) fn wall() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

#[test]
fn what_strace_writes_is_read() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let text = "\
123   1700000000.000100 fdatasync(7</d/journal/mark> <unfinished ...>
1234  1700000000.000200 fdatasync(5</d/segment-0000000001>) = -1 EIO (Input/output error) (INJECTED) <0.000021>
123   1700000000.000300 <... fdatasync resumed>) = 0 <0.000200>
1234  1700000000.000400 fdatasync(5</d/segment-0000000001>) = 0 (INJECTED) <0.000021>
123   1700000000.000500 pwrite64(5</d/segment-0000000001>, \"\"..., 57, 128) = 57 <0.000020>
123   1700000000.000900 +++ exited with 1 +++
";
    fs::write(log.path(), text).unwrap();
    let trace = Trace::read(log.path());
    assert_eq!(trace.ended, 1_700_000_000_000_900);
    let [failed, mark, lie, write] = trace.calls.as_slice() else { panic!("{trace:#?}") };
    assert_eq!((failed.thread, failed.file.as_str(), failed.result.as_str()), (1234, "segment-0000000001", "-1"));
    assert_eq!((mark.file.as_str(), mark.began, mark.ended), ("mark", 1_700_000_000_000_100, 1_700_000_000_000_300));
    assert!(failed.injected && mark.is_true_sync() && !lie.is_true_sync() && write.result == "57");
}
