//! Which crate may know which, read from the Cargo.toml files as they are written.

use toml::{Table, Value};

use super::Finding;
use super::tree::{File, Tree};

/// Lowest first: a crate may depend on those before it.
const LAYERS: &[&str] = &["cloakroom-core", "cloakroom-sql", "cloakroom", "cloakroom-server"];
const KINDS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Arrows point from server to cloakroom to sql to core and never back, in tests neither.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let root = tree.file("Cargo.toml").and_then(|file| file.text.parse::<Table>().ok()).unwrap_or_default();
    let shared = root.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    tree.files()
        .iter()
        .filter(|file| file.path.starts_with("crates/") && is_manifest(file))
        .flat_map(|file| match file.text.parse::<Table>() {
            Ok(manifest) => check_manifest(file, &manifest, shared),
            Err(error) => vec![Finding::new(&file.path, 0, format!("cannot be read: {}", error.message()))],
        })
        .collect()
}

/// Every member of the workspace lives under the same lints.
pub(super) fn inherited_lints(tree: &Tree) -> Vec<Finding> {
    let outside =
        |file: &File| file.path == "Cargo.toml" || file.path.starts_with("fuzz/") || file.path.starts_with("bench/");
    tree.files()
        .iter()
        .filter(|file| is_manifest(file) && !outside(file))
        .filter(|file| {
            let manifest = file.text.parse::<Table>().unwrap_or_default();
            manifest.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true))
        })
        .map(|file| Finding::new(&file.path, 0, "does not take the workspace's lints"))
        .collect()
}

fn is_manifest(file: &File) -> bool {
    file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml")
}

fn check_manifest(file: &File, manifest: &Table, shared: Option<&Value>) -> Vec<Finding> {
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    let Some(layer) = LAYERS.iter().position(|layer| Some(*layer) == name) else {
        let what =
            format!("{} has no place in the order of crates (LAYERS in xtask/src/tidy/arrows.rs)", name.unwrap_or("?"));
        return vec![Finding::new(&file.path, 0, what)];
    };
    let for_one_target = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables: Vec<&Table> = for_one_target.filter_map(Value::as_table).chain([manifest]).collect();
    let mut findings = Vec::new();
    for (kind, table) in tables.iter().flat_map(|table| KINDS.iter().map(move |kind| (kind, table))) {
        let Some(dependencies) = table.get(*kind).and_then(Value::as_table) else { continue };
        for (key, value) in dependencies {
            let package = package(key, value, shared);
            if LAYERS.iter().position(|layer| *layer == package).is_some_and(|other| other >= layer) {
                let line =
                    file.lines().find(|(_, line)| line.trim_start().starts_with(key.as_str())).map_or(0, |(n, _)| n);
                let what = format!("{} must not know {package} ({kind})", LAYERS.get(layer).unwrap_or(&"?"));
                findings.push(Finding::new(&file.path, line, what));
            }
        }
    }
    findings
}

/// The crate behind a dependency's key, which may be renamed here or in the workspace.
fn package<'a>(key: &'a str, value: &'a Value, shared: Option<&'a Value>) -> &'a str {
    let renamed = |value: &'a Value| value.get("package").and_then(Value::as_str);
    renamed(value).or_else(|| shared.and_then(|shared| shared.get(key)).and_then(renamed)).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, dependencies: &str) -> Vec<String> {
        let manifest = format!("[package]\nname = \"{name}\"\n{dependencies}");
        let root = "[workspace.dependencies]\ndoor = { path = \"crates/cloakroom\", package = \"cloakroom\" }";
        let tree = Tree::with(&[("Cargo.toml", root), ("crates/x/Cargo.toml", &manifest)]);
        check(&tree).into_iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
    }

    #[test]
    fn downward_arrows_pass_and_may_skip_a_layer() {
        let all = "[dependencies]\ncloakroom.workspace = true\ncloakroom-sql.workspace = true\ncloakroom-core = \"1\"\nserde = \"1\"";
        assert_eq!(findings("cloakroom-server", all), [""; 0]);
    }

    #[test]
    fn upward_arrows_fail_in_every_kind_of_table() {
        let upward = "4: cloakroom-core must not know cloakroom-sql";
        for (table, kind) in [
            ("[dependencies]", "dependencies"),
            ("[dev-dependencies]", "dev-dependencies"),
            ("[target.'cfg(unix)'.build-dependencies]", "build-dependencies"),
        ] {
            let found = findings("cloakroom-core", &format!("{table}\ncloakroom-sql.workspace = true"));
            assert_eq!(found, [format!("{upward} ({kind})")]);
        }
    }

    #[test]
    fn a_new_name_hides_nothing() {
        let here = "[dependencies]\nfront = { path = \"../cloakroom\", package = \"cloakroom\" }";
        assert_eq!(findings("cloakroom-sql", here), ["4: cloakroom-sql must not know cloakroom (dependencies)"]);
        let shared = "[dependencies]\ndoor.workspace = true";
        assert_eq!(findings("cloakroom-sql", shared), ["4: cloakroom-sql must not know cloakroom (dependencies)"]);
    }

    #[test]
    fn every_crate_has_a_place() {
        assert!(findings("cloakroom-extra", "")[0].contains("cloakroom-extra has no place"));
    }

    #[test]
    fn lints_are_inherited() {
        let tree = Tree::with(&[
            ("Cargo.toml", "[workspace]"),
            ("fuzz/Cargo.toml", ""),
            ("bench/ours/Cargo.toml", ""),
            ("crates/a/Cargo.toml", "[lints]\nworkspace = true"),
            ("crates/b/Cargo.toml", "[lints.rust]\nunsafe_code = \"allow\""),
        ]);
        let found: Vec<_> = inherited_lints(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(found, ["crates/b/Cargo.toml"]);
    }
}
