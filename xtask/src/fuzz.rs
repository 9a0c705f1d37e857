//! `cargo xtask fuzz`: libFuzzer on the targets of `fuzz/`, with the stable compiler.
//!
//! `cargo fuzz` wants a nightly compiler for one thing, the address sanitizer. There is no `unsafe` here to sanitize, and
//! the coverage that leads the fuzzer is to be had from the stable compiler by the flags below.

use toml::{Table, Value};

use crate::need;
use crate::run::{Outcome, cargo, command, output, root, to_end};

/// How long a target runs unless told otherwise.
const SECONDS: u32 = 60;

/// The same coverage that `cargo fuzz` asks for.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs one target, or all that need no name.
pub(crate) fn run(options: &[String]) -> Outcome {
    let Options { target, seconds } = Options::read(options)?;
    let targets = targets(&manifest()?)?;
    let chosen: Vec<&Target> = match &target {
        Some(name) => targets.iter().filter(|target| target.name == *name).collect(),
        None => targets.iter().filter(|target| target.features.is_empty()).collect(),
    };
    if chosen.is_empty() {
        let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        return Err(format!("there is no fuzz target `{}`: {}", target.unwrap_or_default(), names.join(", ")));
    }
    chosen.into_iter().try_for_each(|target| {
        let corpus = format!("fuzz/target/corpus/{}", target.name);
        fuzz(target, &[&format!("-max_total_time={seconds}"), &corpus])
    })
}

/// Builds the targets that need no name and feeds each its seeds, once: the same every time, so it may stand in CI.
pub(crate) fn seeds() -> Outcome {
    let targets = targets(&manifest()?)?;
    targets.iter().filter(|target| target.features.is_empty()).try_for_each(|target| fuzz(target, &["-runs=0"]))
}

fn manifest() -> Result<String, String> {
    std::fs::read_to_string(root().join("fuzz/Cargo.toml")).map_err(|error| format!("fuzz/Cargo.toml: {error}"))
}

/// Runs a target on its seeds, with these arguments of libFuzzer; new finds go into the first directory among them.
fn fuzz(target: &Target, how: &[&str]) -> Outcome {
    need::program("c++", "g++", "compiles libFuzzer")?;
    let host = output(&mut command("rustc", ["--print", "host-tuple"]))?;
    let host = host.trim();
    // Named, so that build scripts and macros are not instrumented.
    let build = ["build", "--manifest-path", "fuzz/Cargo.toml", "--release", "--locked", "--target", host];
    let mut build = cargo(build);
    build.args(["--target-dir", "fuzz/target", "--bin", &target.name, "--features", &target.features.join(",")]);
    to_end(build.env("RUSTFLAGS", COVERAGE)).map_err(|why| {
        format!("{why}\nis only its lock file behind? `cargo update --workspace --manifest-path fuzz/Cargo.toml`")
    })?;

    let name = &target.name;
    let artifacts = format!("fuzz/artifacts/{name}/");
    for directory in how.iter().copied().filter(|argument| !argument.starts_with('-')).chain([artifacts.as_str()]) {
        std::fs::create_dir_all(root().join(directory)).map_err(|error| format!("{directory}: {error}"))?;
    }
    let program = root().join(format!("fuzz/target/{host}/release/{name}")).to_string_lossy().into_owned();
    let prefix = format!("-artifact_prefix={artifacts}");
    let seeds = format!("fuzz/seeds/{name}");
    let arguments = how.iter().copied().chain([seeds.as_str(), &prefix, "-print_final_stats=1", "-verbosity=0"]);
    to_end(&mut command(&program, arguments))
        .map_err(|why| format!("{why}\nwhat broke it lies in {artifacts}: make a unit test and a seed of it"))
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    target: Option<String>,
    seconds: u32,
}

impl Options {
    fn read(options: &[String]) -> Result<Self, String> {
        let mut read = Self { target: None, seconds: SECONDS };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            if option == "--seconds" {
                let number = options.next().and_then(|number| number.parse().ok()).filter(|seconds| *seconds > 0);
                read.seconds = number.ok_or("`--seconds` wants a number above 0")?;
            } else if option.starts_with('-') || read.target.is_some() {
                return Err(format!("`{option}` is one too many: cargo xtask fuzz [TARGET] [--seconds N]"));
            } else {
                read.target = Some(option.clone());
            }
        }
        Ok(read)
    }
}

/// A binary of the fuzz crate.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    name: String,
    features: Vec<String>,
}

fn targets(manifest: &str) -> Result<Vec<Target>, String> {
    let manifest: Table = manifest.parse().map_err(|error| format!("fuzz/Cargo.toml: {error}"))?;
    let bins = manifest.get("bin").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let target = |bin: &Value| {
        let name = bin.get("name")?.as_str()?.to_owned();
        Some(Target { name, features: bin.get("required-features").map(texts).unwrap_or_default() })
    };
    Ok(bins.iter().filter_map(target).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &str) -> Result<Options, String> {
        Options::read(&options.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_in_any_order() {
        let both = Options { target: Some("token".into()), seconds: 5 };
        assert_eq!(read("token --seconds 5"), read("--seconds 5 token"));
        assert_eq!(read("token --seconds 5"), Ok(both));
        assert_eq!(read(""), Ok(Options { target: None, seconds: SECONDS }));
        for wrong in ["--seconds", "--seconds 0", "--seconds x", "token cookie", "--fast"] {
            assert!(read(wrong).is_err(), "accepted {wrong}");
        }
    }

    #[test]
    fn every_target_file_is_a_target() {
        let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        let mut named: Vec<String> = targets(&manifest).unwrap().into_iter().map(|target| target.name).collect();
        let files = std::fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap();
        let mut files: Vec<String> =
            files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
        named.sort();
        files.sort();
        assert_eq!(named, files);
    }
}
