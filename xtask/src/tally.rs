//! How many checks passed and failed, read from what test programs print.

use std::fmt;
use std::ops::AddAssign;

/// What a step or a whole run counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// One check that passed.
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0 };
    /// One check that failed.
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1 };

    /// The summary of one test binary of libtest: `test result: ok. 12 passed; 0 failed; …`.
    pub(crate) fn of_libtest(line: &str) -> Option<Self> {
        let (_, counts) = line.trim_start().strip_prefix("test result: ")?.split_once(". ")?;
        let mut counts = counts.split("; ");
        Some(Self { passed: number(counts.next()?, " passed")?, failed: number(counts.next()?, " failed")? })
    }

    /// The closing line of a program in `conformance/`, which is also ours: `N passed, N failed`.
    pub(crate) fn of_program(line: &str) -> Option<Self> {
        let (passed, failed) = line.trim_end().split_once(", ")?;
        Some(Self { passed: number(passed, " passed")?, failed: number(failed, " failed")? })
    }

    /// The same, but never without a failure: for a program that ended badly.
    pub(crate) fn at_least_one_failed(self) -> Self {
        Self { failed: self.failed.max(1), ..self }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

fn number(text: &str, unit: &str) -> Option<u64> {
    let digits = text.strip_suffix(unit)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_libtest_are_read() {
        let check = |line, expect: Option<(u64, u64)>| {
            assert_eq!(Tally::of_libtest(line), expect.map(|(passed, failed)| Tally { passed, failed }), "{line}");
        };
        check(
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.00s",
            Some((12, 0)),
        );
        check("test result: FAILED. 411 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", Some((411, 2)));
        check("test tests::counts_are_read ... ok", None);
        check("test result: ok. many passed; 0 failed;", None);
        check("test result: ok. 1 passed", None);
        check("running 12 tests", None);
    }

    #[test]
    fn closing_lines_of_programs_are_read() {
        let check = |line, expect: Option<(u64, u64)>| {
            assert_eq!(Tally::of_program(line), expect.map(|(passed, failed)| Tally { passed, failed }), "{line}");
        };
        check("27 passed, 0 failed", Some((27, 0)));
        check("0 passed, 1 failed\r", Some((0, 1)));
        check("ok    one_byte_at_a_time  0.31 s", None);
        check("27 passed, 0 failed, 3 skipped", None);
        check("+7 passed, 0 failed", None);
        check(" passed, 0 failed", None);
    }

    #[test]
    fn a_bad_end_is_a_failure() {
        let good = Tally { passed: 5, failed: 0 };
        assert_eq!(good.at_least_one_failed(), Tally { passed: 5, failed: 1 });
        let bad = Tally { passed: 5, failed: 2 };
        assert_eq!(bad.at_least_one_failed(), bad);
    }

    #[test]
    fn what_is_printed_can_be_read() {
        let tally = Tally { passed: 412, failed: 3 };
        assert_eq!(Tally::of_program(&tally.to_string()), Some(tally));
    }
}
