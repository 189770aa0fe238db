import './base.css';
import { mount } from 'svelte';
import { palette } from '../core/colour';
import { catalogue, chooseLocale, translator } from '../i18n';
import App from './App.svelte';
import { openBridge } from './bridge';
import { chooseKeeping } from './keeping';
import { readSettings } from './settings';

const settings = readSettings(document.body);
const scheme = matchMedia('(prefers-color-scheme: dark)');

/** The business's colour is corrected against the paper of the moment. */
function paint(): void {
  const style = document.documentElement.style;
  const paper = getComputedStyle(document.documentElement).getPropertyValue('--paper');
  const { fill, onFill, against, accent } = palette(settings.colour, paper);
  style.setProperty('--fill', fill);
  style.setProperty('--on-fill', onFill);
  style.setProperty('--against', against);
  style.setProperty('--accent', accent);
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', fill);
}
scheme.addEventListener('change', paint);
paint();

let hear: Parameters<typeof openBridge>[0] = () => undefined;
const keeping = chooseKeeping(settings.inbox_id, () => bridge);
const bridge = openBridge((word) => {
  keeping.hear(word);
  hear(word);
});
const locale = chooseLocale([settings.locale, bridge.language, ...(settings.mode === 'page' ? navigator.languages : []), navigator.language]);

async function start(): Promise<void> {
  // The token, the queue and the draft are there before anything is drawn or sent.
  const [texts, kept] = await Promise.all([catalogue(locale), keeping.open()]);
  const t = translator(texts);
  document.documentElement.lang = locale;
  document.title = t('title', { name: settings.name });
  const app = mount(App, { target: document.body, props: { settings, bridge, keeping: kept, locale, t } });
  hear = app.hear;
  bridge.tell({ comptoir: 'ready' });
}

void start();
