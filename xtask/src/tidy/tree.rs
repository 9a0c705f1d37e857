//! The files a rule looks at: those git tracks and those it would add, never what a build leaves behind.

use std::collections::BTreeSet;
use std::path::Path;

use crate::run::{command, output};

/// The part that holds the forbidden words themselves, as data and in tests.
pub(super) const OWN_WORDS: &str = "xtask/src/tidy";

/// A text file and its path from the root, with `/` between the parts.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// Whether the path ends with one of these, such as `.rs`.
    pub(super) fn is(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    /// Whether the whole file is tests.
    pub(super) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
    }

    /// Lines and their numbers, counted from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines of Rust that ship: no comments, and nothing from `#[cfg(test)] mod` on.
    pub(super) fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let end = lines
            .windows(2)
            .position(
                |pair| matches!(pair, [a, b] if *a == "#[cfg(test)]" && b.starts_with("mod ") && b.ends_with('{')),
            )
            .unwrap_or(lines.len());
        self.lines().take(end).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: Vec<File>,
    /// Every path and every directory above one, for links.
    paths: BTreeSet<String>,
}

impl Tree {
    pub(super) fn of_repository(root: &Path) -> Result<Self, String> {
        // A clone may belong to somebody else than who checks it.
        let listing = "-c safe.directory=* ls-files --cached --others --exclude-standard -z".split(' ');
        let names = output(&mut command("git", listing))?;
        let mut tree = Self::default();
        for path in names.split('\0').filter(|path| !path.is_empty()) {
            // Listed but deleted, or a picture: no text to look at.
            match std::fs::read(root.join(path)).map(String::from_utf8) {
                Ok(Ok(text)) => tree.add(path, text),
                Ok(Err(_)) => tree.add_path(path),
                Err(_) => {}
            }
        }
        if tree.files.is_empty() { Err("git lists no files: is this a clone?".to_owned()) } else { Ok(tree) }
    }

    #[cfg(test)]
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.add(path, (*text).to_owned());
        }
        tree
    }

    fn add(&mut self, path: &str, text: String) {
        self.add_path(path);
        self.files.push(File { path: path.to_owned(), text });
    }

    fn add_path(&mut self, path: &str) {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        self.paths.extend(ends.filter_map(|end| path.get(..end)).map(str::to_owned));
    }

    pub(super) fn files(&self) -> &[File] {
        &self.files
    }

    pub(super) fn ending<'a>(&'a self, endings: &'a [&str]) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.is(endings))
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is a file or directory of this path; `""` is the root.
    pub(super) fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_lines_leave_out_comments_and_tests() {
        let tree =
            Tree::with(&[("a.rs", "//! x\nuse a;\n    // y\nfn b() {}\n#[cfg(test)]\nmod tests {\nfn c() {}\n}\n")]);
        let shipped: Vec<_> = tree.files()[0].shipped_lines().collect();
        assert_eq!(shipped, [(2, "use a;"), (4, "fn b() {}")]);
    }

    #[test]
    fn directories_count_as_paths() {
        let tree = Tree::with(&[("docs/decisions/001.md", "")]);
        assert!(["", "docs", "docs/decisions", "docs/decisions/001.md"].iter().all(|path| tree.has(path)));
        assert!(!tree.has("docs/dec"));
    }
}
