//! The texts of the stand-in. All wordings but the headings of a hit are inferred: none is public.

use std::path::Path;

use crate::template::{Form, Slot, Template, TemplateError};

/// All texts, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    pub(super) hit: Template,
    pub(super) no_hit: Template,
    pub(super) change: Template,
    pub(super) identification: Template,
    pub(super) no_identification: Template,
    pub(super) record: Template,
}

/// Declares a form by its file in `templates/` beside this file.
macro_rules! form {
    ($file:literal, $required:expr, $optional:expr) => {
        Form {
            file: $file,
            builtin: include_str!(concat!("templates/", $file)),
            required: $required,
            optional: $optional,
        }
    };
}

impl Texts {
    /// The files of a directory, each of which has to be there; without a directory the texts of this program.
    ///
    /// # Errors
    /// A file is missing, cannot be read or is wrong; the error names it.
    pub fn load(directory: Option<&Path>) -> Result<Self, TemplateError> {
        let load = |form: Form| Template::load(&form, directory);
        let person: &[Slot] = &[Slot::Identity, Slot::FbiNumber];
        Ok(Self {
            hit: load(form!(
                "hit.txt",
                &[Slot::Ori, Slot::Identity, Slot::Offense, Slot::CaseNumber, Slot::NcicNumber, Slot::Entered],
                &[Slot::Heading, Slot::Description, Slot::Remark]
            ))?,
            no_hit: load(form!("no-hit.txt", &[Slot::Asked], &[]))?,
            change: load(form!("change.txt", &[Slot::What, Slot::NcicNumber, Slot::CaseNumber], &[]))?,
            identification: load(form!("identification.txt", person, &[Slot::StateNumbers]))?,
            no_identification: load(form!("no-identification.txt", &[Slot::Asked], &[]))?,
            record: load(form!(
                "record.txt",
                &[Slot::Identity, Slot::FbiNumber, Slot::Arrests],
                &[Slot::StateNumbers]
            ))?,
        })
    }
}
