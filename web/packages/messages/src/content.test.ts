import { describe, expect, it } from 'vitest';
import { isEmojiOnly } from './emoji';
import { linkify } from './linkify';
import type { Attachment, Content } from './types';
import { fileSize, previewOf, shapeOf, shownSize } from './words';

const hrefs = (text: string) => linkify(text).flatMap((piece) => (piece.href === null ? [] : [piece.href]));
const attachment = (over: Partial<Attachment> = {}): Attachment => ({
  id: 'a', name: 'plan.pdf', media_type: 'application/pdf', size: 1_234_567, width: null, height: null, url: '/m/a', preview_url: null, ...over,
});

describe('links', () => {
  it('leaves the punctuation of the sentence outside', () => {
    expect(linkify('Voir https://shop.example/a?b=1, merci.')).toEqual([
      { text: 'Voir ', href: null },
      { text: 'https://shop.example/a?b=1', href: 'https://shop.example/a?b=1' },
      { text: ', merci.', href: null },
    ]);
    expect(hrefs('(see https://en.wikipedia.org/wiki/Slipper_(shoe))')).toEqual(['https://en.wikipedia.org/wiki/Slipper_(shoe)']);
    expect(hrefs('www.shop.example\u202f!')).toEqual(['https://www.shop.example/']);
  });

  it('makes no link of anything that could run or deceive', () => {
    for (const text of ['javascript:alert(1)', 'data:text/html,x', 'http://', 'https://x', 'ftp://a.example', '//a.example']) {
      expect(hrefs(text)).toEqual([]);
    }
    expect(hrefs('https://good.example/\u202egpj.exe')).toEqual(['https://good.example/']);
  });

  it('links mail addresses', () => {
    expect(hrefs('Écrivez à anne.le-goff@comfy-shoes.example.')).toEqual(['mailto:anne.le-goff@comfy-shoes.example']);
  });

  it('gives back every character, in order, and stays quick on a long line', () => {
    const texts = ['a'.repeat(100_000), '@'.repeat(50_000), 'https://'.repeat(10_000), 'a.b@'.repeat(20_000), '((((https://a.example))))'];
    const started = performance.now();
    for (const text of texts) expect(linkify(text).map((piece) => piece.text).join('')).toBe(text);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe('emoji alone are large', () => {
  it('knows them from words and figures', () => {
    for (const text of ['👍', '❤️', '👩‍👩‍👧', '🇫🇷', '🙏🏽 🙂', '🏴󠁧󠁢󠁳󠁣󠁴󠁿']) expect(isEmojiOnly(text), text).toBe(true);
    for (const text of ['', ' ', '12', '#', 'ok 👍', '👍👍👍👍', 'a']) expect(isEmojiOnly(text), text).toBe(false);
  });
});

describe('words about contents', () => {
  it('speaks both languages', () => {
    expect(fileSize(1_234_567, 'en')).toBe('1.2 MB');
    expect(fileSize(1_234_567, 'fr').replace(/\s/gu, ' ')).toBe('1,2 Mo');
    const photo: Content = { type: 'image', attachment: attachment(), text: 'Le talon\n est usé' };
    expect(previewOf(photo, 'fr')).toBe('Photo · Le talon est usé');
    expect(previewOf({ type: 'file', attachment: attachment(), text: '' }, 'en')).toBe('plan.pdf');
    expect(shapeOf({ type: 'text', text: '👍' })).toBe('emoji');
    expect(shapeOf({ type: 'unsupported', summary: '' })).toBe('card');
  });

  it('reserves the place of a picture before it is there', () => {
    expect(shownSize(attachment({ width: 4000, height: 3000 }))).toEqual({ width: 280, height: 210 });
    expect(shownSize(attachment({ width: 30, height: 10 }))).toEqual({ width: 72, height: 56 });
    expect(shownSize(attachment())).toEqual({ width: 240, height: 180 });
  });
});
