//! Synthetic traffic through a real switch: inquiries, answers, messages of agencies to each other, with everything that
//! comes of them. What comes out are the records that the switch would write.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use codec::dictionary::{Authorization, Dictionary};
use codec::name::{Line, MessageKey, Ori, StationName};
use codec::time::{Tick, Timestamp};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use switch_core::{
    Action, Event, Folds, GroupConfig, LinkId, Network, NetworkConfig, Now, OriConfig, Sequence, StationConfig, Switch,
    Token, Verified,
};

/// A record as the switch hands it to its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) sequence: u64,
    pub(crate) kind: u8,
    pub(crate) payload: Bytes,
}

/// States, each with one station that serves all its agencies.
const STATES: usize = 28;
/// Agencies of each: 140 in all.
const AGENCIES: usize = 5;
/// When the traffic begins: 2026-10-01 00:00 UTC.
pub(crate) const BEGINS: i64 = 1_790_812_800_000_000;

pub(crate) struct Traffic {
    switch: Switch,
    random: Pcg64Mcg,
    seed: u64,
    /// Microseconds between two messages, on average.
    pace: u64,
    time: u64,
    validation: u32,
    stored: u64,
    asked: u32,
    written: VecDeque<Written>,
    /// Links of stations that do not answer just now take nothing.
    absent: Option<LinkId>,
    /// One message in so many goes wrong in some way: refused, or to a station that is away.
    odd_one_in: u32,
    /// The clock is never set back.
    pub(crate) steady: bool,
}

pub(crate) fn line(state: usize) -> String {
    let letter = |value: usize| char::from(b'A' + u8::try_from(value % 26).unwrap());
    format!("{}{}", if state < 26 { 'Z' } else { 'Y' }, letter(state))
}

pub(crate) fn agency(state: usize, agency: usize) -> String {
    format!("{}{:03}0000", line(state), agency + 1)
}

pub(crate) const CENTER: &str = "ZZLESC000";

fn name(text: &str) -> StationName {
    StationName::parse(text).unwrap()
}

impl Traffic {
    pub(crate) fn new(seed: u64, pace: Duration, odd_one_in: u32) -> Self {
        let keys = |keys: &[&str]| keys.iter().map(|key| MessageKey::parse(key).unwrap()).collect();
        let mut stations = vec![StationConfig {
            lines: vec![Line::parse("AX").unwrap()],
            oris: vec![Ori::parse(CENTER).unwrap()],
            accepts: keys(&["IAQ", "AM"]),
            sends: keys(&["IAR"]),
            ..StationConfig::new(name("AX"))
        }];
        let mut oris = Vec::new();
        let mut agency_of = |ori: &str, line: &str| {
            oris.push(OriConfig {
                authorization: vec![Authorization::Administrative, Authorization::CriminalHistory],
                ..OriConfig::new(Ori::parse(ori).unwrap(), Line::parse(line).unwrap())
            });
        };
        agency_of(CENTER, "AX");
        for state in 0..STATES {
            stations.push(StationConfig {
                lines: vec![Line::parse(&line(state)).unwrap()],
                accepts: keys(&["IAR", "AM"]),
                hold: Some(Duration::from_secs(60)),
                ..StationConfig::new(name(&line(state)))
            });
            (0..AGENCIES).for_each(|number| agency_of(&agency(state, number), &line(state)));
        }
        // A terminal with a link of its own on the first state's line.
        stations.push(StationConfig {
            oris: vec![Ori::parse(&agency(0, 0)).unwrap()],
            accepts: keys(&["IAR", "AM"]),
            ..StationConfig::new(name(&agency(0, 0)))
        });
        let group = GroupConfig {
            code: Line::parse("R1").unwrap(),
            members: (0..3).map(|state| Line::parse(&line(state)).unwrap()).collect(),
        };
        let config = NetworkConfig { stations, oris, groups: vec![group], ..NetworkConfig::default() };
        let dictionary = Arc::new(Dictionary::builtin().clone());
        let network = Arc::new(Network::new(config, &dictionary).unwrap());
        let folds = Folds::new(&network);
        let mut traffic = Self {
            switch: Switch::new(network, dictionary, folds, now(0)),
            random: Pcg64Mcg::seed_from_u64(seed),
            seed,
            pace: u64::try_from(pace.as_micros()).unwrap().max(1),
            time: 0,
            validation: 0,
            stored: 0,
            asked: 0,
            written: VecDeque::new(),
            absent: None,
            odd_one_in,
            steady: false,
        };
        for state in 0..=STATES + 1 {
            traffic.attach(state);
        }
        traffic
    }

    fn station(link: usize) -> String {
        match link {
            0 => "AX".to_owned(),
            link if link <= STATES => line(link - 1),
            _ => agency(0, 0),
        }
    }

    fn attach(&mut self, link: usize) {
        let station = Verified::assertion(name(&Self::station(link)));
        let from = ([192, 0, 2, 7], 49_152).into();
        let link = LinkId(link as u64 + 1);
        self.handle(Event::Attached { link, station, from, certificate: "0a1b".to_owned() });
        self.handle(Event::Room { link, messages: 1 << 20 });
    }

    /// The next record, for ever.
    pub(crate) fn next_record(&mut self) -> Written {
        loop {
            if let Some(written) = self.written.pop_front() {
                return written;
            }
            self.step();
        }
    }

    fn step(&mut self) {
        self.time += self.random.random_range(1..=self.pace * 2);
        let odd = self.odd_one_in > 0 && self.random.random_ratio(1, self.odd_one_in);
        let (state, number) = (self.random.random_range(0..STATES), self.random.random_range(0..AGENCIES));
        let ori = agency(state, number);
        let from = if (state, number) == (0, 0) { STATES + 1 } else { state + 1 };
        if odd {
            return self.odd(from, &ori);
        }
        if self.random.random_ratio(3, 4) { self.inquiry(from, &ori) } else { self.note(from, &ori) }
    }

    /// An inquiry with its two answers.
    fn inquiry(&mut self, from: usize, ori: &str) {
        self.asked += 1;
        let person = records::synth::person(self.seed, self.asked % 2_000_000);
        let born = person.born.map_or_else(|| "19800101".to_owned(), |born| born.strftime("%Y%m%d").to_string());
        let full = format!("{}, {} {}", person.surname, person.given, person.middle);
        let control = format!("T{:09}", self.asked);
        let phone = 5_555_550_100_u64 + u64::from(self.asked % 100);
        self.send(
            from,
            &format!(
                "IAQ.{ori}.AX.*{control}.TXT\r\nPUR/C.ATN/SGT UNIT {}.PHN/{phone}.NAM/{full}.DOB/{born}.SEX/M.\r\n\
                 POB/MM.CUS/Y.OFF/0399.ARN/{:09}",
                self.asked % 50,
                person.alien_number.value()
            ),
        );
        self.send(
            0,
            &format!(
                "IAR.{CENTER}.{ori}.*{control}.TXT\r\nEMULATOR - SYNTHETIC DATA\r\nYOUR IAQ WAS RECEIVED 10/01/2026 \
                 08:00. QUERY ID {:010}.\r\nNAM/{full}. DOB/{born}.\r\nA RESPONSE WILL FOLLOW. DO NOT RESEND.\r\n",
                self.asked
            ),
        );
        let found = if self.random.random_ratio(1, 3) {
            format!(
                "SUBJECT MATCHES: NAM/{full}. DOB/{born}. SEX/M. ARN/{:09}. POB/MM\r\nLAST KNOWN STATUS: CIS: LAWFUL \
                 PERMANENT RESIDENT\r\n",
                person.alien_number.value()
            )
        } else {
            "NO RECORD FOUND IN THE INDICES SEARCHED ON THE DATA SUPPLIED.\r\nA NO RECORD ANSWER DOES NOT ESTABLISH \
             CITIZENSHIP OR STATUS.\r\n"
                .to_owned()
        };
        self.send(
            0,
            &format!(
                "IAR.{CENTER}.{ori}.*{control}.TXT\r\nEMULATOR - SYNTHETIC DATA\r\nRE QUERY ID {:010} NAM/{full}. \
                 DOB/{born}.\r\n{found}SEARCHED: CIS ENFORCE NIIS\r\nNOT SEARCHED: III\r\nANSWERED WITHOUT A TECHNICIAN. \
                 PHONE 5555550199.\r\n",
                self.asked
            ),
        );
    }

    /// A message between agencies, or to three states.
    fn note(&mut self, from: usize, ori: &str) {
        let group = self.random.random_ratio(1, 20);
        let to = if group {
            "R1".to_owned()
        } else {
            let first = agency(self.random.random_range(0..STATES), self.random.random_range(0..AGENCIES));
            if self.random.random_ratio(1, 4) {
                format!(
                    "{first}.{}",
                    agency(self.random.random_range(0..STATES), self.random.random_range(0..AGENCIES))
                )
            } else {
                first
            }
        };
        let key = if self.random.random_ratio(1, 5) { "AML" } else { "AM" };
        let words: Vec<_> = (0..self.random.random_range(5..40)).map(|_| self.word()).collect();
        self.send(from, &format!("{key}.{ori}.{to}.TXT\r\n{}", words.join(" ")));
    }

    fn word(&mut self) -> String {
        const COMMON: [&str; 24] = [
            "BE",
            "ON",
            "THE",
            "LOOKOUT",
            "FOR",
            "A",
            "Blue",
            "vehicle",
            "STOLEN",
            "FROM",
            "O'Hare",
            "LOT",
            "PLATE",
            "LAST",
            "SEEN",
            "NEAR",
            "SUBJECT",
            "ARMED",
            "APPROACH",
            "WITH",
            "CAUTION",
            "CONTACT",
            "Lee-Marvin",
            "PD",
        ];
        if self.random.random_ratio(1, 12) {
            format!("W{:05}", self.random.random_range(0..100_000))
        } else {
            COMMON[self.random.random_range(0..COMMON.len())].to_owned()
        }
    }

    /// What goes wrong: a message that is refused, a station that goes and comes, a clock that is set back.
    fn odd(&mut self, from: usize, ori: &str) {
        match self.random.random_range(0..5) {
            0 => self.send(from, &format!("IAQ.{ori}.AX.TXT\r\nPUR/C.NAM/REFUSED, PERSON")),
            1 => self.send(from, "ZZZ nothing that can be read"),
            2 => self.send(from, &format!("AM.{ori}.QQ0010000.TXT\r\nNOBODY THERE")),
            3 if !self.steady => self.time = self.time.saturating_sub(self.random.random_range(0..600_000_000)),
            _ => {
                if let Some(link) = self.absent.take() {
                    let link = usize::try_from(link.0 - 1).unwrap();
                    self.attach(link);
                } else {
                    let link = LinkId(self.random.random_range(2..=STATES as u64));
                    self.absent = Some(link);
                    self.handle(Event::Detached { link, suspect: None, why: "closed by the peer".to_owned() });
                }
            }
        }
    }

    fn send(&mut self, from: usize, text: &str) {
        let link = LinkId(from as u64 + 1);
        if self.absent == Some(link) {
            return;
        }
        self.time += 1_000;
        self.validation = self.validation.wrapping_add(1).max(1);
        let message = Bytes::copy_from_slice(text.as_bytes());
        let token = Token(u64::from(self.validation));
        self.handle(Event::Received { link, token, validation: self.validation, message });
        self.handle(Event::Stored { through: Sequence(self.stored) });
    }

    fn handle(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            self.switch.handle(now(self.time), event);
            while let Some(action) = self.switch.poll_action() {
                #[expect(clippy::wildcard_enum_match_arm, reason = "the rest asks for nothing that matters here")]
                match action {
                    Action::Store { sequence, kind, record } => {
                        self.stored = sequence.0;
                        self.written.push_back(Written { sequence: sequence.0, kind, payload: record });
                    }
                    Action::Deliver { link, delivery, .. } => {
                        events.push_back(Event::Delivered { link, delivery });
                        events.push_back(Event::Room { link, messages: 1 << 20 });
                    }
                    Action::Load { .. } => panic!("everything that waits fits into memory here"),
                    _ => {}
                }
            }
        }
        // Marks are written lazily: this is when they are due.
        if let Some(due) = self.switch.poll_timeout()
            && due <= Tick(self.time)
        {
            self.switch.handle(now(self.time), Event::Timeout);
            while let Some(action) = self.switch.poll_action() {
                if let Action::Store { sequence, kind, record } = action {
                    self.stored = sequence.0;
                    self.written.push_back(Written { sequence: sequence.0, kind, payload: record });
                }
            }
        }
    }
}

fn now(time: u64) -> Now {
    Now { tick: Tick(time), wall: Timestamp(BEGINS + i64::try_from(time).unwrap()) }
}
