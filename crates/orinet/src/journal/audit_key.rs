//! `orinet journal audit-key`: makes the keys that statements about the journal are signed and checked with.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::journal::statement::Signer;
use anyhow::Context as _;
use clap::Args;

use crate::cli::{USAGE, failed};

/// Makes audit.key, the private key, readable by its owner alone, and audit.pem, the public one.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// The directory for both files; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

const ABOUT: &str = "\
The switch signs statements with audit.key while it runs. Let the file of statements lie where those who look after the
switch's data cannot write, best on another machine, and give audit.pem to the auditor, who checks with

  orinet journal verify --statements FILE --key audit.pem

A statement is worth as much as audit.key is kept: whoever has it can sign anything. To replace it, make another pair
and put both public keys into one file, one after the other.

Exit codes: 0 done; 1 a file cannot be written; 64 wrong usage, such as a directory that has keys already.";

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let [private, public] = ["audit.key", "audit.pem"].map(|name| arguments.out.join(name));
    for path in [&private, &public] {
        if path.exists() {
            return failed(USAGE, anyhow::anyhow!("{} is there already", path.display()).as_ref());
        }
    }
    match make(&arguments.out, &private, &public) {
        Ok(()) => {
            say!("{}: private key; {}: public key, for the auditor", private.display(), public.display());
            ExitCode::SUCCESS
        }
        Err(error) => failed(1, error.as_ref()),
    }
}

fn make(directory: &Path, private: &Path, public: &Path) -> anyhow::Result<()> {
    let signer = Signer::generate()?;
    fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    for (path, text, mode) in [(private, signer.private_pem(), 0o600), (public, signer.public_pem(), 0o644)] {
        write_new(path, &text, mode).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use ::journal::statement::Verifier;

    use super::*;

    #[test]
    fn both_keys_are_made_once_and_the_private_one_is_private() {
        let base = tempfile::tempdir().unwrap();
        let out = base.path().join("deep/keys");
        let arguments = Arguments { out: out.clone() };
        assert_eq!(run(&arguments), ExitCode::SUCCESS);
        let (private, public) = (out.join("audit.key"), out.join("audit.pem"));
        assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
        let before = fs::read_to_string(&private).unwrap();
        Signer::from_pem(&before).unwrap();
        Verifier::from_pem(&fs::read_to_string(&public).unwrap()).unwrap();
        assert_eq!(run(&arguments), ExitCode::from(USAGE));
        assert_eq!(fs::read_to_string(&private).unwrap(), before);
    }
}
