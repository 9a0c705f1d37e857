# サービス API を呼び出すアプリケーションへのメッセージ
service-token-needed = サービストークンが必要です
service-token-needed-next = `Authorization: Bearer cks1_…` として送信してください。トークンは運用者が `cloakroom service-token add NAME` で発行します。削除されたトークンは使えません。
service-token-scope = このサービストークンではこの操作を行えません
service-token-scope-next = スコープが異なります。この操作に必要なスコープのトークンを使ってください。`cloakroom service-token list` で確認できます。
