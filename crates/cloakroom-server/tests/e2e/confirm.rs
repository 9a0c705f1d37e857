//! Step-up with several instances: who confirms at one is confirmed at all, and the old token is good at none.

use crate::client::Client;
use crate::process::PASSWORD;
use crate::site::{INSTANCES, Site};

fn a_confirmation_counts_everywhere(site: &Site) {
    let (mut here, there) = (site.logged_in(), site.logged_in());
    assert_eq!(site.statuses(&here), [200; 2 * INSTANCES]);
    assert_eq!(site.statuses(&there), [200; 2 * INSTANCES]);
    let hour = "- interval '1 hour'";
    site.psql(&format!(
        "UPDATE sessions SET created_at = created_at {hour}, authenticated_at = authenticated_at {hour}, \
         absolute_expires_at = absolute_expires_at {hour}"
    ));
    let old = here.clone();
    let asked = here.submit("/account/sessions/end-others", &[]);
    assert_eq!(asked.status, 403, "{asked:?}");
    let answer = here.submit_from(&asked, "/confirm", &[("password", PASSWORD)]);
    assert_eq!((answer.status, answer.set_cookies().len()), (303, 1), "{answer:?}");
    for (whose, status) in [(&old, 401), (&there, 401), (&here, 200)] {
        assert_eq!(site.statuses(whose), [status; 2 * INSTANCES]);
    }
    let nobodys = "/api/v1/sessions/01890000-0000-7000-8000-000000000000";
    let asks = |mut client: Client| client.delete(nobodys).status;
    assert!(site.everywhere(&here).into_iter().map(asks).all(|status| status == 404), "recent everywhere");
}

#[test]
fn a_confirmation_counts_on_every_instance() {
    a_confirmation_counts_everywhere(&Site::new());
}

#[test]
fn a_confirmation_counts_on_every_leased_instance() {
    a_confirmation_counts_everywhere(&Site::leased());
}
