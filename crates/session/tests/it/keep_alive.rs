//! Status requests and silence.

use codec::block::{Function, Status};
use session::{CloseReason, Event, Role};

use crate::end::{End, ack, data, request, response, seconds};

const SECOND: u64 = 1_000_000;

fn requests(end: &mut End) -> Vec<u64> {
    let said = end.said_when().into_iter();
    said.filter(|(_, block)| block.function() == Function::StatusRequest).map(|(at, _)| at / SECOND).collect()
}

#[test]
fn a_status_request_goes_out_after_30_s_without_a_send() {
    let mut end = End::new(Role::Station);
    end.wait(seconds(29));
    assert_eq!(end.said(), []);
    end.wait(seconds(1));
    assert_eq!(end.said(), [request(0)]);
    end.give([response(0, Status::READY)]);
    end.wait(seconds(20));
    end.send(5, "X");
    end.give([ack(5)]);
    end.wait(seconds(29));
    assert_eq!(end.said(), [data(2, 5, "X")], "any send puts it off");
    end.wait(seconds(1));
    assert_eq!(end.said(), [request(0)]);
}

#[test]
fn two_unanswered_requests_close_when_the_next_falls_due() {
    let mut end = End::new(Role::Station);
    end.wait(seconds(89));
    assert_eq!(requests(&mut end), [30, 60]);
    assert_eq!(end.events(), []);
    end.wait(seconds(1));
    assert_eq!(requests(&mut end), []);
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::Unanswered }]);
}

#[test]
fn an_answer_to_the_second_request_is_in_time() {
    let mut end = End::new(Role::Station);
    for _ in 0..10 {
        end.wait(seconds(60));
        end.give([response(0, Status::READY)]);
    }
    assert_eq!(end.events(), []);
    assert!(!end.session.is_closed());
}

#[test]
fn the_switch_closes_a_link_on_which_nothing_arrives_for_60_s() {
    let mut end = End::new(Role::Switch);
    end.wait(seconds(59));
    assert_eq!((requests(&mut end), end.events()), (vec![30], vec![]));
    end.wait(seconds(1));
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::Silent }]);
}

#[test]
fn anything_that_arrives_keeps_the_switch_from_closing() {
    let mut end = End::new(Role::Switch);
    for _ in 0..20 {
        end.wait(seconds(29));
        end.give([request(3)]);
    }
    assert!(!end.session.is_closed());
    end.wait(seconds(59));
    assert!(!end.session.is_closed());
    end.wait(seconds(1));
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::Silent }]);
}

#[test]
fn a_block_that_does_not_end_closes_however_often_a_byte_comes() {
    let mut end = End::new(Role::Switch);
    let mut bytes = bytes::BytesMut::new();
    data(2, 5, "HELLO").encode(&mut bytes);
    for byte in &bytes[..12] {
        end.give_bytes(&[*byte]);
        end.wait(seconds(5));
    }
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::Unfinished }]);
}

#[test]
fn silence_is_not_held_against_a_peer_that_is_not_read() {
    let mut end = End::new(Role::Switch);
    end.session.pause_reading(end.now);
    end.wait(seconds(300));
    assert_eq!(end.events(), []);
    end.session.resume_reading(end.now);
    end.wait(seconds(59));
    assert_eq!(end.events(), []);
    end.wait(seconds(1));
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::Silent }]);
}

#[test]
fn messages_do_not_run_out_of_time_while_their_acks_are_not_read() {
    let mut end = End::new(Role::Station);
    end.send(5, "A");
    end.wait(seconds(2));
    end.session.pause_reading(end.now);
    end.send(6, "B");
    end.wait(seconds(15));
    assert_eq!(end.said(), [data(2, 5, "A"), data(2, 6, "B")], "new messages go out, nothing is repeated");
    end.give([response(0, Status::NOT_READY)]);
    end.session.resume_reading(end.now);
    end.wait(seconds(5));
    end.give([response(0, Status::READY)]);
    end.wait(seconds(3) - std::time::Duration::from_micros(1));
    assert_eq!(end.said(), [], "the clock runs only when the peer is both heard and ready");
    end.wait(std::time::Duration::from_micros(1));
    assert_eq!(end.said(), [data(2, 5, "A")]);
    end.wait(seconds(2));
    assert_eq!(end.said(), [data(2, 6, "B")]);
}
