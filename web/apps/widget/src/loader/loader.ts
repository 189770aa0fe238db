import { CLOSE, CSS, OPEN, STRINGS } from './look';

/** Written by the server in place of the name. */
interface Settings {
  inbox_id: string;
  /** Origin of the program, without a slash at its end. */
  host: string;
  name: string;
  /** `#rrggbb` */
  colour?: string | null;
  position?: 'left' | 'right' | null;
  /** Words on the button; without them it is round. */
  launcher?: string | null;
  locale?: string | null;
}

declare const __COMPTOIR_SETTINGS__: Settings;

type Command = 'open' | 'close' | 'toggle';

function start(): void {
  const settings = __COMPTOIR_SETTINGS__;
  const slot = window as unknown as { Comptoir?: { push?: unknown; open?: unknown } | Command[][] };
  const early = slot.Comptoir;
  // The script stands in the page twice.
  if (early && typeof (early as { open?: unknown }).open === 'function') return;

  const page = document.documentElement;
  const wish = (settings.locale || page.lang || navigator.language).slice(0, 2).toLowerCase();
  const words = STRINGS[wish === 'fr' ? 'fr' : 'en'];
  const phone = matchMedia('(max-width: 560px), (max-height: 480px)');
  const kept = `comptoir:${settings.inbox_id}:open`;
  let frame: HTMLIFrameElement | null = null;
  let isOpen = false;
  let ready = false;
  let wantsFocus = false;
  let unread = 0;

  const host = document.createElement('comptoir-widget');
  // Set through the object model, which no content policy forbids, and beyond the reach of the page's own rules.
  host.style.cssText =
    'all:initial!important;position:fixed!important;z-index:2147483000!important;inset:auto!important;width:0!important;height:0!important;display:block!important';
  const root = host.attachShadow({ mode: 'open' });
  dress(root);

  const launcher = document.createElement('button');
  launcher.type = 'button';
  launcher.className = `l${settings.position === 'left' ? ' left' : ''}`;
  launcher.dataset.testid = 'launcher';
  launcher.setAttribute('aria-haspopup', 'dialog');
  const icon = picture();
  const label = document.createElement('span');
  label.className = 't';
  label.textContent = settings.launcher || '';
  label.hidden = !settings.launcher;
  const badge = document.createElement('span');
  badge.className = 'b';
  badge.hidden = true;
  badge.dataset.testid = 'launcher-unread';
  launcher.append(icon.svg, label, badge);
  const [fill, ink] = colours(settings.colour);
  launcher.style.setProperty('--c', fill);
  launcher.style.setProperty('--i', ink);

  const panel = document.createElement('div');
  panel.className = `p${settings.position === 'left' ? ' left' : ''}`;
  panel.hidden = true;
  panel.setAttribute('role', 'dialog');
  panel.setAttribute('aria-label', words.title + settings.name);
  root.append(panel, launcher);

  function show(): void {
    icon.draw(isOpen ? CLOSE : OPEN);
    launcher.setAttribute('aria-expanded', String(isOpen));
    launcher.setAttribute(
      'aria-label',
      isOpen ? words.close : (settings.launcher || words.open) + (unread ? `, ${unread} ${words.unread}` : ''),
    );
    badge.hidden = isOpen || unread === 0;
    badge.textContent = unread > 9 ? '9+' : String(unread);
    panel.hidden = !isOpen;
    launcher.classList.toggle('open', isOpen);
    fit();
  }

  /** The frame is asked for at the first opening, and never before. */
  function load(): void {
    if (frame) return;
    frame = document.createElement('iframe');
    frame.title = words.title + settings.name;
    frame.allow = 'clipboard-write';
    frame.src = `${settings.host}/widget/frame/${settings.inbox_id}#origin=${encodeURIComponent(location.origin)}&language=${encodeURIComponent(page.lang)}`;
    panel.append(frame);
  }

  function tell(word: object): void {
    if (ready) frame?.contentWindow?.postMessage(word, settings.host);
  }

  function open(focus = true): void {
    isOpen = true;
    wantsFocus = focus;
    load();
    show();
    keep('1');
    place();
    greet();
  }

  function greet(): void {
    if (!isOpen || !ready) return;
    context();
    if (wantsFocus) frame?.focus();
    // On a phone the keyboard would cover the conversation that is just being opened.
    tell({ comptoir: 'open', focus: wantsFocus && !phone.matches });
    wantsFocus = false;
  }

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    tell({ comptoir: 'close' });
    show();
    keep('');
    launcher.focus({ preventScroll: true });
  }

  function toggle(): void {
    if (isOpen) close();
    else open();
  }

  function context(): void {
    const referrer = document.referrer.slice(0, 2000);
    tell({ comptoir: 'context', context: { url: location.href.slice(0, 2000), title: document.title.slice(0, 300), referrer } });
  }

  /** An opened panel stays open from page to page of one tab. */
  function keep(value: string): void {
    try {
      sessionStorage.setItem(kept, value);
    } catch {
      // Denied: each page starts closed.
    }
  }

  /** On a phone the panel fills what the keyboard leaves. */
  function fit(): void {
    const view = window.visualViewport;
    const whole = isOpen && phone.matches && view;
    panel.style.height = whole ? `${view.height}px` : '';
    panel.style.top = whole ? `${view.offsetTop}px` : '';
  }

  const TAKEN = 'a[href],button,input,select,textarea,summary,[role=button],[role=link]';

  /** Something of the page that the button would cover: a control, or a bar that stays at the foot of the screen. */
  function covers(x: number, y: number): boolean {
    for (const found of document.elementsFromPoint(x, y)) {
      if (found === host || found === page || found === document.body) continue;
      if (found.closest(TAKEN)) return true;
      for (let up: Element | null = found; up && up !== document.body; up = up.parentElement) {
        const { position } = getComputedStyle(up);
        if (position === 'fixed' || position === 'sticky') return up.getBoundingClientRect().top > innerHeight / 2;
      }
    }
    return false;
  }

  /** On a phone the button steps up until the shop's own buttons are free; if none of four places is, it stays. */
  function place(): void {
    if (isOpen || !phone.matches) {
      launcher.style.setProperty('--up', '0px');
      return;
    }
    const { left, right, width } = launcher.getBoundingClientRect();
    const foot = innerHeight - 16 - width;
    for (let up = 0; up <= 192; up += 64) {
      const top = foot - up;
      const free = [left, (left + right) / 2, right - 1].every((x) =>
        [top, top + width / 2, top + width - 1].every((y) => !covers(x, y)),
      );
      if (free) {
        launcher.style.setProperty('--up', `${up}px`);
        return;
      }
    }
    launcher.style.setProperty('--up', '0px');
  }

  let settle = 0;
  function later(): void {
    clearTimeout(settle);
    settle = window.setTimeout(place, 160);
  }

  launcher.onclick = toggle;
  panel.onkeydown = launcher.onkeydown = (event) => {
    if (event.key === 'Escape') close();
  };
  phone.addEventListener('change', later);
  addEventListener('scroll', later, { passive: true, capture: true });
  addEventListener('resize', later);
  window.visualViewport?.addEventListener('resize', fit);
  window.visualViewport?.addEventListener('scroll', fit);
  addEventListener('message', (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== settings.host) return;
    const { comptoir, unread: count } = (event.data || {}) as { comptoir?: string; unread?: number };
    if (comptoir === 'ready') {
      ready = true;
      greet();
    } else if (comptoir === 'close') close();
    else if (comptoir === 'context') context();
    else if (comptoir === 'unread') {
      unread = Number(count) || 0;
      show();
    }
  });

  show();
  document.body.append(host);
  later();
  const act = (command: unknown): void => {
    if (command === 'open') open();
    else if (command === 'close') close();
    else if (command === 'toggle') toggle();
  };
  slot.Comptoir = {
    open,
    close,
    toggle,
    push: ([command]: Command[]) => act(command),
  } as unknown as Command[][];
  let again: string | null = null;
  try {
    again = sessionStorage.getItem(kept);
  } catch {
    // As in `keep`.
  }
  if (again && !phone.matches) open(false);
  if (Array.isArray(early)) for (let index = 0; index < early.length; index += 1) act(early[index]?.[0]);
}

/** Constructed sheets are not inline styles, so a strict content policy lets them be. */
function dress(root: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const style = document.createElement('style');
    style.textContent = CSS;
    root.append(style);
  }
}

function picture(): { svg: SVGElement; draw(path: string): void } {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  const path = document.createElementNS(space, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(path);
  return { svg, draw: (d) => path.setAttribute('d', d) };
}

/** The business's colour, and black or white on it, whichever is read more easily. */
function colours(colour?: string | null): [string, string] {
  const hex = /^#[0-9a-f]{6}$/i.test(colour || '') ? (colour as string) : '#1e5b49';
  const [r, g, b] = [1, 3, 5].map((at) => (parseInt(hex.slice(at, at + 2), 16) / 255) ** 2.2) as [number, number, number];
  return [hex, 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.4 ? '#1b211f' : '#fff'];
}

if (document.body) start();
else addEventListener('DOMContentLoaded', start);
