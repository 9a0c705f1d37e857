//! `cloakroom migrate copy`: one database into another, with a bar that shows how far it is.

use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;
use cloakroom_sql::{Copied, CopyError, Database, OpenOptions, Progress, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::cli::account::Consent;
use crate::cli::text::escaped_json;
use crate::exit::Failure;

/// On a terminal: what, a bar, how many of how many, how fast, how long yet.
const STYLE: &str = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
/// Elsewhere: a line each time another such part of a table is done.
const PARTS: u64 = 10;

#[derive(Debug, Args)]
pub(in crate::cli) struct Copy {
    /// Database to copy; stop what uses it first, it cannot be written meanwhile
    #[arg(long, value_name = "URL")]
    from: String,
    /// Database to copy into: empty, or the same copy interrupted; its tables are made
    #[arg(long, value_name = "URL")]
    to: String,
    /// The result as JSON
    #[arg(long)]
    json: bool,
    // There is nothing to ask: what is overwritten is only what an interrupted copy has left.
    #[command(flatten)]
    _consent: Consent,
}

impl Copy {
    /// Copies, and says how much was verified.
    ///
    /// # Errors
    /// When it is refused or stops; running it again finishes it.
    pub(in crate::cli) async fn run(self) -> Result<(), Failure> {
        let of_from = |error| Failure::new(format_args!("--from: {error}"));
        let of_to = |error| Failure::new(format_args!("--to: {error}"));
        let existing = OpenOptions { create: false, ..OpenOptions::default() };
        let source = Database::open(&self.from, existing).await.map_err(of_from)?;
        let fresh = OpenOptions { unfinished_copy: true, ..OpenOptions::default() };
        let target = match Database::open(&self.to, fresh).await {
            Ok(target) => target,
            Err(error) => {
                source.close().await;
                return Err(of_to(error));
            }
        };
        let mut shown = Shown::new();
        let copied = source.copy_to(&target, &mut |progress| shown.show(progress)).await;
        shown.end();
        // After a failure as well: the write-ahead logs go back into their files.
        source.close().await;
        target.close().await;
        write(&copied?, self.json).map_err(|error| Failure::output(&error))
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        Self::new(error)
    }
}

fn write(copied: &Copied, as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Copied { source, target, is_resumed, tables } = copied;
    if as_json {
        let table = |table: &cloakroom_sql::CopiedTable| json!({ "table": table.table, "rows": table.rows, "written": table.written, "removed": table.removed });
        let tables: Vec<_> = tables.iter().map(table).collect();
        let result = json!({ "source": source, "target": target, "resumed": is_resumed, "tables": tables });
        return writeln!(out, "{}", escaped_json(&result.to_string()));
    }
    for table in tables {
        let rows = if table.rows == 1 { "row" } else { "rows" };
        write!(out, "{}: {} {rows} verified", table.table, table.rows)?;
        if *is_resumed {
            write!(out, "; {} written now, {} of before removed", table.written, table.removed)?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "{target} holds everything; take {source} out of use: who logs out from now on is still logged in there"
    )
}

/// Shows how far it is, on stderr.
enum Shown {
    Bar(ProgressBar),
    /// The part of which table that was said last.
    Lines(Option<(Stage, &'static str, u64)>),
}

impl Shown {
    fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines(None);
        }
        let style = ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self::Bar(bar.with_style(style))
    }

    fn show(&mut self, progress: Progress) {
        let Progress { stage, table, done, total } = progress;
        let verb = match stage {
            Stage::Correcting => "correcting",
            Stage::Copying => "copying",
            Stage::Verifying => "verifying",
            _ => "working on",
        };
        match self {
            Self::Bar(bar) => {
                if done == 0 {
                    bar.reset();
                }
                bar.set_message(format!("{verb} {table}"));
                bar.set_length(total);
                bar.set_position(done);
            }
            Self::Lines(last) => {
                let part = (stage, table, (done * PARTS).checked_div(total).unwrap_or(PARTS));
                if last.replace(part) != Some(part) {
                    // Where stderr is gone, the copy goes on all the same.
                    let _ = writeln!(io::stderr().lock(), "{verb} {table}: {done} of {total}");
                }
            }
        }
    }

    /// Takes the bar away, so that what follows begins on a line of its own.
    fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
