import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import en from '../src/i18n/en.json';
import fr from '../src/i18n/fr.json';

type Entry = string | Record<string, string>;
const catalogues: Record<string, Record<string, Entry>> = { en, fr };
const forms = (entry: Entry): string[] => (typeof entry === 'string' ? [entry] : Object.values(entry));
const names = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? ''))].sort();

function sources(folder: string): string {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'i18n' ? '' : sources(path);
      return /\.(svelte|ts)$/.test(entry.name) ? readFileSync(path, 'utf8') : '';
    })
    .join('\n');
}

describe('the catalogues', () => {
  it('have the same keys, in the same order', () => {
    expect(Object.keys(fr)).toEqual(Object.keys(en));
  });

  it.each(Object.keys(en))('%s takes the same values in both languages', (key) => {
    const wanted = names(forms(catalogues['en']?.[key] ?? '').join(' '));
    expect(names(forms(catalogues['fr']?.[key] ?? '').join(' '))).toEqual(wanted);
  });

  it('French sets a narrow no-break space before its tall signs', () => {
    const wrong = Object.values(fr as Record<string, Entry>).flatMap(forms).filter((text) => /[^\u202f][:;!?»]|«[^\u202f]/.test(text.replace(/^:|:\/\//g, '\u202f:')));
    expect(wrong).toEqual([]);
  });

  it('speak without exclamation marks', () => {
    const loud = [en, fr].flatMap((one) => Object.values(one as Record<string, Entry>).flatMap(forms)).filter((text) => text.includes('!'));
    expect(loud).toEqual([]);
  });

  it('hold nothing that no page says', () => {
    const code = sources(new URL('../src', import.meta.url).pathname);
    const said = (key: string) => {
      const stem = key.slice(0, key.lastIndexOf('.') + 1);
      const built = [`\`${stem}\${`, `\`${key.split('.').slice(0, 2).join('.')}.\${`];
      const middle = key.replace(/^(list\.empty\.)\w+(.*)$/, '`$1${view}$2`');
      return code.includes(`'${key}'`) || code.includes(middle) || built.some((start) => code.includes(start));
    };
    expect(Object.keys(en).filter((key) => !said(key))).toEqual([]);
  });
});
