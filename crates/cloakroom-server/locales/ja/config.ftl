# 設定の誤りと、あとで困ることになる設定。
config-valid = 設定に問題はありません
config-also = { $line }。また、{ $more }
config-finding = { $key }: { $why }。{ $advice }
config-finding-of = { $severity }: { $line }
config-severity-note = 参考
config-severity-warning = 警告
config-severity-error = エラー

# このままでは使えない設定。
config-unreadable = 設定ファイル { $path } を読めません（{ $why }）。{ $remedy }
config-unreadable-named = 読めるファイルを --config で指定してください
config-unreadable-default = 読めるようにするか、別の場所に移してください
config-syntax = 設定ファイル { $place } は TOML として正しくありません（{ $why }）
config-unknown = { $name } という設定キーはありません（{ $source }）。{ $hint }
config-hint-alike = { $name } のことですか？
config-hint-section = これはセクションです。[{ $name }] と書き、その下にキーを並べてください
config-hint-none = 取り除いてください。`cloakroom config` ですべてのキーを確認できます
config-value = { $key } に { $value } は指定できません（{ $source }）。指定できるのは、{ $allowed }
config-bounded = { $allowed }。{ $key } は { $value } です（{ $source }）
config-set-twice = { $key }（{ $source }）と { $file }（{ $place }）の両方が設定されています。どちらかを取り除いてください
config-breached-hashes = { $key }: 流出したパスワードのファイルを使えません（{ $cause }）。ハッシュの順に並んだ、読める SHA-1 ハッシュのファイルを指定するか、このキーを取り除いてください
config-traces = { $key } が設定されていますが、このプログラムはトレースを送信する機能なしでビルドされています。キーを削除するか、`cargo build --release --features otel` でビルドしてください
config-listener = listen が { $address } のため、ほかのマシンから接続できますが、https でないとセッションの Cookie を途中で読み取られるおそれがあります。public_url に前に置いたプロキシの https:// のオリジンを設定するか、127.0.0.1 で待ち受けるか、cookie.insecure = true として危険を受け入れてください
config-faulty = 設定に問題があります（{ $cause }）

config-source-default = 既定値
config-source-environment = 環境変数

# 値の代わりに見つかったもの。
config-found-large-number = 範囲外の整数
config-found-date = 日時
config-found-mixed = 文字列以外を含む配列
config-found-table = テーブル
config-found-not-utf8 = UTF-8 ではないバイト列
config-found-credentials = ユーザー名やパスワードを含む URL
config-found-redacted = { $value }（一部非表示）
config-found-but = { $value }（{ $why }）
config-found-empty = 空です
config-found-too-large = { $size } を超えています
config-found-suffix = パブリックサフィックスの { $value }（ブラウザーは Cookie を受け付けません）
config-found-without-url = public_url のない { $value }
config-found-other-url = public_url が { $url } のときの { $value }

# キーごとの、指定できる値。
config-allowed-listen = 127.0.0.1:8787 や [::]:8787 のような IP アドレスとポート（ポート 0 なら空いているもの）です
config-allowed-public_url = https://login.example.org のような、http:// または https:// とホスト（必要ならポート）です。パスやユーザー名、パスワードは付けられません
config-allowed-language = "en" または "ja" です
config-allowed-database-url = sqlite:/var/lib/cloakroom/cloakroom.db のような sqlite: とパス、または postgres://USER:PASSWORD@HOST/DATABASE のような URL です
config-allowed-database-url_file = 値を一行で書いた、読めるファイルのパスです。本来のキーと同時には指定できません
config-allowed-database-migrate = true または false です
config-allowed-database-connections = 1 から 256 までです
config-allowed-database-lookup_connections = 1 から 32 までです
config-allowed-session-idle_timeout = 15m や 1h30m のような、1s から session.absolute_timeout までの時間です
config-allowed-session-absolute_timeout = 12h のような、1s から 400d までの時間です
config-allowed-session-keep_idle_timeout = 14d のような、1s から session.keep_absolute_timeout までの時間です
config-allowed-session-keep_absolute_timeout = 30d のような、session.absolute_timeout から 400d までの時間です
config-allowed-session-touch_every = 1m のような、0s から 1h までの時間です
config-allowed-session-recent = 10m のような、1s から 24h までの時間です
config-allowed-session-max_per_subject = 1 から 10000 までです
config-allowed-session-retention = 1d のような、0s から 400d までの時間です
config-allowed-session-feed_retention = 30d のような、1h から 4000d までの時間です
config-allowed-session-client_retention = 30d のような、0s から 400d までの時間です
config-allowed-session-client_address = "full"、"truncated"、"none" のいずれかです
config-allowed-session-validation = "strict" または "leased" です
config-allowed-session-lease = 1s のような、100ms から 1m までの時間です。すべてのインスタンスで同じにしてください
config-allowed-session-poll = 200ms のような、10ms から session.lease の半分までの時間です
config-allowed-session-cache = 8 から 16777216 までです
config-allowed-cookie-domain = example.org のような、二つ以上のラベルからなるドメイン名です。先頭のドットは付けられません。パブリックサフィックスではなく、https の public_url のホストを含むものにしてください
config-allowed-cookie-insecure = true または false です
config-allowed-login-concurrency = 1 から 64 までです
config-allowed-login-network_failures = 1 から 1000000 までです
config-allowed-password-breached_hashes = Pwned Passwords のもののような、パスワードの SHA-1 ハッシュを 16 進数で一行に一つずつ順に並べたファイルのパスです
config-allowed-proxy-trusted = ["10.0.0.0/8", "fd00::1"] のような、256 個までのアドレスとネットワークです。長さ 0 のネットワークは指定できません。環境変数ではコンマで区切ります
config-allowed-metrics-listen = 127.0.0.1:9787 のような IP アドレスとポート（ポート 0 なら空いているもの）です
config-allowed-events-retention = 30d のような、1h から 4000d までの時間です
config-allowed-traces-endpoint = http:// または https:// で始まり、ホストとパスを含む URL です。ポートも指定できますが、認証情報は書けません。例: http://127.0.0.1:4318/v1/traces
config-allowed-traces-sample = 0.05 のような、0 から 1 までの数です
config-allowed-stop-delay = 5s のような、0s から 1m までの時間です。`/readyz` が応じなくなったことに前に置いたプロキシが気付くよりも長くしてください
config-allowed-stop-deadline = 20s のような、1s から 10m までの時間です
config-allowed-log-format = "auto"、"text"、"json" のいずれかです
config-allowed-log-filter = レベル（error、warn、info、debug、trace）、または info,cloakroom_sql=debug のような指定です

# 使えるものの、あとで困ることになる設定。何が問題か、そしてどうすればよいか。
finding-cookie-over-http = Cookie が暗号化されていない http で送られることがあり、通信を読める人にセッションを乗っ取られます
finding-pages-over-http = ブラウザーは { $url } に暗号化されていない http で接続します
finding-metrics-open = { $address } に接続できる人なら誰でも、ログインせずにメトリクスを見られます
finding-proxies-unsaid = public_url によると前にプロキシがあるかもしれませんが、設定されていません。すべての人が同じ一人に見えます
finding-proxies-wide = { $network } は、プロキシとして信頼するには広すぎます。その中のどのマシンも、リクエストの送信元を偽れます
finding-lives-long = セッションが { $span } 続きます
finding-lives-unused = 使われていないセッションが { $span } 続きます
finding-lease-long = ログアウトした人が、最長 { $span } のあいだ受け入れられます
finding-polls-few = { $poll } ごとの確認では、続けて二回遅れただけで { $lease } のリースが切れます
finding-retention-long = { $span } は、意味のある長さを超えています
finding-password-readable = { $path } にあるパスワードを、このマシンのすべてのユーザーが読めます（モード { $mode }）
finding-database-in-clear = URL に、通信を途中で読まれたり別の接続先に導かれたりするのを防ぐ指定がありません
finding-database-readable = ファイルの中のパスワードハッシュと個人情報を、このマシンのすべてのユーザーが読めます（モード { $mode }）
finding-database-mode = ファイルのモードは { $mode } で、ほかのユーザーを防いでいるのはディレクトリーだけです
finding-directory-writable = { $path } では、このマシンのすべてのユーザーがファイルを別のものに置き換えられます
finding-database-on-network = ファイルがネットワーク上（{ $kind }）にあり、SQLite のログは共有されず、ロックも効かないことがあります
advice-tls-in-front = TLS に対応したプロキシを前に置き、public_url にその https:// のオリジンを設定してください
advice-https = https を使ってください
advice-metrics = 127.0.0.1 で待ち受けるか、収集する側だけをファイアウォールで通してください
advice-proxies-name = プロキシのアドレスを指定してください。プロキシがなければ [] としてください
advice-proxies-own = プロキシ自身のアドレスを指定してください
advice-aal1 = NIST SP 800-63B-4 は、AAL1 でも長くて 30d を推奨しています。短くするか、そうしない理由を書き残してください
advice-aal2 = NIST SP 800-63B-4 は、AAL2 では全体で 24h、無操作で 1h を推奨しています。AAL2 が必要なら短くしてください
advice-lease = 数秒に短くしてください
advice-poll = 一回のリースのあいだに五回は確認するようにしてください
advice-retention-sessions = それだけ経って戻ってきた人に、終了の理由は要りません。既定値は 1d です
advice-retention-feed = テーブルはログインのたびに大きくなります。既定値は 30d です
advice-retention-personal = 個人情報は、役に立つあいだだけ残してください。既定値は 30d です
advice-mode-group = chmod 0600 とするか、サービスのグループで 0640 としてください
advice-mode-database = ファイルを chmod 0600、ディレクトリーを chmod 0700 としてください
advice-mode-file = ファイルを chmod 0600 としてください
advice-mode-directory = ディレクトリーを chmod 0700 としてください
advice-sslmode = URL に ?sslmode=verify-full を付けてください
advice-local-disk = ローカルのディスクを使うか、複数のマシンなら PostgreSQL を使ってください
