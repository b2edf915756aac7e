//! What becomes of the peer's data blocks.

use bytes::{Bytes, BytesMut};
use codec::block::{Block, FrameError, Function, Status};
use session::{CloseReason, Event, Refusal, Role};

use crate::end::{End, ack, blocks, body, data, nack, request, response, seconds};

const LIMIT: usize = 256 * 1024;

fn switch() -> End {
    End::new(Role::Switch)
}

/// The bytes of all messages told since the last call.
fn received(end: &mut End) -> Vec<(u32, Bytes)> {
    let messages = end.events().into_iter().map(|event| {
        let Event::Received { validation, bytes, .. } = event else { panic!("{event:?}") };
        (validation, bytes)
    });
    messages.collect()
}

#[test]
fn a_final_block_is_acknowledged_only_once_accepted() {
    let mut end = switch();
    end.give([data(2, 5, "HELLO")]);
    assert_eq!(received(&mut end), [(5, Bytes::from("HELLO"))]);
    end.wait(seconds(3));
    assert_eq!(end.said(), []);
    assert_eq!(end.session.unaccepted(), (1, 5));
    end.accept(5);
    assert_eq!(end.said(), [ack(5)]);
    assert_eq!(end.session.unaccepted(), (0, 0));
    end.accept(5);
    assert_eq!(end.said(), [], "a token is answered once");
}

#[test]
fn blocks_before_the_final_one_are_acknowledged_at_once() {
    let mut end = switch();
    let message = body(70_000);
    let sent = blocks(5, message.clone());
    end.give(sent[..2].to_vec());
    assert_eq!(end.said(), [ack(5), ack(5)]);
    end.give(sent[2..].to_vec());
    assert_eq!(end.said(), []);
    assert_eq!(received(&mut end), [(5, message)]);
    end.accept(5);
    assert_eq!(end.said(), [ack(5)]);
}

#[test]
fn data_that_asks_for_no_ack_gets_none_of_either_kind() {
    let mut end = switch();
    end.give([data(3, 5, "HEL"), data(1, 5, "LO"), data(1, 6, "AGAIN")]);
    assert_eq!(received(&mut end), [(5, Bytes::from("HELLO")), (6, Bytes::from("AGAIN"))]);
    end.accept(5);
    let token = end.token(6);
    end.session.refuse(token, Refusal::Temporary);
    end.give([data(1, 7, "X").to(2), data(3, 8, "X").to(2), data(1, 8, "X")]);
    assert_eq!(end.said(), []);
    assert_eq!(end.events(), []);
    end.give([data(3, 9, "A"), data(2, 9, "B")]);
    end.accept(9);
    assert_eq!(end.said(), [ack(9)], "each block asks for itself");
}

#[test]
fn refusals_have_their_status() {
    let mut end = switch();
    for (why, status) in [
        (Refusal::Temporary, 0x0012),
        (Refusal::Permanent, 0x0011),
        (Refusal::TooMany, 0x0013),
        (Refusal::TooLong, 0x0014),
    ] {
        end.give([data(2, 5, "HELLO")]);
        let token = end.token(5);
        end.session.refuse(token, why);
        end.give([]);
        assert_eq!(end.said(), [nack(5, status)]);
    }
}

#[test]
fn messages_are_accepted_in_any_order() {
    let mut end = switch();
    end.give([data(2, 5, "A"), data(2, 6, "B"), data(2, 0, "C")]);
    [0, 6, 5].into_iter().for_each(|validation| end.accept(validation));
    assert_eq!(end.said(), [ack(0), ack(6), ack(5)]);
}

#[test]
fn a_message_of_one_block_is_not_copied() {
    let mut end = switch();
    let mut buffer = BytesMut::new();
    data(2, 5, "HELLO").encode(&mut buffer);
    let place = buffer[24..].as_ptr();
    end.session.handle_bytes(end.now, &mut buffer);
    let Some(Event::Received { bytes, .. }) = end.session.poll_event() else { panic!("not received") };
    assert_eq!(bytes.as_ptr(), place);
}

#[test]
fn an_over_long_message_is_refused_once_and_the_rest_discarded() {
    for bytes in [LIMIT + 1, LIMIT + 40_000, 3 * LIMIT] {
        let mut end = switch();
        let sent = blocks(5, body(bytes));
        let fit = LIMIT / 32_740;
        end.give(sent.clone());
        let mut expected = vec![ack(5); fit];
        expected.push(nack(5, 0x0014));
        assert_eq!(end.said(), expected, "{bytes} bytes");
        assert_eq!(end.session.partial_bytes(), 0);
        end.give([data(2, 6, "NEXT")]);
        assert_eq!(received(&mut end), [(6, Bytes::from("NEXT"))], "{bytes} bytes");
    }
    let mut end = switch();
    end.give(blocks(5, body(LIMIT)));
    assert_eq!(received(&mut end), [(5, body(LIMIT))], "the limit itself fits");
}

#[test]
fn never_more_than_the_limit_is_held_for_a_peer() {
    let mut end = switch();
    for _ in 0..100 {
        end.give([data(4, 5, body(9_999))]);
        assert!(end.session.partial_bytes() <= LIMIT, "{} bytes", end.session.partial_bytes());
    }
    for _ in 0..1000 {
        end.give([data(4, 5, "")]);
    }
    assert_eq!(end.session.partial_bytes(), 0);
}

#[test]
fn another_message_in_the_middle_of_one_closes() {
    for (first, second) in [
        (data(4, 5, "A"), data(2, 6, "B")),
        (data(4, 5, "A"), data(4, 0, "B")),
        (data(3, 5, "A"), data(1, 6, "B").to(2)),
        (data(4, 5, "A").to(2), data(2, 6, "B")),
    ] {
        let mut end = switch();
        end.give([first, second, data(2, 6, "C")]);
        assert_eq!(end.events(), [Event::Closed { why: CloseReason::Interleaved }]);
        assert!(end.session.is_closed() && end.session.poll_timeout().is_none());
        end.give([data(2, 7, "D")]);
        end.session.send(crate::end::outgoing(1, "E"));
        end.wait(seconds(100));
        assert_eq!(end.events(), [], "nothing follows a close");
    }
}

#[test]
fn answers_and_questions_are_welcome_in_the_middle_of_a_message() {
    let mut end = switch();
    end.give([data(4, 5, "HEL"), request(9), ack(77), Block::without_data(Function::Unknown(0x99), 8, Status::NONE)]);
    end.give([data(2, 5, "LO")]);
    assert_eq!(end.said(), [ack(5), response(9, Status::READY), nack(8, 0x0041)]);
    assert_eq!(received(&mut end), [(5, Bytes::from("HELLO"))]);
}

#[test]
fn unknown_functions_are_refused_and_the_link_lives() {
    let mut end = switch();
    for code in [0, 5, 0x31, 0x32, 0x41, 0x42, 0x99, 0xFFFF] {
        end.give([Block::with_data(Function::Unknown(code), 5, Bytes::from("X")).unwrap()]);
        assert_eq!(end.said(), [nack(5, 0x0041)], "{code:04X}");
    }
    assert!(!end.session.is_closed());
}

#[test]
fn another_destination_is_refused_once_a_message() {
    let mut end = switch();
    end.give([data(2, 5, "A").to(2)]);
    assert_eq!(end.said(), [nack(5, 0x0042)]);
    end.give([data(4, 6, "A").to(2), data(4, 6, "B").to(2), data(2, 6, "C")]);
    assert_eq!(end.said(), [nack(6, 0x0042)]);
    end.give([data(4, 7, "A"), data(4, 7, "B").to(0), data(2, 7, "C").to(1)]);
    assert_eq!(end.said(), [ack(7), nack(7, 0x0042)]);
    end.give([request(8).to(2)]);
    assert_eq!(end.said(), [nack(8, 0x0042)]);
    assert_eq!(end.events(), []);
    end.give([ack(5).to(2), nack(5, 0x0042).to(2), response(5, Status::NOT_READY).to(2)]);
    assert_eq!((end.said(), end.events()), (vec![], vec![]), "an answer is never answered");
    assert_eq!(end.session.strays(), 3);
}

#[test]
fn bytes_that_are_no_blocks_close_after_what_came_before_was_taken() {
    let mut end = switch();
    let mut bytes = BytesMut::new();
    data(2, 5, "HELLO").encode(&mut bytes);
    bytes.extend_from_slice(b"\xFF\x00\xAA\x54");
    request(1).encode(&mut bytes);
    end.give_bytes(&bytes);
    let events = end.events();
    assert!(matches!(events[0], Event::Received { validation: 5, .. }), "{events:?}");
    assert_eq!(events[1..], [Event::Closed { why: CloseReason::Frame(FrameError::StartPattern) }]);
    assert_eq!(end.said(), []);
}

#[test]
fn answers_given_before_a_close_still_go_out() {
    let mut end = switch();
    end.give([request(3), data(4, 5, "A"), data(2, 6, "B")]);
    assert_eq!(end.said(), [response(3, Status::READY), ack(5)]);
}

#[test]
fn one_byte_at_a_time_is_the_same_message() {
    let mut end = switch();
    let mut bytes = BytesMut::new();
    blocks(5, body(33_000)).iter().for_each(|block| block.encode(&mut bytes));
    bytes.iter().for_each(|byte| end.give_bytes(&[*byte]));
    assert_eq!(received(&mut end), [(5, body(33_000))]);
}

#[test]
fn nobody_sees_a_body_in_debug_output() {
    let mut end = switch();
    end.give([data(4, 4, "SECRET"), data(2, 4, "SECRET"), data(2, 5, "SECRET"), data(4, 6, "SECRET")]);
    let sent = crate::end::outgoing(9, "SECRET");
    let shown = format!("{:?} {:?} {sent:?}", end.events(), end.session);
    assert!(!shown.contains("SECRET") && !shown.contains("83, 69, 67"), "{shown}");
    let mut sender = switch();
    sender.send(5, "SECRET");
    assert!(!format!("{:?}", sender.session).contains("SECRET"));
}
