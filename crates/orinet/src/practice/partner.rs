//! The trainee's partner in practice: an agency of another state that sends a note, a hit confirmation request and a
//! broadcast, and answers what comes. Which message follows from which is a pure function, [`answer`].

use std::time::Duration;

use bytes::Bytes;
use codec::legacy::{Output, fields, parse_output};
use codec::name::StationName;
use link::dialer::{self, dialer};
use tokio::select;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::TRAINEE;

/// The partner's station, which no other part of the sample network is.
pub(super) const STATION: &str = "ZC";
/// Its agency.
const AGENCY: &str = "ZC0010000";
/// The first line of all that it says.
const MARK: &str = "EMULATOR - SYNTHETIC DATA";

/// Sends the script's messages `pace` apart once the trainee is there, and answers what comes, until `stop`.
pub(super) async fn run(
    link: dialer::Config,
    mut attached: watch::Receiver<switch::Attached>,
    inquiry: &str,
    pace: Duration,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let trainee = StationName::parse(TRAINEE)?;
    let (dialer, station, mut received) = dialer(link);
    let dialing = tokio::spawn(dialer.run(stop.clone(), |event| debug!(?event, "the partner's link")));
    let mut script = script(inquiry).into_iter();
    let mut next = None;
    loop {
        let due = next;
        select! {
            () = stop.cancelled() => break,
            here = attached.wait_for(|attached| attached.contains_key(&trainee)), if next.is_none() => {
                if here.is_err() {
                    break;
                }
                next = Some(Instant::now() + FIRST.min(pace));
            }
            Some(message) = received.recv() => {
                let reply = parse_output(&message.bytes).ok().and_then(|output| answer(&output));
                message.acknowledge.accept();
                if let Some(reply) = reply {
                    drop(station.post(None, Bytes::from(reply)).await);
                }
            }
            () = async { match due { Some(due) => sleep_until(due).await, None => std::future::pending().await } } => {
                match script.next() {
                    Some(text) => drop(station.post(None, Bytes::from(text)).await),
                    // All was said: only answers are left.
                    None => next = Some(Instant::now() + FOREVER),
                }
                next = next.map(|due| due + pace);
            }
        }
    }
    drop((station, received));
    Ok(dialing.await?)
}

/// The first message comes this soon, that the trainee has something to look at.
const FIRST: Duration = Duration::from_secs(3);
/// Longer than anybody practices.
const FOREVER: Duration = Duration::from_secs(365 * 86_400);

/// What the partner sends of itself, in this order.
fn script(inquiry: &str) -> [String; 3] {
    let person: Vec<String> = fields(inquiry.split_once('\n').map_or("", |(_, body)| body).as_bytes())
        .flatten()
        .filter(|field| ["NAM", "DOB", "SEX", "POB"].contains(&field.prefix))
        .map(|field| format!("{}/{}", field.prefix, field.value))
        .collect();
    [
        format!(
            "AM.{AGENCY}.{TRAINEE}.TXT\r\n{MARK}\r\nWELCOME TO PRACTICE. NOTHING LEAVES THIS MACHINE.\r\n\
             1. SEND AN IAQ ABOUT {}. TWO ANSWERS COME.\r\n\
             2. A HIT CONFIRMATION REQUEST (YQ) WILL COME: ANSWER IT WITHIN 10 MINUTES.\r\n\
             3. SEND AN AM TO {AGENCY}: IT IS ANSWERED.\r\n\
             4. SEND A YQ OF YOUR OWN TO {AGENCY}: IT IS CONFIRMED.",
            person.join(" ")
        ),
        format!(
            "YQ.{AGENCY}.{TRAINEE}.*PRACTICE01.TXT\r\nRTY/WP.RNO/1.PRI/U.OCA/PRACTICE1.NIC/W000000001.\
             NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.RNA/SGT TEST ONE.RAG/CHARLIE CITY TEST PD.PHO/5555550101.\
             REM/{MARK}, SUBJECT IN CUSTODY"
        ),
        format!(
            "AML.{AGENCY}.R1.{TRAINEE}.TXT\r\n{MARK}\r\nATTEMPT TO LOCATE: BLUE TEST SEDAN, PLATE TEST001.\r\n\
             THIS IS A BROADCAST: IT NEEDS NO ANSWER."
        ),
    ]
}

/// What the partner answers to a message, if anything: it confirms each hit, thanks for an answer, and answers a note
/// once, for its own notes bear its mark.
fn answer(output: &Output<'_>) -> Option<String> {
    let control = output.control.map(|control| format!("*{control}.")).unwrap_or_default();
    let of = |wanted: &[&str]| -> String {
        let fields =
            fields(output.body).flatten().filter(|field| wanted.contains(&&*field.prefix.to_ascii_uppercase()));
        fields.map(|field| format!("{}/{}.", field.prefix, field.value)).collect()
    };
    let sender = output.sender;
    match output.key.as_str() {
        "YQ" => Some(format!(
            "YR.{AGENCY}.{sender}.{control}TXT\r\n{}RES/Y.RNA/SGT TEST TWO.RAG/CHARLIE CITY TEST PD.PHO/5555550101.\
             REM/{MARK}, THE RECORD IS CONFIRMED",
            of(&["RTY", "RNO", "PRI", "OCA", "NIC", "NAM", "DOB", "LIC", "LIS", "VIN"]),
        )),
        "YR" => {
            let result = of(&["OCA", "RES", "TIM"]);
            Some(format!("AM.{AGENCY}.{sender}.{control}TXT\r\n{MARK}\r\nTHANK YOU. YOUR ANSWER CAME: {result}"))
        }
        "AM" if sender.as_str() == TRAINEE => Some(format!(
            "AM.{AGENCY}.{sender}.{control}TXT\r\n{MARK}\r\nYOUR MESSAGE OF {} BYTES CAME. CHARLIE CITY TEST PD, SGT TEST TWO.",
            output.body.len()
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use codec::dictionary::Dictionary;
    use codec::legacy::{LineEnd, OutputHeader, parse_input};
    use codec::name::{Control, MessageKey, Ori};
    use codec::number::Number;
    use codec::time::Stamp;

    use super::*;

    const INQUIRY: &str = "IAQ.ZA0010000.AX.*D1.TXT\nPUR/C.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.\nPOB/MM.OFF/0399\n";

    #[track_caller]
    fn assert_would_be_taken(text: &str) {
        let input = parse_input(text.as_bytes()).unwrap();
        let spec = Dictionary::builtin().spec(input.key).unwrap();
        spec.check_body(input.body.unwrap(), jiff::civil::date(2030, 1, 31))
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(text.contains(MARK), "{text}");
    }

    fn reply(key: &str, sender: &str, body: &[u8]) -> Option<String> {
        let stamp = Stamp::parse("08:00 01/31/2030").unwrap();
        let bytes = OutputHeader {
            key: MessageKey::parse(key).unwrap(),
            sender: Ori::parse(sender).unwrap(),
            received: stamp,
            isn: Number::default(),
            sent: stamp,
            osn: Number::default(),
            destination: AGENCY,
            control: Some(Control::parse("T1").unwrap()),
        }
        .encode(LineEnd::CrLfDel, body);
        answer(&parse_output(&bytes).unwrap())
    }

    #[test]
    fn what_the_partner_sends_passes_the_rules_and_says_what_it_is() {
        let script = script(INQUIRY);
        script.iter().for_each(|text| assert_would_be_taken(text));
        assert!(script[0].contains("NAM/SAMPLE, PERSON A DOB/19800102 SEX/M POB/MM"), "{}", script[0]);
        let request = parse_input(script[1].as_bytes()).unwrap().body.unwrap();
        for (key, body) in [("YQ", request), ("AM", b"HELLO".as_slice())] {
            let reply = reply(key, TRAINEE, body).unwrap();
            assert_would_be_taken(&reply);
            assert!(reply.contains(&format!(".{TRAINEE}.*T1.TXT")), "{reply}");
        }
    }

    #[test]
    fn two_partners_would_not_talk_for_ever() {
        assert_eq!(reply("AM", AGENCY, b"HELLO"), None);
        for key in ["IAR", "SM", "ER", "AML"] {
            assert_eq!(reply(key, TRAINEE, b""), None, "{key}");
        }
    }
}
