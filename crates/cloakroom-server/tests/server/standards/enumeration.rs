//! ASVS 5.0 6.3.8: neither text nor time says whether a login name exists. How long answers take is printed, never judged: a busy machine
//! would decide. That each costs the same work is judged where hashes are counted (`two_hundred_attempts_of_each_kind_cost_two_hundred_hashes`).

use std::time::Duration;

use crate::client::Answer;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

const ATTEMPTS: usize = 200;
/// So few of them for each name that none is throttled.
const OF_A_NAME: usize = 5;

/// An answer without what differs from one to the next by its nature: ids and dates.
fn bytes(answer: Answer) -> (u16, Vec<(String, String)>, String) {
    let id = answer.header("x-request-id").unwrap_or_default().to_owned();
    let headers = answer.headers.into_iter().filter(|(name, _)| name != "x-request-id" && name != "date").collect();
    (answer.status, headers, answer.body.replace(&id, "ID"))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "prints how long answers take; decides nothing")]
fn two_hundred_attempts_of_each_kind_are_equal_byte_for_byte() {
    let place = Place::new().with("LOGIN__NETWORK_FAILURES", "1000").with_account("ada");
    // A right account a name: w00 to w39, and g00 to g39, which are disabled.
    place.sqlite(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39)
        INSERT INTO accounts (subject, login_name, password_hash, role, created_at, password_changed_at, disabled_at)
        SELECT printf('%s%02d', kind, i), printf('%s%02d', kind, i), password_hash, role, created_at, password_changed_at, disabled
        FROM n, accounts, (SELECT 'w' AS kind, NULL AS disabled UNION ALL SELECT 'g', 1)",
    );
    let server = place.serve();
    let kinds = [("n", PASSWORD), ("w", OTHER_PASSWORD), ("g", PASSWORD)];
    let (mut seen, mut taken) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
    // By turns, so that whatever else the machine does falls on all of them.
    for attempt in 0..ATTEMPTS {
        for ((kind, password), taken) in kinds.iter().zip(&mut taken) {
            let name = format!("{kind}{:02}", attempt / OF_A_NAME);
            let since = std::time::Instant::now();
            let answer = if attempt % 2 == 0 {
                server.client().log_in(&name, password)
            } else {
                server.client().form("/login", &[("login_name", &name), ("password", password)])
            };
            taken.push(since.elapsed());
            let (status, headers, body) = bytes(answer);
            // The form comes back with the name that was typed, which the visitor knows; all have three letters.
            seen.push((attempt % 2, status, headers, body.replace(&format!("value=\"{name}\""), "value=\"NAME\"")));
        }
    }
    assert_eq!(seen.len(), 3 * ATTEMPTS);
    for kind in [0, 1] {
        let mut of_kind = seen.iter().filter(|(found, ..)| *found == kind);
        let first = of_kind.next().unwrap();
        assert_eq!(first.1, 401);
        assert!(of_kind.all(|other| other == first), "answers differ");
    }
    let medians = taken.map(|mut taken| {
        taken.sort();
        taken[ATTEMPTS / 2]
    });
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    let apart = most.checked_sub(*least).unwrap_or(Duration::ZERO).as_secs_f64() / least.as_secs_f64();
    println!("medians of {ATTEMPTS}, unknown, wrong, disabled: {medians:?}; {:.1} % apart", 100.0 * apart);
    assert_eq!(place.rows(), 0);
}
