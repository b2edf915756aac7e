//! What a source is asked, and what its answer means.

use codec::name::MessageKey;
use records::{Sex, fold};

use super::Kind;
use crate::inquiry::Subject;

/// Records of one source that are asked for: of more persons than these nobody can tell who is meant.
const RECORDS_MAX: usize = 3;

/// Lines of a source's answer that an answer of the center repeats.
const LINES_MAX: usize = 60;

/// Characters of a line that are kept.
const LINE_MAX: usize = 200;

/// A question to a source, without its header.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// Its key.
    pub key: &'static str,
    /// Its body.
    pub body: String,
}

/// A question is about a person.
impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Question {{ {}, {} bytes }}", self.key, self.body.len())
    }
}

/// What an answer means.
#[derive(Clone, PartialEq, Eq)]
pub enum Reading {
    /// All that there is: lines, none if there is nothing on record.
    End(Vec<String>),
    /// Lines so far, and the numbers of records to ask for.
    Records(Vec<String>, Vec<String>),
    /// It means nothing.
    Unreadable,
}

/// What a source says is about a person.
impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End(lines) => write!(f, "End({} lines)", lines.len()),
            Self::Records(_, numbers) => write!(f, "Records({} numbers)", numbers.len()),
            Self::Unreadable => f.write_str("Unreadable"),
        }
    }
}

/// Who makes the question, as III and the states want to know.
const ASKING: &str = "PUR/C.ATN/SUPPORT CENTER.";

/// The first question about a subject.
#[must_use]
pub fn first(kind: Kind, subject: &Subject) -> Question {
    let name = subject.name.trim().to_ascii_uppercase();
    let born = subject.query.born.map_or_else(String::new, |born| born.strftime("%Y%m%d").to_string());
    let sex = match subject.query.sex {
        Sex::Unknown => String::new(),
        sex @ (Sex::Female | Sex::Male) => format!(".SEX/{}", sex.letter()),
    };
    let person = format!("NAM/{name}.DOB/{born}{sex}");
    match kind {
        Kind::Ncic => {
            let number = subject.query.alien_number.map_or_else(String::new, |number| format!(".MNU/AR-{number}"));
            Question { key: "QW", body: format!("{person}{number}") }
        }
        Kind::Iii => Question { key: "QH", body: format!("{ASKING}{person}") },
        Kind::State => Question { key: "IQ", body: format!("{ASKING}{person}") },
    }
}

/// The question for a record, by the number that the first answer gave.
#[must_use]
pub fn record(kind: Kind, number: &str) -> Question {
    match kind {
        Kind::Ncic => Question { key: "QW", body: format!("NIC/{number}") },
        Kind::Iii => Question { key: "QR", body: format!("{ASKING}FBI/{number}") },
        Kind::State => Question { key: "FQ", body: format!("{ASKING}SID/{number}") },
    }
}

/// What an answer to that question means.
#[must_use]
pub fn read(kind: Kind, step: u8, subject: &Subject, key: MessageKey, body: &[u8]) -> Reading {
    let expected = match (kind, step) {
        (Kind::Ncic, _) => "XNR",
        (Kind::Iii, _) => "CR",
        (Kind::State, 0) => "IR",
        (Kind::State, _) => "FR",
    };
    let lines = lines(body);
    if key.as_str() != expected {
        return Reading::Unreadable;
    }
    let label = match (kind, step) {
        (Kind::Ncic, _) => "NIC/",
        (Kind::Iii, _) => "FBI/",
        (Kind::State, _) => "SID/",
    };
    let labelled = lines.iter().any(|line| number(line, label).is_some());
    let none = lines.iter().any(|line| line.starts_with("NO ") && line.contains("RECORD"));
    match (labelled, none, kind, step) {
        (false, true, ..) => Reading::End(Vec::new()),
        (false, false, ..) => Reading::Unreadable,
        (true, _, Kind::Iii | Kind::State, 0) => identified(label, subject, &lines),
        (true, ..) => Reading::End(lines),
    }
}

/// Of those who may be meant, the numbers of those who bear the subject's surname and date of birth.
fn identified(label: &str, subject: &Subject, lines: &[String]) -> Reading {
    let surname = fold(&subject.query.surname);
    let born = subject.query.born.map(|born| born.strftime("%Y%m%d").to_string());
    let (mut numbers, mut others, mut is_subject) = (Vec::new(), 0_usize, false);
    for line in lines {
        if let Some(identity) = line.strip_prefix("NAM/") {
            let same_name = identity.split(',').next().is_some_and(|given| fold(given) == surname);
            is_subject = same_name && born.as_deref().is_some_and(|born| line.contains(&format!("DOB/{born}")));
        }
        let Some(number) = number(line, label) else { continue };
        if is_subject && numbers.len() < RECORDS_MAX {
            numbers.push(number.to_owned());
        } else {
            others = others.saturating_add(1);
        }
    }
    let told = (others > 0).then(|| format!("{others} OTHER IDENTIFICATIONS, NONE OF WHICH IS CONFIRMED"));
    let told: Vec<_> = told.into_iter().collect();
    if numbers.is_empty() { Reading::End(told) } else { Reading::Records(told, numbers) }
}

/// The number behind a label: letters and digits, perhaps after others of its line.
fn number<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let (before, after) = line.split_once(label)?;
    let begins = before.is_empty() || before.ends_with(' ');
    let number = after.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    (begins && !number.is_empty() && number.len() <= 10).then_some(number)
}

/// The lines of a body, in capitals and of printable ASCII, without the empty ones and those that every answer has.
fn lines(body: &[u8]) -> Vec<String> {
    let text: String = body.iter().map(|byte| char::from(*byte)).collect();
    let clean = |line: &str| -> String {
        let kept = line.chars().filter(|c| *c != '\r' && *c != '\x7f').take(LINE_MAX);
        let kept: String = kept.map(|c| if matches!(c, ' '..='~') { c.to_ascii_uppercase() } else { '?' }).collect();
        kept.trim_end().to_owned()
    };
    let lines = text.split('\n').map(clean);
    lines.filter(|line| !line.is_empty() && line != crate::answer::FIRST_LINE).take(LINES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use codec::legacy::parse_output;

    use super::*;
    use crate::inquiry::Inquiry;

    fn subject(more: &str) -> Subject {
        let text = format!(
            "IAQ.ZA0010000\r\n08:00 01/31/2030 00011\r\n08:00 01/31/2030 00027 AX\r\nTXT\r\nPUR/C.ATN/SGT TEST ONE.\
             PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/010280.SEX/M.POB/MM.CUS/Y.OFF/0399{more}"
        );
        Inquiry::read(12, &parse_output(text.as_bytes()).unwrap()).subject.unwrap()
    }

    #[test]
    fn each_source_is_asked_in_its_own_words() {
        let asked = |kind, more| {
            let Question { key, body } = first(kind, &subject(more));
            format!("{key} {body}")
        };
        assert_eq!(asked(Kind::Ncic, ".ARN/000000901"), "QW NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.MNU/AR-000000901");
        let person = "PUR/C.ATN/SUPPORT CENTER.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M";
        assert_eq!(asked(Kind::Iii, ""), format!("QH {person}"));
        assert_eq!(asked(Kind::State, ""), format!("IQ {person}"));
        assert_eq!(record(Kind::Iii, "Z00000001").body, "PUR/C.ATN/SUPPORT CENTER.FBI/Z00000001");
        assert_eq!(record(Kind::State, "ZA00000001").key, "FQ");
    }

    /// Kind, step, key, body; and what it means.
    #[test]
    fn answers_mean_what_their_labels_say() {
        use Kind::{Iii, Ncic, State};
        let end = |lines: &[&str]| Reading::End(lines.iter().map(|line| (*line).to_owned()).collect());
        let records = |lines: &[&str], numbers: &[&str]| {
            let owned = |of: &[&str]| of.iter().map(|one| (*one).to_owned()).collect();
            Reading::Records(owned(lines), owned(numbers))
        };
        let hit = "EMULATOR - SYNTHETIC DATA\r\nWARNING\r\nORI/ZZLESC000 NAM/SAMPLE\r\n\r\nNIC/N000000001 DTE/20300131";
        let two = "NAM/SAMPLE, PERSON A SEX/M POB/MM DOB/19800102\r\nFBI/Z00000001\r\nSID/ZA0000001\r\n\r\n\
                   NAM/OTHER, PERSON SEX/M POB/MM DOB/19800102\r\nFBI/Z00000002";
        let state = "NAM/SAMPLE, PERSON A SEX/M DOB/19800102\r\nSID/ZA00000001";
        let others = "1 OTHER IDENTIFICATIONS, NONE OF WHICH IS CONFIRMED";
        let cases = [
            (Ncic, 0, "XNR", hit, end(&["WARNING", "ORI/ZZLESC000 NAM/SAMPLE", "NIC/N000000001 DTE/20300131"])),
            (Ncic, 0, "XNR", "NO NCIC RECORD FOR NAM/SAMPLE", end(&[])),
            (Ncic, 0, "XNR", "\u{1}\u{2} WHO KNOWS", Reading::Unreadable),
            (Ncic, 0, "XNR", "", Reading::Unreadable),
            (Ncic, 0, "CR", hit, Reading::Unreadable),
            (Iii, 0, "CR", two, records(&[others], &["Z00000001"])),
            (Iii, 0, "CR", &two.replace("19800102", "19810102"), end(&[&others.replace('1', "2")])),
            (Iii, 0, "CR", "NO IDENTIFIABLE RECORD IN III", end(&[])),
            (Iii, 1, "CR", "RECORD\r\nFBI/Z00000001", end(&["RECORD", "FBI/Z00000001"])),
            (Iii, 1, "CR", "FBI/", Reading::Unreadable),
            (State, 0, "IR", state, records(&[], &["ZA00000001"])),
            (State, 0, "IR", "NO RECORD FOUND FOR NAM/SAMPLE", end(&[])),
            (State, 0, "FR", state, Reading::Unreadable),
            (State, 1, "FR", "SID/ZA00000001\r\nARREST 1", end(&["SID/ZA00000001", "ARREST 1"])),
        ];
        for (kind, step, key, body, expected) in cases {
            let key = MessageKey::parse(key).unwrap();
            let read = read(kind, step, &subject(""), key, body.as_bytes());
            assert!(read == expected, "{kind:?} {step} {key} {body:?}: {read:?}");
        }
    }

    #[test]
    fn no_answer_is_longer_than_it_may_be_or_holds_what_no_message_can() {
        let long = format!("NIC/N000000001\n{}\n{}", "x\u{7}".repeat(10_000), "LINE\n".repeat(10_000));
        let Reading::End(lines) = read(Kind::Ncic, 0, &subject(""), MessageKey::parse("XNR").unwrap(), long.as_bytes())
        else {
            panic!("it has a label")
        };
        assert_eq!(lines.len(), LINES_MAX);
        assert!(
            lines.iter().all(|line| line.len() <= LINE_MAX && line.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
        );
    }
}
