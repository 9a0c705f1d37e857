//! What no statement may say (G3), read from the sources themselves.

/// All sources but those of tests.
const SOURCES: &[(&str, &str)] = &[
    ("statements.rs", include_str!("../../src/statements.rs")),
    ("account.rs", include_str!("../../src/sqlite/account.rs")),
    ("copy.rs", include_str!("../../src/sqlite/copy.rs")),
    ("postgres/copy.rs", include_str!("../../src/postgres/copy.rs")),
    ("postgres/statements.rs", include_str!("../../src/postgres/statements.rs")),
    ("feed.rs", include_str!("../../src/sqlite/feed.rs")),
    ("login.rs", include_str!("../../src/sqlite/login.rs")),
    ("session.rs", include_str!("../../src/sqlite/session.rs")),
    ("sweep.rs", include_str!("../../src/sqlite/sweep.rs")),
    ("row.rs", include_str!("../../src/sqlite/row.rs")),
    ("database.rs", include_str!("../../src/sqlite/database.rs")),
    ("sqlite/statements.rs", include_str!("../../src/sqlite/statements.rs")),
    ("reader.rs", include_str!("../../src/sqlite/reader.rs")),
    ("0001_sessions.up.sql", include_str!("../../src/migrations/sqlite/0001_sessions.up.sql")),
];

/// The statements in a source: what lies between `;`, with white space made single and comments left out.
fn statements(source: &str) -> Vec<String> {
    let code = source.lines().map(|line| line.trim_end_matches('\\').trim());
    let code = code.filter(|line| !line.starts_with("//") && !line.starts_with("--"));
    let code = code.collect::<Vec<_>>().join(" ").to_uppercase();
    code.split(';').map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The one of `issue` and, on PostgreSQL, the one of a copy for many rows, which wants a copy to be under way.
#[test]
fn one_statement_inserts_into_sessions_and_none_is_an_upsert() {
    let mut inserting = Vec::new();
    for (name, source) in SOURCES {
        for statement in statements(source) {
            assert!(
                !statement.contains("INSERT OR"),
                "{name}: `INSERT OR` can overwrite an ended session: {statement}"
            );
            assert!(!statement.contains("REPLACE INTO"), "{name}: REPLACE deletes without the trigger: {statement}");
            assert!(
                !statement.contains("UPDATE OR"),
                "{name}: `UPDATE OR REPLACE` deletes without the trigger: {statement}"
            );
            if statement.contains("INTO SESSIONS ") || statement.contains("INTO SESSIONS(") {
                assert!(!statement.contains("ON CONFLICT"), "{name}: an upsert brings sessions back (G3): {statement}");
                inserting.push((*name, statement));
            }
        }
    }
    assert_eq!(inserting.len(), 2, "only issue and a copy insert into sessions (G3): {inserting:?}");
    assert!(inserting[0].1.contains("CONST INSERT_SESSION:"), "{inserting:?}");
    let copying = &inserting[1].1;
    assert!(
        copying.contains("CONST INSERT_SESSIONS:") && copying.contains("FROM CLOAKROOM_COPY, UNNEST("),
        "{copying}"
    );
}

#[test]
fn the_check_finds_what_it_is_for() {
    let evil = statements("const X: &str = \"INSERT INTO\n sessions (a) VALUES (1) ON \\\n CONFLICT DO NOTHING\";");
    assert!(evil[0].contains("INTO SESSIONS ") && evil[0].contains("ON CONFLICT"));
}
