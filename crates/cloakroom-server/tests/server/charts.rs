//! What is measured reaches the table, and the charts of it administrators, and nobody else.

use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind, resume_unwind};

use cloakroom::world::SystemClock;
use cloakroom_core::measurement::Resolution;
use cloakroom_core::world::Clock as _;
use testbed::postgres::Cluster;

use crate::client::Answer;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place, Server};

const CHARTS: &str = "/admin/charts";

fn place() -> Place {
    let place = Place::new().with_account("ada");
    let added = place.run_with_input(&["account", "add", "root", "--admin", "--password-stdin"], PASSWORD);
    assert!(added.status.success(), "{added:?}");
    place
}

/// Runs `test` within one bucket of five minutes: servers write at its end, and what charts show moves on. One that fails across an end
/// is run once more, when the next end is far.
fn within_a_bucket(test: impl Fn() + UnwindSafe + RefUnwindSafe) {
    let bucket = || Resolution::FiveMinutes.bucket_of(SystemClock.now());
    let began = bucket();
    match catch_unwind(&test) {
        Err(_) if bucket() != began => test(),
        Err(failed) => resume_unwind(failed),
        Ok(()) => {}
    }
}

/// One value of every name and bucket there may be, of `ended` their start.
fn fill(place: &Place, value: &str) {
    let names: Vec<_> = cloakroom_core::measurement::Measure::all().map(|measure| format!("('{measure}')")).collect();
    for (seconds, buckets) in [(300, 576), (3_600, 744)] {
        place.sqlite(&format!(
            "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {buckets}), \
             names (name) AS (VALUES {}) INSERT INTO measurements SELECT {seconds}, \
             (unixepoch() / {seconds} - n) * {seconds} * 1000, name, {value} FROM number, names",
            names.join(", ")
        ));
    }
}

fn shown(server: &Server, language: &str, span: &str) -> Answer {
    let mut root = server.logged_in("root").with_header(&format!("accept-language: {language}"));
    let page = root.get(&format!("{CHARTS}{span}"));
    assert_eq!(page.status, 200, "{page:?}");
    page
}

/// The cells of each row of the table with this caption's start.
fn table(page: &Answer, caption: &str) -> Vec<Vec<String>> {
    let is_it =
        |table: &&str| table.split("</caption>").next().is_some_and(|text| text.contains(&format!(">{caption}")));
    let table = page.body.split("<table>").skip(1).find(is_it).unwrap();
    let body = table.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
    let cells = |row: &str| {
        let cells = row.split("<td>").skip(1);
        cells.map(|cell| cell.split('<').next().unwrap().to_owned()).collect()
    };
    body.split("<tr>").skip(1).map(cells).collect()
}

fn count(place: &Place, name: &str) -> String {
    let sums = format!(
        "SELECT group_concat(coalesce((SELECT sum(value) FROM measurements WHERE resolution = r AND name GLOB '{name}'), 'none'), ' ') \
         FROM (SELECT 300 AS r UNION SELECT 3600)"
    );
    place.sqlite(&sums)
}

#[test]
fn what_a_server_saw_is_written_when_it_stops() {
    within_a_bucket(|| {
        let place = place();
        let server = place.serve();
        let mut ada = server.logged_in("ada");
        assert_eq!(server.client().log_in("ada", OTHER_PASSWORD).status, 401);
        for _ in 0..9 {
            assert_eq!(ada.status(), 200);
        }
        let _root = server.logged_in("root");
        assert_eq!(ada.post("/logout").status, 303);
        server.stop();
        // Of both resolutions. The ten requests with a cookie were timed, the logins without one were not.
        for (name, wanted) in [
            ("logins.succeeded", "2 2"),
            ("logins.refused", "1 1"),
            ("logins.throttled", "0 0"),
            ("logins.busy", "0 0"),
            ("ends.logout", "1 1"),
            ("validations.*", "10 10"),
        ] {
            assert_eq!(count(&place, name), wanted, "{name}");
        }
        assert_eq!(place.sqlite("SELECT max(value) FROM measurements WHERE name = 'active_sessions'"), "1");
        // The next process adds to it, and finds what was removed by hand.
        place.sqlite("DELETE FROM sessions");
        let server = place.serve();
        let _ada = server.logged_in("ada");
        server.stop();
        for (name, wanted) in [("logins.succeeded", "3 3"), ("ends.by_hand", "1 1"), ("ends.logout", "1 1")] {
            let found = count(&place, name);
            assert_eq!(found, wanted, "{name}");
        }
    });
}

#[test]
fn two_servers_on_one_postgres_write_one_row() {
    within_a_bucket(|| {
        let schema = Cluster::shared().fresh_schema().unwrap();
        let place =
            Place::new().with("DATABASE__URL", &schema.url()).with("DATABASE__MIGRATE", "true").with_account("ada");
        let servers = [place.serve(), place.serve()];
        for server in &servers {
            let mut ada = server.logged_in("ada");
            assert_eq!(ada.post("/logout").status, 303);
            assert_eq!(server.client().log_in("ada", OTHER_PASSWORD).status, 401);
        }
        for server in servers {
            server.stop();
        }
        let sum = |name: &str| {
            let sum = format!("SELECT sum(value) FROM measurements WHERE resolution = 3600 AND name = '{name}'");
            schema.psql(&sum).unwrap().trim().to_owned()
        };
        let found = ["logins.succeeded", "logins.refused", "ends.logout", "active_sessions"].map(sum);
        assert_eq!(found, ["2", "2", "2", "0"], "added up, but what ended is counted once");
    });
}

#[test]
fn the_charts_show_what_is_in_the_table_in_both_languages() {
    within_a_bucket(|| {
        let place = place();
        fill(&place, "CASE name WHEN 'active_sessions' THEN 1234 WHEN 'ends.idle' THEN 2 ELSE 1 END");
        // Three hours in which nobody measured.
        place.sqlite("DELETE FROM measurements WHERE resolution = 300 AND bucket >= (unixepoch() / 3600 - 5) * 3600000 AND bucket < (unixepoch() / 3600 - 2) * 3600000");
        let server = place.serve();
        for (language, span, captions, each) in [
            ("en", "", ["Active sessions", "Sign-ins by outcome", "Ended sessions by reason", "Time to check"], 12),
            ("ja", "?span=30d", ["有効なセッション", "ログインの結果", "終了したセッション", "セッションの確認"], 24),
        ] {
            let page = shown(&server, language, span);
            assert_eq!(page.body.matches("<svg class=\"chart\"").count(), 4);
            assert_eq!(page.body.matches("role=\"img\"").count(), 4);
            assert_eq!(page.body.matches("<caption ").count(), 4);
            assert_eq!(page.header("cache-control"), Some("no-store"));
            assert!(!page.body.contains(" style=") && !page.body.contains("<style") && !page.body.contains("todo"));
            assert!(page.body.contains("1,234"), "{}", page.body);
            let [active, logins, ends, times] = captions.map(|caption| table(&page, caption));
            let whole = |rows: &[Vec<String>], wanted: &[String]| rows.iter().any(|row| row == wanted);
            assert!(whole(&active, &["1,234".to_owned()]));
            assert!(whole(&logins, &[each, each, each, each, 4 * each].map(|count| count.to_string())), "{logins:?}");
            let of_ends = ends.iter().find(|row| row.last() == Some(&(14 * each).to_string())).unwrap();
            assert_eq!(of_ends.iter().filter(|cell| **cell == (2 * each).to_string()).count(), 1, "idle");
            assert_eq!(of_ends.len(), 13 + 1);
            let fast = ["5 ms".to_owned(), "1 s".to_owned(), (17 * each).to_string()];
            assert!(times.iter().any(|row| row[1..] == fast[1..]), "{times:?}");
            let gaps = logins.iter().filter(|row| row.iter().all(|cell| cell == "–")).count();
            assert_eq!(gaps, if span.is_empty() { 3 } else { 0 }, "{logins:?}");
        }
        let mut root = server.logged_in("root");
        assert_eq!(root.get(&format!("{CHARTS}?span=1y")).status, 422);
        assert_eq!(root.get(&format!("{CHARTS}?colour=red")).status, 422);
    });
}

#[test]
fn before_anything_was_measured_the_page_says_so() {
    within_a_bucket(|| {
        let place = place();
        let server = place.serve();
        let page = shown(&server, "en", "?span=30d");
        assert!(page.body.contains("Nothing has been measured yet"), "{}", page.body);
        assert_eq!(page.body.matches("class=\"nothing\"").count(), 4);
        // What somebody wrote there by hand, or a later version, is nobody's markup.
        place.sqlite(
            "INSERT INTO measurements VALUES (300, (unixepoch() / 300 - 1) * 300000, '<script>alert(1)</script>', 9)",
        );
        let page = shown(&server, "en", "");
        assert!(page.body.contains("Nothing has been measured yet") && !page.body.contains("<script>"));
        place.sqlite("INSERT INTO measurements VALUES (300, (unixepoch() / 300 - 1) * 300000, 'active_sessions', 9223372036854775807)");
        let page = shown(&server, "en", "");
        assert!(page.body.contains("9,223,372,036,854,775,807") && !page.body.contains("NaN"));
    });
}

#[test]
fn charts_are_for_administrators_alone() {
    let place = place();
    let server = place.serve();
    let answer = server.client().get(CHARTS);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login?return_to=%2Fadmin%2Fcharts")));
    let answer = server.logged_in("ada").get(CHARTS);
    assert_eq!(answer.status, 403);
    assert!(!answer.body.contains("<svg class=\"chart\""));
    let mut root = server.logged_in("root");
    assert_eq!(root.get(CHARTS).status, 200);
    place.sqlite("UPDATE accounts SET role = 'person' WHERE login_name = 'root'");
    assert_eq!(root.get(CHARTS).status, 403);
}

#[test]
fn a_full_table_is_shown_with_bounded_work() {
    let place = place();
    fill(&place, "abs(random() % 1000000)");
    assert_eq!(place.sqlite("SELECT count(*) FROM measurements"), (35 * (576 + 744)).to_string());
    let server = place.serve();
    let mut root = server.logged_in("root");
    for span in ["24h", "30d"] {
        let began = SystemClock.steady();
        let page = root.get(&format!("{CHARTS}?span={span}"));
        eprintln!("{span}: {} bytes in {:?}", page.body.len(), SystemClock.steady().since(began));
        assert_eq!(page.status, 200);
        assert!(page.body.len() < 200_000, "{} bytes", page.body.len());
    }
    let answered = SystemClock.steady();
    assert_eq!(root.status(), 200);
    eprintln!("a request beside it: {:?}", SystemClock.steady().since(answered));
}
