//! What may be written in a configuration file, as it is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) switch: SwitchFile,
    #[serde(default)]
    pub(super) pki: PkiFile,
    #[serde(default)]
    pub(super) journal: JournalFile,
    #[serde(default)]
    pub(super) limits: BTreeMap<String, Spanned<u64>>,
    pub(super) audit: Option<Spanned<AuditFile>>,
    #[serde(default)]
    pub(super) search: SearchFile,
    #[serde(default)]
    pub(super) operator: Vec<Spanned<OperatorFile>>,
    #[serde(default)]
    pub(super) station: Vec<Spanned<StationFile>>,
    #[serde(default)]
    pub(super) ori: Vec<Spanned<OriFile>>,
    #[serde(default)]
    pub(super) group: Vec<Spanned<GroupFile>>,
    #[serde(default)]
    pub(super) state: Vec<Spanned<StateFile>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SwitchFile {
    pub(super) links: Option<Spanned<String>>,
    pub(super) fox: Option<Spanned<String>>,
    pub(super) admin: Option<Spanned<String>>,
    pub(super) data: Option<PathBuf>,
    pub(super) stamp_utc_offset: Option<Spanned<i32>>,
    pub(super) hold_hours: Option<Spanned<u64>>,
    pub(super) hold_seconds: Option<Spanned<u64>>,
    pub(super) hold_bytes: Option<u64>,
    pub(super) echo_bytes: Option<Spanned<usize>>,
    pub(super) message_bytes_max: Option<Spanned<usize>>,
    pub(super) segment_bytes: Option<Spanned<u64>>,
    pub(super) links_max: Option<usize>,
    #[serde(default)]
    pub(super) carried: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PkiFile {
    pub(super) ca: Option<PathBuf>,
    pub(super) crl: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) tls12: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JournalFile {
    pub(super) keep_days: Option<Spanned<u64>>,
    pub(super) keep_bytes: Option<Spanned<u64>>,
    pub(super) shorter_than_a_year: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditFile {
    pub(super) key: PathBuf,
    pub(super) statements: PathBuf,
    pub(super) every_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchFile {
    pub(super) enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StationFile {
    pub(super) name: String,
    #[serde(default)]
    pub(super) lines: Vec<String>,
    #[serde(default)]
    pub(super) oris: Vec<String>,
    #[serde(default)]
    pub(super) accepts: Vec<String>,
    #[serde(default)]
    pub(super) sends: Vec<String>,
    pub(super) window: Option<u16>,
    pub(super) hold_hours: Option<u64>,
    pub(super) hold_seconds: Option<u64>,
    pub(super) hold_bytes: Option<u64>,
    pub(super) line_end: Option<String>,
    pub(super) format: Option<String>,
    pub(super) destination: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OriFile {
    pub(super) ori: String,
    pub(super) line: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) authorization: String,
    pub(super) hours: Option<String>,
    pub(super) active: Option<bool>,
    pub(super) editor: Option<bool>,
    #[serde(default)]
    pub(super) phone: String,
    #[serde(default)]
    pub(super) fax: String,
    #[serde(default)]
    pub(super) second_phone: String,
    #[serde(default)]
    pub(super) second_fax: String,
    #[serde(default)]
    pub(super) remarks: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupFile {
    pub(super) code: String,
    pub(super) members: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateFile {
    pub(super) station: String,
    pub(super) key: String,
    pub(super) state: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorFile {
    pub(super) name: String,
    pub(super) token_sha256: String,
    pub(super) rights: Vec<String>,
}
