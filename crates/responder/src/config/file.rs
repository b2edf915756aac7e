//! What may be written in a center's configuration, as it is written.

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) answers: AnswersFile,
    #[serde(default)]
    pub(super) sources: SourcesFile,
    #[serde(default)]
    pub(super) source: Vec<Spanned<SourceFile>>,
    #[serde(default)]
    pub(super) office: Vec<Spanned<OfficeFile>>,
    #[serde(default)]
    pub(super) requesters: RequestersFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswersFile {
    #[serde(default)]
    pub(super) automatic: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourcesFile {
    pub(super) late_seconds: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFile {
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) line: Spanned<String>,
    pub(super) from: Option<Spanned<String>>,
    pub(super) deadline_ms: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfficeFile {
    pub(super) ori: Spanned<String>,
    pub(super) areas: Spanned<Vec<Spanned<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestersFile {
    #[serde(default)]
    pub(super) refused: Vec<Spanned<String>>,
    pub(super) refused_endings: Option<Spanned<String>>,
}
