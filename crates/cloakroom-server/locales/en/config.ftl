# What is wrong with a configuration, and what will hurt, in English.
config-valid = the configuration is valid
config-also = { $line }; also { $more }
config-finding = { $key }: { $why }; { $advice }
config-finding-of = { $severity }: { $line }
config-severity-note = note
config-severity-warning = warning
config-severity-error = error

# It cannot be used.
config-unreadable = cannot read { $path }: { $why }; { $remedy }
config-unreadable-named = name a readable file with --config
config-unreadable-default = make it readable, or move it away
config-syntax = { $place }: not TOML: { $why }
config-unknown = unknown key { $name } ({ $source }); { $hint }
config-hint-alike = did you mean { $name }?
config-hint-section = it is a section: write [{ $name }] and its keys below
config-hint-none = remove it; `cloakroom config` shows every key
config-value = { $key } ({ $source }): found { $value }, allowed: { $allowed }
config-bounded = { $allowed }; { $key } is { $value } ({ $source })
config-set-twice = { $key } ({ $source }) and { $file } ({ $place }) are both set; remove one of them
config-breached-hashes = { $key }: { $cause }; name a file of SHA-1 hashes that is sorted by hash and can be read, or leave the key away
config-traces = { $key } is set, and this program was built without the export of traces; remove the key, or build it with `cargo build --release --features otel`
config-listener = listen { $address } is reachable from other machines, and without https a session cookie can be read on the way; set public_url to the https:// origin of the proxy in front, or listen on 127.0.0.1, or accept the risk with cookie.insecure = true
config-faulty = { $cause }

config-source-default = default
config-source-environment = environment

# What was found in place of a value.
config-found-large-number = an integer out of range
config-found-date = a date
config-found-mixed = an array of other things than strings
config-found-table = a table
config-found-not-utf8 = bytes that are not UTF-8
config-found-credentials = a URL with credentials
config-found-redacted = { $value } (redacted)
config-found-but = { $value } ({ $why })
config-found-empty = it is empty
config-found-too-large = it is larger than { $size }
config-found-suffix = { $value }, a public suffix, for which browsers take no cookie
config-found-without-url = { $value } without public_url
config-found-other-url = { $value } with public_url { $url }

# What is allowed, by key. `docs/configuration.md` shows the same.
config-allowed-listen = an IP address and a port, such as 127.0.0.1:8787 or [::]:8787; port 0 takes a free one
config-allowed-public_url = http:// or https:// with a host and perhaps a port, without path or credentials, such as https://login.example.org
config-allowed-language = "en" or "ja"
config-allowed-database-url = sqlite: and a path, such as sqlite:/var/lib/cloakroom/cloakroom.db, or a URL such as postgres://USER:PASSWORD@HOST/DATABASE
config-allowed-database-url_file = the path of a file that can be read and holds the value in one line; not beside the key itself
config-allowed-database-migrate = true or false
config-allowed-database-connections = 1 to 256
config-allowed-database-lookup_connections = 1 to 32
config-allowed-session-idle_timeout = 1s up to session.absolute_timeout, such as 15m or 1h30m
config-allowed-session-absolute_timeout = 1s to 400d, such as 12h
config-allowed-session-keep_idle_timeout = 1s up to session.keep_absolute_timeout, such as 14d
config-allowed-session-keep_absolute_timeout = from session.absolute_timeout to 400d, such as 30d
config-allowed-session-touch_every = 0s to 1h, such as 1m
config-allowed-session-recent = 1s to 24h, such as 10m
config-allowed-session-max_per_subject = 1 to 10000
config-allowed-session-retention = 0s to 400d, such as 1d
config-allowed-session-feed_retention = 1h to 4000d, such as 30d
config-allowed-session-client_retention = 0s to 400d, such as 30d
config-allowed-session-client_address = "full", "truncated" or "none"
config-allowed-session-validation = "strict" or "leased"
config-allowed-session-lease = 100ms to 1m, such as 1s; the same on every instance
config-allowed-session-poll = 10ms up to half of session.lease, such as 200ms
config-allowed-session-cache = 8 to 16777216
config-allowed-cookie-domain = a domain name of two labels or more that is no public suffix and covers the host of an https public_url, without a leading dot, such as example.org
config-allowed-cookie-insecure = true or false
config-allowed-login-concurrency = 1 to 64
config-allowed-login-network_failures = 1 to 1000000
config-allowed-password-breached_hashes = the path of a file with SHA-1 hashes of passwords in hexadecimal, one a line, sorted, such as that of Pwned Passwords
config-allowed-proxy-trusted = at most 256 addresses and networks, such as ["10.0.0.0/8", "fd00::1"]; none of length 0. In the environment with commas between them
config-allowed-metrics-listen = an IP address and a port, such as 127.0.0.1:9787; port 0 takes a free one
config-allowed-events-retention = 1h to 4000d, such as 30d
config-allowed-traces-endpoint = http:// or https:// with a host, perhaps a port, and a path, without credentials, such as http://127.0.0.1:4318/v1/traces
config-allowed-traces-sample = 0 to 1, such as 0.05
config-allowed-stop-delay = 0s to 1m, such as 5s; more than the proxies in front need to see that `/readyz` says no
config-allowed-stop-deadline = 1s to 10m, such as 20s
config-allowed-log-format = "auto", "text" or "json"
config-allowed-log-filter = a level (error, warn, info, debug, trace) or directives such as info,cloakroom_sql=debug

# It can be used, and will hurt: what about it, then what to do.
finding-cookie-over-http = the cookie may travel over plain http: whoever reads the network takes over sessions
finding-pages-over-http = browsers reach { $url } over plain http
finding-metrics-open = metrics are shown to whoever reaches { $address }, without a login
finding-proxies-unsaid = not set, although public_url says that a proxy may stand in front: all people seem to be one
finding-proxies-wide = { $network } trusts more machines than anybody has proxies: each may say where a request comes from
finding-lives-long = a session lives for { $span }
finding-lives-unused = a session lives unused for { $span }
finding-lease-long = somebody who logged out is served for up to { $span }
finding-polls-few = polled every { $poll }, a lease of { $lease } runs out with the second poll that is late
finding-retention-long = { $span } is longer than makes sense
finding-password-readable = every user of this machine can read the password in { $path } (mode { $mode })
finding-database-in-clear = nothing in the URL keeps the connection from being read or redirected on the way
finding-database-readable = every user of this machine can read password hashes and personal data in it (mode { $mode })
finding-database-mode = its mode is { $mode }; only its directory keeps others out
finding-directory-writable = every user of this machine can put another file in its place in { $path }
finding-database-on-network = the file is on a network ({ $kind }), where SQLite's log is not shared and its locks may not hold
advice-tls-in-front = put a proxy with TLS in front and set public_url to its https:// origin
advice-https = use https
advice-metrics = listen on 127.0.0.1, or let a firewall admit the collector only
advice-proxies-name = name the proxy's address, or set it to [] if there is none
advice-proxies-own = name the proxies' own addresses
advice-aal1 = NIST SP 800-63B-4 recommends at most 30d even at AAL1; shorten it, or write down why not
advice-aal2 = NIST SP 800-63B-4 recommends 24h in all and 1h of inactivity at AAL2; shorten it where that is wanted
advice-lease = shorten it to a few seconds
advice-poll = poll five times in a lease
advice-retention-sessions = who comes back after that long needs no reason; 1d is the default
advice-retention-feed = the table grows with every login; 30d is the default
advice-retention-personal = keep personal data no longer than it helps anybody: 30d is the default
advice-mode-group = chmod 0600, or 0640 with the group of the service
advice-mode-database = chmod 0600 the file and 0700 its directory
advice-mode-file = chmod 0600 the file
advice-mode-directory = chmod 0700 the directory
advice-sslmode = add ?sslmode=verify-full to it
advice-local-disk = use a local disk, or PostgreSQL for several machines
