//! Many rows: whatever is asked for, the work that it takes does not grow with the table. What is asserted is counted work; times are
//! printed. As many rows as `CLOAKROOM_ROWS` says, or 100,000: `CLOAKROOM_ROWS=1000000 cargo test -p cloakroom-sql --test many --
//! --nocapture`.

#[cfg(feature = "postgres")]
mod postgres;
mod questions;
#[cfg(feature = "sqlite")]
mod sqlite;

/// How many rows there are.
fn rows() -> u64 {
    let rows =
        std::env::var("CLOAKROOM_ROWS").map_or(100_000, |text| text.parse().expect("CLOAKROOM_ROWS is a number"));
    println!("CLOAKROOM_ROWS={rows}");
    rows
}
