//! What a configuration must be like, and where its errors say they are.

use std::path::Path;
use std::time::Duration;

use codec::name::StationName;
use switch_core::Limits;

use super::{Config, LIMIT_ROWS, Retention};

const GOOD: &str = r#"
[switch]
links = "127.0.0.1:0"

[[station]]
name = "ZA"
lines = ["ZA"]

[[ori]]
ori = "ZA0010000"
line = "ZA"
name = "TEST PD"
type = "PD"
authorization = "AC"
"#;

fn problems(text: &str) -> Vec<(usize, String)> {
    Config::parse(text, Path::new("dir"), &[]).unwrap_err()
}

#[test]
fn defaults_are_filled_in_and_paths_are_relative_to_the_file() {
    let config = Config::parse(GOOD, Path::new("dir"), &[]).unwrap();
    assert_eq!(config.data, Path::new("dir/data"));
    assert_eq!(config.pki.ca, Path::new("dir/pki/ca.pem"));
    assert_eq!(config.admin.to_string(), Config::ADMIN);
    assert_eq!(config.network.station(StationName::parse("ZA").unwrap()).unwrap().window, 32);
}

#[test]
fn errors_name_line_and_key() {
    let changed = |from: &str, to: &str| problems(&GOOD.replace(from, to)).remove(0);
    assert_eq!(changed("name = \"ZA\"\n", "name = \"Z-A\"\n").0, 6);
    let (line, problem) = changed("links = \"127.0.0.1:0\"", "links = \"nowhere\"");
    assert!(line == 3 && problem.contains("links"), "{line} {problem}");
    let (line, problem) = changed("authorization = \"AC\"", "authorization = \"AX\"");
    assert!(line == 14 && problem.contains("authorization"), "{line} {problem}");
    let (line, problem) = changed("line = \"ZA\"\nname", "line = \"ZB\"\nname");
    assert!(line == 11 && problem.contains("no station serves line ZB"), "{line} {problem}");
    let (line, problem) = changed("type = \"PD\"", "kind = \"PD\"");
    assert!(line == 13 && problem.contains("kind"), "{line} {problem}");
    let (line, problem) = changed("lines = [\"ZA\"]", "lines = [\"NL\"]");
    assert!(line == 7 && problem.contains("NL"), "{line} {problem}");
    assert_eq!(changed("[switch]", "[switch").0, 2);
    let (line, problem) = changed("name = \"ZA\"\n", "name = \"ZA\"\nwindow = \"wide\"\n");
    assert!(line == 7 && problem.starts_with("window: "), "{line} {problem}");
    let (line, problem) = changed("[switch]\n", "[switch]\nsegment_bytes = 524288\n");
    assert!(line == 3 && problem.contains("segment_bytes"), "{line} {problem}");
}

#[test]
fn a_journal_is_kept_for_a_year_unless_less_is_meant() {
    let config = |journal: &str| Config::parse(&format!("{GOOD}\n[journal]\n{journal}"), Path::new("dir"), &[]);
    let kept = |journal: &str| config(journal).unwrap().retention;
    assert_eq!(kept(""), Retention { keep: Duration::from_secs(366 * 86_400), keep_bytes: None });
    assert_eq!(kept("keep_days = 1000").keep, Duration::from_secs(1000 * 86_400));
    for short in ["keep_days = 365", "keep_bytes = 1000000", "keep_days = 30\nshorter_than_a_year = false"] {
        let (line, problem) = config(short).unwrap_err().remove(0);
        assert!(line == 17 && problem.contains("audit logs are kept for at least a year"), "{line} {problem}");
    }
    let shorter = kept("keep_days = 30\nkeep_bytes = 1000000\nshorter_than_a_year = true");
    assert_eq!(shorter, Retention { keep: Duration::from_secs(30 * 86_400), keep_bytes: Some(1_000_000) });
    assert!(config("keep_days = 0\nshorter_than_a_year = true").is_err());
}

#[test]
fn statements_and_their_key_lie_outside_the_data() {
    let text =
        |key: &str, statements: &str| format!("{GOOD}\n[audit]\nkey = \"{key}\"\nstatements = \"{statements}\"\n");
    let audit = Config::parse(&text("audit.key", "audit/data"), Path::new("dir"), &[]).unwrap().audit.unwrap();
    assert_eq!(audit.statements, Path::new("dir/audit/data"));
    assert_eq!(audit.every, Duration::from_secs(60));
    let tries = [("data/audit.key", "s"), ("k", "data/statements"), ("k", "x/../data/s"), ("k", "../dir/data/s")];
    for (key, statements) in tries {
        let (line, problem) = problems(&text(key, statements)).remove(0);
        assert_eq!(line, if key == "k" { 18 } else { 17 }, "{problem}");
        assert!(problem.contains("in the data directory"), "{problem}");
    }
    let text = text("k", "s") + "every_seconds = 0\n";
    assert!(problems(&text).remove(0).1.contains("every_seconds"));
}

#[test]
fn every_limit_is_taken_within_its_range_and_refused_outside_it() {
    let parse = |limits: &str| Config::parse(&format!("{GOOD}\n[limits]\n{limits}\n"), Path::new("dir"), &[]);
    let usual = parse("").unwrap();
    assert_eq!(*usual.network.limits(), Limits::default());
    for row in LIMIT_ROWS {
        assert!(row.range.contains(&row.value(&Limits::default())), "{}: the default is possible", row.key);
        for value in [*row.range.start(), *row.range.end()] {
            // Two of them belong together.
            let other = match row.key {
                "keep_alive_ms" => "\nsilence_ms = 3600000",
                "silence_ms" => "\nkeep_alive_ms = 1000",
                _ => "",
            };
            let config = parse(&format!("{} = {value}{other}", row.key)).unwrap();
            assert_eq!(row.value(config.network.limits()), value, "{}", row.key);
        }
        for value in [row.range.start() - 1, row.range.end() + 1] {
            let (line, problem) = parse(&format!("{} = {value}", row.key)).unwrap_err().remove(0);
            let told = format!("[limits] {}: must be {} to {}", row.key, row.range.start(), row.range.end());
            assert!(line == 17 && problem == told, "{line} {problem}");
        }
    }
    let (line, problem) = parse("confirm_urgent_seconds = 60\nhelp = 3").unwrap_err().remove(0);
    assert!(
        line == 18 && problem.starts_with("[limits] help: is none of confirm_urgent_seconds, "),
        "{line} {problem}"
    );
    let (line, problem) = parse("silence_ms = 20000").unwrap_err().remove(0);
    assert!(line == 17 && problem.contains("more than keep_alive_ms"), "{line} {problem}");
    assert!(parse("help_bytes_max = \"32k\"").unwrap_err().remove(0).1.starts_with("help_bytes_max: "));
}

#[test]
fn every_limit_is_in_the_reference_with_its_default_and_its_range() {
    let reference = include_str!("../../../../docs/network.md");
    for row in LIMIT_ROWS {
        let (least, most) = (row.range.start(), row.range.end());
        let told = format!("| `{}` | `{}` | {least} to {most} |", row.key, row.value(&Limits::default()));
        assert!(reference.contains(&told), "docs/network.md does not say {told}");
    }
}

#[test]
fn a_hold_is_given_in_hours_or_in_seconds() {
    let switch = |hold: &str| GOOD.replace("[switch]\n", &format!("[switch]\n{hold}\n"));
    let hold = |text: &str| Config::parse(text, Path::new("dir"), &[]).map(|config| config.network.limits().hold);
    assert_eq!(hold(&switch("hold_hours = 2")).unwrap(), Duration::from_secs(7200));
    assert_eq!(hold(&switch("hold_seconds = 2")).unwrap(), Duration::from_secs(2));
    for (wrong, line) in [("hold_seconds = 0", 3), ("hold_hours = 8785", 3), ("hold_hours = 1\nhold_seconds = 1", 4)] {
        let (at, problem) = hold(&switch(wrong)).unwrap_err().remove(0);
        assert!(at == line && problem.starts_with("[switch] hold_"), "{at} {problem}");
    }
    let station = |hold: &str| GOOD.replace("name = \"ZA\"\n", &format!("name = \"ZA\"\n{hold}\n"));
    let config = Config::parse(&station("hold_seconds = 5"), Path::new("dir"), &[]).unwrap();
    assert_eq!(config.network.stations().next().unwrap().hold, Some(Duration::from_secs(5)));
    let (line, problem) = problems(&station("hold_seconds = 31622401")).remove(0);
    assert!(line == 7 && problem == "[[station]] hold_seconds: must be 1 to 31622400", "{line} {problem}");
}

#[test]
fn no_log_is_searched_if_nobody_may() {
    let config = |search: &str| Config::parse(&format!("{GOOD}\n{search}"), Path::new("dir"), &[]).unwrap();
    assert!(config("").search && config("").network.limits().log_queries > 0);
    let none = config("[search]\nenabled = false");
    assert!(!none.search && none.network.limits().log_queries == 0);
}

#[test]
fn one_wrong_number_is_one_problem() {
    assert_eq!(problems(&GOOD.replace("[switch]\n", "[switch]\nsegment_bytes = 5\n")).len(), 1);
}

#[test]
fn every_problem_is_told_at_once() {
    let text = GOOD.replace("type = \"PD\"", "type = \"XX\"").replace("name = \"ZA\"\n", "name = \"\"\n");
    assert_eq!(problems(&text).len(), 2);
}

/// An operator with a token of 64 of that letter's hash.
fn operator(name: &str, digit: char, rights: &str) -> String {
    let hash: String = std::iter::repeat_n(digit, 64).collect();
    format!("\n[[operator]]\nname = \"{name}\"\ntoken_sha256 = \"{hash}\"\nrights = {rights}\n")
}

#[test]
fn operators_have_a_name_a_token_and_rights_of_their_own() {
    let text =
        GOOD.to_owned() + &operator("desk", 'a', "[\"look\", \"route\"]") + &operator("chief", 'B', "[\"control\"]");
    let config = Config::parse(&text, Path::new("dir"), &[]).unwrap();
    let names: Vec<_> = config.operators.iter().map(|operator| operator.name()).collect();
    assert_eq!(names, ["desk", "chief"]);
    for (wrong, line, why) in [
        (operator("switch", 'a', "[\"look\"]"), 17, "name"),
        (operator("SIGHUP", 'a', "[\"look\"]"), 17, "none of switch, SIGHUP, nobody"),
        (operator("sighup", 'a', "[\"look\"]"), 17, "name"),
        (operator("nobody", 'a', "[\"look\"]"), 17, "name"),
        (operator("a b", 'a', "[\"look\"]"), 17, "name"),
        (operator("desk", 'x', "[\"look\"]"), 18, "token_sha256"),
        (operator("desk", 'a', "[\"all\"]"), 19, "\"all\" is none of look, route, letters, directory, control"),
        (operator("desk", 'a', "[]"), 19, "rights"),
        (operator("desk", 'a', "[\"look\"]") + &operator("desk", 'b', "[\"look\"]"), 22, "there twice"),
        (operator("desk", 'a', "[\"look\"]") + &operator("chief", 'a', "[\"look\"]"), 23, "token of desk"),
    ] {
        let (at, problem) = problems(&(GOOD.to_owned() + &wrong)).remove(0);
        assert!(at == line && problem.contains(why), "{at} {problem}");
    }
}

#[test]
fn operators_need_an_admin_address_on_this_machine() {
    let public = GOOD.replace("[switch]\n", "[switch]\nadmin = \"0.0.0.0:7070\"\n");
    assert!(Config::parse(&public, Path::new("dir"), &[]).is_ok(), "metrics may be public");
    let (line, problem) = problems(&(public + &operator("desk", 'a', "[\"look\"]"))).remove(0);
    assert!(line == 17 && problem.contains("loopback"), "{line} {problem}");
}

#[test]
fn a_carried_key_can_be_accepted_and_one_that_the_dictionary_has_is_named() {
    let carrying = |keys: &str| {
        let text = GOOD.replace("[switch]\n", &format!("[switch]\ncarried = [{keys}]\n"));
        Config::parse(&text.replace("lines = [\"ZA\"]", "lines = [\"ZA\"]\naccepts = [\"KQ\"]"), Path::new("dir"), &[])
    };
    let config = carrying("\"KQ\", \"kr\", \"KQ\"").unwrap();
    for key in ["KQ", "KR", "YQ"] {
        assert!(config.dictionary.spec(key.parse().unwrap()).is_some(), "{key}");
    }
    let (line, problem) = carrying("\"KQ\", \"YQ\", \"K\"").unwrap_err().remove(0);
    assert!(line == 3 && problem.starts_with("[switch] carried: \"YQ\": YQ is in the dictionary"), "{line} {problem}");
    assert_eq!(carrying("").unwrap_err().remove(0).0, 9, "KQ is nobody's");
}

#[test]
fn the_fuzz_corpus_holds_and_most_of_it_is_read() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/configuration");
    let files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    texts.iter().for_each(|text| super::fuzz(text.as_bytes()));
    let valid = |text: &&String| Config::parse(text, Path::new("dir"), &[]).is_ok();
    assert!(texts.iter().filter(valid).count() >= 3);
    // Cut anywhere, it is still answered with a line that is there.
    for text in &texts {
        for end in (0..text.len()).step_by(97) {
            super::fuzz(&text.as_bytes()[..end]);
        }
    }
}
