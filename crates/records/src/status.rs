//! The closed list of statuses, and the sentence that an answer says for each.

use crate::Source;

/// Declares the statuses once: number in the file, name, source that records it, sentence.
macro_rules! statuses {
    ($($number:literal $name:ident $source:ident $sentence:literal;)+) => {
        /// Last known status of a person, from a closed list. Sentences are ours, modeled on public descriptions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Status {
            $(#[doc = $sentence] $name = $number,)+
        }

        impl Status {
            /// Every status there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The sentence for an answer: upper-case ASCII, no full stop.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)+ }
            }

            /// Its name in an export: this type's own, such as `PermanentResident`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The status of a name, whatever its case and whatever separates its words, or of a sentence.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                // As exports of our own have it.
                match name { $(stringify!($name) => return Some(Self::$name),)+ _ => {} }
                let letters = |text: &str| text.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
                let asked = letters(name);
                Self::ALL.iter().copied().find(|status| [status.name(), status.sentence()].iter().any(|text| letters(text) == asked))
            }

            /// The source that records this status.
            #[must_use]
            pub const fn source(self) -> Source {
                match self { $(Self::$name => Source::$source,)+ }
            }

            pub(crate) const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

statuses! {
    1 PermanentResident Cis "LAWFUL PERMANENT RESIDENT";
    2 ConditionalResident Cis "CONDITIONAL PERMANENT RESIDENT";
    3 Naturalized Cis "NATURALIZED UNITED STATES CITIZEN";
    4 DerivedCitizen Cis "CITIZEN BY DERIVATION, CERTIFICATE ISSUED";
    5 Refugee Cis "ADMITTED AS A REFUGEE";
    6 FileOpened Cis "ALIEN FILE OPENED, NO FINAL DECISION ON RECORD";
    7 ResidenceAbandoned Cis "PERMANENT RESIDENCE ABANDONED";
    10 InAuthorizedStay Niis "ADMITTED AS A NONIMMIGRANT, IN PERIOD OF AUTHORIZED STAY WHEN LAST RECORDED";
    11 Departed Niis "ADMITTED AS A NONIMMIGRANT, DEPARTURE RECORDED";
    12 NoDeparture Niis "ADMITTED AS A NONIMMIGRANT, NO DEPARTURE RECORDED";
    13 StayExtended Niis "NONIMMIGRANT, EXTENSION OF STAY GRANTED";
    20 BenefitPending Claims "APPLICATION FOR ADJUSTMENT OF STATUS PENDING";
    21 BenefitApproved Claims "ADJUSTMENT OF STATUS APPROVED";
    22 BenefitDenied Claims "APPLICATION FOR BENEFIT DENIED";
    23 WorkAuthorized Claims "EMPLOYMENT AUTHORIZATION GRANTED, NO OTHER STATUS ON RECORD";
    24 ProtectedStatus Claims "TEMPORARY PROTECTED STATUS GRANTED";
    30 EntryMatchedExit Adis "ENTRY AND EXIT MATCHED, DEPARTED ON TIME";
    31 EntryWithoutExit Adis "ENTRY RECORDED, NO EXIT MATCHED";
    32 Overstayed Adis "EXIT RECORDED AFTER THE AUTHORIZED STAY ENDED";
    40 NoticeToAppear Enforce "ENCOUNTERED, NOTICE TO APPEAR ISSUED";
    41 VoluntaryReturn Enforce "ENCOUNTERED, RETURNED VOLUNTARILY";
    42 ExpeditedRemoval Enforce "ENCOUNTERED, EXPEDITED REMOVAL";
    43 Reinstated Enforce "ENCOUNTERED AFTER REMOVAL, PRIOR ORDER REINSTATED";
    44 ReleasedOnRecognizance Enforce "ENCOUNTERED, RELEASED ON RECOGNIZANCE";
    50 StudentActive Sevis "STUDENT OR EXCHANGE VISITOR, RECORD ACTIVE";
    51 StudentCompleted Sevis "STUDENT OR EXCHANGE VISITOR, PROGRAM COMPLETED";
    52 StudentTerminated Sevis "STUDENT RECORD TERMINATED, FAILED TO MAINTAIN STATUS";
    53 StudentNoShow Sevis "STUDENT RECORD TERMINATED, FAILED TO ENROLL";
    60 InProceedings Dacs "IN REMOVAL PROCEEDINGS";
    61 OrderedRemoved Dacs "ORDERED REMOVED, REMOVAL NOT RECORDED";
    62 Removed Dacs "REMOVED FROM THE UNITED STATES";
    63 VoluntaryDeparture Dacs "GRANTED VOLUNTARY DEPARTURE";
    64 ReliefGranted Dacs "RELIEF FROM REMOVAL GRANTED";
    65 Supervised Dacs "RELEASED UNDER AN ORDER OF SUPERVISION";
    70 AsylumPending Raps "ASYLUM APPLICATION PENDING";
    71 AsylumGranted Raps "ASYLUM GRANTED";
    72 AsylumReferred Raps "ASYLUM APPLICATION REFERRED TO AN IMMIGRATION JUDGE";
    73 AsylumWithdrawn Raps "ASYLUM APPLICATION WITHDRAWN";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_statuses_and_every_number_is_read_back() {
        for source in Source::ALL {
            assert!(Status::ALL.iter().filter(|status| status.source() == source).count() >= 3, "{source:?}");
        }
        for &status in Status::ALL {
            assert_eq!(Status::from_number(status as u8), Some(status));
            for name in [status.name(), &status.name().to_uppercase(), status.sentence()] {
                assert_eq!(Status::from_name(name), Some(status), "{name}");
            }
            assert!(status.sentence().bytes().all(|b| matches!(b, b'A'..=b'Z' | b' ' | b',')));
        }
        assert_eq!(Status::from_number(0), None);
        assert_eq!(Status::from_name("permanent resident"), Some(Status::PermanentResident));
        assert_eq!(Status::from_name(""), None);
    }
}
