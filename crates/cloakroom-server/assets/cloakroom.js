// A browser may keep a page it leaves, whole, and show it again on "back" without asking, even one that is not to be stored.
// A page of a session is hidden when it is left, and asked for anew when it comes back: by then the session may have ended.
addEventListener("pagehide", () => {
  document.documentElement.hidden = true;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

addEventListener("DOMContentLoaded", () => {
  for (const time of document.querySelectorAll("time[title]")) time.title = local(new Date(time.dateTime), true);
  for (const time of document.querySelectorAll("time.clock")) time.textContent = local(new Date(time.dateTime), false);
  const dialog = document.getElementById("leaving");
  if (dialog) watch(dialog);
});

// In the page's language and the browser's time zone; the date only where it is asked for or not today's.
function local(time, dated) {
  const style = { timeStyle: "short" };
  if (dated || time.toDateString() !== new Date().toDateString()) style.dateStyle = "long";
  return new Intl.DateTimeFormat(document.documentElement.lang, style).format(time);
}

const SECOND = 1000;
// Timers of a machine that slept are late, and a browser takes none that is longer than 24 days.
const LONGEST_WAIT = 600 * SECOND;

// How long before a session ends for lack of use its owner is warned: time enough to answer (WCAG 2.2.1 asks for 20 seconds), as far
// as the timeout has it.
function warningTime(timeout) {
  return Math.min(Math.max(20 * SECOND, Math.min(120 * SECOND, timeout / 10)), timeout / 2);
}

// Warns before the session of this page ends, closes the warning where it was answered in another tab, and leads to the login page
// once it has ended. The server is asked, which is no use of the session; a server that cannot be asked means nothing.
function watch(dialog) {
  const tabs = new BroadcastChannel("cloakroom");
  const [stay] = dialog.getElementsByTagName("button");
  const [until] = dialog.getElementsByTagName("time");
  let timer;

  const lookIn = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(look, Math.min(Math.max(wait, SECOND), LONGEST_WAIT));
  };
  const leave = () => location.replace(dialog.dataset.after);

  async function ask(path) {
    try {
      const answer = await fetch(path, { cache: "no-store" });
      if (answer.status === 401) leave();
      return answer.ok ? answer : undefined;
    } catch {
      return undefined;
    }
  }

  async function look() {
    const answer = await ask("/api/v1/session");
    if (!answer) return lookIn(5 * SECOND);
    const { session } = await answer.json();
    const now = Date.parse(answer.headers.get("date")); // this machine's clock may be wrong
    const [idle, end, used] = ["idle_expires_at", "absolute_expires_at", "last_seen_at"].map((key) => Date.parse(session[key]));
    if (!(idle < end)) {
      dialog.close(); // no use puts it off
      return lookIn(end - now);
    }
    const left = idle - now;
    const warning = warningTime(idle - used);
    if (left > warning) {
      dialog.close();
      return lookIn(left - warning);
    }
    until.textContent = local(new Date(Date.now() + left), false);
    if (!dialog.open) dialog.showModal();
    lookIn(Math.min(left, 5 * SECOND));
  }

  async function use() {
    dialog.close();
    await ask("/api/v1/sessions?limit=1");
    tabs.postMessage("used");
    lookIn(2 * SECOND); // another instance may have to be told first
  }

  stay.addEventListener("click", use);
  // Whoever presses Escape is there.
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    use();
  });
  tabs.addEventListener("message", look);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look();
  });
  const { left, timeout } = dialog.dataset;
  lookIn(timeout ? left - warningTime(Number(timeout)) : Number(left));
}
