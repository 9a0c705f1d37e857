// A browser may keep a page it leaves, whole, and show it again on "back" without asking, even one that is not to be stored.
// A page of a session is hidden when it is left, and asked for anew when it comes back: by then the session may have ended.
addEventListener("pagehide", () => {
  document.documentElement.hidden = true;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
