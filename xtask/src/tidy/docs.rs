//! What the documentation promises about itself: every error code is in it, every link leads somewhere.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

const CODES: &str = "crates/cloakroom-core/src/problem.rs";
const ERRORS: &str = "docs/errors.md";

/// docs/errors.md, once it exists, has a line with each code and its status.
pub(super) fn error_codes(tree: &Tree) -> Vec<Finding> {
    let (Some(source), Some(errors)) = (tree.file(CODES), tree.file(ERRORS)) else { return Vec::new() };
    let codes: Vec<(&str, &str)> = source.shipped_lines().filter_map(|(_, line)| code(line)).collect();
    if codes.is_empty() {
        return vec![Finding::new(CODES, 0, "no line of the form `Name = \"code\", 400;` was found: mend the rule")];
    }
    let explained = |code: &str, status: &str| {
        errors.text.lines().any(|line| line.contains(&format!("`{code}`")) && line.contains(status))
    };
    codes
        .into_iter()
        .filter(|(code, status)| !explained(code, status))
        .map(|(code, status)| Finding::new(ERRORS, 0, format!("no line names `{code}` with its status {status}")))
        .collect()
}

/// Reads `Name = "code", 400;`.
fn code(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(" = \"")?;
    let (code, rest) = rest.split_once("\", ")?;
    let status = rest.trim_end().strip_suffix(';')?;
    status.parse::<u16>().ok().map(|_| (code, status))
}

/// Every relative link in a Markdown file leads to a file of the repository, and to a heading in it.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.ending(&[".md"]) {
        for (number, target) in targets(file) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
            let path = if path.is_empty() { Some(file.path.clone()) } else { resolve(&file.path, path) };
            let Some(path) = path.filter(|path| tree.has(path)) else {
                findings.push(Finding::new(&file.path, number, format!("leads nowhere: `{target}`")));
                continue;
            };
            let aim = tree.file(&path).filter(|aim| aim.is(&[".md"]));
            if let (Some(anchor), Some(aim)) = (anchor, aim)
                && !anchors(aim).contains(anchor)
            {
                findings.push(Finding::new(&file.path, number, format!("{path} has no heading or anchor `{anchor}`")));
            }
        }
    }
    findings
}

/// The lines of Markdown outside code blocks.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    file.lines().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// What stands between `](` and `)`, outside code.
fn targets(file: &File) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in prose(file) {
        for (at, _) in line.match_indices("](") {
            let quoted = line.get(..at).is_some_and(|before| before.matches('`').count() % 2 == 1);
            let Some(target) = line.get(at + 2..).and_then(|rest| rest.split([')', ' ']).next()) else { continue };
            if !quoted && !target.is_empty() {
                found.push((number, target));
            }
        }
    }
    found
}

/// A link's path from the root; none when it leaves the repository.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = if link.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Explicit anchors, and the names that headings get where the files are read.
fn anchors(file: &File) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(file) {
        for (at, opening) in line.match_indices("<a id=\"") {
            anchors.extend(line.get(at + opening.len()..).and_then(|rest| rest.split('"').next()).map(str::to_owned));
        }
        if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            anchors.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
        }
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "codes! {\n    /// x\n    Busy = \"busy\", 503;\n    NotFound = \"not_found\", 404;\n}\n";

    #[test]
    fn each_code_stands_in_the_documentation_with_its_status() {
        let errors = "| `busy` | 503 |\n| `not_found` | 410 |\n";
        let found = error_codes(&Tree::with(&[(CODES, SOURCE), (ERRORS, errors)]));
        assert_eq!(found, [Finding::new(ERRORS, 0, "no line names `not_found` with its status 404")]);
    }

    #[test]
    fn a_source_that_cannot_be_read_is_not_taken_for_one_without_codes() {
        let found = error_codes(&Tree::with(&[(CODES, "enum Code {}"), (ERRORS, "")]));
        assert!(found[0].what.contains("mend the rule"));
    }

    #[test]
    fn links_lead_somewhere() {
        let readme = "# Top *of* it\n[a](docs/b.md) [b](docs/b.md#two-words) [c](docs) [d](#top-of-it)\n[e](https://x.example)\n\
                      ```\n[f](code.md)\n```\n`[g](code.md)`\n";
        let tree = Tree::with(&[
            ("README.md", readme),
            ("docs/b.md", "## Two words\n[up](../README.md) <a id=\"x\"></a> [x](#x)"),
        ]);
        assert_eq!(links(&tree), []);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let tree = Tree::with(&[("docs/b.md", "[a](c.md)\n[b](../../out.md)\n[c](b.md#gone)\n[d](#gone)")]);
        let found: Vec<_> = links(&tree).into_iter().map(|finding| finding.line).collect();
        assert_eq!(found, [1, 2, 3, 4]);
    }
}
