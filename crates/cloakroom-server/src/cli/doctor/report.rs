//! The report: for a terminal, for programs, and as Markdown to paste. None of them holds a secret.

use std::fmt::Write as _;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::finding::{Finding, Said, Status, say};
use crate::locale::{Catalogue, Locale};

/// Shorter texts are no secrets that could be told from words.
const SECRET_BYTES_MIN: usize = 8;

/// Everything that was found, and about what.
pub(super) struct Report {
    pub(super) url: String,
    pub(super) instances: Vec<String>,
    pub(super) database: String,
    pub(super) validation: &'static str,
    pub(super) at: String,
    pub(super) findings: Vec<Finding>,
    /// What must not stand in it, whoever said it.
    pub(super) secrets: Vec<Zeroizing<String>>,
}

impl Report {
    /// How many checks ended like this.
    pub(super) fn count(&self, status: Status) -> usize {
        self.findings.iter().filter(|finding| finding.status == status).count()
    }

    /// The ids of the checks that failed.
    pub(super) fn failed(&self) -> Vec<&'static str> {
        self.findings
            .iter()
            .filter(|finding| finding.status == Status::Failed)
            .map(|finding| finding.check.id())
            .collect()
    }

    /// For a terminal.
    pub(super) fn text(&self, catalogue: &Catalogue, locale: Locale) -> String {
        let said = |said: &Said| said.text(catalogue, locale);
        let mut text = format!("{}\n\n", said(&self.about()));
        for finding in &self.findings {
            let status = said(&word(finding.status));
            let _ = writeln!(text, "{status}  {}: {}", finding.check.id(), said(&finding.check.title()));
            for evidence in &finding.evidence {
                let _ = writeln!(text, "      {}", said(evidence));
            }
            if let Some(advice) = &finding.advice {
                let _ = writeln!(text, "      → {}", said(advice));
            }
        }
        let _ = writeln!(text, "\n{}", said(&self.sum()));
        self.without_secrets(text)
    }

    /// For programs, in English.
    pub(super) fn json(&self, catalogue: &Catalogue) -> String {
        let said = |said: &Said| self.without_secrets(said.text(catalogue, Locale::English));
        let checks: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "id": finding.check.id(),
                    "title": said(&finding.check.title()),
                    "status": finding.status.as_str(),
                    "evidence": finding.evidence.iter().map(said).collect::<Vec<_>>(),
                    "advice": finding.advice.as_ref().map(said),
                })
            })
            .collect();
        let json = json!({
            "url": self.url,
            "instances": self.instances,
            "database": self.database,
            "validation": self.validation,
            "at": self.at,
            "version": env!("CARGO_PKG_VERSION"),
            "passed": self.count(Status::Passed),
            "failed": self.count(Status::Failed),
            "skipped": self.count(Status::Skipped),
            "checks": checks,
        });
        self.without_secrets(json.to_string())
    }

    /// To paste into a pull request: a summary in both languages, what was seen, what is at risk, and the way back.
    pub(super) fn markdown(&self, catalogue: &Catalogue) -> String {
        let of = |said: &Said, locale| in_a_cell(&said.text(catalogue, locale));
        let both = [Locale::English, Locale::Japanese];
        let mut text = String::new();
        for (locale, level) in both.into_iter().zip(["#", "##"]) {
            let _ = writeln!(text, "{level} {}\n", of(&say("doctor-md-summary"), locale));
            let _ = writeln!(text, "{}\n\n{}\n", of(&self.about(), locale), of(&self.sum(), locale));
            for finding in self.findings.iter().filter(|finding| finding.status == Status::Failed) {
                let _ = writeln!(text, "- **{}**: {}", finding.check.id(), of(&finding.check.title(), locale));
                for said in finding.evidence.iter().chain(&finding.advice) {
                    let _ = writeln!(text, "  - {}", of(said, locale));
                }
            }
            if self.count(Status::Failed) > 0 {
                text.push('\n');
            }
        }
        let heading = |text: &mut String, key| {
            let _ = writeln!(text, "## {} / {}\n", of(&say(key), both[0]), of(&say(key), both[1]));
        };
        heading(&mut text, "doctor-md-evidence");
        text.push_str("| check | result | evidence | 確認したこと |\n| --- | --- | --- | --- |\n");
        for finding in &self.findings {
            let evidence =
                |locale| finding.evidence.iter().map(|said| of(said, locale)).collect::<Vec<_>>().join("<br>");
            let (id, status) = (finding.check.id(), finding.status.as_str());
            let _ = writeln!(text, "| `{id}` | {status} | {} | {} |", evidence(both[0]), evidence(both[1]));
        }
        for (title, body) in
            [("doctor-md-risk", "doctor-md-risk-text"), ("doctor-md-rollback", "doctor-md-rollback-text")]
        {
            text.push('\n');
            heading(&mut text, title);
            let _ = writeln!(text, "{}\n\n{}", of(&say(body), both[0]), of(&say(body), both[1]));
        }
        self.without_secrets(text)
    }

    fn about(&self) -> Said {
        let said = say("doctor-about").with("url", &self.url).with("instances", self.instances.len());
        let said = said.with("database", &self.database).with("validation", self.validation);
        said.with("at", &self.at).with("version", env!("CARGO_PKG_VERSION"))
    }

    fn sum(&self) -> Said {
        let [passed, failed, skipped] =
            [Status::Passed, Status::Failed, Status::Skipped].map(|status| self.count(status));
        let key = if failed == 0 { "doctor-sum-well" } else { "doctor-sum-failed" };
        say(key).with("passed", passed).with("failed", failed).with("skipped", skipped)
    }

    /// The last guard: a server may send anything back, and an error may repeat it.
    fn without_secrets(&self, text: String) -> String {
        // A short one stands in other words too; the passwords that are made here are long.
        let known = self.secrets.iter().filter(|secret| secret.len() >= SECRET_BYTES_MIN);
        known.fold(text, |text, secret| text.replace(&***secret, "…"))
    }
}

const fn key(status: Status) -> &'static str {
    match status {
        Status::Passed => "doctor-word-pass",
        Status::Failed => "doctor-word-fail",
        Status::Skipped => "doctor-word-skipped",
    }
}

fn word(status: Status) -> Said {
    say(key(status))
}

/// On one line, and no bar that would end the cell.
fn in_a_cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}
