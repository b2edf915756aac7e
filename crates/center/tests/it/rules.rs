//! What one inquiry goes through, rule by rule.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use center::{
    Act, Action, Center, Command, Config, Denial, Event, Facts, Folds, InquiryId, Moment, Outcome, Outgoing, Part,
    Source, Standing, Written,
};

const NCIC: Source = Source(1);
const STATE: Source = Source(2);
/// It has a deadline of its own.
const SLOW: Source = Source(3);

fn center(automatic: &[u8]) -> Center {
    let automatic = BTreeSet::from_iter(automatic.iter().copied());
    let deadlines = BTreeMap::from([(SLOW, 30)]);
    Center::new(Config { automatic, deadline: 10, deadlines, late: 100, remember: 1_000 }, Folds::default())
}

fn outgoing(text: &'static str) -> Outgoing {
    Outgoing { validation: 1, bytes: Bytes::from_static(text.as_bytes()) }
}

fn written(kind: u8, text: &'static str) -> Written {
    Written { kind, message: outgoing(text), copy: None }
}

/// Handles an event at a moment and tells what was done, in words.
fn told(center: &mut Center, at: u64, event: Event) -> Vec<String> {
    center.handle(Moment(at), event);
    let mut told = Vec::new();
    while let Some(action) = center.poll_action() {
        told.push(match action {
            Action::Store { kind, .. } => format!("store {kind}"),
            Action::Acknowledge { delivery, .. } => format!("acknowledge {delivery}"),
            Action::Ask { source, .. } => format!("ask {}", source.0),
            Action::Compose { part, .. } => format!("compose {part:?}"),
            Action::Send { part, .. } => format!("send {part:?}"),
            Action::Reply { result, .. } => format!("reply {result:?}"),
        });
    }
    told
}

fn delivered(delivery: u32, facts: Facts) -> Event {
    let acknowledgement = outgoing("ACKNOWLEDGEMENT");
    Event::Delivered { delivery, fingerprint: 5, message: Bytes::from_static(b"IAQ"), facts, acknowledgement }
}

fn asking(sources: &[Source]) -> Facts {
    Facts { sources: sources.to_vec(), ..Facts::default() }
}

#[test]
fn nothing_shows_outside_before_its_record_is_durable() {
    let mut center = center(&[1]);
    assert_eq!(told(&mut center, 1, delivered(9, asking(&[]))), ["store 1", "compose Answer"]);
    let wrote = Event::Wrote { inquiry: InquiryId(1), part: Part::Answer, written: written(1, "ANSWER") };
    assert_eq!(told(&mut center, 1, wrote), ["store 4"]);
    let stored = told(&mut center, 1, Event::Stored { through: 1 });
    assert_eq!(stored, ["acknowledge 9", "send Acknowledgement"]);
    assert_eq!(told(&mut center, 1, Event::Stored { through: 2 }), ["send Answer"]);
    // The same delivery once more is only acknowledged, until it is forgotten.
    assert_eq!(told(&mut center, 2, delivered(9, asking(&[]))), ["acknowledge 9"]);
    assert_eq!(told(&mut center, 5_000, delivered(9, asking(&[]))), ["store 1", "compose Answer"]);
}

#[test]
fn a_source_that_is_late_does_not_hold_the_answer_and_supplements_it() {
    let mut center = center(&[1]);
    let id = InquiryId(1);
    assert_eq!(told(&mut center, 0, delivered(9, asking(&[NCIC, STATE]))), ["store 1"]);
    let stored = told(&mut center, 0, Event::Stored { through: 1 });
    assert_eq!(stored, ["acknowledge 9", "send Acknowledgement", "ask 1", "ask 2"]);
    let gave = |source| Event::Gave { inquiry: id, source, outcome: Outcome::Gave(Bytes::from_static(b"X")) };
    assert_eq!(told(&mut center, 5, gave(NCIC)), ["store 2"]);
    // A second answer of one source, and one of a source that was not asked, change nothing.
    assert!(told(&mut center, 5, gave(NCIC)).is_empty());
    assert!(told(&mut center, 5, gave(Source(3))).is_empty());
    assert_eq!(center.poll_timeout(), Some(Moment(10)));
    assert_eq!(told(&mut center, 10, Event::Timeout), ["store 2", "compose Answer"]);
    let outcomes = &center.inquiry(id).unwrap().outcomes;
    assert_eq!(outcomes[&STATE], Outcome::Late);
    let wrote = |part| Event::Wrote { inquiry: id, part, written: written(1, "TEXT") };
    assert_eq!(told(&mut center, 11, wrote(Part::Answer)), ["store 4"]);
    assert_eq!(told(&mut center, 20, gave(STATE)), ["store 2", "compose Supplement"]);
    assert_eq!(told(&mut center, 21, wrote(Part::Supplement)), ["store 4"]);
    assert_eq!(center.inquiry(id).unwrap().standing(), Standing::Supplemented);
    assert!(told(&mut center, 22, wrote(Part::Supplement)).is_empty());
}

#[test]
fn a_source_that_never_answers_is_given_up_and_the_inquiry_closed() {
    let mut center = center(&[1]);
    let id = InquiryId(1);
    told(&mut center, 0, delivered(9, asking(&[STATE])));
    told(&mut center, 10, Event::Timeout);
    told(&mut center, 10, Event::Wrote { inquiry: id, part: Part::Answer, written: written(1, "ANSWER") });
    for part in [Part::Acknowledgement, Part::Answer] {
        assert_eq!(told(&mut center, 11, Event::Settled { inquiry: id, part, taken: true }), ["store 5"]);
    }
    assert_eq!(center.poll_timeout(), Some(Moment(100)));
    assert_eq!(told(&mut center, 100, Event::Timeout), ["store 2"]);
    assert_eq!((center.inquiry(id), center.poll_timeout()), (None, None));
}

#[test]
fn without_a_word_of_the_configuration_only_the_acknowledgement_goes_out() {
    assert!(Config::default().automatic.is_empty());
    let mut center = center(&[]);
    let id = InquiryId(1);
    told(&mut center, 0, delivered(9, asking(&[])));
    let wrote = Event::Wrote { inquiry: id, part: Part::Answer, written: written(1, "ANSWER") };
    assert_eq!(told(&mut center, 0, wrote), ["store 3"]);
    assert_eq!(told(&mut center, 0, Event::Stored { through: 2 }), ["acknowledge 9", "send Acknowledgement"]);
    assert_eq!(center.inquiry(id).unwrap().standing(), Standing::Waiting);
}

#[test]
fn two_technicians_never_work_on_one_and_each_act_is_a_record() {
    let mut center = center(&[]);
    let id = InquiryId(1);
    let act = |who: &str, command| Event::Command { who: who.to_owned(), inquiry: id, command };
    let denied = |denial: Denial| vec![format!("reply Err({denial:?})")];
    assert_eq!(told(&mut center, 0, act("ONE", Command::Take)), denied(Denial::Unknown));
    told(&mut center, 0, delivered(9, asking(&[])));
    assert_eq!(told(&mut center, 0, act("ONE", Command::Take)), denied(Denial::NotWaiting));
    told(&mut center, 0, Event::Wrote { inquiry: id, part: Part::Answer, written: written(1, "ANSWER") });
    assert_eq!(told(&mut center, 0, act("ONE", Command::Answer)), denied(Denial::NotTaken));
    assert_eq!(told(&mut center, 0, act("ONE", Command::Take)), ["store 6"]);
    assert_eq!(told(&mut center, 0, act("TWO", Command::Take)), denied(Denial::Others));
    assert_eq!(told(&mut center, 0, act("TWO", Command::Answer)), denied(Denial::Others));
    assert_eq!(told(&mut center, 0, act("ONE", Command::HandBack)), ["store 6"]);
    assert_eq!(told(&mut center, 0, act("TWO", Command::Take)), ["store 6"]);
    // To look is for everybody, and leaves its record.
    assert_eq!(told(&mut center, 0, act("ONE", Command::Look)), ["store 6"]);
    let edited = Command::Write(Act::Edited, written(1, "OTHER"));
    assert_eq!(told(&mut center, 0, act("ONE", edited.clone())), denied(Denial::Others));
    assert_eq!(told(&mut center, 0, act("TWO", edited)), ["store 6", "store 3"]);
    assert_eq!(center.inquiry(id).unwrap().draft, Some(written(1, "OTHER")));
    assert_eq!(told(&mut center, 0, act("TWO", Command::Answer)), ["store 6", "store 4"]);
    let stored = told(&mut center, 0, Event::Stored { through: 10 });
    assert_eq!(stored.iter().filter(|told| *told == "reply Ok(())").count(), 6);
    assert_eq!(stored.last().unwrap(), "reply Ok(())");
    assert!(stored.contains(&"send Answer".to_owned()));
    assert_eq!(told(&mut center, 0, act("TWO", Command::Answer)), denied(Denial::NotWaiting));
}

#[test]
fn the_queue_is_custody_first_then_firearms_then_age() {
    let mut center = center(&[]);
    let mut expected = Vec::new();
    for (delivery, (custody, firearms)) in (1..).zip([(false, false), (false, true), (true, false), (true, false)]) {
        let facts = Facts { custody, firearms, sources: Vec::new() };
        told(&mut center, delivery.into(), delivered(delivery, facts));
        let inquiry = InquiryId(center.folds().last());
        expected.push(inquiry);
        told(&mut center, 9, Event::Wrote { inquiry, part: Part::Answer, written: written(1, "ANSWER") });
    }
    let queue: Vec<_> = center.folds().queue().iter().map(|(id, _)| *id).collect();
    assert_eq!(queue, [expected[2], expected[3], expected[1], expected[0]]);
}

#[test]
fn each_source_has_its_own_deadline() {
    let mut center = center(&[1]);
    let id = InquiryId(1);
    told(&mut center, 0, delivered(9, asking(&[NCIC, SLOW])));
    assert_eq!(told(&mut center, 10, Event::Timeout), ["store 2"]);
    assert_eq!(center.inquiry(id).unwrap().outcomes, BTreeMap::from([(NCIC, Outcome::Late)]));
    assert_eq!(center.poll_timeout(), Some(Moment(30)));
    let gave = |source| Event::Gave { inquiry: id, source, outcome: Outcome::Gave(Bytes::from_static(b"X")) };
    assert_eq!(told(&mut center, 15, gave(SLOW)), ["store 2", "compose Answer"]);
    // The slow one's own moment passes: nobody is given up at it.
    assert!(told(&mut center, 30, Event::Timeout).is_empty());
    assert_eq!(center.inquiry(id).unwrap().owed().collect::<Vec<_>>(), [NCIC]);
    assert_eq!(center.poll_timeout(), Some(Moment(100)));
}
