//! Every message family once over real TLS: a message that is accepted comes to its station as it must, to the byte, and
//! one that is faulty in the family's typical way is answered with its ER.

use std::collections::{BTreeMap, BTreeSet};

use codec::dictionary::{Dictionary, Sender};
use codec::legacy::{LineEnd, OutputHeader};

use crate::net::{Net, PEER, STATE, TERMINAL};
use crate::process::run;
use crate::station::Station;

/// One key: what is sent, by whom, to whom it comes and as what; then what is refused, and what the ER says.
struct Case {
    key: &'static str,
    from: &'static str,
    /// The header after the key, up to `TXT`.
    header: &'static str,
    body: &'static str,
    to: &'static str,
    /// What the receiver gets, where it is not the body as it was sent.
    delivered: Option<&'static str>,
    /// A faulty message of the key, after the key: header, `TXT`, body.
    faulty: &'static str,
    refusal: &'static str,
}

/// A case whose body comes as it was sent.
const fn case(
    key: &'static str,
    (from, header): (&'static str, &'static str),
    to: &'static str,
    body: &'static str,
    faulty: &'static str,
    refusal: &'static str,
) -> Case {
    Case { key, from, header, body, to, delivered: None, faulty, refusal }
}

impl Case {
    const fn delivered(self, delivered: &'static str) -> Self {
        Self { delivered: Some(delivered), ..self }
    }
}

/// The terminal asks, the center and the NCIC station and two states answer.
const CASES: &[Case] = &[
    case(
        "AM",
        (TERMINAL, "ZA0010000.ZC0010000.*T1"),
        STATE,
        "Any text. At/all\r\n\x7fSECOND LINE",
        "ZA0010000.ZC0090001.TXT\r\nTEST",
        ".19. INVALID DESTINATION ORIs - ZC0090001\r\n",
    ),
    case(
        "AML",
        (TERMINAL, "ZA0010000.ZB"),
        "ZB",
        "TEST ONLY",
        "ZA0010000.ZA.ZB.ZC.AX.FB.SS.TXT\r\nTEST",
        ".01. INVALID HEADER INFORMATION - AT MOST 10 DESTINATIONS, 5 OF THEM LINES\r\n",
    )
    .delivered("FOR LAW ENFORCEMENT DISSEMINATION ONLY\r\n\x7fTEST ONLY"),
    case(
        "SM",
        (TERMINAL, "ZA0010000.ZB"),
        "ZB",
        "ZA OUT OF SERVICE UNTIL 1800 MST",
        "ZA0010000.QX.TXT\r\nTEST",
        ".19. INVALID DESTINATION ORIs - QX\r\n",
    ),
    case(
        "IAQ",
        (TERMINAL, "ZA0010000.AX.*T2"),
        "AX",
        "pur/c.atn/Sgt Test One.phn/5555550100.nam/sample, person a.dob/19800102.sex/m.\r\npob/mm.cus/y.off/0399.ARN/A000000001",
        "ZA0010000.AX.TXT\r\nPUR/C.ATN/SGT TEST ONE",
        ".14. FIELDS MISSING - PHN, NAM, DOB, SEX, POB, CUS, OFF\r\n",
    )
    .delivered(
        "PUR/C.ATN/Sgt Test One.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.\r\nPOB/MM.CUS/Y.OFF/0399.ARN/000000001",
    ),
    case(
        "IAR",
        ("AX", "ZZLESC000.ZA0010000.*T2"),
        TERMINAL,
        "EMULATOR - SYNTHETIC DATA\r\nNO RECORD FOUND.",
        "ZZLESC000.ZA.TXT\r\nTEST",
        ".19. INVALID DESTINATION ORIs - ZA\r\n",
    ),
    case(
        "YQ",
        (TERMINAL, "ZA0010000.ZZLESC000.*T3"),
        "AX",
        "RTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001.\r\nNAM/SAMPLE, PERSON A.DOB/19800102.RNA/SGT TEST ONE.RAG/TEST PD",
        "ZA0010000.ZZLESC000.TXT\r\nRTY/SS.PRI/R.OCA/TESTCASE1.NIC/S000000001.SER/TEST123.RNA/TEST_ONE.RAG/TEST PD",
        ".22. INVALID MESSAGE FORMAT - REFER TO YQ MKE OPTIONS BELOW - RNO, TYP\r\n\
         1. RTY, RNO, PRI, OCA, NIC, TYP, SER, RNA, RAG\r\nORIGINAL MESSAGE\r\n",
    ),
    case(
        "YR",
        ("AX", "ZZLESC000.ZA0010000.*T3"),
        TERMINAL,
        "RTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001.RES/Y.RNA/TEST.RAG/CENTER",
        "ZZLESC000.ZA0010000.TXT\r\nRTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001.RES/P.RNA/TEST.RAG/CENTER",
        ".22. INVALID MESSAGE FORMAT - REFER TO YR MKE OPTIONS BELOW - TIM\r\n\
         1. RTY, RNO, PRI, OCA, NIC, RES, TIM, RNA, RAG\r\n",
    ),
    case(
        "IQ",
        (TERMINAL, "ZA0010000.ZB.*T4"),
        "ZB",
        "PUR/C.ATN/SGT TEST ONE.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M",
        "ZA0010000.ZC.TXT\r\nPUR/C.ATN/SGT TEST ONE.SOC/000000001",
        ".02. MESSAGE TYPE NOT ALLOWED TO DESTINATION - ZC\r\n",
    ),
    case(
        "IR",
        ("ZB", "ZB0010000.ZA0010000.*T4"),
        TERMINAL,
        "EMULATOR - SYNTHETIC DATA\r\nINDEX THAT HIT: NAM, DOB",
        "ZB0010000.ZA.TXT\r\nTEST",
        ".19. INVALID DESTINATION ORIs - ZA\r\n",
    ),
    case(
        "FQ",
        (TERMINAL, "ZA0010000.ZB"),
        "ZB",
        "PUR/C.ATN/SGT TEST ONE.SID/NV00000001",
        "ZA0010000.ZB0010000.TXT\r\nPUR/C.ATN/SGT TEST ONE.SID/NV00000001",
        ".19. INVALID DESTINATION ORIs - ZB0010000\r\n",
    ),
    case(
        "FR",
        ("ZB", "ZB0010000.ZA0010000"),
        TERMINAL,
        "EMULATOR - SYNTHETIC DATA\r\nNO CONVICTIONS",
        "ZB0010000.ZC0090001.TXT\r\nTEST",
        ".19. INVALID DESTINATION ORIs - ZC0090001\r\n",
    ),
    case(
        "AQ",
        (TERMINAL, "ZA0010000.ZB"),
        "ZB",
        "any text, SID/NV00000001",
        "ZA0010000.FB.TXT\r\nTEST",
        ".02. MESSAGE TYPE NOT ALLOWED TO DESTINATION - FB\r\n",
    ),
    case(
        "AR",
        ("ZB", "ZB0010000.ZA0010000"),
        TERMINAL,
        "EMULATOR - SYNTHETIC DATA\r\nNO DISPOSITION",
        "ZB0010000.ZA0010000.ZC0010000.TXT\r\nTEST",
        ".01. INVALID HEADER INFORMATION - AT MOST 1 DESTINATIONS",
    ),
    case(
        "CR",
        ("FB", "ZZNCIC000.ZA0010000"),
        TERMINAL,
        "EMULATOR - SYNTHETIC DATA\r\nNO IDENTIFIABLE RECORD",
        "ZZNCIC000.ZZUSSS000.TXT\r\nTEST",
        ".02. MESSAGE TYPE NOT ALLOWED TO DESTINATION - ZZUSSS000\r\n",
    ),
    case(
        "QW",
        (TERMINAL, "ZA0010000.FB.*T5"),
        "FB",
        "NAM/SAMPLE, PERSON A.SEX/M.RAC/U.DOB/19800102.zzq/kept as it came",
        "ZA0010000.FB.TXT\r\nNAM/SAMPLE, PERSON A",
        ".22. INVALID MESSAGE FORMAT - REFER TO QW MKE OPTIONS BELOW - ONE SET OF FIELDS\r\n1. NAM, DOB\r\n",
    ),
    case(
        "QWI",
        (TERMINAL, "ZA0010000.FB"),
        "FB",
        "PUR/C.ATN/SGT TEST ONE.NAM/SAMPLE, PERSON A.DOB/19800102",
        "ZA0010000.ZB.TXT\r\nPUR/C.ATN/SGT TEST ONE.NAM/SAMPLE, PERSON A.DOB/19800102",
        ".02. MESSAGE TYPE NOT ALLOWED TO DESTINATION - ZB\r\n",
    ),
    case(
        "QH",
        (TERMINAL, "ZA0010000.FB"),
        "FB",
        "PUR/C.ATN/SGT TEST ONE.NAM/SAMPLE, PERSON A.DOB/19800102",
        "ZA0010000.FB.TXT\r\nPUR/C.ATN/SGT TEST ONE.NAM/SAMPLE, PERSON A.DOB/19801302",
        ".05. DOB INVALID or MISSING - DOB DATE\r\n",
    ),
    case(
        "QR",
        (TERMINAL, "ZA0010000.FB"),
        "FB",
        "PUR/C.ATN/SGT TEST ONE.FBI/000000ZZ1",
        "ZA0010000.FB.TXT\r\nPUR/C.FBI/000000ZZ1",
        ".22. INVALID MESSAGE FORMAT - REFER TO QR MKE OPTIONS BELOW - ATN\r\n1. PUR, ATN, FBI\r\n",
    ),
    case(
        "XNR",
        ("FB", "ZZNCIC000.ZA0010000.*T5"),
        TERMINAL,
        "EMULATOR - SYNTHETIC DATA\r\nNO NCIC RECORD",
        "ZZNCIC000.FB.TXT\r\nTEST",
        ".19. INVALID DESTINATION ORIs - FB\r\n",
    ),
    case(
        "XI1",
        ("AX", "ZZLESC000.FB.*T6"),
        "FB",
        "OCA/TESTCASE1.NAM/SAMPLE, PERSON A.SEX/M.RAC/U.POB/MM.DOB/19800102.HGT/510.WGT/175.EYE/BRO.HAI/BRO.OFF/8004",
        "ZZLESC000.FB.TXT\r\nOCA/TESTCASE1.NAM/SAMPLE, PERSON A.SEX/M.RAC/U.POB/MM.DOB/19800102.HGT/510.WGT/175.EYE/BRO.HAI/BRO.OFF/0399",
        ".22. INVALID MESSAGE FORMAT - REFER TO XI1 MKE OPTIONS BELOW - OFF VALUE\r\n\
         1. OCA, NAM, SEX, RAC, POB, DOB, HGT, WGT, EYE, HAI, OFF\r\n",
    ),
    case(
        "XI2",
        ("AX", "ZZLESC000.FB"),
        "FB",
        "NIC/N000000001.OFF/8003.CTZ/",
        "ZZLESC000.FB.TXT\r\nNIC/N000000001.OFF/",
        ".22. INVALID MESSAGE FORMAT - REFER TO XI2 MKE OPTIONS BELOW - OFF LENGTH\r\n1. NIC\r\n",
    ),
    case(
        "XI3",
        ("AX", "ZZLESC000.FB"),
        "FB",
        "NIC/N000000001.OCA/TESTCASE1",
        "ZZLESC000.FB.TXT\r\nNIC/N000000001.OCA/TESTCASE1.OFF/8003",
        ".22. INVALID MESSAGE FORMAT - REFER TO XI3 MKE OPTIONS BELOW - OFF UNKNOWN\r\n1. NIC, OCA\r\n",
    ),
    case(
        "RQ",
        (TERMINAL, "ZA0010000.ZC.*T7"),
        STATE,
        "LIC/TEST123.LIY/2030.LIT/PC",
        "ZA0010000.ZC.TXT\r\nLIC/123456.LIT/PC",
        ".22. INVALID MESSAGE FORMAT - REFER TO RQ MKE OPTIONS BELOW - LIY\r\n1. LIC, LIY, LIT\r\nORIGINAL MESSAGE\r\n",
    ),
    case(
        "RR",
        (STATE, "ZC0010000.ZA0010000.*T7"),
        TERMINAL,
        "EMULATOR - SYNTHETIC DATA\r\nNO RECORD FOR LIC/TEST123",
        "ZC0020000.ZA0010000.TXT\r\nTEST",
        ".01. INVALID HEADER INFORMATION - SENDER ORI NOT AUTHORIZED FOR RR\r\n",
    ),
    case(
        "DQ",
        (TERMINAL, "ZA0010000.ZC"),
        STATE,
        "OLN/S00000000",
        "ZA0010000.R1.TXT\r\nOLN/S00000000",
        ".19. INVALID DESTINATION ORIs - R1\r\n",
    ),
    case(
        "DR",
        (STATE, "ZC0010000.ZA0010000"),
        TERMINAL,
        "EMULATOR - SYNTHETIC DATA\r\nNO RECORD FOR OLN/S00000000",
        "ZC0050000.ZA0010000.TXT\r\nTEST",
        ".01. INVALID HEADER INFORMATION - SENDER ORI NOT AUTHORIZED FOR DR\r\n",
    ),
];

/// What the switch itself answers: key, what is sent after it, the key of the answer, what is in it; what is refused.
const OWN: &[(&str, &str, &str, &str, &str, &str)] = &[
    (
        "ECHO",
        "ZA0010000.NL.*T8.TXT\r\nAny text. At/all",
        "ECHO",
        "\r\n\x7f*T8\r\n\x7fTXT\r\n\x7fAny text. At/all",
        "ZA0010000.ZB.TXT\r\nTEST",
        ".02. MESSAGE TYPE NOT ALLOWED TO DESTINATION - ZB\r\n",
    ),
    (
        "TA",
        "ZA0000050.OD.TXT\r\nORI/ZA0090000.LOC/SAMPLE TEST PD.TYP/PD.AUT/AC.HRS/A.PHO/5555550100",
        "TR",
        "ADDED\r\n",
        "ZA0000050.OD.TXT\r\nORI/ZA0090000",
        ".22. INVALID MESSAGE FORMAT - REFER TO TA MKE OPTIONS BELOW - LOC, TYP, AUT, HRS, PHO\r\n",
    ),
    (
        "TQ",
        "ZA0010000.OD.TXT\r\nORI/ZA0090000",
        "TR",
        "ORI/ZA0090000.LIN/ZA.LOC/SAMPLE TEST PD.TYP/PD.AUT/AC.HRS/A.",
        "ZA0010000.OD.TXT\r\nSEX/M",
        ".22. INVALID MESSAGE FORMAT - REFER TO TQ MKE OPTIONS BELOW - ONE SET OF FIELDS\r\n1. ORI\r\n2. LOC\r\n3. TYP\r\n",
    ),
    (
        "TU",
        "ZA0000050.OD.TXT\r\nORI/ZA0090000.PHO/5555550102.FAX/",
        "TR",
        "CHANGED\r\n",
        "ZA0000050.OD.TXT\r\nORI/ZA0090000.PHO/",
        ".22. INVALID MESSAGE FORMAT - REFER TO TU MKE OPTIONS BELOW - PHO LENGTH\r\n",
    ),
    (
        "TD",
        "ZA0000050.OD.TXT\r\nORI/ZA0090000",
        "TR",
        "DELETED\r\n",
        "ZB0000050.OD.TXT\r\nORI/ZA0010000",
        ".01. INVALID HEADER INFORMATION - ORI OF ANOTHER LINE\r\n",
    ),
    (
        "NLQ",
        "ZA0010000.NL.*T9.TXT\r\nTYP/AM.BEG/20200101.END/20991231.FND/second line",
        "NLR",
        "1 MESSAGE LISTED",
        "ZA0010000.NL.TXT\r\nTYP/AM.BEG/20200101",
        ".14. FIELDS MISSING - END\r\n",
    ),
    (
        "NFQ",
        "ZA0010000.NL.TXT\r\nMSN/1",
        "NFR",
        "AS IT LEFT",
        "ZA0010000.NL.TXT\r\nMSN/1.ZZQ/1",
        ".22. INVALID MESSAGE FORMAT - REFER TO NFQ MKE OPTIONS BELOW - ZZQ UNKNOWN\r\n1. MSN\r\n",
    ),
];

type Stations = BTreeMap<&'static str, Station>;

fn of<'a>(stations: &'a mut Stations, name: &str) -> &'a mut Station {
    stations.get_mut(name).expect("a station of this test")
}

#[test]
fn every_key_has_a_case() {
    let tried: BTreeSet<&str> = CASES.iter().map(|case| case.key).chain(OWN.iter().map(|own| own.0)).collect();
    let sent = Dictionary::builtin().specs().filter(|spec| spec.sender != Sender::Switch);
    assert_eq!(tried, sent.map(|spec| spec.key.as_str()).collect());
}

#[test]
fn every_family_comes_through_to_the_byte_and_its_fault_comes_back() {
    let net = Net::new();
    let switch = net.switch();
    let names = [TERMINAL, "AX", "FB", "ZA", "ZB", STATE];
    let mut stations: Stations = names.map(|name| (name, switch.station(name))).into();
    for case in CASES {
        let Case { key, from, header, body, to, .. } = case;
        of(&mut stations, from).send(&format!("{key}.{header}.TXT\r\n{body}"));
        let came = of(&mut stations, to).take(&format!("{key}."));
        let (output, control) = (came.output(), header.split_once('*').map(|(_, control)| control));
        let mut addresses = header.split('.');
        assert_eq!(Some(output.sender.as_str()), addresses.next(), "{key}");
        let again = OutputHeader {
            key: key.parse().unwrap(),
            sender: output.sender,
            received: output.received,
            isn: output.isn,
            sent: output.sent,
            osn: output.osn,
            destination: addresses.next().unwrap(),
            control: control.map(|control| control.parse().unwrap()),
        };
        let expected = again.encode(LineEnd::CrLfDel, case.delivered.unwrap_or(body).as_bytes());
        assert_eq!(came.text.as_bytes(), expected.as_ref(), "{key}: {:?}", came.text);

        let faulty = format!("{key}.{}", case.faulty);
        of(&mut stations, from).send(&faulty);
        let refusal = of(&mut stations, from).take("ER.NL0000000");
        assert!(refusal.text.contains(case.refusal), "{faulty:?} was answered {:?}", refusal.text);
    }
    for (key, sent, answer, mark, faulty, refusal) in OWN {
        let from = if sent.starts_with(TERMINAL) { TERMINAL } else { "ZA" };
        of(&mut stations, from).send(&format!("{key}.{sent}"));
        let came = loop {
            let came = of(&mut stations, from).take(&format!("{answer}."));
            if !came.text.contains("QUEUED - THE ANSWER FOLLOWS") {
                break came;
            }
        };
        assert!(came.text.contains(mark), "{key} was answered {:?}", came.text);

        let from = if faulty.starts_with("ZB") { "ZB" } else { from };
        of(&mut stations, from).send(&format!("{key}.{faulty}"));
        let came = of(&mut stations, from).take("ER.NL0000000");
        assert!(came.text.contains(refusal), "{key}.{faulty:?} was answered {:?}", came.text);
    }
    for station in stations.values_mut() {
        assert_eq!(station.take_all(), [], "nothing else was said");
    }
    switch.stop();
}

#[test]
fn what_only_the_switch_or_a_named_station_sends_is_refused_from_others() {
    let net = Net::new();
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    for key in ["ER", "NLR", "NFR", "TR", "IAR", "XNR", "XI1", "XI2", "XI3"] {
        terminal.send(&format!("{key}.ZA0010000.ZC0010000.TXT\r\nTEST"));
        let refusal = terminal.take("ER.NL0000000");
        let expected = ".01. INVALID HEADER INFORMATION - MESSAGE KEY NOT ALLOWED FROM THIS STATION\r\n";
        assert!(refusal.text.contains(expected), "{key}: {:?}", refusal.text);
    }
    terminal.send("KQ.ZA0010000.ZC.TXT\r\nTEST");
    let refusal = terminal.take("ER.NL0000000");
    assert!(refusal.text.contains(".01. INVALID HEADER INFORMATION - MESSAGE KEY UNKNOWN\r\n"), "{:?}", refusal.text);
    switch.stop();
}

#[test]
fn a_key_of_which_nothing_is_known_is_carried_where_the_network_says_so() {
    let net = Net::new();
    net.change("[pki]", "carried = [\"KQ\"]\n\n[pki]");
    net.change("\"RQ\", \"RR\", \"DQ\", \"DR\", \"IR\"", "\"KQ\", \"RQ\", \"RR\", \"DQ\", \"DR\", \"IR\"");
    net.change(
        "name = \"ALPHA CITY TEST PD\"\ntype = \"PD\"\nauthorization = \"ACD\"",
        "name = \"ALPHA CITY TEST PD\"\ntype = \"PD\"\nauthorization = \"ACDZ\"",
    );
    let switch = net.switch();
    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.station(STATE));
    terminal.send("KQ.ZA0010000.ZC.*T1.TXT\r\nany text. At/all");
    let came = state.take("KQ.ZA0010000");
    assert_eq!(came.output().body, b"any text. At/all");
    state.send(&format!("KQ.{PEER}.ZC.TXT\r\nTEST"));
    let refusal = state.take("ER.NL0000000");
    assert!(refusal.text.contains("SENDER ORI NOT AUTHORIZED FOR KQ\r\n"), "{:?}", refusal.text);
    switch.stop();

    net.change("carried = [\"KQ\"]", "carried = [\"KQ\", \"YQ\"]");
    let finished = run(&mut net.command());
    assert_eq!(finished.code, Some(64), "{finished:#?}");
    assert!(finished.stderr.contains("[switch] carried: \"YQ\": YQ is in the dictionary"), "{}", finished.stderr);
}
