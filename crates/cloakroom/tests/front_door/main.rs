//! The front door as its users and their browsers meet it, over any store.

#[cfg(test)]
mod app;
#[cfg(test)]
mod by_token;
mod counts;
#[cfg(test)]
mod ended;
#[cfg(test)]
mod form_token;
#[cfg(test)]
mod leased;
#[cfg(test)]
mod loads;
#[cfg(test)]
mod login;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod past;
#[cfg(test)]
mod races;
#[cfg(test)]
mod step_up;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod watched;
