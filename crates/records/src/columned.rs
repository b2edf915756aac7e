//! A macro for kinds of something that an export has a column for: declared once, with number, name, column and meaning.

/// Declares an enum of numbered kinds: number in files, name, column of an export, meaning in a sentence.
macro_rules! columned {
    ($(#[$attribute:meta])* $kind:ident { $($number:literal $name:ident $column:literal $meaning:literal;)+ }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $kind {
            $(#[doc = $meaning] $name = $number,)+
        }

        impl $kind {
            /// Every one there is, by number.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name of its column in an export.
            #[must_use]
            pub const fn column(self) -> &'static str {
                match self { $(Self::$name => $column,)+ }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// The one of a number, as a file keeps it.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

pub(crate) use columned;
