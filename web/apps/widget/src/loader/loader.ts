import { keep, lend } from './lend';
import { CLOSE, CSS, ENGLISH, FRENCH, HOST, OPEN } from './look';
import { freePlace } from './place';

/** Written by the server in place of the name. */
interface Settings {
  inbox_id: string;
  /** Origin of the program, without a slash at its end. */
  host: string;
  /** The business's name. */
  name: string;
  /** `#rrggbb` */
  colour?: string | null;
  position?: string | null;
  locale?: string | null;
}

declare const __COMPTOIR_SETTINGS__: Settings;

type Command = [name: string];
interface Comptoir {
  open(): void;
  close(): void;
  toggle(): void;
  /** `Comptoir.push(['open'])`, also before the script is there: then `Comptoir` is a plain array. */
  push(command: Command): void;
}

const { inbox_id, host, name, colour, position, locale } = __COMPTOIR_SETTINGS__;
const slot = window as unknown as { Comptoir?: Comptoir | Command[] };
const prefix = `comptoir:${inbox_id}:`;
const page = document.documentElement;
const [wordOpen, wordClose, wordTitle, wordUnread] = /^fr/i.test(locale || page.lang || navigator.language) ? FRENCH : ENGLISH;
const title = wordTitle + name;
const phone = matchMedia('(max-width:560px),(max-height:480px)');
const view = visualViewport as VisualViewport;
const element = document.createElement('comptoir-widget');
const whole = make('div', `w ${position}`);
const launcher = make('button', 'l');
const badge = make('span', 'b');
const panel = make('div', 'p');
const path = drawing('path');
let frame: HTMLIFrameElement | undefined;
let isOpen = false;
let ready = false;
let wantsFocus = false;
let unread = 0;
let settling: ReturnType<typeof setTimeout>;

function make<Name extends keyof HTMLElementTagNameMap>(tag: Name, className = ''): HTMLElementTagNameMap[Name] {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}

function drawing(tag: string): Element {
  return document.createElementNS('http://www.w3.org/2000/svg', tag);
}

/** Storage may be denied; then each page starts closed. */
function remembered(value?: string): string | null | undefined {
  const key = prefix + 'open';
  try {
    if (value === undefined) return sessionStorage.getItem(key);
    sessionStorage.setItem(key, value);
  } catch {
    return null;
  }
}

function show(): void {
  path.setAttribute('d', isOpen ? CLOSE : OPEN);
  launcher.ariaExpanded = `${isOpen}`;
  launcher.ariaLabel = isOpen ? wordClose : wordOpen + (unread ? `, ${unread} ${wordUnread}` : '');
  launcher.hidden = isOpen && phone.matches;
  badge.hidden = isOpen || !unread;
  badge.textContent = unread > 9 ? '9+' : `${unread}`;
  panel.hidden = !isOpen;
  fit();
  later();
}

/** On a phone the panel fills what the keyboard leaves. */
function fit(): void {
  const full = isOpen && phone.matches;
  panel.style.cssText = full ? `height:${view.height}px;top:${view.offsetTop}px` : '';
}

/** On a phone the button steps out of the way of the shop's own, once the page has come to rest. */
function later(): void {
  clearTimeout(settling);
  settling = setTimeout(() => {
    if (!isOpen) launcher.style.setProperty('--up', `${phone.matches ? freePlace(launcher, element) : 0}px`);
  }, 160);
}

function tell(comptoir: string, more?: object): void {
  frame?.contentWindow?.postMessage({ comptoir, ...more }, host);
}

function tellContext(): void {
  const { title, referrer } = document;
  tell('context', { context: { url: location.href, title, referrer } });
}

function greet(): void {
  if (!isOpen || !ready) return;
  tellContext();
  if (wantsFocus) frame?.focus();
  // On a phone the keyboard would cover the conversation that is just being opened.
  tell('open', { focus: wantsFocus && !phone.matches });
}

function set(open: boolean, focus = true): void {
  if (open === isOpen) return;
  isOpen = open;
  wantsFocus = focus;
  // An opened panel stays open from page to page of one tab.
  remembered(open ? '1' : '');
  // The frame is asked for at the first opening, and never before.
  if (!frame) {
    frame = make('iframe');
    frame.title = title;
    frame.src = `${host}/widget/frame/${inbox_id}#origin=${location.origin}&language=${page.lang}`;
    panel.append(frame);
  }
  show();
  if (open) greet();
  else {
    if (ready) tell('close');
    launcher.focus();
  }
}

const api: Comptoir = {
  open: () => set(true),
  close: () => set(false),
  toggle: () => set(!isOpen),
  push([command]) {
    if (/^(open|close|toggle)$/.test(command)) api[command as 'open']();
  },
};

/** Only the frame that was made here, from the origin it was asked for, is heard. */
function hear({ source, origin, data }: MessageEvent): void {
  if (!frame || source !== frame.contentWindow || origin !== host || !data) return;
  switch (data.comptoir) {
    case 'ready':
      ready = true;
      greet();
      break;
    case 'close':
      api.close();
      break;
    case 'context':
      tellContext();
      break;
    case 'unread':
      unread = +data.unread || 0;
      show();
      break;
    case 'lend':
      tell('lent', { entries: lend(prefix) });
      break;
    case 'keep':
      keep(prefix, data.key, data.value);
  }
}

/** What the page's other tabs put on the shelf. */
function hearTabs({ key, newValue }: StorageEvent): void {
  if (key?.startsWith(prefix)) tell('stored', { key: key.slice(prefix.length), now: newValue });
}

/** The business's colour, and on it dark or white, whichever is read more easily. */
function paint(): void {
  const fill = colour || '#1e5b49';
  const light = (at: number) => (parseInt(fill.slice(at, at + 2), 16) / 255) ** 2.2;
  const isLight = 0.2126 * light(1) + 0.7152 * light(3) + 0.0722 * light(5) > 0.4;
  launcher.style.cssText = `--c:${fill};--i:${isLight ? '#1b211f' : '#fff'}`;
}

/** Constructed sheets are not inline styles, so a strict content policy lets them be. */
function dress(root: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const style = make('style');
    style.textContent = CSS;
    root.append(style);
  }
}

function build(): void {
  const root = element.attachShadow({ mode: 'open' });
  const svg = drawing('svg');
  element.style.cssText = HOST;
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.append(path);
  launcher.append(svg, badge);
  panel.role = 'dialog';
  panel.ariaLabel = title;
  whole.append(panel, launcher);
  paint();
  dress(root);
  root.append(whole);
}

function listen(): void {
  launcher.onclick = api.toggle;
  whole.onkeydown = (event) => {
    if (event.key === 'Escape') api.close();
  };
  phone.onchange = show;
  addEventListener('scroll', later, true);
  addEventListener('resize', later);
  view.addEventListener('resize', fit);
  view.addEventListener('scroll', fit);
  addEventListener('message', hear);
  addEventListener('storage', hearTabs);
}

function start(): void {
  const early = slot.Comptoir;
  // The script may stand in the page twice.
  if (early && 'toggle' in early) return;
  slot.Comptoir = api;
  build();
  show();
  listen();
  document.body.append(element);
  if (remembered() && !phone.matches) set(true, false);
  early?.forEach?.(api.push);
}

if (document.body) start();
else addEventListener('DOMContentLoaded', start);
