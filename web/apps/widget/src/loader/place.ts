const CONTROLS = 'a,button,input,select,textarea,summary,[role=button]';

/** Something of the page's that stands at a point: a control, or a bar that stays at the foot of the screen. */
function isTaken(x: number, y: number, own: Element): boolean {
  return document.elementsFromPoint(x, y).some((found) => {
    if (found === own) return false;
    if (found.closest(CONTROLS)) return true;
    for (let up: Element | null = found; up; up = up.parentElement) {
      if (/fixed|sticky/.test(getComputedStyle(up).position)) return up.getBoundingClientRect().top > innerHeight / 2;
    }
    return false;
  });
}

/** How many pixels the button must rise to cover none of the page's own; 0 when none of four places is free. */
export function freePlace(button: HTMLElement, own: Element): number {
  const { left, width } = button.getBoundingClientRect();
  const steps = [0, 0.5, 1].map((part) => part * (width - 1));
  for (let up = 0; up <= 192; up += 64) {
    const top = innerHeight - 16 - width - up;
    if (!steps.some((x) => steps.some((y) => isTaken(left + x, top + y, own)))) return up;
  }
  return 0;
}
