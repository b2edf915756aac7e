//! Malformed messages and blocks over TLS: each is refused as `protocol-specs/wire.md` says, and others are served meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use codec::block::{BLOCK_BYTES_MAX, Block, Blocks, Function, Status};
use rand::seq::IndexedRandom as _;
use rand::{Rng, RngExt as _};

use crate::PATIENCE;
use crate::binary::checkout;
use crate::effort::{chance, efforts, figures, shared};
use crate::net::{Net, Node, STATE, TERMINAL, note};
use crate::station::{Message, Station};

/// Every number that an ER may bear for what a station sends (`protocol-specs/wire.md` 2.4).
const NUMBERS: [&str; 10] = ["00", "01", "02", "03", "05", "10", "14", "16", "19", "22"];
/// What would tell of the inside.
const INSIDE: [&str; 8] = ["panicked", ".rs", "src/", "thread", "0x", "Error", "/tmp", "unwrap"];
/// The longest ER: its header, its text with option lists, and 100 bytes of the message.
const ER_BYTES_MAX: usize = 4096;
/// Messages on the way at a time.
const BATCH: usize = 50;

/// The messages of the fixtures, from an agency that may send them, without those that change the directory or help files.
fn seeds() -> Vec<Vec<u8>> {
    let folder = fs::read_dir(checkout("fixtures/messages")).expect("the fixtures");
    let mut seeds: Vec<_> = folder
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let changes = ["in-ta", "in-td", "in-tu", "in-help"].iter().any(|begin| name.starts_with(begin));
            name.starts_with("in-") && name.ends_with(".txt") && !changes
        })
        .collect();
    seeds.sort();
    let texts = seeds.into_iter().map(|path| fs::read_to_string(path).expect("a fixture is text"));
    texts.map(|text| text.replace("ZZ0010000", TERMINAL).into_bytes()).collect()
}

/// One of them with some bytes changed, put in, taken out, doubled or cut off; or bytes that never were a message.
fn malformed(seeds: &[Vec<u8>], random: &mut impl Rng) -> Vec<u8> {
    if random.random_ratio(1, 20) {
        return (0..random.random_range(1..400)).map(|_| random.random()).collect();
    }
    let mut message = seeds.choose(random).expect("a fixture").clone();
    for _ in 0..random.random_range(1..6) {
        let place = random.random_range(0..message.len().max(1)).min(message.len().saturating_sub(1));
        match random.random_range(0..6) {
            0 if !message.is_empty() => message[place] = random.random(),
            1 if !message.is_empty() => message[place] = random.random_range(b' '..=b'~'),
            2 => message.insert(place, random.random_range(b' '..=b'~')),
            3 if message.len() > 1 => drop(message.remove(place)),
            4 => {
                let piece: Vec<_> = message.iter().skip(place).take(random.random_range(1..60)).copied().collect();
                message.splice(place..place, piece);
            }
            _ => message.truncate(place + 1),
        }
    }
    message
}

/// What an ER repeats of a message: its first 100 bytes with their line ends (`protocol-specs/wire.md` 2.1), a question mark for each
/// other byte that is not printable.
fn echo(message: &[u8]) -> String {
    let mut shown = String::new();
    let mut bytes = message.iter().take(100).copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b' '..=b'~' | b'\n', _) => shown.push(char::from(byte)),
            (b'\r', Some(b'\n')) => {
                shown.push_str("\r\n");
                bytes.next();
                if bytes.next_if_eq(&0x7F).is_some() {
                    shown.push('\x7f');
                }
            }
            _ => shown.push('?'),
        }
    }
    shown
}

/// The numbers that a refusal may bear. Only the first row can be told without reading the message.
fn allowed(message: &[u8]) -> BTreeSet<&'static str> {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t' | 0x7F);
    let begins = message.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins != Some(&b'<') && !message.iter().all(is_text) {
        return BTreeSet::from(["00"]);
    }
    BTreeSet::from(NUMBERS)
}

/// The ERs that came.
#[derive(Debug, Default)]
struct Heard {
    refused: usize,
    by_number: BTreeMap<String, usize>,
    longest: usize,
}

impl Heard {
    /// Checks each ER beside the messages that were sent, by their first bytes, and counts it.
    fn take(&mut self, told: Vec<Message>, sent: &HashMap<String, BTreeSet<&str>>) {
        for told in told.into_iter().filter(|told| told.text.starts_with("ER.")) {
            let text = &told.text;
            let (_, rest) = text.split_once("TXT\r\n\x7f.").unwrap_or_else(|| panic!("an ER without text: {text:?}"));
            let (er, _) = rest.split_once(". ").unwrap_or_else(|| panic!("an ER without a number: {text:?}"));
            let (told_of, original) = rest.split_once("ORIGINAL MESSAGE\r\n").unwrap_or((rest, ""));
            let expected = sent.get(original).unwrap_or_else(|| panic!("not the first bytes of a message: {text:?}"));
            assert!(expected.contains(er), "ER {er} and not one of {expected:?}: {text:?}");
            assert!(told_of.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | 0x7F)), "{text:?}");
            for word in INSIDE {
                assert!(!told_of.contains(word), "{word:?} in {told_of:?}");
            }
            self.longest = self.longest.max(text.len());
            self.refused += 1;
            *self.by_number.entry(er.to_owned()).or_default() += 1;
        }
    }
}

/// S22, first part.
#[test]
fn malformed_messages_get_a_bounded_refusal_that_tells_nothing_of_the_inside() {
    let _machine = shared();
    let count: usize = efforts(1_500, 10_000, 50_000);
    let (mut random, seeds) = (chance("malformed"), seeds());
    let net = Net::new();
    let switch = net.switch();
    let (mut link, mut other, mut state) = (switch.station(TERMINAL), switch.station("ZA"), switch.station(STATE));
    let mut heard = Heard::default();
    let (mut sent, mut number) = (HashMap::<String, BTreeSet<&str>>::new(), 0_u32);
    while (number as usize) < count {
        let first = number + 1;
        for _ in 0..BATCH {
            number += 1;
            let message = malformed(&seeds, &mut random);
            sent.entry(echo(&message)).or_default().extend(allowed(&message));
            link.post_bytes(number, &message).expect("the link takes it");
        }
        for validation in first..=number {
            let reply = link.reply(validation).expect("the link stays up");
            assert_eq!((reply.function(), reply.status()), (Function::Ack, Status::OK), "it is acknowledged");
        }
        heard.take(link.take_all(), &sent);
        if first % 500 == 1 {
            // Another is served meanwhile.
            other.send(&format!("AM.ZA0020000.ZC0010000.TXT\r\nMEANWHILE {first}"));
            state.take(&format!("MEANWHILE {first}"));
        }
    }
    // Each refusal is one ER, and the last of them may still be on their way.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let due = switch.metrics().sum("orinet_messages_refused_total") as usize;
    let deadline = Instant::now() + PATIENCE;
    while heard.refused < due {
        assert!(Instant::now() < deadline, "{} of {due} ERs came", heard.refused);
        heard.take(link.take_all(), &sent);
    }
    let Heard { refused, by_number, longest } = heard;
    assert_eq!(refused, due, "each refusal is one ER");
    assert!(longest <= ER_BYTES_MAX, "an ER of {longest} bytes");
    assert!(refused > count / 2 && by_number.len() >= 6, "{refused} of {count} refused: {by_number:?}");
    // The control: the link that sent all of it sends a message as any other.
    link.post_as(number + 1, &note("AFTER ALL THAT")).expect("the link takes it");
    state.take("AFTER ALL THAT");
    switch.stop();
    figures(&format!(
        "{number} malformed messages: {refused} refused with ERs of {} numbers, at most {longest} bytes, the others taken; the link \
         stayed up and others were served",
        by_number.len()
    ));
}

/// What the switch does with a block (`protocol-specs/wire.md` 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Closed,
    /// A negative ack with that status, and the link lives.
    Nack(Status),
}

/// A block that breaks one rule, and what comes of it.
fn broken(random: &mut impl Rng) -> (&'static str, Vec<u8>, Then) {
    let text = format!("{}{}", note("BLOCK "), "X".repeat(random.random_range(0..500)));
    let mut encoded = BytesMut::new();
    Blocks::new(77, Bytes::from(text)).for_each(|block| block.encode(&mut encoded));
    let mut block = encoded.to_vec();
    let (end, length) = (block.len(), u32::try_from(block.len()).expect("a block"));
    let put = |block: &mut Vec<u8>, at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    match random.random_range(0..11) {
        0 => {
            block[random.random_range(0..4)] ^= 1 << random.random_range(0..8);
            ("start pattern", block, Then::Closed)
        }
        1 => {
            block[end - random.random_range(1..=4)] ^= 1 << random.random_range(0..8);
            ("stop pattern", block, Then::Closed)
        }
        2 => {
            put(&mut block, 8, &random.random_range(0x11..=0xFFFF_u16).to_be_bytes());
            ("header length", block, Then::Closed)
        }
        3 => {
            let wrong = (length - 28) ^ random.random_range(1..=0xFFFF);
            put(&mut block, 16, &wrong.to_be_bytes());
            ("data length", block, Then::Closed)
        }
        4 => {
            put(&mut block, 4, &random.random_range(0..28_u32).to_be_bytes());
            ("too short", block, Then::Closed)
        }
        5 => {
            let long = random.random_range(u32::try_from(BLOCK_BYTES_MAX).expect("small") + 1..=u32::MAX);
            put(&mut block, 4, &long.to_be_bytes());
            ("too long", block, Then::Closed)
        }
        6 => {
            put(&mut block, 10, &random.random_range(0x0100..=0xFFFF_u16).to_be_bytes());
            ("unknown function", block, Then::Nack(Status::BAD_FUNCTION))
        }
        7 => {
            put(&mut block, 22, &random.random_range(2..=0xFFFF_u16).to_be_bytes());
            ("destination", block, Then::Nack(Status::BAD_DESTINATION))
        }
        8 => {
            // The first block of a long message, then one of another.
            let mut mixed = BytesMut::new();
            Blocks::new(78, Bytes::from(vec![b'X'; 60_000])).take(1).for_each(|block| block.encode(&mut mixed));
            mixed.extend_from_slice(&block);
            ("another message in the middle", mixed.to_vec(), Then::Closed)
        }
        9 => {
            let mut long = BytesMut::new();
            let bytes = random.random_range(262_145..300_000);
            Blocks::new(77, Bytes::from(vec![b'X'; bytes])).for_each(|block| block.encode(&mut long));
            ("message over the limit", long.to_vec(), Then::Nack(Status::TOO_LONG))
        }
        _ => {
            // Whatever it is, it does not begin as a block does.
            let mut bytes: Vec<u8> = (0..random.random_range(28..2_000)).map(|_| random.random()).collect();
            bytes[0] = random.random_range(0..0xFF);
            ("no block", bytes, Then::Closed)
        }
    }
}

/// S22, second part.
#[test]
fn malformed_blocks_close_the_link_or_are_refused_as_the_protocol_says() {
    let _machine = shared();
    let count: usize = efforts(200, 2_000, 10_000);
    let mut random = chance("blocks");
    let net = Net::new();
    let switch = net.switch();
    let (mut other, mut state) = (switch.station("ZA"), switch.station(STATE));
    let (mut link, mut closed, mut refused) = (switch.station(TERMINAL), 0, 0);
    let mut kinds = BTreeSet::new();
    for number in 0..count {
        let (what, bytes, then) = broken(&mut random);
        kinds.insert(what);
        // It may be closed before all is written.
        let written = link.write(&bytes);
        match then {
            Then::Closed => {
                assert!(link.is_closed_within(PATIENCE), "{what}: the link lives");
                // The first block of the message that was broken into is acknowledged, as each block is.
                let answers = usize::from(what == "another message in the middle");
                assert!(link.take_replies().len() <= answers, "{what}: it was answered");
                closed += 1;
                link = switch.station(TERMINAL);
            }
            Then::Nack(status) => {
                written.unwrap_or_else(|_| panic!("{what}: the link was closed"));
                let mut reply = || link.reply(77).unwrap_or_else(|_| panic!("{what}: the link was closed"));
                let mut reply_then = reply();
                // The blocks before the limit are acknowledged, as each block is.
                while what == "message over the limit" && reply_then.function() == Function::Ack {
                    reply_then = reply();
                }
                let reply = reply_then;
                assert_eq!((reply.function(), reply.status()), (Function::Nack, status), "{what}");
                refused += 1;
            }
        }
        assert!(link.take_replies().is_empty(), "{what}: it was answered twice");
        // The link that lives, or the new one, is as good as any; and so is another's.
        assert_eq!(link.status(), Ok(Status::READY), "after {what}");
        if number % 20 == 0 {
            serves(&mut other, &mut state, number);
        }
    }
    assert_eq!(kinds.len(), 11, "{kinds:?}");
    assert_well(&switch, closed);
    figures(&format!(
        "{count} malformed blocks of {} kinds: {closed} closed the link and only it, {refused} got the negative ack that is due",
        kinds.len()
    ));
}

fn serves(from: &mut Station, to: &mut Station, number: usize) {
    from.send(&format!("AM.ZA0020000.ZC0010000.TXT\r\nMEANWHILE {number}"));
    to.take(&format!("MEANWHILE {number}"));
}

/// Each closing has its reason, and a whole block is answered as ever: the control.
fn assert_well(switch: &Node, closed: usize) {
    let deadline = Instant::now() + PATIENCE;
    let reasons = ["frame", "interleaved"].map(|why| format!("orinet_links_closed_total{{reason=\"{why}\"}}"));
    loop {
        let metrics = switch.metrics();
        let counted: f64 = reasons.iter().filter_map(|reason| metrics.value(reason)).sum();
        if counted == closed as f64 {
            break;
        }
        assert!(Instant::now() < deadline, "{counted} of {closed} closings have their reason");
        switch.process.listen(Duration::from_millis(20));
    }
    let mut link = switch.station(TERMINAL);
    let mut bytes = BytesMut::new();
    Block::without_data(Function::StatusRequest, 0, Status::NONE).encode(&mut bytes);
    link.write(&bytes).expect("the link takes it");
    assert_eq!(link.status(), Ok(Status::READY));
}
