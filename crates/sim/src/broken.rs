//! Negative controls: what is done wrong on purpose, so that it shows whether the model would notice.

use crate::disk::Lie;

/// One thing that is done wrong. None of them is in the switch: they are in the simulation's driver, disk and clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// The driver tells the core that a record is durable before it is.
    AcceptsBeforeDurable,
    /// A sync of a file does nothing.
    SkipsSync,
    /// A sync that failed is tried again, and the second answer believed.
    RetriesSync,
    /// The core is given a network in which everybody may send and take everything.
    IgnoresRights,
    /// A copy goes out on another station's link now and then.
    MixesLinks,
    /// A dead letter is dropped at a restart.
    ForgetsDeadLetter,
    /// What a receiver refused for good is taken for delivered.
    TakesRefusedForDelivered,
    /// Copies of the higher classes wait until lower ones have gone.
    SendsLowerFirst,
    /// Two copies for one link change places now and then.
    SwapsCopies,
    /// A copy bears the validation of one before it now and then.
    ReusesValidation,
    /// The core does not see the validation of what comes in.
    ForgetsRepeats,
    /// The journal lets go of records that something still waits for.
    PrunesTooMuch,
    /// A copy that was handed over is lost now and then, and taken for acknowledged.
    LosesCopies,
    /// The core does not hear that some links are gone.
    MissesLostLinks,
    /// An orderly end does not write what has queued.
    EndsUnwritten,
}

impl Broken {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::AcceptsBeforeDurable,
        Self::SkipsSync,
        Self::RetriesSync,
        Self::IgnoresRights,
        Self::MixesLinks,
        Self::ForgetsDeadLetter,
        Self::TakesRefusedForDelivered,
        Self::SendsLowerFirst,
        Self::SwapsCopies,
        Self::ReusesValidation,
        Self::ForgetsRepeats,
        Self::PrunesTooMuch,
        Self::LosesCopies,
        Self::MissesLostLinks,
        Self::EndsUnwritten,
    ];

    pub(crate) fn lie(self) -> Option<Lie> {
        match self {
            Self::SkipsSync => Some(Lie::Syncs),
            Self::RetriesSync => Some(Lie::SyncsAgain),
            Self::AcceptsBeforeDurable
            | Self::IgnoresRights
            | Self::MixesLinks
            | Self::ForgetsDeadLetter
            | Self::TakesRefusedForDelivered
            | Self::SendsLowerFirst
            | Self::SwapsCopies
            | Self::ReusesValidation
            | Self::ForgetsRepeats
            | Self::PrunesTooMuch
            | Self::LosesCopies
            | Self::MissesLostLinks
            | Self::EndsUnwritten => None,
        }
    }
}
