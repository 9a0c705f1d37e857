//! What `/metrics` shows: what the documentation says, and nothing that a request could choose.

#[cfg(test)]
mod observability;

use std::collections::{BTreeMap, BTreeSet};

use testbed::postgres::Cluster;

use crate::client::Client;
use crate::process::{PASSWORD, Place, Server};

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// Where a server that was just started shows its metrics.
pub(crate) fn metrics(server: &mut Server) -> Client {
    let line = server.line();
    let address = line.strip_prefix("Metrics: http://").and_then(|rest| rest.strip_suffix("/metrics"));
    Client::new(address.unwrap_or_else(|| panic!("no metrics: {line}")))
}

pub(crate) fn shown(metrics: &Client) -> String {
    let answer = metrics.clone().get("/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    answer.body
}

/// Each series with its labels, and its value.
fn series(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(name, value)| (name, value.parse().unwrap())).collect()
}

/// One metric: its type, what its labels can be, what it says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeMap<String, BTreeSet<String>>,
    help: String,
}

/// As the server describes them, by the names that series have.
fn described(text: &str) -> BTreeMap<String, Metric> {
    let about = |what: &str| -> BTreeMap<String, String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(what)?.split_once(' '));
        lines.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
    };
    let (kinds, mut helps) = (about("# TYPE "), about("# HELP "));
    let mut metrics = BTreeMap::new();
    for (name, kind) in kinds {
        let help = helps.remove(&name).unwrap();
        let name = if kind == "counter" { format!("{name}_total") } else { name };
        let labels = BTreeMap::new();
        metrics.insert(name, Metric { kind, labels, help: help.trim_end_matches('.').to_owned() + "." });
    }
    for series in series(text).keys() {
        let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
        let base = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
        let found = if metrics.contains_key(name) { name } else { base.unwrap() };
        for (label, value) in labels.split(',').filter_map(|label| label.split_once('=')) {
            if label != "le" {
                let values = metrics.get_mut(found).unwrap().labels.entry(label.to_owned()).or_default();
                values.insert(value.trim_matches('"').to_owned());
            }
        }
    }
    metrics
}

/// As the documentation has them: a table of name, type, labels with every value, what it says.
fn documented() -> BTreeMap<String, Metric> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `cloakroom_"));
    rows.map(|row| {
        let [_, name, kind, labels, help, _] =
            row.split(" | ").flat_map(|part| part.split('|')).collect::<Vec<_>>()[..]
        else {
            panic!("not four columns: {row}")
        };
        let labels = labels.split(';').filter_map(|label| label.trim().split_once(": ")).map(|(name, values)| {
            let values = values.split(", ").map(|value| value.trim_matches('`').to_owned());
            (name.trim_matches('`').to_owned(), values.collect())
        });
        let metric = Metric { kind: kind.trim().to_owned(), labels: labels.collect(), help: help.trim().to_owned() };
        (name.trim().trim_matches('`').to_owned(), metric)
    })
    .collect()
}

fn row(name: &str, metric: &Metric) -> String {
    let words = |values: &BTreeSet<String>| values.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ");
    let labels: Vec<_> = metric.labels.iter().map(|(name, values)| format!("`{name}`: {}", words(values))).collect();
    format!("| `{name}` | {} | {} | {} |", metric.kind, labels.join("; "), metric.help)
}

/// What both databases show together.
fn both() -> BTreeMap<String, Metric> {
    let schema = Cluster::shared().fresh_schema().unwrap();
    let of_postgres = Place::new()
        .with("DATABASE__URL", &schema.url())
        .with("DATABASE__MIGRATE", "true")
        .with("SESSION__VALIDATION", "leased");
    let mut all = BTreeMap::<String, Metric>::new();
    for place in [Place::new(), of_postgres] {
        let place = place.with("METRICS__LISTEN", "127.0.0.1:0");
        let mut server = place.serve();
        for (name, metric) in described(&shown(&metrics(&mut server))) {
            let known = all.entry(name).or_default();
            (known.kind, known.help) = (metric.kind, metric.help);
            for (label, values) in metric.labels {
                known.labels.entry(label).or_default().extend(values);
            }
        }
    }
    // The version is of the build, not of a list.
    *all.get_mut("cloakroom_build_info").unwrap().labels.get_mut("version").unwrap() = ["…".to_owned()].into();
    all
}

#[test]
fn the_documentation_has_every_metric_as_it_is_shown_and_no_other() {
    let (shown, documented) = (both(), documented());
    if shown != documented {
        let rows: Vec<_> = shown.iter().map(|(name, metric)| row(name, metric)).collect();
        let differ = |name: &&String| shown.get(*name) != documented.get(*name);
        let names: BTreeSet<_> = shown.keys().chain(documented.keys()).filter(differ).collect();
        panic!("docs/metrics.md has another table; it differs in {names:?}; the one shown is\n{}", rows.join("\n"));
    }
}

#[test]
fn no_request_makes_a_label() {
    let place = Place::new().with("METRICS__LISTEN", "127.0.0.1:0").with_account("ada");
    let mut server = place.serve();
    let metrics = metrics(&mut server);
    let before: Vec<String> = series(&shown(&metrics)).into_keys().map(str::to_owned).collect();
    let mut client =
        server.client().with_header("x-request-id: evil\"} 1").with_header("user-agent: evil-agent{a=\"b\"}");
    for path in ["/evil", "/evil/{id}", "/login?evil=1", "/assets/evil.css", "/auth/evil", "/setup/evil", "/admin/evil"]
    {
        for method in ["GET", "POST", "PUT", "EVIL", "OPTIONS", "TRACE"] {
            client.send(method, path, Some("text/evil"), b"evil");
        }
    }
    client.log_in("evil", "evil evil evil evil");
    client.log_in("ada", PASSWORD);
    client.token = Some("ck1_evil".to_owned());
    client.get("/account");
    let text = shown(&metrics);
    let after: Vec<String> = series(&text).into_keys().map(str::to_owned).collect();
    assert_eq!(before, after, "the same series, whatever is asked");
    assert!(!text.to_lowercase().contains("evil"), "{text}");
    let counted = series(&text);
    let of_none: f64 =
        (1..=5).map(|n| counted[&*format!("cloakroom_http_requests_total{{class=\"none\",status=\"{n}xx\"}}")]).sum();
    assert!(of_none > 0.0, "they were counted all the same");
}

#[test]
fn what_happens_is_counted() {
    let place = Place::new().with("METRICS__LISTEN", "127.0.0.1:0").with_account("ada");
    let mut server = place.serve();
    let metrics = metrics(&mut server);
    let mut client = server.logged_in("ada");
    assert_eq!(server.client().log_in("ada", "not the password of ada").status, 401);
    assert_eq!((client.status(), client.clone().post("/api/v1/logout").status, client.status()), (200, 204, 401));
    assert_eq!(client.get("/readyz").status, 200);
    let wanted = [
        ("logins_total{outcome=\"success\"}", 1.0),
        ("logins_total{outcome=\"refused\"}", 1.0),
        ("login_seconds_count", 2.0),
        ("http_requests_total{class=\"login\",status=\"2xx\"}", 1.0),
        ("http_requests_total{class=\"login\",status=\"4xx\"}", 1.0),
        ("http_requests_total{class=\"logout\",status=\"2xx\"}", 1.0),
        ("http_requests_total{class=\"health\",status=\"2xx\"}", 1.0),
        ("http_request_seconds_count{class=\"api\"}", 2.0),
        ("validations_total{mode=\"strict\",outcome=\"active\"}", 2.0),
        ("validations_total{mode=\"strict\",outcome=\"ended\"}", 1.0),
        ("validations_total{mode=\"strict\",outcome=\"anonymous\"}", 2.0),
        ("validations_total{mode=\"leased\",outcome=\"active\"}", 0.0),
        ("ended_sessions_total{reason=\"logout\"}", 1.0),
        ("hashing_running", 0.0),
        ("hashing_waiting", 0.0),
        ("hashing_refused_total", 0.0),
        ("active_sessions", 0.0),
        ("pool_connections{pool=\"writer\",state=\"idle\"}", 1.0),
        ("pool_waiting{pool=\"writer\"}", 0.0),
    ];
    // What is seen in the feed, and what is measured, comes a moment later.
    let found = (0..2_000).map(|_| shown(&metrics)).find(|text| {
        let series = series(text);
        wanted.iter().all(|(name, value)| (series[&*format!("cloakroom_{name}")] - value).abs() < 0.1)
    });
    let text = found.unwrap_or_else(|| panic!("{}", shown(&metrics)));
    let series = series(&text);
    for at_least in ["writer_jobs_total", "pool_taken_total{pool=\"readers\"}", "sweep_last_seconds{task=\"touch\"}"] {
        assert!(series[&*format!("cloakroom_{at_least}")] > 0.0, "{at_least}: {text}");
    }
    assert!(series["cloakroom_clock_skew_seconds"].is_nan(), "one machine, one clock");
    assert!(series["cloakroom_writer_batch_size_count"] > 0.0);
}
