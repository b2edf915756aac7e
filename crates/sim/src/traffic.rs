//! What clients send: weighted random messages of all families, some of them wrong.

use rand::RngExt as _;
use rand_pcg::Pcg64;

use crate::network::{CLIENTS, MESSAGE_BYTES};

const ADDRESSES: [&str; 12] = [
    "ZA0010000",
    "ZB0010000",
    "ZC0020000",
    "ZC0010000",
    "ZD0010000",
    "ZC",
    "ZD",
    "ZA",
    "R1",
    "ZC0010000.ZB",
    "ZA.ZB.ZC",
    "ZE",
];

/// The number after `MARK ` in a message or a record.
pub(crate) fn mark_of(bytes: &[u8]) -> Option<u32> {
    let at = bytes.windows(5).position(|window| window == b"MARK ")?;
    let digits = bytes.get(at + 5..at + 13)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn one<'a>(rng: &mut Pcg64, of: &[&'a str]) -> &'a str {
    of[rng.random_range(0..of.len())]
}

/// The line of an ORI, as its first two letters have it.
fn line_of(ori: &str) -> &str {
    ori.get(..2).unwrap_or(ori)
}

/// A message of a client that can be known again by its mark.
pub(crate) fn compose(rng: &mut Pcg64, client: usize, mark: u32, states: bool) -> Vec<u8> {
    let oris = CLIENTS[client].oris;
    // Mostly its own name, sometimes somebody else's.
    let sender = if rng.random_bool(0.03) {
        one(rng, &["ZA0010000", "ZC0010000", "ZC0090000", "ZZ9999999"])
    } else {
        one(rng, oris)
    };
    let address = one(rng, &ADDRESSES);
    let control = if rng.random_bool(0.8) { format!(".*C{mark}") } else { String::new() };
    let kind = rng.random_range(0..100);
    let text = match kind {
        0..40 => {
            let filler = match rng.random_range(0..12) {
                0 => rng.random_range(1_000..MESSAGE_BYTES - 200),
                1..4 => rng.random_range(200..1_000),
                _ => rng.random_range(0..80),
            };
            format!("AM.{sender}.{address}{control}.TXT\r\nMARK {mark:08} {}", "X".repeat(filler))
        }
        40..50 => format!("AML.{sender}.{address}{control}.TXT\r\nMARK {mark:08}"),
        50..56 => format!("SM.{sender}.{address}{control}.TXT\r\nMARK {mark:08}"),
        56..66 => format!(
            "IAQ.{sender}.AX{control}.TXT\r\nPUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.\r\n\
             POB/MM.CUS/Y.OFF/0399.REM/MARK {mark:08}"
        ),
        66..78 => change(rng, sender, mark, &control, states),
        78..82 => {
            let fields = format!("TYP/ALL.BEG/20300101.END/20300131.FND/MARK {mark:08}");
            format!("NLQ.{sender}.NL{control}.TXT\r\n{fields}")
        }
        82..85 => format!("ECHO.{sender}.NL{control}.TXT\r\nMARK {mark:08}"),
        85..87 => format!("TQ.{sender}.OD{control}.TXT\r\nLOC/MARK {mark:08}"),
        87..90 => format!("QQ.{sender}.{address}{control}.TXT\r\nMARK {mark:08}"),
        90..92 => format!("AM.{sender}.ZX{control}.TXT\r\nMARK {mark:08}"),
        92..94 => format!("IAR.{sender}.ZA0010000{control}.TXT\r\nEMULATOR - SYNTHETIC DATA MARK {mark:08}"),
        94..95 => format!("AM.{sender}.{address}{control}.TXT\r\nMARK {mark:08} {}", "Y".repeat(MESSAGE_BYTES)),
        95..96 => format!(
            "<OFML><HDR><MKE>AM</MKE><ORI>{sender}</ORI><DST>ZC</DST></HDR><TRN><TXT>MARK {mark:08}</TXT></TRN></OFML>"
        ),
        96..97 => format!("<a><b>MARK {mark:08}"),
        97..98 => format!("AM.{sender}.{address}. MARK {mark:08}"),
        98..99 => format!("AM.{sender}.{address}.*A-B.TXT\r\nMARK {mark:08}"),
        _ => format!("\u{1}MARK {mark:08}"),
    };
    text.into_bytes()
}

/// Something that changes more than what waits: states, the directory, a help file, hit confirmations.
fn change(rng: &mut Pcg64, sender: &str, mark: u32, control: &str, states: bool) -> String {
    let (record, case) = (one(rng, &["N000000001", "N000000002", "NONE"]), one(rng, &["CASE1", "CASE2"]));
    let party = "RNA/SGT TEST ONE.RAG/TEST PD";
    match rng.random_range(0..15) {
        0..2 if states => {
            let state = one(rng, &["OUT OF SERVICE", "IN SERVICE", "OUT OF SERVICE FOR AM", "IN SERVICE FOR AML, AM"]);
            let of = line_of(sender);
            format!("SM.{sender}.NL.{of}.TXT\r\n{state}\r\nMARK {mark:08}")
        }
        0..6 => {
            let (to, request) = (one(rng, &["ZA0010000", "ZC0020000.ZA0010000", "ZB0010000"]), one(rng, &["1", "2"]));
            format!(
                "YQ.{sender}.{to}{control}.TXT\r\nRTY/WP.RNO/{request}.PRI/{}.OCA/{case}.NIC/{record}.\
                 NAM/SAMPLE, PERSON A.DOB/19500102.{party}.REM/MARK {mark:08}",
                one(rng, &["U", "R"])
            )
        }
        6..9 => {
            let (to, outcome) =
                (one(rng, &["ZA0010000", "ZC0020000", "ZD0010000"]), one(rng, &["Y", "N", "P.TIM/30M", "P.TIM/1H"]));
            format!(
                "YR.{sender}.{to}.TXT\r\nRTY/WP.RNO/1.PRI/{}.OCA/{case}.NIC/{record}.RES/{outcome}.{party}.REM/MARK {mark:08}",
                one(rng, &["U", "R"])
            )
        }
        9..12 => {
            let (key, active) = (one(rng, &["TA", "TU"]), one(rng, &["A", "I"]));
            let rest = "LOC/SAMPLE.TYP/PD.AUT/A.HRS/A.PHO/5555550150";
            let ori = one(rng, &["ZA0050000", "ZA0060000"]);
            format!("{key}.{sender}.OD.TXT\r\nORI/{ori}.{rest}.ACT/{active}.REM/MARK {mark:08}")
        }
        _ => {
            let function = one(rng, &["HELP", "UPDT", "APND"]);
            format!("AM.{sender}.{}ORI{function}.TXT\r\nMARK {mark:08}", line_of(sender))
        }
    }
}
