//! Where the project lies and what packages it has, as cargo says.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::process;

/// A cargo workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One of its packages.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the workspace's root.
    pub(crate) manifest: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// What a package's manifest says that it needs.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Only for its own tests, examples and benches.
    pub(crate) dev: bool,
}

/// Something that cargo can build from a package.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// `lib`, `bin`, `example`, `bench`, …
    pub(crate) kind: String,
}

impl Workspace {
    /// The workspace around the current directory.
    pub(crate) fn find() -> Result<Self> {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1", "--no-deps"]);
        Self::parse(&process::capture(&mut command)?)
    }

    /// The workspace of a manifest elsewhere, whose lock file must be up to date.
    pub(crate) fn at(manifest: &Path) -> Result<Self> {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]).arg(manifest);
        let said = process::capture(&mut command).with_context(|| {
            format!("if the lock file is behind: cargo update --workspace --manifest-path {}", manifest.display())
        })?;
        let mut all = Self::parse(&said)?;
        all.packages.retain(|package| !package.manifest.is_absolute() && package.manifest.components().count() == 1);
        Ok(all)
    }

    /// A cargo command to be run in the root.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// The folder for what runs leave behind; it is made.
    pub(crate) fn scratch(&self) -> Result<PathBuf> {
        let folder = self.target.join("xtask");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    fn parse(metadata: &str) -> Result<Self> {
        let metadata: Value = serde_json::from_str(metadata).context("what cargo metadata says cannot be read")?;
        let root = PathBuf::from(text(&metadata, "workspace_root"));
        let target = PathBuf::from(text(&metadata, "target_directory"));
        ensure!(root.is_absolute() && target.is_absolute(), "cargo metadata names no workspace");
        let packages = items(&metadata, "packages").iter().map(|package| Package::parse(package, &root)).collect();
        Ok(Self { root, target, packages })
    }
}

impl Package {
    fn parse(package: &Value, root: &Path) -> Self {
        let manifest = Path::new(text(package, "manifest_path"));
        Self {
            name: text(package, "name").to_owned(),
            manifest: manifest.strip_prefix(root).unwrap_or(manifest).to_owned(),
            dependencies: items(package, "dependencies")
                .iter()
                .map(|one| Dependency { name: text(one, "name").to_owned(), dev: text(one, "kind") == "dev" })
                .collect(),
            targets: items(package, "targets")
                .iter()
                .map(|one| Target {
                    name: text(one, "name").to_owned(),
                    kind: items(one, "kind").first().and_then(Value::as_str).unwrap_or_default().to_owned(),
                })
                .collect(),
        }
    }

    /// Its targets of one kind.
    pub(crate) fn targets(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.targets.iter().filter(move |target| target.kind == kind).map(|target| target.name.as_str())
    }
}

/// The cargo that runs us.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read() {
        let workspace = Workspace::parse(
            r#"{"workspace_root": "/a", "target_directory": "/a/target", "packages": [{
                "name": "codec", "manifest_path": "/a/crates/codec/Cargo.toml",
                "dependencies": [{"name": "nom", "kind": null}, {"name": "proptest", "kind": "dev"}],
                "targets": [{"name": "codec", "kind": ["lib"]}, {"name": "speed", "kind": ["bench"]}]}]}"#,
        )
        .unwrap();
        assert_eq!((workspace.root.as_path(), workspace.target.as_path()), (Path::new("/a"), Path::new("/a/target")));
        let [package] = workspace.packages.as_slice() else { panic!("one package") };
        assert_eq!(package.manifest, Path::new("crates/codec/Cargo.toml"));
        assert_eq!(package.dependencies.iter().map(|one| one.dev).collect::<Vec<_>>(), [false, true]);
        assert_eq!(package.targets("bench").collect::<Vec<_>>(), ["speed"]);
        assert!(Workspace::parse("{}").is_err());
    }

    #[test]
    fn our_own_workspace_is_found() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.packages.iter().any(|package| package.name == "xtask"));
    }
}
