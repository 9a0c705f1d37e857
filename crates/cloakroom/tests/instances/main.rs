//! Three instances on one database, whoever ends a session and however: no request that starts afterwards is served
//! anywhere. Thousands of random schedules through the front door, on both databases.
//!
//! `CLOAKROOM_SEED` names other schedules, `CLOAKROOM_SCHEDULES` how many.

#[cfg(test)]
mod ending;
#[cfg(test)]
mod place;
#[cfg(test)]
mod schedule;
