//! What stations may leave in the switch is bounded.

#![expect(clippy::wildcard_enum_match_arm, reason = "other actions do not matter here")]

use std::sync::Arc;

use bytes::Bytes;
use codec::time::{Tick, Timestamp};
use switch_core::{Action, Event, Folds, Kind, LinkId, Network, Now, Observation, Refusal, Sequence, Switch, Token};

use crate::network::{attached, config, dictionary, network};

struct Talk {
    switch: Switch,
    time: u64,
}

impl Talk {
    fn new() -> Self {
        Self::over(&network())
    }

    fn over(network: &Arc<Network>) -> Self {
        let now = Now { tick: Tick(0), wall: Timestamp(0) };
        let switch = Switch::new(Arc::clone(network), dictionary(), Folds::new(network), now);
        let mut talk = Self { switch, time: 0 };
        talk.handle(attached(LinkId(1), "ZA0010000"));
        talk.handle(attached(LinkId(2), "ZC"));
        talk
    }

    fn handle(&mut self, event: Event) -> Vec<Action> {
        self.time += 1;
        let now = Now { tick: Tick(self.time), wall: Timestamp(i64::try_from(self.time).unwrap()) };
        self.switch.handle(now, event);
        self.switch.check_invariants();
        std::iter::from_fn(|| self.switch.poll_action()).collect()
    }

    /// What becomes of a message: `accepted`, the number of its ER, or why it was turned away.
    fn says(&mut self, text: String) -> String {
        let token = Token(self.time);
        let event = Event::Received { link: LinkId(1), token, validation: 0, message: Bytes::from(text) };
        let actions = self.handle(event);
        let last = actions.iter().rev().find_map(|action| match action {
            Action::Observe(Observation::Accepted { .. }) => Some("accepted".to_owned()),
            Action::Observe(Observation::Refused { number, .. }) => Some(format!("ER {}", number.number())),
            Action::Refuse { why, .. } => Some(format!("{why:?}")),
            _ => None,
        });
        if let Some(Action::Store { sequence: Sequence(through), record, .. }) =
            actions.into_iter().rfind(|action| matches!(action, Action::Store { .. }))
        {
            assert!(record.len() < 1 << 20, "a record is at most 1 MiB");
            self.handle(Event::Stored { through: Sequence(through) });
        }
        last.unwrap()
    }
}

#[test]
fn help_files_and_echoes_are_bounded() {
    let mut talk = Talk::new();
    let text = |length: usize| "X".repeat(length);
    let help = |function: &str, length| format!("AM.ZA0010000.ZAORI{function}.TXT\r\n{}", text(length));
    assert_eq!(talk.says(help("UPDT", (32 << 10) + 1)), "ER 22");
    assert_eq!(talk.says(help("UPDT", (32 << 10) - 10)), "accepted");
    assert_eq!(talk.says(help("APND", 9)), "ER 22", "with the line end before it that is one too many");
    assert_eq!(talk.says(help("APND", 8)), "accepted");
    assert_eq!(talk.says(help("HELP", 0)), "accepted");
    assert_eq!(talk.says(format!("ECHO.ZA0010000.NL.TXT\r\n{}", text(16 << 10))), "accepted");
    assert_eq!(talk.says(format!("ECHO.ZA0010000.NL.TXT\r\n{}", text((16 << 10) + 1))), "ER 22");
}

#[test]
fn confirmations_of_a_pair_are_bounded() {
    let mut talk = Talk::new();
    let ask = |case: usize, to: &str| {
        format!(
            "YQ.ZA0010000.{to}.TXT\r\nRTY/WP.RNO/1.PRI/R.OCA/CASE{case}.NIC/NONE.NAM/SAMPLE, PERSON A.DOB/19500102.\
             RNA/SGT TEST ONE.RAG/TEST PD"
        )
    };
    for case in 0..256 {
        assert_eq!(talk.says(ask(case, "ZC0020000")), "accepted", "{case}");
    }
    let refused = format!("{:?}", Refusal::TooManyUnacknowledged);
    assert_eq!(talk.says(ask(256, "ZC0020000")), refused);
    assert_eq!(talk.says(ask(256, "ZC0010000")), "accepted", "another one is asked");
}

#[test]
fn a_directory_of_thousands_is_looked_through_in_part_and_says_so() {
    let mut config = config();
    let more = (0..2_000).map(|n| {
        let mut entry =
            switch_core::OriConfig::new(crate::network::ori(&format!("ZC{n:07}")), crate::network::line("ZC"));
        entry.details.name = format!("SAMPLE {n:04}");
        entry
    });
    let known: Vec<_> = config.oris.iter().map(|entry| entry.ori).collect();
    config.oris.extend(more.filter(|entry| !known.contains(&entry.ori)));
    let network = Arc::new(Network::new(config, &dictionary()).unwrap());
    let now = Now { tick: Tick(0), wall: Timestamp(0) };
    let mut talk = Talk { switch: Switch::new(Arc::clone(&network), dictionary(), Folds::new(&network), now), time: 0 };
    talk.handle(attached(LinkId(1), "ZA0010000"));
    talk.handle(Event::Room { link: LinkId(1), messages: 32 });
    for (body, lines, more) in [
        ("LOC/SAMPLE", 26, true),
        ("LOC/SAMPLE 01", 26, true),
        ("LOC/SAMPLE 015", 10, false),
        ("LOC/SAMPLE 1999", 1, false),
        ("LOC/SAMPLE.TYP/JC", 2, true),
        ("TYP/PD", 26, true),
        ("ORI/ZC0001234", 1, false),
    ] {
        let message = format!("TQ.ZA0010000.OD.TXT\r\n{body}").into();
        let event = Event::Received { link: LinkId(1), token: Token(1), validation: 0, message };
        let stored = talk.handle(event).into_iter().find_map(|action| match action {
            Action::Store { sequence, .. } => Some(sequence),
            _ => None,
        });
        // The records of links come first: all of it.
        let through = Sequence(stored.unwrap().0 + 2);
        let sent = talk.handle(Event::Stored { through });
        let text = sent.into_iter().find_map(|action| match action {
            Action::Deliver { bytes, .. } => Some(String::from_utf8(bytes.to_vec()).unwrap()),
            _ => None,
        });
        let text = text.unwrap();
        let answer = text.split_once("TXT\r\n\u{7f}").unwrap().1;
        assert_eq!(answer.lines().count(), lines, "{body}: {answer}");
        assert_eq!(answer.contains("THERE MAY BE MORE"), more, "{body}: {answer}");
    }
}

/// Nothing of what waits is so small that it costs no memory: the bound holds for that, and not for the bytes alone.
#[test]
fn what_a_copy_costs_besides_its_message_counts_against_the_bound() {
    const BOUND: u64 = 10_000;
    let mut config = config();
    config.stations.iter_mut().filter(|one| one.name.as_str() == "ZC").for_each(|zc| zc.hold_bytes = BOUND);
    let network = Arc::new(Network::new(config, &dictionary()).unwrap());
    let mut talk = Talk::over(&network);
    talk.handle(Event::Detached { link: LinkId(2), suspect: None, why: "TEST".to_owned() });
    let message = "AM.ZA0010000.ZC.TXT\r\nX";
    for _ in 0..200 {
        assert_eq!(talk.says(message.to_owned()), "accepted");
    }
    let waiting = talk.switch.stations().find(|one| one.station.as_str() == "ZC").unwrap();
    let copies = waiting.queued.iter().sum::<usize>();
    let bytes = u64::try_from(message.len()).unwrap();
    assert!(waiting.bytes < BOUND / 5, "by their bytes alone, all 200 would have found room");
    let each = BOUND / u64::try_from(copies).unwrap();
    assert!(each > bytes + 200, "{copies} copies wait, {each} bytes for each");
}

/// Fills the store's memory: it takes nothing, and as much waits for it as may.
fn overfull(talk: &mut Talk) {
    let text = "X".repeat(200_000);
    for n in 1..=200 {
        let message = Bytes::from(format!("AM.ZA0010000.ZC.TXT\r\n{text}"));
        talk.handle(Event::Received { link: LinkId(1), token: Token(n), validation: 0, message });
    }
    talk.handle(Event::StoreFull);
}

fn stores(actions: &[Action], wanted: Kind) -> usize {
    let is = |action: &&Action| matches!(action, Action::Store { kind, .. } if *kind == wanted.number());
    actions.iter().filter(is).count()
}

#[test]
fn what_is_told_of_operators_while_the_store_is_full_is_bounded() {
    let act = |n: usize| Event::Act {
        who: format!("nobody {n}"),
        from: "192.0.2.1:1".to_owned(),
        what: "GET /stations".to_owned(),
        result: "denied".to_owned(),
    };
    let mut talk = Talk::new();
    assert_eq!(stores(&talk.handle(act(0)), Kind::Act), 1, "while there is room each is written");
    overfull(&mut talk);
    let written: usize = (0..1_000).map(|n| stores(&talk.handle(act(n)), Kind::Act)).sum();
    assert_eq!(written, 0);
}

/// A restart gives out the numbers of links after the highest that is in the journal: one that is up has to be there.
#[test]
fn a_link_that_comes_up_while_the_store_is_full_is_told_once_it_is_open() {
    let mut talk = Talk::new();
    overfull(&mut talk);
    talk.handle(attached(LinkId(7), "ZB"));
    talk.handle(attached(LinkId(8), "ZB"));
    talk.handle(Event::Detached { link: LinkId(8), suspect: None, why: "TEST".to_owned() });
    talk.time += 1_000_000;
    assert_eq!(stores(&talk.handle(Event::Timeout), Kind::Link), 0, "nothing more is written");
    let mut written = talk.handle(Event::StoreOpen);
    talk.time += 1_000_000;
    written.extend(talk.handle(Event::Timeout));
    assert_eq!(stores(&written, Kind::Link), 1, "the one that is up");
    let mut folds = Folds::new(&network());
    for action in written {
        if let Action::Store { kind, record, .. } = action {
            folds.replay(folds.next_sequence().0, kind, &record).unwrap();
        }
    }
    assert_eq!(folds.last_link(), LinkId(7));
}

/// As many records are loaded at a time as may be: until one is here, time passing changes nothing.
#[test]
fn nothing_is_due_while_as_much_is_loaded_as_may_be() {
    let mut config = config();
    config.limits.body_cache_bytes = 0;
    let network = Arc::new(Network::new(config, &dictionary()).unwrap());
    let mut talk = Talk::over(&network);
    talk.handle(Event::Detached { link: LinkId(2), suspect: None, why: "TEST".to_owned() });
    for _ in 0..300 {
        assert_eq!(talk.says("AM.ZA0010000.ZC.TXT\r\nX".to_owned()), "accepted");
    }
    talk.time += 100 * 3_600_000_000;
    // Notices to the sender expire too, and need no record: they share the turns.
    let mut loads = 0;
    for _ in 0..4 {
        let actions = talk.handle(Event::Timeout);
        loads += actions.iter().filter(|action| matches!(action, Action::Load { .. })).count();
    }
    assert_eq!(loads, 256);
    let now = Tick(talk.time);
    let due = talk.switch.poll_timeout();
    assert!(due.is_none_or(|due| due > now), "{due:?} at {now:?}");
}
