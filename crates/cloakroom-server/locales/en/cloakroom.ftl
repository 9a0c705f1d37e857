# What a person reads, in English. The Japanese file has the same keys; a test compares them.
brand = Cloakroom
skip = Skip to the content
login-title = Sign in
login-name = Login name
password = Password
login-keep = Keep me signed in on this device
login-keep-hint = Only on a device that is yours alone.
login-button = Sign in
setup-title = Create the first account
setup-intro = This account is the administrator's. The link works once.
setup-button = Create account
password-again = Password, again
password-rules = At least 15 characters. A few unrelated words in a row are easy to remember and hard to guess.
confirm-title = Confirm that it is you
confirm-end-one = You signed in a while ago. Enter your password to sign out the other device.
confirm-end-others = You signed in a while ago. Enter your password to sign out all other devices.
confirm-end-all = You signed in a while ago. Enter your password to sign out everywhere, here too.
confirm-nothing = Enter your password. For a while you will not be asked again.
confirm-button = Confirm
confirm-back = Back to your account
account-title = Your account
account-signed-in-as = Signed in as { $name }
account-devices = Devices you are signed in on
account-this-device = This device
account-unknown-browser = Unknown browser
account-device = { $browser } on { $system }
account-last-seen = Last used { $when }
account-signed-in = Signed in { $when }
account-from = from { $ip }
account-sign-out-one = Sign out
account-sign-out-device = Sign out { $device }
account-sign-out-others = Sign out all other devices
account-sign-out-all = Sign out everywhere
account-change-password = Change password
account-current-password = Current password
account-new-password = New password
account-new-password-again = New password, again
account-change-hint = Your other devices are signed out when you change it.
account-history = Recently ended
activity-title = Recent activity
activity-hint = Something here that was not you? Say so: every other device is signed out at once, and you choose a new password.
activity-new-device = new device
activity-login = Signed in
activity-login-fail = Failed attempt to sign in
activity-lock = Signing in was locked after too many failed attempts
activity-password = Password changed
activity-password-fail = Password not changed: the current one was wrong
activity-confirm = Confirmed with the password
activity-confirm-fail = Not confirmed: the password was wrong
activity-created = Account created
activity-updated = Account changed by an administrator
account-everywhere = Signed out, and no server accepts it any more. Making sure took { $seconds } s.
account-only-this = You are signed in on no other device.
sign-out = Sign out
error-home = To the start page
error-request = Request
error-fields = Please correct:
time-just-now = just now
time-minutes-ago = { $count ->
    [one] one minute ago
   *[other] { $count } minutes ago
}
time-hours-ago = { $count ->
    [one] one hour ago
   *[other] { $count } hours ago
}
time-days-ago = { $count ->
    [one] one day ago
   *[other] { $count } days ago
}
ended-logout = Signed out on that device
ended-new_login = Replaced by a new login in the same browser
ended-other_device = Signed out from another device
ended-administrator = Signed out by an administrator
ended-password_changed = Signed out because the password was changed
ended-account_disabled = Signed out because the account was disabled
ended-account_removed = Signed out because the account was removed
ended-subject_wide = Signed out everywhere
ended-everyone = Everybody was signed out
ended-over_cap = Signed out because of too many devices; the oldest goes first
ended-idle = Signed out because it was not used
ended-absolute = Signed out because its time was up
ended-by_hand = Removed in the database
code-invalid_credentials = That did not work
code-invalid_credentials-next = Check the login name and the password, and try again.
code-throttled = Too many attempts
code-throttled-next = Wait a while and try again. If it stays like this, ask whoever runs this service to unlock your login name.
code-login_required = Login required
code-login_required-next = Log in and try again.
code-session_idle = Session not used for too long
code-session_idle-next = Log in again.
code-session_absolute = Session reached its longest lifetime
code-session_absolute-next = Log in again.
code-session_revoked = Session was ended
code-session_revoked-next = Log in again.
code-step_up_required = Please confirm that it is you
code-step_up_required-next = Enter your password again and repeat what you did.
code-forbidden = Not allowed
code-forbidden-next = Ask an administrator if you need this.
code-cross_site = Request from another site, or from an old page
code-cross_site-next = Open this site itself, load the page again and try again from there.
code-not_found = Not found
code-not_found-next = Check the address, or begin at the start page.
code-method_not_allowed = This address does something else
code-method_not_allowed-next = Use one of the methods that the Allow header names.
code-too_large = Too large
code-too_large-next = Send at most 64 KiB.
code-unsupported_media_type = Unknown kind of content
code-unsupported_media_type-next = Forms are sent as application/x-www-form-urlencoded, programs send application/json.
code-invalid_input = Something is missing or wrong
code-invalid_input-next = Correct what is named and send it again.
code-internal = Something went wrong here
code-internal-next = Try again. If it happens again, tell whoever runs this service the request number.
code-busy = Too busy just now
code-busy-next = Try again in a few seconds. You are still signed in if you were.
code-unavailable = This cannot be done just now
code-unavailable-next = Try again in a few seconds. You are still signed in if you were.
complaint-missing = This is needed.
complaint-unknown = This field is not known here.
complaint-doubled = This may be sent only once.
complaint-wrong-type = This has to be text.
complaint-too-long = This is too long.
complaint-invisible = This contains characters that cannot be seen.
complaint-not-allowed = This is none of the values that are allowed.
complaint-mismatch = The two passwords differ.
complaint-not-the-password = This is not your current password.
complaint-unreadable = This cannot be read: it has to be UTF-8 and of the form that is expected.
password-too_short = { $found ->
    [one] One character is too short; at least { $min } are needed.
   *[other] { $found } characters are too short; at least { $min } are needed.
}
password-too_long = At most { $max } characters are possible.
password-control = It contains a control character, such as a tab or a line break.
password-common = It is on a list of passwords that are tried first. Choose another.
password-breached = It is on a list of passwords that were stolen somewhere. Choose another, and do not use it elsewhere either.
password-guessable = It is easy to guess. A few unrelated words in a row are hard to guess.
password-context = It is little more than your name or the name of this service. Choose words that have nothing to do with them.
