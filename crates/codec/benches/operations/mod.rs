//! What the codec does for each message, as operations to be timed and counted.

use std::hint::black_box;

use codec::dictionary::Dictionary;
use codec::legacy::{self, InputHeader, LineEnd, OutputHeader};
use codec::name::{Control, MessageKey, Ori};
use codec::notice::er_body;
use codec::number::Number;
use codec::time::{Stamp, Timestamp};
use codec::{niem, xml};
use jiff::civil::date;

const IAQ: &[u8] = b"IAQ.ZZ0010000.AX.*T0000001AA.TXT\r\n\
    PUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.\r\n\
    POB/MM.CUS/Y.OFF/0399.ARN/000000001";

const YQ: &[u8] = b"YQ.ZZ0010000.ZZLESC000.*T0000002AA.TXT\r\n\
    RTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001.\r\nNAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.\r\n\
    RNA/SGT TEST ONE.RAG/TEST PD.PHO/5555550100";

const REFUSED: &[u8] = b"IAQ.ZZ0010000.AX.*T0000001AA.TXT\r\n\
    PUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/MALE.\r\n\
    POB/MM.CUS/Y.OFF/0399.ARN/000000001";

/// An operation by its name.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn Fn()>,
}

fn operation(name: &'static str, run: impl Fn() + 'static) -> Operation {
    Operation { name, run: Box::new(run) }
}

/// Everything that the switch asks of the codec before it accepts a message.
fn admit(bytes: &[u8]) -> bool {
    let clean = legacy::disallowed_byte(bytes).is_none() && !legacy::is_xml(bytes);
    let Ok(input) = legacy::parse_input(bytes) else { return false };
    let (Some(body), Some(spec)) = (input.body, Dictionary::builtin().spec(input.key)) else { return false };
    let valid = input.checked_control().is_ok() && spec.check_body(body, date(2030, 1, 31)).is_ok();
    clean && valid && !black_box(spec.fold_body(body)).is_empty()
}

/// What admission does with a document before it is a message like any other.
fn read_niem(document: &[u8]) -> bool {
    xml::parse(document).is_ok_and(|root| niem::read(&root, Dictionary::builtin()).is_ok())
}

/// All operations, warmed up.
pub(crate) fn all() -> Vec<Operation> {
    let (key, ori) = (MessageKey::parse("IAR").unwrap(), Ori::parse("ZZLESC000").unwrap());
    let stamp = Stamp::at(Timestamp(1_896_120_000_000_000), -7 * 3600);
    let control = Control::parse("T0000001AA").ok();
    let header = OutputHeader {
        key,
        sender: ori,
        received: stamp,
        isn: Number::new(11).unwrap(),
        sent: stamp,
        osn: Number::new(27).unwrap(),
        destination: "ZZ0010000",
        control,
    };
    let body = IAQ.get(33..).unwrap();
    let output = header.encode(LineEnd::CrLfDel, body);
    assert!(admit(IAQ) && !admit(REFUSED));
    let niem_header = OutputHeader { key: MessageKey::parse("IAQ").unwrap(), destination: "AX", ..header };
    let niem_spec = Dictionary::builtin().spec(niem_header.key).unwrap();
    let document = niem::encode(&niem_header, niem_spec, body);
    assert!(read_niem(&document));
    vec![
        operation("decode_and_check_iaq", || assert!(admit(black_box(IAQ)))),
        operation("decode_and_check_yq", || assert!(admit(black_box(YQ)))),
        operation("decode_header", || {
            black_box(legacy::parse_input(black_box(IAQ)).is_ok());
        }),
        operation("walk_fields", || {
            black_box(legacy::fields(black_box(body)).count());
        }),
        operation("refuse_iaq", || {
            let input = legacy::parse_input(black_box(REFUSED)).unwrap();
            let spec = Dictionary::builtin().spec(input.key).unwrap();
            let error = spec.check_body(input.body.unwrap(), date(2030, 1, 31)).unwrap_err();
            black_box(er_body(error.number, Some(input.key), &error.detail, &spec.offered(&error), REFUSED, 100));
        }),
        operation("encode_output", move || {
            black_box(black_box(&header).encode(LineEnd::CrLfDel, black_box(body)));
        }),
        operation("decode_output", move || {
            black_box(legacy::parse_output(black_box(&output)).is_ok());
        }),
        operation("encode_niem_iaq", move || {
            black_box(niem::encode(black_box(&niem_header), niem_spec, black_box(body)));
        }),
        operation("read_niem_iaq", move || assert!(read_niem(black_box(&document)))),
        operation("encode_input", move || {
            let header = InputHeader { key, sender: ori, destinations: &["ZZ0010000"], control };
            black_box(black_box(&header).encode(black_box(body)));
        }),
    ]
}
