//! `docs/command-line.md` is the help as a page: none of its commands and flags is missing there, none is extra.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::{Locale, own_args, tree, voice, walk};
use crate::cli::help::examples;
use crate::cli::voice::Voice;

/// What stands above is written by hand.
const BEGIN: &str = "<!-- From here on it is made of the help, by the test `the_page_is_the_help`. -->\n";

fn arg_row(arg: &Arg) -> String {
    let value = arg.get_value_names().map(|names| names.join(" ")).unwrap_or_default();
    let takes_value = arg.get_action().takes_values();
    let mut name = arg.get_long().map_or_else(String::new, |long| format!("--{long}"));
    if let Some(short) = arg.get_short() {
        name = format!("-{short}, {name}");
    }
    if takes_value {
        name = format!("{name} {value}");
    }
    format!("| `{}` | {} |\n", name.trim(), arg.get_help().unwrap().to_string().replace('|', "\\|"))
}

fn section(path: &str, command: &Command, voice: &Voice) -> String {
    let mut text = format!("\n## `cloakroom{}`\n\n", path.replace('-', " "));
    let about = command.get_long_about().unwrap().to_string();
    let _ = writeln!(text, "{about}");
    let args: Vec<_> = own_args(command).filter(|arg| path.is_empty() || !arg.is_global_set()).collect();
    if !args.is_empty() {
        text +=
            if path.is_empty() { "\n| with every command | |\n| --- | --- |\n" } else { "\n| | |\n| --- | --- |\n" };
        text.extend(args.into_iter().map(arg_row));
    }
    let _ = write!(text, "\n```sh\n{}\n```\n", examples(path, voice).unwrap());
    text
}

#[test]
fn the_page_is_the_help() {
    let voice = voice(Locale::English);
    let tree = tree(&voice);
    let mut made = String::new();
    walk(&tree, "", &mut |path, command| made += &section(path, command, &voice));
    let page = include_str!("../../../../../docs/command-line.md");
    let (by_hand, there) = page.split_once(BEGIN).expect("the page has the line where it begins to be made");
    if there != made {
        let path = std::env::temp_dir().join("command-line.md");
        std::fs::write(&path, format!("{by_hand}{BEGIN}{made}")).unwrap();
        panic!("docs/command-line.md is not what the help says; {} is", path.display());
    }
}
