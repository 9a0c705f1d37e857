# サービス API を呼び出すアプリケーションへのメッセージ
service-token-needed = サービストークンが必要です
service-token-needed-next = `Authorization: Bearer cks1_…` として送信してください。トークンは運用者が `cloakroom service-token add NAME` で発行します。削除されたトークンは使えません。
service-token-scope = このサービストークンではこの操作を行えません
service-token-scope-next = スコープが異なります。この操作に必要なスコープのトークンを使ってください。`cloakroom service-token list` で確認できます。
service-token-taken = サービストークン { $name } はすでにあります。別の名前にするか、先に削除してください
service-token-full = サービストークンが上限に達しています。先にどれかを削除してください
service-token-shown = サービストークン { $name }（{ $scope }）。表示されるのは今回だけです:
service-token-missing = サービストークン { $name } はありません。`cloakroom service-token list` で確認してください
service-token-remove-question = サービストークン { $name } を削除しますか？ 利用中のアプリケーションは拒否されるようになります。
service-token-removed = { $name } を削除しました
service-token-removed-leased = { $name } を削除しました。このトークンを記憶しているインスタンスも { $lease } 以内に拒否します
