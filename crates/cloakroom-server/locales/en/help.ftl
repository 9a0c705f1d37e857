# What --help says, in English: help-COMMAND for a command, -long for more of it, -examples for what is typed; arg-ARGUMENT for an
# argument, arg-COMMAND-ARGUMENT where it means something else there.
help-heading-usage = Usage
help-heading-commands = Commands
help-heading-arguments = Arguments
help-heading-options = Options
help-heading-everywhere = Options of every command
help-heading-examples = Examples
help-values = [one of: { $values }]
help-default = [default: { $value }]
man-name = NAME
man-synopsis = SYNOPSIS
man-description = DESCRIPTION
man-examples = EXAMPLES

arg-config = Configuration file [default: cloakroom.toml in the working directory, if there is one]
arg-database = Database, such as sqlite:cloakroom.db or postgres://USER@HOST/NAME
arg-listen = Address and port to listen on, such as 127.0.0.1:8787
arg-language = Language of everything people read; without it that of LC_ALL, LC_MESSAGES or LANG
arg-help = Print help; --help says more than -h
arg-version = Print the version
arg-json = For programs: one JSON document, the same in every language
arg-name = Login name
arg-yes = Do it without asking
arg-dry-run = Only say what would be done
arg-password-stdin = Read the password from the first line of standard input instead of asking for it

help-cloakroom = Login sessions that can be ended: one binary beside your application
help-cloakroom-long =
    Without a command it serves. Without configuration it keeps its data in cloakroom.db in the working directory.

    Every command exits with 0 when it is done, 1 when it was refused or failed (one line on standard error says why and what
    to do), and 2 when it cannot be understood. Ctrl-C ends it (130 in a shell) and leaves nothing half done.
help-cloakroom-examples =
    # Serve on 127.0.0.1:8787, with the data in cloakroom.db
    cloakroom
    # On another database and port
    cloakroom serve --database postgres://cloakroom@db.example/cloakroom --listen 127.0.0.1:9000
    # Sign everybody out
    cloakroom session end --everyone
help-serve = Serve logins and sessions over HTTP (the default)
help-serve-long =
    A SQLite file is made and migrated if need be; PostgreSQL is migrated only with database.migrate = true. While there is no
    account, a link is printed that makes the first one.

    SIGTERM and Ctrl-C let requests in flight finish; then it exits with 0.
help-serve-examples =
    cloakroom serve --listen 127.0.0.1:9000
    # As the configuration says
    cloakroom serve --config login.toml
help-migrate = Apply, show or take back the database migrations
help-migrate-long = Without a command it applies what is missing.
help-migrate-examples =
    cloakroom migrate
    cloakroom migrate status
help-migrate-up = Apply what is missing (the default)
help-migrate-up-long = All of it or nothing. Of several that start together one migrates, and the others wait for it.
help-migrate-up-examples =
    cloakroom migrate up --database postgres://cloakroom@db.example/cloakroom
help-migrate-down = Drop every table and all that is in them
help-migrate-down-long = Everybody is logged out, and accounts are gone. What would be dropped is said first.
help-migrate-down-examples =
    # What would be dropped?
    cloakroom migrate down --dry-run
    cloakroom migrate down --yes
help-migrate-status = Show which migrations are applied, and whether a copy into the database is unfinished
help-migrate-status-examples =
    cloakroom migrate status
    cloakroom migrate status --json
help-migrate-copy = Copy every session, account, service token and ending into another, empty database, and verify it there
help-migrate-copy-long =
    Nobody has to log in again. The source cannot be written meanwhile, so stop what uses it first. A copy that was interrupted
    goes on where it stopped when the same is typed again.
help-migrate-copy-examples =
    cloakroom migrate copy --from sqlite:cloakroom.db --to postgres://cloakroom@db.example/cloakroom
arg-migrate-copy-from = Database to copy; stop what uses it first, it cannot be written meanwhile
arg-migrate-copy-to = Database to copy into: empty, or the same copy interrupted; its tables are made
arg-migrate-copy-yes = Accepted as everywhere; there is nothing to ask
help-account = Add, list and change accounts
help-account-examples =
    cloakroom account add ada
    cloakroom account list
help-account-add = Make an account
help-account-add-long = The password is asked for twice. It is never an argument, which other users of the machine could read.
help-account-add-examples =
    cloakroom account add ada
    # Somebody who looks after everybody's sessions; the password comes from a file
    cloakroom account add grace --admin --password-stdin < password.txt
arg-account-add-admin = Let it look after everybody's sessions
help-account-list = List the accounts by login name
help-account-list-examples =
    cloakroom account list
    cloakroom account list --json
help-account-password = Set a new password and end the account's sessions
help-account-password-long = The session of whoever knew the old password ends with all the others.
help-account-password-examples =
    cloakroom account password ada
    cloakroom account password ada --password-stdin < password.txt
help-account-disable = Keep an account from logging in and end its sessions
help-account-disable-long = `cloakroom account enable` takes it back; the sessions stay ended.
help-account-disable-examples =
    # How many sessions would end?
    cloakroom account disable ada --dry-run
    cloakroom account disable ada --yes
help-account-enable = Let an account log in again
help-account-enable-examples =
    cloakroom account enable ada
help-account-unlock = Let a login name be tried again at once, whatever was counted of it
help-account-unlock-examples =
    cloakroom account unlock ada
help-account-remove = Remove an account for good and end its sessions
help-account-remove-examples =
    cloakroom account remove ada --dry-run
    cloakroom account remove ada --yes
help-session = List and end sessions
help-session-examples =
    cloakroom session list
    cloakroom session end --subject ada
help-session-list = List living sessions, newest first
help-session-list-long =
    With --json each also says by which method it began (auth_method), for which the table has no room.
help-session-list-examples =
    cloakroom session list
    cloakroom session list --subject ada --json
arg-session-list-subject = Only those of this login name or, if there is no such account, of this subject
help-session-end = End one session, a subject's, everybody's, or all that match
help-session-end-long =
    Several filters have to match together. Many are ended in chunks; Ctrl-C stops between two of them.

    Where instances answer from memory, it waits until every one of them refuses what ended.
help-session-end-examples =
    cloakroom session end 0199b7c2-0000-7000-8000-000000000000
    cloakroom session end --subject ada
    # From one network, older than a month: how many?
    cloakroom session end --ip 203.0.113.0/24 --before 30d --dry-run
    cloakroom session end --everyone --yes
arg-ip = Only those whose login came from this address or network, such as 203.0.113.0/24
arg-before = Only those created before this time, such as 2026-01-31T08:00:00Z, or so long ago, such as 30d
arg-browser = Only those whose browser (user agent) has this text in it, in upper or lower case
arg-method = Only those that began with this method, such as password
arg-session-end-id = The session of this id
arg-session-end-subject = All of this login name or, if there is no such account, of this subject
arg-session-end-everyone = Everybody's
help-event = List security events
help-event-examples =
    cloakroom event list
help-event-list = List security events, newest first
help-event-list-examples =
    cloakroom event list --limit 20
    cloakroom event list --subject ada --json
arg-event-list-subject = Only those about this login name or, if there is no such account, about this subject
arg-event-list-limit = At most so many
help-config = Show the configuration in effect, secrets redacted
help-config-long = Every key with its value and who set it: flags, then the environment, then the file, then defaults.
help-config-examples =
    cloakroom config
    cloakroom config --json
    cloakroom config check
help-config-check = Only check the configuration; the database is not opened
help-config-check-long = Exits with 0 if `cloakroom serve` would accept it; else it says what is wrong.
help-config-check-examples =
    cloakroom config check --config login.toml
help-migration = Print the one migration for an application's own schema
help-migration-long =
    For an application that uses the library and keeps its schema with a tool of its own: put what is printed among its
    migrations. Applied by hand it belongs into one transaction. Cloakroom knows afterwards that it was applied.
help-migration-examples =
    cloakroom migration --dialect postgres > migrations/0042_sessions.sql
    cloakroom migration --dialect sqlite --down
    # Models for schema.prisma, with a note where the SQL goes
    cloakroom migration --dialect prisma
arg-migration-dialect = For which database or tool
arg-migration-down = The way back: drops every session and the history of endings
help-openapi = Print the description of the JSON interface (OpenAPI 3.1)
help-openapi-long = What a server of this version serves under /openapi.json, to generate a client from. Nothing is read or opened for it.
help-openapi-examples =
    cloakroom openapi > openapi.json
help-completions = Print what a shell completes the command line with
help-completions-examples =
    cloakroom completions bash > ~/.local/share/bash-completion/completions/cloakroom
    cloakroom completions zsh > ~/.zfunc/_cloakroom
    cloakroom completions fish > ~/.config/fish/completions/cloakroom.fish
arg-completions-shell = Which shell
help-man = Print the manual page, or write a page for each command
help-man-examples =
    cloakroom man > cloakroom.1
    cloakroom man --directory /usr/local/share/man/man1
arg-man-directory = Write the pages into this directory, which is made if need be
help-version = Print the version
help-version-examples =
    cloakroom version --json
help-help = Print the help of a command
help-help-examples =
    cloakroom help account add
arg-help-command = Which command
help-service-token = Make, list and remove credentials of applications
help-service-token-examples =
    cloakroom service-token add shop
    cloakroom service-token list
help-service-token-add = Make a service token and show it, once
help-service-token-add-long = Standard output has the token alone, for a file or a secret store. The database cannot tell it again.
help-service-token-add-examples =
    cloakroom service-token add shop > shop.token
    cloakroom service-token add ops --scope admin
arg-service-token-add-name = Name, such as that of the application: 1 to 64 letters, digits, `.`, `_` and `-`
arg-service-token-add-scope = What it opens: sessions (the service API) or admin (what administrators may do over the API)
help-service-token-list = List the service tokens by name
help-service-token-list-examples =
    cloakroom service-token list
help-service-token-remove = Remove a service token: it opens nothing any more
help-service-token-remove-examples =
    cloakroom service-token remove shop --yes
arg-service-token-remove-name = Its name
help-sweep = Purge now what is past its retention, as a server does by itself
help-sweep-long = In chunks, so that nobody waits. Ctrl-C stops it between two of them; what was purged by then is purged.
help-sweep-examples =
    # How much is there?
    cloakroom sweep --dry-run
    cloakroom sweep
arg-sweep-yes = Accepted as everywhere; there is nothing to ask
help-backup = Write a copy of the database (SQLite) while it is in use
help-backup-long = It is written under another name, read back, and only then given its own.
help-backup-examples =
    cloakroom backup cloakroom-2026-01-31.db
arg-backup-file = Where to write it; a file that is there is overwritten with --yes only
help-restore = Put a backup in the database's place (SQLite) and end every session in it
help-restore-long = Stop what uses the database first. Sessions that were ended since the backup must not come back, so all of them end.
help-restore-examples =
    cloakroom restore cloakroom-2026-01-31.db --yes
arg-restore-file = The backup
arg-restore-keep-sessions = Let the backup's sessions live on, those included that were ended since it was made
help-doctor = Examine a live deployment: each promise by a check, with what was seen and what to do
help-doctor-long =
    It logs in and out with an account that it makes and removes, and looks at the database beside the server. Exits with 1 when
    a check fails.
help-doctor-examples =
    cloakroom doctor https://login.example.org
    # For a pull request
    cloakroom doctor https://login.example.org --markdown > report.md
arg-doctor-url = Address of the server [default: public_url, else the address it listens on]
arg-doctor-instances = Address of another instance, which has to refuse what ends here; may be given several times
arg-doctor-login-name = An account that exists, instead of one that is made and removed
arg-doctor-backup = A backup to look into: whether it can be read, and holds no token
arg-doctor-markdown = The report as Markdown, with a summary in English and Japanese
help-health = Ask the server that is configured here whether it lives: for health checks of containers
help-health-examples =
    cloakroom health
    cloakroom health --ready
arg-health-ready = Ask whether it can do its work, its database too
arg-config-check-strict = Fail on warnings as well
help-config-example = Print a commented cloakroom.toml with every key at its default
help-config-example-examples =
    cloakroom config example > cloakroom.toml
help-config-reference = Print the table of keys of the documentation, in Markdown
help-config-reference-examples =
    cloakroom config reference
