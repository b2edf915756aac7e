//! One transcript against one switch: stations over TLS, operators over the admin address.

use std::collections::BTreeMap;
use std::time::Duration;

use codec::block::{Function, Status};
use serde_json::{Value, json};

use super::networks::written;
use super::networks::{self, Around};
use super::script::{self, Step, Wanted, shown, timeless, uncounted};
use crate::http::{Answer, post};
use crate::net::{Net, Node};
use crate::station::Station;

/// Long enough on a busy machine; what is not as it should be takes so long to be seen.
const SOON: Duration = Duration::from_secs(10);

/// Operators of the network under test: their tables and tokens.
pub(super) struct Operators {
    pub(super) tables: String,
    pub(super) tokens: BTreeMap<String, String>,
}

pub(super) struct Player<'a> {
    net: &'a Net,
    name: &'a str,
    operators: &'a Operators,
    windows: BTreeMap<String, u16>,
    node: Option<Node>,
    links: BTreeMap<u64, Link>,
    /// Answers that came and that the transcript has not told yet.
    answers: BTreeMap<u64, Answer>,
    asked: u64,
    /// When the step before happens in the transcript, in seconds.
    before: f64,
}

struct Link {
    name: String,
    station: Station,
    /// The validation of each copy that came.
    came: BTreeMap<u64, u32>,
}

impl<'a> Player<'a> {
    pub(super) fn new(net: &'a Net, name: &'a str, operators: &'a Operators, text: &str) -> Self {
        let mut player = Self {
            net,
            name,
            operators,
            windows: windows(text),
            node: None,
            links: BTreeMap::new(),
            answers: BTreeMap::new(),
            asked: 0,
            before: 0.0,
        };
        player.configure(&networks::of(name));
        player.node = Some(net.switch());
        player
    }

    /// Plays all of it.
    ///
    /// # Errors
    /// The first thing that is not as the transcript has it.
    pub(super) fn play(mut self, text: &str, to_its_end: bool) -> Result<(), String> {
        for step in &script::read(text) {
            let passed = step.time - self.before;
            self.before = step.time;
            self.step(step, passed).map_err(|why| format!("{}.txt:{}: {}: {why}", self.name, step.line, step.event))?;
        }
        // Where the rest of a transcript is left out, things are on their way.
        for (number, mut link) in std::mem::take(&mut self.links).into_iter().filter(|_| to_its_end) {
            if link.station.status().is_err() {
                return Err(format!("{}.txt: link {number} is gone at the end", self.name));
            }
            let more = link.station.take_all();
            if let Some(message) = more.first() {
                return Err(format!("{}.txt: link {number} got besides {:?}", self.name, message.text));
            }
        }
        self.node.take().expect("it runs").stop();
        Ok(())
    }

    fn configure(&self, config: &switch_core::NetworkConfig) {
        let data = format!("data-{}", self.name);
        let around = Around { data: &data, windows: &self.windows, operators: &self.operators.tables };
        self.net.configure(&networks::file(config, &around));
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("it runs")
    }

    /// `passed`: the seconds since the step before.
    fn step(&mut self, step: &Step, passed: f64) -> Result<(), String> {
        let words = step.words();
        match *words.as_slice() {
            ["attach", link, name] => {
                let closed = step.wanted.iter().any(|wanted| wanted.action.starts_with("close "));
                let station = if closed { self.node().caller(name) } else { self.node().mute_station(name) };
                self.links.insert(number(link), Link { name: name.to_owned(), station, came: BTreeMap::new() });
            }
            ["detach", link] => {
                let gone = self.links.remove(&number(link)).ok_or("no such link")?;
                let left = self.links.values().filter(|link| link.name == gone.name).count();
                let series = format!("orinet_links{{station=\"{}\"}}", gone.name);
                drop(gone);
                self.node().await_metric(&series, u32::try_from(left).map_or(f64::NAN, f64::from));
            }
            ["receive", link, validation, ..] => {
                let validation = u32::try_from(number(validation)).map_err(|error| error.to_string())?;
                let text = step.event.splitn(4, ' ').nth(3).unwrap_or_default();
                let text = written::bytes(text);
                let Ok(station) = self.station(link) else {
                    // What the core still hears of a link that is gone leads to nothing.
                    let nothing = step.wanted.is_empty();
                    return if nothing { Ok(()) } else { Err("no such link".to_owned()) };
                };
                station.post_bytes(validation, &text).map_err(|_| "the link is closed")?;
                // What others do next comes after it.
                station.status().map_err(|_| "the link is closed")?;
            }
            [how @ ("ack" | "fail"), link, delivery] => {
                let link = self.links.get_mut(&number(link)).ok_or("no such link")?;
                let validation = *link.came.get(&number(delivery)).ok_or("that copy did not come")?;
                let function = if how == "ack" { Function::Ack } else { Function::Nack };
                link.station.answer(validation, function).map_err(|_| "the link is closed")?;
                link.station.status().map_err(|_| "the link is closed")?;
            }
            // Where periods are short, they really pass, while nothing comes; elsewhere it would be hours.
            ["timeout"] if self.name.starts_with("short-") => {
                let station = &mut self.links.values_mut().next().ok_or("no link to listen on meanwhile")?.station;
                let came = station.next_within(Duration::from_secs_f64(passed)).map_err(|_| "the link is closed")?;
                if let Some(message) = came {
                    return Err(format!("meanwhile came {:?}", message.text));
                }
            }
            ["timeout"] => {}
            ["op", who, "explain", station, ..] => {
                let text = step.event.splitn(5, ' ').nth(4).unwrap_or_default();
                let (came, must) = (self.explained(who, station, text)?, written(&step.wanted));
                return same(&came, &must);
            }
            ["op", who, ..] => {
                let rest = step.event.splitn(3, ' ').nth(2).unwrap_or_default();
                self.asked += 1;
                let answer = self.ask(who, rest)?;
                self.answers.insert(self.asked, answer);
            }
            ["restart" | "checkpoint"] => {
                self.links.clear();
                self.node.take().expect("it runs").stop();
                self.node = Some(self.net.switch());
            }
            _ => return Err("this cannot be replayed".to_owned()),
        }
        let mut copies: BTreeMap<u64, Vec<(u64, &Wanted)>> = BTreeMap::new();
        for wanted in &step.wanted {
            match *wanted.action.split(' ').collect::<Vec<_>>().as_slice() {
                ["deliver", link, delivery, _] => {
                    copies.entry(number(link)).or_default().push((number(delivery), wanted));
                }
                _ => self.expect(wanted)?,
            }
        }
        // What waited goes out by priority as soon as its station is there.
        let waited = words.first() == Some(&"attach");
        copies.into_iter().try_for_each(|(link, copies)| self.take(link, &copies, waited))
    }

    /// Takes the copies that come to a link. Of several messages that a transcript has on their way to the disk together, the
    /// one that is more urgent goes out first; here each is stored before the next one comes. So the copies of one step may
    /// come in any order, and what counts them is not compared; but what waited before a link came up comes in its order.
    fn take(&mut self, number: u64, copies: &[(u64, &Wanted)], in_order: bool) -> Result<(), String> {
        let several = copies.len() > 1 && !in_order;
        let comparable = |lines: Vec<String>| -> Vec<String> {
            if several { lines.iter().map(|line| uncounted(line)).collect() } else { lines }
        };
        let link = self.links.get_mut(&number).ok_or("no such link")?;
        let mut came = Vec::new();
        for (_, wanted) in copies {
            let message = link.station.next_within(SOON).map_err(|_| "the link is closed")?;
            let message =
                message.ok_or_else(|| format!("nothing came on link {number}, but must: {:?}", wanted.text))?;
            came.push((comparable(shown(&message.text)), message.validation));
        }
        for (delivery, wanted) in copies {
            let must = comparable(wanted.text.iter().map(|line| timeless(line)).collect());
            let found = came.iter().position(|(text, _)| *text == must).filter(|_| !in_order);
            let place = found.unwrap_or_default();
            let (text, validation) = came.remove(place);
            same(&text, &must)?;
            link.came.insert(*delivery, validation);
        }
        Ok(())
    }

    fn expect(&mut self, wanted: &Wanted) -> Result<(), String> {
        let words: Vec<_> = wanted.action.split(' ').collect();
        match *words.as_slice() {
            ["accept", link, validation] => self.reply(link, validation, (Function::Ack, Status::OK)),
            ["refuse", link, validation, "Temporary"] => {
                self.reply(link, validation, (Function::Nack, Status::TEMPORARY))
            }
            ["refuse", link, validation, "TooManyUnacknowledged"] => {
                self.reply(link, validation, (Function::Nack, Status::TOO_MANY))
            }
            ["close", link, ..] => {
                let mut link = self.links.remove(&number(link)).ok_or("no such link")?;
                if link.station.is_closed_within(SOON) { Ok(()) } else { Err("the link is not closed".to_owned()) }
            }
            ["reply", request, ..] => {
                let answer = self.answers.remove(&number(request)).ok_or("nothing was answered")?;
                let told = wanted.action.splitn(3, ' ').nth(2).unwrap_or_default();
                is_told(&answer, told, &wanted.text)
            }
            // What it writes and observes is its own matter.
            ["store" | "observe" | "load" | "pause" | "resume", ..] => Ok(()),
            _ => Err(format!("{} cannot be replayed", wanted.action)),
        }
    }

    fn reply(&mut self, link: &str, validation: &str, expected: (Function, Status)) -> Result<(), String> {
        let validation = u32::try_from(number(validation)).map_err(|error| error.to_string())?;
        let reply = self.station(link)?.reply_within(validation, SOON).map_err(|_| "the link is closed")?;
        let reply = reply.ok_or_else(|| format!("message {validation} is not answered"))?;
        let got = (reply.function(), reply.status());
        if got == expected { Ok(()) } else { Err(format!("message {validation} is answered {got:?}")) }
    }

    fn station(&mut self, link: &str) -> Result<&mut Station, String> {
        Ok(&mut self.links.get_mut(&number(link)).ok_or("no such link")?.station)
    }

    /// What the switch says of a message that is not sent, in the form of a transcript.
    fn explained(&self, who: &str, station: &str, text: &str) -> Result<Vec<String>, String> {
        let token = self.operators.tokens.get(who).ok_or("nobody has that name")?;
        let text = text.replace("\\r", "\r").replace("\\n", "\n");
        let body = json!({ "station": station, "text": text });
        let answer = post(self.node().admin, "/api/explain", token, &body.to_string());
        let told: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
        if let Some(error) = told["error"].as_str() {
            return Ok(vec![error.to_owned()]);
        }
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let each = |list: &str| told[list].as_array().cloned().unwrap_or_default();
        let row = |row: Value| {
            let judged = if row["passed"] == true { "Passed" } else { "not" };
            format!("{} {judged}: {}", row["row"], word(&row["check"]))
        };
        let mut lines: Vec<_> = each("rows").into_iter().map(row).collect();
        if told["accepted"] == true {
            lines.push(format!("accepted as {}, class {}", word(&told["key"]), told["priority"]));
            let leg = |leg: Value| {
                format!("{} at {}: {}", word(&leg["destination"]), word(&leg["station"]), word(&leg["outcome"]))
            };
            lines.extend(each("legs").into_iter().map(leg));
        } else {
            lines.push(format!("ER {}", word(&told["er"]["number"])));
            lines.extend(shown(told["er"]["text"].as_str().unwrap_or_default()));
        }
        Ok(lines)
    }

    fn ask(&self, who: &str, command: &str) -> Result<Answer, String> {
        let words: Vec<_> = command.split(' ').collect();
        let nothing = || json!({});
        let (path, body) = match *words.as_slice() {
            [what @ ("hold" | "release" | "undivert"), station] => (format!("stations/{station}/{what}"), nothing()),
            ["divert", from, to] => (format!("stations/{from}/divert"), json!({ "to": to })),
            ["state", station, state, ref key @ ..] => {
                let state = if state == "configured" { "as-configured" } else { state };
                (format!("stations/{station}/state"), json!({ "state": state, "key": key.first() }))
            }
            ["again", msn, ref to @ ..] => (format!("messages/{msn}/resend"), json!({ "to": to.first() })),
            ["letter", letter] => (format!("letters/{letter}/resend"), nothing()),
            ["letter", letter, ..] => {
                let text = written::bytes(command.splitn(3, ' ').nth(2).unwrap_or_default());
                let text = String::from_utf8_lossy(&text);
                (format!("letters/{letter}/resend"), json!({ "text": text }))
            }
            ["discard", letter] => (format!("letters/{letter}/discard"), nothing()),
            ["forget", ori] => (format!("directory/{ori}/drop"), nothing()),
            [what @ ("drain" | "undrain")] => (what.to_owned(), nothing()),
            ["reload", ref words @ ..] => {
                let (drop, words) = if let ["drop", rest @ ..] = words { (true, rest) } else { (false, words) };
                self.configure(&networks::reloaded(words));
                ("reload".to_owned(), json!({ "drop_contradicted": drop }))
            }
            _ => return Err("there is no such command over the admin address".to_owned()),
        };
        let token = self.operators.tokens.get(who).ok_or("nobody has that name")?;
        Ok(post(self.node().admin, &format!("/api/{path}"), token, &body.to_string()))
    }
}

/// How many messages a station lets be on their way, by the first room that its link gives.
fn windows(text: &str) -> BTreeMap<String, u16> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut windows = BTreeMap::new();
    for event in text.lines().filter_map(|line| line.strip_prefix("> ")) {
        match *event.split(' ').collect::<Vec<_>>().as_slice() {
            [_, "attach", link, name] => {
                names.insert(link, name);
            }
            [_, "room", link, room] => {
                let name = names.get(link).copied().unwrap_or_default();
                windows.entry(name.to_owned()).or_insert_with(|| room.parse().expect("a number"));
            }
            _ => {}
        }
    }
    windows
}

/// The lines of an explanation as a transcript has them; that a row was not reached is not told over the admin address.
fn written(wanted: &[Wanted]) -> Vec<String> {
    let lines = wanted.iter().flat_map(|wanted| std::iter::once(&wanted.action).chain(&wanted.text));
    lines.map(|line| line.replacen(" Failed:", " not:", 1).replacen(" NotReached:", " not:", 1)).collect()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn same(came: &[String], must: &[String]) -> Result<(), String> {
    for place in 0..came.len().max(must.len()) {
        let (came, must) = (came.get(place), must.get(place));
        if came != must {
            return Err(format!("line {} of the message is {came:?}, not {must:?}", place + 1));
        }
    }
    Ok(())
}

/// Whether an answer over HTTP says what the transcript tells; numbers of records are the journal's own.
fn is_told(answer: &Answer, told: &str, text: &[String]) -> Result<(), String> {
    let got: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    let error = got["error"].as_str().unwrap_or_default();
    let said = if let Some(done) = told.strip_prefix("done: ") {
        let (what, counts) = done.rsplit_once("; ").expect("counts at the end");
        let (what, undo) = what.split_once(" (undo: ").map_or((what, None), |(what, undo)| (what, Some(undo)));
        let copies = counts.split(' ').next().and_then(|count| count.parse().ok());
        let undone = undo.is_none() || got["undo"].is_string();
        let done = got["done"].as_str().unwrap_or_default();
        unnumbered(done) == unnumbered(what) && got["copies"].as_u64() == copies && undone
    } else if let Some(number) = told.strip_prefix("denied: ER ") {
        let er = shown(got["er"]["text"].as_str().unwrap_or_default());
        let same =
            er.iter().map(|line| line.trim_end_matches("␍␊")).eq(text.iter().map(|line| line.trim_end_matches("␍␊")));
        got["er"]["number"].as_u64() == number.parse().ok() && same
    } else {
        // Of a number that the journal does not have, the core is never asked.
        let absent =
            told.starts_with("denied: record 0 holds no message") && error.starts_with("the journal has no message");
        absent || told.strip_prefix("denied: ") == Some(error)
    };
    if said { Ok(()) } else { Err(format!("the answer is {}", answer.body.trim_end())) }
}

/// A sentence without the number of the record that it names.
fn unnumbered(sentence: &str) -> String {
    let words = sentence.split(' ').scan("", |before, word| {
        let number = *before == "record" && word.bytes().all(|byte| byte.is_ascii_digit());
        *before = word;
        Some(if number { "#" } else { word })
    });
    words.collect::<Vec<_>>().join(" ")
}
