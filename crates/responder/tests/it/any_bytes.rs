//! What must hold of whatever the switch delivers: no panic, and replies that the switch can take.

use std::sync::LazyLock;

use codec::legacy::{disallowed_byte, parse_input};
use proptest::prelude::*;
use records::Holdings;
use responder::answer::{FIRST_LINE, Writer};

use crate::persons::{SENT, body, crowd, delivered, replies, writer};

static CENTER: LazyLock<(Holdings, Writer)> = LazyLock::new(|| (crowd(), writer()));

/// Far more than any answer of ours has, far less than a message may have.
const REPLY_BYTES_MAX: usize = 8 * 1024;

fn check(validation: u32, bytes: &[u8]) {
    let (index, writer) = &*CENTER;
    for reply in replies(index, writer, validation, bytes).into_iter().flatten() {
        assert_eq!(disallowed_byte(&reply.bytes), None);
        assert!(reply.bytes.len() <= REPLY_BYTES_MAX, "{} bytes", reply.bytes.len());
        assert_eq!(reply.validation.is_some(), validation != 0);
        let message = parse_input(&reply.bytes).unwrap();
        assert!(message.destinations.iter().all(|one| one.as_str().len() == 9));
        assert!(message.body.unwrap().starts_with(FIRST_LINE.as_bytes()));
    }
}

/// A value that a field may have, or may not.
fn value(prefix: &'static str) -> BoxedStrategy<String> {
    let fitting = match prefix {
        "PUR" => "[CF]",
        "NAM" => "(SAMPLE|EXAMPLE|CROWD|SMITH|[A-Z]{1,12}), ?(PERSON|TWIN|ONE|JOHN|[A-Z]{1,10})( [A-Z]{1,4})?",
        "DOB" => "19(80|[2-9][0-9])(01|0[1-9]|1[0-2])(02|[0-2][1-8])|[01][0-9][0-2][0-9][0-9]{2}",
        "SEX" => "[FMU]",
        "POB" => "MM|YY|CU",
        "ARN" => "A?0000009(0[1-4]|1[0-9])|[0-9]{8,9}",
        _ => "[ -~]{0,40}",
    };
    prop_oneof![8 => fitting, 1 => "[ -~]{0,40}", 1 => Just(String::new())].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(validation: u32, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(validation, &bytes);
    }

    #[test]
    fn any_body_is_survived(validation: u32, body in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut bytes = delivered(SENT, "").into_bytes();
        bytes.extend(body);
        check(validation, &bytes);
    }

    #[test]
    fn any_fields_are_survived(
        validation: u32,
        values in ["PUR", "NAM", "DOB", "SEX", "POB", "ARN", "ATN"].map(value),
    ) {
        let [pur, nam, dob, sex, pob, arn, atn] = &values;
        let change: [(&str, &str); 7] =
            [("PUR", pur), ("NAM", nam), ("DOB", dob), ("SEX", sex), ("POB", pob), ("ARN", arn), ("ATN", atn)];
        check(validation, delivered(SENT, &body(&change)).as_bytes());
    }

    #[test]
    fn any_byte_changed_is_survived(at: prop::sample::Index, byte: u8) {
        let mut bytes = delivered(SENT, &body(&[("ARN", "000000901")])).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        check(1, &bytes);
    }
}
