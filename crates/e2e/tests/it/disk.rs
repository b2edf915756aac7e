//! A disk that is full: by strace between the switch and the kernel, and a small one that really is.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use codec::block::{Function, Status};

use crate::ctl::staffed;
use crate::net::{Net, PEER, STATE, TERMINAL};
use crate::process::{Stream, must};
use crate::station::Message;
use crate::trace::traced;

/// A message that causes none but itself: nobody is told that its receiver is away. One message is one commit.
fn message(number: usize) -> String {
    format!("SM.{TERMINAL}.{PEER}.TXT\r\nNUMBER {number:03} OF THE TEST")
}

/// The numbers of all that waits, in the order in which it comes.
fn waiting(net: &Net) -> Vec<usize> {
    let switch = net.switch();
    let mut state = switch.station(STATE);
    let messages: Vec<Message> = (0..switch.waiting()).map(|_| state.take("NUMBER ")).collect();
    let validations: HashSet<u32> = messages.iter().map(|message| message.validation).collect();
    assert_eq!(validations.len(), messages.len(), "one copy came twice");
    let number = |message: &Message| message.text.split("NUMBER ").nth(1)?.get(..3)?.parse().ok();
    messages.iter().map(|message| number(message).expect("a message of this test")).collect()
}

#[test]
fn a_full_disk_turns_senders_away_and_is_recovered_from() {
    let net = Net::new();
    net.switch().stop();
    // The writer's eighth to seventieth writes find no room: two attempts every 200 ms, for some six seconds. The first ones
    // are of the start, of the link and of the messages before.
    let faults = ["pwrite64:error=ENOSPC:when=8..70"];
    let log = net.path("trace");
    let switch = net.switch_by(&mut traced(&net.command(), "pwrite64", &faults, &log));
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&message(1));
    terminal.send(&message(2));
    assert_eq!(switch.get("/readyz").status, 200);

    // The one that finds the disk full, and one that comes while it is.
    let mut post = |number: u32| {
        terminal.post_as(number, &message(number as usize)).unwrap();
        terminal.reply(number).unwrap()
    };
    let full = (3..20).find(|number| post(*number).function() == Function::Nack).expect("the disk is full at last");
    let again = post(full + 1);
    assert_eq!((again.function(), again.status()), (Function::Nack, Status::TEMPORARY), "message {full} + 1");
    let ready = switch.get("/readyz");
    assert_eq!(ready.status, 503, "{}", ready.body);
    assert!(ready.body.contains("nothing can be made durable") && ready.body.contains("space"), "{}", ready.body);
    assert_eq!(terminal.status(), Ok(Status::NOT_READY));
    // A link that comes only now is told too, if not with its first breath.
    let mut late = switch.station("ZB");
    assert!((0..100).any(|_| late.status() == Ok(Status::NOT_READY)), "a new link is told that the switch is ready");
    assert_eq!(switch.get("/livez").status, 200);
    assert_eq!(switch.metrics().value("orinet_store_full"), Some(1.0));
    assert_eq!(switch.metrics().value("orinet_messages_turned_away_total{reason=\"not_durable\"}"), Some(2.0));
    let line = switch.process.line(Stream::Err, "nothing can be made durable");
    assert!(line.contains("ERROR"), "a person must act: {line}");

    switch.await_metric("orinet_store_full", 0.0);
    assert_eq!(switch.get("/readyz").status, 200);
    assert_eq!(terminal.status(), Ok(Status::READY));
    for number in full..full + 3 {
        terminal.post_as(number, &message(number as usize)).unwrap();
        assert_eq!(terminal.reply(number).unwrap().function(), Function::Ack, "message {number}");
    }
    drop(terminal);
    switch.stop();
    assert!(fs::read_to_string(&log).unwrap().contains("ENOSPC"), "no write was refused");
    let mut arrived = waiting(&net);
    // The first that was refused may have become durable by itself before it came again, also after the second's refusal.
    arrived.sort_unstable();
    assert_eq!(arrived, (1..full as usize + 3).collect::<Vec<_>>(), "nothing lost, nothing twice");
}

/// A file system in memory, mounted for one test.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    const BYTES: u64 = 6 << 20;

    fn mount(folder: &Path) -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "a test of a full file system mounts one, for which it must be root"
        );
        fs::create_dir_all(folder).expect("a folder to mount on");
        let size = format!("size={}", Self::BYTES);
        must(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder));
        Self { folder: folder.to_owned() }
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = File::create(self.folder.join("ballast")).expect("a file");
        for piece in [1 << 16, 1 << 12] {
            while ballast.write_all(&vec![1; piece]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.folder.join("ballast")).expect("it is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the switch is killed only when the test has let go of it.
        drop(Command::new("umount").arg("--lazy").arg(&self.folder).status());
    }
}

#[test]
fn a_full_file_system_turns_senders_away_and_room_brings_them_back() {
    const BACK_WITHIN: Duration = Duration::from_secs(10);
    let net = Net::new();
    let disk = SmallDisk::mount(&net.path("data"));
    let (switch, chief, _) = staffed(&net);
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&message(0));
    disk.fill();
    // Both segments that are there fill up, and there is no room for a third.
    let text = |number: u32| format!("{}\r\n{}", message(0), format!("{number:09} ").repeat(300));
    let mut acked = vec![0];
    let refused = loop {
        let number = u32::try_from(acked.len()).unwrap();
        terminal.post_as(number + 1, &text(number)).unwrap();
        let reply = terminal.reply(number + 1).unwrap();
        if reply.function() == Function::Nack {
            assert_eq!(reply.status(), Status::TEMPORARY);
            break number;
        }
        acked.push(number);
        assert!(acked.len() < 3000, "the disk is never full");
    };
    assert!(acked.len() > 100, "{} messages fit into two segments", acked.len());
    for _ in 0..20 {
        terminal.post_as(refused + 1, &text(refused)).unwrap();
        let reply = terminal.reply(refused + 1).unwrap();
        assert_eq!((reply.function(), reply.status()), (Function::Nack, Status::TEMPORARY));
    }
    assert_eq!(switch.get("/readyz").status, 503);
    // A command would have to be on disk too.
    let nothing = "nothing can be stored now, so nothing is done; try again when the journal has room";
    chief.is_refused(&["drain"], nothing);
    chief.is_refused(&["hold", STATE], nothing);

    disk.make_room();
    let began = Instant::now();
    loop {
        terminal.post_as(refused + 1, &text(refused)).unwrap();
        if terminal.reply(refused + 1).unwrap().function() == Function::Ack {
            break;
        }
        assert!(began.elapsed() < BACK_WITHIN, "still turned away {BACK_WITHIN:?} after there was room");
        switch.process.listen(Duration::from_millis(20));
    }
    assert_eq!(switch.get("/readyz").status, 200);
    drop(terminal);
    switch.kill();
    assert_eq!(net.switch().waiting(), acked.len() + 1, "nothing lost, nothing twice");
}
