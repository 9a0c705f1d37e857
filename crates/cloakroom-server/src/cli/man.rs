//! `cloakroom man` and `cloakroom completions`: what shells and `man` know of the command line, made of the same tree and in the
//! same language as `--help`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, roman};

use super::voice::Voice;
use crate::exit::Failure;

#[derive(Debug, Args)]
pub(super) struct Man {
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl Man {
    /// Prints the page of the program, or writes that and one for each command into a directory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn run(self, mut tree: Command, voice: &Voice) -> Result<(), Failure> {
        tree.build();
        let Some(directory) = self.directory else {
            let page = page(&tree, voice).map_err(|error| Failure::output(&error))?;
            return io::stdout().lock().write_all(&page).map_err(|error| Failure::output(&error));
        };
        let written = write(&tree, &directory, voice).map_err(|error| {
            Failure::say("man-unwritable", &[("directory", &directory.display()), ("cause", &error)])
        })?;
        voice.print("man-written", &[("count", &written), ("directory", &directory.display())])
    }
}

/// Writes the page of a command and those below it; returns how many.
fn write(command: &Command, directory: &Path, voice: &Voice) -> io::Result<usize> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join(Page::new(command.clone()).get_filename()), page(command, voice)?)?;
    let mut written = 1;
    for below in command.get_subcommands() {
        written += write(below, directory, voice)?;
    }
    Ok(written)
}

/// One page. Its sections are clap's; what stands above them is in the language of the voice.
fn page(command: &Command, voice: &Voice) -> io::Result<Vec<u8>> {
    let page = Page::new(command.clone()).source(format!("cloakroom {}", env!("CARGO_PKG_VERSION")));
    let mut out = Vec::new();
    page.render_title(&mut out)?;
    // Text that is neither stretched nor hyphenated: it is to be copied, and Japanese has few spaces.
    Roff::new().control("ad", ["l"]).control("nh", []).to_writer(&mut out)?;
    let section = |heading: &str, render: &dyn Fn(&mut Vec<u8>) -> io::Result<()>, out: &mut Vec<u8>| {
        let mut rendered = Vec::new();
        render(&mut rendered)?;
        let text = String::from_utf8_lossy(&rendered);
        // The preamble and the heading in English are replaced by our own heading.
        let body = text.split_once("\n.SH ").and_then(|(_, rest)| rest.split_once('\n')).map_or("", |(_, body)| body);
        Roff::new().control("SH", [voice.say(heading, &[]).as_str()]).to_writer(out)?;
        out.write_all(body.as_bytes())
    };
    section("man-name", &|out| page.render_name_section(out), &mut out)?;
    section("man-synopsis", &|out| page.render_synopsis_section(out), &mut out)?;
    section("man-description", &|out| page.render_description_section(out), &mut out)?;
    // Their headings are those of the help already.
    page.render_options_section(&mut out)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut out)?;
    }
    if let Some(examples) = command.get_after_long_help() {
        let text = examples.to_string();
        let mut roff = Roff::new();
        roff.control("SH", [voice.say("man-examples", &[]).as_str()]).control("nf", []);
        for line in text.lines().skip(1) {
            roff.text([roman(line.trim())]);
        }
        roff.control("fi", []).to_writer(&mut out)?;
    }
    Ok(out)
}

/// Prints what a shell completes the command line with.
///
/// # Errors
/// When the output cannot be written.
pub(super) fn complete(shell: Shell, mut tree: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut tree, "cloakroom", &mut script);
    io::stdout().lock().write_all(&script).map_err(|error| Failure::output(&error))
}
