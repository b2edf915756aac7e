//! Help files: addresses `xxFFFHELP`, `UPDT`, `APND` and `CNCL` (`protocol-specs/wire.md` 2.10).

use bytes::Bytes;
use codec::name::{Line, Ori};
use codec::notice::ErNumber;

use super::{Court, Failed, fail};
use crate::effect::{Effect, HelpChange, HelpEdit};
use crate::network::{OWN_CODE, StationIndex};

/// The codes of files that every line can have.
const CODES: [&str; 14] =
    ["BAS", "COR", "GUN", "LIC", "NOQ", "OLN", "ORI", "PAR", "PPC", "PRO", "SIR", "SOR", "SWQ", "WTH"];
/// Files of one line alone.
const OF_ONE: [(&str, &str); 2] = [("AX", "ADM"), (OWN_CODE, "NLE")];
/// Before what is appended.
const BREAK: &[u8] = b"\r\n";

/// The address of a help file, and what is to be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HelpAddress {
    /// Whose file it is.
    pub(crate) line: Line,
    /// Its address for queries, from which every answer comes.
    pub(crate) file: Ori,
    function: Function,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Query,
    Update,
    Append,
    Cancel,
}

impl HelpAddress {
    /// What an ORI means as such an address; nothing if it is none.
    pub(crate) fn of(ori: Ori) -> Option<Self> {
        let (head, function) = ori.as_str().split_at_checked(5)?;
        let function = match function {
            "HELP" => Function::Query,
            "UPDT" => Function::Update,
            "APND" => Function::Append,
            "CNCL" => Function::Cancel,
            _ => return None,
        };
        let (line, code) = head.split_at_checked(2)?;
        let known = CODES.contains(&code) || OF_ONE.contains(&(line, code));
        let file = known.then(|| Ori::parse(&format!("{head}HELP")).ok()).flatten()?;
        Some(Self { line: Line::parse(line).ok()?, file, function })
    }

    /// Whether a message to it changes the file.
    pub(crate) fn changes(&self) -> bool {
        self.function != Function::Query
    }

    fn code(&self) -> &str {
        self.file.as_str().get(2..5).unwrap_or_default()
    }
}

impl Court<'_, '_> {
    /// What becomes of a help file, and the answer: its text as it is then, or that there is none.
    pub(super) fn help(
        &self,
        address: HelpAddress,
        station: StationIndex,
        body: &[u8],
    ) -> Result<(Option<Effect>, Vec<u8>), Failed> {
        let before = self.folds.help.text(address.file);
        let edit = match address.function {
            Function::Query => None,
            Function::Update => Some((HelpEdit::Replace(Bytes::copy_from_slice(body)), body.to_vec())),
            Function::Append => {
                let gap = if body.starts_with(BREAK) { &[] } else { BREAK };
                let more = [gap, body].concat();
                let whole = [before, &more].concat();
                Some((HelpEdit::Append(more.into()), whole))
            }
            Function::Cancel => Some((HelpEdit::Clear, Vec::new())),
        };
        let Some((edit, text)) = edit else { return Ok((None, told(address, before))) };
        if self.network.of_line(address.line) != Some(station) {
            return Err(fail(ErNumber::Header, "HELP FILE NOT SERVED BY THIS STATION"));
        }
        let (bytes, files) = (self.network.limits().help_bytes, self.network.limits().help_files);
        if text.len() > bytes {
            return Err(fail(ErNumber::Options, format!("HELP FILE LONGER THAN {bytes} BYTES")));
        }
        if before.is_empty() && self.folds.help.len() >= files {
            return Err(fail(ErNumber::Options, format!("MORE THAN {files} HELP FILES")));
        }
        Ok((Some(Effect::Help(HelpChange { file: address.file, edit })), told(address, &text)))
    }
}

fn told(address: HelpAddress, text: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        format!("NO {} HELP INFORMATION AVAILABLE FOR THIS USER", address.code()).into_bytes()
    } else {
        text.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_agencies() {
        let of = |text: &str| HelpAddress::of(Ori::parse(text).unwrap()).map(|a| (a.file.to_string(), a.function));
        assert_eq!(of("ZAORIHELP"), Some(("ZAORIHELP".to_owned(), Function::Query)));
        assert_eq!(of("AXADMUPDT"), Some(("AXADMHELP".to_owned(), Function::Update)));
        assert_eq!(of("NLNLEAPND"), Some(("NLNLEHELP".to_owned(), Function::Append)));
        assert_eq!(of("ZAWTHCNCL"), Some(("ZAWTHHELP".to_owned(), Function::Cancel)));
        for none in ["ZAADMHELP", "AXNLEHELP", "ZAXYZHELP", "ZAORIHALP", "ZA0010000"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
