//! README's first five minutes, followed literally. What cannot be literal is edited, and only this: `cargo run --release` is the
//! binary that was built for the tests, the port is a free one, `…` is a password, the servers are those of the
//! test, and sqlite3 waits for the server's own writes, which whoever types would not meet.

use std::process::{Command, Output};

use testbed::postgres::Cluster;

use crate::process::{PASSWORD, Place, Server};

const README: &str = include_str!("../../../../README.md");
const ADDRESS: &str = "127.0.0.1:8787";

/// The lines of the shell blocks of "Run it", without comments, block by block.
fn blocks() -> Vec<Vec<String>> {
    let section = README.split("\n## Run it\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks
        .map(|block| block.lines().map(|line| line.split(" #").next().unwrap().trim_end().to_owned()).collect())
        .collect()
}

/// Types a line into a shell in the place, after edits each of which must find what it changes.
fn typed(place: &Place, line: &str, edits: &[(&str, &str)]) -> String {
    let line = edits.iter().fold(line.to_owned(), |line, (from, to)| {
        assert!(line.contains(from), "README does not say {from} any more: {line}");
        line.replace(from, to)
    });
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_cloakroom")).parent().unwrap().display().to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell.args(["-e", "-c", &line]).current_dir(place.path()).env("PATH", path).env("LC_ALL", "C");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLOAKROOM_")) {
        shell.env_remove(name);
    }
    let Output { status, stdout, stderr } = shell.output().unwrap();
    assert!(status.success(), "{line}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// The setup link that a server prints first.
fn setup_link(server: &mut Server) -> String {
    let line = (0..3).map(|_| server.line()).find(|line| line.contains("/setup/"));
    line.expect("it prints a link to make the first account").trim().to_owned()
}

#[test]
fn the_first_five_minutes() {
    let blocks = blocks();
    let [run, json, postgres, ..] = &blocks[..] else { panic!("README's blocks: {blocks:?}") };

    // "cargo run --release: serves http://127.0.0.1:8787 on cloakroom.db, and prints a link to make the first account"
    assert_eq!(run[..], ["cargo run --release", "cargo xtask test"], "the second is what runs this");
    let place = Place::new();
    let config = typed(&place, "cloakroom config", &[]);
    assert!(config.contains("listen = \"127.0.0.1:8787\"") && config.contains("\"sqlite:cloakroom.db\""), "{config}");
    let mut server = place.serve();
    assert!(place.file("cloakroom.db").exists());
    let link = setup_link(&mut server);
    let answer = server.client().form(
        &link[link.find("/setup/").unwrap()..],
        &[("login_name", "ada"), ("password", PASSWORD), ("password_again", PASSWORD)],
    );
    assert_eq!(answer.status, 303, "{answer:?}");

    // "The same over JSON"
    let [log_in, session, log_out, delete] = &json[..] else { panic!("{json:?}") };
    let address = server.address().to_owned();
    let log_in = || typed(&place, log_in, &[("…", PASSWORD), (ADDRESS, &address)]);
    let session_at = |address: &str| typed(&place, session, &[(ADDRESS, address)]);
    assert!(log_in().contains("\"session\""));
    assert!(session_at(&address).contains("\"current\":true"));
    assert_eq!(typed(&place, &format!("{log_out} -w '%{{http_code}}'"), &[(ADDRESS, &address)]), "204");
    assert!(session_at(&address).contains("\"status\":401"), "the same cookie is 401 from now on");
    log_in();
    typed(&place, delete, &[("sqlite3 ", "sqlite3 -cmd '.timeout 5000' ")]);
    assert!(session_at(&address).contains("\"code\":\"session_revoked\""), "signs everybody out, on the next request");

    // "On PostgreSQL, as many instances as you like share one database"
    let [export, up, serve, psql, copy] = &postgres[..] else { panic!("{postgres:?}") };
    let schema = Cluster::shared().fresh_schema().unwrap();
    let export = export.replace("postgres://cloakroom@db.example/cloakroom", &format!("'{}'", schema.url()));
    assert!(export.contains(&schema.url()), "{export}");
    assert!(typed(&place, &format!("{export}\n{up}"), &[]).contains("applied 0001_sessions"));
    assert_eq!(serve, "cloakroom serve");
    let elsewhere = Place::new().with("DATABASE__URL", &schema.url()).with_account("grace");
    let instances = [elsewhere.serve(), elsewhere.serve()];
    let client = instances[0].logged_in("grace");
    assert_eq!(client.at(instances[1].address()).status(), 200);
    typed(&place, &format!("{export}\n{psql}"), &[("psql -c", "psql \"$CLOAKROOM_DATABASE__URL\" -c")]);
    for instance in &instances {
        assert_eq!(client.at(instance.address()).status(), 401, "signs everybody out on all of them");
    }

    // "moves here from one file; nobody has to log in again"
    log_in();
    server.stop();
    let target = Cluster::shared().fresh_schema().unwrap();
    typed(&place, copy, &[("postgres://…", &format!("'{}'", target.url()))]);
    let moved = Place::new().with("DATABASE__URL", &target.url());
    let server = moved.serve();
    assert!(session_at(server.address()).contains("\"current\":true"));
    // It is curl's, and holds what must be in no file of ours.
    std::fs::remove_file(place.file("jar")).unwrap();
}
