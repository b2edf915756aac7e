//! Whether the peer is still there: status requests, and limits on silence and on unfinished blocks
//! (`protocol-specs/wire.md` 1.1).

use std::time::Duration;

use codec::time::Tick;

use crate::config::{Config, Role};
use crate::event::CloseReason;

/// When something was last sent and received, and which question is open.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    role: Role,
    interval: Duration,
    unanswered_max: u32,
    silence: Duration,
    sent_at: Tick,
    received_at: Tick,
    /// A status request is open: sent, and no status response came since.
    asked: bool,
    /// Requests that were still open when the next fell due, since the last response.
    unanswered: u32,
    /// The front of a block is here since then, its end is not.
    unfinished_since: Option<Tick>,
    reading: Reading,
}

/// Whether the owner reads what the peer sends. While it does not, silence is its own doing and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    On,
    Paused,
}

/// What the time that passed calls for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// Send a status request.
    Ask,
    Close(CloseReason),
}

impl KeepAlive {
    pub(crate) const fn new(config: &Config, now: Tick) -> Self {
        Self {
            role: config.role,
            interval: config.keep_alive,
            unanswered_max: config.unanswered_max,
            silence: config.silence,
            sent_at: now,
            received_at: now,
            asked: false,
            unanswered: 0,
            unfinished_since: None,
            reading: Reading::On,
        }
    }

    pub(crate) const fn sent(&mut self, now: Tick) {
        self.sent_at = now;
    }

    /// Bytes came.
    pub(crate) const fn received(&mut self, now: Tick) {
        self.received_at = now;
    }

    /// After the bytes were read: a block has ended with them, and more than whole blocks came.
    pub(crate) const fn left_over(&mut self, now: Tick, block_ended: bool, left_over: bool) {
        self.unfinished_since = match self.unfinished_since {
            _ if !left_over => None,
            Some(since) if !block_ended => Some(since),
            _ => Some(now),
        };
    }

    /// A status response came, asked for or not: the peer is there.
    pub(crate) const fn answered(&mut self) {
        self.asked = false;
        self.unanswered = 0;
    }

    pub(crate) const fn pause(&mut self) {
        self.reading = Reading::Paused;
    }

    /// Reading goes on: what the peer sent meanwhile is still to come, so each wait for it begins anew.
    pub(crate) fn resume(&mut self, now: Tick) {
        if self.reading == Reading::Paused {
            self.reading = Reading::On;
            self.received_at = now;
            self.unfinished_since = self.unfinished_since.map(|_| now);
            self.answered();
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Tick) -> Due {
        if self.silence_ends().is_some_and(|at| at <= now) {
            return Due::Close(CloseReason::Silent);
        }
        if self.unfinished_ends().is_some_and(|at| at <= now) {
            return Due::Close(CloseReason::Unfinished);
        }
        if self.sent_at.after(self.interval) > now {
            return Due::Nothing;
        }
        if self.asked && self.reading == Reading::On {
            self.unanswered = self.unanswered.saturating_add(1);
            if self.unanswered >= self.unanswered_max {
                return Due::Close(CloseReason::Unanswered);
            }
        }
        self.asked = true;
        self.sent_at = now;
        Due::Ask
    }

    pub(crate) fn poll_timeout(&self) -> Tick {
        let ask = self.sent_at.after(self.interval);
        [self.silence_ends(), self.unfinished_ends()].into_iter().flatten().fold(ask, Tick::min)
    }

    fn silence_ends(&self) -> Option<Tick> {
        let applies = self.role == Role::Switch && self.reading == Reading::On;
        applies.then(|| self.received_at.after(self.silence))
    }

    fn unfinished_ends(&self) -> Option<Tick> {
        let since = self.unfinished_since.filter(|_| self.reading == Reading::On)?;
        Some(since.after(self.silence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Tick {
        Tick(seconds * 1_000_000)
    }

    /// Lets time pass deadline by deadline; what was due when, until a close or `end`.
    fn run(keep_alive: &mut KeepAlive, end: Tick) -> Vec<(u64, Due)> {
        let mut seen = Vec::new();
        while keep_alive.poll_timeout() <= end {
            let at = keep_alive.poll_timeout();
            let due = keep_alive.handle_timeout(at);
            let closed = matches!(due, Due::Close(_));
            seen.push((at.0 / 1_000_000, due));
            if closed {
                break;
            }
        }
        seen
    }

    #[test]
    fn the_second_unanswered_request_closes_when_the_third_falls_due() {
        let mut station = KeepAlive::new(&Config::new(Role::Station), Tick(0));
        let close = Due::Close(CloseReason::Unanswered);
        assert_eq!(run(&mut station, seconds(1000)), [(30, Due::Ask), (60, Due::Ask), (90, close)]);
    }

    #[test]
    fn the_switch_closes_a_silent_link_first() {
        let mut switch = KeepAlive::new(&Config::new(Role::Switch), Tick(0));
        let close = Due::Close(CloseReason::Silent);
        assert_eq!(run(&mut switch, seconds(1000)), [(30, Due::Ask), (60, close)]);
    }

    #[test]
    fn nothing_is_held_against_the_peer_while_reading_is_paused() {
        let mut switch = KeepAlive::new(&Config::new(Role::Switch), Tick(0));
        switch.left_over(Tick(0), false, true);
        switch.pause();
        assert_eq!(run(&mut switch, seconds(125)).len(), 4, "asked every 30 s, never closed");
        switch.resume(seconds(125));
        assert_eq!(run(&mut switch, seconds(184)), [(150, Due::Ask), (180, Due::Ask)]);
        assert_eq!(run(&mut switch, seconds(185)), [(185, Due::Close(CloseReason::Silent))]);
    }

    #[test]
    fn a_block_has_to_end_in_time_however_many_bytes_come() {
        let mut switch = KeepAlive::new(&Config::new(Role::Switch), Tick(0));
        for at in 0..59 {
            switch.received(seconds(at));
            switch.left_over(seconds(at), at == 10, true);
            switch.sent(seconds(at));
        }
        switch.received(seconds(69));
        switch.sent(seconds(69));
        assert_eq!(run(&mut switch, seconds(100)), [(70, Due::Close(CloseReason::Unfinished))]);
    }
}
