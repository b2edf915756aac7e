//! What the switch sends to a client.

use codec::block::Status;
use codec::fox::{Frame, FrameType};
use session::{CloseReason, Event, Failure};

use super::end::{End, ack, frame, message, nack};
use crate::end::{body, seconds};

/// Bytes of payload in the longest frame that the public client takes.
const PAYLOAD: usize = 32_768 - 16;

fn delivered(end: &mut End) -> Vec<u64> {
    let one = |event: &Event| if let Event::Delivered { id } = event { Some(*id) } else { None };
    end.events().iter().filter_map(one).collect()
}

#[test]
fn one_message_is_on_its_way_at_a_time() {
    let mut end = End::connected();
    (7..10).for_each(|number| end.send(number, "AM"));
    assert_eq!(end.said(), [message(7, "AM")]);
    end.give([ack(7)]);
    assert_eq!(end.said(), [message(8, "AM")]);
    end.give([ack(8), ack(9)]);
    assert_eq!(delivered(&mut end), [7, 8], "an ack of what was not sent proves nothing");
    end.give([ack(9)]);
    assert_eq!(delivered(&mut end), [9]);
}

#[test]
fn a_message_bears_the_same_number_whenever_it_is_sent() {
    for (validation, number) in [(1, 1), (65_534, 65_534), (65_535, 65_535), (65_536, 1), (131_070, 65_535)] {
        let mut end = End::connected();
        end.send(validation, "AM");
        assert_eq!(end.said(), [message(number, "AM")], "{validation}");
    }
}

#[test]
fn what_is_not_acknowledged_is_sent_three_times_and_then_the_link_closes() {
    let mut end = End::connected();
    end.send(7, "AM");
    end.wait(seconds(14));
    let sent: Vec<_> = end.said_when();
    assert_eq!(sent, [(0, message(7, "AM")), (5, message(7, "AM")), (10, message(7, "AM"))]);
    end.wait(seconds(1));
    assert!(end.events().contains(&Event::Closed { why: CloseReason::Unacknowledged { id: 7 } }));
}

#[test]
fn a_nack_is_for_good_unless_it_says_otherwise() {
    let mut end = End::connected();
    end.send(7, "AM");
    end.give([nack(7, "NO SUCH DEVICE")]);
    let failed = Event::Failed { id: 7, why: Failure::Permanent(Status::PERMANENT) };
    assert!(end.events().contains(&failed));
    end.said();
    end.send(8, "AM");
    end.give([nack(8, "0012 NOT NOW")]);
    assert_eq!(end.said(), [message(8, "AM")]);
    end.wait(seconds(5));
    assert_eq!(end.said(), [message(8, "AM")], "5 s later");
}

#[test]
fn no_frame_is_longer_than_the_public_client_takes_and_its_end_mark_is_never_cut() {
    for bytes in [PAYLOAD, PAYLOAD + 1, PAYLOAD + 63, PAYLOAD + 64, 3 * PAYLOAD + 5] {
        let mut end = End::connected();
        end.send(7, body(bytes));
        end.wait(seconds(1));
        let frames = end.said();
        assert_eq!(frames.len(), bytes.div_ceil(PAYLOAD));
        assert!(frames.iter().all(|frame| frame.payload().len() <= PAYLOAD && frame.exchange() == 7));
        let (last, before) = frames.split_last().unwrap();
        assert!(last.is_last() && before.iter().all(|frame| !frame.is_last()));
        assert!(last.payload().len() >= 64 || before.is_empty(), "{bytes}: {}", last.payload().len());
        let whole: Vec<u8> = frames.iter().flat_map(|frame| frame.payload().to_vec()).collect();
        assert_eq!(whole, body(bytes));
    }
}

#[test]
fn a_client_that_acknowledges_each_frame_has_a_message_when_it_has_acknowledged_all() {
    let mut end = End::connected();
    end.send(7, body(3 * PAYLOAD));
    assert_eq!(end.said().len(), 2, "the last one is held back");
    end.give([ack(7)]);
    assert_eq!(end.said().len(), 1, "the first ack shows what the client does");
    end.give([ack(7)]);
    assert_eq!(delivered(&mut end), []);
    end.give([ack(7)]);
    assert_eq!(delivered(&mut end), [7]);
    // From now on nothing is held back.
    end.send(8, body(2 * PAYLOAD));
    assert_eq!(end.said().len(), 2);
    end.give([ack(8)]);
    assert_eq!(delivered(&mut end), []);
    end.wait(seconds(5));
    assert_eq!(end.said().len(), 2, "sent again");
    end.give([ack(8), ack(8)]);
    assert_eq!(delivered(&mut end), [8], "two of the three acks may be for the first frame");
}

#[test]
fn a_client_that_acknowledges_the_last_frame_has_a_message_with_its_ack() {
    let mut end = End::connected();
    end.send(7, body(2 * PAYLOAD));
    assert_eq!(end.said().len(), 1);
    end.wait(seconds(1));
    assert_eq!(end.said().iter().filter(|frame| frame.is_last()).count(), 1, "held back for a second");
    end.give([ack(7)]);
    assert_eq!(delivered(&mut end), [7]);
    end.send(8, body(2 * PAYLOAD));
    assert_eq!(end.said().len(), 2, "nothing is held back any more");
    end.give([ack(8)]);
    assert_eq!(delivered(&mut end), [8]);
}

#[test]
fn a_client_taken_for_the_wrong_kind_is_found_out() {
    let mut end = End::connected();
    end.send(7, body(2 * PAYLOAD));
    end.wait(seconds(1));
    end.give([ack(7), ack(7)]);
    assert_eq!(delivered(&mut end), [7]);
    end.send(8, body(2 * PAYLOAD));
    end.give([ack(8)]);
    assert_eq!(delivered(&mut end), [], "it acknowledges each frame, only slowly");
    end.give([ack(8)]);
    assert_eq!(delivered(&mut end), [8]);
}

#[test]
fn the_ack_of_a_refusal_proves_no_delivery() {
    // The public client acknowledges a nack under its own number, which may be one of the switch's.
    let mut end = End::connected();
    end.give([frame(FrameType::Key, 7, "x")]);
    end.send(7, "AM");
    end.give([ack(7)]);
    assert_eq!(delivered(&mut end), []);
    end.give([ack(7)]);
    assert_eq!(delivered(&mut end), [7]);
    // The same the other way round.
    end.send(8, "AM");
    end.give([frame(FrameType::Key, 8, "x")]);
    end.give([ack(8)]);
    assert_eq!(delivered(&mut end), []);
    // A client that acknowledges no refusal gets it once more.
    end.said();
    end.wait(seconds(5));
    assert_eq!(end.said(), [message(8, "AM")]);
    end.give([ack(8)]);
    assert_eq!(delivered(&mut end), [8]);
    // An ack of a refusal that came in time is no burden later.
    end.give([frame(FrameType::Key, 9, "x"), ack(9)]);
    end.send(9, "AM");
    end.give([ack(9)]);
    assert_eq!(delivered(&mut end), [9]);
    assert!(end.said().iter().any(|frame| frame == &Frame::clone(&message(9, "AM"))));
}
