//! Words that must not stand in any text: paths of one machine, and second words for what the glossary has a word for.

use super::Finding;
use super::tree::{OWN_WORDS, Tree};

/// Beginnings of paths that exist on somebody's machine only.
const MACHINE_PATHS: &[&str] = &["/work/", "/root/", "/home/", "/Users/"];

/// What people write, and the glossary's word for it. Short on purpose: only what cannot mean anything else.
const SECOND_WORDS: &[(&str, &str)] = &[
    ("session key", "token"),
    ("session secret", "token"),
    ("auth token", "token"),
    ("authentication token", "token"),
    ("token hash", "token digest"),
    ("hashed token", "token digest"),
    ("session hash", "token digest"),
    ("kill session", "end a session"),
    ("kill the session", "end the session"),
    ("killed session", "ended session"),
    ("invalidate session", "end a session"),
    ("invalidate the session", "end the session"),
    ("invalidated session", "ended session"),
    ("destroy session", "end a session"),
    ("destroy the session", "end the session"),
    ("terminate session", "end a session"),
    ("terminate the session", "end the session"),
    ("garbage-collect", "purge"),
    ("garbage collect", "purge"),
    ("re-authentication", "step-up"),
    ("reauthentication", "step-up"),
    ("refresh the session", "touch the session, or replace its token"),
];

/// No text names a place on one machine.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let found_in = |line: &str| {
        MACHINE_PATHS.iter().copied().find(|path| {
            line.match_indices(path).any(|(at, _)| {
                // `https://example.org/work/` and `../work/` are other things.
                !line
                    .get(..at)
                    .and_then(|before| before.chars().next_back())
                    .is_some_and(|c| c.is_alphanumeric() || "._-}~/".contains(c))
            })
        })
    };
    own_texts(tree)
        .filter_map(|(path, number, line)| Some((path, number, found_in(line)?)))
        .map(|(path, number, found)| Finding::new(path, number, format!("names a place on one machine: `{found}…`")))
        .collect()
}

/// One word for one thing. Quotations (lines that open with `>`) speak their own language.
pub(super) fn glossary(tree: &Tree) -> Vec<Finding> {
    own_texts(tree)
        .filter(|(_, _, line)| !line.trim_start().starts_with('>'))
        .filter_map(|(path, number, line)| {
            let line = line.to_lowercase();
            let (wrong, right) = SECOND_WORDS.iter().find(|(wrong, _)| line.contains(wrong))?;
            Some(Finding::new(path, number, format!("says `{wrong}` where the glossary has `{right}`")))
        })
        .collect()
}

fn own_texts(tree: &Tree) -> impl Iterator<Item = (&str, usize, &str)> {
    tree.files()
        .iter()
        .filter(|file| !file.path.starts_with(OWN_WORDS) && !file.path.ends_with("Cargo.lock"))
        .flat_map(|file| file.lines().map(move |(number, line)| (file.path.as_str(), number, line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_paths_are_found_and_urls_are_not() {
        let text = "see /work/a\nhttps://example.org/work/b\n\"/root/x\"\n../home/c\n";
        let found: Vec<_> =
            machine_paths(&Tree::with(&[("a.md", text)])).into_iter().map(|finding| finding.line).collect();
        assert_eq!(found, [1, 3]);
    }

    #[test]
    fn second_words_are_found_in_any_case_but_not_in_quotations() {
        let text = "Invalidate the session\n> the session key\nend the session\n// an AUTH TOKEN\n";
        let found = glossary(&Tree::with(&[("a.rs", text), (&format!("{OWN_WORDS}/words.rs"), text)]));
        assert_eq!(
            found,
            [
                Finding::new("a.rs", 1, "says `invalidate the session` where the glossary has `end the session`"),
                Finding::new("a.rs", 4, "says `auth token` where the glossary has `token`"),
            ]
        );
    }
}
