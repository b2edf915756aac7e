//! Random traffic: valid messages between two sessions, and anything at all against one.
//!
//! The seed is fixed, so a run is repeatable; `SIM_SEED=` tries another. A failure prints the seed, and the smallest
//! input that was found for it.

use std::time::Duration;

use bytes::BytesMut;
use codec::block::{Block, Function, Status};
use codec::fox::{Frame, FrameType};
use codec::time::Tick;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, RngSeed};
use session::{Config, Event, Readiness, Refusal, Role, Session};

use crate::end::{body, outgoing};
use crate::pair::{Link, Owner, Pair};

const SEED: u64 = 2020;

#[expect(clippy::print_stderr, reason = "a failed run has to say which seed it had")]
fn cases(cases: u32) -> Cases {
    let seed = std::env::var("SIM_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    eprintln!("SIM_SEED={seed}");
    Cases { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(seed), ..Cases::default() }
}

/// Mostly short messages, some of several blocks.
fn message_bytes() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..400usize, 2 => 32_700..32_800usize, 1 => 32_768..140_000usize]
}

fn owner() -> impl Strategy<Value = Owner> {
    (0..3_000u64, prop_oneof![Just(0usize), 2..5usize]).prop_map(|(milliseconds, refuses_one_in)| Owner {
        decides_after: Duration::from_millis(milliseconds),
        refuses_one_in,
    })
}

/// Blocks as a peer may send them, with few validations so that they meet, and sometimes a byte changed.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let block = (
        prop_oneof![8 => 1..5u16, 3 => 0x11..0x13u16, 3 => 0x21..0x23u16, 1 => any::<u16>()],
        0..4u32,
        prop_oneof![Just(1u16), Just(0x11), Just(0x12), Just(0x13), Just(0x14), Just(0x21), Just(0x22), any::<u16>()],
        prop_oneof![20 => Just(1u16), 1 => any::<u16>()],
        prop_oneof![4 => 0..60usize, 1 => 0..32_740usize],
        prop_oneof![60 => Just(None), 1 => any::<(prop::sample::Index, u8)>().prop_map(Some)],
    );
    block.prop_map(|(code, validation, status, destination, bytes, damage)| {
        let function = Function::from_code(code);
        let block = if matches!(function, Function::Data { .. }) {
            Block::with_data(function, validation, body(bytes)).unwrap()
        } else {
            Block::without_data(function, validation, Status(status))
        };
        let mut encoded = BytesMut::new();
        block.to(destination).encode(&mut encoded);
        if let Some((place, byte)) = damage {
            let place = place.index(encoded.len());
            encoded[place] = byte;
        }
        encoded.to_vec()
    })
}

/// Frames as a peer may send them.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let letter = prop_oneof![
        8 => Just(b'M'), 3 => Just(b'A'), 2 => Just(b'N'), 2 => Just(b'H'), 2 => Just(b'C'), 1 => any::<u8>()
    ];
    let payload = prop_oneof![
        1 => Just(b"\0\x01\0\x01\0\0\x02\x00\0\0\0\0NB64LF  ".to_vec()),
        1 => Just(b"0012 NOT NOW".to_vec()),
        1 => Just(b"0013 SLOWER".to_vec()),
        4 => (0..60usize).prop_map(|bytes| body(bytes).to_vec()),
        1 => (0..64_984usize).prop_map(|bytes| body(bytes).to_vec()),
    ];
    let damage = prop_oneof![60 => Just(None), 1 => any::<(prop::sample::Index, u8)>().prop_map(Some)];
    (letter, 0..4u16, any::<bool>(), payload, damage).prop_map(|(letter, exchange, last, payload, damage)| {
        let frame = Frame::with_payload(FrameType::from_letter(letter), exchange, payload.into()).unwrap();
        let mut encoded = BytesMut::new();
        if last { frame } else { frame.followed() }.encode(&mut encoded);
        if let Some((place, byte)) = damage {
            let place = place.index(encoded.len());
            encoded[place] = byte;
        }
        encoded.to_vec()
    })
}

/// What the owner does between two pieces of the stream.
#[derive(Debug, Clone)]
enum Act {
    Piece(Vec<u8>),
    Send(u32, usize),
    Answer(prop::sample::Index, Option<Refusal>),
    Wait(u64),
    Say(Readiness),
    Transmit,
}

fn act(fox: bool) -> impl Strategy<Value = Act> {
    let piece = if fox { frames().boxed() } else { piece().boxed() };
    let refusal = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Refusal::Temporary)),
        1 => Just(Some(Refusal::Permanent)),
        1 => Just(Some(Refusal::TooMany)),
    ];
    prop_oneof![
        8 => piece.prop_map(Act::Piece),
        3 => (1..4u32, 0..70_000usize).prop_map(|(validation, bytes)| Act::Send(validation, bytes)),
        4 => (any::<prop::sample::Index>(), refusal).prop_map(|(which, why)| Act::Answer(which, why)),
        2 => (0..8_000_000u64).prop_map(Act::Wait),
        1 => prop_oneof![Just(Readiness::Ready), Just(Readiness::NotReady)].prop_map(Act::Say),
        4 => Just(Act::Transmit),
    ]
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn every_message_is_delivered_exactly_once_over_a_lossless_link(
        messages in prop::collection::vec((0..2usize, message_bytes(), 0..500_000u64), 1..120),
        windows in [1..40u16, 1..40u16],
        fox in any::<bool>(),
        owners in [owner(), owner()],
        latency in 0..2_000u64,
        piece_bytes in prop_oneof![1..40usize, 1_000..70_000usize],
    ) {
        let base = |role| if fox { Config::fox(role, 0) } else { Config::new(role) };
        let config = |role, window| Config { window, ..base(role) };
        let configs = [config(Role::Switch, windows[0]), config(Role::Station, windows[1])];
        // Long messages in tiny pieces would take long and show nothing that short ones do not.
        let long = messages.iter().any(|(_, bytes, _)| *bytes > 1000);
        let piece_bytes = if long { piece_bytes.max(700) } else { piece_bytes };
        let link = Link { latency: Duration::from_millis(latency), piece_bytes };
        let mut pair = Pair::new(configs, owners, link);
        let mut expected = [Vec::new(), Vec::new()];
        for (number, (from, bytes, wait)) in messages.iter().enumerate() {
            let number = u32::try_from(number).unwrap() + 1;
            pair.send(*from, outgoing(number, body(*bytes)));
            expected[*from].push((number, *bytes));
            pair.wait(Duration::from_micros(*wait));
        }
        pair.run(Duration::from_secs(3600));
        for (from, expected) in expected.iter().enumerate() {
            let mut delivered = pair.sides[from].delivered.clone();
            delivered.sort_unstable();
            prop_assert_eq!(delivered, expected.iter().map(|(number, _)| u64::from(*number)).collect::<Vec<_>>());
            let accepted = &pair.sides[1 - from].accepted;
            prop_assert_eq!(accepted.len(), expected.len());
            for (number, bytes) in expected {
                prop_assert_eq!(&accepted[number].0, &body(*bytes));
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn no_peer_makes_a_session_panic_or_grow(
        (fox, acts) in any::<bool>().prop_flat_map(|fox| (Just(fox), prop::collection::vec(act(fox), 1..80))),
        role in prop_oneof![Just(Role::Switch), Just(Role::Station)],
    ) {
        let limit = 50_000;
        let base = if fox { Config::fox(role, 9) } else { Config::new(role) };
        let config = Config { window: 3, message_bytes_max: limit, ..base };
        let output_bytes_max = config.output_bytes_max + 32_768;
        let (mut now, mut sent) = (Tick(0), 0u64);
        let mut session = Session::new(config, now);
        let (mut buffer, mut output, mut tokens) = (BytesMut::new(), BytesMut::new(), Vec::new());
        let mut settled = std::collections::BTreeSet::new();
        let mut closed = false;
        for act in acts {
            match act {
                Act::Piece(bytes) => {
                    buffer.extend_from_slice(&bytes);
                    session.handle_bytes(now, &mut buffer);
                    let longest = if fox { 65_000 } else { 32_768 };
                    prop_assert!(buffer.len() < longest);
                }
                Act::Send(validation, bytes) => {
                    sent += 1;
                    let message = outgoing(validation, body(bytes));
                    session.send(session::Outgoing { id: sent, ..message });
                }
                Act::Answer(which, why) => {
                    if !tokens.is_empty() {
                        let token = tokens.swap_remove(which.index(tokens.len()));
                        match why {
                            None => session.accept(token),
                            Some(why) => session.refuse(token, why),
                        }
                    }
                }
                Act::Wait(microseconds) => {
                    now = now.after(Duration::from_micros(microseconds));
                    session.handle_timeout(now);
                    prop_assert!(session.poll_timeout().is_none_or(|due| due > now));
                }
                Act::Say(readiness) => session.set_readiness(readiness),
                Act::Transmit => {
                    output.clear();
                    session.transmit(now, &mut output);
                    // Answers are 28 bytes, or at most 80 in a frame, for at most 80 pieces and acts; the rest is data.
                    prop_assert!(output.len() <= output_bytes_max + 80 * 160);
                }
            }
            prop_assert!(session.partial_bytes() <= limit);
            prop_assert!(session.in_flight() <= 3);
            while let Some(event) = session.poll_event() {
                prop_assert!(!closed, "{:?} after the close", event);
                match event {
                    Event::Received { token, bytes, .. } => {
                        prop_assert!(bytes.len() <= limit);
                        tokens.push(token);
                    }
                    Event::Delivered { id } | Event::Failed { id, .. } => {
                        prop_assert!(id <= sent && settled.insert(id), "{} settled twice", id);
                    }
                    Event::Room { messages } => prop_assert!(messages <= 3),
                    Event::Ready | Event::NotReady => {}
                    Event::Closed { .. } => closed = true,
                }
            }
            prop_assert_eq!(session.unaccepted().0, tokens.len());
            prop_assert_eq!(session.is_closed(), closed);
        }
    }

    #[test]
    fn no_bytes_make_a_session_panic(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..20),
    ) {
        for config in [Config::new(Role::Switch), Config::fox(Role::Switch, 1)] {
            let mut session = Session::new(config, Tick(0));
            let mut buffer = BytesMut::new();
            for bytes in &pieces {
                buffer.extend_from_slice(bytes);
                session.handle_bytes(Tick(0), &mut buffer);
                while session.poll_event().is_some() {}
            }
            prop_assert!(session.is_closed() || buffer.len() < 4);
        }
    }
}
