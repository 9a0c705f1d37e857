# --help の日本語。help-コマンド は説明、-long は補足、-examples は入力例。arg-引数 は引数の説明(意味が異なるところでは arg-コマンド-引数)。
help-heading-usage = 使い方
help-heading-commands = コマンド
help-heading-arguments = 引数
help-heading-options = オプション
help-heading-everywhere = すべてのコマンドで使えるオプション
help-heading-examples = 例
help-values = [指定できる値: { $values }]
help-default = [既定値: { $value }]
man-name = 名前
man-synopsis = 書式
man-description = 説明
man-examples = 例

arg-config = 設定ファイル [既定値: 作業ディレクトリーの cloakroom.toml（あれば）]
arg-database = データベース。sqlite:cloakroom.db や postgres://USER@HOST/NAME など
arg-listen = 待ち受けるアドレスとポート。127.0.0.1:8787 など
arg-language = 表示の言語（省略時は LANG などに従います）
arg-help = ヘルプを表示します（--help は -h より詳しく表示します）
arg-version = バージョンを表示します
arg-json = プログラム向けに JSON で出力します（言語によって変わりません）
arg-name = ログイン名
arg-yes = 確認せずに実行します
arg-dry-run = 実行せず、何が起きるかだけを表示します
arg-password-stdin = パスワードを尋ねず、標準入力の最初の行から読み取ります

help-cloakroom = ログインセッションをいつでも終了できる、アプリケーションの隣で動くプログラム
help-cloakroom-long =
    コマンドを省略すると、サーバーとして動作します。設定がなければ、作業ディレクトリーの
    cloakroom.db にデータを保存します。

    終了コードは、完了すれば 0、拒否または失敗すれば 1（理由と対処を標準エラー出力に一行で
    示します）、コマンドラインを解釈できなければ 2 です。Ctrl-C で中断でき（シェルでは 130）、
    中途半端な変更は残りません。
help-cloakroom-examples =
    # 127.0.0.1:8787 で動作し、データは cloakroom.db に保存
    cloakroom
    # データベースとポートを指定
    cloakroom serve --database postgres://cloakroom@db.example/cloakroom --listen 127.0.0.1:9000
    # 全員をログアウト
    cloakroom session end --everyone
help-serve = ログインとセッションを HTTP で提供します（既定のコマンド）
help-serve-long =
    SQLite のファイルは、必要なら作成してマイグレーションも適用します。PostgreSQL に適用するのは
    database.migrate = true のときだけです。アカウントがまだなければ、最初のアカウントを作成する
    リンクを表示します。

    SIGTERM か Ctrl-C を受け取ると、処理中のリクエストを終えてから終了コード 0 で終了します。
help-serve-examples =
    cloakroom serve --listen 127.0.0.1:9000
    # 設定ファイルに従う
    cloakroom serve --config login.toml
help-migrate = データベースのマイグレーションを適用、確認、または取り消します
help-migrate-long = コマンドを省略すると、未適用のものを適用します。
help-migrate-examples =
    cloakroom migrate
    cloakroom migrate status
help-migrate-up = 未適用のマイグレーションを適用します（既定のコマンド）
help-migrate-up-long =
    すべて適用するか、何も変えないかのどちらかです。同時にいくつ実行しても、適用するのは一つだけで、
    ほかはそれを待ちます。
help-migrate-up-examples =
    cloakroom migrate up --database postgres://cloakroom@db.example/cloakroom
help-migrate-down = すべてのテーブルを、中のデータとともに削除します
help-migrate-down-long = 全員がログアウトし、アカウントもなくなります。先に、何が削除されるかを表示します。
help-migrate-down-examples =
    # 何が削除されるかを確認
    cloakroom migrate down --dry-run
    cloakroom migrate down --yes
help-migrate-status = どのマイグレーションが適用済みか、終わっていないコピーがあるかを表示します
help-migrate-status-examples =
    cloakroom migrate status
    cloakroom migrate status --json
help-migrate-copy = セッションやアカウントなどのすべてを空のデータベースにコピーし、検証します
help-migrate-copy-long =
    ログインし直す必要はありません。コピー中はコピー元に書き込めないので、使っているものを先に
    止めてください。中断した場合は、同じコマンドをもう一度実行すると続きから再開します。
help-migrate-copy-examples =
    cloakroom migrate copy --from sqlite:cloakroom.db --to postgres://cloakroom@db.example/cloakroom
arg-migrate-copy-from = コピー元のデータベース（使っているものを先に止めてください）
arg-migrate-copy-to = コピー先のデータベース（空か、同じコピーの途中のもの）
arg-migrate-copy-yes = ほかのコマンドと同じく指定できますが、確認することはありません
help-account = アカウントを追加、一覧表示、変更します
help-account-examples =
    cloakroom account add ada
    cloakroom account list
help-account-add = アカウントを作成します
help-account-add-long =
    パスワードは二度尋ねます。引数で渡すことはできません（同じマシンのほかの利用者に見えてしまう
    ためです）。
help-account-add-examples =
    cloakroom account add ada
    # 全員のセッションを管理するアカウント。パスワードはファイルから
    cloakroom account add grace --admin --password-stdin < password.txt
arg-account-add-admin = 全員のセッションを管理できるようにします
help-account-list = アカウントをログイン名の順に表示します
help-account-list-examples =
    cloakroom account list
    cloakroom account list --json
help-account-password = 新しいパスワードを設定し、そのアカウントのセッションを終了します
help-account-password-long = 以前のパスワードを知る人のセッションも、ほかのすべてとともに終了します。
help-account-password-examples =
    cloakroom account password ada
    cloakroom account password ada --password-stdin < password.txt
help-account-disable = アカウントをログインできないようにし、そのセッションを終了します
help-account-disable-long = `cloakroom account enable` で元に戻せます。終了したセッションは戻りません。
help-account-disable-examples =
    # 終了するセッションの数を確認
    cloakroom account disable ada --dry-run
    cloakroom account disable ada --yes
help-account-enable = アカウントを再びログインできるようにします
help-account-enable-examples =
    cloakroom account enable ada
help-account-unlock = 失敗の記録を消し、ログイン名をすぐに試せるようにします
help-account-unlock-examples =
    cloakroom account unlock ada
help-account-remove = アカウントを完全に削除し、そのセッションを終了します
help-account-remove-examples =
    cloakroom account remove ada --dry-run
    cloakroom account remove ada --yes
help-session = セッションを一覧表示、終了します
help-session-examples =
    cloakroom session list
    cloakroom session end --subject ada
help-session-list = 有効なセッションを新しい順に表示します
help-session-list-long =
    --json では、表に収まらない認証の方法（auth_method）も出力します。
help-session-list-examples =
    cloakroom session list
    cloakroom session list --subject ada --json
arg-session-list-subject = このログイン名のもの（アカウントがなければ、このサブジェクトのもの）
help-session-end = セッションを 1 つ、特定の人の分、全員分、または条件に合うものだけ終了します
help-session-end-long =
    条件を複数指定すると、すべてに当てはまるものだけを終了します。多数のときは少しずつ
    終了し、Ctrl-C で区切りのよいところで止まります。

    インスタンスがメモリーから応答している場合は、すべてが拒否するまで待ちます。
help-session-end-examples =
    cloakroom session end 0199b7c2-0000-7000-8000-000000000000
    cloakroom session end --subject ada
    # あるネットワークからの、1 か月より前のもの。いくつあるか
    cloakroom session end --ip 203.0.113.0/24 --before 30d --dry-run
    cloakroom session end --everyone --yes
arg-ip = ログイン元がこのアドレスまたはネットワーク（203.0.113.0/24 など）のもの
arg-before = この時刻（2026-01-31T08:00:00Z など）や期間（30d など）より前のもの
arg-browser = ブラウザー（ユーザーエージェント）にこの文字列を含むもの
arg-method = この方法（password など）で始まったもの
arg-session-end-id = この ID のセッション
arg-session-end-subject = このログイン名（そのアカウントがなければ、このサブジェクト）のすべて
arg-session-end-everyone = 全員のセッション
help-event = セキュリティーイベントを表示します
help-event-examples =
    cloakroom event list
help-event-list = セキュリティーイベントを新しい順に表示します
help-event-list-examples =
    cloakroom event list --limit 20
    cloakroom event list --subject ada --json
arg-event-list-subject = このログイン名（そのアカウントがなければ、このサブジェクト）に関するものだけ
arg-event-list-limit = 表示する件数の上限
help-config = 有効な設定を表示します（秘密の値は伏せます）
help-config-long =
    すべてのキーについて、値と、それがどこで設定されたかを表示します。優先順位は、オプション、環境変数、
    設定ファイル、既定値の順です。
help-config-examples =
    cloakroom config
    cloakroom config --json
    cloakroom config check
help-config-check = 設定を検査だけします。データベースは開きません
help-config-check-long = `cloakroom serve` が受け付ける設定なら終了コード 0、そうでなければ問題を示します。
help-config-check-examples =
    cloakroom config check --config login.toml
help-migration = アプリケーション自身のスキーマに加えるマイグレーションを出力します
help-migration-long =
    ライブラリーを使い、スキーマを独自のツールで管理するアプリケーションのためのものです。出力を
    そのマイグレーションに加えてください。手で適用するときは、一つのトランザクションで実行します。
    適用済みであることは Cloakroom にも分かります。
help-migration-examples =
    cloakroom migration --dialect postgres > migrations/0042_sessions.sql
    cloakroom migration --dialect sqlite --down
    # schema.prisma のモデルと、SQL をどこに置くかの説明
    cloakroom migration --dialect prisma
arg-migration-dialect = 対象のデータベースまたはツール
arg-migration-down = 元に戻す SQL を出力します。すべてのセッションと終了の記録が削除されます
help-openapi = JSON インターフェースの記述 (OpenAPI 3.1) を出力します
help-openapi-long = このバージョンのサーバーが /openapi.json で返すものと同じで、クライアントの生成に使えます。設定もデータベースも読みません。
help-openapi-examples =
    cloakroom openapi > openapi.json
help-completions = シェルの補完スクリプトを出力します
help-completions-examples =
    cloakroom completions bash > ~/.local/share/bash-completion/completions/cloakroom
    cloakroom completions zsh > ~/.zfunc/_cloakroom
    cloakroom completions fish > ~/.config/fish/completions/cloakroom.fish
arg-completions-shell = シェルの種類
help-man = マニュアルページを出力するか、コマンドごとのページを書き込みます
help-man-examples =
    cloakroom man > cloakroom.1
    cloakroom man --directory /usr/local/share/man/man1
arg-man-directory = このディレクトリーにページを書き込みます（なければ作成します）
help-version = バージョンを表示します
help-version-examples =
    cloakroom version --json
help-help = コマンドのヘルプを表示します
help-help-examples =
    cloakroom help account add
arg-help-command = どのコマンドか
help-service-token = アプリケーションの資格情報の発行、一覧、削除
help-service-token-examples =
    cloakroom service-token add shop
    cloakroom service-token list
help-service-token-add = サービストークンを発行し、一度だけ表示します
help-service-token-add-long =
    標準出力にはトークンだけを出力するので、ファイルや秘密情報の保管先へそのまま渡せます。
    データベースから取り出すことはできません。
help-service-token-add-examples =
    cloakroom service-token add shop > shop.token
    cloakroom service-token add ops --scope admin
arg-service-token-add-name = アプリケーション名など。英数字と `.` `_` `-` で 1～64 文字
arg-service-token-add-scope = sessions（サービス API）または admin（管理者用 API）
help-service-token-list = サービストークンを名前順に表示します
help-service-token-list-examples =
    cloakroom service-token list
help-service-token-remove = サービストークンを削除し、使えなくします
help-service-token-remove-examples =
    cloakroom service-token remove shop --yes
arg-service-token-remove-name = トークンの名前
help-sweep = 保持期間を過ぎたものを今すぐ削除します（サーバーも自動で行います）
help-sweep-long =
    ほかの処理を待たせないよう、少しずつ削除します。Ctrl-C で区切りのよいところで止まり、
    それまでに削除した分はそのままです。
help-sweep-examples =
    # どれだけあるか
    cloakroom sweep --dry-run
    cloakroom sweep
arg-sweep-yes = 指定しても変わりません（確認することがないため）
help-backup = 使用中のデータベース（SQLite）の控えを書き出します
help-backup-long = 別の名前で書き出し、読み戻して確かめてから、指定した名前にします。
help-backup-examples =
    cloakroom backup cloakroom-2026-01-31.db
arg-backup-file = 書き出すファイル。既存のファイルは --yes があるときだけ上書きします
help-restore = バックアップでデータベース（SQLite）を置き換え、全セッションを終了します
help-restore-long =
    先に、データベースを使っているプログラムを止めてください。バックアップ後に終了した
    セッションが復活しないよう、すべてのセッションを終了します。
help-restore-examples =
    cloakroom restore cloakroom-2026-01-31.db --yes
arg-restore-file = バックアップのファイル
arg-restore-keep-sessions = セッションを残します（バックアップ後に終了したものも含みます）
help-doctor = 稼働中の環境を調べ、約束ごとに結果と根拠、対処を示します
help-doctor-long =
    作成して後で削除するアカウントでログインとログアウトを行い、サーバーと並行して
    データベースも調べます。不合格があれば終了コードは 1 です。
help-doctor-examples =
    cloakroom doctor https://login.example.org
    # プルリクエストに貼り付けるため
    cloakroom doctor https://login.example.org --markdown > report.md
arg-doctor-url = サーバーのアドレス [既定値: public_url、なければ待ち受けるアドレス]
arg-doctor-instances = ここで終了したものを同じく拒否すべき別のインスタンス（複数指定可）
arg-doctor-login-name = 一時的なアカウントを作らず、既存のアカウントを使います
arg-doctor-backup = 読み取れるか、トークンを含まないかを調べるバックアップ
arg-doctor-markdown = レポートを Markdown で出力します（要約は英語と日本語）
help-health = 設定されたサーバーが動いているかを確かめます（コンテナの死活監視用）
help-health-examples =
    cloakroom health
    cloakroom health --ready
arg-health-ready = データベースも含めて、要求に応じられるかを確かめます
arg-config-check-strict = 警告があるときも失敗にします
help-config-example = すべてのキーと既定値を、説明付きの cloakroom.toml として出力します
help-config-example-examples =
    cloakroom config example > cloakroom.toml
help-config-reference = 文書にあるキーの一覧を Markdown で出力します
help-config-reference-examples =
    cloakroom config reference
