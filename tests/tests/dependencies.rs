//! Which crates may use which, under which licences, and where they come from.
//!
//! What is said of other people's crates is read from `deny.toml`, so that `make deny`, which looks more closely, can
//! mean nothing else. What canter's own crates may use of each other is here: cargo-deny cannot tell what only a
//! crate's tests use from the rest.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

/// What each of canter's crates may use of the others: the arrow of ARCHITECTURE.md. Adapters never see each other.
const MAY_USE: &[(&str, &[&str])] = &[
    ("canter-page", &[]),
    ("canter-core", &["canter-page"]),
    ("canter-ranking", &["canter-core", "canter-page"]),
    // Adapters.
    ("canter-http", &["canter-core", "canter-page"]),
    ("canter-aws", &["canter-core", "canter-page"]),
    ("canter-stack", &["canter-core", "canter-page"]),
    (
        "canter-embedded",
        &["canter-core", "canter-page", "canter-ranking"],
    ),
    (
        "canter-elastic",
        &["canter-core", "canter-page", "canter-ranking"],
    ),
    ("canter-tantivy", &["canter-core", "canter-ranking"]),
    (
        "canter-api",
        &["canter-core", "canter-page", "canter-ranking"],
    ),
    // What entry points share.
    (
        "canter-engine",
        &["canter-aws", "canter-core", "canter-http", "canter-page"],
    ),
    // What the command line alone uses.
    ("canter-heap", &[]),
    // Entry points.
    ("canter", SHIPPED),
    ("canter-fetch", SHIPPED),
    ("canter-search", SHIPPED),
    // Never shipped.
    (
        "canter-tests",
        &["canter-core", "canter-page", "canter-ranking"],
    ),
    ("canter-bench", &["canter-tests"]),
    ("canter-fuzz", SHIPPED),
];

const SHIPPED: &[&str] = &[
    "canter-api",
    "canter-aws",
    "canter-core",
    "canter-elastic",
    "canter-embedded",
    "canter-engine",
    "canter-heap",
    "canter-http",
    "canter-page",
    "canter-ranking",
    "canter-stack",
    "canter-tantivy",
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_members: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    /// Nothing for a crate at a path.
    source: Option<String>,
    dependencies: Vec<Requirement>,
}

#[derive(Deserialize)]
struct Requirement {
    name: String,
    req: String,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Use>,
}

#[derive(Deserialize)]
struct Use {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

impl Use {
    /// Whether nothing but tests, benches and examples uses it.
    fn in_tests_only(&self) -> bool {
        self.dep_kinds
            .iter()
            .all(|it| it.kind.as_deref() == Some("dev"))
    }
}

impl Metadata {
    fn names(&self) -> HashMap<&str, &str> {
        let packages = self.packages.iter();
        packages
            .map(|it| (it.id.as_str(), it.name.as_str()))
            .collect()
    }

    /// Pairs of a crate and one that it uses directly, on any platform.
    fn uses(&self) -> impl Iterator<Item = (&str, &str, &Use)> {
        let names = self.names();
        let nodes = self.resolve.nodes.iter();
        nodes.flat_map(move |node| {
            let user = names[node.id.as_str()];
            let used = node.deps.iter();
            used.map(|it| (user, names[it.pkg.as_str()], it))
                .collect::<Vec<_>>()
        })
    }
}

#[derive(Deserialize)]
struct Deny {
    bans: Bans,
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
    reason: String,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    // What is of another platform may never have been downloaded.
    let mut done = metadata(&["--offline"]);
    if !done.status.success() {
        done = metadata(&[]);
    }
    assert!(
        done.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    serde_json::from_slice(&done.stdout).expect("cargo's own format")
});

static DENY: LazyLock<Deny> = LazyLock::new(|| {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml can be read");
    toml::from_str(&text).expect("deny.toml has bans and licences")
});

fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("the workspace is around it").to_owned()
}

fn metadata(more: &[&str]) -> Output {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args([
        "metadata",
        "--format-version",
        "1",
        "--all-features",
        "--locked",
    ]);
    cargo
        .args(more)
        .current_dir(root())
        .output()
        .expect("cargo runs")
}

#[track_caller]
fn assert_none(complaints: impl Iterator<Item = String>) {
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn canters_crates_use_each_other_in_one_direction() {
    let rules: HashMap<_, _> = MAY_USE.iter().copied().collect();
    let names = METADATA.names();
    let members = METADATA.workspace_members.iter();
    let members: Vec<&str> = members.map(|it| names[it.as_str()]).collect();
    let unruled = members.iter().filter(|it| !rules.contains_key(*it));
    let unruled = unruled.map(|it| {
        format!("{it} has no row in MAY_USE of tests/tests/dependencies.rs: give it one")
    });
    let wrong = METADATA.uses().filter(|(user, used, how)| {
        let may = rules.get(user).is_some_and(|may| may.contains(used));
        members.contains(user) && members.contains(used) && !how.in_tests_only() && !may
    });
    let wrong = wrong.map(|(user, used, _)| {
        format!(
            "{user} uses {used}, and may use {:?}: put what both need below both, or let an entry point hand it over; \
             the rule is MAY_USE of tests/tests/dependencies.rs",
            rules.get(user).copied().unwrap_or_default()
        )
    });
    assert_none(unruled.chain(wrong));
}

#[test]
fn other_crates_are_used_where_deny_toml_lets_them() {
    let wrong = METADATA.uses().filter_map(|(user, used, _)| {
        let ban = DENY.bans.deny.iter().find(|it| it.name == used)?;
        let may = ban.wrappers.iter().any(|it| it == user);
        (!may).then(|| {
            let Ban {
                name,
                wrappers,
                reason,
            } = ban;
            format!(
                "{user} uses {name}, and of all crates only {wrappers:?} may ({reason}): \
                 go through one of these, or do without; the rule is bans.deny of deny.toml"
            )
        })
    });
    assert_none(wrong);
}

#[test]
fn versions_are_named() {
    let wrong = METADATA.packages.iter().filter(|it| it.source.is_none());
    let wrong = wrong.flat_map(|user| {
        let any = user.dependencies.iter();
        let any = any.filter(|it| it.req == "*" && it.source.is_some());
        any.map(|it| {
            format!(
                "{} takes any version of {}: name one in Cargo.toml",
                user.name, it.name
            )
        })
    });
    assert_none(wrong);
}

#[test]
fn licences_are_those_that_deny_toml_allows() {
    let allowed = DENY.licenses.allow.iter();
    let allowed: Vec<_> = allowed
        .map(|it| Licensee::parse(it).expect("a licence of SPDX"))
        .collect();
    let wrong = METADATA.packages.iter().filter(|package| {
        let license = package.license.as_deref().unwrap_or_default();
        // Lax, since older crates write `MIT/Apache-2.0`.
        let parsed = Expression::parse_mode(license, ParseMode::LAX);
        !parsed
            .is_ok_and(|it| it.evaluate(|asked| allowed.iter().any(|have| have.satisfies(asked))))
    });
    let wrong = wrong.map(|Package { name, version, license, .. }| {
        format!(
            "{name} {version} has the licence `{}`, which licenses.allow of deny.toml does not allow: \
             use another crate, or add the licence if canter may be shipped with it",
            license.as_deref().unwrap_or("none named")
        )
    });
    assert_none(wrong);
}

#[test]
fn code_comes_from_the_registry_or_from_here() {
    let wrong = METADATA.packages.iter().filter(|it| {
        let here = it.id.contains(&format!("{}/", root().display()));
        !it.source
            .as_deref()
            .map_or(here, |source| source.starts_with("registry+"))
    });
    let wrong = wrong.map(|it| {
        format!(
            "{} {} comes from {}: canter is built from the registry and from its own folder alone, so take a published version",
            it.name,
            it.version,
            it.source.as_deref().unwrap_or(&it.id)
        )
    });
    assert_none(wrong);
}
