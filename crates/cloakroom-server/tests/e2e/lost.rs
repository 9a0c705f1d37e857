//! What an instance loses when it is cut off from the database, in every way there is: what was revoked meanwhile is not
//! served, what lives is served until the lease is over and then 503, and afterwards all is as before by itself.

use std::thread;
use std::time::{Duration, Instant};

use crate::client::Answer;
use crate::leased::{LEASE, Line, Planted, seeded, until_refused};
use crate::process::PASSWORD;
use crate::site::{Instance, Site, now, until};

/// From the moment the database can be reached again.
const RECOVERY_MAX: Duration = Duration::from_secs(2);
/// Connections an instance may ask for in a second of an outage.
const ATTEMPTS_MAX: u64 = 18;

/// How long questions and answers are on their way on a slow wire: both together less than an instance waits.
const ON_ITS_WAY: Duration = Duration::from_millis(220);

/// One way of the first instance to be cut off; nobody hints.
struct Loss {
    name: &'static str,
    /// Whether it comes before the end of the session, and lasts.
    begin: fn(&Site),
    end: fn(&Site),
}

const LOSSES: &[Loss] = &[
    Loss { name: "nothing but the hint", begin: |_| {}, end: |_| {} },
    Loss { name: "cut once", begin: |site| site.instances[0].wire.cut(), end: |_| {} },
    Loss { name: "refused", begin: |site| site.instances[0].wire.refuse(), end: pass },
    Loss { name: "half-open", begin: |site| site.instances[0].wire.freeze(), end: pass },
    Loss {
        name: "slower than the lease",
        begin: |site| site.instances[0].wire.delay(Duration::from_millis(1_500)),
        end: pass,
    },
    Loss {
        name: "almost as slow as the lease",
        begin: |site| site.instances[0].wire.delay(Duration::from_millis(200)),
        end: pass,
    },
    Loss {
        name: "pollers terminated",
        begin: |site| {
            let pollers = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE usename = 'cloakroom' AND query LIKE '%session_feed%'";
            assert_ne!(site.psql(pollers), "0");
        },
        end: |_| {},
    },
    Loss {
        name: "restarted",
        begin: |site| {
            site.cluster.stop("fast").unwrap();
            site.cluster.start_server().unwrap();
        },
        end: |_| {},
    },
    Loss {
        name: "crashed and restarted",
        begin: |site| {
            site.cluster.stop("immediate").unwrap();
            site.cluster.start_server().unwrap();
        },
        end: |_| {},
    },
];

fn pass(site: &Site) {
    site.instances[0].wire.pass();
}

#[test]
fn who_was_revoked_while_an_instance_was_cut_off_is_refused_within_the_lease() {
    let (site, random) = (Site::leased(), seeded());
    for loss in LOSSES {
        let (living, revoked) = (site.planted("living", &random), site.planted("revoked", &random));
        let mut lines = site.lines();
        (loss.begin)(&site);
        site.psql(&format!("DELETE FROM sessions WHERE id = '{}'", revoked.id));
        let ended = now();
        let last: Vec<_> = lines.iter_mut().map(|line| until_refused(line, &revoked, ended, loss.name)).collect();
        println!("{:<30} {last:?}", loss.name);
        assert!(last.iter().all(|(_, status)| matches!(status, 401 | 503)), "{last:?}");
        (loss.end)(&site);
        recovered(&site, &living, now(), loss.name);
        for line in &mut lines {
            assert_eq!(line.ask(&revoked), 401, "{}: and nobody comes back", loss.name);
        }
    }
}

/// The last answer left before the end, came long after it, and nothing came later: its lease counts from its question.
#[test]
fn an_answer_that_was_long_on_its_way_grants_no_more_than_the_lease() {
    let (site, random) = (Site::leased(), seeded());
    for round in 0..4 {
        let (living, revoked) = (site.planted("living", &random), site.planted("revoked", &random));
        let mut line = Line::to(site.instances[0].server.address());
        slow_down(&site, || assert_eq!(line.ask(&revoked), 200), &living);
        // The next question is on its way for as long as its answer will be: between the two, on average.
        thread::park_timeout(ON_ITS_WAY + ON_ITS_WAY * round / 4);
        site.psql(&format!("DELETE FROM sessions WHERE id = '{}'", revoked.id));
        let ended = now();
        site.instances[0].wire.freeze();
        let (last, status) = until_refused(&mut line, &revoked, ended, "a late answer");
        let known = ended.elapsed();
        site.instances[0].wire.pass();
        let recovery = recovered(&site, &living, now(), "a late answer");
        println!("served up to {last:?} after the end, {status} after {known:?}; as before after {recovery:?}");
        assert_eq!(line.ask(&revoked), 401);
    }
}

#[test]
fn an_ending_whose_instance_dies_before_it_hints_is_refused_within_the_lease() {
    let (site, random) = (Site::leased(), seeded());
    let revoked = site.planted("revoked", &random);
    let mut lines = site.lines();
    let dying = &site.instances[2];
    // Committed; the instance never hears of it, and cannot tell anybody.
    dying.wire.cut_answer_before(b"DELETE 1");
    let (status, ..) = lines[2].request("POST", "/api/v1/logout", &revoked);
    dying.server.signal("-KILL");
    assert_eq!((status, dying.wire.was_cut()), (503, true));
    let gone = format!("SELECT count(*) FROM sessions WHERE id = '{}'", revoked.id);
    if site.psql(&gone) == "1" {
        site.psql(&gone.replace("SELECT count(*)", "DELETE")); // it was taken back: somebody else ends it
    }
    let ended = now();
    for line in &mut lines[..2] {
        println!("{:?}", until_refused(line, &revoked, ended, "dead"));
    }
}

#[test]
fn without_the_database_who_lives_is_served_until_the_lease_is_over_and_then_503() {
    let (site, random) = (Site::leased_alone(), seeded());
    let mut is_served = false;
    for mode in ["fast", "immediate"] {
        let living = site.planted("living", &random);
        let mut lines = site.lines();
        let before: Vec<_> = site.instances.iter().map(|instance| instance.wire.attempts()).collect();
        let going = now();
        site.cluster.stop(mode).unwrap();
        let gone = now();
        for (line, instance) in lines.iter_mut().zip(&site.instances) {
            let (last, status) = until_refused(line, &living, gone, "the database is gone");
            is_served |= !last.is_zero();
            println!("{mode}: served up to {last:?} after it was gone, then {status}");
            let (status, head, _) = line.request("GET", "/api/v1/session", &living);
            assert_eq!(status, 503);
            assert!(head.contains("retry-after:") && !head.contains("set-cookie:"), "{head}");
            let ready = instance.server.client().get("/readyz");
            assert!(ready.status == 503 && ready.header("retry-after").is_some() && ready.body.len() > 20, "{ready:?}");
            assert_eq!(instance.server.client().get("/healthz").status, 200);
        }
        while gone.elapsed() < 3 * LEASE {
            assert!(lines.iter_mut().all(|line| line.ask(&living) == 503));
        }
        for (instance, before) in site.instances.iter().zip(&before) {
            let (attempts, taken) = (instance.wire.attempts() - before, going.elapsed());
            println!("{mode}: {attempts} attempts to connect in {taken:?}");
            assert!(attempts <= ATTEMPTS_MAX * (taken.as_secs() + 2), "a storm: {attempts} in {taken:?}");
        }
        site.cluster.start_server().unwrap();
        let recovery = recovered(&site, &living, now(), mode);
        println!("{mode}: as before after {recovery:?}");
        assert!(recovery <= RECOVERY_MAX, "{recovery:?}; {}", site.logs());
    }
    assert!(is_served, "from memory");
}

#[test]
fn a_feed_that_cannot_be_polled_is_said_and_costs_speed_only() {
    let (site, random) = (Site::leased(), seeded());
    let living = site.planted("living", &random);
    site.psql("REVOKE SELECT ON session_feed FROM cloakroom");
    let not_ready = |instance: &Instance| {
        until(now(), "the lease lapses", || {
            let answer = instance.server.client().get("/readyz");
            if answer.status == 503 && answer.body.contains("the feed") { Ok(()) } else { Err(answer) }
        });
    };
    site.instances.iter().for_each(not_ready);
    for line in &mut site.lines() {
        assert_eq!(line.ask(&living), 200, "the database is asked");
    }
    assert!(site.instances[0].metric("cloakroom_feed_poll_errors_total") > 0.0);
    site.psql("GRANT SELECT ON session_feed TO cloakroom");
    recovered(&site, &living, now(), "granted again");
}

/// Puts the first instance on a slow wire, over which it polls. Where its connection gave up on the way, as it may on a busy machine, no
/// new one can be made over such a wire: then from the start.
fn slow_down(site: &Site, mut meanwhile: impl FnMut(), living: &Planted) {
    let instance = &site.instances[0];
    for _ in 0..20 {
        let polls = instance.metric("cloakroom_feed_polls_total");
        instance.wire.delay(ON_ITS_WAY);
        let since = now();
        while since.elapsed() < 20 * ON_ITS_WAY {
            meanwhile();
            if instance.metric("cloakroom_feed_polls_total") >= polls + 2.0 {
                return;
            }
        }
        instance.wire.pass();
        recovered(site, living, now(), "the slow wire");
    }
    panic!("polls do not come through: {}", site.logs());
}

/// How long until every instance says that it is ready, serves from memory again, and logs in.
fn recovered(site: &Site, living: &Planted, since: Instant, what: &str) -> Duration {
    for instance in &site.instances {
        let wanted = |answer: Answer| if answer.status == 200 { Ok(()) } else { Err(answer) };
        let hits = instance.metric("cloakroom_validation_hits_total");
        until(since, what, || {
            wanted(instance.server.client().get("/readyz"))?;
            let mut client = instance.server.client();
            client.token = Some(living.token.clone());
            let last = client.get("/api/v1/session");
            if last.status == 200 && instance.metric("cloakroom_validation_hits_total") > hits {
                Ok(())
            } else {
                Err(last)
            }
        });
        until(since, what, || wanted(instance.server.client().log_in("ada", PASSWORD)));
    }
    since.elapsed()
}
