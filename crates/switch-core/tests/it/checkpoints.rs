//! Checkpoints of the folds: they say the same as the journal, or they say that they cannot be used.

use std::convert::Infallible;

use bytes::Bytes;
use codec::time::{Tick, Timestamp};
use switch_core::{
    Action, Command, Event, Folds, LinkId, Network, Now, Request, Section, Sections, Sequence, Switch, Token,
};

use crate::network::{attached, dictionary, name, network};

/// A checkpoint in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Checkpoint(Vec<(String, u32, Vec<u8>)>);

impl Sections for Checkpoint {
    type Error = Infallible;

    fn begin(&mut self, name: &str, version: u32) -> Result<(), Infallible> {
        self.0.push((name.to_owned(), version, Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.last_mut().expect("a section was begun").2.extend_from_slice(bytes);
        Ok(())
    }
}

impl Checkpoint {
    /// Equal for equal folds, and only for those.
    pub(crate) fn of(folds: &Folds) -> Self {
        let mut checkpoint = Self::default();
        let Ok(()) = folds.checkpoint(&mut checkpoint);
        checkpoint
    }

    pub(crate) fn restore(&self, network: &Network) -> Result<Folds, String> {
        let section = |(name, version, bytes): &(String, u32, Vec<u8>)| (name.clone(), *version, bytes.clone());
        let kept: Vec<_> = self.0.iter().map(section).collect();
        let sections: Vec<_> =
            kept.iter().map(|(name, version, bytes)| Section { name, version: *version, bytes }).collect();
        Folds::restore(network, &sections).map_err(|error| error.to_string())
    }
}

/// Folds of a journal, given as sequence number, kind and payload.
pub(crate) fn fold(mut folds: Folds, journal: &[(u64, u8, Bytes)]) -> Folds {
    for (sequence, kind, record) in journal {
        folds.replay(*sequence, *kind, record).unwrap_or_else(|error| panic!("{error}"));
    }
    folds
}

/// A journal with something in every fold: copies that wait, one delivered, one returned, an ER, messages remembered.
fn journal() -> Vec<(u64, u8, Bytes)> {
    let mut journal = Vec::new();
    let mut switch =
        Switch::new(network(), dictionary(), Folds::new(&network()), Now { tick: Tick(0), wall: Timestamp(0) });
    let link = LinkId(1);
    let message = |number: u32, text: &str| Event::Received {
        link,
        token: Token(number.into()),
        validation: number,
        message: Bytes::copy_from_slice(text.as_bytes()),
    };
    let ask = |priority: &str, case: u32| {
        format!(
            "YQ.ZA0010000.ZC0020000.*T{case}.TXT\r\nRTY/SL.RNO/1.PRI/{priority}.OCA/CASE{case}.NIC/NONE.\
             LIC/TEST123.LIS/TX.RNA/SGT TEST ONE.RAG/TEST PD"
        )
    };
    let events = [
        attached(link, "ZA0010000"),
        Event::Room { link, messages: 2 },
        message(1, "AM.ZA0010000.ZA0010000.TXT\r\nTO MYSELF"),
        message(2, "AM.ZA0010000.ZC.ZB.TXT\r\nTHEY ARE AWAY"),
        message(3, "QQ.ZA0010000.ZC.TXT\r\nNO SUCH KEY"),
        message(4, "AML.ZA0010000.ZB.TXT\r\nIT IS STORED"),
        Event::Act { who: "switch".into(), from: "".into(), what: "test".into(), result: "done".into() },
        message(5, "NLQ.ZA0010000.NL.TXT\r\nTYP/ALL.BEG/19700101.END/19700102.FND/SAMPLE"),
        message(6, "TA.ZA0010000.OD.TXT\r\nORI/ZA0050000.LOC/SAMPLE.TYP/PD.AUT/AC.HRS/A.PHO/5555550150.REM/Text"),
        message(7, "TD.ZA0010000.OD.TXT\r\nORI/ZA0050000"),
        message(8, "TA.ZA0010000.OD.TXT\r\nORI/ZA0060000.LOC/SAMPLE.TYP/PD.AUT/AC.HRS/A.PHO/5555550150.REM/Text"),
        message(9, "AM.ZA0010000.ZAORIUPDT.TXT\r\nTEXT"),
        message(10, "SM.ZA0010000.NL.TXT\r\nOUT OF SERVICE FOR AM"),
        message(11, "SM.ZA0010000.NL.TXT\r\nOUT OF SERVICE"),
        message(12, &ask("U", 1)),
        message(13, &ask("R", 2)),
        Event::Command {
            request: Request(1),
            who: "test".into(),
            from: "".into(),
            command: Command::Hold { station: name("IC") },
        },
    ];
    let mut pending: Vec<_> = events.into_iter().rev().collect();
    let mut time = 0;
    let mut settled = false;
    while let Some(event) = pending.pop() {
        time += 1_000;
        switch.handle(Now { tick: Tick(time), wall: Timestamp(time as i64) }, event);
        while let Some(action) = switch.poll_action() {
            if let Action::Store { sequence, kind, record } = action {
                journal.push((sequence.0, kind, record));
                pending.insert(0, Event::Stored { through: sequence });
            } else if let Action::Deliver { link, delivery, .. } = action {
                let taken = delivery.number() % 2 == 1;
                pending.push(if taken {
                    Event::Delivered { link, delivery }
                } else {
                    Event::Failed { link, delivery }
                });
                pending.push(Event::Room { link, messages: 2 });
            }
        }
        if pending.is_empty() && !settled {
            settled = true;
            // The urgent confirmation is overdue, the other one is still to come.
            time += 20 * 60 * 1_000_000;
            pending.push(Event::Timeout);
        }
    }
    journal
}

#[test]
fn a_checkpoint_and_the_records_after_it_are_the_whole_journal() {
    let journal = journal();
    let whole = fold(Folds::new(&network()), &journal);
    assert!(whole.waiting() > 2 && whole.oldest_needed() > Some(Sequence(1)));
    let empty = Checkpoint::of(&Folds::new(&network()));
    for (full, empty) in Checkpoint::of(&whole).0.iter().zip(&empty.0) {
        // Marks come of messages in OFML, which have transcripts of their own.
        assert!(full != empty || full.0 == "marks", "the journal has something for section {:?}", full.0);
    }
    for place in 0..=journal.len() {
        let (before, after) = journal.split_at(place);
        let checkpoint = Checkpoint::of(&fold(Folds::new(&network()), before));
        let restored = checkpoint.restore(&network()).unwrap();
        assert_eq!(Checkpoint::of(&restored), checkpoint, "after {place} records");
        assert_eq!(Checkpoint::of(&fold(restored, after)), Checkpoint::of(&whole), "after {place} records");
    }
}

/// What the comparison above would miss if it compared nothing.
#[test]
fn each_record_makes_a_difference_to_a_checkpoint() {
    let journal = journal();
    let mut folds = Folds::new(&network());
    for record in &journal {
        let before = Checkpoint::of(&folds);
        folds = fold(folds, std::slice::from_ref(record));
        assert_ne!(Checkpoint::of(&folds), before, "record {}", record.0);
    }
}

#[test]
fn a_checkpoint_of_another_version_or_with_a_section_too_few_is_not_used() {
    let good = Checkpoint::of(&fold(Folds::new(&network()), &journal()));
    assert!(good.restore(&network()).is_ok());
    let refused = |change: &dyn Fn(&mut Checkpoint)| {
        let mut checkpoint = good.clone();
        change(&mut checkpoint);
        checkpoint.restore(&network()).expect_err("it is not used")
    };
    for place in 0..good.0.len() {
        let name = good.0[place].0.clone();
        for why in [
            refused(&|checkpoint| drop(checkpoint.0.remove(place))),
            refused(&|checkpoint| checkpoint.0.push(good.0[place].clone())),
            refused(&|checkpoint| checkpoint.0[place].1 += 1),
            refused(&|checkpoint| checkpoint.0[place].2.push(0)),
        ] {
            assert!(why.contains(&name), "{why}");
        }
    }
    let why = refused(&|checkpoint| checkpoint.0.push(("obligations".to_owned(), 1, Vec::new())));
    assert!(why.contains("obligations"), "{why}");
}

#[test]
fn no_bytes_make_a_checkpoint_panic() {
    let good = Checkpoint::of(&fold(Folds::new(&network()), &journal()));
    for place in 0..good.0.len() {
        let bytes = &good.0[place].2;
        for length in 0..bytes.len() {
            let mut cut = good.clone();
            cut.0[place].2.truncate(length);
            assert!(cut.restore(&network()).is_err(), "section {place} cut at {length}");
            // A flipped byte may well be another state; the journal's hash is what finds it. It must only not end us.
            let mut flipped = good.clone();
            flipped.0[place].2[length] ^= 0xff;
            drop(flipped.restore(&network()));
        }
    }
}

#[test]
fn dead_letters_go_with_the_record_that_they_point_to() {
    let mut folds = fold(Folds::new(&network()), &journal());
    let before = Checkpoint::of(&folds);
    let switch = Switch::new(
        network(),
        dictionary(),
        fold(Folds::new(&network()), &journal()),
        Now { tick: Tick(0), wall: Timestamp(0) },
    );
    let points_to = switch.dead_letters().map(|(_, letter)| letter.sequence).min().unwrap();
    folds.pruned(points_to);
    assert_eq!(Checkpoint::of(&folds), before);
    folds.pruned(Sequence(points_to.0 + 1));
    assert_ne!(Checkpoint::of(&folds), before);
}
