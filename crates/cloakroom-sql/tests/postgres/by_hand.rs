//! Other programs at the tables: another search path, another role, and a million rows at once.

use testbed::postgres::Cluster;

use crate::world::{Hand, World, digest};

#[tokio::test]
async fn whoever_looks_elsewhere_writes_the_feed_beside_the_sessions() {
    let schema = Cluster::shared().fresh_schema().unwrap();
    let world = World::in_schema(&schema).await;
    world.log_in("ada", 1).await;
    world.log_in("bob", 2).await;
    // A schema first in the path with a feed of its own, into which nothing of ours may go.
    let elsewhere = World::new().await;
    let mut hand = elsewhere.hand().await;
    let name = schema.name();
    hand.run(&format!("UPDATE {name}.sessions SET absolute_expires_at = now() WHERE subject = 'ada'")).await;
    hand.run(&format!("DELETE FROM {name}.sessions WHERE subject = 'ada'; TRUNCATE {name}.sessions")).await;
    let kinds = "SELECT kind || ' ' || subject FROM session_feed ORDER BY position";
    assert_eq!(world.hand().await.texts(kinds).await, ["changed ada", "ended ada", "all_ended "]);
    assert_eq!(hand.number("SELECT count(*) FROM session_feed").await, 0);
    let marks = "SELECT count(*) FROM session_subjects WHERE all_ended_at IS NOT NULL";
    assert_eq!((world.hand().await.number(marks).await, hand.number(marks).await), (1, 0));
}

#[tokio::test]
async fn a_role_that_may_not_write_the_feed_may_not_delete_unseen() {
    let world = World::alone().await; // roles are the server's, grants the database's
    let mut hand = world.hand().await;
    world.log_in("ada", 1).await;
    hand.run("CREATE ROLE clerk; GRANT SELECT, DELETE ON sessions TO clerk").await;
    let mut clerk = world.hand().await;
    clerk.run("SET ROLE clerk; SET search_path TO pg_catalog").await;
    assert_eq!(clerk.refused("DELETE FROM public.sessions").await, "42501");
    assert!(world.is_found(1).await, "it is not gone without a trace");
    hand.run("GRANT INSERT ON session_feed TO clerk").await;
    clerk.run("DELETE FROM public.sessions").await;
    assert!(!world.is_found(1).await);
    assert_eq!(hand.texts("SELECT reason FROM session_feed").await, ["by_hand"]);
}

/// How many rows are deleted in one statement: `CLOAKROOM_ROWS`, or as many as there is patience for every time. A million
/// takes half a minute, most of it to make them.
fn many() -> i64 {
    std::env::var("CLOAKROOM_ROWS").map_or(200_000, |text| text.parse().expect("CLOAKROOM_ROWS is a number"))
}

async fn fill(hand: &mut Hand, many: i64) {
    // Without a look at each row's subject, and in the order of the digests: it is the deleting that is tested.
    hand.run(&format!(
        "SET session_replication_role = replica;
         INSERT INTO session_subjects SELECT 'many' || n FROM generate_series(0, 999) n;
         INSERT INTO sessions SELECT sha256(int8send(n)), gen_random_uuid(), 'many' || n % 1000, now(), now(), now(), \
         interval '1 hour', now() + interval '1 day', 'password', NULL, NULL FROM generate_series(1, {many}) n ORDER BY 1;
         RESET session_replication_role"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_great_many_rows_can_be_deleted_by_hand_while_others_are_looked_up() {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    let many = many();
    fill(&mut hand, many).await;
    world.log_in("ada", 1).await;
    // Held back at one of the rows, with others deleted and nothing committed: meanwhile everybody else goes on.
    let mut keeper = world.hand().await;
    keeper
        .run(&format!("BEGIN; SELECT 1 FROM sessions WHERE token_digest = sha256(int8send({many})) FOR UPDATE"))
        .await;
    let deleting = tokio::spawn(async move {
        let deleted = sqlx::query("DELETE FROM sessions WHERE subject LIKE 'many%'").execute(hand.connection()).await;
        (deleted.unwrap().rows_affected(), hand)
    });
    let mut looked_up = 0;
    let mut held = tokio::spawn(async move {
        keeper.holds_back(1).await;
        keeper
    });
    let mut keeper = loop {
        assert!(world.is_found(1).await, "whoever is not deleted is found");
        looked_up += 1;
        tokio::select! { biased; keeper = &mut held => break keeper.unwrap(), () = std::future::ready(()) => {} }
    };
    for n in 2..=20 {
        world.log_in("ada", n).await;
        assert!(world.is_found(n).await, "and logs in");
    }
    keeper.run("COMMIT").await;
    while !deleting.is_finished() {
        assert!(world.is_found(1).await, "while the feed is written too");
        looked_up += 1;
    }
    let (deleted, mut hand) = deleting.await.unwrap();
    assert_eq!(i64::try_from(deleted).unwrap(), many);
    assert!(world.is_found(1).await);
    println!("{looked_up} lookups while {many} rows were being deleted");
    let feed = "SELECT count(*) FROM session_feed WHERE kind = 'ended' AND reason = 'by_hand' AND subject LIKE 'many%' \
         AND token_digest IS NOT NULL AND session_id IS NOT NULL";
    assert_eq!(hand.number(feed).await, many);
    assert_eq!(
        hand.number("SELECT count(DISTINCT xid::text) FROM session_feed").await,
        1,
        "all of it in one transaction"
    );
    assert!(world.sessions.find(digest(999)).await.unwrap().is_none());
}
