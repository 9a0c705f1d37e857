//! Traces as a collector gets them: a real server that was built with the feature `otel`, and something real that takes OTLP over HTTP.

#[cfg(test)]
#[path = "../server/client.rs"]
#[expect(dead_code, reason = "tests of one server use the rest")]
mod client;
#[cfg(test)]
mod collector;
#[cfg(test)]
#[path = "../server/document.rs"]
mod document;
#[cfg(test)]
#[path = "../server/leaks.rs"]
#[expect(dead_code, reason = "tests of several servers look through tables too")]
mod leaks;
#[cfg(test)]
mod lost;
#[cfg(test)]
#[path = "../server/process.rs"]
#[expect(dead_code, reason = "tests of one server use the rest")]
mod process;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod trace;
