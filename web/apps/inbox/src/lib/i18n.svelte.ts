import type en from '../i18n/en.json';
import type { Locale } from '@comptoir/client';

export type Key = keyof typeof en;
type Catalogue = Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>;
type Values = Record<string, string | number>;

const LOADERS: Record<Locale, () => Promise<{ default: unknown }>> = {
  en: () => import('../i18n/en.json'),
  fr: () => import('../i18n/fr.json'),
};

const STORED = 'comptoir.locale';

function preferred(): Locale {
  try {
    const stored = localStorage.getItem(STORED);
    if (stored === 'en' || stored === 'fr') return stored;
  } catch {
    // Storage is closed; the browser's languages decide.
  }
  const first = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === 'en' || tag === 'fr');
  return first ?? 'en';
}

class Language {
  locale = $state<Locale>(preferred());
  private catalogue = $state.raw<Catalogue>({});

  /** Loads a language and makes it the page's; remembered for the next visit's sign-in page. */
  async use(locale: Locale): Promise<void> {
    const loaded = await LOADERS[locale]();
    this.catalogue = loaded.default as Catalogue;
    this.locale = locale;
    document.documentElement.lang = locale;
    try {
      localStorage.setItem(STORED, locale);
    } catch {
      // It is asked again next time.
    }
  }

  /** A sentence. `{name}` is replaced; where the catalogue has plural forms, `n` chooses among them. */
  say(key: Key, values: Values = {}): string {
    const entry = this.catalogue[key] ?? key;
    const form = typeof entry === 'string' ? entry : (entry[this.rules.select(Number(values.n))] ?? entry.other ?? key);
    return form.replace(/\{(\w+)\}/g, (_, name: string) => this.shown(values[name]));
  }

  private rules = $derived(new Intl.PluralRules(this.locale));
  private numbers = $derived(new Intl.NumberFormat(this.locale));

  private shown(value: string | number | undefined): string {
    return typeof value === 'number' ? this.numbers.format(value) : (value ?? '');
  }
}

export const language = new Language();
export const t = (key: Key, values?: Values): string => language.say(key, values);
