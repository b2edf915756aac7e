//! What the system says of processors and memory: files under `/proc`. Where they are missing, nothing is known.

use std::fs;
use std::time::Duration;

use crate::meter::Scheduling;

/// Time that the calling thread has run, and was ready to and did not.
pub(crate) fn thread_scheduling() -> Option<(Duration, Duration)> {
    parse_schedstat(&fs::read_to_string("/proc/thread-self/schedstat").ok()?)
}

fn parse_schedstat(text: &str) -> Option<(Duration, Duration)> {
    let mut words = text.split_whitespace().map(|word| word.parse().ok().map(Duration::from_nanos));
    Some((words.next()??, words.next()??))
}

/// Processor time that a process has used, and the memory that it has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ProcessUse {
    pub(crate) cpu: Duration,
    pub(crate) resident_bytes: u64,
}

/// What a process has used, this one without a number.
pub(crate) fn process_use(pid: Option<u32>) -> Option<ProcessUse> {
    let of = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let cpu = parse_cpu(&fs::read_to_string(format!("/proc/{of}/stat")).ok()?)?;
    let status = fs::read_to_string(format!("/proc/{of}/status")).ok()?;
    Some(ProcessUse { cpu, resident_bytes: parse_resident(&status)? })
}

/// A process's command, for a report.
pub(crate) fn command(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// The fourteenth and fifteenth field, counted behind the command, which may hold spaces and brackets.
fn parse_cpu(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11);
    let ticks: u64 = words.next()?.parse::<u64>().ok()? + words.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * TICK_MS))
}

/// Linux gives processor time to programs in hundredths of a second on every machine.
const TICK_MS: u64 = 10;

fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Processor time that the whole machine has spent on anything, and the time that its host took away.
pub(crate) fn machine_cpu() -> Option<(Duration, Duration)> {
    parse_machine(&fs::read_to_string("/proc/stat").ok()?)
}

fn parse_machine(stat: &str) -> Option<(Duration, Duration)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().map(|word| word.parse().unwrap_or(0)).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let of =
        |places: &[usize]| Duration::from_millis(places.iter().filter_map(|at| ticks.get(*at)).sum::<u64>() * TICK_MS);
    Some((of(&[0, 1, 2, 5, 6]), of(&[7])))
}

/// How many processors there are.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The processor's name.
pub(crate) fn processor_name() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    name.unwrap_or("unknown processor").to_owned()
}

/// Follows a thread's scheduling from interval to interval.
#[derive(Debug, Default)]
pub(crate) struct SchedulingMeter {
    last: Option<(Duration, Duration)>,
}

impl SchedulingMeter {
    /// What came since the last call on the same thread, over an interval of that length.
    pub(crate) fn read(&mut self, length: Duration) -> Scheduling {
        let now = thread_scheduling();
        let before = std::mem::replace(&mut self.last, now);
        let (Some(now), Some(before)) = (now, before) else { return Scheduling::default() };
        let (ran, waited) = (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1));
        let share = ran.as_secs_f64() / length.as_secs_f64().max(f64::EPSILON) * 1000.0;
        #[expect(clippy::cast_possible_truncation, reason = "a thread runs for about a thousand thousandths at most")]
        let busiest_permille = share.round().clamp(0.0, 10_000.0) as u32;
        Scheduling { ran, waited, busiest_permille }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_system_are_read_as_they_are_written() {
        assert_eq!(parse_schedstat("526222 17 1\n"), Some((Duration::from_nanos(526_222), Duration::from_nanos(17))));
        let stat = "12 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(parse_cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(parse_resident("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2 * 1024 * 1024));
        let machine = "cpu  100 1 50 9000 7 2 3 4 0 0\ncpu0 1 1 1 1\n";
        assert_eq!(parse_machine(machine), Some((Duration::from_millis(1560), Duration::from_millis(40))));
        for broken in ["", "x", "cpu"] {
            assert!(parse_schedstat(broken).is_none() && parse_cpu(broken).is_none());
            assert!(parse_machine(broken).is_none() && parse_resident(broken).is_none());
        }
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(process_use(None).is_some_and(|used| used.resident_bytes > 100_000));
        assert_eq!(process_use(Some(u32::MAX)), None);
    }
}
