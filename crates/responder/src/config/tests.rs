//! What a configuration says, and what is said of a wrong one.

use super::*;

const WHOLE: &str = r#"
[answers]
automatic = ["no_record", "more_information"]

[sources]
late_seconds = 60

[[source]]
name = "NCIC"
kind = "ncic"
line = "FB"
from = "ZZNCIC000"
deadline_ms = 250

[[source]]
name = "ALPHA"
kind = "state"
line = "ZA"

[[office]]
ori = "ZZICE0100"
areas = ["ZA", "ZB001"]

[requesters]
refused = ["ZC0050000"]
refused_endings = "O"
"#;

#[test]
fn what_is_written_holds_and_the_rest_is_usual() {
    let policy = parse(WHOLE).unwrap();
    assert_eq!(policy.automatic, BTreeSet::from([FindingKind::NoRecord, FindingKind::MoreInformation]));
    let [ncic, alpha] = <[_; 2]>::try_from(policy.sources.clone()).unwrap();
    assert_eq!((ncic.kind, ncic.deadline, ncic.from.as_str()), (Kind::Ncic, Duration::from_millis(250), "ZZNCIC000"));
    assert_eq!((alpha.kind, alpha.deadline, alpha.from.as_str()), (Kind::State, DEADLINE, "ZA"));
    assert_eq!((policy.late, policy.refused_endings.as_str()), (Duration::from_secs(60), "O"));
    assert_eq!(policy.offices.keys().collect::<Vec<_>>(), ["ZA", "ZB001"]);
    assert_eq!(parse("").unwrap(), Policy::default());
    assert_eq!(parse("[answers]\nautomatic = [\"all\"]").unwrap(), Policy::automatic());
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let cases = [
        (
            "[answers]\nautomatic = [\n\"record\",\n\"records\"]",
            4,
            "automatic: \"records\" is none of all, more_information",
        ),
        ("[answer]", 1, "unknown field"),
        ("[[source]]\nname = \"NCIC\"\nkind = \"fbi\"\nline = \"FB\"", 3, "kind: \"fbi\" is none of ncic, iii, state"),
        ("[[source]]\nname = \"ncic\"\nkind = \"ncic\"\nline = \"FB\"", 2, "name: must be 1 to 20 capitals"),
        ("[[source]]\nname = \"X\"\nkind = \"ncic\"\nline = \"FBI\"", 4, "line: must be a line"),
        ("[[source]]\nname = \"X\"\nkind = \"ncic\"\nline = \"FB\"\ndeadline_ms = 0", 5, "deadline_ms: must be 1 to"),
        ("[[office]]\nori = \"IC\"\nareas = [\"ZA\"]", 2, "ori: must be an ORI"),
        ("[[office]]\nori = \"ZZICE0100\"\nareas = []", 3, "areas: an office without an area"),
        ("[[office]]\nori = \"ZZICE0100\"\nareas = [\"ZA\",\n\"ZA\"]", 4, "areas: ZA is the area of ZZICE0100 already"),
        ("[requesters]\nrefused = [\"z\"]", 2, "refused: must be an ORI"),
        ("[requesters]\nrefused_endings = \"o\"", 2, "refused_endings: must be capital letters"),
        ("[sources]\nlate_seconds = 100000", 2, "late_seconds: must be 1 to 86400"),
    ];
    for (text, line, begins) in cases {
        let problems = parse(text).unwrap_err();
        assert!(
            matches!(problems.as_slice(), [(at, what)] if *at == line && what.starts_with(begins)),
            "{text}: {problems:?}"
        );
    }
    let error = load(Path::new("/nowhere/center.toml")).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/center.toml: cannot be read"), "{error}");
}

#[test]
fn a_name_is_there_once() {
    let twice = format!("{WHOLE}\n[[source]]\nname = \"NCIC\"\nkind = \"iii\"\nline = \"FB\"\n");
    assert!(parse(&twice).unwrap_err()[0].1.contains("NCIC is there twice"));
}
