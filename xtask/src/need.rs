//! Programs that tests and checks need beside Rust: looked for, installed where we may, named where we may not.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::run::{Outcome, command, output, root, succeeds, to_end};

/// Sees to it that `program` is there; on Debian it comes from the package of the name `package`.
pub(crate) fn program(program: &str, package: &str, what_for: &str) -> Outcome {
    // Some end with a failure when asked for their version (wrk): that they could be started is enough.
    if command(program, ["--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
        return Ok(());
    }
    install(program, package, what_for)
}

/// Sees to it that `program`, which serves, is there; on Debian it comes from the package of the same name.
pub(crate) fn daemon(program: &str, what_for: &str) -> Outcome {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps them where not everybody looks.
    let mut places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    if places.any(|place| place.join(program).exists()) { Ok(()) } else { install(program, program, what_for) }
}

/// Sees to it that there is a PostgreSQL server, in the path or where Debian keeps it.
pub(crate) fn postgres() -> Outcome {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    if debian.into_iter().any(|version| version.path().join("bin/initdb").exists())
        || succeeds(&mut command("initdb", ["--version"]))
    {
        return Ok(());
    }
    install("initdb", "postgresql", "tests start a throwaway PostgreSQL cluster")
}

/// The header checker that tests run against the server, and the one version of it whose words they know.
const SCANNER: &str = "shcheck==1.7";

/// Sees to it that the published header checker is where tests look for it, `target/tools/shcheck`.
pub(crate) fn scanner() -> Outcome {
    let place = root().join("target/tools/shcheck");
    if place.join("shcheck/shcheck.py").exists() {
        return Ok(());
    }
    let what_for = "tests run a published header checker against the server";
    python_packages(what_for, &place, &[SCANNER])
}

/// Sees to it that the published fuzzer of APIs is where tests look for it, `target/tools/schemathesis`, with all it needs.
pub(crate) fn schemathesis() -> Outcome {
    let place = root().join("target/tools/schemathesis");
    if place.join("schemathesis/cli/__main__.py").exists() {
        return Ok(());
    }
    let pinned = root().join("crates/cloakroom-server/tests/server/standards/schemathesis/requirements.txt");
    let what_for = "tests run a published fuzzer against the server";
    python_packages(what_for, &place, &["--requirement", &pinned.to_string_lossy()])
}

/// Puts packages into a directory of their own, those that are named and none besides.
fn python_packages(what_for: &str, place: &Path, packages: &[&str]) -> Outcome {
    program("python3", "python3", what_for)?;
    if !succeeds(&mut command("python3", ["-m", "pip", "--version"])) {
        install("python3 -m pip", "python3-pip", what_for)?;
    }
    let mut pip = command(
        "python3",
        [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--retries=1",
            "--timeout=30",
            "--target",
        ],
    );
    to_end(pip.arg(place).args(packages))
}

/// The accessibility checker that tests run in the browser, and the one version of it whose rules they were read with.
const AXE: &str = "axe-core@4.14.1";

/// Sees to it that axe-core is where tests look for it, `target/tools/axe`. Nothing of it is run but in the browser.
pub(crate) fn accessibility() -> Outcome {
    let place = root().join("target/tools/axe");
    if place.join("node_modules/axe-core/axe.min.js").exists() {
        return Ok(());
    }
    program("npm", "npm", "tests look for barriers with axe-core")?;
    let mut npm =
        command("npm", ["install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]);
    to_end(npm.args(["--fetch-retries=1", "--loglevel=error", "--prefix"]).arg(place).arg(AXE))
}

/// Sees to it that pictures of Japanese pages show letters, not boxes, where that is in our hands: no test reads them.
pub(crate) fn japanese_letters() {
    let has_any = output(&mut command("fc-list", [":lang=ja"])).is_ok_and(|fonts| !fonts.trim().is_empty());
    if !has_any && let Err(why) = install("fc-list :lang=ja", "fonts-ipafont-gothic", "pictures of Japanese pages") {
        println!("pictures of Japanese pages will show boxes: {why}");
    }
}

fn install(program: &str, package: &str, what_for: &str) -> Outcome {
    let is_root = output(&mut command("id", ["-u"])).is_ok_and(|id| id.trim() == "0");
    if !is_root || !succeeds(&mut command("apt-get", ["--version"])) {
        return Err(format!("`{program}` is missing ({what_for}): install it, on Debian `apt-get install {package}`"));
    }
    println!("`{program}` is missing ({what_for}): installing {package}");
    let mut update = command("apt-get", ["update", "--quiet"]);
    to_end(&mut update)?;
    let mut install = command("apt-get", ["install", "--yes", "--no-install-recommends", "--quiet", package]);
    to_end(install.env("DEBIAN_FRONTEND", "noninteractive"))
}
