import type { Locale } from '@comptoir/messages';
import type en from './en.json';

export type Key = keyof typeof en;
export type Catalogue = Record<Key, string>;
export type Translate = (key: Key, values?: Record<string, string | number>) => string;

/** The first of the wishes that we speak; a wish is a language tag such as `fr-CA`. */
export function chooseLocale(wishes: readonly (string | null | undefined)[]): Locale {
  for (const wish of wishes) {
    const language = wish?.slice(0, 2).toLowerCase();
    if (language === 'fr' || language === 'en') return language;
  }
  return 'en';
}

/** Only the language that is spoken is fetched. */
export async function catalogue(locale: Locale): Promise<Catalogue> {
  return (await (locale === 'fr' ? import('./fr.json') : import('./en.json'))).default;
}

export function translator(words: Catalogue): Translate {
  return (key, values = {}) => words[key].replace(/\{(\w+)\}/gu, (whole, name: string) => String(values[name] ?? whole));
}
