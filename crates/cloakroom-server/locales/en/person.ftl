# What a person reads about their own sessions: where devices are, why one ended, when this one ends, what was not them.
language = Language
span-seconds = { $count ->
    [one] one second
   *[other] { $count } seconds
}
span-minutes = { $count ->
    [one] one minute
   *[other] { $count } minutes
}
span-hours = { $count ->
    [one] one hour
   *[other] { $count } hours
}
span-days = { $count ->
    [one] one day
   *[other] { $count } days
}
from-this-machine = from this machine
from-this-network = from this network ({ $ip })
from-private-network = from a private network ({ $ip })
came-logout = You signed out, { $when }.
came-new_login = Somebody signed in anew in this browser, { $when }.
came-other_device = You were signed out from another device, { $when }.
came-administrator = You were signed out by an administrator, { $when }.
came-password_changed = You were signed out because the password was changed, { $when }.
came-account_disabled = You were signed out because your account was disabled, { $when }.
came-account_removed = You were signed out because your account was removed, { $when }.
came-subject_wide = You were signed out everywhere from another device, { $when }.
came-everyone = Everybody was signed out, { $when }.
came-over_cap = You were signed out because you are signed in on too many devices, { $when }.
came-idle = You were signed out because you had not been here for a while, { $when }.
came-idle-after = You were signed out after { $span } without use, { $when }.
came-absolute = You were signed out because your session reached its longest lifetime, { $when }.
came-absolute-after = You were signed out because no session lasts longer than { $span }, { $when }.
came-by_hand = You were signed out because your session was removed from the database, { $when }.
expires-unless-used = Without use you will be signed out at { $when }.
expires-in-any-case = You will be signed out at { $when }.
expires-title = Are you still there?
expires-warning = You have not done anything here for a while. You will be signed out at { $when }.
expires-stay = Stay signed in
not-me-link = That wasn’t me
not-me-title = That wasn’t you?
not-me-intro = Then somebody else may know your password or be signed in as you. This happens at once:
not-me-ends = Every other device is signed out, and so is whoever has copied something from this one.
not-me-password = You choose a new password before you go on.
not-me-button = Sign out every other device
new-password-title = Choose a new password
new-password-why = You said { $when } that something in your account was not you. Every other device is signed out. Whoever it was may still know your password, so choose a new one now.
confirm-not-me = You signed in a while ago. Enter your password to sign out every other device and choose a new password.
activity-not-me = You said that something was not you; every other device was signed out
