//! What the process does to the machine that it runs on, and what it lets others see.

use std::fs;
use std::process::Command;

use crate::effort::{figures, shared};
use crate::net::{Net, STATE, TERMINAL, note};
use crate::process::run;
use crate::seen;

/// System calls that make, change or remove a file.
const CHANGES: &str = "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,truncate,\
                       chmod,fchmodat,chown,fchownat,mknod,mknodat";

/// S23, first part. strace tells what is written; the control is that it tells of the data directory.
#[test]
fn the_switch_writes_below_its_data_directory_and_nowhere_else() {
    let _machine = shared();
    let net = Net::new();
    let log = net.path("strace.log");
    let plain = net.command();
    let mut traced = Command::new("strace");
    traced.args(["-D", "-f", "-q", "-s", "4096", "-o"]).arg(&log).arg(format!("--trace={CHANGES}")).arg("--");
    traced.arg(plain.get_program()).args(plain.get_args()).env_remove("ORINET_LOG");
    let switch = net.switch_by(&mut traced);
    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.station(STATE));
    for number in 0..50 {
        terminal.send(&note(&format!("WRITTEN {number:03}")));
        state.take(&format!("WRITTEN {number:03}"));
    }
    assert_eq!(switch.get("/readyz").status, 200);
    drop((terminal, state));
    switch.stop();
    let data = net.path("data").display().to_string();
    let text = fs::read_to_string(&log).expect("strace wrote");
    let changes: Vec<_> = text.lines().filter(|line| changes_something(line)).collect();
    let (inside, outside): (Vec<_>, Vec<_>) = changes.into_iter().partition(|line| line.contains(&data));
    assert!(inside.len() > 3, "strace saw no writing at all:\n{text}");
    let outside: Vec<_> = outside.into_iter().filter(|line| !line.contains("\"/dev/null\"")).collect();
    assert_eq!(outside, [""; 0], "written outside {data}");
    figures(&format!("{} calls that change files, all below the data directory", inside.len()));
}

/// Not where a file is only read, and not what failed.
fn changes_something(line: &str) -> bool {
    let Some((_, call)) = line.split_once(' ') else { return false };
    let call = call.trim_start();
    let failed = call.contains(" = -1 ");
    let reads = call.starts_with("open")
        && !["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| call.contains(flag));
    let is_call = CHANGES.split(',').any(|name| call.starts_with(&format!("{}(", name.trim())));
    is_call && !failed && !reads
}

/// S23, second part: messages and keys that were in memory do not end up in a file when the process dies.
#[test]
fn the_switch_leaves_no_core_file() {
    let _machine = shared();
    let net = Net::new();
    // From a shell whose children may leave one, as far as the system lets it.
    let plain = net.command();
    let mut unlimited = Command::new("sh");
    unlimited.args(["-c", "ulimit -S -c $(ulimit -H -c); ulimit -c unlimited 2> /dev/null; exec \"$0\" \"$@\""]);
    unlimited.arg(plain.get_program()).args(plain.get_args()).env_remove("ORINET_LOG");
    let switch = net.switch_by(&mut unlimited);
    let limits = seen::read(&switch.process, "limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!((core.split_whitespace().nth(4), core.split_whitespace().nth(5)), (Some("0"), Some("0")), "{core}");
    // The control: what else that shell starts may.
    let control = run(Command::new("sh").args(["-c", "ulimit -c unlimited 2> /dev/null; ulimit -c"]));
    figures(&format!("core files: 0 bytes for the switch, {} for another program", control.stdout.trim()));
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(net.path(path)).expect("it is there").permissions().mode() & 0o077
    };
    assert_eq!((mode("data"), mode("pki/switch.key")), (0, 0), "others can look into it");
}
