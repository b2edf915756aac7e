//! What a test expects to come, and to come not. No I/O, no clock.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use codec::name::MessageKey;

/// A kind of message, as `--expect` and `--expect-none` name it: `KEY`, `KEY:text`, or `:text` for any key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// The key; nothing for any.
    key: Option<MessageKey>,
    /// What the body holds, to the letter; empty for anything.
    text: String,
}

impl Pattern {
    fn fits(&self, key: Option<MessageKey>, text: &str) -> bool {
        self.key.is_none_or(|wanted| key == Some(wanted)) && text.contains(&self.text)
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let (key, text) = written.split_once(':').unwrap_or((written, ""));
        let key = (!key.is_empty()).then(|| MessageKey::parse(key)).transpose().map_err(|error| error.to_string())?;
        Ok(Self { key, text: text.to_owned() })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key, self.text.as_str()) {
            (None, "") => f.write_str("any message"),
            (Some(key), "") => write!(f, "{key}"),
            (None, text) => write!(f, ":{text}"),
            (Some(key), text) => write!(f, "{key}:{text}"),
        }
    }
}

/// All that is expected in one run, and what of it came.
#[derive(Debug, Clone, Default)]
pub(super) struct Expectations {
    wanted: Vec<(Pattern, bool)>,
    unwanted: Vec<(Pattern, bool)>,
}

impl Expectations {
    pub(super) fn new(wanted: &[Pattern], unwanted: &[Pattern]) -> Self {
        let open = |patterns: &[Pattern]| patterns.iter().map(|one| (one.clone(), false)).collect();
        Self { wanted: open(wanted), unwanted: open(unwanted) }
    }

    /// Whether anything was expected at all.
    pub(super) fn are_any(&self) -> bool {
        !self.wanted.is_empty() || !self.unwanted.is_empty()
    }

    /// A message came. It meets one expectation: the first that it fits and that is not met.
    pub(super) fn received(&mut self, key: Option<MessageKey>, text: &str) {
        if let Some((_, met)) = self.wanted.iter_mut().find(|(one, met)| !met && one.fits(key, text)) {
            *met = true;
        }
        for (_, met) in self.unwanted.iter_mut().filter(|(one, _)| one.fits(key, text)) {
            *met = true;
        }
    }

    /// Whether nothing that could still come changes how this ends.
    pub(super) fn are_decided(&self) -> bool {
        self.unwanted.iter().any(|(_, came)| *came)
            || self.unwanted.is_empty() && self.wanted.iter().all(|(_, met)| *met)
    }

    /// Whether all that was expected came, and nothing that was not to.
    pub(super) fn hold(&self) -> bool {
        self.wanted.iter().all(|(_, met)| *met) && self.unwanted.iter().all(|(_, came)| !came)
    }

    /// Each expectation: what, whether it is that it does not come, whether it holds.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Pattern, bool, bool)> {
        let wanted = self.wanted.iter().map(|(one, met)| (one, false, *met));
        wanted.chain(self.unwanted.iter().map(|(one, came)| (one, true, !came)))
    }
}

/// A time as `--within` takes it: `500ms`, `5s`, `2m`; a number alone is seconds.
pub(super) fn span(written: &str) -> Result<Duration, &'static str> {
    let unit = written.trim_start_matches(|one: char| one.is_ascii_digit());
    let number: u64 = written.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| SPAN)?;
    let ms = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        _ => return Err(SPAN),
    };
    let span = Duration::from_millis(number.saturating_mul(ms));
    if span.is_zero() || span > SPAN_MAX { Err(SPAN) } else { Ok(span) }
}

const SPAN: &str = "a number and ms, s or m is needed, as 500ms, 5s or 2m, more than 0 and at most a day";
const SPAN_MAX: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_is_a_key_a_text_or_both() {
        let iar = MessageKey::parse("IAR").ok();
        for (written, fits) in [
            ("IAR", true),
            ("iar", true),
            ("AM", false),
            ("IAR:NO RECORD", true),
            ("IAR:no record", false),
            (":NO", true),
            ("", true),
            ("AM:NO RECORD", false),
        ] {
            assert_eq!(pattern(written).fits(iar, "NO RECORD FOUND"), fits, "{written}");
        }
        assert!(!pattern("IAR").fits(None, "IAR"));
        assert!("NOKEYATALL".parse::<Pattern>().is_err() && "I.R".parse::<Pattern>().is_err());
        assert_eq!(
            ["IAR", "IAR:A:B", ":A", ""].map(|one| pattern(one).to_string()),
            ["IAR", "IAR:A:B", ":A", "any message"]
        );
    }

    #[test]
    fn each_message_meets_one_expectation() {
        let mut all = Expectations::new(&[pattern("IAR:TWO"), pattern("IAR"), pattern("IAR")], &[]);
        let iar = MessageKey::parse("IAR").ok();
        for (text, holds) in [("ONE", false), ("TWO", false), ("THREE", true)] {
            all.received(iar, text);
            assert_eq!((all.hold(), all.are_decided()), (holds, holds), "{text}");
        }
    }

    #[test]
    fn what_must_not_come_is_waited_for_to_the_end() {
        let mut all = Expectations::new(&[pattern("IAR")], &[pattern("ER")]);
        all.received(MessageKey::parse("IAR").ok(), "");
        assert!(all.hold() && !all.are_decided(), "an ER can still come");
        all.received(MessageKey::parse("ER").ok(), "");
        assert!(!all.hold() && all.are_decided());
        let said: Vec<_> = all.each().map(|(one, unwanted, holds)| format!("{one} {unwanted} {holds}")).collect();
        assert_eq!(said, ["IAR false true", "ER true false"]);
    }

    #[test]
    fn a_span_has_a_unit() {
        let ms = |text| span(text).map(|span| span.as_millis());
        assert_eq!([ms("500ms"), ms("5s"), ms("5"), ms("2m")], [Ok(500), Ok(5_000), Ok(5_000), Ok(120_000)]);
        for bad in ["", "s", "5h", "-1s", "0s", "1.5s", "99999999999999999999s", "2000m"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
