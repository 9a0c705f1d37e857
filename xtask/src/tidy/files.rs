//! What a file is called, how long it is and how it opens.

use super::Finding;
use super::tree::Tree;

/// Longest file in lines: what one reading holds.
const LINES_MAX: usize = 400;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

/// No file of Rust is longer than [`LINES_MAX`].
pub(super) fn length(tree: &Tree) -> Vec<Finding> {
    tree.ending(&[".rs"])
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| Finding::new(&file.path, 0, format!("{lines} lines, {LINES_MAX} are allowed")))
        .collect()
}

/// No file or directory has an empty name.
pub(super) fn names(tree: &Tree) -> Vec<Finding> {
    let empty = |path: &str| {
        path.split('/')
            .map(|part| part.split_once('.').map_or(part, |(stem, _)| stem))
            .find(|stem| EMPTY_NAMES.contains(stem))
            .map(str::to_owned)
    };
    tree.files()
        .iter()
        .filter_map(|file| Some((file, empty(&file.path)?)))
        .map(|(file, name)| Finding::new(&file.path, 0, format!("`{name}` says nothing about what is inside")))
        .collect()
}

/// Every file of Rust says first what lives in it.
pub(super) fn opening(tree: &Tree) -> Vec<Finding> {
    tree.ending(&[".rs"])
        .filter(|file| !file.text.lines().next().is_some_and(says_something))
        .map(|file| Finding::new(&file.path, 1, "does not say what lives here"))
        .collect()
}

fn says_something(line: &str) -> bool {
    line.strip_prefix("//!").is_some_and(|said| !said.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn length_ends_at_400() {
        let tree =
            Tree::with(&[("a.rs", &"x\n".repeat(400)), ("b.rs", &"x\n".repeat(401)), ("c.md", &"x\n".repeat(999))]);
        assert_eq!(length(&tree), [Finding::new("b.rs", 0, "401 lines, 400 are allowed")]);
    }

    #[test]
    fn empty_names_are_found_in_files_and_directories() {
        let tree = Tree::with(&[
            ("src/utils.rs", ""),
            ("tests/common/mod.rs", ""),
            ("src/utilisation.rs", ""),
            ("docs/misc.md", ""),
        ]);
        assert_eq!(paths(names(&tree)), ["src/utils.rs", "tests/common/mod.rs", "docs/misc.md"]);
    }

    #[test]
    fn the_first_line_says_something() {
        let tree = Tree::with(&[
            ("a.rs", "//! Tokens.\n"),
            ("b.rs", "use a;\n"),
            ("c.rs", "//!\n"),
            ("d.rs", ""),
            ("e.toml", "x = 1"),
        ]);
        assert_eq!(paths(opening(&tree)), ["b.rs", "c.rs", "d.rs"]);
    }
}
