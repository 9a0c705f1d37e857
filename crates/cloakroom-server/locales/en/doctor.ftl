# What `cloakroom doctor` says, in English. The Japanese file has the same keys; a test compares them.
doctor-about = Cloakroom { $version } at { $url }{ $instances ->
    [0] {""}
    [one] {" "}and one more instance
   *[other] {" "}and { $instances } more instances
 }, database { $database }, { $validation } validation, examined { $at }
doctor-sum-well = Everything that was looked at is as it should be: { $passed } passed, { $skipped } skipped.
doctor-sum-failed = { $failed } failed, { $passed } passed, { $skipped } skipped.
doctor-word-pass = pass
doctor-word-fail = FAIL
doctor-word-skipped = skip
doctor-unreachable = { $url } cannot be asked: { $why }
doctor-database-refuses = the database cannot be asked: { $why }
doctor-interrupted = not looked at: interrupted
doctor-no-login = not looked at, because nobody could log in
doctor-no-rights = not looked at, because an account could be made and not removed with the rights there are
doctor-no-account = not looked at, because no account could be made: { $why }
doctor-nothing-ended = not looked at, because no session ended
doctor-migration = the migrations are applied
doctor-migration-applied = applied: { $names }
doctor-migration-missing = missing: { $names }
doctor-migration-advice = run `cloakroom migrate up` as a role that may create tables
doctor-rights = the database's role can do what it needs
doctor-rights-file = the file was opened for writing
doctor-rights-file-advice = others than its owner and group can reach the file (mode { $mode }), which holds password hashes and personal data: chmod 0600
doctor-rights-role = { $role } may read and write every table
doctor-rights-missing = { $role } lacks { $rights }
doctor-rights-advice = grant SELECT, INSERT, UPDATE and DELETE on Cloakroom's tables to this role
doctor-rights-superuser = the role is a superuser, who may do everything on every database: serve as a role that has only the rights on Cloakroom's tables
doctor-ready = every server says that it is ready
doctor-ready-all = { $count ->
    [one] one server is ready
   *[other] { $count } servers are ready
 }
doctor-ready-not = { $url } answers { $status }: { $why }
doctor-ready-advice = the line says what is missing; the server's log has the cause
doctor-clock = the clocks agree
doctor-clock-well = no clock is further from another than sessions bear
doctor-clock-server = server: { $way ->
    [none] no difference to this machine is proven
    [ahead] this machine is at least { $seconds } s ahead ({ $max } s are allowed)
   *[behind] this machine is at least { $seconds } s behind ({ $max } s are allowed)
 }
doctor-clock-database = database: { $way ->
    [none] no difference to this machine is proven
    [ahead] this machine is at least { $seconds } s ahead ({ $max } s are allowed)
   *[behind] this machine is at least { $seconds } s behind ({ $max } s are allowed)
 }
doctor-clock-file = database: a file, which has no clock of its own
doctor-clock-no-date = server: the answer says no time
doctor-clock-advice = synchronise the clocks (NTP) of this machine, the server and the database
doctor-tls = the way to the server is encrypted
doctor-tls-loopback = plain http within this machine, where nobody can listen; examine the https address as well
doctor-tls-none = { $url } is plain http: whoever can read the network can take over sessions
doctor-tls-none-advice = put a proxy with TLS in front, and set public_url to its https:// address
doctor-tls-well = the certificate is trusted, and browsers are told to use https for { $days } days
doctor-tls-hsts = there is no Strict-Transport-Security of a year or more
doctor-tls-advice = set public_url to the https:// address, let the proxy pass Strict-Transport-Security on, and give it a certificate that this machine trusts
doctor-login = logging in makes the row
doctor-login-row = a row with the token's digest is there, of session { $id }
doctor-login-no-row = the server logged in, and the configured database has no row of it
doctor-login-refused = the server answers { $outcome } to a login with the right password
doctor-login-advice = check that the server uses the database that is configured here, and that nothing in front changes requests to /api/v1/login or its Set-Cookie
doctor-cookie = the cookie's attributes protect it
doctor-cookie-well = { $name }: { $attributes }
doctor-cookie-missing = { $name } lacks { $attributes }
doctor-cookie-advice = let nothing in front change Set-Cookie; with https set public_url to the https:// address
doctor-headers = answers carry what protects pages
doctor-headers-well = policies on pages and JSON; answers to somebody logged in are no-store
doctor-headers-missing = { $path } lacks { $names }
doctor-headers-advice = let nothing in front remove or change headers
doctor-instances = every instance accepts the session
doctor-instances-all = { $count ->
    [one] one more instance accepts it
   *[other] { $count } more instances accept it
 }
doctor-instances-none = no other instance was named; name each with --instance
doctor-instances-refused = { $url } answers { $outcome }
doctor-instances-advice = check that each instance uses the same database and that its public_url and cookie.domain are those of the others
doctor-no-token = no token is in the database
doctor-no-token-well = token and password of this login are in none of { $columns } columns ({ $rows } rows): not as text, not in base64, not in hexadecimal
doctor-no-token-found = found in { $columns }
doctor-no-token-advice = find out what writes there, end every session (`cloakroom session end --everyone --yes`) and clean the column
doctor-logout = logging out deletes the row
doctor-logout-well = the row was gone when the answer came, and the cookie is expired by it
doctor-logout-refused = the server answers { $outcome }
doctor-logout-cookie = the answer does not expire the cookie
doctor-logout-row = the row is still there
doctor-logout-advice = check that the server uses the database that is configured here, and that nothing in front answers /api/v1/logout or changes its Set-Cookie
doctor-refusal = what the database does not hold is refused
doctor-refusal-logout = after the logout the copied cookie was refused; asked { $millis } ms after it
doctor-refusal-row = after the row was deleted in the database the cookie was refused; asked { $millis } ms after it
doctor-refusal-served = { $url } still served it when asked { $millis } ms after its end
doctor-refusal-other = { $url } answers { $outcome } instead of 401
doctor-refusal-strict-advice = look for a cache in front that keeps answers with Cache-Control: no-store; if the server is configured with session.validation = "leased", examine it with its own configuration
doctor-refusal-leased-advice = look for a cache in front that keeps answers with Cache-Control: no-store; session.lease has to be the same here and on every instance
doctor-everywhere = every instance refuses what ended
doctor-everywhere-none = no instance that accepts the session was named; name each with --instance
doctor-everywhere-well = { $count ->
    [one] one instance refused it
   *[other] { $count } instances refused it
 } at the latest when asked { $millis } ms after its end ({ $bound } ms are allowed), after the logout and after the row was deleted
doctor-everywhere-advice = session.validation and session.lease have to be the same here and on every instance; see cloakroom_lease_age_seconds in its metrics
doctor-backup = the backup can be read
doctor-backup-none = no backup was named; name one with --backup
doctor-backup-whole = { $file } is whole (accounts: { $accounts }, sessions: { $sessions }), and no token is in it
doctor-backup-text = { $file } is a dump in plain text, and no token is in it
doctor-backup-packed = { $file } is packed by pg_dump; unpack it with `pg_restore --file=TEXT` and name that
doctor-backup-broken = { $file }: { $why }
doctor-backup-advice = take a new one (`cloakroom backup FILE`) and see what became of this one
doctor-backup-tokens = { $file } holds tokens in plain text: { $count }
doctor-backup-tokens-advice = whoever has this file can log in with them: end every session, remove the file, and find out what wrote them
doctor-cleanup = what was made for this is gone
doctor-cleanup-done = account { $name } and its sessions are removed
doctor-cleanup-given = { $name } was given and stays; its sessions of this examination are ended
doctor-cleanup-left = account { $name } could not be removed: { $why }
doctor-cleanup-advice = run `cloakroom account remove { $name } --yes`; nobody knows its password
doctor-md-summary = Summary
doctor-md-evidence = Verification evidence
doctor-md-risk = Risk
doctor-md-risk-text = The examination logged in twice, ended both sessions, and removed what it made; one row of session_subjects and the events of it remain. Everything else was only read. It says how the deployment was at that moment.
doctor-md-rollback = Rollback
doctor-md-rollback-text = Start the version before: migrations within a hundred only add. `cloakroom migrate down` shows what would be dropped and drops it only with `--yes`: everybody is signed out by it. From a backup: `cloakroom restore FILE --yes`, which ends every session; on PostgreSQL `pg_restore`, then `cloakroom session end --everyone --yes`.
doctor-failed = { $count } of { $of } checks failed: { $checks }; the report says what to do
doctor-stopped = interrupted: nothing was made, nothing is left
