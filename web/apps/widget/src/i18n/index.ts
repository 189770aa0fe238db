import type { Locale } from '@comptoir/messages';
import en from './en.json';
import fr from './fr.json';

export type Key = keyof typeof en;
export type Translate = (key: Key, values?: Record<string, string | number>) => string;

/** The first of the wishes that we speak; a wish is a language tag such as `fr-CA`. */
export function chooseLocale(wishes: readonly (string | null | undefined)[]): Locale {
  for (const wish of wishes) {
    const language = wish?.slice(0, 2).toLowerCase();
    if (language === 'fr' || language === 'en') return language;
  }
  return 'en';
}

export function translator(locale: Locale): Translate {
  const catalogue: Record<Key, string> = locale === 'fr' ? fr : en;
  return (key, values = {}) => catalogue[key].replace(/\{(\w+)\}/gu, (whole, name: string) => String(values[name] ?? whole));
}
