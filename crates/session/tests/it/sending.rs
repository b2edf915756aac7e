//! Acknowledgements, the window and repeats.

use std::num::NonZeroU32;

use bytes::BytesMut;
use codec::block::{Block, Status};
use session::{CloseReason, Config, Event, Failure, Outgoing, Role, Session};

use crate::end::{End, ack, blocks, body, data, nack, outgoing, seconds};

const SECOND: u64 = 1_000_000;

fn station() -> End {
    End::new(Role::Station)
}

fn with_window(window: u16) -> End {
    End::with(Config { window, ..Config::new(Role::Station) })
}

fn delivered(ids: impl IntoIterator<Item = u64>) -> Vec<Event> {
    ids.into_iter().map(|id| Event::Delivered { id }).collect()
}

/// The validations of the blocks said since the last call.
fn validations(end: &mut End) -> Vec<u32> {
    end.said().iter().map(Block::validation).collect()
}

#[test]
fn a_message_is_delivered_when_each_of_its_blocks_was_acknowledged() {
    let mut end = station();
    end.send(5, "HELLO");
    assert_eq!(end.said(), [data(2, 5, "HELLO")]);
    end.give([ack(5)]);
    assert_eq!(end.events(), delivered([5]));
    end.send(6, body(70_000));
    assert_eq!(end.said(), blocks(6, body(70_000)));
    end.give([ack(6), ack(6)]);
    assert_eq!(end.events(), []);
    end.give([ack(6)]);
    assert_eq!(end.events(), delivered([6]));
    assert_eq!((end.session.in_flight(), end.session.strays()), (0, 0));
    end.wait(seconds(20));
    assert_eq!(end.said(), [], "nothing is repeated");
}

#[test]
fn the_window_takes_32_and_not_33() {
    let mut end = station();
    assert_eq!(end.room(), Some(32));
    (1..=40).for_each(|validation| end.send(validation, "X"));
    assert_eq!(validations(&mut end), (1..=32).collect::<Vec<_>>());
    assert_eq!(end.room(), Some(0));
    end.give([ack(7)]);
    assert_eq!(validations(&mut end), [33]);
    assert_eq!(end.room(), Some(0), "seven still wait");
    end.give((1..=33).filter(|v| *v != 7).map(ack));
    assert_eq!(validations(&mut end), (34..=40).collect::<Vec<_>>());
    assert_eq!(end.room(), Some(25));
}

#[test]
fn room_is_told_when_it_changes_and_only_then() {
    let mut session = Session::new(Config { window: 3, ..Config::new(Role::Switch) }, codec::time::Tick(0));
    assert_eq!(session.poll_event(), Some(Event::Room { messages: 3 }));
    assert_eq!(session.poll_event(), None);
    (1..=2).for_each(|validation| session.send(outgoing(validation, "X")));
    assert_eq!(session.poll_event(), Some(Event::Room { messages: 1 }), "the sum of several changes");
    (3..=5).for_each(|validation| session.send(outgoing(validation, "X")));
    assert_eq!(session.poll_event(), Some(Event::Room { messages: 0 }));
    assert_eq!(session.poll_event(), None);
}

#[test]
fn one_message_at_a_time_is_partly_sent_and_the_output_stays_short() {
    let mut session = Session::new(Config::new(Role::Station), codec::time::Tick(0));
    (1..=3).for_each(|validation| session.send(outgoing(validation, body(100_000))));
    let (mut output, mut deframer, mut seen) = (BytesMut::new(), codec::block::Deframer::new(), Vec::new());
    loop {
        session.transmit(codec::time::Tick(0), &mut output);
        assert!(output.len() <= 64 * 1024 + 32_768, "{} bytes", output.len());
        let Some(block) = deframer.next(&mut output).unwrap() else { break };
        seen.push(block);
    }
    let expected: Vec<Block> = (1..=3).flat_map(|validation| blocks(validation, body(100_000))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn answers_go_out_between_the_blocks_of_a_long_message() {
    let mut session = Session::new(Config::new(Role::Station), codec::time::Tick(0));
    session.send(outgoing(1, body(200_000)));
    let (mut output, mut input) = (BytesMut::new(), BytesMut::new());
    session.transmit(codec::time::Tick(0), &mut output);
    crate::end::request(9).encode(&mut input);
    session.handle_bytes(codec::time::Tick(1), &mut input);
    output.clear();
    session.transmit(codec::time::Tick(1), &mut output);
    let first = codec::block::Deframer::new().next(&mut output).unwrap().unwrap();
    assert_eq!(first, crate::end::response(9, Status::READY));
}

#[test]
fn unanswered_it_is_sent_again_after_5_s_to_the_byte_and_closes_after_the_third() {
    let mut end = station();
    let message = body(40_000);
    end.send(5, message.clone());
    end.wait(seconds(14));
    let times: Vec<u64> = end.said_when().iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 0, 5 * SECOND, 5 * SECOND, 10 * SECOND, 10 * SECOND]);
    assert_eq!(end.events(), []);
    end.wait(seconds(1));
    assert_eq!(end.said(), []);
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::Unacknowledged { id: 5 } }]);

    let mut end = station();
    end.send(5, message.clone());
    end.wait(seconds(5) - std::time::Duration::from_micros(1));
    assert_eq!(end.said(), blocks(5, message.clone()));
    end.wait(std::time::Duration::from_micros(1));
    assert_eq!(end.said(), blocks(5, message));
}

#[test]
fn acks_of_a_first_send_alone_do_not_prove_that_the_second_is_safe() {
    let mut end = station();
    end.send(5, body(70_000));
    end.wait(seconds(5));
    assert_eq!(end.said().len(), 6, "three blocks, twice");
    // Both sends' first and second blocks are acknowledged on arrival; the final blocks are not safe yet.
    end.give([ack(5), ack(5), ack(5), ack(5)]);
    assert_eq!(end.events(), []);
    end.give([ack(5)]);
    assert_eq!(end.events(), delivered([5]));
    end.give([ack(5)]);
    assert_eq!(end.session.strays(), 1, "the other final block's");
}

#[test]
fn an_ack_between_two_sends_delivers_and_nothing_is_sent_again() {
    let mut end = station();
    end.send(5, "HELLO");
    end.wait(seconds(9));
    assert_eq!(end.said().len(), 2);
    end.give([ack(5)]);
    assert_eq!(end.events(), delivered([5]));
    end.wait(seconds(20));
    assert_eq!(end.said(), []);
}

#[test]
fn acks_of_unknown_messages_are_counted_and_ignored() {
    let mut end = station();
    end.send(5, "HELLO");
    end.give([ack(5), ack(5), ack(0), nack(9, 0x0011), nack(5, 0x0012)]);
    assert_eq!(end.events(), delivered([5]));
    assert_eq!(end.session.strays(), 4);
    assert!(!end.session.is_closed());
}

#[test]
fn refused_for_now_it_is_sent_again_after_5_s_as_often_as_it_takes() {
    let mut end = station();
    end.send(5, "HELLO");
    end.said();
    for _ in 0..10 {
        end.give([nack(5, 0x0012)]);
        end.wait_answering(seconds(5) - std::time::Duration::from_micros(1));
        assert_eq!(end.said(), []);
        end.wait(std::time::Duration::from_micros(1));
        assert_eq!(end.said(), [data(2, 5, "HELLO")]);
    }
    assert_eq!(end.events(), []);
    end.give([ack(5)]);
    assert_eq!(end.events(), delivered([5]));
}

#[test]
fn a_refusal_starts_the_count_of_sends_and_acks_again() {
    let mut end = station();
    end.send(5, body(40_000));
    end.wait(seconds(10));
    assert_eq!(end.said().len(), 6, "two blocks, three times");
    end.give([ack(5), nack(5, 0x0012), nack(5, 0x0012)]);
    end.wait(seconds(14));
    assert_eq!(end.said().len(), 4, "sent again 5 s after the first refusal, and once more");
    assert_eq!(end.events(), []);
    end.give([ack(5), ack(5)]);
    assert_eq!(end.events(), [], "two sends, two blocks each: the third ack proves it");
    end.give([ack(5)]);
    assert_eq!(end.events(), delivered([5]));
}

#[test]
fn a_refused_message_that_turns_out_safe_is_delivered() {
    let mut end = station();
    end.send(5, "HELLO");
    end.wait(seconds(5));
    end.give([nack(5, 0x0012), ack(5)]);
    assert_eq!(end.events(), delivered([5]), "the store opened between the first and the second copy");
    end.said();
    end.wait(seconds(20));
    assert_eq!(end.said(), []);
}

#[test]
fn refused_for_good_is_failed_with_what_the_peer_said() {
    let mut end = station();
    for (validation, status) in [(1, 0x0011), (2, 0x0014), (3, 0x0041), (4, 0x0042), (5, 0x0001), (6, 0x7777)] {
        end.send(validation, "HELLO");
        end.give([nack(validation, status)]);
        let why = Failure::Permanent(Status(status));
        assert_eq!(end.events(), [Event::Failed { id: u64::from(validation), why }]);
    }
    end.said();
    end.wait(seconds(20));
    assert_eq!(end.said(), []);
    assert_eq!(end.session.in_flight(), 0);
}

#[test]
fn a_message_that_fails_while_partly_sent_is_sent_to_its_end() {
    let mut session = Session::new(Config::new(Role::Station), codec::time::Tick(0));
    session.send(outgoing(1, body(200_000)));
    session.send(outgoing(2, "NEXT"));
    let (mut output, mut input) = (BytesMut::new(), BytesMut::new());
    session.transmit(codec::time::Tick(0), &mut output);
    nack(1, 0x0014).encode(&mut input);
    session.handle_bytes(codec::time::Tick(1), &mut input);
    let (mut deframer, mut seen) = (codec::block::Deframer::new(), Vec::new());
    loop {
        session.transmit(codec::time::Tick(1), &mut output);
        let Some(block) = deframer.next(&mut output).unwrap() else { break };
        seen.push(block);
    }
    let mut expected = blocks(1, body(200_000));
    expected.push(data(2, 2, "NEXT"));
    assert_eq!(seen, expected, "the peer takes one message at a time");
    assert_eq!(session.in_flight(), 1);
}

#[test]
fn too_many_halves_the_window_and_it_grows_back_with_each_delivery() {
    let mut end = with_window(8);
    (1..=8).for_each(|validation| end.send(validation, "X"));
    end.said();
    end.give([nack(8, 0x0013)]);
    assert_eq!(end.room(), Some(0));
    (9..=20).for_each(|validation| end.send(validation, "X"));
    end.give([ack(1), ack(2), ack(3)]);
    assert_eq!(validations(&mut end), [9, 10], "eight in flight less three; the window is four and three more");
    end.wait(seconds(1) - std::time::Duration::from_micros(1));
    assert_eq!(validations(&mut end), []);
    end.wait(std::time::Duration::from_micros(1));
    assert_eq!(validations(&mut end), [8], "again after 1 s");
    end.give([4, 5, 6, 7, 8, 9, 10].map(ack));
    assert_eq!(validations(&mut end), (11..=18).collect::<Vec<_>>(), "the whole window again, not more");
}

#[test]
fn a_window_of_one_is_not_halved_and_refused_messages_wait_for_their_turn() {
    let mut end = with_window(4);
    (1..=4).for_each(|validation| end.send(validation, "X"));
    end.said();
    end.give([2, 3, 4].map(|validation| nack(validation, 0x0013)));
    end.wait(seconds(2));
    assert_eq!(validations(&mut end), [], "the window is one, and the first message is in it");
    end.give([ack(1)]);
    assert_eq!(validations(&mut end), [2, 3]);
    end.give([ack(3)]);
    assert_eq!(validations(&mut end), [4]);
    end.give([ack(2), ack(4)]);
    assert_eq!(end.events(), delivered([1, 3, 2, 4]));
    assert_eq!(end.room(), Some(4));
}

#[test]
fn two_messages_of_one_validation_are_never_in_flight_together() {
    let mut end = station();
    let validation = NonZeroU32::new(5).unwrap();
    for (id, bytes) in [(1, "A"), (2, "B")] {
        end.session.send(Outgoing { id, validation, bytes: bytes.into() });
    }
    end.send(6, "C");
    assert_eq!(end.said(), [data(2, 5, "A"), data(2, 6, "C")]);
    end.give([ack(5)]);
    assert_eq!(end.said(), [data(2, 5, "B")]);
    end.give([ack(5)]);
    assert_eq!(end.events(), delivered([1, 2]));
}

#[test]
fn an_empty_message_is_one_empty_block() {
    let mut end = station();
    end.send(5, "");
    assert_eq!(end.said(), [data(2, 5, "")]);
    end.give([ack(5)]);
    assert_eq!(end.events(), delivered([5]));
}

#[test]
fn repeats_go_before_new_messages() {
    let mut end = with_window(2);
    (1..=3).for_each(|validation| end.send(validation, "X"));
    end.said();
    end.wait(seconds(5));
    end.give([ack(2)]);
    assert_eq!(validations(&mut end), [1, 2, 3]);
}
