# What commands say, in English. $cause is the technical reason, which is the same in every language.
cli-failed = { $cause }
cli-output = cannot write the output: { $cause }
cli-no-runtime = cannot start: { $cause }; free some memory or threads
cli-sessions = { $count ->
    [one] 1 session
   *[other] { $shown } sessions
}
cli-confirm-ask = { $what } [y/N]{" "}
cli-confirm-nobody = { $what } Nobody is here to answer: repeat it with --yes
cli-confirm-unread = cannot read the answer: { $cause }; nothing was changed
cli-confirm-no = nothing was changed
cli-password-refused = the password was not taken: { $why }
cli-password-unknown = { $cause }; nothing was changed
cli-help-missing = there is no command { $command }: see `cloakroom --help`

column-login-name = login name
column-role = role
column-created = created (UTC)
column-disabled = disabled (UTC)
column-locked = locked
column-subject = subject
column-id = id
column-last-seen = last seen (UTC)
column-expires = expires (UTC)
column-ip = ip
column-user-agent = user agent
column-at = at (UTC)
column-event = event
column-reason = reason
column-session = session
column-request = request

role-person = person
role-administrator = administrator
account-locked = locked
account-taken = there is an account { $name } already: choose another name
account-missing = no account { $name }: see `cloakroom account list`
account-conflict = { $name } changed in the meantime: try again
account-added = added { $name }
account-enabled = enabled { $name }
account-disabled = disabled { $name }; { $sessions } ended
account-removed = removed { $name }; { $sessions } ended
account-password-changed = changed the password of { $name }; { $sessions } ended
account-unlocked = unlocked { $name }: failed attempts are forgotten
account-not-locked = nothing to unlock: no failed attempts are counted for { $name }
account-would-disable = would disable { $name } and end { $sessions }
account-would-remove = would remove { $name } and end { $sessions }
account-password-question = Change the password of { $name } and end { $sessions }?
account-disable-question = Disable { $name } and end { $sessions }?
account-remove-question = Remove { $name } for good and end { $sessions }? `cloakroom account disable` can be taken back.

password-prompt = New password for { $name }:{" "}
password-prompt-again = The same again:{" "}
password-differs = the two passwords differ: nothing was changed, run the command again
password-no-terminal = there is no terminal to ask for the password on: use --password-stdin and write it to standard input
password-not-typed = cannot read the password: { $cause }; use --password-stdin
password-not-hashed = cannot hash the password: { $cause }; free some memory
password-unread = cannot read the password from standard input: { $cause }
password-not-utf8 = the password on standard input is not UTF-8: write it in that encoding
password-line-long = the line on standard input has more than { $max } bytes: no password is that long
password-line-missing = there is no password on standard input: write it there, in one line

session-ended = ended { $sessions }
session-ended-of = ended { $sessions } of { $subject }
session-ended-everyone = ended { $sessions } of everyone
session-missing = no session { $id }: see `cloakroom session list`
subject-wrong = { $cause }
event-not-recorded = done, but not recorded as an event: { $cause }
everywhere-waiting = until every instance refuses it
everywhere-done = refused on every instance (waited { $seconds } s)

migrate-nothing = nothing to do
migrate-done = done
migrate-applied = applied { $name }
migrate-is-applied = { $name }  applied
migrate-is-missing = { $name }  missing
migrate-copy-unfinished = a copy of { $source } into this database is not finished, and nobody serves it until it is: run `cloakroom migrate copy` again, or drop it with `cloakroom migrate down --yes`
migrate-copy-ending = a copy into this database is being verified just now: wait until it is done
migrate-dropping = { $rows ->
    [one] dropping { $table }: 1 row ({ $notice })
   *[other] dropping { $table }: { $shown } rows ({ $notice })
}
migrate-would-drop = { $rows ->
    [one] would drop { $table }: 1 row ({ $notice })
   *[other] would drop { $table }: { $shown } rows ({ $notice })
}
migrate-down-question = Drop these tables and all rows in them?
migration-prisma-down = Prisma has no way back: remove the models from schema.prisma, and apply what `cloakroom migration --dialect postgres --down` prints
copy-table = { $rows ->
    [one] { $table }: 1 row verified
   *[other] { $table }: { $shown } rows verified
}
copy-table-resumed = { $rows ->
    [one] { $table }: 1 row verified; { $written } written now, { $removed } of before removed
   *[other] { $table }: { $shown } rows verified; { $written } written now, { $removed } of before removed
}
copy-done = { $target } holds everything; take { $source } out of use: who logs out from now on is still logged in there
copy-correcting = correcting { $table }
copy-copying = copying { $table }
copy-verifying = verifying { $table }
copy-working = working on { $table }
copy-progress = { $what }: { $done } of { $total }
man-written = { $count ->
    [one] wrote 1 page into { $directory }
   *[other] wrote { $count } pages into { $directory }
}
man-unwritable = cannot write into { $directory }: { $cause }; name a directory that may be written

serve-here = Cloakroom serves { $url }
serve-behind = Cloakroom serves { $url }, listening on http://{ $address }
serve-metrics = Metrics: http://{ $address }/metrics
serve-setup = No account yet. Make the first one, an administrator's, here (once, until the next start):
serve-strict = Validation: strict. A session that ended is refused from the next request on, on every instance.
serve-leased = Validation: leased. A session that ended is refused on every instance within { $lease }, whatever fails; typically within milliseconds.
serve-hashing = Passwords: { $count } hashed at once, in { $mib } MiB at most; { $waiting } more may wait.
serve-clients-unknown = Client addresses: whoever is connected, which may be a proxy. Name it in proxy.trusted; without a proxy set proxy.trusted = [].
serve-failed = serving failed: { $cause }; start it again
serve-cannot-listen = cannot listen on { $address }: { $cause }; stop what does, or set { $key }
serve-no-signals = cannot listen for signals: { $cause }; report this as a bug
log-filter-wrong = log.filter cannot be read: { $cause }; set it to a level such as info
log-not-started = cannot start the log: { $cause }; report this as a bug

# Errors of libraries, by their kind. Their own line says it all in English.
open-directory-missing = { $cause }
open-read-only = { $cause }
open-locked = { $cause }
open-newer-version = { $cause }
open-not-a-database = { $cause }
open-denied = { $cause }
open-unreachable = { $cause }
open-too-old = { $cause }
open-not-migrated = { $cause }
open-copy-unfinished = { $cause }
open-unsupported-url = { $cause }
open-other = { $cause }
store-busy = the database is busy: try again in a moment
store-unavailable = the database cannot be used: see `cloakroom migrate status`
store-conflict = the change conflicts with what is stored: see `cloakroom migrate status`
store-corrupt = a value in { $table }.{ $column } is corrupt: restore the database from a backup, or correct the value by hand
store-other = { $cause }: see `cloakroom migrate status`
copy-refused = { $cause }
copy-differs = { $cause }
copy-corrupt = { $cause }
copy-stopped = { $cause }

# A command line that cannot be understood.
usage-unknown = there is no option or argument { $arg } here
usage-command = there is no command { $command }
usage-command-missing = a command is missing
usage-missing = something is missing: { $arg }
usage-value-missing = { $arg } needs a value
usage-value = { $value } is none of the values of { $arg }: { $values }
usage-value-wrong = { $value } cannot be { $arg }: { $why }
usage-twice = { $arg } may be given only once
usage-conflict = { $arg } and { $other } do not go together
usage-too-many = { $value } is one value too many for { $arg }
usage-utf8 = the command line is not UTF-8
usage-meant = { $what }; did you mean { $meant }?
usage-more = See --help.
usage-name-empty = a login name cannot be empty
usage-name-long = a login name has at most 255 bytes
usage-name-invisible = a login name cannot contain control, direction or zero-width characters
usage-session-id = a session id is a UUID such as 0199b7c2-0000-7000-8000-000000000000
usage-reason = { $cause }

progress-line = { $what }: { $done }
progress-line-of = { $what }: { $done } of { $total }
session-ending = ending sessions
session-end-question = End { $sessions }?
session-would-end = would end { $count } of { $sessions }
session-end-interrupted = stopped when { $sessions } had ended: repeat it to end the rest
session-end-failed = stopped when { $sessions } had ended: repeat it to end the rest ({ $cause })
sweep-purging = purging
sweep-done = purged: expired sessions { $sessions }, endings { $endings }, client facts of sessions { $facts }, counters of attempts { $counters }, security events { $events }
sweep-would = would purge: expired sessions { $sessions }, endings { $endings }, client facts of sessions { $facts }, counters of attempts { $counters }, security events { $events }
sweep-interrupted = stopped ({ $done }): repeat it to purge the rest
sweep-unavailable = the database cannot be used: see `cloakroom migrate status` ({ $cause })
backup-postgres = PostgreSQL is backed up with its own program (the password comes from PGPASSWORD or .pgpass): { $command }
backup-done = backed up { $database } to { $file }: { $bytes } bytes, read back and whole ({ $holds })
backup-holds = accounts { $accounts }, sessions { $sessions }, security events { $events }
backup-interrupted = interrupted: no backup was written
restore-postgres = PostgreSQL is restored with its own program; stop every instance, run { $command }, then run cloakroom session end --everyone --yes, so that no session comes back that was ended since, and start the instances
restore-question = Replace { $database } with { $file } ({ $holds })? What is replaced is kept beside it.
restore-interrupted = interrupted: the database is as it was
restore-done = restored { $database } from { $file } ({ $holds })
restore-ended = ended { $sessions }: who was logged out since the backup stays out
restore-kept = kept { $sessions }, those included that were ended since the backup
restore-replaced = what was there before is { $file } now
password-prompt-current = {"Password of "}{ $name }{": "}
health-not-well = { $url } answers { $status }; its text and the log say why
health-nobody = nobody answers at { $url }: start `cloakroom serve`, or name its address with --listen ({ $cause })
health-late = { $url } does not answer within { $seconds } s
migrate-keeps-nothing = no row can be kept: there is no earlier form of these tables
migrate-gone-sessions = everybody is signed out
migrate-gone-session_subjects = nobody notices; a login under way fails
migrate-gone-session_feed = nobody is told any more why and when a session ended
migrate-gone-accounts = nobody can sign in until the accounts are made anew
migrate-gone-attempt_counters = whoever is locked out after failed attempts may try again
migrate-gone-security_events = recent activity and the operator's record are empty
migrate-gone-service_tokens = applications are refused until they get new service tokens
migrate-gone-measurements = the charts begin anew
column-name = name
column-scope = scope
column-last-used = last used (UTC)
