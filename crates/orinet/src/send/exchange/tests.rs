//! What belongs to what, and when it is over.

use codec::legacy::{LineEnd, OutputHeader, parse_output};
use codec::name::{Control, MessageKey};
use codec::notice::{ErNumber, er_body, sm_body};
use codec::number::Number;
use codec::time::Stamp;

use super::*;

const IAQ: &str = "IAQ.ZA0010000.AX.*T0000001AA.TXT\nPUR/C";
const UNMARKED_IAQ: &str = "IAQ.ZA0010000.AX.TXT\nPUR/C";
const AM: &str = "AM.ZA0010000.FB.ZC.TXT\nANYTHING";

/// Messages that were all sent at once and acknowledged after 10 ms.
fn exchange(messages: &[&str]) -> Exchange {
    let messages: Vec<Bytes> = messages.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
    let count = messages.len();
    let mut exchange = Exchange::new(messages, Dictionary::builtin());
    for at in 0..count {
        exchange.sent(at, Duration::ZERO);
        exchange.acknowledged(at, ms(10));
    }
    exchange
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What comes: `KEY SENDER DESTINATION CONTROL`, with `-` for no control field, and a body.
fn comes(exchange: &mut Exchange, header: &str, body: &[u8]) -> Meaning {
    let [key, sender, destination, control] = *header.split(' ').collect::<Vec<_>>() else { panic!("{header}") };
    let stamp = Stamp::parse("08:00 01/31/2030").unwrap();
    let bytes = OutputHeader {
        key: MessageKey::parse(key).unwrap(),
        sender: Ori::parse(sender).unwrap(),
        received: stamp,
        isn: Number::default(),
        sent: stamp,
        osn: Number::default(),
        destination,
        control: (control != "-").then(|| Control::parse(control).unwrap()),
    }
    .encode(LineEnd::CrLfDel, body);
    exchange.received(&parse_output(&bytes).unwrap())
}

fn refusal(exchange: &mut Exchange, control: &str, original: &[u8], echo_bytes: usize) -> Meaning {
    let body = er_body(ErNumber::Header, None, "", &[], original, echo_bytes);
    comes(exchange, &format!("ER NL0000000 ZA0010000 {control}"), &body)
}

fn outcomes(exchange: &Exchange, now: Duration) -> Vec<Outcome> {
    exchange.messages().iter().map(|message| message.outcome(now)).collect()
}

#[test]
fn an_inquiry_is_done_when_both_answers_came() {
    let mut exchange = exchange(&[IAQ]);
    assert_eq!(comes(&mut exchange, "AM ZB0010000 ZA0010000 T0000001AA", b""), Meaning::Other);
    assert_eq!(comes(&mut exchange, "IAR ZZLESC000 ZA0010000 T0000001Aa", b""), Meaning::Other);
    for number in 1..=2 {
        assert!(!exchange.is_done(ms(99_999)));
        let meaning = comes(&mut exchange, "IAR ZZLESC000 ZA0010000 T0000001AA", b"");
        assert_eq!(meaning, Meaning::Answer { to: 0, number, due: 2 });
    }
    assert!(exchange.is_done(ms(10)));
    assert_eq!(comes(&mut exchange, "IAR ZZLESC000 ZA0010000 T0000001AA", b""), Meaning::Other);
    assert_eq!(outcomes(&exchange, ms(10)), [Outcome::Answered]);
}

#[test]
fn an_answer_that_came_before_the_acknowledgement_counts() {
    let mut exchange = Exchange::new(vec![Bytes::from(IAQ)], Dictionary::builtin());
    assert_eq!(outcomes(&exchange, ms(0)), [Outcome::Open(Lack::Sending)]);
    assert_eq!(comes(&mut exchange, "IAR ZZLESC000 ZA0010000 T0000001AA", b""), Meaning::Other);
    exchange.sent(0, ms(1));
    for _ in 0..2 {
        assert_ne!(comes(&mut exchange, "IAR ZZLESC000 ZA0010000 T0000001AA", b""), Meaning::Other);
    }
    assert_eq!(outcomes(&exchange, ms(2)), [Outcome::Open(Lack::Acknowledgement)]);
    exchange.acknowledged(0, ms(3));
    assert!(exchange.is_done(ms(3)));
}

#[test]
fn control_fields_tell_answers_apart() {
    let other = IAQ.replace("T0000001AA", "T2");
    let mut exchange = exchange(&[IAQ, &other, UNMARKED_IAQ]);
    for (header, to) in [
        ("IAR ZZLESC000 ZA0010000 T2", 1),
        ("IAR ZZLESC000 ZA0010000 T0000001AA", 0),
        ("IAR ZZLESC000 ZA0010000 -", 2),
        ("IAR ZZLESC000 ZA0010000 T2", 1),
    ] {
        let meaning = comes(&mut exchange, header, b"");
        assert!(matches!(meaning, Meaning::Answer { to: found, .. } if found == to), "{header}: {meaning:?}");
    }
    use Outcome::{Answered, Open};
    let missing = Open(Lack::Answers { came: 1, due: 2 });
    assert_eq!(outcomes(&exchange, ms(20)), [missing, Answered, missing]);
}

#[test]
fn without_control_fields_answers_go_in_order_to_whom_they_are_addressed() {
    let other = UNMARKED_IAQ.replace("ZA001", "ZA002");
    let mut exchange = exchange(&[UNMARKED_IAQ, &other, UNMARKED_IAQ]);
    for (address, to, number) in
        [("ZA0010000", 0, 1), ("ZA0020000", 1, 1), ("ZA0010000", 0, 2), ("ZA0010000", 2, 1), ("ZA0020000", 1, 2)]
    {
        let meaning = comes(&mut exchange, &format!("IAR ZZLESC000 {address} -"), b"");
        assert_eq!(meaning, Meaning::Answer { to, number, due: 2 }, "{address}");
    }
    assert_eq!(comes(&mut exchange, "IAR ZZLESC000 ZA0020000 -", b""), Meaning::Other);
}

#[test]
fn what_needs_no_answer_is_done_once_no_refusal_can_come() {
    let mut exchange = exchange(&[AM]);
    assert_eq!(outcomes(&exchange, ms(500)), [Outcome::Open(Lack::Refusal)]);
    let done = exchange.next_done(ms(500)).unwrap();
    assert_eq!(done, ms(10) + REFUSAL_WAIT);
    assert!(!exchange.is_done(done - ms(1)) && exchange.is_done(done));
    assert_eq!((outcomes(&exchange, done), exchange.next_done(done)), (vec![Outcome::Acknowledged], None));
    // It came late all the same.
    assert_eq!(refusal(&mut exchange, "-", AM.as_bytes(), 100), Meaning::Refusal { of: 0 });
    assert_eq!(outcomes(&exchange, done), [Outcome::Refused]);
}

#[test]
fn an_error_ends_the_wait_for_the_message_that_it_echoes() {
    let second = IAQ.replace("PUR/C", "PUR/X");
    let bad = "AM.ZA0010000.FB.TXT\n\x1bX";
    let mut exchange = exchange(&[IAQ, &second, bad, "HELLO", "HELLO"]);
    // The same control field: the echo decides, unless it was cut too early to.
    assert_eq!(refusal(&mut exchange, "T0000001AA", second.as_bytes(), 100), Meaning::Refusal { of: 1 });
    assert_eq!(refusal(&mut exchange, "T0000001AA", second.as_bytes(), 10), Meaning::Refusal { of: 0 });
    assert_eq!(refusal(&mut exchange, "-", IAQ.as_bytes(), 100), Meaning::Other);
    assert_eq!(refusal(&mut exchange, "T1", b"AM.ZA0010000.FB.*T1.TXT", 100), Meaning::Other);
    assert_eq!(refusal(&mut exchange, "-", bad.as_bytes(), 100), Meaning::Refusal { of: 2 });
    for of in [3, 4] {
        assert_eq!(refusal(&mut exchange, "-", b"HELLO", 100), Meaning::Refusal { of });
    }
    assert_eq!(refusal(&mut exchange, "-", b"HELLO", 100), Meaning::Other);
    assert!(exchange.is_done(ms(10)));
}

#[test]
fn a_status_is_a_delay_or_a_refusal_of_what_it_names() {
    let marked = AM.replace("ZC.TXT", "ZC.*M1.TXT");
    let mut exchange = exchange(&[AM, &marked, AM]);
    let mut says = |number, control, names: &[&str], original: Option<&[u8]>| {
        let body = sm_body(number, names, original, 100);
        comes(&mut exchange, &format!("SM NL0000000 ZA0010000 {control}"), &body)
    };
    use SmNumber::{NotSupported, WillForward, WillNotForward};
    assert_eq!(says(WillForward, "-", &["ZC"], None), Meaning::Delay { of: 0 });
    assert_eq!(says(WillForward, "-", &["ZC", "ZB"], None), Meaning::Other);
    assert_eq!(says(WillForward, "M1", &["ZC"], None), Meaning::Delay { of: 1 });
    assert_eq!(says(WillNotForward, "M1", &["ZC"], Some(b"AM.ZA0010000.FB.ZC.*M1.TXT\nOLDER")), Meaning::Other);
    assert_eq!(says(WillNotForward, "M1", &["ZC"], Some(marked.as_bytes())), Meaning::Refusal { of: 1 });
    assert_eq!(says(NotSupported, "-", &["ZC", "FB"], None), Meaning::Refusal { of: 0 });
    assert_eq!(says(NotSupported, "-", &["FB"], None), Meaning::Refusal { of: 2 });
    assert_eq!(says(NotSupported, "-", &["FB"], None), Meaning::Other);
    // Another station's word is no answer of the switch.
    assert_eq!(comes(&mut exchange, "SM ZC0010000 ZA -", b".04. OUT OF SERVICE - ZC"), Meaning::Other);
}

#[test]
fn a_message_is_described_as_far_as_it_can_be_read() {
    let exchange = exchange(&[IAQ, AM, "HELLO"]);
    let said: Vec<String> = exchange.messages().iter().map(Message::describe).collect();
    assert_eq!(said[0], "IAQ from ZA0010000 to AX, control field T0000001AA, 38 bytes");
    assert_eq!(said[1], "AM from ZA0010000 to FB ZC, 31 bytes");
    assert_eq!(said[2], "no key, 5 bytes");
}

#[test]
fn the_text_of_a_help_file_is_the_answer_to_whoever_asked_for_it() {
    let marked = "AM.ZA0010000.AXADMHELP.*H1.TXT\nHELP";
    let mut exchange = exchange(&[marked, "AM.ZA0010000.NLNLEHELP.TXT\n", "AM.ZA0010000.AXADMHELP.ZB.TXT\n"]);
    assert_eq!(comes(&mut exchange, "AM AXADMHELP ZA0020000 -", b"HELP"), Meaning::Other, "somebody else asked");
    assert_eq!(comes(&mut exchange, "AM ZB0010000 ZA0010000 -", b"HELP"), Meaning::Other, "no help file");
    let answer = |to| Meaning::Answer { to, number: 1, due: 1 };
    assert_eq!(comes(&mut exchange, "AM NLNLEHELP ZA0010000 -", b"NO HELP"), answer(1));
    assert_eq!(comes(&mut exchange, "AM AXADMHELP ZA0010000 -", b"HELP"), answer(0));
    assert_eq!(comes(&mut exchange, "AM AXADMHELP ZA0010000 -", b"HELP"), Meaning::Other);
    assert_eq!(outcomes(&exchange, ms(20))[..2], [Outcome::Answered; 2]);
}
