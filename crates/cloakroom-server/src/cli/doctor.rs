//! `cloakroom doctor`: proves on a live deployment what is promised, each promise by a check with what was seen and what to do.
//!
//! It acts as anybody with an account does, and looks into the database as its operator may. What it makes it removes.

mod answers;
mod database;
mod finding;
mod life;
mod report;
mod throwaway;
mod visitor;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use cloakroom::Validation;
use cloakroom::world::SystemClock;
use cloakroom_core::account::LoginName;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::{Database, OpenOptions};
use zeroize::Zeroizing;

use super::database::with_unmigrated;
use super::password::Source;
use super::text::escaped_json;
use super::voice::Voice;
use crate::config::{self, Config, PublicUrl};
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::locale::Catalogue;

use finding::{Check, Finding, Said, Status, say};
use life::Life;
use report::Report;
use throwaway::Visit;
use visitor::Visitor;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[arg(value_name = "URL", value_parser = origin)]
    url: Option<PublicUrl>,
    #[arg(long = "instance", value_name = "URL", value_parser = origin)]
    instances: Vec<PublicUrl>,
    #[arg(long, value_name = "NAME", value_parser = LoginName::new)]
    login_name: Option<LoginName>,
    #[command(flatten)]
    password: Source,
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    #[arg(long)]
    markdown: bool,
}

fn origin(text: &str) -> Result<PublicUrl, &'static str> {
    config::origin(text)
        .ok_or("expected http:// or https:// with a host and perhaps a port, such as https://login.example.org")
}

impl Doctor {
    /// Examines, reports, and fails where something failed.
    ///
    /// # Errors
    /// When a check failed, or there was nothing to examine with.
    pub(super) async fn run(self, config: &Config, voice: &Voice) -> Result<(), Failure> {
        let url = match (&self.url, &config.public_url) {
            (Some(url), _) | (None, Some(url)) => url.clone(),
            (None, None) => origin(&format!("http://{}", config.listen)).map_err(Failure::new)?,
        };
        let given = match &self.login_name {
            Some(name) => Some((name.clone(), self.password.read_current(name, voice)?)),
            None => None,
        };
        let options = OpenOptions { create: false, ..config.database.options.clone() };
        let catalogue = Catalogue::load().map_err(Failure::new)?;
        let mut outcome = None;
        with_unmigrated(config, options, async |database| {
            outcome = Some(self.examine(url, given, config, database, voice).await?);
            Ok(())
        })
        .await?;
        let Some(report) = outcome else { return Ok(()) };
        let text = match (self.json, self.markdown) {
            (true, _) => format!("{}\n", escaped_json(&report.json(&catalogue))),
            (_, true) => report.markdown(&catalogue),
            _ => report.text(&catalogue, voice.locale()),
        };
        io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))?;
        let failed = report.failed();
        if failed.is_empty() {
            return Ok(());
        }
        let of = report.findings.len();
        Err(Failure::say("doctor-failed", &[("count", &failed.len()), ("of", &of), ("checks", &failed.join(", "))]))
    }

    async fn examine(
        &self,
        url: PublicUrl,
        given: Option<(LoginName, Zeroizing<String>)>,
        config: &Config,
        database: &Database,
        voice: &Voice,
    ) -> Result<Report, Failure> {
        // From here on an interrupt is heard, so that what is made is removed.
        let mut told = Interrupt::listen()?;
        let at = SystemClock.now();
        let server = Visitor::new(url);
        let instances: Vec<_> = self.instances.iter().cloned().map(Visitor::new).collect();
        let all: Vec<_> = std::iter::once(server.clone()).chain(instances.iter().cloned()).collect();
        let mut secrets: Vec<_> = config.database.url.password().into_iter().collect();
        let mut findings = Vec::new();
        tokio::select! {
            () = about_the_deployment(&mut findings, &server, &all, config, database) => {}
            () = told.wait() => return Err(Failure::say("doctor-stopped", &[])),
        }
        let lacks_rights = findings.iter().any(|one| one.check == Check::Rights && one.status == Status::Failed);
        let visit = match given {
            _ if lacks_rights => Err(say("doctor-no-rights")),
            Some((name, password)) => Ok(Visit::given(name, password)),
            None => {
                Visit::with_new_account(database, voice).await.map_err(|why| say("doctor-no-account").with("why", why))
            }
        };
        let why = match visit {
            Err(why) => why,
            Ok(visit) => {
                secrets.push(visit.password.clone());
                let life = Life {
                    server: &server,
                    instances: &instances,
                    database,
                    validation: config.validation,
                    visit: &visit,
                    digests: Vec::new(),
                    secrets: Vec::new(),
                    findings: Vec::new(),
                };
                let (life, why) = lived(life, &mut told).await;
                let Life { digests, secrets: of_life, findings: of_sessions, .. } = life;
                secrets.extend(of_life);
                findings.extend(of_sessions);
                findings.push(visit.leave(database, &digests, voice).await);
                why
            }
        };
        findings.push(database::backup(self.backup.as_deref()).await);
        for check in Check::ALL {
            if findings.iter().all(|finding| finding.check != check) {
                findings.push(Finding::skipped(check, why.clone()));
            }
        }
        findings.sort_by_key(|finding| Check::ALL.iter().position(|check| *check == finding.check));
        Ok(Report {
            url: server.url().as_str().to_owned(),
            instances: instances.iter().map(|instance| instance.url().as_str().to_owned()).collect(),
            database: config.database.url.redacted(),
            validation: if matches!(config.validation, Validation::Strict) { "strict" } else { "leased" },
            at: at.to_string(),
            findings,
            secrets,
        })
    }
}

/// The checks that need nobody to log in.
async fn about_the_deployment(
    findings: &mut Vec<Finding>,
    server: &Visitor,
    all: &[Visitor],
    config: &Config,
    database: &Database,
) {
    let file = config.database.url.file();
    findings.push(database::migration(database).await);
    findings.push(database::rights(database, file.as_deref().map(Path::new)).await);
    findings.push(answers::ready(all).await);
    findings.push(answers::clock(server, database).await);
    findings.push(answers::tls(server).await);
}

/// Lets the session live, until somebody interrupts; also returns why what was not looked at was not.
async fn lived<'a>(mut life: Life<'a>, told: &mut Interrupt) -> (Life<'a>, Said) {
    let was_interrupted = tokio::select! {
        () = life.examine() => false,
        () = told.wait() => true,
    };
    (life, if was_interrupted { say("doctor-interrupted") } else { say("doctor-no-login") })
}
