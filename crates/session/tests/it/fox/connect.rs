//! How a link begins.

use codec::fox::{Coding, Connect, Frame, FrameType};
use session::{Config, Event, Role};

use super::end::{CONNECT, End, ack, frame, message, on_link_5};

fn holds(frame: &Frame) -> Connect {
    assert_eq!(frame.frame_type(), FrameType::Connect);
    Connect::parse(frame.payload()).unwrap()
}

#[test]
fn a_connect_is_answered_under_its_number_with_what_holds() {
    let mut end = End::silent();
    end.give([frame(FrameType::Connect, 0x0102, CONNECT)]);
    let said = end.said();
    assert_eq!((said.len(), said[0].exchange()), (1, 0x0102));
    let expected = Connect {
        version: (1, 1),
        frame_bytes_max: 65_000,
        idle_seconds: 20,
        timeout_seconds: 40,
        encryption: false,
        coding: Coding::Base64,
        line_end: *b"LF  ",
    };
    assert_eq!(holds(&said[0]), expected);
}

#[test]
fn no_wish_of_a_client_is_followed_too_far() {
    for (wish, in_force) in [(0, 65_000), (1, 512), (2_000, 2_000), (65_000, 65_000), (u32::MAX, 65_000)] {
        let mut end = End::silent();
        let mut connect = Connect::parse(CONNECT).unwrap();
        (connect.frame_bytes_max, connect.idle_seconds, connect.encryption) = (wish, 5, true);
        end.give([frame(FrameType::Connect, 1, connect.encode())]);
        let answer = holds(&end.said()[0]);
        assert_eq!((answer.frame_bytes_max, answer.idle_seconds, answer.encryption), (in_force, 5, false));
        end.give([ack(9)]);
        end.send(7, vec![b'x'; 700]);
        let longest = end.said().iter().map(|frame| frame.payload().len() + 16).max().unwrap();
        assert_eq!(longest, if in_force < 716 { 512 } else { 716 }, "a frame for {wish}");
    }
}

#[test]
fn a_connect_that_cannot_be_read_is_refused() {
    let mut end = End::silent();
    end.give([frame(FrameType::Connect, 3, &CONNECT[..19])]);
    let said = end.said();
    assert_eq!((said[0].frame_type(), said[0].exchange()), (FrameType::Nack, 3));
    assert_eq!(&said[0].payload()[..], b"0011 THE CONNECT CANNOT BE READ");
    assert!(!end.session.is_closed());
}

#[test]
fn nothing_is_sent_before_the_client_was_heard() {
    let mut end = End::silent();
    end.send(7, "HELLO");
    assert_eq!((end.said(), end.events()), (vec![], vec![]));
    end.give([frame(FrameType::Connect, 1, CONNECT)]);
    let kinds: Vec<_> = end.said().iter().map(Frame::frame_type).collect();
    assert_eq!(kinds, [FrameType::Connect, FrameType::Message], "the answer comes first");
    // A client that does not connect is heard as well.
    let mut end = End::silent();
    end.give([message(4, "AM")]);
    assert!(matches!(&end.events()[0], Event::Received { validation, .. } if *validation == on_link_5(4)));
    end.send(7, "HELLO");
    assert_eq!(end.said(), [message(7, "HELLO")]);
}

#[test]
fn a_station_connects_and_waits_for_the_answer() {
    let mut station = End::with(Config::fox(Role::Station, 0));
    station.send(7, "AM");
    let said = station.said();
    assert_eq!((said.len(), said[0].frame_type()), (1, FrameType::Connect));
    station.give(said);
    assert_eq!(station.said(), [message(7, "AM")]);
    station.give([ack(7)]);
    assert!(station.events().contains(&Event::Delivered { id: 7 }));
}
