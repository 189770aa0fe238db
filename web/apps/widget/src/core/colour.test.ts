import { expect, it } from 'vitest';
import { contrast, palette, parseColour } from './colour';
import { characters } from './files';

const rgb = (text: string) => parseColour(text) as NonNullable<ReturnType<typeof parseColour>>;

it('makes every colour of a business readable, on light paper and on dark', () => {
  const steps = [0, 51, 102, 153, 204, 255];
  for (const paper of ['#fbf9f4', '#151917']) {
    for (const r of steps) for (const g of steps) for (const b of steps) {
      const given = `#${[r, g, b].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
      const { fill, onFill, accent } = palette(given, paper);
      expect(contrast(rgb(onFill), rgb(fill)), `${given} on ${paper}`).toBeGreaterThanOrEqual(4.5);
      expect(contrast(rgb(accent), rgb(paper)), `${given} on ${paper}`).toBeGreaterThanOrEqual(4.5);
    }
  }
});

it('keeps a colour that is readable already, and takes the house’s for what is none', () => {
  expect(palette('#1d4e6b', '#fbf9f4')).toEqual({ fill: '#1d4e6b', onFill: '#ffffff', against: '#000000', accent: '#1d4e6b' });
  expect(palette('red; background:url(x)', '#fbf9f4').fill).toBe('#1e5b49');
});

it('counts characters as the server does', () => {
  expect([characters(''), characters('été'), characters('👍🏽'), characters('a\ud83d')]).toEqual([0, 3, 2, 2]);
});
