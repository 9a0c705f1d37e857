//! Days on which the machine is not as it should be: a full disk, a log that cannot be written, a port that is taken, two servers on one
//! file. What happens then is in docs/operations.md.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use testbed::guard::Guard;

use crate::client::{Answer, Client};
use crate::metrics::shown;
use crate::process::{PASSWORD, Place, Server};

/// A small disk of the server's own, with the place's database on it: nobody else sees it, and it is gone with the process.
const SMALL_DISK: &str =
    "mkdir -p disk && mount -t tmpfs -o size=2m tmpfs disk && cp cloakroom.db disk/ && exec \"$0\" \"$@\"";

/// How such a disk can be had here: as root, or as root of a world of one's own. `None` where neither is allowed.
fn small_disk() -> Option<Vec<&'static str>> {
    let ways = [&["unshare", "--mount"][..], &["unshare", "--user", "--map-root-user", "--mount"]];
    ways.into_iter()
        .find(|way| {
            let mut probe = Command::new(way[0]);
            let dir = tempfile::tempdir().unwrap();
            probe.args(&way[1..]).args(["mount", "-t", "tmpfs", "tmpfs"]).arg(dir.path());
            probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        })
        .map(|way| [way, &["sh", "-c", SMALL_DISK]].concat())
}

/// What fills the disk, as the server sees it.
fn filler(place: &Place, server: &Server) -> PathBuf {
    let dir = place.path().strip_prefix("/").unwrap();
    PathBuf::from(format!("/proc/{}/root", server.id())).join(dir).join("disk/filler")
}

fn fill(path: &PathBuf) {
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    for size in [65_536, 4_096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

fn is_kept(answer: &Answer) {
    assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{answer:?}");
    assert!(answer.header("retry-after").is_some() && answer.set_cookies().is_empty(), "{answer:?}");
}

#[test]
fn a_full_disk_stops_writing_and_nothing_else_and_when_there_is_room_all_is_as_before() {
    let Some(disk) = small_disk() else {
        println!("NOT RUN: no disk of its own can be made here, which takes a namespace for mounts");
        return;
    };
    let place = Place::new().with_account("ada");
    let place = place.with("DATABASE__URL", "sqlite:disk/cloakroom.db");
    let server = place.serve_within(&disk);
    let mut client = server.logged_in("ada");
    let mut leaving = server.logged_in("ada");
    let filler = filler(&place, &server);
    fill(&filler);
    // What the log beside the file has room for is still written: a few times at most.
    let refused = (0..20).map(|_| server.client().log_in("ada", PASSWORD)).find(|answer| answer.status != 200);
    is_kept(&refused.expect("a full disk"));
    for _ in 0..3 {
        is_kept(&leaving.post("/api/v1/logout"));
        assert_eq!((client.status(), leaving.status()), (200, 200), "who is logged in is served");
    }
    assert_eq!((client.get("/readyz").status, client.get("/healthz").status), (200, 200), "others can do no better");
    assert!(server.log().contains("database or disk is full"), "{}", server.log());
    fs::remove_file(&filler).unwrap();
    assert_eq!(leaving.post("/api/v1/logout").status, 204, "as soon as there is room");
    assert_eq!((client.status(), leaving.status()), (200, 401));
    assert_eq!(server.logged_in("ada").status(), 200);
    server.signal("-TERM");
    server.stop_waiting();
}

#[test]
fn a_disk_that_is_full_at_the_start_is_one_line() {
    let Some(mut disk) = small_disk() else {
        println!("NOT RUN: no disk of its own can be made here, which takes a namespace for mounts");
        return;
    };
    let place = Place::new().with_account("ada").with("DATABASE__URL", "sqlite:disk/cloakroom.db");
    let full = SMALL_DISK.replace("&& exec", "&& { cat /dev/zero > disk/filler 2> /dev/null; exec") + "; }";
    *disk.last_mut().unwrap() = &full;
    let binary = env!("CARGO_BIN_EXE_cloakroom");
    let output = place.around(&[&disk[..], &[binary, "serve", "--listen", "127.0.0.1:0"]].concat()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.lines().any(|line| line.starts_with("cloakroom: ") && line.contains("make room")), "{said}");
    assert!(said.contains("\"cause\""), "and the log has more: {said}");
}

/// A server whose output goes elsewhere, on a port that was free a moment ago.
struct Elsewhere {
    child: Child,
    _guard: Guard,
}

impl Elsewhere {
    fn start(place: &Place, stdout: Stdio, stderr: Stdio) -> (Self, Client, Client) {
        let (serving, metrics) = (free(), free());
        let mut command = place.command(&["serve", "--listen", &serving]);
        command.env("CLOAKROOM_METRICS__LISTEN", &metrics).env("CLOAKROOM_STOP__DELAY", "0s");
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn().unwrap();
        let guard = Guard::over(&child).unwrap();
        let mut here = Self { child, _guard: guard };
        while std::net::TcpStream::connect(&serving).is_err() {
            assert!(here.child.try_wait().unwrap().is_none(), "it ended");
            std::thread::yield_now();
        }
        (here, Client::new(&serving), Client::new(&metrics))
    }

    fn stop(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens on now.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_log_that_cannot_be_written_keeps_nobody_from_serving_and_its_lines_are_counted() {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    // A pipe whose reader has gone.
    let gone = || {
        let mut reader = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        let pipe = reader.stdin.take().unwrap();
        reader.wait().unwrap();
        Stdio::from(pipe)
    };
    for output in [[full(), full()], [gone(), gone()]] {
        let place = Place::new().with_account("ada");
        let [stdout, stderr] = output;
        let (server, mut client, metrics) = Elsewhere::start(&place, stdout, stderr);
        assert_eq!(client.log_in("ada", PASSWORD).status, 200);
        assert_eq!(client.get("/account").status, 200);
        assert_eq!(client.post("/api/v1/logout").status, 204);
        let text = shown(&metrics);
        let lost = text.lines().find_map(|line| line.strip_prefix("cloakroom_log_lines_lost_total ")).unwrap();
        assert!(lost.parse::<u32>().unwrap() >= 4, "{text}");
        server.stop();
        let events = "SELECT group_concat(kind) FROM security_events";
        assert!(place.sqlite(events).contains("authn_login_success,session_logout"), "they are in the database");
    }
}

#[test]
fn a_port_that_is_taken_is_one_line_that_names_the_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (key, listen, metrics) in
        [("listen", address.as_str(), "127.0.0.1:0"), ("metrics.listen", "127.0.0.1:0", &address)]
    {
        let place = Place::new().with("METRICS__LISTEN", metrics);
        let output = place.run(&["serve", "--listen", listen]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true), "{said}");
        let line = format!(
            "cloakroom: cannot listen on {address}: Address already in use (os error 98); stop what does, or set {key}\n"
        );
        assert!(said.ends_with(&line), "{said}");
    }
}

#[test]
fn two_servers_on_one_file_share_it_and_lose_nothing() {
    let place = Place::new().with_account("ada");
    let servers = [place.serve(), place.serve()];
    let ended = std::thread::scope(|scope| {
        let rounds = servers.each_ref().map(|here| {
            let (here, servers) = (here, &servers);
            scope.spawn(move || {
                for _ in 0..15 {
                    let mut client = here.logged_in("ada");
                    for server in servers {
                        assert_eq!(client.at(server.address()).status(), 200, "seen by both at once");
                    }
                    let copied = client.clone();
                    assert_eq!(client.post("/api/v1/logout").status, 204);
                    for server in servers {
                        assert_eq!(copied.at(server.address()).status(), 401, "refused by both at once");
                    }
                }
            })
        });
        rounds.map(|round| round.join().unwrap()).len()
    });
    assert_eq!((ended, place.rows()), (2, 0));
    let [first, second] = servers;
    first.stop();
    assert_eq!(second.logged_in("ada").status(), 200, "one goes, the other goes on");
    second.stop();
    assert_eq!(place.sqlite("PRAGMA integrity_check"), "ok");
    assert_eq!(place.sqlite("SELECT count(*) FROM security_events WHERE kind = 'session_logout'"), "30");
}

#[test]
fn a_file_that_becomes_read_only_is_refused_at_the_next_start_only() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let file = place.file("cloakroom.db");
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    assert_eq!(client.status(), 200);
    assert_eq!(client.post("/api/v1/logout").status, 204, "what is open stays open");
    server.stop();
    let output = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("allow this user to write"), "{said}");
}
