//! The pages in a real browser: Chromium, driven by its own chromedriver, against the real process.

#[cfg(test)]
mod accessibility;
#[cfg(test)]
mod appearance;
#[cfg(test)]
mod chromium;
#[cfg(test)]
#[path = "../server/client.rs"]
#[expect(dead_code, reason = "tests of one server use the rest")]
mod client;
#[cfg(test)]
mod confirm;
#[cfg(test)]
mod cross_site;
#[cfg(test)]
#[path = "../server/document.rs"]
mod document;
#[cfg(test)]
mod expiry;
#[cfg(test)]
mod language;
#[cfg(test)]
#[path = "../server/leaks.rs"]
#[expect(dead_code, reason = "tests of several servers look through tables too")]
mod leaks;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod not_me;
#[cfg(test)]
#[path = "../server/process.rs"]
#[expect(dead_code, reason = "tests of one server use the rest")]
mod process;
