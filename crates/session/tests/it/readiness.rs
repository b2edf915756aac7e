//! Ready, not ready, going down: what each end says, and what it does when the other says so.

use codec::block::{Function, Status};
use session::{CloseReason, Event, Readiness, Role};

use crate::end::{End, ack, blocks, body, data, nack, request, response, seconds};

#[test]
fn a_status_request_is_answered_with_the_readiness_and_its_own_validation() {
    let mut end = End::new(Role::Switch);
    for (readiness, status) in
        [(Readiness::Ready, 0x0021), (Readiness::NotReady, 0x0022), (Readiness::GoingDown, 0x0023)]
    {
        end.session.set_readiness(readiness);
        end.give([]);
        assert_eq!(end.said(), [], "the switch does not speak unasked");
        end.give([request(0xFFFF_FFFF)]);
        assert_eq!(end.said(), [response(0xFFFF_FFFF, Status(status))]);
    }
}

#[test]
fn a_station_says_at_once_when_its_readiness_changes() {
    let mut end = End::new(Role::Station);
    for (readiness, said) in [
        (Readiness::Ready, vec![]),
        (Readiness::NotReady, vec![response(0, Status::NOT_READY)]),
        (Readiness::NotReady, vec![]),
        (Readiness::Ready, vec![response(0, Status::READY)]),
    ] {
        end.session.set_readiness(readiness);
        end.give([]);
        assert_eq!(end.said(), said);
    }
}

#[test]
fn a_peer_that_is_not_ready_gets_no_data_until_it_is() {
    for status in [Status::NOT_READY, Status::GOING_DOWN] {
        let mut end = End::new(Role::Switch);
        end.give([response(0, status)]);
        assert_eq!(end.room(), Some(0));
        end.send(5, "HELLO");
        end.wait(seconds(20));
        assert_eq!(end.said(), []);
        end.give([response(0, status), response(0, Status::OK), response(0, Status(0x7777))]);
        end.give([response(0, Status::READY)]);
        assert_eq!(end.said(), [data(2, 5, "HELLO")]);
        assert_eq!(end.events(), [Event::NotReady, Event::Ready]);
        assert_eq!(end.room(), Some(31));
        end.give([response(0, Status::READY)]);
        assert_eq!(end.events(), [], "only changes are told");
    }
}

#[test]
fn repeats_and_their_timers_stand_still_while_the_peer_is_not_ready() {
    let mut end = End::new(Role::Station);
    end.send(5, "A");
    end.send(6, "B");
    end.give([nack(6, 0x0012)]);
    end.wait(seconds(2));
    assert_eq!(end.said(), [data(2, 5, "A"), data(2, 6, "B")]);
    end.give([response(0, Status::NOT_READY)]);
    end.wait_answering_not_ready(seconds(600));
    assert_eq!(end.said(), []);
    end.give([response(0, Status::READY)]);
    assert_eq!(end.said(), [], "neither wait is over: two of five seconds have passed");
    end.wait(seconds(3) - std::time::Duration::from_micros(1));
    assert_eq!(end.said(), []);
    end.wait(std::time::Duration::from_micros(1));
    assert_eq!(end.said(), [data(2, 5, "A"), data(2, 6, "B")]);
    end.wait(seconds(10));
    let why = CloseReason::Unacknowledged { id: 5 };
    assert_eq!(end.events(), [Event::NotReady, Event::Ready, Event::Closed { why }]);
}

#[test]
fn acks_count_while_the_peer_is_not_ready_and_refusals_wait_from_its_readiness_on() {
    let mut end = End::new(Role::Station);
    end.send(5, "A");
    end.send(6, "B");
    end.said();
    end.give([response(0, Status::NOT_READY), ack(5)]);
    end.wait(seconds(10));
    end.give([nack(6, 0x0012)]);
    end.wait(seconds(10));
    end.give([response(0, Status::READY)]);
    end.wait(seconds(4));
    assert_eq!(end.said(), []);
    end.wait(seconds(1));
    assert_eq!(end.said(), [data(2, 6, "B")]);
    assert_eq!(end.events(), [Event::NotReady, Event::Delivered { id: 5 }, Event::Ready]);
}

#[test]
fn a_message_partly_sent_stops_and_goes_on_where_it_stopped() {
    let mut session = session::Session::new(session::Config::new(Role::Station), codec::time::Tick(0));
    session.send(crate::end::outgoing(1, body(200_000)));
    let (mut output, mut input) = (bytes::BytesMut::new(), bytes::BytesMut::new());
    session.transmit(codec::time::Tick(0), &mut output);
    let before = output.len();
    response(0, Status::NOT_READY).encode(&mut input);
    session.handle_bytes(codec::time::Tick(1), &mut input);
    let mut stopped = bytes::BytesMut::new();
    session.transmit(codec::time::Tick(1), &mut stopped);
    assert_eq!((stopped.len(), before < 200_000), (0, true));
    response(0, Status::READY).encode(&mut input);
    session.handle_bytes(codec::time::Tick(2), &mut input);
    while session.in_flight() == 1 && output.len() < 200_000 {
        let mut piece = bytes::BytesMut::new();
        session.transmit(codec::time::Tick(2), &mut piece);
        output.extend_from_slice(&piece);
    }
    let mut expected = bytes::BytesMut::new();
    blocks(1, body(200_000)).iter().for_each(|block| block.encode(&mut expected));
    assert_eq!(output, expected);
}

#[test]
fn the_keep_alive_goes_on_while_the_peer_is_not_ready() {
    let mut end = End::new(Role::Station);
    end.give([response(0, Status::NOT_READY)]);
    end.wait(seconds(89));
    assert_eq!(end.said(), [request(0), request(0)]);
    end.wait(seconds(1));
    assert_eq!(end.events(), [Event::NotReady, Event::Closed { why: CloseReason::Unanswered }]);
}

impl End {
    /// Lets time pass for a peer that answers each status request with *not ready*.
    fn wait_answering_not_ready(&mut self, time: std::time::Duration) {
        for _ in 0..time.as_secs() / 30 {
            self.wait(seconds(30));
            for block in self.said() {
                assert_eq!(block.function(), Function::StatusRequest);
                self.give([response(0, Status::NOT_READY)]);
            }
        }
    }
}
