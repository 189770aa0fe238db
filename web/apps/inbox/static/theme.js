// Runs before the first paint, so that a dark room is not lit by a white page.
(function () {
  var theme = null;
  try {
    theme = localStorage.getItem('comptoir.theme');
  } catch {
    // Storage is closed in some private windows; the system's theme is used then.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();
