//! One connection on virtual time: what stops reading, what closes, what reaches the owner.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use codec::block::{Block, Deframer, Function, Status};
use link::connection::{CloseReason, Command, Limits, drive};
use session::{Config, Event, Outgoing, Role, Token};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// The switch's end driven, the peer's end bare.
struct Pair {
    peer: DuplexStream,
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
    ended: JoinHandle<CloseReason>,
}

fn pair(limits: Limits, event_capacity: usize, pipe_bytes: usize) -> Pair {
    let (here, peer) = duplex(pipe_bytes);
    let (commands, commands_there) = mpsc::channel(64);
    let (events_there, events) = mpsc::channel(event_capacity);
    let ended =
        tokio::spawn(drive(here, Config::new(Role::Switch), limits, commands_there, events_there, |event| event));
    Pair { peer, commands, events, ended }
}

fn data(validation: u32, text: &'static str) -> BytesMut {
    let function = Function::Data { more: false, ack: true };
    let mut bytes = BytesMut::new();
    Block::with_data(function, validation, Bytes::from_static(text.as_bytes())).unwrap().encode(&mut bytes);
    bytes
}

fn status_request() -> BytesMut {
    let mut bytes = BytesMut::new();
    Block::without_data(Function::StatusRequest, 0, Status::NONE).encode(&mut bytes);
    bytes
}

fn outgoing(id: u64, text: &'static str) -> Outgoing {
    Outgoing {
        id,
        validation: u32::try_from(id).unwrap().try_into().unwrap(),
        bytes: Bytes::from_static(text.as_bytes()),
    }
}

impl Pair {
    /// Messages that reach the owner until nothing more happens.
    async fn drain(&mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Ok(Some(event)) = timeout(Duration::from_secs(1), self.events.recv()).await {
            if let Event::Received { token, .. } = event {
                tokens.push(token);
            }
        }
        tokens
    }

    async fn block(&mut self) -> Block {
        let (mut deframer, mut buffer) = (Deframer::default(), BytesMut::new());
        loop {
            // One byte at a time: the next call begins at the next block.
            let mut byte = [0];
            self.peer.read_exact(&mut byte).await.unwrap();
            buffer.extend_from_slice(&byte);
            if let Some(block) = deframer.next(&mut buffer).unwrap() {
                return block;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_bytes_is_closed_after_the_stall() {
    let mut pair = pair(Limits::default(), 8, 256);
    let start = Instant::now();
    // Answers that nobody reads. Nothing can be written once the pipe is full.
    let mut requests = BytesMut::new();
    (0..64).for_each(|_| requests.extend_from_slice(&status_request()));
    pair.peer.write_all(&requests).await.unwrap();
    assert_eq!(pair.ended.await.unwrap(), CloseReason::Stalled);
    assert!((30..34).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn reading_stops_at_the_bound_of_unaccepted_messages_and_goes_on_after() {
    let limits = Limits { unaccepted_messages: 4, ..Limits::default() };
    // One block fits the pipe: each read brings one message.
    let mut pair = pair(limits, 1024, 32);
    let mut peer = std::mem::replace(&mut pair.peer, duplex(1).0);
    let writer = tokio::spawn(async move {
        for validation in 1..=100 {
            peer.write_all(&data(validation, "hold")).await.unwrap();
        }
        peer
    });
    let mut taken = pair.drain().await;
    assert_eq!(taken.len(), 5);
    while taken.len() < 100 {
        let last = *taken.last().unwrap();
        for token in taken.iter().rev().take(5) {
            pair.commands.try_send(Command::Accept(*token)).unwrap();
        }
        taken.extend(pair.drain().await);
        assert_ne!(last, *taken.last().unwrap(), "reading did not go on");
        // The acknowledgements go nowhere: the peer reads none. They are few enough for the output's bound.
    }
    drop(writer);
}

#[tokio::test(start_paused = true)]
async fn a_full_event_channel_stops_reading_but_neither_commands_nor_writing() {
    let mut pair = pair(Limits::default(), 1, 64 * 1024);
    for validation in 1..=10 {
        pair.peer.write_all(&data(validation, "unread")).await.unwrap();
    }
    pair.commands.try_send(Command::Send(outgoing(7, "still sent"))).unwrap();
    let block = pair.block().await;
    assert_eq!((block.validation(), &block.data()[..]), (7, &b"still sent"[..]));
    assert_eq!(pair.drain().await.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn pause_stops_reading_and_is_not_held_against_the_peer() {
    let mut pair = pair(Limits::default(), 64, 64 * 1024);
    pair.commands.try_send(Command::Pause).unwrap();
    pair.drain().await;
    pair.peer.write_all(&data(1, "later")).await.unwrap();
    // Longer than the silence that closes a link.
    let nothing = timeout(Duration::from_secs(90), pair.events.recv()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    pair.commands.try_send(Command::Resume).unwrap();
    assert_eq!(pair.drain().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn garbage_closes_after_all_that_came_before_it_was_told() {
    let mut pair = pair(Limits::default(), 1, 64 * 1024);
    for validation in 1..=10 {
        pair.peer.write_all(&data(validation, "good")).await.unwrap();
    }
    pair.peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(pair.drain().await.len(), 10);
    assert!(matches!(pair.ended.await.unwrap(), CloseReason::Session(session::CloseReason::Frame(_))));
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_acknowledged_before_the_owner_closes() {
    let mut pair = pair(Limits::default(), 8, 64 * 1024);
    pair.peer.write_all(&data(5, "last")).await.unwrap();
    let tokens = pair.drain().await;
    pair.commands.try_send(Command::Accept(tokens[0])).unwrap();
    pair.commands.try_send(Command::Close).unwrap();
    let block = pair.block().await;
    assert_eq!((block.function(), block.validation(), block.status()), (Function::Ack, 5, Status::OK));
    assert_eq!(pair.peer.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(pair.ended.await.unwrap(), CloseReason::Owner);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_ends_the_link() {
    let pair = pair(Limits::default(), 8, 1024);
    drop(pair.peer);
    assert_eq!(pair.ended.await.unwrap(), CloseReason::Peer);
}

#[tokio::test(start_paused = true)]
async fn an_owner_whose_commands_overflow_drops_them_and_the_link_ends() {
    let mut pair = pair(Limits::default(), 8, 1024);
    // The link has had no chance to run: its channel fills up.
    let mut accepted = 0_usize;
    while pair.commands.try_send(Command::Pause).is_ok() {
        accepted += 1;
    }
    assert_eq!(accepted, 64);
    drop(pair.commands);
    assert_eq!(pair.ended.await.unwrap(), CloseReason::Abandoned);
    assert_eq!(pair.peer.read(&mut [0]).await.unwrap(), 0);
}

#[test]
fn the_command_channel_has_room_for_what_one_read_can_bring() {
    let limits = Limits::default();
    let shortest_blocks_of_one_read = 16 * 1024 / 28;
    assert!(limits.commands(32) > limits.unaccepted_messages + shortest_blocks_of_one_read + 32);
}
