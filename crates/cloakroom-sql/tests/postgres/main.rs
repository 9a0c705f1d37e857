//! The PostgreSQL store on a real server. What every store must do is in the core's contract; here is what only PostgreSQL
//! does, and what only many instances can get wrong.

#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod floor;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod hint;
#[cfg(test)]
mod history;
#[cfg(test)]
mod load;
#[cfg(test)]
mod login;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod open;
#[cfg(test)]
mod purge;
#[cfg(test)]
mod race;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod touch;
#[cfg(test)]
mod trigger;
#[cfg(test)]
mod world;
