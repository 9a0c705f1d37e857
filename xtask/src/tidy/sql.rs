//! Where SQL may stand, and what no statement may do.

use super::Finding;
use super::tree::{OWN_WORDS, Tree};

/// The only crate with SQL in it.
const HOME: &str = "crates/cloakroom-sql/";

/// Statements stand in one crate. Tests elsewhere may look into the database from outside.
pub(super) fn home(tree: &Tree) -> Vec<Finding> {
    tree.ending(&[".rs"])
        .filter(|file| file.path.starts_with("crates/") && !file.path.starts_with(HOME) && !file.is_test())
        .flat_map(|file| file.shipped_lines().map(move |(number, line)| (file, number, line)))
        .filter_map(|(file, number, line)| Some((file, number, statement(line)?)))
        .map(|(file, number, what)| Finding::new(&file.path, number, format!("has SQL in it: `{what}`")))
        .collect()
}

fn statement(line: &str) -> Option<&'static str> {
    let has = |words: &str| line.contains(words);
    match () {
        () if has("INSERT INTO ") || has("INSERT OR ") => Some("INSERT INTO"),
        () if has("DELETE FROM ") => Some("DELETE FROM"),
        () if has("UPDATE ") && has(" SET ") => Some("UPDATE … SET"),
        () if has("CREATE TABLE ") => Some("CREATE TABLE"),
        () if has("SELECT ") && has(" FROM ") => Some("SELECT … FROM"),
        () => None,
    }
}

/// No statement brings a session back (G3): not `INSERT OR …`, not `REPLACE`, not `ON CONFLICT`. Tests may do what
/// another program might, and see what the triggers make of it.
pub(super) fn upsert(tree: &Tree) -> Vec<Finding> {
    tree.ending(&[".rs", ".sql", ".prisma"])
        .filter(|file| !file.path.starts_with(OWN_WORDS) && !file.is_test())
        .flat_map(|file| {
            upserts(&file.text).into_iter().map(|line| Finding::new(&file.path, line, "upserts into `sessions`"))
        })
        .collect()
}

/// The lines on which a statement begins that could bring a session back.
fn upserts(text: &str) -> Vec<usize> {
    // One space between words, however the statement is broken and quoted, and the line each character came from.
    let mut flat = String::new();
    let mut line_of = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") || line.trim_start().starts_with("--") {
            continue;
        }
        for word in line
            .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\\' | '`' | '('))
            .filter(|word| !word.is_empty())
        {
            flat.push_str(&word.to_ascii_uppercase());
            flat.push(' ');
            line_of.resize(flat.len(), index + 1);
        }
    }
    let begins = flat.match_indices("INTO SESSIONS ").filter(|(at, _)| {
        let before = flat.get(..*at).unwrap_or_default().trim_end();
        let after = flat.get(at + 1..).unwrap_or_default();
        let end =
            [";", "INSERT ", "DELETE FROM "].iter().filter_map(|stop| after.find(stop)).min().unwrap_or(after.len());
        let replaces = before.ends_with("REPLACE") || before.rsplit(' ').nth(1) == Some("OR");
        replaces || after.get(..end).is_some_and(|statement| statement.contains("ON CONFLICT"))
    });
    begins.filter_map(|(at, _)| line_of.get(at).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_stands_in_one_crate() {
        let text = "//! x\n// DELETE FROM a\nquery(\"DELETE FROM a\");\nquery(\"UPDATE a SET b = 1\");\nsay(\"UPDATE now\");\n";
        let tree = Tree::with(&[
            ("crates/cloakroom-sql/src/a.rs", text),
            ("crates/cloakroom/src/a.rs", text),
            ("crates/cloakroom/tests/a.rs", text),
        ]);
        let found: Vec<_> = home(&tree).into_iter().map(|finding| (finding.path, finding.line)).collect();
        assert_eq!(found, [("crates/cloakroom/src/a.rs".to_owned(), 3), ("crates/cloakroom/src/a.rs".to_owned(), 4)]);
    }

    #[test]
    fn every_upsert_on_sessions_is_found() {
        for evil in [
            "INSERT OR REPLACE INTO sessions VALUES (1)",
            "insert or ignore into sessions(id) values (1)",
            "REPLACE INTO \"sessions\" VALUES (1)",
            "\"INSERT INTO sessions (id) \\\n VALUES ($1) \\\n ON CONFLICT (id) DO UPDATE SET x = 1\"",
            "INSERT INTO sessions (id)\nSELECT 1 WHERE true\nON CONFLICT DO NOTHING;",
        ] {
            assert_eq!(upserts(evil), [1], "missed {evil}");
        }
    }

    #[test]
    fn other_statements_pass() {
        for good in [
            "INSERT INTO sessions (id) VALUES (1); INSERT INTO session_subjects VALUES (1) ON CONFLICT DO NOTHING",
            "INSERT INTO session_subjects (subject) VALUES (1) ON CONFLICT (subject) DO NOTHING",
            "INSERT OR IGNORE INTO session_feed VALUES (1)",
            "-- never INSERT OR REPLACE INTO sessions\nINSERT INTO sessions SELECT 1",
        ] {
            assert_eq!(upserts(good), [0; 0], "refused {good}");
        }
    }

    #[test]
    fn the_line_of_the_statement_is_named() {
        assert_eq!(upserts("fn a() {}\n\nquery(\n  \"INSERT INTO sessions \\\n   ON CONFLICT DO NOTHING\")"), [4]);
    }
}
