//! The sources that are asked over the network: NCIC, III and the states' criminal histories. No I/O, no clock.
//!
//! ```text
//!  subject ──► first question ──► message ─ ─ ─► source
//!                                                  │
//!  outcome ◄── end │ questions for records ◄── reading of its answer
//! ```
//!
//! - NCIC: QW, answered by XNR.
//! - III: QH, answered by CR with who may be meant; for those whose name and date of birth are the subject's QR, answered
//!   by CR with the record.
//! - A state: IQ, answered by IR; then FQ, answered by FR.
//!
//! A question bears a control field that says which question of which source for which inquiry it is, and the answer
//! returns it ([`Mark`]). What an answer means is read from its labels (`NIC/`, `FBI/`, `SID/`) and from the words `NO … RECORD`; an
//! answer with neither is no answer. Layout and wording of real answers are not public: what is read here is what our
//! stand-ins write, and inferred.

mod ask;
mod heard;

use std::time::Duration;

use center::InquiryId;
use codec::name::Control;

pub use ask::{Question, Reading, first, read, record};
pub use heard::{Heard, Said};

/// Sources that a center can have: what a control field has room for.
pub const SOURCES_MAX: usize = 200;

/// What kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Wanted persons and immigration violators.
    Ncic,
    /// The index of criminal histories, and their records.
    Iii,
    /// A state's criminal histories.
    State,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Ncic, Self::Iii, Self::State];

    /// Its word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ncic => "ncic",
            Self::Iii => "iii",
            Self::State => "state",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What an answer calls it where none is configured.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ncic => "NCIC",
            Self::Iii => "III",
            Self::State => "STATE CRIMINAL HISTORY",
        }
    }
}

/// A source, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSource {
    /// As answers name it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The line that it is asked on, two characters.
    pub line: String,
    /// How the ORIs begin that answer for it: an ORI, or a line.
    pub from: String,
    /// How long it has before an answer goes without it.
    pub deadline: Duration,
}

/// Which question it was: what a control field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The low 32 bits of the inquiry's number.
    inquiry: u32,
    /// The source's place in the configuration.
    pub source: u8,
    /// Which of its questions: 0 is the first, others ask for a record each.
    pub step: u8,
}

/// The letter that marks of ours begin with.
const LETTER: char = 'Q';
const DIGITS: usize = 9;
const STEP_BITS: u32 = 6;

impl Mark {
    /// The mark of a question. None if the source's place or the step is beyond what a mark holds.
    #[must_use]
    pub fn new(inquiry: InquiryId, source: u16, step: u8) -> Option<Self> {
        let source = u8::try_from(source).ok()?;
        let inquiry = u32::try_from(inquiry.0 & u64::from(u32::MAX)).ok()?;
        (step < 1 << STEP_BITS).then_some(Self { inquiry, source, step })
    }

    /// As a control field: `Q` and nine digits of base 36.
    #[must_use]
    pub fn control(self) -> Option<Control> {
        let mut number =
            (u64::from(self.inquiry) << (8 + STEP_BITS)) | (u64::from(self.source) << STEP_BITS) | u64::from(self.step);
        let mut digits = Vec::with_capacity(DIGITS + 1);
        for _ in 0..DIGITS {
            digits.push(char::from_digit(u32::try_from(number % 36).ok()?, 36)?.to_ascii_uppercase());
            number /= 36;
        }
        digits.push(LETTER);
        Control::parse(&digits.into_iter().rev().collect::<String>()).ok()
    }

    /// The mark that a control field is, if it is one of ours.
    #[must_use]
    pub fn parse(control: &str) -> Option<Self> {
        let digits = control.strip_prefix(LETTER).filter(|digits| digits.len() == DIGITS)?;
        let number = u64::from_str_radix(digits, 36).ok()?;
        Some(Self {
            inquiry: u32::try_from(number >> (8 + STEP_BITS)).ok()?,
            source: u8::try_from((number >> STEP_BITS) & 0xff).ok()?,
            step: u8::try_from(number & ((1 << STEP_BITS) - 1)).ok()?,
        })
    }

    /// The inquiry that it is about, where `last` is the number of the latest record.
    #[must_use]
    pub fn inquiry(self, last: u64) -> InquiryId {
        const SPAN: u64 = 1 << 32;
        let near = (last & !(SPAN - 1)) | u64::from(self.inquiry);
        InquiryId(if near > last { near.saturating_sub(SPAN) } else { near })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_from_its_control_field() {
        for inquiry in [1, 2, 77_000, u64::from(u32::MAX), (7 << 32) + 5] {
            for (source, step) in [(0, 0), (1, 3), (199, 63)] {
                let mark = Mark::new(InquiryId(inquiry), source, step).unwrap();
                let control = mark.control().unwrap();
                assert_eq!(control.as_str().len(), 10);
                assert_eq!(Mark::parse(control.as_str()), Some(mark));
                for later in [0, 1, 1_000_000] {
                    assert_eq!(mark.inquiry(inquiry + later), InquiryId(inquiry));
                }
            }
        }
        assert_eq!(Mark::new(InquiryId(1), 256, 0), None);
        assert_eq!(Mark::new(InquiryId(1), 0, 64), None);
        for other in ["T0000001AA", "Q", "Q00000000", "QZZZZZZZZZ", "Q0000000-1", "q000000000"] {
            assert_eq!(Mark::parse(other), None, "{other}");
        }
    }
}
