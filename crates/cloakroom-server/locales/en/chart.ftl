# The charts of what was measured, in English.
chart-title = Charts
chart-intro = What all servers on this database counted together, written every five minutes. All times are UTC.
chart-span = Time span
chart-span-day = 24 hours
chart-span-month = 30 days
chart-soon = Nothing has been measured yet. The first figures come within five minutes.
chart-active = Active sessions
chart-active-most = Most at once
chart-active-summary = Now { $last }. Most at once: { $most }, { $at }.
chart-logins = Sign-ins by outcome
chart-login-succeeded = Signed in
chart-login-refused = Refused
chart-login-throttled = Too many attempts
chart-login-busy = Server unavailable
chart-ends = Ended sessions by reason
chart-end-signed-out = Signed out
chart-end-expired = Timed out
chart-end-by-owner = By its owner from elsewhere
chart-end-by-administrator = By an administrator
chart-end-by-hand = Removed in the database
chart-latency = Time to check a session
chart-latency-half = Half of the requests (p50)
chart-latency-most = 99 of 100 requests (p99)
chart-latency-count = Requests
chart-latency-summary = For half of the requests it took { $half } at most, for 99 of 100 { $most }. Requests: { $count }.
chart-parts-summary = { $total } in all: { $parts }.
chart-part = { $name } { $count }
chart-no-part = none
chart-and = {", "}
chart-at = { $when }: { $said }
chart-gap = Not measured
chart-nothing = Nothing was measured in this time.
chart-table = Show as a table
chart-caption-hours = { $title }, by the hour in UTC, newest first
chart-caption-days = { $title }, by the day in UTC, newest first
chart-when = From
chart-total = In all
chart-none = –
chart-time = { $day }, { $time }
chart-day = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
 } { $day }
chart-day-short = { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
 } { $day }
