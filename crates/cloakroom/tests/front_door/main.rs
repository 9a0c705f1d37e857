//! The front door as its users and their browsers meet it, over any store.

mod app;
mod login;
mod outage;
mod races;
