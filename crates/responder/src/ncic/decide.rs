//! What the stand-in says to a message: a function of the message, the file and the people of III.

use std::collections::BTreeMap;

use codec::codes::Table;
use codec::dictionary::birth_date;
use jiff::civil::Date;

use super::file::{Change, Decided, File, Wanted};
use super::texts::Texts;
use super::violator::{PREFIXES, Violator, nic, nic_number};
use crate::asked::{Answer, Asked, name, shown, to_query};
use crate::history;
use crate::people::{People, of_person, with_history};
use crate::template::{Slot, Values};

/// Hits that one answer shows; it says how many more there are.
const HITS_MAX: usize = 10;

/// Persons that one list of identifications shows.
const PERSONS_MAX: usize = 10;

/// The answer to QW: the hits, or that there is none.
pub(super) fn wanted(asked: &Asked, today: Date, file: &File, texts: &Texts) -> Answer {
    let wanted = to_wanted(asked, today);
    let (hits, total) = file.search(&wanted, HITS_MAX);
    let shown = shown(asked, &["NAM", "DOB", "SEX", "RAC", "SOC", "MNU", "OLN", "NIC", "VIN", "LIC", "LIS"]);
    let text = if hits.is_empty() {
        texts.no_hit.render(&Values::default().with(Slot::Asked, shown))
    } else {
        let mut blocks: Vec<String> = hits.iter().map(|violator| texts.hit.render(&of_violator(violator))).collect();
        if total > hits.len() {
            blocks.push(format!("{} FURTHER RECORDS ARE NOT SHOWN", total - hits.len()));
        }
        blocks.join("\r\n\r\n")
    };
    Answer { key: "XNR", text }
}

/// The answer to QH, under the key that the inquiry calls for: who has a criminal history.
pub(super) fn identify(
    key: &'static str,
    asked: &Asked,
    today: Date,
    people: &impl People,
    texts: &Texts,
) -> Result<Answer, records::IndexError> {
    let found = with_history(people.find(&to_query(asked, today), PERSONS_MAX)?, history::federal);
    let blocks: Vec<String> =
        found.iter().map(|(fbi, person)| texts.identification.render(&of_person(fbi, person))).collect();
    let text = if blocks.is_empty() { none(asked, texts) } else { blocks.join("\r\n\r\n") };
    Ok(Answer { key, text })
}

/// The answer to QR: one criminal history.
pub(super) fn record(
    asked: &Asked,
    today: Date,
    people: &impl People,
    texts: &Texts,
) -> Result<Answer, records::IndexError> {
    let found = with_history(people.find(&to_query(asked, today), 1)?, history::federal);
    let of_state = asked.get("SID").and_then(|sid| sid.get(..2)).unwrap_or("");
    let text = found.first().map(|(fbi, person)| {
        let arrests = history::arrests(fbi, person.born);
        let arrests = arrests.iter().filter(|arrest| of_state.is_empty() || arrest.state == of_state);
        let lines: Vec<_> = arrests.zip(1..).map(|(arrest, number)| history::lines(arrest, number)).collect();
        // A state has a record of a person only if it has an arrest.
        (!lines.is_empty())
            .then(|| texts.record.render(&of_person(fbi, person).with(Slot::Arrests, lines.join("\r\n"))))
    });
    let text = text.flatten().unwrap_or_else(|| none(asked, texts));
    Ok(Answer { key: "CR", text })
}

fn none(asked: &Asked, texts: &Texts) -> String {
    texts
        .no_identification
        .render(&Values::default().with(Slot::Asked, shown(asked, &["NAM", "DOB", "SOC", "MNU", "FBI", "SID"])))
}

/// Who asks for a change, who alone may, and on what day.
pub(super) struct Who<'a> {
    pub(super) sender: &'a str,
    pub(super) center: &'a str,
    pub(super) today: Date,
}

/// What is decided about XI1, XI2 or XI3.
pub(super) fn change(key: &str, mark: String, who: &Who<'_>, asked: &Asked, file: &File, texts: &Texts) -> Decided {
    let Who { sender, center, today } = *who;
    let outcome = if sender == center { changed(key, sender, asked, today, file) } else { Err("NOT AUTHORIZED") };
    let (what, change, shown) = match outcome {
        Ok((what, change, violator)) => (what, Some(change), violator),
        Err(why) => (why, None, None),
    };
    let given = |prefix: &str| asked.get(prefix).cloned().unwrap_or_default();
    let number = shown.as_ref().map_or_else(|| given("NIC"), Violator::number);
    let case = shown.as_ref().map_or_else(|| given("OCA"), |violator| violator.get("OCA").to_owned());
    let what = if change.is_some() { what.to_owned() } else { format!("REJECTED - {what}") };
    let values = Values::default().with(Slot::What, what).with(Slot::NcicNumber, number).with(Slot::CaseNumber, case);
    Decided { mark, change, text: texts.change.render(&values) }
}

type Changed = (&'static str, Change, Option<Violator>);

fn changed(key: &str, sender: &str, asked: &Asked, today: Date, file: &File) -> Result<Changed, &'static str> {
    let entered = || today.strftime("%Y%m%d").to_string();
    if key == "XI1" {
        let case = asked.get("OCA").map_or("", String::as_str);
        if !file.numbered(&format!("OCA/{case}")).is_empty() {
            return Err("A RECORD WITH THIS OCA IS ON FILE");
        }
        let mut violator =
            Violator { nic: file.next(), ori: sender.to_owned(), entered: entered(), fields: BTreeMap::new() };
        fill(&mut violator, asked, today)?;
        return Ok(("ENTERED", Change::Put(violator.clone()), Some(violator)));
    }
    let number = asked.get("NIC").and_then(|number| nic_number(number)).ok_or("NO RECORD WITH THIS NIC ON FILE")?;
    let violator = file.record(number).ok_or("NO RECORD WITH THIS NIC ON FILE")?;
    if violator.ori != sender {
        return Err("THE RECORD IS ANOTHER AGENCY'S");
    }
    if key == "XI3" {
        if asked.get("OCA").is_none_or(|case| case != violator.get("OCA")) {
            return Err("NIC AND OCA ARE NOT OF ONE RECORD");
        }
        return Ok(("CANCELLED", Change::Cancel(number), Some(violator)));
    }
    let mut after = violator;
    fill(&mut after, asked, today)?;
    let case = format!("OCA/{}", after.get("OCA"));
    if file.numbered(&case).iter().any(|other| other.nic != number) {
        return Err("A RECORD WITH THIS OCA IS ON FILE");
    }
    Ok(("MODIFIED", Change::Put(after.clone()), Some(after)))
}

/// Writes what was given into a record; what was given empty is taken out.
fn fill(violator: &mut Violator, asked: &Asked, today: Date) -> Result<(), &'static str> {
    for (prefix, value) in asked.iter().filter(|(prefix, _)| PREFIXES.contains(&prefix.as_str())) {
        let value = if prefix == "DOB" {
            birth_date(value, today).ok_or("DOB INVALID")?.strftime("%Y%m%d").to_string()
        } else {
            value.clone()
        };
        if value.is_empty() {
            violator.fields.remove(prefix);
        } else {
            violator.fields.insert(prefix.clone(), value);
        }
    }
    Ok(())
}

fn of_violator(violator: &Violator) -> Values {
    let group = |prefixes: &[&str]| {
        let given = prefixes.iter().filter(|prefix| !violator.get(prefix).is_empty());
        given.map(|prefix| format!("{prefix}/{}", violator.get(prefix))).collect::<Vec<_>>().join(" ")
    };
    let offense = violator.get("OFF");
    let heading = match offense {
        "8003" => "PREVIOUSLY DEPORTED FELON",
        "8004" => "OUTSTANDING ADMINISTRATIVE WARRANT OF REMOVAL",
        _ => "",
    };
    Values::default()
        .with(Slot::Heading, heading)
        .with(Slot::Ori, violator.ori.clone())
        .with(Slot::Identity, group(&["NAM", "SEX", "RAC", "POB", "DOB"]))
        .with(
            Slot::Description,
            group(&["HGT", "WGT", "EYE", "HAI", "CTZ", "SKN", "SMT", "FPC", "MNU", "FBI", "SOC", "OLN", "OLS", "OLY"]),
        )
        .with(Slot::Offense, Table::Offense.text(offense).unwrap_or(offense))
        .with(Slot::CaseNumber, violator.get("OCA"))
        .with(Slot::Remark, violator.get("MIS"))
        .with(Slot::NcicNumber, nic(violator.nic))
        .with(Slot::Entered, violator.entered.clone())
}

fn to_wanted(asked: &Asked, today: Date) -> Wanted {
    let (surname, given) = name(asked);
    let numbers = ["MNU", "SOC", "OLN", "FBI"];
    Wanted {
        surname,
        given,
        born: asked.get("DOB").and_then(|born| birth_date(born, today)),
        sex: asked.get("SEX").cloned().unwrap_or_default(),
        numbers: numbers.iter().filter_map(|prefix| Some(format!("{prefix}/{}", asked.get(*prefix)?))).collect(),
        nic: asked.get("NIC").and_then(|number| nic_number(number)),
    }
}
