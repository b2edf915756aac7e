//! The named loads, P0 to P5 (`protocol-specs/formats.md` 9 has the public volumes that they are made from).

use std::str::FromStr;
use std::time::Duration;

use crate::mix::Mix;

/// A named load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// P0: what the network carries on average.
    RealMean,
    /// P1: three times that.
    BusyHour,
    /// P2: ten times the mean, for ten minutes.
    Burst,
    /// P3: about a hundred times the inquiries.
    Stress,
    /// P4: what four busy hours left behind while receivers were away is delivered, while the busy hour goes on.
    OutageRecovery,
    /// P5: the busy hour with faults and repeats.
    Quality,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::RealMean, Self::BusyHour, Self::Burst, Self::Stress, Self::OutageRecovery, Self::Quality];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RealMean => "P0",
            Self::BusyHour => "P1",
            Self::Burst => "P2",
            Self::Stress => "P3",
            Self::OutageRecovery => "P4",
            Self::Quality => "P5",
        }
    }

    /// What it stands for.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RealMean => "real mean",
            Self::BusyHour => "busy hour",
            Self::Burst => "burst",
            Self::Stress => "stress",
            Self::OutageRecovery => "outage recovery",
            Self::Quality => "quality",
        }
    }

    /// Inquiries and other messages a second.
    #[must_use]
    pub const fn rates(self) -> (f64, f64) {
        match self {
            Self::RealMean => (0.044, 32.0),
            Self::BusyHour | Self::OutageRecovery | Self::Quality => (0.13, 95.0),
            Self::Burst => (0.45, 320.0),
            Self::Stress => (5.0, 1000.0),
        }
    }

    /// How long it is measured, unless said otherwise.
    #[must_use]
    pub const fn duration(self) -> Duration {
        match self {
            Self::Burst => Duration::from_secs(600),
            Self::RealMean | Self::BusyHour | Self::Stress | Self::Quality => Duration::from_secs(60),
            // As long as it may take at the most.
            Self::OutageRecovery => Duration::from_secs(1800),
        }
    }

    /// Messages that wait when the receivers come back.
    #[must_use]
    pub fn backlog(self) -> Option<u64> {
        let (inquiries, others) = self.rates();
        #[expect(clippy::cast_possible_truncation, reason = "a million and a half")]
        let messages = ((inquiries + others) * OUTAGE.as_secs_f64()).round() as u64;
        (self == Self::OutageRecovery).then_some(messages)
    }

    /// The mix in this profile's proportions.
    #[must_use]
    pub fn apply(self, mix: Mix) -> Mix {
        let (inquiries, others) = self.rates();
        let mut mix = mix.weighted(inquiries, others);
        if self == Self::Quality {
            (mix.malformed, mix.repeated) = (0.02, 0.01);
        }
        mix
    }
}

const OUTAGE: Duration = Duration::from_secs(4 * 3600);

impl FromStr for Profile {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|profile| profile.name().eq_ignore_ascii_case(text));
        found.ok_or("a profile is one of P0, P1, P2, P3, P4, P5")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_have_the_volumes_that_they_are_named_for() {
        assert_eq!(Profile::OutageRecovery.backlog(), Some(1_369_872));
        assert_eq!(Profile::Stress.backlog(), None);
        let mix = Profile::Quality.apply(Mix::sample().unwrap());
        let sum: f64 = mix.kinds.iter().map(|kind| kind.weight).sum();
        assert!((sum - 95.13).abs() < 1e-9 && (mix.kinds[0].weight - 0.13).abs() < 1e-9);
        assert_eq!((mix.malformed, mix.repeated), (0.02, 0.01));
        assert_eq!("p3".parse(), Ok(Profile::Stress));
        assert!("P6".parse::<Profile>().is_err());
    }
}
