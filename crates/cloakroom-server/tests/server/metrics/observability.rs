//! The dashboard and the alert rules of `examples/observability` know only metrics that there are, and Prometheus understands them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{both, documented};

const DASHBOARD: &str = include_str!("../../../../../examples/observability/dashboard.json");
const ALERTS: &str = include_str!("../../../../../examples/observability/alerts.yml");

/// Every `expr` below a value.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("expr").map(|expr| expr.as_str().unwrap().to_owned()));
            fields.values().for_each(|value| expressions(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

/// Names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("cloakroom_")).map(str::to_owned).collect()
}

#[test]
fn only_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(!panel["description"].as_str().unwrap().is_empty(), "each says what to look for: {panel}");
    }
    let mut shown = BTreeSet::new();
    for (name, metric) in both() {
        match metric.kind.as_str() {
            "histogram" => shown.extend(["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}"))),
            _ => drop(shown.insert(name)),
        }
    }
    let alerts: String =
        ALERTS.lines().filter(|line| !line.trim_start().starts_with('#')).fold(String::new(), |a, l| a + l + "\n");
    for (file, used) in [("dashboard.json", names(DASHBOARD)), ("alerts.yml", names(&alerts))] {
        assert!(used.len() > 8, "{file}: {used:?}");
        let unknown: Vec<_> = used.difference(&shown).collect();
        assert!(unknown.is_empty(), "{file} has metrics that nobody shows: {unknown:?}");
    }
    // And values of labels that there are.
    let documented = documented();
    for text in [DASHBOARD.replace("\\\"", "\""), alerts] {
        for (name, matcher) in text.split("cloakroom_").skip(1).filter_map(|rest| rest.split_once('{')) {
            let Some(labels) = documented.get(&format!("cloakroom_{name}")).map(|metric| &metric.labels) else {
                continue;
            };
            for one in matcher.split('}').next().unwrap().split(',').filter(|one| !one.starts_with("job")) {
                let (label, values) = one.split_once('=').unwrap();
                for value in values.trim_start_matches('~').trim_matches('"').split('|') {
                    assert!(labels[label].contains(value), "{name}: {label} is never {value}");
                }
            }
        }
    }
}

#[test]
fn prometheus_understands_every_expression() {
    // Said by `cargo xtask test`, where it could not be fetched.
    if std::env::var_os("CLOAKROOM_WITHOUT_PROMTOOL").is_some() {
        println!("NOT RUN: promtool could not be fetched");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut of_dashboard = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    let mut found = Vec::new();
    expressions(&serde_json::from_str(DASHBOARD).unwrap(), &mut found);
    for (number, expression) in found.iter().enumerate() {
        // As Grafana fills them in.
        let expression = expression.replace("$__rate_interval", "5m").replace("$job", ".+");
        writeln!(of_dashboard, "      - record: dashboard:{number}\n        expr: {}", serde_json::json!(expression))
            .unwrap();
    }
    for (name, rules) in [("alerts.yml", ALERTS), ("dashboard.yml", &of_dashboard)] {
        let file = dir.path().join(name);
        fs::write(&file, rules).unwrap();
        let output = Command::new("promtool").args(["check", "rules"]).arg(&file).output();
        let output = output.expect("promtool is needed: `cargo xtask test` installs it");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("SUCCESS"), "{name}: {said}");
    }
}
