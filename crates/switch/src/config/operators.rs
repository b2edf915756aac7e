//! Who may give commands: the `[[operator]]` tables.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use toml::Spanned;

use super::file::OperatorFile;
use super::read::Reader;
use crate::admin::api::NOBODY;
use crate::driver::ITSELF;
use crate::operators::{Operator, Operators, Right, TokenHash};
use crate::reload::BY_SIGNAL;

/// What an operator's name is made of, so that it reads well in the journal.
const NAME_MAX: usize = 32;
/// Who the journal's audit says did what no operator did, in whatever case: the process, a signal, a stranger.
const RESERVED: [&str; 3] = [ITSELF, BY_SIGNAL, NOBODY];

impl Reader<'_> {
    /// Commands come in the clear: with operators, the admin address has to be one that only this machine reaches.
    pub(super) fn operators(&mut self, entries: Vec<Spanned<OperatorFile>>, admin: Option<SocketAddr>) -> Operators {
        if let (Some(first), Some(admin)) = (entries.first(), admin)
            && !admin.ip().is_loopback()
        {
            let problem = format!(
                "[[operator]] commands are not encrypted, so [switch] admin must be a loopback address while there are operators, \
                 and {admin} is none; reach it from elsewhere through ssh"
            );
            self.check(false, first.span().start, &problem);
        }
        let mut names = BTreeMap::new();
        let mut tokens: BTreeMap<TokenHash, String> = BTreeMap::new();
        let mut operators = Vec::new();
        for entry in entries {
            let start = entry.span().start;
            let Some(operator) = self.operator(entry) else { continue };
            let name = operator.name().to_owned();
            if names.insert(name.clone(), ()).is_some() {
                self.problem(start, "operator", "name", &format!("operator {name} is there twice"));
            }
            if let Some(other) = tokens.insert(operator.token(), name) {
                let problem = format!("it is the token of {other} already; make another with `orinet ctl token`");
                self.problem(start, "operator", "token_sha256", &problem);
            }
            operators.push(operator);
        }
        Operators::new(operators)
    }

    fn operator(&mut self, entry: Spanned<OperatorFile>) -> Option<Operator> {
        let start = entry.span().start;
        let OperatorFile { name, token_sha256, rights } = entry.into_inner();
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let reserved = RESERVED.iter().any(|other| name.eq_ignore_ascii_case(other));
        let valid = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(letters) && !reserved;
        if !valid {
            let problem = format!(
                "{name:?} must be 1 to {NAME_MAX} letters, digits, hyphens, dots or underlines, and none of {}",
                RESERVED.join(", ")
            );
            self.problem(start, "operator", "name", &problem);
        }
        let token = TokenHash::parse(&token_sha256);
        if token.is_none() {
            let problem = "must be 64 hexadecimal digits, as `orinet ctl token` prints them";
            self.problem(start, "operator", "token_sha256", problem);
        }
        let mut given = Vec::new();
        for right in &rights {
            match Right::parse(right) {
                Some(right) => given.push(right),
                None => {
                    let all: Vec<_> = Right::ALL.iter().map(|right| right.as_str()).collect();
                    let problem = format!("{right:?} is none of {}", all.join(", "));
                    self.problem(start, "operator", "rights", &problem);
                }
            }
        }
        if rights.is_empty() {
            self.problem(start, "operator", "rights", "an operator without any right can do nothing");
        }
        valid.then_some(Operator::new(name, token?, given))
    }
}
