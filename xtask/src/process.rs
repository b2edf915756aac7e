//! Runs other programs: to their end, line by line while they speak, or beside us until they are stopped.
//!
//! Whatever runs line by line has a limit of time, and nothing that was started here outlives its handle.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How long a program's last lines may come after its end, while a child of it keeps its output open.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// How long a killed program may take to be gone.
const KILLED_WITHIN: Duration = Duration::from_secs(10);

/// Runs a command that prints where we print; an error if it does not succeed.
pub(crate) fn passes(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start {}", name(command)))?;
    ensure!(status.success(), "`{}` ended with {status}", line(command));
    Ok(())
}

/// Runs a command and returns what it printed to standard output; an error, with what it complained, if it does not
/// succeed.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", name(command)))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{}` ended with {}: {}", line(command), output.status, complaint.trim());
    String::from_utf8(output.stdout).with_context(|| format!("{} printed what is no UTF-8", name(command)))
}

/// Runs a command to its end and hands on each line of its standard output as it comes. What it prints goes to `log`
/// too, if there is one; standard error then goes only there.
pub(crate) fn stream(
    command: &mut Command,
    log: Option<&File>,
    limit: Duration,
    mut on_line: impl FnMut(&str),
) -> Result<ExitStatus> {
    let deadline = Instant::now() + limit;
    let mut running = Running::start(command, log)?;
    loop {
        match running.next(deadline)? {
            Heard::Line(line) => on_line(&line),
            Heard::Ended(status) => return Ok(status),
            Heard::Nothing => bail!("`{}` still ran after {} s and was ended", line(command), limit.as_secs()),
        }
    }
}

/// A program that runs beside us. Dropped, it is killed with all that it started.
#[derive(Debug)]
pub(crate) struct Running {
    pid: Pid,
    events: Receiver<Event>,
    /// Its status, once it has ended, and when we heard of it.
    ended: Option<(ExitStatus, Instant)>,
    /// Nothing more comes from its standard output.
    closed: bool,
}

/// What became of waiting for a program.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A line of its standard output.
    Line(String),
    /// It has ended, and all its lines are read.
    Ended(ExitStatus),
    /// The deadline passed first.
    Nothing,
}

#[derive(Debug)]
enum Event {
    Line(String),
    Closed,
    Ended(std::io::Result<ExitStatus>),
}

impl Running {
    /// Starts a program. What it prints goes to `log` too, if there is one; standard error then goes only there.
    pub(crate) fn start(command: &mut Command, log: Option<&File>) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let copy = log.map(File::try_clone).transpose().context("cannot share a log file")?;
        if let Some(log) = log {
            command.stderr(log.try_clone().context("cannot share a log file")?);
        }
        let mut child = command.spawn().with_context(|| format!("cannot start {}", name(command)))?;
        let pid = Pid::from_child(&child);
        let stdout = child.stdout.take().context("a piped output is missing")?;
        let (to_us, events) = mpsc::channel();
        let (from_reader, from_waiter) = (to_us.clone(), to_us);
        // Both threads end with the program or when nobody listens any more; neither is worth a join.
        let _reader = thread::spawn(move || read(stdout, copy, &from_reader));
        let _waiter = thread::spawn(move || {
            let _gone = from_waiter.send(Event::Ended(child.wait()));
        });
        Ok(Self { pid, events, ended: None, closed: false })
    }

    /// Waits for the next line, for the end, or for the deadline.
    pub(crate) fn next(&mut self, deadline: Instant) -> Result<Heard> {
        loop {
            let mut until = deadline;
            if let Some((status, at)) = self.ended {
                if self.closed {
                    return Ok(Heard::Ended(status));
                }
                until = at + STRAGGLERS;
            }
            match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Line(line)) => return Ok(Heard::Line(line)),
                Ok(Event::Closed) => self.closed = true,
                Ok(Event::Ended(status)) => {
                    self.ended = Some((status.context("cannot wait for a program")?, Instant::now()));
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Ok(self.ended.map_or(Heard::Nothing, |(status, _)| Heard::Ended(status)));
                }
                Err(RecvTimeoutError::Disconnected) => bail!("a program's output and end were both lost"),
            }
        }
    }

    /// Asks it to stop, as Ctrl-C does.
    pub(crate) fn interrupt(&self) -> Result<()> {
        kill_process(self.pid, Signal::INT).context("cannot send SIGINT")
    }

    /// Kills it with all that it started, unless it has ended, and waits until that is done.
    fn end(&mut self) {
        if self.ended.is_some() {
            return;
        }
        for pid in std::iter::once(self.pid).chain(descendants(self.pid)) {
            // It may have ended by itself meanwhile: then there is nothing to do.
            let _gone = kill_process(pid, Signal::KILL);
        }
        let deadline = Instant::now() + KILLED_WITHIN;
        while let Ok(Heard::Line(_)) = self.next(deadline) {}
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn read(stdout: ChildStdout, mut copy: Option<File>, to_us: &Sender<Event>) {
    for line in BufReader::new(stdout).split(b'\n') {
        let Ok(mut line) = line else { break };
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some(copy) = &mut copy {
            // The log is a help for people; a full disk shows elsewhere.
            let _lost = copy.write_all(format!("{line}\n").as_bytes());
        }
        if to_us.send(Event::Line(line)).is_err() {
            return;
        }
    }
    let _gone = to_us.send(Event::Closed);
}

/// All that a program has started, and what those have started.
fn descendants(pid: Pid) -> Vec<Pid> {
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(pid) = open.pop() {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).into_iter().flatten().flatten();
        for children in tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok()) {
            let children: Vec<_> =
                children.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)).collect();
            open.extend(&children);
            found.extend(children);
        }
    }
    found
}

/// The last lines of a log.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLE: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_and_status_arrive() {
        let mut lines = Vec::new();
        let status =
            stream(&mut shell("printf 'one\\r\\ntwo'; exit 3"), None, AMPLE, |line| lines.push(line.to_owned()));
        assert_eq!(status.unwrap().code(), Some(3));
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn a_log_gets_both_outputs() {
        let log = tempfile::NamedTempFile::new().unwrap();
        stream(&mut shell("echo out; echo err >&2"), Some(log.as_file()), AMPLE, |_| {}).unwrap();
        let text = std::fs::read_to_string(log.path()).unwrap();
        assert!(text.contains("out\n") && text.contains("err\n"), "{text}");
    }

    #[test]
    fn a_program_past_its_limit_is_ended_with_its_children() {
        // Two stopped shells: neither can end by itself.
        let mut running = Running::start(&mut shell("sh -c 'echo stopping; kill -STOP $$' & wait"), None).unwrap();
        assert!(matches!(running.next(Instant::now() + AMPLE).unwrap(), Heard::Line(line) if line == "stopping"));
        assert!(matches!(running.next(Instant::now()).unwrap(), Heard::Nothing));
        running.end();
        assert!(running.ended.is_some() && running.closed, "a child still has its output open");
        let error = stream(&mut shell("kill -STOP $$"), None, Duration::ZERO, |_| {}).unwrap_err();
        assert!(error.to_string().contains("still ran after 0 s"), "{error}");
    }

    #[test]
    fn an_interrupt_can_be_answered() {
        // Below a background job SIGINT is ignored, and a shell cannot trap what was ignored when it started.
        let mut command = Command::new("env");
        command.args(["--default-signal=INT", "sh", "-c", "trap 'exit 7' INT; echo READY; while :; do :; done"]);
        let mut running = Running::start(&mut command, None).unwrap();
        let deadline = Instant::now() + AMPLE;
        assert!(matches!(running.next(deadline).unwrap(), Heard::Line(line) if line == "READY"));
        running.interrupt().unwrap();
        assert!(matches!(running.next(deadline).unwrap(), Heard::Ended(status) if status.code() == Some(7)));
    }

    #[test]
    fn failures_name_the_command_and_its_complaint() {
        assert_eq!(capture(&mut shell("echo fine")).unwrap(), "fine\n");
        let error = capture(&mut shell("echo no >&2; exit 2")).unwrap_err().to_string();
        assert!(error.contains("sh -c") && error.ends_with("exit status: 2: no"), "{error}");
        assert!(passes(&mut Command::new("/nonexistent/program")).is_err());
    }

    #[test]
    fn a_tail_has_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a\n", 5), "a");
    }
}
