//! The texts of a state's stand-in. All wordings are inferred: that an answer names the index that hit is all that is public
//! (`protocol-specs/formats.md` 5.3).

use std::path::Path;

use crate::template::{Form, Slot, Template, TemplateError};

/// All texts, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    pub(super) identity: Template,
    pub(super) no_record: Template,
    pub(super) record: Template,
    pub(super) additional: Template,
    pub(super) unable: Template,
}

impl Texts {
    /// The files of a directory, each of which has to be there; without a directory the texts of this program.
    ///
    /// # Errors
    /// A file is missing, cannot be read or is wrong; the error names it.
    pub fn load(directory: Option<&Path>) -> Result<Self, TemplateError> {
        let load = |form: Form| Template::load(&form, directory);
        Ok(Self {
            identity: load(Form {
                file: "identity.txt",
                builtin: include_str!("templates/identity.txt"),
                required: &[Slot::IndexHit, Slot::Identity, Slot::StateNumbers],
                optional: &[Slot::FbiNumber, Slot::State],
            })?,
            no_record: load(Form {
                file: "no-record.txt",
                builtin: include_str!("templates/no-record.txt"),
                required: &[Slot::State, Slot::Asked],
                optional: &[],
            })?,
            record: load(Form {
                file: "record.txt",
                builtin: include_str!("templates/record.txt"),
                required: &[Slot::Identity, Slot::StateNumbers, Slot::Arrests],
                optional: &[Slot::FbiNumber, Slot::State],
            })?,
            additional: load(Form {
                file: "additional.txt",
                builtin: include_str!("templates/additional.txt"),
                required: &[Slot::StateNumbers, Slot::Arrests],
                optional: &[Slot::Identity, Slot::State],
            })?,
            unable: load(Form {
                file: "unable.txt",
                builtin: include_str!("templates/unable.txt"),
                required: &[Slot::State],
                optional: &[],
            })?,
        })
    }
}
