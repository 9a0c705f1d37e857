//! Who asks for it is answered when no instance serves any more what ended: a thousand tries, and not one exception.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cloakroom_core::world::PredictableRandom;
use testbed::wire::Wire;

use crate::leased::{LEASE, Line, Planted, leasing, seeded};
use crate::site::{INSTANCES, Site, place};

const TRIES: usize = 1_000;
/// At once, as each waits longer than a lease.
const AT_ONCE: usize = 100;
const WAYS: usize = 6;

/// What a command is told, about somebody's session.
type Arguments<'a> = &'a dyn Fn(&Planted) -> Vec<String>;

/// Ends the second of somebody's two sessions in one of the ways; what the answer says of the wait.
fn end(line: &mut Line, way: usize, actor: &Planted, ended: &Planted) -> u64 {
    let id = &ended.id;
    let (method, path, whose, expected) = match way {
        0 => ("DELETE", format!("/api/v1/sessions/{id}?everywhere=true"), actor, 200),
        1 => ("DELETE", "/api/v1/sessions?scope=others&everywhere=true".to_owned(), actor, 200),
        2 => ("POST", "/api/v1/logout?everywhere=true".to_owned(), ended, 200),
        3 => ("POST", format!("/account/sessions/{id}/end"), actor, 303),
        4 => ("POST", "/account/sessions/end-others".to_owned(), actor, 303),
        _ => ("DELETE", format!("/api/v1/sessions/{id}?everywhere=true"), ended, 200),
    };
    let is_button = path.starts_with("/account/");
    let (status, head, body) = if is_button { line.press(&path, whose) } else { line.request(method, &path, whose) };
    assert_eq!(status, expected, "{method} {path}: {head}{body}");
    let timing = head.lines().find_map(|line| line.strip_prefix("server-timing: everywhere;dur="));
    let waited = timing.unwrap_or_else(|| panic!("{path}: {head}")).parse().unwrap();
    if status == 200 {
        let said: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(said["waited_ms"], waited, "{body}");
    } else {
        assert!(head.contains(&format!("location: /account?waited_ms={waited}")), "{head}");
    }
    waited
}

/// So many tries, spread over ways and instances; `is_refused` judges what instances say right after the answer.
fn tries(site: &Site, count: usize, random: &PredictableRandom, ends_at: &(dyn Fn(usize) -> usize + Sync)) -> usize {
    let subjects: Vec<_> = (0..2 * count).map(|number| format!("everywhere-{}", number / 2)).collect();
    let planted = site.plant(&subjects, random);
    let (next, least) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let one_after_the_other = || {
        let mut lines = site.lines();
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let Some([actor, ended]) = planted.chunks(2).nth(number) else { return };
            for line in &mut lines {
                // An instance that is cut off cannot say.
                assert!(matches!(line.ask(ended), 200 | 503));
            }
            let waited = end(&mut lines[ends_at(number)], number % WAYS, actor, ended);
            least.fetch_min(usize::try_from(waited).unwrap(), Ordering::SeqCst);
            for (at, line) in lines.iter_mut().enumerate() {
                let status = line.ask(ended);
                assert!(matches!(status, 401 | 503), "try {number}, instance {at}: {status}");
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(count) {
            scope.spawn(one_after_the_other);
        }
    });
    least.into_inner()
}

#[test]
fn a_thousand_tries_and_no_exception() {
    let (site, random) = (Site::leased_alone(), seeded());
    let least = tries(&site, TRIES, &random, &|number| number % INSTANCES);
    println!("{TRIES} tries, each waited {least} ms or more");
    assert!(least as u128 >= LEASE.as_millis());
}

#[test]
fn it_holds_while_an_instance_is_cut_off() {
    let (site, random) = (Site::leased_alone(), seeded());
    for cut in [Wire::refuse as fn(&Wire), Wire::freeze, Wire::cut] {
        // In memory there, as the tries' own are not when it is cut off.
        let held = site.plant(&["held".to_owned(), "held".to_owned()], &random);
        let mut lines = site.lines();
        for line in &mut lines {
            assert_eq!((line.ask(&held[0]), line.ask(&held[1])), (200, 200));
        }
        cut(&site.instances[0].wire);
        end(&mut lines[1], 0, &held[0], &held[1]);
        for line in &mut lines {
            assert!(matches!(line.ask(&held[1]), 401 | 503));
        }
        tries(&site, 30, &random, &|number| 1 + number % 2);
        site.instances[0].wire.pass();
    }
}

#[test]
fn commands_wait_and_say_so() {
    let (site, random) = (Site::leased(), seeded());
    let leased = leasing(place(&site.cluster, site.cluster.port()));
    let ways: [Arguments<'_>; 3] = [
        &|planted| vec!["session".into(), "end".into(), planted.id.clone()],
        &|planted| vec!["session".into(), "end".into(), "--subject".into(), planted.subject.clone()],
        &|_| ["session", "end", "--everyone", "--yes"].map(str::to_owned).to_vec(),
    ];
    for way in ways {
        let planted = site.planted("somebody", &random);
        let args = way(&planted);
        let output = leased.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.contains("refused on every instance (waited 1."), "{args:?}: {said}");
        for line in &mut site.lines() {
            assert_eq!(line.ask(&planted), 401, "{args:?}");
        }
    }
}
