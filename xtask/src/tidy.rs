//! `cargo xtask tidy`: the house rules that no compiler checks. Each rule is one entry in [`RULES`] and explained in
//! CONTRIBUTING.md under its anchor; the checks themselves are in the files below, grouped by what they look at.

mod arrows;
mod docs;
mod files;
mod source;
mod sql;
mod standards;
mod translations;
mod tree;
mod words;

use crate::run::{Outcome, root};
use tree::Tree;

/// A house rule: where CONTRIBUTING.md explains it, what to do instead, and how it is checked.
struct Rule {
    anchor: &'static str,
    instead: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from 1; 0 when the whole file is meant.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

const RULES: &[Rule] = &[
    Rule {
        anchor: "arrows",
        instead: "move the code up to the crate that may know both, or hand what is needed in as an argument",
        check: arrows::check,
    },
    Rule {
        anchor: "lints",
        instead: "write `[lints]` and `workspace = true` into its Cargo.toml",
        check: arrows::inherited_lints,
    },
    Rule {
        anchor: "file-length",
        instead: "split it by what its parts hold, and name the new files after that",
        check: files::length,
    },
    Rule {
        anchor: "file-names",
        instead: "name it after what it holds: `token.rs`, `tests/app/mod.rs`",
        check: files::names,
    },
    Rule {
        anchor: "file-opening",
        instead: "open the file with `//!`: what lives here and what must not",
        check: files::opening,
    },
    Rule {
        anchor: "expect-not-allow",
        instead: "mend what the lint found, or write `#[expect(lint, reason = \"…\")]`, which tells when it is not needed any more",
        check: source::allow,
    },
    Rule {
        anchor: "world",
        instead: "take `&dyn Clock`, `&dyn Random` or a `Timestamp` as an argument; only crates/cloakroom/src/world.rs reads the real ones",
        check: source::world,
    },
    Rule {
        anchor: "machine-paths",
        instead: "write the path relative to the repository, or make a temporary directory",
        check: words::machine_paths,
    },
    Rule {
        anchor: "glossary",
        instead: "use the word of the glossary, so that a search for it finds everything",
        check: words::glossary,
    },
    Rule {
        anchor: "sql-home",
        instead: "move the statement into crates/cloakroom-sql and call it through the store's trait",
        check: sql::home,
    },
    Rule {
        anchor: "no-upsert",
        instead: "insert once at login and change by conditional `UPDATE … WHERE`: a row that is gone stays gone (G3)",
        check: sql::upsert,
    },
    Rule {
        anchor: "error-codes",
        instead: "give the code a line in docs/errors.md: when it comes, with which status, what the caller does",
        check: docs::error_codes,
    },
    Rule {
        anchor: "standards",
        instead: "name the test that proves it in docs/standards.md, or say there why there is none",
        check: standards::check,
    },
    Rule {
        anchor: "translations",
        instead: "make the same change in the other language: its heading, its command, its link",
        check: translations::check,
    },
    Rule { anchor: "links", instead: "point the link at a file or heading that exists", check: docs::links },
];

/// Checks every rule on the files that git knows or would add.
pub(crate) fn run() -> Outcome {
    let tree = Tree::of_repository(&root())?;
    let mut count = 0;
    for rule in RULES {
        for finding in (rule.check)(&tree) {
            count += 1;
            println!("{}", message(rule, &finding));
        }
    }
    if count > 0 {
        return Err(format!("tidy: {count} {}", if count == 1 { "place breaks a rule" } else { "places break rules" }));
    }
    println!("tidy: {} rules kept by {} files", RULES.len(), tree.files().len());
    Ok(())
}

fn message(rule: &Rule, finding: &Finding) -> String {
    let Finding { path, line, what } = finding;
    let place = if *line == 0 { path.clone() } else { format!("{path}:{line}") };
    format!("{place}: {what}\n    instead: {}\n    rule: CONTRIBUTING.md#{}", rule.instead, rule.anchor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_explained_under_its_anchor() {
        let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
        for rule in RULES {
            assert!(text.contains(&format!("<a id=\"{}\"></a>", rule.anchor)), "no anchor {}", rule.anchor);
        }
    }

    #[test]
    fn message_says_where_what_instead_and_why() {
        let rule = RULES.iter().find(|rule| rule.anchor == "file-length").unwrap();
        assert_eq!(
            message(rule, &Finding::new("crates/x/src/lib.rs", 0, "401 lines, 400 are allowed")),
            "crates/x/src/lib.rs: 401 lines, 400 are allowed\n    \
             instead: split it by what its parts hold, and name the new files after that\n    \
             rule: CONTRIBUTING.md#file-length"
        );
        assert!(message(rule, &Finding::new("a.rs", 7, "x")).starts_with("a.rs:7: x\n"));
    }
}
