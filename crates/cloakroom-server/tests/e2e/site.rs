//! A whole site: PostgreSQL, three instances with a wire each, and the balancer in front.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

use testbed::balancer::Balancer;
use testbed::postgres::Cluster;
use testbed::wire::Wire;

use crate::client::{Answer, Client};
use crate::leaks;
use crate::process::{PASSWORD, Place, Server};

/// How many instances there are.
pub(crate) const INSTANCES: usize = 3;
/// After this long a test that waits for something has failed. Nothing is decided by it otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A request, and what a failed test calls it.
pub(crate) type Ask = (&'static str, fn(&mut Client) -> Answer);

/// How long an asker leaves a server alone that has refused: far less than browsers do.
const PAUSE: Duration = Duration::from_millis(10);

/// One instance and its wire to the database.
pub(crate) struct Instance {
    pub(crate) server: Server,
    pub(crate) wire: Wire,
    pub(crate) place: Place,
    /// Where it shows its metrics, if it does.
    pub(crate) metrics: Option<Client>,
}

/// Fields are dropped in this order: what asks before what is asked.
pub(crate) struct Site {
    pub(crate) balancer: Balancer,
    pub(crate) instances: Vec<Instance>,
    /// Commands from here go to the database past the wires.
    pub(crate) outside: Place,
    pub(crate) cluster: Cluster,
    _turn: Turn,
}

/// Tests that measure have the suite to themselves: another site's restart on the same processors would be measured too.
static TURNS: RwLock<()> = RwLock::new(());

/// Held as long as the site is there.
#[expect(dead_code, reason = "held, not read")]
pub(crate) enum Turn {
    Beside(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

impl Turn {
    pub(crate) fn beside() -> Self {
        Self::Beside(TURNS.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn alone() -> Self {
        Self::Alone(TURNS.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Site {
    /// With the account `ada`. The instances' role is no superuser, to whom limits would not apply.
    pub(crate) fn new() -> Self {
        Self::made_of(Turn::beside(), Instance::start)
    }

    /// The same, while no other test has a site.
    pub(crate) fn alone() -> Self {
        Self::made_of(Turn::alone(), Instance::start)
    }

    /// The same, with instances that are directly at the database.
    pub(crate) fn alone_without_wires() -> Self {
        Self::made_of(Turn::alone(), |cluster| Instance::reaching(cluster, |_| cluster.port()))
    }

    /// The same, with instances that serve on for a while when they are told to stop, as they do by default.
    pub(crate) fn made_to_stop_slowly() -> Self {
        Self::made_of(Turn::alone(), |cluster| {
            let wire = Wire::to(cluster.port()).unwrap();
            let place = place(cluster, wire.port()).with("STOP__DELAY", "2s").with("LOG__FILTER", "info");
            Instance { server: place.serve(), wire, place, metrics: None }
        })
    }

    pub(crate) fn made_of(turn: Turn, start: impl Fn(&Cluster) -> Instance + Sync) -> Self {
        let cluster = Cluster::start().unwrap();
        let password = cluster.password();
        cluster.psql("postgres", &format!("CREATE ROLE cloakroom LOGIN PASSWORD '{password}'")).unwrap();
        cluster.psql("postgres", "CREATE DATABASE cloakroom OWNER cloakroom").unwrap();
        let outside = place(&cluster, cluster.port());
        assert!(outside.run(&["migrate", "up"]).status.success());
        let outside = outside.with_account("ada");
        let instances: Vec<_> = thread::scope(|scope| {
            let starting: Vec<_> = (0..INSTANCES).map(|_| scope.spawn(|| start(&cluster))).collect();
            starting.into_iter().map(|instance| instance.join().unwrap()).collect()
        });
        let balancer = Balancer::over(instances.iter().map(|instance| instance.server.address())).unwrap();
        Self { balancer, instances, outside, cluster, _turn: turn }
    }

    /// Runs SQL as a person with psql would.
    pub(crate) fn psql(&self, sql: &str) -> String {
        self.cluster.psql("cloakroom", sql).unwrap()
    }

    /// A new browser in front of the balancer.
    pub(crate) fn browser(&self) -> Client {
        Client::new(&self.balancer.address())
    }

    /// A browser logged in through the balancer.
    pub(crate) fn logged_in(&self) -> Client {
        let mut client = self.browser();
        let answer = client.log_in("ada", PASSWORD);
        assert_eq!(answer.status, 200, "{answer:?}");
        client
    }

    /// The same browser at each instance, and as often through the balancer.
    pub(crate) fn everywhere(&self, client: &Client) -> Vec<Client> {
        let direct = self.instances.iter().map(|instance| client.at(instance.server.address()));
        direct.chain((0..INSTANCES).map(|_| client.at(&self.balancer.address()))).collect()
    }

    /// What this browser is told about its session everywhere.
    pub(crate) fn statuses(&self, client: &Client) -> Vec<u16> {
        self.everywhere(client).iter_mut().map(Client::status).collect()
    }

    /// The same thing done to every wire.
    pub(crate) fn wires(&self, what: impl Fn(&Wire)) {
        self.instances.iter().for_each(|instance| what(&instance.wire));
    }

    /// What the instances logged, for a failed test.
    pub(crate) fn logs(&self) -> String {
        let last = |log: String| log.lines().rev().take(30).map(str::to_owned).collect::<Vec<_>>().join("\n");
        self.instances.iter().map(|instance| last(instance.server.log())).collect::<Vec<_>>().join("\n--\n")
    }
}

impl Drop for Site {
    /// What must be nowhere is in none of the tables, where the test has left them.
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        for table in [
            "sessions",
            "session_feed",
            "session_subjects",
            "accounts",
            "attempt_counters",
            "security_events",
            "service_tokens",
            "measurements",
        ] {
            let rows = format!("SELECT coalesce(string_agg(row::text, ' '), '') FROM {table} row");
            if let Ok(rows) = self.cluster.psql("cloakroom", &rows) {
                leaks::look_through_text(&rows, table);
            }
        }
    }
}

/// A place whose commands and servers reach the cluster's database at this port.
pub(crate) fn place(cluster: &Cluster, port: u16) -> Place {
    let url = format!("postgres://cloakroom:{}@127.0.0.1:{port}/cloakroom", cluster.password());
    Place::new().with("DATABASE__URL", &url).with("SESSION__MAX_PER_SUBJECT", "10000")
}

impl Instance {
    /// Starts one with a wire to `cluster`.
    pub(crate) fn start(cluster: &Cluster) -> Self {
        Self::reaching(cluster, Wire::port)
    }

    /// Starts one that uses this port of the two.
    fn reaching(cluster: &Cluster, port: impl Fn(&Wire) -> u16) -> Self {
        let wire = Wire::to(cluster.port()).unwrap();
        let place = place(cluster, port(&wire));
        Self { server: place.serve(), wire, place, metrics: None }
    }

    /// How much memory the process has at the moment, in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// Asks again and again until the answer is wanted; how long that took since `since`.
///
/// Where the time is not what the test is about, it only ends one that would never end.
pub(crate) fn until(since: Instant, what: &str, mut is_wanted: impl FnMut() -> Result<(), Answer>) -> Duration {
    loop {
        match is_wanted() {
            Ok(()) => return since.elapsed(),
            Err(answer) => assert!(since.elapsed() < PATIENCE, "{what}: still {answer:?}"),
        }
        // Askers that never pause would keep the servers from the processor, and measure themselves.
        thread::park_timeout(PAUSE);
    }
}

/// How long since `since` until this browser's session is served.
pub(crate) fn until_served(since: Instant, what: &str, client: &mut Client) -> Duration {
    until(since, what, || {
        let answer = client.get("/api/v1/session");
        if answer.status == 200 { Ok(()) } else { Err(answer) }
    })
}

/// Now, for [`until`].
#[expect(clippy::disallowed_methods, reason = "measures how long recovery takes, which is what is promised")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
