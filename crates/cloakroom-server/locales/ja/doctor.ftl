# `cloakroom doctor` の日本語。英語のファイルと同じキーを持つこと(テストで比較する)。
doctor-about = 対象: { $url }{ $instances ->
    [0] {""}
   *[other] (ほかに { $instances } インスタンス)
 }、Cloakroom { $version }、データベース: { $database }、検証方式: { $validation }、実施日時: { $at }
doctor-sum-well = 確認した項目はすべて問題ありませんでした(合格 { $passed } 件、対象外 { $skipped } 件)。
doctor-sum-failed = 不合格が { $failed } 件あります(合格 { $passed } 件、対象外 { $skipped } 件)。
doctor-word-pass = 合格
doctor-word-fail = 不合格
doctor-word-skipped = 対象外
doctor-unreachable = { $url } に問い合わせできません: { $why }
doctor-database-refuses = データベースに問い合わせできません: { $why }
doctor-interrupted = 中断されたため、確認していません
doctor-no-login = ログインできなかったため、確認していません
doctor-no-rights = いまの権限ではアカウントを作成しても削除できないため、確認していません
doctor-no-account = 確認用のアカウントを作成できなかったため、確認していません: { $why }
doctor-nothing-ended = 終了したセッションがないため、確認していません
doctor-migration = マイグレーションが適用されている
doctor-migration-applied = 適用済み: { $names }
doctor-migration-missing = 未適用: { $names }
doctor-migration-advice = テーブルを作成できるロールで `cloakroom migrate up` を実行してください
doctor-rights = データベースのロールに必要な権限がある
doctor-rights-file = ファイルを書き込み用に開けました
doctor-rights-file-advice = 所有者とグループ以外からもファイルにアクセスできます(モード { $mode })。パスワードのハッシュと個人データが含まれるため、chmod 0600 を実行してください
doctor-rights-role = { $role } はすべてのテーブルを読み書きできます
doctor-rights-missing = { $role } に足りない権限: { $rights }
doctor-rights-advice = Cloakroom のテーブルに対する SELECT、INSERT、UPDATE、DELETE をこのロールに付与してください
doctor-rights-superuser = このロールはスーパーユーザーで、すべてのデータベースに対して何でもできます。Cloakroom のテーブルの権限だけを持つロールで運用してください
doctor-ready = すべてのサーバーが稼働できる状態にある
doctor-ready-all = { $count } 台のサーバーが稼働できる状態です
doctor-ready-not = { $url } の応答: { $status }({ $why })
doctor-ready-advice = 応答の文に不足しているものが書かれています。原因はサーバーのログにあります
doctor-clock = 時計が合っている
doctor-clock-well = 時計のずれは、セッションに影響しない範囲です
doctor-clock-server = サーバー: { $way ->
    [none] このマシンとのずれは認められません
    [ahead] このマシンが少なくとも { $seconds } 秒進んでいます(許容は { $max } 秒)
   *[behind] このマシンが少なくとも { $seconds } 秒遅れています(許容は { $max } 秒)
 }
doctor-clock-database = データベース: { $way ->
    [none] このマシンとのずれは認められません
    [ahead] このマシンが少なくとも { $seconds } 秒進んでいます(許容は { $max } 秒)
   *[behind] このマシンが少なくとも { $seconds } 秒遅れています(許容は { $max } 秒)
 }
doctor-clock-file = データベース: ファイルのため、独自の時計はありません
doctor-clock-no-date = サーバー: 応答に時刻がありません
doctor-clock-advice = このマシン、サーバー、データベースの時計を NTP で合わせてください
doctor-tls = サーバーまでの通信が暗号化されている
doctor-tls-loopback = 同じマシン内の http のため、盗聴のおそれはありません。https のアドレスでも確認してください
doctor-tls-none = { $url } は http です。通信を盗聴できる人は、セッションを乗っ取ることができます
doctor-tls-none-advice = TLS に対応したプロキシを前に置き、public_url にその https:// のアドレスを設定してください
doctor-tls-well = 証明書は信頼されており、ブラウザーには { $days } 日間 https を使うよう指示しています
doctor-tls-hsts = 1 年以上の Strict-Transport-Security がありません
doctor-tls-advice = public_url に https:// のアドレスを設定し、プロキシが Strict-Transport-Security をそのまま渡すようにして、このマシンが信頼する証明書を使ってください
doctor-login = ログインすると行が作られる
doctor-login-row = トークンのハッシュ値を持つ行があります(セッション { $id })
doctor-login-no-row = サーバーにはログインできましたが、設定されたデータベースに行がありません
doctor-login-refused = 正しいパスワードでのログインに対する応答: { $outcome }
doctor-login-advice = サーバーがここで設定されているデータベースを使っていること、/api/v1/login へのリクエストと Set-Cookie を途中で書き換えていないことを確認してください
doctor-cookie = Cookie が属性で保護されている
doctor-cookie-well = { $name }: { $attributes }
doctor-cookie-missing = { $name } に足りない属性: { $attributes }
doctor-cookie-advice = 途中で Set-Cookie を書き換えないでください。https の場合は public_url に https:// のアドレスを設定してください
doctor-headers = 応答に保護のためのヘッダーがある
doctor-headers-well = 画面と JSON にポリシーがあり、ログイン中の応答は no-store です
doctor-headers-missing = { $path } に足りないヘッダー: { $names }
doctor-headers-advice = 途中でヘッダーを削除したり書き換えたりしないでください
doctor-instances = すべてのインスタンスがセッションを受け付ける
doctor-instances-all = ほかの { $count } インスタンスが受け付けました
doctor-instances-none = ほかのインスタンスが指定されていません。--instance で指定してください
doctor-instances-refused = { $url } の応答: { $outcome }
doctor-instances-advice = 各インスタンスが同じデータベースを使い、public_url と cookie.domain がそろっていることを確認してください
doctor-no-token = データベースにトークンがない
doctor-no-token-well = このログインのトークンとパスワードは、{ $columns } 列({ $rows } 行)のどこにもありません(テキスト、base64、16 進数のいずれでも)
doctor-no-token-found = 見つかった列: { $columns }
doctor-no-token-advice = 書き込んだものを突き止め、すべてのセッションを終了して(`cloakroom session end --everyone --yes`)、その列を消去してください
doctor-logout = ログアウトすると行が削除される
doctor-logout-well = 応答の時点で行は削除されており、応答が Cookie を失効させています
doctor-logout-refused = サーバーの応答: { $outcome }
doctor-logout-cookie = 応答が Cookie を失効させていません
doctor-logout-row = 行が残っています
doctor-logout-advice = サーバーがここで設定されているデータベースを使っていること、途中で /api/v1/logout に応答したり Set-Cookie を書き換えたりしていないことを確認してください
doctor-refusal = データベースにないものは拒否される
doctor-refusal-logout = ログアウト後、コピーした Cookie は拒否されました({ $millis } ミリ秒後のリクエスト)
doctor-refusal-row = データベースで行を削除した後、Cookie は拒否されました({ $millis } ミリ秒後のリクエスト)
doctor-refusal-served = { $url } は、終了から { $millis } ミリ秒後のリクエストにも応じました
doctor-refusal-other = { $url } の応答が 401 ではなく { $outcome } です
doctor-refusal-strict-advice = Cache-Control: no-store の応答を保存するキャッシュが途中にないか確認してください。サーバーの設定が session.validation = "leased" の場合は、その設定で実行してください
doctor-refusal-leased-advice = Cache-Control: no-store の応答を保存するキャッシュが途中にないか確認してください。session.lease は、ここと全インスタンスで同じ値にしてください
doctor-everywhere = 終了したものをすべてのインスタンスが拒否する
doctor-everywhere-none = セッションを受け付けるインスタンスが指定されていません。--instance で指定してください
doctor-everywhere-well = { $count } インスタンスが、遅くとも終了の { $millis } ミリ秒後のリクエストから拒否しました(許容は { $bound } ミリ秒、ログアウト後と行の削除後の両方)
doctor-everywhere-advice = session.validation と session.lease は、ここと全インスタンスで同じ値にしてください。インスタンスのメトリクス cloakroom_lease_age_seconds も確認してください
doctor-backup = バックアップを読み取れる
doctor-backup-none = バックアップが指定されていません。--backup で指定してください
doctor-backup-whole = { $file } は完全で(アカウント { $accounts } 件、セッション { $sessions } 件)、トークンは含まれていません
doctor-backup-text = { $file } はテキスト形式のダンプで、トークンは含まれていません
doctor-backup-packed = { $file } は pg_dump の圧縮形式です。`pg_restore --file=TEXT` で展開したものを指定してください
doctor-backup-broken = { $file }: { $why }
doctor-backup-advice = 新しいバックアップを作成し(`cloakroom backup FILE`)、このファイルに何が起きたのかを確認してください
doctor-backup-tokens = { $file } にトークンがそのまま含まれています: { $count } 件
doctor-backup-tokens-advice = このファイルを持つ人はそのトークンでログインできます。すべてのセッションを終了し、ファイルを削除して、何が書き込んだのかを突き止めてください
doctor-cleanup = 確認のために作成したものが残っていない
doctor-cleanup-done = アカウント { $name } とそのセッションを削除しました
doctor-cleanup-given = { $name } は指定されたアカウントのため残し、今回のセッションだけを終了しました
doctor-cleanup-left = アカウント { $name } を削除できませんでした: { $why }
doctor-cleanup-advice = `cloakroom account remove { $name } --yes` を実行してください。このアカウントのパスワードを知る人はいません
doctor-md-summary = まとめ
doctor-md-evidence = 検証の結果
doctor-md-risk = リスク
doctor-md-risk-text = この確認では 2 回ログインし、両方のセッションを終了して、作成したものを削除しました。session_subjects の 1 行とイベントの記録は残ります。それ以外は読み取っただけです。結果は実施した時点の状態を示すものです。
doctor-md-rollback = ロールバック
doctor-md-rollback-text = 前のバージョンを起動してください(同じ百番台のマイグレーションは追加のみです)。`cloakroom migrate down` は削除対象を表示し、`--yes` を付けたときだけ削除します。その場合は全員がログアウトされます。バックアップから戻すには `cloakroom restore FILE --yes` を実行してください(すべてのセッションを終了します)。PostgreSQL では `pg_restore` の後に `cloakroom session end --everyone --yes` を実行してください。
doctor-failed = { $of } 項目中 { $count } 項目が不合格です: { $checks }。対処はレポートに記載しています
doctor-stopped = 中断しました。何も作成されず、何も残っていません
