//! Which crate may know which.
//!
//! Normal and build dependencies count, through any number of other crates. Among our own crates a dependency of tests
//! counts as well, where it is declared.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context as _, Result};

use super::{Finding, Tree};
use crate::process;
use crate::workspace::Workspace;

/// State machines and pure functions: what keeps their tests free of waiting.
const PURE: [&str; 5] = ["center", "codec", "records", "session", "switch-core"];

/// What a pure crate never reaches: a runtime, sockets, TLS, a database.
const IMPURE: [&str; 4] = ["mio", "rusqlite", "rustls", "tokio"];

/// Where a pure crate's clippy.toml has to forbid the clock.
const CLOCKS: [&str; 2] = ["std::time::Instant::now", "std::time::SystemTime::now"];

/// Crates of which neither may know the other, and where they meet instead.
const STRANGERS: [(&str, &str, &str); 5] = [
    ("center", "journal", "the responder stores the center's records"),
    ("center", "records", "the responder searches, and gives the center what it composed"),
    ("codec", "records", "the responder converts between them"),
    ("session", "switch-core", "the driver in switch carries events and actions between them"),
    ("switch", "responder", "they meet on the wire"),
];

/// On top of everything: only the tests of the whole network may know it.
const TOP: &str = "orinet";
const TESTS_OF_ALL: &str = "e2e";

/// What never comes into the build, and what is there instead.
const BANNED: [(&str, &str); 3] = [
    ("native-tls", "TLS is rustls"),
    ("openssl-sys", "TLS is rustls; openssl is only a witness, as a program"),
    ("ring", "aws-lc-rs is the only provider of cryptography"),
];

/// Who depends on whom, by name.
#[derive(Debug, Default)]
struct Graph {
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// What `cargo tree --prefix depth --format {p}` prints. A subtree that was printed before comes again without its
    /// branches: names stand for packages, so it is found there.
    fn parse(printed: &str) -> Result<Self> {
        let mut graph = Self::default();
        let mut above: Vec<&str> = Vec::new();
        for line in printed.lines().filter(|line| !line.is_empty()) {
            let digits = line.find(|character: char| !character.is_ascii_digit()).unwrap_or(line.len());
            let (depth, package) = line.split_at(digits);
            let depth: usize = depth.parse().with_context(|| format!("cargo tree prints `{line}`"))?;
            let name = package.split(' ').next().unwrap_or_default();
            above.truncate(depth);
            graph.edges.entry(name.to_owned()).or_default();
            if let Some(parent) = above.last() {
                graph.add(parent, name);
            }
            above.push(name);
        }
        Ok(graph)
    }

    fn add(&mut self, from: &str, to: &str) {
        self.edges.entry(from.to_owned()).or_default().insert(to.to_owned());
    }

    /// The shortest way from one package to another, both included.
    fn path(&self, from: &str, to: &str) -> Option<Vec<&str>> {
        let (start, _) = self.edges.get_key_value(from)?;
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open = VecDeque::from([start.as_str()]);
        while let Some(here) = open.pop_front() {
            for next in self.edges.get(here).into_iter().flatten() {
                if next == from || came_from.contains_key(next.as_str()) {
                    continue;
                }
                came_from.insert(next, here);
                if next == to {
                    let mut path: Vec<&str> =
                        std::iter::successors(Some(next.as_str()), |at| came_from.get(at).copied()).collect();
                    path.reverse();
                    return Some(path);
                }
                open.push_back(next);
            }
        }
        None
    }
}

/// All rules, on what cargo says of the real tree.
pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Result<Vec<Finding>> {
    let manifests = Manifests::of(workspace, tree);
    let mut findings = manifests.strangers();
    findings.extend(manifests.top());
    for package in PURE {
        let printed = cargo_tree(workspace, &["--package", package, "--edges", "normal,build"])?;
        findings.extend(manifests.pure(package, &Graph::parse(&printed)?));
    }
    findings.extend(clocks(tree));
    let printed = cargo_tree(workspace, &["--workspace", "--all-features", "--edges", "normal,build,dev"])?;
    findings.extend(manifests.banned(&Graph::parse(&printed)?));
    Ok(findings)
}

fn cargo_tree(workspace: &Workspace, arguments: &[&str]) -> Result<String> {
    let common = ["tree", "--locked", "--target", "all", "--prefix", "depth", "--format", "{p}"];
    process::capture(workspace.cargo(common).args(arguments))
        .context("cargo tree failed (if the lock file is behind: cargo update --workspace)")
}

/// Each pure crate's clippy.toml forbids the clock.
fn clocks(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in PURE {
        let path = format!("crates/{package}/clippy.toml");
        let text = tree.texts.get(&path).map_or("", String::as_str);
        for clock in CLOCKS.iter().filter(|clock| !text.contains(&format!("\"{clock}\""))) {
            let what = format!("forbid {clock} here: {package} knows no clock, time is an argument");
            findings.push(Finding { path: path.clone(), line: 1, what });
        }
    }
    findings
}

/// What our own manifests declare.
struct Manifests<'a> {
    /// Path and text of each package's manifest.
    files: BTreeMap<&'a str, (String, &'a str)>,
    /// Normal and build dependencies between our packages.
    graph: Graph,
    /// Dependencies of tests, examples and benches between our packages: from, to.
    dev: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Manifests<'a> {
    fn of(workspace: &'a Workspace, tree: &'a Tree) -> Self {
        let ours: BTreeSet<_> = workspace.packages.iter().map(|package| package.name.as_str()).collect();
        let mut manifests = Self { files: BTreeMap::new(), graph: Graph::default(), dev: BTreeSet::new() };
        for package in &workspace.packages {
            let path = package.manifest.to_string_lossy().into_owned();
            let text = tree.texts.get(&path).map_or("", String::as_str);
            manifests.files.insert(&package.name, (path, text));
            manifests.graph.edges.entry(package.name.clone()).or_default();
            for dependency in package.dependencies.iter().filter(|one| ours.contains(one.name.as_str())) {
                if dependency.dev {
                    manifests.dev.insert((&package.name, &dependency.name));
                } else {
                    manifests.graph.add(&package.name, &dependency.name);
                }
            }
        }
        manifests
    }

    /// Crates that must not know each other, in both directions.
    fn strangers(&self) -> Vec<Finding> {
        let pairs = STRANGERS.iter().flat_map(|&(one, other, instead)| [(one, other, instead), (other, one, instead)]);
        pairs
            .filter_map(|(from, to, instead)| {
                let path =
                    self.graph.path(from, to).or_else(|| self.dev.contains(&(from, to)).then(|| vec![from, to]))?;
                Some(self.finding(&path, &format!("{from} must not know {to}: {instead}")))
            })
            .collect()
    }

    /// Nothing but the tests of the whole network depends on the binary.
    fn top(&self) -> Vec<Finding> {
        let normal = self.graph.edges.iter().filter(|(_, to)| to.contains(TOP)).map(|(from, _)| from.as_str());
        let dev = self.dev.iter().filter(|(_, to)| *to == TOP).map(|(from, _)| *from);
        let mut from: Vec<_> = normal.chain(dev).filter(|from| *from != TESTS_OF_ALL).collect();
        from.sort_unstable();
        from.dedup();
        let what = format!("nothing but {TESTS_OF_ALL} may depend on {TOP}: move what is needed into a library");
        from.into_iter().map(|from| self.finding(&[from, TOP], &what)).collect()
    }

    /// A pure crate stays away from what is not.
    fn pure(&self, package: &str, graph: &Graph) -> Vec<Finding> {
        let reached = IMPURE.iter().filter_map(|impure| graph.path(package, impure));
        reached
            .map(|path| {
                let impure = path.last().copied().unwrap_or_default();
                self.finding(&path, &format!("{package} is a pure crate and must not reach {impure}"))
            })
            .collect()
    }

    /// Some crates stay out of every build.
    fn banned(&self, graph: &Graph) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (banned, instead) in BANNED.iter().filter(|(banned, _)| graph.edges.contains_key(*banned)) {
            let paths = self.files.keys().filter_map(|package| graph.path(package, banned));
            let Some(path) = paths.min_by_key(Vec::len) else { continue };
            findings.push(self.finding(&path, &format!("{banned} must not be in the build: {instead}")));
        }
        findings
    }

    /// At the line of the manifest that makes the first step of a path; a longer path is spelled out.
    fn finding(&self, path: &[&str], what: &str) -> Finding {
        let (file, line) = match path {
            [first, second, ..] => {
                let (file, text) =
                    self.files.get(first).map_or((String::new(), ""), |(file, text)| (file.clone(), text));
                (file, declared_at(text, second))
            }
            _ => (String::new(), 1),
        };
        let way = if path.len() > 2 { format!(" ({})", path.join(" → ")) } else { String::new() };
        Finding { path: file, line, what: format!("{what}{way}") }
    }
}

/// The line of a manifest that declares a dependency.
fn declared_at(manifest: &str, name: &str) -> usize {
    let declares = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    manifest.lines().position(declares).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::workspace::{Dependency, Package};

    /// A workspace of these edges, `a -> b`, `a => b` for one of tests, with a manifest for each package.
    fn workspace(edges: &[&str]) -> (Workspace, Tree) {
        let mut packages: BTreeMap<&str, Vec<Dependency>> = BTreeMap::new();
        for edge in edges {
            let (from, to, dev) = match edge.split_once(" => ") {
                Some((from, to)) => (from, to, true),
                None => edge.split_once(" -> ").map(|(from, to)| (from, to, false)).unwrap(),
            };
            packages.entry(to).or_default();
            packages.entry(from).or_default().push(Dependency { name: to.to_owned(), dev });
        }
        let mut files = Vec::new();
        for (name, dependencies) in &packages {
            let lines: Vec<_> = dependencies.iter().map(|one| format!("{}.workspace = true\n", one.name)).collect();
            files.push((format!("crates/{name}/Cargo.toml"), format!("[dependencies]\n{}", lines.concat())));
        }
        let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let tree = Tree::of(&files);
        let package = |(name, dependencies): (&str, Vec<Dependency>)| Package {
            name: name.to_owned(),
            manifest: PathBuf::from(format!("crates/{name}/Cargo.toml")),
            dependencies,
            targets: Vec::new(),
        };
        let packages = packages.into_iter().map(package).collect();
        (Workspace { root: PathBuf::new(), target: PathBuf::new(), packages }, tree)
    }

    fn check_strangers(edges: &[&str], expect: &[&str]) {
        let (workspace, tree) = workspace(edges);
        let manifests = Manifests::of(&workspace, &tree);
        let mut found: Vec<_> = manifests.strangers().into_iter().chain(manifests.top()).collect();
        found.sort();
        assert_eq!(found.iter().map(Finding::to_string).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn the_design_is_accepted() {
        let edges = [
            "session -> codec",
            "switch-core -> codec",
            "link -> session",
            "switch -> link",
            "switch -> switch-core",
            "responder -> link",
            "responder -> records",
            "orinet -> switch",
            "orinet -> responder",
            "e2e -> orinet",
        ];
        check_strangers(&edges, &[]);
    }

    #[test]
    fn strangers_are_kept_apart() {
        check_strangers(
            &["records => codec", "switch -> telemetry", "telemetry -> responder"],
            &[
                "crates/records/Cargo.toml:2: records must not know codec: the responder converts between them",
                "crates/switch/Cargo.toml:2: switch must not know responder: they meet on the wire \
                 (switch → telemetry → responder)",
            ],
        );
    }

    #[test]
    fn nothing_depends_on_the_binary() {
        let what = "nothing but e2e may depend on orinet: move what is needed into a library";
        let expect = format!("crates/load/Cargo.toml:3: {what}");
        check_strangers(&["load -> codec", "load => orinet", "e2e -> orinet"], &[expect.as_str()]);
    }

    const PRINTED: &str = "\
0codec v0.1.0 (/x/crates/codec)
1csv v1.4.0
2memchr v2.8.3
2fancy v0.3.0
1nom v8.0.0
2memchr v2.8.3
1fancy v0.3.0 (*)

0fancy v0.3.0
1tokio v1.54.0
2mio v1.2.0
";

    #[test]
    fn a_pure_crate_reaches_no_runtime() {
        let (workspace, tree) = workspace(&["codec -> csv", "codec -> fancy"]);
        let manifests = Manifests::of(&workspace, &tree);
        let found = manifests.pure("codec", &Graph::parse(PRINTED).unwrap());
        assert_eq!(
            found.iter().map(Finding::to_string).collect::<Vec<_>>(),
            [
                "crates/codec/Cargo.toml:3: codec is a pure crate and must not reach mio (codec → fancy → tokio → mio)",
                "crates/codec/Cargo.toml:3: codec is a pure crate and must not reach tokio (codec → fancy → tokio)",
            ]
        );
        assert_eq!(manifests.pure("codec", &Graph::parse("0codec v0.1.0\n1nom v8.0.0\n").unwrap()), []);
    }

    #[test]
    fn a_second_library_of_cryptography_is_found() {
        let (mut workspace, tree) = workspace(&["link -> rcgen"]);
        workspace.packages.retain(|package| package.name == "link");
        let manifests = Manifests::of(&workspace, &tree);
        let graph = Graph::parse("0link v0.1.0 (/x)\n1rcgen v0.14.0\n2ring v0.17.0\n").unwrap();
        assert_eq!(
            manifests.banned(&graph).iter().map(Finding::to_string).collect::<Vec<_>>(),
            [
                "crates/link/Cargo.toml:2: ring must not be in the build: aws-lc-rs is the only provider of cryptography \
              (link → rcgen → ring)"
            ]
        );
        assert_eq!(manifests.banned(&Graph::default()), []);
    }

    #[test]
    fn a_pure_crate_forbids_the_clock() {
        let ban = "{ path = \"std::time::Instant::now\" }, { path = \"std::time::SystemTime::now\" }";
        let mut files: Vec<_> = PURE.iter().map(|name| (format!("crates/{name}/clippy.toml"), ban)).collect();
        let tree = |files: &[(String, &str)]| {
            Tree::of(&files.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>())
        };
        assert_eq!(clocks(&tree(&files)), []);
        files.remove(0);
        assert_eq!(clocks(&tree(&files)).len(), 2);
    }

    #[test]
    fn what_is_no_tree_is_an_error() {
        assert!(Graph::parse("codec v0.1.0").is_err());
    }
}
