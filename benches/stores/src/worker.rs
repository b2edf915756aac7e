//! A process for each subject: it works for a round whenever it is told to, and says what that took.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::time::{ClockId, clock_gettime};

use crate::subject::Subject;

const ROUND: Duration = Duration::from_millis(60);

/// What a round took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) commits: u64,
    pub(crate) time: Duration,
    /// All the process's threads, since the round before ended: what is done behind a subject's back is its own.
    pub(crate) cpu: Duration,
    /// The middle one of its commits.
    pub(crate) p50: Duration,
}

/// The parent's end.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    pub(crate) fn start(subject: Subject, records: usize, directory: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["worker", subject.name(), &records.to_string()]).arg(directory.join(subject.name()));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start a worker")?;
        let input = child.stdin.take().context("no pipe")?;
        let mut output = BufReader::new(child.stdout.take().context("no pipe")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        ensure!(line == "ready\n", "{} does not start", subject.name());
        Ok(Self { child, input, output })
    }

    pub(crate) fn round(&mut self) -> Result<Round> {
        writeln!(self.input, "go")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [commits, time, cpu, p50] = numbers.as_slice() else { anyhow::bail!("a worker says {line:?}") };
        let [time, cpu, p50] = [time, cpu, p50].map(|nanos| Duration::from_nanos(*nanos));
        Ok(Round { commits: *commits, time, cpu, p50 })
    }

    pub(crate) fn end(mut self) -> Result<()> {
        drop(self.input);
        ensure!(self.child.wait()?.success(), "a worker ended badly");
        Ok(())
    }
}

/// The worker's end: rounds until its input ends.
pub(crate) fn serve(subject: Subject, records: usize, directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut store = subject.open(directory, records)?;
    // Caches, code and files are warm, and the first checkpoint of a store is near, as in a process that has long been running.
    for _ in 0..20 {
        store.commit()?;
    }
    println!("ready");
    let mut cpu = cpu_time();
    for line in std::io::stdin().lines() {
        line?;
        let began = Instant::now();
        let (mut time, mut commits) = (Duration::ZERO, Vec::new());
        while time < ROUND {
            store.commit()?;
            let before = std::mem::replace(&mut time, began.elapsed());
            commits.push(time.saturating_sub(before));
        }
        // On the CPU that is measured, if not on the clock: somebody must do it.
        store.between()?;
        let now = cpu_time();
        let middle = commits.len() / 2;
        let p50 = *commits.select_nth_unstable(middle).1;
        let [time, spent, p50] = [time, now.saturating_sub(cpu), p50].map(|time| time.as_nanos());
        println!("{} {time} {spent} {p50}", commits.len());
        cpu = now;
    }
    Ok(())
}

/// User and system time of all threads of this process.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
