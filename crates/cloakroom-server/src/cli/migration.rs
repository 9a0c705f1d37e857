//! `cloakroom migration`: the sessions' migration as text, for an application that keeps its own schema. It is the same text
//! in every language, because it becomes a file.

use std::io::{self, Write as _};

use clap::{Args, ValueEnum};
use cloakroom_sql::{PRISMA, Printed};

use crate::exit::Failure;

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Migration {
    #[arg(long, value_name = "DIALECT")]
    dialect: Dialect,
    #[arg(long)]
    down: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dialect {
    Postgres,
    Sqlite,
    Prisma,
}

impl Migration {
    /// Prints it.
    ///
    /// # Errors
    /// When Prisma is asked for a way back, of which it has none, or the output cannot be written.
    pub(super) fn run(self) -> Result<(), Failure> {
        let text = match (self.dialect, self.down) {
            (Dialect::Postgres, false) => Printed::Postgres.up(),
            (Dialect::Postgres, true) => Printed::Postgres.down(),
            (Dialect::Sqlite, false) => Printed::Sqlite.up(),
            (Dialect::Sqlite, true) => Printed::Sqlite.down(),
            (Dialect::Prisma, false) => PRISMA.to_owned(),
            (Dialect::Prisma, true) => return Err(Failure::say("migration-prisma-down", &[])),
        };
        io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
    }
}
