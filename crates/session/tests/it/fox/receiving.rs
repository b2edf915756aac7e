//! What the peer sends.

use codec::fox::{FrameError, FrameType, START, STOP};
use session::{CloseReason, Config, Event, Refusal, Role};

use super::end::{End, ack, frame, message, nack, on_link_5};

fn received(events: &[Event]) -> Vec<(u32, Vec<u8>)> {
    let one = |event: &Event| {
        let Event::Received { validation, bytes, .. } = event else { return None };
        Some((*validation, bytes.to_vec()))
    };
    events.iter().filter_map(one).collect()
}

#[test]
fn a_message_is_acknowledged_once_its_owner_has_it() {
    let mut end = End::connected();
    end.give([message(9, "AM")]);
    assert_eq!(received(&end.events()), [(on_link_5(9), b"AM".to_vec())]);
    assert_eq!(end.said(), [], "no ack before it is safe");
    end.accept(on_link_5(9));
    assert_eq!(end.said(), [ack(9)], "the ack echoes the number");
}

#[test]
fn only_the_last_frame_of_a_message_is_acknowledged() {
    let mut end = End::connected();
    end.give([message(9, "A").followed(), message(9, "").followed(), message(9, "M")]);
    assert_eq!(received(&end.events()), [(on_link_5(9), b"AM".to_vec())]);
    end.accept(on_link_5(9));
    assert_eq!(end.said(), [ack(9)]);
}

#[test]
fn patterns_inside_a_message_end_nothing() {
    let text = [&START[..], b"AM", &STOP, &START].concat();
    let mut end = End::connected();
    end.give([message(9, &text)]);
    assert_eq!(received(&end.events()), [(on_link_5(9), text)]);
}

#[test]
fn number_zero_switches_the_memory_off() {
    let mut end = End::connected();
    end.give([message(0, "AM")]);
    assert_eq!(received(&end.events()), [(0, b"AM".to_vec())]);
    end.accept(0);
    assert_eq!(end.said(), [ack(0)]);
}

#[test]
fn a_refusal_says_why_in_text() {
    for (why, text) in [
        (Refusal::Temporary, "0012 CANNOT BE STORED NOW, SEND AGAIN"),
        (Refusal::TooMany, "0013 TOO MANY UNACKNOWLEDGED, SEND AGAIN LATER"),
        (Refusal::TooLong, "0014 THE MESSAGE IS TOO LONG"),
        (Refusal::Permanent, "0011 NOT TAKEN"),
    ] {
        let mut end = End::connected();
        end.give([message(9, "AM")]);
        let token = end.token(on_link_5(9));
        end.session.refuse(token, why);
        end.give([]);
        assert_eq!(end.said(), [nack(9, text)]);
    }
}

#[test]
fn a_message_over_the_limit_is_refused_once_and_the_rest_of_it_is_nothing() {
    let mut end = End::with(Config { message_bytes_max: 100, ..Config::fox(Role::Switch, 5) });
    let piece = [b'x'; 60];
    end.give([message(9, piece).followed(), message(9, piece).followed(), message(9, piece)]);
    assert_eq!(end.said(), [nack(9, "0014 THE MESSAGE IS TOO LONG")]);
    assert_eq!(received(&end.events()), []);
    end.give([message(10, piece)]);
    assert_eq!(received(&end.events()).len(), 1, "the link lives");
}

#[test]
fn what_is_not_spoken_here_is_refused_with_a_clear_word() {
    for (kind, text) in [
        (FrameType::Encrypted, "0044 ENCRYPTION, IDENTIFICATION AND KEYS ARE NOT SPOKEN HERE"),
        (FrameType::Identification, "0044 ENCRYPTION, IDENTIFICATION AND KEYS ARE NOT SPOKEN HERE"),
        (FrameType::Key, "0044 ENCRYPTION, IDENTIFICATION AND KEYS ARE NOT SPOKEN HERE"),
        (FrameType::Unknown(b'Z'), "0041 UNKNOWN FRAME TYPE"),
    ] {
        let mut end = End::connected();
        end.give([frame(kind, 3, "x")]);
        assert_eq!(end.said(), [nack(3, text)]);
        assert!(!end.session.is_closed());
    }
}

#[test]
fn another_message_in_the_middle_of_one_closes() {
    let mut end = End::connected();
    end.give([message(9, "A").followed(), message(10, "M")]);
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::Interleaved }]);
}

#[test]
fn bytes_that_are_no_frame_close() {
    let mut end = End::connected();
    end.give_bytes(b"GET / HTTP/1.1\r\n");
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::FoxFrame(FrameError::StartPattern) }]);
    end.give([message(9, "AM")]);
    assert_eq!((end.said(), end.events()), (vec![], vec![]));
}

#[test]
fn acks_and_nacks_of_nothing_are_counted_and_not_answered() {
    let mut end = End::connected();
    end.give([ack(3), nack(4, "WHY NOT")]);
    assert_eq!((end.said(), end.session.strays()), (vec![], 2));
}
