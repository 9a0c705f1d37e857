//! `cloakroom migrate copy`: one database into another, with a bar that shows how far it is.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;
use cloakroom_sql::{Copied, Database, OpenOptions, Progress, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::cli::account::Consent;
use crate::cli::json;
use crate::cli::voice::{Voice, number};
use crate::exit::Failure;

/// On a terminal: what, a bar, how many of how many, how fast, how long yet.
const STYLE: &str = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
/// Elsewhere: a line each time another such part of a table is done.
const PARTS: u64 = 10;

#[derive(Debug, Args)]
pub(in crate::cli) struct Copy {
    #[arg(long, value_name = "URL")]
    from: String,
    #[arg(long, value_name = "URL")]
    to: String,
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
    pub(in crate::cli) async fn run(self, voice: &Voice) -> Result<(), Failure> {
        let of_from = |error| Failure::from(error).about("--from");
        let of_to = |error| Failure::from(error).about("--to");
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
        let mut shown = Shown::new(voice);
        let copied = source.copy_to(&target, &mut |progress| shown.show(progress)).await;
        shown.end();
        // After a failure as well: the write-ahead logs go back into their files.
        source.close().await;
        target.close().await;
        tell(&copied?, self.json, voice)
    }
}

fn tell(copied: &Copied, as_json: bool, voice: &Voice) -> Result<(), Failure> {
    let Copied { source, target, is_resumed, tables } = copied;
    if as_json {
        let table = |table: &cloakroom_sql::CopiedTable| json!({ "table": table.table, "rows": table.rows, "written": table.written, "removed": table.removed });
        let tables: Vec<_> = tables.iter().map(table).collect();
        return json::print(&json!({ "source": source, "target": target, "resumed": is_resumed, "tables": tables }));
    }
    for table in tables {
        let [rows, written, removed] = [table.rows, table.written, table.removed].map(number);
        let key = if *is_resumed { "copy-table-resumed" } else { "copy-table" };
        let values: [(&str, &dyn Display); 5] = [
            ("table", &table.table),
            ("rows", &table.rows),
            ("shown", &rows),
            ("written", &written),
            ("removed", &removed),
        ];
        voice.print(key, &values)?;
    }
    voice.print("copy-done", &[("target", target), ("source", source)])
}

/// Shows how far it is, on stderr.
struct Shown<'a> {
    voice: &'a Voice,
    how: How,
}

enum How {
    Bar(ProgressBar),
    /// The part of which table that was said last.
    Lines(Option<(Stage, &'static str, u64)>),
}

impl<'a> Shown<'a> {
    fn new(voice: &'a Voice) -> Self {
        if !io::stderr().is_terminal() {
            return Self { voice, how: How::Lines(None) };
        }
        let style = ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self { voice, how: How::Bar(bar.with_style(style)) }
    }

    fn show(&mut self, progress: Progress) {
        let Progress { stage, table, done, total } = progress;
        let key = match stage {
            Stage::Correcting => "copy-correcting",
            Stage::Copying => "copy-copying",
            Stage::Verifying => "copy-verifying",
            _ => "copy-working",
        };
        let what = self.voice.say(key, &[("table", &table)]);
        match &mut self.how {
            How::Bar(bar) => {
                if done == 0 {
                    bar.reset();
                }
                bar.set_message(what);
                bar.set_length(total);
                bar.set_position(done);
            }
            How::Lines(last) => {
                let part = (stage, table, (done * PARTS).checked_div(total).unwrap_or(PARTS));
                if last.replace(part) != Some(part) {
                    // Where stderr is gone, the copy goes on all the same.
                    let how_far: [(&str, &dyn Display); 3] =
                        [("what", &what), ("done", &number(done)), ("total", &number(total))];
                    let _ = writeln!(io::stderr().lock(), "{}", self.voice.say("copy-progress", &how_far));
                }
            }
        }
    }

    /// Takes the bar away, so that what follows begins on a line of its own.
    fn end(&self) {
        if let How::Bar(bar) = &self.how {
            bar.finish_and_clear();
        }
    }
}
