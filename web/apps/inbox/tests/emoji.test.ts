import { expect, it } from 'vitest';
import { findEmoji } from '../src/lib/emoji';

it('emoji are found by words of both languages, with or without accents', () => {
  const found = (query: string) => findEmoji(query).map((emoji) => emoji.symbol);
  expect(found('merci')).toContain('🙏');
  expect(found('thank')).toContain('🙏');
  expect(found('étoile')).toContain('⭐');
  expect(found('coeur bleu')).toEqual(['💙']);
  expect(found('zzz')).toEqual([]);
});
