//! `cloakroom migration`: the printed SQL, applied by the databases' own shells, is what the server itself would have applied.

use testbed::postgres::Cluster;

use crate::process::Place;

fn said(place: &Place, args: &[&str]) -> String {
    let output = place.run(args);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// After the printed SQL: the server knows what is there, adds the rest, and somebody logs in and out.
fn goes_on(place: Place) -> Place {
    assert_eq!(said(&place, &["migrate", "status"]), "0001_sessions  applied\n0001_accounts  missing\n");
    assert_eq!(said(&place, &["migrate", "up"]), "applied 0001_accounts\n");
    assert_eq!(said(&place, &["migrate", "up"]), "nothing to do\n");
    let place = place.with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    assert_eq!(client.status(), 200);
    assert_eq!(client.post("/api/v1/logout").status, 204);
    assert_eq!(client.status(), 401);
    drop(server);
    place
}

/// Everything in a file, without what the system keeps there and when a migration was applied.
const SQLITE_DUMP: &str = "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name; \
     SELECT version, description, success, hex(checksum) FROM cloakroom_migrations";

#[test]
fn sqlite_takes_the_printed_migration_and_its_way_back() {
    let (printed, applied) = (Place::new(), Place::new());
    let up = said(&printed, &["migration", "--dialect", "sqlite"]);
    printed.sqlite(&format!("BEGIN; {up} COMMIT"));
    let printed = goes_on(printed);
    said(&applied, &["migrate", "up"]);
    // The account is the only difference, and no table's.
    assert_eq!(normalized(&printed.sqlite(SQLITE_DUMP)), normalized(&applied.sqlite(SQLITE_DUMP)));

    let down = said(&printed, &["migration", "--dialect", "sqlite", "--down"]);
    let fresh = Place::new();
    fresh.sqlite(&format!("BEGIN; {up} {down} COMMIT"));
    assert_eq!(fresh.sqlite("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"), "0");
}

/// White space and `IF NOT EXISTS` are no difference.
fn normalized(schema: &str) -> String {
    schema.split_whitespace().collect::<Vec<_>>().join(" ").replace("IF NOT EXISTS ", "")
}

const POSTGRES_DUMP: &str = "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns \
     WHERE table_schema = current_schema() ORDER BY 1, 2";
const POSTGRES_REST: &str = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN \
     (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace) ORDER BY 1";
const POSTGRES_NOTED: &str = "SELECT version, description, success, checksum FROM cloakroom_migrations";

#[test]
fn postgres_takes_the_printed_migration_and_its_way_back() {
    let schemas = [(); 3].map(|()| Cluster::shared().fresh_schema().unwrap());
    let [printed, applied, fresh] = &schemas;
    let place = |url: String| Place::new().with("DATABASE__URL", &url);
    let up = said(&Place::new(), &["migration", "--dialect", "postgres"]);
    printed.psql(&up).unwrap();
    goes_on(place(printed.url()));
    said(&place(applied.url()), &["migrate", "up"]);
    for query in [POSTGRES_DUMP, POSTGRES_REST, POSTGRES_NOTED] {
        let of = |schema: &testbed::postgres::Schema<'_>| schema.psql(query).unwrap().replace(schema.name(), "here");
        assert_eq!(of(printed), of(applied));
    }

    let down = said(&Place::new(), &["migration", "--dialect", "postgres", "--down"]);
    fresh.psql(&format!("{up}\n{down}")).unwrap();
    let left = "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace";
    assert_eq!(fresh.psql(left).unwrap().trim(), "0");
    assert_eq!(said(&place(fresh.url()), &["migrate", "status"]), "0001_sessions  missing\n0001_accounts  missing\n");
}
