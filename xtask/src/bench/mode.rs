//! What is measured beside what. The servers themselves are in `bench/`.

use super::USAGE;

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Nowhere,
    InMemory,
    OnPostgres,
    OnSqlite,
}

/// A server process, and the peer it is compared with.
#[derive(Debug, PartialEq)]
pub(super) struct Mode {
    pub(super) name: &'static str,
    /// The program below `bench/target/release`.
    pub(super) program: &'static str,
    /// Its first argument.
    pub(super) argument: &'static str,
    pub(super) kept: Kept,
    /// The name of the mode whose turn of the same round is 1.
    pub(super) beside: Option<&'static str>,
    /// What it is measured against.
    pub(super) goal: Goal,
    /// In which comparisons it has its turns.
    pub(super) comparisons: &'static [Comparison],
}

/// What is asked of a mode at 64 connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Nothing,
    /// So many times the peer's requests a second, and a part of its database's processor time.
    Strict,
    /// Nearly the requests a second of no validation at all.
    Leased,
}

/// What is measured in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Strict validation beside tower-sessions.
    Strict,
    /// Leased validation beside no validation, and beside a signed token.
    Leased,
}

const fn ours(name: &'static str, argument: &'static str, kept: Kept, beside: &'static str) -> Mode {
    Mode { name, program: "bench-ours", argument, kept, beside: Some(beside), goal: Goal::Nothing, comparisons: STRICT }
}

const fn peer(name: &'static str, argument: &'static str, kept: Kept) -> Mode {
    Mode { name, program: "bench-peers", argument, kept, beside: None, goal: Goal::Nothing, comparisons: STRICT }
}

const fn leased(name: &'static str, argument: &'static str, kept: Kept, goal: Goal) -> Mode {
    Mode { goal, comparisons: &[Comparison::Leased], ..ours(name, argument, kept, BARE) }
}

const STRICT: &[Comparison] = &[Comparison::Strict];
const BOTH: &[Comparison] = &[Comparison::Strict, Comparison::Leased];
const BARE: &str = "bare";
const PEER_ON_POSTGRES: &str = "tower-sessions-postgres";
const PEER_ON_SQLITE: &str = "tower-sessions-sqlite";

/// In the order of their turns: a peer right before what is compared with it.
pub(super) const MODES: &[Mode] = &[
    Mode { beside: None, comparisons: BOTH, ..ours(BARE, "bare", Kept::Nowhere, "") },
    peer("tower-sessions-memory", "memory", Kept::InMemory),
    peer(PEER_ON_POSTGRES, "postgres", Kept::OnPostgres),
    Mode { goal: Goal::Strict, ..ours("cloakroom-postgres", "cloakroom", Kept::OnPostgres, PEER_ON_POSTGRES) },
    ours("tokio-postgres-singles-1", "singles:1", Kept::OnPostgres, PEER_ON_POSTGRES),
    ours("tokio-postgres-singles-2", "singles:2", Kept::OnPostgres, PEER_ON_POSTGRES),
    ours("tokio-postgres-batches", "batches:4,4,4,0", Kept::OnPostgres, PEER_ON_POSTGRES),
    ours("tokio-postgres-lanes", "batches:8,8,4,16", Kept::OnPostgres, PEER_ON_POSTGRES),
    peer(PEER_ON_SQLITE, "sqlite", Kept::OnSqlite),
    Mode { goal: Goal::Strict, ..ours("cloakroom-sqlite", "cloakroom", Kept::OnSqlite, PEER_ON_SQLITE) },
    ours("cloakroom-sqlite-around", "cloakroom-around", Kept::OnSqlite, PEER_ON_SQLITE),
    ours("rusqlite-calling-thread", "calling-thread", Kept::OnSqlite, PEER_ON_SQLITE),
    leased("jwt-hs256", "jwt", Kept::InMemory, Goal::Nothing),
    leased("cloakroom-leased-postgres", "leased", Kept::OnPostgres, Goal::Leased),
    leased("cloakroom-leased-sqlite", "leased", Kept::OnSqlite, Goal::Leased),
    leased("cloakroom-leased-sqlite-around", "leased-around", Kept::OnSqlite, Goal::Leased),
];

/// The mode of this name.
pub(super) fn named(name: &str) -> Result<&'static Mode, String> {
    MODES.iter().find(|mode| mode.name == name).ok_or_else(|| {
        let names: Vec<&str> = MODES.iter().map(|mode| mode.name).collect();
        format!("there is no mode `{name}`, but {}: {USAGE}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_beside_one_that_had_its_turn_before() {
        for (at, mode) in MODES.iter().enumerate() {
            if let Some(beside) = mode.beside {
                let peer = MODES.iter().position(|other| other.name == beside);
                assert!(peer.is_some_and(|peer| peer < at), "{} is beside {beside}", mode.name);
            }
        }
    }
}
