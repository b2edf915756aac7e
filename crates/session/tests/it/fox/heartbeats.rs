//! Heartbeats and silence.

use codec::fox::{Frame, FrameType};
use session::{CloseReason, Config, Event, Role};

use super::end::{End, heartbeat};
use crate::end::seconds;

#[test]
fn a_heartbeat_is_echoed_under_its_number() {
    let mut end = End::connected();
    end.give([heartbeat(0), heartbeat(7), heartbeat(u16::MAX)]);
    assert_eq!(end.said(), [heartbeat(0), heartbeat(7), heartbeat(u16::MAX)]);
}

#[test]
fn an_echo_is_not_echoed() {
    let mut end = End::connected();
    end.wait(seconds(30));
    let said = end.said();
    assert_eq!((said.len(), said[0].frame_type()), (1, FrameType::Heartbeat));
    end.give(said.clone());
    assert_eq!(end.said(), [], "the echo of its own");
    end.give(said.clone());
    assert_eq!(end.said(), said, "the client's own, by chance under the same number");
}

#[test]
fn an_echo_that_comes_after_the_next_heartbeat_is_not_echoed() {
    let mut end = End::connected();
    end.wait(seconds(30));
    let first = end.said();
    // Something else keeps the link, so that another one is sent before the first is echoed.
    end.give([heartbeat(7)]);
    end.wait(seconds(30));
    let said = end.said();
    let second: Vec<_> = said.iter().filter(|frame| frame.exchange() != 7).cloned().collect();
    assert_eq!((first.len(), second.len()), (1, 1), "{said:?}");
    end.give(first);
    end.give(second);
    assert_eq!(end.said(), [], "or two ends would answer each other for ever");
}

#[test]
fn a_client_that_sends_heartbeats_and_echoes_none_stays() {
    let mut end = End::connected();
    for number in 2..200 {
        end.wait(seconds(20));
        end.give([heartbeat(number)]);
    }
    assert_eq!(end.events(), []);
    assert!(end.said().iter().map(Frame::exchange).eq(2..200), "the switch never asked");
}

#[test]
fn the_switch_closes_a_link_on_which_nothing_arrives_for_60_s() {
    let mut end = End::connected();
    end.wait(seconds(59));
    let asked: Vec<_> = end.said_when().into_iter().map(|(at, frame)| (at, frame.frame_type())).collect();
    assert_eq!(asked, [(30, FrameType::Heartbeat)]);
    end.wait(seconds(1));
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::Silent }]);
    let mut end = End::silent();
    end.wait(seconds(60));
    assert_eq!(end.events(), [Event::Closed { why: CloseReason::Silent }], "one that never said anything");
}

#[test]
fn a_station_gives_up_a_switch_that_echoes_nothing() {
    let mut station = End::with(Config::fox(Role::Station, 0));
    station.wait(seconds(59));
    let asked: Vec<_> = station.said_when().into_iter().map(|(at, frame)| (at, frame.frame_type())).collect();
    assert_eq!(asked, [(0, FrameType::Connect), (20, FrameType::Heartbeat), (40, FrameType::Heartbeat)]);
    station.wait(seconds(1));
    assert_eq!(station.events(), [Event::Closed { why: CloseReason::Unanswered }]);
}

#[test]
fn a_frame_has_to_end_in_time() {
    let mut end = End::connected();
    end.give_bytes(&[0xFF, 0x00, 0xAA, 0x55, 0, 0]);
    end.wait(seconds(60));
    let closed = end.events();
    assert!(matches!(closed[..], [Event::Closed { why: CloseReason::Silent | CloseReason::Unfinished }]), "{closed:?}");
}
