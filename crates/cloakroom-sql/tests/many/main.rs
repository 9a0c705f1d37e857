//! Many rows: whatever is asked for, the work that it takes does not grow with the table. What is asserted is counted work; times are
//! printed. As many rows as `CLOAKROOM_ROWS` says, or 100,000: `CLOAKROOM_ROWS=1000000 cargo test -p cloakroom-sql --test many --
//! --nocapture`.

#[cfg(test)]
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(test)]
mod questions;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod sqlite;
