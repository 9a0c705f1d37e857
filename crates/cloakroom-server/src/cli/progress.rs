//! How far a command is, on stderr: a bar on a terminal, plain lines otherwise.

use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::voice::{Voice, number};

/// On a terminal: what, a bar, how many of how many, how fast, how long yet.
const BAR: &str = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
/// The same where nobody knows how many there will be.
const COUNTER: &str = "{msg} {spinner} {human_pos} {per_sec} {elapsed}";
/// Elsewhere: a line each time another such part of it is done.
const PARTS: u64 = 10;
/// Or so many more, where nobody knows of how many.
const STEP: u64 = 10_000;

/// What is shown.
pub(super) enum Progress<'v> {
    /// On a terminal.
    Bar(ProgressBar),
    /// Elsewhere: what is being done, of how many, and which part was said last.
    Lines { voice: &'v Voice, key: &'static str, total: Option<u64>, said: u64 },
}

impl<'v> Progress<'v> {
    /// Shows that something begins; the message has `$done` and `$total`, where a line has to say it.
    pub(super) fn new(voice: &'v Voice, key: &'static str, total: Option<u64>) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines { voice, key, total, said: 0 };
        }
        let template = if total.is_some() { BAR } else { COUNTER };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        Self::Bar(bar.with_style(style).with_message(voice.say(key, &[])))
    }

    /// So many are done by now.
    pub(super) fn set(&mut self, done: u64) {
        match self {
            Self::Bar(bar) => bar.set_position(done),
            Self::Lines { voice, key, total, said } => {
                let part = match *total {
                    Some(total) => (done * PARTS).checked_div(total).unwrap_or(0).min(PARTS),
                    None => done / STEP,
                };
                // What is done at once needs no line.
                if part > *said && total.is_none_or(|total| total >= STEP) {
                    let (key, total) = (voice.say(key, &[]), total.map(number).unwrap_or_default());
                    let line = if total.is_empty() { "progress-line" } else { "progress-line-of" };
                    let line = voice.say(line, &[("what", &key), ("done", &number(done)), ("total", &total)]);
                    // Where stderr is gone, the work goes on all the same.
                    let _ = writeln!(io::stderr().lock(), "{line}");
                }
                *said = part.max(*said);
            }
        }
    }

    /// Takes the bar away, so that what follows begins on a line of its own.
    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
