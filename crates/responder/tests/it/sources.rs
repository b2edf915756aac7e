//! The center asks sources over the network, over real TLS: sound ones, and one of each false kind. What one of them does costs
//! the others nothing, and the answer says which did not answer.

use std::collections::BTreeMap;
use std::time::Duration;

use codec::legacy::parse_input;
use codec::name::{Ori, StationName};
use responder::lesc::{Config, Lesc};
use responder::policy::Policy;
use responder::sources::{Kind, NetworkSource};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::network::{Switch, SwitchLink, soon};
use crate::persons::{body, by_source, persons};

const REQUESTER: &str = "ZA0010000";
/// Long enough for every sound source here, however busy the machine is.
const LONG: Duration = Duration::from_secs(60);
/// How long one has that answers never or late.
const SHORT: Duration = Duration::from_millis(50);

fn ax() -> StationName {
    StationName::parse("AX").unwrap()
}

/// A source whose ORI begins with its line.
fn source(name: &str, kind: Kind, line: &str, deadline: Duration) -> NetworkSource {
    NetworkSource { name: name.to_owned(), kind, line: line.to_owned(), from: line.to_owned(), deadline }
}

struct Network {
    switch: Switch,
    link: SwitchLink,
    stop: CancellationToken,
    center: JoinHandle<()>,
    next: u32,
}

/// A message of the center.
#[derive(Debug, Clone)]
struct Sent {
    key: String,
    to: String,
    control: String,
    text: String,
}

impl Network {
    async fn new(policy: Policy) -> Self {
        let mut switch = Switch::new(ax()).await;
        let path = switch.directory.path();
        let records = path.join("records");
        std::fs::create_dir(&records).unwrap();
        for (source, persons) in by_source(persons()) {
            records::build(persons, &records.join(format!("{}.idx", source.name()))).unwrap();
        }
        let config = Config::new(ax(), switch.dialer(ax()), vec![records]);
        let lesc = Lesc::open(Config { data: Some(path.join("center")), policy, ..config }).unwrap();
        let stop = CancellationToken::new();
        let center = tokio::spawn(lesc.run(stop.clone()));
        let link = switch.link().await;
        Self { switch, link, stop, center, next: 1 }
    }

    fn deliver(&mut self, key: &str, from: &str, control: &str, body: &str) {
        let eol = "\r\n\x7f";
        let text = format!(
            "{key}.{from}{eol}08:00 01/31/2030 00011{eol}08:00 01/31/2030 00027 AX{eol}*{control}{eol}TXT{eol}{body}"
        );
        self.link.send(self.next, text);
        self.next += 1;
    }

    fn ask(&mut self, change: &[(&str, &str)]) {
        self.deliver("IAQ", REQUESTER, "T0000001AA", &body(change));
    }

    async fn take(&mut self) -> Sent {
        let (token, _, bytes) = self.link.received().await;
        self.link.accept(token);
        let input = parse_input(&bytes).unwrap();
        Sent {
            key: input.key.as_str().to_owned(),
            to: input.destinations.iter().next().unwrap().as_str().to_owned(),
            control: input.control.unwrap_or_default().to_owned(),
            text: String::from_utf8(input.body.unwrap().to_vec()).unwrap(),
        }
    }

    /// The next messages, by their keys and where they go.
    async fn take_all(&mut self, count: usize) -> BTreeMap<(String, String), Sent> {
        let mut taken = BTreeMap::new();
        while taken.len() < count {
            let sent = self.take().await;
            taken.insert((sent.key.clone(), sent.to.clone()), sent);
        }
        taken
    }

    async fn end(self) {
        self.stop.cancel();
        soon("the center's end", self.center).await.unwrap();
        drop((self.link, self.switch));
    }
}

fn of<'a>(taken: &'a BTreeMap<(String, String), Sent>, key: &str, to: &str) -> &'a Sent {
    &taken[&(key.to_owned(), to.to_owned())]
}

fn policy(sources: Vec<NetworkSource>) -> Policy {
    Policy { sources, ..Policy::automatic() }
}

const IDENTIFIED: &str = "EMULATOR - SYNTHETIC DATA\r\nNAM/SAMPLE, PERSON A SEX/M POB/MM DOB/19800102\r\nFBI/Z00000001";
const RECORD: &str = "EMULATOR - SYNTHETIC DATA\r\nCRIMINAL HISTORY RECORD\r\nFBI/Z00000001\r\nARREST 1";
const NO_HIT: &str = "EMULATOR - SYNTHETIC DATA\r\nNO NCIC RECORD FOR NAM/SAMPLE, PERSON A";

#[tokio::test]
async fn all_sources_are_asked_as_messages_and_the_answer_says_what_they_gave() {
    let sources = vec![
        source("NCIC", Kind::Ncic, "FB", LONG),
        source("III", Kind::Iii, "FC", LONG),
        source("ZB", Kind::State, "ZB", LONG),
    ];
    let offices = BTreeMap::from([("ZA".to_owned(), Ori::parse("ZZICE0100").unwrap())]);
    let mut network = Network::new(Policy { offices, ..policy(sources) }).await;
    network.ask(&[("ARN", "000000901")]);
    let first = network.take_all(4).await;
    assert!(of(&first, "IAR", REQUESTER).text.contains("WAS RECEIVED"));
    assert_eq!(of(&first, "QW", "FB").text, "NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.MNU/AR-000000901");
    // Somebody else's word under the same control field is not the source's.
    let ncic = of(&first, "QW", "FB").control.clone();
    network.deliver("XNR", "ZC0010000", &ncic, "NIC/N999999999 FALSE");
    network.deliver("XNR", "FB0000000", &ncic, NO_HIT);
    network.deliver("CR", "FC0000000", &of(&first, "QH", "FC").control, IDENTIFIED);
    network.deliver("IR", "ZB0000050", &of(&first, "IQ", "ZB").control, "NO RECORD FOUND FOR NAM/SAMPLE");
    let record = network.take().await;
    assert_eq!((record.key.as_str(), record.to.as_str()), ("QR", "FC"));
    assert!(record.text.ends_with("FBI/Z00000001"), "{}", record.text);
    network.deliver("CR", "FC0000000", &record.control, RECORD);
    let last = network.take_all(2).await;
    let answer = of(&last, "IAR", REQUESTER);
    for part in [
        "WANTED: NCIC: NO RECORD\r\n",
        "CRIMINAL HISTORY: III:\r\n  CRIMINAL HISTORY RECORD\r\n  FBI/Z00000001\r\n  ARREST 1\r\nZB: NONE FOUND\r\n",
        ", NCIC, III, ZB\r\nNOT SEARCHED: ",
        "FIELD OFFICE NOTIFIED: ZZICE0100\r\n",
    ] {
        assert!(answer.text.contains(part), "{part:?} in {}", answer.text);
    }
    assert!(!answer.text.contains("FALSE") && !answer.text.contains("DID NOT ANSWER"), "{}", answer.text);
    let copy = of(&last, "IAR", "ZZICE0100");
    assert!(copy.control.is_empty());
    let body = answer.text.split_once("\r\n").unwrap().1;
    let expected = format!("EMULATOR - SYNTHETIC DATA\r\nCOPY FOR ZZICE0100 OF WHAT {REQUESTER} IS SENT\r\n{body}");
    assert_eq!(copy.text, expected);
    network.end().await;
}

/// How a source is false.
#[derive(Debug, Clone, Copy)]
enum False {
    Hangs,
    Garbage,
    /// The switch returns the question.
    Returned,
    /// It identifies, and what it says of the record means nothing.
    GarbageLater,
}

#[tokio::test]
async fn a_false_source_costs_the_others_nothing_and_the_answer_says_so() {
    for kind in [False::Hangs, False::Garbage, False::Returned, False::GarbageLater] {
        let deadline = if matches!(kind, False::Hangs) { SHORT } else { LONG };
        let sources = vec![source("NCIC", Kind::Ncic, "FB", LONG), source("III", Kind::Iii, "FC", deadline)];
        let mut network = Network::new(policy(sources)).await;
        network.ask(&[]);
        let first = network.take_all(3).await;
        let iii = of(&first, "QH", "FC").control.clone();
        network.deliver("XNR", "FB0000000", &of(&first, "QW", "FB").control, NO_HIT);
        match kind {
            False::Hangs => {}
            False::Garbage => network.deliver("CR", "FC0000000", &iii, "\u{1}\u{2}%%%"),
            False::Returned => network.deliver("SM", Ori::SWITCH, &iii, ".04. MESSAGE NOT DELIVERED"),
            False::GarbageLater => {
                // That it waits is no end yet.
                network.deliver("SM", Ori::SWITCH, &iii, ".02. DESTINATION DOWN, MESSAGE STORED");
                network.deliver("CR", "FC0000000", &iii, IDENTIFIED);
                let record = network.take().await;
                network.deliver("CR", "FC0000000", &record.control, "WHO KNOWS");
            }
        }
        let answer = network.take().await;
        for part in [
            "SUBJECT MATCHES: NAM/SAMPLE, PERSON A",
            "WANTED: NCIC: NO RECORD\r\nCRIMINAL HISTORY: III: NO ANSWER\r\n",
            ", NCIC\r\nDID NOT ANSWER: III\r\nNOT SEARCHED: ",
        ] {
            assert!(answer.text.contains(part), "{kind:?}: {part:?} in {}", answer.text);
        }
        network.end().await;
    }
}

#[tokio::test]
async fn late_sources_make_one_supplement() {
    let sources = vec![
        source("NCIC", Kind::Ncic, "FB", SHORT),
        source("III", Kind::Iii, "FC", SHORT),
        source("ZB", Kind::State, "ZB", SHORT),
    ];
    let mut network = Network::new(policy(sources)).await;
    network.ask(&[]);
    let first = network.take_all(4).await;
    let answer = network.take().await;
    assert!(answer.text.contains("DID NOT ANSWER: NCIC, III, ZB\r\n"), "{}", answer.text);
    network.deliver("XNR", "FB0000000", &of(&first, "QW", "FB").control, "NIC/N000000001 DTE/20300131");
    network.deliver("CR", "FC0000000", &of(&first, "QH", "FC").control, "NO IDENTIFIABLE RECORD");
    network.deliver("IR", "ZB0000050", &of(&first, "IQ", "ZB").control, "%%%");
    let supplement = network.take().await;
    assert_eq!((supplement.key.as_str(), supplement.control.as_str()), ("IAR", "T0000001AA"));
    for part in [
        "SUPPLEMENT TO THE ANSWER SENT BEFORE: NCIC, III ANSWERED LATE.",
        "WANTED: NCIC:\r\n  NIC/N000000001 DTE/20300131\r\nCRIMINAL HISTORY: III: NONE FOUND\r\nZB: NO ANSWER\r\n",
        "DID NOT ANSWER: ZB\r\n",
    ] {
        assert!(supplement.text.contains(part), "{part:?} in {}", supplement.text);
    }
    // What comes once more makes no other: the next message belongs to the next inquiry.
    network.deliver("XNR", "FB0000000", &of(&first, "QW", "FB").control, "NIC/N000000002 DTE/20300131");
    network.ask(&[("PUR", "F")]);
    let next = network.take().await;
    assert!(next.text.contains("WAS RECEIVED"), "{}", next.text);
    network.end().await;
}

#[tokio::test]
async fn purpose_f_asks_nobody_and_who_has_no_authority_gets_nothing() {
    let sources = vec![source("NCIC", Kind::Ncic, "FB", LONG)];
    let offices = BTreeMap::from([("ZA".to_owned(), Ori::parse("ZZICE0100").unwrap())]);
    let mut network = Network::new(Policy { offices, ..policy(sources) }).await;
    network.ask(&[("PUR", "F")]);
    let told = [network.take().await, network.take().await, network.take().await];
    assert!(told.iter().all(|sent| sent.key == "IAR"), "{told:?}");
    assert!(told[1].text.contains("PURPOSE F: STATUS ONLY") && !told[1].text.contains("ARN/"), "{}", told[1].text);
    // Its last letter says that it has no authority. Even an inquiry that the switch let pass is refused.
    network.deliver("IAQ", "ZA001019O", "T0000002AA", &body(&[]));
    let told = [network.take().await, network.take().await];
    assert!(told[1].text.contains("REFUSED.") && told[1].text.contains("NOTHING WAS SEARCHED"), "{}", told[1].text);
    for secret in ["SAMPLE", "ARN/", "STATUS"] {
        assert!(!told[1].text.contains(secret), "{}", told[1].text);
    }
    network.end().await;
}
