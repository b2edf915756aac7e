//! What goes wrong in a run, and who does what: broken links, crashes, bad disks, operators, a clock that is set; and the end of
//! all that.

use std::time::Duration;

use bytes::Bytes;
use codec::time::Tick;
use rand::RngExt as _;
use rand_pcg::Pcg64;
use switch_core::{Command, LinkId};

use super::World;
use crate::broken::Broken;
use crate::conn::SWITCH;
use crate::disk::Faults;
use crate::ledger::Check;
use crate::network::{CLIENTS, Variant, station};
use crate::operators::{self, Manners};
use crate::process::Process;

const HOUR_US: i64 = 3_600_000_000;

/// How wild a run is: each kind of trouble comes every so often on average, or never.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    pub(super) lasts_us: u64,
    pub(super) sends_us: u64,
    trouble_us: u64,
    links: u32,
    crashes: u32,
    disk: u32,
    operators: u32,
    clock: u32,
    pub(super) moods: u32,
    pub(super) manners: Manners,
}

impl Weather {
    pub(super) fn new(rng: &mut Pcg64, broken: Option<Broken>) -> Self {
        let mut level = |often: u32| [0, 1, often.div_ceil(3), often][rng.random_range(0..4)];
        let (links, crashes, disk, operators, clock, moods) =
            (level(10), level(4), level(4), level(20), level(2), level(8));
        let manners = Manners {
            states: rng.random_bool(0.5),
            diverts: rng.random_bool(0.5),
            body_cache_bytes: [2_000, 64 << 20][rng.random_range(0..2)],
            broken,
        };
        Self {
            lasts_us: rng.random_range(10_000_000..60_000_000),
            sends_us: [20_000, 100_000, 400_000][rng.random_range(0..3)],
            trouble_us: [150_000, 400_000, 1_500_000][rng.random_range(0..3)],
            links,
            crashes,
            disk,
            operators,
            clock,
            moods,
            manners,
        }
    }
}

impl World {
    /// Something goes wrong, or somebody does something.
    pub(super) fn trouble(&mut self) -> Check {
        let Weather { links, crashes, disk, operators, clock, .. } = self.weather;
        let sum = links + crashes + disk + operators + clock;
        if sum == 0 {
            return Ok(());
        }
        let mut which = self.rng.random_range(0..sum);
        let mut is = |weight: u32| {
            let hit = which < weight;
            which = which.wrapping_sub(weight);
            hit
        };
        if is(links) {
            self.trouble_link()
        } else if is(crashes) {
            match self.rng.random_range(0..4) {
                0 => self.end(Ending::Killed),
                1 => self.end(Ending::Power),
                2 => self.end(Ending::Torn),
                _ => self.go_down(),
            }
        } else if is(disk) {
            self.trouble_disk();
            Ok(())
        } else if is(operators) {
            self.operate()
        } else {
            self.trace.note(|| "the clock is set".to_owned());
            self.wall_offset += [-HOUR_US, HOUR_US, -2_000_000, 3_000_000, 60_000_000][self.rng.random_range(0..5)];
            self.wall_offset_max = self.wall_offset_max.max(self.wall_offset);
            let now = self.now;
            if let Some(process) = &mut self.process {
                process.disturbed(now);
            }
            Ok(())
        }
    }

    fn trouble_link(&mut self) -> Check {
        if self.conns.is_empty() {
            return Ok(());
        }
        let place = self.rng.random_range(0..self.conns.len());
        let Some((&link, conn)) = self.conns.iter_mut().nth(place) else { return Ok(()) };
        self.trace.note(|| format!("trouble with link {link}"));
        match self.rng.random_range(0..10) {
            0..3 => conn.lose(self.now),
            3..6 => conn.cut_after = Some((self.rng.random_range(0..2), self.rng.random_range(0..4_000))),
            6..8 => {
                let stall = [100_000, 2_000_000, 20_000_000][self.rng.random_range(0..3)];
                conn.stalled_until = Tick(self.now.0 + self.rng.random_range(0..stall));
            }
            8 => conn.half_open = true,
            _ => {
                let mut garbage = vec![0; self.rng.random_range(1..200)];
                self.rng.fill(garbage.as_mut_slice());
                conn.inject(self.now, Bytes::from(garbage));
            }
        }
        self.dirty.insert(link);
        Ok(())
    }

    fn trouble_disk(&mut self) {
        let lasts = self.rng.random_range(100_000..8_000_000);
        self.disk_well_at = Tick(self.now.0 + lasts);
        let kind = self.rng.random_range(0..7);
        self.disk.set(|faults| match kind {
            0..3 => faults.full = true,
            3 => faults.write_fails = 0.05,
            4 => faults.sync_fails = 0.2,
            5 => faults.read_fails = 0.2,
            _ => faults.short = 0.3,
        });
        if self.rng.random_bool(0.3)
            && let Some(process) = &mut self.process
        {
            process.commit_us = [300, 30_000, 3_000_000][self.rng.random_range(0..3)];
        }
    }

    fn operate(&mut self) -> Check {
        let Some(process) = &mut self.process else { return Ok(()) };
        let manners = self.weather.manners;
        let command = operators::command(&mut self.rng, process, &mut self.model, &mut self.changed, manners);
        match command {
            Some(command) => self.tell_switch(command),
            None => Ok(()),
        }
    }

    fn tell_switch(&mut self, command: Command) -> Check {
        let now = self.now();
        self.trace.note(|| format!("an operator: {command:?}"));
        self.with_process(|process, model, trace| {
            process.command(now, command, model, trace)?;
            // What was not taken at once never will be.
            process.next_config = None;
            Ok(())
        })?;
        self.settle()
    }

    /// Somebody stops the process, if it is not being stopped.
    fn go_down(&mut self) -> Check {
        let now = self.now();
        self.with_process(
            |process, model, trace| {
                if process.goes_down() { Ok(()) } else { process.go_down(now, model, trace) }
            },
        )
    }

    /// The process is gone, with all links.
    pub(super) fn end(&mut self, ending: Ending) -> Check {
        if ending == Ending::Orderly {
            // What the core has said reaches the links before they are closed.
            let orders = self.process.as_mut().map(|process| std::mem::take(&mut process.orders));
            for (LinkId(link), order) in orders.unwrap_or_default() {
                self.obey_switch(link, order)?;
            }
            for conn in self.conns.values_mut().filter(|conn| conn.sides[SWITCH].open) {
                let trace = &mut self.trace;
                conn.write(self.now, SWITCH, &mut self.rng, &mut |bytes| trace.bytes(bytes));
            }
        }
        let now = self.now();
        let Some(mut process) = self.process.take() else { return Ok(()) };
        self.trace.note(|| format!("the process ends: {ending:?}"));
        match ending {
            Ending::Itself | Ending::Killed => {}
            Ending::Orderly => {
                process.say_end(now, &mut self.model, &mut self.trace)?;
                return self.ended(ending);
            }
            Ending::Power => self.disk = self.disk.power_cut(),
            Ending::Torn => {
                let operations = self.rng.random_range(0..6);
                self.disk.set(|faults| faults.power = Some(operations));
                process.torn();
                self.disk = self.disk.power_cut();
            }
        }
        if ending == Ending::Itself && self.rng.random_bool(0.3) {
            self.disk = self.disk.power_cut();
        }
        self.disk.set(Faults::heal);
        self.disk_well_at = Tick(u64::MAX);
        drop(process);
        self.ended(ending)
    }

    fn ended(&mut self, ending: Ending) -> Check {
        if self.rng.random_bool(0.2) {
            self.variant_at_start = Variant::ALL[self.rng.random_range(0..3)];
        }
        self.start_at = Tick(self.now.0 + self.rng.random_range(1_000..3_000_000));
        let quiet = matches!(ending, Ending::Power | Ending::Torn);
        for (link, conn) in &mut self.conns {
            conn.sides[SWITCH].open = false;
            conn.close(self.now, SWITCH);
            // After a power cut nobody tells the other end.
            if quiet && self.rng.random_bool(0.5) {
                conn.half_open = true;
            }
            self.dirty.insert(*link);
        }
        let over = self.conns.iter().filter(|(_, conn)| conn.is_over()).map(|(link, _)| *link).collect::<Vec<_>>();
        over.into_iter().for_each(|link| drop(self.conns.remove(&link)));
        Ok(())
    }

    /// Everybody is there and takes everything, and nothing goes wrong any more.
    pub(super) fn stop_faults(&mut self) -> Check {
        self.calm = true;
        self.variant_at_start = Variant::Usual;
        self.disk.set(Faults::heal);
        self.trouble_at = Tick(u64::MAX);
        self.disk_well_at = Tick(u64::MAX);
        let now = self.now;
        if let Some(process) = &mut self.process {
            process.disturbed(now);
            process.commit_us = 300;
        }
        for (link, conn) in &mut self.conns {
            conn.cut_after = None;
            conn.stalled_until = now;
            if conn.half_open {
                // What was lost on it is missing in the middle: it can only end.
                conn.lose(now);
            }
            self.dirty.insert(*link);
        }
        // The clock was set back and is right again: no hold is longer than it should be.
        self.wall_offset = self.wall_offset_max;
        for client in &mut self.clients {
            client.send_at = Tick(u64::MAX);
            client.turn(now, true, &mut self.rng);
        }
        self.settle()?;
        if self.process.as_ref().is_some_and(Process::goes_down) {
            self.end(Ending::Killed)?;
        }
        while self.process.is_none() {
            self.start_at = self.now;
            self.start()?;
        }
        // The store has to be open before anybody is heard.
        let end = self.now.after(Duration::from_secs(5));
        self.until(end, |_| false)?;
        let manners = self.weather.manners;
        if let Some(process) = &mut self.process {
            let reload = operators::reload(process, Variant::Usual, true, manners);
            self.tell_switch(reload)?;
        }
        self.tell_switch(Command::Undrain)?;
        for name in CLIENTS.map(|client| station(client.name)) {
            self.tell_switch(Command::Release { station: name })?;
            self.tell_switch(Command::Undivert { from: name })?;
        }
        Ok(())
    }

    pub(super) fn next_trouble(&mut self) -> Tick {
        Tick(self.now.0 + self.rng.random_range(1..=2 * self.weather.trouble_us))
    }
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its disk failed.
    Itself,
    /// It was told to.
    Orderly,
    /// Nothing that was written is lost.
    Killed,
    Power,
    /// The power goes in the middle of a commit.
    Torn,
}
