import { expect, it } from 'vitest';
import { chooseLocale, translator } from '.';
import en from './en.json';
import fr from './fr.json';

const braces = (text: string) => [...text.matchAll(/\{(\w+)\}/gu)].map((match) => match[1]).sort();

it('says everything in both languages, with the same values', () => {
  expect(Object.keys(fr)).toEqual(Object.keys(en));
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    expect(braces(fr[key]), key).toEqual(braces(en[key]));
    expect(fr[key], key).not.toMatch(/[^\u202f\u00a0\s{}0-9][:;!?]|'/u);
  }
});

it('speaks the first language it knows', () => {
  expect(chooseLocale([null, 'de-AT', 'fr-CA', 'en'])).toBe('fr');
  expect(chooseLocale([undefined, 'pt'])).toBe('en');
  expect(translator(fr)('typing', { name: 'Zoé' })).toBe('Zoé écrit');
});
