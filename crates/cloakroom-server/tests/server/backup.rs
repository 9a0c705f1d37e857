//! Backups and the way back: whole, nobody else's to read, never over something, and nobody comes back with them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use testbed::postgres::Cluster;

use crate::client::Client;
use crate::process::{PASSWORD, Place};

#[track_caller]
fn done(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Exit 1, nothing on stdout, and the one line that says why.
#[track_caller]
fn refused(output: Output) -> String {
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

fn json(output: Output) -> serde_json::Value {
    serde_json::from_str(&done(output)).unwrap()
}

/// What this browser is told at a server that is started for it.
fn status_after_start(place: &Place, client: &Client) -> u16 {
    let server = place.serve();
    let status = client.at(server.address()).status();
    server.stop();
    status
}

/// The names in the directory that begin with the database's, or are of a file in the making.
fn files(place: &Place) -> Vec<String> {
    let names = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("cloakroom.db") || name.contains(".part")).collect();
    names.sort();
    names
}

/// Ends the others also where an assertion fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_backup_is_whole_while_people_log_in_and_out() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let over = Over(&is_over);
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(server.logged_in("ada").post("/api/v1/logout").status, 204);
            }
        });
        for name in ["one.db", "two.db", "three.db"] {
            let said = done(place.run(&["backup", name]));
            assert!(said.contains("read back and whole (accounts 1, "), "{said}");
            assert_eq!(fs::metadata(place.file(name)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        drop(over);
    });
    let json = json(place.run(&["backup", "four.db", "--json"]));
    assert_eq!(
        (json["tables"]["accounts"].as_u64(), json["tables"]["sessions"].as_u64()),
        (Some(1), Some(0)),
        "{json}"
    );
    assert!(files(&place).iter().all(|name| !name.contains(".part")), "{:?}", files(&place));
}

#[test]
fn a_backup_is_never_written_over_something_that_is_wanted() {
    let place = Place::new().with_account("ada");
    fs::write(place.file("kept.txt"), "kept").unwrap();
    fs::create_dir(place.file("directory")).unwrap();
    let server = place.serve();
    for (args, why) in [
        (&["backup", "kept.txt"][..], "it exists; name another file, or overwrite it with --yes"),
        (&["backup", "directory", "--yes"], "there is something that is no file"),
        (&["backup", "cloakroom.db", "--yes"], "it belongs to the database itself"),
        (&["backup", "./cloakroom.db-wal", "--yes"], "it belongs to the database itself"),
        (&["backup", "missing/backup.db"], "No such file or directory"),
        (&["--database", "sqlite:nowhere.db", "backup", "backup.db"], "the file does not exist"),
    ] {
        let said = refused(place.run(args));
        assert!(said.contains(why), "{args:?}: {said}");
    }
    assert_eq!(fs::read_to_string(place.file("kept.txt")).unwrap(), "kept");
    assert_eq!(server.client().get("/readyz").status, 200);
    done(place.run(&["backup", "kept.txt", "--yes"]));
    assert!(fs::read(place.file("kept.txt")).unwrap().starts_with(b"SQLite format 3\0"));
}

#[test]
fn who_was_logged_out_since_the_backup_stays_out_and_so_does_everybody_else() {
    let place = Place::new().with("SESSION__VALIDATION", "leased").with_account("ada");
    let server = place.serve();
    let (stays, mut leaves) = (server.logged_in("ada"), server.logged_in("ada"));
    let left = leaves.clone();
    done(place.run(&["backup", "backup.db"]));
    assert_eq!(leaves.post("/api/v1/logout").status, 204);

    let said = refused(place.run(&["restore", "backup.db", "--yes"]));
    assert!(said.contains(&format!("process {} has it open; stop the server first", server.id())), "{said}");
    server.stop();
    let given_out: i64 = place.sqlite("SELECT seq FROM sqlite_sequence WHERE name = 'session_feed'").parse().unwrap();

    let said = refused(place.run(&["restore", "backup.db"]));
    assert!(said.contains("Replace sqlite:cloakroom.db with backup.db (accounts 1, sessions 2, "), "{said}");
    let said = done(place.run(&["restore", "backup.db", "--yes"]));
    assert!(said.contains("ended 2 sessions: who was logged out since the backup stays out\n"), "{said}");
    assert!(said.contains("what was there before is cloakroom.db.replaced-"), "{said}");
    assert_eq!(place.rows(), 0);
    let everyone = "SELECT all_ended_at FROM session_subjects WHERE subject = ''";
    assert!(
        place.sqlite(everyone).parse::<i64>().unwrap() > given_out,
        "a login from before the restore is one of before"
    );
    assert_eq!((status_after_start(&place, &stays), status_after_start(&place, &left)), (401, 401));

    // The other way was asked for by name.
    let json = json(place.run(&["restore", "backup.db", "--yes", "--keep-sessions", "--json"]));
    assert_eq!((json["sessions_kept"].as_u64(), json["sessions_ended"].is_null()), (Some(2), true), "{json}");
    assert_eq!((status_after_start(&place, &stays), status_after_start(&place, &left)), (200, 200));
    let replaced = json["replaced"].as_str().unwrap().to_owned();
    assert!(files(&place).contains(&replaced), "{replaced}: {:?}", files(&place));
    done(place.run(&["restore", &replaced, "--yes"]));
}

#[test]
fn a_backup_that_is_broken_changes_nothing() {
    let place = Place::new().with_account("ada");
    done(place.run(&["backup", "backup.db"]));
    let whole = fs::read(place.file("backup.db")).unwrap();
    fs::write(place.file("short.db"), &whole[..whole.len() / 2]).unwrap();
    let mut hole = whole.clone();
    hole[5000..9000].fill(0x5a);
    fs::write(place.file("hole.db"), &hole).unwrap();
    fs::write(place.file("text.db"), "no database, but as long as it needs to be".repeat(100)).unwrap();
    fs::write(place.file("empty.db"), "").unwrap();
    let before = files(&place);
    for (file, why) in [
        ("short.db", "it is damaged"),
        ("hole.db", "it is damaged"),
        ("text.db", "no SQLite database"),
        ("empty.db", "Cloakroom's tables are not in it"),
        ("missing.db", "No such file"),
    ] {
        let said = refused(place.run(&["restore", file, "--yes"]));
        assert!(said.contains(why) && said.contains("take another one"), "{file}: {said}");
    }
    assert_eq!(files(&place), before);
    assert!(done(place.run(&["account", "list"])).contains("ada"));
}

#[test]
fn a_damaged_or_missing_database_is_replaced_and_what_belonged_to_it_stays_with_it() {
    let place = Place::new().with_account("ada");
    done(place.run(&["backup", "backup.db"]));
    fs::write(place.file("cloakroom.db"), "damaged".repeat(1000)).unwrap();
    fs::set_permissions(place.file("cloakroom.db"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(place.file("cloakroom.db-wal"), "left over").unwrap();
    done(place.run(&["restore", "backup.db", "--yes"]));
    assert_eq!(fs::metadata(place.file("cloakroom.db")).unwrap().permissions().mode() & 0o777, 0o640);
    let names = files(&place);
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names[1].contains(".replaced-") && names[2].ends_with("-wal"), "{names:?}");
    assert_eq!(fs::read_to_string(place.file(&names[2])).unwrap(), "left over");
    assert!(done(place.run(&["account", "list"])).contains("ada"));

    fs::remove_file(place.file("cloakroom.db")).unwrap();
    done(place.run(&["restore", "backup.db"]));
    assert!(done(place.run(&["account", "list"])).contains("ada"));
}

#[test]
fn a_postgresql_server_is_restored_with_its_own_programs_and_nobody_comes_back() {
    let cluster = Cluster::shared();
    cluster.psql("postgres", "CREATE DATABASE restored").unwrap();
    let place = Place::new().with("DATABASE__URL", &cluster.url("restored")).with("SESSION__VALIDATION", "leased");
    done(place.run(&["migrate", "up"]));
    let place = place.with_account("ada");
    for (args, command) in [
        (&["backup", "x.dump"][..], "pg_dump --format=custom --file=x.dump --host=127.0.0.1"),
        (&["restore", "x.dump"], "pg_restore --clean --if-exists --single-transaction --host=127.0.0.1"),
    ] {
        let said = refused(place.run(args));
        assert!(said.contains(command) && !said.contains(cluster.password()), "{said}");
    }
    // An instance that somebody forgot to stop: it has both sessions in memory.
    let server = place.serve();
    let (mut stays, mut leaves) = (server.logged_in("ada"), server.logged_in("ada"));
    let mut left = leaves.clone();
    assert_eq!((stays.status(), left.status()), (200, 200));
    let dump = place.file("restored.dump");
    done(cluster.program("pg_dump").args(["--format=custom", "--file"]).arg(&dump).arg("restored").output().unwrap());
    assert_eq!(leaves.post("/api/v1/logout").status, 204);
    assert_eq!((stays.status(), left.status()), (200, 401));
    let mut restore = cluster.program("pg_restore");
    restore.args(["--clean", "--if-exists", "--single-transaction", "--dbname=restored"]).arg(&dump);
    done(restore.output().unwrap());
    assert_eq!(cluster.psql("restored", "SELECT count(*) FROM sessions").unwrap(), "2", "both are back in the table");
    done(place.run(&["session", "end", "--everyone", "--yes"]));
    assert_eq!((stays.status(), left.status()), (401, 401));
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 200, "and life goes on");
    server.stop();
}
