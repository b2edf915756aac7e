//! A process that a test runs: its output as it comes, signals to it, its end.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::PATIENCE;

/// Killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    output: Arc<Output>,
}

/// One of the two streams that a process writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// How a process ended, and all that it wrote.
#[derive(Debug)]
pub(crate) struct Finished {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// Starts it. Its standard input is what the command says.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be run: {error}", command.get_program().display()));
        let output = Arc::new(Output::default());
        output.read(Stream::Out, child.stdout.take().expect("it is piped"));
        output.read(Stream::Err, child.stderr.take().expect("it is piped"));
        Self { child, output }
    }

    /// Waits for a line with `mark` in it.
    pub(crate) fn line(&self, stream: Stream, mark: &str) -> String {
        let found = self
            .output
            .wait(PATIENCE, |written| written.lines(stream).find(|line| line.contains(mark)).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no line with {mark:?} came:\n{self:?}"))
    }

    /// Waits for a line with `mark` in it, or for its end: then there is none.
    pub(crate) fn line_or_end(&self, stream: Stream, mark: &str) -> Option<String> {
        let found = self.output.wait(PATIENCE, |written| {
            let line = written.lines(stream).find(|line| line.contains(mark)).map(str::to_owned);
            (line.is_some() || written.ended == 2).then_some(line)
        });
        found.unwrap_or_else(|| panic!("neither a line with {mark:?} nor the end came:\n{self:?}"))
    }

    /// Waits until it writes something more, at most for that long.
    pub(crate) fn listen(&self, within: Duration) {
        let before = self.output.written.lock().unwrap().bytes();
        self.output.wait(within, |written| (written.bytes() != before).then_some(()));
    }

    /// The pipe to its standard input, if the command asked for one.
    fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("its input is piped and not yet taken")
    }

    /// Writes all of its standard input and closes that. A process that ends without reading it is none the worse.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        match self.stdin().write_all(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written.expect("a pipe takes bytes"),
        }
    }

    /// Its number in the system.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).expect("a process id is positive");
        kill_process(pid, signal).expect("a child that was not waited for can be sent a signal");
    }

    /// Waits for its end, at most `within`.
    pub(crate) fn end(mut self, within: Duration) -> Finished {
        // Both streams end with the process: nobody else has them.
        let ended = self.output.wait(within, |written| (written.ended == 2).then_some(()));
        assert!(ended.is_some(), "still running after {within:?}:\n{self:?}");
        let status = self.child.wait().expect("a child can be waited for");
        let written = self.output.written.lock().unwrap();
        Finished { code: status.code(), stdout: written.out.clone(), stderr: written.err.clone() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.output.written.lock().unwrap();
        write!(f, "--- stdout\n{}--- stderr\n{}---", written.out, written.err)
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Finished {
    Process::start(command).end(PATIENCE)
}

/// Runs a command that has nothing to say and must succeed.
pub(crate) fn must(command: &mut Command) {
    let finished = run(command);
    assert_eq!(finished.code, Some(0), "{command:?}: {finished:#?}");
}

#[derive(Default)]
struct Output {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Default)]
struct Written {
    out: String,
    err: String,
    ended: u8,
}

impl Written {
    fn text(&self, stream: Stream) -> &str {
        match stream {
            Stream::Out => &self.out,
            Stream::Err => &self.err,
        }
    }

    /// Whole lines only.
    fn lines(&self, stream: Stream) -> impl Iterator<Item = &str> {
        self.text(stream).lines()
    }

    fn bytes(&self) -> usize {
        self.out.len() + self.err.len()
    }
}

impl Output {
    fn read(self: &Arc<Self>, stream: Stream, from: impl Read + Send + 'static) {
        let this = Arc::clone(self);
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                let mut written = this.written.lock().unwrap();
                match stream {
                    Stream::Out => written.out.push_str(&text),
                    Stream::Err => written.err.push_str(&text),
                }
                this.changed.notify_all();
                line.clear();
            }
            this.written.lock().unwrap().ended += 1;
            this.changed.notify_all();
        });
    }

    fn wait<T>(&self, within: Duration, mut what: impl FnMut(&Written) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut written = self.written.lock().unwrap();
        loop {
            if let Some(found) = what(&written) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || written.ended == 2 {
                return None;
            }
            written = self.changed.wait_timeout(written, left).unwrap().0;
        }
    }
}
