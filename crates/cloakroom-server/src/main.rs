//! The binary: reads the command line, runs the command, says how it ended. Nothing is decided here.

mod absolute_time;
mod activity;
mod administration;
mod administrator;
mod afterwards;
mod api;
mod app;
mod assets;
mod chart;
mod cli;
mod config;
mod credential;
mod device;
mod ends;
mod events;
mod everywhere;
mod exit;
mod failure;
mod fields;
mod filter;
mod form_token;
mod hashing;
mod health;
mod interrupt;
mod language;
mod locale;
mod measurements;
mod message;
mod metrics;
#[cfg(test)]
mod mutation;
mod network;
mod openapi;
mod pages;
mod password;
mod reach;
mod relative_time;
mod request_id;
mod routes;
mod security;
mod server;
mod service_token;
mod setup;
mod stop;
mod supervisor;
mod sweep;
mod telemetry;
mod throttle;
mod traces;
mod view;

use std::process::ExitCode;

fn main() -> ExitCode {
    let (command_line, voice) = match cli::parse() {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(Err(exit::Failure::say("cli-no-runtime", &[("cause", &error)])), &voice),
    };
    exit::report(runtime.block_on(cli::run(command_line, &voice)), &voice)
}
