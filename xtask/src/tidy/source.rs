//! What must not stand in Rust: `allow`, and reads of the clock or the random generator.

use super::Finding;
use super::tree::Tree;

/// The only file that reads clock and generator.
const WORLD: &str = "crates/cloakroom/src/world.rs";
/// Clippy knows some of these by their path and can be talked out of it by an `expect`; this list cannot.
const READS: &[&str] = &[
    "Instant::now(",
    "SystemTime::now(",
    "Timestamp::now(",
    "Zoned::now(",
    "OffsetDateTime::now_utc(",
    "Utc::now(",
    "getrandom::fill(",
    "getrandom::u32(",
    "getrandom::u64(",
    "OsRng",
    "thread_rng(",
    "rand::rng(",
    "Uuid::now_v7(",
    "Uuid::new_v4(",
];

/// No lint is switched off without saying when it may come back.
pub(super) fn allow(tree: &Tree) -> Vec<Finding> {
    let is_allow = |line: &str| {
        let line = line.trim_start();
        let conditional = line.starts_with("#[cfg_attr(") || line.starts_with("#![cfg_attr(");
        line.starts_with("#[allow(") || line.starts_with("#![allow(") || (conditional && line.contains(" allow("))
    };
    tree.ending(&[".rs"])
        .flat_map(|file| file.lines().map(move |(number, line)| (file, number, line)))
        .filter(|(_, _, line)| is_allow(line))
        .map(|(file, number, _)| Finding::new(&file.path, number, "switches a lint off with `allow`"))
        .collect()
}

/// Clock and generator are read in one file; what ships elsewhere gets them as arguments.
pub(super) fn world(tree: &Tree) -> Vec<Finding> {
    tree.ending(&[".rs"])
        .filter(|file| file.path.starts_with("crates/") && file.path != WORLD && !file.is_test())
        .flat_map(|file| file.shipped_lines().map(move |(number, line)| (file, number, line)))
        .filter_map(|(file, number, line)| {
            let read = READS.iter().find(|read| line.contains(**read))?;
            Some(Finding::new(
                &file.path,
                number,
                format!("reads clock or generator: `{}`", read.trim_end_matches('(')),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(findings: Vec<Finding>) -> Vec<(String, usize)> {
        findings.into_iter().map(|finding| (finding.path, finding.line)).collect()
    }

    #[test]
    fn allow_is_found_in_each_spelling() {
        let text = "#![allow(a)]\n    #[allow(b, reason = \"c\")]\n#[cfg_attr(test, allow(d))]\n#[expect(e)]\n/// `#[allow(f)]`\n";
        assert_eq!(
            lines(allow(&Tree::with(&[("a.rs", text)]))),
            [("a.rs".into(), 1), ("a.rs".into(), 2), ("a.rs".into(), 3)]
        );
    }

    #[test]
    fn only_the_world_reads_clock_and_generator() {
        let text = "//! x\n// Instant::now()\nlet now = std::time::Instant::now();\nlet id = Uuid::new_v4();\n";
        let tree = Tree::with(&[
            (WORLD, text),
            ("crates/a/src/b.rs", text),
            ("crates/a/tests/c.rs", text),
            ("xtask/src/ci.rs", text),
        ]);
        assert_eq!(lines(world(&tree)), [("crates/a/src/b.rs".into(), 3), ("crates/a/src/b.rs".into(), 4)]);
    }
}
