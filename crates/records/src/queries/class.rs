//! The classes of questions: what is wrong with those of each, and what may be expected of a search.

/// What may be expected of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Asked as recorded: always found.
    Exact,
    /// One thing is wrong.
    Single,
    /// A name stands in another form that means the same: another transliteration, a nickname, an alias.
    Spelling,
    /// Two things are wrong.
    Double,
    /// So little is asked that several persons fit: found means as good as the best.
    Vague,
    /// Asked by a number alone.
    Number,
    /// The person is in no source.
    Absent,
    /// The person is in no source, but somebody of the same name is who was born on the same day: told apart by nothing
    /// that is asked.
    Namesake,
}

/// Declares the classes once: name in files, kind, what is wrong.
macro_rules! classes {
    ($($name:ident $text:literal $kind:ident $meaning:literal;)+) => {
        /// What is wrong with a question.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Class {
            $(#[doc = $meaning] $name,)+
        }

        impl Class {
            /// Every class there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name in files and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What may be expected.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)+ }
            }

            /// What is wrong, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

classes! {
    Exact "exact" Exact "Nothing: name, birth and sex as recorded.";
    SurnameWrong "surname-wrong" Single "One letter of the surname is another one.";
    SurnameMissing "surname-missing" Single "One letter of the surname is missing.";
    SurnameDoubled "surname-doubled" Single "One letter of the surname is doubled.";
    SurnameSwapped "surname-swapped" Single "Two neighboring letters of the surname are swapped.";
    GivenWrong "given-wrong" Single "One letter of the given name is another one.";
    GivenMissing "given-missing" Single "One letter of the given name is missing.";
    GivenDoubled "given-doubled" Single "One letter of the given name is doubled.";
    GivenSwapped "given-swapped" Single "Two neighboring letters of the given name are swapped.";
    BothWrong "both-wrong" Double "One letter of each name is another one.";
    BothMissing "both-missing" Double "One letter of each name is missing.";
    BothDoubled "both-doubled" Double "One letter of each name is doubled.";
    BothSwapped "both-swapped" Double "Two neighboring letters of each name are swapped.";
    SurnameByEar "surname-by-ear" Single "The surname is written as it sounds.";
    GivenByEar "given-by-ear" Single "The given name is written as it sounds.";
    NamesExchanged "names-exchanged" Single "Given name and surname are exchanged.";
    FirstSurnameMissing "first-surname-missing" Single "Of two surnames, the second alone is asked.";
    SecondSurnameMissing "second-surname-missing" Single "Of two surnames, the first alone is asked.";
    SurnamesExchanged "surnames-exchanged" Single "Two surnames are in the wrong order.";
    MiddleAsGiven "middle-as-given" Single "The middle name is asked as the given name.";
    Initial "initial" Vague "Of the given name, the initial alone is asked, and no middle name.";
    Nickname "nickname" Spelling "A short form of the given name is asked.";
    SurnameRespelled "surname-respelled" Spelling "The surname is transliterated otherwise, or has marks or a kindred form.";
    GivenRespelled "given-respelled" Spelling "The given name is transliterated otherwise, or has marks or a kindred form.";
    Spacing "spacing" Single "Hyphen, apostrophe, space or prefix of the surname are otherwise.";
    Alias "alias" Spelling "Another name that a record of the person has is asked.";
    DayForMonth "day-for-month" Single "Day and month of the birth are exchanged.";
    DateDigit "date-digit" Single "One digit of the date of birth is another one.";
    YearOff "year-off" Single "The year of birth is one off.";
    DecadeOff "decade-off" Single "The year of birth is ten off.";
    CenturyOff "century-off" Single "The year of birth is a hundred off.";
    YearOnly "year-only" Vague "The year of birth alone is known: January 1 is asked.";
    SexWrong "sex-wrong" Single "The other sex is asked.";
    NameAndDate "name-and-date" Double "One letter of a name and the date of birth are wrong.";
    OrderAndLetter "order-and-letter" Double "Names are exchanged or one of two is missing, and one letter is wrong.";
    SpellingAndDate "spelling-and-date" Double "A name is spelled or shortened otherwise, and the date of birth is wrong.";
    AlienNumberDigit "alien-number-digit" Single "Name and birth as recorded, one digit of the alien number wrong.";
    AlienNumber "alien-number" Number "The alien number alone is asked.";
    Fbi "fbi" Number "The number of the criminal history alone is asked.";
    Ssn "ssn" Number "The social security number alone is asked.";
    Passport "passport" Number "The passport number alone is asked.";
    I94 "i94" Number "The number of an arrival record alone is asked.";
    Licence "licence" Number "The licence number alone is asked.";
    Fin "fin" Number "The fingerprint identification number alone is asked.";
    Sevis "sevis" Number "The student's number alone is asked.";
    Receipt "receipt" Number "The receipt number alone is asked.";
    Absent "absent" Absent "The person is in no source, nor anybody of that name who was born on that day.";
    Namesake "namesake" Namesake "The person is in no source, but a namesake born on the same day is.";
}

impl Class {
    /// The class of a name in a file.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_name_of_its_own() {
        for class in Class::ALL {
            assert_eq!(Class::from_name(class.name()), Some(*class));
            assert!(class.meaning().ends_with('.'));
        }
        assert_eq!(Class::from_name(""), None);
    }
}
