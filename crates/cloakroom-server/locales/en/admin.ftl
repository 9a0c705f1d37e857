# The administrators' pages, in English.
admin-title = Administration
admin-overview = Overview
admin-sessions = Sessions
admin-accounts = Accounts
admin-charts = Charts
admin-health = How this server is
admin-attention = Attention
admin-ready = Takes requests
admin-ready-yes = Yes.
admin-ready-stopping = No: it was told to stop.
admin-ready-copy = No: a copy into the database is not finished. Run cloakroom migrate copy again.
admin-ready-clocks = No: its clock and the database’s are too far apart. Synchronise them.
admin-ready-lease = No: the lease is not renewed. See the log.
admin-waiting = Waiting to be written
admin-waiting-uses = Uses of sessions: { $count }.
admin-waiting-lost = Events that are in the log only: { $count }. See the log.
admin-database = Database
admin-database-file = Answers. It is a file of this machine, with one clock.
admin-database-agrees = Answers. Its clock and this server's agree.
admin-database-ahead = Answers. This server's clock is at least { $seconds } s ahead of it.
admin-database-behind = Answers. This server's clock is at least { $seconds } s behind it.
admin-migrations = Migrations
admin-migrations-applied = { $count ->
    [one] The one there is has been applied.
   *[other] All { $count } have been applied.
}
admin-migrations-missing = Missing: { $names }
admin-validation = Validation
admin-validation-strict = Strict: every request asks the database.
admin-validation-leased = Leased for { $ms } ms: the lease is renewed.
admin-validation-lapsed = Leased for { $ms } ms, but the lease is not renewed: every request asks the database. See the log.
admin-hashing = Logins being checked or waiting
admin-hashing-places = { $taken } of at most { $places }
admin-sweep = Last sweep
admin-sweep-never = None has finished since this server started.
admin-sweep-errors = { $when }; failed attempts since the start: { $count }. See the log.
admin-version = Version
admin-started = Started
admin-search = Search
admin-search-clear = Show all
admin-who = Who
admin-who-hint = A login name; or a subject, where there is no such account.
admin-network = Network
admin-network-hint = An address, or a network such as 203.0.113.0/24.
admin-browser = Browser
admin-browser-hint = A part of what it calls itself, such as Firefox.
admin-older-than = Signed in longer ago than
admin-older-than-hint = Such as 12h, 30d or 2w.
admin-method = Method
admin-method-hint = How they signed in, such as password.
admin-name-hint = All of it, or how it begins.
admin-sessions-living = Living sessions, newest first
admin-sessions-none = There are none.
admin-sessions-cut-short = The search has looked at as many sessions as one page does, and found no more. There may be older ones.
admin-device = Device
admin-signed-in = Signed in
admin-last-used = Last used
admin-expires = Ends by itself
admin-action = Action
admin-this-session = this session
admin-unknown = unknown
admin-end = End
admin-end-one = End the session of { $who }, { $device }
admin-newest = Back to the newest
admin-older = Older
admin-go-on = Look further
admin-next = Next
admin-end-matching = End all that match…
admin-end-title = End all that match
admin-end-count = { $matching } of { $all } living sessions match.
admin-end-more = There are more: go on until none is left.
admin-end-own = Your own session is one of them. You will be signed out.
admin-end-button = End these sessions
admin-cancel = Back, and end nothing
admin-of-whom = Of: { $value }
admin-of-network = From the network: { $value }
admin-of-browser = Browser with: { $value }
admin-of-age = Signed in before: { $value }
admin-of-method = Signed in by: { $value }
admin-at-least = at least { $count }
admin-in-a-moment = in less than a minute
admin-in-minutes = { $count ->
    [one] in one minute
   *[other] in { $count } minutes
}
admin-in-hours = { $count ->
    [one] in one hour
   *[other] in { $count } hours
}
admin-in-days = { $count ->
    [one] in one day
   *[other] in { $count } days
}
admin-accounts-by-name = Accounts, by login name
admin-accounts-none = There are none.
admin-account = Account
admin-own = your own
admin-own-hint = This is your own account. Another administrator can disable it.
admin-role = Role
admin-role-person = Person
admin-role-administrator = Administrator
admin-created = Created
admin-disabled = Disabled
admin-locked = Locked
admin-locked-yes = After too many failed attempts
admin-no = No
admin-subject = Subject
admin-enable = Enable the account
admin-disable = Disable the account
admin-unlock = Forget failed attempts
admin-end-all = End all sessions
admin-end-all-asked = This ends every session of { $name } (living now: { $count }), and logins that are under way.
admin-disable-asked = { $name } cannot sign in any more, and every session of theirs ends (living now: { $count }).
admin-done-ended = { $count ->
    [0] No session was ended.
    [one] One session was ended. No server accepts it any more.
   *[other] { $count } sessions were ended. No server accepts them any more.
}
admin-done-disabled = { $count ->
    [0] The account is disabled. It had no session.
    [one] The account is disabled, and its session was ended.
   *[other] The account is disabled, and its { $count } sessions were ended.
}
admin-done-enabled = The account is enabled.
admin-done-unlocked = Failed attempts are forgotten.
confirm-administrate = You signed in a while ago. Enter your password to go on with what you asked for. It is done then.
confirm-show = You signed in a while ago. Enter your password to see the pages for administrators.
complaint-own-account = This is your own account. Another administrator can do it.
