//! What senders were promised beside what receivers got: loss, doubles, order.

use std::collections::{BTreeMap, BTreeSet};

use crate::station::Message;

/// Which messages are kept in order among themselves: sender, destination, key (each of another priority).
pub(crate) type Flow = (String, String, &'static str);

/// One message of a test.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    pub(crate) flow: Flow,
    pub(crate) number: u32,
}

/// Sets what begins a stamp apart from other text.
const MARK: &str = "STAMPED";

impl Stamp {
    /// The message that bears it.
    pub(crate) fn text(&self) -> String {
        let (from, to, key) = &self.flow;
        format!("{key}.{from}.{to}.TXT\r\n{MARK} {from} {to} {key} {:08}", self.number)
    }

    /// From a message as it arrived; none for what the switch says itself.
    pub(crate) fn of(text: &str) -> Option<Self> {
        // A notice repeats the message from its beginning, so the stamp would not be at the end.
        let (_, stamp) = text.rsplit_once(MARK)?;
        let mut words = stamp.split_whitespace();
        let (from, to) = (words.next()?.to_owned(), words.next()?.to_owned());
        let key = ["SM", "AM"].into_iter().find(|key| Some(*key) == stamp.split_whitespace().nth(2))?;
        let number = words.nth(1)?.parse().ok()?;
        Some(Self { flow: (from, to, key), number })
    }
}

/// What receivers got, in the order in which it came.
#[derive(Debug, Default)]
pub(crate) struct Got {
    /// Validation and stamp, copies that came again included.
    pub(crate) copies: Vec<(u32, Stamp)>,
    /// Notices and the like.
    pub(crate) others: Vec<String>,
}

impl Got {
    pub(crate) fn take(&mut self, messages: Vec<Message>) {
        for message in messages {
            match Stamp::of(&message.text).filter(|_| !message.text.starts_with("ER.")) {
                Some(stamp) => self.copies.push((message.validation, stamp)),
                None => self.others.push(message.text),
            }
        }
    }

    /// How many messages came, each once.
    pub(crate) fn distinct(&self) -> usize {
        self.copies.iter().map(|(_, stamp)| stamp).collect::<BTreeSet<_>>().len()
    }
}

/// What was wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Acknowledged and never seen.
    pub(crate) lost: usize,
    /// Seen under more than one validation: admitted twice.
    pub(crate) twice: usize,
    /// First sends that came before an earlier one of the same flow.
    pub(crate) disorder: usize,
    /// Arrived again under the same validation, as is allowed.
    pub(crate) repeated: usize,
}

impl Verdict {
    pub(crate) fn is_good(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.disorder == 0
    }
}

/// Judges what one receiver's station got of what was acknowledged for it.
pub(crate) fn judge(acked: &BTreeSet<Stamp>, got: &Got) -> Verdict {
    let mut verdict = Verdict::default();
    let (mut names, mut last): (BTreeMap<&Stamp, u32>, BTreeMap<&Flow, u32>) = (BTreeMap::new(), BTreeMap::new());
    for (validation, stamp) in &got.copies {
        match names.get(stamp) {
            None => {
                names.insert(stamp, *validation);
                let highest = last.entry(&stamp.flow).or_insert(stamp.number);
                verdict.disorder += usize::from(stamp.number < *highest);
                *highest = stamp.number.max(*highest);
            }
            Some(known) if known == validation => verdict.repeated += 1,
            Some(_) => verdict.twice += 1,
        }
    }
    verdict.lost = acked.iter().filter(|stamp| !names.contains_key(stamp)).count();
    verdict
}

#[test]
fn the_judge_finds_what_was_lost_doubled_and_out_of_order() {
    let flow: Flow = ("A".to_owned(), "B".to_owned(), "AM");
    let stamp = |number| Stamp { flow: flow.clone(), number };
    let acked = BTreeSet::from([1, 2, 3].map(stamp));
    let got = |copies: &[(u32, u32)]| Got {
        copies: copies.iter().map(|(validation, number)| (*validation, stamp(*number))).collect(),
        others: Vec::new(),
    };
    let good = got(&[(11, 1), (12, 2), (11, 1), (13, 3)]);
    assert_eq!(judge(&acked, &good), Verdict { repeated: 1, ..Verdict::default() });
    assert_eq!(judge(&acked, &got(&[(11, 1), (13, 3)])).lost, 1);
    assert_eq!(judge(&acked, &got(&[(11, 1), (12, 2), (14, 2), (13, 3)])).twice, 1);
    assert_eq!(judge(&acked, &got(&[(12, 2), (11, 1), (13, 3)])).disorder, 1);
    assert_eq!(Stamp::of(&stamp(7).text()), Some(stamp(7)));
}
