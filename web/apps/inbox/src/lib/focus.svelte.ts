/** Whether a person can be looking at this page: it is visible and its window has the focus. */
class Attention {
  here = $state(document.visibilityState === 'visible' && document.hasFocus());

  constructor() {
    const look = () => (this.here = document.visibilityState === 'visible' && document.hasFocus());
    window.addEventListener('focus', look);
    window.addEventListener('blur', look);
    document.addEventListener('visibilitychange', look);
  }
}

export const attention = new Attention();
